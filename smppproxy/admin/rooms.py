"""What the operator's views and verbs are given of a node: its rooms, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from smppproxy.admin.following import Standing
from smppproxy.admin.history import History
from smppproxy.admin.loads import Loads
from smppproxy.admin.log_levels import LogLevels
from smppproxy.admin.outages import Outages
from smppproxy.config import Network, Node
from smppproxy.relay.relay import SmppRelay
from smppproxy.store.interface import Store
from smppproxy.wire.client import ClientSession
from smppproxy.wire.pool import UpstreamPool

if TYPE_CHECKING:
    from smppproxy.admin.message_log.trace import Tracer
    from smppproxy.admin.network import Desk


@attrs.frozen
class Rooms:
    """The rooms of one node.

    :ivar network: gives the network in force.
    :ivar pools: the binds to each provider, by its name.
    :ivar sessions_of: the bound sessions of an account.
    :ivar is_draining: whether the node lets nobody in, on somebody's wish.
    :ivar barred: accounts that nobody may bind as, on somebody's wish.
    :ivar clock: of the reactor: monotonic ``seconds`` and ``callLater``.
    :ivar wall: unix seconds.
    :ivar started: unix seconds at which the process began.
    :ivar program: its release, commit and kind.
    :ivar standing: which version of the network is in force, and what could not be.
    :ivar door: where the admin door is.
    :ivar tracer: finds messages in this node's log and in the store.
    :ivar desk: makes and compares versions of the network.
    :ivar history: what went through this node in the last hour.
    :ivar outages: since when binds are down.
    :ivar log_levels: how much is logged.
    """

    node: Node
    network: Callable[[], Network]
    relay: SmppRelay
    store: Store
    pools: Mapping[str, UpstreamPool]
    sessions_of: Callable[[str], Sequence[ClientSession]]
    is_draining: Callable[[], bool]
    barred: Collection[str]
    loads: Loads
    clock: Any
    wall: Callable[[], float]
    started: float
    program: str
    standing: Callable[[], Standing]
    door: Callable[[], str]
    desk: Desk
    tracer: Tracer
    history: History
    outages: Outages
    log_levels: LogLevels
