"""The alphabet of SMS: mission 4.2."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.text import gsm0338
from smppproxy.text.gsm0338 import (
    BASIC,
    EXTENSION,
    Gsm0338Error,
    decode,
    encode,
    fill_bits,
    pack,
    septets,
    unpack,
)
from tests.text import bounded

ALPHABET = [c for c in BASIC if c != "\x1b"] + list(EXTENSION.values())


class TableTests(SynchronousTestCase):
    """What the two tables hold."""

    def test_counts(self) -> None:
        """128 codes; 83 printable ASCII characters keep theirs, 12 do not; ten escapes."""
        printable = [chr(code) for code in range(0x20, 0x7F)]
        kept = [c for c in printable if BASIC[ord(c)] == c]
        self.assertEqual((len(BASIC), len(set(BASIC)), len(EXTENSION)), (128, 128, 10))
        self.assertEqual(len(kept), 83)
        self.assertEqual(set(printable) - set(kept), set("$@[\\]^_{|}~`"))

    def test_known_codes(self) -> None:
        """Codes that are easily wrong."""
        for code, character in {
            0x00: "@",
            0x02: "$",
            0x09: "Ç",
            0x10: "Δ",
            0x11: "_",
            0x1F: "É",
            0x24: "¤",
            0x40: "¡",
            0x5F: "§",
            0x60: "¿",
            0x7F: "à",
        }.items():
            self.assertEqual(BASIC[code], character)
            self.assertEqual(encode(character), bytes((code,)))
            self.assertEqual(decode(bytes((code,))), character)

    def test_extension(self) -> None:
        """Each extension character takes an ESC and its code, two septets."""
        self.assertEqual(encode("{€}\f"), b"\x1b\x28\x1b\x65\x1b\x29\x1b\x0a")
        self.assertEqual(decode(b"\x1b\x28\x1b\x65\x1b\x29\x1b\x0a"), "{€}\f")
        self.assertEqual(septets("a€"), 3)


class DecodeTests(SynchronousTestCase):
    """What is accepted and what is refused."""

    def test_gw41_octet_above_7f(self) -> None:
        """V15's text, Latin-1 sent as GSM-7, does not decode; the error says where."""
        error = self.assertRaises(Gsm0338Error, decode, b"caf\xe9")
        self.assertEqual(error.position, 3)

    def test_gw41_escape_at_the_end(self) -> None:
        """An ESC as the last octet is half a character."""
        error = self.assertRaises(Gsm0338Error, decode, b"a\x1b")
        self.assertEqual(error.position, 1)

    def test_unknown_escape(self) -> None:
        """A handset shows the basic character, and a space for ESC ESC; strict refuses both."""
        self.assertEqual(decode(b"x\x1bAy"), "xAy")
        self.assertEqual(decode(b"\x1b\x1b"), " ")
        for octets in (b"\x1bA", b"\x1b\x1b"):
            error = self.assertRaises(Gsm0338Error, decode, octets, strict=True)
            self.assertEqual(error.position, 1)
        self.assertEqual(decode(b"\x1b\x65", strict=True), "€")

    @bounded
    @given(st.binary(max_size=200))
    def test_any_octets(self, octets: bytes) -> None:
        """Octets decode or are refused with this one error; never more characters than octets."""
        try:
            self.assertLessEqual(len(decode(octets)), len(octets))
        except Gsm0338Error as error:
            self.assertLess(error.position, len(octets))


class EncodeTests(SynchronousTestCase):
    """No transliteration, nothing dropped."""

    @bounded
    @given(st.text(st.sampled_from(ALPHABET), max_size=170))
    def test_round_trip(self, text: str) -> None:
        """Every text of the alphabet comes back, and takes as many septets as said."""
        octets = encode(text)
        self.assertEqual(decode(octets), text)
        self.assertEqual(septets(text), len(octets))

    def test_outside(self) -> None:
        """A lower-case c with cedilla and a bare ESC have no code."""
        for text in ("abç", "ab\x1b"):
            error = self.assertRaises(Gsm0338Error, encode, text)
            self.assertEqual(error.position, 2)
            self.assertIsNone(septets(text))

    def test_public_name(self) -> None:
        """The error is a ValueError, as Python's own codecs raise."""
        self.assertTrue(issubclass(gsm0338.Gsm0338Error, ValueError))


class PackingTests(SynchronousTestCase):
    """Eight septets in seven octets: mission 4.2."""

    def test_known_octets(self) -> None:
        """The packing that every handbook shows."""
        self.assertEqual(pack(b"hellohello"), bytes.fromhex("e8329bfd4697d9ec37"))
        self.assertEqual(unpack(bytes.fromhex("e8329bfd4697d9ec37")), b"hellohello")
        self.assertEqual((pack(b""), pack(b"", 1), unpack(b"")), (b"", b"", b""))

    def test_cr_fills_seven_bits(self) -> None:
        """One septet below a multiple of eight: CR, where zeros would read as an at sign."""
        packed = pack(b"1234567")
        self.assertEqual((len(packed), packed[-1] >> 1), (7, 0x0D))
        self.assertEqual(unpack(packed), b"1234567")
        # Eight septets that end with a character of their own lose nothing.
        self.assertEqual(unpack(pack(b"12345678")), b"12345678")

    def test_full_sms(self) -> None:
        """160 septets are 140 octets; 153 are 134 behind a header of 6, 152 are 133 behind 7."""
        self.assertEqual(len(pack(b"a" * 160)), 140)
        self.assertEqual((fill_bits(6), len(pack(b"a" * 153, fill_bits(6)))), (1, 134))
        self.assertEqual((fill_bits(7), len(pack(b"a" * 152, fill_bits(7)))), (0, 133))

    def test_fill_bits(self) -> None:
        """The first septet begins on a multiple of seven bits, the header included."""
        for header in range(141):
            self.assertEqual((header * 8 + fill_bits(header)) % 7, 0)
            self.assertLess(fill_bits(header), 7)

    @bounded
    @given(st.binary(max_size=170), st.integers(0, 6))
    def test_round_trip(self, octets: bytes, fill: int) -> None:
        """Unpacking gives what was packed, but for a CR at the very end of the octets."""
        septets = bytes(octet & 0x7F for octet in octets)
        packed = pack(septets, fill)
        self.assertEqual(len(packed), (fill + 7 * len(septets) + 7) // 8 if septets else 0)
        ends = septets.endswith(b"\r") and (fill + 7 * len(septets)) % 8 == 0
        self.assertEqual(unpack(packed, fill), septets[:-1] if ends else septets)

    @bounded
    @given(st.binary(max_size=170), st.integers(0, 6))
    def test_any_octets(self, octets: bytes, fill: int) -> None:
        """Whatever comes unpacks to septets."""
        self.assertTrue(unpack(octets, fill).isascii())
