"""The edge of a session: the only ``dataReceived``, the only ``transport.write``.

One read goes to the pure session, its direct answers are written, and what is left goes on as
lists to the relay. Back-pressure, the clock's tick and the broad handler of the house live here:
an exception in any handler ends that one session and is logged once (F96).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IPushProducer,
    IReactorTime,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.tcp import Connection
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from smppproxy.relay.peers import Relay
from smppproxy.smpp.constants import READ_SIZE
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.session import UNBINDING, Received, Session
from smppproxy.turns import write_now
from smppproxy.wire.ticker import Ticker as Ticker
from smppproxy.wire.tls import reason_of

UNDRAINED = 60.0
"""Seconds a peer may leave our write buffer full before its session is closed (F37)."""

LINGER = 2.0
"""Seconds from asking for a close to aborting a connection that would not flush."""

REPLY_BUDGET = 8_192
"""Octets of direct answers (enquire_link_resp, nacks: 16 octets each) a peer may cause in one
tick; a peer that causes more is not read until the next tick (F41)."""

TIMEOUTS = 3
"""Requests in a row that a peer may leave unanswered for their time; then its session ends."""

HELD = 1
UNDRAINED_BUFFER = 2
FLOODING = 4
VERIFYING = 8
LEAVING = 16
"""Why a peer is not read; it is read again when no reason is left."""

log = Logger()


@implementer(IPushProducer)
class SmppProtocol(Protocol):
    """One connection that speaks SMPP; both kinds of bound session are made of it.

    :ivar session: the pure protocol state.
    :ivar name: for logs and tables.
    :ivar peer: the other side's address, as text; the transport's unless it was set before.
    :ivar connected: false once the connection is lost.
    :ivar writable: false while the transport's buffer is full.
    :ivar last_received: monotonic seconds of the last read, or of when reading last went on.
    :ivar closing: true once a close was asked for; nothing is handled or written any more.
    :ivar leaving: true once either side wants to unbind: no new work, answers still pass.
    :ivar look: monotonic seconds at which the ticker looks at its timers next.
    """

    connected: bool = False
    transport: Any

    def __init__(self, session: Session, relay: Relay, ticker: Ticker, name: str) -> None:
        self.session = session
        self.relay = relay
        self.ticker = ticker
        self.clock: IReactorTime = ticker.clock
        self.name = name
        self.peer = ""
        self.writable = True
        self.closing = False
        self.leaving = False
        self.close_reason = ""
        self.last_received = 0.0
        self.look = 0.0
        self._paused_by = 0
        # What this turn writes to a plain socket; None: the transport takes everything at once.
        self._turn: list[bytes] | None = None
        self._undrained_since = 0.0
        self._replied = 0
        self._abort: IDelayedCall | None = None

    # -- the connection -------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """The socket is there: register for back-pressure and for the ticks."""
        self.connected = True  # Twisted says 1, and our rooms are told a bool
        self.last_received = self.clock.seconds()
        self.session.start(self.last_received)
        transport = self.transport
        address = transport.getPeer()
        self.peer = self.peer or getattr(address, "host", "") or str(address)
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        if isinstance(transport, Connection):
            self._turn = []
            transport.bufferSize = READ_SIZE
        transport.registerProducer(self, True)
        self.ticker.add(self)
        self.guard(self.opened)

    def dataReceived(self, data: bytes) -> None:
        """One read: everything whole in it is handled before this returns."""
        if self.closing:
            return
        now = self.last_received = self.clock.seconds()
        tap = self.ticker.tap
        if tap is not None:
            tap.read(self, data)
        session = self.session
        try:
            received = session.receive(data, now)
            if session.due < self.look:
                self.ticker.attend(self)
            self.handle(received, now)
        except Exception:  # noqa: BLE001  any handler's bug ends this session and no other (F96)
            self._broken()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone: what was under way is handed over in this very turn (F53)."""
        if self._abort is not None:
            self._abort.cancel()
            self._abort = None
        self._end(reason_of(cast(BaseException, reason.value)))
        self.guard(self.disconnected)

    def close(self, reason: str) -> None:
        """Flush what was written, then end the connection; abort if that takes over two seconds.

        :param reason: for the log; the first one given stands.
        """
        if self.closing:
            return
        self.flush()
        self.closing = True
        self.writable = False
        self.close_reason = reason
        transport = self.transport
        # A TLS transport does not begin to close while a producer is registered.
        transport.unregisterProducer()
        transport.loseConnection()
        self._abort = self.clock.callLater(LINGER, self._abort_now)

    def abort(self, reason: str) -> None:
        """End the connection at once; what was not flushed is lost.

        The session is over when this returns; the transport may tell it a turn later.
        """
        self.close_reason = self.close_reason or reason
        self.transport.abortConnection()
        self._end(reason)

    def _abort_now(self) -> None:
        self._abort = None
        self.abort(self.close_reason)

    def _end(self, reason: str) -> None:
        """Hand over, once, what was under way; closing and losing come in any order."""
        if not self.connected:
            return
        self.connected = False
        self.closing = True
        self.writable = False
        self.close_reason = self.close_reason or reason
        self.ticker.discard(self)
        self.guard(self.lost, self.close_reason, self.clock.seconds())

    # -- writing --------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send whole PDUs; a no-op once the connection is closing."""
        if data and not self.closing:
            tap = self.ticker.tap
            if tap is not None:
                tap.wrote(self, data)
            turn = self._turn
            if turn is None:
                self.transport.write(data)
            elif turn:
                turn.append(data)
            else:
                turn.append(data)
                self.ticker.flush_soon(self)

    def say(self, data: bytes) -> None:
        """Send what the session itself wants answered, or ended: it waits for that from now on."""
        self.write(data)
        self.ticker.attend(self)

    def flush(self) -> None:
        """Hand what this turn wrote straight to the socket, in one piece."""
        turn = self._turn
        if not turn or not self.connected:
            return
        data = turn[0] if len(turn) == 1 else b"".join(turn)
        turn.clear()
        write_now(self.transport, data)

    def pauseProducing(self) -> None:
        """Our write buffer is full: no new work from or to this peer until it drains (F37)."""
        self.writable = False
        self._undrained_since = self.clock.seconds()
        self._pause(UNDRAINED_BUFFER)

    def resumeProducing(self) -> None:
        """The write buffer drained."""
        self.writable = not self.leaving
        self._resume(UNDRAINED_BUFFER)

    def stopProducing(self) -> None:
        """The transport will take no more; ``connectionLost`` follows."""
        self.writable = False

    # -- reading --------------------------------------------------------------------------------

    @property
    def held(self) -> bool:
        """Whether the peer is not read at present, for whatever reason of ours."""
        return self._paused_by != 0

    def hold(self) -> None:
        """Stop reading from the peer; idempotent."""
        self._pause(HELD)

    def release(self) -> None:
        """Read again, unless our write buffer is full; idempotent."""
        self._resume(HELD)

    def _pause(self, why: int) -> None:
        if not self._paused_by and not self.closing:
            self.transport.pauseProducing()
        self._paused_by |= why
        self.ticker.attend(self)
        self.session.reading = False

    def _resume(self, why: int) -> None:
        if self._paused_by & why:
            self._paused_by &= ~why
            if not self._paused_by and not self.closing:
                self.last_received = self.clock.seconds()
                self.transport.resumeProducing()

    # -- time -----------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Look at the timers; the ticker calls this when they or :meth:`Ticker.attend` say so."""
        if self.closing:
            return
        undrained = self._paused_by & UNDRAINED_BUFFER
        if undrained and now - self._undrained_since >= UNDRAINED:
            self._overdue("write_buffer_not_drained")
            return
        self.guard(self._tick_session, now)
        self._replied = 0
        self._resume(FLOODING)
        if self._paused_by:
            self.ticker.attend(self)
        else:
            # Not sooner: what came while we did not read is read before silence is judged again.
            self.session.reading = True

    def _tick_session(self, now: float) -> None:
        ticked = self.session.tick(now)
        if ticked is None:
            return
        self.write(ticked.reply)
        if self.session.state == UNBINDING:
            self.leaving = True
            self.writable = False
        if ticked.expired:
            self.expired(ticked.expired, now)
        if ticked.close:
            self._overdue(ticked.close.replace(" ", "_"))

    def _overdue(self, reason: str) -> None:
        """Waited long enough; a flush would only make a silent peer's end take longer."""
        self.relay.ledger.count(reason)
        self.abort(reason.replace("_", " "))

    # -- one read -------------------------------------------------------------------------------

    def handle(self, received: Received, now: float) -> None:
        """Answer and hand on what one read meant: binds, answers, requests, then farewells."""
        if received.reply:
            self._reply(received.reply)
        for what, _ in received.oddities:
            self.relay.ledger.count(what)
        if received.bind is not None:
            self.bind_requested(received.bind, now)
        if received.bind_resp is not None:
            self.bind_answered(received.bind_resp, now)
        if received.responses or received.late:
            self.responses(received, now)
        if received.requests:
            self.requests(received.requests, now)
        if received.unbind is not None:
            self.unbind_requested(received.unbind, now)
        if received.unbound:
            self.unbound(now)
        if received.close:
            self._refused(received)

    def _reply(self, reply: bytes) -> None:
        """Write what the session answers itself; who asks for too much waits (F41)."""
        self.write(reply)
        if not self._replied:
            self.ticker.attend(self)
        self._replied += len(reply)
        if self._replied > REPLY_BUDGET and not self._paused_by & FLOODING:
            self.relay.ledger.count("answer_flood")
            self._pause(FLOODING)

    def _refused(self, received: Received) -> None:
        """The session wants no more of this peer; a stranger's noise makes one log line (F16)."""
        if not received.unbound:
            self.relay.ledger.count("protocol_error")
            told = {"session": self.name, "peer": self.peer, "reason": received.close}
            told["log_format"] = "{peer} is disconnected: {reason}"
            self.ticker.noise.tell("protocol_error", self.peer, "", lambda: told)
        self.close(received.close)

    # -- what the two kinds of session do -------------------------------------------------------

    def opened(self) -> None:
        """The connection was made."""

    def bind_requested(self, pdu: Pdu, now: float) -> None:
        """A client asks to bind."""

    def bind_answered(self, pdu: Pdu, now: float) -> None:
        """A provider answered our bind."""

    def requests(self, pdus: list[Pdu], now: float) -> None:
        """Requests of one read for the relay."""

    def responses(self, received: Received, now: float) -> None:
        """Answers of one read to what our window holds or held."""

    def expired(self, tokens: list[Any], now: float) -> None:
        """Requests of ours that were not answered in time."""

    def unbind_requested(self, pdu: Pdu, now: float) -> None:
        """The peer asks to go."""

    def unbound(self, now: float) -> None:
        """The peer agreed to our unbind."""
        self.close("unbound")

    def lost(self, reason: str, now: float) -> None:
        """The session is over, for this reason."""

    def disconnected(self) -> None:
        """The socket is gone too."""

    # -- what goes wrong ------------------------------------------------------------------------

    def guard(self, handler: Callable[..., object], *arguments: object) -> None:
        """Call a handler; an exception in it ends this session and is logged once (F96)."""
        try:
            handler(*arguments)
        except Exception:  # noqa: BLE001  the same broad handler as in dataReceived
            self._broken()

    def guarded(self, deferred: Deferred[Any]) -> None:
        """The end of a Deferred's chain: a failure ends this session and is logged once (F96)."""
        deferred.addErrback(self._broken)

    def _broken(self, failure: Failure | None = None) -> None:
        log.failure(
            "session {session} ended by an error in its handler",
            failure,
            event="handler_failed",
            session=self.name,
            peer=self.peer,
        )
        self.relay.ledger.count("handler_failed")
        if self.connected and not self.closing:
            self.abort("internal error")
