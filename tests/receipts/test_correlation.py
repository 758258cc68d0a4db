"""Which destinations fit: D7."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.correlation import destination_tail, fits
from tests.receipts import bounded


class TailTests(SynchronousTestCase):
    """The common part of two spellings."""

    def test_d7_spellings(self) -> None:
        """International, with +, with 00, national and punctuated: one tail."""
        for address in (
            b"4510203040",
            b"+4510203040",
            b"004510203040",
            b"10203040",
            b"010203040",
            b"+45 10-20 30(40)",
        ):
            self.assertEqual(destination_tail(address), b"10203040")

    def test_d7_others(self) -> None:
        """Short codes stand whole, names in lower case, other numbers differ."""
        self.assertEqual(destination_tail(b"1204"), b"1204")
        self.assertEqual(destination_tail(b"Sender 12"), b"sender 12")
        self.assertEqual(destination_tail(b"SENDER 12"), b"sender 12")
        self.assertEqual(destination_tail(b""), b"")
        self.assertEqual(destination_tail(b"+"), b"")
        self.assertNotEqual(destination_tail(b"4510203041"), destination_tail(b"4510203040"))

    def test_d7_fits(self) -> None:
        """Equal tails, or six digits and more at the end of a longer one."""
        for submitted, receipted, expected in (
            (b"10203040", b"10203040", True),
            (b"10203040", b"203040", True),
            (b"203040", b"10203040", True),
            (b"10203040", b"03040", False),
            (b"10203040", b"10203041", False),
            (b"10203040", b"", True),
            (b"", b"10203040", False),
            (b"", b"", True),
        ):
            self.assertEqual(fits(submitted, receipted), expected, (submitted, receipted))

    @bounded
    @given(st.binary(max_size=20))
    def test_any_octets(self, address: bytes) -> None:
        """Any address has a tail, and the tail is its own tail."""
        tail = destination_tail(address)
        self.assertEqual(destination_tail(tail), tail)
