"""Runs a command, and beside it what may have the time that it leaves of the processors.

``python -m tests.support.beside BESIDE... -- COMMAND...`` starts ``BESIDE``, which is to give way
by itself, then the command. When that is over ``BESIDE`` is sent SIGINT: finish what you must. What
it says is shown then. The exit code is that of the command, or of ``BESIDE`` when that is worse.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence

LIMIT = 1800.0
"""Seconds that may pass between the end of the command and that of what runs beside it."""


def give_way() -> None:
    """This process, and those it starts, run only when nobody else wants to."""
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except OSError:
        os.nice(19)


def run(beside: Sequence[str], command: Sequence[str]) -> int:
    """Both; the exit code."""
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        other = subprocess.Popen(beside, stdout=said, stderr=said)
        try:
            code = subprocess.call(command)
        finally:
            other.send_signal(signal.SIGINT)
            try:
                late = other.wait(LIMIT)
            except subprocess.TimeoutExpired:
                other.kill()
                late = other.wait()
        said.seek(0)
        sys.stdout.write(said.read())
        sys.stdout.flush()
    return code or late


def main(arguments: Sequence[str]) -> int:
    """Split the arguments and run them."""
    place = arguments.index("--")
    return run(arguments[:place], arguments[place + 1 :])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
