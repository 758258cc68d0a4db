"""Reading a provider's deliver_sm or data_sm: mission 3.1, XC-03, XC-04, MG-11, MG-22, F72."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts import receipt as receipts
from smppproxy.receipts.dialects import (
    WANT_ANY,
    WANT_FAILURE,
    WANT_INTERMEDIATE,
    WANT_SUCCESS,
)
from smppproxy.receipts.profile import Receipt, ReceiptProfile
from smppproxy.receipts.receipt import CONFLICT, UNHEARD_OF, UNREADABLE, read_receipt
from smppproxy.smpp.build import data_sm, deliver_sm
from smppproxy.smpp.constants import (
    DATA_SM,
    DELIVER_SM,
    ESME_RINVCMDLEN,
    ESME_RINVOPTPARSTREAM,
    TLV_MESSAGE_PAYLOAD,
    TLV_MESSAGE_STATE,
    TLV_NETWORK_ERROR_CODE,
    TLV_RECEIPTED_MESSAGE_ID,
    TLV_USER_MESSAGE_REFERENCE,
)
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.pdu import Pdu
from tests.receipts import bounded

FIELD = json.loads((Path(__file__).parent / "field_receipts.json").read_text())
LINE = (
    b"id:5000 sub:001 dlvrd:001 submit date:2511221015 done date:2511221016"
    b" stat:DELIVRD err:000 text:Hello"
)
BOTH = [(TLV_RECEIPTED_MESSAGE_ID, b"6000\x00"), (TLV_MESSAGE_STATE, b"\x02")]
DEFAULT = ReceiptProfile()
# Its text says decimal, its TLV hex, and the text is in message_payload.
V29 = bytes.fromhex(
    "000000930000000500000000000000070000003332313633353532303030000000373737383800040000000000000"
    "000000424004f69643a30303030333736303137207375626d697420646174653a3235313132323130313520646f6e"
    "6520646174653a3235313132323130313620737461743a44454c49565244206572723a30303000001e00063562636"
    "431000427000102"
)
V30 = bytes.fromhex(
    "000000330000000500000000000000080001013435313032303330343000000031323034000000000000000000000"
    "453544f50"
)


def raw_of(text: bytes = LINE, esm_class: int = 4, **fields: Any) -> bytes:
    """The octets of a deliver_sm."""
    fields.setdefault("source_addr", b"4510203040")
    return deliver_sm(
        1, destination_addr=b"1204", esm_class=esm_class, short_message=text, **fields
    )


def read(raw: bytes, profile: ReceiptProfile = DEFAULT, command_id: int = DELIVER_SM) -> Any:
    """read_receipt() of these octets."""
    return read_receipt(Pdu(command_id, 0, 1, raw), profile)


def receipt_of(text: bytes = LINE, esm_class: int = 4, **fields: Any) -> Receipt:
    """The receipt in a deliver_sm that must hold one."""
    profile = fields.pop("profile", DEFAULT)
    found = read(raw_of(text, esm_class, **fields), profile)
    assert found is not None
    return found


class DetectionTests(SynchronousTestCase):
    """What is a receipt and what is an MO message."""

    def test_xc04_esm_classes(self) -> None:
        """0x04, with the UDH bit, 0x08, 0x10, 0x20 and mixtures: one receipt each."""
        for esm_class in (0x04, 0x44, 0x07, 0x08, 0x10, 0x18, 0x20, 0x24, 0x84):
            self.assertEqual(receipt_of(esm_class=esm_class).message_ids, (b"5000",), esm_class)

    def test_xc04_acknowledgements_need_the_text(self) -> None:
        """0x08 and 0x10 without a receipt's text are messages of a handset."""
        for esm_class in (0x08, 0x10):
            self.assertIsNone(read(raw_of(b"thanks, got it", esm_class)))

    def test_xc04_by_tlvs(self) -> None:
        """Both TLVs make a receipt, whatever esm_class and text say; one alone does not."""
        for text in (b"362d9701 2", b"", b"id:5000"):
            found = receipt_of(text, 0, tlvs=BOTH)
            self.assertEqual((found.message_ids[0], found.state), (b"6000", 2))
        for tlv in BOTH:
            self.assertIsNone(read(raw_of(b"hello", 0, tlvs=[tlv])))

    def test_xc04_by_text(self) -> None:
        """esm_class 0 with id and stat in the text: by profile only, a user can type that."""
        by_text = ReceiptProfile(detect_by_text=True)
        self.assertIsNone(read(raw_of(esm_class=0)))
        self.assertEqual(receipt_of(esm_class=0, profile=by_text).message_ids, (b"5000",))
        for text in (b"id:5000 hello", b"stat:DELIVRD", b"STOP", b""):
            self.assertIsNone(read(raw_of(text, 0), by_text), text)

    def test_xc04_payload(self) -> None:
        """The text may be in message_payload; short_message goes before it."""
        payload = [(TLV_MESSAGE_PAYLOAD, LINE)]
        self.assertEqual(receipt_of(b"", tlvs=payload).message_ids, (b"5000",))
        found = receipt_of(b"id:7 stat:EXPIRED", tlvs=payload)
        self.assertEqual((found.message_ids, found.state), ((b"7",), 3))

    def test_xc04_data_sm(self) -> None:
        """A data_sm brings receipts too: by TLVs, by payload; or it is an MO."""
        for raw in (
            data_sm(1, source_addr=b"45102030", esm_class=4, tlvs=BOTH),
            data_sm(1, source_addr=b"45102030", esm_class=4, short_message=LINE),
        ):
            found = read(raw, command_id=DATA_SM)
            self.assertEqual((found.state, found.destination), (2, b"45102030"))
        self.assertIsNone(read(data_sm(1, short_message=b"hello"), command_id=DATA_SM))

    def test_xc04_udh(self) -> None:
        """A user data header before the text is not read as text."""
        header = b"\x05\x00\x03\x01\x01\x01"
        self.assertEqual(receipt_of(header + LINE, 0x44).message_ids, (b"5000",))
        self.assertEqual(receipt_of(b"\xff" + LINE, 0x44).oddity, UNREADABLE)

    def test_mo(self) -> None:
        """V30 is an MO message."""
        self.assertIsNone(read(V30))

    def test_mg11_unreadable(self) -> None:
        """A receipt by its esm_class that says no id is a receipt without ids, never an error."""
        for text in (b"", b"rubbish", b"00,2511221543,2511221500,,447700900001,8000,we23"):
            found = receipt_of(text)
            self.assertEqual((found.message_ids, found.oddity), ((), UNREADABLE))
        found = receipt_of(b"stat:DELIVRD err:000")
        self.assertEqual((found.message_ids, found.state, found.oddity), ((), 2, UNREADABLE))


class FieldsTests(SynchronousTestCase):
    """What a receipt says."""

    def test_everything(self) -> None:
        """Every field of the text and the TLVs."""
        found = receipt_of(
            tlvs=[
                *BOTH,
                (TLV_NETWORK_ERROR_CODE, b"\x03\x00\x11"),
                (TLV_USER_MESSAGE_REFERENCE, b"order-1"),
            ]
        )
        self.assertEqual(
            found,
            Receipt(
                message_ids=(b"6000", b"5000"),
                state=2,
                stat=b"DELIVRD",
                err=b"000",
                submit_date=1763806500,
                done_date=1763806560,
                sub=1,
                dlvrd=1,
                text=b"Hello",
                network_error_code=b"\x03\x00\x11",
                user_message_reference=b"order-1",
                destination=b"4510203040",
                final=True,
                kind=WANT_SUCCESS,
                receipted_message_id=b"6000",
                text_message_id=b"5000",
                text_first=False,
                oddity="",
            ),
        )

    def test_xc03_tlv_beats_text(self) -> None:
        """Ids: TLV 6000 before text 5000; by profile the other way. State: the TLV's."""
        self.assertEqual(receipt_of(tlvs=BOTH).message_ids, (b"6000", b"5000"))
        by_text = ReceiptProfile(prefer="text")
        self.assertEqual(receipt_of(tlvs=BOTH, profile=by_text).message_ids, (b"5000", b"6000"))
        self.assertEqual(
            receipt_of(b"stat:DELIVRD", tlvs=BOTH, profile=by_text).message_ids, (b"6000",)
        )
        found = receipt_of(tlvs=[BOTH[0], (TLV_MESSAGE_STATE, b"\x06")])
        self.assertEqual((found.state, found.stat, found.oddity), (6, b"DELIVRD", CONFLICT))

    def test_f72_other_projects(self) -> None:
        """The corpus of other projects with its TLVs: ids and states as they expect them."""
        for case in FIELD:
            tlvs = []
            if "receipted_message_id" in case:
                octets = case["receipted_message_id"].encode()
                tlvs.append((TLV_RECEIPTED_MESSAGE_ID, octets + b"\x00"))
            if "message_state" in case:
                tlvs.append((TLV_MESSAGE_STATE, bytes((case["message_state"],))))
            found = receipt_of(case["text"].encode("latin-1"), tlvs=tlvs)
            fields = case["fields"] or {"id": ""}
            self.assertEqual(
                found.message_ids[:1],
                tuple(i.encode() for i in (case.get("receipted_message_id") or fields["id"],) if i),
            )
            if "message_state" in case:
                self.assertEqual(found.state, case["message_state"])

    def test_xc02_v29(self) -> None:
        """Text id, TLV id and destination of V29."""
        found = read(V29)
        self.assertEqual(found.message_ids, (b"5bcd1", b"0000376017"))
        self.assertEqual((found.destination, found.state), (b"32163552000", 2))

    def test_f23_ids_are_octets(self) -> None:
        """Ids come as written, from the text, and from the TLV with or without its NUL."""
        for octets in (b"0012", b"1_000", b"+447", b"AbC", b"x" * 65, b"0a1b2c3d-1111-4222"):
            for tlv in (octets, octets + b"\x00", octets + b"\x00junk"):
                found = receipt_of(b"", tlvs=[(TLV_RECEIPTED_MESSAGE_ID, tlv), BOTH[1]])
                self.assertEqual(found.message_ids, (octets,))
            self.assertEqual(receipt_of(b"id:" + octets).message_ids, (octets,))

    def test_equal_ids_stand_once(self) -> None:
        """The same id in text and TLV is one id."""
        self.assertEqual(receipt_of(b"id:6000 stat:DELIVRD", tlvs=BOTH).message_ids, (b"6000",))

    def test_gw26_dlvrd_decides_nothing(self) -> None:
        """dlvrd:000 beside DELIVRD, as GatewayAPI's own example has it, is delivered."""
        found = receipt_of(b"id:1 sub:001 dlvrd:000 stat:DELIVRD")
        self.assertEqual((found.state, found.sub, found.dlvrd, found.final), (2, 1, 0, True))

    def test_gw27_zone(self) -> None:
        """Dates are UTC, or of the provider's zone; unknown ones are 0. Kept dates are bounded."""
        profile = ReceiptProfile(tz="Europe/Copenhagen")
        self.assertEqual(receipt_of(profile=profile).submit_date, 1763802900)
        found = receipt_of(b"id:1 submit date:0000000000 done date:soon stat:DELIVRD")
        self.assertEqual((found.submit_date, found.done_date), (0, 0))
        for minute in range(9000):
            profile.seconds_of(b"%010d" % minute)
        self.assertLessEqual(len(profile._dates), 4096)

    def test_gw34_err(self) -> None:
        """err is kept as text, as decimals where it is a number of the profile's base."""
        for base, err, expected in (
            ("dec", b"0", b"0"),
            ("dec", b"21b", b"539"),
            ("dec", b"null", b"null"),
            ("hex", b"019", b"025"),
            ("opaque", b"21b", b"21b"),
            ("gatewayapi", b"126", b"126"),
        ):
            found = receipt_of(b"id:1 stat:UNDELIV err:" + err, profile=ReceiptProfile(err=base))
            self.assertEqual(found.err, expected)
        self.assertRaises(ValueError, ReceiptProfile, err="roman")
        self.assertRaises(ValueError, ReceiptProfile, prefer="both")
        self.assertRaises(ValueError, ReceiptProfile, addresses="any")

    def test_xc04_addresses_as_submitted(self) -> None:
        """A provider that repeats the message's own addresses: destination_addr got the message."""
        fields: Any = {"source_addr": b"12345", "destination_addr": b"4510203040", "esm_class": 4}
        octets = deliver_sm(1, short_message=b"id:7 stat:DELIVRD", **fields)
        pdu = Pdu(DELIVER_SM, 0, 1, octets)
        for addresses, destination in (("swapped", b"12345"), ("as_submitted", b"4510203040")):
            receipt = read_receipt(pdu, ReceiptProfile(addresses=addresses))
            assert receipt is not None
            self.assertEqual(destination, receipt.destination)

    def test_network_error_code_fills_err(self) -> None:
        """The TLV fills err when the text has none, also when it holds text."""
        for value, expected in ((b"\x03\x00\x11", b"017"), (b"000", b"000"), (b"\x03", b"")):
            tlvs = [(TLV_NETWORK_ERROR_CODE, value)]
            found = receipt_of(b"id:1 stat:UNDELIV", tlvs=tlvs)
            self.assertEqual((found.err, found.network_error_code), (expected, value))
            self.assertEqual(receipt_of(b"id:1 stat:UNDELIV err:5", tlvs=tlvs).err, b"5")

    def test_bounded(self) -> None:
        """Nothing of a receipt is longer than the store takes."""
        line = b"id:1 stat:%b err:%b text:%b" % (b"S" * 60000, b"E" * 2000, b"T" * 2000)
        found = receipt_of(
            b"",
            tlvs=[
                (TLV_MESSAGE_PAYLOAD, line),
                (TLV_NETWORK_ERROR_CODE, bytes(999)),
                (TLV_USER_MESSAGE_REFERENCE, bytes(999)),
            ],
        )
        for octets in (
            found.stat,
            found.err,
            found.text,
            found.network_error_code,
            found.user_message_reference,
        ):
            self.assertLessEqual(len(octets), 255)


class StateTests(SynchronousTestCase):
    """States, finality, and who asked for it."""

    def test_mg32_words(self) -> None:
        """Words outside SMPP have their state and stay verbatim; unheard-of ones are counted."""
        for word, state, oddity in (
            (b"QUEUE", 0, ""),
            (b"DEQUEUED", 1, ""),
            (b"CODE_NOT_ALLOWED", 8, ""),
            (b"INCOMPLETE", 1, ""),
            (b"SEGMENTS_EXCEEDED", 8, ""),
            (b"EXHAUSTED", 3, ""),
            (b"INVALID_ROUTING", 5, ""),
            (b"dnd_rejected", 8, ""),
            (b"WEIRD", 7, UNHEARD_OF),
            (b"0", 7, UNHEARD_OF),
        ):
            found = receipt_of(b"id:1 stat:" + word)
            self.assertEqual((found.state, found.stat, found.oddity), (state, word, oddity))

    def test_tlv_and_word(self) -> None:
        """An unknown word takes the TLV's state; a TLV out of range counts as none."""
        for value, word, state, oddity in (
            (b"\x05", b"WEIRD", 5, ""),
            (b"\x05", b"", 5, ""),
            (b"\x0a", b"EXPIRED", 3, ""),
            (b"", b"EXPIRED", 3, ""),
            (b"\x00\x03", b"EXPIRED", 3, ""),
            (b"\x0a", b"", 7, UNHEARD_OF),
            (b"\x00", b"DELIVRD", 2, CONFLICT),
            (b"\x00", b"ENROUTE", 1, ""),
            (b"\x00", b"QUEUE", 0, ""),
            (b"\x01", b"BUFFERD", 1, ""),
            (b"\x07", b"UNKNOWN", 7, ""),
        ):
            found = receipt_of(b"id:1 stat:" + word, tlvs=[(TLV_MESSAGE_STATE, value)])
            self.assertEqual((found.state, found.oddity), (state, oddity), (value, word))

    def test_xc10_kinds(self) -> None:
        """Success, failure, intermediate; an unknown outcome is for everyone who asked."""
        for stat, kind in (
            (b"DELIVRD", WANT_SUCCESS),
            (b"UNDELIV", WANT_FAILURE),
            (b"REJECTD", WANT_FAILURE),
            (b"EXPIRED", WANT_FAILURE),
            (b"DELETED", WANT_FAILURE),
            (b"ENROUTE", WANT_INTERMEDIATE),
            (b"ACCEPTD", WANT_INTERMEDIATE),
            (b"BUFFERD", WANT_INTERMEDIATE),
            (b"UNKNOWN", WANT_ANY),
        ):
            found = receipt_of(b"id:1 stat:" + stat)
            self.assertEqual(found.kind, kind, stat)
            self.assertEqual(found.final, kind in (WANT_SUCCESS, WANT_FAILURE))
        self.assertEqual(receipt_of(b"id:1 stat:UNKNOWN", 0x20).kind, WANT_INTERMEDIATE)

    def test_gw24_transient_and_final(self) -> None:
        """A final DELIVRD and a late ENROUTE are told apart by ``final``: the store drops it."""
        self.assertTrue(receipt_of(b"id:1 stat:DELIVRD").final)
        self.assertFalse(receipt_of(b"id:1 stat:ENROUTE").final)

    def test_gw38_accepted_is_final(self) -> None:
        """By GatewayAPI's profile ACCEPTD is final and a success; ENROUTE and the rest are not."""
        profile = ReceiptProfile(
            final=frozenset(
                {"DELIVRD", "EXPIRED", "UNDELIV", "ACCEPTD", "REJECTD", "DELETED", "SKIPPED"}
            )
        )
        found = receipt_of(b"id:1 stat:ACCEPTED", profile=profile)
        self.assertEqual((found.final, found.kind), (True, WANT_SUCCESS))
        for stat in (b"ENROUTE", b"BUFFERD", b"UNKNOWN", b"SCHEDULED"):
            self.assertFalse(receipt_of(b"id:1 stat:" + stat, profile=profile).final)

    def test_mg22_colombia(self) -> None:
        """ENROUTE is the last word, and a success, for 57; not elsewhere, and BUFFERD is not."""
        profile = ReceiptProfile(final_for=(("57", frozenset({"REJECTD", "ENROUTE"})),))
        for address, final, kind in (
            (b"573001112233", True, WANT_SUCCESS),
            (b"+573001112233", True, WANT_SUCCESS),
            (b"00573001112233", True, WANT_SUCCESS),
            (b"4510203040", False, WANT_INTERMEDIATE),
            (b"\xff57", False, WANT_INTERMEDIATE),
        ):
            found = receipt_of(b"id:1 stat:ENROUTE", source_addr=address, profile=profile)
            self.assertEqual((found.final, found.kind, found.state), (final, kind, 1))
        buffered = receipt_of(b"id:1 stat:BUFFERD", source_addr=b"573001112233", profile=profile)
        self.assertFalse(buffered.final)

    def test_mg23_rejected(self) -> None:
        """REJECTD: 8, final, failure."""
        found = receipt_of(b"id:1 stat:REJECTD")
        self.assertEqual((found.state, found.final, found.kind), (8, True, WANT_FAILURE))


class BrokenTests(SynchronousTestCase):
    """A receipt is worth more than the rules; an MO message must keep them."""

    def test_f72_cut_tlv(self) -> None:
        """A TLV that points past the PDU costs only itself."""
        for tail in (b"\x02\x04\x00\x09\x13", b"\x02\x04\x00", b"\x02"):
            found = read(raw_of(tlvs=BOTH) + tail)
            self.assertEqual(found.message_ids, (b"6000", b"5000"))
            self.assertEqual(read(raw_of() + tail).message_ids, (b"5000",))

    def test_gw53_stray_nul(self) -> None:
        """One uncounted NUL behind short_message hides no TLV."""
        whole = raw_of()
        found = read(whole + b"\x00" + raw_of(tlvs=BOTH)[len(whole) :])
        self.assertEqual((found.message_ids, found.state), ((b"6000", b"5000"), 2))
        self.assertEqual(read(whole + b"\x00").message_ids, (b"5000",))

    def test_first_tlv_counts(self) -> None:
        """Of two TLVs with one tag the first counts (F14)."""
        found = receipt_of(tlvs=[*BOTH, (TLV_RECEIPTED_MESSAGE_ID, b"7000\x00")])
        self.assertEqual(found.message_ids[0], b"6000")

    def test_mg11_long_fields(self) -> None:
        """Addresses and times longer than SMPP allows do not lose a receipt."""
        found = receipt_of(
            source_addr=b"4" * 40, service_type=b"receipts", validity_period=b"x" * 40
        )
        self.assertEqual((found.message_ids, found.destination), ((b"5000",), b"4" * 40))

    def test_mg11_short_message_cut(self) -> None:
        """An sm_length beyond the PDU leaves what there is of the text."""
        self.assertEqual(read(raw_of()[:-10]).message_ids, (b"5000",))

    def test_broken_mo(self) -> None:
        """The same breaks in an MO message are refused with their own code."""
        error = self.assertRaises(BodyError, read, raw_of(b"hi", 0)[:-1])
        self.assertEqual(error.command_status, 0x01)
        error = self.assertRaises(BodyError, read, raw_of(b"hi", 0, source_addr=b"4" * 40))
        self.assertEqual(error.command_status, 0x0A)
        error = self.assertRaises(BodyError, read, b"\x00" * 16)
        self.assertNotEqual(error.command_status, 0)
        error = self.assertRaises(BodyError, read, b"\x00" * 16, command_id=DATA_SM)
        self.assertEqual(error.command_status, ESME_RINVCMDLEN)

    def test_every_cut(self) -> None:
        """A receipt cut anywhere is a receipt, an MO or a BodyError with a status."""
        raw = raw_of(tlvs=BOTH)
        for command_id, octets in (
            (DELIVER_SM, raw),
            (DATA_SM, data_sm(1, esm_class=4, short_message=LINE, tlvs=BOTH)),
        ):
            for size in range(16, len(octets)):
                try:
                    read(octets[:size], command_id=command_id)
                except BodyError as error:
                    self.assertNotEqual(error.command_status, 0)

    @bounded
    @given(st.binary(max_size=200), st.sampled_from((DELIVER_SM, DATA_SM)), st.booleans())
    def test_any_body(self, body: bytes, command_id: int, by_text: bool) -> None:
        """Any body is a receipt, an MO or a BodyError."""
        profile = ReceiptProfile(detect_by_text=by_text)
        try:
            read(b"\x00" * 16 + body, profile, command_id)
        except BodyError as error:
            self.assertNotEqual(error.command_status, 0)

    @bounded
    @given(st.binary(max_size=254), st.integers(0, 255), st.binary(max_size=60))
    def test_any_text_and_tlvs(self, text: bytes, esm_class: int, tail: bytes) -> None:
        """Any text, esm_class and TLV area."""
        try:
            read(raw_of(text, esm_class) + tail)
        except BodyError as error:
            self.assertEqual(error.command_status, ESME_RINVOPTPARSTREAM)

    def test_public_names(self) -> None:
        """The oddities are three different words."""
        self.assertEqual(len({receipts.CONFLICT, receipts.UNHEARD_OF, receipts.UNREADABLE, ""}), 4)
