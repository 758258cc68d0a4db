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
from smppproxy.admin.message_log.kept import Kept
from smppproxy.admin.message_log.pieces import (
    ACCEPTED,
    DELIVERED,
    DELIVERED_BEGIN,
    DELIVERED_END,
    EVENT,
    RECEIPT_BEGIN,
    RECEIPT_END,
    STATES,
    accepted_rest,
    inside,
    mask,
    message_addresses,
    quoted,
    said,
)
from smppproxy.admin.message_log.tally import MESSAGE, Tally
from smppproxy.relay.outbox import TEMPORARY
from smppproxy.store.interface import OUTCOME_NAMES, QUEUED, UNWANTED
from smppproxy.store.records import (
    RecordError,
    glance,
    origin_parts,
    receipt_head,
    receipt_origin,
)

Row = Sequence[Any]
Pair = tuple[bytes, bytes]

OFF, FULL = "off", "full"
UNHEARD_OF = ("metadata", False)

_ROK = b"ESME_ROK"
_NO_IDS = (b"", b"")
_NO_BIND = b'"provider":"","host":"","bind":""'

OUTCOMES = [name.encode() for name in OUTCOME_NAMES]
COUNTED = frozenset((QUEUED, UNWANTED))
"""Outcomes of final receipts that say what became of a message, once for each."""


class Lines:
    """The state that rows build up, and the lines that they become."""

    def __init__(self, node: str, tally: Tally) -> None:
        self._node = b'"node":' + quoted(node)
        self._tally = tally
        self._lines: list[bytes] = []
        self._began = 0.0
        self._kept = Kept()
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
        at = self._kept.at(time.time())
        self._lines.append(
            b'{"time":"%b","event":"lost",%b,"count":%d}\n' % (at, self._node, row[1])
        )

    def _rules(self, account: str) -> tuple[str, bool]:
        if not account:
            return self._nobody
        return self._accounts.get(account, UNHEARD_OF)

    # -- parts of lines -------------------------------------------------------------------------

    def _of_nobody(self, account: str, session: bytes) -> bytes:
        """What a line about a provider's session says of itself."""
        return b'%b,"account":%b,%b' % (self._node, quoted(account), session)

    # -- submits --------------------------------------------------------------------------------

    def _accepted(self, row: Row) -> None:
        _, now, who, bind, number, latency, record, ids, route, attempts, skipped, text = row
        account, session = self._clients[who]
        provider, _, place = self._binds[bind]
        message_id, source, destination, reference = origin_parts(record)
        kept = self._kept
        at = kept.at(self._began + now)
        self._tally.add(kept.hour, account, provider, destination, "ESME_ROK")
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
        self._lines.append(
            ACCEPTED
            % (
                at,
                session,
                number,
                message_id if message_id.isalnum() else inside(message_id),
                ids if ids.isalnum() else inside(ids),
                place,
                source if source.isalnum() else inside(source),
                destination if destination.isalnum() else inside(destination),
                parts,
                kept.routes.get(route) or kept.route(route),
                latency,
                rest,
            )
        )

    def _refused(self, row: Row) -> None:
        _, now, who, bind, refused = row
        account, session = self._clients[who]
        provider, _, place = self._binds[bind]
        at = self._kept.at(self._began + now)
        mode, masked = self._rules(account)
        for number, status, reason, source, destination, text in refused:
            name = self._kept.status(status)
            self._tally.add(self._kept.hour, account, provider, destination, name.decode())
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
        at = self._kept.at(self._began + now)
        status = b"ESME_RUNKNOWNERR" if event == "in_doubt" else b""
        if event != "resent":
            result = status.decode() or event
            self._tally.add(self._kept.hour, account, provider, destination, result)
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
        kept, append, add = self._kept, self._lines.append, self._tally.add
        at, heads = kept.at(self._began + now), kept.heads
        hour = kept.hour
        whose: dict[bytes, tuple[str, str, bool, bytes]] = {}
        for number, outcome, key, message_id, record, to in receipts:
            owner = whose.get(key)
            if owner is None:
                name = key.decode("utf-8", "replace")
                begin = RECEIPT_BEGIN % (at, self._of_nobody(name, session))
                owner = whose[key] = (name, *self._rules(name), begin)
            account, mode, masked, begin = owner
            word, final, told = heads.get(receipt_head(record)) or kept.head(record)
            if final and outcome in COUNTED:
                add(hour, account, provider, to, word)
            if mode == OFF:
                continue
            _, theirs = receipt_origin(record)
            if masked:
                to = mask(to)
            append(
                RECEIPT_END
                % (
                    begin,
                    number,
                    message_id if message_id.isalnum() else inside(message_id),
                    theirs if theirs.isalnum() else inside(theirs),
                    place,
                    to if to.isalnum() else inside(to),
                    OUTCOMES[outcome],
                    told,
                )
            )

    def _nameless(self, row: Row) -> None:
        _, now, bind, number, stat, destination = row
        _, session, place = self._binds[bind]
        mode, masked = self._nobody
        if mode == OFF:
            return
        at, who = self._kept.at(self._began + now), self._of_nobody("", session)
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
        at = self._kept.at(seconds)
        begin = DELIVERED_BEGIN % (at, session)
        for answer in answers:
            number, status, nack, attempts, origin, record = answer
            if status or nack or not origin:
                self._other_delivery(seconds, session, answer, masked)
                continue
            try:
                (ours, theirs), place, (source, destination), rest = self._of_receipt(
                    origin, record, seconds
                )
            except RecordError:
                continue
            if masked:
                source, destination = mask(source), mask(destination)
            self._lines.append(
                DELIVERED_END
                % (
                    begin,
                    number,
                    ours if ours.isalnum() else inside(ours),
                    theirs if theirs.isalnum() else inside(theirs),
                    place,
                    source if source.isalnum() else inside(source),
                    destination if destination.isalnum() else inside(destination),
                    rest,
                    attempts,
                )
            )

    def _other_delivery(self, seconds: float, session: bytes, answer: Row, masked: bool) -> None:
        """A delivery that was refused, or one of an MO message."""
        number, status, nack, attempts, origin, record = answer
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
                return
        rest = b'%b,"attempts":%d%b' % (rest, attempts, again)
        at, name = self._kept.at(seconds), self._kept.status(status)
        self._write(at, event, session, number, name, ids, place, numbers, masked, rest)

    def _of_receipt(
        self, origin: bytes, record: bytes, seconds: float
    ) -> tuple[Pair, bytes, Pair, bytes]:
        """Ids, place, numbers and the rest of what a delivery of a receipt tells."""
        kept = self._kept
        message_id, source, destination, _ = origin_parts(origin)
        state, final, submit_time = glance(origin, record)
        where, provider_message_id = receipt_origin(record)
        rest = DELIVERED % (
            STATES[state],
            b"true" if final else b"false",
            kept.date(submit_time),
            max(0.0, seconds - submit_time),
        )
        place = kept.places.get(where) or kept.place(where)
        return (message_id, provider_message_id), place, (source, destination), rest

    # -- MO messages ----------------------------------------------------------------------------

    def _messages(self, row: Row) -> None:
        _, now, bind, account, messages = row
        provider, session, place = self._binds[bind]
        at = self._kept.at(self._began + now)
        mode, masked = self._rules(account)
        who = self._of_nobody(account, session)
        verdict = b',"verdict":"queued"' if account else b',"verdict":"unrouted"'
        for number, source, destination, text in messages:
            self._tally.add(self._kept.hour, account, provider, source, MESSAGE)
            if mode == OFF:
                continue
            rest = verdict + (said(text) if mode == FULL else b"")
            numbers = (source, destination)
            self._write(at, b"mo", who, number, _ROK, _NO_IDS, place, numbers, masked, rest)
