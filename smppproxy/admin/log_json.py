"""The node's log as JSON: one object per event and line, for those who collect logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from twisted.logger import LogEvent, formatEvent

Json = dict[str, Any]

OF_TWISTED = "log_"
"""How fields begin that are Twisted's own."""


def as_json(event: LogEvent) -> str | None:
    """``time``, ``level``, ``source``, ``event`` (what kind it is, where it says so), ``message``
    (as a person would read it) and every field that it has; None for an event that says nothing.
    """
    message = formatEvent(event)
    failure = event.get("log_failure")
    if not message and failure is None:
        return None
    line: Json = {
        "time": _time(event.get("log_time", 0.0)),
        "level": getattr(event.get("log_level"), "name", "info"),
        "source": event.get("log_namespace", ""),
        "event": "",
        "message": message,
    }
    if failure is not None:
        line["traceback"] = failure.getTraceback()
    for name, value in event.items():
        if not name.startswith(OF_TWISTED) and name not in ("isError", "format", "system"):
            if name in line and name != "event":
                name = f"{name}_"
            line[name] = plain(value)
    return json.dumps(line) + "\n"


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """A field's value as JSON has it; what it has no type for becomes text."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return str(value)
