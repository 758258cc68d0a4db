"""The table and its aims; and the measurements that take seconds, with few samples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.figures.__main__ import COMMANDS, MEASURES, parse, write
from tests.figures.measures import (
    Measure,
    grown,
    nobody_upstream,
    resets,
    store_restarts,
    usual_p99,
)
from tests.figures.rows import ROWS, Figure, Row, table, word
from tests.figures.stage import Stage
from tests.figures.stalls import ABOVE, beats
from tests.support.foremost import FOREMOST, may_be_foremost

ENOUGH = 20_000.0
"""ms that anything may take here: the machine may be slow and busy, `make figures` measures."""


class TableTests(SynchronousTestCase):
    """What is told of samples."""

    def figure(self, *samples: float, **aims: float) -> Figure:
        """With aims as ``p50=50``."""
        row = Row("a wait", "ms", {float(name[1:]) / 100: aim for name, aim in aims.items()})
        return Figure("rst", row, samples)

    def test_aims(self) -> None:
        """Kept when every share of the samples is; nothing is kept without samples."""
        self.assertTrue(self.figure(1, 2, 300, p50=2, p100=300).is_kept)
        self.assertFalse(self.figure(1, 2, 300, p50=2, p100=299).is_kept)
        self.assertFalse(self.figure(p50=2).is_kept)

    def test_table(self) -> None:
        """Figure, aim and command in one line; what is missed is said."""
        good, bad = self.figure(1, 2, 3, p50=5), self.figure(9, p50=5)
        head, kept, missed = table([good, bad], COMMANDS).splitlines()
        self.assertIn("command", head)
        self.assertRegex(kept, r"a wait +3 +p50 2 ms +p50 5 +make figures ONLY=rst")
        self.assertRegex(missed, r"p50 9 ms .*MISSED")

    def test_words(self) -> None:
        """Of shares."""
        self.assertEqual(["p50", "p99.9", "max"], [word(share) for share in (0.5, 0.999, 1.0)])

    def test_every_row_is_measured_once(self) -> None:
        """And has its command."""
        filled = [row for _, rows in MEASURES.values() for row in rows]
        self.assertEqual(sorted(ROWS), sorted(filled))
        self.assertEqual({*ROWS}, {*COMMANDS})

    def test_files(self) -> None:
        """A run of one measurement keeps what another one has found."""
        folder = Path(self.mktemp())
        write(folder, [self.figure(1, 2, p50=5)])
        write(folder, [Figure("down", ROWS["down"], [70.0])])
        known = json.loads((folder / "figures.json").read_text())
        self.assertEqual((True, False), (known["rst"]["kept"], known["down"]["kept"]))
        self.assertEqual([1, 2], json.loads((folder / "rst.json").read_text()))
        self.assertEqual(["rst"], parse(["--only", "rst"]).only)

    def test_what_has_grown(self) -> None:
        """All runs since, against the worst one before: its own bad moments are nobody's fault,
        those since are counted wherever they are.
        """
        calm, rough = [1.0] * 99 + [3.0], [1.0] * 98 + [8.0] * 2
        self.assertEqual(0.0, grown([calm, rough], [calm, rough, rough, rough]))
        self.assertEqual(5.0, grown([calm[:-1] + [3.0] * 2], [calm[1:], rough, rough, rough]))

    def test_usual_p99(self) -> None:
        """One bad moment is not what is usual; few samples are one part."""
        good = [1.0] * 98 + [2.0, 2.0]
        self.assertEqual(2.0, usual_p99(good * 15 + [90.0] * 500 + good * 20))
        self.assertEqual(90.0, usual_p99(good * 5 + [90.0] * 500 * 6))
        self.assertEqual(3.0, usual_p99([1.0, 3.0]))

    def test_beats(self) -> None:
        """Each as late as the bound of its bucket, over all lives."""
        lives = {
            1: {"0.05": 2.0, "0.2": 3.0, "+Inf": 3.0},
            2: {"0.05": 0.0, "0.2": 0.0, "+Inf": 1.0},
        }
        self.assertEqual([0.05, 0.05, 0.2, ABOVE], sorted(beats(lives)))


class ForemostTests(SynchronousTestCase):
    """Whose waiting for a processor is not measured."""

    def test_foremost(self) -> None:
        """A command runs in the scheduler's first class, where that is allowed; else as ever."""
        told = [sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"]
        usual = subprocess.run(told, capture_output=True, check=True)
        foremost = subprocess.run([*FOREMOST, *told], capture_output=True, check=True)
        wanted = b"%d\n" % os.SCHED_RR if may_be_foremost() else usual.stdout
        self.assertEqual(wanted, foremost.stdout)
        self.assertEqual(usual.stdout, b"%d\n" % os.sched_getscheduler(0))


class QuickTests(TestCase):
    """Real nodes, real sockets, a few samples each."""

    timeout = 240

    async def some(self, measure: Measure, share: float) -> None:
        """Every sample is there, and none is absurd."""
        stage = Stage()
        self.addCleanup(stage.ended)
        for name, samples in (await measure(stage, share)).items():
            self.assertTrue(samples, name)
            self.assertLess(max(samples), ENOUGH, name)

    async def test_f53_reset(self) -> None:
        """A host is reset under traffic; its messages have their OK from the other one."""
        await self.some(resets, 0.02)

    async def test_nobody_upstream(self) -> None:
        """Clients are told so."""
        await self.some(nobody_upstream, 0.05)

    async def test_f61_store_restart(self) -> None:
        """The store is killed and comes back."""
        await self.some(store_restarts, 0.05)
