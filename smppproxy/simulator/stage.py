"""What the demo's node needs on disk: its two files, a certificate, and free ports."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import argon2
from attrs import define

from smppproxy.simulator.certificate import self_signed

ADDRESS = "127.0.0.1"

TOKEN = "admin.token"
"""The file with what opens the demo's port: made anew for each demo."""

MAY_HOLD = sys.platform == "linux"
"""Whether a port may be listened on that somebody else has, and does not listen on."""

LONGEST_SOCKET = 107
"""Octets that the system lets the name of a Unix socket have."""

#: system_id and password of the account that any SMPP client may use, and of the sample client's:
#: apart, so that neither gets the other's receipts.
DEMO = ("demo", "demo")
SAMPLE = ("sample", "sample")

#: What the simulated providers ask for.
UPSTREAM = ("smppproxy", "smppproxy")

_NODE = """\
[node]
name = "demo"
store = "embedded:store"
network_file = "network.toml"
drain_timeout = 2.0

[[listener]]
name = "plain"
address = "{address}"
port = {port}

[[listener]]
name = "tls"
address = "{address}"
port = {tls_port}
tls = true
certificate = "demo.crt"
key = "demo.key"

[admin]
address = "{address}"
port = {http_port}
path = "{socket}"
{tokens}

[message_log]
folder = "messages"
"""

_NETWORK = """\
[account.{demo}]
password = "{demo_password}"
max_binds = 100

[account.{sample}]
password = "{sample_password}"

[provider.acme]
system_id = "{system_id}"
password = "{password}"
binds = 2
window = 100
reconnect_min = 0.25
reconnect_max = 1.0

[provider.acme.ids]
resp = "hex"
receipt_text = "dec"
receipt_tlv = "dec"

[provider.acme.host.a]
address = "{address}"
port = {acme_a}

[provider.acme.host.b]
address = "{address}"
port = {acme_b}

[provider.backup]
system_id = "{system_id}"
password = "{password}"
window = 100
reconnect_min = 0.25
reconnect_max = 1.0

[provider.backup.host.a]
address = "{address}"
port = {backup_a}

[[route]]
name = "everything"
targets = ["acme", {{ provider = "backup", backup = true }}]

[[mo_route]]
account = "{demo}"
"""


class PortTaken(Exception):
    """A port that the demo should listen on is not to be had; str() says which and what to do."""

    def __init__(self, option: str, port: int, reason: str) -> None:
        super().__init__(
            f"port {port} cannot be listened on: {reason}; "
            f"end what uses it, or give another one: {option} PORT (0 = any free one)"
        )


@define
class Ports:
    """Where the demo's node listens."""

    plain: int
    tls: int
    http: int


@contextmanager
def held_ports(ports: Ports) -> Iterator[Ports]:
    """The same ports, each 0 replaced by a free one; nobody is given one of them meanwhile.

    The node listens on them meanwhile: one that is held does not listen itself.

    :raises PortTaken: one of them is in use.
    """
    options = ("--port", "--tls-port", "--http-port")
    with ExitStack() as held:
        sockets = [
            held.enter_context(_hold(option, port))
            for option, port in zip(options, (ports.plain, ports.tls, ports.http), strict=True)
        ]
        chosen = Ports(*(one.getsockname()[1] for one in sockets))
        if not MAY_HOLD:
            held.close()
        yield chosen


def _hold(option: str, port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As the node itself will: a connection of an earlier run that lingers is no hindrance, and
    # this one is none for the node.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((ADDRESS, port))
    except OSError as error:
        one.close()
        taken = error.errno == errno.EADDRINUSE
        raise PortTaken(option, port, "it is taken" if taken else str(error.strerror)) from None
    return one


def write_files(
    folder: Path, ports: Ports, acme: Mapping[str, int], backup: Mapping[str, int]
) -> Path:
    """Write node file, network file and certificate; returns the path of the node file."""
    own = self_signed("localhost")
    (folder / "demo.crt").write_bytes(own.certificate_pem)
    _write_secret(folder / "demo.key", own.key_pem)
    _write_secret(folder / TOKEN, secrets.token_urlsafe(18).encode())
    node = folder / "smppproxy.toml"
    node.write_text(
        _NODE.format(
            address=ADDRESS,
            port=ports.plain,
            tls_port=ports.tls,
            http_port=ports.http,
            socket=admin_socket(folder),
            tokens=f'tokens = {{ admin = "file:{TOKEN}" }}' if ports.http else "",
        )
    )
    demo_password, sample_password = _hashes((DEMO[1], SAMPLE[1]))
    (folder / "network.toml").write_text(
        _NETWORK.format(
            address=ADDRESS,
            demo=DEMO[0],
            demo_password=demo_password,
            sample=SAMPLE[0],
            sample_password=sample_password,
            system_id=UPSTREAM[0],
            password=UPSTREAM[1],
            acme_a=acme["a"],
            acme_b=acme["b"],
            backup_a=backup["a"],
        )
    )
    return node


def page(folder: Path, ports: Ports) -> str:
    """The address of the web page, with what opens it: a browser sends that part to nobody."""
    return f"http://{ADDRESS}:{ports.http}/#token={(folder / TOKEN).read_text()}"


def _write_secret(path: Path, octets: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(octets)


def admin_socket(folder: Path) -> str:
    """Where an operator's commands reach the demo's node; "" where the system would not take it."""
    path = str(folder.absolute() / "admin")
    return path if len(path) <= LONGEST_SOCKET else ""


def _hashes(passwords: Sequence[str]) -> list[str]:
    # Cheap on purpose: these passwords are on the screen, and a bind should not wait.
    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    return [hasher.hash(password) for password in passwords]
