"""A reactor that stands still is counted, timed, and told with what it was doing."""

from __future__ import annotations

import linecache
import sys
import threading
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.admin.stalls import BEAT, BUCKETS, LIMIT, QUIET, Stalls, told
from tests.support.metrics import samples
from tests.support.processes import until


class BeatTests(SynchronousTestCase):
    """The counts, with a clock of the test's own."""

    def setUp(self) -> None:
        """A watch that beats when told to."""
        self.now = 100.0
        self.clock = Clock()
        self.stalls = Stalls(self.clock, lambda: self.now)
        self.stalls.start()
        self.addCleanup(self.stalls.stop)

    def after(self, seconds: float) -> list[Any]:
        """A beat so much later; what is logged about it."""
        self.now += seconds
        with capturedLogs() as events:
            self.stalls.beat()
        return [*events]

    def test_in_time(self) -> None:
        """A beat in time is in the first bucket, and nothing is said."""
        self.assertEqual(self.after(BEAT), [])
        self.assertEqual((self.stalls.late[0], self.stalls.stalls), (1, 0))

    def test_a_little_late(self) -> None:
        """Each beat is in the bucket of its lateness; up to the limit nobody is told."""
        for bound in BUCKETS:
            self.after(BEAT + bound - 0.001)
        self.assertEqual(self.stalls.late, [1] * len(BUCKETS) + [0])
        self.after(BEAT + BUCKETS[-1] + 1)
        self.assertEqual(self.stalls.late[-1], 1)

    def test_f100_a_stall(self) -> None:
        """Too late: counted and told at once, with its length; the next one within a second is
        counted only.
        """
        [event] = self.after(BEAT + LIMIT + 0.1)
        self.assertEqual((event["event"], event["log_level"]), ("reactor_stalled", LogLevel.warn))
        self.assertAlmostEqual(event["seconds"], 0.2)
        text = "the reactor stood still for 0.200 s (1 time so far)\n"
        self.assertTrue(str(formatEvent(event)).startswith(text), formatEvent(event))
        self.assertEqual(self.after(BEAT + 0.5), [])
        self.assertEqual((self.stalls.stalls, round(self.stalls.longest, 3)), (2, 0.5))
        [event] = self.after(QUIET + BEAT)
        self.assertEqual(event["stalls"], 3)
        self.assertIn(" (3 times so far)\n", str(formatEvent(event)))

    def test_metrics(self) -> None:
        """A scrape has the count of stalls, a histogram that adds up, and what is to come."""
        for late in (0.0, 0.03, 0.3):
            self.after(BEAT + late)
        self.clock.callLater(7.0, lambda: None)
        stalls, timers, blocks, *lag = samples(self.stalls.metrics())
        self.assertEqual((stalls.value, timers.value), (1, len(self.clock.getDelayedCalls())))
        self.assertLess(abs(blocks.value - sys.getallocatedblocks()), 50_000)
        values = {sample.labels.get("le", sample.name): sample.value for sample in lag}
        self.assertEqual((values["0.005"], values["0.05"], values["+Inf"]), (1, 2, 3))
        self.assertAlmostEqual(values["smppproxy_reactor_lag_seconds_sum"], 0.33)

    def test_a_stack_is_told_without_its_text(self) -> None:
        """Whose text would be read from disk during the stall, and kept for ever."""
        linecache.clearcache()
        stack = told(sys._getframe())
        self.assertIn("in BeatTests.test_a_stack_is_told_without_its_text", stack.splitlines()[-1])
        self.assertRegex(stack, r'File ".*test_stalls.py", line \d+')
        self.assertEqual({}, linecache.cache)

    def test_the_start_of_a_node_is_no_stall(self) -> None:
        """However long it takes until the reactor turns for the first time: nobody waited."""
        clock = Clock()
        stalls = Stalls(clock, lambda: self.now)
        stalls.start()
        self.addCleanup(stalls.stop)
        self.now += 2.0
        with capturedLogs() as events:
            clock.advance(BEAT)
        self.assertEqual((stalls.stalls, stalls.late[0], [*events]), (0, 1, []))

    def test_stop(self) -> None:
        """Nothing beats after the end, and the thread is gone."""
        names = [thread.name for thread in threading.enumerate()]
        self.assertIn("stalls", names)
        self.stalls.stop()
        self.assertNotIn("stalls", [thread.name for thread in threading.enumerate()])
        self.stalls.stop()


class ReactorTests(TestCase):
    """The real reactor, held up for a moment."""

    async def test_f100_reactor_blocked(self) -> None:
        """The entry names the function that held the reactor up."""
        stalls = Stalls(global_reactor)
        stalls.start()
        self.addCleanup(stalls.stop)
        done: Deferred[None] = Deferred()
        clock: Any = global_reactor

        def holds_everybody_up() -> None:
            # What a lookup or a hash in the wrong place does: the thread waits, and so does all.
            threading.Event().wait(4 * LIMIT)
            done.callback(None)

        with capturedLogs() as events:
            clock.callLater(0, holds_everybody_up)
            await done
            await until(lambda: stalls.stalls > 0)
        told = [event for event in events if event.get("event") == "reactor_stalled"]
        self.assertIn("holds_everybody_up", told[0]["stack"])
        self.assertGreater(stalls.longest, 2 * LIMIT)
