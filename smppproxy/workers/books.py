"""The one ledger of a node with workers.

Each worker keeps its own books, as every node does, and tells what stands in them several times a
second. When it ends they are taken into those of the supervisor, so that nothing that was counted
goes with a process. A worker that was killed takes the last moment with it; what that was can be
seen of the receipts that wait, which the store knows: the books are set right by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.logger import Logger

from smppproxy.admin.looking import Looks, thrice
from smppproxy.relay.ledger import Ledger
from smppproxy.store.interface import Store
from smppproxy.words import LEDGER_FIELDS

Counts = Mapping[str, int]

AGAIN = 2.0
"""Seconds between two looks at books that are not right yet."""

CONFIRMED = 2
"""Looks in a row that find nothing wrong, while nothing moves: then the books are right."""

log = Logger()


class Books:
    """The supervisor's part of the ledger.

    :ivar unsettled: whether a worker ended whose last moment is not in the books.
    """

    def __init__(
        self,
        own: Ledger,
        store: Store,
        queues: Callable[[], list[bytes]],
        others: Callable[[], Deferred[list[Counts]]],
    ) -> None:
        """
        :param own: the supervisor's own ledger, which takes the others.
        :param queues: every queue that receipts wait in.
        :param others: asks the workers for theirs; none when one of them does not answer.
        """
        self.unsettled = False
        self._own = own
        self._store = store
        self._queues = queues
        self._others = others
        self._confirmed = 0
        self._looks = Looks(store, AGAIN, self._look)

    def together(self, others: list[Counts]) -> dict[str, int]:
        """Ours and these as one."""
        found = dict(self._own.as_dict())
        for counts in others:
            for name in found:
                found[name] += counts.get(name, 0)
        return found

    def close(self, counts: Counts) -> None:
        """A worker has ended; this is what it told last.

        What was in flight there has no outcome, and its clients are gone: that is in doubt.
        """
        own = self._own
        for field in LEDGER_FIELDS:
            setattr(own, field, getattr(own, field) + counts.get(field, 0))
        own.in_doubt += counts.get("in_flight", 0)
        own.adrift(counts.get("adrift", 0))
        self.unsettled = True
        self._confirmed = 0

    def tick(self, now: float) -> None:
        """Once a second: set right what a killed worker took with it."""
        if self.unsettled:
            self._looks.tick(now)

    def _look(self) -> Deferred[None]:
        """The counts beside what the store has."""
        found = thrice(self._others, lambda: self._store.sizes(self._queues()))
        return found.addCallback(lambda told: self._settle(*told))

    def _settle(
        self, before: list[Counts], sizes: list[tuple[int, int]], after: list[Counts]
    ) -> None:
        if not before or not after:
            return
        off = sum(waiting + held for waiting, held in sizes) - self.together(after)["queued"]
        self._own.queued_before += off
        is_still = self.together(before) == self.together(after)
        self._confirmed = self._confirmed + 1 if is_still and not off else 0
        if off:
            log.info(
                "{off} receipts wait of which a worker that ended had not told, or had told more",
                event="books_settled",
                off=off,
            )
        self.unsettled = self._confirmed < CONFIRMED


def gathered(pages: list[Deferred[Any]]) -> Deferred[list[Any]]:
    """All of them; none at all when one is empty."""
    if not pages:
        return succeed([])
    return gatherResults(pages).addCallback(lambda found: found if all(found) else [])
