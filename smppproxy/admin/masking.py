"""PDUs with stars where something is not to be seen: of the same length, so that all else stays.

Passwords always; what a message says, but for its header and for what a receipt tells beside the
text; telephone numbers behind their first four digits.
"""

from __future__ import annotations

import re

from smppproxy.admin.pdus import BINDS, MESSAGES
from smppproxy.relay.events import SHOWN
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message

STAR = b"*"

_QUOTED = re.compile(rb"text:", re.IGNORECASE)
_TYPE = 0x3C


def masked(raw: bytes, shows_text: bool, hides_numbers: bool) -> bytes:
    """The PDU with stars."""
    command_id = int.from_bytes(raw[4:8], "big")
    if command_id in BINDS:
        return _without_password(raw)
    if command_id not in MESSAGES:
        return raw
    if command_id == c.DATA_SM:
        return _data_sm(raw, shows_text, hides_numbers)
    try:
        offsets = walk_message(raw)
    except BodyError:
        # What cannot be read cannot be told apart either.
        return raw[:16] + STAR * (len(raw) - 16)
    octets = bytearray(raw)
    source_at, dest_at, esm_at, _, sm_at, tlv_at = offsets
    if hides_numbers:
        _stars(octets, source_at + 2 + SHOWN, dest_at - 1)
        _stars(octets, dest_at + 2 + SHOWN, esm_at - 1)
    if not shows_text:
        _hide_text(octets, raw[esm_at], sm_at, sm_at + raw[sm_at - 1])
        _hide_payload(octets, raw[esm_at], tlv_at)
    return bytes(octets)


def _stars(octets: bytearray, start: int, end: int) -> None:
    if start < end:
        octets[start:end] = STAR * (end - start)


def _hide_text(octets: bytearray, esm_class: int, start: int, end: int) -> None:
    if esm_class & c.ESM_UDHI and start < end:
        start = min(end, start + octets[start] + 1)
    if esm_class & _TYPE == c.ESM_RECEIPT:
        found = _QUOTED.search(octets, start, end)
        start = found.end() if found is not None else end
    _stars(octets, start, end)


def _hide_payload(octets: bytearray, esm_class: int, at: int) -> None:
    """The TLV message_payload, wherever it is."""
    while at + 4 <= len(octets):
        tag = int.from_bytes(octets[at : at + 2], "big")
        end = at + 4 + int.from_bytes(octets[at + 2 : at + 4], "big")
        if tag == c.TLV_MESSAGE_PAYLOAD:
            _hide_text(octets, esm_class, at + 4, min(end, len(octets)))
        at = end


def _without_password(raw: bytes) -> bytes:
    """The second string of the body; all of what cannot be read."""
    start = raw.find(b"\0", 16) + 1
    end = raw.find(b"\0", start)
    if not start or end < 0:
        return raw[:16] + STAR * (len(raw) - 16)
    return raw[:start] + STAR * (end - start) + raw[end:]


def _data_sm(raw: bytes, shows_text: bool, hides_numbers: bool) -> bytes:
    """service_type, two addresses with TON and NPI before them, three octets, TLVs."""
    octets = bytearray(raw)
    at = raw.find(b"\0", 16) + 1
    for _ in range(2):
        end = raw.find(b"\0", at + 2)
        if not at or end < 0:
            return raw[:16] + STAR * (len(raw) - 16)
        if hides_numbers:
            _stars(octets, at + 2 + SHOWN, end)
        at = end + 1
    if at >= len(raw):
        return raw[:16] + STAR * (len(raw) - 16)
    if not shows_text:
        _hide_payload(octets, raw[at], at + 3)
    return bytes(octets)
