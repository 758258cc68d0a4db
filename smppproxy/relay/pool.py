"""The binds of one provider: which of them takes the next submit, and why one does not.

A bind that stands is in :attr:`Pool.bound`; it is in :attr:`Pool.binds` if the operator lets it
take submits (see ``routing.states``), and in :attr:`Pool.open` if its host neither rests (SX-22)
nor is ejected (``routing.outliers``). What is ejected is used all the same while nothing else is
bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from smppproxy.relay.backlog import Backlog
from smppproxy.relay.health import Health
from smppproxy.relay.peers import Upstream
from smppproxy.relay.speed import Speed
from smppproxy.relay.via import Via
from smppproxy.routing.outliers import FAILURES, Outliers
from smppproxy.routing.providers import Provider
from smppproxy.routing.states import UP

if TYPE_CHECKING:
    from smppproxy.relay.hop import HopMessage
    from smppproxy.relay.submission import Submit

RUN = 8
"""Submits that go to one bind before the next bind's turn: one write carries them all, and a
hundred submits over two hosts still split evenly (GW-03)."""

TOLD = {"isolate": "is isolated", "drain": "is drained", "down": "is taken down"}
"""Why a place takes no submit that somebody wants to be so."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds for which a host that wants fewer submits is sent none, doubling (SX-22)."""

LOST_WITHIN = 1.0
"""Seconds within which the binds of one host are lost together."""

TRIAL = 1
"""Window of the binds of a host that is on trial."""

State = Callable[[str, str, str], str]
"""The state that is wanted of (provider, host, bind)."""

Notice = Callable[[str, str, str, Any], object]
"""Told of an event: its name, the provider, the host, and what else there is to say."""


class Pause:
    """A host that is sent nothing for a while (SX-22); it stays, with its delay, until it is good.

    :ivar until: monotonic seconds.
    :ivar delay: seconds of the last pause, which the next one doubles; 0 after an ESME_ROK.
    """

    __slots__ = ("delay", "until")

    def __init__(self) -> None:
        self.delay = 0.0
        self.until = 0.0


def bind_of(upstream: Upstream) -> str:
    """The bind's own part of its name: ``1`` of ``acme/a/1``."""
    return upstream.name.rpartition("/")[2]


class Pool:
    """The binds of one provider that take submits, and the submits waiting for room in a window.

    :ivar bound: all that stand and could take submits.
    :ivar binds: those of them that may.
    :ivar own: how many of these are of this node's own; the others lead over another node, and are
        among them only when there is none of its own.
    :ivar open: those of them whose host is not left alone.
    :ivar pauses: of hosts that asked for one and have not been good since.
    :ivar resting: hosts that are paused at this moment.
    :ivar outliers: which hosts fail.
    :ivar limited: the last one that looked for a bind was refused by the provider's rate.
    :ivar speed: how fast it is sent to.
    """

    def __init__(
        self,
        provider: Provider,
        state: State = lambda provider, host, bind: UP,
        notice: Notice = lambda event, provider, host, more: None,
        shared: bool = False,
    ) -> None:
        """
        :param shared: the provider's ``tps`` is shared with other nodes, see ``Speed.grant``.
        """
        self.bound: list[Upstream] = []
        self.binds: list[Upstream] = []
        self.own = 0
        self.open: list[Upstream] = []
        self.backlog = Backlog()
        self.pauses: dict[str, Pause] = {}
        self.resting: set[str] = set()
        self.outliers = Outliers()
        self.limited = False
        self.speed = Speed(provider, shared)
        self._candidates: list[Upstream] = []
        self._lost: dict[str, float] = {}
        self._turn = 0
        self._run = 0
        self._state = state
        self._notice = notice
        self.provider = provider

    # -- who is bound ---------------------------------------------------------------------------

    def enter(self, upstream: Upstream) -> None:
        """A bind that can take submits stands."""
        if upstream not in self.bound:
            self.bound.append(upstream)
        if upstream.host.name in self.outliers.trial:
            upstream.session.window.limit = TRIAL
        self.restate()

    def rest(self, upstream: Upstream) -> None:
        """A bind takes no submits any more."""
        if upstream in self.bound:
            self.bound.remove(upstream)
            self.restate()

    def restate(self) -> None:
        """Who is bound, or what an operator wants of them, has changed."""
        binds = [each for each in self.bound if self.state_of(each) == UP]
        own = [each for each in binds if not isinstance(each.host, Via)]
        self.own = len(own)
        self.binds = own or binds
        self.refresh()

    @property
    def has_own(self) -> bool:
        """Whether a bind of this node's own stands, of whatever is wanted of it."""
        return any(not isinstance(each.host, Via) for each in self.bound)

    def state_of(self, upstream: Upstream) -> str:
        """What is wanted of a bind."""
        return self._state(self.provider.name, upstream.host.name, bind_of(upstream))

    def refresh(self) -> None:
        """Who may take submits, or which host is left alone, has changed."""
        resting = self.resting
        ejected = self.outliers.ejected
        best = [bind for bind in self.binds if bind.host.name not in ejected]
        self._candidates = best or self.binds
        self.open = [bind for bind in self._candidates if bind.host.name not in resting]

    # -- who takes the next one -----------------------------------------------------------------

    def pick(self, now: float, urgent: bool = False) -> Upstream | None:
        """A bind with room in its window, the binds taking turns; None when all are full.

        A bind that is given takes one PDU of the provider's rate; an urgent one may take it from
        the part that is kept for urgent ones.
        """
        binds = self.open
        count = len(binds)
        if self._run < RUN and self._turn < count:
            bind = binds[self._turn]
            if bind.session.window.room > 0 and bind.writable:
                self._run += 1
                return bind if self.speed.bucket is None else self._paid(bind, now, urgent)
        for step in range(1, count + 1):
            turn = (self._turn + step) % count
            bind = binds[turn]
            if bind.session.window.room > 0 and bind.writable:
                self._turn = turn
                self._run = 1
                return bind if self.speed.bucket is None else self._paid(bind, now, urgent)
        return None

    def pick_for(
        self, submit: Submit | HopMessage, now: float, urgent: bool = False
    ) -> Upstream | None:
        """The bind for a message that cannot go to any of them; None while it has no room.

        All parts of a concatenated message go to one bind on one host (XC-06): their ``affinity``
        is the same number on every node. What failed somewhere goes to another host, while one is
        bound.
        """
        retry = submit.retry
        if retry is not None and retry.avoid:
            bind = self._other(retry.avoid)
        else:
            candidates = self._candidates
            hosts = sorted({bind.host.name for bind in candidates})
            place, name = divmod(submit.affinity, len(hosts))
            binds = [bind for bind in candidates if bind.host.name == hosts[name]]
            bind = binds[place % len(binds)]
            if bind.host.name in self.resting:
                return None
        if bind is None or bind.session.window.room <= 0 or not bind.writable:
            return None
        return self._paid(bind, now, urgent)

    def _other(self, avoid: set[tuple[str, str]]) -> Upstream | None:
        """The bind with the most room on a host that is not to be avoided, or on any."""
        name = self.provider.name
        candidates = self._candidates
        hosts = {bind.host.name for bind in candidates if (name, bind.host.name) not in avoid}
        binds = [bind for bind in self.open if bind.host.name in hosts or not hosts]
        return max(binds, key=lambda bind: bind.session.window.room, default=None)

    def _paid(self, bind: Upstream, now: float, urgent: bool) -> Upstream | None:
        """The bind, if the provider's rate lets one more go now."""
        bucket = self.speed.bucket
        if not self.own:
            # What goes over another node is paid for there.
            bucket = None
        self.limited = bucket is not None and not bucket.take_one(urgent, now)
        return None if self.limited else bind

    # -- the backlog ----------------------------------------------------------------------------

    def wait(self, submit: Submit) -> None:
        """Let a submit wait for its turn."""
        self.backlog.wait(submit)

    def put_back(self, submit: Submit) -> None:
        """The provider did not take it yet: before all that waits for a turn."""
        self.backlog.put_back(submit)

    # -- hosts that want less -------------------------------------------------------------------

    def pause(self, host: str, now: float) -> float:
        """Send nothing to this host for a while; for how many seconds, 0 if it rests already."""
        if host in self.resting:
            return 0.0
        pause = self.pauses.setdefault(host, Pause())
        pause.delay = min(pause.delay * 2, LONGEST_PAUSE) or FIRST_PAUSE
        pause.until = now + pause.delay
        self.resting.add(host)
        self.refresh()
        return pause.delay

    def wake(self, now: float) -> None:
        """Let hosts whose pause is over take submits again."""
        rested = {host for host in self.resting if self.pauses[host].until <= now}
        if rested:
            self.resting -= rested
            self.refresh()

    def forgive(self, host: str) -> None:
        """The host took a message: its next pause is a short one, its troubles are over."""
        if self.outliers.good(host):
            self._windows(host, self.provider.window)
            self._tell("host_proved", host)
        pause = self.pauses.get(host)
        if pause is not None:
            pause.delay = 0.0
            if host not in self.resting:
                del self.pauses[host]

    # -- hosts that fail ------------------------------------------------------------------------

    @property
    def troubles(self) -> dict[str, int]:
        """Failures in a row of hosts that have not been good since."""
        return self.outliers.failures

    def trouble(self, host: str, now: float, count: int = 1) -> bool:
        """Note that a host failed (XC-12): too often, and it is ejected while there is another.

        Whether it is to be paused: it fails too often and there is no other one.
        """
        ejected = self.outliers.ejected
        others = any(
            bind.host.name != host and bind.host.name not in ejected for bind in self.binds
        )
        seconds = self.outliers.failed(host, now, others, count)
        if seconds:
            self._windows(host, self.provider.window)
            self.refresh()
            self._tell("host_ejected", host, seconds=seconds, times=self.outliers.times(host))
        return self.outliers.failures.get(host, 0) >= FAILURES

    def lost(self, host: str, now: float) -> None:
        """A bind of this host was lost; when all go in one moment, that is one failure."""
        if now - self._lost.get(host, -LOST_WITHIN) >= LOST_WITHIN:
            self._lost[host] = now
            self.trouble(host, now)

    def _windows(self, host: str, limit: int) -> None:
        for bind in self.bound:
            if bind.host.name == host:
                bind.session.window.limit = limit

    def _tell(self, event: str, host: str, **more: Any) -> None:
        self._notice(event, self.provider.name, host, more)

    # -- how fast -------------------------------------------------------------------------------

    def use(self, provider: Provider) -> None:
        """Take these settings; the bucket of an unchanged rate keeps its fill."""
        old, self.provider = self.provider, provider
        if old.window != provider.window:
            for bind in self.bound:
                if bind.host.name not in self.outliers.trial:
                    bind.session.window.limit = provider.window
        self.speed.use(provider)
        if self.speed.bucket is None:
            self.limited = False

    def answered(self, upstream: Upstream, refused: list[int], now: float) -> None:
        """The answers of one read: how long the last took, and whether they say "less".

        :param refused: the command_status that are not 0.
        """
        speed = self.speed
        speed.latency.add(now - upstream.session.window.sent)
        if refused and self.own and speed.pace is not None and speed.refused(refused, now):
            self._tell("pace_lowered", "", rate=speed.rate, reason="throttled")

    def tick(self, now: float) -> None:
        """Once a second: hosts come back on trial, the rate follows the answers."""
        for host in self.outliers.back(now):
            self._windows(host, TRIAL)
            self._tell("host_on_trial", host)
            self.refresh()
        if self.speed.tick(len(self.backlog), now):
            self._tell("pace_lowered", "", rate=self.speed.rate, reason="slow answers")

    # -- why not --------------------------------------------------------------------------------

    def why(self, host: str, now: float) -> str:
        """Why this host takes no ordinary submit at this moment; "" when it does."""
        name = self.provider.name
        state = self._state(name, host, "")
        if state != UP:
            return TOLD[state]
        bound = [bind for bind in self.bound if bind.host.name == host]
        if not bound:
            return "is not bound"
        binds = [bind for bind in self.binds if bind.host.name == host]
        if not binds and self.own and isinstance(bound[0].host, Via):
            return "is not needed"
        if not binds:
            return "has no bind that is not isolated"
        if host in self.resting:
            return f"is paused for {self.pauses[host].until - now:.0f} s: it wants fewer messages"
        if not any(bind in self._candidates for bind in binds):
            return f"is ejected for {self.outliers.until(host) - now:.0f} s: it fails"
        if not any(bind.session.window.room > 0 for bind in binds):
            return "has no room in its window"
        if not any(bind.writable and bind.session.window.room > 0 for bind in binds):
            return "does not read what we write"
        return ""

    def health(self, host: str, now: float) -> Health:
        """How a host is doing."""
        outliers = self.outliers
        paused = self.pauses[host].until - now if host in self.resting else 0.0
        return Health(
            why=self.why(host, now),
            admin=self._state(self.provider.name, host, ""),
            ejected=max(0.0, outliers.until(host) - now),
            paused=max(0.0, paused),
            trial=host in outliers.trial,
            failures=outliers.failures.get(host, 0),
            ejections=outliers.times(host),
        )

    def blocked(self, now: float) -> str:
        """Why no host takes an ordinary submit at this moment; "" when one does."""
        state = self._state(self.provider.name, "", "")
        if state != UP:
            return TOLD[state]
        if not self.binds:
            return "has no bind" if not self.bound else "has no bind that is not isolated"
        if self.backlog:
            return f"has {len(self.backlog)} message{'s' * (len(self.backlog) > 1)} waiting"
        names = [host.name for host in self.provider.hosts]
        if not self.own:
            names = sorted({bind.host.name for bind in self.binds})
        reasons = [self.why(name, now) for name in names]
        if all(reasons):
            return "; ".join(
                f"host {name} {reason}" for name, reason in zip(names, reasons, strict=True)
            )
        bucket = self.speed.bucket if self.own else None
        if bucket is not None and bucket.wait(now) > 0:
            return f"has had its {bucket.rate:g} messages per second"
        return ""
