"""Lines of the message log become spans: what a message did, as OpenTelemetry has it. Pure.

One message is one trace, whichever nodes it and its receipts went through: its ids are made of the
account and the client_message_id, so that each node makes the same ones, and the same ones of the
messages are taken. Spans are

* ``submit_sm``: from the client's submit_sm to our answer, which is the provider's
* ``submit_sm resent``: the moment at which a second copy left
* ``receipt``: the moment at which a provider's receipt was taken in
* ``deliver_sm``: from there (where this node knows it) to the client's answer

They hold what the lines hold, numbers masked where those are, and no text of any message. What was
refused has no client_message_id: each is a trace of its own. MO messages have none.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any

import attrs

_EVENT, _ACCOUNT, _PEER, _ID = (
    b'"event":"', b'"account":"', b'","peer":"', b'"client_message_id":"'
)  # fmt: skip
_SUBMIT = "submit_sm"
_NAMES = {
    b"accepted": _SUBMIT,
    b"refused": _SUBMIT,
    b"in_doubt": _SUBMIT,
    b"abandoned": _SUBMIT,
    b"resent": "submit_sm resent",
    b"receipt": "receipt",
    b"delivered": "deliver_sm",
    b"delivery_refused": "deliver_sm",
}
_LEFT_OUT = frozenset({"time", "event", "text", "octets", "latency"})
_GOOD = ("", "ESME_ROK")
_NANO = 1_000_000_000
_EVERYTHING = 1 << 64

MOST_RECEIPTS = 10_000
"""Receipts whose deliveries are waited for, to know when those began."""

Value = str | int | float | bool


@attrs.define
class Span:
    """One span. Times are unix nanoseconds.

    :ivar parent: the span_id of the message's own span, 0 for that one.
    :ivar error: why it went wrong, "" when it did not.
    """

    name: str
    trace_id: int
    span_id: int
    parent: int
    start: int
    end: int
    attributes: dict[str, Value]
    error: str = ""


class Spans:
    """Takes lines, gives spans of some of them."""

    def __init__(self, one_in: int) -> None:
        self._limit = _EVERYTHING // one_in
        self._received: OrderedDict[int, int] = OrderedDict()

    def read(self, lines: Iterable[bytes]) -> list[Span]:
        """The spans that these lines are about."""
        found = []
        for line in lines:
            name, seed = _looked_at(line)
            if seed:
                digest = blake2b(seed, digest_size=16).digest()
                if int.from_bytes(digest[8:]) < self._limit:
                    found.append(self._span(line, name, digest))
        return found

    def _span(self, line: bytes, name: str, trace_id: bytes) -> Span:
        event: dict[str, Any] = json.loads(line)
        own = _of(trace_id, _SUBMIT.encode())
        # A message has one of its own; there may be several receipts, and deliveries of each.
        span_id, parent = (own, 0) if name == _SUBMIT else (_of(trace_id, line), own)
        end = _nanoseconds(event["time"])
        number = int.from_bytes(trace_id)
        start = end
        if event["event"] == "accepted":
            start = end - int(event["latency"] * _NANO)
        elif name == "receipt":
            self._remember(number, end)
        elif name == "deliver_sm":
            start = min(end, self._received.get(number, end))
        return Span(name, number, span_id, parent, start, end, _attributes(event), _error(event))

    def _remember(self, trace_id: int, at: int) -> None:
        self._received[trace_id] = at
        self._received.move_to_end(trace_id)
        if len(self._received) > MOST_RECEIPTS:
            self._received.popitem(last=False)


def _looked_at(line: bytes) -> tuple[str, bytes]:
    """The name of a line's span, and what its message is told from others by; b"" without one.

    Every line is looked at, so it is not taken apart: its fields stand in one order, and a quote
    within a text has a backslash before it.
    """
    at = line.find(_EVENT) + len(_EVENT)
    event = line[at : line.find(b'"', at)]
    name = _NAMES.get(event, "")
    if not name:
        return "", b""
    account_at = line.find(_ACCOUNT, at) + len(_ACCOUNT)
    account_end = line.find(_PEER, account_at)
    id_at = line.find(_ID, account_end) + len(_ID)
    message_id = line[id_at : line.find(b'"', id_at)]
    if message_id:
        return name, line[account_at:account_end] + b"\0" + message_id
    # Nothing else tells one refused message from another.
    return name, line if event == b"refused" else b""


def _of(trace_id: bytes, name: bytes) -> int:
    return int.from_bytes(blake2b(trace_id + name, digest_size=8).digest())


def _nanoseconds(stamp: str) -> int:
    """Of a time with milliseconds: a whole number of them."""
    return round(datetime.fromisoformat(stamp).timestamp() * 1000) * 1_000_000


def _attributes(event: dict[str, Any]) -> dict[str, Value]:
    """``smppproxy.`` and the field's name; what is empty is left out."""
    found: dict[str, Value] = {}
    for name, value in event.items():
        if name in _LEFT_OUT or value == "":
            continue
        plain = isinstance(value, str | int | float | bool)
        found[f"smppproxy.{name}"] = value if plain else json.dumps(value)
    return found


def _error(event: dict[str, Any]) -> str:
    status: str = event["command_status"]
    if event["event"] == "abandoned":
        return "its client went before it was sent"
    return "" if status in _GOOD else status
