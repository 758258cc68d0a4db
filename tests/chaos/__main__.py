"""``python -m tests.chaos``: see the package.

Exit status 0: every promise was kept and the goals were reached; 1: not.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from smppproxy.admin.ledgers import ALL
from tests.chaos.checker import (
    Books,
    ClientStory,
    Verdict,
    audit,
    books_of,
    check,
    taken_by,
)
from tests.chaos.events import lines_of
from tests.chaos.faults import DOWN, EVERY, Nemesis
from tests.chaos.report import picture, summary
from tests.chaos.world import CLIENTS, NODES, PEACE, World, patiently
from tests.scenarios.nemesis import pause
from tests.support.processes import Event, reactor, until
from tests.support.trial import RESULTS

FOLDER = Path("build/chaos")
LEDGER = 5.0
"""Seconds between two looks at the nodes' ledgers, until nothing is in flight."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--minutes", type=float, default=3.0, help="of harm, at most")
    parser.add_argument("--seed", type=int, default=0, help="chooses the faults; 0: a new one")
    parser.add_argument("--kills", type=int, default=0, help="goal: SIGKILLs of nodes and store")
    parser.add_argument("--messages", type=int, default=0, help="goal: messages with a receipt")
    parser.add_argument("--rate", type=float, default=300.0, help="submits a second")
    parser.add_argument("--every", type=float, nargs=2, default=EVERY, metavar="SECONDS",
                        help="least and most between two faults")
    parser.add_argument("--down", type=float, default=DOWN, metavar="SECONDS",
                        help="that what was killed stays down, at most")
    parser.add_argument("--only", default="", metavar="FAULT", help="as kill_node")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--record", default="", metavar="NAME", help="as tests.support.trial")
    options = parser.parse_args(arguments)
    options.seed = options.seed or random.SystemRandom().randrange(1, 1_000_000)
    return options


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
                world, options.seed, tuple(options.every), options.only, options.down
            )
            watching.start(5.0)
            await nemesis.rage(self.is_enough)
            await self.peace()
            ledgers = await self.closed_books()
        except AssertionError as error:
            self.trouble.append(str(error))
            world.keep_evidence()
        finally:
            if watching.running:
                watching.stop()
            lives = world.lives()
            await world.end()
            world.look()
        return self.judge(ledgers, lives)

    def is_enough(self) -> bool:
        """The time is over, or all goals are reached."""
        assert self.nemesis is not None
        self.world.check_peers()
        options = self.options
        if self.nemesis.now >= options.minutes * 60:
            return True
        goals = [(options.kills, self.nemesis.kills.total()), (options.messages, self.receipted)]
        return any(goal for goal, _ in goals) and all(has >= goal for goal, has in goals)

    @property
    def sums(self) -> Event:
        """What the clients told last."""
        return self.world.clients.sums

    @property
    def receipted(self) -> int:
        """Messages that have their receipt."""
        return int(self.sums.get("receipted", 0))

    async def peace(self) -> None:
        """Everybody is back, submits no more, and has what it was promised."""
        world = self.world
        for provider in world.providers.values():
            provider.order("still")
        await until(world.is_bound_upstream, PEACE)
        await until(world.is_bound, PEACE)
        world.clients.order("quit")
        await self.progress(world.is_quiet)
        end = reactor.seconds() + PEACE
        while await patiently(world.queued):
            assert reactor.seconds() < end, "receipts stay in their queues"
            await pause(0.2)

    async def progress(self, is_over: Callable[[], bool]) -> None:
        """Wait for something as long as it comes nearer."""
        seen, since = (-1, -1), reactor.seconds()
        while not is_over():
            self.world.check_peers()
            await pause(0.2)
            now = (self.receipted, self.world.receipts_taken())
            if now != seen:
                seen, since = now, reactor.seconds()
            assert reactor.seconds() - since < PEACE, (
                f"{self.sums} is all for {PEACE:.0f} s; {await patiently(self.world.queued)} queued"
            )

    async def closed_books(self) -> list[dict[str, Any]]:
        """The ledgers, once nothing is in flight; or as they are when that has had its time."""
        end = reactor.seconds() + PEACE
        while True:
            rows: list[dict[str, Any]] = await patiently(self.world.ledgers)
            is_whole = len(rows) > len(NODES) and not any(row["in_flight"] for row in rows)
            if is_whole or reactor.seconds() > end:
                return rows
            await pause(LEDGER)

    def watch(self) -> None:
        """One line of progress; and what happened until now, for the picture."""
        assert self.nemesis is not None
        nemesis, sums = self.nemesis, self.sums
        self.samples.append((nemesis.now, self.receipted))
        self.world.look()
        last = f"{nemesis.story[-1].name} {nemesis.story[-1].victim}" if nemesis.story else ""
        print(
            f"chaos {nemesis.now:6.0f} s  faults {len(nemesis.story):4}  "
            f"kills {nemesis.kills.total():4}  submitted {sums.get('submitted', 0):8}  "
            f"receipted {self.receipted:8}  pending {sums.get('pending', 0):6}  {last}",
            flush=True,
        )

    def judge(
        self, ledgers: list[dict[str, Any]], lives: dict[str, tuple[int, float]]
    ) -> Verdict:
        """Read the histories, write the report."""
        stories = [
            ClientStory(name, str(CLIENTS[name]["prefix"])).read(lines_of(path))
            for name, path in self.world.histories().items() if path.exists()
        ]
        providers = {name: self.folder / name for name in self.world.providers}
        verdict = check(stories, taken_by(providers))
        verdict.complaints += self.trouble + self.world.trouble
        self.audit(verdict, books_of(stories, lives), ledgers)
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

    @staticmethod
    def audit(verdict: Verdict, books: dict[str, Books], ledgers: list[dict[str, Any]]) -> None:
        """What the nodes say of themselves, in this life, is what their clients have seen."""
        everybody = Books()
        for row in ledgers:
            if row["node"] == ALL:
                audit(verdict, everybody, row)
                continue
            if not row["balanced"]:
                verdict.complaints.append(f"ledger of {row['node']}: {row['imbalance']}")
            audit(verdict, books[row["node"]], row)
            everybody.add(books[row["node"]])

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
        drawn = picture(summary(report), story, self.samples, seconds)
        (self.folder / "timeline.svg").write_text(drawn)


def main(arguments: Sequence[str]) -> int:
    """Run it; returns the exit status."""
    run = Run(parse(arguments))
    print(f"chaos: seed {run.options.seed}", flush=True)
    found: list[Verdict] = []
    failed: list[str] = []

    def begin() -> None:
        done = Deferred.fromCoroutine(run.run())
        done.addCallback(found.append)
        done.addErrback(lambda failure: failed.append(failure.getTraceback()))
        done.addBoth(lambda _: reactor.running and reactor.stop())

    reactor.callWhenRunning(begin)
    # Also when somebody ends it early, its processes are not left behind.
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: Deferred.fromCoroutine(run.world.end())
    )
    reactor.run()
    for text in failed:
        print(text)
    for verdict in found:
        print(json.dumps(verdict.figures))
        for complaint in verdict.complaints:
            print(f"BROKEN (seed {run.options.seed}): {complaint}")
        if not verdict.complaints:
            print("chaos: every promise was kept")
    is_broken = not found or bool(found[0].complaints)
    if run.options.record:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / run.options.record).write_text("0 1 0\n" if is_broken else "1 0 0\n")
    return int(is_broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
