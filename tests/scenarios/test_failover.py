"""A host goes: its traffic is on the others at once, and no client is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp import build
from smppproxy.smpp.constants import ESME_RSYSERR, ESME_RUNKNOWNERR, SUBMIT_SM_RESP
from tests.scenarios.world import (
    Node,
    Scenario,
    all_bound,
    first_answer_after,
    hosts_carry,
    network,
    unanswered,
)
from tests.support.peers import FakeClient
from tests.support.processes import reactor, until
from tests.support.running import Upstream

RATE = 200.0

AT_ONCE = 4.0
"""Seconds, on a slow and busy machine, for what waits for nothing."""

SOON = 15.0
"""Seconds on such a machine until the other host carries; an answer is waited for a minute."""


def acme(smsc: Smsc, options: str = "window = 50") -> Upstream:
    """The provider of these tests in the network file."""
    return Upstream("acme", list(smsc.ports.values()), options)


class HostLossTests(Scenario):
    """Two hosts, traffic over both, answers that take their time."""

    binds = 1
    """Per host."""

    async def traffic(
        self, hosts: str = "ab", account: str = "", window: int = 50, **provider: Any
    ) -> tuple[Smsc, Node, Esme]:
        """A client that submits at :data:`RATE` over both hosts, with messages on their way.

        :param window: the client's.
        """
        provider.setdefault("response_delay", 0.05)
        smsc = self.provider(hosts, **provider)
        upstream = acme(smsc, f"window = 50\nbinds = {self.binds}")
        node = await self.node(network([upstream], {"demo": account}))
        await all_bound(smsc, self.binds)
        client = self.client(node, rate=RATE, window=window)
        await hosts_carry(smsc, hosts, 30)
        await until(lambda: bool(unanswered(smsc, "a")))
        return smsc, node, client

    async def host_is_lost(self, lose: Callable[[Smsc], object]) -> None:
        """Lose host a under load, have it back, and look at everybody's history."""
        smsc, node, client = await self.traffic()
        moment = reactor.seconds()
        before = len(client.history)
        lose(smsc)
        await hosts_carry(smsc, "b", 50)
        first = await first_answer_after(client, moment, lambda sent: sent.number >= before)
        self.assertLess(first, SOON)
        if not smsc.listens("a"):
            smsc.restore("a")
        await all_bound(smsc, self.binds)
        await hosts_carry(smsc, "ab")
        await self.finish(client)
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.check(check_client(client), check_providers([client], [smsc], copies=2))
        ledger = node.ledger()
        self.assertEqual(ledger["accepted"], client.tally.accepted)
        self.assertEqual(ledger["in_doubt"], 0)
        self.assertGreater(ledger["lost_responses"], 0)
        self.assertEqual(ledger["resent"], ledger["lost_responses"])
        self.assertEqual(client.tally.sessions_lost, 0)

    async def test_f53_host_dies_with_a_window_in_flight(self) -> None:
        """P4, reading 1: connections reset and the port closed; clients get nothing but OK, the
        other host answers well within a second, and the host carries again when it is back.
        """
        await self.host_is_lost(lambda smsc: smsc.crash("a"))

    async def test_f53_host_dies_with_all_its_binds(self) -> None:
        """The same with three binds to each host: no second copy goes to a bind of the host that
        is just going, where it would be lost twice.
        """
        self.binds = 3
        await self.host_is_lost(lambda smsc: smsc.crash("a"))

    async def test_f53_host_closes_with_a_window_in_flight(self) -> None:
        """The same when the host closes in order (FIN) without an unbind."""

        def close(smsc: Smsc) -> None:
            for link in smsc.links("a"):
                link.hang_up()

        await self.host_is_lost(close)

    async def test_gw04_planned_unbind_leaves_nothing_in_doubt(self) -> None:
        """A host that unbinds gets no new submits, answers those it has, and is bound again."""
        smsc, node, client = await self.traffic(response_delay=0.2)
        old = smsc.links("a")
        self.assertTrue(unanswered(smsc, "a"))
        smsc.unbind("a")
        await until(lambda: not any(link.up for link in old))
        self.assertEqual(unanswered(smsc, "a"), [])
        await all_bound(smsc)
        await hosts_carry(smsc, "ab")
        await self.finish(client)
        await until(lambda: smsc.idle)
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.check(
            check_client(client), check_providers([client], [smsc]), check_acknowledged(smsc)
        )
        ledger = node.ledger()
        self.assertEqual((ledger["lost_responses"], ledger["resent"]), (0, 0))

    async def test_f53_in_doubt_answer_never_sends_a_second_copy(self) -> None:
        """P4: with ``in_doubt = "answer"`` exactly the messages that the lost host had not
        answered get ESME_RUNKNOWNERR, and no provider sees any of them twice.
        """
        smsc, node, client = await self.traffic(
            account='in_doubt = "answer"', response_delay=0.2
        )
        await smsc.crash("a")
        doubtful = set(unanswered(smsc, "a"))
        self.assertTrue(doubtful)
        await hosts_carry(smsc, "b", 50)
        await self.finish(client)
        refused = {sent.destination: sent.status for sent in client.history if sent.status}
        # What was written to the host and never read by it is in doubt as well.
        self.assertLessEqual(doubtful, refused.keys())
        self.assertEqual(set(refused.values()), {ESME_RUNKNOWNERR})
        self.check(check_providers([client], [smsc]))
        ledger = node.ledger()
        self.assertEqual((ledger["in_doubt"], ledger["resent"]), (len(refused), 0))
        self.assertEqual(ledger["lost_responses"], len(refused))

    async def test_f53_only_host_lost_and_back(self) -> None:
        """Reading 1: messages in doubt wait for any bind to come, and then their clients get OK;
        messages that come meanwhile are refused with ESME_RSYSERR and no other code.
        """
        # The messages in doubt, 50 at most, leave room for others in the client's window.
        smsc, node, client = await self.traffic(
            hosts="a", account="window = 200", window=200, response_delay=0.2
        )
        await smsc.crash("a")
        in_doubt = len(unanswered(smsc, "a"))
        await until(lambda: client.tally.refused > 5)
        smsc.restore("a")
        await all_bound(smsc)
        await hosts_carry(smsc, "a")
        await self.finish(client)
        codes = {sent.status for sent in client.history}
        self.assertEqual(codes, {0, ESME_RSYSERR})
        self.check(check_client(client), check_providers([client], [smsc], copies=2))
        self.assertGreaterEqual(node.ledger()["resent"], in_doubt)

    async def test_f53_lost_twice_is_never_sent_a_third_time(self) -> None:
        """P4: when the second copy's host dies too, the client is told ESME_RUNKNOWNERR."""
        smsc, node, client = await self.traffic(response_delay=1.0)
        await smsc.crash("a")
        await hosts_carry(smsc, "b", 20)
        twice = set(unanswered(smsc, "a")) & set(unanswered(smsc, "b"))
        self.assertTrue(twice)
        await smsc.crash("b")
        smsc.restore("a")
        await until(lambda: bool(smsc.links("a", bound=True)))
        await hosts_carry(smsc, "a")
        await self.finish(client)
        status = {sent.destination: sent.status for sent in client.history}
        self.assertEqual({status[destination] for destination in twice}, {ESME_RUNKNOWNERR})
        self.assertLessEqual({*status.values()}, {0, ESME_RSYSERR, ESME_RUNKNOWNERR})
        self.check(check_client(client), check_providers([client], [smsc], copies=2))
        told = [*status.values()].count(ESME_RUNKNOWNERR)
        self.assertEqual(node.ledger()["in_doubt"], told)


class NoHostTests(Scenario):
    """What clients are told when nobody is there to take a message."""

    async def test_gw02_both_hosts_dead(self) -> None:
        """ESME_RSYSERR at once (50 ms promised), the session stays, and when a host is back the
        same session submits through it.
        """
        smsc = self.provider()
        node = await self.node(network([acme(smsc)]), [smsc])
        client = await FakeClient.connect(self, node.port)
        await client.bind(b"demo", b"demo")
        await smsc.crash("a")
        await smsc.crash("b")
        await node.process.expect_line(r"acme/a\S* is down")
        await node.process.expect_line(r"acme/b\S* is down")
        slowest = 0.0
        for number in range(2, 12):
            moment = reactor.seconds()
            client.send(build.submit_sm(number, destination_addr=b"4670%07d" % number))
            answer = await client.expect(SUBMIT_SM_RESP)
            slowest = max(slowest, reactor.seconds() - moment)
            self.assertEqual(
                (answer.command_status, answer.sequence_number), (ESME_RSYSERR, number)
            )
        self.assertLess(slowest, AT_ONCE)
        smsc.restore("b")
        await until(lambda: bool(smsc.links("b", bound=True)))
        await node.process.expect_line(r"acme/b\S* is bound")
        await node.process.expect_line(r"acme/b\S* is bound")
        client.send(build.submit_sm(12, destination_addr=b"46701234567"))
        self.assertEqual((await client.expect(SUBMIT_SM_RESP)).command_status, 0)

    async def test_second_provider_takes_over(self) -> None:
        """A backup target carries while no host of the first one is bound, and no longer; every
        receipt comes home from whoever took the message.
        """
        first = self.provider("a", response_delay=0.02)
        second = self.provider("a", response_delay=0.02, id_start=1)
        providers = [acme(first), Upstream("backup", list(second.ports.values()), "window = 50")]
        route = '[[route]]\ntargets = ["acme", { provider = "backup", backup = true }]\n'
        node = await self.node(network(providers, routes=route), [first, second])
        client = self.client(node, rate=RATE)
        await hosts_carry(first, "a", 30)
        self.assertEqual(second.counts.accepted, 0)
        await first.crash("a")
        await hosts_carry(second, "a", 30)
        first.restore("a")
        await all_bound(first)
        await hosts_carry(first, "a", 30)
        await self.finish(client)
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.check(check_client(client), check_providers([client], [first, second], copies=2))
