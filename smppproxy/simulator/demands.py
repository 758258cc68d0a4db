"""What a simulated provider takes of a submit_sm: what its profile says, and nothing beside it.

The profiles are those that the product translates by, read from the other side. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from smppproxy.routing.addresses import (
    Address,
    AddressProfile,
    provider_destination,
    provider_source,
)
from smppproxy.routing.providers import SendProfile
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.tlv import iter_tlvs
from smppproxy.text import alphabets, gsm0338, payload
from smppproxy.text.lengths import NARROW_HEADER, measure, room, split
from smppproxy.text.payload import Payload
from smppproxy.text.profile import TextProfile, TextSettings

Tlvs = list[tuple[int, bytes]]

_FLASH = {"flash_gsm7": "gsm7", "flash_ucs2": "ucs2"}
_ASKED, _UNASKED = "relative", "absolute"


def _settings(demands: Demands) -> TextSettings:
    profile = demands.text
    if profile is None:
        return TextSettings()
    meanings = {
        data_coding: _FLASH.get(name, name) for name, data_coding in profile.codings.items()
    }
    if profile.codings.get("gsm7") == 0:
        meanings[0] = profile.default_alphabet
    meanings.update((data_coding, alphabet) for alphabet, data_coding in profile.flash_texts)
    return TextSettings(
        alphabets=meanings,
        data_codings=frozenset(meanings),
        strict_gsm7=True,
        strict_utf16=True,
        max_parts=profile.max_parts,
    )


@attrs.define
class Demands:
    """A provider's profile as a check of what comes; None: that part of a message may be anything.

    :ivar tlvs_required: tags without which a message is refused.
    :ivar settings: what its values of data_coding mean, made of ``text``.
    """

    text: TextProfile | None = None
    address: AddressProfile | None = None
    send: SendProfile | None = None
    tlvs_required: frozenset[int] = frozenset()
    settings: TextSettings = attrs.field(
        init=False, repr=False, eq=False, default=attrs.Factory(_settings, takes_self=True)
    )

    def check(self, raw: bytes, offsets: Sequence[int]) -> int:
        """The command_status that a submit_sm gets, 0 for one that is taken.

        ``offsets`` are those of ``fields.walk_message``.
        """
        return (
            (self.address and _addresses(self.address, raw, offsets))
            or (self.send and _wishes(self.send, raw, offsets))
            or self._tlvs(raw, offsets)
            or (self.text and self._text(self.text, raw, offsets))
            or c.ESME_ROK
        )

    def read(self, raw: bytes, offsets: Sequence[int]) -> Payload:
        """What a submit_sm says, its septets unpacked. Raises `BodyError` as `payload.read`."""
        _, _, esm_at, flags_at, sm_at, tlv_at = offsets
        octets = raw[sm_at : sm_at + raw[sm_at - 1]]
        tlvs = list(iter_tlvs(raw, tlv_at))
        read = payload.read(raw[esm_at], raw[flags_at + 2], octets, tlvs, self.settings)
        if self.text is not None and self.text.gsm7 == "packed" and read.alphabet == "gsm7":
            septets = gsm0338.unpack(read.octets, gsm0338.fill_bits(len(read.header)))
            read = attrs.evolve(read, octets=septets)
        return read

    def segments(self, raw: bytes, offsets: Sequence[int]) -> int:
        """In how many SMS the provider sends a message that it has taken."""
        read = self.read(raw, offsets)
        if _is_one(read):
            return 1
        limit = room(read.alphabet, (len(read.header) or 1) + NARROW_HEADER - 1)
        return len(split(read.alphabet, read.octets, limit))

    def _tlvs(self, raw: bytes, offsets: Sequence[int]) -> int:
        if not self.tlvs_required:
            return c.ESME_ROK
        given = {tag for tag, _ in iter_tlvs(raw, offsets[5])}
        return c.ESME_ROK if self.tlvs_required <= given else c.ESME_RMISSINGOPTPARAM

    def _text(self, profile: TextProfile, raw: bytes, offsets: Sequence[int]) -> int:
        try:
            read = self.read(raw, offsets)
        except BodyError as error:
            return error.command_status
        return (
            _form(profile, read)
            or payload.check(read, self.settings)
            or self._safe(read)
            or (c.ESME_ROK if read.by_payload or _is_one(read) else c.ESME_RINVMSGLEN)
        )

    def _safe(self, read: Payload) -> int:
        """Whether nobody could take this text for another one (SX-16)."""
        if read.alphabet != "ascii-gsm-safe":
            return c.ESME_ROK
        text = alphabets.decode(read.alphabet, read.octets)
        return c.ESME_ROK if alphabets.SAFE.issuperset(text) else c.ESME_RSUBMITFAIL


def text_of(read: Payload) -> str | bytes:
    """What a person reads, or the octets of what is no text. Raises `BodyError` for neither."""
    if read.alphabet not in alphabets.TEXTS:
        return read.octets
    return alphabets.decode(read.alphabet, read.octets)


def _is_one(read: Payload) -> bool:
    alphabet = "ascii" if read.alphabet == "utf-8" and read.octets.isascii() else read.alphabet
    return measure(alphabet, read.octets) <= room(alphabet, len(read.header))


def _form(profile: TextProfile, read: Payload) -> int:
    """Payload, SAR and class by TLV where the profile has them, a header where it takes one."""
    tags = {tag for tag, _ in read.own_tlvs}
    unasked = (
        (read.by_payload and profile.long != "payload")
        or (read.by_sar and profile.long == "udh")
        or (c.TLV_DEST_ADDR_SUBUNIT in tags and profile.flash != "tlv")
    )
    if unasked:
        return c.ESME_ROPTPARNOTALLWD
    return c.ESME_RINVESMCLASS if read.header and not profile.udh else c.ESME_ROK


def _wishes(profile: SendProfile, raw: bytes, offsets: Sequence[int]) -> int:
    at, end = offsets[2] + 3, offsets[3]
    schedule, _, rest = raw[at:end].partition(b"\0")
    validity = rest.removesuffix(b"\0")
    if schedule and not profile.schedule:
        return c.ESME_RINVSCHED
    form = _ASKED if validity.endswith(b"R") else _UNASKED
    if validity and profile.validity not in ("pass", form):
        return c.ESME_RINVEXPIRY
    return c.ESME_RINVPRTFLG if raw[at - 1] > profile.priority_max else c.ESME_ROK


_SOURCE = (c.ESME_RINVSRCTON, c.ESME_RINVSRCNPI, c.ESME_RINVSRCADR)
_DESTINATION = (c.ESME_RINVDSTTON, c.ESME_RINVDSTNPI, c.ESME_RINVDSTADR)


def _addresses(profile: AddressProfile, raw: bytes, offsets: Sequence[int]) -> int:
    """Right are the addresses that the profile would not change."""
    source_at, dest_at, esm_at = offsets[:3]
    source = (raw[source_at], raw[source_at + 1], raw[source_at + 2 : dest_at - 1])
    destination = (raw[dest_at], raw[dest_at + 1], raw[dest_at + 2 : esm_at - 1])
    wanted = provider_source(profile, *source)
    if isinstance(wanted, str):
        return c.ESME_RINVSRCADR
    return _differs(source, wanted, _SOURCE) or _differs(
        destination, provider_destination(profile, *destination), _DESTINATION
    )


def _differs(given: Address, wanted: Address, statuses: Sequence[int]) -> int:
    for one, other, status in zip(given, wanted, statuses, strict=True):
        if one != other:
            return status
    return c.ESME_ROK
