"""Queues that have something for receivers here are fetched: in batches, one fetch at a time.

So many small wake-ups become one store call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from smppproxy.relay.directory import Directory, Inbox
from smppproxy.store.interface import Entry, Store


class Fetches:
    """What is waiting in the store; ``take`` gets what was fetched.

    :param tell: told of queues that grew and for which nobody here has room.
    """

    def __init__(
        self,
        directory: Directory,
        store: Store,
        take: Callable[[list[Entry]], object],
        tell: Callable[[list[bytes]], object],
    ) -> None:
        self._directory = directory
        self._store = store
        self._take = take
        self._tell = tell
        self._fetching = False
        self._grown: set[bytes] = set()
        # Inboxes with something waiting, in the order of their waking: most of many have nothing.
        self._hungry: dict[Inbox, None] = {}

    def wake(self, queues: Iterable[bytes]) -> None:
        """These queues grew: fetch what a receiver here has room for, tell others of the rest."""
        left = self.wake_here(queues)
        if left:
            self._tell(left)

    def wake_here(self, queues: Iterable[bytes]) -> list[bytes]:
        """As :meth:`wake`, for what another node tells; those for which nobody here has room."""
        left = []
        for queue in queues:
            inbox = self._directory.inboxes.get(queue[2:])
            if inbox is None or not inbox.receivers:
                left.append(queue)
                continue
            if inbox.free() <= 0:
                left.append(queue)
            inbox.waiting.add(queue)
            self._hungry[inbox] = None
            if self._fetching:
                self._grown.add(queue)
        self.more()
        return left

    def wake_all(self) -> None:
        """Look into every queue that has a receiver here: other nodes fill them too."""
        for inbox in self._directory.inboxes.values():
            if inbox.receivers:
                self.entered(inbox)
        self.more()

    def entered(self, inbox: Inbox) -> None:
        """Something may wait for this one: the next fetch asks for it."""
        inbox.waiting.update(inbox.queues)
        self._hungry[inbox] = None

    def left(self, inbox: Inbox) -> None:
        """It has no receiver any more."""
        inbox.waiting.clear()
        self._hungry.pop(inbox, None)

    def more(self) -> None:
        """Ask for as much as the windows have room for, unless a fetch is on its way."""
        if self._fetching or not (self._store.ready or self._store.full):
            return
        wants: list[tuple[bytes, int]] = []
        for inbox in self._hungry:
            room = inbox.free()
            if room > 0:
                wants.extend((queue, room) for queue in sorted(inbox.waiting, reverse=True))
        if not wants:
            return
        self._fetching = True
        self._store.fetch(wants, None).addCallbacks(
            self._fetched, self._not_fetched, callbackArgs=(wants,)
        )

    def _fetched(self, entries: list[Entry], wants: list[tuple[bytes, int]]) -> None:
        self._fetching = False
        got = Counter([entry.queue for entry in entries])
        for queue, count in wants:
            inbox = self._directory.inboxes[queue[2:]]
            if got[queue] < count and queue not in self._grown:
                inbox.waiting.discard(queue)
                if not inbox.waiting:
                    self._hungry.pop(inbox, None)
        self._grown.clear()
        self._take(entries)
        self.more()

    def _not_fetched(self, failure: Any) -> None:
        self._fetching = False
