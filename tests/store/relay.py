"""Between a store and its server: a relay that can swallow, hold and cut."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, UNIXServerEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure


class _Far(Protocol):
    """The server's side of one connection."""

    def __init__(self, near: _Near) -> None:
        self.near = near

    def dataReceived(self, data: bytes) -> None:
        if self.near.relay.swallow and self.near.asked:
            self.near.relay.swallowed()
            self.near.cut()
        else:
            self.near.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.near.transport.loseConnection()


class _Near(Protocol):
    """The store's side. ``asked``: a script was called and has no answer yet."""

    transport: Any

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.far: Any = None
        self.early: list[bytes] = []
        self.asked = False

    def connectionMade(self) -> None:
        self.relay.connections += 1
        if self.relay.refuse:
            self.relay.refuse -= 1
            self.transport.abortConnection()
            return
        factory = Factory.forProtocol(lambda: _Far(self))
        factory.noisy = False
        UNIXClientEndpoint(self.relay.reactor, self.relay.server_path).connect(
            factory
        ).addCallbacks(self._connected, lambda _: self.transport.loseConnection())

    def _connected(self, far: Any) -> None:
        self.far = far
        early, self.early = self.early, []
        for data in early:
            self.dataReceived(data)

    def dataReceived(self, data: bytes) -> None:
        if self.far is None:
            self.early.append(data)
            return
        self.asked = b"EVAL" in data
        if self.asked and self.relay.hold:
            self.relay.hold -= 1
            self.relay.held.append((self, data))
            self.transport.abortConnection()
        else:
            self.far.transport.write(data)

    def cut(self) -> None:
        """End both sides."""
        self.transport.abortConnection()
        self.far.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.far is not None and not any(near is self for near, _ in self.relay.held):
            self.far.transport.loseConnection()


class Relay:
    """Listens on ``path``.

    ``swallow`` answers to scripts are lost together with their connection, ``refuse``
    connections are closed at once, and ``refuse_then`` of them once an answer was swallowed.
    ``hold`` scripts are kept back: their connection goes, and :meth:`let_go` sends them to the
    server later, as one that had them in a buffer.
    """

    def __init__(self, reactor: Any, server_path: str) -> None:
        self.reactor = reactor
        self.server_path = server_path
        self.path = server_path + ".relay"
        self.connections = 0
        self.swallow = 0
        self.refuse = 0
        self.refuse_then = 0
        self.hold = 0
        self.held: list[tuple[_Near, bytes]] = []
        self._port: Any = None

    def start(self) -> Deferred[None]:
        """Listen."""
        factory = Factory.forProtocol(lambda: _Near(self))
        factory.noisy = False
        listening = UNIXServerEndpoint(self.reactor, self.path).listen(factory)
        return listening.addCallback(self._listening)

    def _listening(self, port: Any) -> None:
        self._port = port

    def swallowed(self) -> None:
        """An answer is lost."""
        self.swallow -= 1
        self.refuse += self.refuse_then
        self.refuse_then = 0

    def let_go(self) -> None:
        """Send what was held, and nothing more on those connections."""
        held, self.held = self.held, []
        for near, data in held:
            near.far.transport.write(data)
            near.far.transport.loseConnection()

    def stop(self) -> Any:
        """Close the door."""
        return self._port.stopListening()
