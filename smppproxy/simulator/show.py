"""Shows the demo's pictures while it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TextIO

from rich.console import Console
from rich.live import Live

from smppproxy.simulator import view
from smppproxy.simulator.clock import Reactor, Ticker

PICTURE_EVERY = 0.25
LINE_EVERY = 8
"""Pictures per plain line."""


class Show:
    """Shows pictures: a live table on a terminal, else a line every two seconds."""

    def __init__(
        self, reactor: Reactor, picture: Callable[[], view.Picture], out: TextIO
    ) -> None:
        self._picture = picture
        self._out = out
        self._ticks = 0
        self._told = 0
        self._live: Live | None = None
        first = picture()
        if out.isatty():
            self._live = Live(view.screen(first), console=Console(file=out), auto_refresh=False)
            self._live.start(refresh=True)
        self._ticker = Ticker(reactor, PICTURE_EVERY, self._tick)
        self._ticker.start()

    def _tick(self) -> None:
        picture = self._picture()
        self._ticks += 1
        if self._live is not None:
            self._live.update(view.screen(picture), refresh=True)
            return
        self._tell(picture.events)
        if self._ticks % LINE_EVERY == 0:
            print(view.line(picture), file=self._out, flush=True)

    def _tell(self, events: Sequence[str]) -> None:
        for event in events[self._told :]:
            print(event, file=self._out, flush=True)
        self._told = len(events)

    def close(self) -> None:
        """Show the last picture and leave it there."""
        self._ticker.stop()
        self._tick()
        if self._live is not None:
            self._live.stop()
