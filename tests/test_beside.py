"""What runs beside a command ends with it, and its verdict counts."""

from __future__ import annotations

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


# The signal may come before its process waits for it, so it is blocked before that begins.
BLOCKED = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class BesideTests(SynchronousTestCase):
    """``python -m tests.support.beside``."""

    def run_both(self, beside: int, command: int) -> subprocess.CompletedProcess[str]:
        """With these exit codes."""
        line = [sys.executable, "-c", BLOCKED, "-m", "tests.support.beside"]
        line += [sys.executable, "-c", PATIENT, str(beside), "--"]
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
