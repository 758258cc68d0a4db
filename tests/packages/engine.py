"""Docker's engine in namespaces of its own: what it does ends with it, and nothing of it stays.

Its files lie in a folder of its own, its bridges in a network of its own, its containers among
processes of its own, below a group of control groups of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from unittest import SkipTest

from tests.support.processes import until

PATIENCE = 600.0
"""Seconds for whatever an engine on a busy machine does; it is quick on a quiet one."""

CGROUPS = Path("/sys/fs/cgroup")
DOCKER = "/usr/bin/docker"
"""Of the same package as the engine."""

SETUP = """
mount --make-rprivate /
mount -t tmpfs none /run
ip link set lo up
# The first process of its space has to take in those that others leave behind.
# Containers of one network need no address translation, and nothing in here sees another one.
exec docker-init -- dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" \\
    --host "unix://$1/socket" --iptables=false --log-level warn \\
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "$2"
"""

KERNEL = re.compile(
    r"operation not permitted|permission denied|not supported|not implemented|no such device"
    r"|invalid argument|protocol not available|read-only file system|cgroup|insmod|unknown device",
    re.IGNORECASE,
)
"""How an engine says that a kernel cannot do, or may not do here, what containers are made of."""


class Engine:
    """An engine that runs; :meth:`close` ends it with all containers.

    :raises SkipTest: from :meth:`start`, when this kernel lets nobody run containers; it says why.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-engine-"))
        self._group = self.folder.name
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Come back once it answers."""
        # With its end, and with ours, all processes in there end.
        space = (
            "setpriv", "--pdeathsig", "KILL",
            "unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child",
        )  # fmt: skip
        setup = ("sh", "-ec", SETUP, "sh", str(self.folder), f"/{self._group}")
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen([*space, *setup], stdout=log, stderr=log)
        await until(lambda: self._answers() or self._process_ended(), PATIENCE)
        if self._process_ended():
            self.give_up((self.folder / "log").read_text())

    def give_up(self, told: str) -> None:
        """The one accepted reason to skip a test: the kernel cannot do it. Else it is an error."""
        last = "\n".join(told.strip().splitlines()[-5:])
        if KERNEL.search(last):
            raise SkipTest(f"containers cannot run on this kernel: {last}")
        raise AssertionError(told)

    def _process_ended(self) -> bool:
        assert self._process is not None
        return self._process.poll() is not None

    def _answers(self) -> bool:
        return (self.folder / "socket").exists() and self.status("version") == 0

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [DOCKER, "--host", f"unix://{self.folder}/socket", *words]

    def _environment(self) -> dict[str, str]:
        """Nothing of what its user may have set up for another engine."""
        own = {"HOME", "LC_ALL", "PATH"}
        kept = {name: value for name, value in os.environ.items() if name in own}
        return kept | {"DOCKER_CONFIG": str(self.folder), "DOCKER_BUILDKIT": "1"}

    def run(self, *words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command of docker, with what both its outputs were told."""
        return subprocess.run(
            self._command(words), env=self._environment(), input=text,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=PATIENCE, check=False,
        )  # fmt: skip

    def status(self, *words: str) -> int:
        """How a command ends."""
        return self.run(*words).returncode

    def told(self, *words: str, text: str | None = None) -> str:
        """What a command prints; AssertionError with all of it when it ends otherwise than well."""
        done = self.run(*words, text=text)
        if done.returncode:
            raise AssertionError(f"docker {' '.join(words)}: {done.returncode}\n{done.stdout}")
        return done.stdout.strip()

    def load(self, archive: Path, name: str) -> None:
        """An image of one archive of files."""
        self.told("import", str(archive), name)

    def inside_network(self, *words: str) -> str:
        """What a command prints where published ports are reached."""
        (first,) = self._children()
        enter = ("nsenter", f"--net=/proc/{first}/ns/net")
        return subprocess.run(
            [*enter, *words], stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=True
        ).stdout

    def _children(self) -> list[int]:
        """The first process in there, with which all others end; none when it has ended."""
        assert self._process is not None
        number = self._process.pid
        told = Path(f"/proc/{number}/task/{number}/children").read_text()
        return [int(child) for child in told.split()]

    def close(self) -> None:
        """Ends it, and removes whatever was made by it."""
        if self._process is not None and self._process.poll() is None:
            # Whoever started them waits for the first of them, which ends after all others.
            for first in self._children() or [self._process.pid]:
                os.kill(first, signal.SIGKILL)
            self._process.wait(PATIENCE)
        for path in sorted(CGROUPS.glob(f"**/{self._group}"), reverse=True):
            for below in sorted(path.rglob("*/"), reverse=True):
                below.rmdir()
            path.rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)
