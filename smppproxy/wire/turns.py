"""Turns of the reactor that end: so many sockets may have something to say at once, and no more.

The reactor handles all that has happened before it looks at its clock again. Ten thousand clients
whose network goes are ten thousand ends of sessions, a third of a second in which nobody else is
answered. The kernel has them stand in line instead: whoever was told of goes to the end of it.
"""

from __future__ import annotations

from select import epoll
from typing import Any

MOST = 500
"""Sockets of one turn: what happens at them takes some 20 ms at most (F100)."""


class Turns:
    """What the reactor polls in place of an epoll object."""

    def __init__(self, poller: epoll) -> None:
        self._poll = poller.poll
        self.register = poller.register
        self.modify = poller.modify
        self.unregister = poller.unregister

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        """Who has something to say; the others at the next look."""
        return self._poll(timeout, most if most < MOST else MOST)


def end_turns(reactor: Any) -> None:
    """Let this reactor's turns end, if it is one that polls this way; the others do not tell how.

    Twisted asks for as many as there are sockets, and offers no way to say otherwise.
    """
    poller = getattr(reactor, "_poller", None)
    if isinstance(poller, epoll):
        reactor._poller = Turns(poller)
