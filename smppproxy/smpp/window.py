"""Which of our requests are unanswered, and since when."""

from collections.abc import Iterator
from typing import Any, Final

#: The last sequence_number we use: one client library kills the link at 0x7fffffff.
LAST_SEQUENCE_NUMBER: Final = 0x7FFFFFFE
#: Seconds for which a request that timed out is remembered, so that a late answer still finds it.
REMEMBERED: Final = 600.0


class Window:
    """
    The requests sent on one session that wait for their answers, oldest first.

    Sequence numbers run 1..0x7ffffffe and wrap; one that still waits, or whose late answer is still
    awaited, is skipped (F34). A token is whatever the caller wants back with the answer; not None.
    """

    __slots__ = ("room", "sent", "_limit", "_next", "_pending", "_late")

    def __init__(self, limit: int, first: int = 1) -> None:
        #: How many more requests may be sent now; negative after `limit` was lowered. Kept, not
        #: counted: it is asked several times for each message.
        self.room = limit
        self._limit = limit
        #: When the request that was answered last had been sent; 0.0 before the first answer.
        self.sent = 0.0
        self._next = first
        # A dict keeps the order of insertion, which is the order of sending.
        self._pending: dict[int, tuple[Any, float]] = {}
        self._late: dict[int, tuple[Any, float]] = {}

    @property
    def limit(self) -> int:
        """Requests that may wait at the same time; may be changed at any time."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self.room += limit - self._limit
        self._limit = limit

    def __len__(self) -> int:
        return len(self._pending)

    def next_sequence_number(self) -> int:
        """A number for a bind, enquire_link or unbind: the same counter, but it takes no slot."""
        number = self._next
        while number > LAST_SEQUENCE_NUMBER or number in self._pending or number in self._late:
            number = 1 if number >= LAST_SEQUENCE_NUMBER else number + 1
        self._next = number + 1
        return number

    def open(self, token: Any, now: float) -> int:
        """
        The sequence_number under which to send a request at monotonic time `now`.

        The caller has looked at `room` and writes the request before it opens another one.
        """
        number = self._next
        if number > LAST_SEQUENCE_NUMBER or number in self._pending or number in self._late:
            number = self.next_sequence_number()
        self._next = number + 1
        self._pending[number] = (token, now)
        self.room -= 1
        return number

    def close(self, sequence_number: int) -> Any | None:
        """The token of the request that this number answers, once; None when none waits for it."""
        entry = self._pending.pop(sequence_number, None)
        if entry is None:
            return None
        self.room += 1
        token, self.sent = entry
        return token

    def expire(self, now: float, timeout: float) -> list[Any]:
        """
        The tokens of requests sent `timeout` seconds ago or earlier, oldest first.

        They wait no more; each is remembered for 600 s so that `late` still finds it.
        """
        self._forget(now - REMEMBERED)
        expired = list(self._sent_until(now - timeout))
        tokens = []
        for number in expired:
            token, _ = self._pending.pop(number)
            self._late[number] = (token, now)
            tokens.append(token)
        self.room += len(tokens)
        return tokens

    def remember(self, sequence_number: int, token: Any, now: float) -> None:
        """Its answer was none: one that comes within 600 s is to be found by `late`."""
        self._late[sequence_number] = (token, now)

    def late(self, sequence_number: int) -> Any | None:
        """The token of an expired request that this number answers after all, once; else None."""
        entry = self._late.pop(sequence_number, None)
        return None if entry is None else entry[0]

    def drain(self) -> list[Any]:
        """All tokens that wait, in the order sent: the session is lost, nothing waits any more."""
        tokens = [token for token, _ in self._pending.values()]
        self._pending.clear()
        self.room = self._limit
        return tokens

    def oldest_sent(self) -> float | None:
        """When the request that has waited longest was sent; None when nothing waits."""
        for _, sent in self._pending.values():
            return sent
        return None

    def waiting(self) -> Iterator[tuple[int, Any]]:
        """(sequence_number, token) of the requests that wait, in the order sent."""
        for number, (token, _) in self._pending.items():
            yield number, token

    def remembered(self) -> Iterator[tuple[int, Any]]:
        """(sequence_number, token) of those that were given up and might still be answered."""
        for number, (token, _) in self._late.items():
            yield number, token

    def _sent_until(self, moment: float) -> Iterator[int]:
        for number, (_, sent) in self._pending.items():
            if sent > moment:
                return
            yield number

    def _forget(self, moment: float) -> None:
        """Drop what was remembered before `moment`."""
        stale = []
        for number, (_, expired_at) in self._late.items():
            if expired_at > moment:
                break
            stale.append(number)
        for number in stale:
            del self._late[number]
