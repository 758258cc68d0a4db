"""The rate of an account or a provider: a token bucket (SX-21)."""


class TokenBucket:
    """`rate` per second on average, `burst` at once after silence. Rate 0 means no limit.

    Burst 0 means one second's worth. `now` is monotonic seconds; a `now` that goes back counts as
    no time passed.
    """

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = max(burst or rate, 1)
        self._tokens = float(self.burst)
        self._at = now

    def take(self, n: int, now: float) -> int:
        """How many of `n` may pass now; they are paid for."""
        if not self.rate:
            return n
        self._fill(now)
        allowed = min(n, int(self._tokens))
        self._tokens -= allowed
        return allowed

    def wait(self, now: float) -> float:
        """Seconds until one may pass, 0.0 when one may pass now."""
        if not self.rate:
            return 0.0
        self._fill(now)
        return max(0.0, (1.0 - self._tokens) / self.rate)

    def _fill(self, now: float) -> None:
        if now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
            self._at = now
