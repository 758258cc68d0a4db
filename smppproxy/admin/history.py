"""The last hour of a node: how much went through it and how long that took, for charts.

Every two seconds of the wall clock the node's own counters are looked at, and what they grew by is
kept for an hour in arrays of a fixed size; nothing is counted here per PDU. Two seconds begin at
the same moment on every node, so that their numbers can be added. What is kept is gone with the
process: the store's counts by the hour are what lasts.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from operator import add
from typing import Any

from smppproxy.receipts.dialects import FINAL_BY_DEFAULT, NORMALISED
from smppproxy.relay.counts import ANSWER_BOUNDS, FINAL_BOUNDS, AccountCounts, HostCounts
from smppproxy.relay.relay import SmppRelay
from smppproxy.smpp.constants import STATE_DELIVERED
from smppproxy.store.times import Times

STEP = 2
"""Seconds that one number is about."""

SLOTS = 1800
"""Numbers of each series that are kept: an hour of them."""

MOST_PROVIDERS = 100
MOST_ACCOUNTS = 200
"""Providers and accounts that have series of their own, the first ones. A series takes 7 KiB, so
that all of them together stay below 12 MiB."""

LEVELS = ("in_flight", "queued", "parked")
"""What is here at the end of the two seconds; the other totals are what came in them."""

TOTALS = ("submitted", "accepted", "refused", "in_doubt", "receipts_in", "delivered", "mo_in")
PROVIDER = ("submitted", "accepted", "refused", "ended", "delivered")
ACCOUNT = ("submitted", "accepted", "refused", "delivered")

ENDS = frozenset(state for state, word in NORMALISED.items() if word in FINAL_BY_DEFAULT)
"""message_states after which nothing more is heard of a message."""

HIGHEST = 2**31 - 1

Told = dict[str, Any]
Key = tuple[str, ...]
"""``("", "submitted")``, ``("provider:acme", "ended")``, ``("answers", "3")``."""


class History:
    """Keeps the last hour.

    :param wall: unix seconds.
    """

    def __init__(self, relay: SmppRelay, wall: Callable[[], float]) -> None:
        self._relay = relay
        self._wall = wall
        self._rings: dict[Key, array[int]] = {}
        self._counts: dict[Key, int] = {}
        self._named: dict[str, set[str]] = {"provider": set(), "account": set()}
        self._first = self._last = -1

    def tick(self) -> None:
        """Once a second: keep what was counted since the two seconds before these."""
        slot = int(self._wall()) // STEP - 1  # the one that is over
        if slot == self._last:
            return
        counts = self._read()
        if self._last < 0 or not 0 < slot - self._last < SLOTS:
            # The beginning; or the clock was set, and what was kept has no place in its hour.
            self._rings, self._first = {}, slot + 1
        else:
            for missed in range(self._last + 1, slot):
                self._put(missed, {})
            self._put(slot, self._grown(counts))
        self._last = slot
        self._counts = counts

    def _grown(self, counts: Mapping[Key, int]) -> dict[Key, int]:
        return {
            key: count if key[1] in LEVELS else count - self._counts.get(key, 0)
            for key, count in counts.items()
        }

    def _put(self, slot: int, values: Mapping[Key, int]) -> None:
        """The numbers of one slot; those that are not there are 0, as nobody was there to count."""
        place = slot % SLOTS
        for ring in self._rings.values():
            ring[place] = 0
        for key, value in values.items():
            if value and key not in self._rings:
                self._rings[key] = array("i", bytes(4 * SLOTS))
            if value:
                self._rings[key][place] = max(-HIGHEST, min(value, HIGHEST))
        self._first = max(self._first, slot - SLOTS + 1)

    # -- what is looked at ------------------------------------------------------------------------

    def _read(self) -> dict[Key, int]:
        """Every counter, as it stands."""
        ledger, counts = self._relay.ledger, self._relay.counts
        read: dict[Key, int] = {("", name): getattr(ledger, name) for name in (*TOTALS, *LEVELS)}
        accounts = [*counts.accounts.values()]
        _add(read, "answers", [each.answers for each in accounts])
        _add(read, "finals", [each.finals for each in accounts])
        for (provider, _), each in counts.hosts.items():
            if self._is_named("provider", provider, MOST_PROVIDERS):
                _sum(read, f"provider:{provider}", PROVIDER, _of_host(each))
        for name, account in counts.accounts.items():
            if self._is_named("account", name, MOST_ACCOUNTS):
                _sum(read, f"account:{name}", ACCOUNT, _of_account(account))
        return read

    def _is_named(self, kind: str, name: str, most: int) -> bool:
        names = self._named[kind]
        if name not in names and len(names) < most:
            names.add(name)
        return name in names

    # -- what is told -----------------------------------------------------------------------------

    def told(self, first: int, named: bool) -> Told:
        """What this node has from a slot on: ``series`` by its two names, each from ``first`` to
        ``last``; ``last`` is before ``first`` when there is nothing."""
        first = max(first, self._first, 0)
        series = [
            [*key, self._from(ring, first)]
            for key, ring in sorted(self._rings.items())
            if named or ":" not in key[0]
        ]
        return {"first": first, "last": self._last, "series": series}

    def _from(self, ring: array[int], first: int) -> list[int]:
        count = self._last + 1 - first
        begin = first % SLOTS
        if count <= 0:
            return []
        found = ring[begin : begin + count]
        return [*found, *ring[: count - len(found)]]


def _add(read: dict[Key, int], name: str, times: Iterable[Times]) -> None:
    """The buckets of several histograms, together."""
    sums = map(sum, zip(*(each.buckets for each in times), strict=True))
    read.update(((name, str(place)), count) for place, count in enumerate(sums))


def _sum(read: dict[Key, int], owner: str, names: Iterable[str], values: Iterable[int]) -> None:
    for name, value in zip(names, values, strict=True):
        read[owner, name] = read.get((owner, name), 0) + value


def _of_host(host: HostCounts) -> tuple[int, ...]:
    ended = sum(count for state, count in host.receipts.items() if state in ENDS)
    refused = sum(host.refused.values())
    return (host.submitted, host.accepted, refused, ended, host.receipts.get(STATE_DELIVERED, 0))


def _of_account(account: AccountCounts) -> tuple[int, ...]:
    refused = sum(account.refused.values())
    return account.submitted, account.accepted, refused, sum(account.delivered.values())


# -- several nodes --------------------------------------------------------------------------------

LATE = 5
"""Slots that a node may be behind the others before they are told without it."""


def together(answers: Iterable[Told]) -> Told:
    """What the door answers: the sums of what several nodes told."""
    there = [each for each in answers if each["last"] >= each["first"]]
    newest = max((each["last"] for each in there), default=-1)
    # What is told is whole: up to where every node is that is not far behind.
    last = min((each["last"] for each in there if each["last"] > newest - LATE), default=-1)
    first = min((each["first"] for each in there), default=0)
    sums: dict[Key, list[int]] = {}
    known = [False] * max(0, last - first + 1)
    for each in there:
        begin, end = each["first"] - first, min(each["last"], last) - first + 1
        known[begin:end] = [True] * max(0, end - begin)
        for owner, name, values in each["series"]:
            total = sums.setdefault((owner, name), [0] * len(known))
            total[begin:end] = map(add, total[begin:end], values)
    return {
        "step": STEP,
        "first": first * STEP,
        "count": len(known),
        "totals": {name: _series(sums, "", name, known) for name in (*TOTALS, *LEVELS)},
        "answers": _quantiles(sums, "answers", ANSWER_BOUNDS, known),
        "finals": _quantiles(sums, "finals", FINAL_BOUNDS, known),
        "providers": _rows(sums, "provider", PROVIDER, known),
        "accounts": _rows(sums, "account", ACCOUNT, known),
    }


def _series(
    sums: Mapping[Key, list[int]], owner: str, name: str, known: list[bool]
) -> list[int | None]:
    values = sums.get((owner, name)) or [0] * len(known)
    if all(known):
        return [*values]
    return [value if is_known else None for value, is_known in zip(values, known, strict=True)]


def _rows(
    sums: Mapping[Key, list[int]], kind: str, names: tuple[str, ...], known: list[bool]
) -> list[Told]:
    owners = sorted({owner for owner, _ in sums if owner.startswith(f"{kind}:")})
    return [
        {kind: owner.partition(":")[2]}
        | {name: _series(sums, owner, name, known) for name in names}
        for owner in owners
    ]


QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def _quantiles(
    sums: Mapping[Key, list[int]], owner: str, bounds: tuple[float, ...], known: list[bool]
) -> Told:
    """For each slot the seconds that so many of its messages stayed below; None: it has none."""
    rows = [sums.get((owner, str(place))) for place in range(len(bounds) + 1)]
    told: Told = {name: [] for name in QUANTILES}
    for place in range(len(known)):
        buckets = [row[place] if row else 0 for row in rows]
        for name, part in QUANTILES.items():
            told[name].append(quantile(buckets, bounds, part))
    return told


def quantile(buckets: list[int], bounds: tuple[float, ...], part: float) -> float | None:
    """Where a part of what a histogram counted is below, in seconds; its buckets are taken to be
    evenly filled, the last one to hold nothing beyond its bound. None: it counted nothing."""
    total = sum(buckets)
    if not total:
        return None
    wanted, below, low = part * total, 0, 0.0
    for count, high in zip(buckets, bounds, strict=False):
        if below + count >= wanted and count:
            return round(low + (high - low) * (wanted - below) / count, 4)
        below, low = below + count, high
    return bounds[-1]
