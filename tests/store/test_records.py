"""Records: what goes in comes out, and nothing else is taken for a record."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.store.records import (
    STATE_AT,
    SUBMITTED_AT,
    MoRecord,
    Origin,
    ReceiptRecord,
    RecordError,
    glanced,
    receipt_head,
    receipt_heads,
    receipt_origins,
    says_final,
    split_origins,
)

octet = st.integers(0, 255)
short = st.binary(max_size=255)
seconds = st.integers(-(2**63), 2**63 - 1)
number = st.integers(-(2**31), 2**31 - 1)
origins = st.builds(
    Origin, short, octet, octet, short, octet, octet, short, octet, seconds,
    st.none() | st.binary(max_size=255), octet,
)  # fmt: skip
receipts = st.builds(
    ReceiptRecord, st.integers(0, 127), short, short, seconds, number, number,
    st.binary(max_size=700), short, st.booleans(),
)  # fmt: skip
placed = st.builds(
    ReceiptRecord, st.integers(0, 127), short, short, seconds, number, number,
    st.binary(max_size=700), short, st.booleans(), short, short,
)  # fmt: skip


class RecordTests(SynchronousTestCase):
    """All three kinds."""

    @given(st.one_of(origins, receipts, st.builds(MoRecord, st.binary(max_size=700))))
    def test_what_is_packed_is_unpacked(self, record: Origin | ReceiptRecord | MoRecord):
        """Every field, octet for octet."""
        self.assertEqual(type(record).unpack(record.pack()), record)

    @given(origins, receipts, st.binary(min_size=1, max_size=9))
    def test_another_length_is_refused(self, origin: Origin, receipt: ReceiptRecord, more: bytes):
        """Too short, cut anywhere, or too long: nothing is guessed."""
        for record in (origin, receipt, MoRecord(more)):
            octets = record.pack()
            for wrong in (octets + more, octets[:-1], octets[: len(octets) // 2], b""):
                with self.assertRaises(RecordError):
                    type(record).unpack(wrong)

    @given(origins, receipts)
    def test_a_glance(self, origin: Origin, receipt: ReceiptRecord):
        """What counters want of two records is what unpacking them gives."""
        self.assertEqual(
            glanced(receipt.pack()[STATE_AT], origin.pack()[SUBMITTED_AT]),
            (receipt.state, receipt.final, origin.submit_time),
        )
        self.assertEqual(receipt.final, says_final(receipt.pack()))
        self.assertTrue(says_final(b""))

    @given(st.lists(origins, max_size=4), st.lists(placed, max_size=4))
    def test_many_at_once(self, origins: list[Origin], receipts: list[ReceiptRecord]):
        """The parts of many records are what unpacking each of them gives."""
        self.assertEqual(
            [parts[1:] for parts in split_origins(each.pack() for each in origins)],
            [
                (
                    each.client_message_id,
                    each.source_addr,
                    each.destination_addr,
                    each.user_message_reference or b"",
                )
                for each in origins
            ],
        )
        packed = [each.pack() for each in receipts]
        ids = [each.provider_message_id for each in receipts]
        places = [each.place for each in receipts]
        self.assertEqual(receipt_origins(packed), list(zip(places, ids, strict=True)))
        heads = [receipt_head(each) for each in packed]
        self.assertEqual(receipt_heads(packed), list(zip(heads, ids, strict=True)))

    def test_none_at_all(self):
        """What is no origin, or none of this length, or no receipt, is refused among many."""
        good = Origin(b"1", 1, 1, b"2", 1, 1, b"3", 1, 1, None, 0x34).pack()
        for bad in (b"", b"\1", b"\3" + good[1:], good + b"x", good[:-1]):
            self.assertRaises(RecordError, split_origins, [good, bad])
        for bad in (b"", b"\2\1"):
            self.assertRaises(RecordError, receipt_origins, [bad])

    def test_another_version_is_refused(self):
        """A record of a later version is not read as one of this."""
        origin = Origin(b"1", 1, 1, b"2", 1, 1, b"3", 1, 1, None, 0x34)
        receipt = ReceiptRecord(2, b"DELIVRD", b"000", 0, -1, -1, b"", b"")
        for record in (origin, receipt, MoRecord(b"body")):
            with self.assertRaises(RecordError):
                type(record).unpack(b"\x03" + record.pack()[1:])

    def test_gw33_a_reference_of_255_octets_is_told_from_none(self):
        """All lengths fit; only the longest needs another version, which takes no other length."""
        for reference in (None, b"", b"x" * 254, b"x" * 255):
            origin = Origin(b"1", 1, 1, b"2", 1, 1, b"3", 1, 1, reference, 0x34)
            octets = origin.pack()
            self.assertEqual(octets[0], 2 if reference == b"x" * 255 else 1)
            self.assertEqual(Origin.unpack(octets), origin)
        with self.assertRaises(RecordError):
            Origin.unpack(b"\x02" + attrs.evolve(origin, user_message_reference=b"x").pack()[1:])

    def test_a_field_that_does_not_fit_is_refused(self):
        """When it is written, not when it is read."""
        long = b"x" * 256
        for record in (
            Origin(long, 1, 1, b"2", 1, 1, b"3", 1, 1, None, 0x34),
            Origin(b"1", 1, 1, b"2", 1, 1, b"3", 1, 1, long, 0x34),
            ReceiptRecord(2, long, b"000", 0, -1, -1, b"", b""),
            ReceiptRecord(128, b"DELIVRD", b"000", 0, -1, -1, b"", b""),
        ):
            with self.assertRaises(RecordError):
                record.pack()

    def test_the_layout(self):
        """Octet by octet: other versions of the product read it too."""
        origin = Origin(b"12", 5, 0, b"me", 1, 2, b"467", 17, 1_700_000_000, b"\0\7", 0x34)
        self.assertEqual(
            origin.pack().hex(),
            "01 34 11 05 00 01 02 02 02 03 02 000000006553f100 3132 6d65 343637 0007".replace(
                " ", ""
            ),
        )
        receipt = ReceiptRecord(2, b"DELIVRD", b"000", 1_700_000_000, 1, -1, b"hi", b"\3\0\1")
        self.assertEqual(
            receipt.pack().hex(),
            "01 02 07 03 03 0002 00000001 ffffffff 000000006553f100"
            " 44454c49565244 303030 030001 6869".replace(" ", ""),
        )
        self.assertEqual(MoRecord(b"body").pack().hex(), "0100000004626f6479")


class HeadTests(SynchronousTestCase):
    """What receipts share that differ in text, place and provider_message_id alone."""

    RECEIPT = ReceiptRecord(2, b"DELIVRD", b"000", 5, 1, 1, b"hello", b"", True, b"p/a", b"1")

    def test_equal_heads_say_the_same(self) -> None:
        """Other ids of the same length make no other head; another word or date does."""
        head = receipt_head(self.RECEIPT.pack())
        other = attrs.evolve(self.RECEIPT, text=b"world", provider_message_id=b"2", place=b"q/b")
        self.assertEqual(head, receipt_head(other.pack()))
        for change in ({"stat": b"EXPIRED"}, {"done_date": 6}, {"final": False}, {"err": b"001"}):
            changed = attrs.evolve(self.RECEIPT, **change)
            self.assertNotEqual(head, receipt_head(changed.pack()))

    def test_a_record_without_a_place(self) -> None:
        """One of our own is its own head."""
        own = attrs.evolve(self.RECEIPT, place=b"", provider_message_id=b"").pack()
        self.assertEqual(own, receipt_head(own))

    def test_lengths_are_checked(self) -> None:
        """What unpack refuses has no head."""
        record = self.RECEIPT.pack()
        for broken in (record[:-1], record + b"x", b"", b"\x07" + record[1:], record[:26]):
            self.assertRaises(RecordError, ReceiptRecord.unpack, broken)
            self.assertRaises(RecordError, receipt_head, broken)
