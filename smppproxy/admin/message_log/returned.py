"""Lines about what comes back: receipts, MO messages, and what clients took of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, repeat
from operator import mod
from typing import Any

from smppproxy.admin.message_log import rows
from smppproxy.admin.message_log.parties import FULL, NO_BIND, OFF
from smppproxy.admin.message_log.pieces import (
    DELIVERED,
    DELIVERED_BEGIN,
    DELIVERED_END,
    RECEIPT_END,
    STATES,
    all_inside,
    inside,
    message_addresses,
    said,
)
from smppproxy.admin.message_log.sheet import (
    NO_IDS,
    Row,
    Sheet,
    column,
    grouped,
    masked_where,
)
from smppproxy.admin.message_log.tally import MESSAGE
from smppproxy.relay.outbox import TEMPORARY
from smppproxy.store.interface import OUTCOME_NAMES, QUEUED, UNWANTED
from smppproxy.store.records import (
    STATE_AT,
    SUBMITTED_AT,
    RecordError,
    glanced,
    receipt_heads,
    receipt_origins,
    split_origins,
)

_ROK = b"ESME_ROK"

OUTCOMES = [name.encode() for name in OUTCOME_NAMES]
COUNTED = frozenset((QUEUED, UNWANTED))
"""Outcomes of final receipts that say what became of a message, once for each."""


class Returned:
    """Makes them of rows.

    :ivar makers: by kind of row.
    """

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._kept, self._tally = sheet.kept, sheet.tally
        parties = self._parties = sheet.parties
        self._clients, self._binds = parties.clients, parties.binds
        self.makers: dict[int, Callable[[Row], None]] = {
            rows.RECEIPTS: self._receipts,
            rows.NAMELESS: self._nameless,
            rows.ANSWERED: self._answered,
            rows.MESSAGES: self._messages,
        }

    def _receipts(self, row: Row) -> None:
        _, now, bind, numbers, outcomes, keys, message_ids, records, to = row
        count = len(numbers)
        provider, session, place = self._binds[bind]
        kept = self._kept
        at, heads = kept.at(self._sheet.began + now), kept.heads
        parts = receipt_heads(records)
        found = [
            heads.get(head) or kept.head(record)
            for (head, _), record in zip(parts, records, strict=True)
        ]
        outcomes, keys = column(outcomes, count), column(keys, count)
        owners = {key: self._parties.receipt_begin(key, at, session) for key in set(keys)}
        states = [*zip(keys, outcomes, found, strict=True)]
        for (key, outcome, (word, final, _)), those in grouped(states, to):
            if final and outcome in COUNTED:
                self._tally.add_all(kept.hour, owners[key][0], provider, those, word)
        rules = [rule for _, rule, _ in owners.values()]
        if any([masked for _, masked in rules]):
            to = masked_where([owners[key][1][1] for key in keys], to)
        lines: Iterable[bytes] = map(
            mod,
            repeat(RECEIPT_END, count),
            zip(
                [owners[key][2] for key in keys],
                numbers,
                all_inside(message_ids),
                all_inside([theirs for _, theirs in parts]),
                repeat(place, count),
                all_inside(to),
                [OUTCOMES[outcome] for outcome in outcomes],
                [told for _, _, told in found],
                strict=True,
            ),
        )
        if any([mode == OFF for mode, _ in rules]):
            lines = compress(lines, [owners[key][1][0] != OFF for key in keys])
        self._sheet.lines += lines

    def _nameless(self, row: Row) -> None:
        _, now, bind, number, stat, destination = row
        _, session, place = self._binds[bind]
        mode, masked = self._parties.nobody
        if mode == OFF:
            return
        at, who = self._kept.at(self._sheet.began + now), self._parties.of_nobody("", session)
        rest = b',"verdict":"unreadable","stat":"%b"' % inside(stat)
        numbers = (b"", destination)
        self._sheet.write(at, b"receipt", who, number, _ROK, NO_IDS, place, numbers, masked, rest)

    def delivered(self, many: Sequence[Row]) -> None:
        """Lines of rows of one kind, `rows.DELIVERED`, which come one behind the other.

        Clients answer in small reads, and many of them at the same time.
        """
        begins: list[bytes] = []
        moments: list[float] = []
        hidden: list[bool] = []
        columns: tuple[list[Any], ...] = ([], [], [], [])
        for _, now, who, *values in many:
            account, session = self._clients[who]
            mode, masked = self._parties.rules(account)
            if mode == OFF:
                continue
            seconds, count = self._sheet.began + now, len(values[0])
            begins += (DELIVERED_BEGIN % (self._kept.at(seconds), session),) * count
            moments += (seconds,) * count
            hidden += (masked,) * count
            for whole, part in zip(columns, values, strict=True):
                whole += column(part, count)
        numbers, attempts, origins, records = columns
        if not numbers:
            return
        try:
            parts, places = split_origins(origins), receipt_origins(records)
        except RecordError:
            self._one_by_one(many)
            return
        sources: Sequence[bytes]
        destinations: Sequence[bytes]
        submitted, ours, sources, destinations, _ = zip(*parts, strict=True)
        if True in hidden:
            sources = masked_where(hidden, sources)
            destinations = masked_where(hidden, destinations)
        states = [record[STATE_AT] for record in records]
        keys = [*zip(states, submitted, attempts, moments, strict=True)]
        rests = {key: self._rest(*key) for key in set(keys)}
        kept = self._kept
        self._sheet.lines += map(
            mod,
            repeat(DELIVERED_END, len(numbers)),
            zip(
                begins,
                numbers,
                all_inside(ours),
                all_inside([theirs for _, theirs in places]),
                [kept.places.get(where) or kept.place(where) for where, _ in places],
                all_inside(sources),
                all_inside(destinations),
                [rests[key] for key in keys],
                strict=True,
            ),
        )

    def _one_by_one(self, many: Sequence[Row]) -> None:
        """Likewise where a record cannot be read: the others are told."""
        for _, now, who, numbers, attempts, origins, records in many:
            each = zip(
                numbers,
                repeat(0),
                repeat(False),
                column(attempts, len(numbers)),
                origins,
                records,
                strict=False,
            )
            self._answered((rows.ANSWERED, now, who, [*each]))

    def _rest(self, state: int, submitted_at: bytes, attempts: int, seconds: float) -> bytes:
        """What a line about a delivered receipt ends with."""
        word, final, submit_time = glanced(state, submitted_at)
        return DELIVERED % (
            STATES[word],
            b"true" if final else b"false",
            self._kept.date(submit_time),
            max(0.0, seconds - submit_time),
            attempts,
        )

    def _answered(self, row: Row) -> None:
        _, now, who, answers = row
        account, session = self._clients[who]
        mode, masked = self._parties.rules(account)
        if mode == OFF:
            return
        for answer in answers:
            self._other_delivery(self._sheet.began + now, session, answer, masked)

    def _other_delivery(self, seconds: float, session: bytes, answer: Row, masked: bool) -> None:
        """Any delivery: one that was refused, or one of an MO message, or beside such a one."""
        number, status, nack, attempts, origin, record = answer
        event = b"delivered"
        again = b""
        if status or nack:
            event = b"delivery_refused"
            again = b"" if nack or status not in TEMPORARY else b',"again":true'
        ids, place = NO_IDS, NO_BIND
        if not origin:
            numbers, rest = message_addresses(record), b',"kind":"mo","attempts":%d' % attempts
        else:
            try:
                ((_, ours, *addresses, _),) = split_origins((origin,))
                ((where, theirs),) = receipt_origins((record,))
            except RecordError:
                return
            source, destination = addresses
            ids, numbers = (ours, theirs), (source, destination)
            place = self._kept.places.get(where) or self._kept.place(where)
            rest = self._rest(record[STATE_AT], origin[SUBMITTED_AT], attempts, seconds)
        at, name = self._kept.at(seconds), self._kept.status(status)
        rest += again
        self._sheet.write(at, event, session, number, name, ids, place, numbers, masked, rest)

    def _messages(self, row: Row) -> None:
        _, now, bind, account, messages = row
        provider, session, place = self._binds[bind]
        at = self._kept.at(self._sheet.began + now)
        mode, masked = self._parties.rules(account)
        who = self._parties.of_nobody(account, session)
        verdict = b',"verdict":"queued"' if account else b',"verdict":"unrouted"'
        for number, source, destination, text in messages:
            self._tally.add(self._kept.hour, account, provider, source, MESSAGE)
            if mode == OFF:
                continue
            rest = verdict + (said(text) if mode == FULL else b"")
            numbers = (source, destination)
            self._sheet.write(at, b"mo", who, number, _ROK, NO_IDS, place, numbers, masked, rest)
