"""``python -m tests.support.foremost COMMAND ...``: a process that waits for nobody else.

Who asks how long a process keeps others waiting must not be told how long it waited itself, for a
processor that a dozen others want as well. With the scheduler's first class (``SCHED_RR``) it has
one at once, whenever it wants it. Where that is not allowed it is a process like all others.
"""

from __future__ import annotations

import contextlib
import os
import sys

FOREMOST = (sys.executable, "-m", "tests.support.foremost")
"""What stands before a command."""


def may_be_foremost() -> bool:
    """Whether this process might, and so those that it starts."""
    kind, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, kind, priority)
    return True


def main() -> None:
    """Become the command."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
