"""The judges of a soak, and a short one from its first process to its report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from tests.soak.__main__ import parse
from tests.soak.growth import MOST_POINTS, Grown, Sample, grown, slope, thinned
from tests.soak.picture import picture


def samples(hours: float, rss: float = 0.0, fds: float = 0.0, timers: float = 0.0) -> list[Sample]:
    """A node that grows so much an hour, with jumps up and down and one spike."""
    random = Random(1)
    seconds = hours * 3600
    found = [
        Sample(
            at,
            80 + rss * at / 3600 + random.uniform(-0.2, 0.2),
            20 + fds * at / 3600 + random.choice((0, 0, 1)),
            10 + timers * at / 3600 + random.choice((0, 1, 2)),
            random.choice((0, 5, 9)),
            0,
        )
        for at in range(0, int(seconds), 5)
    ]
    found[len(found) // 2].rss += 40
    return found


class GrowthTests(SynchronousTestCase):
    """What a slope is, and what is too much."""

    def complaints(self, hours: float = 1.0, noise: float = 1.0, **an_hour: Any) -> list[str]:
        """What is said of such a node."""
        return grown(samples(hours, **an_hour), 60.0).complaints(noise)

    def test_nothing_grows(self) -> None:
        """Jumps and a spike are no growth."""
        self.assertEqual([], self.complaints())
        self.assertEqual([], self.complaints(0.2))

    def test_a_leak(self) -> None:
        """Beyond 1 MiB an hour; a short run cannot tell what is below its noise."""
        self.assertIn("memory grows by 1.5", self.complaints(2.0, rss=1.5)[0])
        self.assertEqual([], self.complaints(2.0, rss=0.6))
        self.assertEqual([], self.complaints(0.2, rss=3.0))
        self.assertIn("memory grows by 19.", self.complaints(0.2, rss=20.0)[0])

    def test_descriptors_and_timers(self) -> None:
        """A few may be on their way, more are a leak."""
        self.assertEqual([], self.complaints(fds=2.0, timers=3.0))
        self.assertIn("descriptors grow", self.complaints(fds=10.0)[0])
        self.assertIn("timers grow", self.complaints(timers=10.0)[0])

    def test_what_objects_hold(self) -> None:
        """Pieces of memory are counted for themselves: of a short run a few thousand."""
        told = samples(0.2)
        for each in told:
            each.blocks = 400_000 + 9.0 * each.at
        (complaint,) = grown(told, 60.0).complaints(1.0, 1_000.0)
        self.assertIn("objects grow by 32400 pieces", complaint)
        self.assertEqual([], grown(told, 60.0).complaints(1.0, 7_000.0))

    def test_a_moment_tells_nothing(self) -> None:
        """Within a minute somebody who comes back looks like growth."""
        self.assertEqual([], self.complaints(0.03, rss=900.0, fds=900.0))

    def test_what_comes_before_a_node_is_warm(self) -> None:
        """Is not looked at; a run that ended before has nothing to say."""
        cold = [Sample(at, 0.5 * at, 20, 10, 900, 0) for at in range(0, 60, 5)]
        found = grown(cold + [Sample(at, 30, 20, 10, 7, 0) for at in range(60, 900, 5)], 60.0)
        self.assertEqual((0.0, 7), (found.rss, found.most_queued))
        self.assertEqual(Grown(0.0, 0.0, 0.0, 0.0, 0.0), grown(cold, 60.0))

    def test_many_points(self) -> None:
        """Hours of samples are thinned before all pairs are looked at."""
        points = [(float(at), at / 10) for at in range(10_000)]
        self.assertLessEqual(len(thinned(points)), MOST_POINTS)
        self.assertAlmostEqual(0.1, slope(points))
        self.assertEqual(0.0, slope([]))


class ReportTests(SynchronousTestCase):
    """What a run leaves behind."""

    def test_picture(self) -> None:
        """A curve of everything for each node."""
        svg = ElementTree.fromstring(picture({"one": samples(0.1), "two": samples(0.1)}, 60.0))
        curves = [each for each in svg.iter() if each.tag.endswith("polyline")]
        self.assertEqual(10, len(curves))
        ElementTree.fromstring(picture({"one": []}, 0.0))

    def test_options(self) -> None:
        """Ten minutes unless something else is said."""
        self.assertEqual((10.0, 0.0), (parse([]).minutes, parse([]).hours))
        self.assertEqual(8.0, parse(["--hours", "8"]).hours)
        self.assertTrue(parse(["--small"]).small)


class RunTests(SynchronousTestCase):
    """All processes for some seconds."""

    timeout = 400

    def command(self, minutes: str) -> tuple[list[str], Path]:
        """One that fills nothing, and the folder of its report."""
        folder = Path(self.mktemp()).absolute()
        command = [sys.executable, "-m", "tests.soak", "--minutes", minutes, "--every", "2"]
        command += ["--rate", "50", "--fill", "0", "--noise", "100", "--folder", str(folder)]
        return command, folder

    def test_interrupted(self) -> None:
        """^C at a terminal, which all its processes get: it ends well, and reports what it saw."""
        command, folder = self.command("60")
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        ) as soak:  # fmt: skip
            assert soak.stdout is not None
            line = soak.stdout.readline()
            self.assertIn("receipted", line)
            os.killpg(soak.pid, signal.SIGINT)
            told, _ = soak.communicate(timeout=380)
        self.assertEqual(0, soak.returncode, told)
        report = json.loads((folder / "report.json").read_text())
        self.assertEqual({"one", "two"}, {*report["samples"]})

    def test_a_short_run(self) -> None:
        """Traffic and disturbances; every promise is kept, and the report has what was seen."""
        command, folder = self.command("0.15")
        command.append("--small")
        record = folder.parent / "record"
        done = subprocess.run(
            [*command, "--record", str(record)], capture_output=True, text=True, timeout=380
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        report = json.loads((folder / "report.json").read_text())
        self.assertGreater(report["receipts"], 100)
        self.assertTrue(report["disturbed"])
        self.assertEqual({"one", "two"}, {*report["samples"]})
        self.assertIn("<svg", (folder / "soak.svg").read_text())
        self.assertEqual("1 0 0\n", record.read_text())
