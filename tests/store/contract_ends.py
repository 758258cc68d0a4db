"""The contract of what ends in silence: reminders, leases, full queues; for every kind of store."""

from __future__ import annotations

from smppproxy.store.interface import (
    DUPLICATE,
    QUEUED,
    SUPERSEDED,
    Limit,
    Mapping,
    Overdue,
)

from .contract import (
    EXPIRED,
    FINAL_TTL,
    TTL,
    UNKNOWN,
    WANT_FAILURE,
    Uses,
    arrival,
    enroute,
    failed,
    mapping,
    part,
)


class OverdueContract(Uses):
    """Messages whose maps end without a final receipt (MG-21)."""

    async def short(self, *mappings: Mapping, provider: bytes = b"north") -> None:
        """Maps that end within the minute."""
        await self.store.record(provider, list(mappings), 50, {})

    async def test_mg21_a_silent_message_is_given_out_once(self):
        """Only those that want it, only near their end, with all that a receipt needs."""
        await self.record(mapping(b"long", remind=True))
        await self.short(mapping(b"1"), mapping(b"2", late=True))
        origin = bytes(range(256))
        await self.short(mapping(b":3:", b"beta", b"123", 1, origin, remind=True), provider=b"p:%q")
        self.assertEqual(
            await self.store.overdue(10),
            [Overdue(b"p:%q", b":3:", b"beta", 1, b"123", origin)],
        )
        self.assertEqual(await self.store.overdue(10), [])

    async def test_mg21_no_more_than_asked_for(self):
        """The rest comes with the next call."""
        await self.short(*[mapping(b"%d" % number, remind=True) for number in range(3)])
        first = await self.store.overdue(2)
        second = await self.store.overdue(2)
        self.assertEqual((len(first), len(second)), (2, 1))
        self.assertEqual(sorted(each.key for each in first + second), [b"0", b"1", b"2"])

    async def test_mg21_a_final_receipt_ends_the_wait(self):
        """An intermediate one does not; a final one does, also one that was parked."""
        await self.match(arrival(b"3"))
        await self.short(*[mapping(b"%d" % number, remind=True) for number in range(1, 4)])
        await self.match(enroute(b"1"), arrival(b"2"))
        self.assertEqual([each.key for each in await self.store.overdue(10)], [b"1"])

    async def test_mg21_after_the_reminder_the_message_is_final(self):
        """No receipt follows, except DELIVERED where a late one is wanted."""
        await self.short(mapping(b"1", remind=True), mapping(b"2", remind=True, late=True))
        self.assertEqual(
            await self.outcomes(arrival(b"1", kind=4, state=UNKNOWN, final=False)), [QUEUED]
        )
        self.assertEqual(len(await self.store.overdue(10)), 2)
        self.assertEqual(
            await self.outcomes(arrival(b"1"), enroute(b"1"), arrival(b"2"), arrival(b"2")),
            [SUPERSEDED, SUPERSEDED, QUEUED, DUPLICATE],
        )

    async def test_mg21_a_silent_group_is_given_out_once(self):
        """One of its maps speaks for all, and none of them takes a receipt any more."""
        await self.short(*[part(number, 3, remind=True, late=True) for number in (1, 2, 3)])
        (overdue,) = await self.store.overdue(10)
        self.assertEqual((overdue.account, overdue.parts), (b"alpha", 3))
        self.assertEqual(
            set(await self.outcomes(arrival(b"1"), arrival(b"2"), enroute(b"3"))), {SUPERSEDED}
        )
        self.assertEqual(await self.store.overdue(10), [])

    async def test_xc09_what_a_group_has_is_queued_when_it_ends(self):
        """With reminders or without, and only if it is wanted."""
        await self.short(part(1, 2), part(2, 2))
        await self.short(
            mapping(b"3", b"beta", want=WANT_FAILURE, part=0, parts=3, remind=True),
            mapping(b"4", part=0, parts=3),
        )
        await self.match(failed(b"1", state=EXPIRED), arrival(b"3"), arrival(b"3"), enroute(b"4"))
        await self.receipts()
        self.assertEqual(await self.store.overdue(10), [])
        self.assertEqual(await self.merged(), [(b"failed", 2, 0)])
        self.assertEqual(await self.outcomes(arrival(b"2"), arrival(b"3")), [SUPERSEDED, DUPLICATE])
        self.assertEqual(await self.outcomes(arrival(b"4")), [SUPERSEDED])

    async def test_mg21_maps_under_one_id_end_each_at_its_time(self):
        """The one that ends is given out, the other one is waited for."""
        await self.record(mapping(b"1", destination=b"70000002", remind=True))
        await self.short(mapping(b"1", remind=True))
        (overdue,) = await self.store.overdue(10)
        self.assertEqual(overdue.destination, b"70000001")
        self.assertEqual(
            await self.outcomes(arrival(b"1"), arrival(b"1", destination=b"70000002")),
            [SUPERSEDED, QUEUED],
        )
        self.assertEqual(await self.store.overdue(10), [])

    async def test_mg21_receipts_of_our_own(self):
        """They go to the account's queue, in order, within its limit."""
        items = [(b"o%d" % number, b"r%d" % number) for number in range(4)]
        self.assertEqual(await self.store.put_receipts(b"alpha", items[:2], Limit(3, 1000)), 0)
        self.assertEqual(await self.store.put_receipts(b"alpha", items[2:], Limit(3, 1000)), 1)
        self.assertEqual(await self.store.put_receipts(b"alpha", [], Limit(3, 1000)), 0)
        entries = await self.fetch()
        self.assertEqual([(each.origin, each.receipt) for each in entries], items[1:])
        self.assertEqual([(each.sub, each.dlvrd) for each in entries], [(1, -1)] * 3)


class LeaseContract(Uses):
    """Binds of an account over all nodes (MG-28)."""

    async def test_mg28_no_more_binds_than_allowed(self):
        """Over all nodes; one that is given up is free at once."""
        other = await self.new_store("other")
        self.assertEqual(await self.store.take_bind(b"a", b"1", 2, 30), True)
        self.assertEqual(await other.take_bind(b"a", b"1", 2, 30), True)
        self.assertEqual(await other.take_bind(b"a", b"2", 2, 30), False)
        self.assertEqual(await other.take_bind(b"b", b"2", 2, 30), True)
        await self.store.drop_binds([(b"a", b"1"), (b"none", b"1")])
        self.assertEqual(await other.take_bind(b"a", b"2", 2, 30), True)
        self.assertEqual(await self.store.take_bind(b"a", b"1", 0, 30), False)

    async def test_mg28_asking_again_is_no_other_bind(self):
        """The same session renews its lease, also when the limit is smaller now."""
        for limit in (1, 1, 0):
            self.assertEqual(await self.store.take_bind(b"a", b"1", limit, 30), True)
        self.assertEqual(await self.store.take_bind(b"a", b"2", 1, 30), False)

    async def test_mg28_a_node_that_starts_again_takes_back_its_own(self):
        """What its former process held does not stand in the way; what others hold does."""
        other = await self.new_store("other")
        await other.take_bind(b"a", b"0", 3, 30)
        for session in (b"1", b"2"):
            await self.store.take_bind(b"a", session, 3, 30)
        again = await self.new_store("node")
        taken = [await again.take_bind(b"a", session, 3, 30) for session in (b"7", b"8", b"9")]
        self.assertEqual(taken, [True, True, False])

    async def test_mg28_a_lost_lease_is_taken_again_when_it_is_kept(self):
        """Those of several nodes and accounts side by side; of none is no trouble."""
        other = await self.new_store("other")
        await self.store.take_bind(b"a", b"1", 9, 30)
        await other.take_bind(b"a", b"1", 9, 30)
        held = [(b"a", b"1"), (b"a", b"2"), (b"b", b"3")]
        await self.store.keep_binds(held, 30)
        self.assertEqual(await self.store.take_bind(b"a", b"4", 3, 30), False)
        self.assertEqual(await self.store.take_bind(b"b", b"4", 1, 30), False)
        await self.store.keep_binds([], 30)
        await self.store.drop_binds([])

    async def test_f98_thousands_of_leases(self):
        """Are kept, and given up, in one call as in many."""
        held = [(b"a", b"%d" % number) for number in range(2500)]
        await self.store.keep_binds(held, 30)
        self.assertEqual(await self.store.take_bind(b"a", b"more", 2500, 30), False)
        await self.store.drop_binds(held[1:])
        self.assertEqual(await self.store.take_bind(b"a", b"more", 1, 30), False)
        await self.store.drop_binds(held)
        self.assertEqual(await self.store.take_bind(b"a", b"more", 1, 30), True)

    async def test_mg28_a_lease_ends(self):
        """One that is not renewed is free after its time; one that is renewed is not."""
        other = await self.new_store("other")
        await other.take_bind(b"a", b"1", 1, 1)
        await other.take_bind(b"b", b"1", 1, 1)
        await other.keep_binds([(b"b", b"1")], 30)
        await self.a_second()
        self.assertEqual(await self.store.take_bind(b"a", b"2", 1, 30), True)
        self.assertEqual(await self.store.take_bind(b"b", b"2", 1, 30), False)
        await self.store.keep_binds([(b"a", b"2")], 30)


class LossContract(Uses):
    """Entries that a queue loses, told by the call that made room."""

    async def test_l3_each_call_tells_what_it_dropped(self):
        """Counted by queue on the node whose call it was; the store counts for all."""
        store = self.store
        limits = {b"r:alpha": Limit(2, 1000)}
        self.assertEqual(store.overflowed, {})
        await store.record(b"north", [mapping(b"%d" % each) for each in range(4)], TTL, limits)
        for number in range(4):
            await store.match(b"north", [arrival(b"%d" % number)], FINAL_TTL, limits)
        self.assertEqual(store.overflowed, {b"r:alpha": 2})
        await store.match(b"north", [arrival(b"9")], FINAL_TTL, limits)
        released = await store.record(b"north", [mapping(b"9")], TTL, limits)
        self.assertEqual(released, [(QUEUED, b"r:alpha")])
        self.assertEqual(store.overflowed, {b"r:alpha": 3})
        await store.put(b"m:alpha", [b"1", b"2", b"3"], Limit(1, 1000))
        await store.put_receipts(b"alpha", [(b"o", b"r")], limits[b"r:alpha"])
        self.assertEqual(store.overflowed, {b"r:alpha": 4, b"m:alpha": 2})
        self.assertEqual(await store.dropped(), store.overflowed)


class TouchContract(Uses):
    """A sign of life brings back what is not to be sent again."""

    async def test_gw24_a_later_receipt_of_the_message(self):
        """Told of an intermediate receipt in our hands once a later one of its message, or of its
        group, is queued; also when that one went to another node and has left the store.
        """
        other = await self.new_store("other")
        await self.record(mapping(b"1"), mapping(b"2"), part(3, 2), part(4, 2))
        await self.match(enroute(b"1"), enroute(b"2"), enroute(b"3"))
        held = [(b"r:alpha", each.entry_id) for each in await self.fetch(b"r:alpha", 9)]
        self.assertEqual(await self.store.touch(held), ([], []))
        await self.match(arrival(b"1"), arrival(b"3"), arrival(b"4"))
        finals = await other.fetch([(b"r:alpha", 9)])
        self.assertEqual(await other.ack([(each.queue, each.entry_id) for each in finals]), 2)
        self.assertEqual(await self.store.touch(held), ([held[0], held[2]], []))
        self.assertEqual(await self.store.ack(held), 3)

    async def test_gw22_what_is_not_in_our_hands(self):
        """Told of what another node has, of what was dropped, and of what never was."""
        other = await self.new_store("other")
        await self.store.put(b"m:alpha", [b"1", b"2", b"3"], Limit(3, 1000))
        held = [(b"m:alpha", each.entry_id) for each in await self.fetch(b"m:alpha", 3)]
        await self.pause()
        await self.store.touch(held[2:])
        await other.adopt([b"m:alpha"], 2, 40)
        await self.store.put(b"m:alpha", [b"4"], Limit(3, 1000))
        held.append((b"m:none", b"1-1"))
        self.assertEqual(await self.store.touch(held), ([], [held[0], held[1], held[3]]))
        self.assertEqual(await other.touch(held[:2]), ([], held[:1]))
