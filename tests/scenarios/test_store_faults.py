"""The store dies, hangs, comes back; what was promised before and meanwhile is kept."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.protocol import Factory, Protocol

from smppproxy.relay.endings import PATIENCE
from smppproxy.simulator.esme import UNANSWERED, Esme, Sent
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp import build
from smppproxy.smpp.constants import ENQUIRE_LINK_RESP, ESME_RSYSERR, ESME_RUNKNOWNERR
from tests.scenarios.world import (
    Node,
    Scenario,
    all_bound,
    ask,
    check_refused,
    hosts_carry,
    network,
)
from tests.support.peers import FakeClient
from tests.support.processes import reactor, until
from tests.support.redis_server import RedisServer
from tests.support.running import Upstream

READY, AWAY = "store is ready", "store is away"

AT_ONCE = 4.0
"""Seconds on a slow and busy machine: below the five for which a submit would wait."""

SOON = 15.0
"""Seconds on such a machine for what takes one or two."""


def acme(smsc: Smsc) -> Upstream:
    """The provider of these tests in the network file."""
    return Upstream("acme", list(smsc.ports.values()), "window = 50")


class StoreScenario(Scenario):
    """A provider with two hosts, a node, and a store that the test may hurt."""

    async def traffic(
        self, server: RedisServer | None = None, rate: float = 300.0, deadline: float = 10.0
    ) -> tuple[Smsc, Node, Esme]:
        """Messages on their way over both hosts, receipts a little later.

        :param deadline: seconds until the node takes a silent store for one that is away.
        """
        smsc = self.provider(response_delay=(0.0, 0.03), receipt_delay=(0.0, 0.3))
        store = {} if server is None else {"store": f"{server.url}?deadline={deadline}"}
        accounts = {"demo": "", "late": ""}
        node = await self.node(network([acme(smsc)], accounts), [smsc], **store)
        await node.process.expect_line(READY)
        client = self.client(node, rate=rate)
        await hosts_carry(smsc, "ab", 40)
        return smsc, node, client

    async def all_is_well(self, smsc: Smsc, node: Node, *clients: Esme, away: float = 0.0) -> None:
        """Nothing that was acknowledged is lost, nothing comes twice, nothing is in doubt.

        :param away: for how many seconds the store was; beyond its patience of 5 s a message that
            a provider has is in doubt (reading 4).
        """
        codes = {ESME_RSYSERR} if away < PATIENCE else {ESME_RSYSERR, ESME_RUNKNOWNERR}
        await self.finish(*clients)
        await until(lambda: smsc.idle)
        await until(lambda: node.ledger()["queued"] == 0)
        self.check(check_providers(clients, [smsc]), check_acknowledged(smsc))
        for client in clients:
            self.check(check_client(client), check_refused(client, [smsc], codes))
            self.assertEqual(client.tally.lost, 0)
            self.assertEqual(client.tally.sessions_lost, 0)


class StoreLossTests(StoreScenario):
    """A store server of its own, killed or frozen."""

    async def test_f79_killed_and_restarted_under_load(self) -> None:
        """Store kill -9, several times: no acknowledged map and no receipt is lost; while it is
        away new submits get ESME_RSYSERR, those already at a provider wait and get their OK.
        """
        server = self.redis()
        smsc, node, client = await self.traffic(server)
        longest = 0.0
        for _ in range(4):
            killed = reactor.seconds()
            server.kill()
            await node.process.expect_line(AWAY)
            server.start()
            await node.process.expect_line(READY)
            longest = max(longest, reactor.seconds() - killed)
            await hosts_carry(smsc, "ab", 40)
        await self.all_is_well(smsc, node, client, away=longest)
        self.assertEqual(len(smsc.links(bound=True)), 2)

    async def test_f79_away_for_a_while(self) -> None:
        """While the store is away submits are refused at once and nothing reaches a provider;
        receipts are withheld from the provider's acknowledgement and come in afterwards.
        """
        server = self.redis()
        smsc, node, client = await self.traffic(server)
        killed = reactor.seconds()
        server.kill()
        await node.process.expect_line(AWAY)
        refused = client.tally.refused
        await until(lambda: client.tally.refused > refused + 100)
        answer_times = [
            sent.answered_at - sent.submitted_at
            for sent in client.history
            if sent.status == ESME_RSYSERR
        ]
        self.assertLess(max(answer_times), AT_ONCE)
        await until(lambda: smsc.mailbox.unacknowledged > 0)
        server.start()
        await node.process.expect_line(READY)
        away = reactor.seconds() - killed
        await hosts_carry(smsc, "ab", 40)
        await self.all_is_well(smsc, node, client, away=away)

    async def freeze(self, server: RedisServer, node: Node) -> Esme:
        """SIGSTOP the store; within about a second submits are refused, each at once.

        Returns a client that began to submit after that: the first one's window may be full of
        messages that a provider has taken and that wait for the store.
        """
        self.addCleanup(server.thaw)
        late = self.client(node, "late", rate=100.0)
        late.hold()
        await until(lambda: late.bound == 1)
        moment = reactor.seconds()
        server.freeze()
        await node.process.expect_line(AWAY)
        self.assertLess(reactor.seconds() - moment, SOON)
        late.go()
        await until(lambda: late.tally.refused > 50)
        times = [sent.answered_at - sent.submitted_at for sent in late.history if sent.status > 0]
        self.assertLess(max(times), AT_ONCE)
        self.assertEqual({sent.status for sent in late.history} - {UNANSWERED}, {ESME_RSYSERR})
        return late

    async def thaw(self, server: RedisServer, client: Esme) -> None:
        """SIGCONT; the node submits again within a second or so."""
        accepted = client.tally.accepted
        server.thaw()
        moment = reactor.seconds()
        await until(lambda: client.tally.accepted > accepted)
        self.assertLess(reactor.seconds() - moment, SOON)

    async def test_f81_frozen(self) -> None:
        """SIGSTOP for some seconds: submits get ESME_RSYSERR quickly, sessions stay and are
        answered, submits that a provider had taken get their OK after SIGCONT.
        """
        server = self.redis()
        smsc, node, client = await self.traffic(server, deadline=1.0)
        frozen = reactor.seconds()
        late = await self.freeze(server, node)
        raw = await FakeClient.connect(self, node.port)
        raw.send(build.enquire_link(1))
        self.assertEqual((await raw.expect()).command_id, ENQUIRE_LINK_RESP)
        await self.thaw(server, late)
        away = reactor.seconds() - frozen
        await self.all_is_well(smsc, node, client, late, away=away)

    async def test_f81_frozen_for_longer_than_patience(self) -> None:
        """Reading 4, without a journal: submits that a provider had taken get ESME_RUNKNOWNERR
        after five seconds, never a second copy, and no receipt, unless the store had written the
        way back and was frozen before it said so (P2); everything else is as if nothing had been.
        """
        server = self.redis()
        smsc, node, client = await self.traffic(server, deadline=1.0)
        late = await self.freeze(server, node)
        await until(lambda: bool(self.doubtful(client)))
        await self.thaw(server, late)
        await self.finish(client, late)
        await until(lambda: smsc.idle)
        doubtful = self.doubtful(client)
        for sent in doubtful:
            self.assertGreater(sent.answered_at - sent.submitted_at, 4.5)
        self.check(check_providers([client, late], [smsc]), check_acknowledged(smsc))
        self.check(check_client(late), check_refused(late, [smsc], {ESME_RSYSERR}))
        told = {sent.destination for sent in doubtful}
        self.assertEqual([heard for heard in client.unknown if heard.source not in told], [])
        self.assertLessEqual({sent.status for sent in client.history}, {0, 8, ESME_RUNKNOWNERR})
        self.assertEqual(client.tally.duplicated, 0)
        self.assertEqual(node.ledger()["in_doubt"], len(doubtful))

    @staticmethod
    def doubtful(client: Esme) -> list[Sent]:
        """Messages whose fate the client was told is unknown."""
        return [sent for sent in client.history if sent.status == ESME_RUNKNOWNERR]


class AcceptAndClose(Protocol):
    """Takes a connection and what it is first told, and closes: a store that dies there."""

    def dataReceived(self, data: bytes) -> None:
        """Part of Twisted's protocol interface."""
        assert isinstance(self.factory, Closing)
        self.factory.visits += 1
        assert self.transport is not None
        self.transport.loseConnection()


class Closing(Factory):
    """Counts who was sent away."""

    protocol = AcceptAndClose
    noisy = False

    def __init__(self) -> None:
        self.visits = 0


class HandshakeTests(StoreScenario):
    """F80: the store dies between the connection and the answer to AUTH and SELECT."""

    async def goes_away_in_the_handshake(self, path: str, visits: int) -> None:
        """On this socket everybody is sent away after the first words, some times over."""
        if os.path.exists(path):
            os.unlink(path)
        factory = Closing()
        listening = reactor.listenUNIX(path, factory)
        await until(lambda: factory.visits >= visits)
        await listening.stopListening()

    async def test_f80_dies_before_the_answer_to_auth(self) -> None:
        """The node connects again and again, with password and database, both at its start and
        later on, and works as soon as a real server answers.
        """
        server = self.redis("--requirepass", "secret")
        server.stop()
        smsc = self.provider()
        url = server.url.replace("://", "://:secret@") + "?db=3"
        node = Node(network([acme(smsc)]), store=url)
        self.addCleanup(node.end)
        await node.start()
        await self.goes_away_in_the_handshake(server.path, 3)
        start(server)
        await node.process.expect_line(READY)
        await all_bound(smsc)
        client = self.client(node, rate=100.0)
        await hosts_carry(smsc, "ab", 10)
        server.kill()
        await node.process.expect_line(AWAY)
        await self.goes_away_in_the_handshake(server.path, 6)
        start(server)
        await node.process.expect_line(READY)
        await hosts_carry(smsc, "ab", 10)
        await self.all_is_well(smsc, node, client)


def start(server: RedisServer) -> None:
    """Start a server that wants a password: PING is answered, if only with an error."""
    ping = server._answers

    def answers() -> bool:
        try:
            return server.command("PING") is not None
        except (OSError, EOFError):
            return ping()

    server._answers = answers  # type: ignore[method-assign]
    server.start()


class EmbeddedTests(StoreScenario):
    """The node's own server in its data folder."""

    def server_pid(self, node: Node) -> int:
        """The process id of the embedded server, 0 while there is none."""
        reply = ask(node.store_socket(), "INFO", "server")
        if not isinstance(reply, bytes) or b"process_id:" not in reply:
            return 0
        return int(reply.partition(b"process_id:")[2].split(b"\r", 1)[0])

    async def test_f79_embedded_server_killed_under_load(self) -> None:
        """The node starts its server again, and nothing acknowledged is lost."""
        smsc, node, client = await self.traffic()
        longest = 0.0
        for _ in range(2):
            before = self.server_pid(node)
            killed = reactor.seconds()
            os.kill(before, 9)
            await until(lambda: self.server_pid(node) not in (0, before))  # noqa: B023
            await node.process.expect_line(READY)
            longest = max(longest, reactor.seconds() - killed)
            await hosts_carry(smsc, "ab", 40)
        await self.all_is_well(smsc, node, client, away=longest)

    async def test_embedded_server_ends_with_the_node(self) -> None:
        """A planned stop leaves no process behind, and the data for the next start."""
        smsc, node, client = await self.traffic()
        await self.finish(client)
        pid = self.server_pid(node)
        self.assertEqual(await node.terminate(), 0)
        self.assertFalse(Path(f"/proc/{pid}").exists())
        await node.start()
        await all_bound(smsc)
        self.assertNotEqual(self.server_pid(node), pid)
        maps = 0
        for key in ask(node.store_socket(), "KEYS", "smppproxy:mm:*"):
            maps += ask(node.store_socket(), "HLEN", key)
        accepted = sum(sent.status == 0 for sent in client.history)
        self.assertGreater(accepted, 0)
        self.assertEqual(maps, accepted, "the maps are there")

    async def test_embedded_server_left_behind_is_taken_over(self) -> None:
        """After SIGKILL of the node the next one goes on with the server that still runs, watches
        it, starts another when it dies, and ends that in the end.
        """
        smsc, node, client = await self.traffic(rate=100.0)
        pid = self.server_pid(node)
        await node.kill()
        self.assertEqual(self.server_pid(node), pid)
        await node.start()
        await all_bound(smsc)
        await hosts_carry(smsc, "ab", 10)
        self.assertEqual(self.server_pid(node), pid)
        os.kill(pid, 9)
        await until(lambda: self.server_pid(node) not in (0, pid))
        await hosts_carry(smsc, "ab", 10)
        client.quit()
        last = self.server_pid(node)
        self.assertEqual(await node.terminate(), 0)
        self.assertFalse(Path(f"/proc/{last}").exists())

    async def test_embedded_socket_left_behind_is_no_hindrance(self) -> None:
        """Node and server both killed: their socket and pid files are there, a new pair starts,
        and receipts that were queued are delivered.
        """
        smsc = self.provider()
        node = await self.node(network([acme(smsc)]), [smsc])
        sender = self.client(node, count=20, bind="tx")
        await until(lambda: smsc.counts.receipts_acked == 20)
        await node.kill()
        os.kill(self.server_pid(node), 9)
        await until(lambda: self.server_pid(node) == 0)
        self.assertTrue(Path(node.store_socket()).exists())
        await node.start()
        receiver = self.client(node, bind="rx")
        await until(lambda: receiver.tally.receipts == 20)
        expected = sorted(sent.message_id for sent in sender.history)
        self.assertEqual(sorted(heard.message_id for heard in receiver.unknown), expected)
