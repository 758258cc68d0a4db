"""A whole node inside the test's process: in-memory store, free ports, a simulated provider."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python import log
from twisted.trial.unittest import TestCase

from smppproxy.admin.door import Channel
from smppproxy.config import Admin, Listener, Node, load_network
from smppproxy.service import SmppProxy, build
from smppproxy.simulator.clock import until
from smppproxy.simulator.esme import Esme, EsmeOptions
from smppproxy.simulator.smsc import Smsc, SmscOptions
from smppproxy.store.memory import MemoryStore

reactor: Any = global_reactor

HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Cheap: the strength of hashes is not what these tests are about."""


def requests() -> Iterator[Any]:
    """Connections to admin doors that have not heard yet that the other side is gone."""
    for reader in reactor.getReaders():
        protocol = getattr(reader, "protocol", None)
        if isinstance(getattr(protocol, "wrappedProtocol", protocol), Channel):
            yield reader


class NodeClient(Esme):
    """A simulated client of a node of this process."""

    node: SmppProxy

    @property
    def done(self) -> bool:
        """As for any client; and the node knows that its receipts were taken."""
        sessions = self.node.relay.directory.clients.get(self.options.system_id.decode(), ())
        return super().done and not any(len(each.session.window) for each in sessions)


class NodeCase(TestCase):
    """Builds nodes of the composition root and takes them down at the end of the test."""

    timeout = 240

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        self.network_file = folder / "network.toml"
        self.stores: list[MemoryStore] = []
        self.providers: list[Smsc] = []

    def provider(self, *hosts: str, **options: Any) -> Smsc:
        """A simulated provider with these hosts on free ports."""
        smsc = Smsc(reactor, SmscOptions(**options))
        for host in hosts or ("a", "b"):
            smsc.listen(host)
        self.providers.append(smsc)
        self.addCleanup(smsc.stop)
        return smsc

    def write_network(
        self, smsc: Smsc, accounts: tuple[str, ...] = ("demo",), options: str = "", more: str = ""
    ) -> None:
        """A network file: accounts whose password is their name, the provider, one route."""
        parts = [
            f'[account.{name}]\npassword = "{HASHER.hash(name)}"\n{options}\n' for name in accounts
        ]
        parts.append('[provider.acme]\nsystem_id = "node"\npassword = "secret"\nwindow = 50\n')
        parts.append("reconnect_min = 0.05\nreconnect_max = 0.2\n")
        for host, port in smsc.ports.items():
            parts.append(f'[provider.acme.host.{host}]\naddress = "127.0.0.1"\nport = {port}\n')
        parts.append('[[route]]\nname = "all"\ntargets = ["acme"]\n')
        self.network_file.write_text("\n".join([*parts, more]))

    def node(self, start: bool = True, **options: Any) -> SmppProxy:
        """A node of the network file that was written, with a plain listener; started."""
        options.setdefault("listeners", (Listener(port=0, address="127.0.0.1", name="plain"),))
        options.setdefault("drain_timeout", 2.0)
        options.setdefault("name", "node1")
        node = Node(network_file=str(self.network_file), **options)
        service = build(node, load_network(self.network_file), reactor, self.open_store)
        if start:
            service.startService()
            self.addCleanup(self.stop, service)
        return service

    def open_store(self, url: str, node_name: str, clock: Any) -> MemoryStore:
        """What the composition root opens: memory, kept for the test to break."""
        store = MemoryStore(clock, node_name)
        self.stores.append(store)
        return store

    def stop(self, service: SmppProxy) -> Deferred[Any]:
        """Drain and stop, unless the test did; requests to its admin door are over then."""
        stopped = maybeDeferred(service.stopService) if service.running else maybeDeferred(int)
        return stopped.addCallback(lambda _: self.wait(lambda: not any(requests()), "requests"))

    def client(self, service: SmppProxy, at_once: bool = False, **options: Any) -> Esme:
        """A simulated client of the node; it starts once the node is bound, see :meth:`is_bound`.

        :param at_once: it starts now: for nodes that are not to be bound, or not yet.
        """
        options.setdefault("reconnect_delay", 0.05)
        options.setdefault("port", service.listeners[0].port)
        esme = NodeClient(reactor, EsmeOptions(**options))
        esme.node = service
        self.addCleanup(esme.stop)
        if at_once or self.is_bound(service):
            esme.start()
        else:
            self._start_later(esme, service)
        return esme

    def _start_later(self, esme: Esme, service: SmppProxy) -> None:
        over: list[bool] = []
        bound = self.wait(lambda: over or self.is_bound(service), "the node's binds, for a client")

        def begin(_: None) -> None:
            if not over:
                esme.start()

        bound.addCallback(begin)
        bound.addErrback(lambda failure: log.err(failure, "a client that never started"))

        def end() -> Deferred[None]:
            over.append(True)
            return bound

        self.addCleanup(end)

    def is_bound(self, service: SmppProxy) -> bool:
        """Whether the node has every bind that it may have to the hosts that listen."""
        listening = {
            port
            for smsc in self.providers
            for host, port in smsc.ports.items()
            if smsc.listens(host)
        }
        wanted = [
            bind
            for pool in service.pools.values()
            for bind in pool.binds
            if {bind.host.port, bind.host.tls_port} & listening and bind.wanted
        ]
        states = {bind.state().state for bind in wanted}
        settled = states <= {"Bound", "Unadmitted"} and states != {"Unadmitted"}
        return settled and bool(service.pools)

    def upstream_bound(self, *services: SmppProxy) -> Deferred[None]:
        """Until the nodes are bound."""
        return self.wait(lambda: all(map(self.is_bound, services)), "the nodes' binds")

    def wait(self, condition: Any, what: str = "") -> Deferred[None]:
        """Until the condition is true, thirty seconds at most."""
        return until(reactor, condition, 30.0, what)

    def admin(self) -> Admin:
        """An admin door on a Unix socket of the test's own."""
        folder = tempfile.mkdtemp(prefix="smppproxy-")
        self.addCleanup(shutil.rmtree, folder, True)
        return Admin(path=f"{folder}/admin")
