"""What ``.ci/run`` counts is what trial's closing line says."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.support.trial import count


class CountTests(SynchronousTestCase):
    """The closing line of trial, whatever stands in it."""

    def test_all_passed(self) -> None:
        """Only successes."""
        self.assertEqual(count("PASSED (successes=1001)\n"), (1001, 0, 0))

    def test_of_every_kind(self) -> None:
        """Whatever is no success, expected failure or skip has failed."""
        line = (
            "FAILED (skips=1, expectedFailures=2, failures=3, errors=4, "
            "unexpectedSuccesses=5, successes=6)\n"
        )
        self.assertEqual(count(line), (8, 12, 1))

    def test_no_test(self) -> None:
        """A run without tests counts nothing."""
        self.assertEqual(count("PASSED\n"), (0, 0, 0))

    def test_other_lines(self) -> None:
        """A line that only looks like it is none."""
        self.assertIsNone(count("    test_passes ... [OK]\n"))
        self.assertIsNone(count("PASSED by\n"))
