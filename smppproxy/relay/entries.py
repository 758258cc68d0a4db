"""What is known of an entry without an owner, for filters and for people."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_from_bytes

import attrs

from smppproxy.receipts.correlation import destination_tail, fits
from smppproxy.receipts.dialects import NORMALISED
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.store.interface import Arrival, Stray
from smppproxy.store.leftovers import Unrouted
from smppproxy.store.records import MoRecord, ReceiptRecord, RecordError

HEADER = bytes(16)
"""Stands before the body of a stored deliver_sm, whose header is gone."""


@attrs.define
class Filter:
    """Which entries; what is empty takes all.

    :ivar since: unix seconds of the arrival, included; ``until`` likewise, excluded; 0 is open.
    :ivar entry_id: as :meth:`Replays.listed` shows it.
    :ivar number: a telephone number, or the end of one: who got the message of a receipt; sender or
        receiver of an MO.
    """

    provider: str = ""
    since: float = 0.0
    until: float = 0.0
    entry_id: str = ""
    number: str = ""

    def takes(self, entry_id: bytes, provider: bytes, arrived: int, *numbers: bytes) -> bool:
        """Whether it takes an entry that concerns these numbers."""
        if self.provider and self.provider.encode() != provider:
            return False
        if arrived < self.since or (self.until and arrived >= self.until):
            return False
        if self.entry_id and self.entry_id != shown_id(entry_id):
            return False
        if not self.number:
            return True
        tail = destination_tail(self.number.encode())
        return any(number and fits(tail, destination_tail(number)) for number in numbers)


EVERYTHING = Filter()


def shown_id(entry_id: bytes) -> str:
    """An entry's id as operators see and say it."""
    return quote_from_bytes(entry_id, safe="")


def takes(where: Filter, entry: Stray | Unrouted) -> bool:
    """Whether a filter takes an entry."""
    numbers = (entry.arrival.destination,) if isinstance(entry, Stray) else addresses_of(entry)
    return where.takes(entry.entry_id, entry.provider, entry.arrived, *numbers)


def addresses_of(entry: Unrouted) -> tuple[bytes, bytes]:
    """source_addr and destination_addr; b"" where they cannot be read."""
    try:
        raw = HEADER + MoRecord.unpack(entry.record).body
        source_at, dest_at, esm_at, *_ = walk_message(raw)
    except (RecordError, BodyError):
        return b"", b""
    return raw[source_at + 2 : dest_at - 1], raw[dest_at + 2 : esm_at - 1]


def record_of(arrival: Arrival) -> ReceiptRecord:
    """What a receipt said; hardly anything where that cannot be read."""
    try:
        return ReceiptRecord.unpack(arrival.receipt)
    except RecordError:
        return ReceiptRecord(arrival.state, b"", b"", 0, -1, -1, b"", b"", arrival.final)


def receipt_row(stray: Stray) -> dict[str, Any]:
    """A receipt without an owner as plain values."""
    arrival = stray.arrival
    record = record_of(arrival)
    return {
        "reason": stray.reason.decode(),
        "message_ids": [key.decode("utf-8", "backslashreplace") for key in arrival.keys],
        "number": arrival.destination.decode("latin-1"),
        "state": NORMALISED.get(arrival.state, str(arrival.state)),
        "stat": record.stat.decode("latin-1"),
        "final": arrival.final,
        "host": record.place.partition(b"/")[2].decode("utf-8", "replace"),
        "readable": bool(arrival.raw),
    }
