"""The optional parameters behind a body (SMPP 3.4, 3.2.4): tag, length, value."""

from collections.abc import Iterator
from struct import Struct

from smppproxy.smpp.errors import BodyError

#: How many TLVs one PDU may carry (F14); the standard names 45 of them.
MAX_TLVS = 256

_tag_and_length = Struct(">HH").unpack_from
_pack_head = Struct(">HH").pack


def tlv(tag: int, value: bytes) -> bytes:
    """The octets of one TLV; ValueError when the value is longer than 65,535 octets."""
    if len(value) > 0xFFFF:
        raise ValueError(f"the value of TLV 0x{tag:04x} is {len(value)} octets, 65535 fit")
    return _pack_head(tag, len(value)) + value


def iter_tlvs(raw: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """
    (tag, value) of each TLV from offset `at` on, in order, repeated tags included.

    Ends without an error where the area ends or breaks: providers send receipts with a TLV whose
    length points past the PDU, and what stands before it is still good.
    """
    last = len(raw) - 4
    while at <= last:
        tag, length = _tag_and_length(raw, at)
        start = at + 4
        at = start + length
        if at > len(raw):
            return
        yield tag, raw[start:at]


def find_tlv(raw: bytes, at: int, tag: int) -> bytes | None:
    """The value of the first TLV with this tag from `at` on (F14: the first wins), or None."""
    end = len(raw)
    last = end - 4
    while at <= last:
        found, length = _tag_and_length(raw, at)
        at += 4 + length
        if found == tag:
            return raw[at - length : at] if at <= end else None
    return None


def check_tlvs(raw: bytes, at: int) -> int:
    """
    The offset at which the TLVs of a body that ends at `at` really begin: `len(raw)` without any.

    That is `at`, or one more where an uncounted NUL stands between short_message and the TLVs, or
    alone at the end (GW-53: a much copied client sends it). Raises `BodyError` 0xC0 when the area
    reads as TLVs in neither way (F13), or holds more than 256 of them (F14).
    """
    if _whole(raw, at):
        return at
    if raw[at] == 0 and _whole(raw, at + 1):
        return at + 1
    raise BodyError("tlv_stream", "the octets behind the body are not TLVs")


def _whole(raw: bytes, at: int) -> bool:
    """Whether TLVs, at most 256, fill the octets from `at` on exactly."""
    end = len(raw)
    last = end - 4
    count = 0
    while at <= last and count < MAX_TLVS:
        at += 4 + _tag_and_length(raw, at)[1]
        count += 1
    return at == end
