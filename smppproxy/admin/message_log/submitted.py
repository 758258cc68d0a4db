"""Lines about submit_sm: what was accepted, refused, left in doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, repeat
from operator import mod

from smppproxy.admin.message_log import rows
from smppproxy.admin.message_log.parties import FULL, OFF, Rules
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
    column,
    grouped,
    masked_where,
)
from smppproxy.relay.shared import own_origin
from smppproxy.store.records import RecordError, split_origins


class Submitted:
    """Makes them of rows.

    :ivar makers: by kind of row.
    """

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._kept, self._tally = sheet.kept, sheet.tally
        parties = self._parties = sheet.parties
        self._clients, self._binds = parties.clients, parties.binds
        self.makers: dict[int, Callable[[Row], None]] = {
            rows.ACCEPTED: self._accepted,
            rows.REFUSED: self._refused,
            rows.UNDECIDED: self._undecided,
        }

    def _accepted(self, row: Row) -> None:
        _, now, clients, binds, numbers, arrived, origins, ids, routes, rest = row
        count = len(numbers)
        clients, binds = column(clients, count), column(binds, count)
        try:
            parts = split_origins(origins)
        except RecordError:
            parts = split_origins([own_origin(origin) for origin in origins])
        sources: Sequence[bytes]
        destinations: Sequence[bytes]
        _, message_ids, sources, destinations, references = zip(*parts, strict=True)
        at = self._kept.at(self._sheet.began + now)
        whose = {who: self._clients[who][0] for who in set(clients)}
        self._count_accepted([whose[who] for who in clients], binds, destinations)
        rules = {who: self._parties.rules(account) for who, account in whose.items()}
        modes = {mode for mode, _ in rules.values()}
        if rest is not None or any(references) or b"\0" in b"".join(ids):
            ends, ids = self._whole_ends(row, references, [rules[who] for who in clients])
        else:
            ends = self._ends(column(routes, count), now, column(arrived, count))
        if any([masked for _, masked in rules.values()]):
            hidden = [rules[who][1] for who in clients]
            sources = masked_where(hidden, sources)
            destinations = masked_where(hidden, destinations)
        pairs = [*zip(clients, binds, strict=True)]
        forms = {pair: self._parties.accepted_form(*pair) for pair in set(pairs)}
        lines: Iterable[bytes] = map(
            mod,
            [forms[pair] for pair in pairs],
            zip(
                repeat(at, count),
                numbers,
                all_inside(message_ids),
                all_inside(ids),
                all_inside(sources),
                all_inside(destinations),
                ends,
                strict=True,
            ),
        )
        if OFF in modes:
            lines = compress(lines, [rules[who][0] != OFF for who in clients])
        self._sheet.lines += lines

    def _count_accepted(self, accounts: Column, binds: Column, destinations: Column) -> None:
        hour, add_all = self._kept.hour, self._tally.add_all
        owners = [*zip(accounts, binds, strict=True)]
        for (account, bind), numbers in grouped(owners, destinations):
            add_all(hour, account, self._binds[bind][0], numbers, "ESME_ROK")

    def _ends(self, routes: Column, now: float, arrived: Column) -> list[bytes]:
        """How lines of accepted messages end that have nothing else to tell."""
        keys = [*zip(routes, arrived, strict=True)]
        ends = {key: self._end(1, key[0], now - key[1], b"") for key in set(keys)}
        return [ends[key] for key in keys]

    def _whole_ends(
        self, row: Row, references: Column, rules: Sequence[Rules]
    ) -> tuple[list[bytes], list[bytes]]:
        """Likewise, whatever there is to tell; and the first of the ids that each was given."""
        _, now, _, _, numbers, arrived, _, ids, routes, rest = row
        count = len(numbers)
        ends = []
        firsts = []
        for (mode, _), route, when, given, reference, (attempts, skipped, text) in zip(
            rules,
            column(routes, count),
            column(arrived, count),
            ids,
            references,
            rest or ((0, (), None),) * count,
            strict=True,
        ):
            several = given.split(b"\0")
            told = accepted_rest(several, reference, attempts, skipped)
            if mode == FULL:
                told += said(text)
            ends.append(self._end(len(several), route, now - when, told))
            firsts.append(several[0])
        return ends, firsts

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
            self._sheet.write(
                at, b"refused", session, number, name, NO_IDS, place, numbers, masked, rest
            )

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
        self._sheet.write(at, name, session, number, status, ids, place, numbers, masked, rest)
