"""Plans over the bus and by the command; the follower when something is wrong."""

from __future__ import annotations

import getpass
import json
from typing import Any

import attrs
import msgpack
from click.testing import CliRunner
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin import network as module
from smppproxy.admin.following import TOPIC, Follower
from smppproxy.cli import main
from smppproxy.cli import network as cli
from smppproxy.config import Network
from smppproxy.config import bundle as packing
from smppproxy.config.bundle import Bundle, BundleError
from smppproxy.config.plan import OF_A_BIND, OF_A_HOST
from smppproxy.routing.providers import Host, Provider
from smppproxy.store.memory import MemoryStore, World
from smppproxy.wire.pool import _identity
from smppproxy.wire.tls import TlsError
from tests.config.files import HASH
from tests.support.clusters import ClusterCase, version
from tests.support.doors import ask, asynchronous

NETWORK = f'[account.demo]\npassword = "{HASH}"\n'


def bundle(text: str = NETWORK, name: str = "network.toml") -> Bundle:
    return Bundle(name, text.encode())


class PlanTests(ClusterCase):
    """smppproxy plan, with the messages of all nodes."""

    @asynchronous
    async def test_messages_of_every_node_are_looked_at(self) -> None:
        """What would go elsewhere is told as a share, and by ways."""
        smsc = self.provider("a", "b")
        self.write_network(smsc, ("demo", "shop"))
        one, two = self.cluster_node("n1"), self.cluster_node("n2")
        await self.wait(lambda: one.store.ready and two.store.ready, "the store")
        await self.applied(one)
        await self.ready(one, two)
        for node, name in ((one, b"demo"), (two, b"shop")):
            client = self.client(node, count=30, system_id=name, password=name)
            await self.wait(lambda client=client: client.done, "traffic")
        self.write_network(smsc, ("demo", "shop"))
        text = self.network_file.read_text().replace(
            "[[route]]", '[[route]]\nname = "none"\naccounts = ["shop"]\ndeny = 0x45\n[[route]]'
        )
        self.network_file.write_text(text)
        said = await self.told(one, "plan", str(self.network_file))
        self.assertIn("compared with version 1:", said)
        self.assertIn('+ route none: accounts = ["shop"], deny = 69', said)
        self.assertIn("of the last 60 messages 30 would go elsewhere (50.0 %)", said)
        self.assertIn("30: acme -> refused with 0x45", said)
        answer = json.loads(await self.told(one, "plan", str(self.network_file), "--json"))
        self.assertEqual((answer["messages"], answer["elsewhere"]), (60, 30))
        said = await self.told(one, "plan", str(self.network_file), "--messages", "0")
        self.assertNotIn("messages", said)
        self.assertEqual(version(one), 1)
        said = await self.told(one, "plan", "--version", "1")
        self.assertIn("nothing is different: this is version 1", said)
        self.patch(module, "MAX_PAYLOAD", 10)
        said = await self.told(one, "plan", str(self.network_file))
        self.assertIn("of the last 30 messages 0 would go elsewhere", said)
        self.assertIn("too large to ask other nodes", said)

    @asynchronous
    async def test_what_a_user_can_do_wrong(self) -> None:
        """One clear line each."""
        self.write_network(self.provider("a"))
        node = self.cluster_node("n1")
        await self.wait(lambda: node.store.ready, "the store")
        file = str(self.network_file)
        self.assertIn("there is no version yet", await self.told(node, "history"))
        said = await self.told(node, "rollback", "1", "--yes", code=1)
        self.assertIn('there is no version 1; there is none yet; "smppproxy apply', said)
        said = await self.told(node, "plan", file, "--version", "1", code=2)
        self.assertIn("give either FILE or --version, not both", said)
        said = await self.told(node, "apply", file, code=2)
        self.assertIn("there is no terminal to ask at; write --yes", said)
        self.assertEqual(await node.store.versions.number(), 0)
        said = await self.applied(node, "--by", "ann", "--no-wait")
        self.assertNotIn("in force", said.splitlines()[-1])
        await self.wait(lambda: version(node) == 1, "taken")
        self.assertIn("nothing is different: this is version 1", await self.applied(node))
        self.assertIn("nothing is different", await self.told(node, "rollback", "1", "--yes"))
        (row,) = json.loads(await self.told(node, "history", "--json"))
        self.assertEqual((row["number"], row["by"], row["why"]), (1, "ann", ""))
        self.assertEqual(await self.told(node, "history", "1"), self.network_file.read_text())
        self.network_file.write_text(self.network_file.read_text() + "# more\n")
        said = await self.told(node, "plan", file)
        self.assertIn("only the text is another one, nothing that it says", said)
        said = await self.told(node, "rollback", "x", code=2)
        self.assertIn("'x' is not a valid integer", said)

    @asynchronous
    async def test_tables_travel(self) -> None:
        """CSV files go with their network, and are shown with it."""
        self.write_network(self.provider("a"))
        (self.network_file.parent / "prices.csv").write_text("prefix,price\n45,0.1\n")
        text = self.network_file.read_text()
        self.network_file.write_text(
            text.replace("[provider.acme]", '[provider.acme]\nprices = "prices.csv"')
        )
        node = self.cluster_node("n1")
        node._own._follower._folder = "/nowhere"
        node._own.desk.folder = "/nowhere"
        await self.wait(lambda: node.store.ready, "the store")
        said = await self.applied(node)
        self.assertIn("+ file prices.csv: 2 rows", said)
        said = await self.told(node, "history", "1")
        self.assertIn("with prices.csv, 20 octets", said)

    @asynchronous
    async def test_somebody_is_asked_at_a_terminal(self) -> None:
        """No is no: nothing is changed, and the exit status says so."""
        self.patch(cli, "is_terminal", lambda: True)
        self.write_network(self.provider("a"))
        node = self.cluster_node("n1")
        await self.wait(lambda: node.store.ready, "the store")
        command = ["apply", str(self.network_file)]
        environ = {"SMPPPROXY_ADMIN": node.node.admin.path}
        for answer, code, number in (("n", 1, 0), ("y", 0, 1)):
            result = await deferToThread(
                CliRunner().invoke, main, command, input=f"{answer}\n", env=environ
            )
            self.assertEqual(result.exit_code, code, result.output)
            self.assertIn("apply it? [y/N]", result.output)
            self.assertEqual(await node.store.versions.number(), number)

    @asynchronous
    async def test_a_long_plan(self) -> None:
        """Ends somewhere; --json has it all."""
        self.write_network(self.provider("a"))
        self.patch(cli, "MOST_LINES", 2)
        node = self.cluster_node("n1")
        await self.wait(lambda: node.store.ready, "the store")
        said = await self.told(node, "plan", str(self.network_file))
        self.assertIn("  and 1 more: smppproxy plan --json", said)
        answer = json.loads(await self.told(node, "plan", str(self.network_file), "--json"))
        self.assertEqual(len(answer["changes"]), 3)

    @asynchronous
    async def test_a_network_that_is_too_large(self) -> None:
        """Is refused before it is sent."""
        self.write_network(self.provider("a"))
        self.patch(packing, "MOST_PACKED", 10)
        node = self.cluster_node("n1")
        said = await self.applied(node, code=1)
        self.assertIn("packed, the network has", said)
        await self.wait(lambda: node.store.ready, "the store")

    @asynchronous
    async def test_a_file_of_cas_that_holds_none(self) -> None:
        """Is refused like any other thing that a node must have and has not."""
        smsc = self.provider("a")
        self.write_network(smsc)
        (self.network_file.parent / "ca.pem").write_text("nothing")
        text = self.network_file.read_text()
        self.network_file.write_text(
            text.replace("[provider.acme]", '[provider.acme]\ntls = "required"\ntls_ca = "ca.pem"')
        )
        node = self.cluster_node("n1")
        await self.wait(lambda: node.store.ready, "the store")
        said = await self.applied(node, code=1)
        self.assertIn("ca.pem", said)
        self.assertEqual(await node.store.versions.number(), 0)

    def test_who_types(self) -> None:
        """Somebody without a name has a number."""
        def nobody() -> str:
            raise KeyError("uid not found")

        self.patch(getpass, "getuser", nobody)
        self.assertRegex(cli._user(), r"^\d+@.")

    @asynchronous
    async def test_an_empty_door(self) -> None:
        """Nobody is there: exit status 3."""
        self.write_network(self.provider("a"))
        node = self.cluster_node("n1")
        await self.wait(lambda: node.store.ready, "the store")
        await node.stopService()
        said = await self.told(node, "apply", str(self.network_file), "--yes", code=3)
        self.assertIn("no node answers", said)

    @asynchronous
    async def test_a_node_that_is_slow(self) -> None:
        """It is named, and the exit status says so."""
        self.patch(cli, "PATIENCE", 0.5)
        self.write_network(self.provider("a"))
        node = self.cluster_node("n1")
        await self.wait(lambda: node.store.ready, "the store")
        other = MemoryStore(Clock(), "ghost")
        self.addCleanup(other.stop)
        packed = msgpack.packb([int(self.server.command("TIME")[0]) * 1000, b"\x80"],
                               use_bin_type=False)  # fmt: skip
        self.server.command("HSET", "smppproxy:nodes", b"ghost\0x", packed)
        said = await self.applied(node, code=1)
        self.assertIn("node n1 has it in force", said)
        self.assertIn("node ghost has not said that it took it", said)

    @asynchronous
    async def test_a_node_with_a_file_of_its_own(self) -> None:
        """Who applies another file is told that this one comes back; who applies it is not."""
        self.write_network(self.provider("a"))
        node = self.cluster_node("n1", file=self.network_file)
        await self.ready(node)
        said = await self.applied(node)
        self.assertNotIn("but n1", said)
        other = self.network_file.parent / "other.toml"
        other.write_text(self.network_file.read_text() + NETWORK.replace("demo", "more", 1))
        warning = f"but n1 has a network_file: it makes {self.network_file} the network"
        said = await self.told(node, "apply", str(other), "--yes")
        self.assertIn(warning, said)
        self.assertIn("no message came since the nodes began", said)
        said = await self.told(node, "rollback", "1", "--yes", "--messages", "0")
        self.assertIn(warning, said)
        self.assertNotIn("no message came", said)
        self.network_file.write_text(self.network_file.read_text() + "# a remark\n")
        said = await self.applied(node)
        self.assertIn("version 4 is the current one", said)
        self.assertNotIn("but n1", said)

    @asynchronous
    async def test_a_network_that_another_node_cannot_read_is_no_fault_there(self) -> None:
        """It has no messages to tell of."""
        self.write_network(self.provider("a"))
        node = self.cluster_node("n1", self.network_file)
        await self.ready(node)
        desk = node._own.desk
        answer = await desk._asked(msgpack.packb([b"noise", 10]))
        self.assertEqual(msgpack.unpackb(answer), [0, 0, []])

    @asynchronous
    async def test_others_make_versions_all_the_time(self) -> None:
        """Whoever does not mind which one is replaced tries again, five times."""
        self.write_network(self.provider("a"))
        node = self.cluster_node("n1", self.network_file)
        await self.wait(lambda: version(node) == 1, "version 1")
        versions = node._own.desk.store.versions
        calls: list[int] = []

        def add(self: Any, *args: Any) -> Deferred[tuple[bool, int]]:
            calls.append(1)
            return succeed((False, 1))

        self.patch(type(versions), "add", add)
        self.write_network(self.provider("a"))
        reply = await ask(node, "api/v1/network/apply", {"bundle": self.bundle()})
        self.assertEqual((reply.status, reply.error["code"], len(calls)), (409, "overtaken", 5))


class BindTests(SynchronousTestCase):
    """What the plan says of binds is what the pool does."""

    def test_options_of_a_bind(self) -> None:
        """A bind is begun anew for exactly these options of its provider and its host."""
        host = Host("a", "127.0.0.1", 2775, 2776)
        provider = Provider("acme", (host,), b"us", b"secret", tls="required")
        others: dict[type, Any] = {int: 7, float: 7.0, bool: True}
        changes: set[str] = set()
        for field in attrs.fields(Provider):
            value = getattr(provider, field.name)
            if not field.init or field.name in ("name", "hosts"):
                continue
            other = self.other(field.name, value, others)
            if other is None:
                continue
            changed = attrs.evolve(provider, **{field.name: other})
            if _identity(provider, host) != _identity(changed, host):
                changes.add(field.name)
        self.assertEqual(changes, OF_A_BIND)
        more: list[tuple[str, Any]] = [("address", "127.0.0.2"), ("port", 1), ("tls_port", 1)]
        found = {
            name
            for name, value in more
            for plain in (provider, attrs.evolve(provider, tls="none"))
            if _identity(plain, host) != _identity(plain, attrs.evolve(host, **{name: value}))
        }
        self.assertEqual(found, OF_A_HOST)

    @staticmethod
    def other(name: str, value: Any, others: dict[type, Any]) -> Any:
        chosen = {
            "tls": "none", "bind": "receiver", "hosts_mode": "one", "tls_min": "1.3",
            "bind_address": "127.0.0.9", "status": "seed", "pace": "adaptive", "state": "down",
            "addr_ton": 5,
        }  # fmt: skip
        if name in chosen:
            return chosen[name]
        if isinstance(value, bytes):
            return b"other"
        if isinstance(value, str):
            return "other"
        return others.get(type(value))


class FollowerTests(SynchronousTestCase):
    """One follower, with a clock and a store that can be broken."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.world = World(self.clock.seconds)
        self.store = MemoryStore(self.clock, "n1", self.world)
        self.successResultOf(self.store.start())
        self.taken: list[Network] = []
        self.checks: list[Exception] = []
        self.broken = False
        self.follower = Follower(
            self.store, self.clock, self.run_now, ".", self.check, self.take, lambda: {"door": "x"}
        )
        self.follower.start()
        self.addCleanup(self.follower.stop)

    def run_now(self, work: Any) -> Deferred[Any]:
        try:
            return succeed(work())
        except (ValueError, TlsError, RuntimeError) as error:
            return fail(error)
        except Exception as error:  # noqa: BLE001 - whatever the work raises
            return fail(error)

    def check(self, network: Network) -> None:
        if self.checks:
            raise self.checks[0]

    def take(self, network: Network) -> None:
        if self.broken:
            raise RuntimeError("no")
        self.taken.append(network)

    def add(self, text: str = NETWORK, blob: bytes = b"") -> int:
        number = self.successResultOf(self.store.versions.number())
        made = bundle(text)
        added = self.store.versions.add(blob or made.pack(), "ann", "why", made.sha256, number)
        took, number = self.successResultOf(added)
        self.assertTrue(took)
        return number

    def test_a_version_is_seen_within_a_second(self) -> None:
        """And taken once."""
        self.add()
        self.clock.pump([0.5] * 4)
        self.assertEqual(len(self.taken), 1)
        self.assertEqual(self.follower.standing.version, 1)

    def test_a_word_on_the_bus_is_enough(self) -> None:
        """Nobody waits for the second."""
        self.add()
        self.store.bus.announce(TOPIC, b"")
        self.assertEqual(len(self.taken), 1)

    def test_the_others_are_told_at_once(self) -> None:
        """Each node's beat says what it has."""
        self.add()
        self.follower.look()
        facts = self.successResultOf(self.store.nodes())[b"n1"]
        self.assertEqual(
            (facts["version"], facts["refused"], facts["reason"], facts["door"]), (1, 0, "", "x")
        )
        self.clock.pump([1.0] * 40)
        self.assertEqual([*self.successResultOf(self.store.nodes())], [b"n1"])
        self.successResultOf(self.follower.stop())
        self.assertEqual(self.successResultOf(self.store.nodes()), {})

    def test_what_cannot_be_used_is_tried_again_now_and_then(self) -> None:
        """Told once, and again when the reason is another one."""
        self.add()
        self.follower.look()
        for reason in (TlsError("no CA"), OSError("no file"), OSError("no file")):
            self.checks = [reason]
            if self.follower.standing.refused == 0:
                self.add(NETWORK + "# 2\n")
            self.follower.look()
            self.clock.advance(10)
        self.assertEqual(self.follower.standing.refused, 2)
        self.assertEqual(self.follower.standing.version, 1)
        self.assertEqual(self.follower.standing.reason, "no file")
        self.checks = []
        self.clock.advance(10)
        self.assertEqual(
            attrs.asdict(self.follower.standing),
            {
                "version": 2,
                "sha256": bundle(NETWORK + "# 2\n").sha256,
                "refused": 0,
                "reason": "",
                "newest": 2,
            },
        )

    def test_a_blob_that_is_none_is_refused(self) -> None:
        """Whoever put it there."""
        self.add()
        self.follower.look()
        self.add(blob=b"noise")
        self.follower.look()
        self.assertEqual(self.follower.standing.reason, "this is no packed network")
        self.assertEqual(len(self.taken), 1)

    def test_a_fault_of_ours_is_refused_too(self) -> None:
        """It is logged with all that is known, and told as such."""
        self.add()
        self.broken = True
        self.follower.look()
        self.assertEqual(self.follower.standing.reason, "a fault of ours: RuntimeError: no")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_store_without_versions_changes_nothing(self) -> None:
        """The node goes on; what is put there next is taken, whatever its number."""
        self.add()
        self.follower.look()
        self.world.versions.clear()
        for _ in range(2):
            self.follower.look()
        self.assertEqual(self.follower.standing.version, 1)
        self.add(NETWORK + "# again\n")
        self.follower.look()
        self.assertEqual((len(self.taken), self.follower.standing.version), (2, 1))

    def test_a_store_that_is_away(self) -> None:
        """Is not asked, and asked again when it is back."""
        self.store.go_away()
        self.follower.look()
        self.follower.beat()
        self.clock.pump([1.0] * 3)
        self.store.come_back()
        self.add()
        self.clock.advance(1)
        self.assertEqual(len(self.taken), 1)
        self.store.go_away()
        self.assertEqual(self.successResultOf(self.follower.stop()), None)

    def put_off(self) -> list[tuple[Deferred[Any], Any]]:
        """Work in threads is begun and not done; each piece with what tells its end."""
        waiting: list[tuple[Deferred[Any], Any]] = []

        def later(work: Any) -> Deferred[Any]:
            waiting.append((Deferred(), work))
            return waiting[-1][0]

        self.follower._run = later
        return waiting

    def test_looks_do_not_run_side_by_side(self) -> None:
        """A look while another one reads is made up for afterwards."""
        self.add()
        waiting = self.put_off()
        self.follower.look()
        self.add(NETWORK + "# 2\n")
        self.follower.look()
        self.assertEqual(len(waiting), 1)
        self.follower._run = self.run_now
        result, work = waiting[0]
        result.callback(work())
        self.clock.advance(0)
        self.assertEqual((len(self.taken), self.follower.standing.version), (2, 2))

    def test_an_own_file_waits_for_the_store(self) -> None:
        """And is a version as soon as it is there."""
        self.store.go_away()
        self.follower.use_own(bundle(), "node n1", "its file")
        self.assertEqual(self.follower.standing.version, 0)
        self.store.come_back()
        self.clock.advance(1)
        self.assertEqual(self.follower.standing.version, 1)
        self.assertEqual(self.taken, [])

    def test_an_own_file_comes_while_a_version_is_read(self) -> None:
        """The file is what counts."""
        self.add()
        waiting = self.put_off()
        self.follower.look()
        self.follower._run = self.run_now
        self.follower.use_own(bundle(NETWORK + "# own\n"), "node n1", "its file")
        result, work = waiting[0]
        result.callback(work())
        self.clock.advance(0)
        self.assertEqual((self.taken, self.follower.standing.version), ([], 2))

    def test_another_one_is_quicker_than_an_own_file(self) -> None:
        """The file is applied after it."""
        versions = type(self.store.versions)
        add = versions.add
        late: list[int] = []

        def first(this: Any, *args: Any) -> Any:
            if not late:
                late.append(1)
                other = bundle(NETWORK + "# other\n")
                add(this, other.pack(), "bob", "why", other.sha256, 0)
            return add(this, *args)

        self.patch(versions, "add", first)
        self.follower.use_own(bundle(), "node n1", "its file")
        self.clock.advance(0)
        self.assertEqual(self.follower.standing.version, 2)
        (newest, older) = self.successResultOf(self.store.versions.newest(9))
        self.assertEqual((newest.by, older.by), ("node n1", "bob"))

    def test_an_own_file_that_is_too_large_stays_here(self) -> None:
        """It is told, and the store's versions are followed."""
        self.patch(Bundle, "pack", lambda self: (_ for _ in ()).throw(BundleError("too large")))
        self.follower.use_own(bundle(), "node n1", "its file")
        self.assertEqual(self.follower.standing.version, 0)
        self.assertEqual(self.successResultOf(self.store.versions.number()), 0)

    def test_a_fault_while_following_is_logged(self) -> None:
        """And does not end it."""
        versions = type(self.store.versions)
        with_number = versions.number
        self.patch(versions, "number", lambda self: fail(RuntimeError("no")))
        self.follower.look()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.patch(versions, "number", with_number)
        self.add()
        self.clock.advance(1)
        self.assertEqual(len(self.taken), 1)

    def test_a_namesake_is_told_once(self) -> None:
        """Two processes with one name harm each other's receipts."""
        twin = MemoryStore(self.clock, "n1", self.world)
        self.successResultOf(twin.start())
        self.follower.beat()
        for _ in range(3):
            self.successResultOf(twin.beat({}))
            self.follower.beat()
        self.assertTrue(self.follower._has_namesake)
