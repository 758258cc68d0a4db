"""The contract of shared limits and of operators' wishes, for every kind of store."""

from __future__ import annotations

from smppproxy.store.budgets import Demand, Grant
from smppproxy.store.interface import Store

from .contract import Uses

LIMIT = 100.0


def demand(wanted: float, held: float = 0.0, name: bytes = b"a:x") -> Demand:
    """Of a budget of 100 a second."""
    return Demand(name, LIMIT, wanted, held)


class BudgetContract(Uses):
    """Parts of limits, and what operators said."""

    async def rate(self, store: Store, wanted: float, held: float = 0.0) -> float:
        """What one node may have."""
        grants = await store.share([demand(wanted, held)], [], 10.0)
        return round(grants[b"a:x"].rate, 6)

    async def test_sx21_alone_a_node_has_all(self):
        """Whatever it wants; budgets are apart, and none asked for are none granted."""
        grants = await self.store.share(
            [demand(5.0), demand(0.0, name=b"\0p:\xff")], [], 10.0
        )
        self.assertEqual(
            grants, {b"a:x": Grant(LIMIT, LIMIT, 0), b"\0p:\xff": Grant(LIMIT, LIMIT, 0)}
        )
        self.assertEqual(await self.store.share([], [b"none"], 10.0), {})

    async def test_sx21_never_more_than_the_others_leave(self):
        """A node gets what no other one holds, and more only once another says it holds less."""
        other = await self.new_store("other")
        self.assertEqual(await self.rate(self.store, 50), LIMIT)
        grants = await other.share([demand(50.0)], [], 10.0)
        self.assertEqual(grants[b"a:x"], Grant(0, 50.0, 1))
        self.assertEqual(await self.rate(self.store, 50, LIMIT), 50)
        self.assertEqual(await self.rate(other, 50), 0)
        self.assertEqual(await self.rate(self.store, 50, 50), 50)
        self.assertEqual(await self.rate(other, 50), 50)

    async def test_sx21_parts_follow_needs(self):
        """Nine tenths by what is wanted, one tenth evenly."""
        other = await self.new_store("other")
        await self.rate(self.store, 0)
        self.assertEqual(await self.rate(other, 75), 0)
        self.assertEqual(await self.rate(self.store, 25, LIMIT), 27.5)
        self.assertEqual(await self.rate(self.store, 25, 27.5), 27.5)
        self.assertEqual(await self.rate(other, 75), 72.5)

    async def test_sx21_given_up(self):
        """What a node gives up, does not renew, or held in a former life is free."""
        other = await self.new_store("other")
        await self.rate(other, 50)
        await other.share([], [b"a:x", b"a:never"], 10.0)
        self.assertEqual(await self.rate(self.store, 50), LIMIT)
        again = await self.new_store("node")
        self.assertEqual(await self.rate(again, 50), LIMIT)
        await again.share([demand(50.0, LIMIT)], [], 1.0)
        self.assertEqual(await self.rate(other, 50), 0)
        await self.a_second()
        self.assertEqual(await self.rate(other, 50), LIMIT)

    async def test_wishes_are_kept(self):
        """Set, changed, taken back; everybody reads the same."""
        other = await self.new_store("other")
        self.assertEqual(await self.store.wishes({}), {})
        kept = {b"\0acme\0a\0": b"drain", b"n\0\xff\0\0": b"up"}
        self.assertEqual(await self.store.wishes(kept), kept)
        self.assertEqual(await other.wishes({}), kept)
        changed = await other.wishes({b"\0acme\0a\0": b"", b"n\0\xff\0\0": b"down", b"x": b""})
        self.assertEqual(changed, {b"n\0\xff\0\0": b"down"})
        self.assertEqual(await self.store.wishes({}, 0.0), changed)
