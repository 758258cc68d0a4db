"""Threads for work that would hold up the reactor: passwords, reading networks, searching logs.

Not the reactor's own pool: who waits for one kind of work is never held up by another kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class Threads:
    """At most so many threads of one kind; the queue before them is the caller's to bound.

    :param reactor: to come back to its thread.
    :param most: 1 does one work after the other.
    :param name: for debuggers.
    """

    def __init__(self, reactor: IReactorFromThreads, most: int, name: str) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=most, name=name)

    def start(self) -> None:
        """Take work from now on; idempotent."""
        if not self._pool.started:
            self._pool.start()

    def stop(self) -> None:
        """Finish the work at hand and end the threads; idempotent."""
        if self._pool.started:
            self._pool.stop()

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """The result of ``work``, done in one of the threads."""
        return deferToThreadPool(self._reactor, self._pool, work)
