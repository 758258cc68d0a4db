"""Texts that many lines of the message log share: made once, kept ready."""

from __future__ import annotations

import time

from smppproxy.admin.message_log.pieces import RECEIPT, STATES, WORDS, inside, quoted
from smppproxy.smpp.constants import status_name
from smppproxy.store.records import ReceiptRecord, receipt_head

HOUR = 3600

MOST = 10_000
"""Texts of each kind that are kept."""

Head = tuple[str, bool, bytes]
"""The word of a receipt's state, whether it is final, and what a line says of it."""


class Kept:
    """What was made before.

    :ivar hour: of the time that was last asked for: its beginning in unix seconds.
    :ivar routes: names of routes as JSON; `route` makes those that are missing.
    :ivar places: PROVIDER/HOST as lines have it; `place` makes those that are missing.
    :ivar heads: by `receipt_head`; `head` makes those that are missing.
    """

    def __init__(self) -> None:
        self.hour = 0
        self.routes: dict[str, bytes] = {}
        self.places: dict[bytes, bytes] = {}
        self.heads: dict[bytes, Head] = {}
        self._names: dict[int, bytes] = {}
        self._dates: dict[int, bytes] = {}
        self._second = -1
        self._stamp = b""
        self._asked = -1.0
        self._at = b""

    def at(self, seconds: float) -> bytes:
        """Unix seconds as ISO 8601 with milliseconds, UTC."""
        if seconds == self._asked:
            return self._at
        whole = int(seconds)
        if whole != self._second:
            self._second = whole
            self.hour = whole - whole % HOUR
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)).encode()
        self._asked = seconds
        self._at = b"%b.%03dZ" % (self._stamp, int((seconds - whole) * 1000))
        return self._at

    def date(self, seconds: int) -> bytes:
        """Whole unix seconds likewise; b"" for what is no time."""
        if seconds == self._second:
            return self._stamp + b".000Z"
        if seconds <= 0:
            return b""
        date = self._dates.get(seconds)
        if date is None:
            if len(self._dates) >= MOST:
                self._dates.clear()
            text = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))
            date = self._dates[seconds] = text.encode()
        return date

    def status(self, command_status: int) -> bytes:
        """A command_status by name."""
        name = self._names.get(command_status)
        if name is None:
            name = status_name(command_status).encode()
            if len(self._names) < MOST:
                self._names[command_status] = name
        return name

    def route(self, name: str) -> bytes:
        """A route's name as JSON."""
        shown = quoted(name)
        if len(self.routes) < MOST:
            self.routes[name] = shown
        return shown

    def place(self, where: bytes) -> bytes:
        """PROVIDER/HOST as lines have it."""
        provider, _, host = where.rpartition(b"/")
        place = b'"provider":"%b","host":"%b","bind":""' % (inside(provider), inside(host))
        if len(self.places) < MOST:
            self.places[where] = place
        return place

    def head(self, record: bytes) -> Head:
        """Of a packed ReceiptRecord; many receipts of a second have the same."""
        receipt = ReceiptRecord.unpack(record)
        said = RECEIPT % (
            STATES[receipt.state],
            inside(receipt.stat),
            inside(receipt.err),
            b"true" if receipt.final else b"false",
            self.date(receipt.done_date),
        )
        if len(self.heads) >= MOST:
            self.heads.clear()
        found = WORDS[receipt.state], receipt.final, said
        self.heads[receipt_head(record)] = found
        return found
