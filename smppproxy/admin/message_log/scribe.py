"""The process that keeps a node's message log: ``python -m smppproxy.admin.message_log.scribe``.

It reads rows from its standard input until that ends, since its node ended: a signal does not stop
it, so that what the node noted last is written. On its standard output it tells counts (``tally``)
every ten seconds and at the end, and what the disk did not take:

* ``("counts", ((count, number), ...))``, counts being those of ``tally``
* ``("lost", how many lines, why)``, ``("well",)`` when the disk takes lines again
* with tracing ``("spans", exported, dropped)``, and ``("collector", whether it takes them)`` when
  that changed
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import msgpack

from smppproxy.admin.message_log import rows
from smppproxy.admin.message_log.folder import LogWriter
from smppproxy.admin.message_log.lines import Lines
from smppproxy.admin.message_log.tally import Tally

if TYPE_CHECKING:
    from smppproxy.admin.message_log.otlp import Exporter

AT_ONCE = 1 << 17
"""Octets that are read, made into lines and written at once: no more than what stays in the
processor's cache meanwhile. Of a megabyte each message costs a fifth more."""

COLLECT_AFTER = 100_000
"""New objects after which the collector of garbage looks through them."""

COUNT_EVERY = 10.0
"""Seconds between two tellings of the counts."""


class Scribe:
    """Reads rows, writes lines.

    :ivar done: the node has closed its end.
    """

    def __init__(self, read: int, write: int) -> None:
        """Both are file descriptors: where rows come from, where the rest is told."""
        self.done = False
        self._read = read
        self._write = write
        self._unpacker = msgpack.Unpacker(use_list=False, max_buffer_size=1 << 30)
        self._tally = Tally()
        self._lines: Lines | None = None
        self._writer: LogWriter | None = None
        self._exporter: Exporter | None = None
        self._has_collector = True
        self._told = time.monotonic()
        self._ticked = self._told
        self._trouble = False

    def run(self) -> None:
        """Until the node is gone."""
        while not self.done:
            ready, _, _ = select.select([self._read], [], [], 1.0)
            if ready:
                self._take(os.read(self._read, AT_ONCE))
            now = time.monotonic()
            if now - self._ticked >= 1.0 or self.done:
                self._ticked = now
                self._tick(now)
        if self._writer is not None:
            self._writer.close()
        if self._exporter is not None:
            self._exporter.close()
            self._tell_spans(self._exporter)

    def _take(self, data: bytes) -> None:
        self.done = not data
        self._unpacker.feed(data)
        for row in self._unpacker:
            if self._lines is not None:
                self._lines.add(row)
            elif row[0] == rows.CONFIG:
                self._configure(row[1])
        if self._lines is None:
            return
        lines = self._lines.take()
        if self._writer is not None:
            self._writer.write(lines)
        if self._exporter is not None:
            self._exporter.write(lines)

    def _configure(self, config: dict[str, Any]) -> None:
        self._lines = Lines(config["node"], self._tally)
        if config["folder"]:
            self._writer = LogWriter(
                config["folder"],
                config["max_bytes"],
                config["max_seconds"],
                config["keep_days"],
                config["compress"],
            )
        tracing = config.get("tracing")
        if tracing is not None:
            # Only then: these libraries are an extra, and take their time.
            from smppproxy.admin.message_log.otlp import Exporter

            self._exporter = Exporter(config["node"], tracing)

    def _tick(self, now: float) -> None:
        if self._writer is not None:
            self._writer.tick()
            self._tell_trouble(self._writer)
        if self._exporter is not None:
            self._tell_spans(self._exporter)
        if now - self._told >= COUNT_EVERY or self.done:
            self._told = now
            counts = self._tally.take()
            if counts:
                self._tell("counts", list(counts.items()))

    def _tell_trouble(self, writer: LogWriter) -> None:
        lost, writer.lost = writer.lost, 0
        if lost:
            self._trouble = True
            self._tell("lost", lost, writer.trouble)
        elif self._trouble and not writer.trouble:
            self._trouble = False
            self._tell("well")

    def _tell_spans(self, exporter: Exporter) -> None:
        exported, dropped = exporter.take()
        if exported or dropped:
            self._tell("spans", exported, dropped)
        if exporter.trouble == self._has_collector:
            self._has_collector = not exporter.trouble
            self._tell("collector", self._has_collector)

    def _tell(self, *told: Any) -> None:
        data = msgpack.packb(told)
        # Nobody listens any more when the node was killed.
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._write, data) :]


def main() -> None:
    """Keep the log of the node that started this process."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    os.nice(10)  # the node's own work goes first
    if hasattr(os, "SCHED_BATCH"):  # and is not interrupted for ours
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    # Rows are thousands of objects that come and go, without a cycle among them.
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    Scribe(sys.stdin.fileno(), sys.stdout.fileno()).run()


if __name__ == "__main__":
    main()
