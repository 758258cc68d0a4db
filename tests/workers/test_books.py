"""The one ledger of a node whose workers come and go."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.ledger import Ledger
from smppproxy.store.memory import MemoryStore
from smppproxy.workers.books import AGAIN, Books, Counts, gathered


class BooksTests(SynchronousTestCase):
    """A supervisor's own ledger, one worker's, and a store whose queues the test fills."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock, "n1")
        self.store.start()
        self.own, self.worker = Ledger(), Ledger()
        self.waiting = [0]
        self.answers = True
        self.moves = 0
        self.patch(self.store, "sizes", self.sizes)
        self.books = Books(self.own, self.store, lambda: [b"q"], self.ask)

    def sizes(self, queues: list[bytes]) -> Deferred[list[tuple[int, int]]]:
        """What waits now, and as many in hands as the test says."""
        self.worker.delivered += self.moves
        return succeed([(each, 0) for each in self.waiting])

    def ask(self) -> Deferred[list[Counts]]:
        """The worker's books, if it answers."""
        return succeed([self.worker.as_dict()] if self.answers else [])

    def tick(self, times: int = 1) -> None:
        """Looks, as far apart as they are."""
        for _ in range(times):
            self.clock.advance(AGAIN)
            self.books.tick(self.clock.seconds())

    def test_together(self) -> None:
        """Counts are added; what is here now too."""
        self.own.matched, self.worker.matched, self.worker.delivered = 2, 5, 4
        found = self.books.together([self.worker.as_dict()])
        self.assertEqual((found["matched"], found["delivered"], found["queued"]), (7, 4, 3))

    def test_a_worker_that_ended(self) -> None:
        """Its counts stay; what was in flight there is in doubt, and the equations hold."""
        gone = Ledger()
        gone.submitted, gone.accepted, gone.refused = 10, 6, 1
        gone.receipts_in = gone.matched = 4
        self.books.close(gone.as_dict() | {"adrift": 2})
        self.assertEqual((self.own.submitted, self.own.in_doubt, self.own.in_flight), (10, 3, 0))
        self.assertEqual((self.own.events["adrift"], self.own.imbalance()), (2, {}))
        self.assertTrue(self.books.unsettled)

    def test_a_worker_that_told_nothing(self) -> None:
        """It ended before it began."""
        self.books.close({})
        self.assertEqual(self.own.as_dict(), Ledger().as_dict())

    def test_the_last_moment_is_found_in_the_store(self) -> None:
        """A killed worker had queued three receipts more than it told: they wait, so they count;
        after two quiet looks that find nothing else, nobody looks any more."""
        self.books.close({"matched": 5})
        self.waiting = [8]
        self.tick()
        self.assertEqual(self.books.together([self.worker.as_dict()])["queued"], 8)
        self.assertTrue(self.books.unsettled)
        self.tick(2)
        self.assertFalse(self.books.unsettled)
        self.waiting = [9]
        self.tick()
        self.assertEqual(self.own.queued, 8)

    def test_counts_that_move_are_looked_at_again(self) -> None:
        """What is counted between two questions is nobody's mistake: the books are right once
        nothing moves."""
        self.books.close({"matched": 5})
        self.moves, self.waiting = 1, [4]
        for left in (4, 3, 2):
            self.waiting = [left]
            self.tick()
            self.assertTrue(self.books.unsettled)
        self.moves = 0
        self.tick(3)
        self.assertFalse(self.books.unsettled)
        self.assertEqual(self.books.together([self.worker.as_dict()])["queued"], 2)

    def test_nobody_looks_without_need(self) -> None:
        """Nothing ended, the last look was just now, or the store is away."""
        self.waiting = [7]
        self.tick()
        self.assertEqual(self.own.queued, 0)
        self.books.close({})
        self.store.go_away()
        self.tick()
        self.assertEqual(self.own.queued, 0)
        self.store.come_back()
        self.tick()
        self.assertEqual(self.own.queued, 7)
        self.waiting = [8]
        self.books.tick(self.clock.seconds())
        self.assertEqual(self.own.queued, 7)

    def test_who_does_not_answer_is_asked_again(self) -> None:
        """The counts of a worker that is just starting are missing, so nothing is concluded."""
        self.books.close({})
        self.waiting, self.answers = [7], False
        self.tick(3)
        self.assertEqual(self.own.queued, 0)
        self.answers = True
        self.tick()
        self.assertEqual(self.own.queued, 7)

    def test_a_store_that_goes_away_meanwhile(self) -> None:
        """The next look asks it again."""
        self.books.close({})
        real = MemoryStore(self.clock, "n2")
        real.start()
        real.go_away()
        self.patch(self.store, "sizes", lambda queues: real.sizes(queues))
        self.tick()
        self.assertTrue(self.books.unsettled)
        self.patch(self.store, "sizes", self.sizes)
        self.waiting = [1]
        self.tick()
        self.assertEqual(self.own.queued, 1)

    def test_gathered(self) -> None:
        """All or none."""
        self.assertEqual(self.successResultOf(gathered([])), [])
        self.assertEqual(self.successResultOf(gathered([succeed(b"1"), succeed(b"2")])),
                         [b"1", b"2"])  # fmt: skip
        self.assertEqual(self.successResultOf(gathered([succeed(b"1"), succeed(b"")])), [])
