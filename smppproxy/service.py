"""The composition root: the whole object graph of a node on one screen.

:func:`build` puts the rooms together, :class:`SmppProxy` starts and stops them in their order.
Nobody else knows more than what was given to it here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, gatherResults, succeed
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from smppproxy.admin.log_levels import LogLevels
from smppproxy.admin.message_log.keeper import MessageLog
from smppproxy.admin.office import Office
from smppproxy.admin.own_network import OwnNetwork
from smppproxy.admin.stalls import Stalls
from smppproxy.admin.systemd import Systemd
from smppproxy.config import Hop, Listener, Network, Node
from smppproxy.config.workers import FIRST_SOCKET
from smppproxy.relay.relay import SmppRelay
from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Provider
from smppproxy.store import open_store
from smppproxy.store.interface import RECEIPTS, Store, StoreError
from smppproxy.store.journal.keeper import MapJournal
from smppproxy.wire.admission import Admission
from smppproxy.wire.authentication import THREADS, Authenticator
from smppproxy.wire.control import Control
from smppproxy.wire.hop_door import HopDoor
from smppproxy.wire.hop_links import HopLinks
from smppproxy.wire.hop_tls import HopTls
from smppproxy.wire.leases import StoreLeases
from smppproxy.wire.listener import ClientListener
from smppproxy.wire.places import Places
from smppproxy.wire.pool import BindState, UpstreamPool
from smppproxy.wire.protocol import Ticker
from smppproxy.wire.shares import Shares
from smppproxy.wire.sharing import NONE
from smppproxy.wire.threads import Threads
from smppproxy.wire.tls import ServerTls, TlsError

STORE_GRACE = 5.0
"""Seconds that clients' connections wait for the store at a start before binds get 0x08."""


class SmppProxy(Service):
    """One node.

    :ivar relay: the journeys, with the ledger and the directory of who is bound.
    :ivar listeners: the doors for clients; each tells its ``port``.
    :ivar pools: the binds to each provider, by its name.
    :ivar hindrance: of a node that ended by itself, the option to mend and why; else empty.
    """

    _log = Logger()

    def __init__(self, node: Node, network: Network, reactor: Any, store: Store) -> None:
        self.node = node
        self.network = network
        self.store = store
        self.draining = False
        self.hindrance = ("", "")
        self._reactor = reactor
        self._maps: MapJournal | None = None
        if node.journal:
            most = node.journal_max_size << 20
            # Folders of workers that the node has no more are taken over by the process that has
            # the node's own.
            beyond = node.workers if node.workers > 1 else 0
            self._maps = MapJournal(node.journal, most, reactor, store, time.time, beyond)
        fill_limit = node.store_fill_limit / 100
        self.relay = SmppRelay(store, time.time, reactor, self._maps, fill_limit)
        self._message_log = MessageLog(
            reactor,
            node.message_log,
            node.tracing,
            node.name,
            self.relay.journal,
            self.relay.ledger,
            store,
            lambda: self.network.accounts,
            time.time,
        )
        self.ticker = Ticker(reactor)
        self._stalls = Stalls(reactor)
        self._systemd = Systemd(os.environ)
        self._threads = Threads(reactor, THREADS, "passwords")
        self._places = Places(store, reactor)
        self._shares = Shares(store, reactor, self.relay.demands, self.relay.granted)
        self.relay.divide(self._shares.ask_soon)
        self._leases = StoreLeases(store, reactor, self._join, self.relay.leave)
        states = self.relay.directory.states
        states.node, states.whole = node.name, node.part.of
        self._control = Control(store, reactor, states, self._restate)
        self._admission = Admission(
            self.relay,
            self.ticker,
            Authenticator(reactor, self._threads.run),
            lambda: self.network.accounts,
            self.ready,
            node.system_id,
            node.timers,
            self._leases,
        )
        self._own = OwnNetwork(
            node,
            store,
            reactor,
            lambda: self.network,
            self._take,
            self.relay.recent,
            lambda: self._office.facts() | {"hop": self._links.facts()},
            time.time,
        )
        self._are_doors_open = False
        self._certificates: list[ServerTls] = []
        self._open_hop(node, reactor)
        doors = node.listeners if node.part.has_doors else ()
        self.listeners = [self._listener(number, each) for number, each in enumerate(doors)]
        self.pools: dict[str, UpstreamPool] = {}
        self._office = Office(
            node,
            reactor,
            self.relay,
            lambda: self.network,
            self._own,
            self._admission,
            self.listeners,
            self.pools,
            self._control.want,
            self.ready,
            self.binds,
            self._stalls.metrics,
        )
        if self._office.door.tls is not None:
            self._certificates.append(self._office.door.tls)
        self._loop = LoopingCall(self._tick)
        self._loop.clock = reactor

    def _open_hop(self, node: Node, reactor: Any) -> None:
        """What other nodes send over binds of this one, and this one over theirs."""
        hop, relay = node.hop if node.part.has_doors else Hop(), self.relay
        tls = None
        if hop.port:
            tls = HopTls(hop.certificate, hop.key, hop.ca)
            self._certificates.append(tls)
        self._hop_door = HopDoor(
            reactor, hop, node.name, relay, relay.hops, self.ticker, node.drain_timeout, tls
        )
        self._links = HopLinks(
            reactor,
            hop,
            node.name,
            self.store,
            relay,
            relay.directory,
            self.ticker,
            self._hop_door,
            tls,
        )
        relay.hops.changed = self._links.changed

    def _listener(self, number: int, listener: Listener) -> ClientListener:
        return ClientListener(
            self._reactor,
            self._admission,
            listener.name,
            listener.address,
            listener.port,
            self._certificate(listener),
            listener.accept_rate,
            listener.max_sessions,
            listener.max_sessions_per_address,
            listener.proxy_protocol_from,
            FIRST_SOCKET + number if self.node.part.of else NONE,
        )

    def _certificate(self, listener: Listener) -> ServerTls | None:
        if not listener.tls:
            return None
        tls = ServerTls(listener.certificate, listener.key, listener.client_ca)
        self._certificates.append(tls)
        return tls

    def ready(self) -> bool:
        """Whether new binds are welcome."""
        return self.store.ready and self._own.is_there and not self._admission.draining

    def binds(self) -> list[BindState]:
        """Every bind to a provider, for people and metrics."""
        rows = [row for _, pool in sorted(self.pools.items()) for row in pool.states()]
        return rows + self._links.states()

    # -- start ----------------------------------------------------------------------------------

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Listen, connect to the store, then let clients in and bind to the providers.

        :raises twisted.internet.error.CannotListenError: a listener's port is taken.
        """
        super().startService()  # type: ignore[no-untyped-call]
        for listener in self.listeners:
            listener.start()
            listener.hold()
        self._hop_door.start()
        self._log.info("node {name} starts", event="node_starts", name=self.node.name)
        self.ticker.start()
        self._stalls.start()
        self._threads.start()
        self._leases.start()
        self._shares.start()
        self._places.start()
        self._control.start()
        self._links.start()
        self._loop.start(1.0, now=False)
        self._message_log.start()
        self._use(self.network)
        self._own.start()
        self._office.start()
        grace = self._reactor.callLater(STORE_GRACE, self._open_doors)
        self.store.start().addBoth(self._forget, grace).addCallbacks(
            self._store_started, self._store_failed
        )
        self._start_journal()

    def _start_journal(self) -> None:
        """After the store, which makes its own folder if it has one."""
        if self._maps is None or not self.running:
            return
        try:
            self._maps.start(self.relay.replay_maps)
        except StoreError:
            self._store_failed(Failure(), "journal")

    @staticmethod
    def _forget(result: Any, grace: Any) -> Any:
        if grace.active():
            grace.cancel()
        return result

    def _store_started(self, _: object) -> None:
        self.store.sizes(self._waiting_queues()).addCallbacks(
            self.relay.opened, lambda failure: None
        ).addCallback(lambda _: self._control.look()).addCallback(lambda _: self._may_open())
        self._own.follow()

    def _may_open(self) -> None:
        """Let clients in; at a worker, whose network comes from the store, once that is there."""
        if self._own.is_there or not self.node.part.of:
            self._open_doors()
        else:
            self._reactor.callLater(STORE_GRACE, self._open_doors)

    def _waiting_queues(self) -> list[bytes]:
        """The queues whose receipts are of the time before this process. A worker has none: what
        waited before it began is in the books of its node."""
        if self.node.part.of:
            return []
        return [RECEIPTS + account.key for account in self.network.accounts.values()]

    def _store_failed(self, failure: Failure, option: str = "store") -> None:
        if not self.running:
            return
        self._log.critical(
            "the store cannot work: {reason}", event="store_unusable", reason=failure.value
        )
        if failure.check(StoreError) and not self.hindrance[0]:
            self.hindrance = (option, str(failure.value))
            self._reactor.callWhenRunning(self._reactor.stop)

    def _open_doors(self) -> None:
        if not self.running or self.draining:
            return
        if not self._are_doors_open:
            self._systemd.ready()
        self._are_doors_open = True
        for listener in self.listeners:
            listener.release()
        for pool in self.pools.values():
            pool.start()

    def _join(self, account: Account) -> Deferred[None]:
        """The account is about to be bound here: how much of its TPS is this node's."""
        name = self.relay.join(account)
        return self._shares.ask(name) if name else succeed(None)

    def drain_clients(self) -> None:
        """Let nobody in until an operator resumes this node, as the verb ``drain`` does."""
        self._office.hands.drain_node()

    def _restate(self) -> None:
        """Something else is wanted of providers, hosts, binds or accounts."""
        self._admission.bar(self.relay.directory.states.barred, self.node.drain_timeout)
        self.relay.restate(self._reactor.seconds())
        for pool in self.pools.values():
            pool.restate()

    @property
    def log_levels(self) -> LogLevels:
        """How much is logged, room by room; for whoever makes the log's observers."""
        return self._office.log_levels

    @property
    def admin_port(self) -> int:
        """Of the admin door, 0 when it has none."""
        return self._office.door.port

    # -- the network ----------------------------------------------------------------------------

    def reload(self) -> Deferred[None]:
        """Read the certificates and the network file again; a wrong one changes nothing (F97).

        Without a network file the secrets of the store's current version are read again.
        """
        for tls in self._certificates:
            try:
                tls.reload()
            except TlsError as error:
                self._log.error(
                    "the old certificate stays: {error}", event="reload_refused", error=error
                )
        return self._own.reload()

    def _take(self, network: Network) -> None:
        """Take a network, in one turn, while the doors are open or before.

        :raises TlsError: a file went since it was checked; the old network is in force again.
        """
        old = self.network
        try:
            self._use(network)
        except TlsError:
            self._use(old)
            raise
        if self._are_doors_open or self.node.part.of and self.store.ready:
            self._open_doors()

    def _use(self, network: Network) -> None:
        """Take a network: sessions that it does not change go on."""
        self.network = network
        self.relay.use(
            network.accounts,
            network.routes,
            network.mo,
            self._reactor.seconds(),
            network.providers,
        )
        for name in [*self.pools]:
            if name not in network.providers:
                self.pools.pop(name).stop()
        for name, provider in network.providers.items():
            pool = self.pools.get(name)
            if pool is None:
                self.pools[name] = self._pool(provider)
            else:
                pool.use(provider)
            if name in self.relay.directory.pools:
                self.relay.directory.pool(provider)
        self._control.use(network.providers)
        self._links.use(network.providers)
        for name in [*self.relay.directory.clients]:
            self._refresh(name)

    def _refresh(self, system_id: str) -> None:
        """Bound sessions take their account's new limits; those of a removed account drain."""
        account = self.network.accounts.get(system_id)
        for session in self._admission.sessions_of(system_id):
            if account is None or not account.enabled:
                session.drain(self.node.drain_timeout)
            else:
                session.use(account)

    def _pool(self, provider: Provider) -> UpstreamPool:
        states = self.relay.directory.states
        return UpstreamPool(
            provider,
            self._reactor,
            self.relay,
            self.ticker,
            state=states.of,
            admitted=self._places,
            share=(self.node.part.first, self.node.part.step),
        )

    def _tick(self) -> None:
        now = self._reactor.seconds()
        self._systemd.tick(now)
        self.relay.tick(now)
        self._office.tick(now)
        for pool in self.pools.values():
            pool.tick(now)
        self._links.tick(now)

    # -- stop -----------------------------------------------------------------------------------

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Drain: answer what is in flight, unbind everybody, then let go of the store (GW-04)."""
        super().stopService()  # type: ignore[no-untyped-call]
        self.draining = True
        self._systemd.stopping()
        self._admission.draining = True
        self._log.info("node {name} drains", event="node_drains", name=self.node.name)
        clients = [listener.drain(self.node.drain_timeout) for listener in self.listeners]
        clients.append(self._hop_door.drain())
        return (
            DeferredList(clients, consumeErrors=True)
            .addCallback(lambda _: self._stop_pools())
            .addCallback(lambda _: self._stop_rest())
            .addCallback(lambda _: None)
        )

    def _stop_pools(self) -> Deferred[Any]:
        stopping = [*self._links.stop(), *(pool.stop() for pool in self.pools.values())]
        return DeferredList(stopping, consumeErrors=True)

    def _stop_rest(self) -> Deferred[Any]:
        if self._loop.running:
            self._loop.stop()
        self._leases.stop()
        self._control.stop()
        self._shares.stop()
        self._places.stop()
        self.relay.stop()
        self.ticker.stop()
        self._stalls.stop()
        self._threads.stop()
        left = (
            self._own.stop()
            .addCallback(lambda _: self._message_log.stop())
            .addCallback(lambda _: self.store.stop())
            .addCallback(lambda _: self._maps.stop() if self._maps else None)
        )
        return gatherResults([left, self._office.stop()])


def monotonic(reactor: Any) -> None:
    """Let timers follow the monotonic clock; to be called before anything is scheduled.

    Twisted's follow the wall clock: one hour forward fires them all at once, one hour back stops
    them for an hour (F89).
    """
    reactor.seconds = time.monotonic


def build(
    node: Node,
    network: Network,
    reactor: Any,
    open_a_store: Callable[[str, str, Any], Store] | None = None,
) -> SmppProxy:
    """A node of its two files, ready to be started.

    :param reactor: its ``seconds`` should be monotonic, see :func:`monotonic`.
    """
    if open_a_store is None:
        store = open_store(node.store, node.name, reactor, node.durability)
    else:
        store = open_a_store(node.store, node.name, reactor)
    return SmppProxy(node, network, reactor, store)
