"""How well providers deliver, by prefix, and the order that follows from it.

What is measured stands in buckets of a minute; the last fifteen count. An order changes only for a
reason: the provider that stands first has been measured, and the next one is better by a margin or
as good and much faster. A provider that was not measured for an hour is hoped to be good, so that
one that failed is tried again. Pure: what is measured and the time are arguments.
"""

from collections import deque
from collections.abc import Iterable

import attrs

BUCKET = 60.0
"""Seconds of one bucket."""

BUCKETS = 15
"""How many of them count."""

MEMORY = 3600.0
"""Seconds for which the last measure counts while nothing new is measured."""

MOST = 20_000
"""Providers and prefixes that are measured; what was never measured keeps the order of the file."""


@attrs.define
class Margins:
    """What makes a difference.

    :ivar least: final receipts and refusals in the window that make a measure.
    :ivar ratio: of messages delivered, by which the better one has to be better.
    :ivar latency: times slower that a provider as good has to be, and `seconds` at least.
    :ivar hope: the ratio of a provider that was not measured.
    :ivar rest: seconds between two changes of one order.
    """

    least: int = 50
    ratio: float = 0.03
    latency: float = 1.5
    seconds: float = 2.0
    hope: float = 0.9
    rest: float = 60.0


class Measure:
    """One provider and prefix over the window, and what it was when it was measured last."""

    __slots__ = (
        "_buckets", "_known_at", "_known_latency", "_known_ratio", "delivered", "failed", "seconds",
        "timed",
    )  # fmt: skip

    def __init__(self) -> None:
        # [number of the bucket, delivered, failed, seconds, of so many]
        self._buckets: deque[list[float]] = deque()
        self.delivered = 0
        self.failed = 0
        self.seconds = 0.0
        self.timed = 0
        self._known_at = -MEMORY
        self._known_ratio = 0.0
        self._known_latency = 0.0

    def add(self, delivered: bool, now: float, latency: float = -1.0) -> None:
        """One message came to its end.

        :param latency: seconds from the provider's acceptance to its receipt; below 0: not known.
        """
        number = now // BUCKET
        if not self._buckets or self._buckets[-1][0] != number:
            self._buckets.append([number, 0, 0, 0.0, 0])
        bucket = self._buckets[-1]
        if delivered:
            self.delivered += 1
            bucket[1] += 1
            if latency >= 0.0:
                self.seconds += latency
                self.timed += 1
                bucket[3] += latency
                bucket[4] += 1
        else:
            self.failed += 1
            bucket[2] += 1

    def look(self, now: float, least: int) -> bool:
        """Let go what is too old; whether there is anything left to know."""
        oldest = now // BUCKET - BUCKETS
        while self._buckets and self._buckets[0][0] <= oldest:
            _, delivered, failed, seconds, timed = self._buckets.popleft()
            self.delivered -= int(delivered)
            self.failed -= int(failed)
            self.seconds -= seconds
            self.timed -= int(timed)
        if self.total >= least:
            self._known_at = now
            self._known_ratio = self.delivered / self.total
            self._known_latency = self.seconds / self.timed if self.timed else 0.0
        return bool(self._buckets) or self.is_known(now)

    @property
    def total(self) -> int:
        """Messages that came to an end within the window."""
        return self.delivered + self.failed

    def is_known(self, now: float) -> bool:
        """Whether there was a measure within the last hour."""
        return now - self._known_at < MEMORY

    def ratio(self, now: float, hope: float) -> float:
        """The share that was delivered; `hope` where it is not known."""
        return self._known_ratio if self.is_known(now) else hope

    def latency(self, now: float) -> float:
        """Seconds to the receipt on average; 0 where it is not known."""
        return self._known_latency if self.is_known(now) else 0.0


_NOTHING = Measure()


@attrs.define
class Change:
    """An order that is another one from now on."""

    zone: bytes
    before: tuple[str, ...]
    after: tuple[str, ...]


class Quality:
    """Measures, and the orders that are in force."""

    def __init__(self, margins: Margins | None = None) -> None:
        self.margins = margins or Margins()
        self._measures: dict[tuple[str, bytes], Measure] = {}
        # By the names as in the file: those in force, and when they changed.
        self._orders: dict[tuple[tuple[str, ...], bytes], tuple[str, ...]] = {}
        self._changed: dict[tuple[tuple[str, ...], bytes], float] = {}

    def ended(
        self, provider: str, zone: bytes, delivered: bool, now: float, latency: float = -1.0
    ) -> None:
        """A final receipt, or a refusal: a message to this prefix came to its end."""
        measure = self._measures.get((provider, zone))
        if measure is None:
            if len(self._measures) >= MOST:
                return
            measure = self._measures[provider, zone] = Measure()
        measure.add(delivered, now, latency)

    def order(self, names: tuple[str, ...], zone: bytes) -> tuple[str, ...]:
        """The order in force. It changes in `look` alone, so a choice costs one look-up."""
        key = (names, zone)
        order = self._orders.get(key)
        if order is None:
            if len(self._orders) >= MOST:
                return names
            order = self._orders[key] = names
        return order

    def look(self, now: float) -> list[Change]:
        """Measure, and change the orders that have a reason to; to be called every few seconds."""
        least = self.margins.least
        for key, measure in [*self._measures.items()]:
            if not measure.look(now, least):
                del self._measures[key]
        changes = []
        for asked, before in self._orders.items():
            if now - self._changed.get(asked, -MEMORY) < self.margins.rest:
                continue
            after = self._better(before, asked[1], now)
            if after != before:
                self._orders[asked] = after
                self._changed[asked] = now
                changes.append(Change(asked[1], before, after))
        return changes

    def keep(self, zones: Iterable[bytes]) -> None:
        """Other routes: orders begin as the file has them, measures of known prefixes stay."""
        known = set(zones)
        self._measures = {key: each for key, each in self._measures.items() if key[1] in known}
        orders = self._orders
        self._orders = {key: order for key, order in orders.items() if key[1] in known}
        self._changed = {key: at for key, at in self._changed.items() if key in self._orders}

    def measures(self, now: float) -> list[dict[str, object]]:
        """Every measure, for people."""
        return [
            {
                "provider": provider,
                "prefix": zone.decode(),
                "messages": measure.total,
                "delivered": measure.delivered,
                "ratio": round(measure.ratio(now, -1.0), 4) if measure.is_known(now) else None,
                "latency": round(measure.latency(now), 1) if measure.is_known(now) else None,
            }
            for (provider, zone), measure in sorted(self._measures.items())
        ]

    def _better(self, names: tuple[str, ...], zone: bytes, now: float) -> tuple[str, ...]:
        """The names with each put before those that it is clearly better than."""
        order = [(name, self._measures.get((name, zone), _NOTHING)) for name in names]
        for _ in order:
            moved = False
            for place in range(len(order) - 1):
                upper, lower = order[place], order[place + 1]
                if self._is_better(lower[1], upper[1], now):
                    order[place : place + 2] = lower, upper
                    moved = True
            if not moved:
                break
        return tuple(name for name, _ in order)

    def _is_better(self, one: Measure, other: Measure, now: float) -> bool:
        """Whether `one` is so much better that the order changes."""
        margins = self.margins
        if not other.is_known(now):
            return False
        gain = one.ratio(now, margins.hope) - other.ratio(now, margins.hope)
        if gain > margins.ratio:
            return True
        mine, its = one.latency(now), other.latency(now)
        # Half the margin: or an order would swing between better and faster.
        return (
            gain >= -margins.ratio / 2
            and mine > 0.0
            and its > mine * margins.latency
            and its - mine > margins.seconds
        )
