"""What runs beside a command ends with it, and its verdict counts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

# Waits for SIGINT, then ends with its argument.
PATIENT = """
import signal, sys
signal.sigwait([signal.SIGINT])
print("asked")
sys.exit(int(sys.argv[1]))
"""

# Ends by itself, once the command has.
WHOLE = """
import sys
print("whole")
sys.exit(int(sys.argv[1]))
"""

# Says through a pipe that SIGINT is blocked, then waits for it.
BLOCKING = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
open(sys.argv[1], "w").close()
signal.sigwait([signal.SIGINT])
print("asked")
"""

# Goes on until it is killed; the others are there before it says so.
SLOW = """
import signal, sys
for each in sys.argv[1:]:
    open(each).close()
print("here", flush=True)
signal.pause()
"""


# The signal may come before its process waits for it, so it is blocked before that begins.
BLOCKED = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class BesideTests(SynchronousTestCase):
    """``python -m tests.support.beside``."""

    def run_both(
        self, beside: int, command: int, *whole: int
    ) -> subprocess.CompletedProcess[str]:
        """With these exit codes."""
        line = [sys.executable, "-c", BLOCKED, "-m", "tests.support.beside"]
        line += [sys.executable, "-c", PATIENT, str(beside), "--"]
        for code in whole:
            line += [sys.executable, "-c", WHOLE, str(code), "--"]
        line += [sys.executable, "-c", f"import sys; print('done'); sys.exit({command})"]
        return subprocess.run(line, capture_output=True, text=True, timeout=60)

    def test_both_are_well(self) -> None:
        """The other one is asked to end when the command is over; what it said comes last."""
        done = self.run_both(0, 0)
        self.assertEqual((0, ["done", "asked"]), (done.returncode, done.stdout.split()))

    def test_either_may_fail(self) -> None:
        """The command's code goes first."""
        self.assertEqual(3, self.run_both(0, 3).returncode)
        self.assertEqual(4, self.run_both(4, 0).returncode)
        self.assertEqual(3, self.run_both(4, 3).returncode)

    def test_what_is_whole_is_waited_for(self) -> None:
        """Nobody tells it to end, and it counts as the others do."""
        done = self.run_both(0, 0, 0, 5)
        self.assertEqual((5, ["done", "asked", "whole", "whole"]), (
            done.returncode, done.stdout.split()
        ))
        self.assertEqual(4, self.run_both(4, 0, 5).returncode)

    def test_somebody_has_had_enough(self) -> None:
        """SIGINT: all are told to end, and what they said is shown."""
        line = [sys.executable, "-m", "tests.support.beside"]
        pipes = [self.mktemp() for _ in range(2)]
        for pipe in pipes:
            os.mkfifo(pipe)
            line += [sys.executable, "-c", BLOCKING, pipe, "--"]
        line += [sys.executable, "-c", SLOW, *pipes]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as beside:
            assert beside.stdout is not None
            self.assertEqual("here\n", beside.stdout.readline())
            beside.send_signal(signal.SIGINT)
            told, _ = beside.communicate(timeout=60)
        self.assertEqual(["asked", "asked"], told.split())
        self.assertNotEqual(0, beside.returncode)
