"""show VIEW, the verbs, explain and replay, over real nodes."""

from __future__ import annotations

import json
import time
from typing import Any

import click
from rich.console import Console

from smppproxy.admin import cluster
from smppproxy.admin.catalogue import VIEWS
from smppproxy.cli import show
from smppproxy.cli.replay import MOMENT
from smppproxy.cli.tables import lasting, print_rows, table_of
from tests.cli.running import CommandCase, run
from tests.support.doors import asynchronous


class OperatorCase(CommandCase):
    """Two nodes, a provider with hosts a and b, an account."""

    def setUp(self) -> Any:
        """Both nodes, once each has its binds."""
        super().setUp()
        self.smsc = self.provider("a", "b")
        self.write_network(self.smsc, ("demo", "shop"))
        self.first, self.second = self.pair()
        return self.upstream_bound(self.first, self.second)


class ShowTests(OperatorCase):
    """smppproxy show VIEW."""

    @asynchronous
    async def test_every_view(self) -> None:
        """Each view is shown as a table and as one JSON array, with every row."""
        esme = self.client(self.first, count=5)
        await self.wait(lambda: esme.done, "traffic")
        for view in VIEWS:
            told = json.loads(await self.told(self.first, "show", view, "--json"))
            self.assertIsInstance(told, list, view)
            shown = await self.told(self.first, "show", view, "--wide")
            self.assertTrue(shown.strip(), view)
            if not told:
                self.assertEqual(shown, f"no {VIEWS[view].noun}\n")

    @asynchronous
    async def test_table(self) -> None:
        """One line per row, with the node where there are several; a name filters."""
        lines = (await self.told(self.first, "show", "binds", "acme/a")).splitlines()
        self.assertEqual(lines[0].split()[:3], ["node", "side", "name"])
        self.assertEqual([line.split()[:3] for line in lines[1:]], [
            ["n1", "provider", "acme/a/1"], ["n2", "provider", "acme/a/1"],
        ])  # fmt: skip
        lines = (await self.told(self.first, "show", "hosts", "--node", "n2")).splitlines()
        self.assertEqual(lines[0].split()[0], "host")
        self.assertEqual(len([line for line in lines if "127.0.0.1" in line]), 2)

    @asynchronous
    async def test_ledger(self) -> None:
        """The ledger stands upright, a column for each node and one for all of them."""
        lines = (await self.told(self.first, "show", "ledger")).splitlines()
        self.assertEqual(lines[0].split(), ["n1", "n2", "all"])
        self.assertIn(["submitted", "0", "0", "0"], [line.split() for line in lines])
        self.assertIn(["balanced", "yes", "yes", "yes"], [line.split() for line in lines])

    @asynchronous
    async def test_wrong_name(self) -> None:
        """What is not there is told with what is, exit status 1; a wrong option is status 2."""
        told = await self.told(self.first, "show", "accounts", "shp", code=1)
        self.assertIn('there is no account shp; did you mean "shop"?', told)
        await self.told(self.first, "show", "accounts", "--limit", "0", code=2)
        await self.told(self.first, "show", "acounts", code=2)

    @asynchronous
    async def test_notes(self) -> None:
        """Nodes that do not answer, and that there is more, are told beside the table."""
        told = await self.told(self.first, "show", "config", "--limit", "2")
        self.assertIn("there are more; --limit shows them", told)
        self.stores[0].go_away()
        told = await self.told(self.first, "show", "binds")
        self.assertIn("the store is away", told)
        self.stores[0].come_back()

    @asynchronous
    async def test_watch(self) -> None:
        """--watch shows it again and again until Ctrl-C, then ends well."""
        count: list[float] = []

        def sleep(seconds: float) -> None:
            count.append(seconds)
            if len(count) == 3:
                raise KeyboardInterrupt

        self.patch(time, "sleep", sleep)
        told = await self.told(self.first, "show", "nodes", "--watch=7")
        self.assertEqual((count, told.count("n1")), ([7.0] * 3, 3))
        count.clear()
        told = await self.told(self.first, "show", "nodes", "--json", "--watch")
        self.assertEqual(count, [2.0] * 3)

    @asynchronous
    async def test_watch_at_a_terminal(self) -> None:
        """At a terminal it stays in place, with the time and whom it asked."""
        def sleep(seconds: float) -> None:
            raise KeyboardInterrupt

        def terminal() -> Console:
            return Console(force_terminal=True, width=150)

        self.patch(time, "sleep", sleep)
        self.patch(show, "console", terminal)
        told = click.unstyle(await self.told(self.first, "show", "nodes", "--watch"))
        self.assertRegex(told, r"nodes at \d\d:\d\d:\d\d, asked n1; Ctrl-C ends")


class TableTests(CommandCase):
    """How values are written."""

    def test_lasting(self) -> None:
        """Times in their two largest units."""
        for seconds, text in (
            (0.04, "0.0s"), (59.94, "59.9s"), (61, "1m01s"), (3599, "59m59s"),
            (7500, "2h05m"), (273_600, "3d04h"),
        ):  # fmt: skip
            self.assertEqual(lasting(seconds), text)

    def test_colours(self) -> None:
        """States, flags and errors have colours at a terminal, and none where it is piped."""
        row = {column.name: "" for column in VIEWS["binds"].columns}
        rows = [
            {**row, "state": "bound", "admin": "up", "alarm": True, "for": 1.0},
            {**row, "state": "waiting", "admin": "drain", "alarm": False, "last_error": "gone"},
        ]
        table = table_of(VIEWS["binds"], rows, wide=True)
        console = Console(force_terminal=True, color_system="standard", width=200)
        with console.capture() as capture:
            console.print(table)
        text = capture.get()
        for code in ("32m", "33m", "1;31m"):
            self.assertIn(f"\x1b[{code}", text)

    def test_no_limit(self) -> None:
        """Where 0 is no limit, people read that, and programs 0."""
        rows = [{"of": "provider:acme", "binds": 2, "max_binds": 0, "tps": 0.0, "share": 0.0}]
        shown = []
        for plain in (False, True):
            console = Console(width=200)
            with console.capture() as capture:
                console.print(table_of(VIEWS["budgets"], rows, plain=plain))
            shown.append(capture.get())
        self.assertEqual([text.count("no limit") for text in shown], [2, 0])

    def test_states_of_messages(self) -> None:
        """What became of a message is green when it was delivered, red when it was not."""
        rows = [{"state": state} for state in ("DELIVRD", "UNDELIV", "ACCEPTD")]
        console = Console(force_terminal=True, color_system="standard", width=200)
        with console.capture() as capture:
            console.print(table_of(VIEWS["orphans"], rows))
        for code, state in (("32", "DELIVRD"), ("31", "UNDELIV"), ("33", "ACCEPTD")):
            self.assertIn(f"\x1b[{code}m{state}", capture.get())

    def test_narrow_terminal(self) -> None:
        """No word of a heading and no name is broken, however narrow the terminal; columns that
        have nothing to tell are left out there, and are there where it is piped."""
        row: dict[str, Any] = {column.name: 0 for column in VIEWS["hosts"].columns}
        row |= {"host": "acme/a", "address": "192.0.2.1:2775", "state": "up", "why": ""}
        for width in (40, 80, 200):
            console = Console(force_terminal=True, width=width)
            with console.capture() as capture:
                print_rows(console, table_of(VIEWS["hosts"], [row]))
            shown = click.unstyle(capture.get())
            for word in ("192.0.2.1:2775", "outstanding", "submitted", "receipts"):
                self.assertIn(word, shown)
            self.assertNotIn("why", shown)
        console = Console(width=200)
        with console.capture() as capture:
            print_rows(console, table_of(VIEWS["hosts"], [row], plain=True))
        self.assertIn("why", capture.get())


class VerbTests(OperatorCase):
    """smppproxy drain, isolate, resume, kick, reconnect."""

    @asynchronous
    async def test_isolate_and_resume(self) -> None:
        """One line for what was done: where, to what, from which state to which."""
        told = await self.told(self.first, "isolate", "acme/a")
        self.assertEqual(told, "all  acme/a  up -> isolate\n")
        told = await self.told(self.first, "isolate", "acme/a")
        self.assertEqual(told, "all  acme/a  isolate already\n")
        told = await self.told(self.first, "resume", "acme/a", "--json")
        self.assertEqual(json.loads(told)[0]["now"], "up")

    @asynchronous
    async def test_nodes(self) -> None:
        """What each node did is a line of its own; --node does it on one."""
        told = await self.told(self.first, "reconnect", "acme/a")
        self.assertEqual(told.splitlines(), [
            "n1  acme/a    1 bind made anew", "n2  acme/a    1 bind made anew",
        ])  # fmt: skip
        told = await self.told(self.first, "drain", "node:n2")
        self.assertEqual(told, "n2  node:n2  up -> drain\n")
        await self.told(self.first, "resume", "node:n2")

    @asynchronous
    async def test_nothing_to_do(self) -> None:
        """An account without sessions has none to kick."""
        told = await self.told(self.first, "kick", "account:demo")
        self.assertEqual(told, "nothing had to be done\n")

    @asynchronous
    async def test_notes(self) -> None:
        """Nodes that do not answer, and a store that is away, are told beside what was done."""
        await self.wait(lambda: len(self.stores[0]._world.nodes) == 2, "both known")
        self.patch(cluster, "WAIT", 0.2)
        self.stores[1]._world.hearers.pop(self.stores[1].bus.instance)
        told = await self.told(self.first, "reconnect", "acme/a")
        self.assertIn("node n2 does not answer: nothing is known of it", told)
        self.stores[0].go_away()
        told = await self.told(self.first, "kick", "account:demo")
        self.assertIn("the store is away", told)
        told = await self.told(self.first, "isolate", "acme", code=1)
        self.assertIn("the store has to be asked for this", told)
        self.stores[0].come_back()

    @asynchronous
    async def test_wrong(self) -> None:
        """What is not there is told with what is, exit status 1; no target is status 2."""
        told = await self.told(self.first, "drain", "amce", code=1)
        self.assertIn('there is no provider amce; did you mean "acme"?', told)
        await self.told(self.first, "drain", code=2)


class ExplainTests(OperatorCase):
    """smppproxy explain."""

    @asynchronous
    async def test_explained(self) -> None:
        """Routes, providers and the verdict, for people and as JSON."""
        told = await self.told(self.first, "explain", "demo", "4512345678", "--part")
        self.assertIn("demo to 4512345678, as node n1 sees it", told)
        self.assertRegex(told, r"0 +1 +all +yes +it has no conditions")
        self.assertRegex(told, r"=> +acme +ready")
        self.assertIn("=> goes to acme", told)
        told = await self.told(self.second, "explain", "demo", "45", "--json", "--node", "n1")
        self.assertEqual(json.loads(told)["chosen"], "acme")

    @asynchronous
    async def test_refused(self) -> None:
        """A message that goes nowhere is told with its command_status."""
        await self.told(self.first, "isolate", "acme")
        await self.told(self.first, "drain", "account:demo")
        told = await self.told(self.first, "explain", "demo", "4512345678")
        self.assertIn("=> refused: no provider reachable (ESME_RSYSERR)", told)
        self.assertIn("the account is drained", told)
        told = await self.told(self.first, "explain", "dmo", "45", code=1)
        self.assertIn('did you mean "demo"?', told)


class ReplayTests(OperatorCase):
    """smppproxy replay."""

    @asynchronous
    async def test_replay(self) -> None:
        """How many were looked at and what became of them."""
        told = await self.told(self.first, "replay", "orphans", "--since", "2h", "--dry-run")
        self.assertEqual(told, "0 of 0 orphans: would be: nothing to do\n")
        told = await self.told(self.first, "replay", "unrouted", "--json")
        self.assertEqual(json.loads(told)["selected"], 0)
        told = await self.told(self.first, "replay", "parked", "--force", code=1)
        self.assertIn("only a single receipt can be forced", told)

    @asynchronous
    async def test_wrong(self) -> None:
        """A provider or an entry that is nowhere is told with what there is, and so is a range
        that ends before it begins: nothing to do would be read as all is well."""
        for arguments, text in (
            (("--provider", "acm"), 'there is no provider acm; did you mean "acme"?'),
            (("--id", "17"), "nothing of orphans has the id 17"),
            (("--since", "1h", "--until", "2h"), "since is not before until"),
        ):
            told = await self.told(self.first, "replay", "orphans", *arguments, code=1)
            self.assertIn(text, told)
        told = await self.told(self.first, "replay", "orphans", "--provider", "acme")
        self.assertEqual(told, "0 of 0 orphans: nothing to do\n")

    def test_times(self) -> None:
        """A moment, or how long ago; anything else is exit status 2 with what to write."""
        for ago, seconds in (("90s", 90), ("30m", 1800), ("2h", 7200), ("3d", 259_200)):
            moment = MOMENT.convert(ago, None, None)
            expected = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - seconds))
            self.assertTrue(moment.startswith(expected[:-1]), (ago, moment))
        self.assertEqual(
            MOMENT.convert("2026-12-24T18:00:00", None, None), "2026-12-24T18:00:00+00:00"
        )
        result = run("replay", "orphans", "--since", "soon", "--admin", "/nowhere")
        self.assertEqual(result.exit_code, 2)
        self.assertIn("write 2026-12-24T18:00:00Z, or 2h", result.output)
        self.assertEqual(run("replay", "everything").exit_code, 2)
