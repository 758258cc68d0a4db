"""The page that Prometheus scrapes, written a piece at a time with turns of the reactor between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from smppproxy.admin.door import Shown, headers

AT_ONCE = 1 << 16
"""Octets that are made in one turn: about 2 ms of work."""

TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class ScrapePage(Shown):
    """A GET that answers pieces of text."""

    def __init__(self, pieces: Callable[[], Iterator[str]], clock: Any) -> None:
        """
        :param pieces: makes the text anew.
        """
        super().__init__()
        self.pieces = pieces
        self._clock = clock

    def show(self, request: Request) -> int:
        """The text of now."""
        headers(request, 200, TYPE)
        Scrape(request, self.pieces(), self._clock).write()
        return NOT_DONE_YET


class Scrape:
    """One answer, until it is written or nobody reads it any more."""

    def __init__(self, request: Any, pieces: Iterator[str], clock: Any) -> None:
        self._request = request
        self._pieces = pieces
        self._clock = clock
        self._gone = False
        request.notifyFinish().addErrback(self._left)

    def _left(self, failure: Failure) -> None:
        self._gone = True

    def write(self) -> None:
        """The next of it."""
        if self._gone:
            return
        made: list[str] = []
        size = 0
        for piece in self._pieces:
            made.append(piece)
            size += len(piece)
            if size >= AT_ONCE:
                self._clock.callLater(0, self.write)
                break
        self._request.write("".join(made).encode())
        if size < AT_ONCE:
            self._request.finish()
