"""Prometheus' own tool takes the metrics, the alerts and what the dashboard asks."""

from __future__ import annotations

from pathlib import Path
from shutil import which

import yaml
from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue

from tests.etc.composition import DOCKER
from tests.etc.monitoring import ALERTS, questions
from tests.support.doors import DoorCase, ask, asynchronous

UNIT_TESTS = Path(__file__).parent / "alerts.yml"


class PromtoolTests(DoorCase):
    """What promtool says."""

    timeout = 240

    def setUp(self) -> None:
        super().setUp()
        self.folder = self.network_file.parent.absolute()

    def promtool(self, *arguments: str, stdin: str = "") -> Deferred[tuple[bytes, bytes, int]]:
        """What it writes, and its exit status."""
        program = which("promtool")
        self.assertIsNotNone(program, "make interop-tools installs it")
        data = stdin.encode() if stdin else None
        return getProcessOutputAndValue(program, arguments, {}, stdinBytes=data)

    async def good(self, *arguments: str, stdin: str = "") -> None:
        """It has nothing to find fault with."""
        out, err, status = await self.promtool(*arguments, stdin=stdin)
        self.assertEqual((status, err), (0, b""), (out + err).decode())

    @asynchronous
    async def test_metrics(self) -> None:
        """It finds no fault with the names and texts of what a busy node tells."""
        smsc = self.provider("a", "b", errors={0x0B: 0.5}, undelivered=0.2)
        self.write_network(smsc, options="tps = 1000\n")
        node = self.with_socket()
        esme = self.client(node, count=40)
        await self.wait(lambda: esme.done and smsc.idle, "traffic")
        page = await ask(node, "metrics")
        await self.good("check", "metrics", stdin=page.body.decode())

    @asynchronous
    async def test_alerts(self) -> None:
        """They are well formed, fire on what they are for, and on nothing else."""
        await self.good("check", "rules", str(ALERTS))
        tests = self.folder / "alerts.yml"
        tests.write_text(f"rule_files: [{ALERTS.absolute()}]\n{UNIT_TESTS.read_text()}")
        await self.good("test", "rules", str(tests))

    @asynchronous
    async def test_composition(self) -> None:
        """It takes the settings of the Prometheus beside the nodes of compose.yaml."""
        await self.good("check", "config", "--syntax-only", str(DOCKER / "prometheus.yml"))

    @asynchronous
    async def test_the_unit_tests_find_faults(self) -> None:
        """A rule that fires on something else fails them."""
        rules = self.folder / "rules.yml"
        rules.write_text(ALERTS.read_text().replace("> 0.8 *", "> 0.9 *"))
        tests = self.folder / "alerts.yml"
        tests.write_text(f"rule_files: [{rules}]\n{UNIT_TESTS.read_text()}")
        _, err, status = await self.promtool("test", "rules", str(tests))
        self.assertEqual((status, b"SmppproxyQueueNearlyFull" in err), (1, True))

    @asynchronous
    async def test_dashboard(self) -> None:
        """Each question of the dashboard is PromQL."""
        exprs = [expr for _, expr in questions() if not expr.startswith("label_values(")]
        rules = [{"record": f"question:{at}", "expr": expr} for at, expr in enumerate(exprs)]
        path = self.folder / "questions.yml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "questions", "rules": rules}]}))
        await self.good("check", "rules", str(path))
