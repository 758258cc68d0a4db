"""Turns of the reactor that end, and in which those go first that others wait for.

The reactor handles all that has happened before it looks at its clock again. Ten thousand clients
whose network goes are ten thousand ends of sessions, a third of a second in which nobody else is
answered. The kernel has them stand in line instead: whoever was told of goes to the end of it.

The store and the providers do not stand in that line: what they say ends what is under way, what
clients say begins more of it. A provider has room for a hundred receipts that we have not answered:
behind five hundred busy clients that room would be used up, and the rest wait for seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from select import EPOLLIN, epoll
from typing import Any

from twisted.internet.tcp import Connection

MOST = 25
"""Sockets of the line in one turn: few, for the first wait until it ends (F100)."""

Heard = list[tuple[int, int]]
"""Sockets by number, and what happened at each."""


class Turns:
    """What the reactor polls in place of an epoll object.

    Sockets that go first have one of their own, which the reactor's polls as it polls the others.
    """

    def __init__(self, poller: epoll) -> None:
        self._line = poller
        self._first = epoll()
        self._number = self._first.fileno()
        self._is_first = False
        self._events: dict[int, int] = {}
        self._preferred: set[int] = set()
        poller.register(self._number, EPOLLIN)

    def poll(self, timeout: float, most: int) -> Heard:
        """Who has something to say; the others at the next look."""
        first: Heard = self._first.poll(0)
        # A turn of their own: what they lead to is written before anybody in the line is heard.
        self._is_first = bool(first) and not self._is_first
        if self._is_first:
            return first
        line = self._line.poll(0 if first else timeout, min(most, MOST) + 1)
        number = self._number
        rest = [each for each in line if each[0] != number]
        if len(rest) < len(line) and not first:
            first = self._first.poll(0)
        return first + rest if first else rest

    def prefer(self, number: int) -> None:
        """This socket goes first until :meth:`forget`."""
        events = self._events.get(number)
        self._preferred.add(number)
        if events is not None:
            self._line.unregister(number)
            self._first.register(number, events)

    def forget(self, number: int) -> None:
        """It is gone: another one may have its number from now on."""
        self._preferred.discard(number)

    def _place(self, number: int) -> epoll:
        return self._first if number in self._preferred else self._line

    def register(self, number: int, events: int) -> None:
        """As epoll has it."""
        self._events[number] = events
        self._place(number).register(number, events)

    def modify(self, number: int, events: int) -> None:
        """As epoll has it."""
        self._events[number] = events
        self._place(number).modify(number, events)

    def unregister(self, number: int) -> None:
        """As epoll has it."""
        self._events.pop(number, None)
        self._place(number).unregister(number)


def end_turns(reactor: Any) -> None:
    """Let this reactor's turns end, if it is one that polls this way; the others do not tell how.

    Twisted asks for as many as there are sockets, and offers no way to say otherwise. What it has
    registered so far, its own waker, stays where it is.
    """
    poller = getattr(reactor, "_poller", None)
    if isinstance(poller, epoll):
        reactor._poller = Turns(poller)


def go_first(transport: Any) -> Callable[[], None]:
    """This connection goes first from now on; to be called when it is lost: what is returned."""
    poller = getattr(getattr(transport, "reactor", None), "_poller", None)
    if not isinstance(poller, Turns):
        return _nothing
    number = transport.fileno()
    poller.prefer(number)
    return lambda: poller.forget(number)


def _nothing() -> None:
    """There was nothing to prefer."""


def write_now(transport: Connection, data: bytes) -> None:
    """Hand octets straight to the socket.

    The transport's own buffer takes what the socket does not; it costs a look at all sockets more,
    and two calls of the kernel, for each peer and turn. It meets errors, too.
    """
    if not transport.dataBuffer and not transport._tempDataLen and transport.connected:
        sent = transport.writeSomeData(data)
        if sent.__class__ is int:
            if sent == len(data):
                return
            data = data[sent:]
    transport.write(data)
