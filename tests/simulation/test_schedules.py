"""A bounded number of schedules, those that failed once, and that a seed says it all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.simulation.__main__ import chunks, main, parse, seeds_of
from tests.simulation.__main__ import run as main_run
from tests.simulation.history import PromiseBroken, require
from tests.simulation.running import Outcome, listening, run, run_all, told
from tests.simulation.schedule import Schedule

SECONDS = 5.0
"""For how long schedules are run here; ``make check`` runs others beside all tests, and ``make
simulate`` as many as it is told to."""

FIRST = 1

FAILED_ONCE = (
    # An intermediate receipt that was held back, after the final one on another node.
    1720,
    1722,
    1799,
    # A node killed while calls wait for the store.
    4243,
    # An acknowledgement whose answer was lost, of what another node had handed out since.
    309_584,
    # A receipt that found one of several parts in doubt, and was there before the answer.
    62_743,
    # Two copies lost, the wall clock put right in between: two maps of one message.
    40_541,
    # A second look: messages on their way when their bind was lost; a client that is not read.
    311_780,
    312_576,
)
"""Seeds that have found something, and what."""

TELL = """
from tests.simulation.schedule import Schedule
for seed in (3, 14, 77):
    schedule = Schedule(seed)
    schedule.run()
    print(len(schedule.trace), schedule.digest, schedule.now, schedule.trace[-1][1])
"""


class ScheduleTests(SynchronousTestCase):
    """Reliability 1: P1 to P8, D1 to D11, M1 to M4, L1 to L3, as decisions.md amends them."""

    def fail_if(self, outcome: Outcome | None) -> None:
        """Say how to run it again."""
        if outcome is not None:
            self.fail(f"{outcome}\nagain: python -m tests.simulation --seeds {outcome.seed}")

    def test_promises(self) -> None:
        """As many schedules as fit into some seconds keep every promise."""
        end = time.monotonic() + SECONDS
        for outcome in run_all(range(FIRST, FIRST + 100_000)):
            self.fail_if(outcome)
            if time.monotonic() > end:
                break

    def test_seeds_that_failed_once(self) -> None:
        """What was found once stays mended."""
        with listening() as logged:
            for seed in FAILED_ONCE:
                self.fail_if(run(seed, logged)[1])

    def test_same_seed_same_run(self) -> None:
        """A seed is a whole run: the same octets in the same order, whatever hashes are."""
        found = set()
        for hashes in ("1", "2", "3"):
            environment = os.environ | {"PYTHONHASHSEED": hashes}
            found.add(
                subprocess.run(
                    [sys.executable, "-c", TELL],
                    env=environment,
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            )
        self.assertEqual(1, len(found), found)


class RunnerTests(SynchronousTestCase):
    """What fails is told so that it can be run again."""

    def test_a_broken_promise_is_told(self) -> None:
        """Seed, promise and the last steps."""

        class Broken(Schedule):
            def drain(self) -> None:
                require(False, "P1", 7)

        schedule = Broken(5)
        self.assertRaises(PromiseBroken, schedule.run)
        self.assertIn("heal", "\n".join(told(schedule)))
        self.assertIn("seed 5: P1: 7", str(Outcome(5, "P1: 7", told(schedule))))

    def test_an_error_that_nobody_took_is_told(self) -> None:
        """What is logged as critical breaks the schedule during which it came."""
        with listening() as logged:
            logged.append("an error")
            outcome = run(1, logged)[1]
        assert outcome is not None
        self.assertIn("an error nobody took", outcome.error)
        self.assertEqual([], logged)

    def test_runner(self) -> None:
        """The command runs what it is told to, and says how it went by its exit status."""
        self.assertEqual(range(3, 4), seeds_of("3"))
        self.assertEqual(range(3, 10), seeds_of("3-9"))
        self.assertEqual([range(0, 100), range(100, 130)], chunks(range(130)))
        self.assertEqual(0, main(["--seeds", "1-2", "--jobs", "1"]))

    def test_an_end_that_is_asked_for(self) -> None:
        """SIGINT ends a run once it has done the least it must; the record counts it as one."""
        record = Path(self.mktemp())
        told = parse(["--seeds", "1-1000", "--jobs", "1", "--least", "1"])
        self.assertEqual(0, main_run(told, [signal.SIGINT]))
        command = [sys.executable, "-m", "tests.simulation", "--seeds", "1-2", "--idle"]
        done = subprocess.run(
            [*command, "--record", str(record.absolute())],
            check=True, capture_output=True, text=True,
        )
        self.assertIn("simulate: 2 of 2 schedules, 0 failed", done.stdout)
        self.assertEqual("1 0 0\n", record.read_text())
