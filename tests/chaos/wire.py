"""A stretch of network between the nodes and some hosts, as a process: what it swallows is silent.

``python -m tests.chaos.wire SETTINGS`` listens on a port for each way it is told of and carries
octets to the real one and back. In a *hole* it carries nothing in one or both directions, and tells
nobody: connections stay, new ones are taken and lead nowhere, as behind a router that drops. What
was on its way arrives when the hole closes, as what TCP sends again would.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ClientFactory, Factory, Protocol, connectionDone
from twisted.internet.stdio import StandardIO
from twisted.python.failure import Failure

from tests.chaos.orders import Orders, say

reactor: Any = global_reactor

UP, DOWN = "up", "down"
"""Towards the host, and from it."""
DIRECTIONS = {UP: (UP,), DOWN: (DOWN,), "both": (UP, DOWN)}


class End(Protocol):
    """One end of a connection through here; the other end gets what this one says."""

    transport: Any

    def __init__(self, way: Way, direction: str) -> None:
        self.way = way
        self.direction = direction
        self.other: End | None = None
        self.early: list[bytes] = []

    def connectionMade(self) -> None:
        """Silent from the first moment if this is a hole."""
        self.transport.setTcpNoDelay(True)
        self.way.ends.add(self)
        if self.direction in self.way.holes:
            self.transport.pauseProducing()
        if self.direction == UP:
            self.way.connect(self)

    def join(self, other: End) -> None:
        """The connection to the host stands."""
        self.other, other.other = other, self
        other.transport.writeSequence(self.early)
        self.early.clear()

    def dataReceived(self, data: bytes) -> None:
        """Carry it on, once there is somewhere to carry it."""
        if self.other is None:
            self.early.append(data)
        else:
            self.other.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other end hears of it, in the same manner."""
        self.way.ends.discard(self)
        other, self.other = self.other, None
        if other is None:
            return
        other.other = None
        if reason.check(ConnectionDone):
            other.transport.loseConnection()
        else:
            other.transport.abortConnection()


class Outward(ClientFactory):
    """Makes the connection to the host for one that came in."""

    noisy = False

    def __init__(self, way: Way, inner: End) -> None:
        self.way = way
        self.inner = inner

    def buildProtocol(self, addr: object) -> End | None:
        """Part of Twisted's factory interface; None when nobody waits for it any more."""
        if self.inner not in self.way.ends:
            return None
        outer = End(self.way, DOWN)
        reactor.callLater(0, self._join, outer)
        return outer

    def _join(self, outer: End) -> None:
        if self.inner in self.way.ends and outer in self.way.ends:
            self.inner.join(outer)
        elif outer in self.way.ends:
            outer.transport.abortConnection()

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        """Nobody listens there: who came is sent away."""
        if self.inner in self.way.ends:
            self.inner.transport.abortConnection()


class Way(Factory):
    """All connections to one host.

    :ivar holes: the directions in which nothing passes.
    """

    noisy = False

    def __init__(self, port: int) -> None:
        self.port = port
        self.ends: set[End] = set()
        self.holes: tuple[str, ...] = ()
        self._healing: IDelayedCall | None = None

    def buildProtocol(self, addr: object) -> End:
        """Part of Twisted's factory interface."""
        return End(self, UP)

    def connect(self, inner: End) -> None:
        """Lead one that came in to the host."""
        reactor.connectTCP("127.0.0.1", self.port, Outward(self, inner), timeout=5)

    def hole(self, direction: str, seconds: float) -> None:
        """Nothing passes for so long."""
        self.holes = DIRECTIONS[direction]
        for end in self.ends:
            if end.direction in self.holes:
                end.transport.pauseProducing()
        self._healing = reactor.callLater(seconds, self.heal)

    def heal(self) -> None:
        """Everything passes again."""
        if self._healing is not None and self._healing.active():
            self._healing.cancel()
        self.holes = ()
        for end in list(self.ends):
            end.transport.resumeProducing()


class Wire:
    """All ways."""

    def __init__(self, ways: dict[str, int]) -> None:
        self.ways = {name: Way(port) for name, port in ways.items()}
        StandardIO(Orders(self))
        ports = {}
        for name, way in self.ways.items():
            ports[name] = reactor.listenTCP(0, way, interface="127.0.0.1").getHost().port
        say("ports", ports=ports)

    def do_hole(self, way: str, direction: str, seconds: float) -> None:
        """A hole opens."""
        self.ways[way].hole(direction, seconds)

    def end(self) -> None:
        """The orders end."""
        if reactor.running:
            reactor.stop()


if __name__ == "__main__":
    Wire(json.loads(sys.argv[1])["ways"])
    reactor.run()
