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
from smppproxy.admin.looking import Looks, thrice
from smppproxy.admin.rooms import Rooms
from smppproxy.store.interface import RECEIPTS

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
        self._reckonings = 0
        self._looks = Looks(rooms.store, EVERY, self._look)

    def tick(self, now: float) -> None:
        """Once a second."""
        if not self._rooms.node.part.of:
            self._looks.tick(now)

    def _look(self) -> Deferred[Any]:
        return self._rooms.store.nodes().addCallback(self._compare).addErrback(_not_told)

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
        """The books beside what the store has."""
        found = thrice(self._books, lambda: self._rooms.store.sizes(self._queues()))
        return found.addCallback(lambda told: self._settle(those, names, *told))

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
        self._reckonings += 1
        moved = sum(_moves(after)) - sum(_moves(before))
        off = sum(waiting + held for waiting, held in sizes) - _queued(after)
        is_over = not moved or self._reckonings >= PATIENCE
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
            self._reckonings = 0

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


def _not_told(failure: Failure) -> None:
    """A node could not say; the next look asks again."""
    failure.trap(ApiError)
