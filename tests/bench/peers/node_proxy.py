"""The shortest proxy over the npm package smpp: `proxy.js`, ids in memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.bench.peers.system import LOGIN, Folder, SmppSystem, Unavailable, simulated_hosts
from tests.bench.rig import ROOT

PROXY = Path(__file__).with_name("proxy.js")
#: `make interop-tools` installs it there.
MODULES = ROOT / "tests" / "interop" / "node" / "node_modules"


class NodeProxy(SmppSystem):
    """One process of node; nothing durable."""

    name = "node"
    configuration = (
        "tests/bench/peers/proxy.js: ids in memory, nothing durable; no accounts, limits or log"
    )

    def __init__(self) -> None:
        super().__init__()
        lines = len(PROXY.read_text().splitlines())
        self.what = f"{lines} lines over npm smpp"

    def start(self) -> None:
        """Start hosts and proxy."""
        node = shutil.which("node")
        package = MODULES / "smpp" / "package.json"
        if node is None or not package.exists():
            raise Unavailable("node or the npm package smpp is missing; make interop-tools")
        told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
        self.versions = {
            "node": told.stdout.strip(),
            "smpp": json.loads(package.read_text())["version"],
        }
        self._hosts = simulated_hosts()
        login = dict(zip(("system_id", "password"), LOGIN, strict=True))
        settings = {
            "system_id": "load", "password": "load", "upstream": login,
            "hosts": self._hosts.ports, "binds": 2,
        }  # fmt: skip
        self._folder = Folder(self.name)
        environ = {"NODE_PATH": os.fspath(MODULES)}
        process = self._folder.run(
            "node", [node, os.fspath(PROXY), json.dumps(settings)], environ, piped=True
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Unavailable(f"node ended:\n{self._folder.story('node')}")
        self.port = json.loads(line)["listening"]
