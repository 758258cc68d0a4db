"""Looking for messages in the files of a message log: by an id, a client's reference or a number.

The newest file is read first. Blocks of lines are searched as octets and only lines with the words
in them are read as JSON, so that a hundred megabytes take about a second. The work is bounded:
after :data:`MOST_OCTETS` or :data:`MOST_SECONDS` it ends, and says so.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from heapq import merge
from typing import Any

from smppproxy.admin.message_log.folder import LogFile, blocks, log_files, parts

MOST_OCTETS = 4 << 30
MOST_SECONDS = 20.0

IDS = ("client_message_id", "provider_message_id")
NUMBERS = ("source_addr", "destination_addr")
FIELDS = (*IDS, *NUMBERS, "user_message_reference")
"""What a message may be looked for by."""

Event = dict[str, Any]


class Found:
    """Events, newest first.

    :ivar cut: why there may be more, "" when there are none.
    :ivar ended: it took too long.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.cut = ""
        self.ended = False


class Search:
    """One search in one node's folder; for a thread, since it takes its time."""

    def __init__(self, folder: str) -> None:
        files = [log_files(part)[::-1] for part in parts(folder)]
        # Of several workers the newest of all; each one's own order is right in any case.
        self._files = [*merge(*files, key=lambda file: file.began, reverse=True)]
        self._is_mixed = len(files) > 1
        self._octets = 0
        self._until = time.monotonic() + MOST_SECONDS

    def run(self, words: Collection[str], limit: int) -> Found:
        """The events of up to ``limit`` messages that one of these words is an id, a reference or
        a number of; each with all that its own ids lead to.
        """
        found = self._pass(set(words), FIELDS, limit * 8)
        found.events, ids = newest(found.events, limit)
        known: set[str] = set()
        while not known.issuperset(ids) and not found.ended:
            known.update(ids)
            more = self._pass(known, IDS, limit * 8)
            found.events, ids = newest(merged(found.events, more.events), limit)
            found.cut = found.cut or more.cut
            found.ended = more.ended
        return found

    def _pass(self, words: set[str], fields: tuple[str, ...], most: int) -> Found:
        found = Found()
        needles = [json.dumps(word).encode() for word in words if word]
        for file in self._files:
            for event in self._in_file(file, needles, found):
                if any(event.get(field) in words for field in fields) or any(
                    each in words for each in event.get("provider_message_ids", ())
                ):
                    found.events.append(event)
            if found.ended:
                found.cut = "the search was ended: it took too long"
            elif len(found.events) >= most:
                found.cut = "there may be older ones"
            if found.cut:
                break
        if self._is_mixed:
            found.events.sort(key=lambda event: str(event.get("time", "")), reverse=True)
        return found

    def _in_file(self, file: LogFile, needles: list[bytes], found: Found) -> list[Event]:
        """The events of a file with one of these in their lines, newest first."""
        events: list[Event] = []
        for block in blocks(file):
            self._octets += len(block)
            for line in hits(block, needles):
                event = _event(line)
                if event is not None:
                    events.append(event)
            if self._octets > MOST_OCTETS or time.monotonic() > self._until:
                found.ended = True
                break
        return events[::-1]


def _event(line: bytes) -> Event | None:
    """The event of a line; None when no event of ours looks like that."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    ids = event.get("provider_message_ids", [])
    words = [event.get(field, "") for field in FIELDS]
    if not isinstance(ids, list) or not all(isinstance(word, str) for word in words + ids):
        return None
    return event


def hits(block: bytes, needles: list[bytes]) -> Iterator[bytes]:
    """The lines of a block that hold one of these, in their order."""
    places: set[int] = set()
    for needle in needles:
        at = block.find(needle)
        while at >= 0:
            places.add(block.rfind(b"\n", 0, at) + 1)
            at = block.find(needle, block.find(b"\n", at))
    for start in sorted(places):
        yield block[start : block.find(b"\n", start)]


def ids_in(event: Event) -> list[str]:
    """The ids that an event tells."""
    own = [event.get(field, "") for field in IDS] + list(event.get("provider_message_ids", ()))
    return [each for each in own if each]


def newest(events: list[Event], limit: int) -> tuple[list[Event], list[str]]:
    """The events of the ``limit`` newest messages among these, and their ids."""
    ids: dict[str, None] = {}
    kept: list[Event] = []
    count = 0
    for event in events:
        own = ids_in(event)
        if not any(each in ids for each in own):
            if count >= limit:
                continue
            count += 1
        ids.update(dict.fromkeys(own))
        kept.append(event)
    return kept, list(ids)


def merged(*several: list[Event]) -> list[Event]:
    """Events of several searches or nodes, each once, newest first."""
    found = {json.dumps(event, sort_keys=True): event for events in several for event in events}
    return sorted(found.values(), key=lambda event: str(event.get("time", "")), reverse=True)
