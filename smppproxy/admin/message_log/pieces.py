"""Pieces of the message log's lines: octets, numbers, references and texts as JSON has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from smppproxy.receipts.dialects import NORMALISED
from smppproxy.relay.events import MASK, SHOWN
from smppproxy.smpp.constants import STATE_UNKNOWN
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.store.records import MoRecord, RecordError
from smppproxy.text import alphabets, udh
from smppproxy.text.payload import meaning
from smppproxy.text.profile import TextSettings

_STANDARD = TextSettings()

EVENT = (
    b'{"time":"%b","event":"%b",%b,"sequence_number":%d,"command_status":"%b",'
    b'"client_message_id":"%b","provider_message_id":"%b",%b,'
    b'"source_addr":"%b","destination_addr":"%b"%b}\n'
)
# These become forms, which lines of the same parties share.
ACCEPTED_LINE = (
    b'{"time":"%%b","event":"accepted",%b,"sequence_number":%%d,"command_status":"ESME_ROK",'
    b'"client_message_id":"%%b","provider_message_id":"%%b",%b,"source_addr":"%%b",'
    b'"destination_addr":"%%b",%%b}\n'
)
ACCEPTED_END = b'"parts":%d,"route":%b,"latency":%.6f%b'
RECEIPT_LINE = (
    b'{"time":"%%b","event":"receipt",%b,"sequence_number":%%d,"command_status":"ESME_ROK",'
    b'"client_message_id":"%%b","provider_message_id":"%%b",%b,"source_addr":"",'
    b'"destination_addr":"%%b","verdict":"%%b"%%b}\n'
)
RECEIPT = (
    b',"message_state":"%b","stat":"%b","err":"%b","final":%b,"done_date":"%b"'
)
DELIVERED = (
    b',"kind":"receipt","message_state":"%b","final":%b,"submit_time":"%b","latency":%.3f,'
    b'"attempts":%d'
)
DELIVERED_LINE = (
    b'{"time":"%%b","event":"delivered",%b,"sequence_number":%%d,"command_status":"ESME_ROK",'
    b'"client_message_id":"%%b","provider_message_id":"%%b",%%b,"source_addr":"%%b",'
    b'"destination_addr":"%%b"%%b}\n'
)
WORDS = {
    state: NORMALISED.get(state, NORMALISED[STATE_UNKNOWN]) for state in range(256)
}
"""What a message_state is called."""

STATES = [WORDS[state].encode() for state in range(256)]


_PLAIN = bytes(each for each in range(0x20, 0x7F) if each not in b'"\\')
"""Octets that stand for themselves inside a JSON string."""


def inside(octets: bytes) -> bytes:
    """Octets as the inside of a JSON string, each as the character of its number."""
    if not octets.translate(None, _PLAIN):
        return octets
    return json.dumps(octets.decode("latin-1"))[1:-1].encode()


def all_inside(many: Sequence[bytes]) -> Sequence[bytes]:
    """:func:`inside` of each, which nearly always is what they are."""
    if not b"".join(many).translate(None, _PLAIN):
        return many
    return [inside(octets) for octets in many]


def literal(octets: bytes) -> bytes:
    """Octets as a part of a form that is filled later."""
    return octets.replace(b"%", b"%%")


def quoted(text: str) -> bytes:
    """Text as JSON."""
    return json.dumps(text).encode()


def accepted_rest(
    ids: Sequence[bytes], reference: bytes, attempts: int, skipped: Any
) -> bytes:
    """What only some accepted messages have."""
    rest = b""
    if len(ids) > 1:
        rest += b',"provider_message_ids":[%b]' % b",".join(b'"%b"' % inside(each) for each in ids)
    if reference:
        rest += b',"user_message_reference":' + quoted(shown_reference(reference))
    if attempts:
        rest += b',"resent":true'
    if skipped:
        rest += b',"skipped":' + json.dumps(skipped).encode()
    return rest


def mask(number: bytes) -> bytes:
    """A number as an account with ``mask_numbers`` has it; see ``relay.events``."""
    return number[:SHOWN] + MASK.encode() if number else b""


def shown_reference(octets: bytes) -> str:
    """user_message_reference as a client would write it: two octets are a number (GW-33)."""
    if len(octets) == 2:
        return str(int.from_bytes(octets, "big"))
    return octets.rstrip(b"\0").decode("latin-1")


def said(text: Sequence[Any] | None) -> bytes:
    """What a message says, for the end of a line; its octets in hex where they are no text."""
    if text is None:
        return b""
    data_coding, headed, alphabet, octets = text
    head = b',"data_coding":%d,' % data_coding
    name = alphabet or meaning(data_coding, _STANDARD)[0]
    try:
        body = octets[udh.parse(octets)[1] :] if headed else octets
        if name in alphabets.TEXTS:
            return b'%b"text":%b' % (head, quoted(alphabets.decode(name, body)))
    except BodyError:
        pass
    return b'%b"octets":"%b"' % (head, octets.hex().encode())


def addresses(raw: bytes) -> tuple[bytes, bytes]:
    """source_addr and destination_addr of a submit_sm or deliver_sm; b"" when unreadable."""
    try:
        _, dest_at, esm_at, *_ = offsets = walk_message(raw)
    except BodyError:
        return b"", b""
    return raw[offsets[0] + 2 : dest_at - 1], raw[dest_at + 2 : esm_at - 1]


def message_addresses(record: bytes) -> tuple[bytes, bytes]:
    """The same of a stored MO message; b"" when unreadable."""
    try:
        return addresses(bytes(16) + MoRecord.unpack(record).body)
    except RecordError:
        return b"", b""
