"""The operator's office on one node: the door, who answers behind it, and what they need."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from smppproxy.admin.backlogs import Backlogs
from smppproxy.admin.families import Family
from smppproxy.admin.hands import NodeHands, Want
from smppproxy.admin.history import History
from smppproxy.admin.http import site
from smppproxy.admin.loads import Loads
from smppproxy.admin.log_levels import LogLevels
from smppproxy.admin.message_log.trace import Tracer
from smppproxy.admin.node_metrics import node_metrics
from smppproxy.admin.opening import AdminDoor
from smppproxy.admin.operator import Operator
from smppproxy.admin.outages import Outages
from smppproxy.admin.own_network import OwnNetwork
from smppproxy.admin.program import program
from smppproxy.admin.rooms import Rooms
from smppproxy.config import Network, Node
from smppproxy.relay.relay import SmppRelay
from smppproxy.wire.admission import Admission
from smppproxy.wire.listener import ClientListener
from smppproxy.wire.pool import BindState, UpstreamPool
from smppproxy.wire.threads import Threads


class Office:
    """Everything of the operator's on one node.

    :ivar hands: what the operator's verbs move.
    :param want: keeps what is wanted of a provider, a host or a bind.
    :param ready: whether new binds are welcome.
    :param binds: gives every bind to a provider as it is now.
    :param metrics: give metrics beside those of relay and binds.
    :raises TlsError: the door's certificate cannot be used.
    """

    def __init__(
        self,
        node: Node,
        reactor: Any,
        relay: SmppRelay,
        network: Callable[[], Network],
        own: OwnNetwork,
        admission: Admission,
        listeners: Sequence[ClientListener],
        pools: Mapping[str, UpstreamPool],
        want: Want,
        ready: Callable[[], bool],
        binds: Callable[[], list[BindState]],
        *metrics: Callable[[], Iterator[Family]],
    ) -> None:
        self.door = AdminDoor(reactor, node.admin)
        self.log_levels = LogLevels(node.log_level, node.log_rooms)
        self._started = time.time()
        self._loads = Loads(relay.counts)
        self._history = History(relay, time.time)
        self._outages = Outages(binds, reactor.seconds)
        self._searching = Threads(reactor, 1, "search")
        tracer = Tracer(
            # A worker's folder is looked through by its supervisor.
            "" if node.part.of else node.message_log.folder,
            node.name,
            relay.store,
            self._searching.run,
            lambda: network().accounts,
            lambda: network().providers,
        )
        rooms = Rooms(
            node,
            network,
            relay,
            relay.store,
            pools,
            admission.sessions_of,
            lambda: admission.draining,
            admission.barred,
            self._loads,
            reactor,
            time.time,
            self._started,
            program(),
            own.standing,
            lambda: self.door.place,
            own.desk,
            tracer,
            self._history,
            self._outages,
            self.log_levels,
        )
        self.hands = NodeHands(relay, admission, listeners, pools, want, node.drain_timeout)
        self.operator = Operator(rooms, self.hands, admission.ticker)
        self._backlogs = Backlogs(relay.store, network, reactor.seconds)
        self._site = site(
            relay,
            ready,
            binds,
            self.operator,
            node.admin.tokens,
            reactor,
            lambda: node_metrics(rooms, ready),
            self._backlogs.metrics,
            self._outages.metrics,
            *metrics,
        )

    @property
    def pages(self) -> Any:
        """The pages behind the door, by their names: ``children``."""
        return self._site.resource

    def start(self) -> None:
        """Open the door; returns at once."""
        self._searching.start()
        self.door.start(self._site)

    def stop(self) -> Deferred[Any]:
        """Close the door. Fires when it is closed."""
        self._searching.stop()
        return self.door.stop()

    def tick(self, now: float) -> None:
        """Once a second."""
        self._loads.tick(now)
        self._history.tick()
        self._outages.tick(now)
        self._backlogs.tick(now)
        self.operator.settling.tick(now)

    def facts(self) -> dict[str, Any]:
        """What this node says of itself to the others."""
        return {
            "started": self._started,
            "program": program(),
            "door": self.door.place,
        }
