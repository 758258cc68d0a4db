"""The calling code of a number, against numbers of every zone."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.calling_codes import SHORT, calling_code


class CallingCodeTests(SynchronousTestCase):
    """One, two or three digits, and what is none."""

    def test_codes(self) -> None:
        """Codes of each length, with and without a plus."""
        for number, code in (
            ("12025550123", "1"),
            ("79161234567", "7"),
            ("4510203040", "45"),
            ("+4510203040", "45"),
            ("491711234567", "49"),
            ("3538512345", "353"),
            ("35799123456", "357"),
            ("2348012345678", "234"),
            ("27821234567", "27"),
            ("8801712345678", "880"),
            ("819012345678", "81"),
            ("9613123456", "961"),
            ("9989012345", "998"),
            ("88216123456", "882"),
        ):
            self.assertEqual(calling_code(number), code, number)

    def test_none(self) -> None:
        """Short codes are one country of their own; names and national numbers have none."""
        for number, code in (
            ("1204", SHORT),
            ("", ""),
            ("shop", ""),
            ("4510***", ""),
            ("0045102030", ""),
            ("\u0664\u0665\u0661\u0660\u0662\u0660\u0663\u0660", ""),
        ):
            self.assertEqual(calling_code(number), code, number)
