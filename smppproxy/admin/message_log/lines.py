"""Rows become lines: one JSON object per event, in the scribe.

Every event about a message has ``time`` (UTC), ``event``, ``node``, ``account``, ``peer``,
``session``, ``sequence_number``, ``command_status`` by name, ``client_message_id``,
``provider_message_id``, ``provider``, ``host`` and ``bind`` (MG-14); "" is what it does not have.
An accepted message with its final receipt leaves three: ``accepted``, ``receipt``, ``delivered``.

Numbers of accounts with ``mask_numbers`` show their first digits only, and accounts with
``message_log = "off"`` leave nothing but counts. What nobody owns follows the strictest account.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from smppproxy.admin.message_log import rows
from smppproxy.admin.message_log.pieces import (
    DELIVERED,
    EVENT,
    RECEIPT,
    WORDS,
    accepted_rest,
    inside,
    mask,
    message_addresses,
    quoted,
    said,
)
from smppproxy.admin.message_log.tally import MESSAGE, Tally
from smppproxy.relay.outbox import TEMPORARY
from smppproxy.smpp.constants import status_name
from smppproxy.store.interface import OUTCOME_NAMES, QUEUED, UNWANTED
from smppproxy.store.records import (
    ReceiptRecord,
    RecordError,
    glance,
    origin_parts,
    receipt_origin,
)

Row = Sequence[Any]
Pair = tuple[bytes, bytes]

OFF, FULL = "off", "full"
UNHEARD_OF = ("metadata", False)

HOUR = 3600

_ROK = b"ESME_ROK"
_NO_IDS = (b"", b"")
_NO_BIND = b'"provider":"","host":"","bind":""'

OUTCOMES = [name.encode() for name in OUTCOME_NAMES]
COUNTED = frozenset((QUEUED, UNWANTED))
"""Outcomes of final receipts that say what became of a message, once for each."""

MOST_NAMES = 10_000
"""Texts of each kind that are kept ready made."""


class Lines:
    """The state that rows build up, and the lines that they become."""

    def __init__(self, node: str, tally: Tally) -> None:
        self._node = b'"node":' + quoted(node)
        self._tally = tally
        self._lines: list[bytes] = []
        self._began = 0.0
        self._second = -1
        self._stamp = b""
        self._hour = 0
        self._names: dict[int, bytes] = {}
        self._dates: dict[int, bytes] = {}
        self._routes: dict[str, bytes] = {}
        self._places: dict[bytes, bytes] = {}
        self._accounts: dict[str, tuple[str, bool]] = {}
        self._nobody = UNHEARD_OF
        # By number: account, and what every line about a session says of it.
        self._clients: dict[int, tuple[str, bytes]] = {}
        # Likewise provider, what lines about its sessions say, and where messages went.
        self._binds: dict[int, tuple[str, bytes, bytes]] = {-1: ("", b"", _NO_BIND)}
        self._makers: dict[int, Callable[[Row], None]] = {
            rows.TIME: self._time,
            rows.CLIENT: self._client,
            rows.BIND: self._bind,
            rows.GONE: self._gone,
            rows.ACCOUNTS: self._use,
            rows.LOST: self._lost,
            rows.ACCEPTED: self._accepted,
            rows.REFUSED: self._refused,
            rows.UNDECIDED: self._undecided,
            rows.RECEIPTS: self._receipts,
            rows.NAMELESS: self._nameless,
            rows.DELIVERED: self._delivered,
            rows.MESSAGES: self._messages,
        }

    def add(self, row: Row) -> None:
        """What this row says."""
        self._makers[row[0]](row)

    def take(self) -> list[bytes]:
        """The lines so far, each with its newline."""
        lines, self._lines = self._lines, []
        return lines

    # -- what others refer to -------------------------------------------------------------------

    def _time(self, row: Row) -> None:
        self._began = row[1]

    def _client(self, row: Row) -> None:
        _, number, account, peer, session = row
        who = b'%b,"account":%b,"peer":%b,"session":%b' % (
            self._node,
            quoted(account),
            quoted(peer),
            quoted(session),
        )
        self._clients[number] = (account, who)

    def _bind(self, row: Row) -> None:
        _, number, provider, host, session, peer = row
        place = b'"provider":%b,"host":%b,"bind":%b' % (
            quoted(provider),
            quoted(host),
            quoted(session),
        )
        whose = b'"peer":%b,"session":%b' % (quoted(peer), quoted(session))
        self._binds[number] = (provider, whose, place)

    def _gone(self, row: Row) -> None:
        for number in row[1]:
            self._clients.pop(number, None)
            self._binds.pop(number, None)

    def _use(self, row: Row) -> None:
        self._accounts = row[1]
        modes = [mode for mode, _ in self._accounts.values()]
        masked = [masked for _, masked in self._accounts.values()]
        all_off = bool(modes) and set(modes) == {OFF}
        self._nobody = (OFF if all_off else "metadata", any(masked) or OFF in modes)

    def _lost(self, row: Row) -> None:
        at = self._at(time.time())
        self._lines.append(
            b'{"time":"%b","event":"lost",%b,"count":%d}\n' % (at, self._node, row[1])
        )

    def _rules(self, account: str) -> tuple[str, bool]:
        if not account:
            return self._nobody
        return self._accounts.get(account, UNHEARD_OF)

    # -- parts of lines -------------------------------------------------------------------------

    def _at(self, seconds: float) -> bytes:
        """Unix seconds as ISO 8601 with milliseconds, UTC; ``_hour`` is theirs then."""
        whole = int(seconds)
        if whole != self._second:
            self._second = whole
            self._hour = whole - whole % HOUR
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)).encode()
        return b"%b.%03dZ" % (self._stamp, int((seconds - whole) * 1000))

    def _status(self, command_status: int) -> bytes:
        name = self._names.get(command_status)
        if name is None:
            name = status_name(command_status).encode()
            if len(self._names) < MOST_NAMES:
                self._names[command_status] = name
        return name

    def _of_nobody(self, account: str, session: bytes) -> bytes:
        """What a line about a provider's session says of itself."""
        return b'%b,"account":%b,%b' % (self._node, quoted(account), session)

    # -- submits --------------------------------------------------------------------------------

    def _accepted(self, row: Row) -> None:
        _, now, who, bind, number, latency, record, ids, route, attempts, skipped, text = row
        account, session = self._clients[who]
        provider, _, place = self._binds[bind]
        message_id, source, destination, reference = origin_parts(record)
        at = self._at(self._began + now)
        self._tally.add(self._hour, account, provider, destination, "ESME_ROK")
        mode, masked = self._rules(account)
        if mode == OFF:
            return
        if masked:
            source, destination = mask(source), mask(destination)
        parts = 1
        rest = b""
        if reference or attempts or skipped or mode == FULL or b"\0" in ids:
            several = ids.split(b"\0")
            rest = accepted_rest(several, reference, attempts, skipped)
            if mode == FULL:
                rest += said(text)
            parts, ids = len(several), several[0]
        shown = self._routes.get(route)
        if shown is None:
            shown = quoted(route)
            if len(self._routes) < MOST_NAMES:
                self._routes[route] = shown
        rest = b',"parts":%d,"route":%b,"latency":%.6f%b' % (parts, shown, latency, rest)
        self._lines.append(
            EVENT
            % (
                at,
                b"accepted",
                session,
                number,
                _ROK,
                message_id if message_id.isalnum() else inside(message_id),
                ids if ids.isalnum() else inside(ids),
                place,
                source if source.isalnum() else inside(source),
                destination if destination.isalnum() else inside(destination),
                rest,
            )
        )

    def _refused(self, row: Row) -> None:
        _, now, who, bind, refused = row
        account, session = self._clients[who]
        provider, _, place = self._binds[bind]
        at = self._at(self._began + now)
        mode, masked = self._rules(account)
        for number, status, reason, source, destination, text in refused:
            name = self._status(status)
            self._tally.add(self._hour, account, provider, destination, name.decode())
            if mode == OFF:
                continue
            rest = b',"reason":%b' % quoted(reason)
            if mode == FULL:
                rest += said(text)
            numbers = (source, destination)
            self._write(
                at, b"refused", session, number, name, _NO_IDS, place, numbers, masked, rest
            )

    def _undecided(self, row: Row) -> None:
        _, now, who, bind, event, number, record, (provider, host), route = row
        account, session = self._clients[who]
        place = self._binds[bind][2]
        if bind < 0 and provider:
            place = b'"provider":%b,"host":%b,"bind":""' % (quoted(provider), quoted(host))
        message_id, source, destination, _ = origin_parts(record)
        at = self._at(self._began + now)
        status = b"ESME_RUNKNOWNERR" if event == "in_doubt" else b""
        if event != "resent":
            result = status.decode() or event
            self._tally.add(self._hour, account, provider, destination, result)
        mode, masked = self._rules(account)
        if mode == OFF:
            return
        rest = b',"route":%b' % quoted(route)
        ids, numbers = (message_id, b""), (source, destination)
        name = event.encode()
        self._write(at, name, session, number, status, ids, place, numbers, masked, rest)

    def _write(
        self,
        at: bytes,
        event: bytes,
        who: bytes,
        sequence_number: int,
        status: bytes,
        ids: Pair,
        place: bytes,
        numbers: Pair,
        masked: bool,
        rest: bytes,
    ) -> None:
        source, destination = numbers
        if masked:
            source, destination = mask(source), mask(destination)
        self._lines.append(
            EVENT
            % (
                at,
                event,
                who,
                sequence_number,
                status,
                inside(ids[0]),
                inside(ids[1]),
                place,
                inside(source),
                inside(destination),
                rest,
            )
        )

    # -- receipts -------------------------------------------------------------------------------

    def _receipts(self, row: Row) -> None:
        _, now, bind, receipts = row
        provider, session, place = self._binds[bind]
        at = self._at(self._began + now)
        whose: dict[bytes, tuple[str, str, bool, bytes]] = {}
        for number, outcome, key, message_id, record, to in receipts:
            owner = whose.get(key)
            if owner is None:
                name = key.decode("utf-8", "replace")
                owner = whose[key] = (name, *self._rules(name), self._of_nobody(name, session))
            account, mode, masked, who = owner
            receipt = ReceiptRecord.unpack(record)
            word = WORDS[receipt.state]
            final = receipt.final
            if final and outcome in COUNTED:
                self._tally.add(self._hour, account, provider, to, word)
            if mode == OFF:
                continue
            rest = RECEIPT % (
                OUTCOMES[outcome],
                word.encode(),
                inside(receipt.stat),
                inside(receipt.err),
                b"true" if final else b"false",
                self._date(receipt.done_date),
            )
            ids, numbers = (message_id, receipt.provider_message_id), (b"", to)
            self._write(at, b"receipt", who, number, _ROK, ids, place, numbers, masked, rest)

    def _date(self, seconds: int) -> bytes:
        if seconds == self._second:
            return self._stamp + b".000Z"
        if seconds <= 0:
            return b""
        date = self._dates.get(seconds)
        if date is None:
            date = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds)).encode()
            if len(self._dates) > MOST_NAMES:
                self._dates.clear()
            self._dates[seconds] = date
        return date

    def _nameless(self, row: Row) -> None:
        _, now, bind, number, stat, destination = row
        _, session, place = self._binds[bind]
        mode, masked = self._nobody
        if mode == OFF:
            return
        at, who = self._at(self._began + now), self._of_nobody("", session)
        rest = b',"verdict":"unreadable","stat":"%b"' % inside(stat)
        numbers = (b"", destination)
        self._write(at, b"receipt", who, number, _ROK, _NO_IDS, place, numbers, masked, rest)

    # -- what clients took ----------------------------------------------------------------------

    def _delivered(self, row: Row) -> None:
        _, now, who, answers = row
        account, session = self._clients[who]
        mode, masked = self._rules(account)
        if mode == OFF:
            return
        seconds = self._began + now
        at = self._at(seconds)
        for number, status, nack, attempts, origin, record in answers:
            name = self._status(status)
            event = b"delivered"
            again = b""
            if status or nack:
                event = b"delivery_refused"
                again = b"" if nack or status not in TEMPORARY else b',"again":true'
            ids, place, rest = _NO_IDS, _NO_BIND, b',"kind":"mo"'
            if not origin:
                numbers = message_addresses(record)
            else:
                try:
                    ids, place, numbers, rest = self._of_receipt(origin, record, seconds)
                except RecordError:
                    continue
            rest = b'%b,"attempts":%d%b' % (rest, attempts, again)
            self._write(at, event, session, number, name, ids, place, numbers, masked, rest)

    def _of_receipt(
        self, origin: bytes, record: bytes, seconds: float
    ) -> tuple[Pair, bytes, Pair, bytes]:
        """Ids, place, numbers and the rest of what a delivery of a receipt tells."""
        message_id, source, destination, _ = origin_parts(origin)
        state, final, submit_time = glance(origin, record)
        where, provider_message_id = receipt_origin(record)
        place = self._places.get(where)
        if place is None:
            provider, _, host = where.rpartition(b"/")
            place = b'"provider":"%b","host":"%b","bind":""' % (inside(provider), inside(host))
            if len(self._places) < MOST_NAMES:
                self._places[where] = place
        rest = DELIVERED % (
            WORDS[state].encode(),
            b"true" if final else b"false",
            self._date(submit_time),
            max(0.0, seconds - submit_time),
        )
        return (message_id, provider_message_id), place, (source, destination), rest

    # -- MO messages ----------------------------------------------------------------------------

    def _messages(self, row: Row) -> None:
        _, now, bind, account, messages = row
        provider, session, place = self._binds[bind]
        at = self._at(self._began + now)
        mode, masked = self._rules(account)
        who = self._of_nobody(account, session)
        verdict = b',"verdict":"queued"' if account else b',"verdict":"unrouted"'
        for number, source, destination, text in messages:
            self._tally.add(self._hour, account, provider, source, MESSAGE)
            if mode == OFF:
                continue
            rest = verdict + (said(text) if mode == FULL else b"")
            numbers = (source, destination)
            self._write(at, b"mo", who, number, _ROK, _NO_IDS, place, numbers, masked, rest)
