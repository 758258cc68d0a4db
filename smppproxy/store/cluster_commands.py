"""The calls by which nodes know of each other, as scripts of the server."""

from __future__ import annotations

from typing import Any

import msgpack
from twisted.internet.defer import Deferred

from .batches import nothing
from .bus import known_nodes
from .calls import Calls
from .cluster import KNOWN, VERSIONS_KEPT, Version
from .scripts import Script


def _told(packed: bytes) -> Version:
    number, at, by, why, origin, sha256, size = msgpack.unpackb(packed, raw=True)
    return Version(number, at, by.decode(), why.decode(), origin, sha256.decode(), size)


def _found(reply: Any) -> tuple[Version, bytes] | None:
    if not reply:
        return None
    told, blob = reply
    return _told(told), blob


def _took(reply: Any) -> tuple[bool, int]:
    took, number = reply
    return bool(took), number


class VersionCommands:
    """Implements :class:`smppproxy.store.cluster.Versions`."""

    def __init__(self, calls: Calls, script: Script) -> None:
        self._calls = calls
        self._script = script

    def add(
        self, blob: bytes, by: str, why: str, sha256: str, expected: int, origin: int = 0
    ) -> Deferred[tuple[bool, int]]:
        args = (b"add", blob, by, why, sha256, expected, origin, VERSIONS_KEPT)
        return self._calls.call(self._script, args, _took, 5.0)

    def number(self) -> Deferred[int]:
        return self._calls.call(self._script, (b"number",), int, 0.0)

    def get(self, number: int) -> Deferred[tuple[Version, bytes] | None]:
        return self._calls.call(self._script, (b"get", number), _found, 0.0)

    def newest(self, count: int) -> Deferred[list[Version]]:
        return self._calls.call(
            self._script, (b"newest", count), lambda reply: [*map(_told, reply)], 0.0
        )


class ClusterCommands:
    """The part of the contract that stands in ``store.cluster``; the rest gives ``_calls``."""

    _calls: Calls
    _scripts: dict[str, Script]
    _has_beaten = False

    @property
    def versions(self) -> VersionCommands:
        """See :class:`smppproxy.store.cluster.Cluster`."""
        return VersionCommands(self._calls, self._scripts["versions"])

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
