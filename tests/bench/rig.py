"""A node as it is installed, between simulators in processes of their own, for end-to-end figures.

The node's files are etc/loadtest.toml and its network, with ports that are free and with what a
scenario changes. Everything durable is on: append-only store, metadata log, metrics.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from smppproxy.cli.door import Door, Place, Refused, Unanswered
from smppproxy.simulator.certificate import self_signed
from smppproxy.simulator.load.hosts import Hosts
from smppproxy.simulator.load.plan import LoadOptions
from smppproxy.simulator.load.provider import LeanOptions
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Bind
from tests.support.ports import free_port
from tests.support.waiting import holds

ROOT = Path(__file__).resolve().parents[2]
ETC = ROOT / "etc"
TWISTD = str(Path(sys.executable).with_name("twistd"))

#: Seconds that a node may take until all of its binds are bound.
PATIENCE = 60.0
#: The provider's own delay of a receipt, in all scenarios.
RECEIPT_DELAY = 0.05

_STORES = ("valkey-server", "redis-server")


@attrs.define
class Setup:
    """What a scenario changes of the load test's own files."""

    tls: bool = False
    log: bool = True
    pure: bool = False
    """Without the compiled part."""
    workers: int = 1
    network: str = ""
    """Put behind the network file."""
    provider_options: str = ""
    account_binds: int = 10_000


class Rig:
    """A provider and a node; `stop` ends both.

    :ivar ca: the certificate to trust, "" without TLS.
    :ivar door: the path of the node's admin door.
    """

    def __init__(self, setup: Setup | None = None) -> None:
        self.setup = setup or Setup()
        # A Unix socket's path may not be long.
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-bench-"))
        self.door = str(self.folder / "admin")
        self.ca = str(self.folder / "tls.crt") if self.setup.tls else ""
        key = str(self.folder / "tls.key") if self.setup.tls else ""
        if self.setup.tls:
            own = self_signed("localhost")
            Path(self.ca).write_bytes(own.certificate_pem)
            Path(key).write_bytes(own.key_pem)
        options = LeanOptions(
            accounts={b"smppproxy": b"smppproxy"},
            receipt_delay=(RECEIPT_DELAY, RECEIPT_DELAY),
            window=100,
        )
        self.hosts = Hosts(options, [0, 0], certificate=self.ca, key=key)
        # Workers share a port that all of them know; one process is told which it got.
        self._wanted = free_port() if self.setup.workers > 1 else 0
        self._node: subprocess.Popen[bytes] | None = None
        self.started = 0.0

    def start(self) -> None:
        """Start the node; it has all of its binds once this returns."""
        self._write()
        log = (self.folder / "node.log").open("wb")
        environ = {**os.environ, "SMPPPROXY_STORE": f"embedded://{self.folder}/store"}
        if self.setup.pure:
            environ["SMPPPROXY_PURE"] = "1"
        options = ["-n", f"--pidfile={self.folder}/pid"]
        command = [TWISTD, *options, "smppproxy", "-c", str(self.folder / "loadtest.toml")]
        self.started = time.monotonic()
        self._node = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
        log.close()

    def _write(self) -> None:
        setup = self.setup
        node = (ETC / "loadtest.toml").read_text()
        node = node.replace("port = 2775", f"port = {self._wanted}")
        node = node.replace("[node]\n", f"[node]\nworkers = {setup.workers}\n", 1)
        if setup.tls:
            node += f'tls = true\ncertificate = "{self.ca}"\nkey = "{self.folder}/tls.key"\n'
        node += f'\n[admin]\npath = "{self.door}"\n'
        if setup.log:
            node += f'\n[message_log]\nfolder = "{self.folder}/messages"\n'
        (self.folder / "loadtest.toml").write_text(node)
        network = (ETC / "loadtest-network.toml").read_text()
        for written, port in zip(("2901", "2902"), self.hosts.ports, strict=True):
            network = network.replace(f"\nport = {written}", f"\n{self._door(port)}")
        options = f'tls = "required"\ntls_ca = "{self.ca}"\n' if setup.tls else ""
        network = network.replace("binds = 2\n", f"binds = 2\n{options}{setup.provider_options}")
        (self.folder / "loadtest-network.toml").write_text(network + setup.network)

    def _door(self, port: int) -> str:
        return f"tls_port = {port}" if self.setup.tls else f"port = {port}"

    def ready(self, binds: int = 4) -> None:
        """Wait until so many binds to providers are bound."""

        def is_over() -> bool:
            return self._node is None or self._node.poll() is not None

        if not holds(lambda: self.bound() >= binds or is_over(), PATIENCE) or is_over():
            raise RuntimeError(f"the node is not ready:\n{self.story()}")

    @property
    def port(self) -> int:
        """Where clients bind, 0 while nobody listens."""
        if self._wanted:
            return self._wanted
        found = re.search(r"listening for clients on [\d.]+:(\d+)", self.story(1000))
        return int(found[1]) if found else 0

    def bound(self) -> int:
        """Binds to providers that are bound, over all workers."""
        try:
            rows = Door(Place(self.door)).get("/show/binds")["rows"]
        except (Unanswered, Refused):
            return 0
        return sum(row["side"] == "provider" and row["state"] == "bound" for row in rows)

    def first_bind(self) -> float:
        """Seconds from the start of the process to the first bind of a client that is accepted."""
        request = build.bind(c.BIND_TRANSCEIVER, 1, Bind(b"load", b"load", b"", 0x34, 0, 0, b""))
        while time.monotonic() < self.started + PATIENCE:
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as client:
                    client.settimeout(PATIENCE)
                    client.sendall(request)
                    answer = client.recv(100)
            except OSError:
                answer = b""
            if answer[8:12] == bytes(4):
                return time.monotonic() - self.started
            time.sleep(0.005)
        raise RuntimeError(f"nobody can bind:\n{self.story()}")

    def options(self, **more: Any) -> LoadOptions:
        """Of a load test against this node."""
        more.setdefault("system_id", b"load")
        more.setdefault("password", b"load")
        first = time.time_ns() // 1_000_000 * 7 % 100_000_000
        return LoadOptions(
            port=self.port, tls=self.setup.tls, ca=self.ca, first=first, **more
        )

    def pids(self) -> dict[str, list[int]]:
        """Processes by what they are: node (with its workers), log, store, provider."""
        assert self._node is not None
        found: dict[str, list[int]] = {"node": [], "log": [], "store": []}
        for pid in (self._node.pid, *descendants(self._node.pid)):
            line = command(pid)
            kind = "store" if any(name in line for name in _STORES) else "node"
            found["log" if "scribe" in line else kind].append(pid)
        found["provider"] = self.hosts.pids
        return found

    def story(self, lines: int = 30) -> str:
        """What the node said last."""
        text = (self.folder / "node.log").read_text("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """SIGTERM, then the provider, then the folder."""
        if self._node is not None:
            self._node.terminate()
            try:
                self._node.wait(30)
            except subprocess.TimeoutExpired:
                self._node.kill()
                self._node.wait()
        self.hosts.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def descendants(pid: int) -> Iterator[int]:
    """Children of a process, and theirs."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children: Sequence[str] = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield int(child)
            yield from descendants(int(child))


def command(pid: int) -> str:
    """The command line of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def memory(pids: Sequence[int]) -> float:
    """Megabytes of these processes, as far as they share them with nobody."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(found) for found in re.findall(r"^Pss:\s+(\d+)", text, re.MULTILINE))
    return total / 1024
