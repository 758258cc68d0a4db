"""A client's payload as the parts that a provider takes (mission 4.1 to 4.5).

Where both sides mean the same and one SMS holds it, the octets go on untouched. Else the text is
decoded, coded anew for the provider, and cut; what cannot be carried is refused, never mended.
"""

from __future__ import annotations

import attrs

from smppproxy.smpp.constants import TLV_DEST_ADDR_SUBUNIT, TLV_MESSAGE_PAYLOAD
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.refusals import RefusalStatus
from smppproxy.text import alphabets, gsm0338, sar, udh
from smppproxy.text.lengths import NARROW_HEADER, WIDE_HEADER, measure, room, split
from smppproxy.text.payload import NO_CLASS, Payload
from smppproxy.text.profile import TextProfile, TextSettings
from smppproxy.text.segments import Segment


@attrs.define
class Part:
    """One submit_sm towards the provider.

    :ivar esm_class_udhi: esm_class gets its 0x40, else it loses it.
    :ivar short_message: header and text; b"" when message_payload is among ``tlvs``.
    :ivar tlvs: those of ``payload.OWN_TAGS`` that it has; the client's own are dropped.
    """

    esm_class_udhi: bool
    data_coding: int
    short_message: bytes = attrs.field(repr=False)
    tlvs: list[tuple[int, bytes]] = attrs.field(repr=False)


@attrs.define
class _Coded:
    """The text as the provider reads it: still one septet per octet, whole."""

    alphabet: str
    data_coding: int
    octets: bytes
    packed: bool
    tlvs: list[tuple[int, bytes]]

    def part(self, elements: list[udh.Element], octets: bytes, segment: Segment | None) -> Part:
        """A part with this header; ``segment`` as SAR TLVs."""
        return self.made(udh.build(elements), octets, sar.tlvs(*segment) if segment else [])

    def made(self, header: bytes, octets: bytes, tlvs: list[tuple[int, bytes]]) -> Part:
        """A part with this header and more TLVs."""
        return Part(
            bool(header), self.data_coding, self._wire(header, octets), [*self.tlvs, *tlvs]
        )

    def whole(self, header: bytes) -> Part:
        """Everything in one message_payload."""
        # 255 parts of 153 octets are the most: they always fit the TLV.
        tlvs = [*self.tlvs, (TLV_MESSAGE_PAYLOAD, self._wire(header, self.octets))]
        return Part(bool(header), self.data_coding, b"", tlvs)

    def _wire(self, header: bytes, octets: bytes) -> bytes:
        if self.packed:
            octets = gsm0338.pack(octets, gsm0338.fill_bits(len(header)))
        return header + octets


def convert(
    payload: Payload,
    settings: TextSettings,
    profile: TextProfile,
    reference: int,
    narrow: bool = False,
) -> list[Part] | RefusalStatus:
    """The parts that carry ``payload`` to a provider, or the refusal that says why none do.

    0x45: no coding of the provider holds it (SX-18), a national language or another header towards
    a provider without, octets that do not decode. 0x01: more than max_parts of either side, or a
    part that one SMS does not hold.

    ``reference`` numbers a text that is cut here: any counter, of which 8 or 16 bits are used. For
    a SAR part that must go with an 8-bit reference (:func:`needs_reference`) it is the one drawn
    for its message, 0 to 255. ``narrow`` says that one was drawn for an earlier part: handsets
    join only parts whose references are of one size.
    """
    if profile.transparent:
        return [_as_it_came(payload)]
    try:
        coded = _coded(payload, settings, profile)
        if payload.other_elements() and not profile.udh:
            raise BodyError("data_coding", "no header to this provider")
        segment = payload.segment
        if segment is not None:
            return [_segment(payload, segment, coded, profile, reference, narrow)]
        return _message(payload, coded, settings, profile, reference)
    except BodyError as error:
        return error.command_status


def needs_reference(payload: Payload, settings: TextSettings, profile: TextProfile) -> bool:
    """Whether this is a SAR part without room for a 16-bit reference (4.5).

    Its 8-bit one comes from a table by account, source, destination and SAR reference, so that all
    parts of a message find the same.
    """
    if profile.transparent or profile.long != "udh" or not payload.by_sar:
        return False
    try:
        return not _fits_wide(payload, _coded(payload, settings, profile), profile)
    except BodyError:
        return False


def class_lost(payload: Payload, profile: TextProfile) -> bool:
    """Whether a message class does not reach the provider: an event for the log (GW-42)."""
    if profile.transparent or payload.message_class == NO_CLASS or profile.flash == "tlv":
        return False
    return not _flash_by_coding(payload, profile)


def _as_it_came(payload: Payload) -> Part:
    octets = b"" if payload.by_payload else payload.header + payload.octets
    return Part(bool(payload.header), payload.data_coding, octets, payload.own_tlvs)


def _flash_by_coding(payload: Payload, profile: TextProfile) -> bool:
    return payload.flash and payload.alphabet in alphabets.TEXTS and bool(profile.flash_texts)


# -- which coding ------------------------------------------------------------------------------


def _coded(payload: Payload, settings: TextSettings, profile: TextProfile) -> _Coded:
    """``payload`` in a coding of the provider, its class told as the provider wants it."""
    if _flash_by_coding(payload, profile):
        texts = profile.flash_texts
        found = _found(payload, settings, profile, texts, dict(texts))
    else:
        found = _found(payload, settings, profile, profile.texts, profile.places)
    alphabet, data_coding, octets = found
    packed = alphabet == "gsm7" and profile.gsm7 == "packed"
    if packed and not octets.isascii():
        raise BodyError("payload", "octets above 0x7f are no septets")
    tlvs: list[tuple[int, bytes]] = []
    if profile.flash == "tlv" and payload.message_class != NO_CLASS:
        tlvs.append((TLV_DEST_ADDR_SUBUNIT, bytes((payload.message_class + 1,))))
    return _Coded(alphabet, data_coding, octets, packed, tlvs)


def _found(
    payload: Payload,
    settings: TextSettings,
    profile: TextProfile,
    texts: tuple[tuple[str, int], ...],
    places: dict[str, int],
) -> tuple[str, int, bytes]:
    alphabet = payload.alphabet
    if alphabet == "ucs2" and payload.segment is None and (settings.shrink_ucs2 or profile.shrink):
        # The provider's default alphabet or nothing: Latin-1 for UCS2 is not asked for.
        shrunk = _fitting(alphabets.decode(alphabet, payload.octets), texts[:1])
        if shrunk:
            return shrunk
    if alphabet in places:
        same = places is profile.places and profile.meanings.get(payload.data_coding) == alphabet
        return alphabet, payload.data_coding if same else places[alphabet], payload.octets
    if alphabet.startswith("waiting-") and settings.dcs_extra:
        return alphabet, payload.data_coding, payload.octets
    if payload.national:
        raise BodyError("data_coding", "national tables are copied or not at all")
    found = _fitting(alphabets.decode(alphabet, payload.octets), texts)
    if found is None:
        raise BodyError("data_coding", "the provider has no coding for this text")
    return found


def _fitting(text: str, texts: tuple[tuple[str, int], ...]) -> tuple[str, int, bytes] | None:
    for alphabet, data_coding in texts:
        octets = alphabets.encode(alphabet, text)
        if octets is not None:
            return alphabet, data_coding, octets
    return None


# -- which form --------------------------------------------------------------------------------


def _message(
    payload: Payload,
    coded: _Coded,
    settings: TextSettings,
    profile: TextProfile,
    reference: int,
) -> list[Part]:
    """A whole message: one SMS as it is, more of them as the provider wants."""
    header = payload.header if profile.udh else b""
    length = measure(coded.alphabet, coded.octets)
    by_payload = profile.long == "payload"
    if length <= room(coded.alphabet, len(header), profile.max_octets):
        if by_payload and payload.by_payload:
            return [coded.whole(header)]
        return [coded.made(header, coded.octets, [])]
    wide = profile.udh_ref == 16
    # Without the number of a part of one.
    elements = payload.other_elements()
    header = udh.build(elements)
    pieces = _cut(coded, len(header), WIDE_HEADER if wide else NARROW_HEADER, profile)
    total = len(pieces)
    if total > min(settings.max_parts, profile.max_parts):
        raise BodyError("message_length", "more parts than allowed")
    if by_payload:
        return [coded.whole(header)]
    reference %= 0x10000 if wide else 0x100
    parts: list[Part] = []
    for number, octets in enumerate(pieces, 1):
        if profile.long == "sar":
            parts.append(coded.part(elements, octets, (reference, total, number)))
        else:
            element = udh.concatenation_element(reference, total, number, wide)
            parts.append(coded.part([element, *elements], octets, None))
    return parts


def _cut(coded: _Coded, others: int, concatenation: int, profile: TextProfile) -> list[bytes]:
    """The text in pieces that leave room for the other elements and one more."""
    try:
        limit = room(coded.alphabet, _with_number(others, concatenation), profile.max_octets)
        return split(coded.alphabet, coded.octets, limit)
    except ValueError:
        raise BodyError("message_length", "the header leaves no room for text") from None


def _with_number(others: int, concatenation: int) -> int:
    """The octets of a header of ``others`` with the number of a part beside: UDHL counts once."""
    return others + concatenation - bool(others)


def _segment(
    payload: Payload,
    segment: Segment,
    coded: _Coded,
    profile: TextProfile,
    reference: int,
    narrow: bool,
) -> Part:
    """A part of a long message, its number told as the provider wants. Parts are not joined."""
    elements = payload.other_elements()
    if _wants_sar(payload, profile):
        _must_fit(coded, len(udh.build(elements)), profile)
        return coded.part(elements, coded.octets, segment)
    if not payload.by_sar:
        _must_fit(coded, len(payload.header), profile)
        return coded.made(payload.header, coded.octets, [])
    sar_reference, total, number = segment
    wide = not narrow and _fits_wide(payload, coded, profile)
    if not wide:
        _must_fit(coded, _with_number(len(udh.build(elements)), NARROW_HEADER), profile)
    element = udh.concatenation_element(
        sar_reference if wide else reference % 0x100, total, number, wide
    )
    return coded.part([element, *elements], coded.octets, None)


def _wants_sar(payload: Payload, profile: TextProfile) -> bool:
    if profile.long == "payload":
        return payload.by_sar or not profile.udh
    return profile.long == "sar"


def _fits_wide(payload: Payload, coded: _Coded, profile: TextProfile) -> bool:
    header = _with_number(len(udh.build(payload.other_elements())), WIDE_HEADER)
    limit = room(coded.alphabet, header, profile.max_octets)
    return measure(coded.alphabet, coded.octets) <= limit


def _must_fit(coded: _Coded, header: int, profile: TextProfile) -> None:
    if measure(coded.alphabet, coded.octets) > room(coded.alphabet, header, profile.max_octets):
        raise BodyError("message_length", "the part is longer than one SMS")
