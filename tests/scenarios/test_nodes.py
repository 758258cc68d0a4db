"""Several nodes on one store: what comes in on one of them reaches a client on another one."""

from __future__ import annotations

from statistics import median

from smppproxy.simulator.esme import Esme
from tests.scenarios.world import Scenario, network
from tests.support.processes import until
from tests.support.running import Upstream

SOON = 0.35
"""Seconds; some milliseconds are usual, a look once a second would take half of one."""

LATELY = 20
"""So many receipts, of those that came last."""


class NodesTests(Scenario):
    """A provider that takes one bind, so that only the first node has it."""

    def delays(self, sender: Esme, receiver: Esme) -> list[float]:
        """Seconds from the answer to a message to its receipt, of the last ones."""
        answered = {sent.destination: sent.answered_at for sent in sender.history}
        return [heard.at - answered[heard.source] for heard in receiver.unknown[-LATELY:]]

    async def test_d11_receipts_reach_another_node_at_once(self) -> None:
        """Submitted through the first node, whose bind brings the receipts; the account's receiver
        is on the second one, and has them as soon as both nodes know of each other.
        """
        smsc = self.provider(hosts="a", max_binds=1)
        text = network([Upstream("acme", [smsc.ports["a"]], "window = 50")])
        server = self.redis()
        first = await self.node(text, [smsc], store=server.patient_url, name="node1")
        second = await self.node(text, store=server.patient_url, name="node2")
        receiver = self.client(second, bind="rx")
        await until(lambda: receiver.bound == 1)
        sender = self.client(first, bind="tx", rate=50.0)

        def soon() -> bool:
            delays = self.delays(sender, receiver)
            return len(delays) == LATELY and median(delays) < SOON

        await until(soon)
        sender.quit()
        await until(lambda: sender.tally.accepted == len(sender.history))
        await until(lambda: second.ledger()["delivered"] == sender.tally.accepted)
        self.assertEqual(receiver.tally.receipts, sender.tally.accepted)
        self.assertEqual(second.ledger()["receipts_in"], 0)
