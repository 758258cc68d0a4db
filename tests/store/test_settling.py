"""Receipts whose maps the node has read: what happened in between counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
    Store,
    StoreUnavailable,
)

from .contract import FINAL_TTL, TTL, Uses, arrival, enroute, mapping
from .test_redis import ServerTestCase

QUEUE = b"r:alpha"


class Between(Uses):
    """Between the moment at which the node read the maps and the step that settles their receipts.

    The class it is mixed into says who records, and has something happen in between.
    """

    recorder: Callable[[], Awaitable[Store]]
    server: Any
    between: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]

    async def recorded(self, *keys: bytes) -> None:
        """Maps are there, and only they."""
        recorder = await self.recorder()
        await recorder.record(b"north", [mapping(key) for key in keys], TTL, {})

    async def test_d3_another_node_was_faster(self):
        """The same receipts over two nodes: each is queued once."""
        other = await self.new_store("faster")
        await self.recorded(b"1", b"2")

        async def faster() -> None:
            found = await other.match(b"north", [arrival(b"1")], FINAL_TTL, {})
            self.assertEqual(found, [(QUEUED, QUEUE)])

        await self.between(faster)
        found = await self.match(arrival(b"1"), arrival(b"2"))
        self.assertEqual(found, [(DUPLICATE, b""), (QUEUED, QUEUE)])
        self.assertEqual(len(await self.fetch()), 2)

    async def test_d9_another_state_was_faster(self):
        """An intermediate receipt in between is followed by the final one; a final one is not."""
        other = await self.new_store("faster")
        await self.recorded(b"1", b"2")
        for key, before, outcome in (
            (b"1", enroute(b"1"), (QUEUED, QUEUE)),
            (b"2", arrival(b"2", state=5), (SUPERSEDED, b"")),
        ):

            async def faster(before: Arrival = before) -> None:
                await other.match(b"north", [before], FINAL_TTL, {})

            await self.between(faster)
            self.assertEqual(await self.match(arrival(key)), [outcome])

    async def test_f75_the_id_is_given_again(self):
        """Another message gets the id in between: whose receipt it is cannot be told (D7)."""
        other = await self.new_store("faster")
        await self.recorded(b"1", b"2")

        async def again() -> None:
            await other.record(b"north", [mapping(b"1", account=b"beta")], TTL, {})

        await self.between(again)
        found = await self.match(arrival(b"1"), arrival(b"2"))
        self.assertEqual(found, [(QUARANTINED, b""), (QUEUED, QUEUE)])

    async def test_the_maps_were_lost(self):
        """Somebody removed the maps in between: their receipts wait, as all without a map do."""
        await self.recorded(b"1", b"2")

        async def lost() -> None:
            self.server.command("HDEL", "smppproxy:mm:north", "1")

        await self.between(lost)
        found = await self.match(arrival(b"1"), arrival(b"2"))
        self.assertEqual(found, [(PARKED, b""), (QUEUED, QUEUE)])


class LookedAtTests(ServerTestCase, Between):
    """Another node recorded the maps: this one reads what the server has."""

    async def recorder(self) -> Store:
        return await self.new_store("recorder")

    async def between(self, do: Callable[[], Awaitable[None]]) -> None:
        """Once, when the maps of a match have been read, this happens before it goes on."""
        calls = self.store._calls
        read = calls.read

        async def later(*parts: bytes) -> Any:
            values = await read(*parts)
            calls.read = read
            await do()
            return values

        calls.read = lambda *parts: Deferred.fromCoroutine(later(*parts))


class KnownTests(ServerTestCase, Between):
    """This node recorded the maps itself, and asks nobody for them."""

    async def recorder(self) -> Store:
        store: Store = self.store
        return store

    async def between(self, do: Callable[[], Awaitable[None]]) -> None:
        """The maps have been known since they were recorded."""
        await do()


class SettlingTests(ServerTestCase, Uses):
    """What is settled in one step, and what is not."""

    def scripts_run(self) -> int:
        """How many scripts the server ran so far."""
        return int(self.server.command("INFO", "commandstats").split(b"evalsha:calls=")[1]
                   .split(b",")[0])  # fmt: skip

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
        """Its part of the read is settled and stays so: nobody may think that nothing was done, and
        nothing of it is in hands that do not know.
        """
        await self.record(mapping(b"1"))

        def whole(some: list[Arrival], patience: float | None) -> Deferred[Matched]:
            return fail(StoreUnavailable(NOT_SENT, "busy"))

        settling = self.store._settling
        some = [arrival(b"1"), enroute(b"2")]
        room = self.fail
        with self.assertRaises(StoreUnavailable) as raised:
            await settling.match(b"north", some, FINAL_TTL, {}, None, room, whole)
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
