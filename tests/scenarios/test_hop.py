"""Two node processes on one Redis, one bind: who does not have it relays to who has (reading 8)."""

from __future__ import annotations

from smppproxy.simulator.histories import check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from tests.scenarios.world import Node, Scenario, network
from tests.support.processes import until
from tests.support.running import Upstream

HOP = '[hop]\npath = "hop"\n'


class HopTests(Scenario):
    """The provider allows one bind, which node2 has; the client is on node1."""

    timeout = 180

    async def pair(self, smsc: Smsc) -> tuple[Node, Node]:
        """node1 reaches the provider over node2."""
        store = self.redis().url
        text = network([Upstream("acme", [smsc.ports["a"]], "window = 50\nbinds_total = 1")])
        two = await self.node(text, [smsc], store=store, name="node2", tables=HOP)
        one = await self.node(text, store=store, name="node1", tables=HOP)
        await until((one.folder / "admin").exists, 20.0)
        await until(lambda: 'hop_sessions{provider="acme"} 1.0' in one.read("metrics"), 20.0)
        return one, two

    async def test_messages_and_receipts(self) -> None:
        """Every message has the provider's verdict and its receipt; node2's ledger has none."""
        smsc = self.provider("a", receipt_delay=(0.0, 0.1))
        one, two = await self.pair(smsc)
        client = self.client(one, count=400, rate=400.0)
        await until(lambda: client.done, 30.0)
        self.check(check_client(client), check_providers([client], [smsc], copies=1))
        self.assertEqual((client.tally.accepted, client.tally.refused), (400, 0))
        ledger = two.ledger()
        self.assertEqual((ledger["submitted"], ledger["receipts_in"]), (0, 400))

    async def test_sigkill_of_the_node_that_has_the_bind(self) -> None:
        """What was under way is in doubt on node1: one more copy at most, and no receipt lost;
        node1 takes the bind over once node2's place is free, and node2 comes back."""
        smsc = self.provider("a", response_delay=0.05)
        one, two = await self.pair(smsc)
        client = self.client(one, rate=50.0)
        await until(lambda: client.tally.accepted >= 50, 30.0)
        await two.kill()
        before = client.tally.accepted
        await until(lambda: client.tally.accepted >= before + 50, 90.0)
        await two.start()
        client.quit()
        await until(lambda: client.done, 60.0)
        self.check(check_client(client), check_providers([client], [smsc], copies=2))
        self.assertEqual(client.tally.lost, 0)
        self.assertEqual(len(smsc.links(bound=True)), 1)
