"""Routes over real sockets: changed under load, numbers rewritten, the next target asked."""

from __future__ import annotations

from base64 import b64encode
from itertools import cycle
from typing import Any

from twisted.internet.threads import deferToThread

from smppproxy.config.bundle import Bundle
from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import (
    check_acknowledged,
    check_client,
    check_ledger,
    check_providers,
)
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp.constants import ESME_RINVDSTADR
from tests.scenarios.world import Node, Scenario, hosts_carry, network
from tests.support.processes import until
from tests.support.running import Upstream

RATE = 1_000.0
MESSAGES = 10_000

ACME = '[[route]]\nname = "all"\ntargets = ["acme"]\n'
BETA = '[[route]]\nname = "all"\ntargets = ["beta"]\n'
SPLIT = """
[[route]]
name = "all"
select = "split"
targets = [{ provider = "acme", weight = 30 }, { provider = "beta", weight = 70 }]
overflow = "next"
throttled = "next"
failover = [0x0B, 0x45]
"""
PREFIXES = """
[[route]]
name = "even"
prefixes = ["467000000", "467000002", "467000004", "467000006", "467000008"]
targets = ["beta", { provider = "acme", backup = true }]
[[route]]
name = "rest"
targets = [{ provider = "acme", source = "1204", source_ton = 3 }, "beta"]
"""
BROKEN = (
    '[[route]]\nname = "all"\ntargets = ["gamma"]\n',
    '[[route]]\nname = "all"\ntargets = []\n',
    '[[route]\nname = "all"\n',
)


class Case(Scenario):
    """Two providers, acme and beta, with two hosts each."""

    def providers(self, **options: Any) -> tuple[Smsc, Smsc]:
        """Their ids never meet, and so neither do their messages."""
        return self.provider(**options), self.provider(**options, id_start=1)

    @staticmethod
    def network(acme: Smsc, beta: Smsc, routes: str, options: str = "window = 100") -> str:
        """The network file with these routes."""
        upstreams = [
            Upstream(name, list(smsc.ports.values()), options)
            for name, smsc in (("acme", acme), ("beta", beta))
        ]
        return network(upstreams, routes=routes)


class ChangesTests(Case):
    """The network file is changed while messages flow."""

    timeout = 180

    async def take(self, node: Node, text: str, taken: bool = True) -> None:
        """Replace the network file; it is taken, or refused with what is wrong."""
        node.write_network(text)
        node.process.signal("HUP")
        await node.process.expect_line(f"network file {'taken' if taken else 'is not taken'}")

    async def test_f97_changed_and_broken_at_1000_a_second(self) -> None:
        """Ten seconds at 1,000 messages a second while the routes are changed, taken back and
        broken on purpose, again and again: nothing is refused by us or lost, no session ends, no
        message is at two providers, every receipt comes home, and the ledger balances.
        """
        acme, beta = self.providers(response_delay=(0.0, 0.02), receipt_delay=(0.0, 0.5))
        node = await self.node(self.network(acme, beta, ACME), [acme, beta])
        client = self.client(node, rate=RATE, binds=2, count=MESSAGES)
        before = acme.links(), beta.links()
        changes = 0
        for good, bad in zip(cycle((BETA, SPLIT, PREFIXES, ACME)), cycle(BROKEN)):
            if len(client.history) >= MESSAGES:
                break
            last = len(client.history)
            await self.take(node, self.network(acme, beta, good))
            await self.flows(client, last)
            last = len(client.history)
            await self.take(node, self.network(acme, beta, bad), taken=False)
            await self.flows(client, last)
            changes += 1
        await self.finish(client, deadline=60.0)
        await until(lambda: acme.idle and beta.idle)
        await until(lambda: node.ledger()["queued"] == 0)
        self.assertGreaterEqual(changes, 4)
        tally = client.tally
        self.assertEqual((tally.refused, tally.lost, tally.sessions_lost), (0, 0, 0))
        self.assertEqual(tally.accepted, MESSAGES)
        self.assertEqual(before, (acme.links(), beta.links()))
        self.check(
            check_client(client),
            check_providers([client], [acme, beta]),
            check_acknowledged(acme),
            check_acknowledged(beta),
            check_ledger(node.ledger()),
        )
        for smsc in (acme, beta):
            self.assertGreater(smsc.counts.accepted, MESSAGES // 20)

    async def test_applied_rolled_back_and_refused_at_1000_a_second(self) -> None:
        """The same by versions, over the admin door: applied, taken back, and refused as a whole
        when they are wrong.
        """
        acme, beta = self.providers(response_delay=(0.0, 0.02), receipt_delay=(0.0, 0.5))
        node = await self.node(self.network(acme, beta, ACME), [acme, beta])
        client = self.client(node, rate=RATE, binds=2)
        before = acme.links(), beta.links()
        await self.flows(client, 0)
        first = (await self.asked(node, "network/history"))["current"]
        for good, bad in zip((BETA, SPLIT, PREFIXES) * 2, BROKEN * 2, strict=True):
            last = len(client.history)
            made = await self.applied(node, self.network(acme, beta, good))
            self.assertTrue(made["made"])
            await self.flows(client, last)
            last = len(client.history)
            refused = await self.applied(node, self.network(acme, beta, bad))
            self.assertNotIn("made", refused)
            why = "the test wants it back"
            back = await self.asked(node, "network/rollback", number=first, why=why)
            self.assertEqual((back["made"], back["was"]), (True, made["number"]))
            await self.flows(client, last)
        await self.finish(client, deadline=60.0)
        await until(lambda: acme.idle and beta.idle)
        tally = client.tally
        self.assertEqual((tally.refused, tally.lost, tally.sessions_lost), (0, 0, 0))
        self.assertEqual(tally.accepted, len(client.history))
        self.assertEqual(before, (acme.links(), beta.links()))
        self.check(
            check_client(client),
            check_providers([client], [acme, beta]),
            check_ledger(node.ledger()),
        )
        self.assertGreater(beta.counts.accepted, RATE / 8)

    async def applied(self, node: Node, text: str) -> Any:
        """The answer to an apply of this network file."""
        bundle = b64encode(Bundle("network.toml", text.encode()).pack()).decode()
        return await self.asked(node, "network/apply", bundle=bundle, why="a test")

    async def asked(self, node: Node, page: str, **given: Any) -> Any:
        """What the admin door answers, read as JSON; messages flow on meanwhile."""
        if given:
            return await deferToThread(node.post, f"api/v1/{page}", **given)
        return await deferToThread(node.get, f"api/v1/{page}")

    async def flows(self, client: Esme, last: int) -> None:
        """A quarter of a second's messages are submitted under this network."""
        goal = min(last + RATE / 4, MESSAGES)
        await until(lambda: len(client.history) >= goal)

    async def test_a_provider_is_taken_out_with_messages_waiting(self) -> None:
        """A provider is taken out of the file while messages wait for its windows: they go where
        the new routes say, and none is refused.
        """
        acme, beta = self.providers(response_delay=0.05)
        node = await self.node(self.network(acme, beta, ACME, "window = 2"), [acme, beta])
        client = self.client(node, binds=2)
        await hosts_carry(acme, "ab", 20)
        only = Upstream("beta", list(beta.ports.values()), "window = 2")
        await self.take(node, network([only], routes=BETA))
        await hosts_carry(beta, "ab", 20)
        await self.finish(client)
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.check(check_client(client), check_providers([client], [acme, beta]))


class TargetTests(Case):
    """What a route says of its targets, at real providers."""

    async def test_numbers_as_the_target_wants_them(self) -> None:
        """The provider gets a national number and another sender; each receipt comes home to the
        client's own number.
        """
        acme, beta = self.providers()
        routes = (
            '[[route]]\nname = "all"\ntargets = [{ provider = "acme", strip = "467", '
            'prepend = "0", source = "1204", source_ton = 3, source_npi = 1 }]\n'
        )
        node = await self.node(self.network(acme, beta, routes), [acme, beta])
        client = self.client(node, count=100)
        await until(lambda: client.done)
        self.check(check_client(client))
        self.assertEqual(client.tally.accepted, 100)
        told = {known.destination for known in acme.history}
        sent = {b"0" + each.destination.removeprefix(b"467") for each in client.history}
        self.assertEqual(told, {(1, 1, destination) for destination in sent})
        self.assertEqual({known.source for known in acme.history}, {(3, 1, b"1204")})
        self.assertEqual(beta.history, [])

    async def test_the_next_target_is_asked(self) -> None:
        """A provider refuses every third message as if its number were wrong: the next target takes
        them at once, and no client hears of it.
        """
        acme, beta = self.providers()
        acme.options.errors = {ESME_RINVDSTADR: 0.33}
        routes = (
            '[[route]]\nname = "all"\nselect = "ordered"\ntargets = ["acme", "beta"]\n'
            "failover = [0x0B]\n"
        )
        node = await self.node(self.network(acme, beta, routes), [acme, beta])
        client = self.client(node, rate=200.0, count=300)
        await until(lambda: client.done)
        self.assertEqual((client.tally.accepted, client.tally.refused), (300, 0))
        self.check(check_client(client), check_providers([client], [acme, beta]))
        self.assertGreater(beta.counts.accepted, 50)
        self.assertEqual(acme.counts.accepted + beta.counts.accepted, 300)

    async def test_full_windows_go_next(self) -> None:
        """acme answers slowly and has small windows: what it has no room for goes to beta, and it
        stays as busy as it can be.
        """
        acme, beta = self.providers()
        acme.options.response_delay = 0.2
        routes = (
            '[[route]]\nname = "all"\nselect = "ordered"\ntargets = ["acme", "beta"]\n'
            'overflow = "next"\n'
        )
        node = await self.node(self.network(acme, beta, routes, "window = 5"), [acme, beta])
        client = self.client(node, rate=200.0, count=400)
        await until(lambda: client.done)
        self.assertEqual((client.tally.accepted, client.tally.refused), (400, 0))
        self.check(check_client(client), check_providers([client], [acme, beta]))
        self.assertGreater(acme.counts.accepted, 50)
        self.assertGreater(beta.counts.accepted, 150)
