"""One PDU: what its header says, and its octets. Nothing of the body is decoded here."""

from struct import Struct

from smppproxy.smpp.constants import command_name, status_name

_status_and_sequence = Struct(">Q").pack


class Pdu:
    """
    A framed PDU (SMPP 3.4, 3.2), lazy: the body stays octets until somebody asks `fields` for it.

    `raw` holds all octets, header included, once; the three ints are its header's. A plain slotted
    class: of the ways to hold four values it is the one that is cheap to make and to read.
    """

    __slots__ = ("command_id", "command_status", "sequence_number", "raw")

    def __init__(
        self, command_id: int, command_status: int, sequence_number: int, raw: bytes
    ) -> None:
        self.command_id = command_id
        self.command_status = command_status
        self.sequence_number = sequence_number
        self.raw = raw

    def resequenced(self, sequence_number: int) -> bytes:
        """The same octets for another session: command_status 0 and this sequence_number."""
        raw = self.raw
        return raw[:8] + _status_and_sequence(sequence_number) + raw[16:]

    def __repr__(self) -> str:
        """Header facts only: a body may hold a password or a person's message."""
        return (
            f"<{command_name(self.command_id)} {status_name(self.command_status)}"
            f" sequence_number={self.sequence_number} length={len(self.raw)}>"
        )
