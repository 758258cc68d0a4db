"""``python -m tests.fuzz TARGET [--seconds N]``: atheris looks for octets that break a promise.

It begins with the corpus and what earlier runs kept in build/fuzz/TARGET. An input that it finds is
written to build/fuzz; ``--input FILE`` tries one again. ``all`` takes one target after the other.
How many inputs each target was given, over all runs, is added up in build/fuzz/counts.json and told
in the end; ``--told`` only tells it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fuzz.corpus import FOLDER, inputs

BUILD = FOLDER.parent.parent.parent / "build" / "fuzz"

HANG = 10
"""Seconds after which an input counts as a hang: the machine may be busy, atheris is slow."""

COUNTS = "counts.json"
MEGABYTES = 1024
LONGEST = 4096
EXECUTED = "stat::number_of_executed_units:"
"""What stands before the number of inputs, at the end of what the fuzzer says."""


def names() -> list[str]:
    """All targets."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def fuzz(target: str, seconds: int) -> None:
    """Look for so long; ends the process."""
    atheris: Any = __import__("atheris")
    with atheris.instrument_imports(include=["smppproxy"]):
        from tests.fuzz.targets import TARGETS
    folder = BUILD / target
    folder.mkdir(parents=True, exist_ok=True)
    for octets in inputs(target):
        (folder / hashlib.sha1(octets).hexdigest()).write_bytes(octets)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={HANG}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={BUILD}/{target}-",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], str(folder), *options], TARGETS[target])
    atheris.Fuzz()


def again(target: str, path: str) -> None:
    """Try one input."""
    from tests.fuzz.targets import TARGETS

    TARGETS[target](Path(path).read_bytes())
    print(f"{target}: nothing wrong with {path}")


def run(target: str, seconds: int) -> int:
    """Look for so long, in a process of its own; its exit status. Its inputs are counted."""
    print(f"== {target}", flush=True)
    call = [sys.executable, "-m", "tests.fuzz", target, "--seconds", str(seconds), "--here"]
    with subprocess.Popen(call, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None
        for line in process.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            if line.startswith(EXECUTED):
                count(target, int(line.removeprefix(EXECUTED)))
    return process.returncode


def count(target: str, inputs: int, folder: Path = BUILD) -> None:
    """So many more were tried."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = counted(folder)
    counts[target] = counts.get(target, 0) + inputs
    (folder / COUNTS).write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")


def counted(folder: Path = BUILD) -> dict[str, int]:
    """How many inputs each target was given, over all runs."""
    path = folder / COUNTS
    found: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    return found


def table(counts: Mapping[str, int]) -> str:
    """Lines for people."""
    rows = [*sorted(counts.items()), ("all", sum(counts.values()))]
    return "\n".join(f"{name:14} {inputs:>13,}" for name, inputs in rows)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=[*names(), "all"], nargs="?", default="all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target; 60 by default")
    parser.add_argument("--input", help="try this file instead")
    parser.add_argument("--told", action="store_true", help="only tell what was counted so far")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.input:
        again(options.target, options.input)
        return 0
    if options.here:
        fuzz(options.target, options.seconds)
    code = 0
    if not options.told:
        for name in names() if options.target == "all" else [options.target]:
            code = run(name, options.seconds) or code
    print(table(counted()))
    return code


if __name__ == "__main__":
    sys.exit(main())
