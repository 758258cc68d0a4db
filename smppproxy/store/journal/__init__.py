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

COUNTED = ("kept", "lost", "replayed", "ended", "unread", "torn", "blocked")
"""See :class:`Keeper`."""


class JournalError(Exception):
    """The journal did not keep what it was given; the text says why."""


class Keeper(Protocol):
    """What a journey asks of the journal.

    :ivar blocked: it is there and cannot be written: a message that is sent now might not find its
        way back, so none should be.
    :ivar counts: of maps ``kept``, ``lost`` (not kept), ``replayed`` (they are in the store now),
        ``ended`` (by the clock their life was over before the store was back: they got a short
        one); of records ``unread``, octets ``torn``, and how often it was ``blocked``.
    """

    blocked: bool
    counts: dict[str, int]

    @property
    def state(self) -> str:
        """In a word: off, ready, waiting (for the store) or blocked."""

    @property
    def octets(self) -> int:
        """What waits for the store."""

    @property
    def unread_files(self) -> int:
        """Files in its folder with what could not be read."""

    def keep(
        self, provider: bytes, mappings: list[Mapping], ttl: int, final_ttl: int
    ) -> Deferred[None]:
        """Write maps, as ``Store.record`` takes them. Fires when they are on the disk.

        Fails with :class:`JournalError`, within a few seconds.
        """


class NoJournal:
    """A node without one."""

    state = "off"
    octets = 0
    unread_files = 0

    def __init__(self) -> None:
        self.blocked = False
        self.counts = dict.fromkeys(COUNTED, 0)

    def keep(
        self, provider: bytes, mappings: list[Mapping], ttl: int, final_ttl: int
    ) -> Deferred[None]:
        """Fails."""
        return fail(JournalError("this node has no journal"))
