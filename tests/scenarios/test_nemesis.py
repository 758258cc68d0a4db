"""Faults at random, then peace: whatever happened, the promises were kept."""

from __future__ import annotations

from typing import Any

from smppproxy.simulator.esme import LOST, Esme
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp.constants import ESME_RTHROTTLED
from tests.scenarios.nemesis import Nemesis
from tests.scenarios.world import Node, Scenario, all_bound, ask, network
from tests.support.processes import until
from tests.support.running import Upstream

ACCOUNTS = {"demo": "", "answered": 'in_doubt = "answer"', "preset": 'preset = "gatewayapi"'}
PATIENT = "window = 20\nresponse_timeout = 6.0\nenquire_link = 3.0\nenquire_answer = 3.0"
IDS = '[provider.NAME.ids]\nresp = "hex"\nreceipt_text = "dec"\nreceipt_tlv = "dec"\n'


class NemesisTests(Scenario):
    """One node on its embedded store, two providers with two hosts each, three accounts."""

    timeout = 240
    seconds = 8.0
    """For which faults begin."""

    async def test_three_faults_a_second_or_so(self) -> None:
        """P1, P4, P6, D1, D2, D4, D6, D7: every OK has its receipt, none is under an id that was
        not given, none at anyone else's, and nothing stays behind.
        """
        await self.endure(7)

    async def endure(self, seed: int) -> None:
        """The faults of a seed, then peace, then all histories are compared."""
        habits = {"early": 0.1, "other_host": 0.3, "duplicates": 0.05, "silence": 0.002}
        delays = {"response_delay": (0.0, 0.05), "receipt_delay": (0.0, 0.5)}
        errors = {ESME_RTHROTTLED: 0.01}
        common: dict[str, Any] = {"seed": seed, "errors": errors, **habits, **delays}
        first = self.provider(id_format="hex", receipt_id_format="padded", **common)
        second = self.provider(**common)
        upstreams = [
            Upstream("acme", list(first.ports.values()), PATIENT, IDS),
            Upstream("beta", list(second.ports.values()), PATIENT),
        ]
        providers = [first, second]
        node = await self.node(network(upstreams, ACCOUNTS), providers)
        clients = [
            self.client(node, "demo", rate=60.0, binds=2),
            self.client(node, "answered", rate=30.0, bind="txrx", window=10),
            self.client(node, "preset", rate=30.0),
        ]
        nemesis = Nemesis(seed, node, providers, clients)
        try:
            await nemesis.rage(self.seconds)
            await self.peace(node, providers, clients)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}; {nemesis.story}") from None
        for client in clients:
            self.check(check_providers([client], providers, copies=2, others=True))
            self.check(self.promised(client))
        self.check(*[check_acknowledged(smsc) for smsc in providers])
        self.assertNotIn("Traceback", node.process.told(100_000))

    async def peace(self, node: Node, providers: list[Smsc], clients: list[Esme]) -> None:
        """Everybody is back and carries on, then everything comes to its end."""
        for smsc in providers:
            await all_bound(smsc)
        accepted = [client.tally.accepted for client in clients]
        await until(
            lambda: all(
                client.tally.accepted > before + 10
                for client, before in zip(clients, accepted, strict=True)
            )
        )
        await self.finish(*clients, deadline=60.0)
        await until(lambda: all(smsc.idle for smsc in providers))
        await until(lambda: node.ledger()["in_flight"] == 0)
        queues = [f"smppproxy:w:{name}" for name in ACCOUNTS]
        await until(lambda: not any(ask(node.store_socket(), "XLEN", name) for name in queues))

    @staticmethod
    def promised(client: Esme) -> list[str]:
        """Receipts may come twice where an acknowledgement was lost, and for a message whose
        answer was lost (P6).
        """
        lost = {sent.destination for sent in client.history if sent.status == LOST}
        strange = [heard for heard in client.unknown if heard.source not in lost]
        complaints = check_client(client, exactly_once=False)
        return [f"receipt of {heard.source!r} under an id never given" for heard in strange] + [
            each for each in complaints if "unknown message_id" not in each
        ]
