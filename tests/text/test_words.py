"""The first word of a message, in every spelling in which it may come."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import walk_message
from smppproxy.text import gsm0338
from smppproxy.text.profile import TextProfile
from smppproxy.text.words import first_word, keyword, word_of

PLAIN = TextProfile()


class KeywordTest(SynchronousTestCase):
    """A text's first word."""

    def test_spellings_of_one_word(self) -> None:
        """Letter case, white space, punctuation around it and wide letters say nothing."""
        for text in ("stop", "STOP", " \n Stop please", '"Stop!"', "STOP,now is two", "ＳＴＯＰ"):
            expected = "stop,now" if "now" in text else "stop"
            self.assertEqual(keyword(text), expected)
        self.assertEqual(keyword("Straße 1"), keyword("STRASSE"))
        self.assertEqual(keyword("ÆBLE kage"), "æble")

    def test_no_word(self) -> None:
        """Nothing but white space or punctuation is no word."""
        for text in ("", "  \n", "...", "? what"):
            self.assertEqual(keyword(text), "")

    @given(st.text("abcxyzøé019", min_size=1, max_size=20), st.sampled_from(("", "!", '"', "...")))
    @settings(deadline=None)
    def test_however_it_is_dressed(self, word: str, mark: str) -> None:
        """In capitals, between marks, before more text: the same word."""
        self.assertEqual(keyword(f" {mark}{word.upper()}{mark} and more"), word)


class FirstWordTest(SynchronousTestCase):
    """The word of a deliver_sm."""

    def word(self, profile: TextProfile = PLAIN, **fields: object) -> str:
        raw = build.deliver_sm(1, source_addr=b"4520", destination_addr=b"1234", **fields)  # type: ignore[arg-type]
        return first_word(raw, walk_message(raw), profile)

    def test_by_its_data_coding(self) -> None:
        """Each alphabet is read as the provider writes it."""
        text = "Øl 1"
        for data_coding, octets in (
            (0, gsm0338.encode(text)),
            (3, text.encode("latin-1")),
            (8, text.encode("utf-16-be")),
            (240, gsm0338.encode(text)),
            (6, "Ол 1".encode("iso8859-5")),
        ):
            found = self.word(data_coding=data_coding, short_message=octets)
            self.assertEqual(found, "ол" if data_coding == 6 else "øl")

    def test_by_the_provider_s_profile(self) -> None:
        """What data_coding 0 is, and septets that are packed."""
        utf8 = TextProfile(False, default_alphabet="utf-8")
        self.assertEqual(self.word(utf8, short_message="Øl".encode()), "øl")
        packed = TextProfile(False, gsm7="packed")
        octets = gsm0338.pack(gsm0338.encode("Pris 5"))
        self.assertEqual(self.word(packed, short_message=octets), "pris")
        other = TextProfile(False, codings={"ucs2": 0, "gsm7": 1})
        self.assertEqual(self.word(other, short_message="Øl".encode("utf-16-be")), "øl")

    def test_behind_a_header(self) -> None:
        """The user data header of a part is not text, and fills up to a septet where packed."""
        header = b"\x05\x00\x03\x07\x02\x01"
        found = self.word(esm_class=0x40, short_message=header + b"WIN a car")
        self.assertEqual(found, "win")
        septets = gsm0338.pack(gsm0338.encode("WIN a car"), gsm0338.fill_bits(len(header)))
        packed = TextProfile(False, gsm7="packed")
        self.assertEqual(
            self.word(packed, esm_class=0x40, short_message=header + septets), "win"
        )

    def test_in_message_payload(self) -> None:
        """A text without short_message is in its TLV."""
        found = self.word(tlvs=[(c.TLV_MESSAGE_PAYLOAD, b"Stop it")])
        self.assertEqual(found, "stop")
        self.assertEqual(self.word(), "")

    def test_what_cannot_be_read_has_no_word(self) -> None:
        """Binary, half a character of UCS2, a header that runs past the message."""
        self.assertEqual(self.word(data_coding=4, short_message=b"STOP"), "")
        self.assertEqual(self.word(data_coding=8, short_message=b"\0S\0"), "")
        self.assertEqual(word_of(0x40, 0, b"\x09ab", PLAIN), "")
        self.assertEqual(word_of(0x40, 0, b"", PLAIN), "")
