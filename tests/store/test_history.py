"""Counts of hours and what is held of a message: both stores keep the contract."""

from __future__ import annotations

from smppproxy.store.history import COUNTS_KEPT

from .contract_history import HOUR, HistoryContract
from .test_memory import MemoryTestCase
from .test_redis import ServerTestCase


class MemoryHistoryTests(MemoryTestCase, HistoryContract):
    """The contract, and what needs a clock that can be set."""

    def setUp(self):
        started = super().setUp()
        self.clock.rightNow = 1000.0
        return started

    async def test_counts_go_after_a_month(self):
        """An hour is forgotten when nobody asks for it any more."""
        old = (HOUR, "alpha", "acme", "45", "ESME_ROK")
        await self.store.add_counts({old: 1})
        self.clock.advance(COUNTS_KEPT + 2 * HOUR)
        await self.store.add_counts({})
        self.assertEqual(await self.store.counts([HOUR]), {})


class RedisHistoryTests(ServerTestCase, HistoryContract):
    """The contract, and what only a server shows."""

    async def test_counts_go_after_a_month(self):
        """The counts of an hour go by themselves."""
        await self.store.add_counts({(HOUR, "alpha", "acme", "45", "ESME_ROK"): 1})
        ttl = self.server.command("TTL", f"smppproxy:n:{HOUR}")
        self.assertIn(ttl, (COUNTS_KEPT, COUNTS_KEPT - 1))
