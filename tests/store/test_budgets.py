"""Shared limits and operators' wishes: on a real server, in memory, and both the same."""

from __future__ import annotations

import random

from twisted.internet.task import Clock

from smppproxy.store.budgets import Demand, Grant
from smppproxy.store.memory import MemoryStore
from smppproxy.store.world import World

from .contract_budgets import BudgetContract
from .test_memory import MemoryTestCase
from .test_redis import ServerTestCase


class RedisBudgetTests(ServerTestCase, BudgetContract):
    """The contract, and what only a server can show."""

    async def test_parts_end_and_wishes_do_not(self):
        """A budget that nobody asks for any more is forgotten; what operators said is not."""
        await self.store.share([Demand(b"a:x", 10.0, 0.0, 0.0)], [], 10.0)
        self.assertIn(self.server.command("TTL", "smppproxy:s:a:x"), (9, 10))
        await self.store.wishes({b"w": b"up"})
        self.assertEqual(self.server.command("TTL", "smppproxy:wishes"), -1)

    async def test_agrees_with_the_one_in_memory(self):
        """Random demands of three nodes: the same grants, step by step."""
        clock = Clock()
        world = World(clock.seconds)
        pick = random.Random(5)
        pairs = []
        for node_name in ("one", "two", "three"):
            memory = MemoryStore(clock, node_name, world)
            await memory.start()
            pairs.append((await self.new_store(node_name), memory))
        held: dict[tuple[int, bytes], float] = {}
        for _ in range(200):
            node = pick.randrange(3)
            names = pick.sample((b"a:x", b"p:y"), pick.choice((1, 2)))
            gone = [b"a:x"] if names == [b"p:y"] and pick.random() < 0.3 else []
            demands = [
                Demand(
                    name, 100.0, float(pick.choice((0, 1, 50, 333))), held.get((node, name), 0.0)
                )
                for name in names
            ]
            real, memory = pairs[node]
            found = await real.share(demands, gone, 600.0)
            expected = await memory.share(demands, gone, 600.0)
            self.assertEqual(self.rounded(found), self.rounded(expected))
            for name in gone:
                held.pop((node, name), None)
            for name, grant in expected.items():
                held[node, name] = grant.rate
            for name in (b"a:x", b"p:y"):
                total = sum(held.get((each, name), 0.0) for each in range(3))
                self.assertLessEqual(total, 100.0 + 1e-9)

    def rounded(self, grants: dict[bytes, Grant]) -> dict[bytes, tuple[float, float, int]]:
        """Without the last bits of a float."""
        return {
            name: (round(grant.rate, 6), round(grant.target, 6), grant.others)
            for name, grant in grants.items()
        }


class MemoryBudgetTests(MemoryTestCase, BudgetContract):
    """The contract."""
