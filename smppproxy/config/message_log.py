"""The table [message_log] of the node file: where what became of each message is written."""

import os
from typing import Any

import attrs

from smppproxy.config import options
from smppproxy.config.source import Source
from smppproxy.routing.rules import Flag, Text, Whole


@attrs.define
class MessageLog:
    """The message log of a node. What an account leaves there, its ``message_log`` says."""

    #: Where its files are; "" = there is no message log, no trace and no report.
    folder: str = attrs.field(default="", validator=Text(0, 4096, "/var/log/smppproxy/messages"))
    #: Megabytes after which another file is begun.
    max_size: int = attrs.field(default=100, validator=Whole(1, 10_000))
    #: Hours after which another file is begun.
    max_hours: int = attrs.field(default=24, validator=Whole(1, 24 * 31))
    #: Days after which a file is removed; 0 = never.
    keep_days: int = attrs.field(default=31, validator=Whole(0, 3660))
    #: Whether complete files are compressed (gzip).
    compress: bool = attrs.field(default=True, validator=Flag())


def read_message_log(source: Source) -> MessageLog:
    """The table, its folder made absolute; the defaults where something is wrong with it."""
    table = source.table(
        ("message_log",),
        source.data.get("message_log", {}),
        "write its options below [message_log]",
    )
    known = len(source.problems)
    arguments: dict[str, Any] = options.read(source, ("message_log",), table or {}, MessageLog)
    if len(source.problems) > known:
        return MessageLog()
    log = MessageLog(**arguments)
    if log.folder:
        log.folder = os.path.normpath(source.folder / log.folder)
    return log
