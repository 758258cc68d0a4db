"""One worker's process: started, heard, told what to do, and started again when it ends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger, globalLogPublisher
from twisted.python.failure import Failure

from smppproxy.config import Node
from smppproxy.config.workers import FIRST_SOCKET
from smppproxy.wire.sharing import leave
from smppproxy.workers.orders import REPORTS, STATE, entry, packed

STEADY = 10.0
"""Seconds from its beginning after which a worker counts as up: its next restart is quick again."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between the end of a worker and its next start; they double while it does not last."""

LONGEST_SILENCE = 30
"""Looks, one a second, at a worker that tells nothing: then it hangs, and is killed."""

MODULE = "smppproxy.worker"
"""What a worker's process runs."""

_OF_SYSTEMD = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS"})
"""The supervisor alone speaks to the service manager."""

log = Logger()


class WorkerProcess(ProcessProtocol):
    """A worker over all its lives.

    :ivar name: of its node.
    :ivar door: the Unix socket of its own admin door.
    :ivar pid: of its process, 0 between two lives.
    :ivar is_up: whether it has begun, so that it knows what a signal means.
    :ivar ready: whether new binds are welcome there.
    :ivar ledger: what it last told of its books in this life.
    :ivar restarts: how often it was started again.
    :ivar lost: log entries that it could not tell in this life.
    """

    transport: Any

    def __init__(
        self,
        node: Node,
        reactor: Any,
        sockets: Sequence[int],
        changed: Callable[[WorkerProcess], object],
        ended: Callable[[WorkerProcess], object],
        is_drained: Callable[[], bool],
    ) -> None:
        """
        :param sockets: descriptors of the worker's own sockets of the ports that all share, in the
            order of its listeners.
        :param changed: called when the worker is another way than it was.
        :param ended: called at the end of each life, its last books still there.
        :param is_drained: whether a new life is to let nobody in.
        """
        self.name = node.name
        self.door = node.admin.path
        self.pid = 0
        self.is_up = False
        self.ready = False
        self.ledger: dict[str, int] = {}
        self.restarts = 0
        self.lost = 0
        self._node = node
        self._reactor = reactor
        self._sockets = sockets
        self._changed = changed
        self._ended = ended
        self._is_drained = is_drained
        self._tail = b""
        self._silence = 0
        self._began = inf
        self._pause = 0.0
        self._later: IDelayedCall | None = None
        self._stopping: Deferred[None] | None = None
        self._patience: IDelayedCall | None = None

    def start(self) -> None:
        """Begin a life."""
        self._later = None
        self._tail = b""
        self._silence = self.lost = 0
        self.ledger = {}
        self._began = inf
        # The name is there for people who look at the list of processes.
        command = [sys.executable, "-m", MODULE, self.name]
        environ = {name: value for name, value in os.environ.items() if name not in _OF_SYSTEMD}
        try:
            process = self._reactor.spawnProcess(
                self,
                sys.executable,
                command,
                env=environ,
                childFDs={0: "w", 1: "r", 2: "r", REPORTS: "r"}
                | dict(enumerate(self._sockets, FIRST_SOCKET)),
            )
        except OSError as error:
            # No process, or no descriptor, to be had just now.
            self._over(f"it could not be started: {error}")
            return
        self.pid = process.pid
        log.info("worker {worker} starts", event="worker_starts", worker=self.name, pid=self.pid)

    def connectionMade(self) -> None:
        """The process is there: it is told what it is to be."""
        self._node.part = attrs.evolve(self._node.part, drained=self._is_drained())
        self.transport.write(packed(self._node))

    # -- what it tells --------------------------------------------------------------------------

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Lines of its log, and how it is."""
        self._silence = 0
        if childFD != REPORTS:
            # Python's own last words; a worker writes nothing else there.
            text = data.decode("utf-8", "replace").rstrip()
            log.error("{worker}: {text}", event="worker_says", worker=self.name, text=text)
            return
        *lines, self._tail = (self._tail + data).split(b"\n")
        for line in lines:
            self._heard(line)

    def _heard(self, octets: bytes) -> None:
        try:
            line = json.loads(octets)
            state = line.get(STATE)
            if state is None:
                globalLogPublisher(entry(line, self.name))
            else:
                self._is(bool(state["ready"]), state["ledger"], int(state["lost"]))
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            log.warn(
                "{worker} said what is no line: {error}",
                event="worker_unread",
                worker=self.name,
                error=error,
            )

    def _is(self, ready: bool, ledger: dict[str, int], lost: int) -> None:
        was = self.is_up, self.ready
        if not self.is_up:
            self._began = self._reactor.seconds()
        self.ledger = ledger
        self.is_up = True
        self.ready = ready
        if lost > self.lost:
            log.warn(
                "{worker} lost {lost} log entries: they were not read in time",
                event="worker_log_lost",
                worker=self.name,
                lost=lost - self.lost,
            )
            self.lost = lost
        if was != (True, ready):
            self._changed(self)

    def tick(self) -> None:
        """Once a second: a worker that has begun and tells nothing any more hangs."""
        if not self.is_up:
            return
        # Looks are counted and not seconds: whoever held us up did not hold up the worker.
        self._silence += 1
        if self._silence == LONGEST_SILENCE:
            log.error(
                "worker {worker} hangs: it told nothing for {seconds} s, so it is killed",
                event="worker_hangs",
                worker=self.name,
                seconds=LONGEST_SILENCE,
            )
            self._signal("KILL")

    # -- its end --------------------------------------------------------------------------------

    def processEnded(self, reason: Failure) -> None:
        """It is gone: start it again, unless it was to go."""
        self._over(reason.getErrorMessage())

    def _over(self, how: str) -> None:
        lived = self._reactor.seconds() - self._began
        self.pid = 0
        self.is_up = self.ready = False
        self._ended(self)
        self._changed(self)
        if self._stopping is not None:
            self._stopped()
            return
        if lived >= STEADY:
            self._pause = 0.0
        if self._pause:
            # It does not last: who is dealt to it would wait in vain.
            self.leave()
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        self.restarts += 1
        log.error(
            "worker {worker} ended ({how}); starting it again in {delay} s",
            event="worker_ended",
            worker=self.name,
            how=how,
            delay=self._pause,
        )
        self._later = self._reactor.callLater(self._pause, self.start)

    def leave(self) -> None:
        """Have no connections dealt to this worker, until it listens itself."""
        for descriptor in self._sockets:
            leave(descriptor)

    def signal(self, name: str) -> None:
        """Tell it something; a no-op for one that is not there, or not yet."""
        if self.is_up:
            self._signal(name)

    def _signal(self, name: str) -> None:
        try:
            self.transport.signalProcess(name)
        except ProcessExitedAlready:
            return  # its end is on its way to us

    def stop(self, patience: float) -> Deferred[None]:
        """Let it drain and end; fires when it has. To be called once.

        :param patience: seconds after which it is killed.
        """
        if not self.is_up:
            self.leave()  # else it does that itself
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if not self.pid:
            return succeed(None)
        self._stopping = Deferred()
        self._patience = self._reactor.callLater(patience, self._kill)
        self._signal("TERM")
        return self._stopping

    def _kill(self) -> None:
        self._patience = None
        log.error("worker {worker} does not end", event="worker_killed", worker=self.name)
        self._signal("KILL")

    def _stopped(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        stopping, self._stopping = self._stopping, None
        if stopping is not None:
            stopping.callback(None)
