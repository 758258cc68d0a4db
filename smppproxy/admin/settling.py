"""The books of all nodes, set right when a node has come or gone.

What a node matched, another one may have delivered: only the books of all of them together say how
many receipts wait. A process that ends takes its own with it, and the rest would no longer add up.
How many wait is known all the same, as the store has them: one node, the first by its name, takes
the difference into its ``queued_before`` whenever others are there than before.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from smppproxy.admin.cluster import Nodes, Said
from smppproxy.admin.errors import ApiError
from smppproxy.admin.rooms import Rooms
from smppproxy.store.interface import RECEIPTS, StoreUnavailable

EVERY = 2.0
"""Seconds between two looks at who is there."""

PATIENCE = 15
"""Looks while receipts move, after which the books are right but for what moved meanwhile."""

CAME = ("matched", "made")
WENT = ("unwanted", "delivered", "refused_by_client", "expired", "dropped")
"""What a ledger counts of receipts that came into a queue, and of those that did not stay."""

log = Logger()

Row = dict[str, Any]
Present = frozenset[tuple[str, float]]
"""The nodes by name, each with when it began."""


class Settling:
    """One node's part in it.

    :ivar is_alone: there is no other node, as far as is known: only this one and its workers.
    """

    def __init__(self, rooms: Rooms, nodes: Nodes) -> None:
        self.is_alone = True
        self._rooms = rooms
        self._nodes = nodes
        self._name = rooms.node.name
        # What waited when it began is in the books of a node that has always been alone.
        self._settled: Present | None = frozenset()
        self._next = 0.0
        self._looks = 0
        self._looking = False

    def tick(self, now: float) -> None:
        """Once a second."""
        if self._rooms.node.part.of or self._looking or now < self._next:
            return
        if not self._rooms.store.ready:
            return
        self._next = now + EVERY
        self._looking = True
        self._look().addErrback(_away).addCallback(self._looked)

    def _looked(self, _: object) -> None:
        self._looking = False

    def _look(self) -> Deferred[Any]:
        return self._rooms.store.nodes().addCallback(self._compare)

    def _compare(self, known: dict[bytes, dict[str, Any]]) -> Any:
        """Whether others are there than when the books were set right last."""
        present = frozenset(
            (name.decode("utf-8", "replace"), float(facts.get("started", 0.0)))
            for name, facts in known.items()
        )
        names = {name for name, _ in present}
        self.is_alone = all(self._is_own(name) for name in names)
        if min(names, default="") != self._name:
            if not self.is_alone:
                self._settled = None
            return None
        # With nobody else there, the supervisor sees to what its own workers took with them.
        those = frozenset() if self.is_alone else present
        return self._reckon(those, names) if those != self._settled else None

    def _is_own(self, name: str) -> bool:
        return name == self._name or name.startswith(f"{self._name}.")

    def _reckon(self, those: Present, names: set[str]) -> Deferred[Any]:
        """The books, what the store has, and the books again: they may move meanwhile."""
        found: list[Any] = []
        return (
            self._books()
            .addCallback(found.append)
            .addCallback(lambda _: self._rooms.store.sizes(self._queues()))
            .addCallback(found.append)
            .addCallback(lambda _: self._books())
            .addCallback(lambda after: self._settle(those, names, found[0], found[1], after))
        )

    def _books(self) -> Deferred[Said]:
        request = {"do": "show", "view": "ledger", "limit": 1, "node": "", "name": ""}
        return self._nodes.ask(request)

    def _settle(
        self,
        those: Present,
        names: set[str],
        before: Said,
        sizes: list[tuple[int, int]],
        after: Said,
    ) -> None:
        if not _all_told(before, names) or not _all_told(after, names):
            return
        self._looks += 1
        moved = sum(_moves(after)) - sum(_moves(before))
        off = sum(waiting + held for waiting, held in sizes) - _queued(after)
        is_over = not moved or self._looks >= PATIENCE
        if abs(off) > moved:
            self._rooms.relay.ledger.queued_before += off
            log.info(
                "{off} receipts wait of which a node that came or went had not told, or told more",
                event="books_settled",
                off=off,
            )
        if is_over:
            self._rooms.relay.ledger.adrift(moved)
            self._settled = those
            self._looks = 0

    def _queues(self) -> list[bytes]:
        return [RECEIPTS + account.key for account in self._rooms.network().accounts.values()]


def _all_told(said: Said, names: set[str]) -> bool:
    return not said.silent and said.good.keys() == names


def _rows(said: Said) -> list[Row]:
    return [row for answer in said.good.values() for row in answer["rows"]]


def _queued(said: Said) -> int:
    return sum(row["queued"] for row in _rows(said))


def _moves(said: Said) -> list[int]:
    """Receipts that came into queues or left them, by node."""
    return [sum(row[field] for field in (*CAME, *WENT)) for row in _rows(said)]


def _away(failure: Failure) -> None:
    """The next look finds it back."""
    failure.trap(StoreUnavailable, ApiError)
