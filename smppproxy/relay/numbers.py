"""Message numbers taken from the store in blocks, so that no two nodes ever give the same id.

The journeys need a number per message without waiting; the pool keeps a whole spare block in hand
and asks for the next one as soon as it begins to use it (mission XC-01).
"""

from __future__ import annotations

from typing import Any

from smppproxy.store.interface import Store

NAME = b"client_message_id"
BLOCK = 20_000


class NumberPool:
    """Numbers that no other node or later start of this one will give out."""

    def __init__(self, store: Store, block: int = BLOCK) -> None:
        self._store = store
        self._block = block
        self._next = 0
        self._end = 0
        self._spare: tuple[int, int] | None = None
        self._asking = False

    def take(self) -> int:
        """The next number, or -1 when none is in hand (the store has been away for long)."""
        number = self._next
        if number < self._end:
            self._next = number + 1
            return number
        if self._spare is not None:
            self._next, self._end = self._spare
            self._spare = None
        self.refill()
        return self.take() if self.ready else -1

    @property
    def ready(self) -> bool:
        """Whether :meth:`take` has a number."""
        return self._next < self._end or self._spare is not None

    def refill(self) -> None:
        """Ask the store for a block, unless one is in hand or on its way."""
        if self._asking or self._spare is not None:
            return
        self._asking = True
        self._store.take_numbers(NAME, self._block).addCallbacks(self._taken, self._refused)

    def _taken(self, first: int) -> None:
        self._asking = False
        self._spare = (first, first + self._block)
        if self._next >= self._end:
            self._next, self._end = self._spare
            self._spare = None
            self.refill()

    def _refused(self, failure: Any) -> None:
        # The block may have been taken although its answer was lost: a gap does no harm, and the
        # next `take` or the relay's tick asks again.
        self._asking = False
