"""Ids: one way to look up the spellings of a provider's ids, and the forms of our own.

Ids are octets, never numbers (D8): a key is made for the lookup only. Providers disagree with
themselves: hex in the response, zero-padded decimal in the receipt, another letter case (XC-02).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from smppproxy.receipts.receipt import Receipt

# int(x, 16) would also take a sign, blanks, 0x and underscores: other ids than the number's.
_is_hex = re.compile(rb"[0-9A-Fa-f]{1,65}").fullmatch
_is_dec = re.compile(rb"[0-9]{1,65}").fullmatch

_form = attrs.field(default="string", validator=attrs.validators.in_(("string", "dec", "hex")))


@attrs.define
class IdProfile:
    """How a provider spells its ids: "string", "dec" or "hex" in each of three places.

    :ivar resp: message_id of submit_sm_resp.
    :ivar receipt_text: ``id:`` of the receipt's text.
    :ivar receipt_tlv: receipted_message_id.
    :ivar strip_zeros: leading zeros of strings mean nothing.
    :ivar fold_case: the letter case of strings means nothing.

    An id that is no number of its base is taken for a string.
    """

    resp: str = _form
    receipt_text: str = _form
    receipt_tlv: str = _form
    strip_zeros: bool = False
    fold_case: bool = False


def _key(profile: IdProfile, form: str, provider_message_id: bytes) -> bytes:
    if form == "hex":
        if _is_hex(provider_message_id):
            return b"%d" % int(provider_message_id, 16)
    elif form == "dec" and _is_dec(provider_message_id):
        return provider_message_id.lstrip(b"0") or b"0"
    key = provider_message_id
    if profile.strip_zeros:
        # An id of nothing but zeros is an id all the same.
        key = key.lstrip(b"0") or key[:1]
    return key.lower() if profile.fold_case else key


def key_of_response(profile: IdProfile, provider_message_id: bytes) -> bytes:
    """The key under which a message is kept; ``b""`` when the provider gave no id."""
    form = profile.resp
    if form == "string" and not profile.strip_zeros and not profile.fold_case:
        return provider_message_id
    return _key(profile, form, provider_message_id)


def keys_of_receipt(profile: IdProfile, receipt: Receipt) -> tuple[bytes, ...]:
    """The keys that a receipt may be kept under, most likely first; no repeats, never ``b""``."""
    by_tlv = receipt.receipted_message_id
    by_text = receipt.text_message_id
    # The same octets may be two numbers in two bases: a key is made from each place.
    if by_tlv:
        by_tlv = _key(profile, profile.receipt_tlv, by_tlv)
    if by_text:
        by_text = _key(profile, profile.receipt_text, by_text)
    if by_tlv and by_text and by_tlv != by_text:
        return (by_text, by_tlv) if receipt.text_first else (by_tlv, by_text)
    single = by_tlv or by_text
    return (single,) if single else ()


_DECIMAL10_FIRST = 1_000_000_000
_DECIMAL10_COUNT = 4_294_967_296 - _DECIMAL10_FIRST
_DECIMAL19_FIRST = 10**18
_DECIMAL19_COUNT = 2**63 - _DECIMAL19_FIRST
_UUID_NUMBERS = 2**62

# Version 8 of RFC 9562: the layout is ours. The first twelve digits mark ids of smppproxy.
_UUID = b"736d7070-7078-8000-%04x-%012x"
_UUID_VARIANT = 0x8000


def format_client_message_id(number: int, form: str) -> bytes:
    """Our id for a message number, in the account's ``message_id_format`` (XC-01).

    "decimal10": 1000000000..4294967295, fits 32 bits; "hex": the same number in 8 digits, for
    SMPP 3.3; both come round after 3,294,967,296 numbers. "decimal19": fits 63 bits. "uuid": the
    number fills 62 bits. Different numbers give different ids until a form comes round.

    :raises ValueError: for another form.
    """
    if form == "decimal10":
        return b"%d" % (_DECIMAL10_FIRST + number % _DECIMAL10_COUNT)
    if form == "hex":
        return b"%08X" % (_DECIMAL10_FIRST + number % _DECIMAL10_COUNT)
    if form == "decimal19":
        return b"%d" % (_DECIMAL19_FIRST + number % _DECIMAL19_COUNT)
    if form == "uuid":
        low = number % _UUID_NUMBERS
        return _UUID % (_UUID_VARIANT | low >> 48, low & 0xFFFFFFFFFFFF)
    raise ValueError(f"no such message_id_format: {form}")
