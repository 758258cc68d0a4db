"""Waiting without a reactor: for a thread, or for what another process prints or has done."""

from __future__ import annotations

import time
from collections.abc import Callable

BETWEEN = 0.01
"""Seconds between two looks: nobody tells when a condition begins to hold."""


def holds(condition: Callable[[], object], seconds: float) -> bool:
    """Whether a condition comes to hold in so many seconds; True as soon as it does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(BETWEEN)
    return True
