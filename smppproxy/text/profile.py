"""What an account means by its octets, and how a provider wants them: values, no more.

Mission section 2 ([default.text]) and section 4; alphabets are those of
:mod:`smppproxy.text.alphabets`.
"""

from __future__ import annotations

import attrs

_word = attrs.validators.in_

#: What a provider may mean by data_coding 0, and what we send for it. A provider that says UTF-8
#: may mean GSM 03.38 (OZ-12): it gets the octets that are the same in both, or nearly.
_SENT_AS = {
    "gsm7": "gsm7",
    "ascii": "ascii",
    "ascii-gsm-safe": "ascii-gsm-safe",
    "latin1": "latin1",
    "cp1252": "cp1252",
    "utf-8": "ascii",
}
#: The order in which a text looks for a coding that holds it (mission 4.1).
_ORDER = ("gsm7", "latin1", "ucs2")
#: Codings that are a class and an alphabet at once; the others are names of alphabets.
_FLASH = ("flash_gsm7", "flash_ucs2")
#: What the words of ``flash`` mean for a text of class 0.
_FLASH_CODES = {"dcs-24-240": (240, 24), "dcs-16-24": (16, 24)}

#: Names that ``codings`` may hold. The last row cannot be decoded here: such a text goes only to a
#: provider that lists its coding, octet by octet.
CODINGS = frozenset(
    ("gsm7", "ascii", "latin1", "cyrillic", "binary", "ucs2", *_FLASH)
    + ("jis", "hebrew", "pictogram", "iso-2022-jp", "kanji", "ksc5601")
)

#: The longest user data of one SMS, octets.
SMS_OCTETS = 140


@attrs.define
class TextSettings:
    """An account's side: what its octets mean and what is refused (mission section 6).

    :ivar default_alphabet: what data_coding 0 means (SX-16, OZ-12).
    :ivar alphabets: what other values of data_coding mean instead of the standard's (XC-13).
    :ivar dcs_extra: message classes and message waiting by data_coding are taken (GW-40).
    :ivar strict_gsm7: an ESC before a code outside the extension is refused.
    :ivar strict_latin1: C1 controls in ISO 8859 are refused.
    :ivar strict_utf16: a lone surrogate in UCS2 is refused.
    :ivar shrink_ucs2: UCS2 may become the provider's default alphabet if every character fits.
    :ivar data_codings: what is taken, besides ``dcs_extra``; empty: any.
    :ivar max_parts: SMS that one message may take.
    :ivar max_payload: octets that message_payload may hold.
    """

    default_alphabet: str = "gsm7"
    alphabets: dict[int, str] = attrs.field(factory=dict)
    dcs_extra: bool = False
    strict_gsm7: bool = False
    strict_latin1: bool = False
    strict_utf16: bool = False
    shrink_ucs2: bool = False
    data_codings: frozenset[int] = frozenset()
    max_parts: int = 10
    max_payload: int = 39_015


def _meanings(profile: TextProfile) -> dict[int, str]:
    return {
        data_coding: profile._alphabet(name, data_coding)
        for name, data_coding in profile.codings.items()
        if name not in _FLASH
    }


def _places(profile: TextProfile) -> dict[str, int]:
    places: dict[str, int] = {}
    for data_coding, alphabet in profile.meanings.items():
        places.setdefault(alphabet, data_coding)
    return places


def _texts(profile: TextProfile) -> tuple[tuple[str, int], ...]:
    codings = profile.codings
    # A provider may have ASCII in the place of GSM 03.38.
    order = _ORDER if "gsm7" in codings else ("ascii", *_ORDER)
    return tuple(
        (profile._alphabet(name, codings[name]), codings[name])
        for name in order
        if name in codings
    )


def _flash_texts(profile: TextProfile) -> tuple[tuple[str, int], ...]:
    codes = _FLASH_CODES.get(profile.flash)
    if codes is None:
        return ()
    gsm7, ucs2 = codes
    return (
        ("gsm7", profile.codings.get("flash_gsm7", gsm7)),
        ("ucs2", profile.codings.get("flash_ucs2", ucs2)),
    )


@attrs.define
class TextProfile:
    """A provider's side (mission section 2). ``ValueError`` names the setting that is wrong.

    :ivar transparent: nothing is rewritten; the other settings say nothing then.
    :ivar default_alphabet: what the provider means by its ``gsm7`` coding where that is 0;
        "ascii-gsm-safe" sends only characters with the same code in both (SX-16).
    :ivar gsm7: one septet per octet, or "packed", eight in seven octets.
    :ivar join: false: the parts of a message go on as parts, whatever ``long`` says.
    :ivar codings: data_coding by alphabet, as far as the provider takes them.
    :ivar flash: how class 0 is told: dest_addr_subunit, data_coding 24 and 240, 16 and 24, not.
    :ivar long: how a message of several SMS goes.
    :ivar udh: the provider takes user data headers at all.
    :ivar udh_ref: bits of the references we draw.
    :ivar max_parts: SMS that one message may take.
    :ivar max_octets: octets of one SMS, header included.
    :ivar shrink: as an account's shrink_ucs2, for all of them.
    """

    transparent: bool = True
    default_alphabet: str = attrs.field(default="gsm7", validator=_word(tuple(_SENT_AS)))
    gsm7: str = attrs.field(default="unpacked", validator=_word(("unpacked", "packed")))
    join: bool = False
    codings: dict[str, int] = attrs.field(
        factory=lambda: {"gsm7": 0, "latin1": 3, "binary": 4, "ucs2": 8}
    )
    flash: str = attrs.field(
        default="tlv", validator=_word(("tlv", "dcs-24-240", "dcs-16-24", "none"))
    )
    long: str = attrs.field(default="udh", validator=_word(("udh", "sar", "payload")))
    udh: bool = True
    udh_ref: int = 8
    max_parts: int = 10
    max_octets: int = SMS_OCTETS
    shrink: bool = False
    #: Made once: data_coding by what is sent with it, the reverse, and the two searches.
    places: dict[str, int] = attrs.field(init=False, eq=False, repr=False)
    meanings: dict[int, str] = attrs.field(init=False, eq=False, repr=False)
    texts: tuple[tuple[str, int], ...] = attrs.field(init=False, eq=False, repr=False)
    flash_texts: tuple[tuple[str, int], ...] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._check()
        self.meanings = _meanings(self)
        self.places = _places(self)
        self.texts = _texts(self)
        self.flash_texts = _flash_texts(self)

    def _check(self) -> None:
        if self.join:
            raise ValueError("join: parts are not joined in this version")
        for name, data_coding in self.codings.items():
            if name not in CODINGS:
                raise ValueError(f"codings: {name!r} is no name of a coding")
            if not 0 <= data_coding <= 255:
                raise ValueError(f"codings: {name} = {data_coding} does not fit data_coding")
        if len(set(self.codings.values())) < len(self.codings):
            raise ValueError("codings: two names for one data_coding")
        if self.udh_ref not in (8, 16):
            raise ValueError(f"udh_ref: {self.udh_ref} is neither 8 nor 16")
        if not 1 <= self.max_parts <= 255:
            raise ValueError(f"max_parts: {self.max_parts} is not 1 to 255")
        if not 20 <= self.max_octets <= SMS_OCTETS:
            raise ValueError(f"max_octets: {self.max_octets} is not 20 to {SMS_OCTETS}")
        if self.long == "udh" and not self.udh:
            raise ValueError('long: "udh" cannot go with udh = false')

    def _alphabet(self, name: str, data_coding: int) -> str:
        if name == "gsm7" and data_coding == 0:
            return _SENT_AS[self.default_alphabet]
        return name
