"""What a peer needs, kept apart from the machine: Debian's packages unpacked, Python's installed.

Both stay in `build/peers/cache` for the next run; nothing is installed, nothing outside is changed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.peers.system import CACHE, Unavailable

#: Seconds for one download.
PATIENCE = 240.0
APT = ("apt-get", "download")


def _done(command: Sequence[str], folder: Path) -> None:
    """Run it. Raises `Unavailable` with the end of what it said."""
    try:
        told = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]}: {error}") from None
    if told.returncode:
        last = [line for line in (told.stdout + told.stderr).splitlines() if line.strip()][-3:]
        raise Unavailable(f"{' '.join(command[:3])} failed: {' '.join(last)}")


def debian(name: str, packages: Sequence[str]) -> Path:
    """The root of a tree in which these packages are unpacked, and no others.

    :raises Unavailable: there is no apt-get, or its archive does not have them.
    """
    folder = CACHE / name
    made = folder / "made"
    if made.exists() and made.read_text().split() == [*packages]:
        return folder / "root"
    if shutil.which(APT[0]) is None:
        raise Unavailable(f"{packages[0]} comes from Debian, and there is no {APT[0]}")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "archives").mkdir(parents=True)
    _done([*APT, *packages], folder / "archives")
    for archive in sorted((folder / "archives").iterdir()):
        _done(["dpkg", "-x", str(archive), str(folder / "root")], folder)
    shutil.rmtree(folder / "archives")
    made.write_text(" ".join(packages))
    return folder / "root"


def environment(name: str, requirements: Sequence[str]) -> Path:
    """The folder of the programs of a virtual environment that holds these and what they need.

    Its interpreter is the one that runs our node. Raises `Unavailable`.
    """
    base = getattr(sys, "_base_executable", sys.executable)
    folder = CACHE / name
    made = folder / "made"
    wanted = "\n".join((base, sys.version, *requirements))
    if not made.exists() or made.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _done([base, "-m", "venv", "venv"], folder)
        pip = [str(folder / "venv/bin/pip"), "install", "-q", "--disable-pip-version-check"]
        _done([*pip, *requirements], folder)
        made.write_text(wanted)
    return folder / "venv" / "bin"


def sources(name: str, requirement: str, path: str) -> Path:
    """A file that stands in a release's sources and in nothing that pip installs.

    :ivar name: of the virtual environment that holds the release. Raises `Unavailable`.
    """
    folder = CACHE / name
    kept = folder / Path(path).name
    if not kept.exists():
        fetch = ["download", "-q", "--no-deps", "--no-binary", ":all:", "-d", "archive"]
        _done([str(folder / "venv/bin/pip"), *fetch, requirement], folder)
        [archive] = (folder / "archive").iterdir()
        kept.write_bytes(_member(archive, path))
    return kept


def _member(archive: Path, path: str) -> bytes:
    """A file of a release's archive, whose files stand in a folder that has its name."""
    with tarfile.open(archive) as opened:
        for name in opened.getnames():
            file = opened.extractfile(name) if name.partition("/")[2] == path else None
            if file is not None:
                return file.read()
    raise Unavailable(f"{path} is not in {archive.name}")


def relocated(script: Path, was: str, root: Path) -> None:
    """Tell a script that what stood at the root of a machine stands below this one."""
    text = script.read_text()
    moved = re.sub(rf"=\"?{re.escape(was)}\"?$", f'="{root}{was}"', text, flags=re.MULTILINE)
    if moved != text:
        script.write_text(moved)
