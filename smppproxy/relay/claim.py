"""Receipts that a node has receivers for come into its hands while they are queued.

That spares them the way back to the store (``outbox`` fetches the others). What is on its way is
counted, so that no receipts come beyond the room that receivers have: others could deliver them.
"""

from __future__ import annotations

import attrs

from smppproxy.relay.directory import Directory, Inbox


@attrs.define
class Claim:
    """The receivers' room that is kept for one call to the store: what ``match`` calls ``room``."""

    _directory: Directory
    _claimed: dict[Inbox, int] = attrs.field(factory=dict, init=False)

    def __call__(self, queue: bytes, number: int) -> bool:
        """Whether so many receipts of a queue can be taken at once; then their room is kept."""
        inbox = self._directory.inboxes.get(queue[2:])
        if inbox is None or queue in inbox.waiting or inbox.free() < number:
            return False
        inbox.claimed += number
        self._claimed[inbox] = self._claimed.get(inbox, 0) + number
        return True

    def end(self) -> None:
        """The call is over: what came is in hand, the rest did not come."""
        for inbox, number in self._claimed.items():
            inbox.claimed -= number
        self._claimed.clear()
