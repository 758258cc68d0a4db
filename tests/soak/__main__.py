"""``python -m tests.soak``: see the package.

Exit status 0: nothing grows and every promise was kept; 1: not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater

from smppproxy.relay.messages import UNHEARD_FOR
from smppproxy.smpp.window import REMEMBERED
from smppproxy.wire.authentication import REMEMBER
from tests.chaos.checker import ClientStory, check, taken_by
from tests.chaos.events import lines_of
from tests.chaos.world import CLIENTS, NODES, World
from tests.scenarios.world import Node
from tests.soak.growth import Sample, grown
from tests.soak.picture import picture
from tests.support.processes import reactor, until

FOLDER = Path("build/soak")
LOOK = 5.0
"""Seconds between two looks at the nodes."""
PEACE = 240.0
"""Seconds that everything may take to come to its end."""
FILLING = 600.0
"""Submits a second while the nodes are filled with what they remember of messages."""
SETTLED = max(REMEMBERED, REMEMBER, UNHEARD_FOR)
"""Seconds at the steady rate after which a node is warm: what it remembers of a submit that was not
answered, of a password, of a message that nobody heard of again, it has forgotten once. The last
messages (10,000) and the charts (7 KiB for each series, when it first has a number) are full."""
SMALL = (sys.executable, "-m", "tests.soak.small")
WARM_SHARE = 0.5
"""Of a run, at most, and with nothing to fill."""
BLOCKS = "smppproxy_memory_blocks"
LAG = "smppproxy_reactor_lag_seconds_bucket"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--hours", type=float, default=0.0, help="instead of minutes")
    parser.add_argument("--rate", type=float, default=100.0, help="submits a second")
    parser.add_argument("--fill", type=int, default=60_000,
                        help="messages that fill what nodes remember, before the steady rate")
    parser.add_argument("--seed", type=int, default=1, help="chooses who is disturbed when")
    parser.add_argument("--every", type=float, default=7.0, help="seconds between disturbances")
    parser.add_argument("--noise", type=float, default=1.0,
                        help="MiB that the memory may grow by however short the run is")
    parser.add_argument("--noise-blocks", type=float, default=100_000.0,
                        help="the same of pieces of memory that objects hold, which come and go"
                        " with what a node remembers of tens of thousands of messages")
    parser.add_argument("--small", action="store_true",
                        help="the nodes remember few messages, and are warm without being filled")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--record", type=Path, help="file for a line PASSED FAILED SKIPPED")
    return parser.parse_args(arguments)


def look(node: Node, at: float) -> tuple[Sample, dict[str, float]]:
    """One node now; and how many of its beats were at most so late, by bucket."""
    process = Path(f"/proc/{node.process.transport.pid}")
    memory = float((process / "status").read_text().partition("VmRSS:")[2].split()[0])
    values: dict[str, float] = {}
    late: dict[str, float] = {}
    for family in text_string_to_metric_families(node.read("metrics")):
        for each in family.samples:
            values.setdefault(each.name, each.value)
            if each.name == LAG:
                late[each.labels["le"]] = each.value
    told = {name: values[f"smppproxy_{name}"] for name in ("queued", "in_flight")}
    timers = values["smppproxy_reactor_timers"]
    fds = len([*(process / "fd").iterdir()])
    return Sample(at, memory / 1024, fds, timers, **told, blocks=values[BLOCKS]), late


class Soak:
    """One run."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.seconds: float = options.hours * 3600 or options.minutes * 60
        self.warm = WARM_SHARE * self.seconds
        self.folder: Path = options.folder.resolve()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        before = SMALL if options.small else ()
        self.world = World(self.folder, options.seed, options.rate, before)
        self.random = Random(options.seed)
        self.samples: dict[str, list[Sample]] = {name: [] for name in NODES}
        self.late: dict[str, dict[str, float]] = {}
        self.disturbed: dict[str, int] = {}
        self.trouble: list[str] = []
        self.began = 0.0

    @property
    def is_told_to_end(self) -> bool:
        """Whether somebody has had enough (SIGINT)."""
        return signal.SIGINT in signal.sigpending()

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return float(reactor.seconds() - self.began)

    async def run(self) -> dict[str, Any]:
        """Begin, live, end, compare; the report."""
        looking = LoopingCall(self.look)
        try:
            await self.world.start()
            self.began = reactor.seconds()
            looking.start(LOOK)
            await self.fill()
            while self.now < self.seconds and not self.is_told_to_end:
                pause = self.random.uniform(0.5, 1.5) * self.options.every
                await deferLater(reactor, min(pause, self.seconds - self.now), lambda: None)
                await self.disturb()
            looking.stop()
            await self.peace()
        except AssertionError as error:
            self.trouble.append(str(error))
        finally:
            if looking.running:
                looking.stop()
            await self.world.end()
        return self.judge()

    async def fill(self) -> None:
        """Nodes remember their last messages: let there be so many of them, quickly."""
        goal, end = self.options.fill, self.warm / 2
        if not goal:
            return
        clients = self.world.clients
        clients.order("rate", rate=FILLING)
        while self.now < end and clients.sums.get("receipted", 0) < goal:
            await deferLater(reactor, 0.5, lambda: None)
        clients.order("rate", rate=self.options.rate)
        self.warm = min(self.warm, self.now + SETTLED)

    async def disturb(self) -> None:
        """Somebody goes and comes back."""
        world, random = self.world, self.random
        kind = random.choice(("drop", "drop", "leave", "leave", "reset", "unbind", "crash"))
        self.disturbed[kind] = self.disturbed.get(kind, 0) + 1
        if kind in ("drop", "leave"):
            world.clients.order(kind, number=random.randrange(len(CLIENTS)))
            return
        provider = random.choice([*world.providers.values()])
        host = random.choice("ab")
        provider.order(kind, host=host)
        if kind == "crash":
            await provider.expect("crashed")
            provider.order("restore", host=host)

    def look(self) -> None:
        """A sample of each node, and a line of progress."""
        now: list[Sample] = []
        for name, node in zip(NODES, self.world.nodes, strict=True):
            sample, self.late[name] = look(node, self.now)
            self.samples[name].append(sample)
            now.append(sample)
            del node.process.story[:-5000], node.process.events[:-1000]
        # One node queues what another one delivers: only their sum says something.
        queued = sum(sample.queued for sample in now)
        for sample in now:
            sample.queued = queued
        last = {name: told[-1] for name, told in self.samples.items()}
        nodes = "  ".join(
            f"{name}: {each.rss:6.1f} MiB {each.fds:3.0f} fds {each.timers:4.0f} timers"
            for name, each in last.items()
        )
        sums = self.world.clients.sums
        print(
            f"soak {self.now:6.0f} of {self.seconds:.0f} s  receipted {sums.get('receipted', 0):8}"
            f"  pending {sums.get('pending', 0):5}  {nodes}",
            flush=True,
        )

    async def peace(self) -> None:
        """No more submits; everything comes home."""
        world = self.world
        for provider in world.providers.values():
            provider.order("still")
        await until(world.is_bound_upstream)
        await until(world.is_bound)
        world.clients.order("quit")
        await until(world.is_quiet, PEACE)
        await until(lambda: not world.queued())
        self.trouble += [
            f"ledger of {row['node']}: {row['imbalance']}"
            for row in world.ledgers() if not row["balanced"] and row["node"] != "all"
        ]

    def judge(self) -> dict[str, Any]:
        """Look at the samples, compare the histories, write the report."""
        stories = [
            ClientStory(name, str(CLIENTS[name]["prefix"])).read(lines_of(path))
            for name, path in self.world.histories().items() if path.exists()
        ]
        taken = taken_by({name: self.folder / name for name in self.world.providers})
        verdict = check(stories, taken)
        complaints = [*verdict.complaints, *self.trouble]
        growth = {name: grown(told, self.warm) for name, told in self.samples.items()}
        for name, one in growth.items():
            found = one.complaints(self.options.noise, self.options.noise_blocks)
            complaints += [f"{name}: {each}" for each in found]
        report = {
            "complaints": complaints,
            "seconds": self.seconds,
            "warm": self.warm,
            "rate": self.options.rate,
            "disturbed": self.disturbed,
            **verdict.figures,
            "an_hour": {name: attrs.asdict(one) for name, one in growth.items()},
            "beats_late_at_most": self.late,
        }
        text = {**report, "samples": {n: [attrs.astuple(s) for s in told]
                                      for n, told in self.samples.items()}}
        (self.folder / "report.json").write_text(json.dumps(text) + "\n")
        (self.folder / "soak.svg").write_text(picture(self.samples, self.warm))
        return report


def main(arguments: Sequence[str]) -> int:
    """Run it; returns the exit status."""
    options = parse(arguments)
    soak = Soak(options)
    found: list[dict[str, Any]] = []

    # A terminal's ^C goes to the nodes and the store as well, and what is blocked here is blocked
    # in every process that is started: they go on, and this one sees sooner or later that it came.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

    def begin() -> None:
        done = Deferred.fromCoroutine(soak.run())
        done.addCallback(found.append)
        done.addErrback(lambda failure: print(failure.getTraceback()))
        done.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()
    for report in found:
        print(json.dumps({name: told for name, told in report.items() if name != "complaints"}))
        for complaint in report["complaints"]:
            print(f"BROKEN (seed {options.seed}): {complaint}")
    code = int(not found or bool(found[0]["complaints"]))
    if options.record:
        options.record.parent.mkdir(parents=True, exist_ok=True)
        options.record.write_text(f"{1 - code} {code} 0\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
