"""What the documents imply about sessions, and about the end of a node (XC-14 to XC-18)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock

from smppproxy.config import Listener
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.timers import Timers
from smppproxy.smpp.window import LAST_SEQUENCE_NUMBER
from smppproxy.store import open_store
from smppproxy.wire import client as client_module
from smppproxy.wire.admission import Admission
from smppproxy.wire.authentication import Authenticator
from smppproxy.wire.listener import ClientFactory
from smppproxy.wire.protocol import Ticker
from tests.providers.case import PASSWORD, SYSTEM_ID, VECTORS, DocumentCase, World
from tests.providers.memory import BindsCase, SessionCase
from tests.support.certificates import make
from tests.support.nodes import NodeCase, reactor
from tests.support.peers import FakeClient, bind_fields
from tests.support.redis_server import RedisServer
from tests.support.relay import RecordingRelay
from tests.wire.door import at_once
from tests.wire.test_keeping import Wire

WRONG = b"wrong"


def unsupported(number: int) -> bytes:
    """V23, a query_sm, with this sequence_number."""
    return VECTORS["V23"][:12] + number.to_bytes(4, "big") + VECTORS["V23"][16:]


class OrderTests(DocumentCase):
    """XC-14: a bind is checked in its order."""

    async def door(self, account: str, **options: Any) -> World:
        """A node with one account of these options."""
        self.patch(client_module, "REFUSAL_LINGER", 0.05)
        return await self.document("default", account=account, bind=False, **options)

    async def status(self, world: World, password: bytes = WRONG, **fields: Any) -> int:
        """What a bind on the first listener gets."""
        client = await FakeClient.connect(self, world.service.listeners[0].port)
        return (await client.bind(SYSTEM_ID, password, **fields)).command_status

    async def test_xc14_address_before_the_password(self) -> None:
        """From a wrong address: 0x0D, whether the password is right or wrong."""
        world = await self.door('allow_from = ["192.0.2.0/24"]')
        for password in (WRONG, PASSWORD):
            self.assertEqual(await self.status(world, password), c.ESME_RBINDFAIL)

    async def test_xc14_tls_before_the_password(self) -> None:
        """In the clear where TLS is required: 0x0D, whether the password is right or wrong."""
        files = make(Path(self.mktemp()))
        secure = Listener(
            port=0,
            address="127.0.0.1",
            name="tls",
            tls=True,
            certificate=str(files.certificate),
            key=str(files.key),
        )
        plain = Listener(port=0, address="127.0.0.1", name="plain")
        world = await self.door('tls = "required"', listeners=(plain, secure))
        for password in (WRONG, PASSWORD):
            self.assertEqual(await self.status(world, password), c.ESME_RBINDFAIL)

    async def test_xc14_the_rest(self) -> None:
        """Then the version, the password, the system_type, the bind type, the limit, the store:
        each is named as long as what comes before it is right."""
        world = await self.door(
            'versions = [0x34]\nrequire_system_type = "x"\nbind_types = ["rx"]\n'
            "errors = { version_not_allowed = 0x401, system_type = 0x402, "
            "bind_type_not_allowed = 0x403, not_ready = 0x404 }"
        )
        self.stores[0].go_away()
        self.assertEqual(await self.status(world, interface_version=0x33), 0x401)
        self.assertEqual(await self.status(world), c.ESME_RINVPASWD)
        self.assertEqual(await self.status(world, PASSWORD), 0x402)
        self.assertEqual(await self.status(world, PASSWORD, system_type=b"x"), 0x403)
        receiver: dict[str, Any] = {"system_type": b"x", "command_id": c.BIND_RECEIVER}
        self.assertEqual(await self.status(world, PASSWORD, **receiver), 0x404)
        self.stores[0].come_back()
        self.assertEqual(await self.status(world, PASSWORD, **receiver), 0)


class GuessTests(SessionCase):
    """XC-15: who guesses waits."""

    def setUp(self) -> None:
        self.clock = Clock()
        ticker = Ticker(self.clock)
        ticker.start()
        account = self.account("default")
        admission = Admission(
            RecordingRelay(),
            ticker,
            Authenticator(self.clock, at_once),
            lambda: {"esme01": account},
            timers=Timers(response=30.0),
        )
        self.factory = ClientFactory(admission, "door")

    def bind(self, password: bytes, address: str = "192.0.2.7") -> tuple[int, float]:
        """What a bind from this address is answered, and after how many seconds."""
        session = self.factory.buildProtocol(None)
        assert session is not None
        wire = Wire(peerAddress=IPv4Address("TCP", address, 40000))
        wire.clock = self.clock
        session.makeConnection(wire)
        session.dataReceived(
            build.bind(c.BIND_TRANSCEIVER, 1, bind_fields(SYSTEM_ID, password))
        )
        began = self.clock.seconds()
        while True:
            pdus = wire.pdus()
            if pdus:
                return pdus[0].command_status, self.clock.seconds() - began
            self.clock.advance(0.25)

    def test_xc15_twenty_wrong_binds(self) -> None:
        """Ten are answered at once, ten more after five seconds each, none is refused for good;
        a right one from another address is not delayed, and from here it is bound, late."""
        waits = []
        for _ in range(20):
            status, after = self.bind(WRONG)
            self.assertEqual(status, c.ESME_RINVPASWD)
            waits.append(after)
        self.assertEqual(waits, [0.0] * 10 + [5.0] * 10)
        self.assertEqual(self.bind(PASSWORD, "192.0.2.8"), (0, 0.0))
        self.assertEqual(self.bind(PASSWORD), (0, 5.0))
        self.clock.advance(61)
        self.assertEqual(self.bind(PASSWORD), (0, 0.0))


class QueueTests(DocumentCase):
    """XC-16: what goes ahead of waiting submits."""

    async def test_xc16_a_thousand_wait(self) -> None:
        """A thousand submit_sm wait for a provider of window 1, at TPS 0: enquire_link is
        answered, and the answer to a deliver_sm counts, while all of them wait: two windows with
        the provider's backlog, the others at the session. In the end all are answered.
        """
        more = '[[mo_route]]\naccount = "esme01"\nnumbers = ["1204"]\n'
        # Nobody answers the node's enquire_link here, and a busy machine takes its time.
        calm = "enquire_interval = 500\nidle_timeout = 1200"
        world = await self.document("default", calm, "window = 1", more=more)
        head, tail = VECTORS["V06"][:12], VECTORS["V06"][16:]
        submits = [head + n.to_bytes(4, "big") + tail for n in range(1, 1001)]
        await world.send(b"".join(submits[:101]))
        await self.wait(lambda: world.ledger.submitted == 101, "two windows are taken")
        await world.send(b"".join(submits[101:]))
        pdu, _ = await world.upstream_submit()
        assert world.client is not None
        began = reactor.seconds()
        await world.send(VECTORS["V25"])
        self.assertEqual((await world.client.expect()).raw, VECTORS["V26"])
        # 50 ms are promised; a busy machine of tests is given more.
        self.assertLess(reactor.seconds() - began, 10.0)
        await world.receipt(
            source_addr=b"4510203040", destination_addr=b"1204", short_message=b"STOP"
        )
        _, message = await world.delivered()
        self.assertEqual(message.short_message, b"STOP")
        await self.wait(lambda: world.ledger.mo_delivered == 1, "the client's answer")
        self.assertEqual((world.ledger.accepted, world.ledger.in_flight), (0, 101))
        for number in range(1, 1001):
            await world.accept(pdu, b"%d" % number)
            self.assertEqual((await world.answer()).sequence_number, number)
            if number < 1000:
                pdu, _ = await world.upstream_submit()
        self.assertEqual((world.ledger.accepted, world.ledger.in_flight), (1000, 0))


class NumberTests(SessionCase):
    """XC-17: sequence numbers of clients, and ours towards them."""

    def test_xc17_echoed_as_they_came(self) -> None:
        """0 and numbers above 0x7FFFFFFF come back in the answer as they were."""
        session, wire = self.bound(self.account("default"))
        for number in (0, 1, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            session.dataReceived(build.enquire_link(number))
            session.dataReceived(unsupported(number))
            self.assertEqual([pdu.sequence_number for pdu in wire.pdus()], [number] * 2)

    def test_xc17_ours_wrap(self) -> None:
        """Ours end and begin again with 1. The last one is 0x7FFFFFFE after decisions 16, where
        the mission has 0x7FFFFFFF; a number that still waits is left out."""
        session, _ = self.bound(self.account("default"))
        window = session.session.window
        self.assertEqual(LAST_SEQUENCE_NUMBER, 0x7FFFFFFE)
        self.assertEqual(window.open("first", 0.0), 1)
        window._next = LAST_SEQUENCE_NUMBER
        self.assertEqual([window.open(token, 0.0) for token in "ab"], [LAST_SEQUENCE_NUMBER, 2])
        self.assertEqual(window.close(1), "first")


class OurNumberTests(BindsCase):
    """XC-17: ours towards providers."""

    def test_xc17_ours_begin_with_1(self) -> None:
        """The bind has number 1, the next PDU 2; the provider's own numbers are echoed."""
        self.endpoint.mode = "accept"
        self.binds(self.provider(""))
        (bind,) = self.endpoint.links[-1].pdus()
        self.assertEqual(bind.sequence_number, 1)
        link = self.endpoint.links[-1]
        link.protocol.dataReceived(build.bind_resp(bind.command_id, 0, 1, b"smsc"))
        self.advance(31)
        (ours,) = link.pdus()
        self.assertEqual((ours.command_id, ours.sequence_number), (c.ENQUIRE_LINK, 2))
        link.protocol.dataReceived(build.enquire_link(0) + build.enquire_link(0xFFFFFFFF))
        self.assertEqual([pdu.sequence_number for pdu in link.pdus()], [0, 0xFFFFFFFF])


class RestartTests(NodeCase):
    """XC-18, with a real store."""

    def setUp(self) -> None:
        super().setUp()
        self.server = RedisServer().start()
        self.addCleanup(self.server.close)

    def open_store(self, url: str, node_name: str, clock: Any) -> Any:
        """The store of the server, whatever the node file says."""
        return open_store(self.server.patient_url, node_name, clock)

    async def test_xc18_five_hundred_receipts(self) -> None:
        """500 receipts wait for an account that is bound nowhere; the node stops and the store's
        server dies. Both are started again: a receiver gets 500, each once."""
        smsc = self.provider("a")
        self.write_network(smsc, options="deliver_window = 500")
        node = self.node()
        esme = self.client(node, bind="tx", count=500)
        await self.wait(lambda: esme.tally.accepted == 500, "500 accepted")
        await self.wait(lambda: node.relay.ledger.queued == 500, "500 receipts wait")
        await esme.stop()
        await self.stop(node)
        self.server.restart()
        again = self.node()
        client = await FakeClient.connect(self, again.listeners[0].port)
        answer = await client.bind(b"demo", b"demo", c.BIND_RECEIVER)
        self.assertEqual(answer.command_status, 0)
        pdus = await client.expect_many(500, c.DELIVER_SM)
        client.send(b"".join(build.deliver_sm_resp(pdu.sequence_number) for pdu in pdus))
        await self.wait(lambda: again.relay.ledger.delivered == 500, "500 acknowledged")
        ids = {pdu.raw.partition(b"id:")[2][:10] for pdu in pdus}
        self.assertEqual(ids, {sent.message_id for sent in esme.history})
        self.assertEqual(len(ids), 500)
        client.send(VECTORS["V25"])
        await client.expect(c.ENQUIRE_LINK_RESP)
        self.assertNotIn(c.DELIVER_SM, [pdu.command_id for pdu in client.pdus])
