"""Peers that mean harm, around a real node: what they may cost, and that nobody else notices."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

from twisted.internet.defer import Deferred, gatherResults

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    DELIVER_SM,
    DELIVER_SM_RESP,
    ESME_ROK,
    MAX_PDU,
    SUBMIT_SM,
)
from tests.scenarios.test_faults_wire import WireScenario, receipt
from tests.scenarios.world import Node, Scenario, carried, network
from tests.support.peers import FakeClient, FakeSmsc
from tests.support.processes import until
from tests.support.running import Upstream

MEGABYTE = 1 << 20
CROWD = 300
"""Sessions that each begin a PDU of the longest length and never end it."""
UNFINISHED = MAX_PDU - 1
SLACK = 40 * MEGABYTE
"""Address space for the sessions themselves and for what the allocator rounds up."""
TIGHT = 8 * MEGABYTE
"""Address space in which that crowd finds no room."""
PATIENT = "enquire_link = 300.0\nresponse_timeout = 120.0\npartial_pdu = 120.0"
"""A node that neither probes the silent nor takes a slow machine for a lost peer."""


def address_space(node: Node) -> int:
    """Octets of address space that the node has."""
    status = Path(f"/proc/{node.process.transport.pid}/status").read_text()
    return int(status.partition("VmSize:")[2].split()[0]) * 1024


def limit(node: Node, octets: int) -> int:
    """No more address space than this from now on; returns what it might have before."""
    pid = node.process.transport.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (octets, hard))
    return soft


def hostile_octets() -> Iterator[tuple[str, bytes]]:
    """What no provider should send: F03 to F16, seen from the other side (F77)."""
    head = build.header(DELIVER_SM, 0, 7)
    for length in (0, 15, 0x7FFFFFFF, 0xFFFFFFFF, MAX_PDU + 1):
        yield f"command_length {length}", length.to_bytes(4, "big") + head[4:]
    yield "an HTTP server", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
    yield "a body without its end", (20).to_bytes(4, "big") + head[4:] + b"abcd" + b"\xff" * 40
    yield "binds", build.header(9, 0, 1) * 200 + b"\xff" * 16
    yield "answers to nothing", build.submit_sm_resp(77, b"x" * 64) * 150
    yield "unknown requests", build.header(0x0BAD, 0, 1) * 50
    yield "nothing but 0xff", b"\xff" * 100_000


class HostileProviderTests(WireScenario):
    """F77: a provider's host that sends anything."""

    timeout = 240

    async def test_f77_any_octets_from_a_provider(self) -> None:
        """That session ends, and its host is bound again; a client's messages go through the
        other provider meanwhile, and their receipts come."""
        hostile, good = FakeSmsc(self), FakeSmsc(self)
        upstreams = [
            Upstream("evil", [hostile.port], "window = 200"),
            Upstream("good", [good.port], "window = 200"),
        ]
        node = await self.node(
            network(upstreams, {"demo": ""}, '[[route]]\nname = "all"\ntargets = ["good"]\n')
        )
        self.addCleanup(good.stop)
        self.addCleanup(hostile.stop)
        link = await self.taken(good)
        client = await self.bound(node)
        number = 0
        for number, (_, octets) in enumerate(hostile_octets(), 1):
            evil = await self.taken(hostile)
            evil.send(octets)
            await until(lambda evil=evil: evil.is_closed)  # type: ignore[misc]
            await self.still_works(client, link, 100 + number)
        self.assertGreater(number, 10)
        self.assertEqual(client.is_closed, False)

    async def test_f77_a_providers_deliveries_of_any_shape(self) -> None:
        """Bodies cut at every octet, and TLVs without end: each is answered once, and the node
        tells the client of none that it cannot read."""
        node, (link,) = await self.world()
        client = await self.bound(node)
        taken, ours = await self.message(client, link, 1, b"6000")
        whole = receipt(0, b"6000", taken)
        sent = 0
        for end in range(16, len(whole)):
            sent += 1
            header = (end).to_bytes(4, "big") + whole[4:12] + (1000 + sent).to_bytes(4, "big")
            link.send(header + whole[16:end])
        link.send(whole[:-1] + b"\0")
        answers = await link.expect_many(sent + 1, DELIVER_SM_RESP)
        self.assertEqual(len({answer.sequence_number for answer in answers}), sent + 1)
        self.assertTrue((await self.receipts(client, 1))[0][0] == ours)
        self.assertFalse(link.is_closed or client.is_closed)


class MemoryTests(Scenario):
    """F95: a node that may not have more memory."""

    timeout = 180

    async def hungry(self, client: FakeClient) -> None:
        """A session begins the longest PDU there may be, and leaves out its last octet."""
        client.send_bind(b"idle", b"idle")
        answer = await client.expect(deadline=60.0)
        self.assertEqual(answer.command_status, ESME_ROK)
        client.send(MAX_PDU.to_bytes(4, "big") + build.header(SUBMIT_SM, 0, 2)[4:])
        client.send(b"\0" * (UNFINISHED - 16))

    async def crowd(self, node: Node) -> list[FakeClient]:
        """All of them, ten at a time."""
        found: list[FakeClient] = []
        for _ in range(CROWD // 10):
            some = [await FakeClient.connect(self, node.port) for _ in range(10)]
            await gatherResults([Deferred.fromCoroutine(self.hungry(one)) for one in some])
            found += some
        return found

    async def crowded_world(self) -> tuple[Node, Smsc, Esme]:
        """A node with one provider, a busy client, and an account for the crowd."""
        smsc = self.provider("a", receipt_delay=(0.0, 0.2))
        upstream = Upstream("acme", list(smsc.ports.values()), "window = 200")
        accounts = {"demo": "", "idle": "max_binds = 1000"}
        # The crowd answers no enquire_link, however long a busy machine takes to gather it.
        node = await self.node(network([upstream], accounts), [smsc], options=PATIENT)
        client = self.client(node, rate=20.0)
        await carried(client, 20)
        return node, smsc, client

    async def test_f95_unfinished_pdus_cost_no_more_than_they_have(self) -> None:
        """Sessions that each hold back the end of the longest PDU: the node needs what they sent
        and no multiple of it, and a client beside them notices nothing."""
        node, smsc, client = await self.crowded_world()
        limit(node, address_space(node) + CROWD * MAX_PDU + SLACK)
        crowd = await self.crowd(node)
        await carried(client, 20)
        self.assertEqual([one for one in crowd if one.is_closed], [])
        self.assertNotIn("MemoryError", node.process.told())
        await self.finish(client)
        self.assertEqual((client.tally.sessions_lost, client.tally.refused), (0, 0))
        self.check(check_client(client), check_providers([client], [smsc]))

    async def test_f95_no_memory_ends_sessions_not_the_node(self) -> None:
        """Where there is no room for them, those that ask for it lose their sessions; the node
        lives, and works as before once there is room again. A client beside them may lose its
        session too, never a message that was accepted."""
        node, smsc, client = await self.crowded_world()
        before = limit(node, address_space(node) + TIGHT)
        crowd = []
        for _ in range(CROWD):
            one = await FakeClient.connect(self, node.port)
            crowd.append(one)
            one.send_bind(b"idle", b"idle")
            one.send(MAX_PDU.to_bytes(4, "big") + build.header(SUBMIT_SM, 0, 2)[4:])
            one.send(b"\0" * (UNFINISHED - 16))
        await until(lambda: any(one.is_closed for one in crowd), 60.0)
        for one in crowd:
            one.reset()
        await until(lambda: all(one.is_closed for one in crowd))
        self.assertFalse(node.process.is_over, node.process.told())
        limit(node, before)
        await carried(client, 50)
        await self.finish(client)
        self.check(check_providers([client], [smsc], copies=2))
