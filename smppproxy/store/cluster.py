"""What a store promises to its nodes as a cluster: who is there, and a word to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred

BEAT = 5.0
"""Seconds between two beats of a node."""

KNOWN = 30
"""Seconds for which a node is known after its last beat."""


class Bus(Protocol):
    """What the nodes of one store say to each other: hints, see :mod:`smppproxy.store.bus`.

    A payload is up to 4 MiB; a larger one is a ValueError.
    """

    node: bytes
    """This node's name."""

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


class Cluster(Protocol):
    """The part of the contract of a store that makes many nodes one.

    Every Deferred fails with :class:`~smppproxy.store.interface.StoreUnavailable` and nothing else.
    """

    @property
    def bus(self) -> Bus:
        """To the other nodes, and back."""

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
