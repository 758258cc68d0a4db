"""A real cluster: two nodes go where the slot of their network is."""

from __future__ import annotations

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp.constants import ESME_RSYSERR, ESME_RUNKNOWNERR
from tests.scenarios.world import (
    Node,
    Scenario,
    carried,
    check_refused,
    hosts_carry,
    network,
)
from tests.support.masters import NEVER_DOWN, Masters
from tests.support.processes import until
from tests.support.running import Upstream

READY, AWAY = "store is ready", "store is away"
NETWORK = "emea"
NODES = ("node1", "node2")
RATE = 100.0
QUICK = 1000
"""Milliseconds of silence after which a master is taken for one that is gone."""
REPLICA = 'durability = "replica"\njournal = "journal"'
"""What a client was told OK is at a replica before: no failover may lose it."""


class ClusterTests(Scenario):
    """F86, T18: whoever has the slot."""

    async def cluster(self, replicas: int, node_timeout: int, options: str) -> Masters:
        """A cluster, and two nodes of one network in it, each with a client that submits."""
        masters = Masters(NETWORK, replicas, node_timeout)
        self.addCleanup(masters.close)
        masters.start()
        self.smsc = self.provider(response_delay=(0.0, 0.02), receipt_delay=(0.0, 0.3))
        upstream = Upstream("acme", list(self.smsc.ports.values()), "window = 300")
        text = network([upstream], {"demo": "window = 500", "other": "window = 500"})
        url = masters.url("?deadline=2")
        self.nodes = [
            await self.node(text, store=url, options=options, name=name) for name in NODES
        ]
        for node in self.nodes:
            await node.process.expect_line(READY)
        self.clients = [
            self.client(node, name, rate=RATE, window=400, prefixes=(prefix,))
            for node, name, prefix in zip(
                self.nodes, ("demo", "other"), (b"46701", b"46702"), strict=True
            )
        ]
        await hosts_carry(self.smsc, "ab", 40)
        for client in self.clients:
            await carried(client, 20)
        return masters

    smsc: Smsc
    nodes: list[Node]
    clients: list[Esme]

    async def all_is_well(self) -> None:
        """Every accepted message has its receipt, and the ledgers balance."""
        for client in self.clients:
            await carried(client)
        await self.finish(*self.clients)
        await until(lambda: self.smsc.idle)
        codes = {ESME_RSYSERR, ESME_RUNKNOWNERR}
        self.check(
            *[check_client(client) for client in self.clients],
            *[check_refused(client, [self.smsc], codes) for client in self.clients],
            check_providers(self.clients, [self.smsc]),
            check_acknowledged(self.smsc),
        )
        for client in self.clients:
            self.assertEqual((client.tally.lost, client.tally.sessions_lost), (0, 0))
        for node in self.nodes:
            (row, *_) = node.get("api/v1/show/ledger")["rows"]
            self.assertEqual({}, row["imbalance"])
        accepted = sum(client.tally.accepted for client in self.clients)
        self.assertEqual(accepted, sum(node.ledger()["accepted"] for node in self.nodes))

    async def test_f86_the_slots_master_is_killed(self) -> None:
        """One of its replicas takes the slot and both nodes go on with it: no receipt of an OK is
        lost, no client is disconnected; the old master comes back as a replica.
        """
        masters = await self.cluster(2, QUICK, REPLICA)
        old, heirs = masters.master(), masters.replicas()
        old.kill()
        for node in self.nodes:
            await node.process.expect_line(AWAY)
            await node.process.expect_line(READY)
        await until(lambda: masters.master() in heirs)
        old.start()
        await until(lambda: old.fields()[b"role"] == b"slave")
        await self.all_is_well()

    async def test_f86_the_slots_master_is_frozen(self) -> None:
        """It holds its connections and says nothing. When it wakes up it believes to be a master
        still: nothing is written to it any more.
        """
        masters = await self.cluster(2, QUICK, REPLICA)
        old, heirs = masters.master(), masters.replicas()
        old.freeze()
        self.addCleanup(old.thaw)
        for node in self.nodes:
            await node.process.expect_line(AWAY)
            await node.process.expect_line(READY)
        await until(lambda: masters.master() in heirs)
        old.thaw()
        await until(lambda: old.fields()[b"role"] == b"slave")
        await self.all_is_well()

    async def test_the_slot_is_moved(self) -> None:
        """To another master, key by key, while both nodes are busy: they wait until all of it is
        there, and go on with it.
        """
        masters = await self.cluster(0, NEVER_DOWN, 'journal = "journal"')
        (to, _), old = masters.others(), masters.master()
        for left in masters.moving(to):
            if left == 3:
                for node in self.nodes:
                    await node.process.expect_line("slot 13557 is being moved")
        for node in self.nodes:
            await node.process.expect_line(READY)
        self.assertIs(to, masters.master())
        self.assertEqual([], old.command("KEYS", "*"))
        await self.all_is_well()
