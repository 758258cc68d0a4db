"""Many schedules, on several cores; those that fail are told with their seed and last steps."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

from tests.simulation.running import Outcome, quiet, run_all
from tests.support.beside import give_way

CHUNK = 100
MOST_TOLD = 5


def seeds_of(text: str) -> range:
    """``7``, or ``1-1000``."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def run_chunk(seeds: range) -> tuple[int, list[Outcome]]:
    """How many were run, and those that failed."""
    return len(seeds), [outcome for outcome in run_all(seeds) if outcome is not None]


def chunks(seeds: range) -> list[range]:
    """The seeds in portions, in order."""
    return [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]


def outcomes(seeds: range, jobs: int) -> Iterator[tuple[int, list[Outcome]]]:
    """Portions as they are done."""
    portions = chunks(seeds)
    if jobs < 2 or len(portions) < 2:
        yield from map(run_chunk, portions)
        return
    # Who wants to end the run tells the first process alone.
    with get_context("fork").Pool(jobs, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        yield from pool.imap_unordered(run_chunk, portions)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=seeds_of, default=range(1, 1001), help="7, or 1-1000")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after so long; 0 = never")
    parser.add_argument("--idle", action="store_true", help="only when nobody else wants to run")
    parser.add_argument("--least", type=int, default=0,
                        help="schedules that are run even if SIGINT comes before")
    parser.add_argument("--record", type=Path, help="file for a line PASSED FAILED SKIPPED")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 if every schedule kept every promise."""
    options = parse(arguments)
    if options.idle:
        give_way()
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        failed = run(options, asked)
    finally:
        signal.signal(signal.SIGINT, before)
    if options.record:
        options.record.parent.mkdir(parents=True, exist_ok=True)
        options.record.write_text(f"{int(not failed)} {failed} 0\n")
    return int(failed > 0)


def run(options: argparse.Namespace, asked: Sequence[int]) -> int:
    """Run until all is done, the time is over, or ``asked`` is not empty; how many failed."""
    began = time.monotonic()
    done, failed = 0, 0
    for count, broken in outcomes(options.seeds, options.jobs):
        done += count
        for outcome in broken:
            failed += 1
            if failed <= MOST_TOLD:
                print(f"\n{outcome}", flush=True)
            else:
                print(f"\nseed {outcome.seed}: {outcome.error}"[:200], flush=True)
        took = time.monotonic() - began
        told = f"{done} of {len(options.seeds)} schedules, {failed} failed, {took:.0f} s, "
        told += f"{done / took:.0f} a second"
        if not options.idle:
            print(f"\r{told}", end="", flush=True)
        if options.minutes and took > 60 * options.minutes or asked and done >= options.least:
            break
    print(f"simulate: {told}" if options.idle else "")
    return failed


if __name__ == "__main__":
    quiet()
    sys.exit(main(sys.argv[1:]))
