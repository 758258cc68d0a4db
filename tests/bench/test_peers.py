"""The comparison with others: what is reckoned from rounds, and everything beside the peers."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.bench.peers import __main__ as command
from tests.bench.peers import packages
from tests.bench.peers.http_load import messages
from tests.bench.peers.jasmin import commands, configuration
from tests.bench.peers.ours import Ours
from tests.bench.peers.picture import bars, draw
from tests.bench.peers.reckoning import (
    Comparison,
    Round,
    microseconds,
    milliseconds,
    rows,
    table,
)
from tests.bench.peers.system import Dose, System, Unavailable


def measured(name: str, done: int, used: float, **more: Any) -> Round:
    """A round of two seconds."""
    quantiles = {"p50": 10.0, "p99": 20.0}
    values: dict[str, Any] = {
        "accepted": done, "submitted": done, "response_ms": quantiles, "receipt_ms": quantiles,
        **more,
    }  # fmt: skip
    cpu = {"node": used / 2, "store": used / 2, "provider": 9.0, "load": 9.0}
    return Round(name, seconds=2.0, done=done, cpu=cpu, **values)


def compared(name: str, *pairs: tuple[Round, Round]) -> Comparison:
    """A peer, beside us."""
    return Comparison(name, f"the {name}", {name: "1.0"}, "as it comes", pairs)


class ReckoningTests(SynchronousTestCase):
    """Ratios, losses, the table."""

    def test_what_counts(self) -> None:
        """All of its own processes count, those of load and provider do not."""
        found = measured("x", 1000, 0.5)
        self.assertEqual((found.used, found.per_cpu_second, found.rate), (0.5, 2000.0, 500.0))
        self.assertEqual(found.by_process(), {"node": 250.0, "store": 250.0})
        self.assertEqual(found.told()["cpu_us_per_message"], found.by_process())
        self.assertEqual(microseconds([found]), "node 250 + store 250 us for a full cycle")

    def test_what_did_not_come_is_lost(self) -> None:
        """An OK without its receipt is no full cycle."""
        found = measured("x", 600, 0.5, accepted=1000)
        self.assertEqual((found.lost, found.rate, found.per_cpu_second), (400, 300.0, 1200.0))

    def test_ratio_is_of_neighbours(self) -> None:
        """The middle one of the ratios of pairs: a busy minute spoils one pair, not the result."""
        pairs = [
            (measured("us", 4000, 1.0), measured("x", 1000, 1.0)),
            (measured("us", 1000, 1.0), measured("x", 250, 1.0)),
            (measured("us", 4000, 1.0), measured("x", 400, 1.0)),
        ]
        self.assertEqual(compared("x", *pairs).times, 4.0)

    def test_nothing_finished_is_no_ratio(self) -> None:
        """A peer that finished nothing is shown as such, not divided by."""
        lost = measured("x", 0, 1.0, accepted=50, response_ms={}, receipt_ms={})
        comparison = compared("x", (measured("us", 4000, 1.0), lost))
        self.assertIsNone(comparison.times)
        self.assertIsNone(comparison.told()["times_per_cpu_second"])
        self.assertIsNone(compared("x").times)
        self.assertEqual(rows([comparison])[1][4:], ("-", "-", "-", "all"))
        self.assertEqual((lost.by_process(), microseconds([lost])), ({}, ""))

    def test_table(self) -> None:
        """Us over all rounds, then each peer with our figure between its own; nothing without."""
        losing = measured("y", 90, 1.0, accepted=100)
        found = rows([
            compared("x", (measured("us", 4000, 1.0), measured("x", 1000, 1.0))),
            compared("y", (measured("us", 2000, 1.0), losing)),
            compared("z"),
        ])  # fmt: skip
        self.assertEqual(found[0][:4], ("smppproxy", "1,500/s", "3,000", ""))
        self.assertEqual(found[1][:5], ("the x", "500/s", "1,000", "4,000", "4.0 times"))
        self.assertEqual(found[2][-1], "10 of 100")
        self.assertEqual(milliseconds([losing], "response_ms"), "10 / 20")
        self.assertEqual(table([compared("z")]), "")
        text = table([compared("x", (measured("us", 4000, 1.0), measured("x", 1000, 1.0)))])
        self.assertEqual(len({len(line) for line in text.splitlines() if line[0] == "="}), 1)

    def test_picture(self) -> None:
        """A bar for each that finished something, a name for everybody."""
        lost = measured("y", 0, 1.0, accepted=50)
        pairs = [measured("us", 4000, 1.0), measured("x", 1000, 1.0)]
        svg = draw("<all>", [compared("x", (pairs[0], pairs[1])), compared("y", (pairs[0], lost))])
        HTMLParser().feed(svg)
        self.assertIn("&lt;all&gt;", svg)
        self.assertEqual((svg.count("<rect"), svg.count("the y")), (6, 2))
        self.assertIn('width="0.0"', svg)
        self.assertIn("nobody", "".join(bars("nobody", [])))


class PartsTests(SynchronousTestCase):
    """What peers are told, and what they say."""

    def test_http(self) -> None:
        """Whole messages only, several in a read, with bodies or without."""
        one = b"HTTP/1.1 202 Accepted\r\ncontent-length: 3\r\n\r\nabc"
        two = b"GET /7 HTTP/1.1\r\nHost: x\r\n\r\n"
        self.assertEqual(messages(one + two + one[:-1]), (
            [b"HTTP/1.1 202 Accepted", b"GET /7 HTTP/1.1"], one[:-1],
        ))  # fmt: skip

    def test_jasmin_is_told_of_each_bind(self) -> None:
        """Two binds to each host, all of them in one route; every log is quiet."""
        told = commands([7001, 7002])
        binds = [line.removeprefix("cid ") for line in told if line.startswith("cid ")]
        self.assertEqual(len(binds), 4)
        route = next(line for line in told if line.startswith("connectors"))
        self.assertTrue(all(f"smppc({name})" in route for name in binds))
        ports = dict.fromkeys(("smpp", "smpp_pb", "clients", "router", "amqp", "redis", "jcli"), 1)
        text = configuration(folder="/f", spec="/s", **ports)
        self.assertEqual(text.count("[dlr]\nlog_level = WARNING\n"), 1)
        self.assertEqual(text.count("port = 1\n"), 7)

    def test_a_script_moves_with_its_tree(self) -> None:
        """Whichever way it names the folder that it was built for; once is enough."""
        script = Path(self.mktemp())
        script.write_text('A=/usr/lib/x\nB="/usr/lib/x"\nC=/usr/lib/xy\n')
        for _ in range(2):
            packages.relocated(script, "/usr/lib/x", Path("/r"))
        self.assertEqual(script.read_text(), 'A="/r/usr/lib/x"\nB="/r/usr/lib/x"\nC=/usr/lib/xy\n')

    def test_what_cannot_be_had_is_told(self) -> None:
        """A package that no archive has: its last words."""
        self.patch(packages, "CACHE", Path(self.mktemp()))
        self.patch(packages, "APT", ("sh", "-c", "echo no such thing; exit 3"))
        error = self.assertRaises(Unavailable, packages.debian, "x", ["x"])
        self.assertIn("no such thing", str(error))


class Missing(System):
    """A peer that is nowhere to be had."""

    name = what = "missing"

    def start(self) -> None:
        """Never."""
        raise Unavailable("nobody has it")

    def stop(self) -> None:
        """Nothing was started."""


class RunTests(SynchronousTestCase):
    """One run, from its command line to its files."""

    timeout = 240

    def test_ours_beside_ours(self) -> None:
        """The smallest round, with ourselves as the peer: figures and files say all of it."""
        out = Path(self.mktemp())
        self.patch(command, "PEERS", {"same": Ours, "missing": Missing})
        self.patch(command, "WARM_UP", Dose(seconds=1.0, count=20))
        self.patch(Ours, "count", 200)
        code = command.main(["--rounds", "1", "--seconds", "20", "--out", str(out)])
        self.assertEqual(code, 0)
        told = json.loads((out / "peers.json").read_text())
        self.assertEqual(told["not_available"], {"missing": "nobody has it"})
        [same] = told["peers"].values()
        for side in ("ours", "theirs"):
            [found] = same[side]
            self.assertEqual((found["done"], found["lost"], found["faults"]), (200, 0, {}))
            self.assertEqual({*found["cpu_us_per_message"]}, {"node", "log", "store"})
        self.assertIn("<svg", (out / "peers.svg").read_text())

    def test_a_peer_that_is_needed(self) -> None:
        """Is what the exit status is about."""
        self.patch(command, "PEERS", {"missing": Missing})
        out = str(Path(self.mktemp()))
        self.assertEqual(command.main(["--need", "missing", "--out", out]), 1)
