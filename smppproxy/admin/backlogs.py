"""What waits in the store, as metrics: the queue of each account, what is parked for each provider.

The store is asked every few seconds by the node's own clock, in small steps, and not at a scrape:
a scrape is answered at once, and a hundred of them a second cost the store nothing. What is told is
of all nodes together. Without an answer for a minute nothing is told.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks

from smppproxy.admin.families import Family, values
from smppproxy.admin.looking import Looks
from smppproxy.admin.metric_table import Labels
from smppproxy.config import Network
from smppproxy.routing.accounts import Account
from smppproxy.store.interface import MESSAGES, RECEIPTS, Store

EVERY = 10.0
"""Seconds between two looks."""

STALE = 60.0
"""Seconds after which what was seen is not told any more."""

AT_ONCE = 100
"""Accounts that one call asks for: it keeps the store from others for well below a millisecond."""

QUEUES = (("receipts", RECEIPTS), ("mo", MESSAGES))
"""The queues of an account, by the word for them."""


class Backlogs:
    """Looks, and tells what it saw.

    :param network: gives the one in force.
    """

    def __init__(
        self, store: Store, network: Callable[[], Network], seconds: Callable[[], float]
    ) -> None:
        self._store = store
        self._network = network
        self._seconds = seconds
        self._looks = Looks(store, EVERY, self._look)
        self._seen_at = -STALE
        self._sizes: dict[Labels, tuple[int, int]] = {}
        self._ages: dict[Labels, float] = {}
        self._dropped: dict[Labels, float] = {}
        self._parked: dict[Labels, float] = {}

    def tick(self, now: float) -> None:
        """Now and then: look, if it is time for it."""
        self._looks.tick(now)

    @inlineCallbacks
    def _look(self) -> Generator[Deferred[Any], Any, None]:
        network = self._network()
        accounts = [*network.accounts.values()]
        sizes: dict[Labels, tuple[int, int]] = {}
        ages: dict[Labels, float] = {}
        dropped: dict[Labels, float] = {}
        drops = yield self._store.dropped()
        for at in range(0, len(accounts), AT_ONCE):
            queues = _queues(accounts[at : at + AT_ONCE])
            names = [*queues.values()]
            sizes |= zip(queues, (yield self._store.sizes(names)), strict=True)
            ages |= zip(queues, (yield self._store.ages(names)), strict=True)
            dropped |= {place: drops.get(name, 0) for place, name in queues.items()}
        parked: dict[Labels, float] = {}
        for name, provider in network.providers.items():
            parked[(name,)] = yield self._store.parked(provider.key)
        self._sizes, self._ages, self._dropped, self._parked = sizes, ages, dropped, parked
        self._seen_at = self._seconds()

    def metrics(self) -> Iterator[Family]:
        """What was seen; the oldest entries are older by now."""
        since = self._seconds() - self._seen_at
        if since >= STALE:
            self._sizes, self._ages, self._dropped, self._parked = {}, {}, {}, {}
        sizes = sorted(self._sizes.items())
        yield values("account_queue_waiting", {place: waiting for place, (waiting, _) in sizes})
        yield values("account_queue_in_hands", {place: held for place, (_, held) in sizes})
        yield values(
            "account_queue_oldest_seconds",
            {place: age + since if age else 0.0 for place, age in sorted(self._ages.items())},
        )
        yield values("account_queue_dropped", dict(sorted(self._dropped.items())))
        yield values("provider_parked", dict(sorted(self._parked.items())))


def _queues(accounts: list[Account]) -> dict[Labels, bytes]:
    """The names of both queues of each."""
    return {
        (account.system_id, word): kind + account.key
        for account in accounts
        for word, kind in QUEUES
    }
