"""How fast a provider may be sent to: its ``tps``, this node's share of it, and what it can take.

Without ``tps`` and with ``pace = "fixed"`` there is no bucket, and nobody counts.
"""

from __future__ import annotations

from math import inf

from smppproxy.routing.pace import Latency, Pace
from smppproxy.routing.providers import Provider
from smppproxy.routing.throttle import LaneBucket
from smppproxy.store.budgets import Demand, Grant

BUDGET = b"p:"
"""Prefix of the name of a provider's budget: ``b"p:" + provider``."""

QUEUE_FULL = 0x14
"""What a provider answers whose queue is full; the message goes elsewhere, fewer go there."""

ADAPTIVE_BURST = 0.2
"""Seconds' worth of its rate that an adaptive provider gets at once."""


class Speed:
    """The rate of one provider on this node.

    :ivar bucket: None while nothing limits it.
    :ivar pace: None unless the provider's ``pace`` is adaptive.
    :ivar latency: from a submit_sm to its answer.
    :ivar held: messages per second of the provider's ``tps`` that are this node's.
    :ivar wanted: messages per second that there lately were to send.
    """

    def __init__(self, provider: Provider, shared: bool) -> None:
        """
        :param shared: the ``tps`` is shared with other nodes; without :meth:`grant` none of it is
            this node's.
        """
        self.bucket: LaneBucket | None = None
        self.pace: Pace | None = None
        self.latency = Latency()
        self.held = 0.0
        self.wanted = 0.0
        self._shared = shared
        self._granted = False
        self._away = True
        self._asked = 0
        self._passed = 0
        self._provider = provider
        self.use(provider)

    def use(self, provider: Provider) -> None:
        """Take these settings; what is in the bucket stays in it."""
        self._provider = provider
        adaptive = provider.pace == "adaptive"
        if not provider.tps and not adaptive:
            self.bucket = self.pace = None
            return
        if self.bucket is None:
            self.bucket = LaneBucket(provider.tps or 1.0, 0, 0.0)
            if self._shared and provider.tps and not self._granted:
                self.bucket.empty(0.0)
        if not adaptive:
            self.pace = None
        elif self.pace is None:
            self.pace = Pace(self._ceiling())
        self._set(self.bucket)

    def demand(self, present: bool) -> Demand | None:
        """What this node wants of the provider's ``tps``; None for nothing.

        :param present: whether a bind stands here.
        """
        tps = self._provider.tps
        if not present or not tps:
            self._away = True
            return None
        held = 0.0 if self._away else self.held
        return Demand(BUDGET + self._provider.key, tps, self.wanted, held)

    @property
    def is_waiting(self) -> bool:
        """Whether nothing can be sent before the store has said how much may."""
        return self._shared and self._away and bool(self._provider.tps)

    def grant(self, grant: Grant, now: float) -> None:
        """The store says what this node may send."""
        self.held = grant.rate
        self._away = False
        bucket = self.bucket
        if bucket is None:
            return
        first, self._granted = not self._granted, True
        if first and grant.others:
            # What they had in hand when they gave it up is gone, and must not be here again.
            bucket.empty(now)
        elif first:
            bucket.fill(self._provider.tps)
        self._set(bucket)

    def _ceiling(self) -> float:
        tps = self._provider.tps
        if not tps:
            return inf
        return min(self.held, tps) if self._shared else tps

    def _set(self, bucket: LaneBucket) -> None:
        ceiling = self._ceiling()
        pace = self.pace
        if pace is None:
            bucket.use(ceiling, ceiling, 0.0)
            return
        pace.use(ceiling)
        if pace.rate == inf:
            bucket.free()
        else:
            bucket.use(pace.rate, pace.rate * ADAPTIVE_BURST, 0.0)

    @property
    def rate(self) -> float:
        """Submits per second that may go; infinite without a limit."""
        bucket = self.bucket
        return inf if bucket is None or bucket.unlimited else bucket.rate

    def refused(self, refused: list[int], now: float) -> bool:
        """Answers with these command_status came; whether the rate falls for them."""
        bucket, pace = self.bucket, self.pace
        if bucket is None or pace is None:
            return False
        throttle = self._provider.answers.throttle
        if not any(status in throttle or status == QUEUE_FULL for status in refused):
            return False
        if not pace.refused(bucket.passed - self._passed, now):
            return False
        self._set(bucket)
        return True

    def tick(self, waiting: int, now: float) -> bool:
        """Once a second; whether the rate falls since answers take longer than they did.

        :param waiting: submits in the backlog.
        """
        self.latency.tick()
        bucket = self.bucket
        if bucket is None:
            return False
        passed = bucket.passed - self._passed
        asked = bucket.asked - self._asked
        self._passed, self._asked = bucket.passed, bucket.asked
        self.wanted = float(passed + waiting)
        pace = self.pace
        if pace is None:
            return False
        before = pace.rate
        if pace.tick(passed, asked > passed, self.latency, now):
            self._set(bucket)
        return pace.rate < before
