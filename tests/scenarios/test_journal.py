"""The journal of a node: what providers accepted while the store was away keeps its way back."""

from __future__ import annotations

import re

from smppproxy.simulator.esme import UNANSWERED, Esme
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp.constants import ESME_RSYSERR
from tests.scenarios.world import (
    Node,
    Scenario,
    carried,
    check_after_kills,
    check_refused,
    network,
)
from tests.support.processes import until
from tests.support.redis_server import RedisServer
from tests.support.running import Upstream

AWAY, READY = "store is away", "store is ready"
RATE = 300.0


def events(node: Node, name: str) -> int:
    """A named count of the node's metrics."""
    row = rf'smppproxy_events_total{{event="{name}"}} ([0-9.e+]+)'
    found = re.search(row, node.read("metrics"))
    return int(float(found[1])) if found else 0


class JournalTests(Scenario):
    """A store server of the test's own, and a node with a journal."""

    async def traffic(self) -> tuple[RedisServer, Smsc, Node, Esme]:
        """Messages that their provider takes up to a second to accept; receipts soon after that."""
        server = self.redis()
        smsc = self.provider(response_delay=(0.2, 1.0), receipt_delay=(0.0, 0.5))
        upstream = Upstream("acme", list(smsc.ports.values()), "window = 300")
        node = await self.node(
            network([upstream], {"demo": "window = 500"}),
            [smsc],
            store=server.patient_url,
            options='journal = "journal"',
        )
        await node.process.expect_line(READY)
        client = self.client(node, rate=RATE, window=400)
        await until(lambda: client.tally.receipted >= 200)
        return server, smsc, node, client

    async def journaled(self, server: RedisServer, node: Node, client: Esme) -> int:
        """The store is killed; how many maps are in the journal once all have their answer."""
        server.kill()
        await node.process.expect_line(AWAY)
        refused = client.tally.refused
        await until(lambda: client.tally.refused > refused)
        client.hold()
        await until(lambda: events(node, "journaled") > 100)
        await until(lambda: all(sent.status != UNANSWERED for sent in client.history))
        return events(node, "journaled")

    async def test_f79_the_journal_instead_of_0xff(self) -> None:
        """Reading 4: the store is away for longer than 5 s. What a provider had accepted is
        answered OK, nothing is in doubt, and each OK has its receipt once the store is back.
        """
        server, smsc, node, client = await self.traffic()
        journaled = await self.journaled(server, node, client)
        (file,) = (node.folder / "journal").glob("maps-*.journal")
        self.assertGreater(file.stat().st_size, 50 * journaled)
        server.start()
        await node.process.expect_line(READY)
        client.go()
        await until(lambda: not file.exists())
        await carried(client)
        await self.finish(client)
        await until(lambda: smsc.idle)
        self.check(
            check_client(client),
            check_refused(client, [smsc], {ESME_RSYSERR}),
            check_providers([client], [smsc], copies=1),
            check_acknowledged(smsc),
        )
        self.assertEqual((client.tally.lost, node.ledger()["in_doubt"]), (0, 0))

    async def test_f79_node_killed_before_the_replay(self) -> None:
        """The node dies by SIGKILL while the store is away; in its next life the maps go to the
        store, and the receipts that came meanwhile find their messages.
        """
        server, smsc, node, client = await self.traffic()
        journaled = await self.journaled(server, node, client)
        self.assertGreater(journaled, 100)
        await node.kill()
        server.start()
        await node.start()
        await until(lambda: not list((node.folder / "journal").glob("maps-*.journal")))
        client.go()
        await carried(client)
        await self.finish(client, deadline=60.0)
        self.check(
            check_after_kills(client, unacknowledged=client.options.window),
            check_providers([client], [smsc], copies=1),
        )

    async def test_f79_node_killed_while_it_writes(self) -> None:
        """SIGKILL at the first sign of the journal: whoever got an OK before that has its receipt.
        """
        server, smsc, node, client = await self.traffic()
        accepted = client.tally.accepted
        server.kill()
        await node.process.expect_line(AWAY)
        await until(lambda: client.tally.accepted > accepted + 5)
        await node.kill()
        server.start()
        await node.start()
        await carried(client)
        await self.finish(client, deadline=60.0)
        self.check(
            check_after_kills(client, unacknowledged=client.options.window),
            check_providers([client], [smsc], copies=1),
        )

    async def test_f79_node_stopped_while_the_store_is_away(self) -> None:
        """SIGTERM just after the store's end: what waits for the store when the node's time is
        over goes to the journal, and in the next life receipts find it.
        """
        server, smsc, node, client = await self.traffic()
        server.kill()
        await node.process.expect_line(AWAY)
        client.hold()
        self.assertEqual(0, await node.terminate())
        self.assertEqual(1, len(list((node.folder / "journal").glob("maps-*.journal"))))
        server.start()
        await node.start()
        client.go()
        await carried(client)
        await self.finish(client, deadline=60.0)
        self.check(
            check_after_kills(client, unacknowledged=client.options.window),
            check_providers([client], [smsc], copies=1),
        )
