"""Two nodes on one store are restarted in turn under load, as an upgrade does it (F92)."""

from __future__ import annotations

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp.constants import ESME_RSYSERR
from tests.scenarios.world import Node, Scenario, all_bound, check_refused, network
from tests.support.processes import until
from tests.support.running import Upstream

RATE = 100.0


class RollingRestartTests(Scenario):
    """Both nodes have binds to both hosts, and a client each."""

    async def pair(self) -> tuple[Smsc, list[Node], list[Esme]]:
        """Everything bound, both clients submitting."""
        smsc = self.provider(response_delay=0.05, receipt_delay=(0.0, 0.5))
        upstream = Upstream("acme", list(smsc.ports.values()), "window = 50")
        text = network([upstream], {"one": "", "two": ""})
        store = self.redis().patient_url
        nodes = [await self.node(text, store=store, name=name) for name in ("one", "two")]
        await all_bound(smsc, 2)
        clients = [
            # Whose message it is, a destination tells.
            self.client(node, name, rate=RATE, prefixes=(prefix,))
            for node, name, prefix in zip(nodes, ("one", "two"), (b"46701", b"46702"), strict=True)
        ]
        await self.carry(*clients)
        return smsc, nodes, clients

    async def carry(self, *clients: Esme) -> None:
        """Each client gets a hundred more messages through."""
        goals = {client: client.tally.accepted + 100 for client in clients}
        await until(lambda: all(client.tally.accepted >= goals[client] for client in clients))

    async def test_f92_both_nodes_in_turn(self) -> None:
        """No submit_sm of unknown fate and no receipt lost or told to a stranger; every client is
        disconnected once, for the restart of its node. What it still sends while that says goodbye
        gets 0x08, and no provider has it.
        """
        smsc, nodes, clients = await self.pair()
        for node in nodes:
            self.assertEqual(await node.terminate(), 0)
            await node.start()
            await all_bound(smsc, 2)
            await self.carry(*clients)
        await self.finish(*clients)
        await until(lambda: smsc.idle)
        for client in clients:
            tally = client.tally
            self.assertEqual((tally.lost, tally.sessions_lost), (0, 1))
        self.check(
            *(check_client(client) for client in clients),
            *(check_refused(client, [smsc], {ESME_RSYSERR}) for client in clients),
            check_providers(clients, [smsc], copies=1),
            check_acknowledged(smsc),
        )
