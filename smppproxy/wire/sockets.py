"""Unix sockets of our own: a killed node leaves its socket behind."""

from __future__ import annotations

import os
import socket
import stat


def remove_dead_socket(path: str) -> None:
    """Remove the Unix socket that a killed node left behind; one that is listened on stays."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError:
            return  # nothing there, or somebody who is busy: listening will tell


def is_socket(path: str) -> bool:
    """Whether a Unix socket of this name is on this machine."""
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
