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

Waits = Callable[[bytes, float], float]
"""Until when receipts of a message wait, by its client_message_id and the monotonic time now."""


class Half:
    """What was answered within a quarter of a second.

    :ivar messages: by client_message_id, with which others each was answered.
    :ivar unsent: batches of them that have not left.
    :ivar until: until when receipts of those that have left wait.
    """

    __slots__ = ("messages", "unsent", "until")

    def __init__(self) -> None:
        self.messages: dict[bytes, Batch] = {}
        self.unsent = 0
        self.until = 0.0

    def is_over(self, now: float) -> bool:
        """Whether nothing waits for these any more."""
        return not self.unsent and self.until <= now


class Batch:
    """Messages whose answers were written in one moment.

    :ivar until: until when their receipts wait; 0.0 while the answers are in the transports.
    """

    __slots__ = ("half", "patience", "until")

    def __init__(self, patience: float, half: Half) -> None:
        self.patience = patience
        self.half = half
        self.until = 0.0
        half.unsent += 1

    def leave(self, now: float) -> None:
        """The answers have left."""
        self.until = now + self.patience
        self.half.unsent -= 1
        self.half.until = max(self.half.until, self.until)


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
        self._freshest = Half()
        self._fresh = Half()
        self._changed = 0.0
        self._unanswered: set[bytes] = set()
        # Answers in the transports' buffers; those written before the sockets were last looked at
        # leave the buffers with that look.
        self._written: list[Batch] = []
        self._leaving: list[Batch] = []

    def __bool__(self) -> bool:
        return bool(self._freshest.messages or self._fresh.messages or self._unanswered)

    def hold(self, message_ids: Iterable[bytes]) -> None:
        """These will be answered soon, and their receipts may be there already."""
        self._unanswered.update(message_ids)

    def add(self, message_ids: Collection[bytes], patience: float) -> None:
        """The answers to these were written now; their receipts wait for so many seconds from when
        they have left.
        """
        if not message_ids:
            return
        batch = Batch(patience, self._freshest)
        self._freshest.messages.update(dict.fromkeys(message_ids, batch))
        if not self._written and not self._leaving:
            self._soon(self._turned)
        self._written.append(batch)
        if self._unanswered:
            self._unanswered.difference_update(message_ids)

    def _turned(self) -> None:
        """Between two looks at the sockets: what was written before the last one has left."""
        now = self._seconds()
        for batch in self._leaving:
            batch.leave(now)
        self._leaving, self._written = self._written, []
        if self._leaving:
            self._soon(self._turned)

    def of(self, sessions: int, now: float) -> Waits | None:
        """What says until when the receipts of an account with so many sessions wait, by their
        message and ``now``: see :meth:`until`. None where none of them does.
        """
        self.forget(now)
        if sessions > 1:
            return self.until
        return self._until_answered if self._unanswered else None  # one session keeps the order

    def _until_answered(self, message_id: bytes, now: float) -> float:
        """As :meth:`until`, for those whose answer is still to come."""
        return now + HOLD_BACK if message_id in self._unanswered else 0.0

    def until(self, message_id: bytes, now: float) -> float:
        """When receipts of this message may go, or are to be looked at again; 0 for one that is
        neither unanswered nor fresh.
        """
        if message_id in self._unanswered:
            return now + HOLD_BACK
        batch = self._freshest.messages.get(message_id) or self._fresh.messages.get(message_id)
        if batch is None:
            return 0.0
        return batch.until or now + FRESH

    def forget(self, now: float) -> None:
        """Forget what was answered a while ago: the older half at once, nothing is searched."""
        if now - self._changed < HOLD_BACK or not self._fresh.is_over(now):
            return
        self._fresh = Half() if self._freshest.is_over(now) else self._freshest
        self._freshest = Half()
        self._changed = now
