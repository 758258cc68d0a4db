"""Receipts whose maps the node reads first: what happens in between counts."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail

from smppproxy.store.interface import (
    DUPLICATE,
    NOT_SENT,
    PARKED,
    QUARANTINED,
    QUEUED,
    SUPERSEDED,
    UNKNOWN,
    UNWANTED,
    Arrival,
    Limit,
    Matched,
    StoreUnavailable,
)

from .contract import FINAL_TTL, TTL, Uses, arrival, enroute, mapping
from .test_redis import ServerTestCase

QUEUE = b"r:alpha"


class BetweenTests(ServerTestCase, Uses):
    """Between the look at the maps and the step that settles their receipts."""

    def scripts_run(self) -> int:
        """How many scripts the server ran so far."""
        return int(self.server.command("INFO", "commandstats").split(b"evalsha:calls=")[1]
                   .split(b",")[0])  # fmt: skip

    def after_the_look(self, do: Any) -> None:
        """Once, when the maps of a match have been read, this happens before it goes on."""
        calls = self.store._calls
        read = calls.read

        async def later(*parts: bytes) -> Any:
            values = await read(*parts)
            calls.read = read
            await do()
            return values

        calls.read = lambda *parts: Deferred.fromCoroutine(later(*parts))

    async def test_d3_another_node_was_faster(self):
        """The same receipts over two nodes: each is queued once."""
        other = await self.new_store("other")
        await self.record(mapping(b"1"), mapping(b"2"))

        async def faster() -> None:
            found = await other.match(b"north", [arrival(b"1")], FINAL_TTL, {})
            self.assertEqual(found, [(QUEUED, QUEUE)])

        self.after_the_look(faster)
        found = await self.match(arrival(b"1"), arrival(b"2"))
        self.assertEqual(found, [(DUPLICATE, b""), (QUEUED, QUEUE)])
        self.assertEqual(len(await self.fetch()), 2)

    async def test_d9_another_state_was_faster(self):
        """An intermediate receipt in between is followed by the final one; a final one is not."""
        other = await self.new_store("other")
        await self.record(mapping(b"1"), mapping(b"2"))
        for key, between, outcome in (
            (b"1", enroute(b"1"), (QUEUED, QUEUE)),
            (b"2", arrival(b"2", state=5), (SUPERSEDED, b"")),
        ):

            async def faster(between: Arrival = between) -> None:
                await other.match(b"north", [between], FINAL_TTL, {})

            self.after_the_look(faster)
            self.assertEqual(await self.match(arrival(key)), [outcome])

    async def test_f75_the_id_is_given_again(self):
        """Another message gets the id in between: whose receipt it is cannot be told (D7)."""
        await self.record(mapping(b"1"), mapping(b"2"))

        async def again() -> None:
            await self.record(mapping(b"1", account=b"beta"))

        self.after_the_look(again)
        found = await self.match(arrival(b"1"), arrival(b"2"))
        self.assertEqual(found, [(QUARANTINED, b""), (QUEUED, QUEUE)])

    async def test_one_step_for_most_and_the_whole_way_for_the_rest(self):
        """What is settled needs one script; what is not, one more; each answer in its place."""
        await self.record(*(mapping(b"%d" % each) for each in range(4)))
        await self.record(mapping(b"4", want=0, origin=b""), mapping(b"5", account=b"beta"))
        before = self.scripts_run()
        found = await self.match(arrival(b"0"), arrival(b"5"))
        self.assertEqual(found, [(QUEUED, QUEUE), (QUEUED, b"r:beta")])
        self.assertEqual(self.scripts_run() - before, 1)
        rest = (arrival(b"1", state=5), arrival(b"x"), arrival(b"4"), enroute(b"2"), arrival(b"3"))
        found = await self.match(*rest)
        queued = QUEUED, QUEUE
        self.assertEqual(found, [queued, (PARKED, b""), (UNWANTED, b""), queued, queued])
        self.assertEqual(self.scripts_run() - before, 3)

    async def test_the_rest_that_was_not_done_makes_all_unknown(self):
        """Its part of the read is settled and stays so: nobody may think that nothing was done."""
        await self.record(mapping(b"1"))

        def whole(some: list[Arrival], patience: float | None) -> Deferred[Matched]:
            return fail(StoreUnavailable(NOT_SENT, "busy"))

        settling = self.store._settling
        some = [arrival(b"1"), enroute(b"2")]
        with self.assertRaises(StoreUnavailable) as raised:
            await settling.match(b"north", some, FINAL_TTL, {}, 5.0, whole)
        self.assertEqual((raised.exception.fate, raised.exception.reason), (UNKNOWN, "busy"))
        self.assertEqual(len(await self.fetch()), 1)

    async def test_more_than_a_bundle_and_more_than_a_queue_holds(self):
        """250 of an account are three bundles; limits are exact (L1)."""
        ids = [b"%d" % each for each in range(250)]
        limits = {QUEUE: Limit(200, 172_800)}
        await self.store.record(b"north", [mapping(each) for each in ids], TTL, limits)
        receipts = [arrival(each, receipt=each) for each in ids]
        await self.store.match(b"north", receipts, FINAL_TTL, limits)
        entries = await self.fetch(count=1000)
        self.assertEqual([each.receipt for each in entries], ids[50:])
        self.assertEqual(self.store.overflowed, {QUEUE: 50})

    async def test_origins_of_any_length(self):
        """Short, long and longest: each comes back as it was given."""
        origins = [bytes(size) for size in (0, 31, 32, 255, 256, 700)]
        maps = [mapping(b"%d" % at, origin=origin) for at, origin in enumerate(origins)]
        await self.record(*maps)
        receipts = [arrival(b"%d" % at, receipt=origin) for at, origin in enumerate(origins)]
        await self.match(*receipts)
        found = [(each.origin, each.receipt) for each in await self.fetch()]
        self.assertEqual(found, [(origin, origin) for origin in origins])
