"""MO messages and strays: both stores keep the contract, and what else shows of it."""

from __future__ import annotations

from typing import Any

import attrs

from smppproxy.store.batches import msgpacked, named
from smppproxy.store.interface import PARKED, QUEUED, Arrival, Limit, Stray
from smppproxy.store.leftovers import (
    GONE,
    LONG_KEPT,
    ORPHANS,
    PARKED_ONES,
    QUARANTINE,
    UNROUTED,
)
from tests.support.redis_server import RedisServer

from .contract import FINAL_TTL, TTL, arrival, mapping
from .contract_leftovers import ALPHA, BETA, LeftoverContract, message
from .test_faults import LostAnswerCase
from .test_memory import MemoryTestCase
from .test_redis import ServerTestCase


class MemoryLeftoverTests(MemoryTestCase, LeftoverContract):
    """The contract, and what needs a clock that can be set."""

    async def park_unseen(self, provider: bytes, *arrivals: Arrival) -> None:
        parked = self.world.parked.setdefault(provider, {})
        for each in arrivals:
            parked[b"%b %d" % (each.keys[0], each.state)] = (self.world.wall(), each)

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

    async def test_a_parked_receipt_meets_its_map_once(self):
        """The retry tells again what became of it, and one entry is there."""
        await self.store.record(b"north", [mapping(b"1")], TTL, {})
        park_unseen(self.server, b"north", arrival(b"1"))
        self.relay.swallow = 1
        answer = await self.store.meet_parked(0, 9, {}, {})
        self.assertEqual(answer, ([(QUEUED, b"r:alpha")], 0))
        self.assertEqual(await self.store.sizes([b"r:alpha"]), [(1, 0)])


def park_unseen(
    server: RedisServer, provider: bytes, *arrivals: Arrival, prefix: str = "smppproxy:"
) -> None:
    """Parks receipts with the entries that the version wrote which kept each map under a key of
    its own: it looked for ``m:PROVIDER:ID`` and did not find what is in ``mm:PROVIDER``.
    """
    now, name_of = int(server.command("TIME")[0]), named(provider).decode()
    names_of: dict[bytes, list[bytes]] = {}
    commands: list[tuple[Any, ...]] = [("SADD", f"{prefix}pp", name_of)]
    for each in arrivals:
        name = each.keys[0] + b"\0" + each.destination + b"\0%d" % each.state
        receipt = [each.keys, each.destination, each.kind, each.state, each.final, each.receipt]
        packed = msgpacked([now, receipt])
        commands += [
            ("HSETNX", f"{prefix}pd:{name_of}", name, packed),
            ("ZADD", f"{prefix}pi:{name_of}", now, name),
        ]
        for key in each.keys:
            names_of.setdefault(key, []).append(name)
    for key, names in names_of.items():
        place = f"{prefix}pk:{name_of}:{key.decode()}"
        commands.append(("SET", place, msgpacked(names), "EX", 259_200))
    server.commands(*commands)


class RedisLeftoverTests(ServerTestCase, LeftoverContract):
    """The contract, and what only a server shows."""

    async def park_unseen(self, provider: bytes, *arrivals: Arrival) -> None:
        park_unseen(self.server, provider, *arrivals)

    def commands_run(self) -> dict[str, int]:
        """By scripts or not, since the numbers were last reset."""
        told = self.server.command("INFO", "commandstats").decode().split("\r\n")
        lines = [line.partition(":calls=") for line in told if line.startswith("cmdstat_")]
        return {
            name.removeprefix("cmdstat_"): int(rest.partition(",")[0]) for name, _, rest in lines
        }

    async def cost(self, count: int) -> tuple[int, int]:
        """Commands of one look at so many parked receipts; where it goes on."""
        await self.store.meet_parked(0, 1, {}, {})
        self.server.command("CONFIG", "RESETSTAT")
        _, then = await self.store.meet_parked(0, count, {}, {})
        told = self.commands_run()
        return sum(told.values()) - told.get("config|resetstat", 0), then

    async def test_an_idle_look_costs_next_to_nothing(self):
        """Four commands of a script when nothing is parked: the fence, the time, who has some."""
        await self.record(mapping(b"1"))
        cost, _ = await self.cost(500)
        self.assertLessEqual(cost, 6)

    async def test_a_look_at_many_costs_what_it_looks_at(self):
        """Of 10,000 that have no map 500 are looked at, by a few commands for a hundred."""
        many = [arrival(b"%d" % number) for number in range(10_000)]
        await self.park_unseen(b"north", *many)
        cost, then = await self.cost(500)
        self.assertEqual(then, 500)
        self.assertLessEqual(cost, 30)
        self.assertEqual(await self.store.parked(b"north"), 10_000)

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
