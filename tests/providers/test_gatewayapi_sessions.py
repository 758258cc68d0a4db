"""What the GatewayAPI documents promise about hosts, binds and commands (GW-01 to GW-16)."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.ssl import Certificate, optionsForClientTLS

from smppproxy.config import Listener
from smppproxy.routing.providers import Provider
from smppproxy.simulator.esme import Esme
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import read_bind, read_message_id
from smppproxy.smpp.timers import Timers
from smppproxy.wire import admission as admission_module
from smppproxy.wire import client as client_module
from tests.providers.case import PASSWORD, SYSTEM_ID, VECTORS, DocumentCase, receipt_text
from tests.providers.memory import (
    DESTINATION,
    BindsCase,
    MemoryCase,
    SessionCase,
    account_table,
    load,
    provider_table,
)
from tests.support import certificates
from tests.support.memory_peers import submit
from tests.support.peers import FakeClient

SUPPORTED = (
    ("V01", c.BIND_TRANSCEIVER_RESP),
    ("V05", c.BIND_TRANSMITTER_RESP),
    ("V06", c.SUBMIT_SM_RESP),
    ("V25", c.ENQUIRE_LINK_RESP),
    ("V34", c.UNBIND_RESP),
)
"""Requests of a client and what answers them."""


class BindTests(DocumentCase):
    """A client binds, over real sockets."""

    async def test_gw01_version_3_4(self) -> None:
        """A bind of version 3.4 gets our system_id and sc_interface_version 0x34: V01 -> V02."""
        world = await self.document("gatewayapi", bind=False)
        client = await FakeClient.connect(self, world.service.listeners[0].port)
        client.send(VECTORS["V01"])
        await client.expect(c.BIND_TRANSCEIVER_RESP)
        self.assertEqual(client.octets, VECTORS["V02"])

    async def test_gw02_version_3_3(self) -> None:
        """A session bound below 3.4 gets no TLV in anything, an id of eight hex digits, and a
        receipt whose id is the same number in decimal. Its own TLVs are read all the same.
        """
        world = await self.document("gatewayapi", bind=False)
        client = await FakeClient.connect(self, world.service.listeners[0].port)
        client.send(VECTORS["V05"])
        answer = await client.expect(c.BIND_TRANSMITTER_RESP)
        self.assertEqual(answer.raw[16:], b"smppproxy\0")
        receiver = await world.another(c.BIND_RECEIVER, interface_version=0x33)
        client.send(VECTORS["V16"])
        pdu, _ = await world.upstream_submit()
        await world.accept(pdu, b"6000")
        message_id = read_message_id(await client.expect(c.SUBMIT_SM_RESP))
        self.assertRegex(message_id, rb"^[0-9A-F]{8}$")
        await world.receipt(
            source_addr=DESTINATION, esm_class=4, short_message=receipt_text("6000")
        )
        _, receipt = await world.delivered(receiver)
        self.assertEqual(receipt.tlvs, [])
        self.assertTrue(receipt.short_message.startswith(b"id:%d sub:" % int(message_id, 16)))
        self.assertTrue(receipt.short_message.endswith(b"text:4919"))

    async def test_gw02_transceiver_of_3_3(self) -> None:
        """bind_transceiver with 0x33 is taken too: many libraries of 3.4 send it."""
        world = await self.document("gatewayapi", bind=False)
        await world.another(c.BIND_TRANSCEIVER, interface_version=0x33)
        await world.another(c.BIND_TRANSCEIVER, interface_version=0x50)

    async def test_gw03_every_host_at_once(self) -> None:
        """Both hosts of the provider are bound to at once; a hundred submits are shared."""
        world = await self.document("gatewayapi", provider='preset = "gatewayapi"', hosts=2)
        assert world.client is not None
        world.client.send(b"".join(submit(number) for number in range(100)))
        taken = [0, 0]

        def answer() -> bool:
            for place, link in enumerate(world.links):
                pdus, link.pdus = link.pdus, []
                taken[place] += len(pdus)
                for pdu in pdus:
                    link.send(build.submit_sm_resp(pdu.sequence_number, b"1"))
            return sum(taken) == 100

        await self.wait(answer, "a hundred submits")
        await world.client.expect_many(100, c.SUBMIT_SM_RESP)
        self.assertTrue(all(10 <= count <= 90 for count in taken), taken)

    async def test_gw05_rebind_at_once(self) -> None:
        """With one bind allowed, a client whose connection was reset binds again at once."""
        world = await self.document("gatewayapi", account="max_binds = 1")
        assert world.client is not None
        for _ in range(3):
            world.client.reset()
            world.client = await world.another()

    async def test_gw05_half_open_session(self) -> None:
        """A session that shows no life makes room for a new bind of its account."""
        self.patch(admission_module, "EVICTION", 0.05)
        world = await self.document("gatewayapi", account="max_binds = 1")
        old = world.client
        assert old is not None
        await world.another()
        await old.closed()

    async def test_gw07_plain_and_tls(self) -> None:
        """The same account binds plain and, on the TLS port, in TLS from the first octet."""
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
        world = await self.document("gatewayapi", listeners=listeners)
        trust = Certificate.loadPEM(files.ca.read_bytes())
        creator = optionsForClientTLS("localhost", trustRoot=trust)
        port = world.service.listeners[1].port
        client = await FakeClient.connect(self, port, tls=creator)
        answer = await client.bind(SYSTEM_ID, PASSWORD)
        self.assertEqual(answer.command_status, 0)

    async def test_gw09_transmitter_and_receiver(self) -> None:
        """Two sessions, one each way: submit on the transmitter, receipt on the receiver."""
        world = await self.document("gatewayapi", bind=False)
        world.client = await world.another(c.BIND_TRANSMITTER)
        receiver = await world.another(c.BIND_RECEIVER)
        _, message_id = await world.through(VECTORS["V06"], b"6000")
        await world.receipt(
            source_addr=DESTINATION, esm_class=4, short_message=receipt_text("6000")
        )
        _, receipt = await world.delivered(receiver)
        self.assertTrue(receipt.short_message.startswith(b"id:" + message_id))
        self.assertNotIn(c.DELIVER_SM, [pdu.command_id for pdu in world.client.pdus])

    async def test_gw12_no_system_type(self) -> None:
        """A bind without a system_type is fine, with any too."""
        world = await self.document("gatewayapi", bind=False)
        await world.another()
        await world.another(system_type=b"EX")

    async def test_gw13_address_range(self) -> None:
        """addr_ton, addr_npi and address_range of a bind change nothing, also not which receipts
        come.
        """
        world = await self.document("gatewayapi", bind=False)
        await world.another(c.BIND_TRANSMITTER, address_range=b"^" + b"4" * 39)
        world.client = await world.another(addr_ton=5, addr_npi=9, address_range=b"^46.*")
        _, message_id = await world.through(VECTORS["V06"], b"6000")
        await world.receipt(
            source_addr=DESTINATION, esm_class=4, short_message=receipt_text("6000")
        )
        _, receipt = await world.delivered()
        self.assertTrue(receipt.short_message.startswith(b"id:" + message_id))

    async def test_gw14_wrong_credentials(self) -> None:
        """A wrong password and an unknown system_id both get 0x0E, with distinct_auth_errors the
        latter 0x0F; then the session ends. Other than in V03 the answer has our system_id as its
        body and the close comes a second later, since real clients need both (decisions 16).
        """
        self.patch(client_module, "REFUSAL_LINGER", 0.01)
        world = await self.document("gatewayapi", bind=False)
        for system_id in (SYSTEM_ID, b"nobody"):
            client = await FakeClient.connect(self, world.service.listeners[0].port)
            answer = await client.bind(system_id, b"wrong")
            self.assertEqual(answer.command_status, c.ESME_RINVPASWD)
            self.assertEqual(answer.raw[4:16], VECTORS["V03"][4:])
            self.assertEqual(answer.raw[16:], b"smppproxy\0")
            await client.closed()

    async def test_gw15_commands_by_number(self) -> None:
        """Each supported request is answered by its own response with its sequence_number."""
        world = await self.document("gatewayapi", bind=False)
        for vector, response in SUPPORTED:
            octets = VECTORS[vector]
            client = await FakeClient.connect(self, world.service.listeners[0].port)
            if octets[7] not in (1, 2, 9):
                await client.bind(SYSTEM_ID, PASSWORD)
            client.send(octets)
            if vector == "V06":
                pdu, _ = await world.upstream_submit()
                await world.accept(pdu, b"1")
            answer = await client.expect()
            self.assertEqual(answer.command_id, response)
            self.assertEqual(answer.command_id, octets[7] | c.RESPONSE)
            self.assertEqual(answer.sequence_number, int.from_bytes(octets[12:16], "big"))
            self.assertEqual(answer.command_status, 0)
        receiver = await world.another(c.BIND_RECEIVER)
        receiver.send(build.unbind(9))
        self.assertEqual((await receiver.expect()).command_id, c.UNBIND_RESP)

    async def test_gw16_other_commands(self) -> None:
        """Any other request gets generic_nack 0x03 with its sequence_number and the session stays;
        a response that nobody waits for gets nothing.
        """
        world = await self.document("gatewayapi")
        client = world.client
        assert client is not None
        client.send(VECTORS["V23"])
        answer = await client.expect()
        self.assertEqual(answer.raw, VECTORS["V24"])
        client.send(VECTORS["V32"])
        answer = await client.expect()
        self.assertEqual(answer.raw, build.generic_nack(0x03, 19))
        for number, command_id in enumerate((0x08, 0x07, 0x21, 0x103, 0x111), 100):
            client.send(build.header(command_id, 0, number))
            answer = await client.expect()
            self.assertEqual(answer.raw, build.generic_nack(0x03, number))
        client.send(build.deliver_sm_resp(999) + build.generic_nack(0, 5) + VECTORS["V25"])
        self.assertEqual((await client.expect()).raw, VECTORS["V26"])
        self.assertEqual(client.pdus, [])


class HostTests(DocumentCase):
    """Hosts that go and come back, a node that goes."""

    async def traffic(self) -> tuple[Smsc, Esme]:
        """Two hosts bound, and a client in the middle of 200 messages."""
        smsc = self.provider("a", "b", response_delay=0.005)
        self.network_file.write_text(self.two_hosts(smsc))
        service = self.node()
        await self.upstream_bound(service)
        client = self.client(
            service, system_id=SYSTEM_ID, password=PASSWORD, count=200, window=20
        )
        await self.wait(lambda: client.tally.accepted > 30, "traffic")
        return smsc, client

    async def test_gw04_planned_restart_of_a_host(self) -> None:
        """A host that unbinds answers what it has; new submits go to the other one, and no client
        hears anything but ESME_ROK.
        """
        smsc, client = await self.traffic()
        smsc.unbind("a")
        await self.wait(lambda: client.tally.accepted == 200, "all accepted")
        self.assertEqual(client.tally.refused, 0)
        await self.wait(lambda: len(smsc.links(bound=True)) == 2, "both hosts bound again")

    async def test_gw04_host_that_dies(self) -> None:
        """A host that is gone without a word costs no client more than a moment either."""
        smsc, client = await self.traffic()
        smsc.crash("a")
        await self.wait(lambda: client.tally.accepted == 200, "all accepted")
        self.assertEqual(client.tally.refused, 0)

    def two_hosts(self, smsc: Smsc) -> str:
        """The account and a provider with the simulated hosts."""
        lines = [
            account_table("gatewayapi"),
            '[provider.acme]\npreset = "gatewayapi"\nsystem_id = "n"\npassword = "p"',
            "reconnect_delay = 0.05",
        ]
        for name, port in smsc.ports.items():
            lines.append(f'[provider.acme.host.{name}]\naddress = "127.0.0.1"\nport = {port}')
        lines.append('[[route]]\nname = "all"\ntargets = ["acme"]')
        return "\n".join(lines)

    async def test_gw04_restart_of_the_node(self) -> None:
        """A node that stops takes no more connections, answers what is under way, unbinds every
        session and closes.
        """
        world = await self.document("gatewayapi")
        client = world.client
        assert client is not None
        client.send(VECTORS["V06"])
        pdu, _ = await world.upstream_submit()
        stopping = self.stop(world.service)
        await world.accept(pdu, b"1")
        self.assertEqual((await client.expect()).command_id, c.SUBMIT_SM_RESP)
        unbind = await client.expect()
        self.assertEqual(unbind.command_id, c.UNBIND)
        client.send(build.unbind_resp(unbind.sequence_number))
        await client.closed()
        await world.links[0].answer_unbind()
        await stopping


class ProviderTests(BindsCase):
    """Our binds to such a provider."""

    def test_gw06_every_thirty_seconds(self) -> None:
        """Refused connections: attempts at about 0, 30 and 60 s; after the loss of a bind the first
        one comes within a second.
        """
        self.binds(self.provider('preset = "gatewayapi"'), chance=0.5)
        self.advance(70)
        first, second, third = self.endpoint.attempts
        self.assertEqual(first, 0.0)
        self.assertTrue(30 <= second <= 33 and 60 <= third <= 66, self.endpoint.attempts)
        self.endpoint.mode = "connect"
        self.advance(32)
        link = self.answer_bind()
        self.advance(31)
        (enquiry,) = link.pdus()
        link.protocol.dataReceived(build.enquire_link_resp(enquiry.sequence_number))
        self.endpoint.mode = "refuse"
        del self.endpoint.attempts[:]
        link.loseConnection()
        lost = self.clock.seconds()
        self.advance(70)
        first, second, third = (attempt - lost for attempt in self.endpoint.attempts)
        self.assertTrue(first <= 1 and 30 <= second - first <= 33 and 30 <= third - second <= 33)

    def test_gw06_wrong_credentials(self) -> None:
        """A bind refused with 0x0E, 0x0F or 0x53: the next attempt after 300 s, and an alarm."""
        for status in (c.ESME_RINVPASWD, c.ESME_RINVSYSID, c.ESME_RINVSYSTYP):
            self.setUp()
            self.endpoint.mode = "connect"
            pool = self.binds(self.provider('preset = "gatewayapi"'))
            self.answer_bind(status)
            self.assertTrue(pool.states()[0].alarm)
            self.advance(299)
            self.assertEqual(len(self.endpoint.attempts), 1)
            self.advance(32)
            self.assertEqual(len(self.endpoint.attempts), 2)

    def test_gw11_enquiry_after_silence(self) -> None:
        """We send enquire_link after 30 s in which nothing was received. Without an answer the bind
        is lost and made anew; the answer is due in 10 s here, not 30 (decisions 6).
        """
        self.endpoint.mode = "connect"
        self.binds(self.provider('preset = "gatewayapi"'))
        link = self.answer_bind()
        self.advance(20)
        link.protocol.dataReceived(VECTORS["V25"])
        self.assertEqual([pdu.command_id for pdu in link.pdus()], [c.ENQUIRE_LINK_RESP])
        self.advance(29)
        self.assertEqual(link.pdus(), [])
        self.advance(2)
        self.assertEqual([pdu.command_id for pdu in link.pdus()], [c.ENQUIRE_LINK])
        self.advance(13)
        self.assertEqual(len(self.endpoint.attempts), 2)

    def test_gw12_bind_without_system_type(self) -> None:
        """Our bind to such a provider has an empty system_type."""
        self.endpoint.mode = "connect"
        self.binds(self.provider('preset = "gatewayapi"'))
        (bind,) = self.endpoint.links[-1].pdus()
        self.assertEqual(read_bind(bind).system_type, b"")
        self.assertEqual(read_bind(bind).interface_version, 0x34)

    def test_gw07_provider_port_for_tls(self) -> None:
        """The preset's doors: 8775 for TLS, which is preferred, and 2775 if TLS is not wanted."""
        for options, door in (("", (8775, True)), ('tls = "none"', (2775, False))):
            provider = self.preset(f'{options}\nregion = "com"')
            self.assertEqual([provider.door(host) for host in provider.hosts], [door, door])

    def test_gw08_regions(self) -> None:
        """The names of both hosts, .com and .eu."""
        for preset, ending in (
            ('preset = "gatewayapi"', "com"),
            ('preset = "gatewayapi"\nregion = "com"', "com"),
            ('preset = "gatewayapi"\nregion = "eu"', "eu"),
            ('preset = "gatewayapi-eu"', "eu"),
        ):
            provider = self.preset("", preset)
            self.assertEqual(
                [(host.name, host.address) for host in provider.hosts],
                [(name, f"{name}.smpp.gatewayapi.{ending}") for name in "ab"],
            )

    def preset(self, options: str, preset: str = 'preset = "gatewayapi"') -> Provider:
        """The provider as the preset has it, with the preset's hosts."""
        # A password of hosts elsewhere may not stand in the file.
        self.patch(os, "environ", {**os.environ, "SMPPPROXY_TEST_PASSWORD": "upstream"})
        table = provider_table(f"{preset}\n{options}").partition("[provider.acme.host.a]")[0]
        table = table.replace('"upstream"', '"env:SMPPPROXY_TEST_PASSWORD"')
        return load(Path(self.mktemp()), table).providers["acme"]


class ServerTests(SessionCase):
    """Our side of a client's session, by the clock."""

    def test_gw11_answered_with_a_full_window(self) -> None:
        """V25 is answered by V26 at once, while fifty submits are unanswered."""
        session, wire = self.bound(self.account("gatewayapi"))
        session.dataReceived(b"".join(submit(number) for number in range(100, 150)))
        self.assertEqual(session.outstanding, 50)
        session.dataReceived(VECTORS["V25"])
        self.assertEqual(wire.value(), VECTORS["V26"])

    def test_gw11_our_own_enquiry(self) -> None:
        """A client that is silent for 60 s is asked whether it is there."""
        _, wire = self.bound(self.account("gatewayapi"))
        self.advance(59)
        self.assertEqual(wire.pdus(), [])
        self.advance(2)
        self.assertEqual(wire.commands(), [c.ENQUIRE_LINK])

    def test_gw14_unknown_system_id_told(self) -> None:
        """Only with distinct_auth_errors an unknown system_id is told from a wrong password."""
        for options, status in (("", 0x0E), ("distinct_auth_errors = true", 0x0F)):
            session, wire = self.connected(self.account("gatewayapi", options), Timers())
            session.dataReceived(VECTORS["V01"].replace(b"esme01", b"esme02"))
            self.assertEqual([pdu.command_status for pdu in wire.pdus()], [status])


class ReceiverTests(MemoryCase):
    """Who receives."""

    def test_gw10_every_receiver_counts(self) -> None:
        """Every transceiver and receiver of an account gets a share; transmitters get none."""
        world = self.world("gatewayapi", "deliver_window = 100")
        sender, upstream = self.pair(world, command_id=c.BIND_TRANSMITTER)
        receivers = [
            world.client("esme01", command_id=command_id)
            for command_id in (c.BIND_RECEIVER, c.BIND_TRANSCEIVER, c.BIND_RECEIVER)
        ]
        for number in range(30):
            self.through(sender, upstream, submit(number, DESTINATION), b"6%03d" % number)
            world.advance(1)  # no receipt on one session overtakes an answer on another
            upstream.receipt(b"6%03d" % number, DESTINATION)
        counts = [len(receiver.deliveries()) for receiver in receivers]
        self.assertEqual(sum(counts), 30)
        self.assertTrue(all(counts), counts)
        self.assertEqual(sender.deliveries(), [])
