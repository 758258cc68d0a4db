"""A submit_sm as a provider wants it: addresses, text, times, TLVs, references (mission section 2).

A provider without a preset takes what came: :func:`translator_of` gives None and the journey writes
the client's octets, or, where a route's target rewrites numbers, what :func:`readdressed` gives.
Otherwise :meth:`Translator.bodies` makes the PDUs, one or as many as the text takes; where nothing
differs it is the client's own PDU object. What a provider cannot carry is refused by name, so that
the journey can try the next provider (SX-18).
"""

from __future__ import annotations

from collections.abc import Callable

from smppproxy.receipts.dialects import WANT_INTERMEDIATE, wanted
from smppproxy.receipts.references import own_reference
from smppproxy.relay.narrow import Narrow
from smppproxy.relay.rules import TLV_MESSAGE_CLASS, RefusedError
from smppproxy.relay.submission import Offsets, Submit
from smppproxy.routing.addresses import (
    DESTINATION,
    FIELD_LONGEST,
    AddressProfile,
    provider_destination,
    provider_source,
)
from smppproxy.routing.providers import Provider, SendProfile
from smppproxy.routing.targets import Rewrite
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import iter_tlvs, tlv
from smppproxy.text import payload, times
from smppproxy.text.convert import Part, class_lost, convert, needs_reference
from smppproxy.text.lengths import LARGEST, NARROW_HEADER, measure, room, split

Tlvs = list[tuple[int, bytes]]

_ASKED = 1
_INTERMEDIATE = 0x10


def translator_of(
    provider: Provider, count: Callable[[str], None], narrow: Narrow | None = None
) -> Translator | None:
    """The translator to this provider, or None when it takes everything as it came.

    :param count: counts what is lost on the way, by name.
    :param narrow: the 8-bit references that are in use; None: nobody else is to know of them.
    """
    plain = (
        provider.text.transparent
        and provider.address.transparent
        and provider.send == SendProfile()
        and not provider.reference_echo
        and not provider.per_segment
    )
    return None if plain else Translator(provider, count, narrow or Narrow(None))


class Translator:
    """What one provider wants."""

    def __init__(self, provider: Provider, count: Callable[[str], None], narrow: Narrow) -> None:
        self.provider = provider
        self._count = count
        self._narrow = narrow

    def bodies(
        self, submit: Submit, now: float, now_wall: float, rewrite: Rewrite | None = None
    ) -> tuple[list[Pdu], int]:
        """The PDUs that carry a message to this provider, and in how many SMS it cuts one of them.

        The second number is 1 unless the provider sends a receipt per segment (XC-09). PDUs have
        the client's sequence_number; it is replaced when they are written. Raises
        :class:`~smppproxy.relay.rules.RefusedError` for a message that the provider cannot carry.
        """
        raw = submit.pdu.raw
        source_at, _, esm_at, flags_at, sm_at, tlv_at = submit.offsets
        head = raw[16:source_at] + addresses_for(
            raw, submit.offsets, self.provider.address, rewrite
        )
        times_ = self._times(submit, now_wall)
        priority = min(raw[esm_at + 2], self.provider.send.priority_max)
        registered_delivery = self._registered_delivery(submit)
        came = list(iter_tlvs(raw, tlv_at)) if tlv_at < len(raw) else []
        others = self._others(submit, came)
        parts, segments = self._parts(submit, came, now)
        pdus = []
        for number, part in enumerate(parts, 1):
            esm_class = raw[esm_at] & ~c.ESM_UDHI | (c.ESM_UDHI if part.esm_class_udhi else 0)
            tlvs = part.tlvs + others
            if self.provider.reference_echo:
                tlvs.append(self._reference(submit, number if len(parts) > 1 else 0))
            text = part.short_message
            pdus.append(
                b"".join(
                    (
                        head,
                        bytes((esm_class, raw[esm_at + 1], priority)),
                        times_,
                        bytes((registered_delivery, raw[flags_at + 1], part.data_coding)),
                        bytes((raw[flags_at + 3], len(text))),
                        text,
                        raw[tlv_at:] if _same(tlvs, came) else b"".join([tlv(*x) for x in tlvs]),
                    )
                )
            )
        if len(pdus) == 1 and pdus[0] == raw[16:]:
            return [submit.pdu], segments
        return [_pdu(submit.pdu, body) for body in pdus], segments

    # -- fields ---------------------------------------------------------------------------------

    def _times(self, submit: Submit, now_wall: float) -> bytes:
        """schedule_delivery_time and validity_period with their NULs (GW-17, mission 4.6)."""
        raw = submit.pdu.raw
        at, end = submit.offsets[2] + 3, submit.offsets[3]
        if end - at == 2:
            return b"\0\0"
        send = self.provider.send
        validity_at = raw.index(0, at) + 1
        if raw[at] and not send.schedule:
            # Sent at once it would mislead: the client must learn that nobody can wait for it.
            raise RefusedError("schedule_delivery_time")
        validity = raw[validity_at : end - 1]
        if validity and send.validity != "pass":
            validity = times.render(validity, now_wall, send.validity)
        return raw[at:validity_at] + validity + b"\0"

    def _registered_delivery(self, submit: Submit) -> int:
        """What is asked of the provider: a receipt if the client is to have one (SX-13)."""
        asked = submit.pdu.raw[submit.offsets[3]]
        account = submit.account
        want = wanted(asked, account.receipts, account.intermediate)
        if not want:
            return 0
        return _ASKED | _INTERMEDIATE if want & WANT_INTERMEDIATE else _ASKED

    # -- TLVs -----------------------------------------------------------------------------------

    def _others(self, submit: Submit, came: Tlvs) -> Tlvs:
        """The TLVs beside those of the text and our reference: by policy, the class (GW-51)."""
        provider = self.provider
        send = provider.send
        kept: Tlvs = [
            pair
            for pair in came
            if pair[0] not in payload.OWN_TAGS
            and (send.tlvs is None or pair[0] in send.tlvs or pair[0] == send.message_class)
        ]
        if submit.message_class and send.message_class:
            kept = [pair for pair in kept if pair[0] != send.message_class]
            kept.append((send.message_class, submit.message_class))
        elif send.message_class and send.message_class != TLV_MESSAGE_CLASS:
            kept = [pair for pair in kept if pair[0] != TLV_MESSAGE_CLASS]
        if provider.reference_echo:
            kept = [pair for pair in kept if pair[0] != c.TLV_USER_MESSAGE_REFERENCE]
        return kept

    def _reference(self, submit: Submit, part: int) -> tuple[int, bytes]:
        """Ours in the place of the client's (XC-05), each part's its own."""
        most = self.provider.reference_max
        reference = own_reference(submit.receipt_message_id, most, part)
        return c.TLV_USER_MESSAGE_REFERENCE, reference

    # -- text -----------------------------------------------------------------------------------

    def _parts(self, submit: Submit, came: Tlvs, now: float) -> tuple[list[Part], int]:
        raw = submit.pdu.raw
        _, _, esm_at, flags_at, sm_at, _ = submit.offsets
        data_coding = raw[flags_at + 2]
        octets = raw[sm_at : sm_at + raw[sm_at - 1]]
        profile = self.provider.text
        if profile.transparent and not self.provider.per_segment:
            own = [pair for pair in came if pair[0] in payload.OWN_TAGS]
            return [Part(bool(raw[esm_at] & c.ESM_UDHI), data_coding, octets, own)], 1
        settings = submit.account.text_settings
        if not came and not raw[esm_at] & c.ESM_UDHI and octets:
            alphabet, message_class = payload.meaning(data_coding, settings)
            if (
                message_class == payload.NO_CLASS
                and profile.meanings.get(data_coding) == alphabet
                and profile.gsm7 == "unpacked"
                and measure(alphabet, octets) <= room(alphabet, 0, profile.max_octets)
            ):
                return [Part(False, data_coding, octets, [])], 1
        return self._converted(submit, octets, came, now)

    def _converted(
        self, submit: Submit, octets: bytes, came: Tlvs, now: float
    ) -> tuple[list[Part], int]:
        raw = submit.pdu.raw
        settings, profile = submit.account.text_settings, self.provider.text
        try:
            read = payload.read(
                raw[submit.offsets[2]], raw[submit.offsets[3] + 2], octets, came, settings
            )
        except BodyError as error:
            raise RefusedError(error.command_status.name) from None
        reference, narrow = submit.number, False
        if read.by_sar and read.segment is not None and not profile.transparent:
            reference, narrow = self._sar_reference(submit, read, now)
        parts = convert(read, settings, profile, reference, narrow)
        if isinstance(parts, int):
            raise RefusedError(parts.name)
        if class_lost(read, profile):
            self._count("message_class_lost")
        segments = 1
        if self.provider.per_segment and len(parts) == 1 and read.segment is None:
            segments = segments_of(read.alphabet, read.octets, len(read.header))
        return parts, segments

    def _sar_reference(
        self, submit: Submit, read: payload.Payload, now: float
    ) -> tuple[int, bool]:
        """An 8-bit reference for a message in SAR parts, and whether any of them has needed one."""
        raw = submit.pdu.raw
        pair = submit.account.key, raw[submit.offsets[0] : submit.offsets[2]]
        sar_reference = read.segment[0] if read.segment is not None else 0
        reference = self._narrow.known(pair, sar_reference, now)
        if reference is None:
            if not needs_reference(read, submit.account.text_settings, self.provider.text):
                return 0, False
            reference = self._narrow.draw(pair, sar_reference, now)
        return reference, True


def addresses_for(
    raw: bytes, offsets: Offsets, profile: AddressProfile, rewrite: Rewrite | None
) -> bytes:
    """Both addresses as a provider gets them: by its profile, then as the route's target says.

    Another source is put in before the profile looks at it, so that it gets the TON and NPI of its
    kind; a TON and an NPI of the target win. Raises :class:`~smppproxy.relay.rules.RefusedError`
    for addresses that the provider cannot get.
    """
    source_at, dest_at, esm_at = offsets[:3]
    if profile.transparent:
        if rewrite is None:
            return raw[source_at:esm_at]
        if not rewrite.source and rewrite.source_ton < 0 and rewrite.source_npi < 0:
            destination = rewrite.destination(raw[dest_at + 2 : esm_at - 1])
            return b"%b%b\0" % (raw[source_at : dest_at + 2], _sound(destination))
    sender = raw[source_at], raw[source_at + 1], raw[source_at + 2 : dest_at - 1]
    source = provider_source(profile, *(sender if rewrite is None else rewrite.sender(*sender)))
    if isinstance(source, str):
        raise RefusedError(source)
    ton, npi, destination = provider_destination(
        profile, raw[dest_at], raw[dest_at + 1], raw[dest_at + 2 : esm_at - 1]
    )
    if rewrite is not None:
        source = (*rewrite.sender(*source)[:2], source[2])
        destination = _sound(rewrite.destination(destination))
    return b"".join(
        [
            bytes((each[0], each[1])) + each[2] + b"\0"
            for each in (source, (ton, npi, destination))
        ]
    )


def _sound(destination: bytes) -> bytes:
    """A rewritten number that can be sent."""
    if not 0 < len(destination) <= FIELD_LONGEST:
        raise RefusedError(DESTINATION)
    return destination


def readdressed(
    pdu: Pdu, offsets: Offsets, profile: AddressProfile, rewrite: Rewrite
) -> Pdu:
    """The client's octets with the addresses that a provider is to get; raises as they do."""
    raw = pdu.raw
    body = raw[16 : offsets[0]] + addresses_for(raw, offsets, profile, rewrite) + raw[offsets[2] :]
    return pdu if body == raw[16:] else _pdu(pdu, body)


def segments_of(alphabet: str, octets: bytes, header: int) -> int:
    """In how many SMS a provider cuts a text that it got whole: never inside a character (4.3)."""
    if measure(alphabet, octets) <= room(alphabet, header):
        return 1
    limit = room(alphabet, header + NARROW_HEADER - bool(header))
    return len(split(alphabet, octets, max(limit, LARGEST)))


def _same(tlvs: Tlvs, came: Tlvs) -> bool:
    return len(tlvs) == len(came) and sorted(tlvs) == sorted(came)


def _pdu(pdu: Pdu, body: bytes) -> Pdu:
    raw = (len(body) + 16).to_bytes(4, "big") + pdu.raw[4:16] + body
    return Pdu(pdu.command_id, 0, pdu.sequence_number, raw)
