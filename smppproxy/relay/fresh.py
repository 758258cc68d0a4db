"""Messages whose answer has only just been written, or not yet: their receipts wait a while.

Each answer went to its own session; a receipt on another session of the account could be read
before it, and real clients lose such a receipt (quirks 5.4). And when nobody knows whether the
store has a message's map, a receipt may find it while the journal writes and the client waits.
"""

from __future__ import annotations

from collections.abc import Iterable

HOLD_BACK = 0.25
FRESH = 0.03
"""Seconds from the answer on one session to its receipt on another (quirks 5.4): of messages some
of whose receipts had come before, and of others. A beat of the relay may be added."""


class Fresh:
    """By client_message_id, until when receipts wait. True while any may have to."""

    def __init__(self) -> None:
        # What was answered in the last moments, and in those before.
        self._freshest: dict[bytes, float] = {}
        self._fresh: dict[bytes, float] = {}
        self._changed = 0.0
        self._unanswered: set[bytes] = set()

    def __bool__(self) -> bool:
        return bool(self._freshest or self._fresh or self._unanswered)

    def hold(self, message_ids: Iterable[bytes]) -> None:
        """These will be answered soon, and their receipts may be there already."""
        self._unanswered.update(message_ids)

    def add(self, message_ids: Iterable[bytes], until: float) -> None:
        """These were answered now."""
        answered = dict.fromkeys(message_ids, until)
        self._freshest.update(answered)
        if self._unanswered:
            self._unanswered.difference_update(answered)

    def is_unanswered(self, message_id: bytes) -> bool:
        """Whether the answer to this message is still to come."""
        return message_id in self._unanswered

    def until(self, message_id: bytes) -> float:
        """When receipts of this message may go; 0 for one that is not fresh."""
        return self._freshest.get(message_id) or self._fresh.get(message_id, 0.0)

    def forget(self, now: float) -> None:
        """Forget what was answered a while ago: the older half at once, nothing is searched."""
        if now - self._changed >= HOLD_BACK:
            self._fresh = self._freshest if now - self._changed < 2 * HOLD_BACK else {}
            self._freshest = {}
            self._changed = now
