"""`report`: the traffic of past hours, of all nodes, as the store has counted it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from smppproxy.admin.access import Caller
from smppproxy.admin.errors import ApiError
from smppproxy.admin.message_log.reports import Reports
from smppproxy.admin.parameters import moment
from smppproxy.admin.rooms import Rooms
from smppproxy.store.interface import StoreUnavailable

DAY = 86_400.0

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
        return found.addCallbacks(_told, _away)


def _told(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rows": rows}


def _away(failure: Failure) -> Any:
    failure.trap(StoreUnavailable)
    raise ApiError(503, "store_away", f"the store counts the hours: {failure.value}")
