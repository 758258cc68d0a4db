"""Looks at what many have a part in: one at a time, and how three of them make one picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from smppproxy.store.interface import Store, until_it_is_back

Around = TypeVar("Around")
Between = TypeVar("Between")


class Looks:
    """Looks that are begun so many seconds apart, and never before the last one is over.

    A look that the store is too far away for is over with that; the next one comes all the same.

    :ivar due: before this moment (monotonic seconds) no look is begun.
    """

    def __init__(self, store: Store, every: float, look: Callable[[], Deferred[Any]]) -> None:
        """
        :param every: seconds.
        :param look: fails with StoreUnavailable, if at all.
        """
        self._store = store
        self._every = every
        self._look = look
        self.due = 0.0
        self._looking = False

    def tick(self, now: float) -> None:
        """Once a second: look, if it is time for it and the store is there."""
        if now < self.due or self._looking or not self._store.ready:
            return
        self.due = now + self._every
        self._looking = True
        self._look().addErrback(until_it_is_back).addCallback(self._looked)

    def _looked(self, _: object) -> None:
        self._looking = False


def thrice(
    around: Callable[[], Deferred[Around]], between: Callable[[], Deferred[Between]]
) -> Deferred[tuple[Around, Between, Around]]:
    """Ask for one thing, for another, and for the first again: it may move meanwhile."""

    async def ask() -> tuple[Around, Between, Around]:
        return await around(), await between(), await around()

    return Deferred.fromCoroutine(ask())
