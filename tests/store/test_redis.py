"""The store on a real server keeps the contract."""

from __future__ import annotations

import atexit
from struct import pack
from typing import Any

import msgpack
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from smppproxy.store import open_store
from smppproxy.store.interface import DUPLICATE, PARKED, QUEUED, Store
from tests.support.redis_server import RedisServer

from .contract import FINAL_TTL, TTL, Contract, arrival, enroute, later, mapping, part
from .contract_ends import LeaseContract, LossContract, OverdueContract, TouchContract
from .contract_groups import GroupContract, LateContract, SharedContract

_shared: list[RedisServer] = []

QUEUED_ONE = [(QUEUED, b"r:alpha")]


def shared_server() -> RedisServer:
    """One server for all tests of this process that leave it as it was."""
    if not _shared:
        _shared.append(RedisServer().start())
        atexit.register(_shared[0].close)
    return _shared[0]


class ServerTestCase(TestCase):
    """A server that is empty before each test."""

    timeout = 240
    store: Any

    def setUp(self):
        self.server = shared_server()
        self.server.command("FLUSHALL")
        self.store = self.open("node")
        return self.store.start()

    def open(self, node: str = "node", more: str = "?deadline=10") -> Any:
        """A store that is stopped after the test."""
        store = open_store(self.server.url + more, node, reactor)
        self.addCleanup(store.stop)
        return store

    async def new_store(self, node: str) -> Store:
        store: Store = self.open(node)
        await store.start()
        return store

    def life(self, key: str) -> int:
        """Seconds until a map of provider north is looked at because it ends."""
        now = int(self.server.command("TIME")[0])
        found = self.server.command("ZRANGE", "smppproxy:me:north", 0, -1, "WITHSCORES")
        ends = [
            int(end)
            for ids, end in zip(found[::2], found[1::2], strict=True)
            if key.encode() in msgpack.unpackb(ids, raw=True)
        ]
        return min(ends) - now

    async def pause(self) -> None:
        await later(reactor, 0.05)

    async def a_second(self) -> None:
        await later(reactor, 1.01)


class RedisContractTests(ServerTestCase, Contract, LeaseContract, LossContract, TouchContract):
    """The whole contract, and what only a real server can show."""

    async def test_d10_a_final_receipt_shortens_the_life_of_its_map(self):
        """Every map has its time to live; a final receipt makes it shorter, never longer."""
        await self.record(mapping(b"1"), mapping(b"2"), mapping(b"3"))
        self.assertIn(self.life("1"), range(TTL - 20, TTL + 1))
        await self.match(arrival(b"1"))
        self.assertIn(self.life("1"), range(FINAL_TTL - 20, FINAL_TTL + 1))
        await self.store.match(b"north", [arrival(b"2")], TTL * 9, {})
        self.assertIn(self.life("2"), range(TTL - 20, TTL + 1))
        await self.match(enroute(b"3"), arrival(b"3"))
        self.assertIn(self.life("3"), range(FINAL_TTL - 20, FINAL_TTL + 1))

    async def test_maps_that_ended_take_no_room(self):
        """They leave with the next maps of their provider, or with a sweep; those that live on
        under an id that was used before stay."""
        here = ("HKEYS", "smppproxy:mm:north")
        await self.store.record(b"north", [mapping(b"1"), mapping(b"2")], 1, {})
        await self.store.record(b"north", [mapping(b"2", destination=b"70000002")], 50, {})
        await self.a_second()
        await self.a_second()
        await self.record(mapping(b"3"))
        self.assertEqual(sorted(self.server.command(*here)), [b"2", b"3"])
        self.assertEqual(await self.match(arrival(b"2", destination=b"70000002")), QUEUED_ONE)
        await self.store.record(b"north", [mapping(b"%d" % each) for each in range(4, 9)], 1, {})
        await self.a_second()
        await self.a_second()
        self.assertEqual(await self.store.sweep({}), {})
        self.assertEqual(sorted(self.server.command(*here)), [b"2", b"3"])
        self.assertEqual(self.server.command("ZCARD", "smppproxy:me:north"), 2)

    async def test_an_ended_map_is_not_met(self):
        """Also while nobody has taken it away: its receipt is parked, its id free for another."""
        await self.store.record(b"north", [mapping(b"1"), mapping(b"2", late=True)], 1, {})
        await self.a_second()
        await self.a_second()
        parked = await self.match(arrival(b"1"), arrival(b"2"))
        self.assertEqual(parked, [(PARKED, b"")] * 2)
        released = await self.record(mapping(b"1", account=b"beta"))
        self.assertEqual(released, [(QUEUED, b"r:beta")])

    async def test_two_messages_of_one_call_under_one_id(self):
        """A provider gives an id twice in one read: both maps are there (F75)."""
        one, other = mapping(b"1"), mapping(b"1", destination=b"70000002", account=b"beta")
        await self.record(one, mapping(b"2"), other, one)
        found = await self.match(arrival(b"1", destination=b"70000002"), arrival(b"1"))
        self.assertEqual(found, [(QUEUED, b"r:beta"), (QUEUED, b"r:alpha")])

    async def test_maps_of_earlier_versions_are_met(self):
        """Each had a key of its own; when something comes for it, it moves to where maps are."""
        head = pack(">BIBBB", 1, int(self.server.command("TIME")[0]) + TTL, 0, 0, 0)
        old = head + b"\7\5alpha\x0870000001origin"
        self.server.command("SET", "smppproxy:m:north:1", old, "EX", TTL)
        self.server.command("SET", "smppproxy:m:north:2", old, "EX", TTL)
        found = await self.match(enroute(b"1"), arrival(b"2"))
        self.assertEqual(found, QUEUED_ONE * 2)
        self.assertEqual(self.server.command("EXISTS", "smppproxy:m:north:1"), 0)
        self.assertIn(self.life("1"), range(TTL - 20, TTL + 1))
        self.assertIn(self.life("2"), range(FINAL_TTL - 20, FINAL_TTL + 1))
        again = await self.match(arrival(b"1"), arrival(b"2"))
        self.assertEqual(again, [*QUEUED_ONE, (DUPLICATE, b"")])
        self.assertEqual([each.origin for each in await self.fetch()], [b"origin"] * 3)

    async def test_a_read_of_messages_takes_four_round_trips(self):
        """Maps, match, fetch and ack of 50 messages: one call for each of the four, counted as
        store_call_seconds counts them; a look at the maps is a fifth where another node recorded
        them. With 1.5 a message a node would be far too slow.
        """
        other = await self.new_store("other")
        for recorder, calls in ((self.store, 4), (other, 5)):
            ids = [b"%d" % number for number in range(50)]
            before = self.store.times.count + other.times.count
            await recorder.record(b"north", [mapping(each) for each in ids], TTL, {})
            await self.match(*map(arrival, ids))
            entries = await self.fetch()
            names = [(each.queue, each.entry_id) for each in entries]
            self.assertEqual(await self.store.ack(names), len(ids))
            self.assertEqual(self.store.times.count + other.times.count - before, calls)
            self.server.command("FLUSHALL")

    async def test_answers_are_timed(self):
        """Each call by how long its answer took; those that are out are counted."""
        before = self.store.times.count
        calls = [self.store.ages([b"m:alpha"]) for _ in range(3)]
        self.assertEqual((self.store.outstanding, self.store.times.count), (3, before))
        for call in calls:
            self.assertEqual(await call, [0.0])
        self.assertEqual((self.store.outstanding, self.store.times.count), (0, before + 3))
        self.assertTrue(0 < self.store.times.total < 5)


class RedisGroupTests(ServerTestCase, GroupContract, SharedContract, LateContract, OverdueContract):
    """The contract of groups, and what becomes of their keys."""

    async def test_groups_leave_nothing_behind(self):
        """Every key has an end: as long as its maps while open, shorter when it is complete."""
        server = self.server
        await self.record(part(1, 2), part(2, 2), mapping(b"3", remind=True))
        await self.match(arrival(b"1"))
        for key in "23":
            self.assertIn(self.life(key), range(TTL + 3580, TTL + 3601))
        self.assertIn(server.command("TTL", "smppproxy:g:5:alphag"), (TTL + 3599, TTL + 3600))
        self.assertEqual(server.command("ZCARD", "smppproxy:due"), 2)
        await self.match(arrival(b"2"), arrival(b"3"))
        for key in "23":
            self.assertIn(self.life(key), range(FINAL_TTL - 20, FINAL_TTL + 1))
        self.assertIn(server.command("TTL", "smppproxy:g:5:alphag"), (FINAL_TTL - 1, FINAL_TTL))
        self.assertEqual(server.command("EXISTS", "smppproxy:due"), 0)

    async def test_a_plain_map_is_short(self):
        """What a group, a reminder or a late receipt needs is stored only where it is wanted."""
        await self.record(mapping(b"1"), mapping(b"2", late=True))
        plain, late = self.server.command("HMGET", "smppproxy:mm:north", "1", "2")
        self.assertEqual(plain[:1] + late[:1], b"\4\3")
        static = 2 + 5 + 1 + 8 + 6
        self.assertEqual((len(plain), len(late)), (5 + static + 1, 8 + static + 6))

    async def test_mg28_leases_end_by_themselves(self):
        """The key of an account without binds goes with its last lease."""
        await self.store.take_bind(b"a", b"1", 9, 30)
        await self.store.take_bind(b"a", b"2", 9, 5)
        self.assertIn(self.server.command("TTL", "smppproxy:b:a"), (29, 30))
        await self.store.drop_binds([(b"a", b"1"), (b"a", b"2")])
        self.assertEqual(self.server.command("EXISTS", "smppproxy:b:a"), 0)
