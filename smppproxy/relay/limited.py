"""Log events that a peer could cause by the thousand: at once, then once a second with a count.

Of each kind, subject and reason the first event is written at once. What follows is counted, and
once a second one event is written for all of it: its fields are those of the first one that was not
told, ``count`` says how many there were. After a second of silence the next one is told at once
again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger, LogLevel

EVERY = 1.0
"""Seconds between two events of one kind, subject and reason."""

MOST_KINDS = 10_000
"""Different events that are remembered for a second; beyond them they are only counted."""


class Waiting:
    """Events of one kind that were not told yet.

    :ivar since: monotonic seconds of the last one that was.
    """

    __slots__ = ("count", "fields", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.count = 0
        self.fields: dict[str, Any] = {}


class Limited:
    """A log that nobody can fill."""

    def __init__(
        self, log: Logger, seconds: Callable[[], float], untold: Callable[[], object]
    ) -> None:
        """
        :param seconds: the monotonic clock.
        :param untold: called for each event beyond :data:`MOST_KINDS`, which is not written at all.
        """
        self._log = log
        self._seconds = seconds
        self._untold = untold
        self._waiting: dict[tuple[str, str, str], Waiting] = {}

    def tell(self, event: str, subject: str, reason: str, fields: Callable[[], Any]) -> None:
        """Write this event, or count it among those that are written later.

        :param subject: account, provider or peer that it is about.
        :param fields: makes ``log_level``, ``log_format`` and whatever the event holds; only asked
            when they are needed.
        """
        key = (event, subject, reason)
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= MOST_KINDS:
                self._untold()
                return
            self._waiting[key] = Waiting(self._seconds())
            self._write(event, fields(), 1)
            return
        if not waiting.count:
            waiting.fields = fields()
        waiting.count += 1

    def tick(self, now: float) -> None:
        """Once a second: tell what was counted, forget what was quiet."""
        for key, waiting in [*self._waiting.items()]:
            if now - waiting.since < EVERY:
                continue
            if not waiting.count:
                del self._waiting[key]
                continue
            self._write(key[0], waiting.fields, waiting.count)
            self._waiting[key] = Waiting(now)

    def _write(self, event: str, fields: dict[str, Any], count: int) -> None:
        level = fields.pop("log_level", LogLevel.info)
        text: str = fields.pop("log_format")
        if count > 1 and "{count}" not in text:
            text += " ({count} times)"
        self._log.emit(level, text, event=event, count=count, **fields)
