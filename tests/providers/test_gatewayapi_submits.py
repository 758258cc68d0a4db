"""What the GatewayAPI documents promise about submit_sm (GW-17 to GW-19, GW-39 to GW-54)."""

from __future__ import annotations

from typing import Any

from smppproxy.routing.routes import Route, RouteTable, Target
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import read_message_id
from smppproxy.smpp.tlv import tlv
from smppproxy.text.payload import read as read_payload
from smppproxy.text.profile import TextSettings
from tests.providers.case import VECTORS
from tests.providers.memory import DESTINATION, MemoryCase
from tests.support.memory_peers import FakeClient, FakeUpstream, submit

GATEWAYAPI = 'preset = "gatewayapi"'

#: A payload that every one of the nine data codings can read.
CODINGS = (0, 1, 2, 3, 4, 6, 8, 24, 240)
TEXT = b"\x00H\x00i"

OTHERS = (5, 7, 9, 10, 13, 14, 11, 15, 16, 23, 192, 241, 247, 255)


def text(octets: bytes, data_coding: int = 0, **fields: Any) -> bytes:
    """A submit_sm that says this."""
    return submit(2, DESTINATION, short_message=octets, data_coding=data_coding, **fields)


def with_tlvs(*pairs: tuple[int, bytes], **fields: Any) -> bytes:
    """A submit_sm with these TLVs."""
    return submit(2, DESTINATION, tlvs=list(pairs), **fields)


class FieldTests(MemoryCase):
    """Addresses, times and flags."""

    def test_gw17_schedule_is_refused(self) -> None:
        """V09, a message for later, gets 0x61: its client must learn that it would not wait."""
        client, _ = self.pair(self.world("gatewayapi"))
        self.assertEqual(self.status(client, VECTORS["V09"]), c.ESME_RINVSCHED)

    def test_gw17_schedule_is_ignored(self) -> None:
        """Where the account says so the message is sent at once, without its time."""
        world = self.world("gatewayapi", 'schedule = "ignore"', GATEWAYAPI)
        message, _ = self.through(*self.pair(world), VECTORS["V09"])
        self.assertEqual(message.schedule_delivery_time, b"")

    def test_gw17_never_sent_to_the_provider(self) -> None:
        """An account that may schedule cannot do so with this provider: 0x61, nothing is sent."""
        client, _ = self.pair(self.world("gatewayapi", 'schedule = "pass"', GATEWAYAPI))
        later = submit(2, DESTINATION, schedule_delivery_time=b"000001000000000R")
        self.assertEqual(self.status(client, later), c.ESME_RINVSCHED)

    def test_gw18_ton_beyond_international(self) -> None:
        """V10, destination TON 2, gets 0x50; so do all values above 1."""
        client, _ = self.pair(self.world("gatewayapi"))
        self.assertEqual(self.status(client, VECTORS["V10"]), c.ESME_RINVDSTTON)
        for ton in (2, 3, 4, 5, 6, 7, 255):
            octets = submit(3, DESTINATION, dest_addr_ton=ton)
            self.assertEqual(self.status(client, octets), c.ESME_RINVDSTTON)

    def test_gw19_ton_0_is_1(self) -> None:
        """V11, TON 0 NPI 0: upstream it is 1/1, and in the receipt's source too."""
        client, upstream = self.pair(self.world("gatewayapi", "", GATEWAYAPI))
        message, _ = self.through(client, upstream, VECTORS["V11"])
        self.assertEqual((message.dest_addr_ton, message.dest_addr_npi), (1, 1))
        upstream.receipt(b"6000", DESTINATION)
        receipt = self.delivered(client)
        self.assertEqual((receipt.source_addr_ton, receipt.source_addr), (1, DESTINATION))

    def test_gw19_without_a_profile(self) -> None:
        """Also a provider that takes what comes gets TON 1."""
        message, _ = self.through(*self.pair(self.world("gatewayapi")), VECTORS["V11"])
        self.assertEqual(message.dest_addr_ton, 1)

    def test_gw19_other_npi(self) -> None:
        """Any destination NPI is taken, with strict_npi only 0 and 1: else 0x51."""
        octets = submit(2, DESTINATION, dest_addr_npi=9)
        self.through(*self.pair(self.world("gatewayapi")), octets)
        client, _ = self.pair(self.world("gatewayapi", "strict_npi = true"))
        self.assertEqual(self.status(client, octets), c.ESME_RINVDSTNPI)

    def test_gw50_priority_is_lowered(self) -> None:
        """A priority above the account's is lowered, not refused; beyond 3 there is none: 0x06."""
        client, upstream = self.pair(self.world("gatewayapi", "max_priority = 2", GATEWAYAPI))
        for given, sent in ((0, 0), (1, 1), (2, 2), (3, 2)):
            message, _ = self.through(client, upstream, submit(2, DESTINATION, priority_flag=given))
            self.assertEqual(message.priority_flag, sent)
        for given in (4, 9, 255):
            octets = submit(3, DESTINATION, priority_flag=given)
            self.assertEqual(self.status(client, octets), c.ESME_RINVPRTFLG)


class CodingTests(MemoryCase):
    """data_coding and the payload under it."""

    def test_gw39_the_nine(self) -> None:
        """Each of the nine data codings is taken with a payload that it can read."""
        client, upstream = self.pair(self.world("gatewayapi"))
        for data_coding in CODINGS:
            message, _ = self.through(client, upstream, text(TEXT, data_coding))
            self.assertEqual((message.data_coding, message.short_message), (data_coding, TEXT))

    def test_gw39_to_the_provider(self) -> None:
        """The provider speaks them too: what is no flash goes out as it came."""
        client, upstream = self.pair(self.world("gatewayapi", "", GATEWAYAPI))
        for data_coding in (0, 1, 3, 4, 6, 8):
            message, _ = self.through(client, upstream, text(TEXT, data_coding))
            self.assertEqual((message.data_coding, message.short_message), (data_coding, TEXT))

    def test_gw40_others(self) -> None:
        """Any other data_coding gets 0x45, on a session bound as 5.0 its own code 0x104."""
        world = self.world("gatewayapi")
        client, _ = self.pair(world)
        new = world.client("esme01", interface_version=0x50)
        for data_coding in OTHERS:
            self.assertEqual(self.status(client, text(TEXT, data_coding)), c.ESME_RSUBMITFAIL)
            self.assertEqual(self.status(new, text(TEXT, data_coding)), 0x104)

    def test_gw40_message_classes_on_request(self) -> None:
        """Flash GSM-7 as 16 and the classes 0xF1 to 0xF7 are taken only with dcs_extra."""
        client, upstream = self.pair(self.world("gatewayapi", "dcs_extra = true"))
        for data_coding in (16, *range(0xF1, 0xF8)):
            self.through(client, upstream, text(b"Hi", data_coding))
        self.assertEqual(self.status(client, text(b"Hi", 9)), c.ESME_RSUBMITFAIL)

    def test_gw41_undecodable_payload(self) -> None:
        """V15, an octet that GSM-7 does not have, gets 0x45; V12, half a UCS2 character, 0x01. So
        do ASCII with its top bit set, and a flash text of either kind.
        """
        client, _ = self.pair(self.world("gatewayapi"))
        self.assertEqual(self.status(client, VECTORS["V15"]), c.ESME_RSUBMITFAIL)
        self.assertEqual(self.status(client, VECTORS["V12"]), c.ESME_RINVMSGLEN)
        for octets, data_coding, status in (
            (b"caf\xe9", 1, c.ESME_RSUBMITFAIL),
            (b"caf\xe9", 240, c.ESME_RSUBMITFAIL),
            (b"abc\x1b", 0, c.ESME_RSUBMITFAIL),
            (b"\x00H\x00", 24, c.ESME_RINVMSGLEN),
        ):
            self.assertEqual(self.status(client, text(octets, data_coding)), status)

    def test_gw41_lone_surrogate(self) -> None:
        """UCS2 knows no surrogates: a lone one passes, unless the account is strict_utf16."""
        octets = text(b"\xd8\x3d", 8)
        self.through(*self.pair(self.world("gatewayapi")), octets)
        client, _ = self.pair(self.world("gatewayapi", "strict_utf16 = true"))
        self.assertEqual(self.status(client, octets), c.ESME_RSUBMITFAIL)

    def test_gw42_flash_by_data_coding(self) -> None:
        """V13 and V14 reach a provider that takes flash by TLV as the plain coding and
        dest_addr_subunit 1; one that takes it by data_coding gets 24 and 240.
        """
        client, upstream = self.pair(self.world("gatewayapi", "", GATEWAYAPI))
        for vector, data_coding, octets in (("V13", 8, b"\0H\0i"), ("V14", 0, b"\0")):
            message, _ = self.through(client, upstream, VECTORS[vector])
            self.assertEqual((message.data_coding, message.short_message), (data_coding, octets))
            self.assertIn((c.TLV_DEST_ADDR_SUBUNIT, b"\x01"), message.tlvs)
        by_coding = f'{GATEWAYAPI}\ntext.flash = "dcs-24-240"'
        client, upstream = self.pair(self.world("gatewayapi", "", by_coding))
        for vector, data_coding in (("V13", 24), ("V14", 240)):
            message, _ = self.through(client, upstream, VECTORS[vector])
            self.assertEqual(message.data_coding, data_coding)
            self.assertNotIn(c.TLV_DEST_ADDR_SUBUNIT, dict(message.tlvs))

    def test_gw43_flash_by_tlv(self) -> None:
        """V21 is flash upstream; where TLV and data_coding disagree the TLV wins."""
        client, upstream = self.pair(self.world("gatewayapi", "", GATEWAYAPI))
        message, _ = self.through(client, upstream, VECTORS["V21"])
        self.assertIn((c.TLV_DEST_ADDR_SUBUNIT, b"\x01"), message.tlvs)
        octets = text(b"\0H\0i", 24, tlvs=[(c.TLV_DEST_ADDR_SUBUNIT, b"\x02")])
        message, _ = self.through(client, upstream, octets)
        self.assertEqual(message.data_coding, 8)
        self.assertNotIn((c.TLV_DEST_ADDR_SUBUNIT, b"\x01"), message.tlvs)

    def test_gw43_wrong_dest_addr_subunit(self) -> None:
        """More than one octet is 0xC2, a unit that does not exist 0xC4."""
        client, _ = self.pair(self.world("gatewayapi"))
        for value, status in (
            (b"\0\x01", c.ESME_RINVPARLEN),
            (b"", c.ESME_RINVPARLEN),
            (b"\x09", c.ESME_RINVOPTPARAMVAL),
        ):
            octets = with_tlvs((c.TLV_DEST_ADDR_SUBUNIT, value))
            self.assertEqual(self.status(client, octets), status)


class LongTests(MemoryCase):
    """Messages of more than one SMS."""

    def test_gw44_payload_in_one(self) -> None:
        """V18, 300 octets in message_payload, goes to this provider as it came; one id."""
        client, upstream = self.pair(self.world("gatewayapi", "", GATEWAYAPI))
        message, _ = self.through(client, upstream, VECTORS["V18"])
        self.assertEqual(message.short_message, b"")
        self.assertIn((c.TLV_MESSAGE_PAYLOAD, b"a" * 300), message.tlvs)

    def test_gw44_payload_in_parts(self) -> None:
        """To a provider without message_payload it goes in parts of 153 and 147 characters, and one
        receipt of both comes when both are final.
        """
        udh = f'{GATEWAYAPI}\ntext.long = "udh"'
        client, upstream = self.pair(self.world("gatewayapi", "", udh))
        parts, message_id = self.parts(client, upstream, VECTORS["V18"], b"61", b"62")
        texts = [part.short_message[part.short_message[0] + 1 :] for part in parts]
        self.assertEqual([len(each) for each in texts], [153, 147])
        self.assertEqual({part.esm_class & c.ESM_UDHI for part in parts}, {c.ESM_UDHI})
        upstream.receipt(b"61", DESTINATION)
        self.assertEqual(client.deliveries(), [])
        upstream.receipt(b"62", DESTINATION)
        receipt = self.delivered(client)
        self.assertTrue(
            receipt.short_message.startswith(b"id:" + message_id + b" sub:002 dlvrd:002 ")
        )
        self.assertIn(b"stat:DELIVRD", receipt.short_message)

    def test_gw44_too_long(self) -> None:
        """More than max_payload octets get 0x01."""
        client, upstream = self.pair(self.world("gatewayapi", "", GATEWAYAPI))
        for count in (39_015, 39_016):
            octets = with_tlvs((c.TLV_MESSAGE_PAYLOAD, b"a" * count), short_message=b"")
            if count <= 39_015:
                self.through(client, upstream, octets)
            else:
                self.assertEqual(self.status(client, octets), c.ESME_RINVMSGLEN)

    def test_gw45_254_and_255(self) -> None:
        """Both lengths of short_message are taken and never sent so: 255 octets do not fit into
        short_message of SMPP 3.4.
        """
        client, upstream = self.pair(self.world("gatewayapi", "", GATEWAYAPI))
        for count in (254, 255):
            message, _ = self.through(client, upstream, text(b"a" * count))
            self.assertLessEqual(len(message.short_message), 254)
            payload = dict(message.tlvs).get(c.TLV_MESSAGE_PAYLOAD, b"")
            self.assertEqual(message.short_message + payload, b"a" * count)
        udh = f'{GATEWAYAPI}\ntext.long = "udh"'
        client, upstream = self.pair(self.world("gatewayapi", "", udh))
        for count in (254, 255):
            parts, _ = self.parts(client, upstream, text(b"a" * count), b"61", b"62")
            self.assertEqual(
                b"".join(part.short_message[6:] for part in parts), b"a" * count
            )

    def test_gw46_short_message_and_payload(self) -> None:
        """V19 has both: 0xC1. A payload of no octets counts as none."""
        client, upstream = self.pair(self.world("gatewayapi"))
        self.assertEqual(self.status(client, VECTORS["V19"]), c.ESME_ROPTPARNOTALLWD)
        self.through(client, upstream, with_tlvs((c.TLV_MESSAGE_PAYLOAD, b"")))


class TlvTests(MemoryCase):
    """Optional fields."""

    def two_providers(self, account: str) -> tuple[FakeClient, FakeUpstream, FakeUpstream]:
        """Providers A, which knows no classes, and B, which does; A comes first."""
        table = (
            '[provider.plain]\nsystem_id = "n"\npassword = "p"\nsend.tlvs = []\n'
            '[provider.plain.host.a]\naddress = "127.0.0.1"\nport = 2776\n'
        )
        world = self.world("gatewayapi", account, GATEWAYAPI, table)
        targets = (Target("plain"), Target("acme", backup=True))
        world.routes = RouteTable((Route("all", targets=targets),))
        world.relay.use(world.accounts, world.routes, world.mo, world.now)
        client = world.client("esme01")
        return client, world.upstream(provider="plain"), world.upstream(provider="acme")

    def test_gw47_class_chooses_the_provider(self) -> None:
        """V20, class premium, goes to the provider of that class; without a class the message goes
        the usual way, and there the TLV of this document is never sent.
        """
        table = 'message_classes = { premium = "acme", standard = "" }'
        client, plain, acme = self.two_providers(table)
        message, _ = self.through(client, acme, VECTORS["V20"])
        self.assertIn((0x2900, b"premium"), message.tlvs)
        self.assertEqual(plain.submits(), [])
        message, _ = self.through(client, plain, with_tlvs((0x2900, b"standard\0")))
        self.assertEqual(message.tlvs, [])

    def test_gw47_unknown_class(self) -> None:
        """A class that is not in the account's table gets 0xC4."""
        client, _ = self.pair(self.world("gatewayapi"))
        octets = with_tlvs((0x2900, b"nosuch"))
        self.assertEqual(self.status(client, octets), c.ESME_RINVOPTPARAMVAL)

    def test_gw47_class_of_the_account(self) -> None:
        """A message without a class has the account's."""
        table = 'default_message_class = "premium"'
        client, upstream = self.pair(self.world("gatewayapi", table, GATEWAYAPI))
        message, _ = self.through(client, upstream, VECTORS["V06"])
        self.assertIn((0x2900, b"premium"), message.tlvs)

    def test_gw51_unknown_tlvs(self) -> None:
        """A TLV that nobody here knows is taken; only a provider that lists it gets it."""
        octets = with_tlvs((0x1403, b"x"))
        for options, sent in ((GATEWAYAPI, False), (f"{GATEWAYAPI}\nsend.tlvs = [0x1403]", True)):
            message, _ = self.through(*self.pair(self.world("gatewayapi", "", options)), octets)
            self.assertEqual((0x1403, b"x") in message.tlvs, sent)

    def test_gw52_tlv_beyond_the_end(self) -> None:
        """A length that runs past the PDU gets 0xC0."""
        client, _ = self.pair(self.world("gatewayapi"))
        whole = VECTORS["V06"] + bytes.fromhex("0204000913")
        octets = len(whole).to_bytes(4, "big") + whole[4:]
        self.assertEqual(self.status(client, octets), c.ESME_RINVOPTPARSTREAM)

    def test_gw53_uncounted_nul(self) -> None:
        """V22 has one NUL behind its text that sm_length does not count: it is taken and its SAR
        TLVs, part 1 of 2 with reference 42, are not lost. A lone NUL at the end says nothing.
        """
        client, upstream = self.pair(self.world("gatewayapi"))
        message, _ = self.through(client, upstream, VECTORS["V22"])
        self.assertEqual(message.short_message, b"part one")
        self.assertEqual(
            message.tlvs,
            [
                (c.TLV_SAR_MSG_REF_NUM, b"\0\x2a"),
                (c.TLV_SAR_TOTAL_SEGMENTS, b"\x02"),
                (c.TLV_SAR_SEGMENT_SEQNUM, b"\x01"),
            ],
        )
        read = read_payload(
            message.esm_class, 0, message.short_message, message.tlvs, TextSettings()
        )
        self.assertEqual(read.segment, (42, 2, 1))
        whole = VECTORS["V06"] + b"\0"
        message, _ = self.through(
            client, upstream, len(whole).to_bytes(4, "big") + whole[4:]
        )
        self.assertEqual((message.short_message, message.tlvs), (b"Hello World", []))


class AnswerTests(MemoryCase):
    """submit_sm_resp, ours and the provider's."""

    def test_gw54_our_answer(self) -> None:
        """OK: the id, its NUL and nothing else, as V07; an error: sixteen octets, as V08."""
        client, upstream = self.pair(self.world("gatewayapi", "tps = 1\nburst = 1"))
        client.receive(VECTORS["V06"])
        (pdu,) = upstream.submits()
        upstream.accept((pdu, b"6000"))
        (answer,) = client.look(c.SUBMIT_SM_RESP)
        expected = VECTORS["V07"].replace(b"1390125333", read_message_id(answer))
        self.assertEqual(answer.raw, expected)
        client.receive(VECTORS["V06"])
        (answer,) = client.look(c.SUBMIT_SM_RESP)
        self.assertEqual(answer.raw, VECTORS["V08"])

    def test_gw54_providers_answers(self) -> None:
        """Errors with a body or without, an id with TLVs behind it, no NUL: all are read."""
        client, upstream = self.pair(self.world("gatewayapi"))
        for body, status in ((b"", 0x0A), (b"\0", 0x0A), (b"00\0", 0x0A), (b"77", 0), (b"77\0", 0)):
            client.receive(VECTORS["V06"])
            (pdu,) = upstream.submits()
            header = build.header(c.SUBMIT_SM_RESP, status, pdu.sequence_number)
            upstream.receive((16 + len(body)).to_bytes(4, "big") + header[4:] + body)
            ((_, given, _),) = client.responses()
            self.assertEqual(given, status)
        client.receive(VECTORS["V06"])
        (pdu,) = upstream.submits()
        body = b"78\0" + tlv(c.TLV_SC_INTERFACE_VERSION, b"\x34")
        header = build.header(c.SUBMIT_SM_RESP, 0, pdu.sequence_number)
        upstream.receive((16 + len(body)).to_bytes(4, "big") + header[4:] + body)
        ((_, _, message_id),) = client.responses()
        upstream.receipt(b"78", DESTINATION)
        receipt = self.delivered(client)
        self.assertTrue(receipt.short_message.startswith(b"id:" + message_id))
