"""Writes the commit into what is built, and builds the part in C where that can be done.

Everything else is in pyproject.toml and setup.cfg.
"""

import os
import runpy
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parent
COMMIT = Path("smppproxy", "commit.txt")
OCTETS = Extension(
    "smppproxy._octets",
    ["smppproxy/_octets.c"],
    define_macros=[("_GNU_SOURCE", "1")],
    extra_compile_args=["-O2"],
    optional=True,
)
PURE = "SMPPPROXY_PURE"
"""In the environment: leave the part in C away, here as when the program starts."""


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


class BuildExt(build_ext):
    """In C where there is a compiler; otherwise nothing is missing but speed."""

    def run(self) -> None:
        built = Path(self.get_ext_fullpath(OCTETS.name))
        # What another build left here is of another source, or of a compiler that is gone.
        built.unlink(missing_ok=True)
        if not os.environ.get(PURE):
            super().run()
        if not built.exists():
            self.distribution.ext_modules = []
            why = f"{PURE} is set" if os.environ.get(PURE) else "no compiler, or no Python.h"
            print(f"smppproxy: without its part in C, in pure Python ({why})", file=sys.stderr)


class Wheel(bdist_wheel):
    """For every machine, if there is nothing in C in it: which is known once it is built."""

    def run(self) -> None:
        self.run_command("build_ext")
        self.root_is_pure = not self.distribution.has_ext_modules()
        super().run()


class Sdist(sdist):
    """With the commit."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        write_commit(base_dir)


setup(
    cmdclass={"bdist_wheel": Wheel, "build_ext": BuildExt, "build_py": BuildPy, "sdist": Sdist},
    ext_modules=[OCTETS],
)
