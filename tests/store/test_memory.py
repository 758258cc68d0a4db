"""The store in memory keeps the contract, and plays one that is away."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from smppproxy.store.interface import DUPLICATE, Limit, Store, StoreUnavailable
from smppproxy.store.memory import MemoryStore, World

from .contract import FINAL_TTL, TTL, Contract, arrival, mapping, part
from .contract_ends import LeaseContract, LossContract, OverdueContract, TouchContract
from .contract_groups import GroupContract, LateContract, SharedContract


class MemoryTestCase(TestCase):
    """A world and one node in it."""

    def setUp(self):
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.world = World(self.clock.seconds)
        self.store = MemoryStore(self.clock, "node", self.world)
        return self.store.start()

    async def new_store(self, node: str) -> Store:
        store = MemoryStore(self.clock, node, self.world)
        await store.start()
        return store

    async def pause(self) -> None:
        self.clock.advance(0.05)

    async def a_second(self) -> None:
        self.clock.advance(1.01)


class MemoryContractTests(MemoryTestCase, Contract, LeaseContract, LossContract, TouchContract):
    """The contract, and what needs a clock that can be set."""

    async def test_gw22_what_is_too_old_is_dropped(self):
        """After 48 h an entry is gone, a second earlier it is not; parked ones become orphans."""
        await self.store.put(b"m:alpha", [b"1"], Limit(10, 172_800))
        await self.match(arrival(b"lost"))
        self.clock.advance(172_799)
        self.assertEqual(await self.store.sweep({b"m:alpha": Limit(10, 172_800)}), {})
        self.clock.advance(2)
        swept = await self.store.sweep({b"m:alpha": Limit(10, 172_800)})
        self.assertEqual(swept, {b"m:alpha": 1, b"p:north": 1})
        (stray,) = await self.store.orphans(10)
        self.assertEqual((stray.reason, stray.arrived), (b"unknown", 1_700_000_000))
        self.assertEqual(await self.store.parked(b"north"), 0)

    async def test_d10_a_final_receipt_shortens_the_life_of_its_map(self):
        """A map lives its time; a final receipt makes it shorter, never longer."""
        await self.record(mapping(b"1"), mapping(b"2"))
        await self.match(arrival(b"1"))
        self.clock.advance(FINAL_TTL - 1)
        self.assertEqual(await self.match(arrival(b"1")), [(DUPLICATE, b"")])
        self.clock.advance(2)
        self.assertEqual((await self.match(arrival(b"1")))[0][0], 1)
        self.clock.advance(TTL)
        self.assertEqual((await self.match(arrival(b"2")))[0][0], 1)


class MemoryGroupTests(
    MemoryTestCase, GroupContract, SharedContract, LateContract, OverdueContract
):
    """The contract of groups."""

    async def test_mg21_a_reminder_that_nobody_asked_for_in_time(self):
        """For an hour after its end a message is still given out, and takes its receipt."""
        await self.record(mapping(b"1", remind=True), mapping(b"2", remind=True))
        self.clock.advance(TTL + 3000)
        self.assertEqual(await self.outcomes(arrival(b"1")), [0])
        self.assertEqual([each.key for each in await self.store.overdue(9)], [b"2"])

    async def test_a_group_lives_as_long_as_its_maps(self):
        """The last part may come just before its map ends."""
        await self.record(part(1, 2))
        self.clock.advance(TTL - 2)
        await self.match(arrival(b"1"))
        await self.record(part(2, 2))
        self.clock.advance(TTL - 2)
        self.assertEqual(await self.outcomes(arrival(b"2")), [0])


class AwayTests(TestCase):
    """Patience."""

    def setUp(self):
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.seen: list[bool] = []
        self.store.watch(self.seen.append)
        self.successResultOf(self.store.start())
        self.store.go_away()

    def test_without_patience_a_call_fails_at_once(self):
        """It says that nothing was sent."""
        failure = self.failureResultOf(self.store.take_numbers(b"x", 1), StoreUnavailable)
        self.assertEqual((failure.value.fate, failure.value.reason), ("not_sent", "away"))

    def test_a_patient_call_is_done_when_the_store_is_back(self):
        """Within its patience, and in order."""
        calls = [self.store.take_numbers(b"x", 1, patience=patience) for patience in (5.0, None)]
        self.clock.advance(4.9)
        self.store.come_back()
        self.assertEqual([self.successResultOf(call) for call in calls], [1, 2])
        self.assertEqual(self.seen, [True, False, True])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_patience_ends(self):
        """After it the call fails, and is never done."""
        call = self.store.take_numbers(b"x", 1, patience=5.0)
        self.clock.advance(5)
        self.failureResultOf(call, StoreUnavailable)
        self.store.come_back()
        self.assertEqual(self.successResultOf(self.store.take_numbers(b"x", 1)), 1)

    def test_a_cancelled_call_is_not_done(self):
        """Who cancels does not want it any more."""
        call = self.store.take_numbers(b"x", 1, patience=None)
        call.cancel()
        self.failureResultOf(call, CancelledError)
        self.store.come_back()
        self.assertEqual(self.successResultOf(self.store.take_numbers(b"x", 1)), 1)

    def test_a_stopped_store_fails_every_call(self):
        """However patient."""
        self.successResultOf(self.store.stop())
        self.failureResultOf(self.store.take_numbers(b"x", 1, patience=None), StoreUnavailable)
