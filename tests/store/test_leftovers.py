"""MO messages and strays: both stores keep the contract, and what else shows of it."""

from __future__ import annotations

import attrs

from smppproxy.store.interface import PARKED, QUEUED, Limit, Stray
from smppproxy.store.leftovers import (
    GONE,
    LONG_KEPT,
    ORPHANS,
    PARKED_ONES,
    QUARANTINE,
    UNROUTED,
)

from .contract import FINAL_TTL, TTL, arrival, mapping
from .contract_leftovers import ALPHA, BETA, LeftoverContract, message
from .test_faults import LostAnswerCase
from .test_memory import MemoryTestCase
from .test_redis import ServerTestCase


class MemoryLeftoverTests(MemoryTestCase, LeftoverContract):
    """The contract, and what needs a clock that can be set."""

    async def test_d5_an_orphan_is_matched_again(self):
        """What was parked for 48 h finds a map that came later, or that it has another id for."""
        raw = attrs.evolve(arrival(b"1"), raw=b"pdu")
        await self.match(raw, arrival(b"2"))
        self.clock.advance(172_801)
        await self.store.sweep({})
        (two, one) = await self.store.orphans(9)
        self.assertEqual((one.arrival, one.reason), (raw, b"unknown"))
        await self.record(mapping(b"1"))
        items = [(each.entry_id, each.arrival) for each in (one, two)]
        self.assertEqual(await self.replay(ORPHANS, *items), [(QUEUED, b"r:alpha"), (PARKED, b"")])
        self.assertEqual(await self.strays(ORPHANS), [two])
        self.assertEqual(await self.replay(ORPHANS, items[0]), [(GONE, b"")])

    async def test_gw22_unrouted_ones_grow_too_old(self):
        """They are swept like any queue."""
        await self.put(message(), m_=Limit(9, 60))
        self.clock.advance(61)
        self.assertEqual(await self.store.sweep({UNROUTED: Limit(9, 60)}), {UNROUTED: 1})
        self.assertEqual(await self.lost(), [])

    async def test_parts_are_forgotten_after_a_while(self):
        """A reference that comes again five minutes later is another message's."""
        await self.put(message(b"1", ALPHA, long=b"x"))
        self.clock.advance(LONG_KEPT)
        self.assertEqual(await self.outcome(message(b"2", long=b"x", lead=0)), [7])


class LostAnswerTests(LostAnswerCase):
    """The answer of a call is lost: the next try gets the first one's result."""

    async def test_copies_are_stored_once(self):
        """The retry says where they went, not that they are there already."""
        self.relay.swallow = 1
        answers = await self.store.put_messages([message(b"1", ALPHA, BETA, once=60)], {})
        self.assertEqual(answers, [(QUEUED, (ALPHA, BETA))])
        self.assertEqual(await self.store.sizes([ALPHA, BETA]), [(1, 0), (1, 0)])

    async def test_an_unrouted_message_is_given_out_once(self):
        """The retry says that it went, not that it is gone."""
        await self.store.put_messages([message(b"1")], {})
        (lost,) = await self.store.unrouted(9)
        self.relay.swallow = 1
        again = message(b"1", ALPHA, entry_id=lost.entry_id)
        self.assertEqual(await self.store.put_messages([again], {}), [(QUEUED, (ALPHA,))])
        self.assertEqual(await self.store.sizes([ALPHA, UNROUTED]), [(1, 0), (0, 0)])

    async def test_a_receipt_is_replayed_once(self):
        """The retry says that it was queued, and one entry is there."""
        await self.store.record(b"north", [mapping(b"1")], TTL, {})
        await self.store.match(b"north", [arrival(b"1", destination=b"70000002")], FINAL_TTL, {})
        (stray,) = await self.store.strays(QUARANTINE, 9)
        self.relay.swallow = 1
        item = stray.entry_id, arrival(b"1")
        answers = await self.store.replay(QUARANTINE, b"north", [item], FINAL_TTL, {})
        self.assertEqual(answers, [(QUEUED, b"r:alpha")])
        self.assertEqual(await self.store.sizes([b"r:alpha"]), [(1, 0)])
        self.assertEqual(await self.store.strays(QUARANTINE, 9), [])


class RedisLeftoverTests(ServerTestCase, LeftoverContract):
    """The contract, and what only a server shows."""

    async def test_every_key_has_an_end(self):
        """What is remembered of messages goes by itself."""
        server = self.server
        await self.put(message(b"1", ALPHA, long=b"x", once=60))
        self.assertIn(server.command("TTL", "smppproxy:ml:x"), (LONG_KEPT - 1, LONG_KEPT))
        (seen,) = server.command("KEYS", "smppproxy:mo:*")
        self.assertIn(server.command("TTL", seen.decode()), (59, 60))

    async def test_d5_an_orphan_is_matched_again(self):
        """As in memory: it leaves the orphans in the step that queues it."""
        await self.match(attrs.evolve(arrival(b"1"), raw=b"pdu"), arrival(b"2"))
        for name in ("1\0" + "70000001\0" + "2", "2\0" + "70000001\0" + "2"):
            self.server.command("ZADD", "smppproxy:pi:north", 1, name)
        await self.store.sweep({})
        strays = sorted(await self.strays(ORPHANS), key=lambda each: each.arrival.keys)
        await self.record(mapping(b"1"))
        items = [(each.entry_id, each.arrival) for each in strays]
        self.assertEqual(await self.replay(ORPHANS, *items), [(QUEUED, b"r:alpha"), (PARKED, b"")])
        self.assertEqual(await self.strays(ORPHANS), [strays[1]])

    async def test_a_parked_receipt_of_before_is_read(self):
        """Receipts that were stored without their PDU are listed and matched like others."""
        await self.match(arrival(b"1"))
        (stray,) = await self.strays(PARKED_ONES)
        self.assertEqual(
            stray, Stray(b"1\x0070000001\x002", b"north", b"parked", stray.arrived, arrival(b"1"))
        )
