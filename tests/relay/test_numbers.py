"""Tests of ``relay.numbers``: message numbers without waiting and without repeats."""

from __future__ import annotations

from typing import cast

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.numbers import NumberPool
from smppproxy.store.interface import UNKNOWN, Store
from tests.support.memory_peers import ControlledStore, World


class NumberPoolTests(SynchronousTestCase):
    """XC-01: no two nodes and no two starts give the same number."""

    def setUp(self) -> None:
        self.world = World()
        self.store = ControlledStore(self.world.store.inner)

    def pool(self, block: int = 3) -> NumberPool:
        return NumberPool(cast(Store, self.store), block)

    def test_numbers_follow_each_other(self) -> None:
        """Numbers come without a gap, block after block."""
        pool = self.pool()
        numbers = [pool.take() for _ in range(20)]
        self.assertEqual(list(range(numbers[0], numbers[0] + 20)), numbers)

    def test_two_pools_never_meet(self) -> None:
        """Two nodes, or a node after its restart, never give the same number."""
        one, two = self.pool(), self.pool(7)
        numbers = [pool.take() for _ in range(50) for pool in (one, two)]
        numbers += [self.pool().take()]
        self.assertEqual(101, len(set(numbers)))

    def test_a_spare_block_is_in_hand(self) -> None:
        """With the store away there are numbers for a whole block at least, then -1."""
        pool = self.pool()
        pool.refill()
        self.assertEqual(2, self.store.calls.count("take_numbers"))
        pool.take()
        self.store.go_away()
        numbers = [pool.take() for _ in range(10)]
        self.assertEqual(5, len([number for number in numbers if number >= 0]))
        self.assertEqual(-1, numbers[-1])
        self.assertFalse(pool.ready)

    def test_one_call_at_a_time(self) -> None:
        """While a call is out no other is made, however often a number is asked for."""
        pool = self.pool()
        self.store.hold("take_numbers")
        self.assertEqual([-1, -1, -1], [pool.take() for _ in range(3)])
        self.assertEqual(1, self.store.calls.count("take_numbers"))
        self.store.release()
        self.assertTrue(pool.ready)
        self.assertGreater(pool.take(), 0)

    def test_answer_lost(self) -> None:
        """A block whose answer was lost is a gap and nothing worse; the next call asks again."""
        pool = self.pool()
        self.store.fail_next("take_numbers", UNKNOWN)
        self.assertEqual(-1, pool.take())
        number = pool.take()
        self.assertGreater(number, 3)
