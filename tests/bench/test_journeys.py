"""A message costs the node no more than it did: calls of functions, the same on every machine."""

from twisted.trial.unittest import SynchronousTestCase

from tests.bench.journeys import BATCH, JOURNEYS, measured

#: Calls per message when these journeys were measured last, in reads of 50 PDUs and of one.
BASELINE = {
    BATCH: {"submit": 30.8, "answer": 41.1, "receipt": 100.4, "delivery": 14.9},
    1: {"submit": 58.3, "answer": 113.4, "receipt": 245.7, "delivery": 57.3},
}
SLACK = 1.3
#: Microseconds of a whole message on a slow machine with busy neighbours.
MOST = 2000.0


class JourneyTests(SynchronousTestCase):
    """The cost of each journey of a message."""

    def test_calls(self) -> None:
        """No journey asks a third more functions than it did, on a busy node or a quiet one."""
        for batch, baseline in BASELINE.items():
            found = measured(batch, 3)
            self.assertEqual((*found,), JOURNEYS)
            for name, figures in found.items():
                self.assertLessEqual(figures["calls"], baseline[name] * SLACK, (batch, name))
            self.assertLess(sum(figures["us"] for figures in found.values()), MOST)
