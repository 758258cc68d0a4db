"""What the web page asks before anything else: who one is; and for its charts: the last hour."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from smppproxy.admin.access import Caller
from smppproxy.admin.api import OPERATIONS, is_allowed
from smppproxy.admin.cluster import Nodes, Request, Said
from smppproxy.admin.history import STEP, together
from smppproxy.admin.rooms import Rooms

Given = dict[str, Any]


class ChartOperations:
    """The operator's methods for :mod:`smppproxy.admin.history_api`."""

    _rooms: Rooms
    _nodes: Nodes

    def whoami(self, operation: object, given: Given, caller: Caller) -> dict[str, Any]:
        """Who asks, and what they may do."""
        return {
            "node": self._rooms.node.name,
            "program": self._rooms.program,
            "role": caller.role,
            "who": caller.who,
            "peer": caller.peer,
            "may": sorted(
                each.identity for each in OPERATIONS.values() if is_allowed(caller.role, each.role)
            ),
        }

    def history(self, operation: object, given: Given, caller: Caller) -> Deferred[Any]:
        """The numbers of all nodes, added."""
        since = max(given["since"], int(self._rooms.wall()) - given["seconds"])
        request = {
            "do": "history",
            "first": -(-since // STEP),
            "named": given["named"],
            "node": given["node"],
        }
        return self._nodes.ask(request, given["here"]).addCallback(self._charted)

    def _history(self, request: Request) -> Any:
        """What this node has."""
        return self._rooms.history.told(request["first"], request["named"])

    def _charted(self, said: Said) -> Any:
        good = said.good
        return {
            "node": self._rooms.node.name,
            "at": round(self._rooms.wall(), 3),
            "nodes": [*good],
            "silent": said.silent,
            "note": "; ".join(said.notes),
            **together(good.values()),
        }
