"""`make peers` measures real peers: a message of each comes through, with its receipt."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.bench.peers.kannel import Kannel
from tests.bench.peers.node_proxy import NodeProxy
from tests.bench.peers.system import Dose, System

COUNT = 200


class PeersTests(SynchronousTestCase):
    """The smallest round of those whose programs are here."""

    timeout = 240

    def round(self, peer: System, *own: str) -> None:
        """Every message is answered and has its receipt; its processes are told apart."""
        self.addCleanup(peer.stop)
        peer.start()
        for _ in range(2):
            found = peer.round(Dose(seconds=60.0, count=COUNT, deadline=90.0))
            self.assertEqual((found.done, found.lost, found.faults), (COUNT, 0, {}))
            self.assertEqual({*found.cpu}, {*own, "provider"})
            self.assertGreater(found.response_ms["p50"], 0.0)
            # The provider's own delay is part of it.
            self.assertGreater(found.receipt_ms["p50"], 50.0)
            peer.settle()
        self.assertTrue(all(peer.versions.values()), peer.versions)

    def test_node(self) -> None:
        """The proxy over npm's smpp."""
        self.round(NodeProxy(), "node")

    def test_kannel(self) -> None:
        """Kannel by its HTTP door, receipts remembered in Redis."""
        self.round(Kannel(), "redis", "bearerbox", "smsbox")
