"""The forms in which batches travel to the scripts and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from struct import pack
from typing import Any
from urllib.parse import unquote_to_bytes

import msgpack

from .interface import QUEUED, Arrival, Entry, Mapping, Matched, Name, Overdue, Stray
from .leftovers import Unrouted

PLACES = [b".%02d" % place for place in range(100)]
"""The end of an entry's id, which is its place in its bundle."""

MOST_BUNDLED = len(PLACES)
"""Receipts of a bundle."""

_OCTETS = [bytes((number,)) for number in range(256)]

_HEADS = [bytes((0xA0 + n,)) if n < 32 else bytes((0xD9, n)) for n in range(256)]
"""What msgpack writes before so many octets."""


MOST_SETTLED = 1000
"""Receipts of one call that are settled this way."""

msgpacked = msgpack.Packer(use_bin_type=False, autoreset=True).pack
"""Octets of a value as the scripts read and write them."""


def named(provider: bytes) -> bytes:
    """A provider's name as part of a key: two names and ids never run into the same key (F74)."""
    return provider.replace(b"%", b"%25").replace(b":", b"%3a")


def group_of(provider: bytes, mapping: Mapping) -> bytes:
    """The group a map belongs to; one map for several receipts is a group of its own (XC-09)."""
    if mapping.group or mapping.part:
        return mapping.group
    return sha256(b"\0".join((provider, mapping.destination, mapping.key))).digest()


def maps(
    provider: bytes, mappings: list[Mapping]
) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Ids of plain maps, and each map; then ``id, map, id, map ...`` of those that are more."""
    ids: list[bytes] = []
    plain: list[bytes] = []
    wide: list[bytes] = []
    join = b"".join
    for mapping in mappings:
        key = mapping.key
        if not key:
            continue
        account = mapping.account
        destination = mapping.destination
        origin = mapping.origin
        parts = (
            _OCTETS[mapping.want],
            _OCTETS[len(account)],
            account,
            _OCTETS[len(destination)],
            destination,
        )
        if mapping.group or mapping.late or mapping.remind or mapping.also or not mapping.part:
            wide += (key, join((_more(provider, mapping), *parts, origin)))
        else:
            ids.append(key)
            plain.append(join((*parts, heading(origin), origin)))
    return ids, plain, wide


def heading(octets: bytes) -> bytes:
    """What msgpack writes before these."""
    size = len(octets)
    return _HEADS[size] if size < 256 else pack(">BH", 0xDA, size)


def _more(provider: bytes, mapping: Mapping) -> bytes:
    """Flags (late 1, remind 2, to be looked at when it ends 4), parts, part, group, origins."""
    group = group_of(provider, mapping)
    flags = mapping.late + 2 * mapping.remind + 4 * bool(mapping.remind or group)
    also = b"".join([pack(">H", len(origin)) + origin for origin in mapping.also])
    return b"%c%c%c%c%b%b%b" % (
        flags,
        mapping.parts,
        mapping.part,
        len(group),
        group,
        pack(">H", len(also)),
        also,
    )


def receipts(arrivals: list[Arrival]) -> list[tuple[Any, ...]]:
    """What a script needs to know of each receipt; the segment only where there is one."""
    return [
        (
            arrival.keys,
            arrival.destination,
            arrival.kind,
            arrival.state,
            arrival.final,
            arrival.receipt,
        )
        if not arrival.segment
        else (
            arrival.keys,
            arrival.destination,
            arrival.kind,
            arrival.state,
            arrival.final,
            arrival.receipt,
            arrival.segment,
        )
        for arrival in arrivals
    ]


def candidates(arrivals: list[Arrival]) -> list[int]:
    """The places of the receipts that may be settled by their maps (``settling``): final ones that
    share no id with another of these, whose order counts.
    """
    if len(arrivals) > MOST_SETTLED:
        return []
    keys = [key for arrival in arrivals for key in arrival.keys]
    shared: set[bytes] = set()
    if len(set(keys)) < len(keys):
        shared = {key for key, count in Counter(keys).items() if count > 1}
    return [
        place
        for place, arrival in enumerate(arrivals)
        if arrival.final
        and arrival.keys
        and not arrival.segment
        and not (shared and shared.intersection(arrival.keys))
    ]


def pdus(arrivals: list[Arrival]) -> bytes:
    """The receipts' PDUs, each behind its length; ``b""`` when none is to be kept."""
    join = b"".join
    kept = [arrival.raw for arrival in arrivals]
    return join([pack(">H", len(raw)) + raw for raw in kept]) if any(kept) else b""


def by_queue(names: list[tuple[bytes, bytes]]) -> list[Any]:
    """``queue, ids, queue, ids ...``, with no more ids at once than Lua can unpack."""
    grouped: dict[bytes, list[bytes]] = {}
    for queue, entry_id in names:
        ids = grouped.get(queue)
        if ids is None:
            grouped[queue] = [entry_id]
        else:
            ids.append(entry_id)
    flat: list[Any] = []
    for queue, ids in grouped.items():
        for at in range(0, len(ids), 1000):
            flat += (queue, ids[at : at + 1000])
    return flat


def by_name(reply: list[bytes]) -> dict[bytes, bytes]:
    """``name, value, name, value ...`` as a dict."""
    return dict(zip(reply[::2], reply[1::2], strict=True))


def same(reply: Any) -> Any:
    """The result is what the script answered."""
    return reply


def seconds(reply: list[int]) -> list[float]:
    """Milliseconds as seconds."""
    return [milliseconds / 1000 for milliseconds in reply]


def nothing(reply: Any) -> None:
    """Only that it was done matters."""
    return None


def outcomes(reply: Any) -> Matched:
    """Outcome and queue of each arrival: a code of 8 or more is a place among the queues."""
    queues, codes, _, ids, accounts = reply
    found = Matched(
        [(code, b"") if code < 8 else (QUEUED, queues[code - 8]) for code in codes]
    )
    found.message_ids = ids
    found.accounts = accounts
    return found


def outcome_pairs(reply: Any) -> list[tuple[int, bytes]]:
    """``outcome, queue, outcome, queue ...`` by twos."""
    return list(zip(reply[::2], reply[1::2], strict=True))


def new_entries(reply: Any) -> list[Entry]:
    """Entries handed out for the first time."""
    found: list[Entry] = []
    for queue, entries, bundles in reply:
        for entry_id, fields in entries:
            found.append(_entry(queue, entry_id, 1, fields))
        for at in range(0, len(bundles), 3):
            bundle, places, items = bundles[at : at + 3]
            found += _of_bundle(queue, bundle, places, items, ())
    return found


def old_entries(reply: Any) -> list[Entry]:
    """Entries handed out again, each with how often."""
    found: list[Entry] = []
    for queue, entries, counts, bundles in reply:
        for (entry_id, fields), deliveries in zip(entries, counts, strict=True):
            found.append(_entry(queue, entry_id, deliveries, fields))
        for at in range(0, len(bundles), 4):
            bundle, places, items, each = bundles[at : at + 4]
            found += _of_bundle(queue, bundle, places, items, each)
    return found


def _entry(queue: bytes, entry_id: bytes, deliveries: int, fields: list[bytes]) -> Entry:
    """One that is stored by itself: an MO message, or a receipt that an earlier version queued."""
    if len(fields) == 4:
        return Entry(queue, entry_id, deliveries, fields[1], fields[3])
    return Entry(
        queue, entry_id, deliveries, fields[1], fields[3], int(fields[5]), int(fields[7])
    )


def _of_bundle(
    queue: bytes, bundle: bytes, places: bytes, packed: bytes, deliveries: Sequence[int]
) -> list[Entry]:
    """Entries of a bundle of receipts (``bundles.lua``); ``places`` ``b""``: all of them."""
    items = msgpack.unpackb(packed, raw=True)
    entries = [
        Entry(queue, bundle + place, 1, origin, receipt)
        if receipt.__class__ is bytes
        else Entry(queue, bundle + place, 1, origin, *receipt)
        for place, origin, receipt in zip(
            [PLACES[place] for place in places] if places else PLACES,
            items[::2],
            items[1::2],
            strict=False,
        )
    ]
    for entry, number in zip(entries, deliveries, strict=False):
        entry.deliveries = number
    return entries


def pairs(reply: Any) -> list[tuple[Any, Any]]:
    """Two by two: numbers of each name that was asked about, or names of entries."""
    return list(zip(reply[::2], reply[1::2], strict=True))


def two_lists(reply: Any) -> tuple[list[Name], list[Name]]:
    """Names of entries of two kinds."""
    one, other = reply
    return pairs(one), pairs(other)


def counts(reply: Any) -> dict[bytes, int]:
    """A number by name; providers get the name back that they came with."""
    return {
        unquote_to_bytes(name) if name.startswith(b"p:") else name: count
        for name, count in zip(reply[::2], reply[1::2], strict=True)
    }


def numbers(reply: Any) -> dict[bytes, int]:
    """A number by name."""
    return dict(zip(reply[::2], reply[1::2], strict=True))


def reminders(reply: Any) -> list[Overdue]:
    """Messages that end without a final receipt."""
    return [
        Overdue(unquote_to_bytes(provider), key, account, want, destination, origin, parts)
        for provider, key, account, want, destination, origin, parts in reply
    ]


def strays(reply: Any) -> list[Stray]:
    """Receipts without an owner, with everything that came with them."""
    return [
        _stray(entry_id, dict(zip(fields[::2], fields[1::2], strict=True)))
        for entry_id, fields in reply
    ]


def _stray(entry_id: bytes, fields: dict[bytes, bytes]) -> Stray:
    keys, destination, kind, state, final, receipt, *more = msgpack.unpackb(fields[b"d"], raw=True)
    segment, raw = (*more, 0, b"")[0], more[1] if len(more) > 1 else b""
    return Stray(
        entry_id,
        unquote_to_bytes(fields[b"p"]),
        fields[b"w"],
        int(fields[b"a"]),
        Arrival(tuple(keys), destination, kind, state, final, receipt, int(segment), raw),
    )


def unrouted(reply: Any) -> list[Unrouted]:
    """MO messages for nobody; their ids tell when they came."""
    return [
        Unrouted(
            entry_id,
            unquote_to_bytes(fields[1]),
            int(entry_id.partition(b"-")[0]) // 1000,
            fields[3],
        )
        for entry_id, fields in reply
    ]
