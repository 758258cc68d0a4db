"""The store in memory and the one on a server answer the same to the same calls."""

from __future__ import annotations

import random
from typing import Any

from twisted.internet.task import Clock

from smppproxy.store.interface import Arrival, Limit, Mapping
from smppproxy.store.memory import MemoryStore

from .contract import FINAL_TTL
from .test_redis import ServerTestCase

PROVIDERS = (b"north", b"south:%")
NUMBERS = (b"70000001", b"70000002", b"312345")
LIMITS = {b"r:a": Limit(12, 1000), b"r:b": Limit(3, 1000)}
KINDS = {1: 4, 2: 1, 3: 2, 4: 2, 5: 2, 6: 1, 7: 2, 8: 2}


class Player:
    """Random calls, the same for two stores."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def key(self) -> bytes:
        return b"%d" % self.random.randrange(12)

    def mapping(self, wide: bool) -> Mapping:
        """A plain map or one that is more; what they release in one call has no common order."""
        pick = self.random
        if not wide:
            return Mapping(self.key(), pick.choice((b"a", b"b")), pick.choice(NUMBERS), 7, b"o")
        group = pick.choice((b"", b"", b"g", b"h"))
        return Mapping(
            self.key(),
            pick.choice((b"a", b"b")),
            pick.choice(NUMBERS),
            pick.choice((7, 7, 7, 3, 2, 0)),
            pick.randbytes(3),
            group,
            pick.choice((1, 2, 2, 3)),
            pick.choice((0, 1, 1, 2, 3)) if group else pick.choice((1, 1, 1, 0)),
            group != b"h",
            pick.random() < 0.5,
            pick.choice(((), (), (b"p",), (b"p", b""))),
        )

    def arrival(self) -> Arrival:
        pick = self.random
        state = pick.choice((1, 2, 2, 2, 3, 3, 4, 5, 6, 7, 8))
        return Arrival(
            tuple(self.key() for _ in range(pick.choice((0, 1, 1, 1, 1, 1, 1, 2)))),
            pick.choice((*NUMBERS, b"")),
            KINDS[state],
            state,
            state not in (1, 6) or pick.random() < 0.2,
            pick.randbytes(2),
            pick.choice((0, 0, 0, 1, 2)),
        )

    def call(self) -> tuple[str, tuple[Any, ...]]:
        """The name of a call and its arguments."""
        pick = self.random
        calls = ("record", "match", "match", "match", "overdue", "fetch", "fetch", "put", "ack")
        name = pick.choice((*calls, "touch"))
        provider = pick.choice(PROVIDERS)
        size = range(pick.randrange(1, 6))
        if name == "record":
            ttl = pick.choice((1000, 1000, 40))
            wide = pick.random() < 0.7
            return name, (provider, [self.mapping(wide) for _ in size], ttl, LIMITS)
        if name == "match":
            return name, (provider, [self.arrival() for _ in size], FINAL_TTL, LIMITS)
        if name == "fetch":
            return name, ([(b"r:a", pick.randrange(6)), (b"r:b", 1)],)
        if name in ("ack", "touch"):
            return name, (pick.random(), pick.random())
        if name == "put":
            return "put_receipts", (b"a", [(b"o", pick.randbytes(2)) for _ in size], LIMITS[b"r:a"])
        return name, (1000 if pick.random() < 0.2 else 0,)


def comparable(name: str, result: Any) -> Any:
    """The result without what is the store's own: ids of entries, order of what is due at once."""
    if name == "fetch":
        return [
            (each.queue, each.deliveries, each.origin, each.receipt, each.sub, each.dlvrd)
            for each in result
        ]
    if name == "touch":
        return [len(each) for each in result]
    return sorted(result, key=repr) if name in ("overdue", "record") else result


class AgreementTests(ServerTestCase):
    """Random schedules."""

    async def test_random_calls(self):
        """Every answer of 40 schedules of 60 calls, and what is left at the end."""
        for seed in range(40):
            self.assertEqual(*await self.within_a_second(seed))

    async def within_a_second(self, seed: int) -> tuple[Any, Any]:
        """The first difference; what ends first depends on the second in which it was written."""
        while True:
            began = self.server.command("TIME")[0]
            difference = await self.play(seed)
            if self.server.command("TIME")[0] == began:
                return difference

    async def play(self, seed: int) -> tuple[Any, Any]:
        self.server.command("FLUSHALL")
        node = f"node{seed}"
        server = self.open(node)
        await server.start()
        clock = Clock()
        clock.advance(1_700_000_000)
        memory = MemoryStore(clock, node)
        await memory.start()
        player = Player(seed)
        fetched: dict[Any, list[Any]] = {server: [], memory: []}
        for step in range(60):
            name, args = player.call()
            theirs, ours = [
                comparable(name, await self.answer(store, fetched[store], name, args))
                for store in (server, memory)
            ]
            if theirs != ours:
                return (seed, step, name, args, theirs), (seed, step, name, args, ours)
        theirs, ours = [await self.left(store) for store in (server, memory)]
        await server.stop()
        return (seed, theirs), (seed, ours)

    @staticmethod
    async def answer(store: Any, fetched: list[Any], name: str, args: Any) -> Any:
        """What a store says; each names what it has handed out by ids of its own."""
        if name in ("ack", "touch"):
            begin, end = sorted(int(part * (len(fetched) + 1)) for part in args)
            args = [fetched[begin:end]]
        result = await getattr(store, name)(*args)
        if name == "fetch":
            fetched += [(each.queue, each.entry_id) for each in result]
        return result

    async def left(self, store: Any) -> list[Any]:
        """What a store shows to the operator."""
        strays = [*await store.orphans(99), *await store.quarantined(99)]
        parked = [await store.parked(provider) for provider in PROVIDERS]
        kept = [(stray.provider, stray.reason, stray.arrival) for stray in strays]
        sizes = await store.sizes([b"r:a", b"r:b"])
        return [kept, parked, sizes, await store.dropped(), store.overflowed]
