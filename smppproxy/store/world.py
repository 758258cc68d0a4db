"""What the nodes of one test share, in this process's memory: maps, groups, queues and leases."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from .batches import candidates, group_of, named
from .budgets import Demand, Grant, grant_of
from .cluster import Version
from .history import Count
from .interface import (
    DEFAULT_COUNT,
    DEFAULT_KEEP,
    DUE_AHEAD,
    DUE_GRACE,
    DUPLICATE,
    MERGED,
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
    Name,
    Overdue,
    Stray,
)
from .merging import DELIVERED, EXPIRED, UNKNOWN, Final, Group

MAX_MAPS = 8
STRAYS = 10_000

Outcome = tuple[int, bytes]


@attrs.define
class Map:
    """A mapping and what became of it; ``group`` names its group (``b""``: none).

    ``alone``: no other was ever under its id.
    """

    mapping: Mapping
    group: bytes
    expiry: float
    alone: bool = True
    final: bool = False
    seen: list[int] = attrs.field(factory=list)
    last: bytes = b""

    @property
    def is_fresh(self) -> bool:
        """Whether it is a plain map that nothing has come for."""
        mapping = self.mapping
        more = self.group or mapping.late or mapping.remind or mapping.also or not mapping.part
        return self.alone and not (more or self.seen or self.final)

    @property
    def is_due(self) -> bool:
        """Whether somebody has to look at it when it ends."""
        return not self.final and (self.mapping.remind or self.group != b"")

    @property
    def end(self) -> float:
        """When it goes."""
        return self.expiry + DUE_GRACE if self.is_due else self.expiry


@attrs.define
class Queued:
    """An entry of a queue."""

    origin: bytes
    receipt: bytes
    born: float
    sub: int = 1
    dlvrd: int = -1
    holder: str = ""
    touched: float = 0.0
    deliveries: int = 0


@attrs.define
class World:
    """What the nodes of one test share. ``wall`` is the time in unix seconds."""

    wall: Callable[[], float]
    numbers: dict[bytes, int] = attrs.field(factory=dict)
    maps: dict[tuple[bytes, bytes], list[Map]] = attrs.field(factory=dict)
    groups: dict[tuple[bytes, bytes], Group] = attrs.field(factory=dict)
    parked: dict[bytes, dict[bytes, tuple[float, Arrival]]] = attrs.field(factory=dict)
    queues: dict[bytes, dict[bytes, Queued]] = attrs.field(factory=dict)
    superseded: dict[bytes, list[bytes]] = attrs.field(factory=dict)
    limits: dict[bytes, Limit] = attrs.field(factory=dict)
    drops: dict[bytes, int] = attrs.field(factory=dict)
    orphans: list[Stray] = attrs.field(factory=list)
    quarantine: list[Stray] = attrs.field(factory=list)
    binds: dict[bytes, dict[tuple[str, object, bytes], float]] = attrs.field(factory=dict)
    nodes: dict[tuple[bytes, bytes], tuple[float, bytes]] = attrs.field(factory=dict)
    hearers: dict[bytes, Callable[[bytes], None]] = attrs.field(factory=dict)
    longs: dict[bytes, tuple[float, bool, tuple[bytes, ...]]] = attrs.field(factory=dict)
    repeated: dict[tuple[bytes, bytes], float] = attrs.field(factory=dict)
    versions: dict[int, tuple[Version, bytes]] = attrs.field(factory=dict)
    parts: dict[bytes, dict[tuple[str, object], tuple[float, float, float]]] = attrs.field(
        factory=dict
    )
    wishes: dict[bytes, bytes] = attrs.field(factory=dict)
    counts: dict[Count, int] = attrs.field(factory=dict)
    serial: int = 0

    def next_id(self) -> bytes:
        """An id as the real store makes them: they grow."""
        self.serial += 1
        return b"%d-%d" % (self.wall() * 1000, self.serial)

    # -- maps ----------------------------------------------------------------------------------

    def live(self, provider: bytes, key: bytes) -> list[Map]:
        """The maps under an id."""
        now = self.wall()
        return [each for each in self.maps.get((provider, key), ()) if each.end > now]

    def write(self, provider: bytes, mapping: Mapping, ttl: int) -> None:
        """Another map, unless this very one is there."""
        maps = self.live(provider, mapping.key)
        if all(each.mapping != mapping for each in maps):
            maps.append(Map(mapping, group_of(provider, mapping), self.wall() + ttl))
            for each in maps:
                each.alone = len(maps) == 1
        self.maps[provider, mapping.key] = maps[-MAX_MAPS:]

    def release(self, provider: bytes, key: bytes, final_ttl: int) -> list[Outcome]:
        """Parked receipts meet their map; what becomes of each."""
        parked = self.parked.get(provider, {})
        names = [name for name, (_, arrival) in parked.items() if key in arrival.keys]
        released = []
        for name in names:
            arrived, arrival = parked.pop(name)
            found = self.fitting(self.live(provider, key), arrival)
            if isinstance(found, Map):
                released.append(self.settle(found, arrival, final_ttl))
            elif len(arrival.keys) > 1:
                parked[name] = (arrived, arrival)
            else:
                released.append(self._quarantine(provider, found, arrival))
        return released

    def owner(self, provider: bytes, arrival: Arrival) -> tuple[bytes, bytes]:
        """Account and origin of the message that a receipt is about; ``b""`` when there is none."""
        for key in arrival.keys:
            found = self.fitting(self.live(provider, key), arrival)
            if isinstance(found, Map):
                return found.mapping.account, found.mapping.origin
        return b"", b""

    def in_order(self, provider: bytes, arrivals: list[Arrival], final_ttl: int) -> list[int]:
        """The places of receipts in the order in which they are settled (``store.settling``)."""
        first: list[int] = []
        for place in candidates(arrivals):
            arrival = arrivals[place]
            maps = self.live(provider, arrival.keys[0])
            if len(maps) != 1 or not maps[0].is_fresh:
                continue
            mapping = maps[0].mapping
            if mapping.want & arrival.kind and fits(mapping.destination, arrival.destination):
                first.append(place)
                if maps[0].expiry < self.wall() + final_ttl:
                    return [*range(len(arrivals))]
        return first + [place for place in range(len(arrivals)) if place not in first]

    def meet(self, provider: bytes, arrival: Arrival, final_ttl: int) -> Outcome:
        """A receipt meets its map, or is parked."""
        if not arrival.keys:
            return self._quarantine(provider, b"no_id", arrival)
        misfits = []
        for key in arrival.keys:
            maps = self.live(provider, key)
            found = self.fitting(maps, arrival)
            if isinstance(found, Map):
                return self.settle(found, arrival, final_ttl)
            if maps:
                misfits.append(found)
        if len(misfits) == len(arrival.keys):
            return self._quarantine(provider, misfits[0], arrival)
        parked = self.parked.setdefault(provider, {})
        name = b"%b\0%b\0%d\0%d" % (
            arrival.keys[0],
            arrival.destination,
            arrival.state,
            arrival.segment,
        )
        if name in parked:
            return DUPLICATE, b""
        parked[name] = (self.wall(), arrival)
        return PARKED, b""

    @staticmethod
    def fitting(maps: list[Map], arrival: Arrival) -> Map | bytes:
        """The one map that a receipt fits, or why there is none."""
        owners = [each for each in maps if fits(each.mapping.destination, arrival.destination)]
        if len(owners) == 1:
            return owners[0]
        return b"ambiguous" if owners else b"destination"

    def settle(self, owner: Map, arrival: Arrival, final_ttl: int) -> Outcome:
        """What becomes of a receipt that has its map."""
        known = arrival.state in owner.seen
        if owner.final:
            return (DUPLICATE, b"") if known else self._settle_late(owner, arrival)
        if known and (owner.mapping.part or not arrival.final):
            return DUPLICATE, b""
        if owner.group and arrival.final:
            return self._add_final(owner, arrival, final_ttl)
        if owner.group:
            return self._add_intermediate(owner, arrival)
        self._saw(owner, arrival)
        if arrival.final:
            self._end(owner, final_ttl)
        if not owner.mapping.want & arrival.kind:
            return UNWANTED, b""
        self._supersede(RECEIPTS + owner.mapping.account, owner.last)
        queue, owner.last = self._deliver(owner, arrival.receipt)
        return QUEUED, queue

    def _saw(self, owner: Map, arrival: Arrival) -> None:
        if arrival.state not in owner.seen:
            owner.seen.append(arrival.state)

    def _end(self, owner: Map, final_ttl: int) -> None:
        owner.final = True
        owner.expiry = min(owner.expiry, self.wall() + final_ttl)

    def _deliver(
        self, owner: Map, receipt: bytes, sub: int = 1, dlvrd: int = -1
    ) -> tuple[bytes, bytes]:
        """One entry for each message that has this map; queue and id of the first one."""
        mapping = owner.mapping
        queue = RECEIPTS + mapping.account
        ids = [
            self.append(queue, origin, receipt, sub, dlvrd)
            for origin in (mapping.origin, *mapping.also)
        ]
        return queue, ids[0]

    def _supersede(self, queue: bytes, entry_id: bytes) -> None:
        if entry_id:
            self.superseded.setdefault(queue, []).append(entry_id)

    def _settle_late(self, owner: Map, arrival: Arrival) -> Outcome:
        """DELIVERED after EXPIRED or UNKNOWN; everything else comes too late."""
        mapping = owner.mapping
        late = mapping.late and mapping.part and arrival.state == DELIVERED
        if not late or owner.seen[-1] not in (EXPIRED, UNKNOWN):
            return SUPERSEDED, b""
        if owner.group:
            return self._replace_part(owner, arrival)
        self._saw(owner, arrival)
        if not mapping.want & arrival.kind:
            return UNWANTED, b""
        return QUEUED, self._deliver(owner, arrival.receipt)[0]

    def _quarantine(self, provider: bytes, reason: bytes, arrival: Arrival) -> Outcome:
        stray = Stray(self.next_id(), provider, reason, int(self.wall()), arrival)
        self.quarantine = [*self.quarantine[1 - STRAYS :], stray]
        return QUARANTINED, b""

    def orphan_old(self, provider: bytes) -> int:
        """What was parked for too long has no owner; how many."""
        parked = self.parked[provider]
        latest = self.wall() - PARKED_KEEP
        old = [name for name, (arrived, _) in parked.items() if arrived <= latest]
        for name in old:
            arrived, arrival = parked.pop(name)
            stray = Stray(self.next_id(), provider, b"unknown", int(arrived), arrival)
            self.orphans = [*self.orphans[1 - STRAYS :], stray]
        return len(old)

    # -- groups --------------------------------------------------------------------------------

    def _group(self, owner: Map) -> Group:
        name = owner.mapping.account, owner.group
        group = self.groups.get(name)
        if group is None or group.expiry <= self.wall():
            group = self.groups[name] = Group()
        group.expiry = max(group.expiry, owner.expiry + DUE_GRACE)
        return group

    def _conclude(self, owner: Map, group: Group) -> Outcome:
        mapping, chosen = owner.mapping, group.chosen()
        group.closed = True
        group.state = chosen.state
        if not mapping.want & chosen.kind:
            return UNWANTED, b""
        queue, _ = self._deliver(owner, chosen.receipt, mapping.parts, group.good)
        self._supersede(queue, group.shown)
        group.shown = b""
        return QUEUED, queue

    def _add_final(self, owner: Map, arrival: Arrival, final_ttl: int) -> Outcome:
        group, part = self._group(owner), owner.mapping.part
        known = SUPERSEDED if group.closed else group.known(part, arrival)
        if known is not None:
            if part or group.closed:
                self._saw(owner, arrival)
                self._end(owner, final_ttl)
            return known, b""
        self._saw(owner, arrival)
        group.finals.append(Final(part, arrival))
        complete = len(group.finals) >= owner.mapping.parts
        if part or complete:
            self._end(owner, final_ttl)
        if not complete:
            return MERGED, b""
        group.expiry = min(group.expiry, self.wall() + final_ttl)
        return self._conclude(owner, group)

    def _add_intermediate(self, owner: Map, arrival: Arrival) -> Outcome:
        group, mapping = self._group(owner), owner.mapping
        if group.closed:
            return SUPERSEDED, b""
        self._saw(owner, arrival)
        if not mapping.want & arrival.kind:
            return UNWANTED, b""
        if group.shown:
            return MERGED, b""
        queue, group.shown = self._deliver(owner, arrival.receipt, mapping.parts, group.good)
        return QUEUED, queue

    def _replace_part(self, owner: Map, arrival: Arrival) -> Outcome:
        group = self._group(owner)
        if group.closed and (
            group.state not in (EXPIRED, UNKNOWN) or len(group.finals) < owner.mapping.parts
        ):
            return SUPERSEDED, b""
        self._saw(owner, arrival)
        group.replace(owner.mapping.part, arrival)
        if group.closed and not group.worst:
            return self._conclude(owner, group)
        return MERGED, b""

    def overdue(self, count: int) -> list[Overdue]:
        """Close the messages whose maps end; those that nobody spoke of."""
        latest = self.wall() + DUE_AHEAD
        due = [
            (provider, key, each)
            for (provider, key) in self.maps
            for each in self.live(provider, key)
            if each.is_due and each.expiry <= latest
        ]
        due.sort(key=lambda each: (int(each[2].expiry), named(each[0]) + b":" + each[1]))
        found = [self._end_due(provider, key, each) for provider, key, each in due[:count]]
        return [each for several in found for each in several]

    def _end_due(self, provider: bytes, key: bytes, owner: Map) -> list[Overdue]:
        mapping = owner.mapping
        silent = self._close_due(owner) if owner.group else True
        owner.final = True
        if UNKNOWN not in owner.seen:
            owner.seen.append(UNKNOWN)
        owner.expiry = self.wall() + DUE_GRACE
        if not silent or not mapping.remind:
            return []
        return [
            Overdue(
                provider,
                key,
                mapping.account,
                mapping.want,
                mapping.destination,
                origin,
                mapping.parts,
            )
            for origin in (mapping.origin, *mapping.also)
        ]

    def _close_due(self, owner: Map) -> bool:
        """Queue what the group has; True when it was open and has nothing."""
        group = self._group(owner)
        if group.closed:
            return False
        group.expiry = max(group.expiry, self.wall() + DUE_GRACE)
        if group.finals:
            self._conclude(owner, group)
            return False
        group.closed = True
        group.state = UNKNOWN
        return True

    # -- queues --------------------------------------------------------------------------------

    def of(self, queue: bytes, test: Callable[[Queued], bool]) -> list[bytes]:
        """Ids of the entries of a queue that pass a test."""
        entries = self.queues.get(queue, {})
        return [entry_id for entry_id, entry in entries.items() if test(entry)]

    def age(self, queue: bytes) -> float:
        """Seconds since the oldest entry of a queue came, 0 without one."""
        born = min((entry.born for entry in self.queues.get(queue, {}).values()), default=None)
        return 0.0 if born is None else max(self.wall() - born, 0.0)

    def append(
        self, queue: bytes, origin: bytes, receipt: bytes, sub: int = 1, dlvrd: int = -1
    ) -> bytes:
        """A new entry; its id."""
        entry_id = self.next_id()
        entries = self.queues.setdefault(queue, {})
        entries[entry_id] = Queued(origin, receipt, self.wall(), sub, dlvrd)
        return entry_id

    def hand_out(self, queue: bytes, ids: list[bytes], node: str) -> list[Entry]:
        """Put entries into a node's hands."""
        handed = []
        for entry_id in ids:
            entry = self.queues[queue][entry_id]
            entry.holder = node
            entry.touched = self.wall()
            entry.deliveries += 1
            handed.append(
                Entry(
                    queue,
                    entry_id,
                    entry.deliveries,
                    entry.origin,
                    entry.receipt,
                    entry.sub,
                    entry.dlvrd,
                )
            )
        return handed

    def touch(self, held: list[Name], node: str) -> tuple[list[Name], list[Name]]:
        """Signs of life; what has a later receipt of its message, what the node does not hold."""
        superseded, gone = [], []
        for queue, entry_id in held:
            entry = self.queues.get(queue, {}).get(entry_id)
            if entry is None or entry.holder != node:
                gone.append((queue, entry_id))
                continue
            entry.touched = self.wall()
            if entry_id in self.superseded.get(queue, ()):
                superseded.append((queue, entry_id))
        return superseded, gone

    def _limit(self, queue: bytes) -> Limit:
        return self.limits.get(queue) or Limit(DEFAULT_COUNT, DEFAULT_KEEP)

    def expire(self, queue: bytes) -> int:
        """Drop what is older than the queue keeps; how many."""
        if not self.queues.get(queue):
            return 0
        oldest = self.wall() - self._limit(queue).keep
        return self._drop(queue, self.of(queue, lambda entry: entry.born < oldest))

    def cut(self) -> dict[bytes, int]:
        """Bring every queue down to its limit: what was superseded goes first, then the oldest."""
        dropped = {}
        for queue, entries in self.queues.items():
            over = len(entries) - self._limit(queue).count
            if over > 0:
                first = [each for each in self.superseded.get(queue, []) if each in entries]
                first += [each for each in entries if each not in first]
                dropped[queue] = self._drop(queue, first[:over])
        return dropped

    def _drop(self, queue: bytes, ids: list[bytes]) -> int:
        for entry_id in ids:
            del self.queues[queue][entry_id]
        if ids:
            self.drops[queue] = self.drops.get(queue, 0) + len(ids)
        return len(ids)

    # -- leases --------------------------------------------------------------------------------

    def leases(self, account: bytes) -> dict[tuple[str, object, bytes], float]:
        """The account's binds by node, process and session, each with the end of its lease."""
        now = self.wall()
        live = {name: end for name, end in self.binds.get(account, {}).items() if end > now}
        self.binds[account] = live
        return live

    def take_bind(
        self, account: bytes, name: tuple[str, object, bytes], limit: int, ttl: int
    ) -> bool:
        """Lease one of ``limit`` binds, or renew it."""
        held = self.leases(account)
        node, process, _ = name
        if name not in held and len(held) >= limit:
            for other in list(held):
                if other[0] == node and other[1] is not process:
                    del held[other]
        if name not in held and len(held) >= limit:
            return False
        held[name] = self.wall() + ttl
        return True

    def share(self, demand: Demand, name: tuple[str, object], ttl: float) -> Grant:
        """A node's part of a budget."""
        now = self.wall()
        node, process = name
        parts = self.parts.setdefault(demand.name, {})
        for whose, (_, _, end) in list(parts.items()):
            if end <= now or (whose[0] == node and whose[1] is not process):
                del parts[whose]
        others = [(part[0], part[1]) for whose, part in parts.items() if whose != name]
        grant = grant_of(demand, others)
        parts[name] = (max(grant.rate, demand.held), demand.wanted, now + ttl)
        return grant


def fits(mine: bytes, theirs: bytes) -> bool:
    """Equal tails, or the whole of a short number at the end of a longer one."""
    if mine == theirs or not theirs:
        return True
    short, long = sorted((mine, theirs), key=len)
    return len(short) >= 6 and long.endswith(short)
