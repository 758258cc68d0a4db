"""The store in memory and the one on a server agree on MO messages, strays and replays."""

from __future__ import annotations

import random
from typing import Any

import attrs
from twisted.internet.task import Clock

from smppproxy.store.interface import Arrival, Limit, Mapping
from smppproxy.store.leftovers import PARKED_ONES, QUARANTINE, UNROUTED, Message
from smppproxy.store.memory import MemoryStore

from .contract import FINAL_TTL
from .test_redis import ServerTestCase

PROVIDERS = (b"north", b"south:%")
NUMBERS = (b"70000001", b"70000002")
LIMITS = {b"r:a": Limit(9, 1000), b"m:a": Limit(4, 1000), UNROUTED: Limit(6, 1000)}
QUEUES: tuple[tuple[bytes, ...], ...] = ((b"m:a",), (b"m:a", b"m:b"), (UNROUTED,), (UNROUTED,), ())


class Player:
    """Random calls; an entry is named by its place in a list, since its id is the store's own."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def message(self) -> Message:
        pick = self.random
        return Message(
            pick.choice(PROVIDERS),
            pick.choice((b"1", b"2", pick.randbytes(2))),
            pick.choice(QUEUES),
            pick.choice((b"", b"x", b"y")),
            pick.randrange(3),
            pick.choice((0, 0, 1000)),
        )

    def arrival(self) -> Arrival:
        pick = self.random
        keys = tuple(b"%d" % pick.randrange(8) for _ in range(pick.choice((0, 1, 1, 1, 2))))
        raw = pick.choice((b"", b"pdu", bytes(300)))
        segment = pick.choice((0, 0, 2))
        return Arrival(
            keys, pick.choice((*NUMBERS, b"")), 1, pick.choice((2, 6, 8)), True, b"r", segment, raw
        )

    def mapping(self) -> Mapping:
        pick = self.random
        return Mapping(b"%d" % pick.randrange(8), b"a", pick.choice(NUMBERS), 3, pick.randbytes(2))

    def call(self) -> tuple[str, Any]:
        """What to do, and with what."""
        pick = self.random
        calls = ("put", "again", "match", "match", "record", "record", "fitting")
        name = pick.choice((*calls, "replay", "replay", "replay", "meet"))
        size = range(pick.randrange(1, 5))
        if name == "put":
            return name, [self.message() for _ in size]
        if name == "again":
            return name, [(pick.randrange(8), self.message()) for _ in size]
        if name == "meet":
            return name, pick.randrange(3)
        if name == "replay":
            kind = pick.choice((QUARANTINE, PARKED_ONES))
            items = [(pick.randrange(8), pick.choice((*NUMBERS, b""))) for _ in size]
            return name, (kind, pick.choice(PROVIDERS), items)
        if name == "record":
            return name, (pick.choice(PROVIDERS), [self.mapping() for _ in size])
        return name, (pick.choice(PROVIDERS), [self.arrival() for _ in size])


async def play(store: Any, name: str, given: Any) -> Any:
    """One call on one store; what can be compared of its result."""
    if name == "put":
        return await store.put_messages(given, LIMITS)
    if name == "again":
        lost = await store.unrouted(99)
        return await store.put_messages(
            [
                attrs.evolve(message, entry_id=lost[place].entry_id)
                for place, message in given
                if place < len(lost)
            ],
            LIMITS,
        )
    if name == "meet":
        met, then = await store.meet_parked(given, 99, {}, LIMITS) if not given else ([], 0)
        return sorted(met), then
    if name == "replay":
        kind, provider, wanted = given
        strays = [each for each in await store.strays(kind, 99) if each.provider == provider]
        # Those that were parked within one second have no common order.
        strays.sort(key=lambda each: (each.arrived, repr(each.arrival)))
        items = [
            (strays[place].entry_id, attrs.evolve(strays[place].arrival, destination=destination))
            for place, destination in wanted
            if place < len(strays)
        ]
        return await store.replay(kind, provider, items, FINAL_TTL, LIMITS)
    provider, several = given
    if name == "record":
        return sorted(await store.record(provider, several, 1000, LIMITS), key=repr)
    if name == "fitting":
        return await store.fitting(provider, several)
    return await store.match(provider, several, FINAL_TTL, LIMITS)


async def left(store: Any) -> list[Any]:
    """What a store shows to the operator."""
    strays = [
        sorted((each.provider, each.reason, repr(each.arrival), each.arrival.raw) for each in kind)
        for kind in [await store.strays(kind, 99) for kind in (QUARANTINE, PARKED_ONES)]
    ]
    lost = [(each.provider, each.record) for each in await store.unrouted(99)]
    sizes = await store.sizes([b"r:a", b"m:a", b"m:b", UNROUTED])
    return [strays, lost, sizes, await store.dropped(), store.overflowed]


class LeftoverAgreementTests(ServerTestCase):
    """Random schedules."""

    timeout = 240

    async def test_random_calls(self):
        """Every answer of 30 schedules of 40 calls, and what is left at the end."""
        for seed in range(30):
            while True:
                began = self.server.command("TIME")[0]
                ours, theirs = await self.schedule(seed)
                if self.server.command("TIME")[0] == began:
                    break
            self.assertEqual(ours, theirs)

    async def schedule(self, seed: int) -> tuple[Any, Any]:
        """The first difference of two stores, or what is left of both."""
        self.server.command("FLUSHALL")
        server = self.open(f"node{seed}")
        await server.start()
        clock = Clock()
        clock.advance(1_700_000_000)
        memory = MemoryStore(clock, f"node{seed}")
        await memory.start()
        player = Player(seed)
        for step in range(40):
            name, given = player.call()
            theirs = await play(server, name, given)
            ours = await play(memory, name, given)
            if ours != theirs:
                return (seed, step, name, given, ours), (seed, step, name, given, theirs)
        ended = await left(memory), await left(server)
        await server.stop()
        return ended
