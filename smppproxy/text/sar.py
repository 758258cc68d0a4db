"""Parts of a long message told by TLVs: sar_msg_ref_num, sar_total_segments, sar_segment_seqnum.

SMPP 3.4, 5.3.2.22 to 5.3.2.24; mission 4.5.
"""

from __future__ import annotations

from collections.abc import Iterable

from smppproxy.smpp.constants import (
    TLV_SAR_MSG_REF_NUM,
    TLV_SAR_SEGMENT_SEQNUM,
    TLV_SAR_TOTAL_SEGMENTS,
)
from smppproxy.smpp.errors import BodyError

_SIZES = {TLV_SAR_MSG_REF_NUM: 2, TLV_SAR_TOTAL_SEGMENTS: 1, TLV_SAR_SEGMENT_SEQNUM: 1}


def read(tlvs: Iterable[tuple[int, bytes]]) -> tuple[int, int, int] | None:
    """(reference, total, sequence), or None when no SAR TLV is there or total is 1.

    The first TLV of a tag counts.

    :raises BodyError: 0xC3 when one or two of the three are missing, 0xC2 for a wrong size,
        0xC4 for a zero or a sequence above total.
    """
    found: dict[int, int] = {}
    for tag, value in tlvs:
        size = _SIZES.get(tag)
        if size is None or tag in found:
            continue
        if len(value) != size:
            raise BodyError("tlv_length", "a SAR TLV of the wrong size")
        found[tag] = int.from_bytes(value, "big")
    if not found:
        return None
    if len(found) < len(_SIZES):
        raise BodyError("tlv_missing", "SAR TLVs come all three or not at all")
    total, sequence = found[TLV_SAR_TOTAL_SEGMENTS], found[TLV_SAR_SEGMENT_SEQNUM]
    if not 0 < sequence <= total:
        raise BodyError("tlv_value", "a SAR sequence outside its total")
    return None if total == 1 else (found[TLV_SAR_MSG_REF_NUM], total, sequence)


def tlvs(reference: int, total: int, sequence: int) -> list[tuple[int, bytes]]:
    """The three TLVs of one part.

    :raises ValueError: when a number does not fit its field.
    """
    if not (0 <= reference <= 0xFFFF and 0 < sequence <= total <= 255):
        raise ValueError(f"reference {reference}, part {sequence} of {total}")
    return [
        (TLV_SAR_MSG_REF_NUM, reference.to_bytes(2, "big")),
        (TLV_SAR_TOTAL_SEGMENTS, bytes((total,))),
        (TLV_SAR_SEGMENT_SEQNUM, bytes((sequence,))),
    ]
