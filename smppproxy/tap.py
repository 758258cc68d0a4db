"""``twistd smppproxy -c FILE``: options and the service. The one place that names the reactor."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any

from twisted.application.service import IService
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import FileLogObserver, FilteringLogObserver, globalLogPublisher
from twisted.python.usage import Options as UsageOptions

from smppproxy.admin.log_json import as_json
from smppproxy.admin.log_levels import LogLevels, OfWorkers
from smppproxy.config import ConfigError, Network, Node, load_network, load_node, no_network
from smppproxy.config.source import raise_found
from smppproxy.store.checking import check_store
from smppproxy.store.interface import StoreError
from smppproxy.turns import end_turns
from smppproxy.wire.certificates import Wrong, check_network, check_node

if TYPE_CHECKING:
    from smppproxy.service import SmppProxy

DEFAULT = "etc/smppproxy.toml"

YOUNG = 20_000
"""Objects made and not yet let go of at which the collector looks among the young ones."""

LOOK_EVERY = 60.0
"""Seconds after which it looks there however few they are. What a lost connection leaves behind (a
class, where its host has a name) would lie there for half an hour of little traffic, and memory
seem to grow by megabytes an hour."""

DEEPER = 10
"""Such looks of which the last one is among those as well that were young once."""


class Options(UsageOptions):
    """The command line behind ``twistd smppproxy``."""

    synopsis = "[-c FILE]"
    longdesc = (
        "The SMPP multiplexing router. SIGHUP reads the network file again, SIGTERM drains: "
        "what is in flight is answered, then every session is unbound."
    )
    optParameters = [["config", "c", DEFAULT, "The node file."]]  # noqa: RUF012 - Twisted's form


def makeService(options: Options) -> IService:  # noqa: N802 - the name twistd looks for
    """The node of a checked node file; a wrong one ends with every problem, its line and mend.

    :raises SystemExit: with the problems, so that no traceback stands above them.
    """
    from twisted.internet import reactor as installed

    from smppproxy.service import monotonic

    reactor: Any = installed
    monotonic(reactor)
    end_turns(reactor)
    path = options["config"]
    try:
        node, network = read(path)
    except (ConfigError, OSError) as error:
        raise SystemExit(f"{error}") from None
    sys.excepthook = Hook(path, node)
    service = builder(node)(node, network, reactor)

    def reload(number: int, frame: object) -> None:
        reactor.callFromThread(service.reload)

    def stop(number: int, frame: object) -> None:
        reactor.callFromThread(reactor.stop)

    signal.signal(signal.SIGHUP, reload)
    # A node listens before its reactor runs: from now on SIGTERM drains. The reactor puts its own
    # handler there when it starts, which would end a process that drained well as "killed by
    # SIGTERM", so that is this one too.
    reactor.sigTerm = stop
    signal.signal(signal.SIGTERM, stop)
    reactor.callWhenRunning(limit_log, service.log_levels, node.log_format)
    reactor.callWhenRunning(settle, reactor)
    reactor.addSystemEventTrigger("after", "shutdown", tell_end, path, service)
    return service


def read(path: str) -> tuple[Node, Network]:
    """A node file and its network file, with every file of this machine that they name.

    :raises ConfigError: with every problem.
    """
    node = load_node(path)
    network = load_network(node.network_file) if node.network_file else no_network()
    check_node(path, node)
    check_store(path, node)
    if node.network_file:
        check_network(node.network_file, network)
    return node, network


class Hook:
    """In the place of ``sys.excepthook``: what keeps a node from starting is told as a problem of
    its file, like any other, and without a traceback.

    twistd would let a taken port end in a page of its own calls.
    """

    def __init__(self, path: str, node: Node) -> None:
        self._path = path
        self._node = node
        self._usual = sys.excepthook

    def __call__(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """What an uncaught exception comes to."""
        found = hindrance(self._node, error)
        if found is None:
            self._usual(kind, error, trace)
        else:
            tell(self._path, found)


def hindrance(node: Node, error: BaseException) -> Wrong | None:
    """What to mend in the node file; None where that is not known."""
    if isinstance(error, StoreError):
        mend = "end it, or give each node a name and a store of its own"
        return ("node", "name"), str(error), mend
    if not isinstance(error, CannotListenError):
        return None
    number = getattr(error.socketError, "errno", 0)
    option, mend = _LISTENING.get(number, ("port", "mend the address or the port"))
    doors: list[tuple[tuple[str | int, ...], str, int]] = [
        (("listener", place), each.address, each.port) for place, each in enumerate(node.listeners)
    ]
    for table, address, port in [*doors, (("hop",), node.hop.address, node.hop.port)]:
        if (address, port) == (error.interface, error.port):
            where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            text = f"cannot listen on {where}: {os.strerror(number)}"
            return (*table, option), text, mend
    if error.port == node.hop.path:
        return ("hop", "path"), f"cannot listen on {error.port}: {os.strerror(number)}", mend
    return None


_LISTENING = {
    errno.EADDRINUSE: ("port", "end who has it (ss -ltnp tells), or take another port"),
    errno.EADDRNOTAVAIL: (
        "address",
        'write an address of this machine (ip address tells), or "0.0.0.0" for all of them',
    ),
    errno.EACCES: ("port", "take a port from 1024 on, or let the process have this one"),
}
"""The option to blame and its mend, by what the system says."""

_ENDED = {
    "store": "mend that, or name another store",
    "journal": "mend that, or name another folder",
}


def tell_end(path: str, service: SmppProxy) -> None:
    """A node that ended by itself says why, and twistd, which would end with 0, ends with 1."""
    option, text = service.hindrance
    if option:
        tell(path, (("node", option), text, _ENDED[option]))
        atexit.register(fail)


def tell(path: str, found: Wrong) -> None:
    """A problem of the node file, on the standard error."""
    try:
        raise_found(path, [found])
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")


def fail() -> None:
    """End now, with status 1. Everything else that was to be done at the end has been done."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def builder(node: Node) -> Callable[..., SmppProxy]:
    """What makes such a node: one process, or one with workers."""
    if node.workers > 1:
        from smppproxy.workers.supervisor import supervise

        return supervise
    from smppproxy.service import build

    return build


def settle(clock: IReactorTime) -> None:
    """What the start has made stays: the collector looks at it no more.

    A look at it took 50 ms, in which nobody was answered, every few seconds of full load; and
    messages under way, which a short list of young objects made old, were looked at again and
    again. Both together were a sixth of a message's cost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
    looks = LoopingCall(_look_again, count(1))
    looks.clock = clock
    looks.start(LOOK_EVERY, now=False)


def _look_again(times: Iterator[int]) -> None:
    gc.collect(0 if next(times) % DEEPER else 1)


def limit_log(levels: LogLevels, form: str = "text") -> None:
    """Let twistd's log observers see only events of these levels and above, and write this form.

    twistd makes its observers itself and offers neither, so those it has made are wrapped, and for
    JSON those that write to a file are replaced; the publisher tells them by no public name, nor
    an observer its file.
    """
    for observer in [*globalLogPublisher._observers]:
        globalLogPublisher.removeObserver(observer)
        if form == "json" and isinstance(observer, FileLogObserver):
            observer = FileLogObserver(observer._outFile, as_json)
        globalLogPublisher.addObserver(FilteringLogObserver(observer, [OfWorkers(), levels.passes]))
