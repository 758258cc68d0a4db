"""Who is bound here. State and index are one: only ``enter`` and ``leave`` change who is bound.

A :class:`Pool` holds the binds of one provider and the submits that wait for window room; an
:class:`Inbox` holds the receivers of one account and the deliveries that are due again.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from smppproxy.receipts.dialects import STATE_SCHEDULED
from smppproxy.relay.peers import Client, Upstream
from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Provider
from smppproxy.routing.throttle import TokenBucket
from smppproxy.smpp.constants import STATE_ACCEPTED, STATE_ENROUTE, STATE_UNKNOWN

if TYPE_CHECKING:
    from smppproxy.relay.delivery import Delivery
    from smppproxy.relay.submission import Submit

PASSING = frozenset({STATE_SCHEDULED, STATE_ENROUTE, STATE_ACCEPTED, STATE_UNKNOWN})
"""message_state after which another receipt of the same message may come."""

REMEMBERED = 10_000

RUN = 8
"""Submits that go to one bind before the next bind's turn: one write carries them all, and a
hundred submits over two hosts still split evenly (GW-03)."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds for which a host that wants fewer submits is sent none, doubling (SX-22)."""

TROUBLES = 5
TROUBLES_WITHIN = 10.0
"""Answers of trouble in a row, within so many seconds, after which a host is paused too."""


class Pause:
    """A host that is sent nothing for a while (SX-22); it stays, with its delay, until it is good.

    :ivar until: monotonic seconds.
    :ivar delay: seconds of the last pause, which the next one doubles; 0 after an ESME_ROK.
    """

    __slots__ = ("delay", "until")

    def __init__(self) -> None:
        self.delay = 0.0
        self.until = 0.0


class Pool:
    """The binds of one provider that take submits, and the submits waiting for room in a window.

    :ivar binds: all that are bound.
    :ivar open: those of hosts that are not paused.
    :ivar pauses: of hosts that asked for one and have not been good since.
    :ivar resting: hosts that are paused at this moment.
    :ivar troubles: when hosts that have not been good since answered with trouble.
    :ivar limited: the last one that looked for a bind was refused by the provider's ``tps``.
    """

    def __init__(self, provider: Provider) -> None:
        self.binds: list[Upstream] = []
        self.open: list[Upstream] = []
        self.backlog: deque[Submit] = deque()
        self.pauses: dict[str, Pause] = {}
        self.resting: set[str] = set()
        self.limited = False
        self.troubles: dict[str, deque[float]] = {}
        self._bucket: TokenBucket | None = None
        self._turn = 0
        self._run = 0
        self.provider = provider
        self.use(provider)

    def use(self, provider: Provider) -> None:
        """Take these settings; the bucket of an unchanged ``tps`` keeps its fill."""
        self.provider = provider
        bucket = self._bucket
        if not provider.tps:
            self._bucket = None
            self.limited = False
        elif bucket is None or bucket.rate != provider.tps:
            self._bucket = TokenBucket(provider.tps, 0, 0.0)

    # -- who takes the next one -----------------------------------------------------------------

    def pick(self, now: float) -> Upstream | None:
        """A bind with room in its window, the binds taking turns; None when all are full.

        A bind that is given takes one PDU of the provider's ``tps``.
        """
        binds = self.open
        count = len(binds)
        if self._run < RUN and self._turn < count:
            bind = binds[self._turn]
            if bind.session.window.room > 0 and bind.writable:
                self._run += 1
                return bind if self._bucket is None else self._paid(bind, now)
        for step in range(1, count + 1):
            turn = (self._turn + step) % count
            bind = binds[turn]
            if bind.session.window.room > 0 and bind.writable:
                self._turn = turn
                self._run = 1
                return bind if self._bucket is None else self._paid(bind, now)
        return None

    def pick_for(self, submit: Submit, now: float) -> Upstream | None:
        """The bind for a message that cannot go to any of them; None while it has no room.

        All parts of a concatenated message go to one bind on one host (XC-06): their ``affinity``
        is the same number on every node. What failed somewhere goes to another host, while one is
        bound.
        """
        retry = submit.retry
        if retry is not None and retry.avoid:
            bind = self._other(retry.avoid)
        else:
            hosts = sorted({bind.host.name for bind in self.binds})
            place, name = divmod(submit.affinity, len(hosts))
            binds = [bind for bind in self.binds if bind.host.name == hosts[name]]
            bind = binds[place % len(binds)]
            if bind.host.name in self.resting:
                return None
        if bind is None or bind.session.window.room <= 0 or not bind.writable:
            return None
        return self._paid(bind, now)

    def _other(self, avoid: set[tuple[str, str]]) -> Upstream | None:
        """The bind with the most room on a host that is not to be avoided, or on any."""
        name = self.provider.name
        hosts = {bind.host.name for bind in self.binds if (name, bind.host.name) not in avoid}
        binds = [bind for bind in self.open if bind.host.name in hosts or not hosts]
        return max(binds, key=lambda bind: bind.session.window.room, default=None)

    def _paid(self, bind: Upstream, now: float) -> Upstream | None:
        """The bind, if the provider's ``tps`` lets one more go now."""
        bucket = self._bucket
        self.limited = bucket is not None and not bucket.take(1, now)
        return None if self.limited else bind

    # -- hosts that want less -------------------------------------------------------------------

    def refresh(self) -> None:
        """Who is bound, or resting, has changed."""
        resting = self.resting
        self.open = [bind for bind in self.binds if bind.host.name not in resting]

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
        self.troubles.pop(host, None)
        pause = self.pauses.get(host)
        if pause is not None:
            pause.delay = 0.0
            if host not in self.resting:
                del self.pauses[host]

    def trouble(self, host: str, now: float) -> bool:
        """Note that a host answered with trouble; whether that is too often now (XC-12)."""
        times = self.troubles.setdefault(host, deque(maxlen=TROUBLES))
        times.append(now)
        return len(times) == TROUBLES and now - times[0] <= TROUBLES_WITHIN

    def put_back(self, submit: Submit) -> None:
        """The provider did not take it yet: to the head of the backlog, before all that came later.

        What was put back before it and came before it stays before it.
        """
        earlier: list[Submit] = []
        backlog = self.backlog
        while backlog and backlog[0].number <= submit.number:
            earlier.append(backlog.popleft())
        backlog.appendleft(submit)
        backlog.extendleft(reversed(earlier))


class Inbox:
    """The receivers of one account on this node, and what is in this node's hands for them."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.receivers: list[Client] = []
        self.due: deque[Delivery] = deque()
        self.later: list[Delivery] = []
        self.waiting: set[bytes] = set()
        self.finished: dict[bytes, None] = {}
        self._turn = 0

    @property
    def queues(self) -> tuple[bytes, bytes]:
        """The names of the account's queues in the store: receipts, MO messages."""
        key = self.account.key
        return (b"r:" + key, b"m:" + key)

    def overtaken(self, message_id: bytes, state: int, registered_delivery: int) -> bool:
        """Note that a receipt is about to be sent; whether a final one went before it (GW-24).

        Only messages that have intermediate receipts are remembered, the last 10,000 of them.
        """
        finished = self.finished
        if state in PASSING:
            return message_id in finished
        if (
            registered_delivery & 0x10
            or registered_delivery & 3 == 3
            or self.account.intermediate == "always"
        ):
            finished[message_id] = None
            if len(finished) > REMEMBERED:
                del finished[next(iter(finished))]
        return False

    def room(self) -> int:
        """Deliveries that all receivers together have window room for."""
        return sum(
            receiver.session.window.room for receiver in self.receivers if receiver.writable
        )

    def pick(self) -> Client | None:
        """The next receiver with room, the receivers taking turns (GW-29); None when none has."""
        receivers = self.receivers
        for step in range(1, len(receivers) + 1):
            turn = (self._turn + step) % len(receivers)
            receiver = receivers[turn]
            if receiver.session.window.room > 0 and receiver.writable:
                self._turn = turn
                return receiver
        return None


class Directory:
    """Every bound session of this node, by account and by provider."""

    def __init__(self) -> None:
        self.pools: dict[str, Pool] = {}
        self.inboxes: dict[bytes, Inbox] = {}
        self.clients: dict[str, set[Client]] = {}
        self.upstreams: set[Upstream] = set()

    def pool(self, provider: Provider) -> Pool:
        """The provider's pool, made at its first use; its settings are those given last."""
        pool = self.pools.get(provider.name)
        if pool is None:
            pool = self.pools[provider.name] = Pool(provider)
        elif pool.provider is not provider:
            pool.use(provider)
        return pool

    def inbox(self, account: Account) -> Inbox:
        """The account's inbox, made at its first use; its settings are those given last."""
        inbox = self.inboxes.get(account.key)
        if inbox is None:
            inbox = self.inboxes[account.key] = Inbox(account)
        inbox.account = account
        return inbox

    def enter_client(self, client: Client) -> Inbox | None:
        """A client bound; returns the account's inbox if it can take deliveries."""
        self.clients.setdefault(client.account.system_id, set()).add(client)
        if not client.session.can_receive:
            return None
        inbox = self.inbox(client.account)
        inbox.receivers.append(client)
        return inbox

    def leave_client(self, client: Client) -> Inbox | None:
        """A client's session ended; returns the inbox it received from, if it did."""
        bound = self.clients.get(client.account.system_id, set())
        bound.discard(client)
        if not bound:
            self.clients.pop(client.account.system_id, None)
        inbox = self.inboxes.get(client.account.key)
        if inbox is None or client not in inbox.receivers:
            return None
        inbox.receivers.remove(client)
        return inbox

    def binds_of(self, account: Account) -> int:
        """Sessions of this account that are bound here."""
        return len(self.clients.get(account.system_id, ()))

    def enter_upstream(self, upstream: Upstream) -> Pool:
        """A bind to a provider stands; it takes submits if its type allows it."""
        self.upstreams.add(upstream)
        pool = self.pool(upstream.provider)
        if upstream.session.can_submit:
            pool.binds.append(upstream)
            pool.refresh()
        return pool

    def rest_upstream(self, upstream: Upstream) -> Pool:
        """No new submits on this bind; answers and receipts still come from it."""
        pool = self.pool(upstream.provider)
        if upstream in pool.binds:
            pool.binds.remove(upstream)
            pool.refresh()
        return pool

    def leave_upstream(self, upstream: Upstream) -> Pool:
        """The bind is gone."""
        self.upstreams.discard(upstream)
        return self.rest_upstream(upstream)
