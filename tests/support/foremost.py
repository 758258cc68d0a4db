"""``python -m tests.support.foremost COMMAND ...``: a process that waits for nobody else.

Who asks how long a process keeps others waiting must not be told how long it waited itself, for a
processor that a dozen others want as well. With the scheduler's first class (``SCHED_RR``) it has
one at once, whenever it wants it. Where that is not allowed it is a process like all others.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

FOREMOST = (sys.executable, "-m", "tests.support.foremost")
"""What stands before a command."""


@contextlib.contextmanager
def foremost() -> Iterator[bool]:
    """This process and those that it starts meanwhile are foremost; False where they may not."""
    kind, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, kind, priority)


def may_be_foremost() -> bool:
    """Whether this process might, and so those that it starts."""
    with foremost() as may:
        return may


def stand_back() -> None:
    """Have the processor only when nobody else wants it, whoever started this process."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.nice(19)


def main() -> None:
    """Become the command."""
    with foremost():
        os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
