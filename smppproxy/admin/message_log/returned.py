"""Lines about what comes back: receipts, MO messages, and what clients took of them."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mod
from typing import Any

from smppproxy.admin.message_log import rows
from smppproxy.admin.message_log.kept import Head
from smppproxy.admin.message_log.parties import FULL, NO_BIND, OFF
from smppproxy.admin.message_log.pieces import (
    DELIVERED,
    STATES,
    all_inside,
    inside,
    message_addresses,
    said,
)
from smppproxy.admin.message_log.sheet import (
    NO_IDS,
    Column,
    Row,
    Sheet,
    Writer,
    column,
    gather,
    grouped,
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


class Returned(Writer):
    """Makes them of rows."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(sheet)
        self.makers = {
            rows.NAMELESS: self._nameless,
            rows.ANSWERED: self._answered,
            rows.MESSAGES: self._messages,
        }

    def receipts(self, many: Sequence[Row]) -> list[bytes]:
        """A line for each receipt of rows of the kind `rows.RECEIPTS`; b"" for those without."""
        hours: list[int] = []
        times: list[bytes] = []
        whose: list[tuple[bytes, int]] = []
        columns: tuple[list[Any], ...] = ([], [], [], [], [])
        for _, now, bind, numbers, outcomes, keys, message_ids, records, to in many:
            count = len(numbers)
            times += (self._kept.at(self._sheet.began + now),) * count
            hours += (self._kept.hour,) * count
            whose += zip(column(keys, count), (bind,) * count, strict=True)
            values = (numbers, outcomes, message_ids, records, to)
            gather(columns, values, count)
        return self._lines_of(hours, times, whose, *columns)

    def _lines_of(
        self,
        hours: Sequence[int],
        times: Sequence[bytes],
        whose: Sequence[tuple[bytes, int]],
        numbers: Column,
        outcomes: Sequence[int],
        message_ids: Sequence[bytes],
        records: Sequence[bytes],
        to: Sequence[bytes],
    ) -> list[bytes]:
        kept, sheet = self._kept, self._sheet
        heads, parts = kept.heads, receipt_heads(records)
        found = [
            heads.get(head) or kept.head(record)
            for (head, _), record in zip(parts, records, strict=True)
        ]
        forms = {each: sheet.parties.receipt_form(*each) for each in set(whose)}
        owners = [forms[each] for each in whose]
        accounts = [account for account, _ in owners]
        providers = {bind: self._binds[bind][0] for bind in {bind for _, bind in forms}}
        places = [providers[bind] for _, bind in whose]
        groups = zip(hours, accounts, places, outcomes, found, strict=True)
        self._count([*groups], to)
        rules = sheet.rules(accounts)
        lines = map(
            mod,
            [form for _, form in owners],
            zip(
                times,
                numbers,
                all_inside(message_ids),
                all_inside([theirs for _, theirs in parts]),
                all_inside(sheet.masked(accounts, to, rules)),
                [OUTCOMES[outcome] for outcome in outcomes],
                [told for _, _, told in found],
                strict=True,
            ),
        )
        return sheet.ruled(accounts, lines, rules)

    def _count(
        self, groups: Sequence[tuple[int, str, str, int, Head]], to: Sequence[bytes]
    ) -> None:
        for (hour, account, provider, outcome, (word, final, _)), numbers in grouped(groups, to):
            if final and outcome in COUNTED:
                self._tally.add_all(hour, account, provider, numbers, word)

    def _nameless(self, row: Row) -> None:
        _, now, bind, number, stat, destination = row
        _, session, place = self._binds[bind]
        mode, masked = self._parties.nobody
        if mode == OFF:
            return
        at, who = self._kept.at(self._sheet.began + now), self._parties.of_nobody("", session)
        rest = b',"verdict":"unreadable","stat":"%b"' % inside(stat)
        numbers = (b"", destination)
        line = self._sheet.line(
            at, b"receipt", who, number, _ROK, NO_IDS, place, numbers, masked, rest
        )
        self._sheet.lines.append(line)

    def delivered(self, many: Sequence[Row]) -> list[bytes]:
        """A line for each delivery of rows of the kind `rows.DELIVERED`; b"" for those without."""
        moments: list[float] = []
        times: list[bytes] = []
        clients: list[int] = []
        columns: tuple[list[Any], ...] = ([], [], [], [])
        for _, now, who, *values in many:
            count = len(values[0])
            seconds = self._sheet.began + now
            moments += (seconds,) * count
            times += (self._kept.at(seconds),) * count
            clients += (who,) * count
            gather(columns, values, count)
        numbers, attempts, origins, records = columns
        try:
            parts, places = split_origins(origins), receipt_origins(records)
        except RecordError:
            each = zip(numbers, attempts, origins, records, strict=True)
            return [
                self._other_delivery(moment, who, (number, 0, False, *rest))
                for moment, who, (number, *rest) in zip(moments, clients, each, strict=True)
            ]
        submitted, ours, sources, destinations, _ = zip(*parts, strict=True)
        states = [record[STATE_AT] for record in records]
        keys = [*zip(states, submitted, attempts, moments, strict=True)]
        rests = {key: self._rest(*key) for key in set(keys)}
        kept, sheet = self._kept, self._sheet
        forms = {who: sheet.parties.delivered_form(who) for who in set(clients)}
        accounts = [self._clients[who][0] for who in clients]
        rules = sheet.rules(accounts)
        lines = map(
            mod,
            [forms[who] for who in clients],
            zip(
                times,
                numbers,
                all_inside(ours),
                all_inside([theirs for _, theirs in places]),
                [kept.places.get(where) or kept.place(where) for where, _ in places],
                all_inside(sheet.masked(accounts, sources, rules)),
                all_inside(sheet.masked(accounts, destinations, rules)),
                [rests[key] for key in keys],
                strict=True,
            ),
        )
        return sheet.ruled(accounts, lines, rules)

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
        seconds = self._sheet.began + now
        lines = [self._other_delivery(seconds, who, answer) for answer in answers]
        self._sheet.lines += filter(None, lines)

    def _other_delivery(self, seconds: float, who: int, answer: Row) -> bytes:
        """The line of any delivery; b"" for one that is not told, or cannot be read."""
        account, session = self._clients[who]
        mode, masked = self._parties.rules(account)
        if mode == OFF:
            return b""
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
                return b""
            source, destination = addresses
            ids, numbers = (ours, theirs), (source, destination)
            place = self._kept.places.get(where) or self._kept.place(where)
            rest = self._rest(record[STATE_AT], origin[SUBMITTED_AT], attempts, seconds)
        at, name = self._kept.at(seconds), self._kept.status(status)
        rest += again
        return self._sheet.line(
            at, event, session, number, name, ids, place, numbers, masked, rest
        )

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
            line = self._sheet.line(
                at, b"mo", who, number, _ROK, NO_IDS, place, numbers, masked, rest
            )
            self._sheet.lines.append(line)
