"""The process of a worker, without its supervisor; tests/scenarios/test_workers.py has both."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.worker import Supervised


class WorkerTests(SynchronousTestCase):
    """Who is nobody's worker."""

    def test_nobody_says_what_it_is_to_be(self) -> None:
        """Its supervisor ended before it said so, or a person started it: it ends, and is well."""
        command = [sys.executable, "-m", "smppproxy.worker", "n1.1"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_what_the_reactor_asks(self) -> None:
        """Standard input, by its number and a name for Twisted's own log lines."""
        supervised = Supervised(None, lambda: None)
        self.assertEqual((supervised.fileno(), supervised.logPrefix()), (0, "supervisor"))
