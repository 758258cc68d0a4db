"""Quality: what is measured, and the orders that follow from it."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing import quality as module
from smppproxy.routing.quality import BUCKET, BUCKETS, MEMORY, Change, Margins, Measure, Quality

WINDOW = BUCKET * BUCKETS
NAMES = ("a", "b", "c")


class MeasureTest(SynchronousTestCase):
    """One provider and one prefix."""

    @given(st.lists(st.tuples(st.booleans(), st.floats(0, 3000), st.floats(-1, 60)), max_size=60),
           st.floats(3000, 4500))  # fmt: skip
    def test_window(self, ends: list[tuple[bool, float, float]], now: float) -> None:
        """What counts is what came within the last fifteen minutes, to the minute."""
        measure = Measure()
        ends.sort(key=lambda each: each[1])
        for delivered, at, latency in ends:
            measure.add(delivered, at, latency)
        measure.look(now, 1)
        recent = [each for each in ends if each[1] // BUCKET > now // BUCKET - BUCKETS]
        self.assertEqual(measure.delivered, sum(each[0] for each in recent))
        self.assertEqual(measure.total, len(recent))
        timed = [each[2] for each in recent if each[0] and each[2] >= 0]
        self.assertEqual(measure.timed, len(timed))
        self.assertAlmostEqual(measure.seconds, sum(timed), 6)
        if recent:
            self.assertEqual(measure.ratio(now, 2.0), measure.delivered / len(recent))

    def test_little_is_no_measure(self) -> None:
        """Below the least number of messages nothing is known, and what is hoped counts."""
        measure = Measure()
        for second in range(9):
            measure.add(False, float(second))
        self.assertTrue(measure.look(10.0, 10))
        self.assertEqual((measure.ratio(10.0, 0.9), measure.latency(10.0)), (0.9, 0.0))
        measure.add(False, 10.0)
        measure.look(10.0, 10)
        self.assertEqual(measure.ratio(10.0, 0.9), 0.0)

    def test_remembered_for_an_hour(self) -> None:
        """The last measure counts for an hour while nothing new comes, then there is hope."""
        measure = Measure()
        for _ in range(10):
            measure.add(True, 0.0, 3.0)
        self.assertTrue(measure.look(0.0, 10))
        self.assertTrue(measure.look(MEMORY - 1, 10))
        self.assertEqual(measure.total, 0)
        self.assertEqual((measure.ratio(MEMORY - 1, 0.5), measure.latency(MEMORY - 1)), (1.0, 3.0))
        self.assertFalse(measure.look(MEMORY, 10))
        self.assertEqual((measure.ratio(MEMORY, 0.5), measure.latency(MEMORY)), (0.5, 0.0))


class QualityTest(SynchronousTestCase):
    """Orders."""

    def setUp(self) -> None:
        """Ten messages make a measure."""
        self.quality = Quality(Margins(least=10))
        self.now = 0.0

    def feed(
        self, name: str, delivered: int, failed: int = 0, latency: float = 5.0, zone: bytes = b"45"
    ) -> None:
        """So many messages of a provider came to their end just now."""
        for _ in range(delivered):
            self.quality.ended(name, zone, True, self.now, latency)
        for _ in range(failed):
            self.quality.ended(name, zone, False, self.now)

    def look(self, seconds: float = 5.0) -> list[Change]:
        """Later."""
        self.now += seconds
        return self.quality.look(self.now)

    def order(self, zone: bytes = b"45") -> str:
        """In which order providers are asked."""
        return "".join(self.quality.order(NAMES, zone))

    def test_as_in_the_file(self) -> None:
        """Without a measure, and with one that shows no difference."""
        self.assertEqual(self.order(), "abc")
        for name in NAMES:
            self.feed(name, 95, 5)
        self.assertEqual(self.look(), [])
        self.assertEqual(self.order(), "abc")

    def test_the_better_first(self) -> None:
        """By more than the margin; only for the prefix where it was measured."""
        self.order(), self.order(b"46")
        self.feed("a", 80, 20)
        self.feed("b", 90, 10)
        self.feed("c", 99, 1)
        self.assertEqual(self.look(), [Change(b"45", NAMES, ("c", "b", "a"))])
        self.assertEqual((self.order(), self.order(b"46")), ("cba", "abc"))

    def test_within_the_margin_nothing_changes(self) -> None:
        """Hysteresis: two points better is not enough, either way."""
        self.order()
        self.feed("a", 94, 6)
        self.feed("b", 96, 4)
        self.assertEqual(self.look(), [])
        self.feed("b", 400)
        self.assertEqual([change.after for change in self.look()], [("b", "a", "c")])
        self.now += 60
        self.feed("b", 0, 20)
        # b is at 95 %, a at 94: b stays first as a did before.
        self.assertEqual(self.look(), [])
        self.assertEqual(self.order(), "bac")

    def test_a_few_messages_change_nothing(self) -> None:
        """Nine failures of nine are no measure."""
        self.order()
        self.feed("a", 0, 9)
        self.assertEqual(self.look(), [])
        self.feed("a", 0, 1)
        self.assertEqual([change.after for change in self.look()], [("b", "c", "a")])

    def test_the_faster_of_two_good_ones(self) -> None:
        """As good, and much faster: in seconds and in proportion."""
        self.order()
        self.feed("a", 100, latency=10.0)
        self.feed("b", 99, 1, latency=7.0)
        self.assertEqual(self.look(), [])
        self.feed("c", 99, 1, latency=3.0)
        self.assertEqual([change.after for change in self.look()], [("c", "a", "b")])

    def test_faster_and_worse_stays_behind(self) -> None:
        """Two points worse is not as good, however fast; so better and faster do not swing."""
        self.order()
        self.feed("a", 100, latency=60.0)
        self.feed("b", 98, 2, latency=1.0)
        self.assertEqual(self.look(), [])

    def test_an_order_rests(self) -> None:
        """It changes once a minute at most."""
        self.order()
        self.feed("a", 0, 20)
        self.assertEqual(len(self.look()), 1)
        self.feed("b", 0, 20)
        self.feed("c", 20)
        self.assertEqual(self.look(), [])
        self.assertEqual(len(self.look(60.0)), 1)
        self.assertEqual(self.order(), "cba")

    def test_what_failed_is_tried_again(self) -> None:
        """An hour after its last measure there is hope for it, where the other is worse."""
        self.order()
        self.feed("a", 0, 20)
        self.look()
        self.assertEqual(self.order(), "bca")
        for _ in range(40):
            self.feed("b", 16, 4)
            self.feed("c", 16, 4)
            self.look(120.0)
        self.assertEqual(self.order(), "abc")

    def test_what_is_forgotten(self) -> None:
        """Measures end with the hour, and with the routes that asked for them."""
        self.order(), self.order(b"46")
        self.feed("a", 0, 20)
        self.feed("a", 0, 20, zone=b"46")
        self.look()
        self.assertEqual(len(self.quality.measures(self.now)), 2)
        self.quality.keep([b"45"])
        self.assertEqual((self.order(), self.order(b"46")), ("bca", "abc"))
        (said,) = self.quality.measures(self.now)
        self.assertEqual(
            said,
            {"provider": "a", "prefix": "45", "messages": 20, "delivered": 0, "ratio": 0.0,
             "latency": 0.0},
        )  # fmt: skip
        self.look(WINDOW + MEMORY)
        self.assertEqual(self.quality.measures(self.now), [])

    def test_the_best_comes_from_the_end(self) -> None:
        """Four providers, each better than the one before: turned round at once."""
        names = ("a", "b", "c", "d")
        self.quality.order(names, b"45")
        for place, name in enumerate(names):
            self.feed(name, 60 + 10 * place, 40 - 10 * place)
        self.look()
        self.assertEqual(self.quality.order(names, b"45"), names[::-1])

    def test_a_bounded_number(self) -> None:
        """Beyond it nothing new is measured and the order is the file's."""
        self.patch(module, "MOST", 1)
        self.order()
        self.feed("a", 0, 5)
        self.feed("b", 0, 5)
        self.assertEqual(self.quality.order(("b", "a"), b"46"), ("b", "a"))
        (said,) = self.quality.measures(self.now)
        self.assertEqual((said["provider"], said["ratio"], said["latency"]), ("a", None, None))

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 30)),
                    max_size=200))  # fmt: skip
    def test_an_order_has_every_name_once(self, ends: list[tuple[str, bool, float]]) -> None:
        """Whatever comes; and the same again gives the same."""
        found = []
        for _ in range(2):
            quality = Quality(Margins(least=5, rest=0.0))
            quality.order(NAMES, b"")
            for number, (name, delivered, latency) in enumerate(ends):
                quality.ended(name, b"", delivered, float(number), latency)
                if number % 10 == 9:
                    quality.look(float(number))
            found.append(quality.order(NAMES, b""))
        self.assertEqual(sorted(found[0]), [*NAMES])
        self.assertEqual(found[0], found[1])
