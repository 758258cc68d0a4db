"""``python -m tests.soak.small PROGRAM ARGUMENTS``: a node that remembers few messages.

What it remembers of the last messages is full, and grows no more, after a hundred of them instead
of ten thousand: so minutes of little traffic show what grows for ever.
"""

from __future__ import annotations

import runpy
import sys

from smppproxy.relay import delivery, directory, recent
from smppproxy.store import known

FEW = 100
"""Messages, and maps of them, that a node remembers; of the looks of receipts a tenth."""


def main() -> None:
    """Be that program."""
    recent.MOST_MESSAGES = FEW
    directory.REMEMBERED = FEW
    delivery.LOOKS = FEW // 10
    known.MOST = FEW
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
