"""A node between a foreign client and a foreign provider, every octet of it captured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.interop import actors
from tests.interop.capture import Capture, Relay, dissect
from tests.support.foreign import NodeCase
from tests.support.processes import Actor, Event, reactor
from tests.support.running import RunningNode, Upstream


class InteropCase(NodeCase):
    """Starts foreign providers, puts relays before them and before the node, reads the captures."""

    def setUp(self) -> None:
        """Two captures: what clients and the node said, what the node and providers said."""
        self.clients_capture = self._capture("clients")
        self.providers_capture = self._capture("providers")

    def _capture(self, name: str) -> Capture:
        capture = Capture(Path(self.mktemp()).with_name(f"{name}.pcap"))
        self.addCleanup(capture.close)
        return capture

    def _relay(self, capture: Capture, port: int) -> int:
        relay = Relay(reactor, capture, port)
        self.addCleanup(relay.stop)
        return relay.port

    def client_port(self, port: int) -> int:
        """A captured way to the node's port."""
        return self._relay(self.clients_capture, port)

    async def open_host(self, kind: str, name: str, **settings: Any) -> tuple[Actor, int]:
        """One host of a provider; its process, and the captured way to its port."""
        host = self.start(actors.provider(kind, name, **settings))
        port = (await host.expect("listening"))["port"]
        return host, self._relay(self.providers_capture, port)

    async def bound_node(self, upstream: Upstream, *hosts: Actor, **more: Any) -> RunningNode:
        """A node that has bound to every host of one provider."""
        node = await self.run_node([upstream], **more)
        for host in hosts:
            self.check_bind(await host.expect("bind"))
            await node.expect_line(rf"\b{upstream.name}\S* is bound")
        return node

    def check_bind(self, bind: Event) -> None:
        """What the node says when it binds: 3.4, whatever its clients said (quirks 7)."""
        self.assertTrue(bind["right"], bind)
        self.assertEqual(bind["interface_version"], 0x34)

    async def check_wire(self) -> None:
        """tshark finds nothing wrong with what the node sent, to either side."""
        self.clients_capture.close()
        self.providers_capture.close()
        clients = await dissect(self.clients_capture.path)
        providers = await dissect(self.providers_capture.path)
        self.assertGreater(providers.pdus, 1)
        if self.clients_capture.segments:
            self.assertGreater(clients.pdus, 1)
        self.assertEqual(clients.wrong_answers, [])
        self.assertEqual(providers.wrong_requests, [])
