"""Runs a command, and beside it others that may have the time that it leaves of the processors.

``python -m tests.support.beside BESIDE... [-- WHOLE...] -- COMMAND...`` starts ``BESIDE``, which is
to give way by itself, then the command. When that is over ``BESIDE`` is sent SIGINT: finish what
you must. ``WHOLE`` (any number of them) is no less than it is: it is waited for, and told to end
only when somebody has had enough (SIGINT). What each of them says is shown in the end. The exit
code is that of the command, or of the first of the others that is not 0.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import groupby
from typing import IO

LIMIT = 1800.0
"""Seconds that may pass between the end of the command and that of what runs beside it."""


def give_way() -> None:
    """This process, and those it starts, run only when nobody else wants to."""
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except OSError:
        os.nice(19)


class Beside:
    """One of the others, and what it says."""

    def __init__(self, command: Sequence[str]) -> None:
        self.said: IO[str] = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(command, stdout=self.said, stderr=self.said)

    def ask(self) -> None:
        """Let it finish."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Wait for it, and show what it said; its exit code."""
        try:
            code = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.said.seek(0)
        sys.stdout.write(self.said.read())
        sys.stdout.flush()
        self.said.close()
        return code


def run(commands: Sequence[Sequence[str]]) -> int:
    """All of them, the last one for itself; the exit code."""
    beside, whole = Beside(commands[0]), [Beside(each) for each in commands[1:-1]]
    codes = []
    try:
        codes.append(subprocess.call(commands[-1]))
    except KeyboardInterrupt:
        codes.append(-signal.SIGINT)
        for each in whole:
            each.ask()
    finally:
        beside.ask()
        codes += [each.end() for each in (beside, *whole)]
    return next((code for code in codes if code), 0)


def main(arguments: Sequence[str]) -> int:
    """Split the arguments and run them."""
    parts = groupby(arguments, lambda each: each == "--")
    return run([[*part] for is_mark, part in parts if not is_mark])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
