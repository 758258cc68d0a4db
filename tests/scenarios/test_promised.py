"""Promises that no numbered fault is about, with a death in the middle of each."""

from __future__ import annotations

from smppproxy.smpp import build
from smppproxy.smpp.constants import DELIVER_SM, SUBMIT_SM, SUBMIT_SM_RESP
from smppproxy.smpp.fields import read_message, read_message_id
from smppproxy.smpp.pdu import Pdu
from tests.scenarios.test_faults_wire import TO, WireScenario, receipt, submit
from tests.scenarios.world import network
from tests.support.peers import FakeSmsc, Peer
from tests.support.processes import until
from tests.support.running import Upstream

UDHI = 0x40
MO_ROUTE = '[[mo_route]]\naccount = "demo"\n'


def udh(part: int, parts: int) -> bytes:
    """The header of a part of a message."""
    return bytes((5, 0, 3, 77, parts, part))


class PromisedTests(WireScenario):
    """Scripted peers around a real node and a real store."""

    async def test_p7_equal_messages_over_a_restart(self) -> None:
        """P7: the same octets twice, then the node is killed: two messages with two ids, and the
        receipt of each comes under its own."""
        host = FakeSmsc(self)
        self.addCleanup(host.stop)
        node = await self.node(network([Upstream("acme", [host.port], "window = 200")]))
        link = await self.taken(host)
        client = await self.bound(node)
        client.send(submit(7, TO % 1) + submit(7, TO % 1))
        taken = await link.expect_many(2, SUBMIT_SM)
        link.send(build.submit_sm_resp(taken[0].sequence_number, b"one"))
        link.send(build.submit_sm_resp(taken[1].sequence_number, b"two"))
        answers = await client.expect_many(2, SUBMIT_SM_RESP)
        ours = [read_message_id(answer) for answer in answers]
        self.assertEqual(len(set(ours)), 2)
        await node.restart()
        link = await self.taken(host)
        client = await self.bound(node)
        link.send(receipt(1, b"two", taken[1]) + receipt(2, b"one", taken[0]))
        heard = await self.receipts(client, 2)
        self.assertEqual({message_id for message_id, _, _ in heard}, set(ours))

    async def test_p9_parts_of_a_message_while_a_host_dies(self) -> None:
        """P9: three parts, in two sessions, come to one host, octet for octet; when that host dies
        before it has answered, its parts come together to the other one."""
        hosts = [FakeSmsc(self), FakeSmsc(self)]
        for host in hosts:
            self.addCleanup(host.stop)
        ports = [host.port for host in hosts]
        node = await self.node(network([Upstream("acme", ports, "window = 200")]))
        links = [await self.taken(host) for host in hosts]
        for _ in hosts:
            await node.process.expect_line("is bound")
        clients = [await self.bound(node), await self.bound(node)]
        texts = [udh(part, 3) + b"part %d \x00\xff" % part for part in (1, 2, 3)]
        for number, text in enumerate(texts):
            clients[number % 2].send(build.submit_sm(
                number + 2, source_addr=b"12345", destination_addr=TO % 1, esm_class=UDHI,
                short_message=text,
            ))
        await until(lambda: any(len(submits(link)) == 3 for link in links))
        first = next(link for link in links if submits(link))
        second = next(link for link in links if link is not first)
        self.assertEqual(sorted(short(pdu) for pdu in submits(first)), texts)
        self.assertEqual(submits(second), [])
        first.reset()
        await until(lambda: len(submits(second)) == 3)
        self.assertEqual(sorted(short(pdu) for pdu in submits(second)), texts)

    async def test_m4_parts_as_they_came_over_a_kill(self) -> None:
        """M4: the parts of a message from a person are stored, the node is killed, and they come
        as they were, each by itself."""
        host = FakeSmsc(self)
        self.addCleanup(host.stop)
        node = await self.node(network([Upstream("acme", [host.port])], more=MO_ROUTE))
        link = await self.taken(host)
        texts = [udh(part, 2) + b"part %d \x00\xff" % part for part in (1, 2)]
        for number, text in enumerate(texts, 1):
            link.send(build.deliver_sm(
                number, source_addr=b"467012345", destination_addr=b"1234", esm_class=UDHI,
                short_message=text,
            ))
        await until(lambda: len(link.pdus) >= 2)
        self.assertEqual({pdu.command_status for pdu in link.pdus}, {0})
        await node.restart()
        await self.taken(host)
        client = await self.bound(node)
        heard = await client.expect_many(2, DELIVER_SM)
        self.assertEqual(sorted(short(pdu) for pdu in heard), texts)
        self.assertEqual({read_message(pdu).esm_class for pdu in heard}, {UDHI})


def submits(link: Peer) -> list[Pdu]:
    """What a host has got to send."""
    return [pdu for pdu in link.pdus if pdu.command_id == SUBMIT_SM]


def short(pdu: Pdu) -> bytes:
    """Its text, header and all."""
    return read_message(pdu).short_message
