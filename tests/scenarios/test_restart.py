"""The node ends and begins again, kindly or not, and nobody loses what was promised."""

from __future__ import annotations

from smppproxy.simulator.esme import LOST, Esme
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp import build
from smppproxy.smpp.constants import ESME_RSYSERR, SUBMIT_SM_RESP, UNBIND
from smppproxy.smpp.fields import read_message_id
from tests.scenarios.world import (
    STORE,
    Node,
    Scenario,
    all_bound,
    check_after_kills,
    check_refused,
    hosts_carry,
    in_hands,
    network,
)
from tests.support.peers import FakeClient
from tests.support.processes import until
from tests.support.running import Upstream

MESSAGES = 20


def acme(smsc: Smsc, bind: str = "transceiver", name: str = "acme") -> Upstream:
    """The provider of these tests in the network file."""
    return Upstream(name, list(smsc.ports.values()), f'window = 50\nbind = "{bind}"')


class ReceiptComesHomeTests(Scenario):
    """F76: wherever and whenever a receipt arrives, it reaches the account that submitted."""

    async def submitted(self, client: Esme) -> None:
        """All its messages have their OK."""
        await until(lambda: client.tally.accepted == MESSAGES)

    async def test_f76_on_the_other_host(self) -> None:
        """D6: every receipt leaves through the host that did not take the message."""
        smsc = self.provider(other_host=1.0, id_format="hex", receipt_id_format="padded")
        ids = '[provider.NAME.ids]\nresp = "hex"\nreceipt_text = "dec"\nreceipt_tlv = "dec"\n'
        upstream = acme(smsc)
        upstream.tables = ids
        node = await self.node(network([upstream]), [smsc])
        client = self.client(node, count=MESSAGES)
        await self.finish_all(client)
        self.assertEqual({*smsc.accepted_on}, {"a", "b"})

    async def finish_all(self, *clients: Esme) -> None:
        """Everything came, once, to whom it belongs, and the providers have their answers."""
        await until(lambda: all(client.done for client in clients))
        self.check(*[check_client(client) for client in clients])

    async def test_f76_on_another_bind(self) -> None:
        """D6, D11: submitted through transmitters on both sides, received through receivers."""
        smsc = self.provider()
        node = await self.node(network([acme(smsc, "transmitter+receiver")]))
        await all_bound(smsc, 2)
        client = self.client(node, count=MESSAGES, bind="txrx")
        await self.finish_all(client)
        await until(lambda: smsc.idle)
        self.check(check_acknowledged(smsc))

    async def test_f76_after_a_restart_of_the_node(self) -> None:
        """D6: the message was taken in the node's last life, the receipt arrives in this one."""
        smsc = self.provider(receipt_delay=2.0)
        node = await self.node(network([acme(smsc)]), [smsc])
        client = self.client(node, count=MESSAGES)
        await self.submitted(client)
        self.assertEqual(client.tally.receipts, 0)
        await node.restart()
        await self.finish_all(client)
        self.assertEqual(node.ledger()["submitted"], 0)

    async def test_d4_what_an_older_node_parked(self) -> None:
        """Receipts came to a node that cannot see the maps, as one of an earlier release cannot
        see those of a later one: all of them come home when the node is upgraded, by themselves.
        """
        smsc = self.provider()
        server = self.redis()
        # As long as nobody receives, the provider keeps its receipts.
        silent = network([acme(smsc, "transmitter")])
        node = await self.node(silent, [smsc], store=server.patient_url)
        client = self.client(node, count=MESSAGES)
        await self.submitted(client)
        self.assertEqual(await node.terminate(), 0)
        server.command("RENAME", "smppproxy:mm:acme", "smppproxy:unseen")
        node.write_network(network([acme(smsc)]))
        await node.start()
        await until(lambda: smsc.counts.receipts_acked == MESSAGES)
        self.assertEqual((MESSAGES, 0), (node.ledger()["parked"], client.tally.receipts))
        server.command("RENAME", "smppproxy:unseen", "smppproxy:mm:acme")
        await node.restart()
        await self.finish_all(client)
        await until(lambda: node.ledger()["delivered"] == MESSAGES)
        (row, *_) = node.get("api/v1/show/ledger")["rows"]
        found = [row[name] for name in ("matched", "parked", "queued", "imbalance")]
        self.assertEqual([MESSAGES, 0, 0, {}], found)

    async def test_f76_by_another_bind_of_the_client(self) -> None:
        """P6, D6: the session that submitted is gone; a later one of the account receives, also
        from a node that began after all of it.
        """
        smsc = self.provider(receipt_delay=0.3)
        node = await self.node(network([acme(smsc)], {"demo": "", "other": ""}), [smsc])
        sender = self.client(node, count=MESSAGES, bind="tx")
        stranger = self.client(node, "other", bind="rx")
        await self.submitted(sender)
        await sender.stop()
        await until(lambda: smsc.counts.receipts_acked == MESSAGES)
        await node.restart()
        receiver = self.client(node, bind="rx")
        await until(lambda: receiver.tally.receipts >= MESSAGES)
        await until(lambda: node.ledger()["queued"] == 0)
        expected = sorted((sent.message_id, sent.destination) for sent in sender.history)
        self.assertEqual(
            sorted((heard.message_id, heard.source) for heard in receiver.unknown), expected
        )
        self.assertEqual(stranger.tally.receipts, 0)

    async def test_f76_on_another_node(self) -> None:
        """D6: two nodes share a store. Submitted through the first; the receipts come to either
        node, the account's receiver is on the second.
        """
        smsc = self.provider(receipt_delay=0.1)
        server = self.redis()
        nodes = [
            await self.node(network([acme(smsc)]), store=server.patient_url, name=name)
            for name in ("node1", "node2")
        ]
        await all_bound(smsc, 2)
        receiver = self.client(nodes[1], bind="rx")
        sender = self.client(nodes[0], bind="tx", count=MESSAGES)
        await self.submitted(sender)
        await until(lambda: receiver.tally.receipts == MESSAGES)
        expected = sorted((sent.message_id, sent.destination) for sent in sender.history)
        self.assertEqual(
            sorted((heard.message_id, heard.source) for heard in receiver.unknown), expected
        )
        taken_by = [node.ledger()["receipts_in"] for node in nodes]
        self.assertEqual(sum(taken_by), MESSAGES)
        self.assertTrue(all(taken_by), taken_by)

    async def test_xc18_queued_receipts_survive_a_restart(self) -> None:
        """GW-22, XC-18: receipts that nobody fetched wait through a planned restart and a kill."""
        smsc = self.provider()
        node = await self.node(network([acme(smsc)]), [smsc])
        client = self.client(node, count=MESSAGES, bind="tx")
        await self.submitted(client)
        await until(lambda: smsc.counts.receipts_acked == MESSAGES)
        self.assertEqual(await node.terminate(), 0)
        await node.start()
        await node.restart()
        await until(lambda: client.bound == 1)
        self.assertEqual(node.ledger()["queued_before"], MESSAGES)
        receiver = self.client(node, bind="rx")
        await until(lambda: receiver.tally.receipts >= MESSAGES)
        await until(lambda: node.ledger()["queued"] == 0)
        expected = sorted(sent.message_id for sent in client.history)
        self.assertEqual(sorted(heard.message_id for heard in receiver.unknown), expected)


class KillTests(Scenario):
    """F91: SIGKILL with a window in flight."""

    rounds = 5

    async def test_f91_killed_with_fifty_in_flight(self) -> None:
        """P1, P4, P6, D6, over several kills: every OK has its receipt, nobody gets another's,
        and repeated receipts are no more than were unacknowledged at the kills.
        """
        smsc = self.provider(response_delay=(0.02, 0.15), receipt_delay=(0.0, 0.3))
        accounts = {"demo": "", "other": ""}
        node = await self.node(network([acme(smsc)], accounts), [smsc])
        clients = [self.client(node, name, window=50, rate=600.0) for name in accounts]
        unacknowledged = dict.fromkeys(accounts, 0)
        for _ in range(self.rounds):
            await hosts_carry(smsc, "ab", 40)
            await until(lambda: sum(self.in_flight(client) for client in clients) >= 50)
            await node.kill()
            for name in accounts:
                unacknowledged[name] += in_hands(node.store_socket(), name)
            await node.start()
            await all_bound(smsc)
            await until(lambda: all(client.bound for client in clients))
        await hosts_carry(smsc, "ab", 40)
        await self.finish(*clients)
        await until(lambda: smsc.idle)
        await until(lambda: node.ledger()["queued"] == 0)
        for client, name in zip(clients, accounts, strict=True):
            self.check(check_after_kills(client, unacknowledged[name]))
            # A client that is back before the hosts are is told so.
            self.check(check_refused(client, [smsc], {ESME_RSYSERR}))
        self.check(check_acknowledged(smsc), check_providers(clients, [smsc]))
        self.assertGreater(sum(client.tally.lost for client in clients), 50)

    @staticmethod
    def in_flight(client: Esme) -> int:
        """Messages of a client without an answer."""
        return sum(len(link.session.window) for link in client.links if link.up)


class PlannedStopTests(Scenario):
    """SIGTERM and SIGHUP."""

    async def test_gw04_sigterm_drains(self) -> None:
        """What is in flight is answered, clients and hosts get an unbind, the exit code is 0, and
        nothing is in doubt; the receipts come in the next life.
        """
        smsc = self.provider(response_delay=0.5)
        node = await self.node(network([acme(smsc)]), [smsc])
        client = await FakeClient.connect(self, node.port)
        await client.bind(b"demo", b"demo")
        numbers = range(2, 2 + MESSAGES)
        client.send(
            b"".join(
                build.submit_sm(number, destination_addr=b"4670%07d" % number)
                for number in numbers
            )
        )
        await until(lambda: smsc.counts.accepted == MESSAGES)
        self.assertEqual(client.pdus, [])
        node.process.signal("TERM")
        answers = await client.expect_many(MESSAGES, SUBMIT_SM_RESP)
        self.assertEqual({answer.command_status for answer in answers}, {0})
        self.assertEqual({answer.sequence_number for answer in answers}, {*numbers})
        self.assertEqual(len({read_message_id(answer) for answer in answers}), MESSAGES)
        unbind = await client.expect(UNBIND)
        client.send(build.unbind_resp(unbind.sequence_number))
        await client.closed()
        await until(lambda: node.process.is_over)
        self.assertEqual(node.process.exit_code, 0, node.process.told())
        self.assertEqual(smsc.counts.unbinds, 2)
        self.assertEqual(smsc.links(), [])

    async def test_gw04_sigterm_in_its_first_moment(self) -> None:
        """SIGTERM as soon as the node listens, before anything else has begun: it ends as after a
        drain, with 0, and not by the signal; also beside a store that answers at once.
        """
        text = network([acme(self.provider())])
        stores = [STORE, *[self.redis().patient_url] * 3]
        for number, store in enumerate(stores):
            node = Node(text, store=store, name=f"node{number}")
            self.addCleanup(node.end)
            await node.start()
            self.assertEqual(await node.terminate(), 0, node.process.told())

    async def test_gw04_sigterm_under_load(self) -> None:
        """A planned restart loses no message and leaves none in doubt: each client is unbound
        once and binds again.
        """
        smsc = self.provider(response_delay=0.05, receipt_delay=(0.0, 0.2))
        node = await self.node(network([acme(smsc)]), [smsc])
        client = self.client(node, rate=200.0)
        await hosts_carry(smsc, "ab", 40)
        self.assertEqual(await node.terminate(), 0, node.process.told())
        self.assertEqual(client.tally.sessions_lost, 1)
        await node.start()
        await all_bound(smsc)
        await hosts_carry(smsc, "ab", 40)
        await self.finish(client)
        # Submits that cross our unbind on the wire are nobody's: never taken, never answered.
        self.check(check_client(client), check_providers([client], [smsc]))
        taken = {known.destination[2] for known in smsc.history}
        lost = [sent for sent in client.history if sent.status == LOST]
        self.assertEqual([sent.number for sent in lost if sent.destination in taken], [])

    async def test_sighup_adds_an_account_and_a_provider(self) -> None:
        """GW-35, F97: a new account binds, a new provider carries, and every session that was
        there before stays; a wrong file changes nothing and says what is wrong.
        """
        first = self.provider()
        node = await self.node(network([acme(first)]), [first])
        client = self.client(node, rate=100.0)
        await hosts_carry(first, "ab", 10)
        before = first.links()
        second = self.provider("a", id_start=1)
        providers = [acme(first), acme(second, name="beta")]
        routes = '[[route]]\naccounts = ["late"]\ntargets = ["beta"]\n'
        routes += '[[route]]\nname = "all"\ntargets = ["acme"]\n'
        node.write_network(network(providers, {"demo": "", "late": ""}, routes))
        node.process.signal("HUP")
        await node.process.expect_line("network file taken")
        await all_bound(second)
        late = self.client(node, "late", count=MESSAGES)
        await until(lambda: late.done)
        self.check(check_client(late), check_providers([late], [second]))
        (node.folder / "network.toml").write_text('[account.demo]\npasword = "x"\n')
        node.process.signal("HUP")
        await node.process.expect_line("network file is not taken")
        await self.still_there(node, client, first)
        self.assertEqual(first.links(), before)
        self.assertEqual(late.bound, 1)
        await self.finish(client)
        self.assertEqual((client.tally.refused, client.tally.sessions_lost), (0, 0))
        self.check(check_client(client), check_providers([client], [first]))

    async def still_there(self, node: Node, client: Esme, smsc: Smsc) -> None:
        """The account of the old file binds and submits as before."""
        again = await FakeClient.connect(self, node.port)
        answer = await again.bind(b"late", b"late")
        self.assertEqual(answer.command_status, 0)
        await hosts_carry(smsc, "ab", 10)
        self.assertEqual(client.bound, 1)
