"""Versions of the network: on a real server, in memory, and when something breaks."""

from __future__ import annotations

from twisted.internet import reactor

from smppproxy.store import open_store

from .contract_cluster import VersionsContract
from .relay import Relay
from .test_faults import FaultTestCase
from .test_memory import MemoryTestCase
from .test_redis import ServerTestCase


class RedisVersionsTests(ServerTestCase, VersionsContract):
    """The contract, and what only a server can show."""

    async def test_versions_are_kept_for_ever(self):
        """They have no time to live."""
        await self.add(0)
        for key in ("version", "versions", "version:1"):
            self.assertEqual(self.server.command("TTL", "smppproxy:" + key), -1)


class MemoryVersionsTests(MemoryTestCase, VersionsContract):
    """The contract."""


class BrokenVersionsTests(FaultTestCase):
    """Connections and servers."""

    async def test_a_version_whose_answer_is_lost_is_added_once(self):
        """The next try gets the first one's result."""
        relay = Relay(reactor, self.server.path)
        await relay.start()
        self.addCleanup(relay.stop)
        store = open_store(f"redis+unix://{relay.path}?deadline=0.5", "node", reactor)
        self.addCleanup(store.stop)
        await store.start()
        relay.swallow = 1
        added = await store.versions.add(b"1", "ann", "why", "", 0)
        self.assertEqual((added, relay.swallow), ((True, 1), 0))
        self.assertEqual(await store.versions.number(), 1)

    async def test_f79_versions_outlive_the_server(self):
        """Killed and started again, it has them."""
        server = self.own_server()
        store = self.open_at(server)
        await store.start()
        await store.versions.add(b"1", "ann", "why", "", 0)
        server.restart()
        await self.until(lambda: not store.ready)
        await self.until(lambda: store.ready)
        self.assertEqual((await store.versions.get(1))[1], b"1")

    async def test_without_a_store_nothing_is_read(self):
        """Reading is not tried again."""
        store = self.open_at(self.server)
        for call in (store.versions.number(), store.versions.get(1), store.versions.newest(1)):
            error = await self.fails(call)
            self.assertEqual((error.fate, error.reason), ("not_sent", "away"))
