"""Runs trial, passes its output through, and keeps the count of its results.

``python -m tests.support.trial --record NAME [--coverage] -- ARGUMENTS OF TRIAL`` writes
``build/results/NAME``: one line "PASSED FAILED SKIPPED", which ``.ci/run`` adds up. The exit
code is trial's own, or 1 when trial ended without telling its results.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "results"
LIMIT = 1800
"""Seconds that a whole run may take; every single test has a limit of its own."""
# Warnings are errors; but Twisted 26.10 itself still hands pyOpenSSL's own types to pyOpenSSL.
WARNINGS = ("error", "ignore:Passing pyOpenSSL:DeprecationWarning")
SUMMARY = re.compile(r"^(?:PASSED|FAILED)(?: \((?P<counts>[a-zA-Z0-9=, ]*)\))?\s*$")
PASSED = ("successes", "expectedFailures")
FAILED = ("failures", "errors", "unexpectedSuccesses")
SKIPPED = ("skips", "todos")


def count(summary: str) -> tuple[int, int, int] | None:
    """Passed, failed and skipped tests of trial's closing line; None when it is another line."""
    found = SUMMARY.match(summary)
    if found is None:
        return None
    numbers = {
        name: int(number)
        for name, _, number in (part.partition("=") for part in (found["counts"] or "").split(", "))
        if number
    }
    passed, failed, skipped = (
        sum(numbers.get(name, 0) for name in names) for names in (PASSED, FAILED, SKIPPED)
    )
    return passed, failed, skipped


def command(arguments: argparse.Namespace) -> list[str]:
    """The line that starts trial, with coverage or without."""
    python = [sys.executable, *(f"-W{rule}" for rule in WARNINGS)]
    if arguments.coverage:
        python += ["-m", "coverage", "run"]
    return [*python, "-m", "twisted.trial", *arguments.trial]


def follow(line: list[str], environment: dict[str, str]) -> tuple[int, tuple[int, int, int] | None]:
    """Run the line to its end; its exit code, and the results it told."""
    results = None
    with subprocess.Popen(
        line, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as process:

        def pass_on(number: int, frame: FrameType | None) -> None:
            process.send_signal(number)

        def give_up(number: int, frame: FrameType | None) -> None:
            print(f"not over after {LIMIT} s, killed", file=sys.stderr)
            process.kill()

        signal.signal(signal.SIGTERM, pass_on)
        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(LIMIT)
        assert process.stdout is not None
        for text in process.stdout:
            sys.stdout.write(text)
            sys.stdout.flush()
            results = count(text) or results
    return process.returncode, results


def main() -> int:
    """Parse the arguments, run trial, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", required=True, metavar="NAME")
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("trial", nargs="+")
    arguments = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    record = RESULTS / arguments.record
    record.unlink(missing_ok=True)
    # Workers of `trial -j` and nodes started by tests hold to the same rule as trial itself.
    environment = {**os.environ, "PYTHONWARNINGS": ",".join(WARNINGS)}
    code, results = follow(command(arguments), environment)
    if results is None:
        print(f"trial ended with exit code {code} and told no result", file=sys.stderr)
        results = (0, 1, 0)
        code = code or 1
    record.write_text("{} {} {}\n".format(*results))
    return code


if __name__ == "__main__":
    sys.exit(main())
