"""The store on a real server keeps the contract."""

from __future__ import annotations

import atexit
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from smppproxy.store import open_store
from smppproxy.store.interface import Store
from tests.support.redis_server import RedisServer

from .contract import FINAL_TTL, TTL, Contract, arrival, later, mapping

_shared: list[RedisServer] = []


def shared_server() -> RedisServer:
    """One server for all tests of this process that leave it as it was."""
    if not _shared:
        _shared.append(RedisServer().start())
        atexit.register(_shared[0].close)
    return _shared[0]


class ServerTestCase(TestCase):
    """A server that is empty before each test."""

    timeout = 30
    store: Any

    def setUp(self):
        self.server = shared_server()
        self.server.command("FLUSHALL")
        self.store = self.open("node")
        return self.store.start()

    def open(self, node: str = "node", more: str = "") -> Any:
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


class RedisContractTests(ServerTestCase, Contract):
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
