"""Counts by the hour: what an account's traffic came to, by provider, country and result (MG-30).

A result is the command_status that a submit_sm was answered with, by name, or the word of a final
receipt's state, or one of the words below. Both count in the hour in which they happened.
"""

from __future__ import annotations

from smppproxy.routing.calling_codes import calling_code
from smppproxy.store.history import Count

HOUR = 3600

MESSAGE = "MO"
"""An MO message came for the account."""

MOST = 100_000
"""Different counts that are kept; those that come on top are counted as `OTHER`."""

OTHER = "other"

LONG = 10
"""Octets from which on the first four of a number say what its calling code is."""


class Tally:
    """Counts since they were taken."""

    def __init__(self) -> None:
        self.counts: dict[Count, int] = {}
        self._codes: dict[bytes, str] = {}

    def add(self, hour: int, account: str, provider: str, number: bytes, result: str) -> None:
        """One more; ``hour`` is its beginning in unix seconds, ``number`` whom it is for."""
        long = len(number) > LONG
        code = self._codes.get(number[:4]) if long else None
        if code is None:
            code = calling_code(number.decode("latin-1"))
            if long and len(self._codes) < MOST:
                self._codes[number[:4]] = code
        key = (hour, account, provider, code, result)
        counts = self.counts
        if key in counts:
            counts[key] += 1
        elif len(counts) < MOST:
            counts[key] = 1
        else:
            key = (hour, account, OTHER, "", OTHER)
            counts[key] = counts.get(key, 0) + 1

    def take(self) -> dict[Count, int]:
        """The counts so far; it begins anew."""
        counts, self.counts = self.counts, {}
        return counts
