"""The deliver_sm of a receipt for a client: GW-25, GW-31 to GW-35, GW-37, GW-55, V27."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.deliver import reference_status, reference_text
from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.receipts.receipt import read_receipt
from smppproxy.smpp.constants import (
    DELIVER_SM,
    TLV_MESSAGE_STATE,
    TLV_NETWORK_ERROR_CODE,
    TLV_RECEIPTED_MESSAGE_ID,
    TLV_USER_MESSAGE_REFERENCE,
)
from smppproxy.smpp.fields import Message, read_message
from smppproxy.smpp.pdu import Pdu
from tests.receipts import bounded
from tests.receipts.bodies import receipt_body

V27 = bytes.fromhex(
    "000000bb000000050000000000000001000101343531303230333034300000003132333435000400000000000000"
    "006a69643a31333930313235333333207375623a30303120646c7672643a303031207375626d697420646174653a"
    "3235313132323130313520646f6e6520646174653a3235313132323130313620737461743a44454c495652442065"
    "72723a30303020746578743a34393139001e000b3133393031323533333300042700010204230003030000020400"
    "021337"
)
SUBMITTED, DONE = 1763806559, 1763806560  # 2025-11-22 10:15:59 and 10:16:00 UTC


def body(state: int = 2, stat: bytes = b"DELIVRD", err: bytes = b"000", **options: Any) -> bytes:
    """The body of a receipt for the submit_sm of V06."""
    client_message_id = options.pop("client_message_id", b"1390125333")
    return receipt_body(
        client_message_id, 0, 0, b"12345", 1, 1, b"4510203040", SUBMITTED, DONE,
        state, stat, err, **options,
    )  # fmt: skip


def pdu_of(octets: bytes) -> Pdu:
    """The PDU with this body."""
    return Pdu(DELIVER_SM, 0, 1, bytes(16) + octets)


def message(**options: Any) -> Message:
    """All fields of such a receipt, as any client reads them."""
    return read_message(pdu_of(body(**options)))


class BodyTests(SynchronousTestCase):
    """Octet for octet, and field by field."""

    def test_gw25_v27(self) -> None:
        """V27, in the dialect of the document that it comes from."""
        octets = body(user_message_reference=b"\x13\x37", dialect="gatewayapi")
        self.assertEqual(octets, V27[16:])

    def test_gw55_fields(self) -> None:
        """Addresses swapped with their TON and NPI, esm_class 0x04, everything else 0 or empty."""
        read = message()
        self.assertEqual(
            (read.source_addr_ton, read.source_addr_npi, read.source_addr), (1, 1, b"4510203040")
        )
        self.assertEqual((read.dest_addr_ton, read.dest_addr_npi), (0, 0))
        self.assertEqual(read.destination_addr, b"12345")
        self.assertEqual((read.service_type, read.esm_class), (b"", 4))
        self.assertEqual(
            (read.protocol_id, read.priority_flag, read.registered_delivery), (0, 0, 0)
        )
        self.assertEqual((read.schedule_delivery_time, read.validity_period), (b"", b""))
        self.assertEqual(
            (read.replace_if_present_flag, read.data_coding, read.sm_default_msg_id), (0, 0, 0)
        )
        self.assertEqual(
            read.tlvs,
            [(TLV_RECEIPTED_MESSAGE_ID, b"1390125333\x00"), (TLV_MESSAGE_STATE, b"\x02")],
        )

    def test_gw27_own_submit_time(self) -> None:
        """10:15:59 UTC is 2511221015; an unknown time is ten zeros."""
        self.assertIn(b"submit date:2511221015 done date:2511221016 ", message().short_message)
        line = receipt_body(b"1", 0, 0, b"", 0, 0, b"", 0, 0, 2, b"", b"", with_tlvs=False)
        self.assertIn(b"submit date:0000000000 done date:0000000000 stat:DELIVRD", line)

    def test_gw27_receipt_tz(self) -> None:
        """The account's own zone for both dates, summer time included; the TLVs know no dates."""
        for tz, submitted, done in (
            ("UTC", b"2511221015", b"2511221016"),
            ("Europe/Copenhagen", b"2511221115", b"2511221116"),
            ("America/Bogota", b"2511220515", b"2511220516"),
            ("Asia/Kathmandu", b"2511221600", b"2511221601"),
        ):
            line = message(tz=tz).short_message
            self.assertIn(b" submit date:%b done date:%b " % (submitted, done), line, tz)
        self.assertRaises(ValueError, body, tz="Europe/Atlantis")

    def test_gw26_counts(self) -> None:
        """dlvrd is all parts when delivered, none otherwise, or what is given; three digits."""
        for options, expected in (
            ({}, b"sub:001 dlvrd:001 "),
            ({"state": 5}, b"sub:001 dlvrd:000 "),
            ({"sub": 3}, b"sub:003 dlvrd:003 "),
            ({"sub": 3, "dlvrd": 2, "state": 5}, b"sub:003 dlvrd:002 "),
            ({"sub": 5000}, b"sub:999 dlvrd:999 "),
        ):
            self.assertIn(expected, message(**options).short_message)

    def test_gw02_without_tlvs(self) -> None:
        """A session below 0x34 gets the text and no octet behind it."""
        read = message(with_tlvs=False, err=b"2306", user_message_reference=b"\x13\x37")
        self.assertEqual(read.tlvs, [])
        self.assertTrue(read.short_message.endswith(b"err:999 text:4919"))

    def test_f23_longest_id(self) -> None:
        """An id of 65 octets with everything else at its longest fits short_message."""
        client_message_id = b"x" * 65
        read = message(client_message_id=client_message_id, user_message_reference=b"r" * 255)
        self.assertLessEqual(len(read.short_message), 254)
        self.assertEqual(read.tlvs[0][1], client_message_id + b"\x00")


class ReferenceTests(SynchronousTestCase):
    """user_message_reference."""

    def text_and_tlv(self, reference: bytes | None) -> tuple[bytes, list[bytes]]:
        """What follows ``text:``, and the TLVs 0x0204."""
        read = message(user_message_reference=reference)
        echoes = [value for tag, value in read.tlvs if tag == TLV_USER_MESSAGE_REFERENCE]
        return read.short_message.partition(b" text:")[2], echoes

    def test_gw31_first_20(self) -> None:
        """V17: the first 20 characters in the text; without a reference the text is empty."""
        reference = b"order-2025-11-22-000000042"
        self.assertEqual(self.text_and_tlv(reference), (b"order-2025-11-22-000", [reference]))
        self.assertEqual(self.text_and_tlv(None), (b"", []))

    def test_gw31_not_printable(self) -> None:
        """What is not printable ASCII becomes a question mark."""
        self.assertEqual(reference_text(b"a\x00b\n\x7f\xe9~ "), b"a?b???~ ")

    def test_gw32_exact_echo(self) -> None:
        """The TLV comes back octet for octet, whatever it holds; none is invented."""
        for reference in (b"\x13\x37", b"\x00", b"abc\x00\x00", b"\xff" * 255):
            self.assertEqual(self.text_and_tlv(reference)[1], [reference])

    def test_gw33_lengths(self) -> None:
        """Two octets are an integer; others characters, trailing NULs cut; empty is absent."""
        for reference, text in (
            (b"\x13\x37", b"4919"),
            (b"\x00\x00", b"0"),
            (b"\xff\xff", b"65535"),
            (b"A", b"A"),
            (b"abc\x00\x00", b"abc"),
            (b"\x00\x00\x00", b""),
        ):
            self.assertEqual(self.text_and_tlv(reference)[0], text, reference)
        self.assertEqual(self.text_and_tlv(b""), (b"", []))

    def test_gw33_too_long(self) -> None:
        """255 octets are taken, 256 refused with 0xC2."""
        self.assertEqual(reference_status(bytes(255)), 0)
        self.assertEqual(reference_status(bytes(256)), 0xC2)

    @bounded
    @given(st.binary(max_size=300))
    def test_gw31_any_octets(self, reference: bytes) -> None:
        """At most 20 printable ASCII characters, for any octets."""
        text = reference_text(reference)
        self.assertRegex(text, rb"\A[ -~]{0,20}\Z")


class ErrorTests(SynchronousTestCase):
    """err and network_error_code."""

    def err_and_tlv(self, err: bytes, **options: Any) -> tuple[bytes, list[bytes]]:
        """The three characters of ``err:``, and the TLVs 0x0423."""
        read = message(state=5, stat=b"UNDELIV", err=err, **options)
        codes = [value for tag, value in read.tlvs if tag == TLV_NETWORK_ERROR_CODE]
        return read.short_message.partition(b" err:")[2][:3], codes

    def test_gw34_number_passes(self) -> None:
        """A number of three digits goes through."""
        self.assertEqual(self.err_and_tlv(b"126"), (b"126", []))
        self.assertEqual(self.err_and_tlv(b"19"), (b"019", []))

    def test_gw35_999(self) -> None:
        """2306 is 999 and 03 0902; beyond two octets only 999 is left, or the provider's own."""
        for dialect in ("default", "gatewayapi"):
            self.assertEqual(
                self.err_and_tlv(b"2306", dialect=dialect), (b"999", [b"\x03\x09\x02"])
            )
            self.assertEqual(self.err_and_tlv(b"70000", dialect=dialect), (b"999", []))
            self.assertEqual(
                self.err_and_tlv(b"70000", network_error_code=b"\x01\x00\x07", dialect=dialect),
                (b"999", [b"\x01\x00\x07"]),
            )

    def test_gw55_network_error_code_by_dialect(self) -> None:
        """In every receipt of dialect gatewayapi, the provider's own if usable; else left out."""
        code = b"\x03\x00\x11"
        for given_code, sent in ((code, code), (b"000", b"\x03\x00\x7e"), (b"", b"\x03\x00\x7e")):
            options = {"network_error_code": given_code}
            self.assertEqual(self.err_and_tlv(b"126", **options), (b"126", []))
            self.assertEqual(
                self.err_and_tlv(b"126", dialect="gatewayapi", **options), (b"126", [sent])
            )

    def test_gw35_words(self) -> None:
        """What is no number is 000."""
        for err in (b"", b"null", b"...", b"\xff\xff\xff"):
            self.assertEqual(self.err_and_tlv(err), (b"000", []))


class DialectTests(SynchronousTestCase):
    """Words by account."""

    def stat_and_state(self, state: int, stat: bytes, dialect: str) -> tuple[bytes, int]:
        """The word and the TLV of a receipt."""
        read = message(state=state, stat=stat, dialect=dialect)
        word = read.short_message.partition(b" stat:")[2].partition(b" ")[0]
        return word, dict(read.tlvs)[TLV_MESSAGE_STATE][0]

    def test_gw37_bufferd(self) -> None:
        """BUFFERD is for one dialect; message_state is 1 in both."""
        self.assertEqual(self.stat_and_state(1, b"BUFFERD", "default"), (b"ENROUTE", 1))
        self.assertEqual(self.stat_and_state(1, b"buffered", "gatewayapi"), (b"BUFFERD", 1))
        self.assertEqual(self.stat_and_state(1, b"ENROUTE", "gatewayapi"), (b"ENROUTE", 1))

    def test_mg22_enroute_stays(self) -> None:
        """A final ENROUTE is told as ENROUTE: the word is not falsified."""
        self.assertEqual(self.stat_and_state(1, b"ENROUTE", "default"), (b"ENROUTE", 1))

    def test_mg22_enroute_final_as(self) -> None:
        """An account may have a final ENROUTE told as success; a passing one stays what it is."""
        for final_as, expected in (
            ("ENROUTE", (b"ENROUTE", 1, b"000")),
            ("ACCEPTD", (b"ACCEPTD", 6, b"000")),
            ("DELIVRD", (b"DELIVRD", 2, b"003")),
        ):
            for final in (True, False):
                read = message(state=1, stat=b"SENT", sub=3, dlvrd=0, final=final,
                               enroute_final_as=final_as)  # fmt: skip
                found = (
                    read.short_message.partition(b" stat:")[2].partition(b" ")[0],
                    dict(read.tlvs)[TLV_MESSAGE_STATE][0],
                    read.short_message.partition(b" dlvrd:")[2].partition(b" ")[0],
                )
                self.assertEqual(found, expected if final else (b"ENROUTE", 1, b"000"))
        self.assertRaises(KeyError, body, state=1, final=True, enroute_final_as="SENT")

    def test_mg22_other_states_stay(self) -> None:
        """enroute_final_as says nothing about any other last word."""
        for state in (2, 3, 4, 5, 6, 7, 8):
            self.assertEqual(
                body(state, final=True, enroute_final_as="DELIVRD"), body(state), state
            )

    def test_xc11_no_foreign_words(self) -> None:
        """A provider's own words never reach a client."""
        self.assertEqual(self.stat_and_state(8, b"DND_REJECTED", "default"), (b"REJECTD", 8))
        self.assertEqual(self.stat_and_state(7, b"WEIRD", "default"), (b"UNKNOWN", 7))

    def test_unknown_dialect(self) -> None:
        """A dialect that does not exist is an error, never a silent default."""
        self.assertRaises(KeyError, body, dialect="latin")


class RoundTripTests(SynchronousTestCase):
    """What we write, we read."""

    @bounded
    @given(
        st.integers(0, 9),
        st.integers(0, 70000),
        st.binary(max_size=255),
        st.sampled_from(("default", "gatewayapi")),
        st.booleans(),
    )
    def test_sx24_round_trip(
        self, state: int, number: int, reference: bytes, dialect: str, with_tlvs: bool
    ) -> None:
        """Id, state, dates and destination come back from every receipt that we send."""
        octets = body(
            state,
            b"",
            b"%d" % number,
            user_message_reference=reference,
            dialect=dialect,
            with_tlvs=with_tlvs,
        )
        found = read_receipt(pdu_of(octets), ReceiptProfile())
        assert found is not None
        self.assertEqual(found.message_ids, (b"1390125333",))
        self.assertEqual((found.submit_date, found.done_date), (1763806500, 1763806560))
        self.assertEqual((found.destination, found.oddity), (b"4510203040", ""))
        self.assertEqual(found.user_message_reference, reference if with_tlvs else b"")
        sent = {0: 1, 9: 8, 4: 5 if dialect == "gatewayapi" else 4}
        self.assertEqual(found.state, sent.get(state, state))
