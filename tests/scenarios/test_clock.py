"""The machine's wall clock jumps by an hour; nothing that the node does follows it (F89)."""

from __future__ import annotations

import time
from datetime import datetime

from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.smpp import build
from smppproxy.smpp.constants import ENQUIRE_LINK
from tests.scenarios.world import Node, Scenario, all_bound, hosts_carry, network
from tests.support.faketime import environment, put
from tests.support.peers import FakeClient
from tests.support.processes import reactor, until
from tests.support.running import Upstream

HOUR = 3600
PERIOD = 1.0
"""Seconds of the node's enquire_link towards silent clients."""
PATIENCE = 2.0
"""Seconds that a connection may stay without a bind."""


class WallClockTests(Scenario):
    """Node and store server under libfaketime; their monotonic clock is the real one."""

    async def node_with_a_clock(self, text: str) -> Node:
        """A node whose wall clock the test sets."""
        # The silent client is not looked after at once where the machine is busy.
        timers = f"enquire_link = {PERIOD}\nenquire_answer = 200\nsession_init = {PATIENCE}\n"
        node = Node(text, options=timers)
        self.addCleanup(node.end)
        self.clock = node.folder / "clock"
        put(self.clock, 0)
        await node.start(**environment(self.clock))
        return node

    async def wall_clock_jumps(self, seconds: int) -> None:
        """Under load, with a silent client and a connection that has not bound."""
        smsc = self.provider(response_delay=0.3, receipt_delay=(0.0, 0.5))
        upstream = Upstream("acme", list(smsc.ports.values()), "window = 100")
        node = await self.node_with_a_clock(network([upstream], {"demo": "", "quiet": ""}))
        await all_bound(smsc)
        sessions = smsc.links()
        client = self.client(node, rate=100.0)
        silent = await FakeClient.connect(self, node.port)
        await silent.bind(b"quiet", b"quiet")
        await hosts_carry(smsc, "ab", 20)
        stranger = await FakeClient.connect(self, node.port)
        moment = reactor.seconds()
        put(self.clock, seconds)
        await stranger.closed()
        self.assertGreater(reactor.seconds() - moment, 0.7 * PATIENCE)
        await self.enquired(silent, 2)
        await hosts_carry(smsc, "ab", 50)
        told = await self.told_time(node)
        self.assertLess(abs(told - time.time() - seconds), 60)
        await self.finish(client)
        await until(lambda: smsc.idle)
        self.assertEqual((client.tally.refused, client.tally.sessions_lost), (0, 0))
        self.assertEqual(smsc.links(), sessions)
        self.assertFalse(silent.is_closed)
        self.check(
            check_client(client), check_providers([client], [smsc]), check_acknowledged(smsc)
        )

    async def enquired(self, silent: FakeClient, times: int) -> None:
        """A silent client is asked once a period: not in a burst, and not never."""
        # The first one may have come before the clock jumped.
        await self.answer_enquiry(silent)
        moment = reactor.seconds()
        for _ in range(times):
            await self.answer_enquiry(silent)
        self.assertGreater(reactor.seconds() - moment, times * 0.7 * PERIOD)

    async def answer_enquiry(self, silent: FakeClient) -> None:
        """Take one enquire_link and answer it."""
        enquiry = await silent.expect(ENQUIRE_LINK)
        silent.send(build.enquire_link_resp(enquiry.sequence_number))

    async def told_time(self, node: Node) -> float:
        """The wall clock as the node's log tells it now."""
        visitor = await FakeClient.connect(self, node.port)
        visitor.send_bind(b"nobody", b"secret")
        line = await node.process.expect_line("bind of nobody")
        return datetime.fromisoformat(line["text"].split(" ", 1)[0]).timestamp()

    async def test_f89_one_hour_forward(self) -> None:
        """+1 h: no timer fires early, sessions stay, receipts flow."""
        await self.wall_clock_jumps(HOUR)

    async def test_f89_one_hour_back(self) -> None:
        """-1 h: no timer freezes, sessions stay, receipts flow."""
        await self.wall_clock_jumps(-HOUR)
