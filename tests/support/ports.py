"""Ports for those who cannot listen on port 0 and tell which they got: foreign programs, and what
has to be where it was when it starts again."""

from __future__ import annotations

import random
import socket
from pathlib import Path


def free_port() -> int:
    """A port that nobody listens on now.

    It is below those that the system hands out by itself: between this look and the program's
    start, one of those may go to any connection on this machine.
    """
    while True:
        with socket.socket() as sock:
            port = random.randrange(20_000, 32_000)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def free_ports(count: int) -> list[int]:
    """So many of them, no two alike: for several programs that start one after the other."""
    found: dict[int, None] = {}
    while len(found) < count:
        found[free_port()] = None
    return [*found]


def listens(port: int) -> bool:
    """Whether somebody accepts connections there; nobody notices the look."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)
