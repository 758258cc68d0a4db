"""One connection to a Redis or Valkey server: octets out, replies back in the same order.

txredisapi reads the replies and counts the backoff; everything that loses calls or connections in
it is left out: its pool and its handler (which queue without limit while the server is away), its
AUTH and SELECT (a failure there ends reconnecting for good), its transactions and pipelines, its
conversion of numbers and texts. Importing this module imports txredisapi, which installs the
default reactor: import it only where a store is opened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import txredisapi
from hiredis import pack_command
from twisted.application.internet import ClientService
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure

from smppproxy.smpp.constants import READ_SIZE
from smppproxy.turns import go_first, write_now

ServerError = txredisapi.ResponseError
"""What an error reply is delivered as; the text begins with the server's error code."""


class Lost(Exception):
    """Delivered in place of a reply that will not come: the connection went."""


LOST = Lost("connection lost")

Answer = Callable[[Any], None]


class Owner(Protocol):
    """Who is told about a connection."""

    def link_made(self, link: Link) -> None:
        """The transport is up; nothing has been sent."""

    def link_lost(self, link: Link) -> None:
        """It went; every call that was out has been answered with :data:`LOST`."""


class Link(txredisapi.HiredisProtocol):  # type: ignore[misc]
    """Sends commands and hands each reply, an error included, to the callable given with it."""

    def __init__(self, owner: Owner, clock: IReactorTime) -> None:
        super().__init__(charset=None, convertNumbers=False)
        self._owner = owner
        self._clock = clock
        self._out: deque[tuple[float, Answer]] = deque()
        self.alive = False
        self.last_sent = 0.0
        # What this turn of the reactor has sent; None: the transport's own buffer does.
        self._turn: list[bytes] | None = None

    def connectionMade(self) -> None:
        self.alive = True
        self.transport.bufferSize = READ_SIZE
        self._gone = go_first(self.transport)
        if isinstance(self.transport, Connection):
            self._turn = []
        self._owner.link_made(self)

    def usable(self) -> None:
        """The handshake is done: the backoff begins anew when this connection goes."""
        self.factory.rejected = 0

    def send(self, answer: Answer, *parts: Any) -> None:
        """Send one command. ``answer`` gets its reply, a :data:`ServerError` or :data:`LOST`."""
        if not self.alive:
            answer(LOST)
            return
        self.last_sent = now = self._clock.seconds()
        self._out.append((now, answer))
        turn, command = self._turn, pack_command(parts)
        if turn is None:
            self.transport.write(command)
        elif turn:
            turn.append(command)
        else:
            turn.append(command)
            self._clock.callLater(0, self._flush)

    def _flush(self) -> None:
        """The calls of a turn go out together, at its end."""
        turn = self._turn
        if turn and self.alive:
            data = b"".join(turn)
            turn.clear()
            write_now(self.transport, data)

    def ask(self, *parts: Any) -> Deferred[Any]:
        """Like :meth:`send`, for the few calls that are not part of the traffic."""
        result: Deferred[Any] = Deferred()

        def answered(reply: Any) -> None:
            if isinstance(reply, Exception):
                result.errback(Failure(reply))
            else:
                result.callback(reply)

        self.send(answered, *parts)
        return result

    def oldest(self) -> float | None:
        """When the call was sent whose reply is due next; ``None`` when nothing is out."""
        return self._out[0][0] if self._out else None

    def dataReceived(self, data: bytes, unpause: bool = False) -> None:
        reader = self._reader
        reader.feed(data)
        try:
            reply = reader.gets()
            while reply is not False and self._out:
                self._out.popleft()[1](reply)
                reply = reader.gets()
        except txredisapi.InvalidData:
            self.abort()
            return
        if reply is not False:
            self.abort()

    def abort(self) -> None:
        """Give the connection up at once: late replies must not be taken for others (F81)."""
        if self.alive:
            self.transport.abortConnection()
            self._end()

    def connectionLost(self, why: Failure) -> None:
        super().connectionLost(why)
        self._gone()
        self._end()

    def _end(self) -> None:
        if not self.alive:
            return
        self.alive = False
        while self._out:
            self._out.popleft()[1](LOST)
        self._owner.link_lost(self)


class Told:
    """An endpoint that says why it cannot be connected to; ClientService keeps that to itself.

    That we gave up ourselves is no news.
    """

    def __init__(self, endpoint: IStreamClientEndpoint, refused: Callable[[str], None]) -> None:
        self._endpoint = endpoint
        self._refused = refused

    def connect(self, factory: Any) -> Deferred[Any]:
        """As an endpoint does."""
        connecting: Deferred[Any] = self._endpoint.connect(factory)
        return connecting.addErrback(self._failed)

    def _failed(self, failure: Failure) -> Failure:
        if not failure.check(CancelledError, ConnectingCancelledError):
            self._refused(failure.getErrorMessage())
        return failure


class Connector(txredisapi.RedisFactory):  # type: ignore[misc]
    """Keeps one connection up, with a backoff that only a finished handshake resets (T16, F65)."""

    initialDelay = 0.05
    maxDelay = 0.5

    def __init__(
        self,
        owner: Owner,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        make: Callable[[], Link] | None = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        """
        :param make: makes a connection; by default a :class:`Link`.
        :param refused: told why one could not be made, each time.
        """
        super().__init__(None, None, 1, isLazy=True, charset=None, convertNumbers=False)
        self._make = make or (lambda: Link(owner, clock))
        self.rejected = 0
        to: Any = Told(endpoint, refused) if refused else endpoint
        self._service = ClientService(to, self, retryPolicy=self._delay, clock=clock)

    def _delay(self, attempt: int) -> float:
        delay: float = self.retryDelay(max(attempt, self.rejected, 1))
        return delay

    def buildProtocol(self, addr: object) -> Link:
        self.rejected += 1
        link = self._make()
        link.factory = self
        return link

    def start(self) -> None:
        """Connect, and again whenever the connection goes."""
        self._service.startService()

    def stop(self) -> Deferred[None]:
        """Stop trying and close; fires when the connection is gone."""
        stopped: Deferred[None] = self._service.stopService()
        return stopped
