"""The manual, built once for all tests that look at it, by whichever of them comes first."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import attrs
from sphinx.util.inventory import InventoryFile

from tests.docs import DOCS

ROOT = DOCS.parent
BUILT = ROOT / "build" / "docs-tested"
SOURCES = ("docs", "smppproxy", "etc", "SECURITY.rst", "pyproject.toml")
"""What a page may be made of."""


@attrs.frozen
class Built:
    """What became of the manual.

    :ivar code: exit status of the build.
    :ivar told: every warning.
    """

    code: int
    told: str

    @property
    def pages(self) -> list[Path]:
        """The pages a reader can open."""
        return sorted(BUILT.glob("*.html"))

    @property
    def examples(self) -> list[dict[str, Any]]:
        """Every block of code: its page, line, kind, text, and what its test is told."""
        found: list[dict[str, Any]] = json.loads((BUILT / ".doctrees/examples.json").read_text())
        return found

    def objects(self, kind: str) -> set[str]:
        """What references can lead to: ``conf``, ``metric``, ``refusal``, ``label``."""
        inventory = InventoryFile.loads((BUILT / "objects.inv").read_bytes(), uri="")
        return {*inventory.data.get(f"std:{kind}", ())}


@cache
def built() -> Built:
    """The manual as it is now; built only where nobody did that from the same sources."""
    BUILT.parent.mkdir(exist_ok=True)
    with open(BUILT.with_suffix(".lock"), "w") as lock:
        # Tests run in several processes.
        fcntl.flock(lock, fcntl.LOCK_EX)
        record = BUILT / "record.json"
        digest = _digest()
        if record.exists():
            found = json.loads(record.read_text())
            if found["digest"] == digest:
                return Built(found["code"], found["told"])
        shutil.rmtree(BUILT, ignore_errors=True)
        made = _build()
        record.write_text(json.dumps({"digest": digest, **attrs.asdict(made)}))
        return made


def _build() -> Built:
    line = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html"]
    # Warnings of Python are about Sphinx and its theme here, not about the manual.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    result = subprocess.run(
        [*line, str(DOCS), str(BUILT)],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    BUILT.mkdir(exist_ok=True)
    return Built(result.returncode, result.stderr)


def _digest() -> str:
    found = hashlib.sha256(sys.version.encode())
    for path in sorted(_sources()):
        found.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def _sources() -> Iterator[Path]:
    for name in SOURCES:
        path = ROOT / name
        inside = path.rglob("*") if path.is_dir() else iter((path,))
        yield from (each for each in inside if each.is_file() and "__pycache__" not in each.parts)
