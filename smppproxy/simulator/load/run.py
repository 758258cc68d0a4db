"""A load test from its first bind to its result: starts the processes, tells them when, adds up.

The processes are our own program again (`worker`), with pipes for orders and reports and one
piece of memory (`board`) that all of them share. Nothing of Twisted: this waits for pipes.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

import attrs

from smppproxy.simulator.load import plan
from smppproxy.simulator.load.board import Board
from smppproxy.simulator.load.counts import Counts
from smppproxy.simulator.load.histogram import Histogram
from smppproxy.simulator.load.plan import LoadOptions, Share
from smppproxy.simulator.load.result import Result
from smppproxy.simulator.load.usage import Usage
from smppproxy.smpp.constants import status_name

#: Patience for all binds together.
BINDING = 30.0
#: How long the processes may take to unbind and end.
LEAVING = 5.0
#: From the order to begin to the moment for which it holds, so that all begin together.
LEAD = 0.05

COMMAND = (sys.executable, "-m", "smppproxy.simulator.load")


@attrs.define
class Moment:
    """How far it is, for a progress bar. ``rate`` is of the last report, messages a second."""

    state: str
    elapsed: float
    bound: int
    counts: Counts
    rate: float


Told = Callable[[Moment], object]


@attrs.define(eq=False)
class _Worker:
    """One process as the parent sees it."""

    share: Share
    process: subprocess.Popen[bytes]
    bound: int = 0
    over: bool = False
    unanswered: int = 0
    cpu: float = 0.0
    counts: Counts = attrs.field(factory=Counts)
    statuses: dict[int, int] = attrs.field(factory=dict)
    of_a_bind: tuple[int, int] = (0, 0)
    tail: bytes = b""
    ended: bool = False

    def order(self, words: str) -> None:
        """Tell it something, if it is still there."""
        stdin = self.process.stdin
        assert stdin is not None
        try:
            stdin.write(words.encode() + b"\n")
            stdin.flush()
        except (BrokenPipeError, ValueError):
            self.ended = True


class Load:
    """One load test. :meth:`run` is all of it; :meth:`interrupt` ends it early but well."""

    def __init__(
        self,
        options: LoadOptions,
        processes: int = 1,
        pids: Mapping[str, Sequence[int]] | None = None,
        told: Told = lambda _: None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.result = Result(options, 0)
        self._options = options
        self._shares = plan.shares(options, processes)
        self._usage = Usage(pids or {})
        self._told = told
        self._command = command
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._board = Board(options.size)
        self._start = 0.0
        self._progress = 0.0
        self._shown = (0.0, 0)
        self._rate = 0.0
        self._failed = ""
        self._interrupted = False

    def interrupt(self) -> None:
        """Submit nothing more; a second time: wait for nothing more."""
        if self._interrupted:
            self._progress = float("-inf")
        self._interrupted = True
        self._order("stop")

    def run(self) -> Result:
        """Start, bind, submit, drain, unbind.

        Nothing of it outlives this call, whatever happens.
        """
        try:
            for share in self._shares:
                self._workers.append(self._started(share))
            self.result.processes = len(self._workers)
            if self._bind():
                self._submit()
        finally:
            self._leave()
            self._board.close()
            self._selector.close()
        return self.result

    def _started(self, share: Share) -> _Worker:
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(self._board.fd,),
        )
        worker = _Worker(share, process)
        settings = {"kind": "load", "board": self._board.fd, **plan.told(self._options, share)}
        worker.order(json.dumps(settings))
        assert process.stdout is not None
        self._selector.register(process.stdout, selectors.EVENT_READ, worker)
        return worker

    def _order(self, words: str) -> None:
        for worker in self._workers:
            worker.order(words)

    # -------------------------------------------------------------- phases

    def _bind(self) -> bool:
        """Until every session is bound; False after noting why not."""
        end = time.monotonic() + BINDING
        while sum(worker.bound for worker in self._workers) < self._options.sessions:
            self._hear(0.25, "binding")
            late = time.monotonic() > end
            if self._failed or late or self._interrupted or self._gone():
                if not self.result.trouble:
                    self.result.trouble = self._failed or "interrupted" * self._interrupted
                if not self.result.trouble:
                    self.result.trouble = f"not all are bound within {BINDING:g} s"
                return False
        return True

    def _gone(self) -> bool:
        return any(worker.ended for worker in self._workers)

    def _submit(self) -> None:
        """From the first message to the last receipt that comes in time."""
        self._start = self._progress = time.monotonic() + LEAD
        self._order(f"go {self._start!r}")
        self._usage.begin()
        cpu = sum(worker.cpu for worker in self._workers)
        while not self._done() and not self._gone():
            # Before they begin, nobody has anything to submit either.
            begun = time.monotonic() > self._start + 0.3
            self._hear(0.25, "draining" if begun and self._over() else "submitting")
            self._sample()
            if time.monotonic() - self._progress > self._options.drain:
                break
        if self._gone():
            self.result.trouble = "a process of the load test ended too early"
        self.result.down = self._options.sessions - sum(worker.bound for worker in self._workers)
        if not self._interrupted:
            submitted = self._counts().submitted
            self.result.behind = max(0, self._options.scheduled - submitted)
            if not self._options.seconds:
                self.result.unsent = max(0, self._options.count - submitted)
        self.result.seconds = max(1e-9, self._progress - self._start)
        self._sample()
        self.result.cpu = {
            "load": sum(worker.cpu for worker in self._workers) - cpu,
            **self._usage.totals(),
        }
        end = time.monotonic() + self._options.linger
        while time.monotonic() < end and not self._gone():
            self._hear(end - time.monotonic(), "draining")

    def _over(self) -> bool:
        return all(worker.over for worker in self._workers)

    def _done(self) -> bool:
        counts = self._counts()
        if not self._over() or any(worker.unanswered for worker in self._workers):
            return False
        if time.monotonic() < self._start + 0.3:
            # No report of the time after the start may have come yet.
            return False
        return not self._options.receipts or counts.receipts >= counts.accepted

    def _leave(self) -> None:
        self._order("leave")
        end = time.monotonic() + LEAVING
        while not all(worker.ended for worker in self._workers) and time.monotonic() < end:
            self._hear(0.25, "leaving")
        for worker in self._workers:
            _end(worker.process)
        self._settle()

    def _settle(self) -> None:
        result = self.result
        result.counts = self._counts()
        for worker in self._workers:
            for status, count in worker.statuses.items():
                result.statuses[status] = result.statuses.get(status, 0) + count
        if self._workers:
            result.of_a_bind = (
                min(worker.of_a_bind[0] for worker in self._workers),
                max(worker.of_a_bind[1] for worker in self._workers),
            )
        numbers = min(
            self._board.size,
            max((each.counts.submitted for each in self._workers), default=0) * len(self._shares),
        )
        received = self._board.received(numbers)
        result.duplicated = max(0, result.counts.receipts - received)
        if self._options.receipts:
            result.missing = self._board.missing(numbers)
        else:
            result.counts.unasked, result.duplicated = received, 0

    # -------------------------------------------------------------- reports

    def _hear(self, timeout: float, state: str) -> None:
        for key, _ in self._selector.select(max(0.0, timeout)):
            worker: _Worker = key.data
            data = os.read(key.fd, 1 << 16)
            if not data:
                worker.ended = True
                self._selector.unregister(key.fileobj)
                continue
            *lines, worker.tail = (worker.tail + data).split(b"\n")
            for line in lines:
                self._heard(worker, json.loads(line))
        self._show(state)

    def _heard(self, worker: _Worker, report: dict[str, Any]) -> None:
        if "failed" in report:
            self._note_failure(report)
            return
        before = worker.counts
        worker.counts = counts = Counts(**report["counts"])
        worker.bound, worker.over = report["bound"], report["over"]
        worker.unanswered = report["unanswered"]
        worker.statuses = {int(status): n for status, n in report["statuses"].items()}
        least, most = report["of_a_bind"]
        worker.of_a_bind = least, most
        at = report["at"] - self._start
        if self._start:
            self._add(at, before, counts, report)
            self.result.series.used(at, "load", report["cpu"] - worker.cpu)
        worker.cpu = report["cpu"]

    def _add(self, at: float, before: Counts, counts: Counts, report: dict[str, Any]) -> None:
        result, slot = self.result, self.result.series.at(at)
        answered = counts.accepted + counts.refused - before.accepted - before.refused
        slot.submitted += counts.submitted - before.submitted
        slot.answered += answered
        slot.receipts += counts.receipts - before.receipts
        for name, whole in (("responses", result.responses), ("deliveries", result.deliveries)):
            part = Histogram.read(report[name])
            whole.add(part)
            getattr(slot, name).add(part)
        self._progress = max(self._progress, report["last"])

    def _note_failure(self, report: dict[str, Any]) -> None:
        options = self._options
        if report["status"]:
            who, status = options.system_id.decode("latin-1"), status_name(report["status"])
            self._failed = f"the bind as {who} was refused: {status}"
        elif not any(worker.bound for worker in self._workers):
            place = f"{options.address}:{options.port}"
            self._failed = f"nobody answers at {place}: {report['failed']}"
            self.result.nobody = True

    def _sample(self) -> None:
        at = time.monotonic() - self._start
        for name, cpu in self._usage.sample().items():
            self.result.series.used(at, name, cpu)

    def _counts(self) -> Counts:
        counts = Counts()
        for worker in self._workers:
            counts.add(worker.counts)
        return counts

    def _show(self, state: str) -> None:
        now = time.monotonic()
        counts = self._counts()
        was, answered = self._shown
        if now - was >= 0.25:
            done = counts.accepted + counts.refused
            self._rate = (done - answered) / (now - was) if was else 0.0
            self._shown = (now, done)
        bound = sum(worker.bound for worker in self._workers)
        elapsed = now - self._start if self._start else 0.0
        self._told(Moment(state, max(0.0, elapsed), bound, counts, self._rate))


def _end(process: subprocess.Popen[bytes]) -> None:
    """It has ended, or is made to."""
    pipes: list[IO[bytes] | None] = [process.stdin, process.stdout]
    for pipe in pipes:
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue
    try:
        process.wait(LEAVING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
