"""Which program this is: its release, the commit it was made from, and whether C is in it."""

from __future__ import annotations

import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

NAME = "smppproxy"
GIT = "git"

FILE = Path(__file__).resolve().parents[1] / "commit.txt"
"""Written into the wheel by the build, where it was built from a repository."""


@cache
def commit() -> str:
    """The commit, shortened; with a ``+`` where files were changed since. "" when nobody knows."""
    if FILE.exists():
        return FILE.read_text().strip()
    return commit_of(FILE.parents[1])


def commit_of(folder: Path) -> str:
    """The commit that a folder's files are of; "" when it is no repository of its own."""
    git = folder / ".git"
    if not git.exists():
        return ""
    # By name: left to itself, git goes on looking in the folders above.
    where = (f"--git-dir={git}", f"--work-tree={folder}")
    command = (GIT, *where, "describe", "--always", "--dirty=+", "--exclude=*")
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""


def program() -> str:
    """Release, commit and kind, as people tell each other: ``0.1.0 (c87850f), compiled``."""
    # While it is built this file is run alone: there is no package yet.
    from smppproxy.compiled import octets

    made_of = commit()
    release = f"{version(NAME)} ({made_of})" if made_of else version(NAME)
    return f"{release}, {'compiled' if octets else 'pure Python'}"
