"""User data headers: mission 4.4."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.constants import ESME_RINVESMCLASS
from smppproxy.smpp.errors import BodyError
from smppproxy.text import udh
from tests.text import bounded

ELEMENTS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=20)), max_size=10)


class ParseTests(SynchronousTestCase):
    """Reading a header."""

    def refused(self, octets: bytes) -> None:
        """These octets are answered with 0x43."""
        error = self.assertRaises(BodyError, udh.parse, octets)
        self.assertEqual(error.command_status, ESME_RINVESMCLASS)

    def test_elements(self) -> None:
        """Elements come in the order sent, and the header's size counts UDHL itself."""
        octets = bytes.fromhex("0b 0504 0b84 23f0 0003 2a 02 01") + b"text"
        self.assertEqual(
            udh.parse(octets), ([(5, bytes.fromhex("0b8423f0")), (0, b"\x2a\x02\x01")], 12)
        )

    def test_empty_header(self) -> None:
        """UDHL 0 is a header of one octet."""
        self.assertEqual(udh.parse(b"\x00abc"), ([], 1))

    def test_broken(self) -> None:
        """No header, a header past the message, an element past the header: 0x43."""
        for octets in (b"", b"\x05\x00\x03\x01", b"\x03\x00\x03\x01\x02\x01", b"\x01\x00abc"):
            self.refused(octets)

    @bounded
    @given(st.binary(max_size=150))
    def test_any_octets(self, octets: bytes) -> None:
        """Any octets are read within their bounds, or refused with 0x43."""
        try:
            elements, size = udh.parse(octets)
        except BodyError as error:
            self.assertEqual(error.command_status, ESME_RINVESMCLASS)
        else:
            self.assertEqual(udh.build(elements) or b"\x00", octets[:size])

    @bounded
    @given(ELEMENTS, st.binary(max_size=20))
    def test_round_trip(self, elements: list[udh.Element], text: bytes) -> None:
        """What is built is read back, whatever text follows."""
        header = udh.build(elements)
        if header:
            self.assertEqual(udh.parse(header + text), (elements, len(header)))
        else:
            self.assertEqual(elements, [])


class ConcatenationTests(SynchronousTestCase):
    """Elements 0x00 and 0x08."""

    def test_both_widths_any_order(self) -> None:
        """8-bit and 16-bit references, before or behind other elements."""
        other = (0x24, b"\x01")
        self.assertEqual(udh.concatenation([(0, b"\xff\x03\x02"), other]), (255, 3, 2))
        self.assertEqual(udh.concatenation([other, (8, b"\x01\x00\x03\x03")]), (256, 3, 3))
        self.assertIsNone(udh.concatenation([other]))

    def test_last_one_counts(self) -> None:
        """Of two such elements the last counts (3GPP TS 23.040)."""
        self.assertEqual(
            udh.concatenation([(0, b"\x01\x02\x01"), (8, b"\x00\x09\x03\x01")]), (9, 3, 1)
        )

    def test_wrong(self) -> None:
        """Wrong length, total 0, sequence 0, sequence above total: 0x43."""
        for element in (
            (0, b"\x01\x02"),
            (8, b"\x01\x02\x01"),
            (0, b"\x01\x00\x00"),
            (0, b"\x01\x02\x00"),
            (0, b"\x01\x02\x03"),
        ):
            error = self.assertRaises(BodyError, udh.concatenation, [element])
            self.assertEqual(error.command_status, ESME_RINVESMCLASS)

    @bounded
    @given(st.booleans(), st.data())
    def test_round_trip(self, wide: bool, data: st.DataObject) -> None:
        """A built element says what went in."""
        reference = data.draw(st.integers(0, 0xFFFF if wide else 0xFF))
        total = data.draw(st.integers(1, 255))
        sequence = data.draw(st.integers(1, total))
        element = udh.concatenation_element(reference, total, sequence, wide)
        self.assertEqual(udh.concatenation([element]), (reference, total, sequence))

    def test_no_folding(self) -> None:
        """A 16-bit reference is never folded into 8 bits; parts are 1 to total."""
        self.assertRaises(ValueError, udh.concatenation_element, 256, 2, 1)
        self.assertRaises(ValueError, udh.concatenation_element, 65536, 2, 1, wide=True)
        self.assertRaises(ValueError, udh.concatenation_element, 1, 2, 3)
        self.assertRaises(ValueError, udh.concatenation_element, 1, 256, 1)

    def test_too_long(self) -> None:
        """More than 255 octets of elements have no UDHL."""
        self.assertRaises(ValueError, udh.build, [(1, bytes(200)), (2, bytes(100))])
