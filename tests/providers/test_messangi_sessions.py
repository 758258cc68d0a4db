"""What the Messangi document promises about onboarding, binds and logs (MG-01 to MG-08, MG-12 to
MG-18, MG-24, MG-28 to MG-31).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent

from smppproxy.config import ConfigError, Listener, Node, load_network
from smppproxy.routing.providers import Provider
from smppproxy.service import SmppProxy
from smppproxy.service import build as build_node
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import read_bind
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.timers import Timers
from smppproxy.store.memory import MemoryStore
from smppproxy.store.memory import World as StoreWorld
from smppproxy.wire import admission as admission_module
from smppproxy.wire.leases import StoreLeases
from tests.providers.case import PASSWORD, SYSTEM_ID, VECTORS, DocumentCase, World
from tests.providers.memory import (
    DESTINATION,
    BindsCase,
    MemoryCase,
    SessionCase,
    account_table,
    load,
    logged,
    provider_table,
)
from tests.support import certificates
from tests.support.memory_peers import submit
from tests.support.peers import FakeClient, reactor

MESSANGI = 'preset = "messangi"'
TLS_PORT = "tls_port = 8775"
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


class ServerTests(PlainCase):
    """A client and the node, over real sockets."""

    async def test_mg01_accepted_and_delivered(self) -> None:
        """submit_sm_resp speaks of the acceptance only, the receipt of the outcome; both are
        counted for themselves. (The ledger counts them; a record per message is the message log's.)
        """
        world = await self.messangi()
        ledger = world.ledger
        await world.send(VECTORS["V06"])
        pdu, _ = await world.upstream_submit()
        self.assertEqual((ledger.submitted, ledger.accepted), (1, 0))
        await world.accept(pdu, b"6000")
        self.assertEqual((await world.answer()).command_status, 0)
        self.assertEqual((ledger.accepted, ledger.receipts_in, ledger.delivered), (1, 0, 0))
        await world.receipt(
            source_addr=DESTINATION,
            esm_class=4,
            short_message=b"id:6000 stat:UNDELIV err:001 text:",
        )
        _, receipt = await world.delivered()
        self.assertIn(b"stat:UNDELIV", receipt.short_message)
        await self.wait(lambda: ledger.delivered == 1, "the acknowledgement")
        self.assertEqual((ledger.accepted, ledger.receipts_in), (1, 1))

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

    async def test_mg13_password_is_nowhere(self) -> None:
        """Good binds, wrong ones and broken ones, ours and the client's: no event at any level and
        no repr of what they are made of holds a password.
        """
        found = logged(self)
        world = await self.messangi()
        client = await FakeClient.connect(self, world.service.listeners[0].port)
        client.send_bind(SYSTEM_ID, PASSWORD + b"-wrong")
        await client.expect()
        for octets in (VECTORS["V01"][:-1], VECTORS["V01"][:-4]):
            broken = await FakeClient.connect(self, world.service.listeners[0].port)
            broken.send(len(octets).to_bytes(4, "big") + octets[4:])
            await broken.expect()
        self.patch(world.service._admission, "consider", None)
        client = await FakeClient.connect(self, world.service.listeners[0].port)
        client.send(VECTORS["V01"])
        await client.closed()
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        bind = bind_of(VECTORS["V01"])
        text = repr((world.service.network, bind, read_bind(bind))) + text_of(found)
        self.assertIn("bind_refused", text)
        self.assertIn("handler_failed", text)
        for secret in ("secret08", "b'upstream'"):
            self.assertNotIn(secret, text)

    async def test_mg14_refused_bind(self) -> None:
        """A refused bind is one event that tells account, peer, session, sequence_number, the
        command_status by name and the reason.
        """
        found = logged(self)
        world = await self.messangi(bind=False)
        client = await FakeClient.connect(self, world.service.listeners[0].port)
        client.send_bind(SYSTEM_ID, b"wrong", number=77)
        await client.expect()
        (event,) = [each for each in found if each.get("event") == "bind_refused"]
        self.assertEqual(event["account"], "esme01")
        self.assertEqual(event["command_status"], "ESME_RINVPASWD")
        self.assertEqual(event["sequence_number"], 77)
        self.assertTrue(event["peer"].startswith("127.0.0.1"))
        self.assertTrue(event["session"] and event["why"])

    async def test_mg17_addresses(self) -> None:
        """Binds from elsewhere than agreed get 0x0D before anybody looks at the password; towards
        the provider we come from the address that is configured.
        """
        world = await self.messangi(
            'allow_from = ["127.0.0.2/32"]', provider='bind_address = "127.0.0.3"', bind=False
        )
        port = world.service.listeners[0].port
        for password in (PASSWORD, b"wrong"):
            client = await FakeClient.connect(self, port)
            answer = await client.bind(SYSTEM_ID, password)
            self.assertEqual(answer.command_status, c.ESME_RBINDFAIL)
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

    async def test_mg31_log_without_text(self) -> None:
        """The log holds nothing of what messages say."""
        found = logged(self)
        world = await self.messangi()
        await world.through(VECTORS["V06"], b"6000")
        await world.refused(VECTORS["V15"])
        await world.receipt(
            source_addr=DESTINATION, esm_class=4, short_message=b"id:6000 stat:DELIVRD text:Hello W"
        )
        await world.delivered()
        await world.receipt(
            source_addr=DESTINATION, esm_class=4, short_message=b"Hello without an id", number=901
        )
        world.links[0].send(VECTORS["V30"])
        await world.links[0].expect(c.DELIVER_SM_RESP)
        text = text_of(found)
        self.assertIn("receipt_unreadable", text)
        self.assertEqual(world.service.network.accounts["esme01"].message_log, "metadata")
        for words in ("Hello", "STOP", "caf"):
            self.assertNotIn(words, text)


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
        self.patch(admission_module, "EVICTION", 0.1)
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
        self.patch(admission_module, "EVICTION", 0.05)
        world = await self.messangi("max_binds = 2")
        other = self.second_node()
        link = await world.smscs[0].accept()
        await link.accept_bind()
        self.addCleanup(link.reset)
        first = world.client
        assert first is not None
        second = await FakeClient.connect(self, other.listeners[0].port)
        self.assertEqual((await second.bind(SYSTEM_ID, PASSWORD)).command_status, 0)
        for old, service in ((first, world.service), (second, other)):
            third = await FakeClient.connect(self, service.listeners[0].port)
            third.send_bind(SYSTEM_ID, PASSWORD)
            enquiry = await old.expect(c.ENQUIRE_LINK)
            old.send(build.enquire_link_resp(enquiry.sequence_number))
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


def text_of(events: list[LogEvent]) -> str:
    """Everything that somebody could read of these events."""
    lines = []
    for event in events:
        failure = event.get("log_failure")
        lines.append(f"{formatEvent(event)} {event!r} {failure and failure.getTraceback()}")
    return "\n".join(lines)


def bind_of(octets: bytes) -> Pdu:
    """These octets as a PDU."""
    ((pdu,), _) = Framer().feed(octets)
    return pdu


class UpstreamTests(BindsCase):
    """Our binds to such a provider."""

    def messangi(self, options: str = "", plain: bool = True) -> Provider:
        """The provider; ``plain``: all but its TLS, which says nothing about what is tested."""
        provider = self.provider(f"{MESSANGI}\n{options}", port=TLS_PORT)
        if not plain:
            return provider
        hosts = tuple(attrs.evolve(host, port=2775, tls_port=0) for host in provider.hosts)
        return attrs.evolve(provider, tls="none", hosts=hosts)

    def test_mg03_never_in_plain(self) -> None:
        """A peer that does not speak TLS: for two minutes attempts, every one of them begins a
        handshake, and no bind is sent.
        """
        self.endpoint.mode = "connect"
        self.binds(self.messangi(plain=False))
        for _ in range(120):
            self.advance(1)
        self.assertGreater(len(self.endpoint.links), 2)
        for link in self.endpoint.links:
            self.assertEqual(link.value()[:2], b"\x16\x03")
            self.assertNotIn(b"upstream", link.value())

    def test_mg03_plain_is_no_option(self) -> None:
        """A network file that wants this preset without TLS is refused, with the line."""
        table = provider_table(f'{MESSANGI}\ntls = "none"', port=TLS_PORT)
        error = self.assertRaises(ConfigError, load, Path(self.mktemp()), table)
        self.assertIn("tls", str(error))

    def test_mg06_black_hole(self) -> None:
        """A peer that says nothing after the bind: noticed within 60 s though TCP says nothing, and
        bound to anew.
        """
        self.endpoint.mode = "connect"
        pool = self.binds(self.messangi())
        self.answer_bind()
        self.advance(60)
        self.assertEqual(len(self.endpoint.links), 2)
        self.answer_bind()
        self.assertEqual([state.state for state in pool.states()], ["Bound"])

    def test_mg07_connect_and_bind(self) -> None:
        """A connection has 10 s, its bind 30 s to be answered."""
        self.endpoint.mode = "hang"
        pool = self.binds(self.messangi())
        self.advance(9.5)
        self.assertEqual(pool.states()[0].state, "Connecting")
        self.advance(1)
        self.assertEqual(pool.states()[0].state, "Waiting")
        self.endpoint.mode = "connect"
        self.advance(35)
        began = self.endpoint.attempts[-1]
        self.assertEqual(pool.states()[0].state, "Binding")
        self.advance(began + 29.5 - self.clock.seconds())
        self.assertEqual(pool.states()[0].state, "Binding")
        self.advance(1)
        self.assertEqual(pool.states()[0].state, "Waiting")

    def test_mg07_handshake(self) -> None:
        """A TLS handshake has 10 s."""
        self.endpoint.mode = "connect"
        pool = self.binds(self.messangi(plain=False))
        self.advance(9.5)
        self.assertEqual(pool.states()[0].state, "Securing")
        self.advance(1)
        self.assertEqual(pool.states()[0].state, "Waiting")

    def test_mg08_back_after_ten_minutes(self) -> None:
        """A provider that was down for ten minutes is bound to within 35 s of its return."""
        self.binds(self.messangi(), chance=1.0)
        self.advance(600)
        self.endpoint.mode = "connect"
        back = self.clock.seconds()
        self.advance(35)
        self.answer_bind()
        self.assertTrue(back <= self.endpoint.attempts[-1] <= back + 35)

    def test_mg16_bind_kinds(self) -> None:
        """Each value of ``bind`` gives exactly its binds."""
        self.endpoint.mode = "connect"
        for kind, expected in (
            ("transceiver", [9]),
            ("transmitter+receiver", [2, 1]),
            ("transmitter", [2]),
            ("receiver", [1]),
        ):
            self.endpoint.links.clear()
            self.binds(self.messangi(f'bind = "{kind}"'))
            commands = [link.pdus()[0].command_id for link in self.endpoint.links]
            self.assertEqual(commands, expected)

    def test_mg24_credentials_as_given(self) -> None:
        """system_id and password go out octet for octet: no blank trimmed, no case changed."""
        self.endpoint.mode = "connect"
        table = provider_table(MESSANGI, port=TLS_PORT)
        table = table.replace('"node"', '" Node "').replace('"upstream"', '"Up Stream "')
        provider = load(Path(self.mktemp()), table).providers["acme"]
        host = attrs.evolve(provider.hosts[0], port=2775, tls_port=0)
        self.binds(attrs.evolve(provider, tls="none", hosts=(host,)))
        (bind,) = self.endpoint.links[-1].pdus()
        fields = read_bind(bind)
        self.assertEqual((fields.system_id, fields.password), (b" Node ", b"Up Stream "))
        self.assertEqual(fields.interface_version, 0x34)

    def test_mg29_two_of_three(self) -> None:
        """One bind too many, 0x0D or 0x05: the others stay, this one is tried again every 30 s, and
        that is no alarm.
        """
        for status in (c.ESME_RBINDFAIL, c.ESME_RALYBND):
            self.setUp()
            self.endpoint.mode = "connect"
            pool = self.binds(self.messangi("binds = 3"))
            for link, verdict in zip(self.endpoint.links, (0, 0, status), strict=True):
                (bind,) = link.pdus()
                link.protocol.dataReceived(
                    build.bind_resp(bind.command_id, verdict, bind.sequence_number, b"smsc")
                )
            self.assertEqual(
                [state.state for state in pool.states()], ["Bound", "Bound", "Waiting"]
            )
            self.assertFalse(any(state.alarm for state in pool.states()))
            self.advance(32)
            self.assertEqual(len(self.endpoint.links), 4)
            self.answer_bind()
            self.assertEqual([state.state for state in pool.states()], ["Bound"] * 3)

    def test_mg12_no_host(self) -> None:
        """The preset has no host: a provider without one is refused, the missing field named."""
        table = provider_table(MESSANGI, port=TLS_PORT).partition("[provider.acme.host.a]")[0]
        error = self.assertRaises(ConfigError, load, Path(self.mktemp()), table)
        self.assertIn("host", str(error))
        table = provider_table(MESSANGI, port="")
        error = self.assertRaises(ConfigError, load, Path(self.mktemp()), table)
        self.assertIn("port", str(error))

    def test_mg13_stored_credentials(self) -> None:
        """Our password may be a reference to a file; a client's is a hash, never plain text."""
        secret = Path(self.mktemp())
        secret.write_text("from a file\n")
        table = provider_table(MESSANGI, port=TLS_PORT)
        table = table.replace('"upstream"', f'"file:{secret.resolve()}"')
        provider = load(Path(self.mktemp()), table).providers["acme"]
        self.assertEqual(provider.password, b"from a file")
        self.assertNotIn("from a file", repr(provider))
        plain = account_table("messangi").replace("$argon2", "argon2")
        error = self.assertRaises(ConfigError, load, Path(self.mktemp()), plain)
        self.assertIn("password", str(error))


class FlowTests(MemoryCase):
    """Windows and answers."""

    def test_mg05_window(self) -> None:
        """With a window of three the provider never has more than three unanswered."""
        options = f"{MESSANGI}\nwindow = 3"
        client, upstream = self.pair(self.world("messangi", "", options, port=TLS_PORT))
        client.receive(*[submit(number) for number in range(10)])
        waiting = upstream.submits()
        self.assertEqual(len(waiting), 3)
        for _ in range(10):
            upstream.accept((waiting.pop(0), b"1"))
            waiting += upstream.submits()
            self.assertLessEqual(len(waiting), 3)
        self.assertEqual(len(client.responses()), 10)

    def test_mg05_default_window(self) -> None:
        """Without a word about it, the window is ten."""
        client, upstream = self.pair(self.world("messangi", "", MESSANGI, port=TLS_PORT))
        client.receive(*[submit(number) for number in range(30)])
        self.assertEqual(len(upstream.submits()), 10)

    def test_mg07_response(self) -> None:
        """A submit_sm has 60 s to be answered; then its fate is in doubt and it is resolved."""
        world = self.world("messangi", 'in_doubt = "answer"', MESSANGI, port=TLS_PORT)
        client, upstream = self.pair(world)
        client.receive(VECTORS["V06"])
        self.assertEqual(len(upstream.submits()), 1)
        world.advance(59)
        self.assertEqual(client.responses(), [])
        world.advance(3)
        ((_, status, _),) = client.responses()
        self.assertEqual(status, c.ESME_RUNKNOWNERR)

    def test_mg08_provider_is_back(self) -> None:
        """Once the provider is bound again messages go out. Other than the document has it nothing
        waits for it meanwhile: OK means that a provider has the message, so its client gets 0x08
        and keeps it (decisions, "What the product is").
        """
        options = f"{MESSANGI}\nwindow = 1"
        world = self.world("messangi", "", options, port=TLS_PORT)
        client, upstream = self.pair(world)
        upstream.lose()
        client.receive(submit(1))
        ((_, status, _),) = client.responses()
        self.assertEqual(status, c.ESME_RSYSERR)
        upstream = world.upstream()
        self.through(client, upstream, submit(2))

    def test_mg15_pipelining(self) -> None:
        """With a provider that takes 50 ms for each answer a client with a window of one works, one
        with a window of fifty is more than ten times as fast.
        """
        taken = {}
        for window in (1, 50):
            options = f"{MESSANGI}\nwindow = 50"
            world = self.world("messangi", "", options, port=TLS_PORT)
            client, upstream = self.pair(world)
            client.receive(*[submit(number) for number in range(window)])
            taken[window] = 0
            for _ in range(20):
                world.clock.advance(0.05)
                upstream.accept(*[(pdu, b"1") for pdu in upstream.submits()])
                answers = client.responses()
                taken[window] += len(answers)
                client.receive(*[submit(number) for number, _, _ in answers])
        self.assertEqual(taken[1], 20)
        self.assertGreater(taken[50], 10 * taken[1])

    def test_mg30_counters(self) -> None:
        """Ten submits, eight delivered, one rejected, one throttled: the counts say just that."""
        world = self.world("messangi", "tps = 9\nburst = 9")
        client, upstream = self.pair(world)
        client.receive(*[submit(number, b"45%08d" % number) for number in range(10)])
        pdus = upstream.submits()
        upstream.accept(*[(pdu, b"%d" % (6000 + n)) for n, pdu in enumerate(pdus)])
        statuses = [status for _, status, _ in client.responses()]
        self.assertEqual(sorted(statuses), [0] * 9 + [c.ESME_RTHROTTLED])
        for n in range(9):
            stat = b"REJECTD" if n == 8 else b"DELIVRD"
            upstream.receipt(b"%d" % (6000 + n), b"45%08d" % n, stat)
        self.assertEqual(len(client.texts()), 9)
        counts = {
            name: getattr(world.ledger, name)
            for name in ("submitted", "accepted", "refused", "receipts_in", "matched", "delivered")
        }
        self.assertEqual(
            counts,
            {
                "submitted": 10,
                "accepted": 9,
                "refused": 1,
                "receipts_in": 9,
                "matched": 9,
                "delivered": 9,
            },
        )
        self.assertEqual(world.ledger.imbalance(), {})
