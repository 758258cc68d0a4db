"""The part of a reactor that the simulators use, and many timers under one."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.task import LoopingCall


class Reactor(Protocol):
    """What the simulators ask of a reactor; the real one and ``MemoryReactorClock`` have it."""

    def seconds(self) -> float:
        """Monotonic seconds."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> IDelayedCall:
        """Run ``callable`` once, ``delay`` seconds from now."""

    def listenTCP(
        self, port: int, factory: Any, backlog: int = 50, interface: str = ""
    ) -> IListeningPort:
        """Listen on a TCP port."""

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None
    ) -> Any:
        """Connect to a TCP port."""


class Agenda:
    """Actions to run later, however many, under a single timer of the reactor.

    Everything that is due is run in one turn, in the order it was due: thousands of receipts a
    second share a few dozen turns.
    """

    __slots__ = ("_reactor", "_entries", "_number", "_call")

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._entries: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._number = 0
        self._call: IDelayedCall | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def after(self, delay: float, action: Callable[..., object], *args: Any) -> None:
        """Run ``action(*args)`` ``delay`` seconds from now."""
        due = self._reactor.seconds() + delay
        self._number += 1
        heapq.heappush(self._entries, (due, self._number, action, args))
        if self._entries[0][1] == self._number:
            self._arm()

    def clear(self) -> None:
        """Forget everything; nothing of it will run."""
        self._entries.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _arm(self) -> None:
        if self._call is not None:
            self._call.cancel()
        delay = max(0.0, self._entries[0][0] - self._reactor.seconds())
        self._call = self._reactor.callLater(delay, self._run)

    def _run(self) -> None:
        self._call = None
        now = self._reactor.seconds()
        entries = self._entries
        while entries and entries[0][0] <= now:
            _, _, action, args = heapq.heappop(entries)
            action(*args)
        if entries:
            self._arm()


class Ticker:
    """Calls ``action`` every ``period`` seconds while it runs; missed periods are not made up."""

    __slots__ = ("_call", "_period")

    def __init__(self, reactor: Any, period: float, action: Callable[[], object]) -> None:
        self._period = period
        self._call = LoopingCall(action)
        self._call.clock = reactor

    def start(self) -> None:
        """First call after one period; nothing happens when it runs already."""
        if not self._call.running:
            self._call.start(self._period, now=False)

    def stop(self) -> None:
        """No more calls; nothing happens when it does not run."""
        if self._call.running:
            self._call.stop()


class NotInTime(Exception):
    """A condition did not come true before its deadline."""


def until(
    reactor: Reactor, condition: Callable[[], object], deadline: float = 10.0, what: str = ""
) -> Deferred[None]:
    """Fire once ``condition()`` is true; fail with :exc:`NotInTime` after ``deadline`` seconds.

    The condition is looked at every 5 ms: for tests and the demo, not for a data path.
    """
    result: Deferred[None] = Deferred()
    end = reactor.seconds() + deadline

    def look() -> None:
        try:
            met = bool(condition())
        except Exception as error:  # noqa: BLE001 -- whatever it is, it belongs to the caller
            result.errback(error)
            return
        if met:
            result.callback(None)
        elif reactor.seconds() >= end:
            result.errback(NotInTime(f"not within {deadline:g} s: {what or condition}"))
        else:
            reactor.callLater(0.005, look)

    look()
    return result
