"""What the supervisor asks at its workers' own admin doors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

PATIENCE = 5.0
"""Seconds that a worker has to answer."""

Heard = Callable[[bytes], object]


class Asked(Protocol):
    """One page of one door, by a GET that ends with the connection.

    :param heard: told the octets of the answer as they come; of an answer that is no good none.
    :ivar over: fires when it has ended, with whether it was good.
    """

    def __init__(self, page: str, heard: Heard) -> None:
        self.over: Deferred[bool] = Deferred()
        self._page = page
        self._heard = heard
        self._head = b""
        self._is_good: bool | None = None

    def connectionMade(self) -> None:
        """Ask."""
        transport: Any = self.transport
        transport.write(f"GET /{self._page} HTTP/1.0\r\n\r\n".encode())

    def dataReceived(self, data: bytes) -> None:
        """The head, then what was asked for."""
        if self._is_good is None:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._is_good = b" 200 " in head.partition(b"\r\n")[0]
        if data and self._is_good:
            self._heard(data)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """That was all."""
        self.over.callback(bool(self._is_good))

    def leave(self) -> None:
        """Hear no more."""
        self._heard = lambda data: None
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()


def ask(reactor: Any, door: str, asked: Asked) -> Deferred[Any]:
    """Connect to the door at a Unix socket. Fires with ``asked``, or fails as endpoints do."""
    endpoint = UNIXClientEndpoint(reactor, door, timeout=PATIENCE)
    connecting: Deferred[Any] = connectProtocol(endpoint, asked)
    return connecting


def fetch(reactor: Any, door: str, page: str) -> Deferred[bytes]:
    """A whole page; nothing when it does not come in time. Never fails."""
    octets: list[bytes] = []
    asked = Asked(page, octets.append)

    def connected(_: Asked) -> Deferred[bytes]:
        late = reactor.callLater(PATIENCE, asked.leave)

        def over(is_good: bool) -> bytes:
            if not late.active():
                return b""
            late.cancel()
            return b"".join(octets) if is_good else b""

        return asked.over.addCallback(over)

    return ask(reactor, door, asked).addCallbacks(connected, lambda failure: b"")
