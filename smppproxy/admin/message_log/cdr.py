"""Call detail records: one row per message, joined from the events of the message log.

A message's events may stand in several files, and in the folders of several nodes: who accepted it
and who brought its receipt home need not be the same. So rows come in the order in which they are
complete, and those that never were come at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from heapq import merge
from pathlib import Path
from typing import Any

import attrs

from smppproxy.admin.message_log.folder import LogFile, blocks, log_files, parts

EARLY = timedelta(hours=1)
"""How much earlier than the range a file may end and still be read: a message's events come in the
order of their reads, and clocks are set."""

MISSED = ("refused", "in_doubt", "abandoned")
"""Events that end a message that nobody accepted."""


@attrs.define
class Record:
    """What became of one message. Times are UTC; seconds are from its submit_sm; None: unknown."""

    submit_time: datetime | None = None
    account: str = ""
    provider: str = ""
    host: str = ""
    node: str = ""
    client_message_id: str = ""
    provider_message_id: str = ""
    source_addr: str = ""
    destination_addr: str = ""
    parts: int = 0
    route: str = ""
    command_status: str = ""
    answer_seconds: float | None = None
    final_state: str = ""
    done_time: datetime | None = None
    receipt_seconds: float | None = None
    delivered_time: datetime | None = None
    delivered_seconds: float | None = None

    @property
    def complete(self) -> bool:
        """Nothing more can come."""
        return self.submit_time is not None and self.delivered_time is not None


COLUMNS = tuple(field.name for field in attrs.fields(Record))


class Reading:
    """One reading of some folders.

    :ivar files: those that may hold events of the range, oldest first.
    :ivar unreadable: lines that are no events.
    """

    def __init__(self, folders: Iterable[str], since: datetime, until: datetime) -> None:
        self._since = since
        self._until = until
        self._open: dict[tuple[str, str], Record] = {}
        self.unreadable = 0
        # What a message went through may stand in the folders of several workers or nodes: read
        # by age they are put together soonest.
        files = [files_since(part, since) for folder in folders for part in parts(folder)]
        self.files = [*merge(*files, key=lambda file: file.began)]

    def records(self, progress: Callable[[LogFile], None]) -> Iterator[Record]:
        """The messages that were submitted from ``since`` until before ``until``.

        :param progress: told each file when it is read.
        """
        for file in self.files:
            for block in blocks(file):
                for line in block.splitlines():
                    record = self._take(line)
                    if record is not None and self._is_in(record):
                        yield record
            progress(file)
        for record in self._open.values():
            if self._is_in(record):
                yield record

    def _is_in(self, record: Record) -> bool:
        return record.submit_time is not None and self._since <= record.submit_time < self._until

    def _take(self, line: bytes) -> Record | None:
        """What a line completes, if anything."""
        try:
            event = json.loads(line)
            kind = event["event"]
            join = _JOINS.get(kind)
            if join is None or event.get("kind") == "mo":
                return None
            if kind in MISSED:
                join(event, record := Record())
                return record
            if not event["client_message_id"]:
                return None
            key = (event["account"], event["client_message_id"])
            record = self._open.setdefault(key, Record())
            join(event, record)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            self.unreadable += 1
            return None
        if record.complete:
            return self._open.pop(key)
        return None


def files_since(folder: str | Path, since: datetime) -> list[LogFile]:
    """The files of a folder but for those that ended before: they end where the next one begins."""
    files = log_files(folder)
    earliest = (since - EARLY).astimezone(UTC).strftime("%Y%m%dT%H%M%S")
    ended = 0
    while ended + 1 < len(files) and files[ended + 1].began < earliest:
        ended += 1
    return files[ended:]


def _accepted(event: dict[str, Any], record: Record) -> None:
    latency = float(event["latency"])
    record.submit_time = datetime.fromisoformat(event["time"]) - timedelta(seconds=latency)
    record.answer_seconds = latency
    record.parts = int(event["parts"])
    _common(event, record)


def _missed(event: dict[str, Any], record: Record) -> None:
    record.submit_time = datetime.fromisoformat(event["time"])
    _common(event, record)


def _common(event: dict[str, Any], record: Record) -> None:
    record.route = event.get("route", "")
    for name in (
        "account", "provider", "host", "node", "client_message_id", "provider_message_id",
        "source_addr", "destination_addr", "command_status",
    ):  # fmt: skip
        setattr(record, name, event[name])


def _receipt(event: dict[str, Any], record: Record) -> None:
    if event["final"]:
        record.final_state = event["message_state"]
        came = datetime.fromisoformat(event["time"])
        done = event["done_date"]
        record.done_time = datetime.fromisoformat(done) if done else came
        if record.submit_time is not None:
            record.receipt_seconds = _seconds(came, record.submit_time)


def _delivered(event: dict[str, Any], record: Record) -> None:
    if not event["final"] or event.get("again"):
        return
    record.final_state = event["message_state"]
    record.delivered_time = datetime.fromisoformat(event["time"])
    if record.submit_time is not None:
        record.delivered_seconds = _seconds(record.delivered_time, record.submit_time)


def _seconds(then: datetime, since: datetime) -> float:
    return round(max(0.0, (then - since).total_seconds()), 3)


_JOINS: dict[str, Callable[[dict[str, Any], Record], None]] = {
    "accepted": _accepted,
    "refused": _missed,
    "in_doubt": _missed,
    "abandoned": _missed,
    "receipt": _receipt,
    "delivered": _delivered,
    "delivery_refused": _delivered,
}
