"""`trace`: every hop of a message, of all nodes' logs and of the store."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks

from smppproxy.admin.access import Caller
from smppproxy.admin.api import ADMIN, is_allowed
from smppproxy.admin.cluster import Nodes, Request, Said
from smppproxy.admin.message_log.search import Event, merged
from smppproxy.admin.message_log.trace import Tracer, ids_of
from smppproxy.admin.rooms import Rooms
from smppproxy.store.interface import StoreUnavailable

WAIT = 22.0
"""Seconds that another node has to search its log."""

WORDS = ("text", "octets")
"""What a message says: for the role admin only."""

SHORTEST = 7
"""Digits of a number that may have a + or 00 before it."""

Given = dict[str, Any]


class TraceOperations:
    """The operator's methods for `trace`."""

    _rooms: Rooms
    _nodes: Nodes

    @inlineCallbacks
    def trace(
        self, operation: object, given: Given, caller: Caller
    ) -> Generator[Deferred[Any], Any, Any]:
        """The hops of the newest messages of this id, reference or number, oldest first."""
        query, limit = given["id"], given["limit"]
        notes: dict[str, None] = {}
        asked = spellings(query)
        said = yield self._logged(asked, limit)
        hops = _hops(said, notes)
        known = {*asked, *ids_of(hops, limit)}
        if known != asked:
            # A node may know the message by the provider's id only.
            more = yield self._logged(known, limit)
            hops = merged(hops, _hops(more, notes))
            known |= set(ids_of(hops, limit))
        try:
            hops += yield self._rooms.tracer.stored(known)
        except StoreUnavailable as error:
            notes[f"the store is away ({error.reason}): what it holds is not shown"] = None
        if not is_allowed(caller.role, ADMIN):
            hops = [_without_words(hop) for hop in hops]
        # What the store has now comes last.
        hops.sort(key=lambda hop: str(hop.get("time") or "9"))
        return {
            "query": query,
            "hops": hops,
            "silent": said.silent,
            "note": "; ".join(notes),
        }

    def _logged(self, words: set[str], limit: int) -> Deferred[Said]:
        return self._nodes.ask({"do": "trace", "words": sorted(words), "limit": limit}, wait=WAIT)

    def _trace(self, request: Request) -> Deferred[Any]:
        """What this node's log has."""
        tracer: Tracer = self._rooms.tracer
        found = tracer.logged(request["words"], request["limit"])
        return found.addCallback(lambda hops: {"hops": hops})


def spellings(query: str) -> set[str]:
    """The query itself; a number also with and without the + or 00 before it (SX-15)."""
    digits = query.removeprefix("+") if query[:1] == "+" else query.removeprefix("00")
    if len(digits) < SHORTEST or not (digits.isascii() and digits.isdigit()):
        return {query}
    return {query, digits, f"+{digits}", f"00{digits}"}


def _hops(said: Said, notes: dict[str, None]) -> list[Event]:
    notes |= dict.fromkeys(said.notes)
    found: list[list[Event]] = []
    for node, answer in said.good.items():
        found.append([{"node": node, **hop} for hop in answer["hops"] if hop["event"] != "cut"])
        for hop in answer["hops"]:
            if hop["event"] == "cut":
                notes[f"{node}: {hop['reason']}"] = None
    return merged(*found)


def _without_words(hop: Event) -> Event:
    return {name: value for name, value in hop.items() if name not in WORDS}
