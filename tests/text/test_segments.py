"""Which part a submit_sm is: XC-06, mission 4.4 and 4.5."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.build import submit_sm
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.text import sar, udh
from smppproxy.text.segments import concatenation, segment_of
from tests.text import bounded

# An uncounted NUL between short_message and the SAR TLVs, as a common PHP client sends them.
V22 = bytes.fromhex(
    "00000049000000040000000000000010000000313233343500010134353130323033303430000000000000010000"
    "000870617274206f6e6500020c0002002a020e000102020f000101"
)


def of(**fields: Any) -> tuple[int, int, int] | None:
    """concatenation() of a submit_sm with these fields."""
    raw = submit_sm(1, destination_addr=b"4510203040", **fields)
    return concatenation(raw, walk_message(raw))


class ConcatenationTests(SynchronousTestCase):
    """The tolerant reading that routes parts together."""

    def test_xc06_plain(self) -> None:
        """A plain message, with or without TLVs, is of one part."""
        self.assertIsNone(of(short_message=b"Hello"))
        self.assertIsNone(of(short_message=b"Hello", tlvs=[(0x0204, b"\x13\x37")]))

    def test_xc06_udh(self) -> None:
        """8-bit and 16-bit references, alone or behind another element; the UDH bit of 0x43."""
        for header, expected in (
            ("050003 2a 03 02", (42, 3, 2)),
            ("060804 012a 03 02", (298, 3, 2)),
            ("08240101 0003 2a 03 02", (42, 3, 2)),
            ("08 0003 2a 03 02 240101", (42, 3, 2)),
        ):
            octets = bytes.fromhex(header) + b"part"
            self.assertEqual(of(esm_class=0x43, short_message=octets), expected)

    def test_xc06_payload(self) -> None:
        """message_payload may begin with the header too."""
        octets = b"\x05\x00\x03\x2a\x02\x01" + b"x" * 200
        self.assertEqual(of(esm_class=0x40, tlvs=[(0x0424, octets)]), (42, 2, 1))

    def test_xc06_sar(self) -> None:
        """SAR TLVs, behind a stray NUL too (V22)."""
        self.assertEqual(of(short_message=b"part", tlvs=sar.tlvs(300, 4, 3)), (300, 4, 3))
        self.assertEqual(concatenation(V22, walk_message(V22)), (42, 2, 1))

    def test_xc06_ports_beside_sar(self) -> None:
        """A header that only names ports does not hide the SAR TLVs."""
        header = b"\x06\x05\x04\x0b\x84\x23\xf0"
        tlvs = sar.tlvs(300, 4, 3)
        self.assertEqual(of(esm_class=0x40, short_message=header, tlvs=tlvs), (300, 4, 3))

    def test_xc06_broken_is_plain(self) -> None:
        """What cannot be read never keeps a message from its route."""
        for octets in (
            b"",
            b"\x05\x00\x03\x2a\x02",
            b"\x05\x00\x03\x2a\x02\x00x",
            b"\x05\x00\x03\x2a\x00\x00x",
            b"\x05\x00\x03\x2a\x02\x03x",
            b"\x06\x08\x04\x00\x2a\x02\x03x",
            b"\x04\x24\x01\x01\x00",
        ):
            self.assertIsNone(of(esm_class=0x40, short_message=octets))
        reference, total, sequence = sar.tlvs(42, 2, 1)
        for tlvs in (
            [reference, total],
            [reference, sequence],
            [reference, total, (0x20F, b"\x03")],
        ):
            raw = submit_sm(1, short_message=b"part", tlvs=tlvs)
            self.assertIsNone(concatenation(raw, (0, 0, 16, 0, 17, len(raw) - _size(tlvs))))

    def test_xc06_one_of_one(self) -> None:
        """A part that is the whole belongs to nothing."""
        self.assertIsNone(of(esm_class=0x40, short_message=b"\x05\x00\x03\x2a\x01\x01x"))
        self.assertIsNone(of(short_message=b"x", tlvs=sar.tlvs(42, 1, 1)))
        self.assertIsNone(of(esm_class=0x40, short_message=b"\x03\x24\x01\x01x"))

    @bounded
    @given(st.binary(max_size=140), st.binary(max_size=40))
    def test_any_octets(self, octets: bytes, rest: bytes) -> None:
        """Any octets give a segment within bounds or none, never an error."""
        raw = bytes((0x40, len(octets))) + octets + rest
        segment = concatenation(raw, (0, 0, 0, 0, 2, 2 + len(octets)))
        if segment is not None:
            self.assertTrue(1 <= segment[2] <= segment[1] <= 255)
        concatenation(b"\x00\x00" + rest, (0, 0, 0, 0, 2, 2))


def _size(tlvs: list[tuple[int, bytes]]) -> int:
    return sum(4 + len(value) for _, value in tlvs)


class SegmentOfTests(SynchronousTestCase):
    """The strict reading."""

    def test_same_answers(self) -> None:
        """UDH, SAR, neither, one of one."""
        header = udh.build([udh.concatenation_element(42, 3, 2)])
        self.assertEqual(segment_of(0x40, header + b"x", []), (42, 3, 2))
        self.assertEqual(segment_of(0, b"x", sar.tlvs(42, 3, 2)), (42, 3, 2))
        self.assertIsNone(segment_of(0, header, []))
        single = udh.build([udh.concatenation_element(42, 1, 1)])
        self.assertIsNone(segment_of(0x40, single, []))

    def test_refusals(self) -> None:
        """A broken UDH is 0x43, SAR beside a concatenation UDH 0xC1."""
        header = udh.build([udh.concatenation_element(42, 3, 2)])
        for octets, tlvs, status in (
            (b"\x05\x00", [], 0x43),
            (header, sar.tlvs(42, 3, 2), 0xC1),
            (header, sar.tlvs(42, 3, 2)[:1], 0xC3),
        ):
            error = self.assertRaises(BodyError, segment_of, 0x40, octets, tlvs)
            self.assertEqual(error.command_status, status)

    def test_ports_beside_sar(self) -> None:
        """A header without a concatenation element goes with SAR."""
        header = udh.build([(0x05, b"\x0b\x84\x23\xf0")])
        self.assertEqual(segment_of(0x40, header, sar.tlvs(42, 3, 2)), (42, 3, 2))
