"""Nodes that share one real store, and the command line that changes their network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from smppproxy.admin.network import packed
from smppproxy.config import Listener, Node, load_network, no_network
from smppproxy.config.network import carry
from smppproxy.service import SmppProxy, build
from smppproxy.simulator.esme import Esme
from tests.cli.running import CommandCase
from tests.support.nodes import reactor
from tests.support.redis_server import RedisServer


class ClusterCase(CommandCase):
    """Nodes on a store of the test's own. Without a network file they follow it."""

    timeout = 240

    def setUp(self) -> None:
        super().setUp()
        self.server = RedisServer().start()
        self.addCleanup(self.server.close)

    def cluster_node(
        self, name: str = "n1", file: Path | None = None, deadline: float = 10.0
    ) -> SmppProxy:
        """A node, started.

        :param deadline: seconds until it takes a silent store for one that is away.
        """
        node = Node(
            name=name,
            network_file=str(file or ""),
            store=f"{self.server.url}?deadline={deadline}",
            listeners=(Listener(port=0, address="127.0.0.1", name="plain"),),
            admin=self.admin(),
            drain_timeout=2.0,
        )
        node.own_folder = str(self.network_file.parent)
        service = build(node, load_network(file) if file else no_network(), reactor)
        service.startService()
        self.addCleanup(self.stop, service)
        return service

    def bundle(self) -> str:
        """The network that was written, as the door takes it."""
        return packed(carry(self.network_file))

    async def applied(self, node: SmppProxy, *options: str, code: int = 0) -> str:
        """What ``smppproxy apply`` of the network that was written says."""
        return await self.told(node, "apply", str(self.network_file), "--yes", *options, code=code)

    async def ready(self, *nodes: SmppProxy) -> None:
        """Until they have a version of the network, their own one if they have a file, and their
        store."""
        await self.wait(
            lambda: all(node.ready() and version(node) for node in nodes), "nodes with a network"
        )

    def steady(self, node: SmppProxy, **options: Any) -> Esme:
        """A client that submits all the time."""
        options.setdefault("count", 0)
        options.setdefault("rate", 100.0)
        return self.client(node, **options)


def version(node: SmppProxy) -> int:
    """Number of the version that a node has in force."""
    return node._own.standing().version
