"""The wheel holds all that the checkout does, and twistd finds the service in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[1]
SOURCES = (
    "smppproxy",
    "twisted",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "README.rst",
    "LICENSE",
)
NOT_OURS = shutil.ignore_patterns("__pycache__", "*.pyc", "dropin.cache", "*.egg-info")
TWISTD = "from twisted.scripts.twistd import run; run()"


def run(*command: str, cwd: Path) -> str:
    """What a command prints; AssertionError with all of it when it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # Build tools and pip warn about things that are not ours.
    environment["PYTHONWARNINGS"] = "default"
    result = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    if result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}: {result.stderr}")
    return result.stdout


class WheelTests(SynchronousTestCase):
    """One wheel, built from a copy, installed where the checkout cannot be seen."""

    def setUp(self) -> None:
        """Build it: setuptools leaves files in the tree it builds from, so that is a copy."""
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-wheel-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        tree = self.folder / "tree"
        tree.mkdir()
        for name in SOURCES:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=NOT_OURS)
            else:
                shutil.copy(ROOT / name, tree / name)
        options = ("--wheel", "--no-isolation", "--outdir", str(self.folder))
        run(sys.executable, "-m", "build", *options, cwd=tree)
        (self.wheel,) = self.folder.glob("*.whl")
        self.tree = tree

    def install(self) -> Path:
        """A new environment with the wheel; what it depends on is borrowed from this one."""
        home = self.folder / "venv"
        venv.create(home, with_pip=False)
        python = home / "bin" / "python"
        (site,) = home.glob("lib/python*/site-packages")
        # A path file's own lines are followed, but not the path files of the folders it names:
        # so the packages here are seen, and the editable checkout is not.
        (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "-q")
        run(*pip, "--no-deps", "--no-index", str(self.wheel), cwd=self.folder)
        return python

    def test_holds_every_file(self) -> None:
        """Every file of the package is in the wheel: code, Lua, presets, pages; and no test."""
        with zipfile.ZipFile(self.wheel) as archive:
            packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        wanted = {
            str(path.relative_to(self.tree))
            for name in ("smppproxy", "twisted")
            for path in (self.tree / name).rglob("*")
            if path.is_file()
        }
        self.assertEqual(packed ^ wanted, set())
        self.assertIn("twisted/plugins/smppproxy_plugin.py", packed)
        self.assertIn("smppproxy/py.typed", packed)

    def test_commit(self) -> None:
        """A wheel built from a repository knows its commit, also by way of an sdist."""
        git = ("git", "-c", "user.name=t", "-c", "user.email=t@t")
        # What building the first wheel left behind is no change of ours.
        (self.tree / ".gitignore").write_text("build\n*.egg-info\n")
        run(*git, "init", "-q", cwd=self.tree)
        run(*git, "add", ".", cwd=self.tree)
        run(*git, "commit", "-q", "-m", "one", cwd=self.tree)
        commit = run(*git, "rev-parse", "--short", "HEAD", cwd=self.tree).strip()
        home = self.folder / "second"
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(home), cwd=self.tree)
        (wheel,) = home.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            self.assertEqual(archive.read("smppproxy/commit.txt").decode().strip(), commit)

    def test_works_when_installed(self) -> None:
        """twistd knows the service, the command is there, and both come from the wheel."""
        python = self.install()
        where = run(
            str(python), "-c", "import smppproxy; print(smppproxy.__file__)", cwd=self.folder
        )
        self.assertTrue(where.startswith(str(self.folder)), where)
        listed = run(str(python), "-c", TWISTD, "--help", cwd=self.folder)
        self.assertIn("SMPP multiplexing router", listed)
        options = run(str(python), "-c", TWISTD, "smppproxy", "--help", cwd=self.folder)
        self.assertIn("--config=", options)
        command = run(str(python.with_name("smppproxy")), "--help", cwd=self.folder)
        self.assertIn("demo", command)
