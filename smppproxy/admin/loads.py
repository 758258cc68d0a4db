"""How many submit_sm a second: means of one, five and fifteen minutes, as operators know them."""

from __future__ import annotations

from math import exp

from smppproxy.relay.counts import Counts

MINUTES = (60.0, 300.0, 900.0)

EVERY = 5.0
"""Seconds between two looks at the counters."""

Key = tuple[str, ...]
"""``(account,)`` or ``(provider, host)``."""


class Load:
    """Three means of one counter; they are of its whole life while that is shorter."""

    __slots__ = ("_age", "_means", "_total")

    def __init__(self, total: int) -> None:
        self._total = total
        self._means = [0.0, 0.0, 0.0]
        self._age = 0.0

    def look(self, total: int, seconds: float) -> None:
        """The counter stands at ``total``, so many seconds after the last look."""
        rate = (total - self._total) / seconds
        self._total = total
        self._age += seconds
        for place, minutes in enumerate(MINUTES):
            keep = exp(-seconds / minutes)
            self._means[place] = self._means[place] * keep + rate * (1 - keep)

    def means(self) -> tuple[float, float, float]:
        """A second, over one, five and fifteen minutes."""
        if not self._age:
            return 0.0, 0.0, 0.0
        one, five, fifteen = (
            mean / (1 - exp(-self._age / minutes))
            for mean, minutes in zip(self._means, MINUTES, strict=True)
        )
        return round(one, 1), round(five, 1), round(fifteen, 1)


class Loads:
    """The loads of every account and every provider's host.

    :param counts: whose ``submitted`` are looked at.
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._loads: dict[Key, Load] = {}
        self._looked = -1.0

    def tick(self, now: float) -> None:
        """Once a second; it looks every five."""
        if self._looked < 0:
            self._looked = now
        seconds = now - self._looked
        if seconds < EVERY:
            return
        self._looked = now
        for key, total in self._totals().items():
            load = self._loads.get(key)
            if load is None:
                load = self._loads[key] = Load(0)
            load.look(total, seconds)

    def of(self, *key: str) -> dict[str, float]:
        """The three columns of a row."""
        load = self._loads.get(key)
        means = load.means() if load is not None else (0.0, 0.0, 0.0)
        return dict(zip(("rate_1m", "rate_5m", "rate_15m"), means, strict=True))

    def _totals(self) -> dict[Key, int]:
        accounts: dict[Key, int] = {
            (name,): each.submitted for name, each in self._counts.accounts.items()
        }
        return accounts | {key: each.submitted for key, each in self._counts.hosts.items()}


def together(loads: list[dict[str, float]]) -> dict[str, float]:
    """The sum of several loads."""
    names = ("rate_1m", "rate_5m", "rate_15m")
    return {name: round(sum(load[name] for load in loads), 1) for name in names}
