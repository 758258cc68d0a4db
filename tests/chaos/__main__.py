"""``python -m tests.chaos``: see the package.

Exit status 0: every promise was kept and the goals were reached; 1: not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from tests.chaos.checker import ClientStory, Verdict, check, taken_by
from tests.chaos.events import lines_of
from tests.chaos.faults import EVERY, Nemesis
from tests.chaos.report import picture
from tests.chaos.world import CLIENTS, World
from tests.support.processes import reactor, until

FOLDER = Path("build/chaos")
PEACE = 240.0
"""Seconds that everything may take to come to its end once all is healed."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--minutes", type=float, default=3.0, help="of harm, at most")
    parser.add_argument("--seed", type=int, default=1, help="chooses the faults")
    parser.add_argument("--kills", type=int, default=0, help="goal: SIGKILLs of nodes and store")
    parser.add_argument("--messages", type=int, default=0, help="goal: messages with a receipt")
    parser.add_argument("--rate", type=float, default=300.0, help="submits a second")
    parser.add_argument("--every", type=float, nargs=2, default=EVERY, metavar="SECONDS",
                        help="least and most between two faults")
    parser.add_argument("--only", default="", metavar="FAULT", help="as kill_node")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    return parser.parse_args(arguments)


class Run:
    """One run, from its first process to its verdict."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.folder: Path = options.folder.resolve()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.world = World(self.folder, options.seed, options.rate)
        self.samples: list[tuple[float, int]] = []
        self.trouble: list[str] = []
        self.nemesis: Nemesis | None = None

    async def run(self) -> Verdict:
        """Begin, rage, heal, drain, compare."""
        world, options = self.world, self.options
        ledgers: list[dict[str, Any]] = []
        watching = LoopingCall(self.watch)
        try:
            await world.start()
            nemesis = self.nemesis = Nemesis(
                world, options.seed, tuple(options.every), options.only
            )
            watching.start(5.0)
            await nemesis.rage(self.is_enough)
            await self.peace()
            ledgers = world.ledgers()
            self.trouble += [
                f"ledger of {row['node']}: {row['imbalance']}"
                for row in ledgers if not row["balanced"] and row["node"] != "all"
            ]
            self.trouble += [
                f"node {node.folder}: {line}" for node in world.nodes
                for line in node.process.story if "Traceback" in line
            ]
        except AssertionError as error:
            self.trouble.append(str(error))
        finally:
            if watching.running:
                watching.stop()
            await world.end()
        return self.judge(ledgers)

    def is_enough(self) -> bool:
        """The time is over, or all goals are reached."""
        assert self.nemesis is not None
        options = self.options
        if self.nemesis.now >= options.minutes * 60:
            return True
        goals = [(options.kills, self.nemesis.kills.total()), (options.messages, self.receipted)]
        return any(goal for goal, _ in goals) and all(has >= goal for goal, has in goals)

    @property
    def receipted(self) -> int:
        """Messages that have their receipt."""
        return int(self.world.clients.sums.get("receipted", 0))

    async def peace(self) -> None:
        """Everybody is back, submits no more, and has what it was promised."""
        world = self.world
        for provider in world.providers.values():
            provider.order("still")
        await until(world.is_bound_upstream)
        await until(world.is_bound)
        world.clients.order("quit")
        await until(world.is_quiet, PEACE)
        await until(lambda: not world.queued())

    def watch(self) -> None:
        """One line of progress; and what happened until now, for the picture."""
        assert self.nemesis is not None
        nemesis, sums = self.nemesis, self.world.clients.sums
        self.samples.append((nemesis.now, self.receipted))
        for node in self.world.nodes:
            del node.process.story[:-5000], node.process.events[:-1000]
        last = f"{nemesis.story[-1].name} {nemesis.story[-1].victim}" if nemesis.story else ""
        print(
            f"chaos {nemesis.now:6.0f} s  faults {len(nemesis.story):4}  "
            f"kills {nemesis.kills.total():4}  submitted {sums.get('submitted', 0):8}  "
            f"receipted {self.receipted:8}  pending {sums.get('pending', 0):6}  {last}",
            flush=True,
        )

    def judge(self, ledgers: list[dict[str, Any]]) -> Verdict:
        """Read the histories, write the report."""
        stories = [
            ClientStory(name, str(CLIENTS[name]["prefix"])).read(lines_of(path))
            for name, path in self.world.histories().items() if path.exists()
        ]
        providers = {name: self.folder / name for name in self.world.providers}
        verdict = check(stories, taken_by(providers))
        verdict.complaints += self.trouble
        nemesis, options = self.nemesis, self.options
        if nemesis is not None:
            verdict.complaints += [
                f"{one.name} {one.victim}: {one.error}" for one in nemesis.story if one.error
            ]
            verdict.figures["seconds"] = round(nemesis.now, 1)
            verdict.figures["faults"] = len(nemesis.story)
            verdict.figures["kills"] = dict(nemesis.kills)
            if nemesis.kills.total() < options.kills:
                verdict.complaints.append(f"fewer kills than {options.kills}")
        if self.receipted < options.messages:
            verdict.complaints.append(f"fewer messages than {options.messages}")
        self.write(verdict, ledgers)
        return verdict

    def write(self, verdict: Verdict, ledgers: list[dict[str, Any]]) -> None:
        """``report.json`` and ``timeline.svg``."""
        story = self.nemesis.story if self.nemesis is not None else []
        seconds = self.nemesis.now if self.nemesis is not None else 0.0
        report = {
            "seed": self.options.seed,
            "complaints": verdict.complaints,
            **verdict.figures,
            "ledgers": ledgers,
            "faults_in_order": [attrs.asdict(one) for one in story],
        }
        (self.folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
        (self.folder / "timeline.svg").write_text(picture(story, self.samples, seconds))


def main(arguments: Sequence[str]) -> int:
    """Run it; returns the exit status."""
    run = Run(parse(arguments))
    found: list[Verdict] = []
    failed: list[str] = []

    def begin() -> None:
        done = Deferred.fromCoroutine(run.run())
        done.addCallback(found.append)
        done.addErrback(lambda failure: failed.append(failure.getTraceback()))
        done.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()
    for text in failed:
        print(text)
    for verdict in found:
        print(json.dumps(verdict.figures))
        for complaint in verdict.complaints:
            print(f"BROKEN (seed {run.options.seed}): {complaint}")
        if not verdict.complaints:
            print("chaos: every promise was kept")
    return int(not found or bool(found[0].complaints))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
