"""Wrong octets and odd habits, end to end: scripted peers around a real node and a real store."""

from __future__ import annotations

from pathlib import Path
from struct import pack

from twisted.internet.task import deferLater

from smppproxy.simulator.shapes import receipt_text
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_TRANSCEIVER,
    BIND_TRANSCEIVER_RESP,
    DELIVER_SM,
    DELIVER_SM_RESP,
    ENQUIRE_LINK_RESP,
    ESM_INTERMEDIATE,
    ESM_RECEIPT,
    ESME_RALYBND,
    ESME_RINVCMDID,
    ESME_RINVCMDLEN,
    ESME_RINVDSTADR,
    ESME_RINVMSGLEN,
    ESME_RINVOPTPARSTREAM,
    ESME_RSUBMITFAIL,
    GENERIC_NACK,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    TLV_RECEIPTED_MESSAGE_ID,
    UNBIND,
    UNBIND_RESP,
)
from smppproxy.smpp.fields import read_message, read_message_id
from smppproxy.smpp.pdu import Pdu
from tests.scenarios.world import Node, Scenario, network
from tests.support.peers import FakeClient, FakeSmsc, Peer, bind_fields
from tests.support.processes import reactor, until
from tests.support.running import Upstream

SOURCE = b"12345"
TO = b"4670%07d"


def submit(number: int, to: bytes = b"", **fields: int) -> bytes:
    """A submit_sm with this sequence_number that asks for a receipt."""
    return build.submit_sm(
        number,
        source_addr=SOURCE,
        destination_addr=to or TO % number,
        registered_delivery=fields.pop("registered_delivery", 1),
        short_message=b"hello",
    )


def receipt(
    number: int, message_id: bytes, of: Pdu, stat: bytes = b"DELIVRD", tlv: bool = True
) -> bytes:
    """A deliver_sm with the receipt of a submit_sm, as a provider sends it."""
    message = read_message(of)
    return build.deliver_sm(
        number,
        source_addr=message.destination_addr,
        destination_addr=message.source_addr,
        esm_class=ESM_INTERMEDIATE if stat == b"ENROUTE" else ESM_RECEIPT,
        short_message=receipt_text(message_id, stat, 1_700_000_000, 1_700_000_060),
        tlvs=[(TLV_RECEIPTED_MESSAGE_ID, message_id + b"\0")] if tlv else [],
    )


def told(pdu: Pdu) -> tuple[bytes, bytes, bytes]:
    """What a receipt tells a client: message_id and stat of its text, and whose it is."""
    message = read_message(pdu)
    text = message.short_message
    message_id = text.partition(b"id:")[2].split(b" ", 1)[0]
    stat = text.partition(b"stat:")[2].split(b" ", 1)[0]
    return message_id, stat, message.source_addr


class WireScenario(Scenario):
    """A node between scripted providers and scripted clients."""

    async def world(
        self, *names: str, accounts: tuple[str, ...] = ("demo",), routes: str = ""
    ) -> tuple[Node, list[Peer]]:
        """A node bound to one host of each of these providers."""
        names = names or ("acme",)
        hosts = [FakeSmsc(self) for _ in names]
        upstreams = [
            Upstream(name, [host.port], "window = 200")
            for name, host in zip(names, hosts, strict=True)
        ]
        text = network(upstreams, dict.fromkeys(accounts, "window = 200"), routes)
        node = await self.node(text)
        links = []
        for host in hosts:
            # Ends before the node: nobody waits for its unbind to be answered.
            self.addCleanup(host.stop)
            links.append(await self.taken(host))
        for _ in names:
            await node.process.expect_line("is bound")
        return node, links

    async def taken(self, host: FakeSmsc) -> Peer:
        """The node's next bind to a host, accepted."""
        link = await host.accept()
        await link.accept_bind()
        return link

    async def bound(self, node: Node, name: bytes = b"demo") -> FakeClient:
        """A client that has bound as transceiver."""
        client = await FakeClient.connect(self, node.port)
        self.assertEqual((await client.bind(name, name)).command_status, 0)
        return client

    async def message(
        self, client: Peer, link: Peer, number: int, message_id: bytes
    ) -> tuple[Pdu, bytes]:
        """One message accepted under this id; returns it as the provider saw it, and our id."""
        client.send(submit(number))
        taken = await link.expect(SUBMIT_SM)
        link.send(build.submit_sm_resp(taken.sequence_number, message_id))
        answer = await client.expect(SUBMIT_SM_RESP)
        self.assertEqual((answer.command_status, answer.sequence_number), (0, number))
        return taken, read_message_id(answer)

    async def receipts(self, client: Peer, count: int) -> list[tuple[bytes, bytes, bytes]]:
        """The next receipts, acknowledged."""
        found = []
        for pdu in await client.expect_many(count, DELIVER_SM):
            client.send(build.deliver_sm_resp(pdu.sequence_number))
            found.append(told(pdu))
        return found

    async def still_works(self, client: Peer, link: Peer, number: int = 900) -> None:
        """The session takes a message, and its receipt is the next that comes."""
        message_id = b"check%d" % number
        taken, ours = await self.message(client, link, number, message_id)
        link.send(receipt(number, message_id, taken))
        self.assertEqual(
            await self.receipts(client, 1), [(ours, b"DELIVRD", TO % number)]
        )
        # Answers to earlier receipts may not have been looked at.
        while (await link.expect(DELIVER_SM_RESP)).sequence_number != number:
            continue
        self.assertEqual(client.pdus, [])


class ClientOctetsTests(WireScenario):
    """What clients may send, on purpose or not."""

    async def nacked(self, node: Node, octets: bytes, sequence_number: int) -> None:
        """Before a bind: one generic_nack 0x02, then the connection goes."""
        client = await FakeClient.connect(self, node.port)
        client.send(octets)
        await client.closed()
        (nack,) = client.pdus
        self.assertEqual(nack.command_id, GENERIC_NACK)
        self.assertEqual(nack.command_status, ESME_RINVCMDLEN)
        self.assertEqual(nack.sequence_number, sequence_number)

    async def test_f01_one_octet_per_segment(self) -> None:
        """Cut into single octets, by client and provider, it is the same conversation."""
        node, (link,) = await self.world()
        client = await FakeClient.connect(self, node.port)
        await self.trickle(client, build.bind(BIND_TRANSCEIVER, 1, bind_fields(b"demo", b"demo")))
        self.assertEqual((await client.expect()).command_id, BIND_TRANSCEIVER_RESP)
        await self.trickle(client, submit(2) + submit(3))
        first, second = await link.expect_many(2, SUBMIT_SM)
        answers = [
            build.submit_sm_resp(pdu.sequence_number, b"u%d" % number)
            for number, pdu in enumerate((first, second))
        ]
        await self.trickle(link, b"".join(answers) + receipt(1, b"u0", first))
        ours = read_message_id(await client.expect(SUBMIT_SM_RESP))
        self.assertEqual(await self.receipts(client, 1), [(ours, b"DELIVRD", TO % 2)])
        await client.expect(SUBMIT_SM_RESP)
        await self.still_works(client, link)

    async def trickle(self, peer: Peer, octets: bytes) -> None:
        """One octet per turn of the reactor, without Nagle: each is a segment of its own."""
        for octet in octets:
            peer.send(bytes([octet]))
            await deferLater(reactor, 0)

    async def test_f02_many_in_one_segment(self) -> None:
        """Two hundred submits in one write: all of them, in their order."""
        node, (link,) = await self.world()
        client = await self.bound(node)
        numbers = range(2, 202)
        client.send(b"".join(submit(number) for number in numbers))
        taken = await link.expect_many(200, SUBMIT_SM)
        seen = [read_message(pdu).destination_addr for pdu in taken]
        self.assertEqual(seen, [TO % number for number in numbers])
        link.send(
            b"".join(build.submit_sm_resp(pdu.sequence_number, b"id%d" % at)
            for at, pdu in enumerate(taken))
        )
        answers = await client.expect_many(200, SUBMIT_SM_RESP)
        self.assertEqual([answer.sequence_number for answer in answers], [*numbers])
        await self.still_works(client, link)

    async def test_f07_f09_requests_that_we_do_not_take(self) -> None:
        """query_sm, cancel_sm, replace_sm, submit_multi, data_sm and an unknown command: each
        gets generic_nack 0x03 with its number, and the session stays.
        """
        node, (link,) = await self.world()
        client = await self.bound(node)
        for number, command_id in enumerate((3, 8, 7, 0x21, 0x103, 0x7777), 2):
            client.send(pack(">IIII", 20, command_id, 0, number) + bytes(4))
            nack = await client.expect()
            found = (nack.command_id, nack.command_status, nack.sequence_number)
            self.assertEqual(found, (GENERIC_NACK, ESME_RINVCMDID, number))
        await self.still_works(client, link)
        self.assertEqual(link.pdus, [])

    async def test_f03_impossible_lengths(self) -> None:
        """command_length 0 to 15: generic_nack 0x02, close; a bound session does not notice."""
        node, (link,) = await self.world()
        bystander = await self.bound(node)
        for length in range(16):
            await self.nacked(node, pack(">IIII", length, BIND_TRANSCEIVER, 0, 77), 77)
        client = await self.bound(node)
        client.send(pack(">IIII", 15, SUBMIT_SM, 0, 78))
        self.assertEqual((await client.expect()).command_id, GENERIC_NACK)
        await client.closed()
        await self.still_works(bystander, link)

    async def test_f04_lengths_above_the_limit(self) -> None:
        """1,024 octets before the bind, 70,000 after: judged by the length alone, and nothing of
        what follows is kept.
        """
        node, (link,) = await self.world()
        bystander = await self.bound(node)
        before = self.resident(node)
        for length in (1025, 70_001, 0x7FFFFFFF, 0xFFFFFFFF):
            header = pack(">IIII", length, BIND_TRANSCEIVER, 0, 5)
            await self.nacked(node, header + bytes(50_000), 5)
        client = await self.bound(node)
        client.send(pack(">IIII", 70_001, SUBMIT_SM, 0, 6) + bytes(1_000_000))
        self.assertEqual((await client.expect()).command_status, ESME_RINVCMDLEN)
        await client.closed()
        self.assertLess(self.resident(node) - before, 8 << 20)
        await self.still_works(bystander, link)

    @staticmethod
    def resident(node: Node) -> int:
        """Octets of memory that the node uses."""
        pages = Path(f"/proc/{node.process.transport.pid}/statm").read_text().split()[1]
        return int(pages) * 4096

    async def test_f12_sm_length_that_does_not_fit(self) -> None:
        """ESME_RINVMSGLEN when octets are missing, ESME_RINVOPTPARSTREAM when some are left over;
        the session stays, and no provider sees the message.
        """
        node, (link,) = await self.world()
        client = await self.bound(node)
        good = submit(2)
        at = good.index(b"\x05hello")
        verdicts = {4: ESME_RINVOPTPARSTREAM, 6: ESME_RINVMSGLEN, 255: ESME_RINVMSGLEN}
        for number, wrong in enumerate(verdicts, 3):
            octets = bytearray(good)
            octets[at] = wrong
            octets[12:16] = number.to_bytes(4, "big")
            client.send(bytes(octets))
            answer = await client.expect(SUBMIT_SM_RESP)
            self.assertEqual(answer.command_status, verdicts[wrong], f"sm_length {wrong}")
            self.assertEqual(answer.sequence_number, number)
        await self.still_works(client, link)
        self.assertEqual(link.pdus, [])

    async def test_f16_other_protocols(self) -> None:
        """A browser, a TLS client, AMQP, SSH: at most one nack, close, one line in the log."""
        node, (link,) = await self.world()
        bystander = await self.bound(node)
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
        for octets in (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl\r\n\r\n",
            hello,
            b"AMQP\x00\x00\x09\x01",
            b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
        ):
            lines = len(node.process.story)
            client = await FakeClient.connect(self, node.port)
            client.send(octets)
            await client.closed()
            self.assertLessEqual(len(client.pdus), 1)
            if client.pdus:
                self.assertEqual(client.pdus[0].command_id, GENERIC_NACK)
            self.assertLessEqual(len(node.process.story) - lines, 1, node.process.told(3))
        await self.still_works(bystander, link)

    async def test_f19_garbage_after_a_bind(self) -> None:
        """One session goes, with one nack; the account's other session, other accounts and the
        provider's bind stay.
        """
        node, (link,) = await self.world(accounts=("demo", "other"))
        same, other = await self.bound(node), await self.bound(node, b"other")
        client = await self.bound(node)
        client.send(submit(2) + b"\xff" * 600)
        await client.closed()
        nacks = [pdu for pdu in client.pdus if pdu.command_id == GENERIC_NACK]
        self.assertEqual([nack.command_status for nack in nacks], [ESME_RINVCMDLEN])
        # The good PDU before the garbage was taken; its client is gone (P6).
        taken = await link.expect(SUBMIT_SM)
        link.send(build.submit_sm_resp(taken.sequence_number, b"early"))
        await self.still_works(same, link)
        await self.still_works(other, link, 901)
        self.assertFalse(link.is_closed)

    async def test_f30_unbind_with_submits_in_flight(self) -> None:
        """The answers first, then unbind_resp, then the close."""
        node, (link,) = await self.world()
        client = await self.bound(node)
        client.send(submit(2) + submit(3) + build.unbind(4))
        taken = await link.expect_many(2, SUBMIT_SM)
        self.assertEqual(client.pdus, [])
        for pdu in reversed(taken):
            link.send(build.submit_sm_resp(pdu.sequence_number, b"id%d" % pdu.sequence_number))
        await client.closed()
        kinds = [(pdu.command_id, pdu.sequence_number) for pdu in client.pdus]
        self.assertEqual(sorted(kinds[:2]), [(SUBMIT_SM_RESP, 2), (SUBMIT_SM_RESP, 3)])
        self.assertEqual(kinds[2:], [(UNBIND_RESP, 4)])

    async def test_f33_sequence_number_used_twice(self) -> None:
        """Two pending requests with one number are two messages: both are answered with it, each
        has its own id and its own receipt.
        """
        node, (link,) = await self.world()
        client = await self.bound(node)
        client.send(submit(7, TO % 1) + submit(7, TO % 2))
        first, second = await link.expect_many(2, SUBMIT_SM)
        self.assertNotEqual(first.sequence_number, second.sequence_number)
        link.send(build.submit_sm_resp(second.sequence_number, b"two"))
        two = await client.expect(SUBMIT_SM_RESP)
        link.send(build.submit_sm_resp(first.sequence_number, b"one"))
        one = await client.expect(SUBMIT_SM_RESP)
        self.assertEqual((one.sequence_number, two.sequence_number), (7, 7))
        link.send(receipt(1, b"one", first) + receipt(2, b"two", second))
        expected = [
            (read_message_id(one), b"DELIVRD", TO % 1),
            (read_message_id(two), b"DELIVRD", TO % 2),
        ]
        self.assertEqual(await self.receipts(client, 2), expected)
        self.assertNotEqual(expected[0][0], expected[1][0])

    async def test_f31_nobody_answers_our_unbind(self) -> None:
        """A planned stop waits two seconds for unbind_resp, from client and provider, no more."""
        node, (link,) = await self.world()
        client = await self.bound(node)
        moment = reactor.seconds()
        self.assertEqual(await node.terminate(), 0)
        self.assertLess(reactor.seconds() - moment, 20.0)
        self.assertEqual((await client.expect()).command_id, UNBIND)
        self.assertEqual((await link.expect()).command_id, UNBIND)


class ProviderAnswersTests(WireScenario):
    """Answers as providers give them."""

    async def test_f21_answers_of_any_shape(self) -> None:
        """A refusal with a body, an id without its NUL, TLVs behind an id: all understood, and
        the client gets plain ones.
        """
        node, (link,) = await self.world()
        client = await self.bound(node)
        bodies = [
            (ESME_RINVDSTADR, b"oops\0", b""),
            (ESME_RINVDSTADR, b"", b""),
            (0, b"nonul", b"nonul"),
            (0, b"tlvs\0\x04\x23\x00\x03\x03\x00\x01", b"tlvs"),
            (0x40D, b"\0", b""),
        ]
        for number, (status, body, message_id) in enumerate(bodies, 2):
            client.send(submit(number))
            taken = await link.expect(SUBMIT_SM)
            size = 16 + len(body)
            link.send(pack(">IIII", size, SUBMIT_SM_RESP, status, taken.sequence_number) + body)
            answer = await client.expect(SUBMIT_SM_RESP)
            wanted = ESME_RSUBMITFAIL if status == 0x40D else status
            self.assertEqual(answer.command_status, wanted)
            self.assertEqual(len(answer.raw), 16 if status else 16 + 11)
            if message_id:
                link.send(receipt(number, message_id, taken, tlv=False))
                expected = (read_message_id(answer), b"DELIVRD", TO % number)
                self.assertEqual(await self.receipts(client, 1), [expected])
        await self.still_works(client, link)

    async def test_f22_accepted_without_an_id(self) -> None:
        """The client gets OK and an id; nothing is mapped under an empty one, and a receipt
        without an id goes to nobody.
        """
        node, (link,) = await self.world()
        client = await self.bound(node)
        ours = []
        for number in (2, 3):
            taken, message_id = await self.message(client, link, number, b"")
            ours.append(message_id)
            link.send(receipt(number, b"", taken))
            self.assertEqual((await link.expect(DELIVER_SM_RESP)).command_status, 0)
        self.assertEqual(len({*ours}), 2)
        await self.still_works(client, link)
        ledger = node.ledger()
        self.assertEqual((ledger["no_provider_id"], ledger["unreadable"]), (2, 2))

    async def test_f23_ids_are_octets(self) -> None:
        """Whatever an id looks like, it comes back byte for byte: no two of these are one."""
        ids = [b"007", b"7", b"07", b"1_000", b"1000", b"+447", b"447", b"1e3", b"1.10", b"1.1"]
        ids += [b"00ff", b"00FF", b"0x10", b"16", b"None", b"QUEUED", b"4" * 64, b"-1", b"{a}:b"]
        ids += [b"92b1f3a0-0f3c-4a9e-8f27-1c2d3e4f5a6b", b"92B1F3A0-0F3C-4A9E-8F27-1C2D3E4F5A6B"]
        node, (link,) = await self.world()
        client = await self.bound(node)
        taken, expected = [], []
        for number, message_id in enumerate(ids, 2):
            pdu, ours = await self.message(client, link, number, message_id)
            taken.append((message_id, pdu))
            expected.append((ours, b"DELIVRD", TO % number))
        for number, (message_id, pdu) in enumerate(reversed(taken)):
            link.send(receipt(number + 1, message_id, pdu, tlv=bool(number % 2)))
        found = await self.receipts(client, len(ids))
        self.assertEqual(sorted(found), sorted(expected))
        self.assertEqual(node.ledger()["quarantined"], 0)


class ReceiptOrderTests(WireScenario):
    """Receipts early, often, late, and under an id that another provider uses too."""

    async def test_f71_receipt_and_answer_in_one_segment(self) -> None:
        """D4: whichever of the two is first, the client gets its answer, then the receipt."""
        node, (link,) = await self.world()
        client = await self.bound(node)
        for number, receipt_first in ((2, True), (3, False)):
            message_id = b"u%d" % number
            client.send(submit(number))
            taken = await link.expect(SUBMIT_SM)
            both = [
                receipt(number, message_id, taken),
                build.submit_sm_resp(taken.sequence_number, message_id),
            ]
            link.send(b"".join(both if receipt_first else reversed(both)))
            answer = await client.expect()
            self.assertEqual(answer.command_id, SUBMIT_SM_RESP)
            ours = read_message_id(answer)
            self.assertEqual(
                await self.receipts(client, 1), [(ours, b"DELIVRD", TO % number)]
            )
            self.assertEqual((await link.expect(DELIVER_SM_RESP)).command_status, 0)

    async def test_f71_receipt_long_before_the_answer(self) -> None:
        """D4: the receipt is acknowledged and parked, and released by the answer: no polling."""
        node, (link,) = await self.world()
        client = await self.bound(node)
        client.send(submit(2))
        taken = await link.expect(SUBMIT_SM)
        link.send(receipt(1, b"early", taken))
        self.assertEqual((await link.expect(DELIVER_SM_RESP)).command_status, 0)
        self.assertEqual(client.pdus, [])
        self.assertEqual(node.ledger()["parked"], 1)
        link.send(build.submit_sm_resp(taken.sequence_number, b"early"))
        answer = await client.expect()
        self.assertEqual(answer.command_id, SUBMIT_SM_RESP)
        expected = [(read_message_id(answer), b"DELIVRD", TO % 2)]
        self.assertEqual(await self.receipts(client, 1), expected)
        self.assertEqual(node.ledger()["parked"], 0)

    async def test_f73_the_same_receipt_many_times(self) -> None:
        """D3: twice, a hundred times, before and after the answer: the client gets it once, the
        provider gets ESME_ROK each time.
        """
        node, (link,) = await self.world()
        client = await self.bound(node)
        client.send(submit(2))
        taken = await link.expect(SUBMIT_SM)
        same = receipt(1, b"often", taken)
        link.send(same * 3)
        await link.expect_many(3, DELIVER_SM_RESP)
        link.send(build.submit_sm_resp(taken.sequence_number, b"often") + same * 50)
        ours = read_message_id(await client.expect(SUBMIT_SM_RESP))
        link.send(same * 50)
        answers = await link.expect_many(100, DELIVER_SM_RESP)
        self.assertEqual({answer.command_status for answer in answers}, {0})
        self.assertEqual(await self.receipts(client, 1), [(ours, b"DELIVRD", TO % 2)])
        await self.still_works(client, link)
        self.assertEqual(node.ledger()["duplicated"], 102)

    async def test_f73_out_of_order_and_after_the_final_one(self) -> None:
        """D9, reading 15: intermediate ones pass while there is no final one; after that nothing
        about the message reaches the client.
        """
        node, (link,) = await self.world()
        client = await self.bound(node)
        client.send(submit(2, registered_delivery=0x11))
        taken = await link.expect(SUBMIT_SM)
        link.send(build.submit_sm_resp(taken.sequence_number, b"odd"))
        ours = read_message_id(await client.expect(SUBMIT_SM_RESP))
        states = [b"ENROUTE", b"ENROUTE", b"DELIVRD", b"ENROUTE", b"UNDELIV", b"DELIVRD"]
        for number, stat in enumerate(states, 1):
            link.send(receipt(number, b"odd", taken, stat))
            self.assertEqual((await link.expect(DELIVER_SM_RESP)).command_status, 0)
        expected = [(ours, stat, TO % 2) for stat in (b"ENROUTE", b"DELIVRD")]
        self.assertEqual(await self.receipts(client, 2), expected)
        await self.still_works(client, link)

    async def test_f74_two_providers_with_the_same_ids(self) -> None:
        """Each provider's ids are its own: every receipt goes to the account whose message it is,
        also when two messages to one number have one id.
        """
        routes = "".join(
            f'[[route]]\naccounts = ["{account}"]\ntargets = ["{provider}"]\n'
            for account, provider in (("one", "acme"), ("two", "beta"))
        )
        node, (acme, beta) = await self.world(
            "acme", "beta", accounts=("one", "two"), routes=routes
        )
        one, two = await self.bound(node, b"one"), await self.bound(node, b"two")
        for number in (2, 3, 4):
            message_id = b"%d" % number
            of_one, id_one = await self.message(one, acme, number, message_id)
            of_two, id_two = await self.message(two, beta, number, message_id)
            beta.send(receipt(number, message_id, of_two))
            acme.send(receipt(number, message_id, of_one, b"UNDELIV"))
            self.assertEqual(await self.receipts(one, 1), [(id_one, b"UNDELIV", TO % number)])
            self.assertEqual(await self.receipts(two, 1), [(id_two, b"DELIVRD", TO % number)])
        await self.still_works(one, acme)
        await self.still_works(two, beta, 901)


class HostBindTests(WireScenario):
    """Hosts that do not take our bind."""

    async def two_hosts(self, options: str) -> tuple[FakeSmsc, FakeSmsc, Node]:
        """Host b is bound; host a has our connection and its bind is to be judged."""
        a, b = FakeSmsc(self), FakeSmsc(self)
        upstream = Upstream("acme", [a.port, b.port], options)
        node = await self.node(network([upstream]))
        self.addCleanup(a.stop)
        self.addCleanup(b.stop)
        return a, b, node

    async def test_f66_already_bound(self) -> None:
        """ESME_RALYBND from host a: tried again after five seconds, with host b carrying all the
        while.
        """
        a, b, node = await self.two_hosts("window = 10")
        link = await self.taken(b)
        await node.process.expect_line(r"acme/b\S* is bound")
        refused = await a.accept()
        await refused.accept_bind(ESME_RALYBND)
        moment = reactor.seconds()
        await node.process.expect_line("bind refused: ESME_RALYBND")
        client = await self.bound(node)
        await self.still_works(client, link)
        again = await a.accept(deadline=30.0)
        self.assertGreater(reactor.seconds() - moment, 4.5)
        await again.accept_bind()
        await node.process.expect_line(r"acme/a\S* is bound")
        client.send(b"".join(submit(number) for number in range(2, 18)))
        await until(lambda: len(link.pdus) + len(again.pdus) == 16)
        self.assertTrue(link.pdus and again.pdus, "both hosts carry")

    async def test_f63_bind_never_answered(self) -> None:
        """A host that takes the connection and says nothing is left after ``bind_timeout`` and
        tried again; the other host carries meanwhile.
        """
        a, b, node = await self.two_hosts("window = 10\nbind_timeout = 0.5")
        link = await self.taken(b)
        await node.process.expect_line(r"acme/b\S* is bound")
        silent = await a.accept()
        moment = reactor.seconds()
        client = await self.bound(node)
        await self.still_works(client, link)
        await silent.closed()
        self.assertLess(reactor.seconds() - moment, 20.0)
        await node.process.expect_line(r"acme/a\S* is down: bind not answered")
        await self.taken(a)
        await node.process.expect_line(r"acme/a\S* is bound")
        client.send(build.enquire_link(5))
        self.assertEqual((await client.expect()).command_id, ENQUIRE_LINK_RESP)
