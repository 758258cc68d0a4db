"""A client's message as a provider takes it: SX-16 to SX-18, MG-09, MG-10, GW-42, mission 4."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.errors import BodyError
from smppproxy.text import alphabets, gsm0338, sar, udh
from smppproxy.text.convert import Part, class_lost, convert, needs_reference
from smppproxy.text.lengths import split
from smppproxy.text.payload import Payload, read
from smppproxy.text.profile import TextProfile, TextSettings
from tests.text import bounded
from tests.text.joining import join
from tests.text.test_lengths import gsm_texts
from tests.text.test_payload import DEFAULT, HEADER, said

SENDEXA = {"default_alphabet": "ascii-gsm-safe", "codings": {"gsm7": 0, "ucs2": 8}, "flash": "none"}
OZEKI = {"default_alphabet": "utf-8", "codings": {"gsm7": 0, "ucs2": 8}}
GATEWAYAPI = {
    "codings": {"gsm7": 0, "ascii": 1, "binary": 4, "latin1": 3, "cyrillic": 6, "ucs2": 8}
    | {"flash_ucs2": 24, "flash_gsm7": 240},
    "long": "payload",
    "max_parts": 255,
}
FORMS = ("udh", "sar", "payload")
WIDE = b"\x06\x08\x04\x01\x2a\x02\x01"


def provider(**settings: Any) -> TextProfile:
    """A profile that rewrites."""
    return TextProfile(transparent=False, **settings)


def sent(payload: Payload, profile: TextProfile, **more: Any) -> list[Part]:
    """convert() that is expected to give parts."""
    arguments: dict[str, Any] = {"settings": DEFAULT, "reference": 77} | more
    parts = convert(payload, profile=profile, **arguments)
    assert isinstance(parts, list), hex(parts)
    return parts


def one(payload: Payload, profile: TextProfile, **more: Any) -> tuple[int, bytes]:
    """(data_coding, short_message) of the only part, which has no header and no TLV."""
    (part,) = sent(payload, profile, **more)
    assert not part.esm_class_udhi and not part.tlvs
    return part.data_coding, part.short_message


def seen(parts: Sequence[Part], profile: TextProfile) -> list[Payload]:
    """What a handset behind the provider reads."""
    meanings = {**profile.meanings, 24: "ucs2", 240: "gsm7", 16: "gsm7"}
    settings = TextSettings(default_alphabet=meanings.pop(0, "gsm7"), alphabets=meanings)
    payloads = []
    for part in parts:
        esm_class = 0x40 if part.esm_class_udhi else 0
        payload = read(esm_class, part.data_coding, part.short_message, part.tlvs, settings)
        if payload.alphabet == "gsm7" and profile.gsm7 == "packed":
            fill = gsm0338.fill_bits(len(payload.header))
            payload.octets = gsm0338.unpack(payload.octets, fill)
        payloads.append(payload)
    return payloads


def text_of(parts: Sequence[Part], profile: TextProfile) -> str:
    """The text on the screen."""
    payloads = seen(parts, profile)
    whole = payloads[0] if payloads[0].segment is None else join(payloads)
    return alphabets.decode(whole.alphabet, whole.octets)


def submits(form: str, octets: bytes, alphabet: str, data_coding: int) -> list[Payload]:
    """A long message as a client sends it."""
    if form == "payload":
        return [said(tlvs=[(0x0424, octets)], data_coding=data_coding)]
    limit = {"gsm7": 153, "ascii": 153, "ucs2": 134}.get(alphabet, 134)
    pieces = split(alphabet, octets, limit)
    payloads = []
    for number, piece in enumerate(pieces, 1):
        if form == "udh":
            element = udh.concatenation_element(200, len(pieces), number)
            payloads.append(said(udh.build([element]) + piece, data_coding, esm_class=0x40))
        else:
            payloads.append(said(piece, data_coding, sar.tlvs(200, len(pieces), number)))
    return payloads


def passed(payloads: Sequence[Payload], profile: TextProfile) -> list[Part]:
    """All parts of one message; a narrow reference is drawn once, as the relay does."""
    parts: list[Part] = []
    narrow = False
    for payload in payloads:
        narrow = narrow or needs_reference(payload, DEFAULT, profile)
        parts += sent(payload, profile, narrow=narrow)
    return parts


class UntouchedTests(SynchronousTestCase):
    """Same meaning and no split: the same octets (mission 4.1)."""

    def test_transparent(self) -> None:
        """A transparent provider gets what came, sound or not."""
        profile = TextProfile()
        for payload, data_coding, octets, tlvs in (
            (said(b"caf\xe9"), 0, b"caf\xe9", []),
            (said(b"a" * 255), 0, b"a" * 255, []),
            (said(b"\0H\0", 24, [(5, b"\0")]), 24, b"\0H\0", [(5, b"\0")]),
            (said(tlvs=[(0x0424, b"abc")]), 0, b"", [(0x0424, b"abc")]),
            (said(b"a", tlvs=sar.tlvs(9, 1, 1)), 0, b"a", sar.tlvs(9, 1, 1)),
            (said(b"x", 255), 255, b"x", []),
        ):
            self.assertEqual(
                convert(payload, DEFAULT, profile, 1), [Part(False, data_coding, octets, tlvs)]
            )
        (part,) = sent(said(b"\0abc", esm_class=0x40), profile)
        self.assertEqual((part.esm_class_udhi, part.short_message), (True, b"\0abc"))

    def test_same_meaning(self) -> None:
        """The octets are copied, even where they do not decode."""
        profile = provider()
        for octets, data_coding in (
            (b"\x00\x1be{", 0),
            (b"caf\xe9", 0),
            (b"a" * 160, 0),
            (b"\xe9\x85", 3),
            (b"\x80" * 140, 4),
            (b"\xd8\x00", 8),
            (b"", 0),
        ):
            self.assertEqual(one(said(octets, data_coding), profile), (data_coding, octets))

    def test_other_place(self) -> None:
        """The same octets under the provider's own number."""
        profile = provider(codings={"gsm7": 4, "latin1": 1, "binary": 0xF5, "ucs2": 9})
        for octets, data_coding, expected in (
            (b"\0", 0, 4),
            (b"\xe9", 3, 1),
            (b"\xff", 2, 0xF5),
            (b"\xff", 4, 0xF5),
            (b"\4\x36", 8, 9),
        ):
            self.assertEqual(one(said(octets, data_coding), profile), (expected, octets))

    def test_two_places(self) -> None:
        """Where a provider has two numbers for one meaning, the client's stays."""
        profile = provider(default_alphabet="latin1", codings={"gsm7": 0, "latin1": 3, "ucs2": 8})
        self.assertEqual(one(said(b"\xe9", 3), profile), (3, b"\xe9"))

    def test_header(self) -> None:
        """A header goes along as it came: its references, ports and order."""
        for header in (HEADER, WIDE, b"\x06\x05\x04\x0b\x84\x23\xf0", b"\x05\0\3\1\1\1"):
            (part,) = sent(said(header + b"\0a", esm_class=0x40), provider())
            self.assertEqual((part.esm_class_udhi, part.short_message), (True, header + b"\0a"))

    def test_short_payload(self) -> None:
        """One SMS in message_payload stays there only for providers that want it so."""
        payload = said(tlvs=[(0x0424, b"abc")])
        self.assertEqual(one(payload, provider()), (0, b"abc"))
        (part,) = sent(payload, provider(**GATEWAYAPI))
        self.assertEqual((part.short_message, part.tlvs), (b"", [(0x0424, b"abc")]))


class TranscodingTests(SynchronousTestCase):
    """Another meaning: decoded and coded anew, first GSM-7, then Latin-1, then UCS2."""

    def test_order(self) -> None:
        """The first coding that holds every character."""
        profile = provider()
        for text, expected in (
            ("é@", (0, b"\x05\x00")),
            ("€ç", (8, b"\x20\xac\x00\xe7")),
            ("ç`", (3, b"\xe7`")),
            ("ж", (8, b"\x04\x36")),
        ):
            settings = TextSettings(default_alphabet="utf-8")
            payload = said(text.encode(), settings=settings)
            self.assertEqual(one(payload, profile), expected)

    def test_sx16_ascii_gsm_safe(self) -> None:
        """Only the 83 common characters, LF and CR go as data_coding 0; else UCS2."""
        profile = provider(**SENDEXA)
        self.assertEqual(one(said(b"Hello\r\n"), profile), (0, b"Hello\r\n"))
        for octets, text in ((b"\0", "@"), (b"\x02", "$"), (b"\x11", "_"), (b"\x1be", "€")):
            self.assertEqual(one(said(octets), profile), (8, text.encode("utf-16-be")))
        self.assertEqual(one(said(b"`", 1), profile), (8, b"\0`"))

    def test_sx18_other_codings(self) -> None:
        """1, 3, 6, 24 and 240 become 0 or 8; binary cannot go."""
        profile = provider(**SENDEXA)
        for octets, data_coding, expected in (
            (b"Hi", 1, (0, b"Hi")),
            (b"Hi", 3, (0, b"Hi")),
            (b"\xe9", 3, (8, b"\0\xe9")),
            (b"\xbf", 6, (8, b"\x04\x1f")),
            (b"\0H", 24, (8, b"\0H")),
            (b"H", 240, (0, b"H")),
        ):
            self.assertEqual(one(said(octets, data_coding), profile), expected)
        for data_coding in (2, 4, 245):
            self.assertEqual(convert(said(b"\1", data_coding), DEFAULT, profile, 1), 0x45)

    def test_oz12_utf8_or_gsm7(self) -> None:
        """Plain ASCII as 0, everything else as 8, whatever the account's alphabet is."""
        profile = provider(**OZEKI)
        utf8 = TextSettings(default_alphabet="utf-8")
        self.assertEqual(one(said(b"a@{", settings=utf8), profile), (0, b"a@{"))
        self.assertEqual(one(said("é".encode(), settings=utf8), profile), (8, b"\0\xe9"))
        self.assertEqual(one(said(b"\0\x1b\x28"), profile), (0, b"@{"))
        self.assertEqual(one(said(b"\x05"), profile), (8, b"\0\xe9"))

    def test_xc13_meaning_of_1(self) -> None:
        """What 1 means comes from the account's and the provider's settings."""
        account = TextSettings(alphabets={1: "gsm7"})
        self.assertEqual(one(said(b"\0", 1, settings=account), provider()), (0, b"\0"))
        account = TextSettings(alphabets={1: "latin1"})
        profile = provider(codings={"gsm7": 0, "latin1": 1, "ucs2": 8})
        self.assertEqual(one(said(b"\xe7", 1, settings=account), profile), (1, b"\xe7"))
        self.assertEqual(one(said(b"`", 1), profile), (1, b"`"))
        self.assertEqual(one(said(b"@", 1), profile), (0, b"\0"))

    def test_refused(self) -> None:
        """No coding, octets that do not decode, and codings that are only copied: 0x45."""
        only_gsm = provider(codings={"gsm7": 0})
        self.assertEqual(convert(said(b"\x04\x36", 8), DEFAULT, only_gsm, 1), 0x45)
        self.assertEqual(convert(said(b"\0H\0", 8), DEFAULT, only_gsm, 1), 0x01)
        self.assertEqual(convert(said(b"\xe9", 1), DEFAULT, provider(), 1), 0x45)
        for data_coding in (5, 7, 11, 192, 255):
            self.assertEqual(convert(said(b"a", data_coding), DEFAULT, provider(), 1), 0x45)

    def test_only_copied(self) -> None:
        """JIS goes to a provider that lists it, message waiting with dcs_extra."""
        profile = provider(codings={"gsm7": 0, "jis": 5})
        self.assertEqual(one(said(b"\x83", 5), profile), (5, b"\x83"))
        extra = TextSettings(dcs_extra=True)
        for data_coding, octets in ((200, b"a" * 160), (224, b"\0a" * 70)):
            payload = said(octets, data_coding)
            self.assertEqual(one(payload, profile, settings=extra), (data_coding, octets))

    def test_shrink(self) -> None:
        """UCS2 becomes the default alphabet only when asked, only if all of it fits, whole only."""
        fits, not_fits = said(b"\0@", 8), said(b"\0`", 8)
        self.assertEqual(one(fits, provider()), (8, b"\0@"))
        for more in (
            {"profile": provider(shrink=True)},
            {"profile": provider(), "settings": TextSettings(shrink_ucs2=True)},
        ):
            self.assertEqual(one(fits, **more), (0, b"\0"))
            self.assertEqual(one(not_fits, **more), (8, b"\0`"))
        part = said(HEADER + b"\0@", 8, esm_class=0x40)
        self.assertEqual(sent(part, provider(shrink=True))[0].data_coding, 8)

    def test_mg09_round_trip(self) -> None:
        """128 + 10 characters of GSM-7 and UCS2 samples come out octet by octet."""
        octets = bytes(code for code in range(128) if code != 0x1B) + b"".join(
            bytes((0x1B, code)) for code in gsm0338.EXTENSION
        )
        profile = provider()
        self.assertEqual(one(said(octets), profile), (0, octets))
        for code in (0x41, 0xE9, 0x416, 0x20AC, 0x4E2D, 0xFFFF):
            octets = code.to_bytes(2, "big")
            self.assertEqual(one(said(octets, 8), profile), (8, octets))

    @bounded
    @given(
        st.text(max_size=500),
        st.sampled_from(["gsm7", "ascii", "latin1", "cp1252", "utf-8", "ucs2"]),
        st.sampled_from([{}, SENDEXA, OZEKI, GATEWAYAPI, {"long": "sar"}]),
    )
    def test_same_text(self, text: str, alphabet: str, settings: dict[str, Any]) -> None:
        """Whatever the two alphabets, the text is the same, in however many parts."""
        octets = alphabets.encode(alphabet, text)
        if not octets:
            return
        profile = provider(**{**settings, "max_parts": 255})
        account = TextSettings(alphabets={0: alphabet}, max_parts=255)
        payload = said(tlvs=[(0x0424, octets)], settings=account)
        parts = sent(payload, profile, settings=account)
        self.assertEqual(text_of(parts, profile), text)


class FlashTests(SynchronousTestCase):
    """A message class as the provider wants it told: GW-42 and GW-43."""

    def test_gw42_forms(self) -> None:
        """The TLV, 24/240, 16/24, or none."""
        for flash, gsm7, ucs2 in (
            ("tlv", (0, [(5, b"\1")]), (8, [(5, b"\1")])),
            ("dcs-24-240", (240, []), (24, [])),
            ("dcs-16-24", (16, []), (24, [])),
            ("none", (0, []), (8, [])),
        ):
            profile = provider(flash=flash)
            for payload, expected in (
                (said(b"Hi", 240), gsm7),
                (said(b"Hi", 0, [(5, b"\1")]), gsm7),
                (said(b"\0H", 24), ucs2),
                (said(b"\0H", 8, [(5, b"\1")]), ucs2),
            ):
                (part,) = sent(payload, profile)
                self.assertEqual((part.data_coding, part.tlvs), expected)
                self.assertEqual(class_lost(payload, profile), flash == "none")

    def test_gw42_transcoded(self) -> None:
        """Latin-1 as flash becomes GSM-7 or UCS2, since no data_coding says Latin-1 and class 0."""
        profile = provider(flash="dcs-24-240")
        self.assertEqual(one(said(b"\xe9", 3, [(5, b"\1")]), profile), (240, b"\x05"))
        self.assertEqual(one(said(b"\xe7", 3, [(5, b"\1")]), profile), (24, b"\0\xe7"))

    def test_gw43_tlv_wins(self) -> None:
        """24 beside a TLV of 2 is class 1: the TLV goes on, 24 does not."""
        payload = said(b"\0H", 24, [(5, b"\2")])
        (part,) = sent(payload, provider())
        self.assertEqual((part.data_coding, part.tlvs), (8, [(5, b"\2")]))
        profile = provider(flash="dcs-24-240")
        self.assertEqual(one(payload, profile), (8, b"\0H"))
        self.assertTrue(class_lost(payload, profile))

    def test_other_classes(self) -> None:
        """Classes 1 to 3 by data_coding reach providers that take the TLV."""
        (part,) = sent(said(b"a", 242), provider())
        self.assertEqual((part.data_coding, part.tlvs), (0, [(5, b"\3")]))
        (part,) = sent(said(b"a", 245), provider())
        self.assertEqual((part.data_coding, part.tlvs), (4, [(5, b"\2")]))
        self.assertTrue(class_lost(said(b"a", 244), provider(flash="dcs-24-240")))

    def test_nothing_to_lose(self) -> None:
        """No class, or a provider that gets everything as it came."""
        self.assertFalse(class_lost(said(b"a"), provider(flash="none")))
        self.assertFalse(class_lost(said(b"a", 240), TextProfile(flash="none")))

    def test_every_part(self) -> None:
        """Each part of a long message is flash."""
        payload = said(tlvs=[(0x0424, b"a" * 161), (5, b"\1")])
        for part in sent(payload, provider(long="sar")):
            self.assertIn((5, b"\1"), part.tlvs)
        for part in sent(payload, provider(flash="dcs-24-240")):
            self.assertEqual(part.data_coding, 240)


class SplitTests(SynchronousTestCase):
    """Long messages cut by us: mission 4.3."""

    def lengths(self, octets: bytes, data_coding: int, **settings: Any) -> list[int]:
        """Octets of text in each part."""
        profile = provider(max_parts=255, **settings)
        payload = said(tlvs=[(0x0424, octets)], data_coding=data_coding)
        account = TextSettings(max_parts=255)
        parts = sent(payload, profile, settings=account)
        return [len(payload.octets) for payload in seen(parts, profile)]

    def test_lengths(self) -> None:
        """160/153/152, 140/134/133 and 70/67/66."""
        for data_coding, whole, narrow, wide in (
            (0, 160, 153, 152),
            (3, 140, 134, 133),
            (4, 140, 134, 133),
            (8, 140, 134, 132),
        ):
            octets = b"\0a" * (whole // 2)
            self.assertEqual(self.lengths(octets, data_coding), [whole])
            octets += b"\0a"
            rest = whole + 2 - narrow
            self.assertEqual(self.lengths(octets, data_coding), [narrow, rest])
            self.assertEqual(self.lengths(octets, data_coding, long="sar"), [narrow, rest])
            rest = whole + 2 - wide
            self.assertEqual(self.lengths(octets, data_coding, udh_ref=16), [wide, rest])
            self.assertEqual(self.lengths(octets, data_coding, long="payload"), [whole + 2])

    def test_short_message_over_one_sms(self) -> None:
        """short_message of 161 to 255 octets is a long message, never cut off."""
        payload = said(b"a" * 255)
        profile = provider()
        parts = sent(payload, profile)
        self.assertEqual(
            [part.short_message[:6].hex() for part in parts], ["0500034d0201", "0500034d0202"]
        )
        self.assertEqual(text_of(parts, profile), "a" * 255)
        (part,) = sent(payload, provider(long="payload"))
        self.assertEqual((part.short_message, part.tlvs), (b"", [(0x0424, b"a" * 255)]))

    def test_references(self) -> None:
        """8 or 16 bits of the counter, in the header or in sar_msg_ref_num."""
        payload = said(b"a" * 161)
        self.assertEqual(
            sent(payload, provider(), reference=0x12345)[1].short_message[:6].hex(), "050003450202"
        )
        self.assertEqual(
            sent(payload, provider(udh_ref=16), reference=0x12345)[1].short_message[:7].hex(),
            "06080423450202",
        )
        parts = sent(payload, provider(long="sar", udh_ref=16), reference=0x12345)
        self.assertEqual(parts[1].tlvs, sar.tlvs(0x2345, 2, 2))
        self.assertFalse(parts[1].esm_class_udhi)

    def test_characters_stay_whole(self) -> None:
        """An ESC pair and a surrogate pair at the cut make a part one short."""
        profile = provider()
        euro = said(b"a" * 152 + b"\x1be" + b"b" * 20)
        self.assertEqual([len(p.octets) for p in seen(sent(euro, profile), profile)], [152, 22])
        smile = ("a" * 66 + "\U0001f600" + "b" * 20).encode("utf-16-be")
        parts = sent(said(smile, 8), profile)
        self.assertEqual([len(p.octets) for p in seen(parts, profile)], [132, 44])

    def test_ascii_counts_as_septets(self) -> None:
        """A brace takes two septets at a provider that turns ASCII into GSM-7."""
        profile = provider(codings={"ascii": 1, "ucs2": 8})
        self.assertEqual(one(said(b"{" * 80, 1), profile), (1, b"{" * 80))
        self.assertEqual(len(sent(said(b"{" * 81, 1), profile)), 2)

    def test_other_elements(self) -> None:
        """Ports go into every part, beside the number, and leave less room; a part of one goes."""
        ports = b"\x05\x04\x0b\x84\x23\xf0"
        number = b"\x00\x03\x09\x01\x01"
        header = bytes((len(ports) + len(number),)) + ports + number
        payload = said(tlvs=[(0x0424, header + b"\xaa" * 200)], data_coding=4, esm_class=0x40)
        profile = provider()
        parts = sent(payload, profile)
        self.assertEqual(
            [part.short_message[:12].hex() for part in parts],
            ["0b00034d020105040b8423f0", "0b00034d020205040b8423f0"],
        )
        self.assertEqual([len(part.short_message) for part in parts], [140, 84])
        parts = sent(payload, provider(long="sar"))
        self.assertEqual(parts[0].short_message[:7].hex(), "0605040b8423f0")
        self.assertEqual(parts[0].tlvs, sar.tlvs(77, 2, 1))
        (part,) = sent(payload, provider(long="payload"))
        self.assertTrue(part.esm_class_udhi)
        self.assertEqual(part.tlvs, [(0x0424, b"\x06" + ports + b"\xaa" * 200)])

    def test_too_many_parts(self) -> None:
        """More than max_parts of the account or of the provider: 0x01, payload or not."""
        payload = said(tlvs=[(0x0424, b"a" * 1531)])
        for profile in (provider(max_parts=255), provider(long="payload", max_parts=255)):
            self.assertEqual(convert(payload, DEFAULT, profile, 1), 0x01)
        many = TextSettings(max_parts=255)
        self.assertEqual(convert(payload, many, provider(), 1), 0x01)
        self.assertEqual(len(sent(payload, provider(max_parts=11), settings=many)), 11)

    def test_gw44_largest_payload(self) -> None:
        """255 parts of 153 septets pass; what becomes more parts in UCS2 does not."""
        payload = said(tlvs=[(0x0424, b"\x05" * 39_015)])
        many = TextSettings(max_parts=255)
        (part,) = sent(payload, provider(**GATEWAYAPI), settings=many)
        self.assertEqual(len(part.tlvs[0][1]), 39_015)
        cyrillic = said(tlvs=[(0x0424, b"\xd0" * 39_015)], data_coding=6)
        profile = provider(**{**GATEWAYAPI, "codings": {"ucs2": 8}})
        self.assertEqual(convert(cyrillic, many, profile, 1), 0x01)

    def test_no_room(self) -> None:
        """A header that leaves no room for a part: 0x01."""
        header = bytes((133, 0x70, 131)) + b"x" * 131
        payload = said(tlvs=[(0x0424, header + b"a" * 300)], esm_class=0x40)
        self.assertEqual(convert(payload, DEFAULT, provider(), 1), 0x01)

    @bounded
    @given(gsm_texts, st.sampled_from(FORMS), st.sampled_from([8, 16]), st.booleans())
    def test_any_text(self, text: str, long: str, udh_ref: int, packed: bool) -> None:
        """No part cuts a character or is over 140 octets, and all of them are the text."""
        gsm7 = "packed" if packed else "unpacked"
        profile = provider(long=long, udh_ref=udh_ref, gsm7=gsm7)
        payload = said(tlvs=[(0x0424, alphabets.encode("gsm7", text) or b"")])
        parts = sent(payload, profile)
        if not packed or "\r" not in text:
            self.assertEqual(text_of(parts, profile), text)
            for whole in seen(parts, profile):
                alphabets.decode("gsm7", whole.octets, True)
        for part in parts:
            self.assertLessEqual(len(part.short_message), 140 if packed else 160)


class FormTests(SynchronousTestCase):
    """Parts told in one way and wanted in another: MG-10 and mission 4.5."""

    def test_mg10_nine_combinations(self) -> None:
        """UDH, SAR or payload in, each of them out, in four codings: the same text."""
        for text, alphabet, data_coding in (
            ("The {quick} brown fox €" * 20, "gsm7", 0),
            ("\x1fça" * 150, "latin1", 3),
            ("Жaba\U0001f600" * 40, "ucs2", 8),
            ("plain ascii text " * 25, "ascii", 1),
        ):
            octets = alphabets.encode(alphabet, text)
            assert octets is not None
            for form, long in product(FORMS, FORMS):
                profile = provider(long=long)
                parts = passed(submits(form, octets, alphabet, data_coding), profile)
                self.assertEqual(text_of(parts, profile), text, (form, long, alphabet))

    def test_same_form(self) -> None:
        """UDH to UDH and SAR to SAR: copied."""
        (part,) = sent(said(WIDE + b"a", esm_class=0x40), provider())
        self.assertEqual(part, Part(True, 0, WIDE + b"a", []))
        tlvs = sar.tlvs(300, 3, 2)
        (part,) = sent(said(b"a" * 160, tlvs=tlvs), provider(long="sar"))
        self.assertEqual(part, Part(False, 0, b"a" * 160, tlvs))

    def test_transcoded_part(self) -> None:
        """A part keeps its header when its text is coded anew, unless it grows too long."""
        (part,) = sent(said(HEADER + b"\xe9", 3, esm_class=0x40), provider(**SENDEXA))
        self.assertEqual(part, Part(True, 8, HEADER + b"\0\xe9", []))
        payload = said(HEADER + b"\xe9" * 68, 3, esm_class=0x40)
        self.assertEqual(convert(payload, DEFAULT, provider(**SENDEXA), 1), 0x01)

    def test_sar_to_udh_wide(self) -> None:
        """The SAR reference in a 16-bit element while the part leaves room for it."""
        for octets, data_coding in ((b"a" * 152, 0), (b"a" * 133, 4), (b"\0a" * 66, 8)):
            payload = said(octets, data_coding, sar.tlvs(298, 2, 1))
            self.assertFalse(needs_reference(payload, DEFAULT, provider()))
            (part,) = sent(payload, provider())
            self.assertEqual(part, Part(True, data_coding, WIDE + octets, []))

    def test_sar_to_udh_narrow(self) -> None:
        """Without that room an 8-bit element with the reference drawn for the message."""
        for octets, data_coding in ((b"a" * 153, 0), (b"a" * 134, 4), (b"\0a" * 67, 8)):
            payload = said(octets, data_coding, sar.tlvs(298, 2, 1))
            self.assertTrue(needs_reference(payload, DEFAULT, provider()))
            (part,) = sent(payload, provider(), reference=42)
            self.assertEqual(part, Part(True, data_coding, HEADER + octets, []))

    def test_sar_to_udh_one_size(self) -> None:
        """A short part of a message that went narrow goes narrow too."""
        payload = said(b"end", tlvs=sar.tlvs(298, 2, 2))
        (part,) = sent(payload, provider(), reference=42, narrow=True)
        self.assertEqual(part.short_message, b"\5\0\3\x2a\2\2end")

    def test_sar_part_too_long(self) -> None:
        """A part over 153 septets or 134 octets has no place for a header: 0x01."""
        for octets, data_coding in ((b"a" * 154, 0), (b"a" * 135, 4), (b"\0a" * 68, 8)):
            payload = said(octets, data_coding, sar.tlvs(1, 2, 1))
            self.assertEqual(convert(payload, DEFAULT, provider(), 1), 0x01)

    def test_sar_to_udh_full_header(self) -> None:
        """A header that the number does not fit into: 0x01."""
        header = bytes((252, 0x70, 250)) + b"x" * 250
        payload = said(header, tlvs=sar.tlvs(1, 2, 1), esm_class=0x40)
        self.assertEqual(convert(payload, DEFAULT, provider(), 1), 0x01)

    def test_no_reference_to_draw(self) -> None:
        """Other forms need none, nor does what cannot be carried."""
        full = said(b"a" * 153, tlvs=sar.tlvs(1, 2, 1))
        self.assertFalse(needs_reference(full, DEFAULT, provider(long="sar")))
        self.assertFalse(needs_reference(full, DEFAULT, TextProfile()))
        self.assertFalse(needs_reference(said(b"a" * 200), DEFAULT, provider()))
        binary = said(b"a" * 153, 4, sar.tlvs(1, 2, 1))
        self.assertFalse(needs_reference(binary, DEFAULT, provider(**SENDEXA)))

    def test_udh_to_sar(self) -> None:
        """The number moves into TLVs; other elements stay, and 0x40 only with them."""
        (part,) = sent(said(WIDE + b"a", esm_class=0x40), provider(long="sar"))
        self.assertEqual(part, Part(False, 0, b"a", sar.tlvs(298, 2, 1)))
        header = b"\x08\x00\x03\x2a\x02\x01\x24\x01\x01"
        (part,) = sent(said(header + b"a", esm_class=0x40), provider(long="sar"))
        self.assertEqual(part, Part(True, 0, b"\x03\x24\x01\x01a", sar.tlvs(42, 2, 1)))

    def test_parts_to_payload(self) -> None:
        """Parts are not joined: they go as they came, as TLVs where no header is taken."""
        profile = provider(**GATEWAYAPI)
        by_udh, by_sar = said(HEADER + b"a", esm_class=0x40), said(b"a", tlvs=sar.tlvs(42, 2, 1))
        self.assertEqual(sent(by_udh, profile), [Part(True, 0, HEADER + b"a", [])])
        expected = [Part(False, 0, b"a", sar.tlvs(42, 2, 1))]
        self.assertEqual(sent(by_sar, profile), expected)
        self.assertEqual(sent(by_udh, provider(**{**GATEWAYAPI, "udh": False})), expected)

    def test_joined_parts(self) -> None:
        """With join the relay holds the parts and sends one payload."""
        octets = alphabets.encode("gsm7", "€" * 200) or b""
        whole = join(submits("udh", octets, "gsm7", 0))
        (part,) = sent(whole, provider(**GATEWAYAPI))
        self.assertEqual(part, Part(False, 0, b"", [(0x0424, octets)]))

    def test_provider_without_headers(self) -> None:
        """Ports cannot go there (0x45); the number of a part of one is no loss."""
        profile = provider(udh=False, long="sar")
        ports = said(b"\x06\x05\x04\x0b\x84\x23\xf0a", 4, esm_class=0x40)
        self.assertEqual(convert(ports, DEFAULT, profile, 1), 0x45)
        payload = said(b"\x05\0\3\1\1\1a", esm_class=0x40)
        self.assertEqual(one(payload, profile), (0, b"a"))


class NationalTests(SynchronousTestCase):
    """National languages: copied, never transcoded (mission 4.2)."""

    header = b"\x03\x24\x01\x01"

    def test_copied(self) -> None:
        """The same octets under GSM-7, wherever the provider has it."""
        payload = said(self.header + b"\x1bGa", esm_class=0x40)
        self.assertEqual(sent(payload, provider()), [Part(True, 0, self.header + b"\x1bGa", [])])
        (part,) = sent(payload, provider(codings={"ascii": 0, "gsm7": 4}))
        self.assertEqual(part.data_coding, 4)

    def test_split(self) -> None:
        """149 septets a part beside 8 bits of reference, the language in each."""
        payload = said(tlvs=[(0x0424, self.header + b"a" * 160)], esm_class=0x40)
        parts = sent(payload, provider())
        self.assertEqual([len(part.short_message) for part in parts], [9 + 149, 9 + 11])
        self.assertEqual(parts[1].short_message[:9].hex(), "0800034d0202240101")

    def test_refused(self) -> None:
        """Towards another alphabet, and towards a provider without headers: 0x45."""
        payload = said(self.header + b"a", esm_class=0x40)
        for profile in (
            provider(**SENDEXA),
            provider(**OZEKI),
            provider(udh=False, long="payload"),
        ):
            self.assertEqual(convert(payload, DEFAULT, profile, 1), 0x45)


class PackedTests(SynchronousTestCase):
    """GSM-7 packed for providers that want it so."""

    profile = provider(gsm7="packed")

    def test_packed(self) -> None:
        """Eight in seven octets, CR in seven bits to spare; other codings are not packed."""
        self.assertEqual(one(said(b"hello"), self.profile), (0, bytes.fromhex("e8329bfd06")))
        _, octets = one(said(b"1234567"), self.profile)
        self.assertEqual(octets[-1] >> 1, 0x0D)
        self.assertEqual(one(said(b"\xe7", 3), self.profile), (3, b"\xe7"))

    def test_behind_a_header(self) -> None:
        """Septets begin on a septet's bound behind the header, in every part."""
        parts = sent(said(b"a" * 200), self.profile)
        self.assertEqual([len(part.short_message) for part in parts], [140, 6 + 42])
        self.assertEqual(text_of(parts, self.profile), "a" * 200)
        (part,) = sent(said(HEADER + b"a", esm_class=0x40), self.profile)
        self.assertEqual(part.short_message, HEADER + bytes((0x61 << 1,)))

    def test_no_septets(self) -> None:
        """An octet above 0x7f cannot be packed: 0x45."""
        self.assertEqual(convert(said(b"\xe9"), DEFAULT, self.profile, 1), 0x45)


class AnyOctetsTests(SynchronousTestCase):
    """Nothing a client sends makes convert() fail."""

    @bounded
    @given(
        st.integers(0, 255),
        st.integers(0, 255),
        st.binary(max_size=255),
        st.lists(st.tuples(st.sampled_from([5, 0x424]), st.binary(max_size=600)), max_size=2),
        st.one_of(st.none(), st.integers(1, 3)),
        st.sampled_from(
            [
                {},
                SENDEXA,
                OZEKI,
                GATEWAYAPI,
                {"gsm7": "packed", "flash": "dcs-16-24"},
                {"long": "sar", "udh": False, "shrink": True},
            ]
        ),
    )
    def test_any_octets(
        self, esm_class: int, coding: int, octets: bytes, tlvs: Any, part: Any, settings: Any
    ) -> None:
        """Parts that one SMS holds, or a command_status."""
        if part:
            tlvs = [*tlvs, *sar.tlvs(258, 3, part)]
        account = TextSettings(dcs_extra=True)
        try:
            payload = read(esm_class, coding, octets, tlvs, account)
        except BodyError:
            return
        profile = provider(**settings)
        needs_reference(payload, account, profile)
        class_lost(payload, profile)
        parts = convert(payload, account, profile, 300)
        if isinstance(parts, int):
            self.assertIn(parts, (0x01, 0x45))
            return
        for one_part in parts:
            self.assertLessEqual(len(one_part.short_message), 160)
            self.assertEqual(len(seen([one_part], profile)), 1)
