"""What the documents imply about ids, receipts and words (XC-01 to XC-04, XC-10, XC-11, XC-13)."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.task import Clock

from smppproxy.receipts.message_ids import format_client_message_id
from smppproxy.relay.numbers import NumberPool
from smppproxy.smpp import constants as c
from smppproxy.smpp.framing import Framer
from smppproxy.store.memory import MemoryStore
from smppproxy.store.memory import World as StoreWorld
from tests.providers.case import VECTORS
from tests.providers.memory import DESTINATION, MemoryCase
from tests.support.logs import logged
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    fields_of,
    receipt,
    submit,
)


class IdTests(MemoryCase):
    """XC-01: our ids."""

    def test_xc01_two_nodes_never_meet(self) -> None:
        """A hundred thousand ids over two nodes that share a store: none twice, each of ten
        digits without a leading zero, none above 4294967295."""
        clock = Clock()
        shared = StoreWorld(clock.seconds)
        pools = []
        for name in ("here", "there"):
            store = MemoryStore(clock, name, shared)
            self.successResultOf(store.start())
            pools.append(NumberPool(store))
            pools[-1].refill()
        ids = {
            format_client_message_id(pools[number & 1].take(), "decimal10")
            for number in range(100_000)
        }
        self.assertEqual(len(ids), 100_000)
        matches = re.compile(rb"[1-4][0-9]{9}").fullmatch
        self.assertTrue(all(matches(each) for each in ids))
        highest = max(format_client_message_id(number, "decimal10") for number in (0, 2**40))
        self.assertLessEqual(int(highest), 0xFFFFFFFF)

    def test_xc01_same_octets_everywhere(self) -> None:
        """The id of the answer, of the receipt's text and of receipted_message_id are the same
        octets, on two nodes with different ids."""
        here = self.world("default")
        there = World(beside=here, node="other")
        ids: list[bytes] = []
        for node in (here, there):
            client, upstream = node.client("esme01"), node.upstream()
            _, message_id = self.through(client, upstream, VECTORS["V06"], b"%d" % len(ids))
            upstream.receipt(b"%d" % len(ids), DESTINATION)
            (pdu,) = client.deliveries()
            message = fields_of(pdu)
            self.assertTrue(message.short_message.startswith(b"id:%b " % message_id))
            self.assertIn((c.TLV_RECEIPTED_MESSAGE_ID, message_id + b"\0"), message.tlvs)
            ids.append(message_id)
        self.assertEqual(len(set(ids)), 2)


class SpellingTests(MemoryCase):
    """XC-02: one id in several spellings."""

    def found(
        self, ids: str, response: bytes, text_id: bytes, tlv_id: bytes = b""
    ) -> int:
        """How many receipts the client gets of one that spells its id so."""
        client, upstream = self.pair(self.world("default", provider=ids))
        self.through(client, upstream, VECTORS["V06"], response)
        tlvs = [(c.TLV_RECEIPTED_MESSAGE_ID, tlv_id + b"\0")] if tlv_id else []
        upstream.receipt(text_id, DESTINATION, tlvs=tlvs)
        self.assertEqual([status for _, status in upstream.answers()], [0])
        return len(client.texts())

    def test_xc02_five_pairs(self) -> None:
        """Seen in the field: hex against zero-padded decimal, zeros against none, lower against
        upper case, and both bases in one PDU, whichever of its two ids is looked at first."""
        hexdec = 'ids.resp = "hex"\nids.receipt_text = "dec"\nids.receipt_tlv = "hex"'
        self.assertEqual(self.found(hexdec, b"39f99dd5", b"0972660181"), 1)
        self.assertEqual(self.found("ids.strip_zeros = true", b"00B8BE19", b"B8BE19"), 1)
        uuid = b"1101c1-8be2-4f"
        self.assertEqual(self.found("ids.fold_case = true", uuid, uuid.upper()), 1)
        for prefer in ("tlv", "text"):
            ids = f'{hexdec}\nreceipt.prefer = "{prefer}"'
            self.assertEqual(self.found(ids, b"6aad5", b"0000436949", b"6aad5"), 1)
            self.assertEqual(self.found(ids, b"6AAD5", b"436949", b"06aad5"), 1)

    def test_xc02_never_without_being_told(self) -> None:
        """A provider whose ids are strings has them compared octet by octet: hex and decimal of
        one number are two ids."""
        self.assertEqual(self.found("", b"39f99dd5", b"0972660181"), 0)
        self.assertEqual(self.found("", b"39f99dd5", b"39F99DD5"), 0)
        self.assertEqual(self.found("", b"39f99dd5", b"39f99dd5"), 1)

    def test_xc02_v29(self) -> None:
        """V29, octet for octet: decimal in the text, hex in the TLV, the text in
        message_payload, answered in hex."""
        ids = 'ids.resp = "hex"\nids.receipt_text = "dec"\nids.receipt_tlv = "hex"'
        client, upstream = self.pair(self.world("default", provider=ids))
        (pdu,), _ = Framer().feed(VECTORS["V29"])
        destination = fields_of(pdu).source_addr
        _, message_id = self.through(client, upstream, submit(2, destination), b"5bcd1")
        upstream.receive(VECTORS["V29"])
        (text,) = client.texts()
        self.assertIn(b"id:%b " % message_id, text)

    def test_xc02_auto_learns_from_ten(self) -> None:
        """With "auto" every spelling is tried until ten pairs have agreed; then the provider's
        spelling is certain, is told, and no other one is looked up."""
        ids = 'ids.resp = "auto"\nids.receipt_text = "auto"\nids.receipt_tlv = "auto"'
        world = self.world("default", provider=ids)
        client, upstream = self.pair(world)
        events = logged(self)
        for number in range(972660181, 972660181 + 10):
            self.assertEqual([event for event in events if event.get("event") == "ids_learned"], [])
            self.through(client, upstream, VECTORS["V06"], b"%08x" % number)
            upstream.receipt(b"%010d" % number, DESTINATION)
            self.assertEqual(len(client.texts()), 1)
        (event,) = [event for event in events if event.get("event") == "ids_learned"]
        self.assertEqual((event["provider"], event["certain"]), ("acme", True))
        self.assertEqual(world.relay.learned(), {"acme": event["spelling"]})
        for word in ("hex", "decimal", "zero-padded"):
            self.assertIn(word, event["spelling"])
        # 12345678 is 0xbc614e, and a number in hex as well: only the learned reading is right.
        self.through(client, upstream, VECTORS["V06"], b"00bc614e")
        self.through(client, upstream, VECTORS["V06"], b"12345678")
        upstream.receipt(b"0012345678", DESTINATION)
        upstream.receipt(b"%010d" % 0x12345678, DESTINATION)
        self.assertEqual(len(client.texts()), 2)


class FormTests(MemoryCase):
    """XC-03, XC-04: how receipts come."""

    def two(self, prefer: str) -> tuple[FakeClient, FakeUpstream, bytes, bytes]:
        """Two accepted messages, 5000 and 6000."""
        world = self.world("default", provider=f'receipt.prefer = "{prefer}"')
        client, upstream = self.pair(world)
        _, first = self.through(client, upstream, VECTORS["V06"], b"5000")
        _, second = self.through(client, upstream, VECTORS["V06"], b"6000")
        return client, upstream, first, second

    def test_xc03_tlv_beats_text(self) -> None:
        """The TLV says 6000 and delivered, the text 5000 and undelivered: it is 6000 that was
        delivered. A provider may be set to the contrary for its ids."""
        tlvs = [(c.TLV_RECEIPTED_MESSAGE_ID, b"6000\0"), (c.TLV_MESSAGE_STATE, b"\x02")]
        for prefer in ("tlv", "text"):
            client, upstream, first, second = self.two(prefer)
            upstream.receipt(b"5000", DESTINATION, b"UNDELIV", tlvs=tlvs)
            (text,) = client.texts()
            self.assertIn(b"id:%b " % (second if prefer == "tlv" else first), text)
            self.assertIn(b" stat:DELIVRD ", text)

    def test_xc03_both_are_tried(self) -> None:
        """When the TLV's id is nobody's, the text's is looked up."""
        client, upstream, first, _ = self.two("tlv")
        tlvs = [(c.TLV_RECEIPTED_MESSAGE_ID, b"7000\0")]
        upstream.receipt(b"5000", DESTINATION, tlvs=tlvs)
        (text,) = client.texts()
        self.assertIn(b"id:%b " % first, text)

    def test_xc04_every_form(self) -> None:
        """No text but TLVs, text in message_payload, data_sm; esm_class 0x04, 0x44, 0x08, 0x20,
        and 0 where the provider is known for it: each is one receipt for the client."""
        line = b"id:6000 sub:001 dlvrd:001 stat:DELIVRD err:000 text:"
        tlvs = [(c.TLV_RECEIPTED_MESSAGE_ID, b"6000\0"), (c.TLV_MESSAGE_STATE, b"\x02")]
        payload = [(c.TLV_MESSAGE_PAYLOAD, line)]
        header = b"\x05\x00\x03\x01\x01\x01"
        forms: list[tuple[str, dict[str, Any]]] = [
            ("tlvs alone", {"esm_class": 4, "short_message": b"", "tlvs": tlvs}),
            ("tlvs, esm_class 0", {"esm_class": 0, "short_message": b"", "tlvs": tlvs}),
            ("payload", {"esm_class": 4, "short_message": b"", "tlvs": payload}),
            ("0x04", {"esm_class": 0x04, "short_message": line}),
            ("0x44", {"esm_class": 0x44, "short_message": header + line}),
            ("0x08", {"esm_class": 0x08, "short_message": line}),
            ("0x20", {"esm_class": 0x20, "short_message": line}),
            ("0x00", {"esm_class": 0x00, "short_message": line}),
        ]
        for name, fields in forms:
            client, upstream = self.accepted(by_text=name == "0x00")
            upstream.receive(receipt(1, b"", DESTINATION, **fields))
            self.assertEqual(upstream.answers(), [(1, 0)], name)
            self.check(client, name)
        self.check_data_sm(line, payload)

    def check_data_sm(self, line: bytes, payload: list[tuple[int, bytes]]) -> None:
        """The receipt in a data_sm."""
        client, upstream = self.accepted()
        (pdu,), _ = Framer().feed(receipt(1, b"", DESTINATION, short_message=b"", tlvs=payload))
        message = fields_of(pdu)
        body = (
            b"\0\x01\x01" + message.source_addr + b"\0\0\0shop\0\x04\0\0"
            + c.TLV_MESSAGE_PAYLOAD.to_bytes(2, "big") + len(line).to_bytes(2, "big") + line
        )  # fmt: skip
        head = c.DATA_SM.to_bytes(4, "big") + b"\0\0\0\0\0\0\0\x09"
        upstream.receive((len(body) + 16).to_bytes(4, "big") + head + body)
        (answer,) = upstream.look(c.DATA_SM_RESP)
        self.assertEqual((answer.sequence_number, answer.command_status), (9, 0))
        self.check(client, "data_sm")

    def accepted(self, by_text: bool = False) -> tuple[FakeClient, FakeUpstream]:
        """A message that the provider took as 6000."""
        options = "receipt.detect_by_text = true" if by_text else ""
        client, upstream = self.pair(self.world("default", provider=options))
        self.through(client, upstream, VECTORS["V06"])
        return client, upstream

    def test_xc04_receipts_that_say_nothing(self) -> None:
        """esm_class 0x04 and 0x20 make a receipt of what cannot be read, which is acknowledged and
        counted; under 0x08 and 0x10 it is a message, for the account of its number."""
        for esm_class, messages in ((0x04, 0), (0x20, 0), (0x08, 1), (0x10, 1)):
            client, upstream = self.accepted()
            octets = receipt(
                1,
                b"",
                DESTINATION,
                esm_class=esm_class,
                short_message=b"garbage",
                destination_addr=b"1204",
            )
            upstream.receive(octets)
            self.assertEqual(upstream.answers(), [(1, 0)])
            self.assertEqual(len(client.deliveries()), messages)
            ledger = client.world.ledger
            self.assertEqual((ledger.mo_in, ledger.unreadable), (messages, 1 - messages))

    def test_xc04_a_person_may_type_that(self) -> None:
        """The text of a receipt in an ordinary message is one: it is for the account of its
        number, unless the provider is known to send receipts so."""
        client, upstream = self.accepted()
        upstream.receipt(b"6000", DESTINATION, esm_class=0, destination_addr=b"1204")
        message = self.delivered(client)
        self.assertEqual((message.esm_class, message.destination_addr), (0, b"1204"))

    def check(self, client: FakeClient, name: str) -> None:
        """The client got one receipt."""
        (pdu,) = client.deliveries()
        message = fields_of(pdu)
        self.assertEqual(message.esm_class, 4, name)
        self.assertIn(b" stat:DELIVRD ", message.short_message, name)


class WishTests(MemoryCase):
    """XC-10: registered_delivery."""

    def test_xc10_matrix(self) -> None:
        """Which of ENROUTE, DELIVRD and UNDELIV come for each value. The account "default" reads
        the bits it knows (decisions 19); one of a document's preset refuses 0x20 with 0x07."""
        stats = (b"ENROUTE", b"DELIVRD", b"UNDELIV")
        wanted = {0: "...", 1: ".DU", 2: "..U", 3: "EDU", 0x10: "E..", 0x11: "EDU", 0x20: "..."}
        for value, row in wanted.items():
            said = ""
            for stat in stats:
                client, upstream = self.pair(self.world("default"))
                octets = submit(2, DESTINATION, registered_delivery=value)
                self.through(client, upstream, octets)
                upstream.receipt(b"6000", DESTINATION, stat)
                said += "".join(chr(text.split(b"stat:")[1][0]) for text in client.texts()) or "."
            self.assertEqual(said, row, hex(value))
        for preset in ("sendexa", "gatewayapi", "ozeki"):
            client, _ = self.pair(self.world(preset))
            octets = submit(2, DESTINATION, registered_delivery=0x20)
            self.assertEqual(self.status(client, octets), c.ESME_RINVREGDLVFLG)

    def test_xc10_intermediate_always(self) -> None:
        """An account may have intermediate receipts without asking each time, but no receipts at
        all where none was asked for."""
        for value, count in ((1, 2), (0, 0)):
            world = self.world("default", 'intermediate = "always"')
            client, upstream = self.pair(world)
            self.through(client, upstream, submit(2, DESTINATION, registered_delivery=value))
            for stat in (b"ENROUTE", b"DELIVRD"):
                upstream.receipt(b"6000", DESTINATION, stat)
            self.assertEqual(len(client.texts()), count)


class WordTests(MemoryCase):
    """XC-11, XC-13: nobody else's words, and what numbers mean."""

    def verdict(self, account: str, status: int) -> int:
        """What the client hears when the provider says this."""
        client, upstream = self.pair(self.world("default", account))
        client.receive(VECTORS["V06"])
        upstream.refuse(status, *upstream.submits())
        ((number, said, message_id),) = client.responses()
        self.assertEqual((number, message_id), (2, b""))
        return said

    def test_xc11_vendor_codes(self) -> None:
        """0x410 becomes 0x45, unless the account wants vendors' codes; a code that is nobody's
        becomes 0x45 for everybody; one about the message is passed."""
        self.assertEqual(self.verdict("", 0x410), c.ESME_RSUBMITFAIL)
        self.assertEqual(self.verdict("pass_vendor_status = true", 0x410), 0x410)
        self.assertEqual(self.verdict("pass_vendor_status = true", 0x12345), c.ESME_RSUBMITFAIL)
        self.assertEqual(self.verdict("", c.ESME_RINVDSTADR), c.ESME_RINVDSTADR)

    def test_xc11_words_of_receipts(self) -> None:
        """The provider's word and state are put in the account's dialect, never as they came."""
        said = {
            ("default", b"BLACKLISTED"): (b"REJECTD", 8),
            ("default", b"BUFFRED"): (b"ENROUTE", 1),
            ("gatewayapi", b"BUFFRED"): (b"BUFFERD", 1),
            ("default", b"CANCELLED"): (b"DELETED", 4),
            ("gatewayapi", b"CANCELLED"): (b"UNDELIV", 5),
            ("default", b"HELLO"): (b"UNKNOWN", 7),
        }
        for (dialect, word), (stat, state) in said.items():
            options = f'dialect = "{dialect}"\nintermediate = "always"'
            client, upstream = self.pair(self.world("default", options))
            self.through(client, upstream, VECTORS["V06"])
            upstream.receipt(b"6000", DESTINATION, word)
            (pdu,) = client.deliveries()
            message = fields_of(pdu)
            self.assertIn(b" stat:%b " % stat, message.short_message)
            self.assertIn((c.TLV_MESSAGE_STATE, bytes([state])), message.tlvs)
            self.assertNotIn(word, pdu.raw)

    def test_xc13_data_coding_1(self) -> None:
        """Octet 0x40 under data_coding 1 of three accounts that mean GSM-7, ASCII and Latin-1 by
        it: an inverted exclamation mark, and twice an at sign."""
        meant = {"gsm7": "¡", "ascii": "@", "latin1": "@"}
        for alphabet, character in meant.items():
            options = f'alphabets = {{ 1 = "{alphabet}" }}'
            client, upstream = self.pair(self.world("default", options, 'preset = "sendexa"'))
            octets = submit(2, DESTINATION, data_coding=1, short_message=b"\x40")
            sent, _ = self.through(client, upstream, octets)
            self.assertEqual(
                (sent.data_coding, sent.short_message), (8, character.encode("utf-16-be"))
            )

    def test_xc13_a_providers_data_coding_1(self) -> None:
        """What stands for an alphabet at a provider is a setting of it too."""
        options = 'preset = "sendexa"\ntext.codings = { gsm7 = 1, ucs2 = 8 }'
        options += '\ntext.default_alphabet = "gsm7"'
        client, upstream = self.pair(self.world("default", "", options))
        sent, _ = self.through(client, upstream, submit(2, DESTINATION, short_message=b"\x40"))
        self.assertEqual((sent.data_coding, sent.short_message), (1, b"\x40"))
