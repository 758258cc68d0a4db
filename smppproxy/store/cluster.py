"""What a store promises to its nodes as a cluster: who is there, and a word to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred

BEAT = 5.0
"""Seconds between two beats of a node."""

KNOWN = 30
"""Seconds for which a node is known after its last beat."""


VERSIONS_KEPT = 200
"""Versions of the network that can be listed and returned to."""


class Bus(Protocol):
    """What the nodes of one store say to each other: hints, see :mod:`smppproxy.store.bus`.

    A payload is up to 4 MiB; a larger one is a ValueError.
    """

    node: bytes
    """This node's name."""

    connected: bool
    """Whether what other nodes say comes here."""

    heard: int
    """How much they said since this process began."""

    unreadable: int
    """How much of it makes no sense to this release."""

    def announce(self, topic: bytes, payload: bytes) -> None:
        """To every node there is, this one included. Who has no connection does not hear it."""

    def hear(self, topic: bytes, callback: Callable[[bytes, bytes], object]) -> None:
        """From now on call ``callback(node, payload)`` for what is announced."""

    def ask(self, topic: bytes, payload: bytes, wait: float) -> Deferred[dict[bytes, bytes]]:
        """Answers by the names of nodes, this one included; never fails.

        Fires when every node that the question reached has said what it has to say, else after
        ``wait`` seconds. A node without an answer is not in it, nor one that was not reached: see
        :meth:`Store.nodes` for who is there. A second node of one name is ``name~2``.
        """

    def answer(self, topic: bytes, callback: Callable[[bytes], Deferred[bytes] | bytes]) -> None:
        """From now on answer questions with what ``callback(payload)`` gives, or fires with."""


@attrs.define
class Version:
    """One version of the network, as told beside its blob.

    ``at`` is in unix seconds by the store's clock; ``by`` and ``why`` are people's words;
    ``origin`` is the version it repeats (a rollback), 0 otherwise; ``sha256`` is of what it holds,
    in hex; ``size`` counts the octets of the blob.
    """

    number: int
    at: int
    by: str
    why: str
    origin: int
    sha256: str
    size: int


class Versions(Protocol):
    """The network as numbered versions. The newest one is the current one, whatever it repeats."""

    def add(
        self, blob: bytes, by: str, why: str, sha256: str, expected: int, origin: int = 0
    ) -> Deferred[tuple[bool, int]]:
        """Make it the current one if the current one is ``expected`` (0: none yet).

        ``(True, its number)``, or ``(False, the current number)`` when another one was quicker.
        Up to :data:`VERSIONS_KEPT` are kept; the oldest goes first.
        """

    def number(self) -> Deferred[int]:
        """Of the current one, 0 for none: cheap enough for every second."""

    def get(self, number: int) -> Deferred[tuple[Version, bytes] | None]:
        """A version and its blob; ``None`` when there is no such one (any more)."""

    def newest(self, count: int) -> Deferred[list[Version]]:
        """The newest ones, newest first."""


class Cluster(Protocol):
    """The part of the contract of a store that makes many nodes one.

    Every Deferred fails with :class:`~smppproxy.store.interface.StoreUnavailable` and nothing else.
    """

    @property
    def bus(self) -> Bus:
        """To the other nodes, and back."""

    @property
    def versions(self) -> Versions:
        """The network that all nodes have."""

    def beat(self, facts: dict[str, Any]) -> Deferred[bool]:
        """Say that this node is there, and what it says of itself (what msgpack can carry).

        To be called every :data:`BEAT` seconds; a node is known for :data:`KNOWN` seconds. True
        when another process beats under this node's name.
        """

    def leave(self) -> Deferred[None]:
        """This node is not there any more."""

    def nodes(self) -> Deferred[dict[bytes, dict[str, Any]]]:
        """What each known node said at its last beat, and ``"seconds"`` since then, by its name.

        A second node of one name is ``name~2``.
        """
