"""Nodes of one real store take versions of the network: at once, as a whole, or not at all."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread

from smppproxy.config import load_network
from smppproxy.config.network import carry
from smppproxy.service import SmppProxy
from smppproxy.wire.tls import TlsError
from tests.support.clusters import ClusterCase, version
from tests.support.doors import ask, asynchronous

WITHIN = 20.0
"""Seconds in which every node has a version in force even where the machine is slow and busy; that
it asks every second is proved with a clock in tests.admin.test_network."""


class TakenTests(ClusterCase):
    """apply and rollback, while clients are bound and messages flow."""

    @asynchronous
    async def test_apply_and_rollback_while_messages_flow(self) -> None:
        """All nodes take a version within a second; nobody is unbound, nothing is refused."""
        smsc = self.provider("a", "b")
        self.write_network(smsc, options="window = 20\n")
        one, two = self.cluster_node("n1"), self.cluster_node("n2")
        await self.wait(lambda: one.store.ready and two.store.ready, "the store")
        self.assertEqual((one.ready(), two.ready()), (False, False))
        said = await self.applied(one, "-m", "the first")
        self.assertIn("+ account demo", said)
        self.assertIn("version 1 is the current one, after version 0", said)
        self.assertIn("node n2 has it in force", said)
        clients = [self.steady(node) for node in (one, two)]
        await self.wait(lambda: all(client.tally.accepted > 20 for client in clients), "traffic")
        self.write_network(
            smsc, options="window = 30\ndeliver_window = 7\n", accounts=("demo", "x")
        )
        began = time.monotonic()
        said = await self.applied(two, "-m", "more")
        took = time.monotonic() - began
        self.assertIn("~ account demo: deliver_window 50 -> 7", said)
        self.assertIn("messages 0 would go elsewhere (0.0 %)", said)
        await self.wait(lambda: version(one) == version(two) == 2, "version 2")
        self.assertEqual({len(node.network.accounts) for node in (one, two)}, {2})
        for node in (one, two):
            (session,) = node.relay.directory.clients["demo"]
            self.assertEqual(session.session.window.limit, 7)
        said = await self.told(one, "rollback", "1", "--yes")
        self.assertIn("- account x (closes every session of it)", said)
        self.assertIn("version 3 is the current one, after version 2", said)
        self.assertEqual({len(node.network.accounts) for node in (one, two)}, {1})
        seen = [client.tally.accepted for client in clients]
        await self.wait(
            lambda: all(
                client.tally.accepted > before + 20
                for client, before in zip(clients, seen, strict=True)
            ),
            "traffic goes on",
        )
        self.assertEqual([client.bound for client in clients], [1, 1])
        self.assertEqual([client.tally.refused for client in clients], [0, 0])
        self.assertEqual(smsc.counts.binds, 4)
        self.assertLess(took, WITHIN)
        history = await self.told(one, "history")
        self.assertRegex(history, r"3 \* .*@.* rollback to version 1 +1 ")
        self.assertRegex(history, r"2 .* more ")

    @asynchronous
    async def test_a_version_is_in_force_soon_on_every_node(self) -> None:
        """Heard at once; without a word on the bus the store's number is seen all the same."""
        smsc = self.provider("a")
        self.write_network(smsc)
        one, two = self.cluster_node("n1"), self.cluster_node("n2")
        await self.wait(lambda: one.store.ready and two.store.ready, "the store")
        await self.applied(one)
        for number in (2, 3):
            self.write_network(smsc, options=f"window = {number}\n")
            bundle = {"bundle": self.bundle()}
            began = time.monotonic()
            reply = await ask(one, "api/v1/network/apply", bundle)
            self.assertEqual(reply.json["number"], number)
            await self.wait(lambda number=number: version(one) == version(two) == number, "taken")
            self.assertLess(time.monotonic() - began, WITHIN)
        self.server.command("CLIENT", "KILL", "TYPE", "pubsub")
        for node in (one, two):
            bus: Any = node.store.bus
            bus._ears.clear()
        self.write_network(smsc, options="window = 4\n")
        await ask(one, "api/v1/network/apply", {"bundle": self.bundle()})
        began = time.monotonic()
        await self.wait(lambda: version(one) == version(two) == 4, "taken without the bus")
        self.assertLess(time.monotonic() - began, WITHIN)

    @asynchronous
    async def test_a_removed_account_is_unbound_and_others_stay(self) -> None:
        """Drained and unbound on every node; it may not bind again."""
        smsc = self.provider("a")
        self.write_network(smsc, ("demo", "gone"))
        one, two = self.cluster_node("n1"), self.cluster_node("n2")
        await self.wait(lambda: one.store.ready and two.store.ready, "the store")
        await self.applied(one)
        stays = self.steady(one)
        goes = self.steady(two, system_id=b"gone", password=b"gone")
        await self.wait(lambda: stays.tally.accepted > 5 and goes.tally.accepted > 5, "traffic")
        self.write_network(smsc)
        await self.applied(one)
        await self.wait(lambda: "gone" not in two.relay.directory.clients, "unbound")
        self.assertEqual(stays.bound, 1)
        self.assertIn("demo", one.relay.directory.clients)

    @asynchronous
    async def test_a_host_more_and_a_host_less_touch_no_other_bind(self) -> None:
        """Binds of hosts that stay stand; the new one is bound, the old one is left."""
        smsc, other = self.provider("a"), self.provider("b")
        self.write_network(smsc)
        node = self.cluster_node("n1")
        await self.wait(lambda: node.store.ready, "the store")
        await self.applied(node)
        await self.upstream_bound(node)
        host = f'[provider.acme.host.b]\naddress = "127.0.0.1"\nport = {other.ports["b"]}\n'
        text = self.network_file.read_text()
        self.network_file.write_text(f"{text}\n{host}")
        said = await self.applied(node)
        self.assertIn("+ provider acme/b", said)
        await self.wait(lambda: other.links(bound=True), "the new host")
        self.network_file.write_text(text)
        said = await self.applied(node)
        self.assertIn("- provider acme/b (closes every bind to it)", said)
        await self.wait(lambda: not other.links(bound=True), "left")
        self.assertEqual((smsc.counts.binds, len(smsc.links(bound=True))), (1, 1))

    @asynchronous
    async def test_a_restart_takes_the_current_version(self) -> None:
        """Without a file, and without anybody's doing."""
        smsc = self.provider("a")
        self.write_network(smsc)
        node = self.cluster_node("n1")
        await self.wait(lambda: node.store.ready, "the store")
        await self.applied(node)
        await node.stopService()
        again = self.cluster_node("n1")
        await self.ready(again)
        self.assertEqual((version(again), [*again.network.accounts]), (1, ["demo"]))
        client = self.client(again, count=3)
        await self.wait(lambda: client.done, "traffic")

    @asynchronous
    async def test_clients_wait_for_the_first_network(self) -> None:
        """A bind before there is any is answered with a temporary error, never with 0x0E."""
        smsc = self.provider("a")
        self.write_network(smsc)
        node = self.cluster_node("n1")
        await self.wait(lambda: node.store.ready, "the store")
        events = self.logged()
        client = self.client(node, at_once=True, count=3)
        await self.wait(lambda: client.tally.binds_refused > 1, "refused")
        refused = [event for event in events if event.get("event") == "bind_refused"]
        self.assertEqual({event["command_status"] for event in refused}, {"ESME_RSYSERR"})
        await self.applied(node)
        await self.wait(lambda: client.done, "bound and served")


class RefusedTests(ClusterCase):
    """What cannot be taken changes nothing."""

    async def nodes(self) -> tuple[SmppProxy, SmppProxy]:
        self.smsc = self.provider("a")
        self.write_network(self.smsc)
        one, two = self.cluster_node("n1"), self.cluster_node("n2")
        await self.wait(lambda: one.store.ready and two.store.ready, "the store")
        await self.applied(one)
        await self.wait(lambda: version(one) == version(two) == 1, "version 1")
        return one, two

    @asynchronous
    async def test_a_wrong_file_is_refused_whole(self) -> None:
        """By the command, with the line; nothing reaches the store."""
        one, two = await self.nodes()
        before = one.network
        good = self.network_file.read_text()
        self.network_file.write_text(good.replace('targets = ["acme"]', 'targets = ["acm"]'))
        said = await self.applied(one, code=1)
        self.assertRegex(said, r"network\.toml:\d+: route\[1\]\.targets\[1\]: there is no provider")
        self.network_file.write_text("[account")
        self.assertIn("not valid TOML", await self.applied(one, code=1))
        self.assertIs(one.network, before)
        self.assertEqual(await two.store.versions.number(), 1)

    @asynchronous
    async def test_what_is_wrong_at_the_door_is_told(self) -> None:
        """Octets that are no network, versions that are not there."""
        one, _ = await self.nodes()
        for body, code, text in (
            ({"bundle": "?"}, "bad_parameter", "not base64"),
            ({"bundle": "aGVsbG8="}, "bad_network", "this is no packed network"),
        ):
            reply = await ask(one, "api/v1/network/apply", body)
            self.assertEqual(reply.error["code"], code)
            self.assertIn(text, reply.error["text"])
        said = await self.told(one, "rollback", "9", "--yes", code=1)
        self.assertIn("there is no version 9; known are 1 to 1", said)
        said = await self.told(one, "apply", "gone.toml", "--yes", code=1)
        self.assertIn("gone.toml: cannot read the file: No such file", said)

    @asynchronous
    async def test_a_node_without_a_secret_keeps_the_old_version_and_says_so(self) -> None:
        """It is asked beforehand. Forced, the others take it, and it is said who did not and why;
        mended, that node takes it too."""
        one, two = await self.nodes()
        elsewhere = Path(self.mktemp())
        elsewhere.mkdir()
        two._own._follower._folder = two._own.desk.folder = str(elsewhere)
        text = self.network_file.read_text().replace('"secret"', '"file:acme.secret"')
        self.network_file.write_text(text)
        (self.network_file.parent / "acme.secret").write_text("secret")
        said = await self.applied(one, code=1)
        self.assertRegex(said, r"node n2 cannot take it: network\.toml:\d+: provider\.acme\.passw")
        self.assertIn("nothing was changed", said)
        self.assertEqual(await one.store.versions.number(), 1)
        events = self.logged()
        said = await self.applied(one, "--force", code=1)
        self.assertIn("node n1 has it in force", said)
        self.assertRegex(said, r"node n2 cannot take it and keeps version 1: network\.toml:\d+: ")
        self.assertIn("acme.secret: No such file", said)
        self.assertEqual((version(one), version(two)), (2, 1))
        (event,) = [event for event in events if event.get("event") == "network_refused"]
        self.assertEqual(event["version"], 2)
        reply = await ask(two, "api/v1/network/nodes")
        (row,) = [row for row in reply.json["nodes"] if row["node"] == "n2"]
        self.assertEqual((row["version"], row["refused"]), (1, 2))
        (elsewhere / "acme.secret").write_text("secret")
        await two.reload()
        await self.wait(lambda: version(two) == 2, "mended")

    @asynchronous
    async def test_of_two_at_once_one_wins_and_the_other_is_told(self) -> None:
        """Nobody overwrites what they have not seen."""
        one, two = await self.nodes()
        bundles = []
        for window in (5, 6):
            self.write_network(self.smsc, options=f"window = {window}\n")
            bundles.append(self.bundle())
        replies = [
            await ask(
                node,
                "api/v1/network/apply",
                {"bundle": bundle, "expected": 1, "by": name, "why": f"by {name}"},
            )
            for node, bundle, name in zip((one, two), bundles, ("ann", "bob"), strict=True)
        ]
        self.assertEqual([reply.status for reply in replies], [200, 409])
        self.assertEqual(
            replies[1].error["text"],
            "version 2 was made by ann meanwhile (by ann), not 1; look at the plan again, then"
            " apply",
        )
        reply = await ask(two, "api/v1/network/apply", {"bundle": bundles[1]})
        self.assertEqual(reply.json, {"number": 3, "was": 2, "made": True})
        reply = await ask(two, "api/v1/network/apply", {"bundle": bundles[1]})
        self.assertEqual(reply.json, {"number": 3, "was": 3, "made": False})

    @asynchronous
    async def test_the_store_is_away(self) -> None:
        """It is said, nothing is changed, and nodes go on with what they have."""
        one, two = await self.nodes()
        bundle = self.bundle()
        self.server.kill()
        await self.wait(lambda: not one.store.ready and not two.store.ready, "away")
        reply = await ask(one, "api/v1/network/apply", {"bundle": bundle})
        self.assertEqual((reply.status, reply.error["code"]), (503, "store_away"))
        self.assertIn("nothing was changed", reply.error["text"])
        said = await self.told(one, "history", code=1)
        self.assertIn("the store does not answer", said)
        self.assertEqual((version(one), version(two)), (1, 1))
        self.server.start()
        await self.wait(lambda: one.store.ready and two.store.ready, "back")
        self.write_network(self.smsc, options="window = 9\n")
        await self.applied(one)
        await self.wait(lambda: version(two) == 2, "taken")

    @asynchronous
    async def test_a_file_that_goes_at_the_last_moment(self) -> None:
        """What was taken of the version by then is given back."""
        one, _ = await self.nodes()
        before = one.network.accounts
        (self.network_file.parent / "ca.pem").write_text("nothing")
        text = self.network_file.read_text() + "[account.more]\n" + 'password = "x"\n'
        text = text.replace('password = "x"', text.splitlines()[1])
        text = text.replace(
            "[provider.acme]", '[provider.acme]\ntls = "required"\ntls_ca = "ca.pem"'
        )
        self.network_file.write_text(text)
        network = load_network(self.network_file)
        self.assertRaises(TlsError, one._take, network)
        self.assertEqual(one.network.accounts, before)
        await self.upstream_bound(one)
        client = self.client(one, count=3)
        await self.wait(lambda: client.done, "the old one carries messages")


class OwnFileTests(ClusterCase):
    """Nodes with network files of their own."""

    @asynchronous
    async def test_a_node_makes_its_own_file_a_version(self) -> None:
        """At its start and on SIGHUP, when it differs; the same file makes no other one."""
        smsc = self.provider("a")
        self.write_network(smsc)
        own = self.cluster_node("n1", self.network_file)
        follower = self.cluster_node("n2")
        await self.ready(own, follower)
        await self.wait(lambda: version(own) == version(follower) == 1, "version 1")
        await own.reload()
        await self.wait(lambda: version(own) == 1, "the same")
        self.write_network(smsc, options="window = 7\n")
        await own.reload()
        await self.wait(lambda: version(follower) == 2, "version 2")
        self.assertEqual(follower.network.accounts["demo"].window, 7)
        (newest, oldest) = await own.store.versions.newest(9)
        self.assertEqual((newest.by, oldest.by), ("node n1", "node n1"))
        self.assertEqual(newest.why, f"its {self.network_file} on SIGHUP")
        await own.stopService()
        again = self.cluster_node("n1", self.network_file)
        await self.wait(lambda: version(again) == 2, "the same after a restart")

    @asynchronous
    async def test_two_nodes_with_different_files(self) -> None:
        """The one that was applied last is in force on both, and that is said."""
        smsc = self.provider("a")
        self.write_network(smsc, options="window = 7\n")
        one = self.cluster_node("n1", self.network_file)
        await self.wait(lambda: version(one) == 1, "version 1")
        self.network_file = self.network_file.with_name("other.toml")
        self.write_network(smsc, options="window = 8\n")
        events = self.logged()
        two = self.cluster_node("n2", self.network_file)
        await self.wait(lambda: version(one) == version(two) == 2, "version 2")
        self.assertEqual({node.network.accounts["demo"].window for node in (one, two)}, {8})
        (event,) = [event for event in events if event.get("event") == "network_replaced"]
        self.assertEqual((event["was"], event["by"]), (1, "node n1"))

    @asynchronous
    async def test_a_wrong_file_is_not_shared(self) -> None:
        """SIGHUP with it changes nothing, here or elsewhere."""
        self.write_network(self.provider("a"))
        node = self.cluster_node("n1", self.network_file)
        await self.wait(lambda: version(node) == 1, "version 1")
        before = node.network
        self.network_file.write_text("[account.demo]\n")
        await node.reload()
        self.assertIs(node.network, before)
        self.assertEqual(await node.store.versions.number(), 1)


class LargeTests(ClusterCase):
    """Tables of 100,000 rows."""

    @asynchronous
    async def test_a_large_version_stalls_nobody(self) -> None:
        """It is read in a thread: no turn of the reactor takes long (50 ms where nobody else uses
        the machine), and it is in force in seconds."""
        self.write_network(self.provider("a"))
        text = self.network_file.read_text()
        self.network_file.write_text(
            text.replace("[provider.acme]", '[provider.acme]\nprices = "prices.csv"')
        )
        rows = (f"{number},0.{number}\n" for number in range(100_000, 200_000))
        (self.network_file.parent / "prices.csv").write_text("prefix,price\n" + "".join(rows))
        node = self.cluster_node("n1")
        await self.wait(lambda: node.store.ready, "the store")
        bundle = await deferToThread(carry, self.network_file)
        blob = await deferToThread(bundle.pack)
        # Of this thread alone, and of the processor: another process takes nothing of it.
        longest, last = [0.0], [time.thread_time()]

        def turn() -> None:
            longest[0], last[0] = max(longest[0], time.thread_time() - last[0]), time.thread_time()

        loop = LoopingCall(turn)
        loop.start(0.005)
        await node.store.versions.add(blob, "ann", "why", bundle.sha256, 0)
        await self.wait(lambda: version(node) == 1, "in force")
        loop.stop()
        self.assertLess(longest[0], 0.25)
