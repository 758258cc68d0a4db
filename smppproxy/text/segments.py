"""Which part of which long message a submit_sm is, told by UDH or by SAR TLVs (XC-06).

:func:`concatenation` is for routing and runs for every submit_sm: tolerant, and free for a plain
message. :func:`segment_of` is the check of mission 4.4 and 4.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smppproxy.smpp.constants import (
    ESM_UDHI,
    TLV_MESSAGE_PAYLOAD,
    TLV_SAR_MSG_REF_NUM,
    TLV_SAR_SEGMENT_SEQNUM,
    TLV_SAR_TOTAL_SEGMENTS,
)
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.tlv import find_tlv
from smppproxy.text import sar, udh

Segment = tuple[int, int, int]
"""(reference, total, sequence)."""


def concatenation(raw: bytes, offsets: Sequence[int]) -> Segment | None:
    """(reference, total, sequence) of a submit_sm, or None for a message of one part.

    ``offsets`` are those of ``fields.walk_message``. What is broken counts as a plain message.
    """
    if raw[offsets[2]] & ESM_UDHI:
        segment = _from_udh(raw, offsets[4], offsets[5])
        if segment is not None:
            return segment
    if offsets[5] < len(raw):
        return _from_tlvs(raw, offsets[5])
    return None


def _from_udh(raw: bytes, sm_at: int, tlv_at: int) -> Segment | None:
    octets = raw[sm_at : sm_at + raw[sm_at - 1]]
    if not octets:
        octets = find_tlv(raw, tlv_at, TLV_MESSAGE_PAYLOAD) or b""
    # Nearly every header of a part is this one element.
    if octets[:3] == b"\x05\x00\x03" and len(octets) > 5:
        segment: Segment | None = (octets[3], octets[4], octets[5])
    else:
        try:
            segment = udh.concatenation(udh.parse(octets)[0])
        except BodyError:
            return None
    if segment is None or segment[1] == 1 or not 0 < segment[2] <= segment[1]:
        return None
    return segment


def _from_tlvs(raw: bytes, tlv_at: int) -> Segment | None:
    reference = find_tlv(raw, tlv_at, TLV_SAR_MSG_REF_NUM)
    if reference is None:
        return None
    total = find_tlv(raw, tlv_at, TLV_SAR_TOTAL_SEGMENTS)
    sequence = find_tlv(raw, tlv_at, TLV_SAR_SEGMENT_SEQNUM)
    if total is None or sequence is None:
        return None
    try:
        return sar.read(
            (
                (TLV_SAR_MSG_REF_NUM, reference),
                (TLV_SAR_TOTAL_SEGMENTS, total),
                (TLV_SAR_SEGMENT_SEQNUM, sequence),
            )
        )
    except BodyError:
        return None


def segment_of(esm_class: int, octets: bytes, tlvs: Iterable[tuple[int, bytes]]) -> Segment | None:
    """As :func:`concatenation`, strictly; ``octets`` is short_message or message_payload.

    :raises BodyError: 0x43 for a broken UDH, 0xC1 for SAR beside a concatenation UDH, and those of
        :func:`smppproxy.text.sar.read`.
    """
    by_tlv = sar.read(tlvs)
    by_udh = udh.concatenation(udh.parse(octets)[0]) if esm_class & ESM_UDHI else None
    if by_tlv and by_udh:
        raise BodyError("tlv_not_allowed", "SAR TLVs beside a concatenation UDH")
    if by_udh and by_udh[1] == 1:
        return None
    return by_udh or by_tlv
