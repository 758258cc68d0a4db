"""A document's presets in memory: journeys, binds and client sessions with a clock, no sockets.

A test of this kind reads like those of ``case``, without waiting::

    world = self.world("gatewayapi")                   # account esme01, one provider acme
    client, upstream = world.client("esme01"), world.upstream()
    submit, message_id = self.through(client, upstream, V06)
    upstream.receipt(b"6000", b"4510203040")
    (deliver_sm,) = client.deliveries()
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import Network, load_network
from smppproxy.routing.accounts import Account
from smppproxy.routing.mo import MoRoute
from smppproxy.routing.providers import Provider
from smppproxy.smpp.fields import Message
from smppproxy.smpp.timers import Timers
from smppproxy.wire.admission import Admission
from smppproxy.wire.authentication import Authenticator
from smppproxy.wire.client import ClientSession
from smppproxy.wire.listener import ClientFactory
from smppproxy.wire.pool import UpstreamPool
from smppproxy.wire.protocol import Ticker
from tests.providers.case import PASSWORD, VECTORS
from tests.support.memory_peers import FakeClient, FakeUpstream, World, fields_of
from tests.support.nodes import HASHER
from tests.support.relay import RecordingRelay
from tests.wire.binds import ClockCase
from tests.wire.door import at_once
from tests.wire.test_keeping import Wire

DESTINATION = b"4510203040"
"""Of the vectors' submit_sm."""

HOSTS = """
[provider.{name}.host.a]
address = "127.0.0.1"
{port}
[provider.{name}.host.b]
address = "127.0.0.2"
{port}
"""


def load(folder: Path, text: str) -> Network:
    """The network of a file with this text."""
    folder.mkdir(parents=True)
    path = folder / "network.toml"
    path.write_text(text)
    return load_network(path)


def account_table(preset: str, options: str = "", name: str = "esme01") -> str:
    """The account of the vectors, with a document's preset and more lines."""
    return (
        f"[account.{name}]\npassword = \"{HASHER.hash(PASSWORD)}\"\n"
        f'preset = "{preset}"\n{options}\n'
    )


def provider_table(options: str = "", name: str = "acme", port: str = "port = 2775") -> str:
    """A provider with hosts a and b."""
    head = f'[provider.{name}]\nsystem_id = "node"\npassword = "upstream"\n{options}\n'
    return head + HOSTS.format(name=name, port=port)


class MemoryCase(SynchronousTestCase):
    """The journeys between clients of one account and a provider's hosts a and b."""

    def network(
        self, preset: str, account: str = "", provider: str = "", more: str = "", **options: Any
    ) -> Network:
        """Account esme01 of this preset and provider acme.

        :param account: more lines of the account's table.
        :param provider: more lines of the provider's table.
        :param more: more tables.
        :param options: of :func:`provider_table`.
        """
        text = account_table(preset, account) + provider_table(provider, **options) + more
        route = '\n[[route]]\nname = "all"\ntargets = ["acme"]\n'
        return load(Path(self.mktemp()), text + route)

    def world(
        self, preset: str, account: str = "", provider: str = "", more: str = "", **options: Any
    ) -> World:
        """As :meth:`network`, with the relay and its store; messages for 1204 are the account's."""
        network = self.network(preset, account, provider, more, **options)
        return World(
            network.accounts.values(),
            network.providers.values(),
            mo_routes=[MoRoute("esme01", frozenset({"1204"}))],
        )

    def pair(self, world: World, **options: Any) -> tuple[FakeClient, FakeUpstream]:
        """A client and a bind to the provider's host a."""
        return world.client("esme01", **options), world.upstream()

    def through(
        self, client: FakeClient, upstream: FakeUpstream, octets: bytes, message_id: bytes = b"6000"
    ) -> tuple[Message, bytes]:
        """One submit_sm and its OK: what the provider got, the client's id."""
        client.receive(octets)
        (pdu,) = upstream.submits()
        upstream.accept((pdu, message_id))
        ((_, status, client_message_id),) = client.responses()
        self.assertEqual(status, 0)
        return fields_of(pdu), client_message_id

    def parts(
        self, client: FakeClient, upstream: FakeUpstream, octets: bytes, *message_ids: bytes
    ) -> tuple[list[Message], bytes]:
        """One submit_sm that goes out as several, all accepted: what the provider got, one id."""
        client.receive(octets)
        pdus = upstream.submits()
        self.assertEqual(len(pdus), len(message_ids))
        upstream.accept(*zip(pdus, message_ids, strict=True))
        ((_, status, client_message_id),) = client.responses()
        self.assertEqual(status, 0)
        return [fields_of(pdu) for pdu in pdus], client_message_id

    def status(self, client: FakeClient, octets: bytes) -> int:
        """The command_status with which a submit_sm is refused, and nobody upstream hears of it."""
        client.receive(octets)
        world = client.world
        for upstream in world.upstreams:
            self.assertEqual(upstream.submits(), [])
        ((_, status, message_id),) = client.responses()
        self.assertEqual(message_id, b"")
        self.assertNotEqual(status, 0)
        return status

    def delivered(self, client: FakeClient) -> Message:
        """The one deliver_sm that came; it is acknowledged."""
        (pdu,) = client.deliveries()
        client.acknowledge([pdu])
        return fields_of(pdu)

    def leap(self, world: World, seconds: float) -> None:
        """Let a long time pass at once, then let everybody look at the clock."""
        world.clock.advance(seconds)
        for node in world.nodes:
            node.tick()


class BindsCase(ClockCase):
    """The binds to a provider of the network file, in memory, with a clock."""

    def provider(self, options: str, port: str = "port = 2775") -> Provider:
        """The provider with these lines and one host."""
        text = provider_table(options, port=port).partition("[provider.acme.host.b]")[0]
        network = load(Path(self.mktemp()), text)
        return network.providers["acme"]

    def binds(self, provider: Provider, chance: float = 0.0) -> UpstreamPool:
        """Its binds, started."""
        pool = UpstreamPool(
            provider, self.clock, self.relay, self.ticker, self.connect, lambda: chance
        )
        pool.start()
        return pool


class SessionCase(SynchronousTestCase):
    """One client session of an account in memory, with a clock and a relay that only listens."""

    def account(self, preset: str, options: str = "") -> Account:
        """Account esme01 of this preset."""
        return load(Path(self.mktemp()), account_table(preset, options)).accounts["esme01"]

    def connected(
        self, account: Account, timers: Timers | None = None
    ) -> tuple[ClientSession, Wire]:
        """A connection of the account's client."""
        self.clock = Clock()
        self.relay = RecordingRelay()
        ticker = Ticker(self.clock)
        ticker.start()
        admission = Admission(
            self.relay,
            ticker,
            Authenticator(self.clock, at_once),
            lambda: {account.system_id: account},
            timers=timers or Timers(response=30.0),
        )
        session = ClientFactory(admission, "door").buildProtocol(None)
        assert session is not None
        wire = Wire(peerAddress=IPv4Address("TCP", "192.0.2.7", 40000))
        wire.clock = self.clock
        session.makeConnection(wire)
        return session, wire

    def bound(
        self, account: Account, timers: Timers | None = None
    ) -> tuple[ClientSession, Wire]:
        """The same, bound with V01."""
        session, wire = self.connected(account, timers)
        session.dataReceived(VECTORS["V01"])
        (answer,) = wire.pdus()
        self.assertEqual(answer.command_status, 0)
        return session, wire

    def advance(self, seconds: float) -> None:
        """Let time pass, a quarter of a second at a time."""
        self.clock.pump([0.25] * round(seconds * 4))
