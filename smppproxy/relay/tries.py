"""What a provider's refusal of a submit_sm leads to: the same again, elsewhere, or the next target.

SX-22, XC-12, and what mission section 5 says of a provider's answers to submit_sm:

* *slow down* (``answers.throttle`` of its profile, also as a generic_nack): the message goes back
  to the head of the backlog, in its order, and the host is paused: 1 s, doubling to 30 s, from the
  start again after an ESME_ROK. It is no failure of the host.
* *trouble of the host* (``answers.temporary``, and codes about a bind): after 1 s the message goes
  to another host, then to the route's next provider, and round again. A host that says nothing
  else five times in a row is ejected or paused (``pool``).
* *our bind is broken* (0x04, 0x05): nothing more goes to it, it is closed once it has answered
  what it still holds, and the message goes elsewhere at once; if another node said so of its own
  bind, that node closes it, and the message is tried again after 1 s.

Each of these answers means that the provider did not take the message, so that no two of them ever
have it by our doing. A client hears of it only when ``retry_for`` of the provider (or the
message's own validity_period) is over: 0x58, 0x14 or 0x08, never another one.

A route may want more, see :meth:`Tries.again` and :meth:`Tries.fail_over`:

* ``throttled = "next"``: a throttled message goes to the next target that has room. While none has
  it waits as above, and goes to whichever has room first.
* ``failover``: a message that is refused with one of these command_status goes to the next target
  at once. When all have refused it, the client hears the most telling of their verdicts
  (``retry.most_telling``). Trouble that is listed only saves the second of waiting; a target that
  met it is tried again like any other. A second copy of a message in doubt is sent on likewise,
  but its client hears of no refusal, only that its fate is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from twisted.logger import Logger

from smppproxy.relay.directory import Directory
from smppproxy.relay.dispatch import Dispatch, may_overflow
from smppproxy.relay.doubt import RESEND_AGE, too_late, validity_of
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.peers import Upstream
from smppproxy.relay.pool import Pool
from smppproxy.relay.reasons import REFUSED, THROTTLED, TROUBLE, reason_of
from smppproxy.relay.retry import AGAIN_AFTER, BACKLOG_AGE, Retry
from smppproxy.relay.submission import flush
from smppproxy.relay.verdicts import trouble_of
from smppproxy.relay.via import Via
from smppproxy.routing.providers import Provider
from smppproxy.smpp.constants import ESME_RALYBND, ESME_RINVBNDSTS
from smppproxy.smpp.refusals import RefusalStatus, refusal_of

if TYPE_CHECKING:
    from smppproxy.relay.submission import Submit, Writes

BIND_BROKEN = frozenset({ESME_RINVBNDSTS, ESME_RALYBND})


class Tries:
    """Decides about refusals, and keeps what is to be tried again in a moment.

    :ivar slow: providers with a host that is paused, or whose rate is spent.
    """

    _log = Logger()

    def __init__(
        self,
        directory: Directory,
        ledger: Ledger,
        wall_clock: Callable[[], float],
        dispatch: Dispatch,
        ask: Callable[[], None],
    ) -> None:
        """
        :param ask: asks for a look at what waits, at the next beat.
        """
        self._directory = directory
        self._ledger = ledger
        self._wall_clock = wall_clock
        self._dispatch = dispatch
        self._ask = ask
        self.slow: set[Pool] = set()
        # (due, order, submit): what met trouble and waits to be tried elsewhere.
        self._later: list[tuple[float, int, Submit]] = []
        self._order = 0
        self._broken: dict[Upstream, float] = {}

    # -- a provider's refusal -------------------------------------------------------------------

    def again(self, upstream: Upstream, submit: Submit, status: int, now: float) -> bool:
        """Whether this refusal only means that the message is to be tried again; it will be."""
        name = trouble_of(status, upstream.provider)
        if not name:
            return False
        told = refusal_of(name, submit.account.errors)
        if name == "throttled":
            return self._throttled(upstream, submit, status, told, now)
        return self._trouble(upstream, submit, status, told, now)

    def _retry(
        self, submit: Submit, provider: Provider, status: RefusalStatus, now: float
    ) -> Retry | None:
        """The message's retry; None when its time is over, or its client gone."""
        retry = submit.retry
        if retry is None or not retry.status:
            most = provider.retry_for
            if submit.attempts:
                most = min(most, RESEND_AGE)
            deadline = submit.arrived + validity_of(submit, now, self._wall_clock(), most)
            if retry is None:
                retry = submit.retry = Retry(deadline)
            retry.deadline = deadline
        retry.status = status
        return retry if now < retry.deadline and submit.client.connected else None

    def _throttled(
        self, upstream: Upstream, submit: Submit, status: int, told: RefusalStatus, now: float
    ) -> bool:
        """SX-22: the same message back to the head of the queue; its host rests."""
        self._ledger.count("provider_throttled")
        pool = self._directory.pool(upstream.provider)
        if self._retry(submit, upstream.provider, told, now) is None:
            return False
        self._pause(pool, upstream, now)
        self._dispatch.reasons.note(submit, upstream.provider.name, THROTTLED, status)
        pick = submit.pick
        if pick.throttled != "wait" or status in pick.failover:
            if self._at_once(submit, upstream, now):
                return True
            self._dispatch.movable.add(pool)
            self._ask()
        pool.put_back(submit)
        return True

    def _at_once(self, submit: Submit, upstream: Upstream, now: float) -> bool:
        """Whether another target that the message has not met trouble at takes it now."""
        if submit.group is not None or not may_overflow(submit):
            return False
        own = upstream.provider.name
        avoid = {name for name, _ in submit.retry.avoid} if submit.retry is not None else set()
        names = [name for name in submit.targets if name != own and name not in avoid]
        writes: Writes = {}
        taken = self._dispatch.next_target(submit, names, now, writes)
        flush(writes)
        return taken

    def _pause(self, pool: Pool, upstream: Upstream, now: float) -> None:
        delay = pool.pause(upstream.host.name, now)
        if delay:
            self.slow.add(pool)
            self._ask()
            self._log.info(
                "{provider} host {host} wants no more for {delay:.0f} s",
                event="provider_paused",
                provider=upstream.provider.name,
                host=upstream.host.name,
                delay=delay,
            )

    def _trouble(
        self, upstream: Upstream, submit: Submit, status: int, told: RefusalStatus, now: float
    ) -> bool:
        """XC-12: the host, or our bind to it, is in trouble; the message goes elsewhere."""
        provider = upstream.provider
        self._ledger.count("provider_trouble")
        due = now + AGAIN_AFTER
        if status in BIND_BROKEN:
            if self.broken(upstream, status, now):
                due = now
        elif self._directory.pool(provider).trouble(upstream.host.name, now):
            self._pause(self._directory.pool(provider), upstream, now)
        retry = self._retry(submit, provider, told, now)
        if retry is None:
            return False
        self._dispatch.reasons.note(submit, provider.name, TROUBLE, status)
        if status not in BIND_BROKEN:
            retry.failed(provider.name, upstream.host.name)
            if status in submit.pick.failover and self._at_once(submit, upstream, now):
                return True
        self.wait(submit, due)
        return True

    def fail_over(
        self, upstream: Upstream, submit: Submit, status: int, told: RefusalStatus, now: float
    ) -> bool:
        """Whether a message that its target refused goes to the next one; it is under way then.

        :param told: what the client would hear of this refusal.
        """
        group = submit.group
        if group is None or not group.verdict:
            # Trouble whose time is over is the last word: it is no refusal of the message.
            if status not in submit.pick.failover or trouble_of(status, upstream.provider):
                return False
        if not submit.client.connected or (submit.attempts and too_late(submit, now)):
            return False
        if group is None:
            return self._next_target(submit, upstream, status, told, now)
        group.refuse(submit, told)
        if group.flying:
            return True
        return group.free and self._next_target(group.message, upstream, status, told, now)

    def _next_target(
        self, submit: Submit, upstream: Upstream, status: int, told: RefusalStatus, now: float
    ) -> bool:
        name = upstream.provider.name
        self._dispatch.reasons.note(submit, name, REFUSED, status)
        retry = submit.retry
        if retry is None:
            retry = submit.retry = Retry(submit.arrived + BACKLOG_AGE)
        retry.refuse(name, told)
        submit.targets = tuple(each for each in submit.targets if each != name)
        writes: Writes = {}
        taken = bool(submit.targets) and not self._dispatch.send(submit, now, writes)
        flush(writes)
        if taken:
            self._ledger.count("failed_over")
        return taken

    def wait(self, submit: Submit, due: float) -> None:
        """Let a message be tried again at that time, elsewhere if it can be."""
        self._order += 1
        heappush(self._later, (due, self._order, submit))
        self._ask()

    def broken(self, upstream: Upstream, status: int, now: float) -> bool:
        """Whether the provider says for the first time that this is no bind of ours.

        Nothing more goes there then. A session with another node is none to the provider.
        """
        known = upstream in self._broken or isinstance(upstream.host, Via)
        if known or status not in BIND_BROKEN:
            return False
        self._break(upstream, status, now)
        return True

    def _break(self, upstream: Upstream, status: int, now: float) -> None:
        self._log.warn(
            "{bind} is broken: its host answers a submit_sm with {status:#x}",
            event="bind_broken",
            bind=upstream.name,
            provider=upstream.provider.name,
            host=upstream.host.name,
            status=status,
        )
        self._ledger.count("bind_broken")
        self._broken[upstream] = now
        self._directory.rest_upstream(upstream)

    # -- broken binds ---------------------------------------------------------------------------

    def close_broken(self, now: float) -> None:
        """Close broken binds that have nothing left to answer, or had the time to (GW-04)."""
        for upstream, since in [*self._broken.items()] if self._broken else ():
            if not len(upstream.session.window) or now - since >= upstream.provider.drain:
                del self._broken[upstream]
                upstream.close("the provider says that it is not bound")

    def lost(self, upstream: Upstream) -> None:
        """The bind is gone, broken or not."""
        self._broken.pop(upstream, None)

    # -- second tries ---------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether a message waits for its second try."""
        return bool(self._later)

    def due(self, now: float) -> list[Submit]:
        """What has waited long enough, in order."""
        due: list[Submit] = []
        while self._later and self._later[0][0] <= now:
            due.append(heappop(self._later)[2])
        return due

    def elsewhere(self, submit: Submit, retry: Retry) -> None:
        """Let the target come first that has a host where the message did not fail yet."""
        targets = submit.targets
        place = self._place(targets, retry.avoid)
        if not place and retry.avoid:
            # All have failed once: round again, the last one last.
            retry.avoid = {retry.last}
            place = self._place(targets, retry.avoid)
        for name in targets[: max(0, place - 1)]:
            pool = self._directory.pools.get(name)
            if pool is None or not pool.binds:
                self._dispatch.reasons.note(submit, name, reason_of(pool))
        if place:
            submit.targets = targets[place - 1 :] + targets[: place - 1]
        if retry.avoid:
            submit.affinity = max(submit.affinity, 0)

    def _place(self, targets: Sequence[str], avoid: set[tuple[str, str]]) -> int:
        """Which target, from 1, has a bind to a host that is not to be avoided; 0: none."""
        for place, name in enumerate(targets, 1):
            pool = self._directory.pools.get(name)
            if pool is not None and any((name, bind.host.name) not in avoid for bind in pool.binds):
                return place
        return 0
