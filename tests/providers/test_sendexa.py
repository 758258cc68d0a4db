"""What the Sendexa document promises about sessions (SX-01 to SX-11), kept on both sides."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

from smppproxy.config import Listener
from smppproxy.routing.providers import Provider
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_RECEIVER,
    BIND_RECEIVER_RESP,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DELIVER_SM,
    DELIVER_SM_RESP,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    ESME_RINVBNDSTS,
    ESME_RINVSYSTYP,
    ESME_RSYSERR,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
)
from smppproxy.smpp.fields import read_bind
from smppproxy.smpp.framing import Framer
from smppproxy.wire import client as client_module
from smppproxy.wire.tls import ServerTls
from tests.providers.case import PASSWORD, SYSTEM_ID, VECTORS, DocumentCase, receipt_text
from tests.providers.memory import (
    BindsCase,
    MemoryCase,
    SessionCase,
    load,
    provider_table,
)
from tests.support.authority import Authority, address, dns
from tests.support.certificates import make
from tests.support.logs import logged
from tests.support.memory_peers import fields_of
from tests.support.nodes import HASHER
from tests.support.peers import FakeClient, FakeSmsc
from tests.wire.binds import Binds

SENDEXA = 'preset = "sendexa"\ntls = "none"\nreconnect_delay = 0.0\n'
"""The provider, on a plain port and with the test's pauses."""

PLAIN = Listener(port=0, address="127.0.0.1", name="plain")


def sendexa(folder: Path, options: str, port: int) -> Provider:
    """The provider of a network file with one host on this port."""
    text = provider_table('preset = "sendexa"\nreconnect_delay = 0.0\n' + options)
    head = text.partition("[provider.acme.host.a]")[0]
    head += f'[provider.acme.host.a]\naddress = "127.0.0.1"\nport = {port}\ntls_port = {port}\n'
    return load(folder, head).providers["acme"]


class BindTests(DocumentCase):
    """Binding."""

    async def test_sx01_version_3_4(self) -> None:
        """A bind of version 3.4 is answered with body and sc_interface_version 0x34 (V02)."""
        world = await self.document("sendexa", bind=False)
        client = await FakeClient.connect(self, world.service.listeners[0].port)
        client.send(VECTORS["V01"])
        await client.expect(VECTORS["V02"][7] | 0x80000000)
        self.assertEqual(client.octets, VECTORS["V02"])

    async def test_sx01_sx07_sx08_what_sendexa_is_bound_with(self) -> None:
        """Sendexa sees a transceiver of version 3.4 and system_type "sendexa"."""
        world = await self.document("sendexa", provider=SENDEXA, bind=False)
        (bind, *_), _ = Framer().feed(world.links[0].octets)
        fields = read_bind(bind)
        self.assertEqual(bind.command_id, BIND_TRANSCEIVER)
        self.assertEqual((fields.interface_version, fields.system_type), (0x34, b"sendexa"))

    async def test_sx03_sx04_plain_and_tls_doors(self) -> None:
        """V01 is answered on the plain port and, in TLS, on the TLS port, for the same account;
        the TLS port says nothing of SMPP to who speaks in the clear."""
        files = make(Path(self.mktemp()))
        secure = Listener(
            port=0,
            address="127.0.0.1",
            name="tls",
            tls=True,
            certificate=str(files.certificate),
            key=str(files.key),
        )
        world = await self.document("sendexa", bind=False, listeners=(PLAIN, secure))
        plain_port, tls_port = (listener.port for listener in world.service.listeners)
        await world.another()
        clear = await FakeClient.connect(self, tls_port)
        clear.send(VECTORS["V01"])
        await clear.closed()
        self.assertEqual(clear.pdus, [])
        self.assertNotIn(b"smppproxy", clear.octets)
        trust = trustRootFromCertificates([Certificate.loadPEM(files.ca.read_bytes())])
        world.client = await FakeClient.connect(
            self, tls_port, tls=optionsForClientTLS("localhost", trustRoot=trust)
        )
        answer = await world.client.bind(SYSTEM_ID, PASSWORD)
        self.assertEqual(answer.command_status, 0)
        await world.through(VECTORS["V06"], b"6000")
        self.assertNotEqual(plain_port, tls_port)

    async def test_sx04_certificate_of_another_name(self) -> None:
        """A provider whose certificate is for another name: we close, no bind goes out, and the
        log tells why. With the right name TLS is taken, the preset preferring it."""
        authority = Authority(Path(self.mktemp()).resolve())
        trust = f'tls_ca = "{authority.path}"\ntls_name = "smpp.sendexa.co"\n'
        wrong = authority.issue("wrong", [dns("smpp.example.net")], "x")
        smsc = FakeSmsc(self, tls=ServerTls(*wrong))
        events = logged(self)
        binds = Binds(self, sendexa(Path(self.mktemp()), trust, smsc.port))
        link = await smsc.accept()
        await link.closed()
        self.assertEqual(link.octets, b"")
        self.assertEqual(binds.relay.calls, [])
        told = [event for event in events if event.get("event") == "provider_lost"]
        self.assertIn("certificate is not for smpp.sendexa.co", told[0]["reason"])
        right = authority.issue("right", [dns("smpp.sendexa.co"), address("127.0.0.1")], "x")
        good = FakeSmsc(self, tls=ServerTls(*right))
        bound = Binds(self, sendexa(Path(self.mktemp()), trust, good.port))
        await (await good.accept()).accept_bind()
        await bound.relay.called("upstream_bound")

    async def test_sx05_one_host_is_enough(self) -> None:
        """The only host is gone: a submit_sm gets the temporary 0x08, the host is bound again by
        itself, and the next one goes through."""
        world = await self.document("sendexa", provider=SENDEXA)
        world.links[0].reset()
        await self.wait(lambda: not world.service.relay.directory.pools["acme"].binds, "gone")
        await world.send(VECTORS["V06"])
        self.assertEqual((await world.answer()).command_status, ESME_RSYSERR)
        world.links[0] = await world.smscs[0].accept()
        await world.links[0].accept_bind()
        self.addCleanup(world.links[0].reset)
        await self.wait(lambda: world.service.relay.directory.pools["acme"].binds, "back")
        await world.through(VECTORS["V06"], b"6000")

    def test_sx05_sx04_preset_is_complete(self) -> None:
        """A name and a password are all the preset needs: one host, plain port and TLS port."""
        self.patch(os, "environ", {**os.environ, "SECRET": "s3cret"})
        provider = load(
            Path(self.mktemp()),
            '[provider.x]\npreset = "sendexa"\nsystem_id = "me"\npassword = "env:SECRET"\n',
        ).providers["x"]
        (host,) = provider.hosts
        self.assertEqual((host.address, host.port, host.tls_port), ("smpp.sendexa.co", 2775, 2776))
        self.assertEqual(provider.door(host), (2776, True))

    async def test_sx06_long_credentials(self) -> None:
        """A Client ID of 36 characters and a secret of 64, from a client and to a provider."""
        name, secret = "0a1b2c3d-1111-4222-8333-444455556666", "k" * 64
        more = f'[account."{name}"]\npreset = "sendexa"\npassword = "{HASHER.hash(secret)}"\n'
        world = await self.document("sendexa", bind=False, more=more)
        client = await FakeClient.connect(self, world.service.listeners[0].port)
        self.assertEqual((await client.bind(name.encode(), secret.encode())).command_status, 0)
        smsc = FakeSmsc(self)
        options = f'tls = "none"\nsystem_id = "{name}"\npassword = "{secret}"\n'
        text = sendexa_text(options, smsc.port)
        Binds(self, load(Path(self.mktemp()), text).providers["acme"])
        fields = read_bind(await (await smsc.accept()).accept_bind())
        self.assertEqual((fields.system_id, fields.password), (name.encode(), secret.encode()))

    async def test_sx07_system_type(self) -> None:
        """Empty or any system_type is taken; an account that requires one refuses others with
        0x53."""
        self.patch(client_module, "REFUSAL_LINGER", 0.05)
        world = await self.document("sendexa", bind=False)
        for vector in ("V01", "V04"):
            self.assertEqual(await self.bound_by(world, vector), 0)

    async def test_sx07_required_system_type(self) -> None:
        """With require_system_type V04 is bound and V01 gets 0x53."""
        self.patch(client_module, "REFUSAL_LINGER", 0.05)
        world = await self.document(
            "sendexa", account='require_system_type = "sendexa"', bind=False
        )
        self.assertEqual(await self.bound_by(world, "V04"), 0)
        self.assertEqual(await self.bound_by(world, "V01"), ESME_RINVSYSTYP)

    async def bound_by(self, world: Any, vector: str) -> int:
        """The command_status of this bind."""
        client = await FakeClient.connect(self, world.service.listeners[0].port)
        client.send(VECTORS[vector])
        answer = await client.expect(BIND_TRANSCEIVER | 0x80000000)
        return answer.command_status


def sendexa_text(options: str, port: int) -> str:
    """A network file with the provider alone, its credentials among the options."""
    return (
        f'[provider.acme]\npreset = "sendexa"\nreconnect_delay = 0.0\n{options}'
        f'[provider.acme.host.a]\naddress = "127.0.0.1"\nport = {port}\n'
    )


class DirectionTests(DocumentCase):
    """Transmitters, receivers, transceivers over sockets."""

    async def test_sx08_both_ways_on_one_session(self) -> None:
        """A transceiver submits, and gets the receipt on the same session."""
        world = await self.document("sendexa", provider=SENDEXA)
        _, message_id = await world.through(VECTORS["V06"], b"6000")
        await world.receipt(
            source_addr=b"4510203040", esm_class=4, short_message=receipt_text("6000")
        )
        _, message = await world.delivered()
        self.assertEqual(message.esm_class, 4)
        self.assertIn(b"id:%b " % message_id, message.short_message)

    async def test_sx10_submit_on_a_receiver(self) -> None:
        """submit_sm on a receiver: 16 octets, 0x04, same number; the session stays."""
        world = await self.document("sendexa", bind=False)
        client = await world.another(BIND_RECEIVER)
        client.send(VECTORS["V06"] + VECTORS["V25"])
        answer = await client.expect(SUBMIT_SM_RESP)
        self.assertEqual(answer.raw, build.refusal(SUBMIT_SM, 2, ESME_RINVBNDSTS))
        self.assertEqual(len(answer.raw), 16)
        self.assertEqual((await client.expect(ENQUIRE_LINK_RESP)).sequence_number, 0x12)
        self.assertFalse(client.is_closed)

    async def test_sx11_receipts_and_messages_on_a_receiver(self) -> None:
        """A receiver gets an MO message with esm_class 0 and a receipt with esm_class 4."""
        more = '[[mo_route]]\naccount = "esme01"\nnumbers = ["1204"]\n'
        world = await self.document("sendexa", provider=SENDEXA, bind=False, more=more)
        world.client = await world.another(BIND_TRANSMITTER)
        receiver = await world.another(BIND_RECEIVER)
        world.links[0].send(VECTORS["V30"])
        answer = await world.links[0].expect(DELIVER_SM_RESP)
        self.assertEqual((answer.sequence_number, answer.command_status), (8, 0))
        _, message = await world.delivered(receiver)
        self.assertEqual((message.esm_class, message.short_message), (0, b"STOP"))
        await world.through(VECTORS["V06"], b"6000")
        await world.receipt(
            source_addr=b"4510203040", esm_class=4, short_message=receipt_text("6000")
        )
        _, message = await world.delivered(receiver)
        self.assertEqual(message.esm_class, 4)
        self.assertNotIn(DELIVER_SM, [pdu.command_id for pdu in world.client.pdus])
        self.assertEqual(BIND_RECEIVER_RESP, BIND_RECEIVER | 0x80000000)


class KeptTests(SessionCase):
    """A client's session in time."""

    def test_sx02_twelve_quiet_minutes(self) -> None:
        """Nothing but answers to our enquire_link for twelve minutes: bound, and a submit_sm is
        taken."""
        session, wire = self.bound(self.account("sendexa"))
        asked = 0
        for _ in range(12 * 60):
            self.advance(1)
            for pdu in wire.pdus():
                self.assertEqual(pdu.command_id, ENQUIRE_LINK)
                asked += 1
                session.dataReceived(build.enquire_link_resp(pdu.sequence_number))
        self.assertGreater(asked, 10)
        self.assertIsNone(wire.ended_at)
        session.dataReceived(VECTORS["V06"])
        (call,) = self.relay.of("client_requests")
        self.assertEqual([pdu.sequence_number for pdu in call.what], [2])


class StandingTests(BindsCase):
    """Our bind to the provider in time."""

    def test_sx02_stays_and_comes_back(self) -> None:
        """Bound for twelve minutes without traffic, our enquire_link answered and the provider's
        answered by us; when the connection is lost it is made again."""
        self.endpoint.mode = "accept"
        self.binds(self.provider('preset = "sendexa"\ntls = "none"'))
        link = self.answer_bind()
        asked = 0
        for _ in range(12 * 60):
            self.advance(1)
            for pdu in link.pdus():
                self.assertEqual(pdu.command_id, ENQUIRE_LINK)
                asked += 1
                link.protocol.dataReceived(build.enquire_link_resp(pdu.sequence_number))
        self.assertGreater(asked, 10)
        link.protocol.dataReceived(build.enquire_link(77))
        self.assertEqual(
            [(pdu.command_id, pdu.sequence_number) for pdu in link.pdus()],
            [(ENQUIRE_LINK_RESP, 77)],
        )
        self.assertEqual(len(self.endpoint.links), 1)
        link.loseConnection()
        self.advance(12)
        self.assertEqual(len(self.endpoint.links), 2)
        self.answer_bind()
        self.assertEqual(len(self.relay.of("upstream_bound")), 2)


class DirectionInMemoryTests(MemoryCase):
    """Which session gets what."""

    def test_sx09_a_transmitter_hears_nothing(self) -> None:
        """With a transmitter alone the receipt waits; the receiver that binds later gets it."""
        world = self.world("sendexa", provider='preset = "sendexa"')
        client, upstream = self.pair(world, command_id=BIND_TRANSMITTER)
        _, message_id = self.through(client, upstream, VECTORS["V06"])
        upstream.receipt(b"6000", b"4510203040")
        world.advance(5)
        self.assertEqual(client.unseen, [])
        receiver = world.client("esme01", command_id=BIND_RECEIVER)
        self.assertIn(b"id:%b " % message_id, self.delivered(receiver).short_message)
        self.assertEqual(client.unseen, [])

    def test_sx10_submits_go_out_on_the_transmitter(self) -> None:
        """Bound to the provider as transmitter and receiver, we submit on the transmitter only."""
        world = self.world("sendexa", provider='preset = "sendexa"\nbind = "transmitter+receiver"')
        client = world.client("esme01")
        rx = world.upstream(command_id=BIND_RECEIVER)
        tx = world.upstream(command_id=BIND_TRANSMITTER)
        client.receive(*[VECTORS["V06"][:15] + bytes([n]) + VECTORS["V06"][16:] for n in range(9)])
        self.assertEqual((len(tx.submits()), len(rx.submits())), (9, 0))

    def test_sx11_told_apart(self) -> None:
        """From one provider session: V30 is a message, esm_class 4 is a receipt."""
        world = self.world("sendexa", provider='preset = "sendexa"')
        client, upstream = self.pair(world)
        self.through(client, upstream, VECTORS["V06"])
        upstream.receive(VECTORS["V30"])
        upstream.receipt(b"6000", b"4510203040")
        said = sorted(
            (fields_of(pdu).esm_class, fields_of(pdu).short_message[:3])
            for pdu in client.deliveries()
        )
        self.assertEqual(said, [(0, b"STO"), (4, b"id:")])
        self.assertEqual((world.ledger.mo_in, world.ledger.receipts_in), (1, 1))
