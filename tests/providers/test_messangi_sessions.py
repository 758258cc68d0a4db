"""What the Messangi document promises about our binds, windows and logs (MG-01, MG-03, MG-05 to
MG-08, MG-12 to MG-16, MG-24, MG-28, MG-29, MG-31).
"""

from __future__ import annotations

from pathlib import Path

import attrs
from twisted.logger import LogEvent, formatEvent

from smppproxy.config import ConfigError
from smppproxy.routing.providers import Provider
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import read_bind
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu
from tests.providers.case import PASSWORD, SYSTEM_ID, VECTORS
from tests.providers.memory import (
    DESTINATION,
    BindsCase,
    MemoryCase,
    account_table,
    load,
    provider_table,
)
from tests.providers.test_messangi_onboarding import PlainCase
from tests.support.logs import logged
from tests.support.memory_peers import submit
from tests.support.peers import FakeClient

MESSANGI = 'preset = "messangi"'
TLS_PORT = "tls_port = 8775"


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
        for words in ("Hello", "STOP", "caf\\x", "caf\xe9"):
            self.assertNotIn(words, text)


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
        self.assertIn("TLS only", str(error))
        provider = self.provider(MESSANGI, port="port = 2775")
        self.assertEqual(provider.door(provider.hosts[0]), (2775, True))

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

    def test_mg28_our_own_binds(self) -> None:
        """A host never gets more sessions of ours than the provider allows: a file that wants more
        is refused, and nothing else can open them.
        """
        table = provider_table(f"{MESSANGI}\nbinds = 3\nmax_binds = 2", port=TLS_PORT)
        error = self.assertRaises(ConfigError, load, Path(self.mktemp()), table)
        self.assertIn("max_binds", str(error))
        self.endpoint.mode = "connect"
        self.binds(attrs.evolve(self.messangi("binds = 3"), max_binds=2))
        self.assertEqual(len(self.endpoint.links), 2)

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
