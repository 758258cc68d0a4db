"""What a submit_sm says, and what a strict account may not say: mission 4 and section 5."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.errors import BodyError
from smppproxy.text import sar
from smppproxy.text.payload import OWN_TAGS, Payload, check, meaning, read
from smppproxy.text.profile import TextSettings
from tests.text import bounded

DEFAULT = TextSettings()
#: What S2 lists.
NINE = TextSettings(data_codings=frozenset((0, 1, 2, 3, 4, 6, 8, 24, 240)))
HEADER = b"\x05\x00\x03\x2a\x02\x01"


def said(
    octets: bytes = b"",
    data_coding: int = 0,
    tlvs: Any = (),
    settings: TextSettings = DEFAULT,
    esm_class: int = 0,
) -> Payload:
    """read() with the usual values."""
    return read(esm_class, data_coding, octets, tlvs, settings)


def setting(name: str) -> TextSettings:
    """Settings with one thing said."""
    arguments: dict[str, Any] = {name: True}
    return TextSettings(**arguments)


class ReadTests(SynchronousTestCase):
    """One value for all forms."""

    def refused(self, *arguments: Any, **more: Any) -> int:
        """The command_status that read() raises."""
        return self.assertRaises(BodyError, said, *arguments, **more).command_status

    def test_plain(self) -> None:
        """Text and nothing else; other TLVs are not ours."""
        payload = said(b"Hello", tlvs=[(0x0204, b"\x13\x37")])
        self.assertEqual((payload.alphabet, payload.octets), ("gsm7", b"Hello"))
        self.assertEqual((payload.header, payload.segment, payload.own_tlvs), (b"", None, []))
        self.assertFalse(payload.flash or payload.national or payload.by_payload)

    def test_sx16_default_alphabet(self) -> None:
        """data_coding 0 is what the account says."""
        for name in ("gsm7", "ascii", "latin1", "cp1252", "utf-8"):
            settings = TextSettings(default_alphabet=name)
            self.assertEqual(said(b"a", settings=settings).alphabet, name)

    def test_xc13_other_meanings(self) -> None:
        """1 may be GSM-7 or Latin-1, 4 may be GSM-7; the class of 240 stays."""
        settings = TextSettings(alphabets={1: "latin1", 4: "gsm7", 240: "ascii"})
        self.assertEqual(meaning(1, DEFAULT), ("ascii", -1))
        self.assertEqual(meaning(1, settings), ("latin1", -1))
        self.assertEqual(meaning(4, settings), ("gsm7", -1))
        self.assertEqual(meaning(240, settings), ("ascii", 0))

    def test_table_of_data_codings(self) -> None:
        """The rows of mission 4.1."""
        for data_coding, expected in {
            2: ("binary", -1),
            3: ("latin1", -1),
            4: ("binary", -1),
            5: ("jis", -1),
            6: ("cyrillic", -1),
            8: ("ucs2", -1),
            11: ("unknown", -1),
            16: ("gsm7", 0),
            17: ("unknown", -1),
            24: ("ucs2", 0),
            200: ("waiting-gsm7", -1),
            224: ("waiting-ucs2", -1),
            240: ("gsm7", 0),
            242: ("gsm7", 2),
            245: ("binary", 1),
            255: ("unknown", -1),
        }.items():
            self.assertEqual(meaning(data_coding, DEFAULT), expected, data_coding)

    def test_gw42_flash_by_coding(self) -> None:
        """24 is UCS2 (V13), 240 GSM-7 whatever the default alphabet is (V14)."""
        self.assertTrue(said(b"\0H\0i", 24).flash)
        payload = said(b"\0", 240, settings=TextSettings(default_alphabet="utf-8"))
        self.assertEqual((payload.flash, payload.alphabet), (True, "gsm7"))

    def test_gw43_tlv_wins(self) -> None:
        """dest_addr_subunit over data_coding; 0, unknown, says nothing."""
        for data_coding, value, expected in (
            (0, 1, 0),
            (24, 2, 1),
            (24, 0, 0),
            (0, 0, -1),
            (0, 4, 3),
        ):
            payload = said(b"\0a", data_coding, [(5, bytes((value,)))])
            self.assertEqual(payload.message_class, expected)

    def test_gw43_wrong_tlv(self) -> None:
        """A wrong size is 0xC2, a value above 4 is 0xC4."""
        self.assertEqual(self.refused(b"a", tlvs=[(5, b"")]), 0xC2)
        self.assertEqual(self.refused(b"a", tlvs=[(5, b"\0\1")]), 0xC2)
        self.assertEqual(self.refused(b"a", tlvs=[(5, b"\5")]), 0xC4)

    def test_gw44_payload(self) -> None:
        """message_payload instead of short_message, with a header of its own too (V18)."""
        payload = said(tlvs=[(0x0424, b"a" * 300)])
        self.assertEqual((payload.by_payload, payload.octets), (True, b"a" * 300))
        payload = said(tlvs=[(0x0424, HEADER + b"abc")], esm_class=0x40)
        self.assertEqual((payload.segment, payload.octets), ((42, 2, 1), b"abc"))

    def test_gw46_both(self) -> None:
        """short_message and message_payload: 0xC1 (V19); an empty payload is none."""
        self.assertEqual(self.refused(b"a", tlvs=[(0x0424, b"abc")]), 0xC1)
        payload = said(b"a", tlvs=[(0x0424, b"")])
        self.assertEqual((payload.octets, payload.by_payload), (b"a", False))

    def test_parts(self) -> None:
        """Header or TLVs; a part of one is a whole message; both are too much."""
        payload = said(HEADER + b"a", esm_class=0x43)
        self.assertEqual((payload.segment, payload.by_sar), ((42, 2, 1), False))
        self.assertEqual((payload.header, payload.octets), (HEADER, b"a"))
        payload = said(b"a", tlvs=sar.tlvs(300, 3, 2))
        self.assertEqual((payload.segment, payload.by_sar), ((300, 3, 2), True))
        self.assertIsNone(said(b"a", tlvs=sar.tlvs(300, 1, 1)).segment)
        self.assertIsNone(said(b"\x05\0\3\1\1\1a", esm_class=0x40).segment)
        self.assertEqual(self.refused(HEADER, tlvs=sar.tlvs(1, 2, 1), esm_class=0x40), 0xC1)
        self.assertEqual(self.refused(b"a", tlvs=sar.tlvs(1, 2, 1)[:2]), 0xC3)
        self.assertEqual(self.refused(b"\5\0\3", esm_class=0x40), 0x43)
        self.assertEqual(self.refused(b"", esm_class=0x40), 0x43)

    def test_own_tlvs(self) -> None:
        """What is ours of the TLVs is kept as it came."""
        tlvs = [(0x0204, b"\0\1"), *sar.tlvs(1, 1, 1), (5, b"\0")]
        self.assertEqual(said(b"a", tlvs=tlvs).own_tlvs, tlvs[1:])
        self.assertEqual(len(OWN_TAGS), 5)

    def test_national(self) -> None:
        """A language element makes GSM-7 another alphabet, and nothing of UCS2."""
        header = b"\x03\x24\x01\x01"
        self.assertTrue(said(header + b"a", esm_class=0x40).national)
        self.assertFalse(said(header + b"\0a", 8, esm_class=0x40).national)
        payload = said(b"\x08\x24\x01\x01\x00\x03\x2a\x02\x01a", esm_class=0x40)
        self.assertEqual(payload.other_elements(), [(0x24, b"\x01")])

    @bounded
    @given(
        st.integers(0, 255),
        st.integers(0, 255),
        st.binary(max_size=255),
        st.lists(
            st.tuples(st.sampled_from([5, 0x20C, 0x20E, 0x20F, 0x424]), st.binary(max_size=3)),
            max_size=5,
        ),
    )
    def test_any_octets(self, esm_class: int, coding: int, octets: bytes, tlvs: Any) -> None:
        """Whatever comes is read or refused, and what is read is checked."""
        try:
            payload = said(octets, coding, tlvs, esm_class=esm_class)
        except BodyError as error:
            self.assertIn(error.command_status, (0x43, 0xC1, 0xC2, 0xC3, 0xC4))
            return
        self.assertIn(payload.header + payload.octets, (octets, *(v for _, v in tlvs)))
        strict = TextSettings(strict_gsm7=True, strict_latin1=True, strict_utf16=True)
        self.assertIn(check(payload, strict), (0, 0x01, 0x45))


class CheckTests(SynchronousTestCase):
    """Rows 31 to 33 of the refusals."""

    def test_gw39_accepted(self) -> None:
        """The nine codings of S2, each with a sound text."""
        for data_coding in (0, 1, 2, 3, 4, 6, 8, 24, 240):
            self.assertEqual(check(said(b"\0Hi!", data_coding), NINE), 0)

    def test_gw40_others(self) -> None:
        """Everything else is 0x45, message classes and message waiting too without dcs_extra."""
        extra = TextSettings(data_codings=NINE.data_codings, dcs_extra=True)
        for data_coding in set(range(256)) - NINE.data_codings:
            self.assertEqual(check(said(b"\0Hi!", data_coding), NINE), 0x45, data_coding)
            known = data_coding == 16 or 192 <= data_coding < 248
            expected = 0 if known else 0x45
            self.assertEqual(check(said(b"\0Hi!", data_coding), extra), expected, data_coding)

    def test_tolerant_account(self) -> None:
        """Without a list every coding may pass, as far as a provider carries it."""
        for data_coding in range(256):
            self.assertEqual(check(said(b"\0Hi!", data_coding), DEFAULT), 0)

    def test_gw41_does_not_decode(self) -> None:
        """0x45 for octets outside the alphabet (V15)."""
        for octets, data_coding in ((b"caf\xe9", 0), (b"a\x1b", 0), (b"\xe9", 1), (b"\xe9", 240)):
            self.assertEqual(check(said(octets, data_coding), NINE), 0x45)
        utf8 = TextSettings(default_alphabet="utf-8")
        self.assertEqual(check(said(b"\xe9", settings=utf8), utf8), 0x45)
        self.assertEqual(check(said("é".encode(), settings=utf8), utf8), 0)

    def test_sx17_odd(self) -> None:
        """Odd UCS2 is 0x01 (V12)."""
        self.assertEqual(check(said(b"\0H\0", 8), NINE), 0x01)

    def test_gw41_strict_settings(self) -> None:
        """What handsets show is refused only where the account says so."""
        for octets, data_coding, name in (
            (b"\x1ba", 0, "strict_gsm7"),
            (b"\x85", 3, "strict_latin1"),
            (b"\x85", 6, "strict_latin1"),
            (b"\xd8\0", 8, "strict_utf16"),
        ):
            payload = said(octets, data_coding)
            self.assertEqual(check(payload, NINE), 0)
            self.assertEqual(check(payload, setting(name)), 0x45)
        # A code of a national table is not in the extension, and right all the same.
        payload = said(b"\x03\x24\x01\x01\x1bG", esm_class=0x40)
        self.assertEqual(check(payload, TextSettings(strict_gsm7=True)), 0)

    def test_gw44_limits(self) -> None:
        """max_payload counts octets of message_payload; max_parts parts of 153, 134 or 67."""
        few = TextSettings(max_parts=2, max_payload=400)
        for octets, data_coding, status in (
            (b"a" * 306, 0, 0),
            (b"a" * 307, 0, 0x01),
            (b"a" * 401, 0, 0x01),
            (b"a" * 268, 3, 0),
            (b"a" * 269, 4, 0x01),
            (b"\0a" * 134, 8, 0),
            (b"\0a" * 135, 8, 0x01),
        ):
            payload = said(tlvs=[(0x0424, octets)], data_coding=data_coding)
            self.assertEqual(check(payload, few), status)
        self.assertEqual(check(said(b"a" * 255), few), 0)
        # An ESC pair does not fit the end of the first part.
        self.assertEqual(check(said(b"a" * 152 + b"\x1be" + b"a" * 152), few), 0x01)
        small = TextSettings(max_payload=200)
        self.assertEqual(check(said(tlvs=[(0x0424, b"a" * 201)]), small), 0x01)

    def test_utf8_counts_as_it_travels(self) -> None:
        """GSM-7 where it fits, else UCS2."""
        utf8 = TextSettings(default_alphabet="utf-8", max_parts=1)
        for text, status in (("é" * 160, 0), ("é" * 161, 1), ("ж" * 70, 0), ("ж" * 71, 1)):
            payload = said(tlvs=[(0x0424, text.encode())], settings=utf8)
            self.assertEqual(check(payload, utf8), status)

    def test_part_too_long(self) -> None:
        """A part over one SMS is 0x01: its header counts."""
        self.assertEqual(check(said(HEADER + b"a" * 153, esm_class=0x40), NINE), 0)
        self.assertEqual(check(said(HEADER + b"a" * 154, esm_class=0x40), NINE), 0x01)
        wide = b"\x06\x08\x04\x01\x2a\x02\x01"
        self.assertEqual(check(said(wide + b"a" * 152, esm_class=0x40), NINE), 0)
        self.assertEqual(check(said(wide + b"a" * 153, esm_class=0x40), NINE), 0x01)
        self.assertEqual(check(said(b"a" * 200, tlvs=sar.tlvs(1, 2, 1)), NINE), 0x01)

    def test_header_without_room(self) -> None:
        """A header that fills the SMS leaves no part to cut."""
        header = bytes((133, 0x70, 131)) + b"x" * 131
        payload = said(tlvs=[(0x0424, header + b"a" * 300)], esm_class=0x40)
        self.assertEqual(check(payload, TextSettings(max_parts=255)), 0x01)
