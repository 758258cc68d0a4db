"""Nodes, stores and peers of one measurement; all of them end with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from smppproxy.simulator.esme import Esme, EsmeOptions, Sent
from smppproxy.simulator.smsc import Smsc, SmscOptions
from tests.scenarios.world import UPSTREAM_ACCOUNT, Node, all_bound
from tests.support.processes import reactor, until


class Stage:
    """Starts things and ends them, the last one first."""

    def __init__(self) -> None:
        self._ends: list[Callable[[], Any]] = []

    def ends_with(self, end: Callable[[], Any]) -> None:
        """To be called when the measurement is over."""
        self._ends.append(end)

    async def end(self) -> None:
        """Everything is gone."""
        while self._ends:
            await maybeDeferred(self._ends.pop())

    def ended(self) -> Deferred[None]:
        """As :meth:`end`, for who cannot await."""
        return Deferred.fromCoroutine(self.end())

    def provider(self, hosts: str = "ab", **options: Any) -> Smsc:
        """A simulated provider that listens on each of its hosts."""
        smsc = Smsc(reactor, SmscOptions(accounts=UPSTREAM_ACCOUNT, **options))
        for host in hosts:
            smsc.listen(host)
        self.ends_with(smsc.stop)
        return smsc

    async def node(self, network: str, bound: Sequence[Smsc] = (), **settings: Any) -> Node:
        """A node, bound to every host of these providers."""
        node = Node(network, **settings)
        self.ends_with(node.end)
        await node.start()
        for smsc in bound:
            await all_bound(smsc)
        return node

    def client(self, node: Node, **options: Any) -> Esme:
        """A client of the account demo, started."""
        options.setdefault("window", 400)
        esme = Esme(reactor, EsmeOptions(port=node.port, password=b"demo", **options))
        self.ends_with(esme.stop)
        esme.start()
        return esme


def oks(client: Esme, since: int) -> list[Sent]:
    """Messages from this number on that have their OK."""
    return [sent for sent in client.history[since:] if sent.status == 0]


async def first_ok(client: Esme, moment: float, since: int) -> float:
    """Seconds from a moment to the first OK that comes after it, of messages from a number on."""

    def times() -> list[float]:
        return [sent.answered_at for sent in oks(client, since) if sent.answered_at > moment]

    await until(lambda: bool(times()))
    return min(times()) - moment


async def more_oks(client: Esme, count: int) -> None:
    """So many more."""
    goal = client.tally.accepted + count
    await until(lambda: client.tally.accepted >= goal)


def after(seconds: float) -> Deferred[None]:
    """Time passes."""
    return deferLater(reactor, seconds, lambda: None)


class _Far(Protocol):
    """Towards the host."""

    def __init__(self, near: _Near) -> None:
        self.near = near

    def dataReceived(self, data: bytes) -> None:
        self.near.forwarder.pass_on(self.near, data)


class _Near(Protocol):
    """From the node."""

    transport: Any

    def __init__(self, forwarder: Forwarder) -> None:
        self.forwarder = forwarder
        self.far: Any = None
        self._early: list[bytes] = []

    def connectionMade(self) -> None:
        self.forwarder.connections.add(self)
        factory = Factory.forProtocol(lambda: _Far(self))
        factory.noisy = False
        connecting = self.forwarder.endpoint.connect(factory)
        connecting.addCallbacks(self._made, lambda _: self.transport.loseConnection())

    def _made(self, far: Any) -> None:
        self.far = far
        if not self.transport.connected:
            far.transport.loseConnection()
        for data in self._early:
            far.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        if self.forwarder.is_black:
            return
        if self.far is None:
            self._early.append(data)
        else:
            self.far.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.forwarder.left(self)
        if self.far is not None:
            self.far.transport.loseConnection()


class Forwarder(Factory):
    """Stands before a host; from a moment on everything that comes, either way, is swallowed.

    :ivar black: when that moment was, 0 before; :ivar given_up: when the node left after it.
    """

    noisy = False

    def __init__(self, stage: Stage, endpoint: IStreamClientEndpoint) -> None:
        self.endpoint = endpoint
        self.connections: set[_Near] = set()
        self.black = 0.0
        self.given_up = 0.0
        listening = reactor.listenTCP(0, self, interface="127.0.0.1")
        self.port: int = listening.getHost().port
        stage.ends_with(listening.stopListening)

    @property
    def is_black(self) -> bool:
        """Whether it is silent."""
        return bool(self.black)

    def buildProtocol(self, addr: object) -> _Near:
        """Part of Twisted's factory interface."""
        return _Near(self)

    def swallow(self) -> None:
        """From now on."""
        self.black = reactor.seconds()

    def pass_on(self, near: _Near, data: bytes) -> None:
        """What the host says."""
        if not self.is_black:
            near.transport.write(data)

    def left(self, near: _Near) -> None:
        """The node closed a connection."""
        self.connections.discard(near)
        if self.is_black and not self.given_up:
            self.given_up = reactor.seconds()
