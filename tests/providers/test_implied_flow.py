"""What the documents imply about the way of messages (XC-05 to XC-09, XC-12)."""

from __future__ import annotations

from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from tests.providers.case import VECTORS
from tests.providers.memory import DESTINATION, MemoryCase, provider_table
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    fields_of,
    part,
    receipt,
    submit,
)


class DoubtTests(MemoryCase):
    """XC-05, XC-07: an answer is lost with its connection."""

    def test_xc05_recovered_by_our_reference(self) -> None:
        """The provider takes the submit_sm and the connection goes before it answers. Its receipt
        brings our reference back: the client gets OK, and its receipt with its own 0204, once,
        though nobody knows the provider's id."""
        options = "reference_echo = true\nreference_max = 20"
        client, a, world = self.lost(options, VECTORS["V16"])
        ours = dict(fields_of(self.sent).tlvs)[c.TLV_USER_MESSAGE_REFERENCE]
        self.assertNotEqual(ours, b"\x13\x37")
        b = world.upstream("b", command_id=c.BIND_RECEIVER)
        for number in (1, 2):
            tlvs = [(c.TLV_USER_MESSAGE_REFERENCE, ours)]
            b.receive(receipt(number, b"never-heard-of", DESTINATION, tlvs=tlvs))
        ((_, status, message_id),) = client.responses()
        self.assertEqual(status, 0)
        message = self.delivered(client)
        self.assertIn(b"id:%b " % message_id, message.short_message)
        self.assertIn((c.TLV_USER_MESSAGE_REFERENCE, b"\x13\x37"), message.tlvs)
        world.advance(60)
        self.assertEqual((client.deliveries(), client.responses()), ([], []))
        self.assertEqual(b.answers(), [(1, 0), (2, 0)])
        self.assertFalse(a.connected)

    def lost(
        self, provider: str, octets: bytes, account: str = ""
    ) -> tuple[FakeClient, FakeUpstream, World]:
        """A submit_sm whose host is lost before it answers."""
        world = self.world("default", account, provider)
        client, a = self.pair(world)
        client.receive(octets)
        (self.sent,) = a.submits()
        a.lose()
        return client, a, world

    def test_xc07_resend(self) -> None:
        """in_doubt = "resend": one more copy on the other host, the same octets, one id, one OK;
        when that host goes too no third copy, but 0xFF (decisions 1, the mission's
        "at_least_once")."""
        client, _, world = self.lost("", VECTORS["V06"], 'in_doubt = "resend"')
        b = world.upstream("b")
        (copy,) = b.submits()
        self.assertEqual(copy.raw[16:], self.sent.raw[16:])
        b.accept((copy, b"6000"))
        self.assertEqual([status for _, status, _ in client.responses()], [0])
        client, _, world = self.lost("", VECTORS["V06"], 'in_doubt = "resend"')
        b = world.upstream("b")
        self.assertEqual(len(b.submits()), 1)
        b.lose()
        self.assertEqual(client.responses(), [(2, c.ESME_RUNKNOWNERR, b"")])
        self.assertEqual(world.upstream("a").submits(), [])
        self.assertEqual((world.ledger.resent, world.ledger.in_doubt), (1, 1))

    def test_xc07_answer(self) -> None:
        """in_doubt = "answer": the client hears at once that nobody knows, and no second copy is
        ever sent. The value is 0xFF after decisions 1, where the mission says 0x08."""
        client, _, world = self.lost("", VECTORS["V06"], 'in_doubt = "answer"')
        self.assertEqual(client.responses(), [(2, c.ESME_RUNKNOWNERR, b"")])
        b = world.upstream("b")
        world.advance(40)
        self.assertEqual(b.submits(), [])
        self.assertEqual((world.ledger.resent, world.ledger.in_doubt), (0, 1))


class PartTests(MemoryCase):
    """XC-06, XC-08, XC-09: messages of several parts."""

    def test_xc06_no_message_on_two_hosts(self) -> None:
        """200 messages of two parts, the parts on two sessions of two nodes, two hosts: each
        message is on one host, and both hosts are used."""
        here = self.world("default", "window = 1000", "window = 1000")
        there = World(beside=here, node="other")
        clients = [node.client("esme01") for node in (here, there)]
        upstreams = [node.upstream(host) for node in (here, there) for host in "ab"]
        for number in range(200):
            destination = b"4512%06d" % number
            for place in (1, 2):
                octets = part(number * 2 + place, number, place, destination=destination)
                clients[(number + place) % 2].receive(octets)
        hosts: dict[bytes, list[str]] = {}
        for upstream in upstreams:
            for pdu in upstream.submits():
                hosts.setdefault(fields_of(pdu).destination_addr, []).append(upstream.host.name)
        self.assertEqual(len(hosts), 200)
        self.assertEqual({len(names) for names in hosts.values()}, {2})
        self.assertEqual({len(set(names)) for names in hosts.values()}, {1})
        self.assertEqual({names[0] for names in hosts.values()}, {"a", "b"})

    def test_xc08_one_id_for_all_parts(self) -> None:
        """Three parts are answered "", "" and "77", then 77 fails: three OK with three ids, three
        receipts of that failure."""
        client, upstream = self.pair(self.world("default"))
        client.receive(
            *(part(number, 42, number, 3, destination=DESTINATION) for number in (1, 2, 3))
        )
        pdus = upstream.submits()
        upstream.accept(*zip(pdus, (b"", b"", b"77"), strict=True))
        answers = client.responses()
        self.assertEqual([status for _, status, _ in answers], [0, 0, 0])
        ids = {message_id for _, _, message_id in answers}
        self.assertEqual(len(ids), 3)
        upstream.receipt(b"77", DESTINATION, b"UNDELIV")
        texts = client.texts()
        self.assertEqual({text[3:13] for text in texts}, ids)
        self.assertEqual([b" stat:UNDELIV " in text for text in texts], [True] * 3)

    def segments(self, *stats: bytes) -> list[bytes]:
        """The client's receipts of one payload, of which the provider sends one per segment."""
        world = self.world("default", provider="per_segment = true")
        client, upstream = self.pair(world)
        payload = [(c.TLV_MESSAGE_PAYLOAD, b"x" * 400)]
        octets = submit(2, DESTINATION, short_message=b"", tlvs=payload)
        self.through(client, upstream, octets, b"77")
        texts: list[bytes] = []
        for stat in stats:
            self.assertEqual(texts, [])
            upstream.receipt(b"77", DESTINATION, stat)
            texts += client.texts()
        return texts

    def test_xc09_one_receipt_of_three(self) -> None:
        """Three segments, two delivered and one not: one receipt, UNDELIV, two of three."""
        (text,) = self.segments(b"DELIVRD", b"DELIVRD", b"UNDELIV")
        self.assertIn(b" sub:003 dlvrd:002 ", text)
        self.assertIn(b" stat:UNDELIV ", text)
        (text,) = self.segments(b"UNDELIV", b"DELIVRD", b"DELIVRD")
        self.assertIn(b" stat:UNDELIV ", text)
        (text,) = self.segments(b"DELIVRD", b"DELIVRD", b"DELIVRD")
        self.assertIn(b" sub:003 dlvrd:003 ", text)
        self.assertIn(b" stat:DELIVRD ", text)
        self.assertEqual(self.segments(b"DELIVRD", b"DELIVRD"), [])


class TroubleTests(MemoryCase):
    """XC-12: what a provider says about our bind or itself."""

    def answer(self, upstream: FakeUpstream, status: int) -> list[Pdu]:
        """Refuse all that came with this status, or accept it with 0."""
        pdus = upstream.submits()
        if status:
            upstream.refuse(status, *pdus)
        else:
            upstream.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in pdus))
        return pdus

    def run_until_answered(
        self, world: World, client: FakeClient, statuses: dict[FakeUpstream, int]
    ) -> tuple[int, float]:
        """The client's verdict and when it came."""
        began = world.now
        while world.now < began + 90:
            for upstream, status in statuses.items():
                if upstream.connected:
                    self.answer(upstream, status)
            answers = client.responses()
            if answers:
                ((_, status, _),) = answers
                return status, world.now - began
            world.advance(0.1)
        raise AssertionError("no answer")

    def test_xc12_the_other_host(self) -> None:
        """Host a says 0x04, 0x05, 0x08, 0x0D, 0x0E, 0x0F, 0x14, 0x58 or 0x64 to every submit_sm,
        b is fine: OK."""
        for trouble in (0x04, 0x05, 0x08, 0x0D, 0x0E, 0x0F, 0x14, 0x58, 0x64):
            world = self.world("default")
            client, a = self.pair(world)
            client.receive(VECTORS["V06"])
            b = world.upstream("b")
            status, after = self.run_until_answered(world, client, {a: trouble, b: 0})
            self.assertEqual((status, after < 10), (0, True), hex(trouble))
            self.assertEqual(world.ledger.imbalance(), {})

    def test_xc12_the_other_provider(self) -> None:
        """Provider acme always says 0x08, beta is fine: the client sees OK."""
        world = self.world("default", more=provider_table(name="beta"))
        client, acme = self.pair(world)
        client.receive(VECTORS["V06"])
        beta = world.upstream(provider="beta")
        status, _ = self.run_until_answered(world, client, {acme: 0x08, beta: 0})
        self.assertEqual(status, 0)

    def test_xc12_at_the_deadline(self) -> None:
        """Nobody is fine: the client hears 0x08, 0x14 or 0x58, and not before the deadline."""
        verdicts = {0x08: 0x08, 0x14: 0x14, 0x64: 0x08, 0x58: 0x58}
        verdicts |= {0x0D: 0x08, 0x0E: 0x08, 0x0F: 0x08}
        for trouble, verdict in verdicts.items():
            world = self.world("default", provider="retry_for = 10.0")
            client, a = self.pair(world)
            b = world.upstream("b")
            client.receive(VECTORS["V06"])
            status, after = self.run_until_answered(world, client, {a: trouble, b: trouble})
            self.assertEqual(status, verdict)
            self.assertGreater(after, 5)
            self.assertLess(after, 20)

    def test_xc12_about_the_message(self) -> None:
        """What is about the message itself is told at once and tried nowhere else."""
        world = self.world("default")
        client, a = self.pair(world)
        client.receive(VECTORS["V06"])
        b = world.upstream("b")
        self.assertEqual(len(self.answer(a, c.ESME_RINVDSTADR)), 1)
        self.assertEqual(client.responses(), [(2, c.ESME_RINVDSTADR, b"")])
        world.advance(5)
        self.assertEqual((a.submits(), b.submits()), ([], []))
