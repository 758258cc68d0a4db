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


class Tally:
    """Counts since they were taken."""

    def __init__(self) -> None:
        self.counts: dict[Count, int] = {}
        self._codes: dict[str, str] = {}

    def add(self, seconds: float, account: str, provider: str, number: str, result: str) -> None:
        """One more; ``seconds`` is when, in unix seconds, ``number`` whom the message is for."""
        code = self._codes.get(number[:4]) if len(number) > 10 else None
        if code is None:
            code = calling_code(number)
            if len(number) > 10 and len(self._codes) < MOST:
                self._codes[number[:4]] = code
        key = (int(seconds) // HOUR * HOUR, account, provider, code, result)
        counts = self.counts
        if key not in counts and len(counts) >= MOST:
            key = (key[0], account, OTHER, "", OTHER)
        counts[key] = counts.get(key, 0) + 1

    def take(self) -> dict[Count, int]:
        """The counts so far; it begins anew."""
        counts, self.counts = self.counts, {}
        return counts
