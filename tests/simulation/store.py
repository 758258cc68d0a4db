"""The store as a schedule has it: away, slow, full, or with answers that are lost."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail

from smppproxy.store.interface import NOT_SENT, UNKNOWN, StoreUnavailable
from smppproxy.store.memory import MemoryStore
from tests.support.store_within import Call, StoreWithin

DEADLINE = 5.0
"""Seconds after which the answer of a call that is out is given up."""

DONE = "done"
UNDONE = "undone"
"""Beside NOT_SENT, what becomes of a call that fails: its answer is lost, or it and its answer."""

ALLOWED_WHEN_FULL = frozenset({"fetch", "ack", "adopt", "touch", "sizes", "dropped", "beat"})

Held = tuple[Call, Deferred[Any]]


class SimulatedStore(StoreWithin):
    """One node's connection to the store; what is not said here is the store within.

    :ivar fates: what becomes of the next calls: NOT_SENT, DONE or UNDONE.
    :ivar is_slow: calls wait, in order, until :meth:`release` or :meth:`lose`.
    :ivar trouble: how many calls failed.
    """

    def __init__(self, inner: MemoryStore, clock: Any) -> None:
        super().__init__(inner)
        self.fates: list[str] = []
        self.is_slow = False
        self.is_full = False
        self.is_dead = False
        self.trouble = 0
        self._clock = clock
        self._held: list[Held] = []
        self._timer: Any = None

    def _call(self, name: str, run: Call) -> Deferred[Any]:
        if self.is_dead:
            return Deferred()
        if self.fates:
            return self._fail(self.fates.pop(0), run)
        if self.is_full and name not in ALLOWED_WHEN_FULL:
            self.trouble += 1
            return fail(StoreUnavailable(NOT_SENT, "full"))
        if not self.is_slow or not self.inner.ready:
            return run()
        waiting: Deferred[Any] = Deferred()
        self._held.append((run, waiting))
        if self._timer is None:
            self._timer = self._clock.callLater(DEADLINE, self._too_slow)
        return waiting

    def _fail(self, fate: str, run: Call) -> Deferred[Any]:
        self.trouble += 1
        if fate == DONE:
            run().addErrback(lambda _: None)
        if fate == NOT_SENT:
            return fail(StoreUnavailable(NOT_SENT))
        return fail(StoreUnavailable(UNKNOWN, "lost"))

    # -- what the schedule says -----------------------------------------------------------------

    def release(self) -> None:
        """Fast again: what waited is done, in order."""
        self.is_slow = False
        held = self._take()
        for run, deferred in held:
            run().chainDeferred(deferred)

    def lose(self, done: int) -> None:
        """The connection goes: the first ``done`` calls reached the store, no answer comes back."""
        held = self._take()
        self._do(held, done)
        self.trouble += len(held)
        for _, deferred in held:
            deferred.errback(StoreUnavailable(UNKNOWN, "lost"))

    def abandon(self, done: int) -> None:
        """The node is killed: as :meth:`lose`, and nobody is told."""
        self.is_dead = True
        self._do(self._take(), done)

    def _do(self, held: list[Held], done: int) -> None:
        """The first of them reached the store, if it is there."""
        for run, _ in held[:done] if self.inner.ready else ():
            run().addErrback(lambda _: None)

    @property
    def out(self) -> int:
        """Calls that wait."""
        return len(self._held)

    def _take(self) -> list[Held]:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        held, self._held = self._held, []
        return held

    def _too_slow(self) -> None:
        """Nothing came in time; half of it may have been done."""
        self.lose(len(self._held) // 2)

    def fill(self) -> None:
        """Out of memory: queues can be emptied, nothing else."""
        if self.inner.ready:
            self.is_full = self.inner.full = True
            self.inner._set_ready(False)

    def heal(self) -> None:
        """Everything works."""
        self.fates.clear()
        self.is_full = self.inner.full = False
        self.release()
        self.inner.come_back()
