"""The binds of an account over all nodes, as leases in the store (MG-28, decisions 8).

A bind takes a lease, its session renews it, its end gives it back; what a killed node held ends by
itself. Without the store nobody takes a new one, and the sessions that are bound go on.

Each is renewed for itself, a few seconds after it was the last time. Ten thousand in one call are a
fifth of a second in which the store answers nobody else, on whichever node.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from itertools import count, islice, takewhile

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from smppproxy.routing.accounts import Account
from smppproxy.store.interface import Store, until_it_is_back
from smppproxy.wire.client import ClientSession

LEASE = 30
"""Seconds until the place of a killed node is free."""

RENEW = 8.0
"""Seconds from one renewal of a lease to the next, half as many more where they are very many: two
may fail before it ends."""

EVERY = 0.1
"""Seconds between two looks for leases that are to be renewed."""

MOST = 100
"""Of them in one call: 2 ms of the store's time when each is of another account. Of more than
4,000 binds, those that take all of them through in half of :data:`RENEW`."""

NO_LIMIT = 1 << 30
"""Binds that are leased when only each node's are limited."""


class StoreLeases:
    """Implements :class:`smppproxy.wire.admission.Leases` for the binds of this process.

    :param joined: asked with the first bind of an account here: fires once it is known how much
        of its TPS is this node's (SX-21).
    :param left: told when its last one is gone.
    """

    def __init__(
        self,
        store: Store,
        clock: IReactorTime,
        joined: Callable[[Account], Deferred[None]] = lambda account: succeed(None),
        left: Callable[[Account], object] = lambda account: None,
    ) -> None:
        self._store = store
        self._joined = joined
        self._left = left
        # With the moment of its last renewal; the one to be renewed next stands first.
        self._held: OrderedDict[ClientSession, tuple[tuple[bytes, bytes], float]] = OrderedDict()
        self._counts: Counter[bytes] = Counter()
        self._numbers = count(1)
        self._loop = LoopingCall(self._renew)
        self._loop.clock = clock
        # What this turn of the reactor gives back goes out together, and before anything is taken.
        self._gone: list[tuple[bytes, bytes]] = []
        self._clock = clock

    def __len__(self) -> int:
        return len(self._held)

    def start(self) -> None:
        """Renew what is held from now on; idempotent."""
        if not self._loop.running:
            self._loop.start(EVERY, now=False)

    def stop(self) -> None:
        """Renew no more; idempotent."""
        if self._loop.running:
            self._loop.stop()
        self._drop_gone()

    def take(self, account: Account, client: ClientSession) -> Deferred[bool]:
        """See :class:`~smppproxy.wire.admission.Leases`."""
        self._drop_gone()
        lease = (account.key, b"%d" % next(self._numbers))
        limit = account.max_binds if account.max_binds_scope == "account" else NO_LIMIT
        taken = self._store.take_bind(*lease, limit, LEASE)
        return taken.addCallbacks(
            self._taken,
            self._unknown,
            callbackArgs=(account, client, lease),
            errbackArgs=(lease,),
        )

    def _taken(
        self, free: bool, account: Account, client: ClientSession, lease: tuple[bytes, bytes]
    ) -> bool | Deferred[bool]:
        if not free:
            return False
        first = not self._counts[account.key]
        self._counts[account.key] += 1
        self._held[client] = (lease, self._clock.seconds())
        return self._joined(account).addCallback(lambda _: True) if first else True

    def _unknown(self, failure: Failure, lease: tuple[bytes, bytes]) -> Failure:
        """The store may have written it all the same: nobody may hold it for half a minute."""
        self._drop(lease)
        return failure

    def give_back(self, account: Account, client: ClientSession) -> None:
        """See :class:`~smppproxy.wire.admission.Leases`."""
        self._drop(self._held.pop(client)[0])
        self._counts[account.key] -= 1
        if not self._counts[account.key]:
            del self._counts[account.key]
            self._left(account)

    def _drop(self, lease: tuple[bytes, bytes]) -> None:
        """Soon: thousands may be lost in one moment; a call for each would take as long again."""
        if not self._gone:
            self._clock.callLater(0, self._drop_gone)
        self._gone.append(lease)

    def _drop_gone(self) -> None:
        gone, self._gone = self._gone, []
        if gone:
            # One that is not given back has its end all the same.
            self._store.drop_binds(gone).addErrback(until_it_is_back)

    def _renew(self) -> None:
        held, now = self._held, self._clock.seconds()
        due = takewhile(lambda each: each[1][1] <= now - RENEW, held.items())
        leases = {client: lease for client, (lease, _) in islice(due, self._most())}
        for client, lease in leases.items():
            held[client] = (lease, now)
            held.move_to_end(client)
        if leases:
            kept = self._store.keep_binds([*leases.values()], LEASE)
            kept.addErrback(until_it_is_back)

    def _most(self) -> int:
        return max(MOST, int(2 * len(self._held) * EVERY / RENEW))
