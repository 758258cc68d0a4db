"""The binds of an account over all nodes, as leases in the store (MG-28, decisions 8).

A bind takes a lease, its session renews it, its end gives it back; what a killed node held ends by
itself. Without the store nobody takes a new one, and the sessions that are bound go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from smppproxy.routing.accounts import Account
from smppproxy.store.interface import Store, until_it_is_back
from smppproxy.wire.client import ClientSession

LEASE = 30
"""Seconds until the place of a killed node is free."""

RENEW = 10.0
"""Seconds between two renewals: two may fail before a lease ends."""

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
        self._held: dict[ClientSession, tuple[bytes, bytes]] = {}
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
            self._loop.start(RENEW, now=False)

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
        self._held[client] = lease
        return self._joined(account).addCallback(lambda _: True) if first else True

    def _unknown(self, failure: Failure, lease: tuple[bytes, bytes]) -> Failure:
        """The store may have written it all the same: nobody may hold it for half a minute."""
        self._drop(lease)
        return failure

    def give_back(self, account: Account, client: ClientSession) -> None:
        """See :class:`~smppproxy.wire.admission.Leases`."""
        self._drop(self._held.pop(client))
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
        if self._held:
            self._keep(list(self._held.values()))

    def _keep(self, leases: list[tuple[bytes, bytes]]) -> None:
        self._store.keep_binds(leases, LEASE).addErrback(until_it_is_back)
