"""The supervisor: a node without clients and binds, whose workers have them."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from smppproxy.admin.door import Page
from smppproxy.admin.families import Family, values
from smppproxy.admin.scrape import TYPE, ScrapePage
from smppproxy.admin.systemd import Systemd
from smppproxy.config import Network, Node
from smppproxy.service import SmppProxy
from smppproxy.store import open_store
from smppproxy.store.embedded import EmbeddedStore
from smppproxy.store.interface import Store, StoreError
from smppproxy.store.server import private_folder
from smppproxy.wire.hop_tls import HopTls
from smppproxy.wire.listener import BACKLOG
from smppproxy.wire.sharing import listen, reserve
from smppproxy.wire.tls import ServerTls
from smppproxy.workers.asking import fetch
from smppproxy.workers.books import Books, Counts, gathered
from smppproxy.workers.gather import GatheredPage, labelled
from smppproxy.workers.nodes import of_supervisor, of_worker
from smppproxy.workers.process import WorkerProcess
from smppproxy.workers.tapping import WorkersTaps

GRACE = 20.0
"""Seconds beyond the patience of its node and its providers that a worker has to end."""

OURS = "supervisor"
"""Stands for the worker in what the supervisor says of itself."""

JSON = b"application/json"


class _Systemd(Systemd):
    """Ready is who lets clients in: the workers, not the supervisor."""

    _told = False

    def ready(self) -> None:
        """Not yet."""

    def workers_ready(self) -> None:
        """One of them lets clients in; idempotent."""
        if not self._told:
            self._told = True
            super().ready()


class Supervisor(SmppProxy):
    """The node that a file with ``workers = N`` describes, in the process that has the workers.

    :ivar workers: those, in their order; none before the store has begun.
    :raises TlsError: a certificate that the workers would need cannot be used.
    """

    _log = Logger()

    def __init__(self, node: Node, network: Network, reactor: Any, store: Store) -> None:
        self.workers: list[WorkerProcess] = []
        self._whole = node
        self._lock = -1
        self._sockets: list[list[socket.socket]] = []
        # What would end each worker at its start is told here, once, before there are any.
        for each in node.listeners:
            if each.tls:
                ServerTls(each.certificate, each.key, each.client_ca)
        if node.hop.port:
            HopTls(node.hop.certificate, node.hop.key, node.hop.ca)
        super().__init__(of_supervisor(node), network, reactor, store)
        self._told = self._systemd = _Systemd(os.environ)
        self._books = Books(self.relay.ledger, store, self._waiting_queues, self._ask_books)
        operator: Any = self._office.operator
        self._taps = WorkersTaps(reactor, operator.tap, self._up)
        operator.tap = self._taps.tap
        self._speak_for_all()

    # -- the admin door -------------------------------------------------------------------------

    def _speak_for_all(self) -> None:
        """The pages of the admin door that are about one process become pages about all."""
        pages: Any = self._office.pages
        own: ScrapePage = pages.children[b"metrics"]
        ledger: Page = pages.children[b"ledger"]

        def doors() -> dict[str, str]:
            return {each.name: each.door for each in self._up()}

        def metrics(said: dict[str, bytes]) -> bytes:
            # What is counted of all nodes alike (queues, limits) every one of them tells.
            ours = "".join(own.pieces()) + "".join(
                piece for family in self._metrics() for piece in family.text()
            )
            others = [(name, page.decode()) for name, page in said.items()]
            return labelled([*others, (OURS, ours)]).encode()

        def books(said: dict[str, bytes]) -> bytes:
            together = self._books.together([*map(json.loads, said.values())])
            return json.dumps(together, indent=1).encode() + b"\n"

        reactor = self._reactor
        pages.putChild(b"metrics", GatheredPage(reactor, "metrics", TYPE, doors, metrics))
        pages.putChild(
            b"ledger", GatheredPage(reactor, "ledger", JSON, doors, books, ledger.access)
        )

    def _metrics(self) -> Iterator[Family]:
        yield values("worker_ready", {(each.name,): each.ready for each in self.workers})
        yield values("worker_restarts", {(each.name,): each.restarts for each in self.workers})

    def _up(self) -> list[WorkerProcess]:
        return [each for each in self.workers if each.is_up]

    def _ask_books(self) -> Deferred[list[Counts]]:
        """The ledgers of all workers; none when one of them does not answer."""
        pages = [fetch(self._reactor, each.door, "ledger") for each in self._up()]
        return gathered(pages).addCallback(lambda found: [*map(json.loads, found)])

    def ready(self) -> bool:
        """Whether a worker takes new binds."""
        return any(each.ready for each in self.workers)

    # -- start ----------------------------------------------------------------------------------

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Take the ports, so that nobody else has them while a worker is away, and start.

        :raises twisted.internet.error.CannotListenError: a listener's port is taken.
        :raises StoreError: the node runs already, or has no folder for its sockets.
        """
        node = self._whole
        self._folder = private_folder(f"{node.name} {node.store}".encode())
        self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StoreError(f"a node {node.name} with this store runs already") from None
        try:
            for each in node.listeners:
                self._sockets.append(reserve(each.address, each.port, node.workers))
        except CannotListenError:
            self._let_go()
            raise
        super().startService()

    def _open_doors(self) -> None:
        super()._open_doors()
        if self._are_doors_open and not self.draining and not self.workers:
            self._start_workers()

    def _start_workers(self) -> None:
        node = self._whole
        ports = [sockets[0].getsockname()[1] for sockets in self._sockets]
        url = self._store_url()
        self.workers = [
            WorkerProcess(
                of_worker(node, number, ports, url, str(self._folder)),
                self._reactor,
                [sockets[number - 1].fileno() for sockets in self._sockets],
                self._worker_changed,
                lambda worker: self._books.close(worker.ledger),
                lambda: self._office.hands.is_draining,
            )
            for number in range(1, node.workers + 1)
        ]
        # All of them at once: whoever comes now is dealt to each of them alike.
        for shared in chain(*self._sockets):
            listen(shared.fileno(), BACKLOG)
        for worker in self.workers:
            worker.start()

    def _store_url(self) -> str:
        """Where the workers find the store: one that is ours by its socket."""
        if not isinstance(self.store, EmbeddedStore):
            return self._whole.store
        options = urlsplit(self._whole.store).query
        path = quote(self.store.server.path)
        return f"redis+unix://{path}" + (f"?{options}" if options else "")

    def _worker_changed(self, worker: WorkerProcess) -> None:
        if worker.is_up:
            self._taps.worker_is_up(worker)
        if self.ready():
            self._told.workers_ready()

    # -- later ----------------------------------------------------------------------------------

    def _tick(self) -> None:
        super()._tick()
        for worker in self.workers:
            worker.tick()
        if self._office.operator.settling.is_alone:
            self._books.tick(self._reactor.seconds())

    def reload(self) -> Deferred[None]:
        """As of any node; the workers read their certificates and secrets again, and follow."""
        for worker in self.workers:
            worker.signal("HUP")
        return super().reload()

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """The workers drain, all at once; then the supervisor ends as any node does (GW-04)."""
        self.draining = True
        self._systemd.stopping()
        drains = [each.drain for each in self.network.providers.values()]
        patience = self._whole.drain_timeout + max(drains, default=0.0) + GRACE
        stopped = gatherResults([worker.stop(patience) for worker in self.workers])
        return stopped.addCallback(lambda _: super(Supervisor, self).stopService()).addCallback(
            lambda _: self._let_go()
        )

    def _let_go(self) -> None:
        for shared in chain(*self._sockets):
            shared.close()
        self._sockets = []
        for worker in self.workers:
            Path(worker.door).unlink(missing_ok=True)
        os.close(self._lock)


def supervise(
    node: Node,
    network: Network,
    reactor: Any,
    open_a_store: Callable[..., Store] = open_store,
) -> Supervisor:
    """A node with workers, of its two files, ready to be started; compare ``service.build``."""
    store = open_a_store(node.store, node.name, reactor, node.durability)
    return Supervisor(node, network, reactor, store)
