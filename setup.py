"""Writes the commit into what is built; everything else is in pyproject.toml and setup.cfg."""

import runpy
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parent
COMMIT = Path("smppproxy", "commit.txt")


def write_commit(folder: str) -> None:
    """Of the repository that this is; else what stands here already, as in an sdist."""
    # The package cannot be imported: what it needs is not there while it is built.
    commit = runpy.run_path(str(ROOT / "smppproxy" / "admin" / "program.py"))["commit"]()
    if commit:
        target = Path(folder) / COMMIT
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(commit + "\n")


class BuildPy(build_py):
    """With the commit, but for an editable install: that asks the repository whenever it is run."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            write_commit(self.build_lib)


class Sdist(sdist):
    """With the commit."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        write_commit(base_dir)


setup(cmdclass={"build_py": BuildPy, "sdist": Sdist})
