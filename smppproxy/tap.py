"""``twistd smppproxy -c FILE``: options and the service. The one place that names the reactor."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.application.service import IService
from twisted.logger import FileLogObserver, FilteringLogObserver, globalLogPublisher
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from smppproxy.admin.log_json import as_json
from smppproxy.admin.log_levels import LogLevels, OfWorkers
from smppproxy.config import ConfigError, Node, load_network, load_node, no_network

if TYPE_CHECKING:
    from smppproxy.service import SmppProxy

DEFAULT = "etc/smppproxy.toml"

YOUNG = 20_000
"""Objects made and not yet let go of at which the collector looks among the young ones."""


class Options(UsageOptions):
    """The command line behind ``twistd smppproxy``."""

    synopsis = "[-c FILE]"
    longdesc = (
        "The SMPP multiplexing router. SIGHUP reads the network file again, SIGTERM drains: "
        "what is in flight is answered, then every session is unbound."
    )
    optParameters = [["config", "c", DEFAULT, "The node file."]]  # noqa: RUF012 - Twisted's form


def makeService(options: Options) -> IService:  # noqa: N802 - the name twistd looks for
    """The node of a checked node file; a wrong one ends with every problem, its line and mend."""
    from twisted.internet import reactor as installed

    from smppproxy.service import monotonic

    reactor: Any = installed
    monotonic(reactor)
    path = options["config"]
    try:
        node = load_node(path)
        network = load_network(node.network_file) if node.network_file else no_network()
    except (ConfigError, OSError) as error:
        raise UsageError(f"{error}") from None
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
    reactor.callWhenRunning(settle)
    return service


def builder(node: Node) -> Callable[..., SmppProxy]:
    """What makes such a node: one process, or one with workers."""
    if node.workers > 1:
        from smppproxy.workers.supervisor import supervise

        return supervise
    from smppproxy.service import build

    return build


def settle() -> None:
    """What the start has made stays: the collector looks at it no more.

    A look at it took 50 ms, in which nobody was answered, every few seconds of full load; and
    messages under way, which a short list of young objects made old, were looked at again and
    again. Both together were a sixth of a message's cost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)


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
