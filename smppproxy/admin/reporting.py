"""`report`: the traffic of past hours, of all nodes, as the store has counted it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from smppproxy.admin.access import Caller
from smppproxy.admin.errors import ApiError, unknown
from smppproxy.admin.message_log.reports import Reports
from smppproxy.admin.parameters import moment
from smppproxy.admin.rooms import Rooms
from smppproxy.admin.views import Row, utc
from smppproxy.store.history import COUNTS_KEPT
from smppproxy.store.interface import StoreUnavailable

DAY = 86_400.0
DAYS = COUNTS_KEPT // 86_400 - 1
"""Whole days, whatever hour it is."""

Given = dict[str, Any]


class ReportOperations:
    """The operator's method for `report`."""

    _rooms: Rooms

    def report(self, operation: object, given: Given, caller: Caller) -> Deferred[Any]:
        """The counts of a range of hours; the last day's unless it says otherwise."""
        until = moment(given["until"], "until", self._rooms.wall())
        since = moment(given["since"], "since", until - DAY)
        if since >= until:
            raise ApiError(409, "empty_range", "since is not before until")
        reports = Reports(self._rooms.store)
        found = reports.rows(since, until, given["account"], given["provider"])
        found.addErrback(_away)
        return found.addCallback(self._reported, given, since)

    def _reported(self, rows: list[Row], given: Given, since: float) -> dict[str, Any]:
        """The rows, and what they cannot hold; a name that is nowhere is told."""
        network = self._rooms.network()
        if not rows:
            for kind, known in (("account", network.accounts), ("provider", network.providers)):
                if given[kind] and given[kind] not in known:
                    raise unknown(kind, given[kind], known)
        oldest = self._rooms.wall() - COUNTS_KEPT
        note = f"hours are kept for {DAYS} days: there are none before {utc(oldest)}"
        return {"rows": rows, "note": note if since < oldest else ""}


def _away(failure: Failure) -> Any:
    failure.trap(StoreUnavailable)
    raise ApiError(503, "store_away", f"the store counts the hours: {failure.value}")
