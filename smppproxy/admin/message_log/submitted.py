"""Lines about submit_sm: what was accepted, refused, left in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mod
from typing import Any

from smppproxy.admin.message_log import rows
from smppproxy.admin.message_log.parties import FULL, OFF
from smppproxy.admin.message_log.pieces import (
    ACCEPTED_END,
    accepted_rest,
    all_inside,
    quoted,
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
from smppproxy.relay.shared import own_origin
from smppproxy.store.records import RecordError, split_origins


class Submitted(Writer):
    """Makes them of rows."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(sheet)
        self.makers = {
            rows.REFUSED: self._refused,
            rows.UNDECIDED: self._undecided,
        }

    def accepted(self, many: Sequence[Row]) -> list[bytes]:
        """A line for each message of rows of the kind `rows.ACCEPTED`; b"" for those without."""
        hours: list[int] = []
        times: list[bytes] = []
        ends: list[tuple[str, float]] = []
        columns: tuple[list[Any], ...] = ([], [], [], [], [], [])
        for _, now, who, binds, routes, arrived, rest, numbers, origins, ids in many:
            count = len(numbers)
            times += (self._kept.at(self._sheet.began + now),) * count
            hours += (self._kept.hour,) * count
            latencies = [now - each for each in column(arrived, count)]
            ends += zip(column(routes, count), latencies, strict=True)
            values = (who, binds, rest, numbers, origins, ids)
            gather(columns, values, count)
        return self._lines_of(hours, times, ends, *columns)

    def _lines_of(
        self,
        hours: Sequence[int],
        times: Sequence[bytes],
        ends: Sequence[tuple[str, float]],
        clients: Column,
        binds: Column,
        rests: Column,
        numbers: Column,
        origins: Sequence[bytes],
        ids: list[bytes],
    ) -> list[bytes]:
        try:
            parts = split_origins(origins)
        except RecordError:
            parts = split_origins([own_origin(origin) for origin in origins])
        sources: Sequence[bytes]
        destinations: Sequence[bytes]
        _, message_ids, sources, destinations, references = zip(*parts, strict=True)
        accounts = [self._clients[who][0] for who in clients]
        self._count(hours, accounts, binds, destinations)
        sheet = self._sheet
        rules = sheet.rules(accounts)
        made = {end: self._end(1, *end, b"") for end in set(ends)}
        told = [made[end] for end in ends]
        if any(references) or any(rests) or b"\0" in b"".join(ids):
            for place, more in enumerate(zip(ids, references, rests, strict=True)):
                if more[1] or more[2] or b"\0" in more[0]:
                    mode = rules[accounts[place]][0]
                    ids[place], told[place] = self._odd(mode, ends[place], *more)
        pairs = [*zip(clients, binds, strict=True)]
        forms = {pair: sheet.parties.accepted_form(*pair) for pair in set(pairs)}
        lines = map(
            mod,
            [forms[pair] for pair in pairs],
            zip(
                times,
                numbers,
                all_inside(message_ids),
                all_inside(ids),
                all_inside(sheet.masked(accounts, sources, rules)),
                all_inside(sheet.masked(accounts, destinations, rules)),
                told,
                strict=True,
            ),
        )
        return sheet.ruled(accounts, lines, rules)

    def _count(
        self,
        hours: Sequence[int],
        accounts: Sequence[str],
        binds: Column,
        destinations: Sequence[bytes],
    ) -> None:
        providers = {bind: self._binds[bind][0] for bind in set(binds)}
        owners = zip(hours, accounts, [providers[bind] for bind in binds], strict=True)
        for (hour, account, provider), numbers in grouped([*owners], destinations):
            self._tally.add_all(hour, account, provider, numbers, "ESME_ROK")

    def _odd(
        self, mode: str, end: tuple[str, float], ids: bytes, reference: bytes, rest: Any
    ) -> tuple[bytes, bytes]:
        """The id of a message that has more to tell than others, and how its line ends."""
        several = ids.split(b"\0")
        attempts, skipped, text = rest or (0, (), None)
        told = accepted_rest(several, reference, attempts, skipped)
        if mode == FULL:
            told += said(text)
        return several[0], self._end(len(several), *end, told)

    def _end(self, parts: int, route: str, latency: float, rest: bytes) -> bytes:
        kept = self._kept
        return ACCEPTED_END % (parts, kept.routes.get(route) or kept.route(route), latency, rest)

    def _refused(self, row: Row) -> None:
        _, now, who, bind, refused = row
        account, session = self._clients[who]
        provider, _, place = self._binds[bind]
        at = self._kept.at(self._sheet.began + now)
        mode, masked = self._parties.rules(account)
        for number, status, reason, source, destination, text in refused:
            name = self._kept.status(status)
            self._tally.add(self._kept.hour, account, provider, destination, name.decode())
            if mode == OFF:
                continue
            rest = b',"reason":%b' % quoted(reason)
            if mode == FULL:
                rest += said(text)
            numbers = (source, destination)
            line = self._sheet.line(
                at, b"refused", session, number, name, NO_IDS, place, numbers, masked, rest
            )
            self._sheet.lines.append(line)

    def _undecided(self, row: Row) -> None:
        _, now, who, bind, event, number, record, (provider, host), route = row
        account, session = self._clients[who]
        place = self._binds[bind][2]
        if bind < 0 and provider:
            place = b'"provider":%b,"host":%b,"bind":""' % (quoted(provider), quoted(host))
        _, message_id, source, destination, _ = split_origins((record,))[0]
        at = self._kept.at(self._sheet.began + now)
        status = b"ESME_RUNKNOWNERR" if event == "in_doubt" else b""
        if event != "resent":
            result = status.decode() or event
            self._tally.add(self._kept.hour, account, provider, destination, result)
        mode, masked = self._parties.rules(account)
        if mode == OFF:
            return
        rest = b',"route":%b' % quoted(route)
        ids, numbers = (message_id, b""), (source, destination)
        name = event.encode()
        line = self._sheet.line(
            at, name, session, number, status, ids, place, numbers, masked, rest
        )
        self._sheet.lines.append(line)
