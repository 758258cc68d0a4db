"""What a submit_sm says: alphabet, class, header, part and octets, read once.

:func:`read` raises for what cannot be read; :func:`check` says whether a strict account may send
what was read (mission section 5, rows 31 to 33).
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from smppproxy.smpp.constants import (
    ESM_UDHI,
    TLV_DEST_ADDR_SUBUNIT,
    TLV_MESSAGE_PAYLOAD,
    TLV_SAR_MSG_REF_NUM,
    TLV_SAR_SEGMENT_SEQNUM,
    TLV_SAR_TOTAL_SEGMENTS,
)
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.refusals import NO_REFUSAL, STATUSES, RefusalStatus
from smppproxy.text import alphabets, sar, udh
from smppproxy.text.lengths import NARROW_HEADER, measure, room, split
from smppproxy.text.profile import TextSettings
from smppproxy.text.segments import Segment

#: TLVs that a payload holds and a part brings along: whoever copies a client's TLVs leaves these.
OWN_TAGS = frozenset(
    (
        TLV_DEST_ADDR_SUBUNIT,
        TLV_MESSAGE_PAYLOAD,
        TLV_SAR_MSG_REF_NUM,
        TLV_SAR_TOTAL_SEGMENTS,
        TLV_SAR_SEGMENT_SEQNUM,
    )
)

NO_CLASS = -1
FLASH = 0

#: Alphabet and message class by data_coding; 0 is the account's (mission 4.1). What stands here
#: and in no other table is carried only as it is.
_CODINGS: dict[int, tuple[str, int]] = {
    1: ("ascii", NO_CLASS),
    2: ("binary", NO_CLASS),
    3: ("latin1", NO_CLASS),
    4: ("binary", NO_CLASS),
    5: ("jis", NO_CLASS),
    6: ("cyrillic", NO_CLASS),
    7: ("hebrew", NO_CLASS),
    8: ("ucs2", NO_CLASS),
    9: ("pictogram", NO_CLASS),
    10: ("iso-2022-jp", NO_CLASS),
    13: ("kanji", NO_CLASS),
    14: ("ksc5601", NO_CLASS),
    16: ("gsm7", FLASH),
    24: ("ucs2", FLASH),
    **dict.fromkeys(range(192, 224), ("waiting-gsm7", NO_CLASS)),
    **dict.fromkeys(range(224, 240), ("waiting-ucs2", NO_CLASS)),
    **{240 + number: ("gsm7", number) for number in range(4)},
    **{244 + number: ("binary", number) for number in range(4)},
}
_UNKNOWN = ("unknown", NO_CLASS)

#: Taken with dcs_extra even where data_codings does not list them (GW-40).
_EXTRA = frozenset((16, *range(192, 240), *range(241, 248)))

_STRICT = {
    "gsm7": "strict_gsm7",
    "latin1": "strict_latin1",
    "cyrillic": "strict_latin1",
    "ucs2": "strict_utf16",
}

#: National language shift: single and locking.
_LANGUAGES = frozenset((0x24, 0x25))
_CONCATENATIONS = frozenset((udh.CONCATENATION_8, udh.CONCATENATION_16))


@attrs.define
class Payload:
    """What a message says, still in the octets that came.

    :ivar alphabet: a name of :mod:`smppproxy.text.alphabets`, "binary", or one that only copies.
    :ivar data_coding: as it came.
    :ivar message_class: 0 is flash; -1 none.
    :ivar octets: the text, without its header.
    :ivar header: the user data header as it came, UDHL included; b"" for none.
    :ivar elements: what the header holds.
    :ivar segment: which part of a long message this is; None for a whole message.
    :ivar by_sar: the segment came in TLVs, not in the header.
    :ivar by_payload: the octets came in message_payload.
    :ivar own_tlvs: the TLVs of :data:`OWN_TAGS` as they came.
    """

    alphabet: str
    data_coding: int
    message_class: int
    octets: bytes = attrs.field(repr=False)
    header: bytes = b""
    elements: tuple[udh.Element, ...] = ()
    segment: Segment | None = None
    by_sar: bool = False
    by_payload: bool = False
    own_tlvs: list[tuple[int, bytes]] = attrs.field(factory=list, repr=False)

    @property
    def flash(self) -> bool:
        """Shown at once and not kept (GW-42)."""
        return self.message_class == FLASH

    @property
    def national(self) -> bool:
        """GSM 03.38 with a national table: copied, never decoded (mission 4.2)."""
        return self.alphabet == "gsm7" and any(kind in _LANGUAGES for kind, _ in self.elements)

    def other_elements(self) -> list[udh.Element]:
        """The header's elements but for those that number the part."""
        return [element for element in self.elements if element[0] not in _CONCATENATIONS]


def read(
    esm_class: int,
    data_coding: int,
    octets: bytes,
    tlvs: Iterable[tuple[int, bytes]],
    settings: TextSettings,
) -> Payload:
    """The payload of a submit_sm with short_message ``octets`` and these TLVs.

    :raises BodyError: 0x43 for a broken user data header (4.4); 0xC1 for short_message beside
        message_payload (GW-46) and for SAR TLVs beside a concatenation header; 0xC2 and 0xC4 for
        dest_addr_subunit (GW-43); those of :func:`smppproxy.text.sar.read`.
    """
    own = [pair for pair in tlvs if pair[0] in OWN_TAGS]
    carried = _first(own, TLV_MESSAGE_PAYLOAD)
    text = octets or carried or b""
    elements, end = udh.parse(text) if esm_class & ESM_UDHI else ([], 0)
    by_udh = udh.concatenation(elements)
    if octets and carried:
        raise BodyError("tlv_not_allowed", "short_message beside message_payload")
    by_sar = sar.read(own)
    if by_sar and by_udh:
        raise BodyError("tlv_not_allowed", "SAR TLVs beside a concatenation UDH")
    alphabet, message_class = meaning(data_coding, settings)
    return Payload(
        alphabet,
        data_coding,
        _class(_first(own, TLV_DEST_ADDR_SUBUNIT), message_class),
        text[end:],
        text[:end],
        tuple(elements),
        by_sar or (by_udh if by_udh and by_udh[1] > 1 else None),
        by_sar is not None,
        bool(carried),
        own,
    )


def meaning(data_coding: int, settings: TextSettings) -> tuple[str, int]:
    """Alphabet and message class of a data_coding, as the account means it (XC-13)."""
    alphabet, message_class = _CODINGS.get(data_coding, _UNKNOWN)
    if data_coding == 0:
        alphabet = settings.default_alphabet
    return settings.alphabets.get(data_coding, alphabet), message_class


def _first(tlvs: Iterable[tuple[int, bytes]], tag: int) -> bytes | None:
    return next((value for found, value in tlvs if found == tag), None)


def _class(subunit: bytes | None, by_coding: int) -> int:
    """dest_addr_subunit wins over data_coding; its 0, unknown, says nothing (GW-43)."""
    if subunit is None:
        return by_coding
    if len(subunit) != 1:
        raise BodyError("tlv_length", "dest_addr_subunit is one octet")
    if subunit[0] > 4:
        raise BodyError("tlv_value", "dest_addr_subunit is 0 to 4")
    return subunit[0] - 1 if subunit[0] else by_coding


def check(payload: Payload, settings: TextSettings) -> RefusalStatus:
    """The refusal of a payload that the account may not send, else 0.

    0x45 for a data_coding that is not taken (GW-40) and for octets that do not decode (GW-41);
    0x01 for odd UCS2 (SX-17), a part over one SMS, more than max_parts or max_payload (GW-44).
    """
    if not _taken(payload.data_coding, settings):
        return STATUSES["data_coding"]
    try:
        alphabet, octets = _counted(payload, settings)
    except BodyError as error:
        return error.command_status
    if payload.by_payload and len(payload.header) + len(payload.octets) > settings.max_payload:
        return STATUSES["message_length"]
    return _check_length(payload, alphabet, octets, settings.max_parts)


def _taken(data_coding: int, settings: TextSettings) -> bool:
    listed = settings.data_codings
    if not listed or data_coding in listed:
        return True
    return settings.dcs_extra and data_coding in _EXTRA


def _counted(payload: Payload, settings: TextSettings) -> tuple[str, bytes]:
    """The alphabet and octets whose length counts, decoded once where they are text."""
    alphabet, octets = payload.alphabet, payload.octets
    if alphabet not in alphabets.TEXTS:
        return alphabet, octets
    setting = _STRICT.get(alphabet)
    strict = setting is not None and not payload.national and bool(getattr(settings, setting))
    text = alphabets.decode(alphabet, octets, strict)
    if alphabet != "utf-8":
        return alphabet, octets
    # No SMS travels in UTF-8.
    septets = alphabets.encode("gsm7", text)
    return ("ucs2", text.encode("utf-16-be")) if septets is None else ("gsm7", septets)


def _check_length(
    payload: Payload, alphabet: str, octets: bytes, max_parts: int
) -> RefusalStatus:
    if measure(alphabet, octets) <= room(alphabet, len(payload.header)):
        return NO_REFUSAL
    limit = room(alphabet, (len(payload.header) or 1) + NARROW_HEADER - 1)
    try:
        parts = split(alphabet, octets, limit) if payload.segment is None else None
    except ValueError:
        parts = None
    fits = parts and len(parts) <= max_parts
    return NO_REFUSAL if fits else STATUSES["message_length"]
