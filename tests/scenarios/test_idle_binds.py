"""Thousands of sessions that do nothing, beside one that works (F98), plain and with TLS (F51)."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.ssl import Certificate, optionsForClientTLS

from smppproxy.simulator.esme import Esme
from smppproxy.smpp.constants import ESME_ROK, ESME_RSYSERR
from tests.scenarios.world import Node, Scenario, carried, network
from tests.support import certificates
from tests.support.peers import FakeClient
from tests.support.running import Upstream

PLAIN = 2000
SECURE = 300
AT_ONCE = 100
"""Sessions that bind at the same time."""
MOST_PLAIN = 12.0
MOST_SECURE = 80.0
"""KiB of memory that an idle bind may cost."""

NOISE = 0.5
"""Seconds that the machine may add to half of the answers."""


def resident(node: Node) -> float:
    """KiB of memory that the node holds."""
    status = Path(f"/proc/{node.process.transport.pid}/status").read_text()
    return float(status.partition("VmRSS:")[2].split()[0])


def median_answer(client: Esme, since: int) -> float:
    """Seconds to the OK of half of the messages from a number on."""
    times = sorted(s.answered_at - s.submitted_at for s in client.history[since:] if not s.status)
    return times[len(times) // 2]


class IdleBindTests(Scenario):
    """Sessions are bound and then say nothing."""

    timeout = 240

    async def world(self, listeners: str = "") -> tuple[Node, Esme]:
        """A node with a busy client."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        smsc = self.provider("a")
        upstream = Upstream("acme", list(smsc.ports.values()), "window = 100")
        text = network([upstream], {"demo": "", "idle": "max_binds = 10000"})
        node = await self.node(text, [smsc], listeners=listeners)
        client = self.client(node, rate=100.0)
        await carried(client)
        return node, client

    async def crowd(self, count: int, port: int, tls: Any = None) -> None:
        """So many idle binds."""

        async def one() -> None:
            status = ESME_RSYSERR
            while status == ESME_RSYSERR:  # too many at once for a machine that is busy
                client = await FakeClient.connect(self, port, tls)
                answer = await client.bind(b"idle", b"idle", deadline=60.0)
                status = answer.command_status
            self.assertEqual(status, ESME_ROK)

        for _ in range(count // AT_ONCE):
            await gatherResults([Deferred.fromCoroutine(one()) for _ in range(AT_ONCE)])

    async def idle_binds_cost(self, count: int, port: int, node: Node, tls: Any = None) -> float:
        """KiB for each of so many idle binds."""
        # The first ones bring what is there once for all of them.
        await self.crowd(AT_ONCE, port, tls)
        before = resident(node)
        await self.crowd(count, port, tls)
        return (resident(node) - before) / count

    async def test_f98_idle_binds(self) -> None:
        """Each costs little memory, and beside them a busy client is answered as fast as before."""
        node, client = await self.world()
        alone = median_answer(client, 100)
        cost = await self.idle_binds_cost(PLAIN, node.port, node)
        self.assertLess(cost, MOST_PLAIN)
        since = len(client.history)
        await carried(client)
        self.assertLess(median_answer(client, since), alone + NOISE)
        self.assertEqual((client.tally.refused, client.tally.sessions_lost), (0, 0))
        await self.finish(client)

    async def test_f51_idle_tls_binds(self) -> None:
        """The same with TLS, whose sessions keep more."""
        files = certificates.make(Path(self.mktemp()).absolute())
        listener = (
            '[[listener]]\nname = "tls"\naddress = "127.0.0.1"\nport = 0\ntls = true\n'
            f'certificate = "{files.certificate}"\nkey = "{files.key}"\n'
        )
        node, client = await self.world(listener)
        trust = Certificate.loadPEM(files.ca.read_bytes())
        creator = optionsForClientTLS("localhost", trustRoot=trust)
        cost = await self.idle_binds_cost(SECURE, node.tls_port, node, creator)
        self.assertLess(cost, MOST_SECURE)
        await carried(client)
        await self.finish(client)
