"""Tests of ``relay.narrow``: 8-bit references that differ (mission 4.5)."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay import narrow
from smppproxy.relay.narrow import KEEP, Narrow
from smppproxy.store.memory import MemoryStore, World

PAIR = (b"acme", b"\1\0shop\0\1\0014670000001\0")


class NarrowTests(SynchronousTestCase):
    """The table of one node, and of two."""

    def test_256_at_once(self) -> None:
        """All of them are used; then the one that was used least recently is given again."""
        table = Narrow(None)
        drawn = [table.draw(PAIR, number, float(number)) for number in range(256)]
        self.assertEqual(256, len(set(drawn)))
        self.assertEqual(drawn[0], table.known(PAIR, 0, 256.0))
        self.assertEqual(drawn[1], table.draw(PAIR, 1000, 257.0))
        self.assertIsNone(table.known(PAIR, 1, 258.0))
        self.assertEqual(drawn[0], table.known(PAIR, 0, 258.0))

    def test_forgotten_after_a_while(self) -> None:
        """A message without parts for ten minutes is over, its reference is free."""
        table = Narrow(None)
        for number in range(256):
            table.draw(PAIR, number, 0.0)
        self.assertIsNone(table.known(PAIR, 0, KEEP))
        table.draw(PAIR, 1000, KEEP)
        self.assertEqual(1, len(table._drawn[PAIR]))

    def test_bounded(self) -> None:
        """The pair that was drawn for the longest time ago is forgotten first."""
        self.patch(narrow, "MOST", 2)
        table = Narrow(None)
        pairs = [(b"acme", b"%d" % number) for number in range(3)]
        for pair in (pairs[0], pairs[1], pairs[0], pairs[2]):
            table.draw(pair, len(table._drawn), 0.0)
        self.assertEqual([pairs[0], pairs[2]], [*table._drawn])

    def test_told_to_other_nodes(self) -> None:
        """What one node has drawn the other one knows, at its own time."""
        clock = Clock()
        world = World(clock.seconds)
        stores = [MemoryStore(clock, name, world) for name in ("one", "two")]
        for store in stores:
            self.successResultOf(store.start())
        one, two = (Narrow(store.bus) for store in stores)
        two.tick(50.0)
        reference = one.draw(PAIR, 0x1234, 7000.0)
        clock.advance(0)
        self.assertEqual(reference, two.known(PAIR, 0x1234, 60.0))
        self.assertIsNone(two.known(PAIR, 0x1234, 60.0 + KEEP))
