"""One TCP connection with an SMPP session on it, for both simulators."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from smppproxy.simulator.clock import Reactor
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.session import Received, Session


class Link(Protocol):
    """Feeds a :class:`~smppproxy.smpp.session.Session` and hands on what each read means.

    The simulators override :meth:`took`, :meth:`asked_to_unbind`, :meth:`expired` and
    :meth:`lost`. :meth:`tick` is called once a second by the owner.

    :ivar up: the connection stands; :ivar gone: fires once it no longer does; :ivar why: and why.
    """

    transport: Any

    def __init__(self, reactor: Reactor, session: Session) -> None:
        self.reactor = reactor
        self.session = session
        self.up = False
        self.gone: Deferred[None] = Deferred()
        self.why = ""

    def connectionMade(self) -> None:
        """Part of Twisted's protocol interface."""
        self.up = True
        self.session.start(self.reactor.seconds())
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        """Part of Twisted's protocol interface."""
        self.digest(self.session.receive(data, self.reactor.seconds()))

    def digest(self, received: Received) -> None:
        """Do what one read, or the end of a bind's verification, asks for."""
        if received.reply:
            self.send(received.reply)
        self.took(received)
        if received.unbind is not None:
            self.asked_to_unbind(received.unbind)
        if received.close or received.unbound:
            self.hang_up()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Part of Twisted's protocol interface."""
        self.up = False
        self.why = reason.getErrorMessage()
        self.lost()
        self.gone.callback(None)

    def tick(self) -> None:
        """Let the session's timers speak."""
        due = self.session.tick(self.reactor.seconds())
        if due is None:
            return
        if due.reply:
            self.send(due.reply)
        if due.expired:
            self.expired(due.expired)
        if due.close:
            self.hang_up()

    def send(self, data: bytes) -> None:
        """Write whole PDUs; nothing happens once the connection is lost."""
        if self.up:
            self.transport.write(data)

    def hang_up(self) -> None:
        """Flush, then close."""
        self.transport.loseConnection()

    def abort(self) -> None:
        """Close at once with a reset; what was not on the wire yet is gone."""
        self.transport.abortConnection()

    def took(self, received: Received) -> None:
        """What one read holds beside what the session has answered by itself."""

    def asked_to_unbind(self, pdu: Pdu) -> None:
        """The peer wants to go."""

    def expired(self, tokens: list[object]) -> None:
        """Our requests that the peer did not answer in time."""

    def lost(self) -> None:
        """The connection is gone."""
