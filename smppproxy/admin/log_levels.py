"""How much is logged, room by room; it may be changed while the node works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.logger import (
    ILogFilterPredicate,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    PredicateResult,
)
from zope.interface import implementer

from smppproxy.words import CONFIGURED, EVERYTHING, LOG_ROOMS

NOISY = "twisted.application._client_service"
"""Tells of each attempt to reach the store; why it failed the store itself tells, once."""

PASSED = "log_passed"
"""In a worker's log entry: it was wanted there, and is not sifted again by its supervisor."""


@implementer(ILogFilterPredicate)
class OfWorkers:
    """Lets through what a worker's own levels let pass; of the rest others decide."""

    def __call__(self, event: LogEvent) -> Any:
        """Yes, or perhaps."""
        return PredicateResult.yes if PASSED in event else PredicateResult.maybe


class LogLevels:
    """The least that is logged, of each room and of everything else.

    :ivar passes: the predicate for a ``FilteringLogObserver``; follows every change.
    """

    def __init__(self, level: str, rooms: Mapping[str, str]) -> None:
        self._configured = {EVERYTHING: level, **rooms}
        self.passes = LogLevelFilterPredicate(LogLevel.levelWithName(level))
        self._levels: dict[str, str] = {}
        self.set(EVERYTHING, CONFIGURED)
        for room in LOG_ROOMS:
            self.set(room, CONFIGURED)

    def set(self, room: str, level: str) -> str:
        """Log this and what is graver from now on; what it was before.

        :param room: one of :data:`LOG_ROOMS`, or ``all``: rooms without a level of their own, and
            the libraries.
        :param level: one of ``LOG_LEVELS``, or ``configured``; a room that the node file does not
            name follows ``all`` again.
        """
        was = self.level(room)
        if level == CONFIGURED:
            level = self._configured.get(room, "")
        if level:
            self._levels[room] = level
        else:
            self._levels.pop(room, None)
        self._apply()
        return was

    def level(self, room: str) -> str:
        """The least that is logged of a room now."""
        return self._levels.get(room) or self._levels.get(EVERYTHING, "info")

    def is_own(self, room: str) -> bool:
        """Whether the room has a level of its own."""
        return room in self._levels

    def _apply(self) -> None:
        # The predicate has no way to take a namespace out but to forget them all.
        self.passes.clearLogLevels()
        for room, level in self._levels.items():
            namespace = "" if room == EVERYTHING else f"smppproxy.{room}"
            self.passes.setLogLevelForNamespace(namespace, LogLevel.levelWithName(level))
        if self.level(EVERYTHING) == "info":
            self.passes.setLogLevelForNamespace(NOISY, LogLevel.warn)
