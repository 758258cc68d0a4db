"""``make mission``: every promise of the provider documents with its test and its result.

Runs the tests of this folder and prints one row per promise of ``requirements.txt``. Exit code 1
when a promise has no passing test.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from twisted.trial.reporter import Reporter
from twisted.trial.runner import TestLoader, TrialRunner

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
IN_NAME = re.compile(r"(sx|gw|mg|oz|xc)(\d\d)(?=_)")

PASSED, FAILED, MISSING = "passed", "FAILED", "NO TEST"


def requirements() -> dict[str, str]:
    """The promises by id, in the order of the file."""
    lines = REQUIREMENTS.read_text().splitlines()
    pairs = (line.split(" ", 1) for line in lines if line and not line.startswith("#"))
    return {identifier: promise for identifier, promise in pairs}


def covered(test_id: str) -> list[str]:
    """The ids that a test's name says it covers: ``test_sx07_gw12_...`` covers two."""
    name = test_id.rpartition(".")[2]
    return [f"{document.upper()}-{number}" for document, number in IN_NAME.findall(name)]


class Results(Reporter):
    """Keeps which tests passed and which did not, and shows progress."""

    outcomes: dict[str, bool] = {}  # noqa: RUF012 - trial makes the instance itself

    def startTest(self, test: Any) -> None:
        """A test begins: until something else is said it passes."""
        super().startTest(test)
        self.outcomes.setdefault(test.id(), True)
        self._write(f"\r{len(self.outcomes)} tests")

    def addError(self, test: Any, error: Any) -> None:
        """An error."""
        super().addError(test, error)
        self.outcomes[test.id()] = False

    def addFailure(self, test: Any, failure: Any) -> None:
        """A failure."""
        super().addFailure(test, failure)
        self.outcomes[test.id()] = False

    def addSkip(self, test: Any, reason: Any) -> None:
        """A skipped test proves nothing."""
        super().addSkip(test, reason)
        self.outcomes[test.id()] = False


def table(outcomes: dict[str, bool]) -> tuple[Table, int]:
    """The rows, and how many promises have no passing test."""
    tests: dict[str, list[str]] = {}
    for test_id in outcomes:
        for identifier in covered(test_id):
            tests.setdefault(identifier, []).append(test_id)
    shown = Table("id", "promise", "test", "result")
    open_ends = 0
    for identifier, promise in requirements().items():
        own = tests.get(identifier, [])
        result = MISSING if not own else PASSED if all(outcomes[t] for t in own) else FAILED
        open_ends += result != PASSED
        names = "\n".join(test_id.rpartition(".")[2] for test_id in own)
        shown.add_row(identifier, promise, names, result)
    return shown, open_ends


def main() -> int:
    """Run the tests of this folder and print the table."""
    suite = TestLoader().loadByName("tests.providers", recurse=True)
    TrialRunner(Results, workingDirectory="_trial_temp_mission").run(suite)
    rows, open_ends = table(Results.outcomes)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(rows)
    total = len(requirements())
    console.print(f"{total} promises, {total - open_ends} with passing tests, {open_ends} without")
    return 1 if open_ends else 0


if __name__ == "__main__":
    sys.exit(main())
