"""One node as several processes: under traffic, and when one of them, or their head, is killed."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp.constants import ESME_RSYSERR
from smppproxy.store.interface import Mapping
from smppproxy.store.journal.records import Kept, packed
from smppproxy.store.journal.segments import Segments
from tests.scenarios.world import (
    Node,
    Scenario,
    all_bound,
    ask,
    check_after_kills,
    check_refused,
    hosts_carry,
    in_hands,
    network,
)
from tests.support.processes import until
from tests.support.running import Upstream

TWO = "workers = 2"

LONG = 150.0
"""Seconds that anything may take."""

ACCOUNTS = dict.fromkeys([f"client{number}" for number in range(12)], "")
"""A receipt goes to any session of its account: each client has one of its own."""


def acme(smsc: Smsc, name: str = "acme") -> Upstream:
    """A provider whose every worker has a bind to each host."""
    return Upstream(name, [*smsc.ports.values()], options="binds = 2\nwindow = 50\n")


def connect(port: int) -> None:
    """As a client does."""
    socket.create_connection(("127.0.0.1", port), 5).close()


def runs(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def soon(condition: Callable[[], bool]) -> None:
    """Once it is so; a node of three processes takes its time to begin on a busy machine."""
    await until(condition, LONG)


class WorkerTests(Scenario):
    """Two workers."""

    timeout = 600

    async def two(self, smsc: Smsc, **settings: Any) -> Node:
        """A node with two workers, both of which are bound to both hosts."""
        text = network([acme(smsc)], ACCOUNTS)
        node = await self.node(text, options=TWO, deadline=LONG, **settings)
        await all_bound(smsc, each=2)
        await soon(lambda: self.clients_welcome(node) == 2)
        return node

    @staticmethod
    def clients_welcome(node: Node) -> int:
        """How many workers take new binds."""
        text = node.read("metrics")
        return sum(
            line.startswith("smppproxy_worker_ready{") and line.endswith(" 1.0")
            for line in text.splitlines()
        )

    @staticmethod
    def nodes(node: Node) -> dict[str, dict[str, Any]]:
        """What ``show nodes`` says, by name."""
        return {row["node"]: row for row in node.get("api/v1/show/nodes")["rows"]}

    @staticmethod
    def binds(node: Node) -> dict[str, str]:
        """Whose each bind to a provider is."""
        rows = node.get("api/v1/show/binds")["rows"]
        return {row["name"]: row["node"] for row in rows if row["side"] == "provider"}

    @staticmethod
    async def tell(node: Node, verb: str, /, **given: Any) -> list[Any]:
        """What was done, once nobody was too busy to answer."""
        answers: list[Any] = []

        def all_answered() -> bool:
            answers.append(node.post(f"api/v1/{verb}", **given))
            return answers[-1].get("silent") == []

        await soon(all_answered)
        done: list[Any] = answers[-1]["done"]
        return done

    def pids(self, node: Node) -> list[int]:
        """The processes of its workers."""
        children = Path(f"/proc/{node.process.transport.pid}/task")
        pids: list[int] = []
        for task in children.iterdir():
            pids += [int(pid) for pid in (task / "children").read_text().split()]
        return [pid for pid in pids if b"smppproxy.worker" in self.command(pid)]

    @staticmethod
    def command(pid: int) -> bytes:
        """The command line of a process."""
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""

    def many(self, node: Node, count: int = 8, **options: Any) -> list[Esme]:
        """So many clients that each worker has some."""
        return [self.client(node, name, **options) for name in [*ACCOUNTS][:count]]

    async def test_two_workers_share_the_traffic(self) -> None:
        """Both workers take clients and carry messages, every receipt comes, and the admin door
        speaks for both: binds, nodes, metrics and the ledger."""
        smsc = self.provider(receipt_delay=(0.0, 0.2))
        node = await self.two(smsc)
        clients = self.many(node, 12, rate=40.0, binds=1)
        await hosts_carry(smsc, "ab", 100)
        await soon(lambda: len(self.binds(node)) == 4)
        self.assertEqual(
            sorted((of, name.split("/")[1]) for name, of in self.binds(node).items()),
            [("node1.1", "a"), ("node1.1", "b"), ("node1.2", "a"), ("node1.2", "b")],
        )
        self.assertEqual({*self.nodes(node)}, {"node1", "node1.1", "node1.2"})
        await self.finish(*clients)
        for client in clients:
            self.check(check_client(client))
        self.check(check_acknowledged(smsc), check_providers(clients, [smsc]))
        await soon(lambda: node.ledger()["queued"] == 0)
        books = node.ledger()
        sent = sum(client.tally.submitted for client in clients)
        self.assertEqual((books["submitted"], books["accepted"]), (sent, sent))
        self.assertEqual(books["delivered"], sent)
        metrics = node.read("metrics")
        for number in (1, 2):
            self.assertIn(f'smppproxy_submitted_total{{worker="node1.{number}"}}', metrics)
        self.assertEqual(metrics.count("# TYPE smppproxy_submitted_total "), 1)
        self.assertEqual(node.read("readyz"), "ok\n")

    async def test_a_killed_worker_comes_again(self) -> None:
        """P1, P4, F91: SIGKILL of one worker in full traffic: it is started again, its clients
        come back, no receipt is lost, and the other one's sessions never notice."""
        smsc = self.provider(response_delay=(0.02, 0.1), receipt_delay=(0.0, 0.3))
        node = await self.two(smsc)
        clients = self.many(node, 12, rate=30.0, window=10)
        await hosts_carry(smsc, "ab", 40)
        victim = self.pids(node)[0]
        os.kill(victim, signal.SIGKILL)
        unacknowledged = {name: in_hands(node.store_socket(), name) for name in ACCOUNTS}
        await node.process.expect_line(r"worker node1\.\d ended")
        await soon(lambda: self.clients_welcome(node) == 2)
        await all_bound(smsc, each=2)
        await soon(lambda: all(client.bound for client in clients))
        await hosts_carry(smsc, "ab", 40)
        lost = sum(client.tally.sessions_lost > 0 for client in clients)
        self.assertLess(lost, len(clients))
        await self.finish(*clients)
        await soon(lambda: smsc.idle)
        await soon(lambda: node.ledger()["queued"] == 0)
        for client in clients:
            name = client.options.system_id.decode()
            self.check(check_after_kills(client, unacknowledged[name]))
            self.check(check_refused(client, [smsc], {ESME_RSYSERR}))
        self.check(check_acknowledged(smsc), check_providers(clients, [smsc]))
        metrics = node.read("metrics")
        restarts = [line for line in metrics.splitlines() if "worker_restarts_total{" in line]
        self.assertEqual(sorted(line.split()[-1] for line in restarts), ["0.0", "1.0"])

    async def test_sighup_reaches_every_worker(self) -> None:
        """GW-35: SIGHUP of the supervisor makes the file the network of all workers."""
        smsc = self.provider()
        node = await self.two(smsc)
        node.write_network(network([acme(smsc)], {**ACCOUNTS, "late": ""}))
        node.process.signal("HUP")
        await node.process.expect_line("network file taken")

        def everywhere() -> bool:
            rows = node.get("api/v1/show/accounts")["rows"]
            return len({row["node"] for row in rows if row["account"] == "late"}) == 3

        await soon(everywhere)
        client = self.client(node, "late", count=5)
        await soon(lambda: client.done)
        self.check(check_client(client))

    async def test_gw04_sigterm_drains_every_worker(self) -> None:
        """GW-04: SIGTERM under load answers what is under way, ends with 0 and leaves nothing
        behind: no worker and no store."""
        smsc = self.provider(response_delay=0.05, receipt_delay=(0.0, 0.2))
        node = await self.two(smsc)
        clients = self.many(node, rate=40.0)
        await hosts_carry(smsc, "ab", 40)
        workers = self.pids(node)
        self.assertEqual(len(workers), 2)
        self.assertEqual(await node.terminate(), 0, node.process.told())
        self.assertEqual([pid for pid in workers if runs(pid)], [])
        self.assertIsNone(ask(node.store_socket(), "PING"))
        self.assertEqual(smsc.links(), [])
        await node.start()
        await all_bound(smsc, each=2)
        await self.finish(*clients)
        for client in clients:
            self.check(check_client(client))
        self.check(check_providers(clients, [smsc]))

    async def test_no_worker_outlives_its_supervisor(self) -> None:
        """SIGKILL of the supervisor: its workers drain and end by themselves, and the next life
        goes on with the store and loses nothing."""
        smsc = self.provider(receipt_delay=(0.0, 0.2))
        node = await self.two(smsc)
        clients = self.many(node, rate=30.0)
        await hosts_carry(smsc, "ab", 40)
        workers = self.pids(node)
        await node.kill()
        await soon(lambda: not any(map(runs, workers)))
        await node.start()
        await all_bound(smsc, each=2)
        await hosts_carry(smsc, "ab", 40)
        await self.finish(*clients)
        for client in clients:
            self.check(check_client(client))
        self.check(check_acknowledged(smsc), check_providers(clients, [smsc]))

    async def test_a_taken_port_is_told(self) -> None:
        """A port that another program listens on ends the start, with its number in the log."""
        smsc = self.provider("a")
        node = Node(network([acme(smsc)]), options=TWO, deadline=LONG)
        self.addCleanup(node.end)
        path = node.folder / "node.toml"
        taken = smsc.ports["a"]
        path.write_text(path.read_text().replace("port = 0", f"port = {taken}", 1))
        with self.assertRaises(AssertionError):
            await node.start()
        self.assertIn(str(taken), node.process.told())
        self.assertNotEqual(node.process.exit_code, 0)

    async def test_the_door_speaks_for_all(self) -> None:
        """What is asked, tapped and told at the node's door is asked, tapped and told of its
        workers: explain, tap, drain and resume of the node, one bind of one of them, a level of
        logging; and a worker that begins anew in a drained node lets nobody in."""
        smsc = self.provider()
        node = await self.two(smsc)
        told: list[Any] = []

        def explained() -> bool:
            told.append(node.get("api/v1/explain?account=client0&destination=4512345678"))
            return bool(told[-1].get("chosen"))

        await soon(explained)
        self.assertIn(told[-1]["node"], ("node1.1", "node1.2"))
        self.assertEqual(told[-1]["chosen"], "acme")
        done = await self.tell(node, "reconnect", target="acme/a/2")
        self.assertEqual(
            sorted(row["note"] for row in done if row["node"] != "node1"),
            ["0 binds made anew", "1 bind made anew"],
        )
        await all_bound(smsc, each=2)
        (row,) = await self.tell(node, "log", room="wire", level="debug", node="node1.2")
        self.assertEqual((row["node"], row["now"]), ("node1.2", "debug"))
        client = self.client(node, "client0", rate=20.0)
        tap = node.listen("api/v1/tap?target=account:client0&count=4")
        self.addCleanup(tap.close)
        rows = await deferToThread(tap.read)
        self.assertEqual(len(rows), 4)
        self.assertIn(rows[0]["node"], ("node1.1", "node1.2"))
        done = await self.tell(node, "drain", target="node:node1")
        self.assertEqual({row["node"] for row in done}, {"node1", "node1.1", "node1.2"})
        await soon(lambda: node.read("readyz") == "not ready\n")
        self.assertRaises(ConnectionRefusedError, connect, node.port)
        os.kill(self.pids(node)[0], signal.SIGKILL)
        await node.process.expect_line(r"worker node1\.\d ended")
        await soon(lambda: {row["state"] for row in self.nodes(node).values()} == {"draining"})
        self.assertEqual(self.clients_welcome(node), 0)
        await self.tell(node, "resume", target="node:node1")
        await soon(lambda: self.clients_welcome(node) == 2)
        await soon(lambda: bool(client.bound))
        await self.finish(client)

    async def test_a_worker_that_cannot_begin(self) -> None:
        """A worker that ends again and again is started ever less often, each time is told, and
        the clients that would be dealt to it go to the others."""
        smsc = self.provider()
        node = await self.two(smsc)
        victim = node.folder / "store" / "journal" / "1"
        victim.joinpath("lock").unlink()
        victim.joinpath("lock").mkdir()
        (pid,) = [pid for pid in self.pids(node) if self.command(pid).endswith(b"node1.1\0")]
        os.kill(pid, signal.SIGKILL)
        for delay in (r"0\.1", r"0\.2"):
            await node.process.expect_line(rf"worker node1\.1 ended .* again in {delay} s")
        self.assertEqual(node.read("readyz"), "ok\n")
        clients = [self.client(node, name, count=5) for name in [*ACCOUNTS][:6]]
        await soon(lambda: all(client.done for client in clients))
        victim.joinpath("lock").rmdir()
        await soon(lambda: self.clients_welcome(node) == 2)
        metrics = node.read("metrics")
        self.assertNotIn('worker_restarts_total{worker="supervisor",name="node1.1"} 0.0', metrics)

    async def test_fewer_workers(self) -> None:
        """What a worker kept for the store and could not give back is not lost when the node has
        that worker no more: the next life brings it to the store."""
        smsc = self.provider()
        node = await self.two(smsc)
        self.assertEqual(await node.terminate(), 0, node.process.told())
        left = Segments(node.folder / "store" / "journal" / "2", 1 << 20)
        left.open()
        kept = Kept(b"acme", int(time.time()) + 60, 30, [Mapping(b"1", b"client0", b"45", 7, b"")])
        left.append([packed(kept)])
        left.close()
        path = node.folder / "node.toml"
        path.write_text(path.read_text().replace(TWO, "workers = 1"))
        await node.start()
        await node.process.expect_line("1 maps of the journal are in the store")
        self.assertEqual([*left.folder.glob("*.journal")], [])
