"""The calls of ``store.leftovers`` as scripts of the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from .batches import named, numbers, outcome_pairs, receipts, same, strays, unrouted
from .leftovers import FINAL_TTL, UNROUTED, Message, Unrouted

if TYPE_CHECKING:
    from .calls import Calls
    from .interface import Arrival, Limit, Stray
    from .scripts import Script


class LeftoverCommands:
    """Mixed into :class:`smppproxy.store.commands.Commands`."""

    _calls: Calls
    _scripts: dict[str, Script]
    _share_limits: Callable[[dict[bytes, Limit]], None]
    _lost: Callable[[dict[bytes, int]], None]

    def put_messages(
        self,
        messages: list[Message],
        limits: dict[bytes, Limit],
        patience: float | None = 5.0,
    ) -> Deferred[list[tuple[int, tuple[bytes, ...]]]]:
        self._share_limits(limits)
        args = [
            (
                named(each.provider),
                each.record,
                each.queues,
                each.long,
                each.lead,
                each.once,
                each.entry_id,
            )
            for each in messages
        ]

        def decode(reply: Any) -> list[tuple[int, tuple[bytes, ...]]]:
            results, drops = reply
            self._lost(numbers(drops))
            return [(outcome, tuple(queues)) for outcome, queues in results]

        return self._calls.call(self._scripts["mo"], args, decode, patience)

    def unrouted(self, count: int, before: bytes = b"") -> Deferred[list[Unrouted]]:
        args = (b"q:" + UNROUTED, count, before, 0)
        return self._calls.call(self._scripts["strays"], args, unrouted, 0.0)

    def strays(
        self, kind: bytes, count: int, before: bytes = b"", skip: int = 0
    ) -> Deferred[list[Stray]]:
        args = (kind, count, before, skip)
        return self._calls.call(self._scripts["strays"], args, strays, 0.0)

    def fitting(self, provider: bytes, arrivals: list[Arrival]) -> Deferred[list[int]]:
        args = (named(provider), receipts(arrivals))
        return self._calls.call(self._scripts["fitting"], args, same, 0.0)

    def replay(
        self,
        kind: bytes,
        provider: bytes,
        items: list[tuple[bytes, Arrival]],
        final_ttl: int,
        limits: dict[bytes, Limit],
        patience: float | None = 5.0,
    ) -> Deferred[list[tuple[int, bytes]]]:
        self._share_limits(limits)
        flat: list[Any] = []
        for entry_id, packed in zip(
            [entry_id for entry_id, _ in items],
            receipts([arrival for _, arrival in items]),
            strict=True,
        ):
            flat += (entry_id, packed)

        def decode(reply: Any) -> list[tuple[int, bytes]]:
            results, drops = reply
            self._lost(numbers(drops))
            return outcome_pairs(results)

        args = (kind, named(provider), final_ttl, flat)
        return self._calls.call(self._scripts["replay"], args, decode, patience)

    def meet_parked(
        self,
        skip: int,
        count: int,
        final_ttls: dict[bytes, int],
        limits: dict[bytes, Limit],
        patience: float | None = None,
    ) -> Deferred[tuple[list[tuple[int, bytes]], int]]:
        self._share_limits(limits)
        ttls = [part for name, ttl in final_ttls.items() for part in (named(name), ttl)]

        def decode(reply: Any) -> tuple[list[tuple[int, bytes]], int]:
            next_skip, results, drops = reply
            self._lost(numbers(drops))
            return outcome_pairs(results), next_skip

        args = (skip, count, FINAL_TTL, ttls)
        return self._calls.call(self._scripts["again"], args, decode, patience)
