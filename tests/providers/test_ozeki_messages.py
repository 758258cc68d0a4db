"""What the Ozeki document promises about messages (OZ-05, OZ-09 to OZ-19), kept on both sides."""

from __future__ import annotations

import random
from typing import Any

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Message
from tests.providers.case import VECTORS, DocumentCase, receipt_text
from tests.providers.memory import DESTINATION, MemoryCase, provider_table
from tests.support.memory_peers import FakeUpstream, World, submit

OZEKI = 'preset = "ozeki"'
GSM7 = 'preset = "gatewayapi"'


class FieldTests(MemoryCase):
    """service_type and addresses."""

    def sent(self, account: str = "", provider: str = OZEKI, **fields: Any) -> Message:
        """What the provider gets of a submit_sm with these fields."""
        client, upstream = self.pair(self.world("ozeki", account, provider))
        octets = submit(2, **({"destination": DESTINATION} | fields))
        return self.through(client, upstream, octets)[0]

    def refusal(self, account: str = "", **fields: Any) -> int:
        """The command_status of a submit_sm with these fields."""
        client, _ = self.pair(self.world("ozeki", account, OZEKI))
        return self.status(client, submit(2, DESTINATION, **fields))

    def test_oz09_taken_as_it_is(self) -> None:
        """Empty or any service_type of up to five octets is taken; a longer one gets 0x15."""
        for service_type in (b"", b"WAP", b"ABCDE"):
            self.assertEqual(self.sent(service_type=service_type).destination_addr[-4:], b"3040")
        self.assertEqual(self.refusal(service_type=b"ABCDEF"), c.ESME_RINVSERTYP)

    def test_oz09_mapped(self) -> None:
        """With a table it selects the provider, and what is not in it gets 0x15."""
        account = 'service_types = { "1" = "acme", "2" = "beta" }'
        more = provider_table(OZEKI, name="beta")
        world = self.world("ozeki", account, OZEKI, more)
        client, acme = self.pair(world)
        beta = world.upstream(provider="beta")
        self.assertEqual(
            self.status(client, submit(2, DESTINATION, service_type=b"9")), c.ESME_RINVSERTYP
        )
        self.through(client, acme, submit(3, DESTINATION, service_type=b"1"))
        self.through(client, beta, submit(4, DESTINATION, service_type=b"2"))
        self.assertEqual((acme.submits(), beta.submits()), ([], []))

    def test_oz10_short_code(self) -> None:
        """12345 without a TON is a short code: 3/0, or what the provider's profile says."""
        fields: dict[str, Any] = {"source_addr": b"12345", "source_addr_ton": 0}
        sent = self.sent(**fields)
        self.assertEqual(
            (sent.source_addr_ton, sent.source_addr_npi, sent.source_addr), (3, 0, b"12345")
        )
        profile = OZEKI + "\naddress.short_ton = 0\naddress.short_npi = 1"
        sent = self.sent(provider=profile, **fields)
        self.assertEqual((sent.source_addr_ton, sent.source_addr_npi), (0, 1))

    def test_oz11_plus(self) -> None:
        """A client may write the + or not: Ozeki gets it, a provider that does not want it not."""
        for destination in (b"1234567890", b"+1234567890"):
            sent = self.sent(destination=destination)
            self.assertEqual(sent.destination_addr, b"+1234567890")
            sent = self.sent(provider=GSM7, destination=destination)
            self.assertEqual(sent.destination_addr, b"1234567890")

    def test_oz11_receipts_find_their_way(self) -> None:
        """The receipt that names the number with its + comes to the client under the client's
        own number."""
        world = self.world("ozeki", provider=OZEKI)
        client, upstream = self.pair(world)
        self.through(client, upstream, submit(2, b"1234567890"))
        upstream.receipt(b"6000", b"+1234567890")
        self.assertEqual(self.delivered(client).source_addr, b"1234567890")


class TextTests(MemoryCase):
    """UTF-8 or GSM-7 under data_coding 0."""

    def sent(self, account: str, provider: str, octets: bytes) -> tuple[int, bytes]:
        """data_coding and text as the provider gets what was sent with data_coding 0."""
        client, upstream = self.pair(self.world("ozeki", account, provider))
        octets = submit(2, DESTINATION, short_message=octets)
        sent, _ = self.through(client, upstream, octets)
        return sent.data_coding, sent.short_message

    def test_oz12_account_that_speaks_utf8(self) -> None:
        """é as C3 A9 reaches a provider of GSM-7 as 05; what GSM-7 has not goes as UCS2."""
        self.assertEqual(self.sent("", GSM7, b"\xc3\xa9"), (0, b"\x05"))
        self.assertEqual(self.sent("", GSM7, "你好".encode()), (8, "你好".encode("utf-16-be")))

    def test_oz12_account_of_gsm7(self) -> None:
        """With GSM-7 as its alphabet octets from 0x80 on are refused with 0x45."""
        world = self.world("ozeki", 'default_alphabet = "gsm7"', OZEKI)
        client, _ = self.pair(world)
        octets = submit(2, DESTINATION, short_message=b"\xc3\xa9")
        self.assertEqual(self.status(client, octets), c.ESME_RSUBMITFAIL)

    def test_oz12_octets_that_are_no_utf8(self) -> None:
        """An account that speaks UTF-8 has octets refused that are none."""
        client, _ = self.pair(self.world("ozeki", "", OZEKI))
        octets = submit(2, DESTINATION, short_message=b"\xe9t\xe9")
        self.assertEqual(self.status(client, octets), c.ESME_RSUBMITFAIL)

    def test_oz12_to_ozeki(self) -> None:
        """ASCII goes to Ozeki as data_coding 0, all else as UCS2, whatever the account speaks."""
        gsm7 = 'default_alphabet = "gsm7"'
        self.assertEqual(self.sent(gsm7, OZEKI, b"abc"), (0, b"abc"))
        self.assertEqual(self.sent(gsm7, OZEKI, b"a\x00c"), (0, b"a@c"))
        self.assertEqual(self.sent(gsm7, OZEKI, b"caf\x05"), (8, "café".encode("utf-16-be")))
        self.assertEqual(
            self.sent("", OZEKI, "café".encode()), (8, "café".encode("utf-16-be"))
        )


class AnswerTests(DocumentCase):
    """Over sockets: OZ-13 and OZ-14."""

    async def test_oz13_four_pdus_one_id(self) -> None:
        """submit_sm, its answer with an id, the receipt with the same octets for an id, its
        answer; in this order."""
        world = await self.document("ozeki", provider=OZEKI + '\ntls = "none"')
        _, message_id = await world.through(VECTORS["V06"], b"6000")
        await world.receipt(
            source_addr=b"+4510203040", esm_class=4, short_message=receipt_text("6000")
        )
        pdu, message = await world.delivered()
        self.assertTrue(message.short_message.startswith(b"id:%b " % message_id))
        self.assertIn((c.TLV_RECEIPTED_MESSAGE_ID, message_id + b"\0"), message.tlvs)
        await self.wait(lambda: world.ledger.delivered == 1, "the client's answer")
        assert world.client is not None
        at = world.client.octets.index(b"\x80\0\0\x04")
        self.assertLess(at, world.client.octets.index(pdu.raw))
        self.assertEqual(world.ledger.imbalance(), {})

    async def test_oz14_two_fields(self) -> None:
        """An accepted submit_sm is answered as V07, status 0 and an id, nothing behind it; a
        refused one as V08, the status alone."""
        world = await self.document("ozeki", account="tps = 1")
        await world.through(VECTORS["V06"], b"6000")
        assert world.client is not None
        answer = world.client.octets[-27:]
        self.assertEqual(answer[:16], VECTORS["V07"][:16])
        self.assertRegex(answer[16:], rb"^[1-9][0-9]{9}\0$")
        await world.send(VECTORS["V06"])
        self.assertEqual((await world.answer()).raw, VECTORS["V08"])


class NackTests(MemoryCase):
    """OZ-16: a provider that answers with generic_nack."""

    def test_oz16_is_the_answer(self) -> None:
        """generic_nack 0x01 to our submit_sm: the client gets 0x01 in its submit_sm_resp, and the
        place in the window is free again."""
        world = self.world("ozeki", provider=OZEKI + "\nwindow = 1")
        client, upstream = self.pair(world)
        client.receive(VECTORS["V06"], submit(3, DESTINATION))
        (pdu,) = upstream.submits()
        upstream.receive(build.generic_nack(c.ESME_RINVMSGLEN, pdu.sequence_number))
        (answer,) = client.look(c.SUBMIT_SM_RESP)
        self.assertEqual(answer.raw, build.refusal(c.SUBMIT_SM, 2, c.ESME_RINVMSGLEN))
        self.assertEqual(len(upstream.submits()), 1)

    def test_oz16_to_nothing(self) -> None:
        """A generic_nack to no request of ours changes nothing and is answered by nothing."""
        world = self.world("ozeki", provider=OZEKI)
        client, upstream = self.pair(world)
        client.receive(VECTORS["V06"])
        (pdu,) = upstream.submits()
        upstream.receive(build.generic_nack(c.ESME_RINVMSGLEN, 4711))
        self.assertEqual((client.unseen, upstream.unseen), ([], []))
        upstream.accept((pdu, b"6000"))
        self.assertEqual([status for _, status, _ in client.responses()], [0])

    def test_oz16_throttles(self) -> None:
        """generic_nack 0x58 is the same as submit_sm_resp 0x58: the message goes again later."""
        world = self.world("ozeki", provider=OZEKI)
        client, upstream = self.pair(world)
        client.receive(VECTORS["V06"])
        (pdu,) = upstream.submits()
        upstream.receive(build.generic_nack(c.ESME_RTHROTTLED, pdu.sequence_number))
        self.assertEqual((client.responses(), upstream.submits()), ([], []))
        world.advance(1.5)
        (again,) = upstream.submits()
        self.assertEqual(again.raw[16:], pdu.raw[16:])
        upstream.accept((again, b"6000"))
        self.assertEqual([status for _, status, _ in client.responses()], [0])

    def test_oz16_row_33(self) -> None:
        """We say 0x01 in a submit_sm_resp of its own, never in a generic_nack."""
        client, _ = self.pair(self.world("ozeki", provider=OZEKI))
        self.assertEqual(self.status(client, VECTORS["V12"]), c.ESME_RINVMSGLEN)
        self.assertEqual(client.unseen, [])


class OutcomeTests(MemoryCase):
    """Receipts, and what becomes of messages while hosts die."""

    def test_oz17_receipts_on_and_off(self) -> None:
        """An account with receipts gets one; without, registered_delivery is taken and ignored,
        with OK, and a receiver of it stays silent."""
        for receipts, count in (("true", 1), ("false", 0)):
            world = self.world("ozeki", f"receipts = {receipts}", OZEKI)
            client, upstream = self.pair(world)
            receiver = world.client("esme01", command_id=c.BIND_RECEIVER)
            sent, _ = self.through(client, upstream, VECTORS["V06"])
            self.assertEqual(sent.registered_delivery, count)
            upstream.receipt(b"6000", b"+4510203040")
            world.advance(5)
            self.assertEqual(len(client.texts()) + len(receiver.texts()), count)
            self.assertEqual([status for _, status in upstream.answers()], [0])

    def test_oz19_hosts_that_die_at_random(self) -> None:
        """Fifty messages a second for two minutes while every five seconds one of the hosts dies
        and comes back: each message has exactly one verdict, each accepted one its one receipt."""
        run = Chaos(self.world("ozeki", provider=OZEKI + "\nwindow = 50"))
        for second in range(120):
            run.second(kill=second % 5 == 4)
        run.rest()
        self.assertEqual(sorted(run.verdicts), [*range(1, 6001)])
        self.assertEqual(set(run.verdicts.values()), {0})
        self.assertGreater(run.kills, 20)
        self.assertGreater(run.world.ledger.lost_responses, 100)
        self.assertEqual(sorted(run.receipts), sorted(run.ids))
        self.assertEqual(run.world.ledger.imbalance(), {})


class Chaos:
    """A client, and a provider whose hosts a and b die at random with a second's work in hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = world.client("esme01")
        self.hosts: dict[str, FakeUpstream] = {name: world.upstream(name) for name in "ab"}
        self.random = random.Random(19)
        self.numbers = iter(range(1, 10_000))
        self.accepted = 0
        self.kills = 0
        self.verdicts: dict[int, int] = {}
        self.ids: list[bytes] = []
        self.receipts: list[bytes] = []

    def second(self, kill: bool) -> None:
        """Fifty messages come; a host may die before it answers; a dead one comes back."""
        for name in "ab":
            if name not in self.hosts:
                self.hosts[name] = self.world.upstream(name)
        octets = [submit(next(self.numbers), DESTINATION) for _ in range(50)]
        self.client.receive(*octets)
        if kill:
            self.kills += 1
            self.hosts.pop(self.random.choice("ab")).lose()
        self.work()
        self.world.advance(1)

    def rest(self) -> None:
        """Nothing new, until all is done."""
        for _ in range(10):
            self.work()
            self.world.advance(1)

    def work(self) -> None:
        """Hosts accept what they have and send its receipts; the client takes all."""
        for host in self.hosts.values():
            for pdu in host.submits():
                self.accepted += 1
                message_id = b"up%d" % self.accepted
                host.accept((pdu, message_id))
                host.receipt(message_id, b"+4510203040")
        for number, status, message_id in self.client.responses():
            if number in self.verdicts:
                raise AssertionError(f"{number} has two verdicts")
            self.verdicts[number] = status
            self.ids.append(message_id)
        self.receipts += [text[3:13] for text in self.client.texts()]
