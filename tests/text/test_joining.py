"""Parts made one again."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.errors import BodyError
from smppproxy.text import sar
from smppproxy.text.payload import Payload
from tests.text.joining import join
from tests.text.test_payload import said


def part(number: int, octets: bytes, data_coding: int = 0, total: int = 2) -> Payload:
    """A part of message 7, told by TLVs."""
    return said(octets, data_coding, sar.tlvs(7, total, number))


class JoinTests(SynchronousTestCase):
    """join()."""

    def test_any_order(self) -> None:
        """The parts' octets in their order, in message_payload."""
        whole = join([part(3, b"c", total=3), part(1, b"a", total=3), part(2, b"b", total=3)])
        self.assertEqual((whole.octets, whole.segment, whole.by_payload), (b"abc", None, True))
        self.assertEqual((whole.alphabet, whole.own_tlvs), ("gsm7", [(0x0424, b"abc")]))

    def test_header_and_class_of_part_1(self) -> None:
        """Elements beside the number stay, and so does flash."""
        parts = [
            said(
                bytes((8, 0x24, 1, 1, 0, 3, 9, 2, number)) + octets, 240, [(5, b"\1")], esm_class=64
            )
            for number, octets in ((1, b"a"), (2, b"b"))
        ]
        whole = join(parts)
        self.assertEqual((whole.header, whole.octets), (b"\x03\x24\x01\x01", b"ab"))
        self.assertTrue(whole.flash and whole.national)
        self.assertEqual(whole.own_tlvs, [(5, b"\1"), (0x0424, b"\x03\x24\x01\x01ab")])

    def test_several_alphabets(self) -> None:
        """GSM-7 beside UCS2 becomes UCS2."""
        whole = join([part(1, b"\0"), part(2, b"\x04\x36", 8)])
        self.assertEqual((whole.alphabet, whole.data_coding), ("ucs2", 8))
        self.assertEqual(whole.octets.decode("utf-16-be"), "@ж")

    def test_cannot_be_joined(self) -> None:
        """Binary or a national language beside text is refused."""
        error = self.assertRaises(BodyError, join, [part(1, b"a"), part(2, b"b", 4)])
        self.assertEqual(error.command_status, 0x45)
        national = said(bytes((8, 0x24, 1, 1, 0, 3, 7, 2, 1)) + b"a", esm_class=64)
        error = self.assertRaises(BodyError, join, [national, part(2, b"\0b", 8)])
        self.assertEqual(error.command_status, 0x45)

    def test_not_one_message(self) -> None:
        """A part missing, twice, of another message, or no part at all."""
        for parts in (
            [part(1, b"a")],
            [part(1, b"a"), part(1, b"a")],
            [part(1, b"a"), said(b"b", tlvs=sar.tlvs(8, 2, 2))],
            [said(b"a")],
            [],
        ):
            self.assertRaises(ValueError, join, parts)
