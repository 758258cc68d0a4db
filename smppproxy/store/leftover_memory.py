"""The calls of ``store.leftovers`` in this process's memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from .batches import named
from .interface import DUPLICATE, PARKED, QUARANTINED, QUEUED, Arrival, Limit, Stray
from .leftovers import (
    FALLBACK,
    FINAL_TTL,
    FOLLOW,
    GONE,
    LEAD,
    LONG_KEPT,
    ORPHANS,
    PARKED_ONES,
    UNROUTED,
    WAITING,
    Message,
    Unrouted,
)
from .world import Map, World

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorTime

Put = tuple[int, tuple[bytes, ...]]


def put(world: World, message: Message) -> Put:
    """One MO message goes to its queues, or stays where it is."""
    taken = message.entry_id
    if taken and taken not in world.queues.get(UNROUTED, {}):
        return GONE, ()
    name = message.provider, message.record
    if message.once and world.repeated.get(name, 0.0) > world.wall():
        return DUPLICATE, ()
    queues = _decide(world, message)
    if queues is None:
        return WAITING, ()
    if taken and queues[:1] == (UNROUTED,):
        return QUEUED, queues
    for queue in queues:
        origin = message.provider if queue == UNROUTED else b""
        world.append(queue, origin, message.record)
    if taken:
        del world.queues[UNROUTED][taken]
    if message.once:
        world.repeated[name] = world.wall() + message.once
    return QUEUED, queues


def _decide(world: World, message: Message) -> tuple[bytes, ...] | None:
    """Where the parts of its long message go."""
    if not message.long:
        return message.queues
    ends, fell_back, known = world.longs.get(message.long, (0.0, False, ()))
    if ends > world.wall() and (message.lead != LEAD or fell_back):
        return known
    if message.lead == FOLLOW:
        return None
    world.longs[message.long] = (
        world.wall() + LONG_KEPT,
        message.lead == FALLBACK,
        message.queues,
    )
    return message.queues


def _strays(world: World, kind: bytes, count: int, before: bytes, skip: int) -> list[Stray]:
    if kind == PARKED_ONES:
        found = [
            Stray(name, provider, b"parked", int(arrived), arrival)
            for provider in sorted(world.parked)
            for name, (arrived, arrival) in reversed(world.parked[provider].items())
        ]
        return found[skip : skip + count]
    strays = (world.orphans if kind == ORPHANS else world.quarantine)[::-1]
    places = [place for place, stray in enumerate(strays) if stray.entry_id == before]
    start = places[0] + 1 if places else 0
    return strays[start : start + count]


def again(
    world: World, kind: bytes, provider: bytes, entry_id: bytes, arrival: Arrival, final_ttl: int
) -> tuple[int, bytes]:
    """Match a receipt again; what found its map is taken out."""
    if kind == PARKED_ONES:
        if entry_id not in world.parked.get(provider, {}):
            return GONE, b""
    elif all(each.entry_id != entry_id for each in _strays(world, kind, 10_000, b"", 0)):
        return GONE, b""
    owner = look(world, provider, arrival)
    if not isinstance(owner, Map):
        return owner, b""
    if kind == PARKED_ONES:
        del world.parked[provider][entry_id]
    elif kind == ORPHANS:
        world.orphans = [each for each in world.orphans if each.entry_id != entry_id]
    else:
        world.quarantine = [each for each in world.quarantine if each.entry_id != entry_id]
    return world.settle(owner, arrival, final_ttl)


def look(world: World, provider: bytes, arrival: Arrival) -> Map | int:
    """The map of a receipt, or the outcome that says why there is none."""
    outcome = PARKED
    for key in arrival.keys:
        maps = world.live(provider, key)
        found = world.fitting(maps, arrival)
        if isinstance(found, Map):
            return found
        if maps:
            outcome = QUARANTINED
    return outcome


def meet_parked(
    world: World, skip: int, count: int, final_ttls: dict[bytes, int]
) -> tuple[list[tuple[int, bytes]], int]:
    """Parked receipts meet maps that are there; outcomes, and where to go on."""
    parked = [
        (provider, name)
        for provider, names in sorted(world.parked.items(), key=lambda each: named(each[0]))
        for name in names
    ]
    outcomes = []
    for provider, name in parked[skip : skip + count]:
        final_ttl = final_ttls.get(provider, FINAL_TTL)
        outcome = _meet_one(world, provider, name, final_ttl)
        if outcome is not None:
            outcomes.append(outcome)
    is_last = skip + count >= len(parked)
    return outcomes, 0 if is_last else skip + count - len(outcomes)


def _meet_one(
    world: World, provider: bytes, name: bytes, final_ttl: int
) -> tuple[int, bytes] | None:
    """What becomes of it; None: it waits on."""
    _, arrival = world.parked[provider][name]
    unknown = [key for key in arrival.keys if not world.live(provider, key)]
    if unknown and not isinstance(look(world, provider, arrival), Map):
        return None
    del world.parked[provider][name]
    return world.meet(provider, arrival, final_ttl)


class LeftoverMemory:
    """Mixed into :class:`smppproxy.store.memory.MemoryStore`."""

    _world: World
    _clock: IReactorTime
    _call: Callable[[Callable[[], Any], float | None], Deferred[Any]]
    _cut: Callable[[], dict[bytes, int]]

    def put_messages(
        self,
        messages: list[Message],
        limits: dict[bytes, Limit],
        patience: float | None = 5.0,
    ) -> Deferred[list[Put]]:
        def do() -> list[Put]:
            self._world.limits.update(limits)
            found = [put(self._world, message) for message in messages]
            self._cut()
            return found

        return self._call(do, patience)

    def unrouted(self, count: int, before: bytes = b"") -> Deferred[list[Unrouted]]:
        def do() -> list[Unrouted]:
            entries = self._world.queues.get(UNROUTED, {})
            ids = [*reversed(entries)]
            start = ids.index(before) + 1 if before in ids else 0
            return [
                Unrouted(each, entries[each].origin, int(entries[each].born), entries[each].receipt)
                for each in ids[start : start + count]
            ]

        return self._call(do, 0.0)

    def strays(
        self, kind: bytes, count: int, before: bytes = b"", skip: int = 0
    ) -> Deferred[list[Stray]]:
        return self._call(lambda: _strays(self._world, kind, count, before, skip), 0.0)

    def fitting(self, provider: bytes, arrivals: list[Arrival]) -> Deferred[list[int]]:
        def do() -> list[int]:
            found = [look(self._world, provider, arrival) for arrival in arrivals]
            return [each if isinstance(each, int) else QUEUED for each in found]

        return self._call(do, 0.0)

    def replay(
        self,
        kind: bytes,
        provider: bytes,
        items: list[tuple[bytes, Arrival]],
        final_ttl: int,
        limits: dict[bytes, Limit],
        patience: float | None = 5.0,
    ) -> Deferred[list[tuple[int, bytes]]]:
        def do() -> list[tuple[int, bytes]]:
            self._world.limits.update(limits)
            found = [again(self._world, kind, provider, *item, final_ttl) for item in items]
            self._cut()
            return found

        return self._call(do, patience)

    def meet_parked(
        self,
        skip: int,
        count: int,
        final_ttls: dict[bytes, int],
        limits: dict[bytes, Limit],
        patience: float | None = None,
    ) -> Deferred[tuple[list[tuple[int, bytes]], int]]:
        def do() -> tuple[list[tuple[int, bytes]], int]:
            self._world.limits.update(limits)
            found = meet_parked(self._world, skip, count, final_ttls)
            self._cut()
            return found

        return self._call(do, patience)
