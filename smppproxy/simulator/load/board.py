"""What became of each message: columns in memory that all processes of a load test share.

A receipt may come to any session of the account, so to any process; whoever takes it finds here
when the message was due, which id it was given and by whom it was sent. 16 octets a message,
taken from the system only once they are used.
"""

from __future__ import annotations

import mmap
import os

#: Digits of a message's number in its destination, and so how many messages there can be.
DIGITS = 8
MOST = 10**DIGITS

#: What ``answers`` says.
NOT_SENT, OK, REFUSED, LOST, SENT = range(5)

_WIDTHS = (8, 4, 2, 1, 1)


class Board:
    """The columns; :attr:`fd` is inherited by the other processes.

    :ivar due: when each message should have left, monotonic seconds.
    :ivar ids: a checksum of the message_id that its answer gave.
    :ivar sessions: the session that sent it, numbers over all processes (modulo 65,536).
    :ivar answers: one of :data:`NOT_SENT` ... :data:`SENT`. :ivar receipts: its final receipts.
    """

    def __init__(self, size: int, fd: int = -1) -> None:
        """Columns for so many messages: new ones, or those behind a descriptor."""
        self.size = size
        if fd < 0:
            fd = os.memfd_create("smppproxy-load", 0)
            os.ftruncate(fd, sum(_WIDTHS) * size)
        self.fd = fd
        self._map = mmap.mmap(fd, sum(_WIDTHS) * size)
        whole = memoryview(self._map)
        parts = []
        at = 0
        for width in _WIDTHS:
            parts.append(whole[at : at + width * size])
            at += width * size
        self.due = parts[0].cast("d")
        self.ids = parts[1].cast("I")
        self.sessions = parts[2].cast("H")
        self.answers = parts[3].cast("B")
        self.receipts = parts[4].cast("B")

    def close(self) -> None:
        """Give the memory back; the columns are gone."""
        self.due.release()
        for view in (self.ids, self.sessions, self.answers, self.receipts):
            view.release()
        os.close(self.fd)

    def missing(self, numbers: int) -> int:
        """Messages of the first ``numbers`` that were answered OK and have no receipt."""
        answers, receipts = self.answers, self.receipts
        missing = 0
        for start in range(0, numbers, 1 << 16):
            end = min(numbers, start + (1 << 16))
            answered, got = bytes(answers[start:end]), bytes(receipts[start:end])
            if answered.count(OK) > len(got) - got.count(0) or 0 in got:
                missing += sum(
                    one == OK and not two for one, two in zip(answered, got, strict=True)
                )
        return missing

    def received(self, numbers: int) -> int:
        """Messages of the first ``numbers`` that have a receipt."""
        receipts = self.receipts
        return sum(
            min(numbers, at + (1 << 20)) - at
            - bytes(receipts[at : min(numbers, at + (1 << 20))]).count(0)
            for at in range(0, numbers, 1 << 20)
        )  # fmt: skip
