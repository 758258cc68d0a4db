"""Octets and characters: mission 4.1 and 4.2."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.errors import BodyError
from smppproxy.text.alphabets import SAFE, TEXTS, decode, encode
from smppproxy.text.gsm0338 import BASIC, EXTENSION
from tests.text import bounded

GSM = [c for c in BASIC if c != "\x1b"] + list(EXTENSION.values())


class AlphabetTests(SynchronousTestCase):
    """Each alphabet takes what is its own and refuses the rest."""

    def refused(self, name: str, octets: bytes, strict: bool = False) -> int:
        """The command_status that these octets get."""
        return self.assertRaises(BodyError, decode, name, octets, strict).command_status

    def test_known_octets(self) -> None:
        """One text in all alphabets that hold it, and None in those that do not."""
        for name, text, octets in (
            ("gsm7", "@à€", b"\x00\x7f\x1b\x65"),
            ("gsm7-packed", "hello", bytes.fromhex("e8329bfd06")),
            ("ascii", "@`{", b"@`{"),
            ("ascii-gsm-safe", "Hi!\r\n", b"Hi!\r\n"),
            ("latin1", "é\xa0ÿ", b"\xe9\xa0\xff"),
            ("cp1252", "€é", b"\x80\xe9"),
            ("cyrillic", "Привет", bytes.fromhex("bfe0d8d2d5e2")),
            ("utf-8", "é€", b"\xc3\xa9\xe2\x82\xac"),
            ("ucs2", "é\U0001f600", bytes.fromhex("00e9d83dde00")),
        ):
            self.assertEqual(encode(name, text), octets, name)
            self.assertEqual(decode(name, octets), text, name)
        for name in ("gsm7", "gsm7-packed", "ascii", "ascii-gsm-safe", "latin1", "cp1252"):
            self.assertIsNone(encode(name, "a中"), name)
        self.assertIsNone(encode("cyrillic", "é"))
        self.assertIsNone(encode("utf-8", "\ud800"))

    def test_sx16_safe_characters(self) -> None:
        """83 printable characters, LF and CR; the twelve that differ are out."""
        self.assertEqual(len(SAFE), 85)
        for character in "$@[\\]^_{|}~`":
            self.assertNotIn(character, SAFE)
            self.assertIsNone(encode("ascii-gsm-safe", character))
        for character in SAFE:
            self.assertEqual(encode("ascii-gsm-safe", character), encode("gsm7", character))
            self.assertEqual(encode("ascii-gsm-safe", character), encode("ascii", character))

    def test_sx17_odd_ucs2(self) -> None:
        """Half a character is a wrong length, V12."""
        self.assertEqual(self.refused("ucs2", b"\x00\x48\x00"), 0x01)

    def test_gw41_refused(self) -> None:
        """Octets outside their alphabet, V15 among them."""
        for name, octets in (
            ("gsm7", b"caf\xe9"),
            ("gsm7", b"caf\x1b"),
            ("ascii", b"\x80"),
            ("ascii-gsm-safe", b"\x80"),
            ("utf-8", b"\xe9"),
            ("cp1252", b"\x81"),
            ("binary", b"a"),
            ("hebrew", b"a"),
        ):
            self.assertEqual(self.refused(name, octets), 0x45, name)
        # A lone ESC packed, with seven bits to spare that are filled.
        self.assertEqual(self.refused("gsm7-packed", b"\x1b"), 0x45)

    def test_gw41_strict(self) -> None:
        """What handsets show all the same is refused only when asked."""
        for name, octets, text in (
            ("gsm7", b"\x1ba", "a"),
            ("gsm7", b"\x1b\x1b", " "),
            ("latin1", b"\x85", "\x85"),
            ("cyrillic", b"\x85", "\x85"),
            ("ucs2", b"\xd8\x00", "\ud800"),
        ):
            self.assertEqual(decode(name, octets), text)
            self.assertEqual(self.refused(name, octets, strict=True), 0x45)
        self.assertEqual(decode("latin1", b"a\xa0", strict=True), "a\xa0")

    def test_mg09_round_trip_of_gsm7(self) -> None:
        """All 127 characters and ten extensions."""
        for character in GSM:
            octets = encode("gsm7", character)
            assert octets is not None
            self.assertEqual(decode("gsm7", octets), character)

    def test_mg09_round_trip_of_ucs2(self) -> None:
        """Samples from U+0041 to U+FFFF are their own number, big-endian."""
        for code in (*range(0x41, 0xD800, 61), *range(0xE000, 0x10000, 61), 0xFFFF):
            octets = code.to_bytes(2, "big")
            self.assertEqual(decode("ucs2", octets), chr(code))
            self.assertEqual(encode("ucs2", chr(code)), octets)

    @bounded
    @given(st.sampled_from(sorted(TEXTS)), st.text(max_size=50))
    def test_mg09_round_trip(self, name: str, text: str) -> None:
        """What an alphabet takes, it gives back."""
        octets = encode(name, text)
        if octets is not None and not (name == "gsm7-packed" and text.endswith("\r")):
            self.assertEqual(decode(name, octets), text)

    @bounded
    @given(st.sampled_from(sorted(TEXTS)), st.binary(max_size=50), st.booleans())
    def test_any_octets(self, name: str, octets: bytes, strict: bool) -> None:
        """Octets give characters or a command_status."""
        try:
            decode(name, octets, strict)
        except BodyError as error:
            self.assertIn(error.command_status, (0x01, 0x45))
