"""The end-to-end bench works: a real node between lean simulators, and a table of what it did."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.simulator.load.result import GOOD
from smppproxy.simulator.load.run import Load
from tests.bench import end_to_end
from tests.bench.onlooker import PAGE, Onlooker
from tests.bench.rig import Rig, Setup


class EndToEndTests(SynchronousTestCase):
    """One small run of each kind of node; what it measures is nobody's promise."""

    timeout = 240

    def test_plain(self) -> None:
        """Everything comes back; node, store and provider are told apart; memory is seen."""
        rig = Rig()
        self.addCleanup(rig.stop)
        rig.start()
        self.assertGreater(rig.first_bind(), 0.0)
        rig.ready()
        pids = rig.pids()
        self.assertTrue(all(pids.values()), pids)
        onlooker = Onlooker(rig.door)
        onlooker.start()
        result = Load(rig.options(count=200), 1, pids).run()
        onlooker.stop()
        self.assertEqual((result.exit_status, result.faults()), (GOOD, {}))
        self.assertEqual(onlooker.trouble, "")
        # The hour twice, what the page shows, the metrics.
        self.assertGreaterEqual(onlooker.asked, len(PAGE) + 3)
        self.assertGreater(end_to_end.grown({"node": 0.0}, rig)["node"][1], 10.0)

    def test_compared(self) -> None:
        """The same cost for each message is twice as much on two cores, half of it half of the
        time; one figure says nothing."""
        results: dict[str, end_to_end.Figures] = {
            "saturated": {"cpu_us_per_message": {"node": 30.0, "log": 6.0}},
            "workers": {"cpu_us_per_message": {"node": 32.0, "log": 6.0}},
            "pure": {"cpu_us_per_message": {"node": 40.0, "log": 6.0}},
            "idle": {"kib": 5.0},
        }
        workers, pure = end_to_end.compared(results)
        self.assertIn("1.88 times", workers)
        self.assertIn("saves 25 %", pure)
        self.assertEqual([], end_to_end.compared({"workers": results["workers"]}))

    def test_tls(self) -> None:
        """TLS on both sides; the table has a line for it."""
        out = Path(self.mktemp())
        out.mkdir(parents=True)
        rig = Rig(Setup(tls=True))
        self.addCleanup(rig.stop)
        rig.start()
        rig.ready()
        result = Load(rig.options(count=100), 1, rig.pids()).run()
        self.assertEqual((result.exit_status, result.faults()), (GOOD, {}))
        self.patch(end_to_end, "OUT", out)
        figures = json.loads(json.dumps(end_to_end.told("tls", result)))
        self.assertTrue((out / "tls.svg").exists())
        others: dict[str, end_to_end.Figures]
        others = {"start": {"seconds": 1.0}, "idle": {"kib": 9.5}}
        table = end_to_end.table({"tls": figures, **others})
        self.assertIn("with TLS on both sides", table)
        self.assertIn("1.00 s", table)
        self.assertIn("9.5 KiB", table)
