"""The store in a real cluster: it keeps the contract, and finds its slot wherever that goes."""

from __future__ import annotations

import atexit
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.store import open_store
from smppproxy.store.interface import QUEUED, Arrival, StoreError
from smppproxy.store.slots import slot_of
from tests.support.masters import NEVER_DOWN, Masters, Member

from . import (
    contract,
    contract_budgets,
    contract_cluster,
    contract_ends,
    contract_groups,
    contract_history,
    contract_leftovers,
)
from .contract import FINAL_TTL, TTL, arrival, later, mapping
from .test_faults import FaultTestCase
from .test_leftovers import park_unseen
from .test_redis import ServerTestCase

NETWORK = "net"
PREFIX = "{net}:smppproxy:"
QUEUE = b"r:alpha"
QUICK = 1000
"""Milliseconds of silence after which a master is taken for one that is gone."""

_shared: list[Masters] = []


def shared_masters() -> Masters:
    """One cluster for all tests of this process that leave it as it was; the network's slot is the
    only one of its master, so every key of every script has to be in it.
    """
    if not _shared:
        masters = Masters(NETWORK, alone=True)
        atexit.register(masters.close)
        _shared.append(masters.start())
    return _shared[0]


class ClusterTestCase(ServerTestCase):
    """A cluster that is empty before each test. ``server`` is the master of the network's slot."""

    server: Member

    def setUp(self):
        self.masters = shared_masters()
        for server in self.masters.servers:
            server.command("FLUSHALL")
        self.server = self.masters.master()
        self.store = self.open("node")
        return self.store.start()

    def open(self, node: str = "node", more: str = "?deadline=10") -> Any:
        """A store that is stopped after the test."""
        store = open_store(self.masters.url(more), node, reactor)
        self.addCleanup(store.stop)
        return store


class ContractTests(
    ClusterTestCase,
    contract.Contract,
    contract_ends.LeaseContract,
    contract_ends.LossContract,
    contract_ends.TouchContract,
):
    """The contract."""


class GroupTests(
    ClusterTestCase,
    contract_groups.GroupContract,
    contract_groups.SharedContract,
    contract_groups.LateContract,
    contract_ends.OverdueContract,
):
    """The contract of groups."""


class LeftoverTests(ClusterTestCase, contract_leftovers.LeftoverContract):
    """The contract of what has no owner yet."""

    async def park_unseen(self, provider: bytes, *arrivals: Arrival) -> None:
        park_unseen(self.server, provider, *arrivals, prefix=PREFIX)


class NodesTests(
    ClusterTestCase,
    contract_budgets.BudgetContract,
    contract_cluster.NodesContract,
    contract_cluster.VersionsContract,
    contract_history.HistoryContract,
):
    """The contract of what nodes share."""


class BusTests(ClusterTestCase, contract_cluster.BusContract):
    """The contract of the bus."""


class WholeTests(SynchronousTestCase):
    """No part of the contract is forgotten here."""

    def test_all_of_the_contract(self):
        """Each class of it is mixed into one of these tests."""
        known = {each for each in contract.Uses.__subclasses__() if ".contract" in each.__module__}
        here = (ContractTests, GroupTests, LeftoverTests, NodesTests, BusTests)
        self.assertEqual(known, known & {part for each in here for part in each.__mro__})
        self.assertEqual(14, len(known))


class NetworkTests(ClusterTestCase):
    """Several networks in one cluster, and URLs that do not fit."""

    async def test_networks_divide_over_the_masters(self) -> None:
        """Each has its slot: nothing of it is elsewhere, and none sees another's."""
        names = ("north", NETWORK, "south")
        self.assertEqual(self.masters.servers, [self.masters.master(name) for name in names])
        for name in names:
            store = open_store(self.masters.url(network=name), "node", reactor)
            self.addCleanup(store.stop)
            await store.start()
            self.assertEqual(1, await store.take_numbers(b"one", 1))
        for server, name in zip(self.masters.servers, names, strict=True):
            tags = {key.partition(b":")[0] for key in server.command("KEYS", "*")}
            self.assertEqual({f"{{{name}}}".encode()}, tags)

    async def test_a_prefix_of_its_own(self) -> None:
        """Stands behind the tag."""
        store = self.open("node", "?prefix=x:")
        await store.start()
        await store.take_numbers(b"one", 1)
        self.assertEqual({b"{net}:x:"}, {key[:8] for key in self.server.command("KEYS", "*x:*")})

    async def test_one_server_that_is_asked_is_enough(self) -> None:
        """Wherever the slot is; the log says where."""
        for server in self.masters.servers:
            store = open_store(self.masters.url(of=[server]), "node", reactor)
            self.addCleanup(store.stop)
            with capturedLogs() as told:
                await store.start()
            (at,) = [each["at"] for each in told if each.get("event") == "store_connected"]
            self.assertEqual(f"127.0.0.1:{self.server.port}", at)

    async def test_a_user_of_one_network(self) -> None:
        """Who may touch the keys and channels with its tag needs no other, and has no other."""
        rights = ("on", ">pw", "+@all", "-@admin", "-@dangerous", "+info", "~{net}:*", "&{net}:*")
        for server in self.masters.servers:
            self.assertEqual(b"OK", server.command("ACL", "SETUSER", "us", *rights))
            self.addCleanup(server.command, "ACL", "DELUSER", "us")
        mine, other = (self.as_user(self.masters.url(network=name)) for name in (NETWORK, "south"))
        await mine.start()
        self.assertEqual(1, await mine.take_numbers(b"one", 1))
        mine.bus.answer(b"who", lambda payload: b"me")
        while len(await mine.bus.ask(b"who", b"", 5.0)) < 1 or not mine.bus.connected:
            await self.pause()
        other.start()
        while "NOPERM" not in other._complaint:
            await self.pause()
        self.assertFalse(other.ready)

    def as_user(self, url: str) -> Any:
        """A store of that user."""
        store = open_store(url.replace("://", "://us:pw@"), "node", reactor)
        self.addCleanup(store.stop)
        return store

    async def test_a_url_of_one_server(self) -> None:
        """Is refused, with what to write: scripts would work only as long as no slot moves."""
        store = open_store(self.server.url, "node", reactor)
        self.addCleanup(store.stop)
        with self.assertRaisesRegex(StoreError, "part of a cluster: write redis.cluster://"):
            await store.start()


class Traffic:
    """Messages that are recorded and get their receipts, several at a time, until the end."""

    def __init__(self, store: Any, loops: int = 4) -> None:
        self._store = store
        self._goes_on = True
        self.done = 0
        self.running = [Deferred.fromCoroutine(self._run(each)) for each in range(loops)]

    async def _run(self, which: int) -> None:
        number = 0
        while self._goes_on:
            number += 1
            key = b"%d-%d" % (which, number)
            await self._store.record(b"north", [mapping(key)], TTL, {}, patience=None)
            found = await self._store.match(b"north", [arrival(key)], FINAL_TTL, {})
            assert found == [(QUEUED, QUEUE)], found
            self.done += 1

    async def end(self) -> int:
        """How many there were."""
        self._goes_on = False
        await gatherResults(self.running)
        return self.done


class MovingCase(FaultTestCase):
    """A cluster of the test's own."""

    masters: Masters
    server: Member

    def setUp(self):
        pass

    def cluster(self, replicas: int = 0, node_timeout: int = NEVER_DOWN) -> None:
        self.masters = Masters(NETWORK, replicas, node_timeout)
        self.addCleanup(self.masters.close)
        self.masters.start()
        self.server = self.masters.master()

    async def new(
        self, node: str = "node", level: str = "process", of: list[Member] | None = None
    ) -> Any:
        """A store that is ready."""
        url = self.masters.url("?deadline=2", of=of)
        store = open_store(url, node, reactor, level)
        self.addCleanup(store.stop)
        await store.start()
        await self.until(lambda: store.ready)
        return store

    async def more(self, traffic: Traffic, count: int = 100) -> None:
        """So many more are done."""
        goal = traffic.done + count
        await self.until(lambda: traffic.done >= goal)

    async def check(self, store: Any, traffic: Traffic) -> None:
        """Each receipt is queued, and once."""
        count = await traffic.end()
        self.assertEqual([(count, 0)], await store.sizes([QUEUE]))
        fetched = await store.fetch([(QUEUE, 100_000)])
        self.assertEqual(count, len({each.origin + each.entry_id for each in fetched}))

    async def at(self, store: Any, server: Member) -> None:
        """It is connected to this server, and ready."""

        def is_there() -> bool:
            return bool(store.ready and store._link.transport.getPeer().port == server.port)

        await self.until(is_there)


class MovedTests(MovingCase):
    """The slot is moved to another master while calls are under way."""

    async def test_key_by_key(self) -> None:
        """While it is on its way the store is away, and says so; then all goes on at the other
        master, and nothing was lost or done twice.
        """
        self.cluster()
        store = await self.new()
        traffic = Traffic(store)
        await self.more(traffic)
        to = self.masters.others()[0]
        with capturedLogs() as told:
            await self.move(store, to)
        why = {each["reason"] for each in told if each.get("event") == "store_away"}
        slot = slot_of(NETWORK.encode())
        self.assertEqual(
            {f"slot {slot} is being moved: 127.0.0.1:{to.port} takes keys of it"}, why
        )
        await self.at(store, to)
        await self.more(traffic)
        await self.check(store, traffic)
        self.assertEqual([], self.server.command("KEYS", "*"))

    async def move(self, store: Any, to: Member) -> None:
        """Its slot, slowly enough for the store to see it on its way."""
        for left in self.masters.moving(to):
            await later(reactor, 0.02)
            if left > 1:
                await self.until(lambda: not store.ready)

    async def test_those_that_are_asked_do_not_know_of_the_move(self) -> None:
        """Then the master says so itself, to each who connects."""
        self.cluster()
        store = await self.new(of=[self.server])
        traffic = Traffic(store)
        await self.more(traffic)
        to = self.masters.others()[0]
        with capturedLogs() as told:
            await self.move(store, to)
        why = [each["reason"] for each in told if each.get("event") == "store_away"]
        self.assertIn("it does not serve the network's slot: ASK", why[0])
        await self.at(store, to)
        await self.more(traffic)
        await self.check(store, traffic)

    async def test_the_master_is_lost_on_the_way(self) -> None:
        """Its replica takes over, and does not know, or does, that keys are missing: nothing runs
        until the move is over, and nothing is lost.
        """
        self.cluster(1, QUICK)
        store = await self.new()
        traffic = Traffic(store)
        await self.more(traffic)
        heir, (to, third) = self.masters.replicas()[0], self.masters.others()
        moving = self.masters.moving(to)
        next(moving)
        next(moving)
        await self.until(lambda: not store.ready)
        there = int(self.server.fields()[b"master_repl_offset"])
        await self.until(lambda: int(heir.fields()[b"slave_repl_offset"]) >= there)
        before = traffic.done
        self.server.kill()
        await self.until(lambda: self.masters.master(of=third) is heir)
        with capturedLogs() as told:
            await self.until(lambda: sum("attempt" in each for each in told) > 2)
        self.assertEqual((False, before), (store.ready, traffic.done))
        for _ in self.masters.moving(to, heir):
            pass
        await self.at(store, to)
        await self.more(traffic)
        await self.check(store, traffic)

    async def test_nothing_runs_half_way(self) -> None:
        """A receipt's map is there, its queue is not: a script that began would take the map and
        then find that the queue may be elsewhere. It does not begin.
        """
        self.cluster()
        store = await self.new()
        await store.record(b"north", [mapping(b"1")], TTL, {})
        to = self.masters.others()[0]
        next(self.masters.moving(to))
        found = store.match(b"north", [arrival(b"1")], FINAL_TTL, {})
        await self.until(lambda: not store.ready or found.called)
        self.assertEqual(1, self.server.command("HEXISTS", f"{PREFIX}mm:north", "1"))
        self.masters.stay(to)
        self.assertEqual([(QUEUED, QUEUE)], await found)
        self.assertEqual([(1, 0)], await store.sizes([QUEUE]))

    async def test_all_at_once(self) -> None:
        """As newer servers move it, with a word of their own: the store is hardly away."""
        self.cluster()
        to = self.masters.others()[0]
        store = await self.new()
        traffic = Traffic(store)
        await self.more(traffic)
        self.masters.move_at_once(to)
        await self.at(store, to)
        await self.more(traffic)
        await self.check(store, traffic)

    async def test_an_idle_store_follows(self) -> None:
        """Within its next look at the server; words to other nodes go on."""
        self.cluster()
        one, two = await self.new("one"), await self.new("two")
        heard: list[bytes] = []
        two.bus.hear(b"t", lambda node, payload: heard.append(payload))
        await self.until(lambda: two.bus.connected)
        to = self.masters.others()[0]
        for _ in self.masters.moving(to):
            pass
        await self.at(one, to)
        await self.at(two, to)
        await self.until(lambda: self.listeners(to) == 2)
        one.bus.announce(b"t", b"1")
        await self.until(lambda: heard == [b"1"])
        self.assertEqual(0, self.listeners(self.server))

    def listeners(self, server: Member) -> int:
        """How many channels somebody listens to: of two nodes, of which one listens, two."""
        return len(server.command("PUBSUB", "CHANNELS"))


class FailoverTests(MovingCase):
    """Another server becomes the slot's master."""

    async def test_f86_the_master_is_killed(self) -> None:
        """Its replica takes over: what was promised at level ``replica`` is there, nothing is done
        twice, and nodes hear each other again.
        """
        self.cluster(1, QUICK)
        store, other = await self.new(level="replica"), await self.new("other", "replica")
        heard: list[bytes] = []
        other.bus.hear(b"t", lambda node, payload: heard.append(payload))
        traffic = Traffic(store)
        await self.more(traffic)
        heir = self.masters.replicas()[0]
        self.server.kill()
        await self.until(lambda: self.masters.master() is heir)
        await self.until(lambda: not store.ready)
        # It has no replica of its own until the old master is back.
        self.server.start()
        await self.at(store, heir)
        await self.more(traffic)
        await self.check(store, traffic)
        await self.at(other, heir)
        await self.until(lambda: store.bus.announce(b"t", b"1") or heard)

    async def test_a_failover_by_hand(self) -> None:
        """Master and replica change places under traffic: nothing is lost at any level."""
        self.cluster(1)
        store = await self.new()
        traffic = Traffic(store)
        await self.more(traffic)
        heir = self.masters.replicas()[0]
        heir.cluster("FAILOVER")
        await self.at(store, heir)
        await self.more(traffic)
        await self.check(store, traffic)

    async def test_the_rest_is_cut_off(self) -> None:
        """A master that does not see most of the others stops: the store is away, and says why;
        calls wait, and are done when the others are back.
        """
        self.cluster(0, QUICK)
        store = await self.new()
        others = self.masters.others()
        for each in others:
            each.freeze()
            self.addCleanup(each.thaw)
        await self.until(lambda: not store.ready)
        await self.until(lambda: "CLUSTERDOWN" in store._complaint)
        recorded = store.record(b"north", [mapping(b"1")], TTL, {}, patience=None)
        error = await self.fails(store.take_numbers(b"one", 1))
        self.assertEqual(("not_sent", "away"), (error.fate, error.reason))
        for each in others:
            each.thaw()
        self.assertEqual([], await recorded)
        self.assertTrue(store.ready)

    async def test_those_that_the_url_names_are_gone(self) -> None:
        """The servers that had the slot when it was last found know where it is."""
        self.cluster(1, QUICK)
        named, _ = self.masters.others()
        heir = self.masters.replicas()[0]
        store = await self.new(of=[named])
        named.kill()
        heir.cluster("FAILOVER")
        await self.at(store, heir)


class AskedTests(FaultTestCase):
    """Who is asked for the master may not know one."""

    def setUp(self):
        pass

    async def test_a_server_without_a_cluster(self) -> None:
        """It is named, with its own words; once, as long as nothing changes."""
        lonely = Member("--cluster-enabled", "no")
        self.addCleanup(lonely.close)
        lonely.start()
        with capturedLogs() as told:
            store = open_store(f"redis+cluster://127.0.0.1:{lonely.port}/net", "node", reactor)
            self.addCleanup(store.stop)
            store.start()
            await self.until(lambda: sum("attempt" in each for each in told) > 2)
        (away,) = [each["reason"] for each in told if each.get("event") == "store_away"]
        self.assertIn(f"who has slot {slot_of(b'net')}; 127.0.0.1:{lonely.port}: ERR ", away)
        self.assertIn("cluster support disabled", away)

    async def test_a_cluster_without_the_slot(self) -> None:
        """Nobody has it yet; when somebody takes it, all goes on."""
        server = Member()
        self.addCleanup(server.close)
        server.start()
        url = f"redis+cluster://127.0.0.1:{server.port},127.0.0.1:1/net"
        store = open_store(url, "node", reactor)
        self.addCleanup(store.stop)
        with capturedLogs() as told:
            started = store.start()
            await self.until(lambda: any("nobody" in str(each.get("reason")) for each in told))
        server.cluster("ADDSLOTSRANGE", 0, 16383)
        await started
        self.assertTrue(store.ready)
