"""Tests of ``routing.patterns``: what texts are looked through with."""

from __future__ import annotations

from time import process_time

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.patterns import PatternError, compiled


class PatternTests(SynchronousTestCase):
    """Regular expressions against texts of strangers."""

    def test_finds(self) -> None:
        """Anywhere in the text, in any script, with the usual flags."""
        for pattern, text in (
            ("(?i)pin code", "Your PIN CODE is 4711"),
            (r"^\d{4,6}\b", "123456 is it"),
            ("\u03b1+$", "\u03b1\u03b1"),
            ("\U0001f600", "ha \U0001f600"),
        ):
            self.assertIsNotNone(compiled(pattern).search(text), pattern)
            self.assertIsNone(compiled(pattern).search("something else"), pattern)

    def test_no_text_makes_it_slow(self) -> None:
        """A repetition of repetitions takes linear time: a text of 70,000 octets, no second."""
        began = process_time()
        self.assertIsNone(compiled("^(a+)+$").search("a" * 70_000 + "b"))
        self.assertLess(process_time() - began, 1.0)

    def test_what_cannot_be_read(self) -> None:
        """The reason is told, and nothing is written anywhere."""
        for pattern, reason in (
            ("(", "missing )"),
            ("(?=x)y", "(?="),
            (r"(a)\1", "invalid escape sequence"),
            ("a{1,1001}", "invalid repetition size"),
            ("(?:(?:a{100}){100}){100}", "invalid repetition size"),
            ("[z-a]", "invalid character class range"),
        ):
            error = self.assertRaises(PatternError, compiled, pattern)
            self.assertIn(reason, str(error))
