"""The rows of several nodes as one."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.catalogue import NO_PLACE, VIEWS
from smppproxy.admin.sums import summed

EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0.0, "boolean": False, "object": {}}


class StateTests(SynchronousTestCase):
    """How a host is, by what each node says of it."""

    def together(self, *told: tuple[str, str]) -> tuple[str, str]:
        """State and reason of all, given state and reason of each."""
        columns = VIEWS["hosts"].columns
        rows = [
            {column.name: EMPTY[column.kind] for column in columns}
            | {"host": "acme/a", "binds": "1/1", "state": state, "why": why}
            for state, why in told
        ]
        (row,) = summed(VIEWS["hosts"], rows)
        return row["state"], row["why"]

    def test_alike(self) -> None:
        """What all say."""
        self.assertEqual(self.together(("up", ""), ("up", "")), ("up", ""))
        self.assertEqual(self.together(("down", "x"), ("down", "x")), ("down", "x"))

    def test_partly(self) -> None:
        """Up on one node and down on another is partly; every reason is told."""
        told = self.together(("up", ""), ("down", "is not bound"), ("partly", "rests"))
        self.assertEqual(told, ("partly", "is not bound; rests"))

    def test_no_place(self) -> None:
        """Nodes without a place have nothing to say, unless none has one."""
        nobody = (NO_PLACE, "was never bound")
        self.assertEqual(self.together(("up", ""), nobody), ("up", ""))
        self.assertEqual(self.together(nobody, ("down", "x"), nobody), ("down", "x"))
        self.assertEqual(self.together(nobody, nobody), nobody)
