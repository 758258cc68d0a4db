"""Routes are changed, rolled back and broken on purpose while messages flow."""

from __future__ import annotations

import random
from typing import Any

from smppproxy.admin.ledgers import together, told
from smppproxy.admin.network import packed
from smppproxy.config.bundle import Bundle
from smppproxy.service import SmppProxy
from smppproxy.simulator.smsc import Smsc
from tests.support.clusters import ClusterCase, version
from tests.support.doors import ask, asynchronous
from tests.support.nodes import HASHER

RATE = 1000.0
CHANGES = 40


class LiveRoutesTests(ClusterCase):
    """Two nodes on one real store, 1,000 messages a second between them."""

    timeout = 240

    def network(self, smscs: dict[str, Smsc], routes: str) -> None:
        """Providers and one account, with these routes."""
        parts = [f'[account.demo]\npassword = "{HASHER.hash("demo")}"\n']
        for name, smsc in smscs.items():
            parts.append(f'[provider.{name}]\nsystem_id = "node"\npassword = "secret"\n')
            parts.append("window = 500\n")
            for host, port in smsc.ports.items():
                parts.append(f'[provider.{name}.host.{host}]\naddress = "127.0.0.1"\n')
                parts.append(f"port = {port}\n")
        self.network_file.write_text("".join(parts) + routes)

    def routes(self, chance: random.Random) -> str:
        """Other routes each time, every one of which takes everything."""
        first, second = chance.sample(("acme", "beta"), 2)
        prefixes = sorted({str(chance.randrange(46700, 46710)) for _ in range(5)})
        kind = chance.choice(("weighted", "ordered", "split"))
        share = chance.randrange(1, 100)
        both = (
            f'[{{ provider = "{first}", weight = {share} }},'
            f' {{ provider = "{second}", weight = {100 - share} }}]'
        )
        targets = f'["{first}", "{second}"]' if kind == "ordered" else both
        return (
            f'[[route]]\nname = "some"\nprefixes = {prefixes}\nselect = "{kind}"\n'
            f'targets = {targets}\n[[route]]\nname = "all"\ntargets = ["{second}", "{first}"]\n'
        ).replace("'", '"')

    async def change(self, node: SmppProxy, number: int, chance: random.Random) -> str:
        """Another network, a rollback, or one that nobody can take; what was done."""
        what = chance.choice(("apply", "apply", "rollback", "break"))
        if what == "rollback":
            body: dict[str, Any] = {"number": chance.randrange(1, number + 1)}
        else:
            self.network(self.smscs, self.routes(chance))
            body = {"bundle": self.bundle()}
        if what == "break":
            text = self.network_file.read_text().replace('"beta"', '"beat"', 1)
            broken = packed(Bundle("network.toml", text.encode()))
            reply = await ask(node, "api/v1/network/apply", {"bundle": broken})
            self.assertEqual((reply.status, reply.error["code"]), (409, "bad_network"))
            return what
        reply = await ask(node, f"api/v1/network/{'apply' if what == 'apply' else what}", body)
        self.assertEqual(reply.status, 200, reply.body)
        return what

    @asynchronous
    async def test_routes_are_changed_under_load(self) -> None:
        """Every message is accepted by one provider and has its receipt; the ledgers balance,
        nobody is unbound, nothing is refused by our side."""
        chance = random.Random(4)
        self.smscs = {name: self.provider("a", "b") for name in ("acme", "beta")}
        self.network(self.smscs, self.routes(chance))
        # Everybody shares this one process, which may not get to the store's answers for a second.
        nodes = [self.cluster_node(name, deadline=10.0) for name in ("n1", "n2")]
        await self.wait(lambda: all(node.store.ready for node in nodes), "the store")
        await self.applied(nodes[0])
        await self.ready(*nodes)
        await self.wait(
            lambda: all(bind.state == "Bound" for node in nodes for bind in node.binds()), "binds"
        )
        clients = [
            self.steady(node, rate=RATE / 2, window=500, prefixes=[b"46701", b"46705", b"46709"])
            for node in nodes
        ]
        await self.wait(lambda: all(client.tally.accepted > 100 for client in clients), "traffic")
        done: list[str] = []
        for _ in range(CHANGES):
            number = version(nodes[0])
            done.append(await self.change(chance.choice(nodes), number, chance))
            seen = sum(client.tally.accepted for client in clients)
            await self.wait(
                lambda seen=seen: sum(client.tally.accepted for client in clients) > seen + 100,
                "traffic goes on",
            )
        self.assertEqual({*done}, {"apply", "rollback", "break"})
        for client in clients:
            client.quit()
        tallies = [client.tally for client in clients]
        await self.wait(
            lambda: all(
                tally.submitted == tally.accepted + tally.refused + tally.lost for tally in tallies
            ),
            "answers",
        )
        ledgers = [node.relay.ledger for node in nodes]
        accepted = sum(ledger.accepted for ledger in ledgers)
        await self.wait(lambda: sum(each.delivered for each in ledgers) == accepted, "receipts")
        rows = together([told(ledger) for ledger in ledgers])
        self.assertEqual([row["imbalance"] for row in rows], [{}, {}, {}])
        self.assertEqual([(tally.refused, tally.lost) for tally in tallies], [(0, 0), (0, 0)])
        self.assertEqual([client.bound for client in clients], [1, 1])
        self.assertEqual(sum(tally.accepted for tally in tallies), accepted)
        self.assertEqual(sum(smsc.counts.submits for smsc in self.smscs.values()), accepted)
        self.assertEqual([smsc.counts.binds for smsc in self.smscs.values()], [4, 4])
