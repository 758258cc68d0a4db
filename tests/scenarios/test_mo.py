"""MO messages over real sockets: for nobody, for several, in parts, and given out later."""

from __future__ import annotations

import socket
from typing import Any

from smppproxy.simulator.smsc import Smsc
from tests.scenarios.world import Node, Scenario, all_bound, network
from tests.support.processes import until
from tests.support.running import Upstream

ONE = """
[[mo_route]]
account = "demo"
numbers = ["1234"]
"""
BOTH = """
[[mo_route]]
accounts = ["demo", "shop"]
numbers = ["1234"]
keywords = ["WIN"]
[[mo_route]]
account = "demo"
"""


def is_open(node: Node) -> bool:
    """Whether its admin door takes somebody, and its store is there."""
    with socket.socket(socket.AF_UNIX) as connection:
        if connection.connect_ex(str(node.folder / "admin")):
            return False
    return "rows" in node.get("api/v1/show/unrouted")


class MoScenario(Scenario):
    """A provider that sends messages from people to a node with two accounts."""

    async def begin(self, mo_routes: str) -> tuple[Smsc, Node]:
        self.smsc = self.provider()
        node = await self.node(self.text(mo_routes))
        await all_bound(self.smsc)
        return self.smsc, node

    def text(self, mo_routes: str) -> str:
        upstream = Upstream("acme", list(self.smsc.ports.values()))
        return network([upstream], {"demo": "", "shop": ""}, more=mo_routes)

    def unrouted(self, node: Node) -> list[dict[str, Any]]:
        """What the node lists of messages for nobody."""
        rows: list[dict[str, Any]] = node.get("api/v1/show/unrouted")["rows"]
        return rows

    async def test_sx23_unrouted_then_a_route_then_replayed(self) -> None:
        """SX-23: kept and listed; once a reload brings a route it is delivered, once; the node
        that dies in between has lost nothing.
        """
        smsc, node = await self.begin("")
        demo = self.client(node, rate=0.0)
        for number in range(3):
            smsc.send_mo(b"smppproxy", b"1234", b"hello %d" % number)
        smsc.send_mo(b"smppproxy", b"999", b"lost")
        await until(lambda: len(self.unrouted(node)) == 4)
        self.assertEqual({row["route"] for row in self.unrouted(node)}, {""})
        self.assertEqual(demo.mo, [])
        node.write_network(self.text(ONE))
        node.process.signal("HUP")
        await until(lambda: [row["route"] for row in self.unrouted(node)].count("demo") == 3)
        await node.restart()
        await until(lambda: is_open(node))
        tried = node.post("api/v1/replay", kind="unrouted", dry_run=True)
        self.assertEqual((tried["counts"]["queued"], tried["counts"]["left"]), (3, 1))
        done = node.post("api/v1/replay", kind="unrouted")
        self.assertEqual(done["counts"], tried["counts"])
        await until(lambda: len(demo.mo) == 3)
        again = node.post("api/v1/replay", kind="unrouted")
        self.assertEqual((again["counts"]["queued"], again["counts"]["left"]), (0, 1))
        smsc.send_mo(b"smppproxy", b"1234", b"last")
        await until(lambda: len(demo.mo) == 4)
        self.assertEqual([row["number"] for row in self.unrouted(node)], ["999"])

    async def test_m1_copies_to_two_accounts(self) -> None:
        """By keyword to both, without it to one; who is not bound gets its copies later."""
        smsc, node = await self.begin(BOTH)
        demo = self.client(node, rate=0.0)
        for number in range(20):
            text = b"win %d" if number % 2 else b"%d"
            smsc.send_mo(b"smppproxy", b"1234", text % number, host="ab"[number % 2])
        await until(lambda: len(demo.mo) == 20)
        shop = self.client(node, "shop", rate=0.0)
        await until(lambda: len(shop.mo) == 10)
        await until(lambda: node.ledger()["mo_delivered"] == 30)
        self.assertEqual(self.unrouted(node), [])
