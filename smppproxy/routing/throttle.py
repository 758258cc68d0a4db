"""The rate of an account or a provider: a token bucket (SX-21)."""

from math import inf

LANE = 0.1
"""The part of a rate that is kept for urgent messages while there are some."""

LANE_FROM = 10.0
"""Burst from which on there is such a part: of less nothing whole is left."""

LANE_KEPT = 60.0
"""Seconds after an urgent message for which the next one finds its part kept."""


class TokenBucket:
    """`rate` per second on average, `burst` at once after silence. Rate 0 means no limit.

    Burst 0 means one second's worth. `now` is monotonic seconds; a `now` that goes back counts as
    no time passed. `asked` is how many ever wanted to pass, `passed` how many did.
    """

    __slots__ = ("_at", "_tokens", "asked", "burst", "passed", "rate", "unlimited")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = max(burst or rate, 1)
        self.unlimited = not rate
        self.asked = 0
        self.passed = 0
        self._tokens = float(self.burst)
        self._at = now

    def use(self, rate: float, burst: float, now: float) -> None:
        """Another rate and burst from now on; here a rate of 0 lets nothing pass.

        What the bucket holds stays in it, as far as the burst goes.
        """
        self._fill(now)
        self.unlimited = False
        self.rate = rate
        self.burst = max(burst, 1)
        self._tokens = min(self._tokens, self.burst)

    def free(self) -> None:
        """Let everything pass from now on."""
        self.unlimited = True

    def fill(self, tokens: float) -> None:
        """So many may pass at once, whatever the bucket held."""
        self._tokens = tokens

    def empty(self, now: float) -> None:
        """Nothing may pass until the rate gives something."""
        self._at = max(self._at, now)
        self._tokens = 0.0

    def take(self, n: int, now: float) -> int:
        """How many of `n` may pass now; they are paid for."""
        self.asked += n
        if self.unlimited:
            self.passed += n
            return n
        self._fill(now)
        allowed = min(n, int(self._tokens))
        self._tokens -= allowed
        self.passed += allowed
        return allowed

    def wait(self, now: float) -> float:
        """Seconds until one may pass, 0.0 when one may pass now."""
        if self.unlimited:
            return 0.0
        self._fill(now)
        if self._tokens >= 1.0:
            return 0.0
        return (1.0 - self._tokens) / self.rate if self.rate else inf

    def _fill(self, now: float) -> None:
        if now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
            self._at = now


class LaneBucket(TokenBucket):
    """A bucket with a lane: a tenth of rate and burst is kept for urgent messages.

    Only while there are some: until a minute after the last one. Urgent messages take from their
    part first and then from the common one; others from the common one alone, into which flows
    whatever the lane has no room for. So urgent ones find room however many others there are, and
    cannot push the others out.
    """

    __slots__ = ("_lane", "_until")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        super().__init__(rate, burst, now)
        self._lane = 0.0
        self._until = float("-inf")

    def use(self, rate: float, burst: float, now: float) -> None:
        """See :meth:`TokenBucket.use`."""
        super().use(rate, burst, now)
        self._lane = min(self._lane, self._kept(now))
        self._tokens = min(self._tokens, self.burst - self._kept(now))

    def empty(self, now: float) -> None:
        """See :meth:`TokenBucket.empty`."""
        super().empty(now)
        self._lane = 0.0

    def take_one(self, urgent: bool, now: float) -> bool:
        """Whether one message may pass now; it is paid for."""
        if not urgent or self.unlimited:
            return self.take(1, now) == 1
        self._fill(now)
        self._until = now + LANE_KEPT
        if self._lane < 1.0:
            return self.take(1, now) == 1
        self.asked += 1
        self.passed += 1
        self._lane -= 1.0
        return True

    def _kept(self, now: float) -> float:
        """Burst of the lane."""
        if now >= self._until or self.burst < LANE_FROM:
            return 0.0
        return self.burst * LANE

    def _fill(self, now: float) -> None:
        if now <= self._at:
            return
        gained = (now - self._at) * self.rate
        kept = self._kept(now)
        self._at = now
        lane = self._lane
        self._lane = min(kept, lane + gained * LANE)
        # What the lane gives up, or has no room for, is everybody's.
        gained -= self._lane - lane
        self._tokens = min(self.burst - kept, self._tokens + gained)
