"""A real node as a process: its files, its start, its ports, its end."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
from argon2 import PasswordHasher
from twisted.internet.defer import Deferred

from tests.support.processes import Logger

TWISTD = str(Path(sys.executable).with_name("twistd"))
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""A hash is checked once per account here; its strength is not what these tests are about."""

LISTENING = r"listening for clients on [\d.]+:(\d+)"


@attrs.define
class Upstream:
    """A provider of the network file."""

    name: str
    ports: Sequence[int]
    options: str = 'bind = "transceiver"'
    """More lines of its table."""
    tables: str = ""
    """More tables below it, ``NAME`` standing for the provider's name."""
    address: str = "127.0.0.1"
    addresses: Sequence[str] = ()
    """One for each host, instead of the same for all."""
    password: str = "upstream"

    def text(self) -> str:
        """Its part of the network file; hosts are a, b, ... in the order of the ports."""
        lines = [
            f"[provider.{self.name}]",
            'system_id = "smppproxy"',
            f'password = "{self.password}"',
            "reconnect_min = 0.2",
            "reconnect_max = 0.5",
            self.options,
        ]
        addresses = self.addresses or [self.address] * len(self.ports)
        for letter, address, port in zip("abcdef", addresses, self.ports, strict=False):
            lines += [
                f"[provider.{self.name}.host.{letter}]",
                f'address = "{address}"',
                f"port = {port}",
            ]
        return "\n".join(lines) + "\n" + self.tables.replace("NAME", self.name) + "\n"


@attrs.define
class Setting:
    """What a node is to be: accounts with their passwords, providers, certificates."""

    accounts: Mapping[str, str]
    upstreams: Sequence[Upstream]
    certificate: Path | None = None
    key: Path | None = None
    node_options: str = ""
    """More lines of the node's own table."""
    account_options: str = ""
    """More lines of every account's table."""
    more: str = ""
    """More of the network file, as MO routes."""

    def network(self) -> str:
        """The network file."""
        accounts = [
            f'[account."{name}"]\npassword = "{CHEAP.hash(password)}"\n{self.account_options}\n'
            for name, password in self.accounts.items()
        ]
        targets = ", ".join(f'"{upstream.name}"' for upstream in self.upstreams)
        route = f'[[route]]\nname = "all"\ntargets = [{targets}]\n'
        providers = [upstream.text() for upstream in self.upstreams]
        return "\n".join([*accounts, *providers, route, self.more])

    def node(self, folder: Path) -> str:
        """The node file: one plain listener and, with a certificate, one for TLS."""
        text = f"""
[node]
name = "node1"
network_file = "network.toml"
store = "embedded://{folder}/store?deadline=10"
drain_timeout = 2.0
{self.node_options}

[[listener]]
name = "plain"
address = "127.0.0.1"
port = 0
"""
        if self.certificate is not None:
            text += f"""
[[listener]]
name = "tls"
address = "127.0.0.1"
port = 0
tls = true
certificate = "{self.certificate}"
key = "{self.key}"
"""
        return text


class RunningNode(Logger):
    """``twistd -n smppproxy`` with files of its own, in a folder that goes with it."""

    patience = 30.0

    def __init__(self, setting: Setting) -> None:
        # A Unix socket's path may not be long, so the folder is not trial's own.
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-"))
        self.setting = setting
        self.port = 0
        self.tls_port = 0
        (self.folder / "network.toml").write_text(setting.network())
        (self.folder / "node.toml").write_text(setting.node(self.folder))
        options = ["-n", f"--pidfile={self.folder}/twistd.pid"]
        config = str(self.folder / "node.toml")
        super().__init__("node", [TWISTD, *options, "smppproxy", "-c", config])

    async def run(self) -> None:
        """Start it; its ports are known afterwards."""
        self.start()
        self.port = await self._port()
        if self.setting.certificate is not None:
            self.tls_port = await self._port()

    async def _port(self) -> int:
        return int((await self.expect_match(LISTENING))[1])

    def stop(self) -> Deferred[None]:
        """SIGTERM, and the folder is removed once it is over."""

        def removed(_: object) -> None:
            shutil.rmtree(self.folder, ignore_errors=True)

        return super().stop().addCallback(removed)
