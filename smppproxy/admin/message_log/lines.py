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
from collections.abc import Callable

from smppproxy.admin.message_log import rows
from smppproxy.admin.message_log.returned import Returned
from smppproxy.admin.message_log.sheet import Row, Sheet
from smppproxy.admin.message_log.submitted import Submitted
from smppproxy.admin.message_log.tally import Tally


class Lines:
    """The state that rows build up, and the lines that they become."""

    def __init__(self, node: str, tally: Tally) -> None:
        self._sheet = Sheet(node, tally)
        self._returned = Returned(self._sheet)
        self._deliveries: list[Row] = []
        parties = self._parties = self._sheet.parties
        self._makers: dict[int, Callable[[Row], None]] = {
            rows.TIME: self._time,
            rows.LOST: self._lost,
            rows.CLIENT: parties.client,
            rows.BIND: parties.bind,
            rows.GONE: parties.gone,
            rows.ACCOUNTS: parties.use,
            **Submitted(self._sheet).makers,
            **self._returned.makers,
        }

    def add(self, row: Row) -> None:
        """What this row says."""
        kind = row[0]
        if kind == rows.DELIVERED:
            self._deliveries.append(row)
            return
        if self._deliveries:
            self._deliver()
        self._makers[kind](row)

    def _deliver(self) -> None:
        deliveries, self._deliveries = self._deliveries, []
        self._returned.delivered(deliveries)

    def take(self) -> list[bytes]:
        """The lines so far, each with its newline."""
        if self._deliveries:
            self._deliver()
        sheet = self._sheet
        lines, sheet.lines = sheet.lines, []
        return lines

    def _time(self, row: Row) -> None:
        self._sheet.began = row[1]

    def _lost(self, row: Row) -> None:
        at = self._sheet.kept.at(time.time())
        self._sheet.lines.append(
            b'{"time":"%b","event":"lost",%b,"count":%d}\n' % (at, self._parties.node, row[1])
        )
