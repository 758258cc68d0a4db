"""How fast a provider can be sent to, found out by its answers (``pace = "adaptive"``).

The rate falls by a part when a provider says that it is too much (``answers.throttle``, a full
queue), or when it answers more slowly than it used to; it rises step by step while more is asked
for than it lets through. Its ceiling is the provider's ``tps``, or this node's share of it.
"""

from __future__ import annotations

from math import inf

DECREASE = 0.7
"""What is left of the rate when the provider says that it is too much."""

DECREASE_SLOW = 0.9
"""What is left of it when answers take longer than they did."""

HOLD = 1.0
"""Seconds after a decrease in which no other one follows: what it does is not seen sooner."""

HOLD_SLOW = 3.0
"""The same after one for slow answers, of which averages tell late."""

FLOOR = 1.0
"""Messages per second that are always sent."""

STEPS = 20
"""Seconds in which the rate rises by the highest that was ever reached."""

SHORT, LONG = 0.3, 0.02
"""Weights of a second's latency in the two moving averages."""

RISEN = 2.0
"""Times the long average that the short one has to be to count as slow, ..."""

RISEN_LEAST = 0.05
"""... and seconds that it has to be more."""


class Latency:
    """A moving average over some seconds and one over about a minute, of seconds to an answer.

    :ivar short: 0.0 before the first answer.
    :ivar long: the same.
    """

    __slots__ = ("_count", "_total", "long", "short")

    def __init__(self) -> None:
        self.short = 0.0
        self.long = 0.0
        self._total = 0.0
        self._count = 0

    def add(self, seconds: float) -> None:
        """An answer that took so long."""
        self._total += seconds
        self._count += 1

    def tick(self) -> None:
        """Once a second."""
        if not self._count:
            return
        latest = self._total / self._count
        self._total = 0.0
        self._count = 0
        self.short += SHORT * (latest - self.short) if self.short else latest
        self.long += LONG * (latest - self.long) if self.long else latest

    @property
    def risen(self) -> bool:
        """Whether answers take much longer than they used to."""
        return self.short > max(RISEN * self.long, self.long + RISEN_LEAST)


class Pace:
    """The rate of one provider.

    :ivar rate: messages per second; infinite until the first sign that there is a limit.
    :ivar ceiling: the most that it may be.
    """

    __slots__ = ("_held", "_peak", "_speed", "ceiling", "rate")

    def __init__(self, ceiling: float = inf) -> None:
        self.ceiling = ceiling
        self.rate = ceiling
        self._peak = 0.0
        self._speed = 0.0
        self._held = -inf

    def use(self, ceiling: float) -> None:
        """Another ceiling; a rate that stood at the old one goes with it."""
        if self.rate >= self.ceiling:
            self.rate = ceiling
        self.ceiling = ceiling
        self.rate = min(self.rate, ceiling)

    def refused(self, sent: int, now: float) -> bool:
        """The provider says that it is too much; whether the rate falls for it.

        :param sent: messages since the last tick.
        """
        self._speed = max(self._speed, float(sent))
        return self._fall(DECREASE, HOLD, now)

    def tick(self, sent: int, wanted: bool, latency: Latency, now: float) -> bool:
        """Once a second; whether the rate is another one now.

        :param sent: messages in the last second.
        :param wanted: whether more would have been sent.
        """
        self._speed = float(sent)
        self._peak = max(self._peak, self._speed)
        if latency.risen:
            return self._fall(DECREASE_SLOW, HOLD_SLOW, now)
        if not wanted or self.rate >= self.ceiling or now < self._held:
            return False
        ceiling = self.ceiling if self.ceiling != inf else self._peak
        self.rate = min(self.ceiling, self.rate + max(FLOOR, ceiling / STEPS))
        return True

    def _fall(self, part: float, hold: float, now: float) -> bool:
        old = self.rate
        speed = self._speed or self._peak
        # A rate far above what is sent would have to fall often before it is felt.
        used = min(old, speed) if speed else old
        if now < self._held or used == inf:
            return False
        self._held = now + hold
        self.rate = min(old, self.ceiling, max(FLOOR, used * part))
        return self.rate != old
