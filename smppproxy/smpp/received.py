"""What a session tells the wire: after a read, and when a timer is due."""

from typing import Any

import attrs

from smppproxy.smpp.pdu import Pdu


class Received:
    """What one read means. Write `reply` first, hand on the lists, then look at `close`."""

    __slots__ = (
        "reply",
        "bind",
        "bind_resp",
        "requests",
        "responses",
        "late",
        "unbind",
        "unbound",
        "close",
        "oddities",
    )

    def __init__(self) -> None:
        #: Octets to write at once: what the session answers itself.
        self.reply = b""
        #: SMSC: a bind to verify; `accept_bind` or `refuse_bind` is awaited.
        self.bind: Pdu | None = None
        #: ESME: the answer to our bind, good or bad.
        self.bind_resp: Pdu | None = None
        #: SMSC: submit_sm; ESME: deliver_sm and data_sm. In order, not yet answered.
        self.requests: list[Pdu] = []
        #: (token, answer); the window is closed already.
        self.responses: list[tuple[Any, Pdu]] = []
        #: (token, answer) to requests that had expired.
        self.late: list[tuple[Any, Pdu]] = []
        #: The peer asks to go: answer what is in flight, then unbind_resp, then close (F30).
        self.unbind: Pdu | None = None
        #: The answer to our unbind has come.
        self.unbound = False
        #: Why to flush and close, or "".
        self.close = ""
        #: (what, command_id) to count; all that had to be answered is in `reply` already.
        self.oddities: list[tuple[str, int]] = []


@attrs.define
class Ticked:
    """What is due. Write `reply`, hand on `expired`, then look at `close`."""

    reply: bytes = b""
    expired: list[Any] = attrs.field(factory=list)
    close: str = ""
