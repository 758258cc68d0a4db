"""The wheel holds all that the checkout does, and twistd finds the service in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.compiler import can_compile

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
NOT_OURS = shutil.ignore_patterns(
    "__pycache__", "*.pyc", "*.so", "dropin.cache", "*.egg-info"
)
TWISTD = "from twisted.scripts.twistd import run; run()"


def run(*command: str, cwd: Path, **more: str) -> str:
    """What a command prints, with more in its environment; AssertionError when it fails."""
    foreign = ("PYTHONPATH", "SMPPPROXY_PURE")
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    # Build tools and pip warn about things that are not ours.
    environment |= {"PYTHONWARNINGS": "default", **more}
    result = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    if result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}: {result.stderr}")
    return result.stdout


class Case(SynchronousTestCase):
    """A copy of what is packed: setuptools leaves files in the tree it builds from."""

    def setUp(self) -> None:
        """The copy, beside which everything else is made."""
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-wheel-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        tree = self.folder / "tree"
        tree.mkdir()
        for name in SOURCES:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=NOT_OURS)
            else:
                shutil.copy(ROOT / name, tree / name)
        self.tree = tree

    def build(self, *options: str, **more: str) -> None:
        """What `python -m build` makes of the copy, in the folder beside it."""
        common = ("--no-isolation", "--outdir", str(self.folder))
        run(sys.executable, "-m", "build", *options, *common, cwd=self.tree, **more)

    def install(self, wheel: Path) -> Path:
        """A new environment with a wheel; what it depends on is borrowed from this one."""
        home = self.folder / "venv"
        venv.create(home, with_pip=False)
        python = home / "bin" / "python"
        (site,) = home.glob("lib/python*/site-packages")
        # A path file's own lines are followed, but not the path files of the folders it names:
        # so the packages here are seen, and the editable checkout is not.
        (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "-q")
        run(*pip, "--no-deps", "--no-index", str(wheel), cwd=self.folder)
        return python

    def demo(self, python: Path) -> dict[str, int]:
        """The ledger of five seconds, which balances: the demo's status says so."""
        ports = ("--port", "0", "--tls-port", "0", "--http-port", "0")
        command = str(python.with_name("smppproxy"))
        told = run(command, "demo", *ports, "--for", "5", cwd=self.folder)
        ledger: dict[str, int] = json.loads(told.splitlines()[-1])
        return ledger


class WheelTests(Case):
    """One wheel, installed where the checkout cannot be seen."""

    def setUp(self) -> None:
        """Build it."""
        super().setUp()
        self.build("--wheel")
        (self.wheel,) = self.folder.glob("*.whl")

    def test_holds_every_file(self) -> None:
        """Every file of the package is in the wheel: code, Lua, presets, pages; and no test.

        Of the part in C it is what was built, if there is a compiler, and never the source.
        """
        with zipfile.ZipFile(self.wheel) as archive:
            packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        wanted = {
            str(path.relative_to(self.tree))
            for name in ("smppproxy", "twisted")
            for path in (self.tree / name).rglob("*")
            if path.is_file()
        }
        built = {name for name in packed if name.endswith(".so")}
        self.assertEqual(len(built), can_compile())
        self.assertEqual((packed - built) ^ wanted, {"smppproxy/_octets.c"})
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
        python = self.install(self.wheel)
        where = run(
            str(python), "-c", "import smppproxy; print(smppproxy.__file__)", cwd=self.folder
        )
        self.assertTrue(where.startswith(str(self.folder)), where)
        listed = run(str(python), "-c", TWISTD, "--help", cwd=self.folder)
        self.assertIn("SMPP multiplexing router", listed)
        options = run(str(python), "-c", TWISTD, "smppproxy", "--help", cwd=self.folder)
        self.assertIn("--config=", options)
        command = str(python.with_name("smppproxy"))
        self.assertIn("demo", run(command, "--help", cwd=self.folder))
        kind = "compiled" if can_compile() else "pure Python"
        self.assertTrue(run(command, "--version", cwd=self.folder).endswith(f", {kind}\n"))


class PureTests(Case):
    """Without the part in C: nothing fails, and nothing but speed is missing."""

    def pure(self, **more: str) -> Path:
        """The wheel, which is for every machine and has nothing in it that was compiled."""
        self.build("--wheel", **more)
        (wheel,) = self.folder.glob("*-py3-none-any.whl")
        with zipfile.ZipFile(wheel) as archive:
            self.assertEqual([name for name in archive.namelist() if name.endswith(".so")], [])
        return wheel

    def test_compiler_that_fails(self) -> None:
        """What an earlier build left is not taken; installed, it runs a whole demo."""
        self.build("--wheel")
        python = self.install(self.pure(CC="/bin/false"))
        command = str(python.with_name("smppproxy"))
        self.assertTrue(run(command, "--version", cwd=self.folder).endswith(", pure Python\n"))
        self.assertGreater(self.demo(python)["accepted"], 0)

    def test_not_wanted(self) -> None:
        """SMPPPROXY_PURE leaves it away, whether there is a compiler or not."""
        self.pure(SMPPPROXY_PURE="1")


class SdistTests(Case):
    """The sdist, the wheel that is made of it, and that wheel at work."""

    def test_from_the_sdist_to_a_demo(self) -> None:
        """All of it works without a checkout: release and commit, the plugin, a whole demo."""
        (self.tree / "smppproxy" / "commit.txt").write_text("c0ffee1\n")
        self.build()  # an sdist, and a wheel of nothing but that
        (sdist,) = self.folder.glob("*.tar.gz")
        (wheel,) = self.folder.glob("*.whl")
        with tarfile.open(sdist) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
        self.assertTrue({"setup.py", "README.rst", "LICENSE"} <= names)
        self.assertIn("twisted/plugins/smppproxy_plugin.py", names)
        self.assertIn("smppproxy/store/scripts/match.lua", names)
        self.assertIn("smppproxy/_octets.c", names)
        shutil.rmtree(self.tree)
        python = self.install(wheel)
        command = str(python.with_name("smppproxy"))
        self.assertIn("(c0ffee1)", run(command, "--version", cwd=self.folder))
        options = run(str(python), "-c", TWISTD, "smppproxy", "--help", cwd=self.folder)
        self.assertIn("--config=", options)
        self.assertGreater(self.demo(python)["accepted"], 0)
