"""`tap` at the supervisor's door: what passes at its workers, as one stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from twisted.python.failure import Failure

from smppproxy.admin.access import Caller
from smppproxy.admin.api import PREFIX
from smppproxy.admin.tapping import Stream
from smppproxy.workers.asking import Asked, ask
from smppproxy.workers.process import WorkerProcess

Begin = Callable[[object, dict[str, Any], Caller, Stream], Callable[[], None]]
"""As ``admin.tapping.Taps.tap``."""


class _Open:
    """One that somebody listens to."""

    def __init__(self, page: str, count: int, stream: Stream) -> None:
        self.page = page
        self.asked: dict[str, Asked] = {}
        self._left = count
        self._stream = stream
        self._rests: dict[str, bytes] = {}
        self._dropped = 0
        self._is_over = False

    def heard(self, name: str, octets: bytes) -> None:
        """Some of what a worker tells."""
        *lines, self._rests[name] = (self._rests.get(name, b"") + octets).split(b"\n")
        for line in filter(None, lines):
            if not self._is_over:
                self._pass(json.loads(line))

    def _pass(self, row: dict[str, Any]) -> None:
        row["dropped"] += self._dropped
        if not self._stream.send(row):
            self._dropped = row["dropped"] + 1
            return
        self._dropped = 0
        if self._left:
            self._left -= 1
            if not self._left:
                self._is_over = True
                self._stream.end()

    def left(self, name: str) -> None:
        """A worker has ended, or this tap of it."""
        self.asked.pop(name, None)
        self._rests.pop(name, None)

    def end(self) -> None:
        """Nobody listens any more."""
        for asked in [*self.asked.values()]:
            asked.leave()


class WorkersTaps:
    """The taps of a node with workers.

    :param own: the supervisor's own, which says whether a tap may be; nothing passes there.
    :param workers: gives those that are up.
    :ivar opened: by those who listen.
    """

    def __init__(
        self, reactor: Any, own: Begin, workers: Callable[[], Iterable[WorkerProcess]]
    ) -> None:
        self._reactor = reactor
        self._own = own
        self._workers = workers
        self.opened: list[_Open] = []

    def tap(
        self, operation: object, given: dict[str, Any], caller: Caller, stream: Stream
    ) -> Callable[[], None]:
        """See :meth:`smppproxy.admin.tapping.Taps.tap`."""
        end_own = self._own(operation, given, caller, stream)
        asked = {name: value for name, value in given.items() if value} | {"seconds": 0}
        query = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in asked.items()
        }
        page = f"{PREFIX.strip('/')}/tap?{urlencode(query)}"
        opened = _Open(page, given["count"], stream)
        self.opened.append(opened)
        for worker in self._workers():
            self._begin(opened, worker)

        def end() -> None:
            end_own()
            if opened in self.opened:
                self.opened.remove(opened)
            opened.end()

        return end

    @property
    def heard(self) -> list[str]:
        """The workers that are listened to, once for each who listens."""
        return [name for opened in self.opened for name in opened.asked]

    def worker_is_up(self, worker: WorkerProcess) -> None:
        """It has begun anew: who listens hears it too."""
        for opened in self.opened:
            self._begin(opened, worker)

    def _begin(self, opened: _Open, worker: WorkerProcess) -> None:
        name = worker.name
        if name in opened.asked:
            return
        asked = opened.asked[name] = Asked(opened.page, lambda data: opened.heard(name, data))

        def connected(_: Asked) -> None:
            if opened not in self.opened:
                asked.leave()
            asked.over.addCallback(lambda _: opened.left(name))

        def failed(_: Failure) -> None:
            opened.left(name)

        ask(self._reactor, worker.door, asked).addCallbacks(connected, failed)
