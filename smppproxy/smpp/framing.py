"""Where one PDU ends and the next begins: the only reader of command_length."""

from struct import Struct

from smppproxy.compiled import compiled
from smppproxy.smpp.constants import HEADER_LENGTH, MAX_PDU_BEFORE_BIND
from smppproxy.smpp.errors import FramingError
from smppproxy.smpp.pdu import Pdu

_header = Struct(">IIII").unpack_from
_new_pdu = Pdu.__new__


@compiled(Pdu)
def cut(data: bytes, limit: int) -> tuple[list[Pdu], int]:
    """The PDUs that are whole and no longer than ``limit``; where the first that is not begins."""
    pdus: list[Pdu] = []
    append = pdus.append
    new = _new_pdu
    header = _header
    at = 0
    end = len(data)
    last_header = end - HEADER_LENGTH
    while at <= last_header:
        # Filled here and not by its constructor: one Python call less for every PDU there is.
        pdu = new(Pdu)
        length, pdu.command_id, pdu.command_status, pdu.sequence_number = header(data, at)
        stop = at + length
        if stop > end or length > limit or length < 16:
            break
        pdu.raw = data[at:stop]
        append(pdu)
        at = stop
    return pdus, at


class Framer:
    """
    Cuts a stream into PDUs, one pass over each read.

    Only an unfinished PDU is ever held, in one buffer that grows in place: a PDU that arrives octet
    by octet costs its length, not its square (F01). A command_length out of bounds is decided from
    its own four octets, before anything of that PDU is kept (F04).
    """

    __slots__ = ("max_length", "_tail", "_need", "_lost")

    def __init__(self, max_length: int = MAX_PDU_BEFORE_BIND) -> None:
        #: Octets of the longest PDU taken; may be raised at any time.
        self.max_length = max_length
        self._tail = bytearray()
        self._need = 0
        self._lost = False

    @property
    def pending(self) -> int:
        """How many octets are held of a PDU that has not come whole."""
        return len(self._tail)

    @property
    def unfinished(self) -> bytes:
        """The octets held of a PDU that has not come whole."""
        return bytes(self._tail)

    def feed(self, data: bytes) -> tuple[list[Pdu], FramingError | None]:
        """
        The PDUs that are whole after this read, in order, and what ended the stream if it is lost.

        PDUs before the bad one are still returned. After an error, nothing ever is.
        """
        if self._lost:
            return [], None
        if self._tail:
            if len(self._tail) + len(data) < self._need:
                self._tail += data
                return [], None
            data = b"".join((self._tail, data))
            self._tail = bytearray()
        pdus, at = cut(data, self.max_length)
        if at == len(data):
            return pdus, None
        return pdus, self._keep(data[at:])

    def _keep(self, rest: bytes) -> FramingError | None:
        """Hold the beginning of a PDU, or see from its command_length that the stream is lost."""
        if len(rest) < 4:
            self._need = 4
        else:
            length = int.from_bytes(rest[:4], "big")
            if not HEADER_LENGTH <= length <= self.max_length:
                self._lost = True
                sequence_number = int.from_bytes(rest[12:16], "big") if len(rest) >= 16 else 0
                return FramingError(
                    sequence_number,
                    f"command_length {length} is not within 16..{self.max_length}",
                )
            self._need = length
        self._tail += rest
        return None
