"""What has no owner is looked at again: strayed receipts, and MO messages for nobody.

A replay takes what it is asked for, oldest first, and runs it through the settings of now: receipts
are read again from the PDU that was kept with them (ids spelled otherwise, addresses turned round),
MO messages are routed again. The store matches or queues each one and takes it out of where it was
in the same atomic step, so nothing is lost or doubled when a node ends in the middle, or when two
operators ask at once; what finds no owner now stays where it is, as it is.

A receipt in quarantine may be forced: then its number need not fit. That is for one entry, by id.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import Deferred, inlineCallbacks

from smppproxy.relay.counts import Counts
from smppproxy.relay.entries import (
    EVERYTHING,
    HEADER,
    Filter,
    addresses_of,
    receipt_row,
    record_of,
    shown_id,
    takes,
)
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.messages import NOBODY, Chosen
from smppproxy.routing.providers import Provider
from smppproxy.smpp.errors import BodyError
from smppproxy.store.interface import (
    DUPLICATE,
    MERGED,
    PARKED,
    QUARANTINED,
    QUEUED,
    SUPERSEDED,
    UNWANTED,
    Arrival,
    Limit,
    Store,
    Stray,
)
from smppproxy.store.leftovers import (
    FALLBACK,
    FOLLOW,
    GONE,
    ORPHANS,
    PARKED_ONES,
    QUARANTINE,
    WAITING,
    Message,
    Unrouted,
)
from smppproxy.store.records import MoRecord, RecordError
from smppproxy.text.profile import TextProfile
from smppproxy.words import STRAYS, UNROUTED

__all__ = ["COUNTS", "EVERYTHING", "KINDS", "Filter", "Replays"]

_STREAMS = dict(zip(STRAYS, (ORPHANS, QUARANTINE, PARKED_ONES), strict=True))
KINDS = (*STRAYS, UNROUTED)

COUNTS = (
    "looked",
    "selected",
    "queued",
    "unwanted",
    "duplicate",
    "merged",
    "dropped",
    "left",
    "gone",
)
"""What :meth:`Replays.replay` counts: entries seen, those that the filter takes, and what became of
those; ``left`` found no owner and stay, ``gone`` were taken by somebody else meanwhile."""

_WORDS = {
    QUEUED: "queued",
    UNWANTED: "unwanted",
    MERGED: "merged",
    DUPLICATE: "duplicate",
    SUPERSEDED: "duplicate",
    PARKED: "left",
    QUARANTINED: "left",
    WAITING: "left",
    GONE: "gone",
}

PAGE = 500
BATCH = 100

_PLAIN = TextProfile()
_FINAL_TTL = 43_200
"""For a provider that is not in the network any more."""


Reread = Callable[[Provider, bytes, bytes, int], Arrival | None]
"""Gives what the store is asked for a receipt's PDU with the settings of now; None: nothing."""

Row = dict[str, Any]
"""An entry as plain values."""

Choose = Callable[[str, TextProfile, bytes], Chosen]


class Replays:
    """Lists what has no owner, and looks for owners again."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        counts: Counts,
        released: Callable[[Iterable[bytes]], None],
        reread: Reread,
        choose: Choose,
    ) -> None:
        """
        :param released: told the queues that grew.
        :param choose: the route of an MO message.
        """
        self._store = store
        self._ledger = ledger
        self._counts = counts
        self._released = released
        self._reread = reread
        self._choose = choose
        self._providers: Mapping[str, Provider] = {}
        self._limits: dict[bytes, Limit] = {}

    def use(self, providers: Mapping[str, Provider], limits: dict[bytes, Limit]) -> None:
        """Read by these settings from now on."""
        self._providers = providers
        self._limits = limits

    # -- to be shown ----------------------------------------------------------------------------

    @inlineCallbacks
    def listed(
        self,
        kind: str,
        count: int = 100,
        where: Filter = EVERYTHING,
        wanted: Callable[[Row], bool] = lambda row: True,
    ) -> Generator[Deferred[Any], Any, list[Row]]:
        """Up to ``count`` entries of one of KINDS as plain values, newest first.

        :param wanted: takes an entry's values or not; all entries are looked at until there are
            enough.
        :raises ValueError: for another kind.
        """
        rows: list[Row] = []

        def taken(entry: Stray | Unrouted) -> bool:
            if not takes(where, entry) or not wanted(row := self._row(entry)):
                return False
            rows.append(row)
            return True

        yield self._select(kind, taken, count)
        return rows[:count]

    def _row(self, entry: Stray | Unrouted) -> Row:
        row = {
            "id": shown_id(entry.entry_id),
            "provider": entry.provider.decode("utf-8", "replace"),
            "arrived": entry.arrived,
        }
        return row | (self._mo(entry) if isinstance(entry, Unrouted) else receipt_row(entry))

    def _mo(self, entry: Unrouted) -> dict[str, Any]:
        chosen = self._chosen(entry)
        source, destination = addresses_of(entry)
        return {
            "source": source.decode("latin-1"),
            "number": destination.decode("latin-1"),
            "octets": len(entry.record),
            "route": "" if chosen is None else _route(chosen),
        }

    # -- to be done -----------------------------------------------------------------------------

    @inlineCallbacks
    def replay(
        self,
        kind: str,
        where: Filter = EVERYTHING,
        *,
        dry_run: bool = False,
        force: bool = False,
    ) -> Generator[Deferred[Any], Any, dict[str, int]]:
        """Look for owners of what the filter takes; what became of how many, by COUNTS.

        ``dry_run`` changes nothing and says what would be found. ``force`` gives a receipt to the
        message of its id whatever its number.

        :raises ValueError: for another kind, and for ``force`` without an ``entry_id``.
        """
        if force and (not where.entry_id or kind not in _STREAMS):
            raise ValueError("only a single receipt can be forced, by its id")
        looked, found = yield self._select(kind, partial(takes, where), 0)
        counts = dict.fromkeys(COUNTS, 0) | {"looked": looked, "selected": len(found)}
        found.reverse()
        if kind == UNROUTED:
            found = [(entry, self._chosen(entry)) for entry in found]
            # The first part of a long message before those that follow it.
            found.sort(key=lambda each: each[1] is not None and each[1].lead == FOLLOW)
        for at in range(0, len(found), BATCH):
            batch = found[at : at + BATCH]
            if kind == UNROUTED:
                yield self._route_again(batch, counts, dry_run)
            else:
                yield self._match_again(_STREAMS[kind], batch, counts, dry_run, force)
        return counts

    @inlineCallbacks
    def _select(
        self, kind: str, taken: Callable[[Any], bool], count: int
    ) -> Generator[Deferred[Any], Any, tuple[int, list[Any]]]:
        """How many were looked at, and those that are taken, newest first; 0: all."""
        if kind not in KINDS:
            raise ValueError(f"there is no kind {kind}; known are {', '.join(KINDS)}")
        found: list[Any] = []
        looked, before = 0, b""
        while True:
            if kind == UNROUTED:
                page = yield self._store.unrouted(PAGE, before)
            else:
                page = yield self._store.strays(_STREAMS[kind], PAGE, before, looked)
            looked += len(page)
            found += filter(taken, page)
            if len(page) < PAGE or 0 < count <= len(found):
                return looked, found[:count] if count else found
            before = page[-1].entry_id

    # -- receipts -------------------------------------------------------------------------------

    @inlineCallbacks
    def _match_again(
        self, kind: bytes, batch: list[Stray], counts: dict[str, int], dry_run: bool, force: bool
    ) -> Generator[Deferred[Any], Any, None]:
        by_provider: dict[bytes, list[Stray]] = {}
        for stray in batch:
            by_provider.setdefault(stray.provider, []).append(stray)
        for name, strays in by_provider.items():
            provider = self._providers.get(name.decode("utf-8", "replace"))
            arrivals = [self._again(provider, stray, force) for stray in strays]
            if dry_run:
                outcomes = yield self._store.fitting(name, arrivals)
                results = [(outcome, b"") for outcome in outcomes]
            else:
                items = [
                    (stray.entry_id, arrival)
                    for stray, arrival in zip(strays, arrivals, strict=True)
                ]
                final_ttl = _FINAL_TTL if provider is None else provider.final_ttl
                results = yield self._store.replay(kind, name, items, final_ttl, self._limits)
                self._book(kind, results)
            for outcome, _ in results:
                counts[_WORDS[outcome]] += 1

    def _again(self, provider: Provider | None, stray: Stray, force: bool) -> Arrival:
        arrival = stray.arrival
        if provider is not None and arrival.raw:
            place = record_of(arrival).place
            arrival = self._reread(provider, arrival.raw, place, stray.arrived) or arrival
        return attrs.evolve(arrival, destination=b"") if force else arrival

    def _book(self, kind: bytes, results: list[tuple[int, bytes]]) -> None:
        """What is taken out comes in again, as the ledger sees it."""
        taken = [each for each in results if each[0] not in (PARKED, QUARANTINED, GONE)]
        if kind == PARKED_ONES:
            queues = self._ledger.met_parked(taken).queues
        else:
            self._ledger.replayed += len(taken)
            queues = self._ledger.met(taken).queues
        self._counts.queued(queues)
        if queues:
            self._released(queues)

    # -- MO messages ----------------------------------------------------------------------------

    @inlineCallbacks
    def _route_again(
        self,
        batch: list[tuple[Unrouted, Chosen | None]],
        counts: dict[str, int],
        dry_run: bool,
    ) -> Generator[Deferred[Any], Any, None]:
        messages = []
        for entry, chosen in batch:
            if chosen is None or (chosen.queues == NOBODY and not chosen.long):
                counts["left"] += 1
            elif dry_run:
                counts["queued" if chosen.queues else "dropped"] += chosen.queues != NOBODY
                counts["left"] += chosen.queues == NOBODY
            else:
                messages.append(_message(entry, chosen))
        waiting = yield self._put(messages, counts)
        # The first part of these is not among the unrouted ones, and went nowhere lately.
        for message in waiting:
            message.lead = FALLBACK
        routed = [message for message in waiting if message.queues != NOBODY]
        counts["left"] += len(waiting) - len(routed)
        yield self._put(routed, counts)

    @inlineCallbacks
    def _put(
        self, messages: list[Message], counts: dict[str, int]
    ) -> Generator[Deferred[Any], Any, list[Message]]:
        """Queue them; those that wait for a first part."""
        if not messages:
            return []
        results = yield self._store.put_messages(messages, self._limits)
        waiting: list[Message] = []
        grown: set[bytes] = set()
        for message, (outcome, queues) in zip(messages, results, strict=True):
            if outcome == WAITING:
                waiting.append(message)
            elif outcome == GONE:
                counts["gone"] += 1
            elif queues == NOBODY:
                counts["left"] += 1
            else:
                counts["queued" if queues else "dropped"] += 1
                grown.update(queues)
        if grown:
            self._released(grown)
        return waiting

    def _chosen(self, entry: Unrouted) -> Chosen | None:
        """Its route by the settings of now; None when it cannot be read."""
        name = entry.provider.decode("utf-8", "replace")
        provider = self._providers.get(name)
        profile = _PLAIN if provider is None else provider.text
        try:
            return self._choose(name, profile, HEADER + MoRecord.unpack(entry.record).body)
        except (RecordError, BodyError):
            return None


def _message(entry: Unrouted, chosen: Chosen) -> Message:
    return Message(
        entry.provider,
        entry.record,
        chosen.queues,
        chosen.long,
        chosen.lead,
        entry_id=entry.entry_id,
    )


def _route(chosen: Chosen) -> str:
    if chosen.queues == NOBODY:
        return ""
    return ", ".join(queue[2:].decode() for queue in chosen.queues) or "dropped"
