"""A message costs the node no more than it did: calls of functions, the same on every machine."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.compiled import TWINS
from tests.bench.journeys import BATCH, JOURNEYS, measured

#: Calls per message when these journeys were measured last, in reads of 50 PDUs and of one: with
#: the compiled part, and in Python alone.
COMPILED = {
    BATCH: {"submit": 24.0, "answer": 19.5, "receipt": 29.5, "delivery": 8.5},
    1: {"submit": 54.5, "answer": 103.0, "receipt": 134.5, "delivery": 63.5},
}
PURE = {
    BATCH: {"submit": 29.0, "answer": 35.5, "receipt": 70.5, "delivery": 11.5},
    1: {"submit": 58.5, "answer": 118.0, "receipt": 174.5, "delivery": 65.5},
}
SLACK = 1.3
#: Microseconds of a whole message on a slow machine with busy neighbours.
MOST = 2000.0


class JourneyTests(SynchronousTestCase):
    """The cost of each journey of a message."""

    def test_calls(self) -> None:
        """No journey asks a third more functions than it did, on a busy node or a quiet one."""
        for batch, baseline in (COMPILED if TWINS else PURE).items():
            found = measured(batch, 3)
            self.assertEqual((*found,), JOURNEYS)
            for name, figures in found.items():
                self.assertLessEqual(figures["calls"], baseline[name] * SLACK, (batch, name))
            self.assertLess(sum(figures["us"] for figures in found.values()), MOST)
