"""The token bucket."""

from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.throttle import LaneBucket, TokenBucket


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

    def test_another_rate(self) -> None:
        """What is in the bucket stays in it as far as the new burst goes; of a rate of 0 nothing
        passes any more, and nobody can say when."""
        bucket = TokenBucket(10, 0, 0.0)
        bucket.use(5, 5, 0.0)
        self.assertEqual((bucket.take(10, 0.0), bucket.take(10, 1.0)), (5, 5))
        bucket.use(0, 0, 1.0)
        self.assertEqual((bucket.take(1, 100.0), bucket.wait(100.0)), (0, inf))
        bucket.fill(3)
        self.assertEqual(bucket.wait(100.0), 0.0)
        bucket.empty(100.0)
        bucket.use(1, 1, 100.0)
        self.assertEqual(bucket.take(5, 101.0), 1)
        bucket.free()
        self.assertEqual(bucket.take(5, 101.0), 5)
        self.assertEqual((bucket.asked, bucket.passed), (31, 16))


class LaneTests(SynchronousTestCase):
    """A tenth for urgent messages."""

    def passed(self, bucket: LaneBucket, now: float, urgent: bool, most: int = 1000) -> int:
        """How many of so many."""
        count = 0
        while count < most and bucket.take_one(urgent, now):
            count += 1
        return count

    def test_nothing_is_kept_without_urgent_ones(self) -> None:
        """All of the burst and the rate is everybody's, as long as nothing is urgent."""
        bucket = LaneBucket(100, 0, 0.0)
        self.assertEqual(self.passed(bucket, 0.0, False), 100)
        self.assertEqual(self.passed(bucket, 1.0, False), 100)

    def test_a_tenth_is_kept_while_there_are_some(self) -> None:
        """However many others there are, a tenth is there for urgent ones; it is no more than a
        tenth, and a minute after the last urgent one it is everybody's again."""
        bucket = LaneBucket(100, 0, 0.0)
        self.passed(bucket, 0.0, False)
        self.assertEqual(self.passed(bucket, 0.0, True), 0)
        self.assertEqual(self.passed(bucket, 1.0, False), 90)
        self.assertEqual(self.passed(bucket, 1.0, True), 10)
        self.assertEqual(self.passed(bucket, 2.0, True), 100)
        self.assertEqual(self.passed(bucket, 2.0, False), 0)
        self.assertEqual(self.passed(bucket, 62.5, False), 100)

    def test_urgent_ones_do_not_push_the_others_out(self) -> None:
        """Urgent ones that want all of it leave the others what they are quick enough to take."""
        bucket = LaneBucket(100, 0, 0.0)
        self.passed(bucket, 0.0, True)
        others = urgent = 0
        for tenth in range(1, 101):
            others += self.passed(bucket, tenth / 10, False)
            urgent += self.passed(bucket, tenth / 10, True)
        self.assertTrue(895 <= others <= 905, others)
        self.assertTrue(95 <= urgent <= 105, urgent)

    def test_small_ones_have_none(self) -> None:
        """Of less than ten at once there is no tenth."""
        bucket = LaneBucket(5, 0, 0.0)
        bucket.take_one(True, 0.0)
        self.passed(bucket, 0.0, False)
        self.assertEqual(self.passed(bucket, 1.0, False), 5)

    def test_without_a_limit(self) -> None:
        """Everything passes."""
        bucket = LaneBucket(0, 0, 0.0)
        self.assertEqual(self.passed(bucket, 0.0, True, 50), 50)

    @given(
        st.integers(1, 200),
        st.lists(st.tuples(st.booleans(), st.integers(0, 50), st.floats(0, 90)), max_size=30),
    )
    @settings(deadline=None)
    def test_never_more_than_burst_and_rate(
        self, rate: int, steps: list[tuple[bool, int, float]]
    ) -> None:
        """Both together never pass more than the burst and the rate times the span."""
        bucket = LaneBucket(rate, 0, 0.0)
        now = total = 0.0
        for urgent, count, pause in steps:
            now += pause
            total += self.passed(bucket, now, urgent, count)
            if count == 13:
                bucket.use(rate, rate, now)
            self.assertLessEqual(total, rate + rate * now + 1e-6)

    def test_another_rate(self) -> None:
        """The lane is cut with the rest."""
        bucket = LaneBucket(100, 0, 0.0)
        bucket.take_one(True, 0.0)
        bucket.take_one(False, 1.0)
        bucket.use(20, 20, 1.0)
        self.assertEqual(self.passed(bucket, 1.0, True), 20)
        bucket.take_one(True, 2.0)
        bucket.empty(3.0)
        self.assertEqual(self.passed(bucket, 3.0, True), 0)
