"""Watches that the reactor turns: who made it stand still, for how long and how often (F100).

Everything a node does happens in turns of one thread. A turn that takes 200 ms (a collection of
garbage, a hash, a name that is looked up where it should not be) makes every session wait. A beat
in the reactor notes that it turns; a thread beside it sees when the beat fails to come, and keeps
what the reactor's thread was doing then, which nobody can tell afterwards.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from smppproxy.admin.families import Family, buckets, value

BEAT = 0.05
"""Seconds between two beats."""

LIMIT = 0.1
"""Seconds by which a beat may be late before that counts as a stall."""

QUIET = 1.0
"""Seconds between two log entries about stalls; all of them are counted."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Upper bounds of the histogram of how late beats are, in seconds."""


def told(frame: FrameType) -> str:
    """Files, lines and functions, the last called at the end.

    Without the text of the lines: to have it, traceback reads whole files while everybody waits,
    and keeps them in memory for ever.
    """
    frames = [(each.f_code, line) for each, line in traceback.walk_stack(frame)]
    lines = [
        f'  File "{code.co_filename}", line {line}, in {code.co_qualname}\n'
        for code, line in reversed(frames)
    ]
    return "".join(lines)


class Stalls:
    """Counts beats by how late they were, and tells of those that were too late.

    :ivar late: beats in each bucket of :data:`BUCKETS`, and in the one above them.
    :ivar total: seconds by which all beats together were late.
    :ivar longest: seconds of the longest stall so far.
    :ivar stalls: how many beats were later than :data:`LIMIT`.
    """

    _log = Logger()

    def __init__(self, clock: Any, monotonic: Callable[[], float] = time.monotonic) -> None:
        """
        :param clock: the reactor.
        :param monotonic: seconds, asked from both threads.
        """
        self.late = [0] * (len(BUCKETS) + 1)
        self.total = 0.0
        self.longest = 0.0
        self.stalls = 0
        self._monotonic = monotonic
        self._loop = LoopingCall(self.beat)
        self._loop.clock = self._clock = clock
        self._seen = 0.0
        self._told = -QUIET
        self._stack = ""
        self._watched = 0
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._first: IDelayedCall | None = None

    def start(self) -> None:
        """Beat and watch from now on; to be called in the reactor's thread.

        What else the start of a node does before the reactor turns holds nobody up, and is no
        stall.
        """
        self._seen = self._monotonic()
        self._first = self._loop.clock.callLater(0, self._turns)
        self._watched = threading.get_ident()
        self._over.clear()
        self._loop.start(BEAT, now=False)
        self._thread = threading.Thread(target=self._watch, name="stalls", daemon=True)
        self._thread.start()

    def _turns(self) -> None:
        self._seen = self._monotonic()

    def stop(self) -> None:
        """Neither beat nor watch; the thread is gone when this returns."""
        if self._first is not None and self._first.active():
            self._first.cancel()
        if self._loop.running:
            self._loop.stop()
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def beat(self) -> None:
        """The reactor turns; how late?"""
        now = self._monotonic()
        late = max(0.0, now - self._seen - BEAT)
        self._seen = now
        self.total += late
        self.late[sum(late > bound for bound in BUCKETS)] += 1
        if late > LIMIT:
            self.stalls += 1
            self.longest = max(self.longest, late)
            self._tell(now, late)
        self._stack = ""

    def _tell(self, now: float, late: float) -> None:
        if now - self._told < QUIET:
            return
        self._told = now
        self._log.warn(
            "the reactor stood still for {seconds:.3f} s ({stalls} {times} so far)\n{stack}",
            event="reactor_stalled",
            seconds=late,
            stalls=self.stalls,
            times="time" if self.stalls == 1 else "times",
            stack=self._stack or "(over before anybody looked)",
        )

    def metrics(self) -> Iterator[Family]:
        """For Prometheus: how late the beats were, how often that was too late; what is to come,
        and what is held: memory that grows without it has only been cut up."""
        yield value("reactor_stalls", self.stalls)
        yield value("reactor_timers", len(self._clock.getDelayedCalls()))
        yield value("memory_blocks", sys.getallocatedblocks())
        yield buckets("reactor_lag_seconds", BUCKETS, self.late, self.total)

    def look(self) -> None:
        """In the other thread: when the beat is overdue, keep where the reactor's thread is."""
        if not self._stack and self._monotonic() - self._seen > BEAT + LIMIT:
            frame = sys._current_frames().get(self._watched)
            self._stack = told(frame) if frame else ""

    def _watch(self) -> None:
        while not self._over.wait(BEAT):
            self.look()
