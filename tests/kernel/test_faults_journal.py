"""The disk of the journal is full, with the store and without."""

from __future__ import annotations

from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.smpp.constants import ESME_RSYSERR, ESME_RUNKNOWNERR
from tests.kernel.test_faults_disk import DiskScenario
from tests.scenarios.world import carried, check_refused
from tests.support.processes import until


class JournalDiskTests(DiskScenario):
    """The disk of the journal."""

    async def test_f94_disk_of_the_journal_is_full(self) -> None:
        """Reliability 1.6: without room in the journal no message is taken (0x08, nothing reaches
        a provider), counted and told; sessions stay; with room again everything goes on.
        """
        disk = self.disk()
        smsc, node, client = await self.traffic(options=f'journal = "{disk.folder}/journal"')
        disk.fill()
        await node.process.expect_line("the journal in .* cannot be written")
        await until(lambda: client.tally.refused > 100)
        metrics = node.read("metrics")
        self.assertIn("smppproxy_journal_blocked 1.0", metrics)
        self.assertIn('smppproxy_journal_total{what="blocked"} 1.0', metrics)
        self.assertIn('event="journal_blocked"', metrics)
        disk.free()
        await node.process.expect_line("the journal can be written again")
        await carried(client)
        await self.finish(client)
        self.assertEqual((client.tally.sessions_lost, client.tally.lost), (0, 0))
        self.check(
            check_client(client),
            check_refused(client, [smsc], {ESME_RSYSERR}),
            check_providers([client], [smsc], copies=1),
        )

    async def test_f94_full_while_the_store_is_away(self) -> None:
        """Nothing can keep the way back of what a provider has accepted: those clients are told
        0xFF, no OK is given that is not kept, and all is well once store and disk are.
        """
        disk = self.disk()
        server = self.redis()
        smsc, node, client = await self.traffic(
            store=server.url, options=f'journal = "{disk.folder}/journal"'
        )
        smsc.options.response_delay = (0.5, 1.0)
        await carried(client)

        def doubtful() -> int:
            return sum(sent.status == ESME_RUNKNOWNERR for sent in client.history)

        server.kill()
        disk.fill()
        await until(lambda: doubtful() > 20)
        disk.free()
        server.start()
        await carried(client)
        await self.finish(client, deadline=60.0)
        await until(lambda: smsc.idle)
        self.assertEqual((client.tally.sessions_lost, client.tally.lost), (0, 0))
        self.check(
            check_refused(client, [smsc], {ESME_RSYSERR, ESME_RUNKNOWNERR}),
            check_acknowledged(smsc),
        )
        without = [sent for sent in client.history if sent.status == 0 and not sent.receipts]
        self.assertEqual([], without)
