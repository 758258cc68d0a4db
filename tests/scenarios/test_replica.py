"""Level ``replica``: nothing is acknowledged that only one server has."""

from __future__ import annotations

from smppproxy.relay.endings import PATIENCE
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.smpp.constants import ESME_RSYSERR
from tests.scenarios.world import Scenario, carried, check_refused, network
from tests.support.ports import free_port
from tests.support.processes import reactor, until
from tests.support.running import Upstream

RATE = 300.0


class ReplicaTests(Scenario):
    """A store with a replica, both of the test's own."""

    async def test_f86_the_replica_is_frozen_then_the_master_is_lost(self) -> None:
        """While no replica confirms, submits get 0x08 within a second and no OK is given, until the
        journal has what providers accepted; with the replica back all goes on. Whatever a client
        was told OK is at the replica, so the store's machine may be lost: count lost = 0.
        """
        port = str(free_port())
        master = self.redis("--port", port, "--repl-diskless-sync-delay", "0")
        replica = self.redis("--replicaof", "127.0.0.1", port)
        smsc = self.provider(receipt_delay=(0.0, 0.3))
        upstream = Upstream("acme", list(smsc.ports.values()), "window = 300")
        node = await self.node(
            network([upstream], {"demo": "window = 500"}),
            [smsc],
            store=master.url,
            options='durability = "replica"\njournal = "journal"',
        )
        await node.process.expect_line("store is ready")
        client = self.client(node, rate=RATE, window=400)
        await until(lambda: client.tally.receipted > 300)
        self.assertIn('durability{level="replica",wanted="replica"} 1.0', node.read("metrics"))

        replica.freeze()
        self.addCleanup(replica.thaw)
        frozen = reactor.seconds()
        await node.process.expect_line("store is away")
        self.assertLess(reactor.seconds() - frozen, 15.0)
        await until(lambda: 'what="kept"} 0.0' not in node.read("metrics"))
        answers = [sent.answered_at - frozen for sent in client.history if sent.status == 0]
        self.assertEqual([], [at for at in answers if 2.0 < at < PATIENCE - 0.5])
        self.assertGreater(client.tally.refused, 0)
        replica.thaw()
        await node.process.expect_line("store is ready")
        await carried(client, 300)
        await until(lambda: "smppproxy_journal_octets 0.0" in node.read("metrics"))

        master.kill()
        known = {sent.message_id for sent in client.history if sent.status == 0}
        # Octets beside an id may look like digits of it, so ids are looked for, not cut out.
        maps = b"\n".join(replica.command("EVAL", KEPT, 0))
        self.assertEqual(set(), {each for each in known if each not in maps})
        master.start()
        await node.process.expect_line("store is ready")
        await carried(client)
        await self.finish(client)
        await until(lambda: smsc.idle)
        self.check(
            check_client(client),
            check_refused(client, [smsc], {ESME_RSYSERR}),
            check_providers([client], [smsc]),
            check_acknowledged(smsc),
        )


KEPT = "return redis.call('HVALS', 'smppproxy:mm:acme')"
"""All maps."""
