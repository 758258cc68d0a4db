"""One process of a load test: takes its orders on stdin, tells what it sees on stdout.

Orders are words on a line: ``go SECONDS`` (monotonic), ``stop``, ``leave``. The end of stdin is
the end of the process. What it tells are JSON objects, one a line.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from typing import Any

from smppproxy.simulator.load import plan
from smppproxy.simulator.load.board import Board
from smppproxy.simulator.load.client import Clients, Session
from smppproxy.simulator.load.loop import Loop, client_context, resolve

#: Seconds between two reports.
REPORT = 0.25
#: Connections that are under way at a time, in one process.
RAMP = 32
#: Pause before a session that was lost is opened again.
RECONNECT = 0.5


class Worker:
    """One process's sessions, from the first connection to the last report."""

    def __init__(self, settings: dict[str, Any], out: Any) -> None:
        options, share = plan.read(settings)
        self.options = options
        self.board = Board(options.size, settings["board"])
        self.clients = Clients(options, share, self.board)
        self.loop = Loop(self)
        self._out = out
        self._place = resolve(options.address, options.port)
        self._tls = client_context(options.ca, options.verify) if options.tls else None
        self._to_open: list[tuple[float, Session]] = [(0.0, each) for each in self.clients.sessions]
        self._opening = 0
        self._orders = b""
        self._go = 0.0
        self._leaving = 0.0
        self._was_bound = False
        self.ended = False

    # ------------------------------------------------------------ the owner

    def opened(self, session: Session, now: float) -> None:
        """Part of the loop's `Owner`."""
        self.clients.opened(session, now)

    def received(self, session: Session, data: bytes, now: float) -> None:
        """Part of the loop's `Owner`."""
        was = session.bound
        self.clients.received(session, data, now)
        if session.bound and not was:
            self._opening -= 1

    def gone(self, session: Session, reason: str) -> None:
        """Part of the loop's `Owner`: tell why, and try again once everything has been bound."""
        was = session.bound
        self.clients.closed(session)
        if not was:
            self._opening -= 1
        if self._leaving:
            return
        if not was and not self._was_bound:
            self._say(failed=reason, status=session.refused)
        self._to_open.append((self.loop.now() + RECONNECT, session))

    def _say(self, **told: Any) -> None:
        self._out.write(json.dumps(told).encode() + b"\n")
        self._out.flush()

    # --------------------------------------------------------------- orders

    def ordered(self) -> None:
        """Read stdin."""
        data = os.read(0, 4096)
        if not data:
            self.ended = True
            return
        *lines, self._orders = (self._orders + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode().partition(" ")
            if word == "go":
                self._go = float(rest)
            elif word == "stop":
                self.clients.stop()
            else:
                self._leave()

    def _leave(self) -> None:
        self._leaving = self.loop.now()
        self.clients.leave()
        self.loop.flush(self.clients.sessions)

    # ----------------------------------------------------------------- turns

    def run(self) -> None:
        """Until told to leave."""
        self.loop.watch(0, self.ordered)
        clients, loop = self.clients, self.loop
        report = tick = loop.now()
        while not self.ended:
            now = loop.now()
            if now >= report:
                self._report()
                report = now + REPORT
            if now >= tick:
                clients.tick(now)
                loop.flush(clients.sessions)
                tick = now + 1.0
            read = loop.turn(min(report - now, self._next(now)))
            now = loop.now()
            if self._to_open:
                self._open(now)
            if self._go and now >= self._go:
                clients.go(self._go)
                self._go = 0.0
            written = clients.fill(now)
            loop.flush(read)
            loop.flush(written)
            if self._leaving and (not loop.lines or now - self._leaving > 2.0):
                break
        self._finish()

    def _next(self, now: float) -> float:
        if self._to_open and self._opening < RAMP:
            return max(0.0, self._to_open[0][0] - now)
        if self._go:
            return self._go - now
        return self.clients.due(now)

    def _open(self, now: float) -> None:
        while self._to_open and self._opening < RAMP and not self._leaving:
            if self._to_open[0][0] > now:
                return
            _, session = self._to_open.pop(0)
            self._opening += 1
            self.loop.connect(session, self._place, self._tls, self.options.address)

    def _report(self) -> None:
        clients = self.clients
        responses, deliveries = clients.interval()
        bound = clients.bound
        self._was_bound = self._was_bound or bound == len(clients.sessions)
        self._say(
            at=time.monotonic(),
            last=clients.last,
            bound=bound,
            over=clients.over,
            unanswered=clients.unanswered,
            responses=responses.told(),
            deliveries=deliveries.told(),
            cpu=_cpu(),
            **clients.totals(),
        )

    def _finish(self) -> None:
        self.clients.settle()
        self._report()
        self._leaving = self._leaving or 1.0
        self.loop.close()
        self.board.close()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """What the process does: its settings are the first line of stdin."""
    # Ctrl-C is for whoever started it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A bind is a descriptor, and the usual limit is 1,024 of them.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    settings = json.loads(_first_line())
    if settings["kind"] == "smsc":
        from smppproxy.simulator.load.hosts import serve

        serve(settings, sys.stdout.buffer)
        return
    try:
        worker = Worker(settings, sys.stdout.buffer)
    except OSError as error:
        sys.stdout.buffer.write(json.dumps({"failed": str(error), "status": 0}).encode() + b"\n")
        return
    worker.run()


def _first_line() -> bytes:
    """Octet by octet: what follows is read without a buffer."""
    line = b""
    while not line.endswith(b"\n"):
        octet = os.read(0, 1)
        if not octet:
            raise SystemExit(2)
        line += octet
    return line
