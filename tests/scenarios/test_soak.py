"""Twenty thousand messages while hosts die and the node is killed: the promises, all at once."""

from __future__ import annotations

import json

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import (
    check_acknowledged,
    check_ledger,
    check_providers,
    percentile,
)
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp.constants import ESME_RSYSERR
from tests.scenarios.world import (
    Node,
    Scenario,
    all_bound,
    check_after_kills,
    check_refused,
    hosts_carry,
    in_hands,
    network,
)
from tests.support.processes import reactor, until
from tests.support.running import Upstream

MESSAGES = 20_000
ACCOUNTS = ("demo", "other")
RATE = 1_000.0
"""Messages a second, both clients together."""
EVENTS = ("host", "host", "node", "host", "node", "host", "host")


class SoakTests(Scenario):
    """Two accounts, two hosts, the embedded store."""

    timeout = 180

    async def test_f91_f53_twenty_thousand_messages(self) -> None:
        """Host a is killed and comes back five times, the node is killed twice: every OK has its
        receipt, none is at anyone else's, repeated ones are no more than were unacknowledged when
        the node was killed, and no message is at the providers more than twice.
        """
        began = reactor.seconds()
        smsc = self.provider(
            response_delay=(0.0, 0.02), receipt_delay=(0.0, 0.5), early=0.02, other_host=0.2
        )
        upstream = Upstream("acme", list(smsc.ports.values()), "window = 100\nbinds = 2")
        node = await self.node(network([upstream], dict.fromkeys(ACCOUNTS, "")))
        await all_bound(smsc, 2)
        clients = [
            self.client(node, name, rate=RATE / len(ACCOUNTS), binds=2) for name in ACCOUNTS
        ]
        self.unacknowledged = dict.fromkeys(ACCOUNTS, 0)
        self.told = {"resent": 0, "in_doubt": 0, "redelivered": 0}
        for done, event in enumerate(EVENTS, 1):
            await self.accepted(clients, MESSAGES * done // (len(EVENTS) + 1))
            if event == "host":
                await self.host_dies(smsc)
            else:
                await self.node_dies(node, smsc, clients)
        await self.accepted(clients, MESSAGES)
        submitting = reactor.seconds() - began
        await self.finish(*clients, deadline=60.0)
        await until(lambda: smsc.idle)
        await until(lambda: node.ledger()["queued"] == 0)
        self.note(node)
        self.check(check_ledger(node.ledger()), check_acknowledged(smsc))
        self.check(check_providers(clients, [smsc], copies=2))
        for client, name in zip(clients, ACCOUNTS, strict=True):
            self.check(
                check_after_kills(client, self.unacknowledged[name]),
                check_refused(client, [smsc], {ESME_RSYSERR}),
            )
        self.report(clients, smsc, submitting, reactor.seconds() - began)

    async def accepted(self, clients: list[Esme], count: int) -> None:
        """The clients have so many OKs."""
        await until(lambda: sum(client.tally.accepted for client in clients) >= count, 60.0)

    async def host_dies(self, smsc: Smsc) -> None:
        """Host a crashes, b carries alone, a comes back."""
        await smsc.crash("a")
        await hosts_carry(smsc, "b", 200)
        smsc.restore("a")
        await all_bound(smsc, 2)
        await hosts_carry(smsc, "a", 50)

    async def node_dies(self, node: Node, smsc: Smsc, clients: list[Esme]) -> None:
        """SIGKILL; what was unacknowledged then may be delivered again by the next life."""
        self.note(node)
        await node.kill()
        for name in ACCOUNTS:
            self.unacknowledged[name] += in_hands(node.store_socket(), name)
        await node.start()
        await all_bound(smsc, 2)
        await until(lambda: all(client.bound == 2 for client in clients))

    def note(self, node: Node) -> None:
        """Add up what a life of the node counted."""
        ledger = node.ledger()
        for name in self.told:
            self.told[name] += ledger[name]

    def report(self, clients: list[Esme], smsc: Smsc, submitting: float, all_in_all: float) -> None:
        """One line of figures."""
        sent = [sent for client in clients for sent in client.history if sent.status == 0]
        answers = [1000 * (each.answered_at - each.submitted_at) for each in sent]
        figures = {
            "accepted": len(sent),
            "receipts": sum(client.tally.receipted for client in clients),
            "repeated_receipts": sum(client.tally.duplicated for client in clients),
            "unacknowledged_at_kills": sum(self.unacknowledged.values()),
            "lost_answers": sum(client.tally.lost for client in clients),
            "refused": sum(client.tally.refused for client in clients),
            "at_the_provider": smsc.counts.accepted,
            **self.told,
            "answer_ms_p50": round(percentile(answers, 0.5), 1),
            "answer_ms_p99": round(percentile(answers, 0.99), 1),
            "messages_per_s": round(len(sent) / submitting),
            "seconds": round(all_in_all, 1),
        }
        print(f"soak: {json.dumps(figures)}")
