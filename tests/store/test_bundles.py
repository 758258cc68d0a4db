"""Receipts in bundles: parts of one in several hands, and receipts that earlier versions queued."""

from __future__ import annotations

import time
from struct import pack

import msgpack
from twisted.internet import reactor

from smppproxy.store import open_store
from smppproxy.store.interface import Entry, Limit

from .contract import FINAL_TTL, TTL, Uses, arrival, enroute, later, mapping, part
from .test_faults import FaultTestCase, LostAnswerCase
from .test_redis import ServerTestCase

QUEUE = b"r:alpha"
PLENTY = Limit(25_000, 172_800)


def names(entries: list[Entry]) -> list[tuple[bytes, bytes]]:
    """As ack and touch take them."""
    return [(each.queue, each.entry_id) for each in entries]


def bodies(entries: list[Entry]) -> list[bytes]:
    return [each.receipt for each in entries]


class BundleTests(ServerTestCase, Uses):
    """What one call queued is one entry of the server, and as many of the contract."""

    def command(self, *parts: object) -> object:
        return self.server.command(*parts)

    async def put(self, count: int, first: int = 0) -> list[bytes]:
        receipts = [b"%d" % number for number in range(first, first + count)]
        items = [(b"o" + each, each) for each in receipts]
        await self.store.put_receipts(b"alpha", items, PLENTY)
        return receipts

    async def held(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = await self.store.sizes([QUEUE])
        return found

    async def test_many_receipts_are_few_entries(self):
        """A bundle has up to 100; every receipt has an id of its own, in the order of coming."""
        receipts = await self.put(250)
        self.assertEqual(self.command("XLEN", "smppproxy:w:alpha"), 3)
        entries = await self.fetch(count=1000)
        self.assertEqual(bodies(entries), receipts)
        ids = [each.entry_id for each in entries]
        self.assertEqual(len(set(ids)), 250)
        self.assertEqual({each.origin for each in entries}, {b"o" + each for each in receipts})
        self.assertEqual(await self.store.ack(names(entries)), 250)
        self.assertEqual(await self.store.ack(names(entries)), 0)

    async def test_nothing_is_left_behind(self):
        """However the acks are split, the last one of a bundle takes it and its state away."""
        await self.put(30)
        entries = await self.fetch()
        for at in (0, 2, 1):
            self.assertEqual(await self.store.ack(names(entries)[at::3]), 10)
            self.assertEqual(self.command("XLEN", "smppproxy:w:alpha"), 0 if at == 1 else 1)
        self.assertEqual(await self.held(), [(0, 0)])
        left = self.command("HGETALL", "smppproxy:h:alpha")
        assert isinstance(left, list)
        self.assertEqual(sorted(left[::2]), [b"at", b"n"])
        self.assertEqual(self.command("HGET", "smppproxy:h:alpha", "n"), b"0")

    async def test_a_bundle_in_several_hands(self):
        """Each node gets what it has room for; nobody touches or acks what another holds."""
        receipts = await self.put(10)
        other = await self.new_store("other")
        ours = await self.fetch(count=4)
        theirs = await other.fetch([(QUEUE, 3)])
        self.assertEqual((bodies(ours), bodies(theirs)), (receipts[:4], receipts[4:7]))
        self.assertEqual(await self.held(), [(3, 7)])
        _, gone = await other.touch(names(ours)[:2] + names(theirs))
        self.assertEqual(gone, names(ours)[:2])
        rest = await self.fetch()
        self.assertEqual(bodies(rest), receipts[7:])
        self.assertEqual(await self.store.ack(names(ours + rest)), 7)
        self.assertEqual(await self.held(), [(0, 3)])

    async def test_d6_only_what_is_left_of_a_bundle_is_taken_over(self):
        """Not what was acked, not what is touched; each with its own count of deliveries."""
        receipts = await self.put(6)
        entries = await self.fetch()
        other = await self.new_store("other")
        await self.a_second()
        await self.a_second()
        await self.store.ack(names(entries)[:1])
        await self.store.touch(names(entries)[1:2])
        taken = await other.adopt([QUEUE], 2, 2000)
        self.assertEqual(bodies(taken), receipts[2:4])
        self.assertEqual({each.deliveries for each in taken}, {2})
        await self.pause()
        again = await self.store.adopt([QUEUE], 100, 1)
        self.assertEqual(bodies(again), receipts[1:])
        self.assertEqual([each.deliveries for each in again], [2, 3, 3, 2, 2])
        self.assertEqual(names(again), names(entries)[1:])
        self.assertEqual((await other.touch(names(taken)))[1], names(taken))

    async def test_hands_that_change_often(self):
        """Who holds nothing of a bundle any more is forgotten: its state stays small."""
        await self.put(3)
        entries = await self.fetch()
        await self.put(1, first=3)
        for number in range(40):
            await self.store.touch(names(entries)[number % 3 :])
        await self.pause()
        adopted = await self.store.adopt([QUEUE], 9, 1)
        self.assertEqual([each.deliveries for each in adopted], [2, 2, 2])
        state = self.command("HGET", "smppproxy:h:alpha", entries[0].entry_id[:-3])
        assert isinstance(state, bytes)
        self.assertLess(len(msgpack.unpackb(state, raw=True)), 40)
        self.assertEqual(bodies(await self.fetch()), [b"3"])

    async def test_l1_the_oldest_of_a_bundle_go_first(self):
        """A limit is exact, whoever holds what of a bundle."""
        await self.put(5)
        held = await self.fetch(count=1)
        limits = {QUEUE: Limit(3, 1000)}
        await self.store.record(b"north", [mapping(b"1")], 1000, limits)
        await self.store.match(b"north", [arrival(b"1", receipt=b"new")], FINAL_TTL, limits)
        self.assertEqual(await self.store.dropped(), {QUEUE: 3})
        self.assertEqual(self.store.overflowed, {QUEUE: 3})
        self.assertEqual(await self.store.ack(names(held)), 0)
        self.assertEqual(await self.receipts(), [b"3", b"4", b"new"])

    async def test_l3_a_limit_that_is_much_lower_now(self):
        """Thousands of bundles are dropped at once."""
        add = "redis.call('XADD', KEYS[1], '*', 1, cmsgpack.pack({'o', 'r'}))"
        script = f"for i = 1, 9000 do {add} end redis.call('HSET', KEYS[2], 'n', 9000)"
        self.command("EVAL", script, 2, "smppproxy:w:alpha", "smppproxy:h:alpha")
        self.assertEqual(await self.store.sweep({QUEUE: Limit(5, 1000)}), {QUEUE: 8995})
        self.assertEqual(await self.held(), [(5, 0)])
        self.assertEqual(await self.receipts(), [b"r"] * 5)

    async def test_an_ack_of_what_nobody_has(self):
        """What was never handed out, or never was there, can be removed all the same."""
        await self.put(2)
        (entry,) = await self.fetch(count=1)
        bundle = entry.entry_id[:-2]
        self.assertEqual(await self.store.ack([(QUEUE, bundle + b"01")]), 1)
        self.assertEqual(await self.store.ack([(QUEUE, bundle + b"07"), (QUEUE, b"1-1.00")]), 0)
        await self.put(2, first=2)
        last = self.command("XREVRANGE", "smppproxy:w:alpha", "+", "-", "COUNT", 1)
        assert isinstance(last, list)
        self.assertEqual(await self.store.ack([(QUEUE, last[0][0] + b".00")]), 1)
        self.assertEqual(await self.receipts(), [b"3"])

    async def test_ids_that_a_map_remembers(self):
        """Intermediate receipts know their entry's id before it is written, also when the
        bundle's end is reached within one call."""
        keys = [b"%d" % number for number in range(120)]
        await self.record(*map(mapping, keys))
        await self.match(*[enroute(key, receipt=b"on " + key) for key in keys])
        on_their_way = await self.fetch(count=200)
        await self.match(*[arrival(key, receipt=b"end " + key) for key in keys])
        superseded, gone = await self.store.touch(names(on_their_way))
        self.assertEqual((superseded, gone), (names(on_their_way), []))
        self.assertEqual(await self.receipts(), [b"end " + key for key in keys[:100]])

    async def test_what_is_too_old_is_dropped(self):
        """Bundles go as a whole; receipts that were acked are not counted."""
        await self.put(4)
        await self.store.ack(names(await self.fetch(count=1)))
        await self.a_second()
        await self.a_second()
        self.assertEqual(await self.store.sweep({QUEUE: Limit(50, 1)}), {QUEUE: 3})
        self.assertEqual(await self.held(), [(0, 0)])
        self.assertEqual(self.command("XLEN", "smppproxy:w:alpha"), 0)


class EarlierTests(ServerTestCase, Uses):
    """Receipts that were queued before there were bundles: after an upgrade they are delivered, and
    nodes of both versions may work side by side."""

    def add(self, origin: bytes, receipt: bytes, *more: object) -> bytes:
        fields = ("o", origin, "r", receipt, *more)
        added = self.server.command("XADD", "smppproxy:q:r:alpha", "*", *fields)
        assert isinstance(added, bytes)
        return added

    def fetched_by(self, node: str, count: int) -> None:
        """What a node of an earlier version did."""
        key = "smppproxy:q:r:alpha"
        self.server.command("XGROUP", "CREATE", key, "g", "0")
        self.server.command(
            "XREADGROUP", "GROUP", "g", node, "COUNT", count, "STREAMS", key, ">"
        )  # fmt: skip

    async def test_they_come_first(self):
        """Before those in bundles, with what was said of a group; acks remove both kinds."""
        self.add(b"o1", b"r1")
        self.add(b"o2", b"r2", "s", 3, "d", 2)
        await self.record(part(1, 1))
        await self.match(arrival(b"1", receipt=b"r3"))
        self.assertEqual(await self.store.sizes([QUEUE]), [(3, 0)])
        entries = await self.fetch(count=2)
        self.assertEqual(
            [(each.origin, each.receipt, each.sub, each.dlvrd) for each in entries],
            [(b"o1", b"r1", 1, -1), (b"o2", b"r2", 3, 2)],
        )
        entries += await self.fetch()
        self.assertEqual(entries[2].receipt, b"r3")
        self.assertEqual(await self.store.sizes([QUEUE]), [(0, 3)])
        self.assertEqual(await self.store.touch(names(entries)), ([], []))
        self.assertEqual(await self.store.ack(names(entries)), 3)
        self.assertEqual(await self.store.sizes([QUEUE]), [(0, 0)])

    async def test_what_a_node_held_when_it_was_upgraded(self):
        """Its first receiver gets it; what another node held is left until it is idle."""
        self.add(b"o1", b"r1")
        self.add(b"o2", b"r2", "s", 3, "d", 2)
        self.fetched_by("before", 1)
        self.server.command(
            "XREADGROUP", "GROUP", "g", "elsewhere", "STREAMS", "smppproxy:q:r:alpha", ">"
        )  # fmt: skip
        await self.pause()
        upgraded = await self.new_store("before")
        (first,) = await upgraded.adopt([QUEUE], 10, 0)
        self.assertEqual((first.receipt, first.deliveries), (b"r1", 2))
        self.assertEqual(await upgraded.ack(names([first])), 1)
        self.assertEqual(await self.fetch(), [])
        taken = await self.store.adopt([QUEUE], 10, 40)
        self.assertEqual([(each.receipt, each.sub) for each in taken], [(b"r2", 3)])
        self.assertEqual((await upgraded.touch(names(taken)))[1], names(taken))

    async def test_gw24_an_intermediate_one_is_superseded(self):
        """Its map, written by an earlier version, remembers its entry."""
        old = self.add(b"origin", b"enroute")
        self.fetched_by("node", 10)
        head = pack(">BIBB", 1, int(time.time()) + TTL, 0, 1) + b"\1" + bytes((len(old),)) + old
        value = head + b"\7\5alpha\x0870000001origin"
        self.server.command("SET", "smppproxy:m:north:1", value, "EX", TTL)
        await self.match(arrival(b"1"))
        self.assertEqual(await self.store.touch([(QUEUE, old)]), ([(QUEUE, old)], []))

    async def test_l3_limits_count_both(self):
        """What was superseded goes first, then the oldest, of whichever kind."""
        for number in range(3):
            self.add(b"o", b"old %d" % number)
        limits = {QUEUE: Limit(4, 1000)}
        await self.record(*[mapping(b"%d" % number) for number in range(3)])
        for number in range(3):
            receipts = [arrival(b"%d" % number, receipt=b"new %d" % number)]
            await self.store.match(b"north", receipts, FINAL_TTL, limits)
        self.assertEqual(await self.store.dropped(), {QUEUE: 2})
        self.assertEqual(await self.receipts(), [b"old 2", b"new 0", b"new 1", b"new 2"])

    async def test_they_are_found_and_grow_old(self):
        """By their message's id; the oldest of either kind tells the queue's age."""
        self.server.command("XADD", "smppproxy:q:r:alpha", "1000-0", "o", "o", "r", "old")
        (age,) = await self.store.ages([QUEUE])
        self.assertGreater(age, 1_000_000)
        self.assertEqual(await self.store.sweep({QUEUE: Limit(5, 50)}), {QUEUE: 1})
        self.assertEqual(await self.store.ages([QUEUE]), [0.0])


class FullTests(FaultTestCase):
    """A server without memory."""

    async def test_f83_receipts_leave_a_full_server(self):
        """Bundle by bundle and one by one, taken over too: what is held is written all the same."""
        server = self.own_server()
        store = self.open_at(server)
        await store.start()
        items = [(b"o", b"%d" % number) for number in range(6)]
        await store.put_receipts(b"alpha", items, Limit(50, 500))
        server.command("CONFIG", "SET", "maxmemory", "1")
        names = [(entry.queue, entry.entry_id) for entry in await store.fetch([(b"r:alpha", 3)])]
        self.assertEqual(await store.touch(names), ([], []))
        self.assertEqual(await store.ack(names[:1]), 1)
        await later(reactor, 0.05)
        self.assertEqual(len(await store.adopt([b"r:alpha"], 9, 1)), 2)
        names += [(entry.queue, entry.entry_id) for entry in await store.fetch([(b"r:alpha", 9)])]
        self.assertEqual(await store.ack(names[1:]), 5)
        self.assertEqual(await store.sizes([b"r:alpha"]), [(0, 0)])


class LostAnswerTests(LostAnswerCase):
    """The answer of a call is lost: the next try gets what the first one took."""

    async def put(self, count: int) -> None:
        items = [(b"o", b"%d" % number) for number in range(count)]
        await self.store.put_receipts(b"alpha", items, PLENTY)

    async def test_fetch_hands_out_the_same_again(self):
        """Parts of a bundle, and the rest of it with the whole of another one."""
        await self.put(5)
        await self.put(2)
        self.relay.swallow = 1
        entries = await self.store.fetch([(QUEUE, 3)])
        self.assertEqual(bodies(entries), [b"0", b"1", b"2"])
        self.relay.swallow = 1
        entries += await self.store.fetch([(QUEUE, 9), (b"m:alpha", 9)])
        self.assertEqual(bodies(entries[3:]), [b"3", b"4", b"0", b"1"])
        self.relay.swallow = 1
        self.assertEqual(await self.store.ack(names(entries)), 7)
        self.assertEqual(await self.store.sizes([QUEUE]), [(0, 0)])

    async def test_what_is_gone_meanwhile_is_not_handed_out(self):
        """Nor what is in other hands by then."""
        for count in (3, 1, 1):
            await self.put(count)
        self.relay.swallow = 1
        self.relay.refuse_then = 1_000_000
        fetching = self.store.fetch([(QUEUE, 9)])
        other = self.open("other")
        await other.start()
        taken: list[Entry] = []
        while not taken:
            await later(reactor, 0.01)
            taken = await other.adopt([QUEUE], 1, 1)
        rest = [each[0] for each in self.server.command("XRANGE", "smppproxy:w:alpha", "-", "+")]
        await other.ack([(QUEUE, rest[0] + b".01"), (QUEUE, rest[1] + b".00")])
        self.assertEqual(names(taken), [(QUEUE, rest[0] + b".00")])
        self.relay.refuse = 0
        ids = [each.entry_id for each in await fetching]
        self.assertEqual(ids, [rest[0] + b".02", rest[2] + b".00"])

    async def test_adopt_hands_out_the_same_again(self):
        """With the same count of deliveries, once."""
        await self.put(3)
        await self.store.ack(names(await self.store.fetch([(QUEUE, 3)]))[1:2])
        await later(reactor, 0.005)
        again = open_store(f"redis+unix://{self.relay.path}?deadline=0.5", "node", reactor)
        self.addCleanup(again.stop)
        await again.start()
        self.relay.swallow = 1
        entries = await again.adopt([QUEUE], 10, 0, None)
        told = [(each.receipt, each.deliveries) for each in entries]
        self.assertEqual(told, [(b"0", 2), (b"2", 2)])
        self.assertEqual(await again.adopt([QUEUE], 10, 0, None), [])
