"""What all sessions of a service share: one timer, and the end of a turn of the reactor."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from smppproxy.relay.limited import Limited

if TYPE_CHECKING:
    from smppproxy.wire.protocol import SmppProtocol

TICK = 0.1
"""Seconds between two looks at the timers of sessions: F54 leaves half a second for two waits."""

FAR = 30.0
"""Seconds after which a session is looked at that says it is due later, or never."""

MOST = 20
"""Sessions that have their turn, 1 ms of work, before the reactor looks at its sockets (F100)."""

FEW = 5
"""Sessions that have their turn at once, if no more are due."""

STEPS = 10
"""More of them are spread over so many steps, and half of the time until the next look."""

log = Logger()


class Ticker:
    """One timer for all sessions of a service, which calls those that have something to do (F98).

    The others cost nothing: each stands in the slot, a tenth of a second wide, in which it is due.
    (To compare 10,000 moments took up to 3 ms at each look, in which nobody else was answered.)
    However many are due at the same moment, as after a restart when everybody has bound at once,
    only some of them have their turn before the sockets have theirs. Their enquire_links are not
    answered all at once then, either.

    Whoever brings the moment nearer at which a session is due says so with :meth:`attend`.

    :param clock: gives the time to every session; ``clock.seconds`` must be monotonic.
    :param interval: seconds between two looks.
    :ivar tap: while somebody looks on: is told what a session ``read`` and ``wrote``, never raises.
    :ivar noise: events of strangers, whoever they come from: nobody fills the log with them.
    """

    def __init__(self, clock: IReactorTime, interval: float = TICK) -> None:
        self.clock = clock
        self.tap: Any = None
        self.interval = interval
        self._slots: dict[int, dict[SmppProtocol, None]] = {}
        self._slot_of: dict[SmppProtocol, int] = {}
        self._attended: set[SmppProtocol] = set()
        self._due: deque[SmppProtocol] = deque()
        self._step = FEW
        self._pause = 0.0
        self._next: IDelayedCall | None = None
        self._unflushed: list[SmppProtocol] = []
        self._loop = LoopingCall(self._tick)
        self._loop.clock = clock
        self.noise = Limited(log, clock.seconds, lambda: None)

    def __len__(self) -> int:
        return len(self._slot_of)

    def start(self) -> None:
        """Begin to tick; idempotent."""
        if not self._loop.running:
            self._loop.start(self.interval, now=False)

    def stop(self) -> None:
        """Tick no more; idempotent."""
        if self._loop.running:
            self._loop.stop()
        self._due.clear()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def add(self, session: SmppProtocol) -> None:
        """Tick this session from now on, whenever its timers say so."""
        self._place(session)

    def attend(self, session: SmppProtocol) -> None:
        """Tick it the next time whatever its timers say."""
        self._attended.add(session)

    def discard(self, session: SmppProtocol) -> None:
        """Forget the session; a no-op for one that is not known."""
        self._attended.discard(session)
        if session in self._slot_of:
            self._take_out(session)

    def _place(self, session: SmppProtocol) -> None:
        """Put it where it is found when it is due, or from where it stands there."""
        now = self.clock.seconds()
        session.look = min(max(session.session.due, now), now + FAR)
        number = int(session.look // self.interval)
        if session in self._slot_of:
            if self._slot_of[session] == number:
                return
            self._take_out(session)
        self._slot_of[session] = number
        self._slots.setdefault(number, {})[session] = None

    def _take_out(self, session: SmppProtocol) -> None:
        number = self._slot_of.pop(session)
        slot = self._slots[number]
        del slot[session]
        if not slot:
            del self._slots[number]

    def _tick(self) -> None:
        now = self.clock.seconds()
        self.noise.tick(now)
        if self._due:
            return  # There were so many that some still wait; whoever is due now is due then.
        attended, self._attended = self._attended, set()
        due = self._found(now)
        self._due.extend(due)
        self._due.extend(attended.difference(due))
        self._step = max(FEW, -(-len(self._due) // STEPS))
        self._pause = self.interval / 2 / STEPS
        if self._step > MOST:
            self._step, self._pause = MOST, 0.0
        self._some()

    def _found(self, now: float) -> list[SmppProtocol]:
        """Those that are due; who was due and is so later only moves to where it belongs."""
        last = int(now // self.interval)
        due = []
        for number in sorted(number for number in self._slots if number <= last):
            for session in [*self._slots[number]]:
                if session.session.due <= now:
                    due.append(session)
                elif number < last:
                    self._place(session)
        return due

    def _some(self) -> None:
        """The next ones of those that are due."""
        self._next = None
        now = self.clock.seconds()
        due = self._due
        for _ in range(min(self._step, len(due))):
            session = due.popleft()
            session.tick(now)
            if session in self._slot_of:
                self._place(session)
        if due:
            self._next = self.clock.callLater(self._pause, self._some)

    def flush_soon(self, session: SmppProtocol) -> None:
        """Flush the session once all that came in this turn is handled."""
        if not self._unflushed:
            self.clock.callLater(0, self._flush)
        self._unflushed.append(session)

    def _flush(self) -> None:
        sessions, self._unflushed = self._unflushed, []
        for session in sessions:
            session.flush()
