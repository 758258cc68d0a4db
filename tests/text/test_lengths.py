"""How much an SMS holds and where a text is cut: mission 4.3."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.text import alphabets
from smppproxy.text.lengths import measure, room, split
from tests.text import bounded
from tests.text.test_alphabets import GSM

gsm_texts = st.text(st.sampled_from([*GSM, "€", "{", "\\"]), max_size=400)


class RoomTests(SynchronousTestCase):
    """The table of mission 4.3."""

    def test_table(self) -> None:
        """Septets, octets, and octets of UCS2: alone, with 8 and 16 bits, with a language."""
        for alphabet, expected in (
            ("gsm7", [160, 153, 152, 149]),
            ("ascii", [160, 153, 152, 149]),
            ("latin1", [140, 134, 133, 131]),
            ("binary", [140, 134, 133, 131]),
            ("ucs2", [140, 134, 132, 130]),
        ):
            self.assertEqual([room(alphabet, header) for header in (0, 6, 7, 9)], expected)

    def test_measure(self) -> None:
        """A brace in ASCII is two septets on air; elsewhere an octet is an octet."""
        self.assertEqual(measure("ascii", b"a{}^~[]|\\"), 17)
        self.assertEqual(measure("ascii", b"`"), 1)
        self.assertEqual(measure("gsm7", b"\x1b\x65"), 2)
        self.assertEqual(measure("latin1", b"{"), 1)


class SplitTests(SynchronousTestCase):
    """Cuts between characters."""

    def test_escape_pairs(self) -> None:
        """An ESC goes with its code; ESC ESC is a pair, so the second may be a first's code."""
        self.assertEqual(split("gsm7", b"abc\x1beZ", 4), [b"abc", b"\x1beZ"])
        self.assertEqual(split("gsm7", b"ab\x1b\x1bZ", 4), [b"ab\x1b\x1b", b"Z"])
        self.assertEqual(split("gsm7", b"\x1b\x1b\x1beZ", 5), [b"\x1b\x1b\x1beZ"])
        self.assertEqual(split("gsm7", b"a\x1b\x1b\x1beZ", 4), [b"a\x1b\x1b", b"\x1beZ"])
        self.assertEqual(split("gsm7", b"\x1b" * 5, 4), [b"\x1b" * 4, b"\x1b"])

    def test_surrogates(self) -> None:
        """A pair stays together; a lone one is cut like any other; a limit is made even."""
        smile = "\U0001f600".encode("utf-16-be")
        self.assertEqual(split("ucs2", b"\0a" + smile + b"\0b", 4), [b"\0a", smile, b"\0b"])
        self.assertEqual(split("ucs2", b"\0a" + smile[:2] + b"\0b", 4)[0], b"\0a" + smile[:2])
        self.assertEqual(split("ucs2", b"\0a\0b\0c", 5), [b"\0a\0b", b"\0c"])

    def test_ascii(self) -> None:
        """Pieces of ASCII are measured in septets."""
        self.assertEqual(split("ascii", b"ab{}c", 4), [b"ab{", b"}c"])

    def test_no_room(self) -> None:
        """A limit below a character is an error, never an endless loop."""
        self.assertRaises(ValueError, split, "gsm7", b"abcdef", 3)
        self.assertRaises(ValueError, split, "gsm7", b"abcdef", -5)
        self.assertEqual(split("gsm7", b"", 153), [])

    @bounded
    @given(gsm_texts, st.integers(4, 160))
    def test_gsm7_pieces(self, text: str, limit: int) -> None:
        """Every piece decodes by itself and is at most one short; together they are the text."""
        octets = alphabets.encode("gsm7", text) or b""
        pieces = split("gsm7", octets, limit)
        self.assertEqual("".join(alphabets.decode("gsm7", piece, True) for piece in pieces), text)
        self.assertTrue(all(limit - 1 <= len(piece) <= limit for piece in pieces[:-1]))

    @bounded
    @given(st.text(max_size=300), st.integers(4, 140))
    def test_ucs2_pieces(self, text: str, limit: int) -> None:
        """As for GSM-7."""
        octets = text.encode("utf-16-be", "surrogatepass")
        pieces = split("ucs2", octets, limit)
        self.assertEqual("".join(alphabets.decode("ucs2", piece, True) for piece in pieces), text)
        self.assertTrue(all(len(piece) <= limit for piece in pieces))

    @bounded
    @given(
        st.sampled_from(["gsm7", "ucs2", "ascii", "latin1", "binary"]),
        st.binary(max_size=500),
        st.integers(4, 160),
    )
    def test_any_octets(self, alphabet: str, octets: bytes, limit: int) -> None:
        """Nothing is lost and no piece is empty or over its limit, whatever the octets."""
        pieces = split(alphabet, octets, limit)
        self.assertEqual(b"".join(pieces), octets)
        self.assertTrue(all(0 < measure(alphabet, piece) <= limit for piece in pieces))
