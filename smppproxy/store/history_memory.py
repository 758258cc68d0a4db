"""The calls of ``store.history`` in this process's memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from .history import COUNTS_KEPT, Count, Held
from .interface import Entry
from .records import message_id_of

if TYPE_CHECKING:
    from .world import World


class HistoryMemory:
    """Mixed into :class:`smppproxy.store.memory.MemoryStore`."""

    _world: World
    _call: Callable[[Callable[[], Any], float | None], Deferred[Any]]

    def add_counts(self, counts: dict[Count, int], patience: float | None = 0.0) -> Deferred[None]:
        def do() -> None:
            kept = self._world.counts
            for count, number in counts.items():
                kept[count] = kept.get(count, 0) + number
            oldest = self._world.wall() - COUNTS_KEPT
            for count in [count for count in kept if count[0] < oldest]:
                del kept[count]

        return self._call(do, patience)

    def counts(self, hours: list[int]) -> Deferred[dict[Count, int]]:
        def do() -> dict[Count, int]:
            return {
                count: number
                for count, number in self._world.counts.items()
                if count[0] in hours
            }

        return self._call(do, 0.0)

    def held(self, provider: bytes, keys: list[bytes]) -> Deferred[list[Held]]:
        def do() -> list[Held]:
            return [
                Held(
                    provider,
                    key,
                    each.mapping.account,
                    each.mapping.destination,
                    each.mapping.want,
                    each.mapping.origin,
                    int(each.expiry),
                    each.final,
                    tuple(each.seen),
                )
                for key in keys
                for each in self._world.live(provider, key)
            ]

        return self._call(do, 0.0)

    def seek(self, queue: bytes, message_id: bytes, count: int) -> Deferred[list[Entry]]:
        def do() -> list[Entry]:
            newest = list(self._world.queues.get(queue, {}).items())[::-1][:count]
            return [
                Entry(queue, entry_id, 0, entry.origin, entry.receipt)
                for entry_id, entry in newest
                if message_id_of(entry.origin) == message_id
            ]

        return self._call(do, 0.0)
