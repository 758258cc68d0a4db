"""Every call of the contract as a script of the server, with what goes in and what comes out.

What the calls promise stands in ``store.interface``; the forms of batches in ``store.batches``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed

from .batches import (
    by_name,
    by_queue,
    counts,
    maps,
    msgpacked,
    named,
    new_entries,
    nothing,
    numbers,
    old_entries,
    outcome_pairs,
    outcomes,
    pairs,
    pdus,
    receipts,
    reminders,
    same,
    seconds,
    strays,
    two_lists,
)
from .budgets import LEAST, Demand, Grant
from .calls import Calls, Decode
from .cluster_commands import ClusterCommands
from .history_commands import HistoryCommands
from .interface import (
    DUE_AHEAD,
    PARKED_KEEP,
    RECEIPTS,
    Arrival,
    Entry,
    Limit,
    Mapping,
    Matched,
    Name,
    Overdue,
    Room,
    Stray,
)
from .leftover_commands import LeftoverCommands
from .scripts import load_scripts
from .settling import Settling
from .times import Times


class Commands(ClusterCommands, LeftoverCommands, HistoryCommands):
    """The calls of a store on a server. Limits that are new go out by ``tell_limits``."""

    def __init__(self, calls: Calls, tell_limits: Callable[[dict[bytes, Limit]], None]) -> None:
        self.overflowed: dict[bytes, int] = {}
        self._calls = calls
        self._tell_limits = tell_limits
        self._limits: dict[bytes, Limit] = {}
        self._known_limits: dict[bytes, Limit] = {}
        # Providers whose maps the server knows to be there.
        self._recorded: set[bytes] = set()
        self._started_ms = -1
        self._scripts = scripts = load_scripts()
        self._numbers = scripts["numbers"]
        self._record = scripts["record"]
        self._match = scripts["match"]
        self._settling = Settling(calls, scripts["settle"], self._lost)
        self._put = scripts["put"]
        self._overdue = scripts["overdue"]
        self._binds = scripts["binds"]
        self._fetch = scripts["fetch"]
        self._adopt = scripts["adopt"]
        self._touch = scripts["touch"]
        self._ack = scripts["ack"]
        self._sizes = scripts["sizes"]
        self._ages = scripts["ages"]
        self._sweep = scripts["sweep"]
        self._look = scripts["look"]
        self._shares = scripts["shares"]
        self._wishes = scripts["wishes"]

    def _use_limits(self, limits: dict[bytes, Limit]) -> None:
        """Tell the store about limits it has not been told yet."""
        known = self._known_limits
        news = {queue: limit for queue, limit in limits.items() if known.get(queue) != limit}
        if news:
            known.update(news)
            self._tell_limits(news)

    def _share_limits(self, limits: dict[bytes, Limit]) -> None:
        """The same for a whole dict, which costs nothing when it is the one of the last call."""
        if limits is not self._limits:
            self._limits = limits
            self._use_limits(limits)

    def _lost(self, drops: dict[bytes, int]) -> None:
        overflowed = self.overflowed
        for queue, count in drops.items():
            overflowed[queue] = overflowed.get(queue, 0) + count

    def _lost_by(self, queue: bytes) -> Decode:
        def decode(reply: Any) -> int:
            count: int = reply
            if count:
                self._lost({queue: count})
            return count

        return decode

    def _released(self, reply: Any) -> list[tuple[int, bytes]]:
        if reply and reply[0].__class__ is list:
            reply, drops = reply
            self._lost(numbers(drops))
        return outcome_pairs(reply)

    def _reminded(self, reply: Any) -> list[Overdue]:
        if reply and (not reply[0] or reply[0][0].__class__ is list):
            reply, drops = reply
            self._lost(numbers(drops))
        return reminders(reply)

    def _matched(self, reply: Any) -> Matched:
        if reply[2]:
            self._lost(numbers(reply[2]))
        return outcomes(reply)

    def take_numbers(self, name: bytes, count: int, patience: float | None = 0.0) -> Deferred[int]:
        return self._calls.call(self._numbers, (name, count), same, patience)

    def record(
        self,
        provider: bytes,
        mappings: list[Mapping],
        ttl: int,
        limits: dict[bytes, Limit],
        patience: float | None = 5.0,
        final_ttl: int = 43_200,
    ) -> Deferred[list[tuple[int, bytes]]]:
        self._share_limits(limits)
        name = named(provider)
        ids, plain, wide = maps(name, mappings)
        if not ids and not wide:
            return succeed([])
        is_first = name not in self._recorded
        args = (name, ttl, final_ttl, msgpacked(ids), plain, wide or False, is_first)

        def decode(reply: Any) -> list[tuple[int, bytes]]:
            self._recorded.add(name)
            if reply.__class__ is int:
                self._settling.known.add(name, ids, reply, plain)
                return []
            return self._released(reply)

        return self._calls.call(self._record, args, decode, patience)

    def match(
        self,
        provider: bytes,
        arrivals: list[Arrival],
        final_ttl: int,
        limits: dict[bytes, Limit],
        patience: float | None = None,
        room: Room | None = None,
    ) -> Deferred[Matched]:
        self._share_limits(limits)
        name = named(provider)

        def whole(some: list[Arrival], left: float | None) -> Deferred[Matched]:
            args = (name, final_ttl, receipts(some), pdus(some))
            return self._calls.call(self._match, args, self._matched, left)

        return Deferred.fromCoroutine(
            self._settling.match(
                name, arrivals, final_ttl, limits, patience, room, whole
            )
        )

    def put(
        self, queue: bytes, records: list[bytes], limit: Limit, patience: float | None = 5.0
    ) -> Deferred[int]:
        if self._known_limits.get(queue) != limit:
            self._use_limits({queue: limit})
        return self._calls.call(self._put, (queue, records), self._lost_by(queue), patience)

    def put_receipts(
        self,
        account: bytes,
        items: list[tuple[bytes, bytes]],
        limit: Limit,
        patience: float | None = 5.0,
    ) -> Deferred[int]:
        queue = RECEIPTS + account
        if self._known_limits.get(queue) != limit:
            self._use_limits({queue: limit})
        flat = [record for item in items for record in item]
        return self._calls.call(self._put, (queue, flat, True), self._lost_by(queue), patience)

    def overdue(self, count: int, patience: float | None = None) -> Deferred[list[Overdue]]:
        return self._calls.call(self._overdue, (count, DUE_AHEAD), self._reminded, patience)

    def fetch(
        self, wants: list[tuple[bytes, int]], patience: float | None = 5.0
    ) -> Deferred[list[Entry]]:
        flat: list[bytes | int] = []
        for want in wants:
            flat += want
        return self._calls.call(self._fetch, flat, new_entries, patience)

    def adopt(
        self, queues: list[bytes], count: int, idle_ms: int, patience: float | None = 0.0
    ) -> Deferred[list[Entry]]:
        args = (queues, min(count, 1000), idle_ms, self._started_ms)
        return self._calls.call(self._adopt, args, old_entries, patience)

    def touch(self, held: list[Name]) -> Deferred[tuple[list[Name], list[Name]]]:
        return self._calls.call(self._touch, by_queue(held), two_lists, 0.0)

    def ack(self, acks: list[tuple[bytes, bytes]], patience: float | None = None) -> Deferred[int]:
        return self._calls.call(self._ack, by_queue(acks), same, patience)

    def take_bind(
        self,
        account: bytes,
        session: bytes,
        limit: int,
        ttl: int,
        patience: float | None = 0.0,
    ) -> Deferred[bool]:
        args = (b"take", account, session, limit, ttl)
        return self._calls.call(self._binds, args, bool, patience)

    def keep_binds(
        self, held: list[tuple[bytes, bytes]], ttl: int, patience: float | None = 0.0
    ) -> Deferred[None]:
        return self._calls.call(self._binds, (b"keep", by_queue(held), ttl), nothing, patience)

    def drop_binds(
        self, held: list[tuple[bytes, bytes]], patience: float | None = 5.0
    ) -> Deferred[None]:
        return self._calls.call(self._binds, (b"drop", by_queue(held)), nothing, patience)

    def share(
        self, demands: list[Demand], gone: list[bytes], ttl: float, patience: float | None = 0.0
    ) -> Deferred[dict[bytes, Grant]]:
        names = [demand.name for demand in demands]
        rows = [(each.name, each.limit, each.wanted, each.held) for each in demands]

        def decode(reply: Any) -> dict[bytes, Grant]:
            return {name: Grant(*row) for name, row in zip(names, reply, strict=True)}

        args = (int(ttl * 1000), LEAST, rows, gone)
        return self._calls.call(self._shares, args, decode, patience)

    def wishes(
        self, changes: dict[bytes, bytes], patience: float | None = 5.0
    ) -> Deferred[dict[bytes, bytes]]:
        flat = [part for change in changes.items() for part in change]
        return self._calls.call(self._wishes, flat, by_name, patience)

    def sizes(self, queues: list[bytes]) -> Deferred[list[tuple[int, int]]]:
        return self._calls.call(self._sizes, queues, pairs, 0.0)

    def ages(self, queues: list[bytes]) -> Deferred[list[float]]:
        return self._calls.call(self._ages, queues, seconds, 0.0)

    @property
    def times(self) -> Times:
        return self._calls.times

    @property
    def outstanding(self) -> int:
        return len(self._calls)

    def sweep(self, queues: dict[bytes, Limit]) -> Deferred[dict[bytes, int]]:
        self._use_limits(queues)
        return self._calls.call(self._sweep, (list(queues), PARKED_KEEP), counts, 0.0)

    def dropped(self) -> Deferred[dict[bytes, int]]:
        return self._calls.call(self._look, (b"drops",), counts, 0.0)

    def parked(self, provider: bytes) -> Deferred[int]:
        return self._calls.call(self._look, (b"parked", named(provider)), same, 0.0)

    def orphans(self, count: int) -> Deferred[list[Stray]]:
        return self._calls.call(self._look, (b"stray", b"orphans", count), strays, 0.0)

    def quarantined(self, count: int) -> Deferred[list[Stray]]:
        return self._calls.call(self._look, (b"stray", b"quarantine", count), strays, 0.0)
