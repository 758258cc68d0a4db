"""Rules of the house that import-linter and ruff cannot say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "smppproxy"
DEFERREDS = {"twisted.internet.defer", "twisted.logger", "twisted.python.failure"}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def twisted_of(room: str) -> dict[str, set[str]]:
    """The Twisted modules that each file of a room imports."""
    return {
        path.name: {name for name in imported(path) if name.split(".")[0] == "twisted"}
        for path in sorted((PACKAGE / room).glob("*.py"))
    }


class HouseTests(SynchronousTestCase):
    """Who may know what, and what stands where."""

    def test_journeys_know_only_deferreds(self) -> None:
        """relay/ knows of Twisted only Deferreds, failures and the logger."""
        for name, modules in twisted_of("relay").items():
            self.assertEqual(modules - DEFERREDS, set(), name)

    def test_no_package_marker_in_twisted(self) -> None:
        """Twisted's plugin search joins twisted/plugins with its own only without __init__.py."""
        self.assertEqual(list((ROOT / "twisted").rglob("__init__.py")), [])

    def test_every_folder_of_tests_is_a_package(self) -> None:
        """Trial finds what is below tests/ by package name; a folder without one is not run."""
        folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
        self.assertEqual([str(f) for f in folders if not (f / "__init__.py").exists()], [])

    def test_each_room_says_which_file_to_open(self) -> None:
        """The docstring of a room names every file of it, and none that is not there."""
        for init in PACKAGE.rglob("__init__.py"):
            room = init.parent
            files = {path.stem for path in room.glob("*.py")} - {"__init__"}
            files |= {path.parent.name for path in room.glob("*/__init__.py")}
            text = ast.get_docstring(ast.parse(init.read_text())) or ""
            table = re.findall(r"^`(\w+)`  ", text, re.MULTILINE)
            if len(files) > 4 and room != PACKAGE:
                self.assertEqual(files - set(re.findall(r"`(\w+)`", text)), set(), room)
                self.assertEqual(set(table) - files, set(), room)

    def test_nothing_is_skipped(self) -> None:
        """No test is skipped or marked as to be done, unless the kernel cannot do what it needs."""
        words = ("SkipTest(", ".skip =", ".todo =", "@skip", "skipTest(")
        # What asks the kernel for namespaces, and for containers.
        lab, engine = ROOT / "tests/kernel/lab.py", ROOT / "tests/packages/engine.py"
        for path in (ROOT / "tests").rglob("*.py"):
            if path not in (Path(__file__).resolve(), lab, engine):
                text = path.read_text()
                self.assertEqual([word for word in words if word in text], [], path)
