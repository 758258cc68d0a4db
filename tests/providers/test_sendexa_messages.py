"""What the Sendexa document promises about messages (SX-12 to SX-24), kept on both sides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import read_message_id
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.memory import MemoryStore
from smppproxy.store.memory import World as StoreWorld
from tests.providers.case import PASSWORD, SYSTEM_ID, VECTORS, DocumentCase
from tests.providers.memory import DESTINATION, MemoryCase, provider_table
from tests.support.logs import logged
from tests.support.memory_peers import FakeUpstream, World, fields_of, mo, submit
from tests.support.peers import FakeClient, reactor

SENDEXA = 'preset = "sendexa"'
SHAPES = json.loads((Path(__file__).parents[1] / "receipts" / "receipts.json").read_text())


def numbered(numbers: Sequence[int]) -> bytes:
    """V06 with these sequence_numbers."""
    head, tail = VECTORS["V06"][:12], VECTORS["V06"][16:]
    return b"".join(head + number.to_bytes(4, "big") + tail for number in numbers)


class SubmitTests(DocumentCase):
    """Over sockets."""

    async def test_sx12_id_of_ten_digits(self) -> None:
        """An accepted submit_sm gets a message_id of ten decimal digits without a leading zero."""
        world = await self.document("sendexa")
        await world.send(VECTORS["V06"])
        pdu, _ = await world.upstream_submit()
        await world.accept(pdu, b"6000")
        resp = await world.answer()
        self.assertEqual((resp.sequence_number, resp.command_status), (2, 0))
        self.assertRegex(read_message_id(resp), rb"^[1-9][0-9]{9}$")

    async def test_sx19_fifty_at_once(self) -> None:
        """Fifty submit_sm before the first answer: fifty OK, none throttled."""
        world = await self.document("sendexa", provider="window = 50")
        await world.send(numbered(range(2, 52)))
        pdus = [await world.upstream_submit() for _ in range(50)]
        for pdu, _ in pdus:
            await world.accept(pdu, b"%d" % pdu.sequence_number)
        answers = [await world.answer() for _ in range(50)]
        self.assertEqual({pdu.command_status for pdu in answers}, {0})
        self.assertEqual(len({read_message_id(pdu) for pdu in answers}), 50)


class ReceiptTests(MemoryCase):
    """Which receipts come."""

    def test_sx13_no_receipt_unasked(self) -> None:
        """registered_delivery 0: what the provider sends all the same is acknowledged, counted
        and not passed on; the provider was not asked for one either."""
        world = self.world("sendexa", provider=SENDEXA)
        client, upstream = self.pair(world)
        sent, _ = self.through(client, upstream, submit(2, DESTINATION, registered_delivery=0))
        self.assertEqual(sent.registered_delivery, 0)
        number = upstream.receipt(b"6000", DESTINATION)
        world.advance(5)
        self.assertEqual(client.deliveries(), [])
        self.assertEqual(upstream.answers(), [(number, 0)])
        self.assertEqual(world.ledger.unwanted, 1)

    def test_sx13_one_final_receipt(self) -> None:
        """registered_delivery 1 is asked of the provider; one final receipt comes, however often
        the provider sends it."""
        world = self.world("sendexa", provider=SENDEXA)
        client, upstream = self.pair(world)
        sent, message_id = self.through(client, upstream, VECTORS["V06"])
        self.assertEqual(sent.registered_delivery, 1)
        for stat in (b"ENROUTE", b"DELIVRD", b"DELIVRD"):
            upstream.receipt(b"6000", DESTINATION, stat)
        (text,) = client.texts()
        self.assertIn(b"id:%b " % message_id, text)
        self.assertIn(b" stat:DELIVRD ", text)
        self.assertEqual([status for _, status in upstream.answers()], [0, 0, 0])

    def test_sx24_28_shapes(self) -> None:
        """Each of the 28 shapes of receipts finds its message, and the client gets the canonical
        line with its own id; words that are no outcome are passed on as UNKNOWN."""
        read = 0
        words = {1: b"ENROUTE", 2: b"DELIVRD", 3: b"EXPIRED", 5: b"UNDELIV", 6: b"ACCEPTD"}
        words |= {7: b"UNKNOWN", 8: b"REJECTD"}
        for shape in SHAPES:
            if shape.get("receipt") is False:
                continue
            world = self.world("sendexa", 'intermediate = "always"', SENDEXA)
            client, upstream = self.pair(world)
            _, message_id = self.through(client, upstream, VECTORS["V06"], shape["id"].encode())
            text = bytes.fromhex(shape["hex"])
            upstream.receipt(b"", DESTINATION, short_message=text)
            (line,) = client.texts()
            said = message_id, words.get(shape["message_state"], b"UNKNOWN")
            self.assertRegex(
                line,
                rb"^id:%b sub:\d{3} dlvrd:\d{3} submit date:\d{10} done date:\d{10} stat:%b "
                rb"err:[0-9A-Za-z]{3} text:[ -~]{0,20}$" % said,
                shape["name"],
            )
            read += 1
        self.assertEqual(read, 28)


class AddressTests(MemoryCase):
    """Who sends, and to whom."""

    def sent_from(self, source: bytes, ton: int = 0, npi: int = 0) -> tuple[int, int, bytes]:
        """TON, NPI and source_addr as the provider sees them."""
        world = self.world("sendexa", provider=SENDEXA)
        client, upstream = self.pair(world)
        octets = submit(
            2, DESTINATION, source_addr=source, source_addr_ton=ton, source_addr_npi=npi
        )
        sent, _ = self.through(client, upstream, octets)
        return sent.source_addr_ton, sent.source_addr_npi, sent.source_addr

    def refusal(self, **fields: object) -> int:
        """The command_status that a submit_sm with these fields gets."""
        client, _ = self.pair(self.world("sendexa", provider=SENDEXA))
        return self.status(client, submit(2, **({"destination": DESTINATION} | fields)))  # type: ignore[arg-type]

    def test_sx14_sources(self) -> None:
        """Text without a TON goes out as 5/0, a short code as 3/0, a whole number as 1/1."""
        self.assertEqual(self.sent_from(b"Acme Shop"), (5, 0, b"Acme Shop"))
        self.assertEqual(self.sent_from(b"ABCDEFGHIJK"), (5, 0, b"ABCDEFGHIJK"))
        self.assertEqual(self.sent_from(b"12345"), (3, 0, b"12345"))
        self.assertEqual(self.sent_from(b"233201234567890"), (1, 1, b"233201234567890"))

    def test_sx14_refused(self) -> None:
        """Twelve characters, sixteen digits, or more than the field holds: 0x0A."""
        for source in (b"ABCDEFGHIJKL", b"1234567890123456", b"1" * 21):
            self.assertEqual(
                self.refusal(source_addr=source, source_addr_ton=0), c.ESME_RINVSRCADR
            )

    def sent_to(self, destination: bytes, options: str = "") -> bytes:
        """destination_addr as the provider sees it."""
        world = self.world("sendexa", options, SENDEXA)
        client, upstream = self.pair(world)
        return self.through(client, upstream, submit(2, destination))[0].destination_addr

    def test_sx15_plus_and_00(self) -> None:
        """One + is taken off, 00 too unless the account keeps it."""
        self.assertEqual(self.sent_to(b"+4510203040"), b"4510203040")
        self.assertEqual(self.sent_to(b"004510203040"), b"4510203040")
        self.assertEqual(self.sent_to(b"004510203040", "strip_00 = false"), b"004510203040")
        self.assertEqual(self.sent_to(b"1234567"), b"1234567")
        self.assertEqual(self.sent_to(b"123456789012345"), b"123456789012345")

    def test_sx15_refused(self) -> None:
        """Letters, nothing, too few or too many digits: 0x0B."""
        for destination in (b"45ABC", b"45ABC67890", b"", b"123456", b"1234567890123456", b"+"):
            self.assertEqual(self.refusal(destination=destination), c.ESME_RINVDSTADR)


class TextTests(MemoryCase):
    """data_coding."""

    def sent(self, data_coding: int, octets: bytes, **fields: object) -> tuple[int, bytes]:
        """data_coding and text as Sendexa gets them."""
        client, upstream = self.pair(self.world("sendexa", provider=SENDEXA))
        octets = submit(2, DESTINATION, data_coding=data_coding, short_message=octets, **fields)
        sent, _ = self.through(client, upstream, octets)
        self.assertNotIn(c.TLV_DEST_ADDR_SUBUNIT, [tag for tag, _ in sent.tlvs])
        return sent.data_coding, sent.short_message

    def test_sx16_default_is_ascii_or_gsm7(self) -> None:
        """Only what is the same in ASCII and GSM-7 goes as data_coding 0, all else as UCS2."""
        self.assertEqual(self.sent(0, b"a\x00b"), (8, b"\0a\0@\0b"))
        self.assertEqual(self.sent(0, b"abc"), (0, b"abc"))
        self.assertEqual(self.sent(0, b"line\r\nline"), (0, b"line\r\nline"))
        self.assertEqual(self.sent(0, b"\x1be"), (8, "€".encode("utf-16-be")))

    def test_sx17_ucs2_has_even_octets(self) -> None:
        """V12, three octets of UCS2: 0x01; two octets are fine."""
        client, _ = self.pair(self.world("sendexa", provider=SENDEXA))
        self.assertEqual(self.status(client, VECTORS["V12"]), c.ESME_RINVMSGLEN)
        self.assertEqual(self.sent(8, b"\x00\x48"), (8, b"\x00\x48"))

    def test_sx18_only_0_and_8(self) -> None:
        """Other codings of text become 0 or 8; flash is lost, the text is not."""
        self.assertEqual(self.sent(1, b"abc"), (0, b"abc"))
        self.assertEqual(self.sent(1, b"a@c"), (8, b"\0a\0@\0c"))
        self.assertEqual(self.sent(3, b"caf\xe9"), (8, "café".encode("utf-16-be")))
        self.assertEqual(self.sent(6, b"\xbf\xe0\xd8\xd2"), (8, "Прив".encode("utf-16-be")))
        self.assertEqual(self.sent(24, b"\0H\0i"), (8, b"\0H\0i"))
        self.assertEqual(self.sent(240, b"Hi"), (0, b"Hi"))

    def test_sx18_binary_goes_elsewhere(self) -> None:
        """Binary with Sendexa alone: 0x45. With another provider on the route: there."""
        octets = submit(2, DESTINATION, data_coding=4, short_message=b"\x01\xff")
        client, _ = self.pair(self.world("sendexa", provider=SENDEXA))
        self.assertEqual(self.status(client, octets), c.ESME_RSUBMITFAIL)
        more = provider_table('preset = "gatewayapi"', name="beta")
        world = self.world("sendexa", provider=SENDEXA, more=more)
        client, sendexa = self.pair(world)
        beta = world.upstream(provider="beta")
        sent, _ = self.through(client, beta, octets)
        self.assertEqual((sent.data_coding, sent.short_message), (4, b"\x01\xff"))
        self.assertEqual(sendexa.submits(), [])


class WindowTests(MemoryCase):
    """How much at once, and in what order."""

    def test_sx19_fifty_one_by_one(self) -> None:
        """Fifty submit_sm, each in a read of its own, none answered: all go out, and the client
        is still read."""
        world = self.world("sendexa", provider="window = 50")
        client, upstream = self.pair(world)
        for number in range(1, 51):
            client.receive(numbered([number]))
        self.assertEqual((client.responses(), client.held), ([], False))
        self.assertEqual((len(upstream.submits()), client.outstanding), (50, 50))
        self.assertEqual(client.account.window, 50)

    def test_sx19_the_presets_window(self) -> None:
        """Sendexa sees 25 unanswered submit_sm and no more; one answer lets one more out."""
        world = self.world("sendexa", provider=SENDEXA)
        client, upstream = self.pair(world)
        client.receive(numbered(range(1, 41)))
        pdus = upstream.submits()
        self.assertEqual(len(pdus), 25)
        world.advance(2)
        self.assertEqual(upstream.submits(), [])
        upstream.accept((pdus[0], b"x"))
        self.assertEqual(len(upstream.submits()), 1)

    def test_sx19_window_is_settable(self) -> None:
        """... or as many as its window says."""
        world = self.world("sendexa", provider=SENDEXA + "\nwindow = 50")
        client, upstream = self.pair(world)
        client.receive(numbered(range(1, 61)))
        self.assertEqual(len(upstream.submits()), 50)

    def test_sx20_any_order(self) -> None:
        """The provider answers backwards: each answer goes to its own submit_sm, at once, and
        each receipt finds its message."""
        world = self.world("sendexa", provider=SENDEXA)
        client, upstream = self.pair(world)
        client.receive(numbered(range(1, 11)))
        ids: dict[bytes, bytes] = {}
        pdus = upstream.submits()
        self.assertEqual(len(pdus), 10)
        for number, pdu in reversed([*enumerate(pdus, 1)]):
            upstream.accept((pdu, b"up%d" % number))
            ((answered, status, message_id),) = client.responses()
            self.assertEqual((answered, status), (number, 0))
            ids[b"up%d" % number] = message_id
        self.assertEqual(len(set(ids.values())), 10)
        for provider_message_id, message_id in ids.items():
            upstream.receipt(provider_message_id, DESTINATION)
            self.assertIn(b"id:%b " % message_id, client.texts()[0])


class RateTests(MemoryCase):
    """Too much."""

    def answer_all(self, upstream: FakeUpstream) -> int:
        """The provider takes everything that came; how many these were."""
        pdus = upstream.submits()
        upstream.accept(*((pdu, b"u%d" % pdu.sequence_number) for pdu in pdus))
        return len(pdus)

    def test_sx21_tps_of_the_account(self) -> None:
        """TPS 10: of 40 submit_sm over two sessions 10 to 12 are taken, 0x58 to the rest and none
        lost; a second later ten more are."""
        world = self.world("sendexa", "tps = 10", SENDEXA + "\nwindow = 50")
        clients = [world.client("esme01"), world.client("esme01")]
        upstream = world.upstream()
        for expected in (10, 10):
            for client in clients:
                client.receive(numbered(range(1, 21)))
            taken = self.answer_all(upstream)
            self.assertTrue(expected <= taken <= expected + 2, taken)
            statuses = [status for client in clients for _, status, _ in client.responses()]
            self.assertEqual(len(statuses), 40)
            self.assertEqual(statuses.count(0), taken)
            self.assertEqual(statuses.count(c.ESME_RTHROTTLED), 40 - taken)
            world.advance(1)

    def test_sx22_answer_to_too_much(self) -> None:
        """Over the limit: the 16 octets of V08 at once, and nothing is kept of the message."""
        world = self.world("sendexa", "tps = 1", SENDEXA)
        client, upstream = self.pair(world)
        self.through(client, upstream, VECTORS["V06"])
        client.receive(VECTORS["V06"])
        (pdu,) = client.look(c.SUBMIT_SM_RESP)
        self.assertEqual(pdu.raw, VECTORS["V08"])
        world.advance(60)
        self.assertEqual(upstream.submits(), [])

    def sent_after(self, world: World, upstream: FakeUpstream) -> tuple[float, Pdu]:
        """Seconds until the provider gets the next submit_sm, and that."""
        began = world.now
        while world.now < began + 60:
            pdus = upstream.submits()
            if pdus:
                (pdu,) = pdus
                return world.now - began, pdu
            world.advance(0.1)
        raise AssertionError("nothing comes")

    def test_sx22_provider_throttles(self) -> None:
        """0x58 twice, then OK: the same message again after at least one and two seconds, ahead
        of the others; the client sees one OK."""
        world = self.world("sendexa", provider=SENDEXA + "\nwindow = 1")
        client, upstream = self.pair(world)
        client.receive(VECTORS["V06"], submit(3, DESTINATION, short_message=b"later"))
        (pdu,) = upstream.submits()
        for gap in (1.0, 2.0):
            upstream.refuse(c.ESME_RTHROTTLED, pdu)
            after, again = self.sent_after(world, upstream)
            self.assertGreaterEqual(after, gap - 0.001)
            self.assertLess(after, gap + 1)
            self.assertEqual(again.raw[16:], pdu.raw[16:])
            pdu = again
        self.assertEqual(client.responses(), [])
        upstream.accept((pdu, b"6000"))
        ((number, status, _),) = client.responses()
        self.assertEqual((number, status), (2, 0))
        self.assertEqual(fields_of(upstream.submits()[0]).short_message, b"later")

    def test_sx22_deadline(self) -> None:
        """A provider that throttles for ever: 0x58 to the client, once retry_for is over."""
        world = self.world("sendexa", provider=SENDEXA + "\nretry_for = 10.0")
        client, upstream = self.pair(world)
        client.receive(VECTORS["V06"])
        began = world.now
        answers: list[tuple[int, int, bytes]] = []
        while not answers and world.now < began + 60:
            pdus = upstream.submits()
            if pdus:
                upstream.refuse(c.ESME_RTHROTTLED, *pdus)
            world.advance(0.1)
            answers = client.responses()
        self.assertEqual(answers, [(2, c.ESME_RTHROTTLED, b"")])
        self.assertGreater(world.now - began, 6)


class NodesTests(DocumentCase):
    """SX-21 over nodes, with real doors and one store."""

    def open_store(self, url: str, node_name: str, clock: Any) -> MemoryStore:
        """Each node's own view of one store."""
        if not self.stores:
            self.shared = StoreWorld(clock.seconds)
        store = MemoryStore(clock, f"{node_name}-{len(self.stores)}", self.shared)
        self.stores.append(store)
        return store

    async def test_sx21_tps_over_nodes(self) -> None:
        """TPS 10 and a session on each of two nodes: of 20 submit_sm to each at once 10 to 12 are
        taken over both."""
        await self.taken("account")

    async def test_sx21_tps_over_nodes_that_limit_binds_each(self) -> None:
        """The same for an account whose binds are limited on each node, not over them."""
        await self.taken("node")

    async def taken(self, scope: str) -> None:
        """Two nodes, 20 submit_sm to each at once."""
        world = await self.document(
            "sendexa", f'tps = 10\nmax_binds_scope = "{scope}"', bind=False
        )
        other = self.node()
        link = await world.smscs[0].accept()
        await link.accept_bind()
        self.addCleanup(link.reset)
        clients = [await world.another()]
        client = await FakeClient.connect(self, other.listeners[0].port)
        self.assertEqual((await client.bind(SYSTEM_ID, PASSWORD)).command_status, 0)
        clients.append(client)
        rates = [node.relay._submits.rates.buckets["esme01"] for node in (world.service, other)]
        await self.wait(lambda: [bucket.rate for bucket in rates] == [5, 5], "they know")
        # Who joins others has nothing in hand: its part of a burst comes in within a second.
        full = reactor.seconds() + 1.0
        await self.wait(lambda: reactor.seconds() >= full, "a burst is there")
        await self.wait(lambda: other.relay.directory.pools["acme"].binds, "bound")
        for client in clients:
            client.send(numbered(range(1, 21)))
        refused = 0
        for upstream in (world.links[0], link):
            for pdu in await upstream.expect_many(5, c.SUBMIT_SM):
                upstream.send(build.submit_sm_resp(pdu.sequence_number, b"id"))
        for client in clients:
            answers = await client.expect_many(20, c.SUBMIT_SM_RESP)
            refused += [pdu.command_status for pdu in answers].count(c.ESME_RTHROTTLED)
        self.assertTrue(28 <= refused <= 30, refused)


class MoTests(MemoryCase):
    """Messages from people."""

    def test_sx23_to_the_account_of_the_number(self) -> None:
        """V30 goes to the account of 1204; one for nobody's number is acknowledged, kept as
        unrouted and told, and not sent again by anybody."""
        world = self.world("sendexa", provider=SENDEXA)
        client, upstream = self.pair(world)
        upstream.receive(VECTORS["V30"])
        message = self.delivered(client)
        self.assertEqual((message.esm_class, message.short_message), (0, b"STOP"))
        self.assertEqual(upstream.answers(), [(8, 0)])
        events = logged(self)
        upstream.receive(mo(9, b"999"))
        self.assertEqual(upstream.answers(), [(9, 0)])
        (told,) = [event for event in events if event.get("event") == "mo_unrouted"]
        self.assertEqual((told["provider"], told["destination_addr"]), ("acme", "999"))
        world.advance(5)
        self.assertEqual(client.deliveries(), [])
        self.assertEqual((world.ledger.mo_in, world.ledger.mo_unrouted), (2, 1))
        found: list[list[tuple[int, int]]] = []
        world.store.inner.sizes([b"m:"]).addCallback(found.append)
        self.assertEqual(found, [[(1, 0)]])

    def test_sx23_a_limit_of_its_own(self) -> None:
        """MO messages wait beside the receipts, under mo_limit, the newest of them."""
        world = self.world("sendexa", "mo_limit = 3\nreceipt_limit = 2", SENDEXA)
        transmitter = world.client("esme01", command_id=c.BIND_TRANSMITTER)
        upstream = world.upstream()
        for number in range(5):
            self.through(transmitter, upstream, VECTORS["V06"], b"60%d" % number)
            upstream.receipt(b"60%d" % number, DESTINATION)
            upstream.receive(mo(20 + number, b"1204", short_message=b"mo%d" % number))
        texts = sorted(world.client("esme01", command_id=c.BIND_RECEIVER).texts())
        self.assertEqual([text[:3] for text in texts], [b"id:"] * 2 + [b"mo2", b"mo3", b"mo4"])
