"""The contract of the store in this process's memory: for tests, nothing survives.

Several nodes of one test share a :class:`World`. ``go_away`` and ``come_back`` play a store that
is not there; calls are then as patient as the ones of the real store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from .interface import (
    DEFAULT_COUNT,
    DEFAULT_KEEP,
    DUPLICATE,
    NOT_SENT,
    PARKED,
    PARKED_KEEP,
    QUARANTINED,
    QUEUED,
    RECEIPTS,
    SUPERSEDED,
    UNWANTED,
    Arrival,
    Entry,
    Limit,
    Mapping,
    StoreUnavailable,
    Stray,
)

MAX_MAPS = 8
STRAYS = 10_000


@attrs.define
class _Map:
    mapping: Mapping
    expiry: float
    final: bool = False
    seen: set[int] = attrs.field(factory=set)
    last: bytes = b""


@attrs.define
class _Queued:
    origin: bytes
    receipt: bytes
    born: float
    holder: str = ""
    touched: float = 0.0
    deliveries: int = 0


@attrs.define
class World:
    """What the nodes of one test share. ``wall`` is the time in unix seconds."""

    wall: Callable[[], float]
    numbers: dict[bytes, int] = attrs.field(factory=dict)
    maps: dict[tuple[bytes, bytes], list[_Map]] = attrs.field(factory=dict)
    parked: dict[bytes, dict[bytes, tuple[float, Arrival]]] = attrs.field(factory=dict)
    queues: dict[bytes, dict[bytes, _Queued]] = attrs.field(factory=dict)
    superseded: dict[bytes, list[bytes]] = attrs.field(factory=dict)
    limits: dict[bytes, Limit] = attrs.field(factory=dict)
    drops: dict[bytes, int] = attrs.field(factory=dict)
    orphans: list[Stray] = attrs.field(factory=list)
    quarantine: list[Stray] = attrs.field(factory=list)
    serial: int = 0

    def next_id(self) -> bytes:
        """An id as the real store makes them: they grow."""
        self.serial += 1
        return b"%d-%d" % (self.wall() * 1000, self.serial)


def _fits(mine: bytes, theirs: bytes) -> bool:
    if mine == theirs or not theirs:
        return True
    short, long = sorted((mine, theirs), key=len)
    return len(short) >= 6 and long.endswith(short)


class MemoryStore:
    """One node's view of a :class:`World`."""

    def __init__(self, clock: IReactorTime, node: str = "node", world: World | None = None) -> None:
        self.ready = False
        self.full = False
        self._clock = clock
        self._node = node
        self._world = world if world is not None else World(clock.seconds)
        self._started = 0.0
        self._away = False
        self._closed = False
        self._watchers: list[Callable[[bool], None]] = []
        self._waiting: list[Callable[[], None]] = []

    def watch(self, callback: Callable[[bool], None]) -> None:
        self._watchers.append(callback)

    def start(self) -> Deferred[None]:
        self._started = self._world.wall()
        self._set_ready(not self._away)
        return succeed(None)

    def stop(self) -> Deferred[None]:
        self._closed = True
        self.go_away()
        return succeed(None)

    def go_away(self) -> None:
        """From now on nothing answers."""
        self._away = True
        self._set_ready(False)

    def come_back(self) -> None:
        """Answer again, and do what was waited for."""
        self._away = False
        self._set_ready(True)
        waiting, self._waiting = self._waiting, []
        for run in waiting:
            run()

    def _set_ready(self, ready: bool) -> None:
        if ready != self.ready:
            self.ready = ready
            for callback in list(self._watchers):
                callback(ready)

    def _call(self, do: Callable[[], Any], patience: float | None) -> Deferred[Any]:
        if not self._away:
            return succeed(do())
        if patience == 0.0 or self._closed:
            failed: Deferred[Any] = Deferred()
            failed.errback(Failure(StoreUnavailable(NOT_SENT)))
            return failed
        return self._wait(do, patience)

    def _wait(self, do: Callable[[], Any], patience: float | None) -> Deferred[Any]:
        result: Deferred[Any] = Deferred(lambda _: self._waiting.remove(run))

        def run() -> None:
            if timer is not None:
                timer.cancel()
            result.callback(do())

        def give_up() -> None:
            self._waiting.remove(run)
            result.errback(Failure(StoreUnavailable(NOT_SENT)))

        timer = None if patience is None else self._clock.callLater(patience, give_up)
        self._waiting.append(run)
        return result

    # -- calls ---------------------------------------------------------------------------------

    def take_numbers(self, name: bytes, count: int, patience: float | None = 0.0) -> Deferred[int]:
        def do() -> int:
            numbers = self._world.numbers
            numbers[name] = numbers.get(name, 0) + count
            return numbers[name] - count + 1

        return self._call(do, patience)

    def record(
        self,
        provider: bytes,
        mappings: list[Mapping],
        ttl: int,
        limits: dict[bytes, Limit],
        patience: float | None = 5.0,
        final_ttl: int = 43_200,
    ) -> Deferred[list[bytes]]:
        def do() -> list[bytes]:
            self._world.limits.update(limits)
            kept = [mapping for mapping in mappings if mapping.key]
            for mapping in kept:
                self._write(provider, mapping, ttl)
            released: list[bytes] = []
            for mapping in kept:
                released += self._release(provider, mapping.key, final_ttl)
            self._cut()
            return released

        return self._call(do, patience)

    def match(
        self,
        provider: bytes,
        arrivals: list[Arrival],
        final_ttl: int,
        limits: dict[bytes, Limit],
        patience: float | None = None,
    ) -> Deferred[list[tuple[int, bytes]]]:
        def do() -> list[tuple[int, bytes]]:
            self._world.limits.update(limits)
            found = [self._meet(provider, arrival, final_ttl) for arrival in arrivals]
            self._cut()
            return found

        return self._call(do, patience)

    def put(
        self, queue: bytes, records: list[bytes], limit: Limit, patience: float | None = 5.0
    ) -> Deferred[int]:
        def do() -> int:
            self._world.limits[queue] = limit
            for record in records:
                self._append(queue, b"", record)
            return self._cut().get(queue, 0)

        return self._call(do, patience)

    def fetch(
        self, wants: list[tuple[bytes, int]], patience: float | None = 5.0
    ) -> Deferred[list[Entry]]:
        def do() -> list[Entry]:
            entries: list[Entry] = []
            for queue, count in wants:
                self._expire(queue)
                waiting = self._of(queue, lambda entry: not entry.holder)
                entries += self._hand_out(queue, waiting[:count])
            return entries

        return self._call(do, patience)

    def adopt(self, queues: list[bytes], count: int, idle_ms: int) -> Deferred[list[Entry]]:
        def do() -> list[Entry]:
            latest = self._world.wall() - idle_ms / 1000
            entries: list[Entry] = []
            for queue in queues:
                self._expire(queue)
                left = self._of(
                    queue,
                    lambda entry: (
                        entry.touched <= latest and entry.holder != ""
                        if idle_ms
                        else entry.touched < self._started and entry.holder == self._node
                    ),
                )
                entries += self._hand_out(queue, left[:count])
            return entries

        return self._call(do, 0.0)

    def touch(self, held: list[tuple[bytes, bytes]]) -> Deferred[None]:
        def do() -> None:
            for queue, entry_id in held:
                entry = self._world.queues.get(queue, {}).get(entry_id)
                if entry is not None and entry.holder == self._node:
                    entry.touched = self._world.wall()

        return self._call(do, 0.0)

    def ack(self, acks: list[tuple[bytes, bytes]], patience: float | None = None) -> Deferred[int]:
        def do() -> int:
            queues = self._world.queues
            gone = [queues.get(queue, {}).pop(entry_id, None) for queue, entry_id in acks]
            return len(gone) - gone.count(None)

        return self._call(do, patience)

    def sizes(self, queues: list[bytes]) -> Deferred[list[tuple[int, int]]]:
        def do() -> list[tuple[int, int]]:
            return [
                (
                    len(self._of(queue, lambda entry: not entry.holder)),
                    len(self._of(queue, lambda entry: bool(entry.holder))),
                )
                for queue in queues
            ]

        return self._call(do, 0.0)

    def sweep(self, queues: dict[bytes, Limit]) -> Deferred[dict[bytes, int]]:
        def do() -> dict[bytes, int]:
            self._world.limits.update(queues)
            counts = {queue: self._expire(queue) for queue in queues}
            for queue, dropped in self._cut().items():
                counts[queue] = counts.get(queue, 0) + dropped
            for provider in list(self._world.parked):
                counts[b"p:" + provider] = self._orphan_old(provider)
            return {name: count for name, count in counts.items() if count}

        return self._call(do, 0.0)

    def dropped(self) -> Deferred[dict[bytes, int]]:
        return self._call(lambda: dict(self._world.drops), 0.0)

    def parked(self, provider: bytes) -> Deferred[int]:
        return self._call(lambda: len(self._world.parked.get(provider, {})), 0.0)

    def orphans(self, count: int) -> Deferred[list[Stray]]:
        return self._call(lambda: self._world.orphans[::-1][:count], 0.0)

    def quarantined(self, count: int) -> Deferred[list[Stray]]:
        return self._call(lambda: self._world.quarantine[::-1][:count], 0.0)

    # -- maps ----------------------------------------------------------------------------------

    def _live(self, provider: bytes, key: bytes) -> list[_Map]:
        now = self._world.wall()
        return [each for each in self._world.maps.get((provider, key), ()) if each.expiry > now]

    def _write(self, provider: bytes, mapping: Mapping, ttl: int) -> None:
        maps = self._live(provider, mapping.key)
        if all(each.mapping != mapping for each in maps):
            maps.append(_Map(mapping, self._world.wall() + ttl))
        self._world.maps[provider, mapping.key] = maps[-MAX_MAPS:]

    def _release(self, provider: bytes, key: bytes, final_ttl: int) -> list[bytes]:
        parked = self._world.parked.get(provider, {})
        names = [name for name, (_, arrival) in parked.items() if key in arrival.keys]
        released = []
        for name in names:
            arrival = parked.pop(name)[1]
            maps = self._live(provider, key)
            released.append(self._settle(provider, maps, arrival, final_ttl)[1])
        return released

    def _meet(self, provider: bytes, arrival: Arrival, final_ttl: int) -> tuple[int, bytes]:
        if not arrival.keys:
            return self._quarantine(provider, b"no_id", arrival)
        for key in arrival.keys:
            maps = self._live(provider, key)
            if maps:
                return self._settle(provider, maps, arrival, final_ttl)
        parked = self._world.parked.setdefault(provider, {})
        name = b"%b\0%b\0%d" % (arrival.keys[0], arrival.destination, arrival.state)
        if name in parked:
            return DUPLICATE, b""
        parked[name] = (self._world.wall(), arrival)
        return PARKED, b""

    def _settle(
        self, provider: bytes, maps: list[_Map], arrival: Arrival, final_ttl: int
    ) -> tuple[int, bytes]:
        owners = [each for each in maps if _fits(each.mapping.destination, arrival.destination)]
        if len(owners) != 1:
            reason = b"ambiguous" if owners else b"destination"
            return self._quarantine(provider, reason, arrival)
        owner = owners[0]
        if arrival.state in owner.seen:
            return DUPLICATE, b""
        if owner.final:
            return SUPERSEDED, b""
        owner.seen.add(arrival.state)
        if arrival.final:
            owner.final = True
            owner.expiry = min(owner.expiry, self._world.wall() + final_ttl)
        if not owner.mapping.want & arrival.kind:
            return UNWANTED, b""
        queue = RECEIPTS + owner.mapping.account
        if owner.last:
            self._world.superseded.setdefault(queue, []).append(owner.last)
        owner.last = self._append(queue, owner.mapping.origin, arrival.receipt)
        return QUEUED, queue

    def _quarantine(self, provider: bytes, reason: bytes, arrival: Arrival) -> tuple[int, bytes]:
        world = self._world
        stray = Stray(world.next_id(), provider, reason, int(world.wall()), arrival)
        world.quarantine = [*world.quarantine[1 - STRAYS :], stray]
        return QUARANTINED, b""

    def _orphan_old(self, provider: bytes) -> int:
        world = self._world
        parked = world.parked[provider]
        latest = world.wall() - PARKED_KEEP
        old = [name for name, (arrived, _) in parked.items() if arrived <= latest]
        for name in old:
            arrived, arrival = parked.pop(name)
            stray = Stray(world.next_id(), provider, b"unknown", int(arrived), arrival)
            world.orphans = [*world.orphans[1 - STRAYS :], stray]
        return len(old)

    # -- queues --------------------------------------------------------------------------------

    def _of(self, queue: bytes, test: Callable[[_Queued], bool]) -> list[bytes]:
        entries = self._world.queues.get(queue, {})
        return [entry_id for entry_id, entry in entries.items() if test(entry)]

    def _append(self, queue: bytes, origin: bytes, receipt: bytes) -> bytes:
        entry_id = self._world.next_id()
        entries = self._world.queues.setdefault(queue, {})
        entries[entry_id] = _Queued(origin, receipt, self._world.wall())
        return entry_id

    def _hand_out(self, queue: bytes, ids: list[bytes]) -> list[Entry]:
        handed = []
        for entry_id in ids:
            entry = self._world.queues[queue][entry_id]
            entry.holder = self._node
            entry.touched = self._world.wall()
            entry.deliveries += 1
            handed.append(Entry(queue, entry_id, entry.deliveries, entry.origin, entry.receipt))
        return handed

    def _limit(self, queue: bytes) -> Limit:
        return self._world.limits.get(queue) or Limit(DEFAULT_COUNT, DEFAULT_KEEP)

    def _expire(self, queue: bytes) -> int:
        oldest = self._world.wall() - self._limit(queue).keep
        return self._drop(queue, self._of(queue, lambda entry: entry.born < oldest))

    def _cut(self) -> dict[bytes, int]:
        """Bring every queue down to its limit: what was superseded goes first, then the oldest."""
        dropped = {}
        for queue, entries in self._world.queues.items():
            over = len(entries) - self._limit(queue).count
            if over > 0:
                first = [each for each in self._world.superseded.get(queue, []) if each in entries]
                first += [each for each in entries if each not in first]
                dropped[queue] = self._drop(queue, first[:over])
        return dropped

    def _drop(self, queue: bytes, ids: list[bytes]) -> int:
        for entry_id in ids:
            del self._world.queues[queue][entry_id]
        if ids:
            self._world.drops[queue] = self._world.drops.get(queue, 0) + len(ids)
        return len(ids)
