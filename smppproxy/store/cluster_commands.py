"""The calls by which nodes know of each other, as scripts of the server."""

from __future__ import annotations

from typing import Any

import msgpack
from twisted.internet.defer import Deferred

from .batches import nothing
from .bus import known_nodes
from .calls import Calls
from .cluster import KNOWN
from .scripts import Script


class ClusterCommands:
    """The part of the contract that stands in ``store.cluster``; the rest gives ``_calls``."""

    _calls: Calls
    _scripts: dict[str, Script]
    _has_beaten = False

    def beat(self, facts: dict[str, Any]) -> Deferred[bool]:
        args = (b"beat", KNOWN, msgpack.packb(facts), not self._has_beaten)
        return self._calls.call(self._scripts["nodes"], args, self._beaten, 0.0)

    def _beaten(self, reply: Any) -> bool:
        self._has_beaten = True
        return bool(reply)

    def leave(self) -> Deferred[None]:
        return self._calls.call(self._scripts["nodes"], (b"leave", KNOWN), nothing, 0.0)

    def nodes(self) -> Deferred[dict[bytes, dict[str, Any]]]:
        return self._calls.call(self._scripts["nodes"], (b"list", KNOWN), known_nodes, 0.0)
