"""The foreign clients and providers, by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.support.processes import Actor

HERE = Path(__file__).resolve().parent

CLIENTS = {
    "node": ("node", str(HERE / "node" / "client.js")),
    "perl": ("perl", str(HERE / "perl" / "client.pl")),
    "php": (sys.executable, str(HERE / "php_shape.py")),
}
PROVIDERS = {
    "node": ("node", str(HERE / "node" / "provider.js")),
    "perl": ("perl", str(HERE / "perl" / "provider.pl")),
}


def client(kind: str, port: int, **settings: Any) -> Actor:
    """A foreign client that is to connect to a port of this machine."""
    return Actor(f"{kind} client", CLIENTS[kind], {"host": "127.0.0.1", "port": port, **settings})


def provider(kind: str, name: str = "a", **settings: Any) -> Actor:
    """A foreign provider that listens on a free port and tells it (event "listening")."""
    known = {"system_id": "smppproxy", "password": "upstream"}
    return Actor(f"{kind} provider {name}", PROVIDERS[kind], {**known, **settings})
