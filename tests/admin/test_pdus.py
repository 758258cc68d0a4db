"""PDUs as people read them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.pdus import addresses, fields_of, system_id_of
from smppproxy.smpp import build
from smppproxy.smpp.constants import BIND_TRANSMITTER, ESM_UDHI
from smppproxy.smpp.fields import Bind


class FieldsTests(SynchronousTestCase):
    """The fields that matter of each PDU."""

    def test_message(self) -> None:
        """Addresses with TON and NPI, codings, wishes that are there, TLVs, and the text."""
        raw = build.submit_sm(
            1, service_type=b"OTP", source_addr_ton=5, source_addr=b"Shop", dest_addr_ton=1,
            dest_addr_npi=1, destination_addr=b"4512345678", priority_flag=2, data_coding=8,
            validity_period=b"000001000000000R", short_message="\u00e6\u4e2d".encode("utf-16-be"),
            tlvs=[(0x1403, b"\x0a")],
        )  # fmt: skip
        self.assertEqual(fields_of(raw), {
            "source_addr": "Shop (5/0)", "destination_addr": "4512345678 (1/1)",
            "esm_class": "0x00", "data_coding": 8, "registered_delivery": 0,
            "service_type": "OTP", "validity_period": "000001000000000R", "priority_flag": 2,
            "text": "\u00e6\u4e2d", "tlvs": {"0x1403": "0a"},
        })  # fmt: skip

    def test_header_and_octets(self) -> None:
        """A user data header stands apart; octets that are no text are shown in hexadecimal."""
        header = b"\x05\x00\x03\x07\x02\x01"
        raw = build.submit_sm(1, esm_class=ESM_UDHI, data_coding=4, short_message=header + b"\xff")
        fields = fields_of(raw)
        self.assertEqual((fields["udh"], fields["octets"]), (header.hex(), "ff"))
        raw = build.submit_sm(1, esm_class=ESM_UDHI, short_message=b"\x20abc")
        self.assertEqual(fields_of(raw)["octets"], "20616263")

    def test_payload(self) -> None:
        """message_payload is the text where there is no other; it is not among the TLVs."""
        raw = build.data_sm(1, destination_addr=b"45", short_message=b"hello")
        self.assertEqual(fields_of(raw)["text"], "hello")
        self.assertNotIn("tlvs", fields_of(raw))

    def test_others(self) -> None:
        """Answers have their message_id, binds their names; the rest has nothing to tell."""
        self.assertEqual(fields_of(build.submit_sm_resp(1, b"77")), {"message_id": "77"})
        bind = build.bind(BIND_TRANSMITTER, 1, Bind(b"shop", b"pw", b"SMPP", 0x34, 0, 0, b""))
        told = {"system_id": "shop", "system_type": "SMPP", "interface_version": "0x34"}
        self.assertEqual(fields_of(bind), told)
        self.assertEqual(fields_of(build.enquire_link(1)), {})

    def test_malformed(self) -> None:
        """A body that cannot be read says why; it has no addresses and is nobody's bind."""
        submit = b"\0\0\0\x14\0\0\0\x04" + bytes(8) + b"abcd"
        self.assertIn("malformed", fields_of(submit))
        self.assertEqual(addresses(submit), ())
        self.assertEqual(system_id_of(submit), b"")
        bind = b"\0\0\0\x14\0\0\0\x02" + bytes(8) + b"abcd"
        self.assertEqual(system_id_of(bind), b"")

    def test_addresses(self) -> None:
        """Numbers of messages without + or 00, for whoever looks for one."""
        raw = build.submit_sm(1, source_addr=b"+4511", destination_addr=b"004522")
        self.assertEqual(addresses(raw), (b"4511", b"4522"))
        self.assertEqual(addresses(build.enquire_link(1)), ())
