"""The cluster of the nodes of one test, in this process's memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from .bus import EVERYBODY, Exchange, Told, known_nodes
from .cluster import KNOWN, VERSIONS_KEPT, Version
from .world import World

_Call = Callable[[Callable[[], Any], float | None], Deferred[Any]]


class VersionMemory:
    """Implements :class:`smppproxy.store.cluster.Versions`."""

    def __init__(self, world: World, call: _Call) -> None:
        self._world = world
        self._call = call

    def add(
        self, blob: bytes, by: str, why: str, sha256: str, expected: int, origin: int = 0
    ) -> Deferred[tuple[bool, int]]:
        def do() -> tuple[bool, int]:
            versions = self._world.versions
            current = max(versions, default=0)
            if current != expected:
                return False, current
            at = int(self._world.wall())
            told = Version(current + 1, at, by, why, origin, sha256, len(blob))
            versions[told.number] = (told, blob)
            versions.pop(told.number - VERSIONS_KEPT, None)
            return True, told.number

        return self._call(do, 5.0)

    def number(self) -> Deferred[int]:
        return self._call(lambda: max(self._world.versions, default=0), 0.0)

    def get(self, number: int) -> Deferred[tuple[Version, bytes] | None]:
        return self._call(lambda: self._world.versions.get(number), 0.0)

    def newest(self, count: int) -> Deferred[list[Version]]:
        def do() -> list[Version]:
            return [told for told, _ in reversed(self._world.versions.values())][:count]

        return self._call(do, 0.0)


class ClusterMemory:
    """The part of the contract that stands in ``store.cluster``; the rest gives ``_call``."""

    bus: Exchange
    _clock: IReactorTime
    _world: World
    _away: bool
    _call: _Call
    _has_beaten = False

    @property
    def versions(self) -> VersionMemory:
        """See :class:`smppproxy.store.cluster.Cluster`."""
        return VersionMemory(self._world, self._call)

    def _make_bus(self, node: str) -> None:
        self.bus = Exchange(node.encode(), self._world.next_id(), self._clock, self._send)

    def _join(self) -> None:
        self._world.hearers[self.bus.instance] = self._received
        self.bus.connected = True

    def _part(self) -> None:
        self._world.hearers.pop(self.bus.instance, None)
        self.bus.connected = False
        self.bus.close()

    def _received(self, message: bytes) -> None:
        if not self._away:
            self.bus.received(message)

    def _send(self, process: bytes, message: bytes, told: Told | None) -> None:
        hearers = self._world.hearers
        reached = [*hearers] if process == EVERYBODY else [process]
        reached = [] if self._away else [each for each in reached if each in hearers]
        for each in reached:
            self._clock.callLater(0, hearers[each], message)
        if told is not None:
            told(len(reached))

    def beat(self, facts: dict[str, Any]) -> Deferred[bool]:
        node, process = self.bus.node, (self.bus.node, self.bus.instance)
        packed = msgpack.packb(facts)

        def do() -> bool:
            nodes = self._world.nodes
            if not self._has_beaten:
                self._has_beaten = True
                for former in [each for each in nodes if each[0] == node]:
                    del nodes[former]
            nodes[process] = (self._world.wall(), packed)
            return any(each[0] == node and each != process for each in self._known())

        return self._call(do, 0.0)

    def leave(self) -> Deferred[None]:
        def do() -> None:
            self._world.nodes.pop((self.bus.node, self.bus.instance), None)

        return self._call(do, 0.0)

    def nodes(self) -> Deferred[dict[bytes, dict[str, Any]]]:
        def do() -> dict[bytes, dict[str, Any]]:
            reply: list[Any] = []
            for process, (at, packed) in self._known().items():
                reply += (b"\0".join(process), (self._world.wall() - at) * 1000, packed)
            return known_nodes(reply)

        return self._call(do, 0.0)

    def _known(self) -> dict[tuple[bytes, bytes], tuple[float, bytes]]:
        since = self._world.wall() - KNOWN
        return {who: said for who, said in self._world.nodes.items() if said[0] >= since}
