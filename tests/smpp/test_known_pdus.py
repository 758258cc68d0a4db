"""PDUs from the tests of seven other SMPP projects, with the fields those expect."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import (
    Bind,
    Message,
    read_bind,
    read_bind_resp,
    read_data_sm,
    read_message,
    read_message_id,
)
from smppproxy.smpp.pdu import Pdu
from tests.smpp.samples import known_pdus, one

#: Fields whose expected value is written in hex.
HEX = {"short_message"}
#: submit_sm with short_message and message_payload, which we refuse (GW-46).
TEXT_TWICE = {"node-smpp-002"}


def expected_fields(expect: dict) -> dict:
    """The expected fields as the readers give them: octets for strings, pairs for TLVs."""
    fields: dict[str, Any] = {}
    for name, value in expect.items():
        if name == "tlvs":
            fields[name] = [(tag, bytes.fromhex(octets)) for tag, octets in value]
        elif isinstance(value, str):
            fields[name] = bytes.fromhex(value) if name in HEX else value.encode("latin-1")
        else:
            fields[name] = value
    return fields


class KnownPduTests(SynchronousTestCase):
    """What others wrote, we read; what they expect, we expect."""

    def each(self, *commands: str):
        """(id, pdu, expected fields) of every known PDU of these commands."""
        for entry in known_pdus():
            if entry["command"] in commands:
                yield (
                    entry["id"],
                    one(bytes.fromhex(entry["hex"])),
                    expected_fields(entry["expect"]),
                )

    def compare(self, name: str, read: Bind | Message, expected: dict) -> None:
        """Every expected field that the value has is as expected."""
        for field, value in expected.items():
            if field == "tlvs" and isinstance(read, Message):
                # Not every project keeps the order of the wire; ours is checked octet for octet.
                self.assertEqual(sorted(read.tlvs), sorted(value), name)
            elif hasattr(read, field):
                self.assertEqual(getattr(read, field), value, f"{name} {field}")

    def test_headers(self):
        """All 134 are one PDU each, with the expected header."""
        entries = known_pdus()
        self.assertEqual(len(entries), 134)
        for entry in entries:
            pdu: Pdu = one(bytes.fromhex(entry["hex"]))
            expect = entry["expect"]
            self.assertEqual(
                (pdu.command_id, pdu.command_status, pdu.sequence_number, len(pdu.raw)),
                (
                    expect["command_id"],
                    expect["command_status"],
                    expect["sequence_number"],
                    expect["command_length"],
                ),
                entry["id"],
            )
            self.assertEqual(c.command_name(pdu.command_id), entry["command"])

    def test_binds(self):
        """Bind requests of all three kinds."""
        count = 0
        for name, pdu, expected in self.each(
            "bind_receiver", "bind_transmitter", "bind_transceiver"
        ):
            read = read_bind(pdu)
            self.compare(name, read, expected)
            again = build.bind(pdu.command_id, pdu.sequence_number, read)
            self.assertEqual(again[16:], pdu.raw[16 : len(again)], name)
            count += 1
        self.assertEqual(count, 11)

    def test_bind_resps(self):
        """Their answers, with and without a version."""
        for name, pdu, expected in self.each(
            "bind_receiver_resp", "bind_transmitter_resp", "bind_transceiver_resp"
        ):
            versions = [value[0] for tag, value in expected.get("tlvs", ()) if tag == 0x0210]
            self.assertEqual(
                read_bind_resp(pdu),
                (expected.get("system_id", b""), versions[0] if versions else 0),
                name,
            )

    def test_messages(self):
        """submit_sm and deliver_sm, all fields; all come back octet for octet."""
        same = 0
        for name, pdu, expected in self.each("submit_sm", "deliver_sm"):
            if name in TEXT_TWICE:
                error = self.assertRaises(BodyError, read_message, pdu)
                self.assertEqual(error.command_status, 0xC1)
                continue
            read = read_message(pdu)
            self.compare(name, read, expected)
            sm_length = expected.get("sm_length", len(read.short_message))
            self.assertEqual(len(read.short_message), sm_length)
            again = build.message(pdu.command_id, pdu.sequence_number, read)
            self.assertEqual(again[16:], pdu.raw[16:], name)
            same += 1
        self.assertEqual(same, 40 - len(TEXT_TWICE))

    def test_data_sms(self):
        """data_sm, the fields that it has."""
        for name, pdu, expected in self.each("data_sm"):
            self.compare(name, read_data_sm(pdu), expected)

    def test_message_ids(self):
        """The id of every answer that carries one."""
        for name, pdu, expected in self.each("submit_sm_resp", "deliver_sm_resp", "data_sm_resp"):
            if "message_id" in expected:
                self.assertEqual(read_message_id(pdu), expected["message_id"], name)
