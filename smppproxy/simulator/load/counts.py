"""What a load test counts, beside latencies. Pure."""

from __future__ import annotations

import attrs


@attrs.define
class Counts:
    """What one process counted, or all of them.

    :ivar lost: submits whose session ended before their answer.
    :ivar early: receipts that came before the answer to their message, on its own session.
    :ivar crossed: the same on another session, whose order nobody can promise: no fault.
    :ivar misplaced: receipts whose id is not the one that the message was given.
    :ivar stale: receipts of messages that this test did not send. :ivar unasked: receipts where
        none was asked for. :ivar receipts: those taken, repeated ones included.
    """

    binds: int = 0
    sessions_lost: int = 0
    submitted: int = 0
    accepted: int = 0
    refused: int = 0
    lost: int = 0
    receipts: int = 0
    intermediate: int = 0
    mo: int = 0
    early: int = 0
    crossed: int = 0
    misplaced: int = 0
    stale: int = 0
    unasked: int = 0
    unreadable: int = 0
    unexpected: int = 0

    def add(self, other: Counts) -> None:
        """Add those of another process."""
        for field in attrs.fields(Counts):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
