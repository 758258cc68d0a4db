"""Operators isolate, drain and resume hosts under load; hosts that fail are left alone; limits hold
over two nodes. Nothing is lost, and no client is told of any of it."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.threads import deferToThread

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp.constants import ESME_RSYSERR
from tests.scenarios.world import Node, Scenario, all_bound, hosts_carry, network
from tests.support.processes import reactor, until
from tests.support.running import Upstream

RATE = 500.0


async def tell(node: Node, verb: str, target: str) -> None:
    """An operator's verb, on all nodes."""
    answer = await deferToThread(node.post, f"api/v1/{verb}", target=target)
    if "done" not in answer:
        raise AssertionError(f"{verb} {target}: {answer}")


def beyond(moments: Iterable[float], rate: float, began: float) -> float:
    """The most messages by which they were ever ahead of a rate since a moment.

    A busy machine may bring messages late and several at once, but never before they are sent.
    """
    ahead = (
        count - rate * (moment - began) for count, moment in enumerate(sorted(moments), 1)
    )
    return max(ahead, default=0.0)


def answers(client: Esme) -> list[float]:
    """When its messages were answered with OK."""
    return [sent.answered_at for sent in client.history if sent.status == 0]


def busiest(moments: Iterable[float], seconds: float) -> int:
    """The most messages in so many seconds."""
    ordered = sorted(moments)
    most = first = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


class OperatorTests(Scenario):
    """Two hosts, 500 messages a second."""

    async def test_isolate_drain_and_resume(self) -> None:
        """isolate a: its receipts still come over it, and no new message goes to it; drain a: it
        is unbound without a lost answer, and stays so over a restart of the node; resume: it
        carries again."""
        smsc = self.provider("ab", response_delay=0.02, receipt_delay=1.0)
        upstream = Upstream("acme", list(smsc.ports.values()), "window = 100")
        accounts = {"demo": "", "later": ""}
        node = await self.node(network([upstream], accounts), [smsc])
        client = self.client(node, rate=RATE, window=100)
        await hosts_carry(smsc, "ab", 100)

        await tell(node, "isolate", "acme/a")
        taken = smsc.accepted_on["a"]
        receipts = sum(each.receipts_acked for each in smsc.history if each.host == "a")
        await hosts_carry(smsc, "b", 400)
        self.assertEqual(smsc.accepted_on["a"], taken)
        self.assertEqual(len(smsc.links("a", bound=True)), 1)
        after = sum(each.receipts_acked for each in smsc.history if each.host == "a")
        self.assertGreater(after, receipts)

        await tell(node, "resume", "acme/a")
        await hosts_carry(smsc, "ab", 100)
        await tell(node, "drain", "acme/a")
        await until(lambda: not smsc.links("a"))
        taken = smsc.accepted_on["a"]
        await hosts_carry(smsc, "b", 200)
        await self.finish(client)
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.check(check_client(client), check_providers([client], [smsc]))
        ledger = node.ledger()
        self.assertEqual((ledger["lost_responses"], ledger["in_doubt"]), (0, 0))

        await node.restart()
        again = self.client(node, "later", rate=RATE, window=100)
        await hosts_carry(smsc, "b", 100)
        self.assertEqual((smsc.accepted_on["a"], smsc.links("a")), (taken, []))
        await tell(node, "resume", "acme/a")
        await hosts_carry(smsc, "ab", 50)
        await self.finish(again)
        self.check(check_client(again))

    async def test_reconnect(self) -> None:
        """Every bind is made again while traffic goes on; nothing is lost or sent twice."""
        smsc = self.provider("ab", response_delay=0.02)
        upstream = Upstream("acme", list(smsc.ports.values()), "window = 100\nbinds = 2")
        node = await self.node(network([upstream]))
        await all_bound(smsc, 2)
        client = self.client(node, rate=RATE, window=100)
        await hosts_carry(smsc, "ab", 50)
        before = smsc.counts.binds
        await tell(node, "reconnect", "acme")
        await until(lambda: smsc.counts.binds == before + 4)
        await all_bound(smsc, 2)
        await hosts_carry(smsc, "ab", 50)
        await self.finish(client)
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.check(check_client(client), check_providers([client], [smsc]))
        self.assertEqual(node.ledger()["lost_responses"], 0)


class EjectionTests(Scenario):
    """A host that fails while the other does not."""

    async def test_f61_xc12_a_host_that_answers_0x08(self) -> None:
        """It is ejected; clients get nothing but OK."""
        bad = self.provider("a", errors={ESME_RSYSERR: 1.0})
        well = self.provider("b", id_start=1_000_000)
        ports = [bad.ports["a"], well.ports["b"]]
        node = await self.node(network([Upstream("acme", ports, "window = 50")]), [bad, well])
        client = self.client(node, rate=200.0)
        await hosts_carry(well, "b", 100)
        tried = bad.counts.submits
        await hosts_carry(well, "b", 200)
        self.assertEqual(bad.counts.submits, tried)
        self.assertTrue(5 <= tried <= 50, tried)
        await self.finish(client)
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.check(check_client(client), check_providers([client], [well]))


class PaceTests(Scenario):
    """A provider that takes 50 a second and does not say so beforehand."""

    async def test_sx22_adaptive(self) -> None:
        """Its limit is found: nearly all of it is used, and it has to refuse few messages."""
        smsc = self.provider("ab", tps=50, response_delay=0.02)
        options = 'window = 50\npace = "adaptive"'
        node = await self.node(
            network([Upstream("acme", list(smsc.ports.values()), options)]), [smsc]
        )
        client = self.client(node, rate=150.0)
        await until(lambda: smsc.counts.accepted >= 400)
        self.assertLess(smsc.counts.throttled, 300, "two of three would be without a limit")
        await self.finish(client)
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.check(check_client(client), check_providers([client], [smsc]))


class LimitTests(Scenario):
    """Two nodes on one store."""

    async def two(
        self, smsc: Smsc, provider: str = "", accounts: dict[str, str] | None = None
    ) -> list[Node]:
        """Two nodes bound to both hosts."""
        store = self.redis()
        upstream = Upstream("acme", list(smsc.ports.values()), f"window = 100\n{provider}")
        nodes = []
        for name in ("one", "two"):
            text = network([upstream], accounts)
            nodes.append(await self.node(text, store=store.patient_url, name=name))
        await all_bound(smsc, 2)
        return nodes

    async def test_sx21_an_account_over_two_nodes(self) -> None:
        """TPS 50: never more in any second than that and a burst; the part of a node that is
        quiet is the other's within two seconds."""
        smsc = self.provider("ab")
        one, two = await self.two(smsc, accounts={"demo": "tps = 50\nburst = 10"})
        began = reactor.seconds()
        # Either client may get the other's receipts.
        here, there = (
            self.client(node, rate=100.0, registered_delivery=0) for node in (one, two)
        )
        taken = smsc.history
        await until(lambda: busiest((each.accepted_at for each in taken), 3) >= 0.8 * 50 * 3)
        there.quit()
        # Its half alone would be 75.
        await until(lambda: busiest(answers(here), 3) >= 0.8 * 45 * 3)
        await self.finish(here, there)
        self.assertLessEqual(beyond((each.accepted_at for each in taken), 50, began), 50 + 10 + 2)
        self.check(check_client(here), check_client(there))

    async def test_sx21_a_provider_over_two_nodes(self) -> None:
        """tps of the provider 60: what both nodes send it stays below, and comes near it."""
        smsc = self.provider("ab")
        one, two = await self.two(smsc, "tps = 60", {"busy": "", "quiet": ""})
        began = reactor.seconds()
        clients = [
            self.client(one, "busy", rate=70.0, prefixes=(b"46711",)),
            self.client(two, "quiet", rate=20.0, prefixes=(b"46722",)),
        ]
        taken = smsc.history
        await until(lambda: busiest((each.accepted_at for each in taken[120:]), 3) >= 0.8 * 60 * 3)
        for client in clients:
            client.quit()
        await self.finish(*clients)
        # A node may have up to a second's worth of its part in hand.
        self.assertLessEqual(beyond((each.accepted_at for each in taken), 60, began), 60 + 2)
        self.check(*(check_client(client) for client in clients))

    async def test_f93_binds_over_two_nodes(self) -> None:
        """binds_total 3 of the provider: three binds stand, whoever has them; with the first node
        gone the other has them."""
        smsc = self.provider("ab")
        store = self.redis()
        options = "binds = 2\nbinds_total = 3"
        text = network([Upstream("acme", list(smsc.ports.values()), options)])
        one = await self.node(text, store=store.patient_url, name="one")
        await until(lambda: len(smsc.links(bound=True)) == 3)
        await self.node(text, store=store.patient_url, name="two")
        client = self.client(one, rate=50.0)
        await hosts_carry(smsc, "ab", 20)
        self.assertEqual(len(smsc.links(bound=True)), 3)
        await self.finish(client)
        self.assertEqual(await one.terminate(), 0)
        await until(lambda: len(smsc.links(bound=True)) == 3)
