"""Whether this machine can build the part in C: many of those that tests run on need not."""

from __future__ import annotations

import os
import shlex
import subprocess
import sysconfig

NEEDED = "#include <Python.h>\n"


def can_compile() -> bool:
    """Whether there is a compiler, and the headers of this Python."""
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    headers = ("-I", sysconfig.get_path("include"))
    try:
        done = subprocess.run(
            [*command, *headers, "-fsyntax-only", "-x", "c", "-"],
            input=NEEDED, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return False
    return done.returncode == 0
