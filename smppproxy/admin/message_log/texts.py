"""What a message says, as the node hands it over for accounts with ``message_log = "full"``."""

from __future__ import annotations

from smppproxy.routing.accounts import Account
from smppproxy.smpp.constants import ESM_UDHI, TLV_MESSAGE_PAYLOAD
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import find_tlv

Text = tuple[int, bool, str, bytes]
"""data_coding, whether a header comes first, the alphabet ("": the standard's), the octets."""


def text_of(pdu: Pdu, account: Account) -> Text | None:
    """What a submit_sm says, for an account with ``message_log = "full"``."""
    return body_text(pdu.raw, account)


def body_text(raw: bytes, account: Account | None) -> Text | None:
    """As :func:`text_of`, of any submit_sm or deliver_sm."""
    try:
        _, _, esm_at, flags_at, sm_at, tlv_at = walk_message(raw)
    except BodyError:
        return None
    octets = raw[sm_at : sm_at + raw[sm_at - 1]]
    if not octets and tlv_at < len(raw):
        octets = find_tlv(raw, tlv_at, TLV_MESSAGE_PAYLOAD) or b""
    data_coding = raw[flags_at + 2]
    alphabet = ""
    if account is not None:
        alphabet = account.alphabets.get(data_coding, "")
        if not alphabet and not data_coding:
            alphabet = account.default_alphabet
    return data_coding, bool(raw[esm_at] & ESM_UDHI), alphabet, octets
