"""Who is bound here. State and index are one: only ``enter`` and ``leave`` change who is bound.

A :class:`Pool` holds the binds of one provider and the submits that wait for window room; an
:class:`Inbox` holds the receivers of one account and the deliveries that are due again.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from smppproxy.receipts.dialects import STATE_SCHEDULED
from smppproxy.relay.peers import Client, Upstream
from smppproxy.relay.pool import RUN, Notice, Pool
from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Provider
from smppproxy.routing.states import States
from smppproxy.smpp.constants import STATE_ACCEPTED, STATE_ENROUTE, STATE_UNKNOWN
from smppproxy.smpp.pdu import Pdu

if TYPE_CHECKING:
    from smppproxy.relay.delivery import Delivery, Look

__all__ = ["RUN", "Directory", "Inbox", "Pool"]

PASSING = frozenset({STATE_SCHEDULED, STATE_ENROUTE, STATE_ACCEPTED, STATE_UNKNOWN})
"""message_state after which another receipt of the same message may come."""

REMEMBERED = 10_000

MOST_ROOM = 1_000
"""Deliveries that are asked for at once, about."""

Looks = dict[tuple[bytes, bytes, int, int, bool], "Look"]
"""By what a receipt says, of what kind of message, of how many parts, and whether with TLVs."""


class Inbox:
    """The receivers of one account on this node, and what is in this node's hands for them.

    :ivar claimed: how many receipts may be on their way here, see ``claim``.
    :ivar looks: what receipts that were sent last look like, see ``delivery``; shared by accounts
        whose settings say the same about that.
    """

    def __init__(self, account: Account, looks: Looks) -> None:
        self.account = account
        self.looks = looks
        self.receivers: list[Client] = []
        # Where each of them stands there: of thousands that leave in one moment none is looked for.
        self._places: dict[Client, int] = {}
        self.due: deque[Delivery] = deque()
        self.later: list[Delivery] = []
        self.waiting: set[bytes] = set()
        self.claimed = 0
        self.finished: dict[bytes, None] = {}
        self._turn = 0

    @property
    def queues(self) -> tuple[bytes, bytes]:
        """The names of the account's queues in the store: receipts, MO messages."""
        key = self.account.key
        return (b"r:" + key, b"m:" + key)

    def enter(self, client: Client) -> None:
        """One more receiver."""
        self._places[client] = len(self.receivers)
        self.receivers.append(client)

    def leave(self, client: Client) -> bool:
        """A receiver less, whose place the last one takes; whether it was one."""
        place = self._places.pop(client, None)
        if place is None:
            return False
        last = self.receivers.pop()
        if last is not client:
            self.receivers[place] = last
            self._places[last] = place
        return True

    def watches(self, state: int, registered_delivery: int) -> bool:
        """Whether :meth:`overtaken` is to be asked about such receipts: only of messages that have
        intermediate ones (GW-24)."""
        return (
            state in PASSING
            or registered_delivery & 0x10 != 0
            or registered_delivery & 3 == 3
            or self.account.intermediate == "always"
        )

    def overtaken(self, message_id: bytes, state: int) -> bool:
        """Note that a receipt is about to be sent; whether a final one went before it (GW-24).

        The last 10,000 messages are remembered.
        """
        finished = self.finished
        if state in PASSING:
            return message_id in finished
        finished[message_id] = None
        if len(finished) > REMEMBERED:
            del finished[next(iter(finished))]
        return False

    def room(self, most: int = MOST_ROOM) -> int:
        """Deliveries that all receivers together have window room for; no more than ``most`` and
        what one window has are counted, or each look would cost as much as there are receivers.
        """
        room = 0
        for receiver in self.receivers:
            if receiver.writable:
                room += receiver.session.window.room
                if room >= most:
                    break
        return room

    def free(self) -> int:
        """How many more deliveries there is room for, beyond those that are due or may come."""
        return self.room() - len(self.due) - self.claimed

    def takers(self) -> Iterator[Client]:
        """Receivers with room, in turn (GW-29), for as long as one has any: whoever is named is to
        get one delivery before the next is asked for.
        """
        receivers = self.receivers
        count = len(receivers)
        turn = self._turn
        full = 0
        while full < count:
            turn += 1
            if turn >= count:
                turn = 0
            receiver = receivers[turn]
            if receiver.session.window.room > 0 and receiver.writable:
                full = 0
                self._turn = turn
                yield receiver
            else:
                full += 1


class Directory:
    """Every bound session of this node, by account and by provider.

    :ivar states: what operators want of providers, hosts and binds; :meth:`Pool.restate` makes it
        count.
    :ivar shared: a provider's ``tps`` is shared with other nodes; to be set before the first bind.
    """

    def __init__(self, notice: Notice = lambda event, provider, host, more: None) -> None:
        """
        :param notice: told when a host is ejected, comes back, or is sent less.
        """
        self.states = States("")
        self.shared = False
        self._notice = notice
        self.pools: dict[str, Pool] = {}
        self.inboxes: dict[bytes, Inbox] = {}
        # By the settings that say how receipts look.
        self._looks: defaultdict[tuple[str, str, str, str], Looks] = defaultdict(dict)
        self.clients: dict[str, set[Client]] = {}
        self.upstreams: set[Upstream] = set()

    def pool(self, provider: Provider) -> Pool:
        """The provider's pool, made at its first use; its settings are those given last."""
        pool = self.pools.get(provider.name)
        if pool is None:
            pool = self.pools[provider.name] = Pool(
                provider, self._state, self._notice, self.shared
            )
        elif pool.provider is not provider:
            pool.use(provider)
        return pool

    def inbox(self, account: Account) -> Inbox:
        """The account's inbox, made at its first use; its settings are those given last."""
        inbox = self.inboxes.get(account.key)
        if inbox is not None and inbox.account is account:
            return inbox
        looks = self._looks[
            account.dialect, account.receipt_tz, account.enroute_final_as, account.intermediate
        ]
        if inbox is None:
            inbox = self.inboxes[account.key] = Inbox(account, looks)
        inbox.account, inbox.looks = account, looks
        return inbox

    def enter_client(self, client: Client) -> Inbox | None:
        """A client bound; returns the account's inbox if it can take deliveries."""
        self.clients.setdefault(client.account.system_id, set()).add(client)
        if not client.session.can_receive:
            return None
        inbox = self.inbox(client.account)
        inbox.enter(client)
        return inbox

    def leave_client(self, client: Client) -> Inbox | None:
        """A client's session ended; returns the inbox it received from, if it did."""
        bound = self.clients.get(client.account.system_id, set())
        bound.discard(client)
        if not bound:
            self.clients.pop(client.account.system_id, None)
        inbox = self.inboxes.get(client.account.key)
        if inbox is None or not inbox.leave(client):
            return None
        return inbox

    def binds_of(self, account: Account) -> int:
        """Sessions of this account that are bound here."""
        return len(self.clients.get(account.system_id, ()))

    def _state(self, provider: str, host: str, bind: str) -> str:
        return self.states.of(provider, host, bind)

    def enter_upstream(self, upstream: Upstream) -> Pool:
        """A bind to a provider stands; it takes submits if its type allows it."""
        self.upstreams.add(upstream)
        pool = self.pool(upstream.provider)
        if upstream.session.can_submit:
            pool.enter(upstream)
        return pool

    def is_bound(self, provider: str) -> bool:
        """Whether a provider has a bind that takes submits, here or over another node."""
        pool = self.pools.get(provider)
        return pool is not None and bool(pool.binds)

    def rest_upstream(self, upstream: Upstream) -> Pool:
        """No new submits on this bind; answers and receipts still come from it."""
        pool = self.pool(upstream.provider)
        pool.rest(upstream)
        return pool

    def leave_upstream(self, upstream: Upstream) -> Pool:
        """The bind is gone."""
        self.upstreams.discard(upstream)
        return self.rest_upstream(upstream)

    # -- what tells of a host's health ----------------------------------------------------------

    def answered(self, upstream: Upstream, answers: Sequence[tuple[Any, Pdu]], now: float) -> None:
        """The answers to submit_sm of one read."""
        pool = self.pools.get(upstream.provider.name)
        if pool is not None:
            refused = [pdu.command_status for _, pdu in answers if pdu.command_status]
            pool.answered(upstream, refused, now)

    def unanswered(self, upstream: Upstream, count: int, now: float) -> None:
        """So many submit_sm on this bind were never answered."""
        pool = self.pools.get(upstream.provider.name)
        if pool is not None:
            pool.trouble(upstream.host.name, now, count)

    def lost(self, upstream: Upstream, now: float) -> None:
        """The bind is gone; if nobody wanted it to end, that is a failure of its host."""
        pool = self.pools.get(upstream.provider.name)
        if pool is not None and upstream in pool.bound:
            pool.lost(upstream.host.name, now)

    def why(self, provider: str, host: str, now: float) -> str:
        """Why no ordinary submit can go there now; "" when one can.

        :param host: "" = to any of the provider's hosts.
        """
        pool = self.pools.get(provider)
        if pool is None:
            return "was never bound"
        return pool.why(host, now) if host else pool.blocked(now)

    def tick(self, now: float) -> None:
        """Once a second."""
        for pool in self.pools.values():
            pool.tick(now)
