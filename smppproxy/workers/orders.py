"""What supervisor and worker say to each other: a node in one direction, lines in the other.

The node goes over a pipe and not over the command line, which everybody may read and which has no
room for it; and it is not read from its file again: that may have changed since.
"""

from __future__ import annotations

import json
import os
import struct
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import attrs
import msgpack
from twisted.logger import ILogObserver, LogEvent, LogLevel
from zope.interface import implementer

from smppproxy.admin.log_json import as_json
from smppproxy.admin.log_levels import PASSED
from smppproxy.config import Listener, Node

REPORTS = 3
"""The descriptor on which a worker tells."""

STATE = "worker_state"
"""The one field of a line that is no log entry."""

MOST_WAITING = 1 << 20
"""Octets that wait for a supervisor that does not read; log entries on top of them are lost."""

_TABLES = [getattr(Node("node"), each.name) for each in attrs.fields(Node) if each.name != "name"]
_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (Node, Listener, *(type(table) for table in _TABLES if attrs.has(type(table))))
}
_OF_A_LINE = frozenset({"time", "level", "source", "message", "traceback"})
_LENGTH = struct.Struct(">I")


def packed(node: Node) -> bytes:
    """A node as it is written to its process: four octets of length, then itself."""
    octets: bytes = msgpack.packb(_plain(node))
    return _LENGTH.pack(len(octets)) + octets


def read_node(file: int) -> Node | None:
    """The node that this process is to be; waits for it. None when nobody says so any more."""
    head = _read(file, _LENGTH.size)
    if head is None:
        return None
    octets = _read(file, _LENGTH.unpack(head)[0])
    if octets is None:
        return None
    node: Node = _made(msgpack.unpackb(octets))
    return node


def _read(file: int, size: int) -> bytes | None:
    found = b""
    while len(found) < size:
        more = os.read(file, size - len(found))
        if not more:
            return None
        found += more
    return found


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        kind = type(value)
        fields = {each.name: _plain(getattr(value, each.name)) for each in attrs.fields(kind)}
        return {"kind": kind.__name__, "fields": fields}
    if isinstance(value, IPv4Network | IPv6Network):
        return {"kind": "network", "fields": str(value)}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value


def _made(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_made(each) for each in value)
    if not isinstance(value, dict) or value.keys() != {"kind", "fields"}:
        return value
    if value["kind"] == "network":
        return ip_network(value["fields"])
    kind = _KINDS[value["kind"]]
    given = {name: _made(each) for name, each in value["fields"].items()}
    later = [each.name for each in attrs.fields(kind) if not each.init]
    beside = {name: given.pop(name) for name in later}
    made = kind(**given)
    for name, each in beside.items():
        setattr(made, name, each)
    return made


@implementer(ILogObserver)
class Reports:
    """The worker's side of the lines. It never waits for who reads them.

    :param file: the descriptor they are written to. Nobody may read them any more: then they are
        lost, as the supervisor is.
    """

    def __init__(self, file: int) -> None:
        os.set_blocking(file, False)
        self._file = file
        self._waiting = b""
        self._lost = 0

    def __call__(self, event: LogEvent) -> None:
        """A log entry."""
        line = as_json(event)
        if line is None:
            return
        if len(self._waiting) > MOST_WAITING:
            self._lost += 1
        else:
            self._write(line)

    def state(self, **state: Any) -> None:
        """How this worker is; to be said often, since silence means that it hangs."""
        if len(self._waiting) > MOST_WAITING:
            self._write("")
            return
        self._write(json.dumps({STATE: state | {"lost": self._lost}}) + "\n")

    def _write(self, line: str) -> None:
        self._waiting += line.encode()
        try:
            while self._waiting:
                self._waiting = self._waiting[os.write(self._file, self._waiting) :]
        except BlockingIOError:
            return  # it goes out with the next one
        except OSError:
            self._waiting = b""


def entry(line: dict[str, Any], worker: str) -> LogEvent:
    """A worker's log entry as one of ours, with the worker's name in it."""
    text = line["message"]
    if "traceback" in line:
        text = f"{text}\n{line['traceback']}"
    fields = {name: value for name, value in line.items() if name not in _OF_A_LINE}
    text = text.replace("{", "{{").replace("}", "}}")
    return fields | {
        "worker": worker,
        "log_format": "{worker}: " + text,
        "log_level": LogLevel.levelWithName(line["level"]),
        "log_namespace": line["source"],
        "log_time": datetime.fromisoformat(line["time"]).timestamp(),
        PASSED: True,
    }
