"""The script that builds the Debian package, for tests that take its parts."""

import runpy
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
DEBIAN = ROOT / "etc" / "debian"


def debian_build() -> SimpleNamespace:
    """The functions and tables of etc/debian/build.py."""
    return SimpleNamespace(**runpy.run_path(str(DEBIAN / "build.py")))
