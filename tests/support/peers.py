"""Scripted peers over real sockets: a provider and a client that send exactly what a test says.

They speak octets: nothing is answered, closed or checked unless the test asks for it. Every wait
has a deadline and fails with what had come until then. All ports are free ones of 127.0.0.1.

A test's usual way::

    smsc = FakeSmsc(self)                  # stopped when the test ends
    ... the product connects to smsc.port ...
    link = await smsc.accept()             # the next connection
    bind = await link.accept_bind()        # reads the bind, answers OK
    link.send(build.deliver_sm(1, ...))
    resp = await link.expect(DELIVER_SM_RESP)
    await link.closed()

    client = await FakeClient.connect(self, port)
    resp = await client.bind(b"demo", b"secret")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_TRANSCEIVER,
    COMMAND_NAMES,
    MAX_PDU,
    RESPONSE,
    UNBIND,
)
from smppproxy.smpp.fields import Bind
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu

reactor: Any = global_reactor

DEADLINE = 30.0
"""Seconds that any one expected thing may take, on a machine that is slow and busy."""

BINDS = frozenset({1, 2, 9})


class Waits:
    """Something that changes, and tests that wait for it to be as they want it."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    def changed(self) -> None:
        """Look at every condition that is waited for."""
        for entry in tuple(self._waiting):
            condition, fired = entry
            if entry in self._waiting and condition():
                self._waiting.remove(entry)
                # The test goes on in a turn of its own, not inside the code under test.
                reactor.callLater(0, fired.callback, None)

    async def until(
        self, condition: Callable[[], bool], what: str, deadline: float = DEADLINE
    ) -> None:
        """Wait for the condition.

        :param what: for the message of the AssertionError when the deadline passes first.
        """
        if condition():
            return
        fired: Deferred[None] = Deferred()
        self._waiting.append((condition, fired))
        call = reactor.callLater(deadline, self._too_late, fired, what)
        # What is waited for may be elsewhere, and change without a word to this object.
        looking = LoopingCall(self.changed)
        looking.start(0.02, now=False)
        try:
            await fired
        finally:
            looking.stop()
            if call.active():
                call.cancel()

    def _too_late(self, fired: Deferred[None], what: str) -> None:
        self._waiting = [entry for entry in self._waiting if entry[1] is not fired]
        fired.errback(Failure(AssertionError(f"{what}: not in time; {self!r}")))


class Peer(Protocol, Waits):
    """One connection, either side of it.

    :ivar pdus: what came and was not taken by :meth:`expect` yet.
    :ivar octets: everything that came, as it came.
    :ivar is_closed: whether the connection is gone; :ivar reason: how it went.
    """

    transport: Any

    def __init__(self) -> None:
        Waits.__init__(self)
        self.pdus: list[Pdu] = []
        self.octets = b""
        self.is_open = False
        self.is_closed = False
        self.reason: BaseException | None = None
        self._framer = Framer(MAX_PDU)

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else "open"
        return f"<{type(self).__name__} {state}, unread: {self.pdus}>"

    def connectionMade(self) -> None:
        """Part of Twisted's protocol interface."""
        self.is_open = True
        self.transport.setTcpNoDelay(True)
        self.changed()

    def dataReceived(self, data: bytes) -> None:
        """Part of Twisted's protocol interface."""
        self.octets += data
        pdus, _ = self._framer.feed(data)
        self.pdus += pdus
        self.changed()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Part of Twisted's protocol interface."""
        self.is_closed = True
        self.reason = reason.value
        self.changed()

    # -- sending --------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send any octets."""
        self.transport.write(data)

    def stop_reading(self) -> None:
        """Let the other side's octets pile up in the sockets."""
        self.transport.pauseProducing()

    def read_again(self) -> None:
        """After :meth:`stop_reading`."""
        self.transport.resumeProducing()

    def reset(self) -> None:
        """End the connection with an RST; nothing to do when it is gone."""
        if self.is_closed:
            return
        self.transport.setTcpKeepAlive(False)
        self.transport.abortConnection()

    def hang_up(self) -> None:
        """Flush and close."""
        self.transport.loseConnection()

    # -- waiting --------------------------------------------------------------------------------

    async def expect(self, command_id: int | None = None, deadline: float = DEADLINE) -> Pdu:
        """Take the next PDU; with a command_id the next one of that kind, the others stay."""

        def found() -> Pdu | None:
            for pdu in self.pdus:
                if command_id is None or pdu.command_id == command_id:
                    return pdu
            return None

        what = "any PDU" if command_id is None else COMMAND_NAMES.get(command_id, hex(command_id))
        await self.until(lambda: found() is not None, what, deadline)
        pdu = found()
        assert pdu is not None
        self.pdus.remove(pdu)
        return pdu

    async def expect_many(
        self, count: int, command_id: int, deadline: float = DEADLINE
    ) -> list[Pdu]:
        """Take so many PDUs of a kind."""
        return [await self.expect(command_id, deadline) for _ in range(count)]

    async def closed(self, deadline: float = DEADLINE) -> None:
        """Wait until the connection is gone."""
        await self.until(lambda: self.is_closed, "closed", deadline)

    # -- a provider's words ---------------------------------------------------------------------

    async def accept_bind(self, command_status: int = 0, system_id: bytes = b"smsc") -> Pdu:
        """Take the next bind and answer it; returns the bind."""
        await self.until(lambda: any(p.command_id in BINDS for p in self.pdus), "a bind")
        bind = next(p for p in self.pdus if p.command_id in BINDS)
        self.pdus.remove(bind)
        number = bind.sequence_number
        self.send(build.bind_resp(bind.command_id, command_status, number, system_id))
        return bind

    async def answer_unbind(self) -> None:
        """Take an unbind and answer it."""
        unbind = await self.expect(UNBIND)
        self.send(build.unbind_resp(unbind.sequence_number))

    # -- a client's words -----------------------------------------------------------------------

    def send_bind(
        self,
        system_id: bytes,
        password: bytes,
        command_id: int = BIND_TRANSCEIVER,
        number: int = 1,
        **fields: Any,
    ) -> None:
        """Send a bind."""
        self.send(build.bind(command_id, number, bind_fields(system_id, password, **fields)))

    async def bind(
        self,
        system_id: bytes,
        password: bytes,
        command_id: int = BIND_TRANSCEIVER,
        deadline: float = DEADLINE,
        **fields: Any,
    ) -> Pdu:
        """Send a bind and take its answer."""
        self.send_bind(system_id, password, command_id, **fields)
        return await self.expect(command_id | RESPONSE, deadline)


def bind_fields(
    system_id: bytes,
    password: bytes,
    system_type: bytes = b"",
    interface_version: int = 0x34,
    addr_ton: int = 0,
    addr_npi: int = 0,
    address_range: bytes = b"",
) -> Bind:
    """The body of a bind as most clients fill it."""
    return Bind(
        system_id=system_id,
        password=password,
        system_type=system_type,
        interface_version=interface_version,
        addr_ton=addr_ton,
        addr_npi=addr_npi,
        address_range=address_range,
    )


class FakeClient(Peer):
    """A connection to a listener of ours."""

    @classmethod
    async def connect(
        cls,
        test: TestCase,
        port: int,
        tls: Any = None,
        address: str = "127.0.0.1",
        host: str = "127.0.0.1",
    ) -> FakeClient:
        """Connect from an address to a host; with ``tls``, a connection creator, the handshake
        begins at once.

        The connection ends with the test.
        """
        client = cls()
        endpoint: Any = TCP4ClientEndpoint(
            reactor, host, port, DEADLINE, bindAddress=(address, 0)
        )
        if tls is not None:
            endpoint = wrapClientTLS(tls, endpoint, clock=reactor)
        await connectProtocol(endpoint, client)
        test.addCleanup(client.end)
        return client

    def end(self) -> Deferred[None] | None:
        """Close for good."""
        if self.is_closed:
            return None
        self.transport.abortConnection()
        return Deferred.fromCoroutine(self.closed())


class FakeSmsc(Waits):
    """A listening provider; it ends, with its connections, when the test does.

    :param tls: a connection creator for the server's role; None = plain.
    :ivar links: every connection so far, in order.
    """

    def __init__(self, test: TestCase, tls: Any = None) -> None:
        super().__init__()
        self.links: list[Peer] = []
        self._tls = tls
        self._taken = 0
        self._listening: Any = None
        self.port = 0
        self.listen()
        test.addCleanup(self.stop)

    def __repr__(self) -> str:
        return f"<FakeSmsc {len(self.links)} connections, {self._taken} taken>"

    def listen(self) -> None:
        """Listen, after :meth:`refuse` on the same port as before."""
        factory: Any = _Accepting(self)
        if self._tls is not None:
            factory = TLSMemoryBIOFactory(self._tls, False, factory, clock=reactor)
        self._listening = reactor.listenTCP(self.port, factory, interface="127.0.0.1")
        self.port = self._listening.getHost().port

    async def refuse(self) -> None:
        """Listen no more: who connects is refused. The connections stay."""
        listening, self._listening = self._listening, None
        await listening.stopListening()

    async def accept(self, deadline: float = DEADLINE) -> Peer:
        """The next connection, once it is there."""
        await self.until(lambda: len(self.links) > self._taken, "a connection", deadline)
        self._taken += 1
        return self.links[self._taken - 1]

    async def stop(self) -> None:
        """End the listening and every connection."""
        if self._listening is not None:
            await self.refuse()
        for link in self.links:
            if link.is_open and not link.is_closed:
                link.transport.abortConnection()
                await link.closed()


class _Accepting(Factory):
    noisy = False

    def __init__(self, smsc: FakeSmsc) -> None:
        self._smsc = smsc

    def buildProtocol(self, addr: object) -> Peer:
        peer = _Accepted(self._smsc)
        self._smsc.links.append(peer)
        return peer


class _Accepted(Peer):
    def __init__(self, smsc: FakeSmsc) -> None:
        super().__init__()
        self._smsc = smsc

    def connectionMade(self) -> None:
        super().connectionMade()
        self._smsc.changed()


def closed_cleanly(peer: Peer) -> bool:
    """Whether the other side closed in order, not with a reset."""
    return isinstance(peer.reason, ConnectionDone)
