"""Three real sentinels, a master and its replicas: the node goes where the master is."""

from __future__ import annotations

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp.constants import ESME_RSYSERR, ESME_RUNKNOWNERR
from tests.scenarios.world import (
    Node,
    Scenario,
    ask,
    carried,
    check_refused,
    hosts_carry,
    network,
)
from tests.support.processes import until
from tests.support.redis_server import RedisServer
from tests.support.running import Upstream
from tests.support.sentinels import Guarded, Sentinel

READY, AWAY = "store is ready", "store is away"
RATE = 200.0
DEADLINE = "?deadline=2"
REPLICA = 'durability = "replica"\njournal = "journal"'
"""What a client was told OK is at a replica before: no failover may lose it."""
SELDOM = 0.001
"""Submits a second: one more, and none for the rest of a test."""
REPLICATED = b"master_link_status:up"
NEVER_DOWN = 600_000
"""Milliseconds: sentinels that take so long to doubt a master name it for the whole of a test."""
DISMISS = ("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
"""All connections but this one."""


class SentinelTests(Scenario):
    """F86, T18: whoever most sentinels name, if it is a master."""

    def guarded(self, replicas: int = 2, password: str = "") -> Guarded:
        """Servers and sentinels."""
        guarded = Guarded(replicas, password)
        self.addCleanup(guarded.close)
        guarded.start()
        return guarded

    async def traffic(self, store: str, options: str = REPLICA) -> tuple[Smsc, Node, Esme]:
        """A node on this store, a provider and a client that submits."""
        smsc = self.provider(response_delay=(0.0, 0.02), receipt_delay=(0.0, 0.3))
        upstream = Upstream("acme", list(smsc.ports.values()), "window = 300")
        text = network([upstream], {"demo": "window = 500"})
        node = await self.node(text, [smsc], store=store, options=options)
        await node.process.expect_line(READY)
        client = self.client(node, rate=RATE, window=400)
        await hosts_carry(smsc, "ab", 40)
        return smsc, node, client

    async def all_is_well(self, smsc: Smsc, client: Esme) -> None:
        """The client was promised nothing that it has not."""
        await self.finish(client)
        await until(lambda: smsc.idle)
        codes = {ESME_RSYSERR, ESME_RUNKNOWNERR}
        self.check(
            check_client(client),
            check_refused(client, [smsc], codes),
            check_providers([client], [smsc]),
            check_acknowledged(smsc),
        )
        self.assertEqual((client.tally.lost, client.tally.sessions_lost), (0, 0))

    async def test_f86_the_master_is_killed(self) -> None:
        """A replica is made master and the node goes on with it: no receipt of an OK is lost, no
        client is disconnected; the old master comes back as a replica and is left alone.
        """
        guarded = self.guarded()
        await until(guarded.is_ready)
        smsc, node, client = await self.traffic(guarded.url(options=DEADLINE))
        old = guarded.master
        old.kill()
        await node.process.expect_line(AWAY)
        await node.process.expect_line(READY)
        await until(lambda: guarded.moved(old))
        old.start()
        await carried(client, 300)
        await self.all_is_well(smsc, client)

    async def test_f86_the_master_is_frozen(self) -> None:
        """It holds its connections and says nothing: the node gives it up and finds the new one.
        When it wakes up it believes to be a master still: nothing is written to it any more.
        """
        guarded = self.guarded()
        await until(guarded.is_ready)
        smsc, node, client = await self.traffic(guarded.url(options=DEADLINE))
        old = guarded.master
        old.freeze()
        self.addCleanup(old.thaw)
        await node.process.expect_line(AWAY)
        await node.process.expect_line(READY)
        await until(lambda: guarded.moved(old))
        old.thaw()
        # Its connections are closed while it changes.
        await until(lambda: b"role:slave" in (ask(old.path, "INFO", "replication") or b""))
        await carried(client, 300)
        await self.all_is_well(smsc, client)

    async def test_t18_the_word_of_most_sentinels(self) -> None:
        """One that watches a master of its own under the same name leads nobody there. With two
        of three silent there is no majority: submits get 0x08, until they speak again.
        """
        guarded = self.guarded(replicas=0)
        lonely = Guarded(0)
        self.addCleanup(lonely.close)
        lonely.servers[0].start()
        liar = Sentinel(lonely.ports[0], 1)
        self.addCleanup(liar.close)
        liar.start()
        told = [liar, *guarded.sentinels[:2]]
        smsc, node, client = await self.traffic(guarded.url(told, DEADLINE), "")
        self.assertEqual(0, lonely.servers[0].command("DBSIZE"))
        self.assertLess(0, guarded.servers[0].command("DBSIZE"))
        for each in told[1:]:
            each.freeze()
            self.addCleanup(each.thaw)
        guarded.servers[0].commands(DISMISS)
        await node.process.expect_line(AWAY)
        await node.process.expect_line("no majority")
        await until(lambda: client.tally.refused > 20)
        for each in told[1:]:
            each.thaw()
        await node.process.expect_line(READY)
        await carried(client)
        self.assertEqual(0, lonely.servers[0].command("DBSIZE"))
        await self.all_is_well(smsc, client)

    async def misled(self) -> tuple[Guarded, str]:
        """A master, its replica, and three sentinels which say that the replica is the master; and
        what a node is told."""
        guarded = Guarded(1)
        self.addCleanup(guarded.close)
        for server in guarded.servers:
            server.start()
        await self.follows(guarded.servers[1])
        liars = [Sentinel(guarded.ports[1], 2, down_after=NEVER_DOWN) for _ in range(3)]
        for each in liars:
            self.addCleanup(each.close)
            each.start()
        return guarded, guarded.url(liars, DEADLINE)

    async def follows(self, server: RedisServer) -> None:
        """It is a replica, and has what its master has."""
        await until(lambda: REPLICATED in (ask(server.path, "INFO", "replication") or b""))

    async def test_t18_a_replica_that_all_sentinels_name(self) -> None:
        """It is asked what it is, and not used: nothing reaches a provider, neither it nor its
        master is written to. Once it is a master all goes on.
        """
        guarded, url = await self.misled()
        smsc = self.provider()
        text = network([Upstream("acme", list(smsc.ports.values()), "window = 300")])
        node = await self.node(text, store=url)
        await node.process.expect_line("store away: .*it is a replica")
        self.assertIn(b"role:slave", guarded.servers[1].command("INFO", "replication"))
        self.assertEqual([0, 0], [each.command("DBSIZE") for each in guarded.servers])
        self.assertEqual([], smsc.history)
        guarded.servers[1].command("REPLICAOF", "NO", "ONE")
        await node.process.expect_line(READY)
        client = self.client(node, rate=RATE)
        await carried(client)
        self.assertEqual(0, guarded.servers[0].command("DBSIZE"))
        await self.all_is_well(smsc, client)

    async def test_t18_a_master_that_is_demoted(self) -> None:
        """While it is in use, and the sentinels go on naming it: submits get 0x08, its new master
        is not written to, and no message of the time before is forgotten once it is back.
        """
        guarded, url = await self.misled()
        other, named = guarded.servers
        named.command("REPLICAOF", "NO", "ONE")
        smsc, node, client = await self.traffic(url, "")
        submitted = client.tally.submitted
        client.change_rate(SELDOM)
        await until(lambda: client.tally.submitted > submitted and not client.pending)
        other.command("REPLICAOF", "127.0.0.1", str(guarded.ports[1]))
        await self.follows(other)
        other.command("REPLICAOF", "NO", "ONE")
        named.command("REPLICAOF", "127.0.0.1", str(guarded.ports[0]))
        await node.process.expect_line("store away: .*it is a replica")
        kept, taken = other.command("DBSIZE"), len(smsc.history)
        client.change_rate(RATE)
        await until(lambda: client.tally.refused > 50)
        self.assertEqual((kept, taken), (other.command("DBSIZE"), len(smsc.history)))
        named.command("REPLICAOF", "NO", "ONE")
        await node.process.expect_line(READY)
        await carried(client)
        await self.all_is_well(smsc, client)

    async def test_a_password_that_is_wrong_for_a_while(self) -> None:
        """Behind sentinels as well: submits get 0x08, and with the right one all goes on."""
        guarded = self.guarded(replicas=0, password="right")
        smsc, node, client = await self.traffic(guarded.url(options=DEADLINE), "")
        master = guarded.servers[0]
        master.commands(("AUTH", "right"), ("CONFIG", "SET", "requirepass", "other"), DISMISS)
        await node.process.expect_line("store away: .*WRONGPASS")
        refused = client.tally.refused
        await until(lambda: client.tally.refused > refused + 20)
        master.commands(("AUTH", "other"), ("CONFIG", "SET", "requirepass", "right"))
        await node.process.expect_line(READY)
        await carried(client)
        await self.all_is_well(smsc, client)
