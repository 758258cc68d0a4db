"""The binds of an account over all nodes: leases in the store (MG-28, decisions reading 8).

A node that dies leaves its leases to end by themselves after :data:`TTL`. Without the store a node
goes on with the leases it has and takes no new ones. How many nodes hold binds of an account also
says which share of its TPS each of them may spend (SX-21).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from smppproxy.relay.ledger import Ledger
from smppproxy.routing.accounts import Account
from smppproxy.store.interface import Store

TTL = 30
"""Seconds for which a lease stands without a sign of life."""

KEEP_EVERY = 10.0
"""Seconds between two signs of life for all leases of this node, in one call."""


class BindLeases:
    """What :class:`smppproxy.wire.admission.Admission` asks before it lets an account bind."""

    def __init__(
        self, store: Store, ledger: Ledger, share: Callable[[dict[bytes, int]], None]
    ) -> None:
        """
        :param share: told how many nodes hold binds of each account that has some here.
        """
        self._store = store
        self._ledger = ledger
        self._share = share
        self._held: dict[object, tuple[bytes, bytes]] = {}
        self._number = 0
        self._kept = 0.0
        self._keeping = False

    def take(self, account: Account, client: object) -> Deferred[bool]:
        """A place for this session; false when all nodes together have as many as may be.

        Fails with :class:`~smppproxy.store.interface.StoreUnavailable` when nobody can say.
        """
        self._number += 1
        lease = (account.key, b"%d" % self._number)
        return self._store.take_bind(*lease, account.max_binds, TTL).addCallback(
            self._taken, client, lease
        )

    def _taken(self, free: bool, client: object, lease: tuple[bytes, bytes]) -> bool:
        if free:
            self._held[client] = lease
            self._kept = 0.0  # who else has binds of this account is asked at the next tick
        return free

    def give_back(self, account: Account, client: object) -> None:
        """The session is gone; a lease that cannot be given back ends by itself."""
        lease = self._held.pop(client, None)
        if lease is not None:
            self._store.drop_binds([lease]).addErrback(self._not_dropped)

    def _not_dropped(self, failure: Any) -> None:
        self._ledger.count("lease_not_given_back")

    def tick(self, now: float) -> None:
        """Once a second: signs of life when they are due."""
        if not self._held or self._keeping or now - self._kept < KEEP_EVERY:
            return
        self._kept = now
        self._keeping = True
        self._store.keep_binds([*self._held.values()], TTL).addCallbacks(
            self._shared, self._not_kept
        )

    def _shared(self, nodes: dict[bytes, int]) -> None:
        self._keeping = False
        self._share(nodes)

    def _not_kept(self, failure: Any) -> None:
        """The leases stay ours while we hold the sessions; the store hears of them when it can."""
        self._keeping = False
        self._ledger.count("leases_not_kept")
