"""``python -m tests.fuzz TARGET [--seconds N]``: atheris looks for octets that break a promise.

It begins with the corpus and what earlier runs kept in build/fuzz/TARGET. An input that it finds is
written to build/fuzz; ``--input FILE`` tries one again. ``all`` takes one target after the other.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fuzz.corpus import FOLDER, inputs

BUILD = FOLDER.parent.parent.parent / "build" / "fuzz"

HANG = 10
"""Seconds after which an input counts as a hang: the machine may be busy, atheris is slow."""

MEGABYTES = 1024
LONGEST = 4096


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


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=[*names(), "all"])
    parser.add_argument("--seconds", type=int, default=60, help="for each target; 60 by default")
    parser.add_argument("--input", help="try this file instead")
    options = parser.parse_args()
    if options.target == "all":
        code = 0
        for name in names():
            print(f"== {name}", flush=True)
            call = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(options.seconds)]
            code = subprocess.run(call).returncode or code
        return code
    if options.input:
        again(options.target, options.input)
    else:
        fuzz(options.target, options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
