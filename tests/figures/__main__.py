"""``python -m tests.figures [--only NAME] [--share X]``: see the package.

Exit status 0: every aim is reached; 1: one is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from twisted.internet.defer import Deferred

from tests.figures.measures import (
    Measure,
    idle_binds,
    nobody_upstream,
    resets,
    sentinels,
    silences,
    store_restarts,
)
from tests.figures.rows import ROWS, Figure, table
from tests.figures.stage import Stage
from tests.figures.stalls import stalls
from tests.support.processes import reactor

FOLDER = Path("build/figures")

IDLE_ROWS = ("idle_plain", "idle_tls", "busy_alone", "busy_beside", "busy_more", "busy_usual")

MEASURES: Mapping[str, tuple[Measure, tuple[str, ...]]] = {
    "rst": (resets, ("rst", "rst_in_flight")),
    "blackhole": (silences, ("blackhole_busy", "blackhole_wait", "blackhole_idle")),
    "store": (store_restarts, ("store",)),
    "sentinel": (sentinels, ("sentinel",)),
    "down": (nobody_upstream, ("down",)),
    "idle": (idle_binds, IDLE_ROWS),
    "stalls": (stalls, ("stalls",)),
}
"""Each with the rows that it fills."""

COMMANDS = {
    row: f"make figures ONLY={name}" for name, (_, rows) in MEASURES.items() for row in rows
}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.figures")
    parser.add_argument("--only", choices=[*MEASURES], action="append", default=[])
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of samples")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    return parser.parse_args(arguments)


async def measured(name: str, share: float) -> list[Figure]:
    """The rows of one measurement."""
    measure, rows = MEASURES[name]
    stage = Stage()
    began = time.monotonic()
    print(f"figures: {name} ...", flush=True)
    try:
        samples = await measure(stage, share)
    finally:
        await stage.end()
    print(f"figures: {name} took {time.monotonic() - began:.0f} s", flush=True)
    return [Figure(row, ROWS[row], samples[row]) for row in rows]


def write(folder: Path, figures: Sequence[Figure]) -> None:
    """Figures of this run replace those of the same name; samples beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "figures.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    for one in figures:
        known[one.name] = {**one.told(), "command": COMMANDS[one.name]}
        (folder / f"{one.name}.json").write_text(json.dumps([round(s, 6) for s in one.samples]))
    path.write_text(json.dumps(known, indent=1) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Run them; returns the exit status."""
    options = parse(arguments)
    figures: list[Figure] = []
    failed: list[str] = []

    async def run() -> None:
        for name in options.only or MEASURES:
            figures.extend(await measured(name, options.share))

    def begin() -> None:
        done = Deferred.fromCoroutine(run())
        done.addErrback(lambda failure: failed.append(failure.getTraceback()))
        done.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()
    write(options.folder, figures)
    print(table(figures, COMMANDS))
    for text in failed:
        print(text)
    return int(bool(failed) or not all(one.is_kept for one in figures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
