"""Somebody who looks at a node while it is loaded: its web page open, and Prometheus beside it."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.client import HTTPConnection
from typing import Any

PAGE_EVERY = 2.0
"""Seconds between two questions of the first page, as in smppproxy/admin/web/views/now.js."""

SCRAPE_EVERY = 5.0
"""Seconds between two scrapes; Prometheus' own default is 60."""

PAGE = ("binds", "providers?sum=true", "hosts?sum=true", "nodes", "queues", "ledger")
"""What the first page shows besides the last hour."""


class Onlooker(threading.Thread):
    """Asks what the page and Prometheus ask, as often as they do, from `start` to `stop`.

    :ivar asked: how many answers came.
    :ivar trouble: what went wrong, "" for nothing.
    """

    def __init__(self, path: str) -> None:
        """:param path: of the admin door's socket."""
        super().__init__(name="onlooker", daemon=True)
        self.asked = 0
        self.trouble = ""
        self._path = path
        self._over = threading.Event()
        self._newest: float | None = None
        self._scraped = float("-inf")
        self._step = 0.0

    def stop(self) -> None:
        """Look no more; it is over when this returns."""
        self._over.set()
        self.join()

    def run(self) -> None:
        """In its own thread."""
        door = _Socket(self._path)
        try:
            while not self._over.is_set():
                self._look(door)
                self._over.wait(PAGE_EVERY)
        except (OSError, ValueError) as error:
            self.trouble = f"{type(error).__name__}: {error}"
        finally:
            door.close()

    def _look(self, door: HTTPConnection) -> None:
        self._hour(door)
        for view in PAGE:
            self._ask(door, f"/api/v1/show/{view}")
        if time.monotonic() - self._scraped >= SCRAPE_EVERY:
            self._scraped = time.monotonic()
            self._ask(door, "/metrics")

    def _hour(self, door: HTTPConnection) -> None:
        """As smppproxy/admin/web/state.js: everything once, then what is new."""
        if self._newest is None:
            answer = json.loads(self._ask(door, "/api/v1/history"))
            self._ask(door, "/api/v1/history?named=true&seconds=900")
        else:
            since = self._newest + self._step
            answer = json.loads(self._ask(door, f"/api/v1/history?named=true&since={since}"))
        self._step = answer["step"]
        if answer["count"]:
            self._newest = answer["first"] + (answer["count"] - 1) * self._step

    def _ask(self, door: HTTPConnection, path: str) -> bytes:
        door.request("GET", path)
        answer = door.getresponse()
        octets = answer.read()
        if answer.status != 200:
            raise ValueError(f"{path}: {answer.status} {octets[:200]!r}")
        self.asked += 1
        return octets


class _Socket(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("node", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock: Any = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
