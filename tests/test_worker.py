"""The process of a worker, without its supervisor; tests/scenarios/test_workers.py has both."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.ledger import Ledger
from smppproxy.words import LEDGER_FIELDS
from smppproxy.worker import LOOKS, Supervised, Telling


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


class TellingTests(SynchronousTestCase):
    """What a worker tells its supervisor of itself, and how often."""

    def setUp(self) -> None:
        """A worker that is ready and has done nothing."""
        self.ledger = Ledger()
        self.ready = True
        self.heard: list[dict[str, Any]] = []
        self.telling = Telling(
            self.ledger, lambda: self.ready, lambda **state: self.heard.append(state)
        )
        self.telling.look()
        self.assertEqual([state["ready"] for state in self.heard], [True])
        self.heard.clear()

    def test_each_change_is_told_at_once(self) -> None:
        """Each number of its books, being ready, and what an answer of the store left open."""
        for field in LEDGER_FIELDS:
            setattr(self.ledger, field, 1)
            self.telling.look()
            self.assertEqual(self.heard.pop()["ledger"][field], 1)
        self.ledger.adrift(2)
        self.telling.look()
        self.assertEqual(self.heard.pop()["ledger"]["adrift"], 2)
        self.ready = False
        self.telling.look()
        self.assertFalse(self.heard.pop()["ready"])
        self.assertEqual(self.heard, [])

    def test_without_a_change_once_a_second(self) -> None:
        """A sign of life costs what it costs, so there is one in ten looks."""
        for _ in range(3 * LOOKS):
            self.telling.look()
        self.assertEqual(len(self.heard), 3)
