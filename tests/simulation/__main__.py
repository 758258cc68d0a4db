"""Many schedules, on several cores; those that fail are told with their seed and last steps."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context

from tests.simulation.running import Outcome, quiet, run_all

CHUNK = 250
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
    with get_context("fork").Pool(jobs) as pool:
        yield from pool.imap_unordered(run_chunk, portions)


def main(arguments: list[str]) -> int:
    """The exit status: 0 if every schedule kept every promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=seeds_of, default=range(1, 1001), help="7, or 1-1000")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after so long; 0 = never")
    options = parser.parse_args(arguments)
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
        print(
            f"\r{done} of {len(options.seeds)} schedules, {failed} failed, {took:.0f} s, "
            f"{done / took:.0f} a second",
            end="",
            flush=True,
        )
        if options.minutes and took > 60 * options.minutes:
            break
    print()
    return 1 if failed else 0


if __name__ == "__main__":
    quiet()
    sys.exit(main(sys.argv[1:]))
