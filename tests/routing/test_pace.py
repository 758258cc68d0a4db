"""How fast a provider is sent to, by its answers."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.pace import DECREASE, DECREASE_SLOW, FLOOR, HOLD, Latency, Pace


def steady(seconds: float = 0.1, ticks: int = 60) -> Latency:
    """Answers that always took as long."""
    latency = Latency()
    for _ in range(ticks):
        latency.add(seconds)
        latency.tick()
    return latency


class LatencyTests(SynchronousTestCase):
    """Two averages."""

    def test_first(self) -> None:
        """The first second sets both; one without answers changes nothing."""
        latency = Latency()
        latency.tick()
        self.assertEqual((latency.short, latency.long, latency.risen), (0.0, 0.0, False))
        latency.add(0.1)
        latency.add(0.3)
        latency.tick()
        latency.tick()
        self.assertEqual((latency.short, latency.long), (0.2, 0.2))

    def test_risen(self) -> None:
        """Twice as long, for some seconds, is noticed; a little more is not, nor is what is short
        all the same."""
        for before, after, risen in ((0.1, 0.4, True), (0.1, 0.12, False), (0.01, 0.03, False)):
            latency = steady(before)
            for _ in range(5):
                latency.add(after)
                latency.tick()
            self.assertEqual(latency.risen, risen, (before, after))

    def test_used_to(self) -> None:
        """What lasts becomes what is usual."""
        latency = steady(0.1)
        for _ in range(200):
            latency.add(0.4)
            latency.tick()
        self.assertFalse(latency.risen)


class PaceTests(SynchronousTestCase):
    """One provider."""

    def test_begins_at_its_ceiling(self) -> None:
        """At tps, or without any limit."""
        self.assertEqual((Pace(50.0).rate, Pace().rate), (50.0, inf))

    def test_sx22_falls_when_throttled(self) -> None:
        """Multiplied by 0.7 of what was sent, once a second at most."""
        pace = Pace(100.0)
        pace.tick(80, False, steady(), 0.0)
        self.assertTrue(pace.refused(0, 1.0))
        self.assertAlmostEqual(pace.rate, 80 * DECREASE)
        self.assertFalse(pace.refused(0, 1.0 + HOLD / 2))
        self.assertTrue(pace.refused(0, 1.0 + HOLD))
        self.assertAlmostEqual(pace.rate, 80 * DECREASE * DECREASE)

    def test_finds_a_rate_without_a_ceiling(self) -> None:
        """From what was sent when the first refusal came, this very second included."""
        pace = Pace()
        self.assertFalse(pace.refused(0, 0.0))
        self.assertEqual(pace.rate, inf)
        self.assertTrue(pace.refused(40, 0.0))
        self.assertAlmostEqual(pace.rate, 40 * DECREASE)

    def test_rises_by_steps(self) -> None:
        """A twentieth of its ceiling, or of the most that was ever sent, each second, while more
        is wanted; up to the ceiling."""
        for ceiling, most in ((100.0, 100.0), (inf, 60.0)):
            pace = Pace(ceiling)
            pace.tick(60, False, steady(), 0.0)
            pace.refused(0, 1.0)
            self.assertFalse(pace.tick(42, True, steady(), 1.5))
            before = pace.rate
            self.assertTrue(pace.tick(42, True, steady(), 2.5))
            self.assertAlmostEqual(pace.rate - before, most / 20)
            self.assertFalse(pace.tick(10, False, steady(), 3.5))
        pace = Pace(10.0)
        pace.tick(10, False, steady(), 0.0)
        pace.refused(0, 1.0)
        for second in range(3, 30):
            pace.tick(10, True, steady(), float(second))
        self.assertEqual(pace.rate, 10.0)

    def test_falls_when_slow(self) -> None:
        """Answers that take longer than they did: a tenth less, once in three seconds."""
        latency = steady(0.1)
        for _ in range(5):
            latency.add(1.0)
            latency.tick()
        pace = Pace(100.0)
        self.assertTrue(pace.tick(100, True, latency, 10.0))
        self.assertAlmostEqual(pace.rate, 100 * DECREASE_SLOW)
        self.assertFalse(pace.tick(90, True, latency, 12.0))
        self.assertTrue(pace.tick(90, True, latency, 13.0))

    def test_another_ceiling(self) -> None:
        """A rate at the ceiling goes with it; one below it stays."""
        pace = Pace(100.0)
        pace.use(50.0)
        self.assertEqual(pace.rate, 50.0)
        pace.use(inf)
        self.assertEqual(pace.rate, inf)
        pace.use(100.0)
        pace.tick(100, False, steady(), 0.0)
        pace.refused(0, 1.0)
        pace.use(200.0)
        self.assertAlmostEqual(pace.rate, 70.0)
        pace.use(40.0)
        self.assertEqual(pace.rate, 40.0)

    @given(
        st.floats(1, 1000) | st.just(inf),
        st.lists(st.tuples(st.booleans(), st.integers(0, 500), st.booleans()), max_size=50),
    )
    def test_bounds(self, ceiling: float, seconds: list[tuple[bool, int, bool]]) -> None:
        """Never above the ceiling, never below one a second."""
        pace = Pace(ceiling)
        for now, (throttled, sent, wanted) in enumerate(seconds):
            pace.tick(sent, wanted, steady(ticks=1), float(now))
            if throttled:
                pace.refused(sent, float(now))
            self.assertTrue(min(FLOOR, ceiling) <= pace.rate <= ceiling)

    def test_settles_near_what_a_provider_takes(self) -> None:
        """A provider that takes 50 a second and refuses the rest: after a minute between 50 and
        90 per cent of that arrive, however much there is to send."""
        pace = Pace()
        taken = 0
        for second in range(180):
            sent = int(min(pace.rate, 400))
            if sent > 50:
                pace.refused(sent, second + 0.5)
            pace.tick(sent, True, steady(ticks=1), second + 1.0)
            if second >= 60:
                taken += min(sent, 50)
        self.assertTrue(0.5 * 50 * 120 <= taken <= 50 * 120, taken)
