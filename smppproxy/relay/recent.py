"""The last messages that clients sent, so that a plan can say where they would go.

A read leaves one tuple here whatever it holds: nothing is done per message. Once a second the reads
are counted, and the oldest go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from smppproxy.smpp.constants import SUBMIT_SM
from smppproxy.smpp.pdu import Pdu

MOST_MESSAGES = 10_000
"""Messages that are remembered."""

MOST_OCTETS = 8 << 20
"""Octets of them; long ones push others out sooner."""

MOST_FRESH = 20_000
"""Reads that may wait to be counted."""

TOGETHER = 50
"""Reads, or messages, of a second that come and go together. What is as small as these is held
where small things are; a long list of single ones would be hundreds of blocks among the room for
reads, in which nothing but smaller reads fits between two of them."""

Read = tuple[str, Sequence[Pdu]]


def _own(pdus: Sequence[Pdu]) -> Sequence[Pdu]:
    """The same PDUs, with octets of their own.

    The only PDU of a read is the read itself: what is left of 64 KiB that were asked for before
    anybody knew how little would come. Thousands of such remains, each kept for minutes, leave
    holes in the memory that nothing else fits into.
    """
    if len(pdus) != 1:
        return pdus
    (pdu,) = pdus
    raw = bytes(memoryview(pdu.raw))
    return (Pdu(pdu.command_id, pdu.command_status, pdu.sequence_number, raw),)


def _keepable(fresh: list[Read]) -> list[Read]:
    """The reads of which anything may be kept: a busy node has more every second."""
    messages = 0
    for place in range(len(fresh) - 1, -1, -1):
        messages += len(fresh[place][1])
        if messages > MOST_MESSAGES:
            return fresh[place + 1 :]
    return fresh


class Recent:
    """The last reads of clients, newest last.

    :ivar fresh: those since the last :meth:`count`; whoever reads appends ``(account, pdus)``.
    """

    __slots__ = ("_kept", "_messages", "_octets", "fresh")

    def __init__(self) -> None:
        self.fresh: list[Read] = []
        # Reads that go together, how many messages these are, and how many octets.
        self._kept: deque[tuple[tuple[Read, ...], int, int]] = deque()
        self._messages = 0
        self._octets = 0

    def count(self) -> None:
        """Count what is fresh, and let the oldest go."""
        fresh, self.fresh[:] = _keepable(self.fresh[-MOST_FRESH:]), ()
        reads: list[Read] = []
        messages = octets = 0
        for account, pdus in fresh:
            reads.append((account, _own(pdus)))
            messages += len(pdus)
            octets += sum([len(pdu.raw) for pdu in pdus])
            if len(reads) >= TOGETHER or messages >= TOGETHER:
                self._keep(reads, messages, octets)
                reads, messages, octets = [], 0, 0
        if reads:
            self._keep(reads, messages, octets)
        while self._messages > MOST_MESSAGES or self._octets > MOST_OCTETS:
            _, messages, octets = self._kept.popleft()
            self._messages -= messages
            self._octets -= octets

    def _keep(self, reads: list[Read], messages: int, octets: int) -> None:
        self._kept.append((tuple(reads), messages, octets))
        self._messages += messages
        self._octets += octets

    def messages(self, count: int) -> list[tuple[str, bytes]]:
        """The newest ones, newest first: the account's system_id and the octets of the PDU."""
        self.count()
        found: list[tuple[str, bytes]] = []
        for account, pdu in self._newest():
            if len(found) >= count:
                break
            if pdu.command_id == SUBMIT_SM:
                found.append((account, pdu.raw))
        return found

    def _newest(self) -> Iterator[tuple[str, Pdu]]:
        for reads, _, _ in reversed(self._kept):
            for account, pdus in reversed(reads):
                for pdu in reversed(pdus):
                    yield account, pdu
