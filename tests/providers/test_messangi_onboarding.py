"""What the Messangi document promises about onboarding: versions, TLS, bind types, addresses,
service and number of binds (MG-02 to MG-04, MG-06, MG-07, MG-17, MG-18, MG-28).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.task import Clock
from twisted.logger import LogEvent

from smppproxy.config import Listener, Node, load_network
from smppproxy.service import SmppProxy
from smppproxy.service import build as build_node
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.timers import Timers
from smppproxy.store.memory import MemoryStore
from smppproxy.store.memory import World as StoreWorld
from smppproxy.wire import admission as admission_module
from smppproxy.wire.leases import StoreLeases
from tests.providers.case import PASSWORD, SYSTEM_ID, VECTORS, DocumentCase, World
from tests.providers.memory import SessionCase
from tests.support import certificates
from tests.support.logs import logged
from tests.support.peers import FakeClient, reactor
from tests.support.processes import until

PLAIN = 'tls = "optional"\n'
"""For what has nothing to do with TLS."""


class OnboardingTests(SessionCase):
    """What is agreed at onboarding and held at the bind."""

    def verdict(self, options: str, octets: bytes) -> int:
        """The command_status of this bind on a plain connection, which then ends if refused."""
        session, wire = self.connected(self.account("messangi", options))
        session.dataReceived(octets)
        (answer,) = wire.pdus()
        self.advance(1.5)
        self.assertEqual(wire.ended_at is None, answer.command_status == 0)
        return int(answer.command_status)

    def test_mg02_version_3_4_only(self) -> None:
        """V05, version 0x33, gets 0x0D and the session ends; V01 is bound."""
        self.assertEqual(self.verdict(PLAIN, VECTORS["V05"]), c.ESME_RBINDFAIL)
        self.assertEqual(self.verdict(PLAIN, VECTORS["V01"]), c.ESME_ROK)
        for version in (0x00, 0x33, 0x35, 0x50):
            octets = VECTORS["V01"].replace(b"\0\x34\0\0\0", bytes((0, version, 0, 0, 0)))
            self.assertEqual(self.verdict(PLAIN, octets), c.ESME_RBINDFAIL)

    def test_mg03_plain_bind(self) -> None:
        """A plain bind gets 0x0D whatever its password is: nobody looks at it."""
        for octets in (VECTORS["V01"], VECTORS["V01"].replace(b"secret08", b"secret09")):
            self.assertEqual(self.verdict("", octets), c.ESME_RBINDFAIL)

    def test_mg04_bind_types(self) -> None:
        """An account for transmitters: bind_receiver and bind_transceiver get 0x0D."""
        options = PLAIN + 'bind_types = ["tx"]'
        for command_id, status in ((1, c.ESME_RBINDFAIL), (9, c.ESME_RBINDFAIL), (2, 0)):
            octets = VECTORS["V01"][:7] + bytes((command_id,)) + VECTORS["V01"][8:]
            self.assertEqual(self.verdict(options, octets), status)

    def test_mg06_our_own_enquiry(self) -> None:
        """A client that is silent for 30 s is asked; without an answer in 10 s the session ends."""
        _, wire = self.bound(self.account("messangi", PLAIN))
        self.advance(31)
        self.assertEqual(wire.commands(), [c.ENQUIRE_LINK])
        self.advance(12)
        self.assertIsNotNone(wire.ended_at)

    def test_mg07_never_bound(self) -> None:
        """A connection that never binds is closed, after 10 s here, not 30 (decisions 6)."""
        _, wire = self.connected(self.account("messangi"), Timers())
        self.advance(9)
        self.assertIsNone(wire.ended_at)
        self.advance(2)
        self.assertIsNotNone(wire.ended_at)

    def test_mg07_half_a_header(self) -> None:
        """Eight octets of a header and nothing more: closed after 30 s."""
        session, wire = self.bound(self.account("messangi", PLAIN))
        session.dataReceived(VECTORS["V25"][:8])
        self.advance(29)
        self.assertIsNone(wire.ended_at)
        self.advance(3)
        self.assertIsNotNone(wire.ended_at)


class PlainCase(DocumentCase):
    """A node with an account of the document over plain connections."""

    async def messangi(self, account: str = "", **options: Any) -> World:
        """The account with these lines."""
        return await self.document("messangi", account=PLAIN + account, **options)


class AgreedTests(PlainCase):
    """The same over real sockets."""

    async def test_mg03_tls(self) -> None:
        """The same credentials that a plain bind refuses are good over TLS."""
        files = certificates.make(Path(self.mktemp()))
        listeners = (
            Listener(port=0, address="127.0.0.1", name="plain"),
            Listener(
                port=0,
                address="127.0.0.1",
                name="tls",
                tls=True,
                certificate=str(files.certificate),
                key=str(files.key),
            ),
        )
        world = await self.document("messangi", listeners=listeners, bind=False)
        await world.another(status=c.ESME_RBINDFAIL)
        trust = Certificate.loadPEM(files.ca.read_bytes())
        creator = optionsForClientTLS("localhost", trustRoot=trust)
        port = world.service.listeners[1].port
        client = await FakeClient.connect(self, port, tls=creator)
        self.assertEqual((await client.bind(SYSTEM_ID, PASSWORD)).command_status, 0)

    async def test_mg17_addresses(self) -> None:
        """Binds from elsewhere than agreed get 0x0D before anybody looks at the password; towards
        the provider we come from the address that is configured.
        """
        world = await self.messangi(
            'allow_from = ["127.0.0.2/32"]', provider='bind_address = "127.0.0.3"', bind=False
        )
        port = world.service.listeners[0].port
        found = logged(self)
        for password in (PASSWORD, b"wrong"):
            client = await FakeClient.connect(self, port)
            answer = await client.bind(SYSTEM_ID, password)
            self.assertEqual(answer.command_status, c.ESME_RBINDFAIL)

        def refused() -> list[LogEvent]:
            return [event for event in found if event.get("event") == "bind_refused"]

        await until(lambda: sum(event["count"] for event in refused()) == 2)
        self.assertEqual({event["peer"] for event in refused()}, {"127.0.0.1"})
        client = await FakeClient.connect(self, port, address="127.0.0.2")
        self.assertEqual((await client.bind(SYSTEM_ID, PASSWORD)).command_status, 0)
        self.assertEqual(world.links[0].transport.getPeer().host, "127.0.0.3")

    async def test_mg18_service(self) -> None:
        """An account for MO may not submit, 0x04; one for MT gets no MO message, it is unrouted."""
        route = '[[mo_route]]\naccount = "esme01"\nnumbers = ["1204"]'
        world = await self.messangi('service = "mo"', more=route)
        self.assertEqual(await world.refused(VECTORS["V06"]), c.ESME_RINVBNDSTS)
        world.links[0].send(VECTORS["V30"])
        _, message = await world.delivered()
        self.assertEqual(message.short_message, b"STOP")

    async def test_mg18_service_mt(self) -> None:
        """The other way round."""
        route = '[[mo_route]]\naccount = "esme01"\nnumbers = ["1204"]'
        world = await self.messangi('service = "mt"', more=route)
        await world.through(VECTORS["V06"], b"6000")
        world.links[0].send(VECTORS["V30"])
        await world.links[0].expect(c.DELIVER_SM_RESP)
        self.assertEqual(world.ledger.mo_unrouted, 1)
        assert world.client is not None
        self.assertEqual(world.client.pdus, [])


class BoundsTests(PlainCase):
    """How many binds an account may have."""

    async def test_mg28_max_binds(self) -> None:
        """The third of two gets 0x0D, never 0x05, which a client in use takes for success; each
        kind of session counts; after one closes there is room.
        """
        world = await self.messangi("max_binds = 2", bind=False)
        first = await world.another(c.BIND_TRANSMITTER)
        second = await world.another(c.BIND_RECEIVER)
        # At the limit the old ones are asked for a sign of life, and get less time than usual.
        self.patch(admission_module, "EVICTION", 0.2)
        third = await FakeClient.connect(self, world.service.listeners[0].port)
        third.send_bind(SYSTEM_ID, PASSWORD)
        for client in (first, second):
            enquiry = await client.expect(c.ENQUIRE_LINK)
            client.send(build.enquire_link_resp(enquiry.sequence_number))
        answer = await third.expect(c.BIND_TRANSCEIVER_RESP)
        self.assertEqual(answer.command_status, c.ESME_RBINDFAIL)
        first.hang_up()
        await self.wait(lambda: len(world.service.relay.directory.clients["esme01"]) == 1, "room")
        await world.another()


class TwoNodesTests(PlainCase):
    """The same limit over two nodes of one store."""

    def setUp(self) -> None:
        super().setUp()
        self.memory = StoreWorld(reactor.seconds)

    def open_store(self, url: str, node_name: str, clock: Any) -> MemoryStore:
        """Both nodes look at one store."""
        return MemoryStore(clock, node_name, self.memory)

    def second_node(self) -> SmppProxy:
        """Another node of the same network file."""
        listeners = (Listener(port=0, address="127.0.0.1", name="plain"),)
        node = Node(name="node2", network_file=str(self.network_file), listeners=listeners)
        service = build_node(node, load_network(self.network_file), reactor, self.open_store)
        service.startService()
        self.addCleanup(self.stop, service)
        return service

    async def test_mg28_over_nodes(self) -> None:
        """Two of two are bound, one on each node: a third gets 0x0D wherever it comes, until one of
        them has closed.
        """
        self.patch(admission_module, "EVICTION", 0.2)
        world = await self.messangi("max_binds = 2")
        other = self.second_node()
        link = await world.smscs[0].accept()
        await link.accept_bind()
        self.addCleanup(link.reset)
        first = world.client
        assert first is not None
        second = await FakeClient.connect(self, other.listeners[0].port)
        self.assertEqual((await second.bind(SYSTEM_ID, PASSWORD)).command_status, 0)
        thirds = []
        for service in (world.service, other):
            third = await FakeClient.connect(self, service.listeners[0].port)
            third.send_bind(SYSTEM_ID, PASSWORD)
            thirds.append(third)
        for old in (first, second):
            enquiry = await old.expect(c.ENQUIRE_LINK)
            old.send(build.enquire_link_resp(enquiry.sequence_number))
        for third in thirds:
            answer = await third.expect(c.BIND_TRANSCEIVER_RESP)
            self.assertEqual(answer.command_status, c.ESME_RBINDFAIL)
        second.hang_up()
        directory = other.relay.directory
        await self.wait(lambda: not directory.clients.get("esme01"), "the second is gone")
        await world.another()


class LeaseTests(SessionCase):
    """What a killed node leaves behind."""

    def test_mg28_leaked_place(self) -> None:
        """The place of a node that died without a word is free after the lease, 30 s."""
        clock = Clock()
        memory = StoreWorld(clock.seconds)
        account = self.account("messangi", "max_binds = 1")
        nodes = []
        for name in ("dies", "lives"):
            store = MemoryStore(clock, name, memory)
            store.start()
            nodes.append(StoreLeases(store, clock))
        dies, lives = nodes
        session: Any = object()
        self.assertTrue(self.successResultOf(dies.take(account, session)))
        clock.advance(29)
        self.assertFalse(self.successResultOf(lives.take(account, session)))
        clock.advance(2)
        self.assertTrue(self.successResultOf(lives.take(account, session)))
