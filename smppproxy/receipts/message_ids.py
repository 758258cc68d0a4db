"""Ids: one way to look up the spellings of a provider's ids, and the forms of our own.

Ids are octets, never numbers (D8): a key is made for the lookup only. Providers disagree with
themselves: hex in the response, zero-padded decimal in the receipt, another letter case (XC-02).

A number's key is written in the base of the response, so that it stays the same when "auto" has
become one of the fixed forms: nothing that was kept under it is lost then.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from smppproxy.receipts.profile import Receipt

# int(x, 16) would also take a sign, blanks, 0x and underscores: other ids than the number's.
_is_hex = re.compile(rb"[0-9A-Fa-f]{1,65}").fullmatch
_is_dec = re.compile(rb"[0-9]{1,65}").fullmatch
# Who writes one number in two bases has it from an integer: 64 bits. Longer ids are strings.
_is_short_hex = re.compile(rb"0*[0-9A-Fa-f]{1,16}").fullmatch
_is_short_dec = re.compile(rb"[0-9]{1,20}").fullmatch

AUTO = "auto"
FORMS = ("string", "dec", "hex", AUTO)
_form = attrs.field(default="string", validator=attrs.validators.in_(FORMS))

SAME, DEC_TO_HEX, HEX_TO_DEC = "same", "dec->hex", "hex->dec"
RELATIONS = (SAME, DEC_TO_HEX, HEX_TO_DEC)
"""How the id of a receipt becomes the one of the response, zeros and letter case aside."""


@attrs.define
class IdProfile:
    """How a provider spells its ids: "string", "dec", "hex" or "auto" in each of three places.

    :ivar resp: message_id of submit_sm_resp.
    :ivar receipt_text: ``id:`` of the receipt's text.
    :ivar receipt_tlv: receipted_message_id.
    :ivar strip_zeros: leading zeros of strings mean nothing.
    :ivar fold_case: the letter case of strings means nothing.
    :ivar auto: one of the places is "auto": every spelling is tried until
        :class:`smppproxy.receipts.learning.IdLearner` knows better. Turns the other two on.
    :ivar plain: ids are kept and looked up as they stand.

    An id that is no number of its base is taken for a string.
    """

    resp: str = _form
    receipt_text: str = _form
    receipt_tlv: str = _form
    strip_zeros: bool = False
    fold_case: bool = False
    auto: bool = attrs.field(init=False, eq=False, repr=False, default=False)
    plain: bool = attrs.field(init=False, eq=False, repr=False, default=True)

    def __attrs_post_init__(self) -> None:
        forms = {self.resp, self.receipt_text, self.receipt_tlv}
        if AUTO in forms:
            self.auto = self.strip_zeros = self.fold_case = True
        self.plain = forms == {"string"} and not self.strip_zeros and not self.fold_case


def _key(profile: IdProfile, form: str, provider_message_id: bytes) -> bytes:
    if form == "hex":
        if _is_hex(provider_message_id):
            if profile.resp == "hex":
                return provider_message_id.lower().lstrip(b"0") or b"0"
            return b"%d" % int(provider_message_id, 16)
    elif form == "dec" and _is_dec(provider_message_id):
        if profile.resp == "hex":
            return b"%x" % int(provider_message_id)
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
    if profile.auto:
        return candidate_keys(profile, receipt)
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


# -- while a provider's spelling is not known -----------------------------------------------------

_BY_RESPONSE = {"hex": (SAME, DEC_TO_HEX), "dec": (SAME, HEX_TO_DEC)}
_BY_RECEIPT = {"hex": (SAME, HEX_TO_DEC), "dec": (SAME, DEC_TO_HEX), "string": (SAME,)}


def relations(profile: IdProfile, form: str) -> tuple[str, ...]:
    """What may relate a receipt's id of this form to the response; () when it is settled."""
    if form == AUTO:
        return _BY_RESPONSE.get(profile.resp, RELATIONS)
    return _BY_RECEIPT[form] if profile.resp == AUTO else ()


def related(relation: str, provider_message_id: bytes) -> bytes:
    """The key of a response that has this relation to a receipt's id; ``b""`` when none can."""
    if relation == DEC_TO_HEX:
        return b"%x" % int(provider_message_id) if _is_short_dec(provider_message_id) else b""
    if relation == HEX_TO_DEC:
        return b"%d" % int(provider_message_id, 16) if _is_short_hex(provider_message_id) else b""
    return (provider_message_id.lstrip(b"0") or provider_message_id[:1]).lower()


def _candidates(
    profile: IdProfile, form: str, provider_message_id: bytes, lead: str
) -> list[bytes]:
    if not provider_message_id:
        return []
    possible = relations(profile, form)
    if not possible:
        return [_key(profile, form, provider_message_id)]
    if lead in possible:
        possible = (lead, *possible)
    keys = [related(relation, provider_message_id) for relation in possible]
    if form == AUTO:
        # As it stands: kept so by a profile that was not "auto" yet.
        keys.append(provider_message_id)
    return list(dict.fromkeys(key for key in keys if key))


def candidate_keys(
    profile: IdProfile, receipt: Receipt, text_lead: str = "", tlv_lead: str = ""
) -> tuple[bytes, ...]:
    """Every key that a receipt may be kept under while spellings are being learned, best first.

    What text and TLV agree on comes first, then the relation that leads so far, then the others in
    the order of :data:`RELATIONS`. Whoever looks up must compare the destination, and go on to the
    next key where it does not fit.
    """
    by_text = _candidates(profile, profile.receipt_text, receipt.text_message_id, text_lead)
    by_tlv = _candidates(profile, profile.receipt_tlv, receipt.receipted_message_id, tlv_lead)
    first, second = (by_text, by_tlv) if receipt.text_first else (by_tlv, by_text)
    both = set(first).intersection(second)
    ranked = dict.fromkeys(key for pair in zip_longest(first, second) for key in pair if key)
    return tuple(sorted(ranked, key=lambda key: key not in both))


# -- ours -----------------------------------------------------------------------------------------

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
