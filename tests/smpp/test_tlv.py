"""The optional parameters behind a body."""

import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.tlv import MAX_TLVS, check_tlvs, find_tlv, iter_tlvs, tlv
from tests.smpp.samples import bounded

pairs = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=10)


class TlvTests(SynchronousTestCase):
    """Written, walked, found."""

    def test_octets(self):
        """Tag, length, value, big-endian."""
        self.assertEqual(tlv(0x0204, b"\x13\x37"), bytes.fromhex("0204 0002 1337"))
        self.assertEqual(tlv(0x130C, b""), bytes.fromhex("130c0000"))

    def test_value_too_long(self):
        """65,535 octets fit, one more is a ValueError."""
        self.assertEqual(len(tlv(0x0424, bytes(65_535))), 65_539)
        self.assertRaises(ValueError, tlv, 0x0424, bytes(65_536))

    @bounded
    @given(pairs, st.binary(max_size=20))
    def test_round_trip(self, listed, body):
        """What was written is walked in the same order, unknown tags and repeats untouched."""
        raw = body + b"".join(tlv(tag, value) for tag, value in listed)
        self.assertEqual(check_tlvs(raw, len(body)), len(body))
        self.assertEqual(list(iter_tlvs(raw, len(body))), listed)

    def test_f14_duplicates_stay_and_the_first_wins(self):
        """All are walked; find_tlv gives the first."""
        raw = tlv(1, b"a") + tlv(2, b"b") + tlv(1, b"c")
        self.assertEqual(list(iter_tlvs(raw, 0)), [(1, b"a"), (2, b"b"), (1, b"c")])
        self.assertEqual(find_tlv(raw, 0, 1), b"a")
        self.assertEqual(find_tlv(raw, 0, 2), b"b")
        self.assertIsNone(find_tlv(raw, 0, 3))

    def test_nothing_to_find(self):
        """At or behind the end there is nothing, and that is no error."""
        self.assertIsNone(find_tlv(b"abc", 3, 1))
        self.assertIsNone(find_tlv(b"abc", 9, 1))
        self.assertEqual(list(iter_tlvs(b"abc", 3)), [])

    def test_a_broken_area_is_read_up_to_where_it_breaks(self):
        """The TLVs before one that points past the end are still there; that one is not."""
        raw = tlv(1, b"a") + bytes.fromhex("0002 0009 13")
        self.assertEqual(list(iter_tlvs(raw, 0)), [(1, b"a")])
        self.assertEqual(find_tlv(raw, 0, 1), b"a")
        self.assertIsNone(find_tlv(raw, 0, 2))
        self.assertIsNone(find_tlv(raw, 0, 3))


class CheckTests(SynchronousTestCase):
    """`check_tlvs` finds the area or refuses it."""

    def refused(self, raw, at=0):
        """The area is refused with 0xC0."""
        error = self.assertRaises(BodyError, check_tlvs, raw, at)
        self.assertEqual(error.command_status, 0xC0)

    def test_none(self):
        """No octets are no TLVs."""
        self.assertEqual(check_tlvs(b"body", 4), 4)

    def test_f13_length_past_the_end(self):
        """GW-52's own example is refused."""
        self.refused(bytes.fromhex("0204 0009 13"))

    def test_f13_stray_octets(self):
        """One to three octets that are no TLV are refused, alone or behind a good one."""
        for stray in (b"\x01", b"\x01\x02", b"\x00\x00", b"\x00\x01\x02"):
            self.refused(stray)
            self.refused(tlv(5, b"\1") + stray)

    def test_gw53_lone_nul(self):
        """One NUL behind short_message is skipped."""
        self.assertEqual(check_tlvs(b"text\0", 4), 5)

    def test_gw53_nul_before_tlvs(self):
        """TLVs behind an uncounted NUL are found where they really begin."""
        raw = b"text\0" + tlv(0x020C, b"\0\x2a") + tlv(0x020E, b"\2") + tlv(0x020F, b"\1")
        self.assertEqual(check_tlvs(raw, 4), 5)

    def test_gw53_only_where_needed(self):
        """A tag that begins with a zero octet is a tag when the area reads so."""
        self.assertEqual(check_tlvs(tlv(0x0005, b"\1"), 0), 0)

    def test_f14_flood(self):
        """256 TLVs are taken; one more, or 16,000, are refused, at once."""
        self.assertEqual(check_tlvs(tlv(0x1400, b"") * MAX_TLVS, 0), 0)
        self.refused(tlv(0x1400, b"") * (MAX_TLVS + 1))
        began = time.process_time()
        self.refused(tlv(0, b"") * 16_000)
        self.assertLess(time.process_time() - began, 0.05)

    @bounded
    @given(st.binary(max_size=60))
    def test_any_octets(self, raw):
        """Whatever the octets are: refused with 0xC0, or TLVs that fill them to the end."""
        try:
            at = check_tlvs(raw, 0)
        except BodyError as error:
            self.assertEqual(error.command_status, 0xC0)
            list(iter_tlvs(raw, 0))
        else:
            size = sum(4 + len(value) for _, value in iter_tlvs(raw, at))
            self.assertEqual(at + size, len(raw))
            self.assertLessEqual(at, 1)
