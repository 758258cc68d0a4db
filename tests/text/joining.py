"""The parts of a long message made one again, for providers that want it whole (``join``)."""

from __future__ import annotations

from collections.abc import Sequence

from smppproxy.smpp.constants import TLV_DEST_ADDR_SUBUNIT, TLV_MESSAGE_PAYLOAD
from smppproxy.smpp.errors import BodyError
from smppproxy.text import alphabets, udh
from smppproxy.text.payload import Payload
from smppproxy.text.segments import Segment

_UCS2 = 8


def join(parts: Sequence[Payload]) -> Payload:
    """One payload of all parts of a message, in whatever order they came.

    Class and header are those of part 1. Parts in several alphabets become UCS2.

    :raises ValueError: when a part is missing, there twice, or of another message.
    :raises BodyError: 0x45 when parts in several alphabets cannot be decoded, 0x01 for odd UCS2.
    """
    ordered = sorted(parts, key=_number)
    if not ordered or [part.segment for part in ordered] != _expected(ordered[0].segment):
        raise ValueError("these are not the parts of one message")
    first = ordered[0]
    alphabet, data_coding, octets = first.alphabet, first.data_coding, b""
    if any(part.alphabet != alphabet for part in ordered):
        alphabet, data_coding = "ucs2", _UCS2
        octets = b"".join([_ucs2(part) for part in ordered])
    else:
        octets = b"".join([part.octets for part in ordered])
    elements = first.other_elements()
    header = udh.build(elements)
    own = [pair for pair in first.own_tlvs if pair[0] == TLV_DEST_ADDR_SUBUNIT]
    return Payload(
        alphabet,
        data_coding,
        first.message_class,
        octets,
        header,
        tuple(elements),
        by_payload=True,
        own_tlvs=[*own, (TLV_MESSAGE_PAYLOAD, header + octets)],
    )


def _number(part: Payload) -> int:
    return part.segment[2] if part.segment else 0


def _expected(segment: Segment | None) -> list[Segment]:
    if segment is None:
        return []
    reference, total, _ = segment
    return [(reference, total, number) for number in range(1, total + 1)]


def _ucs2(part: Payload) -> bytes:
    if part.national:
        raise BodyError("payload", "national tables are copied or not at all")
    text = alphabets.decode(part.alphabet, part.octets)
    return alphabets.encode("ucs2", text) or b""
