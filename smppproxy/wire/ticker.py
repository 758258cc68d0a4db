"""What all sessions of a service share: one timer, and the end of a turn of the reactor."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from smppproxy.relay.limited import Limited
from smppproxy.smpp.session import Session

if TYPE_CHECKING:
    from smppproxy.wire.protocol import SmppProtocol

TICK = 0.1
"""Seconds between two looks at every session's timers: F54 leaves half a second for two waits."""

MOST = 20
"""Sessions that have their turn, 1 ms of work, before the reactor looks at its sockets (F100)."""

log = Logger()


class Ticker:
    """One timer for all sessions of a service, which calls those that have something to do (F98).

    The others cost a comparison: 10,000 idle binds half a millisecond in all. However many are due
    at the same moment, as after a restart when everybody has bound at once, only some of them have
    their turn before the sockets have theirs.

    :param clock: gives the time to every session; ``clock.seconds`` must be monotonic.
    :param interval: seconds between two looks.
    :ivar tap: while somebody looks on: is told what a session ``read`` and ``wrote``, never raises.
    :ivar noise: events of strangers, whoever they come from: nobody fills the log with them.
    """

    def __init__(self, clock: IReactorTime, interval: float = TICK) -> None:
        self.clock = clock
        self.tap: Any = None
        self.interval = interval
        self._sessions: dict[SmppProtocol, Session] = {}
        self._attended: set[SmppProtocol] = set()
        self._due: deque[SmppProtocol] = deque()
        self._unflushed: list[SmppProtocol] = []
        self._loop = LoopingCall(self._tick)
        self._loop.clock = clock
        self.noise = Limited(log, clock.seconds, lambda: None)

    def __len__(self) -> int:
        return len(self._sessions)

    def start(self) -> None:
        """Begin to tick; idempotent."""
        if not self._loop.running:
            self._loop.start(self.interval, now=False)

    def stop(self) -> None:
        """Tick no more; idempotent."""
        if self._loop.running:
            self._loop.stop()
        self._due.clear()

    def add(self, session: SmppProtocol) -> None:
        """Tick this session from now on, whenever its timers say so."""
        self._sessions[session] = session.session

    def attend(self, session: SmppProtocol) -> None:
        """Tick it the next time whatever its timers say."""
        self._attended.add(session)

    def discard(self, session: SmppProtocol) -> None:
        """Forget the session; a no-op for one that is not known."""
        self._sessions.pop(session, None)
        self._attended.discard(session)

    def _tick(self) -> None:
        now = self.clock.seconds()
        self.noise.tick(now)
        if self._due:
            return  # There were so many that some still wait; whoever is due now is due then.
        attended, self._attended = self._attended, set()
        due = [session for session, timed in self._sessions.items() if timed.due <= now]
        self._due.extend(due)
        self._due.extend(attended.difference(due))
        self._some()

    def _some(self) -> None:
        """The next ones of those that are due."""
        now = self.clock.seconds()
        due = self._due
        for _ in range(min(MOST, len(due))):
            due.popleft().tick(now)
        if due:
            self.clock.callLater(0, self._some)

    def flush_soon(self, session: SmppProtocol) -> None:
        """Flush the session once all that came in this turn is handled."""
        if not self._unflushed:
            self.clock.callLater(0, self._flush)
        self._unflushed.append(session)

    def _flush(self) -> None:
        sessions, self._unflushed = self._unflushed, []
        for session in sessions:
            session.flush()
