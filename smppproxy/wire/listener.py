"""The door for clients: a port, plain or TLS, that accepts no more than the node can carry."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IListeningPort,
    IReactorTCP,
    IReactorTime,
)
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

from smppproxy.routing.throttle import TokenBucket
from smppproxy.wire.admission import Admission
from smppproxy.wire.authentication import block_of
from smppproxy.wire.client import ClientSession
from smppproxy.wire.proxied import Networks, ProxiedFactory
from smppproxy.wire.sharing import NONE, adopt, leave
from smppproxy.wire.tls import ServerTls

BACKLOG = 1024
"""Connections the kernel keeps while accepting pauses."""

LEAST_PAUSE = 0.05
"""Seconds for which accepting pauses at least."""

ACCEPT_RATE = 200
MAX_SESSIONS = 10_000

log = Logger()


class ClientFactory(Factory):
    """Makes a session of each connection, up to a number of them.

    :param name: of the listener, for logs.
    :param tls: whether its connections are encrypted.
    :param max_sessions: connections at once; more are closed at accept.
    :param max_per_address: the same for one client's address (IPv6: its /64); 0 = no other limit.
    """

    noisy = False

    def __init__(
        self,
        admission: Admission,
        name: str = "",
        tls: bool = False,
        max_sessions: int = MAX_SESSIONS,
        max_per_address: int = 0,
    ) -> None:
        self.admission = admission
        self.name = name
        self.tls = tls
        self.max_sessions = max_sessions
        self.max_per_address = max_per_address
        self.sessions: set[ClientSession] = set()
        self.accepted = 0
        self._by_address: Counter[str] = Counter()

    def buildProtocol(self, addr: IAddress | None) -> ClientSession | None:
        """A session, or None, which makes the reactor close the connection."""
        self.accepted += 1
        host = getattr(addr, "host", "")
        crowded = self.max_per_address and self._by_address[block_of(host)] >= self.max_per_address
        if crowded or len(self.sessions) >= self.max_sessions or self.admission.draining:
            self.admission.relay.ledger.count("connection_refused")
            return None
        return ClientSession(self, self.accepted, host)

    def opened(self, session: ClientSession) -> None:
        """The session's connection is there."""
        self.sessions.add(session)
        if self.max_per_address:
            self._by_address[block_of(session.peer)] += 1

    def closed(self, session: ClientSession) -> None:
        """The session's connection is gone."""
        self.sessions.discard(session)
        if self.max_per_address:
            block = block_of(session.peer)
            self._by_address[block] -= 1
            if not self._by_address[block]:
                del self._by_address[block]


class ClientListener:
    """One listening port.

    Over ``accept_rate`` connections a second it stops accepting for a moment; the kernel keeps
    those that wait, so that after a restart everybody comes in by and by (F46).

    :param address: to listen on; "" = every address.
    :param port: 0 = any free one, see :attr:`port`.
    :param tls: our certificate, None for a plain port.
    :param proxied_from: where the load balancers are that put a PROXY header before each
        connection; () = clients connect themselves.
    :param shared: the descriptor of our socket of a port that other processes listen on too.
    """

    def __init__(
        self,
        reactor: Any,
        admission: Admission,
        name: str,
        address: str,
        port: int,
        tls: ServerTls | None = None,
        accept_rate: int = ACCEPT_RATE,
        max_sessions: int = MAX_SESSIONS,
        max_per_address: int = 0,
        proxied_from: Networks = (),
        shared: int = NONE,
    ) -> None:
        self._reactor = reactor
        self._shared = shared
        self._address = address
        self._wanted = port
        self._listening: IListeningPort | None = None
        self._pause: IDelayedCall | None = None
        self._held = False
        self.name = name
        self.factory = ClientFactory(
            admission, name, tls is not None, max_sessions, max_per_address
        )
        clock = cast(IReactorTime, reactor)
        behind: Any = self.factory
        if tls is not None:
            behind = _Tls(tls, False, behind, clock=reactor)
        self._proxied: ProxiedFactory | None = None
        if proxied_from:
            behind = self._proxied = ProxiedFactory(
                behind, name, proxied_from, clock, admission.relay.ledger, max_sessions
            )
        self._behind = behind
        self._bucket = TokenBucket(accept_rate, 0, clock.seconds())

    @property
    def port(self) -> int:
        """The port that is listened on; 0 when none is."""
        if self._listening is None:
            return 0
        return int(cast(Any, self._listening.getHost()).port)

    def start(self) -> None:
        """Listen.

        :raises twisted.internet.error.CannotListenError: the port is taken, or not ours.
        """
        reactor = cast(IReactorTCP, self._reactor)
        factory = cast(Any, _Limited(self, self._behind))
        if self._shared != NONE:
            self._listening = adopt(reactor, self._shared, factory, BACKLOG)
        else:
            self._listening = reactor.listenTCP(
                self._wanted, factory, backlog=BACKLOG, interface=self._address
            )
        self._read_or_not()
        log.info(
            "listening for clients on {address}:{port}",
            event="listening",
            listener=self.name,
            address=self._address,
            port=self.port,
            tls=self.factory.tls,
        )

    def stop(self) -> Deferred[None]:
        """Accept no more; the sessions stay. Fires when the port is free; idempotent."""
        listening, self._listening = self._listening, None
        if self._proxied is not None:
            self._proxied.stop()
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        if listening is None:
            return gatherResults([]).addCallback(_nothing)
        if self._shared != NONE:
            leave(self._shared)
        return maybeDeferred(listening.stopListening).addCallback(_nothing)

    def drain(self, patience: float) -> Deferred[None]:
        """Accept no more, let every session finish what is under way, and unbind it (GW-04).

        :param patience: seconds for the answers that are still to come.
        :return: fires when every connection is gone; never fails.
        """
        waiting = [self.stop()]
        waiting += [session.drain(patience) for session in tuple(self.factory.sessions)]
        return gatherResults(waiting).addCallback(_nothing)

    def hold(self) -> None:
        """Accept nobody for now; who connects waits in the kernel's backlog. Idempotent."""
        self._held = True
        self._read_or_not()

    def release(self) -> None:
        """Accept again; idempotent."""
        self._held = False
        self._read_or_not()

    def accepting(self) -> None:
        """A connection was accepted: pause when they come too fast."""
        clock = cast(IReactorTime, self._reactor)
        now = clock.seconds()
        if self._bucket.take(1, now) or self._pause is not None:
            return
        self.factory.admission.relay.ledger.count("accept_paused")
        self._pause = clock.callLater(max(self._bucket.wait(now), LEAST_PAUSE), self._go_on)
        self._read_or_not()

    def _go_on(self) -> None:
        self._pause = None
        self._read_or_not()

    def _read_or_not(self) -> None:
        port = cast(Any, self._listening)
        if port is None:
            return
        if self._held or self._pause is not None:
            port.stopReading()
        else:
            port.startReading()


class _Limited(Factory):
    """The listener's factory as the reactor sees it: counts before it builds."""

    noisy = False

    def __init__(self, listener: ClientListener, behind: Any) -> None:
        self._listener = listener
        self._behind = behind

    def logPrefix(self) -> str:
        """How Twisted names the port in its own log lines."""
        return f"listener {self._listener.name}"

    def buildProtocol(self, addr: IAddress | None) -> Any:
        self._listener.accepting()
        return self._behind.buildProtocol(addr)


class _Tls(TLSMemoryBIOFactory):
    """TLS around sessions; Twisted's own would put it around None too, and fail."""

    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """The session within TLS, or None, which makes the reactor close the connection."""
        session = cast(ClientFactory, self.wrappedFactory).buildProtocol(addr)
        return None if session is None else self.protocol(self, session)


def _nothing(_: object) -> None:
    return None
