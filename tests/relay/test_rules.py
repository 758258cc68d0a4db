"""Tests of ``relay.rules``: what an account's settings refuse and change, row by row."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.rules import RefusedError, Rules, check, layout_status, rules_of
from smppproxy.routing.accounts import Account
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import Message, read_message, walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import REFUSALS
from tests.relay.presets import VECTORS, preset_account
from tests.support.memory_peers import make_account, submit

NOW = 1_700_000_000.0
PRESETS = ("sendexa", "gatewayapi", "messangi", "ozeki")


def status(account: Account, raw: bytes, interface_version: int = 0x34) -> int:
    """What the journey would answer, the layout included."""
    try:
        offsets = walk_message(raw)
    except BodyError as error:
        return layout_status(error, account)
    return check(account, raw, offsets, NOW, interface_version)


def judged(account: Account, raw: bytes) -> tuple[Message, bool, str, bytes]:
    """(fields, same object, provider asked for, message class)."""
    rules = rules_of(account)
    assert rules is not None
    pdu = Pdu(c.SUBMIT_SM, 0, 1, raw)
    result = rules.judge(pdu, walk_message(raw), NOW, 0x34)
    assert result.offsets == walk_message(result.pdu.raw)
    return read_message(result.pdu), result.pdu is pdu, result.first, result.message_class


UDH = b"\x05\x00\x03\x2a\x02\x01"
SAR = [(c.TLV_SAR_MSG_REF_NUM, b"\0\x2a"), (c.TLV_SAR_TOTAL_SEGMENTS, b"\2")]
SAR_3 = [*SAR, (c.TLV_SAR_SEGMENT_SEQNUM, b"\1")]
CODINGS = frozenset({0, 8})

#: Refusal, account options, fields of the submit_sm. One or more for each name of rows 18 to 38.
REFUSED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("service_type", {"service_types": {"1": "", "2": ""}}, {"service_type": b"9"}),
    ("source_addr", {"strict_addresses": True}, {"source_addr": b"ABCDEFGHIJKL"}),
    ("source_addr", {"sources": ("1204",), "source_policy": "enforce"}, {"source_addr": b"9999"}),
    ("source_addr_ton", {"strict_ton": True}, {"source_addr_ton": 9}),
    ("source_addr_npi", {"strict_npi": True}, {"source_addr_npi": 7}),
    ("destination_addr", {"strict_addresses": True}, {"destination_addr": b"45ABC"}),
    ("destination_addr", {"strict_addresses": True}, {"destination_addr": b""}),
    ("destination_addr", {"strict_addresses": True}, {"destination_addr": b"1234567890123456"}),
    ("dest_addr_ton", {"strict_ton": True}, {"dest_addr_ton": 2}),
    ("dest_addr_npi", {"strict_npi": True}, {"dest_addr_npi": 4}),
    ("esm_class", {"strict_fields": True}, {"esm_class": 0x04}),
    ("esm_class", {"strict_fields": True}, {"esm_class": 0x40, "short_message": b"\x05\x00"}),
    (
        "esm_class",
        {"strict_fields": True},
        {"esm_class": 0x40, "short_message": b"\x05\x00\x03\x01\x02\x03x"},
    ),
    ("esm_class", {"strict_fields": True}, {"esm_class": 0x40, "short_message": b""}),
    ("priority_flag", {"strict_fields": True}, {"priority_flag": 9}),
    (
        "schedule_delivery_time",
        {"schedule": "refuse"},
        {"schedule_delivery_time": b"000001000000000R"},
    ),
    ("schedule_delivery_time", {"strict_fields": True}, {"schedule_delivery_time": b"later"}),
    ("validity_period", {"strict_fields": True}, {"validity_period": b"soon"}),
    ("validity_period", {"strict_fields": True}, {"validity_period": b"200101000000000+"}),
    ("registered_delivery", {"strict_fields": True}, {"registered_delivery": 0x21}),
    ("replace_if_present", {"strict_fields": True}, {"replace_if_present_flag": 1}),
    ("replace_if_present_flag", {"strict_fields": True}, {"replace_if_present_flag": 2}),
    ("sm_default_msg_id", {"strict_fields": True}, {"sm_default_msg_id": 1}),
    ("data_coding", {"data_codings": CODINGS}, {"data_coding": 9}),
    ("payload", {"strict_payload": True}, {"short_message": b"caf\xe9"}),
    ("payload", {"strict_payload": True, "strict_gsm7": True}, {"short_message": b"a\x1bz"}),
    ("message_length", {"strict_payload": True}, {"data_coding": 8, "short_message": b"\0H\0"}),
    (
        "message_length",
        {"strict_payload": True, "max_parts": 1},
        {"short_message": b"x" * 161},
    ),
    (
        "message_length",
        {"strict_payload": True, "max_payload": 10},
        {"short_message": b"", "tlvs": [(c.TLV_MESSAGE_PAYLOAD, b"x" * 11)]},
    ),
    (
        "tlv_not_allowed",
        {"strict_payload": True},
        {"tlvs": SAR_3, "esm_class": 0x40, "short_message": UDH + b"x"},
    ),
    ("tlv_missing", {"strict_payload": True}, {"tlvs": SAR}),
    (
        "tlv_value",
        {"strict_payload": True},
        {"tlvs": [*SAR, (c.TLV_SAR_SEGMENT_SEQNUM, b"\3")]},
    ),
    ("tlv_value", {"strict_payload": True}, {"tlvs": [(c.TLV_DEST_ADDR_SUBUNIT, b"\x09")]}),
    ("tlv_value", {"message_classes": {"premium": ""}}, {"tlvs": [(0x2900, b"nosuch")]}),
]

#: Vector, preset, answer; None: it goes on.
VECTOR_ANSWERS: list[tuple[str, str, int]] = [
    *(("V06", preset, 0) for preset in PRESETS),
    *(("V09", preset, c.ESME_RINVSCHED) for preset in PRESETS),
    ("V10", "gatewayapi", c.ESME_RINVDSTTON),
    ("V10", "messangi", c.ESME_RINVDSTTON),
    ("V11", "gatewayapi", 0),
    *(("V12", preset, c.ESME_RINVMSGLEN) for preset in PRESETS),
    *(("V13", preset, 0) for preset in PRESETS),
    *(("V14", preset, 0) for preset in PRESETS),
    *(("V15", preset, c.ESME_RSUBMITFAIL) for preset in PRESETS),
    *(("V16", preset, 0) for preset in PRESETS),
    *(("V17", preset, 0) for preset in PRESETS),
    *(("V18", preset, 0) for preset in PRESETS),
    *(("V19", preset, c.ESME_ROPTPARNOTALLWD) for preset in PRESETS),
    ("V20", "gatewayapi", 0),
    *(("V21", preset, 0) for preset in PRESETS),
    *(("V22", preset, 0) for preset in PRESETS),
]


class RefusedTests(SynchronousTestCase):
    """Each refusal of rows 18 to 38."""

    def test_rows_18_to_38(self) -> None:
        """Section 5: each rule answers with its row's command_status, and only if it is asked."""
        for name, options, fields in REFUSED:
            raw = submit(1, **fields)
            wanted = REFUSALS[name].command_status
            self.assertEqual(wanted, status(make_account(**options), raw), (name, fields))
            self.assertEqual(0, status(make_account(), raw), (name, fields))

    def test_each_row_is_there(self) -> None:
        """Every refusal of a field, TLV or payload stands in the table above."""
        named = {name for name, _, _ in REFUSED}
        rows = {each.name for each in REFUSALS.values() if 18 <= each.row <= 38}
        others = {"no_route", "denied", "tlv_stream", "tlv_length", "data_coding_5_0"}
        self.assertEqual(rows - others, named)

    def test_account_errors(self) -> None:
        """An account may have another command_status for each refusal, by its name."""
        for name, options, fields in REFUSED:
            account = make_account(errors={name: 0x0DEF}, **options)
            self.assertEqual(0x0DEF, status(account, submit(1, **fields)), name)

    def test_layout_errors_of_an_account(self) -> None:
        """Rows 16, 17, 34 to 36: as the table has them, or as the account wants them."""
        broken = {
            "service_type_string": submit(1, service_type=b"123456"),
            "source_addr_string": submit(1, source_addr=b"1" * 21),
            "destination_addr_string": submit(1, destination_addr=b"1" * 21),
            "other_string": submit(1, validity_period=b"0" * 17),
            "tlv_stream": submit(1) + b"\x02\x04\x00\x09\x13",
            "tlv_length": submit(1, tlvs=[(c.TLV_USER_MESSAGE_REFERENCE, b"r" * 256)]),
            "tlv_not_allowed": VECTORS["V19"],
            "sm_length": VECTORS["V33"],
            "body_length": submit(1)[:16],
        }
        for name, raw in broken.items():
            raw = len(raw).to_bytes(4, "big") + raw[4:]
            wanted = REFUSALS[name].command_status
            self.assertEqual(wanted, status(make_account(), raw), name)
            self.assertEqual(0x99, status(make_account(errors={name: 0x99}), raw), name)
        times = submit(1, schedule_delivery_time=b"0" * 17)
        self.assertEqual(c.ESME_RINVCMDLEN, status(make_account(), times))
        self.assertRaises(KeyError, BodyError, "nothing_like_it", "")

    def test_gw40_data_coding_to_a_5_0_bind(self) -> None:
        """GW-40: SMPP 5.0 has a code for a data_coding that is not taken."""
        account = preset_account("gatewayapi")
        raw = submit(1, data_coding=9)
        self.assertEqual(c.ESME_RSUBMITFAIL, status(account, raw))
        self.assertEqual(c.ESME_RINVDCS, status(account, raw, 0x50))

    def test_gw40_dcs_extra(self) -> None:
        """GW-40: 16 and 0xF1 to 0xF7 are taken only with dcs_extra."""
        for data_coding in (16, 0xC8, *range(0xF1, 0xF8)):
            raw = submit(1, data_coding=data_coding)
            strict, extra = (preset_account("gatewayapi", dcs_extra=each) for each in (False, True))
            self.assertEqual(c.ESME_RSUBMITFAIL, status(strict, raw), data_coding)
            self.assertEqual(0, status(extra, raw), data_coding)

    def test_gw39_nine_data_codings(self) -> None:
        """GW-39: the nine data codings of the document with a valid payload."""
        account = preset_account("gatewayapi")
        for data_coding in (0, 1, 2, 3, 4, 6, 8, 24, 240):
            self.assertEqual(0, status(account, submit(1, b"4510203040", data_coding=data_coding,
                                                       short_message=b"\0H\0i")))

    def test_the_first_wrong_field_is_named(self) -> None:
        """Fields in the order of the PDU, then TLVs, then the payload."""
        account = preset_account("gatewayapi", service_types={"": ""}, strict_npi=True)
        wrong: list[tuple[str, dict[str, Any]]] = [
            ("service_type", {"service_type": b"9"}),
            ("source_addr_ton", {"source_addr_ton": 9}),
            ("source_addr_npi", {"source_addr_npi": 7}),
            ("dest_addr_ton", {"dest_addr_ton": 2}),
            ("dest_addr_npi", {"dest_addr_npi": 4}),
            ("esm_class", {"esm_class": 0x04}),
            ("priority_flag", {"priority_flag": 4}),
            ("schedule_delivery_time", {"schedule_delivery_time": b"x"}),
            ("validity_period", {"validity_period": b"x"}),
            ("registered_delivery", {"registered_delivery": 0x80}),
            ("replace_if_present", {"replace_if_present_flag": 1}),
            ("sm_default_msg_id", {"sm_default_msg_id": 1}),
            ("tlv_value", {"tlvs": [(c.TLV_DEST_ADDR_SUBUNIT, b"\x09")]}),
            ("data_coding", {"data_coding": 9}),
        ]
        while wrong:
            fields: dict[str, Any] = {}
            for _, each in wrong:
                fields |= each
            name = wrong.pop(0)[0]
            answer = status(account, submit(1, **fields))
            self.assertEqual(REFUSALS[name].command_status, answer, name)


class VectorTests(SynchronousTestCase):
    """The vectors of section 7 to accounts of the documents' presets."""

    def test_v06_to_v22(self) -> None:
        """Each vector gets its document's answer."""
        for vector, preset, wanted in VECTOR_ANSWERS:
            self.assertEqual(
                wanted, status(preset_account(preset), VECTORS[vector]), (vector, preset)
            )

    def test_default_takes_whatever_can_be_carried(self) -> None:
        """Decisions 19: an account of the preset `default` has no rules, and V19 is no message."""
        account = preset_account("default")
        self.assertIsNone(rules_of(account))
        for number in range(6, 23):
            vector = f"V{number:02}"
            if vector not in ("V07", "V08"):
                wanted = c.ESME_ROPTPARNOTALLWD if vector == "V19" else 0
                self.assertEqual(wanted, status(account, VECTORS[vector]), vector)

    def test_gw43_size_of_dest_addr_subunit(self) -> None:
        """GW-43: two octets are 0xC2, 9 is 0xC4."""
        account = preset_account("gatewayapi")
        for value, wanted in ((b"\0\1", c.ESME_RINVPARLEN), (b"\x09", c.ESME_RINVOPTPARAMVAL)):
            raw = submit(1, tlvs=[(c.TLV_DEST_ADDR_SUBUNIT, value)])
            self.assertEqual(wanted, status(account, raw))

    def test_gw45_long_short_message(self) -> None:
        """GW-45: 254 and 255 octets of GSM-7 are a long message, not an error."""
        for length in (254, 255):
            raw = submit(1, short_message=b"x" * length)
            self.assertEqual(0, status(preset_account("gatewayapi"), raw))

    def test_quirks_of_real_clients(self) -> None:
        """Quirks 6: what Kannel, naz and rusmppyc send passes strict_fields."""
        account = make_account(strict_fields=True)
        for fields in (
            {"esm_class": 0x03},
            {"esm_class": 0x43, "short_message": UDH + b"x"},
            {"esm_class": 0x08},
            {"registered_delivery": 0x11},
            {"registered_delivery": 0x1D},
            {"service_type": b"CMT"},
            {"esm_class": 0x40, "short_message": b"", "tlvs": [(c.TLV_MESSAGE_PAYLOAD, UDH)]},
        ):
            self.assertEqual(0, status(account, submit(1, **fields)), fields)

    def test_oz12_alphabet_of_the_account(self) -> None:
        """OZ-12: octets above 0x7f are UTF-8 to an account that says so."""
        raw = submit(1, short_message=b"caf\xc3\xa9")
        self.assertEqual(0, status(preset_account("ozeki"), raw))
        self.assertEqual(c.ESME_RSUBMITFAIL, status(preset_account("gatewayapi"), raw))

    def test_xc13_data_coding_1_is_not_one_thing(self) -> None:
        """XC-13: data_coding 1 is read as the account says."""
        raw = submit(1, data_coding=1, short_message=b"caf\xe9")
        for alphabet, wanted in (("latin1", 0), ("gsm7", c.ESME_RSUBMITFAIL)):
            account = make_account(strict_payload=True, alphabets={1: alphabet})
            self.assertEqual(wanted, status(account, raw))


class ChangedTests(SynchronousTestCase):
    """What is not refused but changed."""

    def test_nothing_to_change(self) -> None:
        """Reading 2: what needs no change stays the same object."""
        for preset in PRESETS:
            _, same, first, message_class = judged(preset_account(preset), VECTORS["V06"])
            self.assertEqual((True, "", b""), (same, first, message_class))

    def test_gw50_priority_is_lowered(self) -> None:
        """GW-50: a priority_flag above max_priority is lowered, not refused."""
        account = preset_account("gatewayapi", max_priority=2)
        fields, same, _, _ = judged(account, submit(1, priority_flag=3))
        self.assertEqual((2, False), (fields.priority_flag, same))
        fields, same, _, _ = judged(account, submit(1, priority_flag=2))
        self.assertEqual((2, True), (fields.priority_flag, same))

    def test_gw19_ton_0_is_1(self) -> None:
        """GW-19: V11's TON and NPI of 0 are 1 from here on."""
        fields, _, _, _ = judged(preset_account("gatewayapi"), VECTORS["V11"])
        self.assertEqual((1, 1), (fields.dest_addr_ton, fields.dest_addr_npi))
        self.assertEqual(b"4510203040", fields.destination_addr)
        self.assertEqual(b"Hello World", fields.short_message)

    def test_mg25_source_is_provisioned(self) -> None:
        """MG-25: an empty source_addr is filled in; another one is replaced, or passes."""
        for policy, sent, wanted in (
            ("enforce", b"", b"1204"),
            ("enforce", b"1205", b"1205"),
            ("replace", b"9999", b"1204"),
            ("any", b"9999", b"9999"),
        ):
            account = make_account(sources=("1204", "1205"), source_policy=policy)
            fields, _, _, _ = judged(account, submit(1, source_addr=sent))
            self.assertEqual(wanted, fields.source_addr, policy)

    def test_mg26_mg27_provisioned_ton_and_npi(self) -> None:
        """MG-26, MG-27: provisioned TON and NPI win; a provisioned destination TON is taken."""
        account = make_account(
            source_ton=1, source_npi=3, dest_ton=2, dest_npi=4, strict_ton=True, strict_npi=True
        )
        sent = submit(1, source_addr_ton=5, dest_addr_ton=2, dest_addr_npi=4)
        fields, _, _, _ = judged(account, sent)
        self.assertEqual(
            (1, 3, 2, 4),
            (
                fields.source_addr_ton,
                fields.source_addr_npi,
                fields.dest_addr_ton,
                fields.dest_addr_npi,
            ),
        )

    def test_sx15_plus_and_00(self) -> None:
        """SX-15: a leading + or 00 is taken off."""
        for sent in (b"+4510203040", b"004510203040", b"4510203040"):
            fields, _, _, _ = judged(preset_account("sendexa"), submit(1, sent))
            self.assertEqual(b"4510203040", fields.destination_addr)

    def test_gw17_schedule_is_ignored(self) -> None:
        """GW-17: with `ignore` the schedule is taken out and the rest stays as it was."""
        account = make_account(schedule="ignore")
        sent = VECTORS["V09"]
        fields, _, _, _ = judged(account, sent)
        before = read_message(Pdu(c.SUBMIT_SM, 0, 1, sent))
        before.schedule_delivery_time = b""
        self.assertEqual(before, fields)

    def test_schedule_that_passes(self) -> None:
        """A schedule in a sound form passes a strict account that may schedule."""
        account = make_account(strict_fields=True)
        self.assertEqual(0, status(account, VECTORS["V09"]))

    def test_gw47_message_class(self) -> None:
        """GW-47: the class leaves its TLV and names a provider first; absent, the account's own."""
        account = make_account(
            message_classes={"premium": "b", "standard": ""}, default_message_class="standard"
        )
        other = (0x1403, b"x")
        for sent, wanted in (
            ([(0x2900, b"premium"), other], ([other], "b", b"premium")),
            ([(0x2900, b"premium\0")], ([], "b", b"premium")),
            ([other], ([other], "", b"standard")),
            ([], ([], "", b"standard")),
        ):
            fields, _, first, message_class = judged(account, submit(1, tlvs=sent))
            self.assertEqual(wanted, (fields.tlvs, first, message_class))
        account = make_account(default_message_class="standard")
        self.assertEqual(b"new", judged(account, submit(1, tlvs=[(0x2900, b"new")]))[3])

    def test_oz09_service_type_selects(self) -> None:
        """OZ-09: a mapped service_type names a provider first."""
        account = make_account(service_types={"1": "b", "": ""})
        self.assertEqual("b", judged(account, submit(1, service_type=b"1"))[2])
        self.assertEqual("", judged(account, submit(1))[2])

    def test_name_of_a_refusal(self) -> None:
        """A refusal inside the journey carries its name."""
        rules = Rules(make_account(schedule="refuse"))
        raw = VECTORS["V09"]
        error = self.assertRaises(
            RefusedError, rules.judge, Pdu(4, 0, 1, raw), walk_message(raw), NOW, 0x34
        )
        self.assertEqual("schedule_delivery_time", error.name)

    def test_build_is_read_again(self) -> None:
        """A changed PDU is a whole submit_sm: its length and its offsets are right."""
        account = make_account(sources=("a-longer-source",), source_policy="replace")
        sent = submit(7, tlvs=[(0x1401, b"x")], validity_period=b"000001000000000R")
        fields, _, _, _ = judged(account, sent)
        self.assertEqual(b"a-longer-source", fields.source_addr)
        before = read_message(Pdu(c.SUBMIT_SM, 0, 7, sent))
        before.source_addr = b"a-longer-source"
        self.assertEqual(build.message(c.SUBMIT_SM, 7, before), build.message(4, 7, fields))
