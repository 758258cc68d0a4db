"""The contract of the store in this process's memory: for tests, nothing survives.

Several nodes of one test share a :class:`World`. ``go_away`` and ``come_back`` play a store that
is not there; calls are then as patient as the ones of the real store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from .budgets import Demand, Grant
from .cluster_memory import ClusterMemory
from .history_memory import HistoryMemory
from .interface import (
    NOT_SENT,
    QUEUED,
    RECEIPTS,
    Arrival,
    Entry,
    Limit,
    Mapping,
    Matched,
    Name,
    Overdue,
    Room,
    StoreUnavailable,
    Stray,
)
from .leftover_memory import LeftoverMemory
from .records import message_id_of
from .times import CALL_BOUNDS, Times
from .world import World

__all__ = ["MemoryStore", "World"]


class MemoryStore(ClusterMemory, LeftoverMemory, HistoryMemory):
    """One node's view of a :class:`World`."""

    def __init__(self, clock: IReactorTime, node: str = "node", world: World | None = None) -> None:
        self.ready = False
        self.full = False
        self.memory_used = 0.0
        self.durability = "memory"
        self.overflowed: dict[bytes, int] = {}
        self.times = Times(CALL_BOUNDS)
        self._clock = clock
        self._node = node
        self._world = world if world is not None else World(clock.seconds)
        self._started = 0.0
        self._away = False
        self._closed = False
        self._watchers: list[Callable[[bool], None]] = []
        self._waiting: list[Callable[[], None]] = []
        self._make_bus(node)

    def watch(self, callback: Callable[[bool], None]) -> None:
        self._watchers.append(callback)

    def start(self) -> Deferred[None]:
        self._started = self._world.wall()
        self._join()
        self._set_ready(not self._away)
        return succeed(None)

    def stop(self) -> Deferred[None]:
        self._closed = True
        self._part()
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

    def _cut(self) -> dict[bytes, int]:
        dropped = self._world.cut()
        for queue, count in dropped.items():
            self.overflowed[queue] = self.overflowed.get(queue, 0) + count
        return dropped

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
    ) -> Deferred[list[tuple[int, bytes]]]:
        def do() -> list[tuple[int, bytes]]:
            self._world.limits.update(limits)
            kept = [mapping for mapping in mappings if mapping.key]
            for mapping in kept:
                self._world.write(provider, mapping, ttl)
            released: list[tuple[int, bytes]] = []
            for mapping in kept:
                released += self._world.release(provider, mapping.key, final_ttl)
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
        room: Room | None = None,
    ) -> Deferred[Matched]:
        def do() -> Matched:
            world = self._world
            world.limits.update(limits)
            found = Matched([(QUEUED, b"")] * len(arrivals))
            found.accounts = [b""] * len(arrivals)
            found.message_ids = [b""] * len(arrivals)
            for place in world.in_order(provider, arrivals, final_ttl):
                account, origin = world.owner(provider, arrivals[place])
                found[place] = world.meet(provider, arrivals[place], final_ttl)
                found.accounts[place] = account
                found.message_ids[place] = message_id_of(origin)
            self._cut()
            if room is not None:
                found.entries = self._into_hands(found, room)
            return found

        return self._call(do, patience)

    def _into_hands(self, found: Matched, room: Room) -> list[Entry]:
        """What was queued just now, of queues in which nothing else waits."""
        entries: list[Entry] = []
        for queue, number in Counter(queue for _, queue in found if queue).items():
            waiting = self._world.of(queue, lambda entry: not entry.holder)
            if len(waiting) == number and room(queue, number):
                entries += self._world.hand_out(queue, waiting, self._node)
        return entries

    def put(
        self, queue: bytes, records: list[bytes], limit: Limit, patience: float | None = 5.0
    ) -> Deferred[int]:
        def do() -> int:
            self._world.limits[queue] = limit
            for record in records:
                self._world.append(queue, b"", record)
            return self._cut().get(queue, 0)

        return self._call(do, patience)

    def put_receipts(
        self,
        account: bytes,
        items: list[tuple[bytes, bytes]],
        limit: Limit,
        patience: float | None = 5.0,
    ) -> Deferred[int]:
        queue = RECEIPTS + account

        def do() -> int:
            self._world.limits[queue] = limit
            for origin, receipt in items:
                self._world.append(queue, origin, receipt)
            return self._cut().get(queue, 0)

        return self._call(do, patience)

    def overdue(self, count: int, patience: float | None = None) -> Deferred[list[Overdue]]:
        def do() -> list[Overdue]:
            found = self._world.overdue(count)
            self._cut()
            return found

        return self._call(do, patience)

    def fetch(
        self, wants: list[tuple[bytes, int]], patience: float | None = 5.0
    ) -> Deferred[list[Entry]]:
        def do() -> list[Entry]:
            entries: list[Entry] = []
            for queue, count in wants:
                self._world.expire(queue)
                waiting = self._world.of(queue, lambda entry: not entry.holder)
                entries += self._world.hand_out(queue, waiting[:count], self._node)
            return entries

        return self._call(do, patience)

    def adopt(
        self, queues: list[bytes], count: int, idle_ms: int, patience: float | None = 0.0
    ) -> Deferred[list[Entry]]:
        def do() -> list[Entry]:
            latest = self._world.wall() - idle_ms / 1000
            entries: list[Entry] = []
            for queue in queues:
                self._world.expire(queue)
                left = self._world.of(
                    queue,
                    lambda entry: (
                        entry.touched <= latest and entry.holder != ""
                        if idle_ms
                        else entry.touched < self._started and entry.holder == self._node
                    ),
                )
                entries += self._world.hand_out(queue, left[:count], self._node)
            return entries

        return self._call(do, patience)

    def touch(self, held: list[Name]) -> Deferred[tuple[list[Name], list[Name]]]:
        return self._call(lambda: self._world.touch(held, self._node), 0.0)

    def ack(self, acks: list[tuple[bytes, bytes]], patience: float | None = None) -> Deferred[int]:
        def do() -> int:
            queues = self._world.queues
            gone = [queues.get(queue, {}).pop(entry_id, None) for queue, entry_id in acks]
            return len(gone) - gone.count(None)

        return self._call(do, patience)

    def take_bind(
        self,
        account: bytes,
        session: bytes,
        limit: int,
        ttl: int,
        patience: float | None = 0.0,
    ) -> Deferred[bool]:
        name = (self._node, self, session)
        return self._call(lambda: self._world.take_bind(account, name, limit, ttl), patience)

    def keep_binds(
        self, held: list[tuple[bytes, bytes]], ttl: int, patience: float | None = 0.0
    ) -> Deferred[None]:
        def do() -> None:
            world = self._world
            for account, session in held:
                world.leases(account)[self._node, self, session] = world.wall() + ttl

        return self._call(do, patience)

    def drop_binds(
        self, held: list[tuple[bytes, bytes]], patience: float | None = 5.0
    ) -> Deferred[None]:
        def do() -> None:
            for account, session in held:
                self._world.leases(account).pop((self._node, self, session), None)

        return self._call(do, patience)

    def share(
        self, demands: list[Demand], gone: list[bytes], ttl: float, patience: float | None = 0.0
    ) -> Deferred[dict[bytes, Grant]]:
        me = (self._node, self)

        def do() -> dict[bytes, Grant]:
            for name in gone:
                self._world.parts.get(name, {}).pop(me, None)
            return {each.name: self._world.share(each, me, ttl) for each in demands}

        return self._call(do, patience)

    def wishes(
        self, changes: dict[bytes, bytes], patience: float | None = 5.0
    ) -> Deferred[dict[bytes, bytes]]:
        def do() -> dict[bytes, bytes]:
            kept = self._world.wishes
            kept.update(changes)
            for name in [name for name, value in kept.items() if not value]:
                del kept[name]
            return dict(kept)

        return self._call(do, patience)

    def sizes(self, queues: list[bytes]) -> Deferred[list[tuple[int, int]]]:
        def do() -> list[tuple[int, int]]:
            return [
                (
                    len(self._world.of(queue, lambda entry: not entry.holder)),
                    len(self._world.of(queue, lambda entry: bool(entry.holder))),
                )
                for queue in queues
            ]

        return self._call(do, 0.0)

    @property
    def outstanding(self) -> int:
        return len(self._waiting)

    def ages(self, queues: list[bytes]) -> Deferred[list[float]]:
        return self._call(lambda: [self._world.age(queue) for queue in queues], 0.0)

    def sweep(self, queues: dict[bytes, Limit]) -> Deferred[dict[bytes, int]]:
        def do() -> dict[bytes, int]:
            self._world.limits.update(queues)
            counts = {queue: self._world.expire(queue) for queue in queues}
            for queue, dropped in self._world.cut().items():
                counts[queue] = counts.get(queue, 0) + dropped
            for provider in list(self._world.parked):
                counts[b"p:" + provider] = self._world.orphan_old(provider)
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
