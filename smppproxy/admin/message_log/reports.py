"""The traffic of past hours, out of the store's counts (MG-30): one row per hour and result."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from smppproxy.admin.message_log.tally import HOUR
from smppproxy.admin.message_log.trace import stamp
from smppproxy.store.history import COUNTS_KEPT, HOURS_AT_ONCE, Count
from smppproxy.store.interface import Store

Row = dict[str, Any]

DAYS = COUNTS_KEPT // 86_400
"""How far back the counts go."""


class Reports:
    """Reads counts. Those of the last ten seconds of each node are still on their way."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(
        self, since: float, until: float, account: str = "", provider: str = ""
    ) -> Deferred[list[Row]]:
        """The counts of every hour that begins at ``since`` or later and before ``until``.

        Both are unix seconds; hours before the last 32 days have none. Rows are sorted by hour,
        account, provider, country and result, and hold them with their ``count``; ``result`` is a
        command_status by name, the word of a final receipt's state, or MO. The Deferred fails with
        StoreUnavailable.
        """
        first = -(-int(max(since, until - COUNTS_KEPT)) // HOUR) * HOUR
        hours = list(range(first, int(until), HOUR))
        found: dict[Count, int] = {}

        def read(at: int) -> Any:
            if at >= len(hours):
                return chosen(found, account, provider)
            return self._store.counts(hours[at : at + HOURS_AT_ONCE]).addCallback(add, at)

        def add(counts: dict[Count, int], at: int) -> Any:
            found.update(counts)
            return read(at + HOURS_AT_ONCE)

        done: Deferred[Any] = Deferred()
        done.addCallback(read)
        done.callback(0)
        return done


def chosen(counts: dict[Count, int], account: str, provider: str) -> list[Row]:
    """The rows of one account and one provider, or of all."""
    return [
        {
            "hour": stamp(count[0]),
            "account": count[1],
            "provider": count[2],
            "country": count[3],
            "result": count[4],
            "count": number,
        }
        for count, number in sorted(counts.items())
        if account in ("", count[1]) and provider in ("", count[2])
    ]
