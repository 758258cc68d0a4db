"""Fuzzed octets read as decisions: numbers, pieces, and PDUs that are nearly right."""

from __future__ import annotations

from collections.abc import Iterator

from smppproxy.smpp import constants as c

COMMANDS = (
    *(c.SUBMIT_SM, c.DELIVER_SM, c.DATA_SM, c.SUBMIT_SM_RESP, c.DELIVER_SM_RESP),
    *(c.DATA_SM | c.RESPONSE, c.ENQUIRE_LINK, c.ENQUIRE_LINK_RESP, c.UNBIND, c.UNBIND_RESP),
    *(c.BIND_TRANSCEIVER, c.BIND_RECEIVER, c.BIND_TRANSMITTER, c.BIND_TRANSCEIVER | c.RESPONSE),
    *(c.GENERIC_NACK, 0x03, 0x0B, 0x15, 0x102, 0x80000003, 0xFFFFFFFF, 0),
)
"""command_ids that a session knows, and some that it does not."""

STATUSES = (0, 0x08, 0x14, 0x58, 0x0E, 0x45, 0x400, 0xFFFFFFFF)


class Feed:
    """Octets that are taken from the front; after their end everything is 0 and empty."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._data)

    def number(self, below: int = 256) -> int:
        """A number of one octet, or of two where one is too little."""
        return int.from_bytes(self.octets(1 if below <= 256 else 2), "big") % below

    def octets(self, count: int) -> bytes:
        """So many octets, or what is left."""
        start = self._at
        self._at = min(len(self._data), start + count)
        return self._data[start : self._at]

    def piece(self) -> bytes:
        """As many octets as the octet before them says."""
        return self.octets(self.number())

    def rest(self) -> bytes:
        """All that is left."""
        return self.octets(len(self._data))

    def pdu(self) -> bytes:
        """A PDU with the right command_length, usually, and any body."""
        command_id = COMMANDS[self.number(len(COMMANDS))]
        status = STATUSES[self.number() % 16 % len(STATUSES)] if self.number() > 127 else 0
        sequence_number = self.number()
        body = self.octets(self.number(1024))
        length = 16 + len(body)
        header = (length, command_id, status, sequence_number)
        return b"".join(number.to_bytes(4, "big") for number in header) + body

    def writes(self, most: int = 64) -> Iterator[bytes]:
        """What a peer writes: PDUs, several of them at once, and octets that are none."""
        for _ in range(most):
            if not self.more:
                return
            kind = self.number(8)
            if kind == 0:
                yield self.piece()
            elif kind == 1:
                yield self.pdu() + self.pdu() + self.piece()
            else:
                yield self.pdu()


def cut(data: bytes, sizes: bytes) -> Iterator[bytes]:
    """The same octets in pieces of these sizes."""
    at = 0
    for size in sizes:
        if at >= len(data):
            return
        yield data[at : at + size + 1]
        at += size + 1
    if at < len(data):
        yield data[at:]
