"""Hosts that fail while others do not."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.outliers import FAILURES, LONGEST, STEP, Outliers


class OutliersTests(SynchronousTestCase):
    """One provider."""

    def setUp(self) -> None:
        self.outliers = Outliers()

    def fails(self, count: int, now: float, host: str = "a", others: bool = True) -> float:
        """The host fails so often; how long it is ejected for the last of them."""
        return [self.outliers.failed(host, now, others) for _ in range(count)][-1]

    def test_xc12_five_in_a_row(self) -> None:
        """The fifth failure ejects for 30 s; failures of others, or a good answer between, do not
        count."""
        self.assertEqual(self.fails(FAILURES - 1, 0.0), 0.0)
        self.assertEqual(self.fails(FAILURES - 1, 0.0, "b"), 0.0)
        self.outliers.good("a")
        self.assertEqual(self.fails(FAILURES - 1, 1.0), 0.0)
        self.assertEqual(self.fails(1, 1.0), STEP)
        self.assertEqual(self.outliers.ejected, {"a"})
        self.assertEqual((self.outliers.until("a"), self.outliers.until("b")), (31.0, 0.0))

    def test_several_at_once(self) -> None:
        """Five messages that were never answered are five failures."""
        self.assertEqual(self.outliers.failed("a", 0.0, True, FAILURES), STEP)

    def test_f60_the_last_is_not_ejected(self) -> None:
        """However often it fails; when there is another again, its next failure counts."""
        self.assertEqual(self.fails(100, 0.0, others=False), 0.0)
        self.assertEqual(self.outliers.ejected, set())
        self.assertEqual(self.fails(1, 0.0), STEP)

    def test_ejected_fails_no_more(self) -> None:
        """What was under way when it was ejected says nothing new."""
        self.fails(FAILURES, 0.0)
        self.assertEqual(self.fails(FAILURES, 1.0), 0.0)
        self.assertFalse(self.outliers.good("a"))
        self.assertEqual(self.outliers.until("a"), STEP)

    def test_trial(self) -> None:
        """It comes back on trial: the first failure ejects it again, for longer."""
        self.fails(FAILURES, 0.0)
        self.assertEqual(self.outliers.back(STEP - 0.1), [])
        self.assertEqual(self.outliers.back(STEP), ["a"])
        self.assertEqual((self.outliers.trial, self.outliers.failures), ({"a"}, {"a": 0}))
        self.assertEqual(self.fails(1, STEP), 2 * STEP)
        self.assertEqual((self.outliers.trial, self.outliers.times("a")), (set(), 2))

    def test_proved(self) -> None:
        """A good answer ends the trial; it takes five failures again."""
        self.fails(FAILURES, 0.0)
        self.outliers.back(STEP)
        self.assertTrue(self.outliers.good("a"))
        self.assertFalse(self.outliers.good("a"))
        self.assertEqual(self.fails(FAILURES - 1, STEP), 0.0)
        self.assertEqual(self.fails(1, STEP), 2 * STEP)

    def test_longest(self) -> None:
        """30, 60, ... 300 s and no longer."""
        now, lasted = 0.0, []
        for _ in range(13):
            seconds = self.fails(FAILURES, now)
            lasted.append(seconds)
            now += seconds
            self.outliers.back(now)
            self.outliers.good("a")
        self.assertEqual(lasted, [STEP * n for n in range(1, 11)] + [LONGEST] * 3)

    def test_healed(self) -> None:
        """For each 300 s without an ejection one of the past is forgotten, at last all of it."""
        self.fails(FAILURES, 0.0)
        self.outliers.back(STEP)
        self.outliers.good("a")
        self.assertEqual(self.fails(FAILURES, 100.0), 2 * STEP)
        self.outliers.back(160.0)
        self.outliers.good("a")
        self.outliers.back(160.0 + LONGEST)
        self.assertEqual(self.outliers.times("a"), 1)
        self.assertEqual(self.fails(FAILURES, 161.0 + LONGEST), 2 * STEP)
        self.outliers.back(10_000.0)
        self.outliers.back(20_000.0)
        self.assertEqual((self.outliers.times("a"), self.outliers.times("b")), (0, 0))

    @given(
        st.lists(
            st.tuples(
                st.sampled_from("abc"), st.sampled_from(["fail", "good", "back"]), st.floats(0, 60)
            ),
            max_size=60,
        )
    )
    def test_never_all(self, steps: list[tuple[str, str, float]]) -> None:
        """While all hosts are bound, one of them is not ejected; nobody is ejected for more than
        300 s, nor is ejected and on trial."""
        outliers = Outliers()
        now = 0.0
        for host, what, seconds in steps:
            now += seconds
            if what == "fail":
                others = bool(set("abc") - {host} - outliers.ejected)
                lasts = outliers.failed(host, now, others, 3)
                self.assertTrue(0 <= lasts <= LONGEST)
            elif what == "good":
                outliers.good(host)
            else:
                outliers.back(now)
            self.assertLess(len(outliers.ejected), 3)
            self.assertFalse(outliers.ejected & outliers.trial)
            self.assertTrue(all(outliers.until(each) <= now + LONGEST for each in outliers.ejected))
