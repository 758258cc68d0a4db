"""A store whose memory runs short: what is new is refused before what is on its way finds no room.

From a part of its maxmemory on (``store_fill_limit`` of the node file) submit_sm get 0x08: each of
those under way still brings a map and its receipts. If it has been fuller than half-way from there
to full for a minute all the same, the fullest account loses its oldest receipts, a tenth of its
queue at a time (L4); a full store would take nobody's. Every queue that loses something is told of
as when it overflows by itself (L3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.logger import Logger

from smppproxy.relay.ledger import Ledger
from smppproxy.store.interface import RECEIPTS, Limit, Store, until_it_is_back

PATIENCE = 60.0
"""Seconds for which it is too full before anything is cut: somebody may give it more memory."""

AGAIN = 5.0
"""Seconds between two cuts: the store tells as often how full it is."""

SHARE = 10
"""One in so many entries of the fullest queue goes at a cut, at least one."""


class Crowding:
    """Watches how full the store is.

    :ivar crowded: no more submit_sm are to be taken.
    """

    _log = Logger()

    def __init__(
        self, store: Store, ledger: Ledger, limit: float, dropped: Callable[[], object]
    ) -> None:
        """
        :param limit: the part of the store's memory from which on it is crowded; 1.0: never.
        :param dropped: called when queues were cut.
        """
        self.crowded = False
        self._store = store
        self._ledger = ledger
        self._limit = limit
        self._too_full = (1.0 + limit) / 2
        self._dropped = dropped
        self._next_cut = 0.0

    def tick(self, now: float, limits: Mapping[bytes, Limit]) -> None:
        """Once a second.

        :param limits: of all queues.
        """
        fill = self._store.memory_used
        crowded = fill >= self._limit < 1.0
        if crowded != self.crowded:
            self.crowded = crowded
            event = "store_crowded" if crowded else "store_roomy"
            self._ledger.count(event)
            self._log.warn(
                "the store uses {percent} % of its maxmemory: submit_sm are {done}",
                event=event,
                percent=round(100 * fill),
                done="refused" if crowded else "taken again",
            )
        if not crowded or fill < self._too_full or not self._next_cut:
            self._next_cut = now + PATIENCE
        elif now >= self._next_cut and self._store.ready:
            self._next_cut = now + AGAIN
            queues = [queue for queue in limits if queue.startswith(RECEIPTS)]
            sizes = self._store.sizes(queues)
            sizes.addCallback(self._cut_fullest, queues, limits).addErrback(until_it_is_back)

    def _cut_fullest(
        self,
        sizes: list[tuple[int, int]],
        queues: list[bytes],
        limits: Mapping[bytes, Limit],
    ) -> None:
        size, queue = max(
            ((waiting + held, queue) for (waiting, held), queue in zip(sizes, queues, strict=True)),
            default=(0, b""),
        )
        if size:
            limit = limits[queue]
            less = Limit(size - -(-size // SHARE), limit.keep)
            self._store.sweep({queue: less}).addErrback(until_it_is_back)
            # Its own limit again, behind the cut on the same connection.
            again = self._store.sweep({queue: limit})
            again.addCallbacks(lambda _: self._dropped(), until_it_is_back)
