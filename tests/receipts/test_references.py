"""Our reference at the provider: XC-05, GW-31 to GW-33."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.deliver import reference_text
from smppproxy.receipts.message_ids import format_client_message_id
from smppproxy.receipts.profile import Receipt, ReceiptProfile
from smppproxy.receipts.receipt import read_receipt
from smppproxy.receipts.references import key_of_reference, keys_by_reference, own_reference
from smppproxy.smpp.build import deliver_sm
from smppproxy.smpp.constants import DELIVER_SM, TLV_USER_MESSAGE_REFERENCE
from smppproxy.smpp.pdu import Pdu
from tests.receipts import bounded

FORMATS = ("decimal10", "decimal19", "hex", "uuid")


def echo(reference: bytes | None, text: bytes = b"") -> Receipt:
    """The receipt of a provider that brings this reference back, and shows this text."""
    raw = deliver_sm(
        1,
        esm_class=4,
        short_message=b"id:77 stat:DELIVRD err:000 text:" + text,
        tlvs=[] if reference is None else [(TLV_USER_MESSAGE_REFERENCE, reference)],
    )
    found = read_receipt(Pdu(DELIVER_SM, 0, 1, raw), ReceiptProfile())
    assert found is not None
    return found


class ReferenceTests(SynchronousTestCase):
    """Up, and found again."""

    def test_xc05_own_reference(self) -> None:
        """The client_message_id where it fits, else its end; the integer where no more is taken."""
        for message_id, most, expected in (
            (b"1390125333", 20, b"1390125333"),
            (b"1390125333", 10, b"1390125333"),
            (b"1390125333", 6, b"125333"),
            (b"1000000000000000077", 20, b"1000000000000000077"),
            (b"736d7070-7078-8000-8000-00000000002a", 20, b"00-8000-00000000002a"),
            (b"736d7070-7078-8000-8000-00000000002a", 255, b"00-8000-00000000002a"),
            (b"1000004919", 2, (1000004919 & 0xFFFF).to_bytes(2, "big")),
            (b"3B9ADD37", 2, b"\xdd\x37"),
            (b"736d7070-7078-8000-8000-00000000133f", 2, b"\x13\x3f"),
            (b"1000000257", 1, bytes([1000000257 & 0xFF])),
        ):
            self.assertEqual(own_reference(message_id, most), expected)

    def test_xc05_neighbours_differ(self) -> None:
        """65,536 messages in a row have as many references, in the shortest form of two octets."""
        for form in FORMATS:
            ids = (format_client_message_id(number, form) for number in range(65536))
            self.assertEqual(len({own_reference(each, 2) for each in ids}), 65536)

    @bounded
    @given(st.integers(0, 2**32), st.sampled_from(FORMATS), st.integers(1, 255))
    def test_xc05_found_again(self, number: int, form: str, most: int) -> None:
        """What goes up is found by the whole TLV and, from two octets on, by the text alone."""
        reference = own_reference(format_client_message_id(number, form), most)
        self.assertLessEqual(len(reference), most)
        key = key_of_reference(reference)
        shown = reference_text(reference)
        self.assertEqual(keys_by_reference(echo(reference), most, False), (key,))
        if most > 1:
            self.assertEqual(keys_by_reference(echo(None, shown), most, True), (key,))
            self.assertEqual(keys_by_reference(echo(reference, shown), most, True), (key,))

    def test_gw33_integer_in_the_text(self) -> None:
        """Two octets are shown in decimal, with or without zeros before them."""
        for text in (b"4919", b"04919", b" 4919 "):
            self.assertEqual(keys_by_reference(echo(None, text), 2, True), (b"\x00r\x13\x37",))

    def test_xc05_text_only_where_it_is_one(self) -> None:
        """The text of a message is no reference: it is read only by profile."""
        self.assertEqual(keys_by_reference(echo(None, b"1390125333"), 20, False), ())
        self.assertEqual(
            keys_by_reference(echo(b"1390125333", b"1390125334"), 20, True),
            (b"\x00r1390125333", b"\x00r1390125334"),
        )

    def test_xc05_no_reference(self) -> None:
        """Nothing came back, or nothing that we have sent."""
        for reference, text, most in (
            (None, b"", 20),
            (b"", b" ", 20),
            (b"x" * 21, b"", 20),
            (None, b"x" * 20, 10),
            (None, b"65536", 2),
            (None, b"none", 2),
            (None, b"77", 1),
        ):
            self.assertEqual(keys_by_reference(echo(reference, text), most, True), ())

    def test_xc05_filled_up(self) -> None:
        """NULs at the end of a longer TLV are the provider's; our own two octets may be zeros."""
        for most in (10, 20):
            found = keys_by_reference(echo(b"1390125333" + bytes(10)), most, False)
            self.assertEqual(found, (b"\x00r1390125333",))
        self.assertEqual(keys_by_reference(echo(b"\x13\x00\x00"), 2, False), (b"\x00r\x13\x00",))
        self.assertEqual(keys_by_reference(echo(bytes(2)), 2, False), (b"\x00r\x00\x00",))

    def test_xc05_no_key_of_a_provider(self) -> None:
        """An id is a C-octet string: none begins like a key of ours."""
        self.assertTrue(key_of_reference(b"77").startswith(b"\x00"))
