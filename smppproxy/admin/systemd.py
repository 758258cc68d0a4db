"""What systemd is told of this node (``Type=notify``): ready, draining, and that it still turns.

sd_notify(3) is a datagram to the Unix socket that NOTIFY_SOCKET names; without systemd there is
none and nothing is said.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

MICROSECONDS = 1_000_000


class Systemd:
    """The process that started us, if it wants to hear.

    :param environ: of the process.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._every = _period(environ)
        self._next = 0.0

    def ready(self) -> None:
        """Clients are let in."""
        self._say("READY=1\nSTATUS=serving")

    def stopping(self) -> None:
        """The node drains."""
        self._say("STOPPING=1\nSTATUS=draining")

    def tick(self, now: float) -> None:
        """The reactor turns; told twice as often as systemd waits for it."""
        if self._every and now >= self._next:
            self._next = now + self._every
            self._say("WATCHDOG=1")

    def _say(self, words: str) -> None:
        """Best effort: a node does not fail because nobody listens."""
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(words.encode(), address)
        except OSError:
            return


def _period(environ: Mapping[str, str]) -> float:
    """Seconds between two signs of life, half of what is allowed; 0 when none is asked of us."""
    wanted = environ.get("WATCHDOG_USEC", "")
    ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(wanted) / MICROSECONDS / 2 if ours and wanted.isascii() and wanted.isdigit() else 0.0
