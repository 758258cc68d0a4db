"""Octets that every test of a target begins with: good ones, and what was once found.

``TARGET.txt`` has one input a line, as Python writes octets; a line that begins with # says of
those below it what they are.
"""

from __future__ import annotations

import ast
from pathlib import Path

FOLDER = Path(__file__).parent
ETC = FOLDER.parent.parent.parent / "etc"

WHOLE_FILES = {
    "node_file": ("smppproxy.toml", "loadtest.toml"),
    "network_file": ("network.toml", "loadtest-network.toml"),
}
"""Inputs that stand elsewhere."""


def inputs(target: str) -> list[bytes]:
    """The corpus of a target."""
    found = [(ETC / name).read_bytes() for name in WHOLE_FILES.get(target, ())]
    for line in (FOLDER / f"{target}.txt").read_text("ascii").splitlines():
        if line and not line.startswith("#"):
            found.append(ast.literal_eval(line))
    return found
