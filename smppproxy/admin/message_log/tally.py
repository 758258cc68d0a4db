"""Counts by the hour: what an account's traffic came to, by provider, country and result (MG-30).

A result is the command_status that a submit_sm was answered with, by name, or the word of a final
receipt's state, or one of the words below. Both count in the hour in which they happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from smppproxy.routing.calling_codes import calling_code
from smppproxy.store.history import Count

HOUR = 3600

MESSAGE = "MO"
"""An MO message came for the account."""

MOST = 100_000
"""Different counts that are kept; those that come on top are counted as `OTHER`."""

OTHER = "other"

LONG = 10
"""Octets beyond which the first :data:`START` of a number say what its calling code is."""

START = 4


class Tally:
    """Counts since they were taken."""

    def __init__(self) -> None:
        self.counts: dict[Count, int] = {}
        self._codes: dict[bytes, str] = {}

    def add(self, hour: int, account: str, provider: str, number: bytes, result: str) -> None:
        """One more; ``hour`` is its beginning in unix seconds, ``number`` whom it is for."""
        self.add_all(hour, account, provider, (number,), result)

    def add_all(
        self, hour: int, account: str, provider: str, numbers: Sequence[bytes], result: str
    ) -> None:
        """As many more as there are numbers."""
        starts = [number[:START] for number in numbers if len(number) > LONG]
        # As one by one, but what many have in common is looked up once.
        found = [(self._code(start, numbers), count) for start, count in Counter(starts).items()]
        if len(starts) < len(numbers):
            short = [number for number in numbers if len(number) <= LONG]
            found += [(calling_code(number.decode("latin-1")), 1) for number in short]
        counts = self.counts
        for code, count in found:
            key = (hour, account, provider, code, result)
            if key not in counts and len(counts) >= MOST:
                key = (hour, account, OTHER, "", OTHER)
            counts[key] = counts.get(key, 0) + count

    def _code(self, start: bytes, numbers: Sequence[bytes]) -> str:
        """The calling code of long numbers that begin so; one of them is among these."""
        code = self._codes.get(start)
        if code is None:
            number = next(
                each for each in numbers if len(each) > LONG and each.startswith(start)
            )
            code = calling_code(number.decode("latin-1"))
            if len(self._codes) < MOST:
                self._codes[start] = code
        return code

    def take(self) -> dict[Count, int]:
        """The counts so far; it begins anew."""
        counts, self.counts = self.counts, {}
        return counts
