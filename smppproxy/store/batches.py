"""The forms in which batches travel to the scripts and back."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

import msgpack

from .interface import QUEUED, Arrival, Entry, Stray


def named(provider: bytes) -> bytes:
    """A provider's name as part of a key: two names and ids never run into the same key (F74)."""
    return provider.replace(b"%", b"%25").replace(b":", b"%3a")


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


def same(reply: Any) -> Any:
    """The result is what the script answered."""
    return reply


def nothing(reply: Any) -> None:
    """Only that it was done matters."""
    return None


def outcomes(reply: Any) -> list[tuple[int, bytes]]:
    """Outcome and queue of each arrival: a code of 8 or more is a place among the queues."""
    queues, codes = reply
    return [(code, b"") if code < 8 else (QUEUED, queues[code - 8]) for code in codes]


def new_entries(reply: Any) -> list[Entry]:
    """Entries handed out for the first time."""
    return [
        Entry(queue, entry_id, 1, fields[1], fields[3])
        for queue, entries in reply
        for entry_id, fields in entries
    ]


def old_entries(reply: Any) -> list[Entry]:
    """Entries handed out again, each with how often."""
    return [
        Entry(queue, entry_id, deliveries, fields[1], fields[3])
        for queue, entries, counts in reply
        for (entry_id, fields), deliveries in zip(entries, counts, strict=True)
    ]


def pairs(reply: Any) -> list[tuple[int, int]]:
    """Two numbers for each name that was asked about."""
    return list(zip(reply[::2], reply[1::2], strict=True))


def counts(reply: Any) -> dict[bytes, int]:
    """A number by name; providers get the name back that they came with."""
    return {
        unquote_to_bytes(name) if name.startswith(b"p:") else name: count
        for name, count in zip(reply[::2], reply[1::2], strict=True)
    }


def strays(reply: Any) -> list[Stray]:
    """Receipts without an owner, with everything that came with them."""
    return [
        _stray(entry_id, dict(zip(fields[::2], fields[1::2], strict=True)))
        for entry_id, fields in reply
    ]


def _stray(entry_id: bytes, fields: dict[bytes, bytes]) -> Stray:
    keys, destination, kind, state, final, receipt = msgpack.unpackb(fields[b"d"], raw=True)
    return Stray(
        entry_id,
        unquote_to_bytes(fields[b"p"]),
        fields[b"w"],
        int(fields[b"a"]),
        Arrival(tuple(keys), destination, kind, state, final, receipt),
    )
