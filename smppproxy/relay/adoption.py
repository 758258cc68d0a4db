"""Deliveries that nobody is busy with any more: of this node's former life, and of nodes that died.

They are taken over as receivers have room for them, no more at once: receivers on other nodes get
theirs. Where more is left, the answers that make room bring it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from smppproxy.relay.directory import Directory, Inbox
from smppproxy.store.interface import Entry, Store

IDLE_MS = 60_000
"""Without a sign of life for so long, anybody adopts an entry (D6)."""

EVERY = 10.0
"""Seconds between two looks for such entries, in all queues at once."""

MOST = 1_000
"""Entries of a queue that are adopted at once."""

SOME = 100
"""The same, when all queues are looked into."""

FORMER = 0
"""Instead of milliseconds: what this node's name held before this process began."""


class Adoption:
    """Asks for them; ``take`` gets them.

    :ivar left: inboxes that may have more of them, and how long those are idle.
    """

    def __init__(
        self, directory: Directory, store: Store, take: Callable[[Iterable[Entry]], object]
    ) -> None:
        self.left: dict[Inbox, int] = {}
        self._directory = directory
        self._store = store
        self._take = take
        self._asking: set[Inbox] = set()
        self._looked = 0.0

    def former(self, inbox: Inbox) -> None:
        """The first receiver is there: ask for what this node held before this process began.

        Until the store has said; nobody else asks before those entries are a minute old.
        """
        self.left[inbox] = FORMER
        self.more(inbox)

    def more(self, inbox: Inbox) -> None:
        """Adopt as much of what is left as there is room for. Without a receiver the next asks."""
        count = min(inbox.free(), MOST)
        if inbox not in self.left or inbox in self._asking or count <= 0:
            return
        self._asking.add(inbox)
        idle_ms = self.left[inbox]
        patience = None if idle_ms == FORMER else 0.0
        self._store.adopt(list(inbox.queues), count, idle_ms, patience).addCallbacks(
            self._adopted, self._not_now, callbackArgs=(inbox, count), errbackArgs=(inbox,)
        )

    def _adopted(self, entries: list[Entry], inbox: Inbox, count: int) -> None:
        self._asking.discard(inbox)
        if max(_by_queue(entries).values(), default=0) < count:
            self.left.pop(inbox, None)
        self._take(entries)

    def _not_now(self, failure: Any, inbox: Inbox) -> None:
        """The next tick asks again."""
        self._asking.discard(inbox)

    def tick(self, now: float) -> None:
        """Once a second, while the store is there."""
        for inbox in [*self.left]:
            self.more(inbox)
        if now - self._looked < EVERY:
            return
        self._looked = now
        inboxes = [inbox for inbox in self._directory.inboxes.values() if inbox.room() > 0]
        queues = [queue for inbox in inboxes for queue in inbox.queues]
        if queues:
            call = self._store.adopt(queues, SOME, IDLE_MS)
            call.addCallbacks(self._found, lambda failure: None)

    def _found(self, entries: list[Entry]) -> None:
        for queue, count in _by_queue(entries).items():
            if count >= SOME:
                self.left.setdefault(self._directory.inboxes[queue[2:]], IDLE_MS)
        self._take(entries)


def _by_queue(entries: Iterable[Entry]) -> Counter[bytes]:
    return Counter(entry.queue for entry in entries)
