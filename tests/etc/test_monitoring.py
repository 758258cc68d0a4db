"""The alerts and the dashboard ask for what nodes tell, and say what to do."""

from __future__ import annotations

import re
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.cli import main
from tests.etc.monitoring import asked, dashboard, grouped, groups, questions, rules, series

PAINS = {
    "SmppproxyBindDown", "SmppproxyCredentialsRefused", "SmppproxyLedgerOutOfBalance",
    "SmppproxyMessageLogLost", "SmppproxyParkedGrows", "SmppproxyProviderThrottles",
    "SmppproxyQuarantine", "SmppproxyQueueNearlyFull", "SmppproxyReactorStalls",
    "SmppproxyReceiptsWait", "SmppproxyStoreAway", "SmppproxyVersionRefused",
}  # fmt: skip


class AskedTests(SynchronousTestCase):
    """Every name in an expression."""

    def check(self, where: str, expr: str) -> None:
        """Series, and labels that they have."""
        known = series()
        labels: set[str] = set()
        for name, chosen in asked(expr):
            self.assertIn(name, known, where)
            self.assertTrue(chosen <= known[name], f"{where}: {name} has no {chosen}")
            labels |= known[name]
        if "smppproxy:" not in expr:
            self.assertTrue(grouped(expr) <= labels, f"{where}: {grouped(expr) - labels}")

    def test_the_check(self) -> None:
        """It finds names, the labels that choose, and those that group."""
        expr = 'sum by (a, b) (rate(smppproxy_x{c="1", d!~"2|3"}[5m])) > up * on () process_y'
        self.assertEqual(
            [*asked(expr)], [("smppproxy_x", {"c", "d"}), ("up", set()), ("process_y", set())]
        )
        self.assertEqual(grouped(expr), {"a", "b"})
        with self.assertRaises(self.failureException):
            self.check("wrong", expr)

    def test_alerts(self) -> None:
        """Alerts and recording rules ask for series that there are, by labels that these have."""
        for rule in rules():
            self.check(rule.get("alert") or rule["record"], rule["expr"])

    def test_dashboard(self) -> None:
        """So does each panel, variable and annotation of the dashboard."""
        for title, expr in questions():
            self.check(title, expr)

    def test_recorded(self) -> None:
        """A recorded series that is asked for is one that a rule records."""
        recorded = {rule["record"] for rule in rules() if "record" in rule}
        exprs = [rule["expr"] for rule in rules()] + [expr for _, expr in questions()]
        wanted = {name for expr in exprs for name in re.findall(r"smppproxy:\w+", expr)}
        self.assertEqual(wanted, recorded)


class AlertTests(SynchronousTestCase):
    """etc/prometheus/alerts.yml."""

    def test_pains(self) -> None:
        """There is one for each pain that operators have; no name is there twice."""
        names = [rule["alert"] for rule in rules() if "alert" in rule]
        self.assertEqual(PAINS - {*names}, set())
        self.assertEqual(len(names), len({*names}))
        titles = [group["name"] for group in groups()]
        self.assertEqual(len(titles), len({*titles}))

    def test_what_to_do(self) -> None:
        """Each has a severity, a summary, and a runbook whose commands there are."""
        for rule in rules():
            if "alert" not in rule:
                continue
            name = rule["alert"]
            self.assertIn(rule["labels"]["severity"], ("page", "ticket"), name)
            self.assertEqual({*rule["annotations"]}, {"summary", "runbook"}, name)
            runbook = rule["annotations"]["runbook"]
            self.assertRegex(runbook, r"^[A-Z\"].{60,}[.]$", name)
            for command in re.findall(r'"smppproxy ([a-z]+)', runbook):
                self.assertIn(command, main.commands, name)

    def test_views(self) -> None:
        """What a runbook lets `smppproxy show` and `smppproxy replay` do, they do."""
        show: Any = main.commands["show"]
        replay: Any = main.commands["replay"]
        choices = {"show": {*show.commands}, "replay": {*replay.params[0].type.choices}}
        for rule in rules():
            runbook = rule.get("annotations", {}).get("runbook", "")
            for command, which in re.findall(r'"smppproxy (show|replay) ([a-z]+)', runbook):
                self.assertIn(which, choices[command], rule["alert"])


class DashboardTests(SynchronousTestCase):
    """etc/grafana/smppproxy.json."""

    def test_panels(self) -> None:
        """Each has a title and a number of its own, lies on the grid, and on no other panel."""
        panels = dashboard()["panels"]
        self.assertEqual(len(panels), len({panel["id"] for panel in panels}))
        taken: set[tuple[int, int]] = set()
        for panel in panels:
            at = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            self.assertTrue(panel["title"] and at["x"] + at["w"] <= 24, panel["title"])
            self.assertFalse(taken & cells, panel["title"])
            taken |= cells

    def test_what_is_on_it(self) -> None:
        """A row for each room of the operator's day, and heat maps of what takes time."""
        panels = dashboard()["panels"]
        rows = [panel["title"] for panel in panels if panel["type"] == "row"]
        self.assertEqual(
            rows,
            ["At a glance", "Traffic", "Latency", "Binds and windows", "Queues", "Store and bus",
             "Nodes", "Ledger", "Network versions"],
        )  # fmt: skip
        heat = [panel["title"] for panel in panels if panel["type"] == "heatmap"]
        self.assertEqual(len(heat), 4)

    def test_any_prometheus(self) -> None:
        """It names no data source of ours: whoever loads it chooses one."""
        for panel in dashboard()["panels"]:
            for asker in (panel, *panel.get("targets", ())):
                if panel["type"] != "row":
                    self.assertEqual(asker["datasource"]["uid"], "${datasource}", panel["title"])
