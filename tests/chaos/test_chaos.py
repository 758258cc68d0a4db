"""The run's own judges: what they must see, and what is no fault. The run is ``make chaos``."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from tests.chaos.__main__ import parse
from tests.chaos.checker import ClientStory, Taken, Verdict, check, taken_by
from tests.chaos.events import History, lines_of
from tests.chaos.faults import Happened
from tests.chaos.report import picture, rates

ONE = "46701000000000"
"""Where the first message of the client goes."""
PROVIDER = {ONE: Taken(["p0"], ["north"])}


def story(*lines: str, name: str = "plain", prefix: str = "467010") -> ClientStory:
    """A client's story; its lines without their times."""
    return ClientStory(name, prefix).read(f"{line} 1.0".split() for line in lines)


class CheckerTests(SynchronousTestCase):
    """One client's history against a provider's."""

    def complaints(self, *lines: str, taken: dict[str, Taken] | None = None) -> list[str]:
        """What the checker says of one client."""
        return self.verdict(*lines, taken=taken).complaints

    def verdict(self, *lines: str, taken: dict[str, Taken] | None = None) -> Verdict:
        """All that it says."""
        return check([story(*lines)], PROVIDER if taken is None else taken)

    def wrong(self, what: str, *lines: str, taken: dict[str, Taken] | None = None) -> None:
        """It says just this."""
        (complaint,) = self.complaints(*lines, taken=taken)
        self.assertIn(what, complaint)

    def test_all_is_well(self) -> None:
        """An answer and its receipt, also when that comes twice."""
        lines = ["S 0 1 1", "A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1", f"R {ONE} c0 DELIVRD 2"]
        verdict = self.verdict(*lines)
        self.assertEqual(verdict.complaints, [])
        self.assertEqual(verdict.figures["repeated receipts"], 1)
        self.assertEqual((verdict.figures["submitted"], verdict.figures["accepted"]), (1, 1))

    def test_d1_a_lost_receipt(self) -> None:
        """P1, D1: OK, and nothing came."""
        self.wrong("1 accepted without a receipt", "S 0 1 1", "A 0 0 c0 1")

    def test_p1_no_provider_has_it(self) -> None:
        """OK for what nobody took."""
        self.wrong("at no provider", "A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1", taken={})

    def test_d7_somebody_elses_receipt(self) -> None:
        """Another client's number, or its id."""
        good = ["A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1"]
        self.wrong("somebody else's", *good, "R 46701100000000 c9 DELIVRD 1")
        other = story("A 0 0 d0 1", "R 46701100000000 d0 DELIVRD 1", name="wide", prefix="467011")
        thief = story(*good, f"R {ONE} d0 DELIVRD 1")
        taken = {**PROVIDER, "46701100000000": Taken(["p1"], ["north"])}
        found = check([thief, other], taken).complaints
        self.assertTrue(any("somebody else's" in each for each in found), found)

    def test_p6_an_id_that_was_not_given(self) -> None:
        """Wrong, unless the answer that would have given it was lost."""
        heard = "R 46701000000001 c1 DELIVRD 1"
        good = ["A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1"]
        taken = {**PROVIDER, "46701000000001": Taken(["p1"], ["north"])}
        self.wrong("not given", *good, "A 1 69 - 1", heard, taken=taken)
        self.assertEqual(self.complaints(*good, "L 1", heard, taken=taken), [])

    def test_answers_that_come_too_late_count(self) -> None:
        """What was given up and is answered after all is an ordinary message."""
        self.wrong("without a receipt", "L 0", "A 0 0 c0 1")

    def test_a_receipt_before_its_answer(self) -> None:
        """Wrong in one session; between two nobody can promise an order."""
        self.wrong("answered after", f"R {ONE} c0 DELIVRD 1", "A 0 0 c0 1")
        self.assertEqual(self.complaints(f"R {ONE} c0 DELIVRD 2", "A 0 0 c0 1"), [])

    def test_one_id_for_two(self) -> None:
        """Two messages under one id."""
        second = "46701000000001"
        lines = ["A 0 0 c0 1", "A 1 0 c0 1", f"R {ONE} c0 DELIVRD 1", f"R {second} c0 DELIVRD 1"]
        taken = {**PROVIDER, second: Taken(["p1"], ["north"])}
        self.wrong("given twice", *lines, taken=taken)

    def test_p4_a_third_copy(self) -> None:
        """Two copies are one too many at most; three are wrong."""
        lines = ["A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1"]
        two, three = Taken(["a", "b"], ["north"]), Taken(["a", "b", "c"], ["north", "south"])
        self.assertEqual(self.complaints(*lines, taken={ONE: two}), [])
        self.wrong("more than twice", *lines, taken={ONE: three})

    def test_p2_refused_and_sent(self) -> None:
        """0x08 says that no provider has it; a provider's own error, and 0xFF, do not."""
        good = ["A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1"]
        taken = {**PROVIDER, "46701000000001": Taken(["p1"], ["north"])}
        self.wrong("refused by the node", *good, "A 1 8 - 1", taken=taken)
        self.assertEqual(self.complaints(*good, "A 1 255 - 1", taken=taken), [])

    def test_nothing_was_tried(self) -> None:
        """An empty run proves nothing."""
        self.wrong("nothing was tried", "B 1 2775")

    def test_many_of_a_kind(self) -> None:
        """A few examples stand for many."""
        verdict = Verdict()
        verdict.blame("wrong", [f"example{number}" for number in range(9)])
        self.assertEqual(verdict.complaints[0].count("example"), 5)
        self.assertTrue(verdict.complaints[0].endswith("..."))


class HistoryTests(SynchronousTestCase):
    """Files on disk."""

    def test_what_is_written_is_read(self) -> None:
        """Lines are complete, and come in their order."""
        path = Path(self.mktemp())
        history = History(path)
        for number in range(1200):
            history.add("P", f"46{number}", f"id{number}", "a")
        history.add("D", "460", "id0", "DELIVRD")
        history.close()
        lines = list(lines_of(path))
        self.assertEqual((len(lines), lines[-1][:4]), (1201, ["D", "460", "id0", "DELIVRD"]))
        self.assertLessEqual(float(lines[0][-1]), float(lines[-1][-1]))

    def test_what_providers_took(self) -> None:
        """A second copy, at another provider."""
        paths = {}
        for name in ("north", "south"):
            paths[name] = Path(self.mktemp())
            history = History(paths[name])
            history.add("P", ONE, name[0], "a")
            history.close()
        taken = taken_by(paths)[ONE]
        self.assertEqual((taken.ids, taken.providers), (["n", "s"], ["north", "south"]))


class ReportTests(SynchronousTestCase):
    """What a run leaves behind."""

    def test_picture(self) -> None:
        """Well formed, with a bar for each fault, whatever it says of itself."""
        faults = [
            Happened("kill_node", "one", 1.0, 3.0),
            Happened("crash_host", "north.a", 2.0, 2.0, error="<&> not so"),
            Happened("kill_node", "two", 9.0),
        ]
        root = ElementTree.fromstring(picture(faults, [(0.0, 0), (5.0, 500), (10.0, 400)], 10.0))
        titles = [element.text or "" for element in root.iter() if element.tag.endswith("title")]
        self.assertEqual(len(titles), 3)
        self.assertTrue(any("<&> not so" in title for title in titles))

    def test_picture_of_nothing(self) -> None:
        """A run that ended before it began."""
        ElementTree.fromstring(picture([], [], 0.0))

    def test_rates(self) -> None:
        """Messages a second between samples; two samples at once say nothing."""
        self.assertEqual(rates([(0.0, 0), (5.0, 500), (5.0, 510), (7.0, 700)]),
                         [(5.0, 100.0), (7.0, 95.0)])

    def test_command_line(self) -> None:
        """Bounds and goals."""
        options = parse("--minutes 2 --seed 5 --kills 50 --messages 1000 --every 1 2".split())
        self.assertEqual((options.minutes, options.seed, options.kills), (2.0, 5, 50))
        self.assertEqual((options.messages, options.every), (1000, [1.0, 2.0]))
