"""What a store lets be measured, and how long things took: counts are bumped in place."""

from __future__ import annotations

from bisect import bisect_left
from typing import Protocol

from twisted.internet.defer import Deferred

CALL_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Seconds from a call to the store to its answer: upper bounds of the histogram's buckets."""


class Times:
    """How long something took: a histogram with fixed buckets.

    :ivar buckets: how many were at most as long as the bound of this place, and longer than the one
        before; the last place is for all that took longer.
    :ivar total: seconds of all of them together.
    """

    __slots__ = ("bounds", "buckets", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.total = 0.0

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.buckets)

    def add(self, seconds: float, number: int = 1) -> None:
        """So many took so long each; a clock that was set back makes it 0."""
        if seconds > 0:
            self.total += seconds * number
        self.buckets[bisect_left(self.bounds, seconds)] += number


class Measured(Protocol):
    """The part of the contract of a store that is for metrics.

    Every Deferred fails with :class:`~smppproxy.store.interface.StoreUnavailable` and nothing else.
    """

    @property
    def times(self) -> Times:
        """How long the server took to answer the calls of this node."""

    @property
    def outstanding(self) -> int:
        """How many calls of this node are out, or wait for the store to be back."""

    def ages(self, queues: list[bytes]) -> Deferred[list[float]]:
        """Seconds since the oldest entry of each queue came into it; 0 for an empty one.

        Entries in somebody's hands count: nobody has acknowledged them yet.
        """
