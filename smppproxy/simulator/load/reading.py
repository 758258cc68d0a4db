"""The few facts of a receipt that a load test looks at, found without decoding the rest. Pure."""

from __future__ import annotations

from smppproxy.receipts import text
from smppproxy.smpp.constants import TLV_MESSAGE_PAYLOAD, TLV_RECEIPTED_MESSAGE_ID
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.tlv import find_tlv

Facts = tuple[int, bytes, bytes]


def facts(raw: bytes) -> Facts:
    """(esm_class, source_addr, the id that it is about or b"") of a deliver_sm.

    The straight way is for a receipt as nearly all are: no service_type, no times, a text that
    begins with ``id:``. Raises `BodyError` for what is no deliver_sm at all.
    """
    if raw[16:17] == b"\0":
        source_end = raw.find(0, 19)
        at = raw.find(0, source_end + 3) + 1
        if at > source_end + 3 and raw[at + 3 : at + 5] == b"\0\0":
            start = at + 10
            end = raw.find(b" ", start)
            if end > 0 and raw[start : start + 3] == b"id:":
                return raw[at], raw[19:source_end], raw[start + 3 : end]
    return _carefully(raw)


def _carefully(raw: bytes) -> Facts:
    source_at, dest_at, esm_at, _, sm_at, tlv_at = walk_message(raw)
    found = find_tlv(raw, tlv_at, TLV_RECEIPTED_MESSAGE_ID)
    if found is not None:
        message_id = found.rstrip(b"\0")
    else:
        octets = raw[sm_at : sm_at + raw[sm_at - 1]]
        octets = octets or find_tlv(raw, tlv_at, TLV_MESSAGE_PAYLOAD) or b""
        read = text.parse(octets)
        message_id = read.id if read is not None else b""
    return raw[esm_at], raw[source_at + 2 : dest_at - 1], message_id


__all__ = ["BodyError", "Facts", "facts"]
