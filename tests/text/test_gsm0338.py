"""The alphabet of SMS: mission 4.2."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.text import gsm0338
from smppproxy.text.gsm0338 import BASIC, EXTENSION, Gsm0338Error, decode, encode, septets
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
