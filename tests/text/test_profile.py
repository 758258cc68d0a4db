"""A provider's side of the text: mission section 2."""

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.text.profile import TextProfile, TextSettings


class TextProfileTests(SynchronousTestCase):
    """What the settings mean together."""

    def test_default(self) -> None:
        """Transparent; the rest is [default.text] of mission section 2."""
        profile = TextProfile()
        self.assertTrue(profile.transparent)
        self.assertEqual(profile.places, {"gsm7": 0, "latin1": 3, "binary": 4, "ucs2": 8})
        self.assertEqual(profile.texts, (("gsm7", 0), ("latin1", 3), ("ucs2", 8)))
        self.assertEqual(
            (profile.flash, profile.long, profile.udh_ref, profile.max_parts, profile.max_octets),
            ("tlv", "udh", 8, 10, 140),
        )

    def test_sx16_default_alphabet_is_meant_by_zero(self) -> None:
        """The gsm7 coding at 0 carries the provider's default alphabet."""
        profile = TextProfile(default_alphabet="ascii-gsm-safe", codings={"gsm7": 0, "ucs2": 8})
        self.assertEqual(profile.texts, (("ascii-gsm-safe", 0), ("ucs2", 8)))
        self.assertEqual(profile.meanings, {0: "ascii-gsm-safe", 8: "ucs2"})

    def test_oz12_utf8_gets_ascii(self) -> None:
        """A provider that reads UTF-8 or GSM-7 gets only ASCII in its default alphabet."""
        profile = TextProfile(default_alphabet="utf-8", codings={"gsm7": 0, "ucs2": 8})
        self.assertEqual(profile.texts, (("ascii", 0), ("ucs2", 8)))

    def test_xc13_other_places(self) -> None:
        """gsm7 at 4 is GSM-7 whatever 0 is; Latin-1 may stand at 1."""
        profile = TextProfile(codings={"ascii": 0, "gsm7": 4, "ucs2": 8})
        self.assertEqual(profile.texts, (("gsm7", 4), ("ucs2", 8)))
        self.assertEqual(profile.meanings[0], "ascii")
        profile = TextProfile(codings={"gsm7": 0, "latin1": 1, "ucs2": 8})
        self.assertEqual(profile.places["latin1"], 1)

    def test_ascii_stands_in(self) -> None:
        """A provider without GSM-7 gets ASCII first."""
        profile = TextProfile(codings={"ucs2": 8, "ascii": 1})
        self.assertEqual(profile.texts, (("ascii", 1), ("ucs2", 8)))

    def test_gw42_flash_codings(self) -> None:
        """24 and 240, 16 and 24, or what the codings name; none for the TLV."""
        self.assertEqual(
            TextProfile(flash="dcs-24-240").flash_texts, (("gsm7", 240), ("ucs2", 24))
        )
        self.assertEqual(TextProfile(flash="dcs-16-24").flash_texts, (("gsm7", 16), ("ucs2", 24)))
        codings = {"gsm7": 0, "ucs2": 8, "flash_gsm7": 241, "flash_ucs2": 25}
        profile = TextProfile(flash="dcs-16-24", codings=codings)
        self.assertEqual(profile.flash_texts, (("gsm7", 241), ("ucs2", 25)))
        self.assertNotIn("flash_gsm7", profile.places)
        self.assertEqual(TextProfile(codings=codings).flash_texts, ())

    def test_wrong_settings(self) -> None:
        """A wrong setting is named."""
        wrong: list[dict[str, Any]] = [
            {"default_alphabet": "ebcdic"},
            {"gsm7": "zipped"},
            {"flash": "yes"},
            {"long": "any"},
            {"codings": {"gsm8": 0}},
            {"codings": {"gsm7": 256}},
            {"codings": {"gsm7": 0, "ascii": 0}},
            {"udh_ref": 12},
            {"max_parts": 0},
            {"max_parts": 256},
            {"max_octets": 141},
            {"max_octets": 19},
            {"udh": False},
        ]
        for settings in wrong:
            error = self.assertRaises(ValueError, TextProfile, **settings)
            self.assertIn(next(iter(settings)), str(error))
        TextProfile(udh=False, long="sar")

    def test_derived_is_no_setting(self) -> None:
        """What is made from the settings takes no part in comparison and in evolve."""
        first = TextProfile(long="sar")
        self.assertEqual(attrs.evolve(TextProfile(), long="sar"), first)
        self.assertNotIn("places", repr(first))

    def test_settings(self) -> None:
        """An account's defaults: tolerant, GSM-7, ten parts, 255 parts of 153 in a payload."""
        settings = TextSettings()
        self.assertEqual((settings.default_alphabet, settings.max_parts), ("gsm7", 10))
        self.assertEqual(settings.max_payload, 255 * 153)
