"""The store on a real server keeps the contract."""

from __future__ import annotations

import atexit
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from smppproxy.store import open_store
from smppproxy.store.interface import Store
from tests.support.redis_server import RedisServer

from .contract import FINAL_TTL, TTL, Contract, arrival, later, mapping, part
from .contract_ends import LeaseContract, LossContract, OverdueContract, TouchContract
from .contract_groups import GroupContract, LateContract, SharedContract

_shared: list[RedisServer] = []


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

    async def pause(self) -> None:
        await later(reactor, 0.05)

    async def a_second(self) -> None:
        await later(reactor, 1.01)


class RedisContractTests(ServerTestCase, Contract, LeaseContract, LossContract, TouchContract):
    """The whole contract, and what only a real server can show."""

    async def test_d10_a_final_receipt_shortens_the_life_of_its_map(self):
        """Every key has its time to live; a final receipt makes it shorter, never longer."""
        server = self.server
        await self.record(mapping(b"1"), mapping(b"2"))
        self.assertIn(server.command("TTL", "smppproxy:m:north:1"), (TTL - 1, TTL))
        await self.match(arrival(b"1"))
        self.assertIn(server.command("TTL", "smppproxy:m:north:1"), (FINAL_TTL - 1, FINAL_TTL))
        await self.store.match(b"north", [arrival(b"2")], TTL * 9, {})
        self.assertIn(server.command("TTL", "smppproxy:m:north:2"), (TTL - 1, TTL))

    async def test_a_read_of_messages_takes_four_round_trips(self):
        """Maps, match, fetch and ack of 50 messages: one call for each of the four, counted as
        store_call_seconds counts them. With 1.5 a message a node would be far too slow.
        """
        ids = [b"%d" % number for number in range(50)]
        before = self.store.times.count
        await self.record(*map(mapping, ids))
        await self.match(*map(arrival, ids))
        entries = await self.fetch()
        names = [(each.queue, each.entry_id) for each in entries]
        self.assertEqual(await self.store.ack(names), len(ids))
        self.assertEqual(self.store.times.count - before, 4)

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
        for key in ("m:north:2", "m:north:3", "g:5:alphag"):
            life = server.command("TTL", "smppproxy:" + key)
            self.assertIn(life, (TTL + 3599, TTL + 3600))
        self.assertEqual(server.command("ZCARD", "smppproxy:due"), 2)
        await self.match(arrival(b"2"), arrival(b"3"))
        for key in ("m:north:2", "m:north:3", "g:5:alphag"):
            life = server.command("TTL", "smppproxy:" + key)
            self.assertIn(life, (FINAL_TTL - 1, FINAL_TTL))
        self.assertEqual(server.command("EXISTS", "smppproxy:due"), 0)

    async def test_a_plain_map_is_as_short_as_before(self):
        """What a group, a reminder or a late receipt needs is stored only where it is wanted."""
        await self.record(mapping(b"1"), mapping(b"2", late=True))
        self.assertEqual(self.server.command("GET", "smppproxy:m:north:1")[:1], b"\1")
        plain, late = (self.server.command("STRLEN", f"smppproxy:m:north:{key}") for key in (1, 2))
        self.assertEqual((plain, late), (8 + 2 + 5 + 1 + 8 + 6, plain + 6))

    async def test_mg28_leases_end_by_themselves(self):
        """The key of an account without binds goes with its last lease."""
        await self.store.take_bind(b"a", b"1", 9, 30)
        await self.store.take_bind(b"a", b"2", 9, 5)
        self.assertIn(self.server.command("TTL", "smppproxy:b:a"), (29, 30))
        await self.store.drop_binds([(b"a", b"1"), (b"a", b"2")])
        self.assertEqual(self.server.command("EXISTS", "smppproxy:b:a"), 0)
