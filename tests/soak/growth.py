"""What grew, told from samples that jump: slopes that a few of them cannot bend."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import median

import attrs

MOST_POINTS = 240
"""Of a fit: all pairs of them are looked at."""

RSS_PER_HOUR = 1.0
"""MiB."""
BLOCKS_PER_HOUR = 20_000.0
"""Pieces of memory that objects hold: memory that is merely cut up does not show there."""
SHORTEST = 0.05
"""Hours of samples below which nothing can be told: somebody is always just coming back."""
FLAT = 4.0
"""Descriptors or timers that a whole run may add: connections that are just being replaced."""


@attrs.define
class Sample:
    """A node at one moment.

    :ivar at: seconds since the beginning.
    :ivar rss: MiB of memory. :ivar fds: open descriptors. :ivar timers: calls to be made later.
    :ivar queued: receipts that wait for clients of any node.
    :ivar in_flight: submits without an outcome.
    :ivar blocks: pieces of memory that its objects hold.
    """

    at: float
    rss: float
    fds: float
    timers: float
    queued: float
    in_flight: float
    blocks: float = 0.0


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most :data:`MOST_POINTS` of them, each the median of its neighbours."""
    size = -(-len(points) // MOST_POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), max(size, 1))]
    return [
        (median(at for at, _ in group), median(value for _, value in group)) for group in groups
    ]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By Theil and Sen: the median of the slopes of all pairs; 0 for fewer than two points."""
    slopes = [
        (after - before) / (later - earlier)
        for (earlier, before), (later, after) in combinations(thinned(points), 2)
        if later > earlier
    ]
    return median(slopes) if slopes else 0.0


@attrs.define
class Grown:
    """How a node changed after it was warm.

    :ivar hours: of the samples.
    :ivar rss: MiB an hour; :ivar fds:, :ivar timers: and :ivar blocks: an hour.
    :ivar most_queued: the longest that its queues were.
    """

    hours: float
    rss: float
    fds: float
    timers: float
    most_queued: float
    blocks: float = 0.0

    def complaints(self, noise: float, blocks: float = BLOCKS_PER_HOUR) -> list[str]:
        """What is too much.

        :param noise: MiB that a run may add whatever its length: a short one cannot tell less.
        :param blocks: and how many pieces of memory.
        """
        found: list[str] = []
        if self.hours < SHORTEST:
            return found
        if self.rss * self.hours > max(RSS_PER_HOUR * self.hours, noise):
            found.append(f"memory grows by {self.rss:.2f} MiB an hour")
        if self.blocks * self.hours > max(BLOCKS_PER_HOUR * self.hours, blocks):
            found.append(f"objects grow by {self.blocks:.0f} pieces of memory an hour")
        for name, rate in (("descriptors", self.fds), ("timers", self.timers)):
            if rate * self.hours > FLAT:
                found.append(f"{name} grow by {rate:.1f} an hour")
        return found


def grown(samples: Sequence[Sample], warm: float) -> Grown:
    """What became of it after the first ``warm`` seconds."""
    told = [sample for sample in samples if sample.at >= warm]

    def an_hour(name: str) -> float:
        return 3600 * slope([(each.at, getattr(each, name)) for each in told])

    return Grown(
        hours=(told[-1].at - told[0].at) / 3600 if told else 0.0,
        rss=an_hour("rss"),
        fds=an_hour("fds"),
        timers=an_hour("timers"),
        most_queued=max((each.queued for each in told), default=0.0),
        blocks=an_hour("blocks"),
    )
