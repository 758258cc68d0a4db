"""SAR TLVs: mission 4.5."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.errors import BodyError
from smppproxy.text import sar
from tests.text import bounded


class ReadTests(SynchronousTestCase):
    """All three or none, in their sizes and bounds."""

    def test_three(self) -> None:
        """The numbers of V22; other TLVs do not matter, the first of a tag counts."""
        tlvs = [(0x0204, b"ab"), (0x20C, b"\x00\x2a"), (0x20E, b"\x02"), (0x20F, b"\x01")]
        self.assertEqual(sar.read([*tlvs, (0x20F, b"\x02")]), (42, 2, 1))

    def test_none(self) -> None:
        """No SAR TLV, or a total of 1, is a plain message."""
        self.assertIsNone(sar.read([(0x0204, b"ab")]))
        self.assertIsNone(sar.read(sar.tlvs(7, 1, 1)))

    def test_wrong(self) -> None:
        """Missing 0xC3, wrong size 0xC2, out of bounds 0xC4."""
        reference, total, sequence = sar.tlvs(42, 2, 1)
        for tlvs, status in (
            ([reference, total], 0xC3),
            ([sequence], 0xC3),
            ([(0x20C, b"\x01"), total, sequence], 0xC2),
            ([reference, (0x20E, b""), sequence], 0xC2),
            ([reference, (0x20E, b"\x00"), sequence], 0xC4),
            ([reference, total, (0x20F, b"\x00")], 0xC4),
            ([reference, total, (0x20F, b"\x03")], 0xC4),
        ):
            error = self.assertRaises(BodyError, sar.read, tlvs)
            self.assertEqual(error.command_status, status)

    @bounded
    @given(st.integers(0, 0xFFFF), st.data())
    def test_round_trip(self, reference: int, data: st.DataObject) -> None:
        """What is built is read back."""
        total = data.draw(st.integers(2, 255))
        sequence = data.draw(st.integers(1, total))
        self.assertEqual(
            sar.read(sar.tlvs(reference, total, sequence)), (reference, total, sequence)
        )

    def test_numbers_that_do_not_fit(self) -> None:
        """Numbers out of their fields are the caller's error."""
        for numbers in ((0x10000, 2, 1), (1, 256, 1), (1, 2, 0), (1, 2, 3)):
            self.assertRaises(ValueError, sar.tlvs, *numbers)
