"""Messages whose answer has only just been written, or not yet: their receipts wait a while.

Each answer went to its own session; a receipt on another session of the account could be read
before it, and real clients lose such a receipt (quirks 5.4). And when nobody knows whether the
store has a message's map, a receipt may find it while the journal writes and the client waits.

What is written leaves this process when the reactor next looks at its sockets, and not sooner: in
a turn that takes long no time that passes says that an answer is on its way. So the while begins
when the reactor has been round once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

HOLD_BACK = 0.25
FRESH = 0.03
"""Seconds from the answer on one session to its receipt on another (quirks 5.4): of messages some
of whose receipts had come before, and of others. A beat of the relay may be added."""


class Fresh:
    """By client_message_id, until when receipts wait. True while any may have to."""

    def __init__(
        self, seconds: Callable[[], float], soon: Callable[[Callable[[], None]], object]
    ) -> None:
        """
        :param seconds: the monotonic clock.
        :param soon: calls back in the reactor's next turn, before it looks at its sockets.
        """
        self._seconds = seconds
        self._soon = soon
        # What was answered in the last moments, and in those before.
        self._freshest: dict[bytes, float] = {}
        self._fresh: dict[bytes, float] = {}
        self._changed = 0.0
        self._unanswered: set[bytes] = set()
        # Answers in the transports' buffers; those written before the sockets were last looked at
        # leave the buffers with that look.
        self._unsent: set[bytes] = set()
        self._written: list[tuple[Collection[bytes], float]] = []
        self._leaving: list[tuple[Collection[bytes], float]] = []

    def __bool__(self) -> bool:
        return bool(self._freshest or self._fresh or self._unanswered or self._unsent)

    def hold(self, message_ids: Iterable[bytes]) -> None:
        """These will be answered soon, and their receipts may be there already."""
        self._unanswered.update(message_ids)

    def add(self, message_ids: Collection[bytes], patience: float) -> None:
        """The answers to these were written now; their receipts wait for so many seconds from when
        they have left.
        """
        if not message_ids:
            return
        self._unsent.update(message_ids)
        if not self._written and not self._leaving:
            self._soon(self._turned)
        self._written.append((message_ids, patience))
        if self._unanswered:
            self._unanswered.difference_update(message_ids)

    def _turned(self) -> None:
        """Between two looks at the sockets: what was written before the last one has left."""
        now = self._seconds()
        for message_ids, patience in self._leaving:
            self._unsent.difference_update(message_ids)
            self._freshest.update(dict.fromkeys(message_ids, now + patience))
        self._leaving, self._written = self._written, []
        if self._leaving:
            self._soon(self._turned)

    def is_unanswered(self, message_id: bytes) -> bool:
        """Whether the answer to this message is still to come."""
        return message_id in self._unanswered

    def until(self, message_id: bytes, now: float) -> float:
        """When receipts of this message may go, or are to be looked at again; 0 for one that is
        not fresh.
        """
        if message_id in self._unsent:
            return now + FRESH
        return self._freshest.get(message_id) or self._fresh.get(message_id, 0.0)

    def forget(self, now: float) -> None:
        """Forget what was answered a while ago: the older half at once, nothing is searched."""
        if now - self._changed >= HOLD_BACK:
            self._fresh = self._freshest if now - self._changed < 2 * HOLD_BACK else {}
            self._freshest = {}
            self._changed = now
