"""Tests of ``admin.looking``: looks that do not overlap, and pictures made of three."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.looking import Looks, thrice
from smppproxy.store.interface import NOT_SENT, StoreUnavailable
from smppproxy.store.memory import MemoryStore


class LooksTests(SynchronousTestCase):
    """When a look is begun."""

    def setUp(self) -> None:
        self.store = MemoryStore(Clock(), "n1")
        self.store.start()
        self.out: list[Deferred[Any]] = []
        self.looks = Looks(self.store, 2.0, self.look)

    def look(self) -> Deferred[Any]:
        """One that is over when the test says so."""
        self.out.append(Deferred())
        return self.out[-1]

    def test_one_at_a_time(self) -> None:
        """The next one waits until the last is over, and until it is due."""
        self.looks.tick(10.0)
        self.looks.tick(13.0)
        self.assertEqual(1, len(self.out))
        self.out[0].callback(None)
        self.looks.tick(11.9)
        self.assertEqual(1, len(self.out))
        self.looks.tick(12.0)
        self.assertEqual(2, len(self.out))

    def test_store_goes_away(self) -> None:
        """A look that fails for that is over; none is begun while the store is away."""
        self.looks.tick(10.0)
        self.out[0].errback(StoreUnavailable(NOT_SENT))
        self.store.go_away()
        self.looks.tick(20.0)
        self.assertEqual(1, len(self.out))
        self.store.come_back()
        self.looks.tick(21.0)
        self.assertEqual(2, len(self.out))


class ThriceTests(SynchronousTestCase):
    """Something between two looks at something that moves."""

    def test_order(self) -> None:
        """First, other, first again: each is asked when the one before has answered."""
        numbers = iter(range(9))
        found = thrice(lambda: succeed(next(numbers)), lambda: succeed(f"at {next(numbers)}"))
        self.assertEqual((0, "at 1", 2), self.successResultOf(found))

    def test_failure(self) -> None:
        """What fails is the end of it."""
        asked: list[str] = []

        def around() -> Deferred[None]:
            asked.append("around")
            return succeed(None)

        def between() -> Deferred[None]:
            raise StoreUnavailable(NOT_SENT)

        self.failureResultOf(thrice(around, between), StoreUnavailable)
        self.assertEqual(["around"], asked)
