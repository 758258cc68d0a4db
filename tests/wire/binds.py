"""Binds to providers for the tests of this room: over real sockets, and in memory with a clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.routing.providers import Host, Provider
from smppproxy.smpp import build
from smppproxy.smpp.framing import Framer
from smppproxy.wire.pool import UpstreamPool
from smppproxy.wire.protocol import Ticker
from tests.support.peers import reactor
from tests.support.relay import RecordingRelay

SECRET = b"s3cret-of-upstream"


def provider(*ports: int, address: str = "127.0.0.1", **options: Any) -> Provider:
    """A provider with hosts a, b ... on these ports."""
    settings: dict[str, Any] = {
        "system_id": b"smppproxy",
        "password": SECRET,
        "reconnect_min": 0.05,
        "reconnect_max": 0.1,
    }
    hosts = tuple(
        Host(name, address, port) for name, port in zip("abcdef", ports, strict=False)
    )
    return Provider(name="acme", hosts=hosts, **(settings | options))


class Binds:
    """A pool towards fake providers on real sockets; it ends with the test."""

    def __init__(self, test: TestCase, settings: Provider) -> None:
        self.relay = RecordingRelay()
        self.ticker = Ticker(reactor, 0.02)
        self.ticker.start()
        self.pool = UpstreamPool(settings, reactor, self.relay, self.ticker)
        self.pool.start()
        test.addCleanup(self.ticker.stop)
        test.addCleanup(self.end)

    def end(self) -> Deferred[None]:
        """Give everything up at once."""
        for bind in self.pool.binds:
            session = bind._core.session
            if session is not None and session.connected:
                session.abort("the test is over")
        return self.pool.stop()

    def states(self) -> list[str]:
        """Of every bind."""
        return [state.state for state in self.pool.states()]

    def send(self, upstream: Any, *tokens: str) -> None:
        """Send a submit_sm for each token."""
        now = reactor.seconds()
        upstream.write(
            b"".join(
                build.submit_sm(upstream.session.window.open(token, now), destination_addr=b"44")
                for token in tokens
            )
        )


def private_key(path: str) -> Any:
    """The key in a PEM file, as Twisted's options want it."""
    return load_pem_private_key(Path(path).read_bytes(), None)


def good(pdu: Any, message_id: bytes = b"id") -> bytes:
    """The provider takes this submit_sm."""
    return build.submit_sm_resp(pdu.sequence_number, message_id)


class Link(StringTransportWithDisconnection):
    """An in-memory connection with the provider's hand on it."""

    def __init__(self, protocol: Any) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", "192.0.2.1", 2775))
        self.protocol = protocol

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Part of ITCPTransport: TLS says that it has all of that, whatever is below it."""

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Part of ITCPTransport."""

    def abortConnection(self) -> None:
        """As a real transport: the protocol is told once."""
        self.loseConnection()

    def loseConnection(self) -> None:
        if self.connected:
            super().loseConnection()

    def pdus(self) -> list[Any]:
        """What was written since the last look."""
        pdus, _ = Framer().feed(self.value())
        self.clear()
        return pdus


class Endpoint:
    """Connects in memory, or not, as a test wants."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.mode = "refuse"
        self.attempts: list[float] = []
        self.links: list[Link] = []
        self.cancelled = 0

    def connect(self, factory: Any) -> Deferred[Any]:
        """Part of IStreamClientEndpoint."""
        self.attempts.append(self.clock.seconds())
        if self.mode == "refuse":
            return fail(ConnectionRefusedError())
        if self.mode == "hang":
            return Deferred(self._cancel)
        protocol = factory.buildProtocol(None)
        link = Link(protocol)
        self.links.append(link)
        protocol.makeConnection(link)
        return succeed(protocol)

    def _cancel(self, deferred: Deferred[Any]) -> None:
        self.cancelled += 1


class ClockCase(SynchronousTestCase):
    """A pool whose connections are in memory, and a clock that the test moves."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.relay = RecordingRelay()
        self.ticker = Ticker(self.clock)
        self.ticker.start()
        self.endpoint = Endpoint(self.clock)

    def start(self, chance: float = 0.0, **options: Any) -> UpstreamPool:
        """A pool of one bind."""
        settings: dict[str, Any] = {"reconnect_min": 1.0, "reconnect_max": 30.0}
        pool = UpstreamPool(
            provider(2775, **(settings | options)),
            self.clock,
            self.relay,
            self.ticker,
            self.connect,
            lambda: chance,
        )
        pool.start()
        return pool

    def connect(self, host: Host) -> Any:
        """The endpoint of whatever host."""
        return self.endpoint

    def advance(self, seconds: float) -> None:
        """Let time pass an eighth of a second at a time, which a float counts exactly."""
        self.clock.pump([0.125] * round(seconds * 8))

    def answer_bind(self, command_status: int = 0) -> Link:
        """The newest connection's bind is answered."""
        link = self.endpoint.links[-1]
        (bind,) = link.pdus()
        number = bind.sequence_number
        link.protocol.dataReceived(
            build.bind_resp(bind.command_id, command_status, number, b"smsc")
        )
        return link

    def gaps(self) -> list[float]:
        """Seconds between the attempts."""
        attempts = self.endpoint.attempts
        return [b - a for a, b in zip(attempts, attempts[1:], strict=False)]
