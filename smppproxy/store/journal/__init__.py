"""The way back of messages for a time without the store: a file of this node (reading 4).

A provider has accepted a message and the store does not take its map: the map is written here and
brought to the disk, the client gets its message_id, and the map goes to the store when that is
back, after a restart or SIGKILL of the node too. Nobody reads maps from here: receipts that come
meanwhile are parked in the store and find their maps as always.

(What the message log is made of is another journal: ``relay.journal``.)
"""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred, fail

from smppproxy.store.interface import Mapping


class JournalError(Exception):
    """The journal did not keep what it was given; the text says why."""


class Keeper(Protocol):
    """What a journey asks of the journal.

    :ivar blocked: it is there and cannot be written: a message that is sent now might not find its
        way back, so none should be.
    """

    blocked: bool

    def keep(
        self, provider: bytes, mappings: list[Mapping], ttl: int, final_ttl: int
    ) -> Deferred[None]:
        """Write maps, as ``Store.record`` takes them. Fires when they are on the disk.

        Fails with :class:`JournalError`, within a few seconds.
        """


class NoJournal:
    """A node without one."""

    blocked = False

    def keep(
        self, provider: bytes, mappings: list[Mapping], ttl: int, final_ttl: int
    ) -> Deferred[None]:
        """Fails."""
        return fail(JournalError("this node has no journal"))
