"""Histograms, series, pictures: what a load test says is what was measured."""

import json
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.simulator.load.board import LOST, OK, REFUSED, Board
from smppproxy.simulator.load.counts import Counts
from smppproxy.simulator.load.histogram import LONGEST, Histogram, bucket, highest
from smppproxy.simulator.load.picture import draw, summary
from smppproxy.simulator.load.plan import LoadOptions
from smppproxy.simulator.load.result import GOOD, LOSS, NOBODY, Result
from smppproxy.simulator.load.series import SLOT, Series
from smppproxy.simulator.load.usage import Usage, cpu_of


class HistogramTests(SynchronousTestCase):
    """Quantiles of any number of latencies, to 0.4 %."""

    @given(st.integers(0, LONGEST))
    def test_buckets(self, microseconds: int) -> None:
        """A latency's bucket ends at most 0.4 % above it, and not below."""
        end = highest(bucket(microseconds))
        self.assertGreaterEqual(end, microseconds)
        self.assertLessEqual(end - microseconds, max(0, microseconds / 256))

    @given(st.lists(st.integers(0, 10**9), min_size=1), st.floats(0.01, 1.0))
    def test_quantile(self, latencies: list[int], fraction: float) -> None:
        """As the sorted list says."""
        made = Histogram()
        made.record(each / 1e6 for each in latencies)
        wanted = sorted(latencies)[max(0, -(-int(fraction * len(latencies) * 1e9) // 10**9) - 1)]
        found = made.quantile(fraction) * 1000
        self.assertGreaterEqual(found * 1.005 + 2, wanted)
        self.assertLessEqual(made.quantile(1.0) * 1000, max(latencies) + 1)

    @given(st.lists(st.floats(0, 100)), st.lists(st.floats(0, 100)))
    def test_parts(self, one: list[float], other: list[float]) -> None:
        """What two processes counted, told as JSON and added, is what one would have counted."""
        whole, parts = Histogram(), Histogram()
        whole.record([*one, *other])
        for latencies in (one, other):
            part = Histogram()
            part.record(latencies)
            parts.add(Histogram.read(json.loads(json.dumps(part.told()))))
        self.assertEqual((parts.counts, parts.most), (whole.counts, whole.most))

    def test_edges(self) -> None:
        """Nothing is 0; a clock that went back counts as 0; more than 12 days as 12 days."""
        made = Histogram()
        self.assertEqual(made.quantile(0.5), 0.0)
        made.record([-1.0, 1e9])
        self.assertEqual([*made.steps()][0], (0, 1))
        self.assertEqual(made.most, LONGEST)


class BoardTests(SynchronousTestCase):
    """Columns that several processes share."""

    def test_shared(self) -> None:
        """What one writes the other reads; missing receipts are counted."""
        one = Board(200_000)
        other = Board(200_000, one.fd)
        one.due[199_999] = 1.5
        one.ids[7], one.sessions[7] = 0xFFFFFFFF, 65_535
        self.assertEqual((other.due[199_999], other.ids[7], other.sessions[7]),
                         (1.5, 0xFFFFFFFF, 65_535))  # fmt: skip
        for number in range(100_000):
            one.answers[number] = OK
            other.receipts[number] = 1
        self.assertEqual((one.missing(200_000), one.received(200_000)), (0, 100_000))
        other.receipts[5] = 0
        one.answers[70_000] = LOST
        one.answers[100_000] = OK
        one.answers[100_001] = REFUSED
        self.assertEqual((one.missing(200_000), one.received(100_000)), (2, 99_999))
        self.assertEqual(one.missing(100_000), 1)
        for view in (other.due, other.ids, other.sessions, other.answers, other.receipts):
            view.release()
        one.close()


def result() -> Result:
    """A small load test with something of everything."""
    made = Result(LoadOptions(), 2, counts=Counts(submitted=4, accepted=3, refused=1, receipts=3))
    made.seconds = 1.5
    made.statuses = {0x58: 1}
    made.responses.record([0.001, 0.002, 0.004])
    made.deliveries.record([0.05, 0.06])
    slot = made.series.at(0.2)
    slot.answered, slot.receipts = 3, 2
    slot.responses.add(made.responses)
    made.series.at(1.4).submitted = 1
    made.series.used(0.2, "node", 0.25)
    made.cpu = {"load": 0.1, "node": 0.25}
    return made


class ResultTests(SynchronousTestCase):
    """Verdict, figures, picture."""

    def test_good(self) -> None:
        """Answered and receipted: exit status 0, a refusal is no loss."""
        self.assertEqual((result().exit_status, result().faults()), (GOOD, {}))

    def test_loss(self) -> None:
        """Each fault alone is exit status 1."""
        for name in ("early", "misplaced", "unasked", "unreadable", "unexpected"):
            made = result()
            setattr(made.counts, name, 1)
            self.assertEqual((made.exit_status, [*made.faults().values()]), (LOSS, [1]))
        for name in ("missing", "duplicated", "down", "unsent"):
            made = result()
            setattr(made, name, 2)
            self.assertEqual((made.exit_status, [*made.faults().values()]), (LOSS, [2]))
        made = result()
        made.counts.submitted = 5
        self.assertEqual(made.faults(), {"unanswered": 1})

    def test_nothing_accepted(self) -> None:
        """All refused is a failed test, no answer at all is nobody."""
        made = Result(LoadOptions(), 1, counts=Counts(submitted=2, refused=2))
        self.assertEqual(made.exit_status, LOSS)
        made = Result(LoadOptions(), 1, counts=Counts(submitted=2))
        self.assertEqual((made.exit_status, made.per_message(), made.rate), (NOBODY, {}, 0.0))
        made = Result(LoadOptions(), 1, trouble="the bind was refused")
        self.assertEqual(made.exit_status, LOSS)

    def test_told(self) -> None:
        """JSON has rates, quantiles, processor time, and everything over time."""
        told = json.loads(json.dumps(result().told()))
        self.assertEqual(told["rate"], 2.0)
        self.assertEqual(told["refused"], {"ESME_RTHROTTLED": 1})
        self.assertEqual(round(told["response_ms"]["p50"], 1), 2.0)
        self.assertEqual(told["cpu_us_per_message"]["node"], 83333.33)
        self.assertEqual([slot["at"] for slot in told["series"]], [0.0, 0.5, 1.0])
        self.assertEqual(told["series"][0]["answered"], 3 / SLOT)
        self.assertEqual(told["series"][0]["cpu"], {"node": 0.5})

    def test_picture(self) -> None:
        """It is an SVG that asks for nothing from outside, with a panel each."""
        made = result()
        text = draw(summary(made.told()) + " <&>", made)
        root = ET.fromstring(text)
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        for word in ("messages by latency", "messages a second", "latency, ms", "processor, cores"):
            self.assertIn(word, text)
        self.assertNotIn("href", text)

    def test_picture_of_nothing(self) -> None:
        """A test in which nothing came has one too."""
        made = Result(LoadOptions(rate=5.0), 1)
        ET.fromstring(draw(summary(made.told()), made))

    def test_slots(self) -> None:
        """What came before the start is in the first slot."""
        series = Series()
        series.at(-1.0).answered += 1
        self.assertEqual([slot.answered for slot in series.slots], [1])


class UsageTests(SynchronousTestCase):
    """Processor time of processes."""

    def test_own(self) -> None:
        """Work shows; a process that is not there used nothing."""
        import os

        usage = Usage({"me": [os.getpid()], "nobody": [2**22 + 1]})
        usage.begin()
        while not usage.totals()["me"]:
            sum(range(10_000))
            usage.sample()
        self.assertEqual(usage.totals()["nobody"], 0.0)
        self.assertEqual(cpu_of(2**22 + 1), 0.0)
