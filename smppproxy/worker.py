"""The process of a worker: ``python -m smppproxy.worker NAME``, started by its supervisor.

The name is for people; what it is to be comes over its standard input, see
:mod:`smppproxy.workers`.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.main import CONNECTION_DONE
from twisted.internet.task import LoopingCall
from twisted.logger import FilteringLogObserver, globalLogBeginner
from twisted.python.failure import Failure
from zope.interface import implementer

from smppproxy.admin.ledgers import told
from smppproxy.config import Node, no_network
from smppproxy.relay.ledger import Ledger
from smppproxy.service import build, monotonic
from smppproxy.tap import settle
from smppproxy.turns import end_turns
from smppproxy.workers.orders import REPORTS, Reports, read_node

LOOK = 0.1
"""Seconds between two looks at how this worker is."""

LOOKS = 10
"""After so many looks it is told again, changed or not: silence means that a worker hangs."""

_STDIN = 0


@implementer(IReadDescriptor)
class Supervised:
    """Standard input, which the supervisor keeps open for as long as it lives."""

    def __init__(self, reactor: Any, end: Callable[[], object]) -> None:
        """:param end: called once nobody holds it any more."""
        self._reactor = reactor
        self._end = end

    def fileno(self) -> int:
        """Of standard input."""
        return _STDIN

    def logPrefix(self) -> str:
        """How Twisted names it in its own log lines."""
        return "supervisor"

    def doRead(self) -> Any:
        """Nothing more is said there."""
        return None if os.read(_STDIN, 1024) else CONNECTION_DONE

    def connectionLost(self, reason: Failure) -> None:
        """Its end is the supervisor's: drain, since nobody else would say so. The reactor calls
        this without a read where it sees the other end go."""
        self._reactor.callLater(0, self._end)


class Telling:
    """Tells how this worker is, as soon as that changes; an idle worker is told of once a second.

    :param is_ready: whether new binds are welcome here.
    :param state: told the supervisor, see :meth:`Reports.state`.
    """

    def __init__(
        self, ledger: Ledger, is_ready: Callable[[], bool], state: Callable[..., object]
    ) -> None:
        self._ledger = ledger
        self._is_ready = is_ready
        self._state = state
        self._told: list[Any] = []
        self._since = 0

    def look(self) -> None:
        """To be called every :data:`LOOK` seconds."""
        ready = self._is_ready()
        ledger = self._ledger
        now = [ready, ledger.events["adrift"], *ledger.numbers()]
        self._since += 1
        if self._since >= LOOKS or now != self._told:
            self._since = 0
            self._told = now
            self._state(ready=ready, ledger=told(ledger))


def run(node: Node, reactor: Any, reports: Reports) -> None:
    """Be this node until somebody ends it."""
    monotonic(reactor)
    end_turns(reactor)
    service = build(node, no_network(), reactor)
    observer = FilteringLogObserver(reports, [service.log_levels.passes])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)

    def reload(number: int, frame: object) -> None:
        reactor.callFromThread(service.reload)

    def end() -> None:
        with suppress(ReactorNotRunning):  # it drains already
            reactor.stop()

    def stop(number: int, frame: object) -> None:
        reactor.callFromThread(end)

    def begin() -> None:
        signal.signal(signal.SIGHUP, reload)
        # The reactor's own handlers would end a process that drained well as "killed by".
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, stop)
        reactor.addReader(Supervised(reactor, end))
        service.startService()
        if node.part.drained:
            service.drain_clients()
        look.start(LOOK)
        settle(reactor)

    look = LoopingCall(Telling(service.relay.ledger, service.ready, reports.state).look)
    look.clock = reactor
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.callWhenRunning(begin)
    reactor.run()


def main() -> None:
    """What ``-m`` runs."""
    from twisted.internet import reactor

    node = read_node(_STDIN)
    if node is None:
        return
    # A supervisor that was killed may have left a worker of this name that drains.
    lock = os.open(node.admin.path + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    run(node, reactor, Reports(REPORTS))


if __name__ == "__main__":
    main()
