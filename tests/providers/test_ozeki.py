"""What the Ozeki document promises about sessions (OZ-01 to OZ-08, OZ-15, OZ-18, OZ-20)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from smppproxy.config import ConfigError
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import read_bind, read_bind_resp
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.timers import Timers
from smppproxy.wire import client as client_module
from tests.providers.case import PASSWORD, SYSTEM_ID, VECTORS, DocumentCase, World
from tests.providers.memory import (
    DESTINATION,
    BindsCase,
    MemoryCase,
    SessionCase,
    load,
    provider_table,
)
from tests.support.memory_peers import fields_of, mo
from tests.support.peers import FakeClient

OZEKI = 'preset = "ozeki"\ntls = "none"\nreconnect_delay = 0.0\n'
"""The provider, on a plain port and with the test's pauses."""


class DoorTests(DocumentCase):
    """What a client meets."""

    async def connected(self, account: str = "") -> tuple[World, FakeClient]:
        """A node with the preset, and a connection that is not bound."""
        self.patch(client_module, "REFUSAL_LINGER", 0.05)
        world = await self.document("ozeki", account=account, provider=OZEKI, bind=False)
        return world, await FakeClient.connect(self, world.service.listeners[0].port)

    async def test_oz01_bind_first(self) -> None:
        """Before the bind submit_sm gets 0x04, enquire_link is answered, and the bind that comes
        then is taken."""
        _, client = await self.connected()
        client.send(VECTORS["V06"] + VECTORS["V25"])
        answer = await client.expect(c.SUBMIT_SM_RESP)
        self.assertEqual(answer.raw, build.refusal(c.SUBMIT_SM, 2, c.ESME_RINVBNDSTS))
        self.assertEqual((await client.expect()).raw, VECTORS["V26"])
        self.assertEqual((await client.bind(SYSTEM_ID, PASSWORD)).command_status, 0)

    async def test_oz02_directions(self) -> None:
        """A receiver may not submit, nobody may deliver to us: 0x04 and the session stays; a
        transmitter and a transceiver may submit."""
        world, _ = await self.connected()
        receiver = await world.another(c.BIND_RECEIVER)
        receiver.send(VECTORS["V06"])
        refused = await receiver.expect(c.SUBMIT_SM_RESP)
        self.assertEqual(refused.command_status, c.ESME_RINVBNDSTS)
        for command_id in (c.BIND_TRANSMITTER, c.BIND_RECEIVER, c.BIND_TRANSCEIVER):
            client = await world.another(command_id)
            client.send(build.deliver_sm(7, short_message=b"no") + VECTORS["V25"])
            refused = await client.expect(c.DELIVER_SM_RESP)
            self.assertEqual(
                (refused.sequence_number, refused.command_status), (7, c.ESME_RINVBNDSTS)
            )
            await client.expect(c.ENQUIRE_LINK_RESP)
            if command_id != c.BIND_RECEIVER:
                world.client = client
                await world.through(VECTORS["V06"], b"60%d" % command_id)

    async def test_oz03_one_layout(self) -> None:
        """V01's body under the three command ids: three binds, each with its own response."""
        world, _ = await self.connected()
        for command_id in (c.BIND_RECEIVER, c.BIND_TRANSMITTER, c.BIND_TRANSCEIVER):
            client = await FakeClient.connect(self, world.service.listeners[0].port)
            client.send(VECTORS["V01"][:4] + command_id.to_bytes(4, "big") + VECTORS["V01"][8:])
            answer = await client.expect()
            self.assertEqual(answer.command_id, 0x80000000 | command_id)
            self.assertEqual(answer.raw[8:], VECTORS["V02"][8:])

    async def test_oz04_our_name(self) -> None:
        """bind_resp is V02: our own name. A refused one names us as well, after decisions 16;
        the mission would leave its body out."""
        _, client = await self.connected()
        client.send(VECTORS["V01"])
        self.assertEqual((await client.expect()).raw, VECTORS["V02"])
        _, other = await self.connected()
        refused = await other.bind(SYSTEM_ID, b"wrong")
        self.assertEqual(read_bind_resp(refused), (b"smppproxy", 0))

    async def test_oz04_echo(self) -> None:
        """An account may have its own system_id in bind_resp."""
        _, client = await self.connected('bind_resp_system_id = "echo"')
        client.send(VECTORS["V01"])
        self.assertEqual(read_bind_resp(await client.expect()), (b"esme01", 0x34))

    async def test_oz05_wrong_password_and_no_store(self) -> None:
        """A wrong password: 0x0E, then the close. While the store is away the right one gets
        0x08, a trouble that ends, and is bound once it is back. The answer has a body, after
        decisions 16 and other than V03."""
        world, client = await self.connected()
        refused = await client.bind(SYSTEM_ID, b"wrong")
        self.assertEqual(refused.raw[4:16], VECTORS["V03"][4:])
        await client.closed()
        self.stores[0].go_away()
        await world.another(status=c.ESME_RSYSERR)
        self.stores[0].come_back()
        await world.another()

    async def test_oz15_malformed(self) -> None:
        """A wrong length in the header: generic_nack 0x02 and the close. An unknown command: 0x03
        and the session stays. A wrong body: its own response with its own code, and it stays."""
        world, _ = await self.connected()
        client = await world.another()
        client.send(VECTORS["V32"] + VECTORS["V33"] + VECTORS["V25"])
        nack = await client.expect(c.GENERIC_NACK)
        self.assertEqual(nack.raw, build.generic_nack(c.ESME_RINVCMDID, 19))
        refused = await client.expect(c.SUBMIT_SM_RESP)
        self.assertEqual(refused.raw, build.refusal(c.SUBMIT_SM, 20, c.ESME_RINVMSGLEN))
        self.assertEqual((await client.expect()).raw, VECTORS["V26"])
        client.send(VECTORS["V31"])
        nack = await client.expect()
        self.assertEqual(nack.raw, build.generic_nack(c.ESME_RINVCMDLEN, 0))
        await client.closed()

    async def test_oz15_too_long(self) -> None:
        """A command_length beyond every limit is V31's case, with the header's own number."""
        world, _ = await self.connected()
        client = await world.another()
        client.send((1 << 20).to_bytes(4, "big") + VECTORS["V06"][4:])
        self.assertEqual(
            (await client.expect()).raw, build.generic_nack(c.ESME_RINVCMDLEN, 2)
        )
        await client.closed()


class KeptTests(SessionCase):
    """A client's session in time: OZ-06 to OZ-08."""

    def test_oz06_both_enquire(self) -> None:
        """We answer the client's enquire_link with its number, and send our own."""
        session, wire = self.bound(self.account("ozeki"))
        session.dataReceived(VECTORS["V25"])
        (answer,) = wire.pdus()
        self.assertEqual(answer.raw, VECTORS["V26"])
        self.advance(31)
        (ours,) = wire.pdus()
        self.assertEqual(ours.command_id, c.ENQUIRE_LINK)
        session.dataReceived(build.enquire_link_resp(ours.sequence_number))
        self.advance(20)
        self.assertIsNone(wire.ended_at)

    def test_oz07_ten_a_second(self) -> None:
        """A client that enquires ten times a second has every one answered."""
        session, wire = self.bound(self.account("ozeki"))
        for number in range(1, 601):
            session.dataReceived(build.enquire_link(number))
            self.clock.advance(0.1)
        answers = [pdu.sequence_number for pdu in wire.pdus()]
        self.assertEqual(answers, [*range(1, 601)])
        self.assertIsNone(wire.ended_at)

    def quiet(self) -> Any:
        """A bound session of a node that does not enquire itself."""
        return self.bound(self.account("ozeki"), Timers(enquire_link=0.0, response=30.0))

    def test_oz08_silent_client(self) -> None:
        """Nothing received for five minutes: unbind at 300 s, closed by 305 s."""
        _, wire = self.quiet()
        self.advance(299.5)
        self.assertEqual(wire.commands(), [])
        self.advance(1.5)
        self.assertEqual(wire.commands(), [c.UNBIND])
        self.advance(4)
        assert wire.ended_at is not None
        self.assertLessEqual(wire.ended_at, 305.0)

    def test_oz08_enquire_link_is_life(self) -> None:
        """An enquire_link at 299 s: alive at 598 s, unbound at 599 s."""
        session, wire = self.quiet()
        self.advance(299)
        session.dataReceived(VECTORS["V25"])
        self.advance(299)
        self.assertEqual(wire.commands(), [c.ENQUIRE_LINK_RESP])
        self.advance(2)
        self.assertEqual(wire.commands(), [c.UNBIND])

    def test_oz08_an_answer_is_life(self) -> None:
        """A client that only answers our enquire_link is not idle."""
        session, wire = self.bound(self.account("ozeki"))
        for _ in range(700):
            self.advance(1)
            for pdu in wire.pdus():
                self.assertEqual(pdu.command_id, c.ENQUIRE_LINK)
                session.dataReceived(build.enquire_link_resp(pdu.sequence_number))
        self.assertIsNone(wire.ended_at)

    def test_oz08_our_own_interval(self) -> None:
        """As a client we enquire more often than twice in the provider's idle time; a network
        file that says otherwise is refused with its line."""
        provider = load(Path(self.mktemp()), provider_table('preset = "ozeki"')).providers["acme"]
        self.assertLess(provider.enquire_link, provider.idle_timeout / 2)
        folder = Path(self.mktemp())
        text = provider_table('preset = "ozeki"\nenquire_link = 200.0')
        with self.assertRaises(ConfigError) as caught:
            load(folder, text)
        self.assertIn("network.toml:5: provider.acme.enquire_link", str(caught.exception))

    def test_oz18_every_form_of_the_answer(self) -> None:
        """deliver_sm_resp of 16 octets, of 17 (V28), and with an id in it: all are answers."""
        session, wire = self.bound(self.account("ozeki"))
        forms = (b"", b"\0", b"6000\0", b"6000")
        for token, body in enumerate(forms):
            number = session.session.window.open(token, self.clock.seconds())
            head = b"\x80\0\0\x05\0\0\0\0" + number.to_bytes(4, "big")
            session.dataReceived((16 + len(body)).to_bytes(4, "big") + head + body)
        answered = [token for call in self.relay.of("client_responses") for token, _ in call.what]
        self.assertEqual(answered, [0, 1, 2, 3])
        self.assertEqual(wire.commands(), [])


class ProviderTests(BindsCase):
    """We as a client of an Ozeki server."""

    def start_ozeki(self, options: str = "") -> None:
        """Connect to it."""
        self.endpoint.mode = "accept"
        self.binds(self.provider(f'preset = "ozeki"\ntls = "none"\n{options}'))

    def test_oz03_our_binds_have_one_layout(self) -> None:
        """Transmitter, receiver and transceiver: the same body under three ids."""
        bodies = {}
        for value in ("transmitter", "receiver", "transceiver"):
            self.start_ozeki(f'bind = "{value}"')
            (bind,) = self.endpoint.links[-1].pdus()
            bodies[bind.command_id] = bind.raw[16:]
            self.assertEqual(read_bind(bind).interface_version, 0x34)
        self.assertEqual([*bodies], [c.BIND_TRANSMITTER, c.BIND_RECEIVER, c.BIND_TRANSCEIVER])
        self.assertEqual(len(set(bodies.values())), 1)

    def test_oz04_any_bind_resp(self) -> None:
        """A bind_resp with any name, an empty one, or no body at all binds us."""
        for body in (b"whoever\0", b"\0", b""):
            self.start_ozeki()
            link = self.endpoint.links[-1]
            (bind,) = link.pdus()
            head = b"\x80\0\0\x09\0\0\0\0" + bind.raw[12:16]
            link.protocol.dataReceived((16 + len(body)).to_bytes(4, "big") + head + body)
        self.assertEqual(len(self.relay.of("upstream_bound")), 3)

    def test_oz04_refusal_of_one_nul(self) -> None:
        """0x53 with a body of one NUL is a refusal like any other."""
        self.endpoint.mode = "accept"
        pool = self.binds(self.provider('preset = "ozeki"\ntls = "none"'))
        link = self.endpoint.links[-1]
        (bind,) = link.pdus()
        head = b"\0\0\0\x11\x80\0\0\x09" + c.ESME_RINVSYSTYP.to_bytes(4, "big")
        link.protocol.dataReceived(head + bind.raw[12:16] + b"\0")
        self.assertEqual(self.relay.of("upstream_bound"), [])
        self.assertIn("ESME_RINVSYSTYP", pool.states()[0].last_error)

    def test_oz06_both_enquire(self) -> None:
        """We answer the provider's enquire_link with its number; ours has a number of ours."""
        self.start_ozeki()
        link = self.answer_bind()
        link.protocol.dataReceived(VECTORS["V25"])
        (answer,) = link.pdus()
        self.assertEqual(answer.raw, VECTORS["V26"])
        self.advance(31)
        (ours,) = link.pdus()
        self.assertEqual(ours.command_id, c.ENQUIRE_LINK)
        link.protocol.dataReceived(build.enquire_link_resp(ours.sequence_number))
        self.advance(15)
        self.assertTrue(link.connected)

    def test_oz07_interval(self) -> None:
        """30 seconds of silence by default, or as many as enquire_link says; 5 and 600 are fine."""
        for options, seconds in (("", 30), ("enquire_link = 45.0", 45)):
            self.start_ozeki(options)
            link = self.answer_bind()
            self.advance(seconds - 1.5)
            self.assertEqual(link.pdus(), [])
            self.advance(3)
            self.assertEqual([pdu.command_id for pdu in link.pdus()], [c.ENQUIRE_LINK])
        for text in ("5.0", "600.0"):
            options = f'preset = "ozeki"\nidle_timeout = 0.0\nenquire_link = {text}'
            self.assertEqual(self.provider(options).enquire_link, float(text))

    def test_oz20_preset_has_no_host(self) -> None:
        """The server stands at the customer's: without a host the file is refused and says so;
        with an address alone the port is 2775, the window 10, without a limit of TPS."""
        head = '[provider.acme]\npreset = "ozeki"\nsystem_id = "node"\npassword = "upstream"\n'
        with self.assertRaises(ConfigError) as caught:
            load(Path(self.mktemp()), head)
        self.assertIn("host", str(caught.exception))
        text = head + '[provider.acme.host.a]\naddress = "127.0.0.1"\n'
        provider = load(Path(self.mktemp()), text).providers["acme"]
        self.assertEqual(provider.door(provider.hosts[0]), (2775, False))
        self.assertEqual((provider.window, provider.tps), (10, 0))


class MoTests(MemoryCase):
    """What comes from an Ozeki server."""

    def test_oz18_our_answer(self) -> None:
        """A deliver_sm is answered as V28: 17 octets, an empty id."""
        world = self.world("ozeki", provider='preset = "ozeki"')
        _, upstream = self.pair(world)
        upstream.receive(mo(1, b"1204"))
        (answer,) = upstream.look(c.DELIVER_SM_RESP)
        self.assertEqual(answer.raw, VECTORS["V28"])

    def test_oz20_any_data_coding(self) -> None:
        """Nothing is assumed about an MO message: data_coding 0xF5 with binary octets, odd TON
        and esm_class bits are delivered as they came."""
        world = self.world("ozeki", provider='preset = "ozeki"')
        client, upstream = self.pair(world)
        octets = mo(
            1,
            b"1204",
            data_coding=0xF5,
            short_message=b"\x00\xff\x80",
            source_addr=DESTINATION,
            source_addr_ton=6,
            source_addr_npi=18,
            esm_class=0x40,
        )
        upstream.receive(octets)
        (pdu,) = client.deliveries()
        self.assertEqual(pdu.raw[16:], octets[16:])
        self.assertEqual(fields_of(pdu).data_coding, 0xF5)
        self.assertEqual([status for _, status in upstream.answers()], [0])
        pdus, _ = Framer().feed(octets)
        self.assertEqual(len(pdus), 1)
