"""The first word of a message, as people type it: for routes that ask for a keyword."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from smppproxy.smpp.constants import ESM_UDHI, TLV_MESSAGE_PAYLOAD
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.tlv import find_tlv
from smppproxy.text import alphabets, gsm0338, udh
from smppproxy.text.payload import meaning
from smppproxy.text.profile import TextProfile, TextSettings

_AROUND = ".,;:!?\"'()«»“”„"
"""Punctuation that people put behind a keyword or around it."""

_STANDARD = TextSettings()


def keyword(text: str) -> str:
    """The first word of a text in the one spelling in which words are compared.

    It ends at white space; punctuation around it, letter case and the width of letters say
    nothing. ``""``: there is none.
    """
    words = text.split(None, 1)
    if not words:
        return ""
    return unicodedata.normalize("NFKC", words[0].strip(_AROUND)).casefold()


def first_word(raw: bytes, offsets: Sequence[int], profile: TextProfile) -> str:
    """The :func:`keyword` of a deliver_sm; ``""`` when it has none or its text cannot be read.

    :param offsets: those of ``fields.walk_message``.
    :param profile: says what its provider means by a data_coding.
    """
    esm_at, flags_at, sm_at, tlv_at = offsets[2:6]
    octets = raw[sm_at : sm_at + raw[sm_at - 1]]
    if not octets:
        octets = find_tlv(raw, tlv_at, TLV_MESSAGE_PAYLOAD) or b""
    return word_of(raw[esm_at], raw[flags_at + 2], octets, profile)


def word_of(esm_class: int, data_coding: int, octets: bytes, profile: TextProfile) -> str:
    """As :func:`first_word`, of a message in its parts; ``octets`` with their header."""
    alphabet = _alphabet(data_coding, profile)
    if alphabet not in alphabets.TEXTS:
        return ""
    try:
        end = udh.parse(octets)[1] if esm_class & ESM_UDHI else 0
        text = octets[end:]
        if alphabet == "gsm7" and profile.gsm7 == "packed":
            text = gsm0338.unpack(text, gsm0338.fill_bits(end))
        return keyword(alphabets.decode(alphabet, text))
    except BodyError:
        return ""


def _alphabet(data_coding: int, profile: TextProfile) -> str:
    """What the provider means by it; it may say more at 0 than what is sent to it there."""
    if data_coding == 0 and profile.codings.get("gsm7", 0) == 0:
        return profile.default_alphabet
    return profile.meanings.get(data_coding) or meaning(data_coding, _STANDARD)[0]
