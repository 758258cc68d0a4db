"""The token bucket."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.throttle import TokenBucket


class TokenBucketTest(SynchronousTestCase):
    """Rate and burst."""

    def test_sx21_ten_per_second(self) -> None:
        """TPS 10, 40 at once: 10 pass; after a second 10 more."""
        bucket = TokenBucket(10, 0, 100.0)
        self.assertEqual(bucket.take(40, 100.0), 10)
        self.assertEqual(bucket.take(30, 100.0), 0)
        self.assertEqual(bucket.take(30, 101.0), 10)

    def test_no_limit(self) -> None:
        """Rate 0 lets everything pass at once."""
        bucket = TokenBucket(0, 0, 0.0)
        self.assertEqual(bucket.take(10**6, 0.0), 10**6)
        self.assertEqual(bucket.wait(0.0), 0.0)

    def test_burst(self) -> None:
        """After silence burst may pass at once, however long the silence was."""
        bucket = TokenBucket(10, 30, 0.0)
        self.assertEqual(bucket.take(100, 0.0), 30)
        self.assertEqual(bucket.take(100, 3600.0), 30)

    def test_slower_than_one_per_second(self) -> None:
        """Half a message per second: one at once, the next after two seconds."""
        bucket = TokenBucket(0.5, 0, 0.0)
        self.assertEqual([bucket.take(1, now) for now in (0.0, 1.0, 2.0)], [1, 0, 1])

    def test_wait(self) -> None:
        """wait tells the time until one may pass."""
        bucket = TokenBucket(4, 1, 0.0)
        self.assertEqual(bucket.wait(0.0), 0.0)
        bucket.take(1, 0.0)
        self.assertEqual(bucket.wait(0.0), 0.25)
        self.assertEqual(bucket.wait(0.125), 0.125)
        self.assertEqual(bucket.take(1, 0.25), 1)

    def test_time_never_goes_back(self) -> None:
        """An earlier now gives nothing and takes nothing."""
        bucket = TokenBucket(10, 0, 100.0)
        bucket.take(10, 100.0)
        self.assertEqual(bucket.take(1, 50.0), 0)
        self.assertEqual(bucket.take(20, 101.0), 10)

    @given(
        st.integers(1, 100),
        st.integers(0, 200),
        st.lists(st.tuples(st.integers(0, 50), st.floats(0, 2)), max_size=30),
    )
    @settings(deadline=None)
    def test_never_more_than_burst_and_rate(
        self, rate: int, burst: int, steps: list[tuple[int, float]]
    ) -> None:
        """In no span does more pass than the burst and the rate times the span."""
        bucket = TokenBucket(rate, burst, 0.0)
        now = passed = 0.0
        for n, pause in steps:
            now += pause
            allowed = bucket.take(n, now)
            self.assertTrue(0 <= allowed <= n)
            passed += allowed
            self.assertLessEqual(passed, max(burst or rate, 1) + rate * now + 1e-6)
