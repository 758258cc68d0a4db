"""MO messages and what has no owner yet: kept, listed, and given out again (D5, D7, reading 18).

Part of the contract of ``store.interface``: patience and failures are as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs
from twisted.internet.defer import Deferred

if TYPE_CHECKING:
    from .interface import Arrival, Limit, Stray

WAITING, GONE = 7, 8
"""Outcomes beside those of :meth:`Store.match`: the first part of a long message has not come;
what was to be taken out is not there any more."""

ORPHANS = b"orphans"
QUARANTINE = b"quarantine"
PARKED_ONES = b"parked"
STRAY_KINDS = (ORPHANS, QUARANTINE, PARKED_ONES)

UNROUTED = b"m:"
"""The queue of MO messages for nobody: listed, never given to a client."""

FOLLOW, LEAD, FALLBACK = range(3)
"""Whether a part of a long MO waits to learn where the others go, says so, or says so only if none
has. What LEAD says holds unless a FALLBACK came first."""

FINAL_TTL = 43_200
"""Seconds that a map lives after a final receipt where nobody said otherwise (reading 5)."""

LONG_KEPT = 300
"""Seconds for which it is known where the parts of a long MO go."""


@attrs.define
class Message:
    """An MO message and where it goes.

    :ivar record: a packed :class:`smppproxy.store.records.MoRecord`.
    :ivar queues: those that get a copy each; :data:`UNROUTED` for nobody; () forgets it.
    :ivar long: names the long message that it is a part of; ``b""``: none that matters.
    :ivar lead: one of FOLLOW, LEAD and FALLBACK.
    :ivar once: the same record of the provider within so many seconds is stored once; 0: is not
        looked for.
    :ivar entry_id: its place in the queue :data:`UNROUTED`, from which it is taken; ``b""``: new.
    """

    provider: bytes
    record: bytes
    queues: tuple[bytes, ...]
    long: bytes = b""
    lead: int = LEAD
    once: int = 0
    entry_id: bytes = b""


@attrs.define
class Unrouted:
    """An MO message for nobody. ``arrived`` is in unix seconds."""

    entry_id: bytes
    provider: bytes
    arrived: int
    record: bytes


class Leftovers(Protocol):
    """The calls."""

    def put_messages(
        self,
        messages: list[Message],
        limits: dict[bytes, Limit],
        patience: float | None = 5.0,
    ) -> Deferred[list[tuple[int, tuple[bytes, ...]]]]:
        """Store MO messages, each with all its copies in one atomic step.

        One ``(outcome, queues)`` per message. ``QUEUED``: it is in these queues, none of them if it
        was to be forgotten. ``DUPLICATE``: it is stored already (``once``). ``WAITING``: it is a
        part that follows and nobody led; nothing was done. ``GONE``: no longer among the unrouted
        ones; nothing was done. One that is to be taken out and has no other queue stays there.
        """

    def unrouted(self, count: int, before: bytes = b"") -> Deferred[list[Unrouted]]:
        """The newest MO messages for nobody, newest first; ``before`` leaves out from that
        entry on."""

    def strays(
        self, kind: bytes, count: int, before: bytes = b"", skip: int = 0
    ) -> Deferred[list[Stray]]:
        """The newest receipts of one of STRAY_KINDS, newest first.

        To go on: ``before`` is the last one's id for those that are in a stream; for parked ones,
        which come provider by provider, ``skip`` is how many were seen.
        """

    def fitting(self, provider: bytes, arrivals: list[Arrival]) -> Deferred[list[int]]:
        """What :meth:`Store.match` would find, without doing it.

        ``QUEUED``: a map that each fits, whatever comes of it then. ``QUARANTINED``: maps, and not
        exactly one that fits. ``PARKED``: no map.
        """

    def replay(
        self,
        kind: bytes,
        provider: bytes,
        items: list[tuple[bytes, Arrival]],
        final_ttl: int,
        limits: dict[bytes, Limit],
        patience: float | None = 5.0,
    ) -> Deferred[list[tuple[int, bytes]]]:
        """Match receipts of one of STRAY_KINDS again, each ``(entry_id, what to match now)``.

        One ``(outcome, queue)`` per item, as :meth:`Store.match` gives them. What found its map is
        taken out in the same atomic step; ``PARKED`` and ``QUARANTINED`` mean that it stays where
        it is, as it is. ``GONE``: it is not there any more.
        """

    def meet_parked(
        self,
        skip: int,
        count: int,
        final_ttls: dict[bytes, int],
        limits: dict[bytes, Limit],
        patience: float | None = None,
    ) -> Deferred[tuple[list[tuple[int, bytes]], int]]:
        """Let parked receipts whose map is there by now meet it, as :meth:`Store.record` does.

        A record lets go what waits for its maps, so there are none; but a node of an earlier
        version parks a receipt whose map it cannot find, and the record has been by then (D4).

        Passes over ``skip`` of all that are parked, provider by provider, and looks at up to
        ``count``. The result has one ``(outcome, queue)`` for each that is parked no more, as
        :meth:`Store.match` gives them, and what to pass over next time: 0 after the last one.
        ``final_ttls`` go by provider; :data:`FINAL_TTL` for others. Nothing is sent but the
        outcomes, and what waits on costs the store a look at its ids.
        """
