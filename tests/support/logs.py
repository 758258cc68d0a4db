"""What is logged while a test runs."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase


def logged(test: SynchronousTestCase) -> list[LogEvent]:
    """The events of every level from now to the end of the test, as they come."""
    found: list[LogEvent] = []
    observe: Any = found.append
    globalLogPublisher.addObserver(observe)
    test.addCleanup(globalLogPublisher.removeObserver, observe)
    return found
