"""The message log costs no more than it did: calls of functions, the same on every machine."""

from twisted.trial.unittest import SynchronousTestCase

from tests.bench.journeys import BATCH
from tests.bench.message_log import SIDES, measured

#: Calls per message when it was measured last, in reads of 50 PDUs and of one: in the node beyond
#: what it does without a log, and in the log's process. One row per message were 6.2 and 49.4.
BASELINE = {
    BATCH: {"node": 0.8, "log": 10.5},
    1: {"node": 18.5, "log": 81.0},
}
SLACK = 1.3
#: Microseconds of a whole message on a slow machine with busy neighbours.
MOST = 2000.0


class MessageLogTests(SynchronousTestCase):
    """What it costs to keep one."""

    def test_calls(self) -> None:
        """Neither side asks a third more functions than it did, on a busy node or a quiet one."""
        for batch, baseline in BASELINE.items():
            found = measured(batch, 3)
            self.assertEqual((*found,), SIDES)
            for name, figures in found.items():
                self.assertLessEqual(figures["calls"], baseline[name] * SLACK, (batch, name))
                self.assertLess(figures["us"], MOST)
                self.assertGreater(figures["octets"], 0)
