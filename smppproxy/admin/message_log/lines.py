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
from itertools import islice

from smppproxy.admin.message_log import rows
from smppproxy.admin.message_log.returned import Returned
from smppproxy.admin.message_log.sheet import Row, Sheet
from smppproxy.admin.message_log.submitted import Submitted
from smppproxy.admin.message_log.tally import Tally

ADDING = frozenset((rows.CLIENT, rows.BIND))
"""Rows that change nothing for those before them."""


AT_ONCE = 250
"""Messages that become lines together. More of them at once cost more: what is made in between
leaves the processor's cache."""


class Lines:
    """The state that rows build up, and the lines that they become.

    Rows in columns wait for each other: those of one kind become lines together, however few
    messages each has, and then stand where their rows stood.
    """

    def __init__(self, node: str, tally: Tally) -> None:
        sheet = self._sheet = Sheet(node, tally)
        parties = self._parties = sheet.parties
        submitted, returned = Submitted(sheet), Returned(sheet)
        self._makers: dict[int, Callable[[Row], None]] = {
            rows.TIME: self._time,
            rows.LOST: self._lost,
            rows.CLIENT: parties.client,
            rows.BIND: parties.bind,
            rows.GONE: parties.gone,
            rows.ACCOUNTS: parties.use,
            **submitted.makers,
            **returned.makers,
        }
        self._together: dict[int, Callable[[Sequence[Row]], list[bytes]]] = {
            rows.ACCEPTED: submitted.accepted,
            rows.RECEIPTS: returned.receipts,
            rows.DELIVERED: returned.delivered,
        }
        self._waiting: list[Row] = []
        self._messages = 0

    def add(self, row: Row) -> None:
        """What this row says."""
        kind = row[0]
        if kind in self._together:
            self._waiting.append(row)
            self._messages += len(row[-1])
            if self._messages >= AT_ONCE:
                self._make()
            return
        if self._waiting and kind not in ADDING:
            self._make()
        self._makers[kind](row)

    def take(self) -> list[bytes]:
        """The lines so far, each with its newline."""
        self._make()
        sheet = self._sheet
        lines, sheet.lines = sheet.lines, []
        return lines

    def _make(self) -> None:
        """Lines of the rows that wait."""
        waiting, self._waiting, self._messages = self._waiting, [], 0
        made = {
            kind: iter(self._together[kind]([row for row in waiting if row[0] == kind]))
            for kind in {row[0] for row in waiting}
        }
        lines: list[bytes] = []
        for row in waiting:
            lines += islice(made[row[0]], len(row[-1]))
        self._sheet.lines += filter(None, lines)

    def _time(self, row: Row) -> None:
        self._sheet.began = row[1]

    def _lost(self, row: Row) -> None:
        at = self._sheet.kept.at(time.time())
        self._sheet.lines.append(
            b'{"time":"%b","event":"lost",%b,"count":%d}\n' % (at, self._parties.node, row[1])
        )
