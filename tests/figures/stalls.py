"""How late the reactors of two nodes are while everything around them breaks."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

from twisted.internet.task import LoopingCall

from tests.chaos.faults import Nemesis
from tests.chaos.world import World
from tests.figures.rows import Samples
from tests.figures.stage import Stage
from tests.soak.__main__ import look
from tests.support.foremost import FOREMOST, may_be_foremost

EVERY = (0.5, 3.0)
"""Seconds between two faults."""
ABOVE = 2.0
"""Seconds that stand for beats later than the last bucket."""


class Awake(Nemesis):
    """Every fault but the one that is a stall by itself."""

    def __init__(self, world: World) -> None:
        super().__init__(world, 1, EVERY)
        self._menu = [entry for entry in self._menu if entry[0].__name__ != "stop_node"]


async def stalls(stage: Stage, share: float) -> Samples:
    """A minute and a half of all faults; each beat of each life of each node counts as late as the
    bound of its bucket.

    The nodes have a processor whenever they want one: two cores that fourteen processes share, of
    which one is always just starting, would be what is measured.
    """
    if not may_be_foremost():
        print("figures: not allowed to; how long they wait for one is in the figure", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="smppproxy-"))
    stage.ends_with(lambda: shutil.rmtree(folder, ignore_errors=True))
    world = World(folder, 1, 200.0, FOREMOST)
    stage.ends_with(world.end)
    await world.start()
    lives: dict[int, dict[str, float]] = {}

    def scrape() -> None:
        for node in world.nodes:
            try:
                _, late = look(node, 0.0)
            except (OSError, KeyError, IndexError, ValueError):
                continue  # It is just dying, or just beginning.
            lives[node.process.transport.pid] = late

    nemesis = Awake(world)
    scraping = LoopingCall(scrape)
    scraping.start(1.0)
    try:
        await nemesis.rage(lambda: nemesis.now > 90.0 * share)
    finally:
        scraping.stop()
    return {"stalls": [1000 * each for each in beats(lives)]}


def beats(lives: dict[int, dict[str, float]]) -> list[float]:
    """Seconds for each beat, by the cumulative buckets of each life."""
    found: Counter[float] = Counter()
    for late in lives.values():
        below = 0.0
        for bound in sorted(late, key=float):
            seconds = ABOVE if bound == "+Inf" else float(bound)
            found[seconds] += int(late[bound] - below)
            below = late[bound]
    return [*found.elements()]
