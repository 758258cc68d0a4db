"""Latencies as counts: exact below 512 us, else to one part in 256, however many there are. Pure.

The form is that of an HDR histogram: each power of two is cut into 256 equal buckets, so that a
quantile is right to 0.4 % from a microsecond to hours, in a list of fixed length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

#: Microseconds that are told; longer latencies count as this (12 days).
LONGEST = (1 << 40) - 1
_BITS = 9
_HALF = 1 << (_BITS - 1)


def bucket(microseconds: int) -> int:
    """The bucket that a latency falls into."""
    if microseconds < 512:
        return microseconds if microseconds > 0 else 0
    shift = microseconds.bit_length() - _BITS
    return (shift << 8) + (microseconds >> shift)


def highest(index: int) -> int:
    """The longest latency of a bucket, in microseconds: what a quantile says."""
    if index < 512:
        return index
    shift = (index >> 8) - 1
    return ((index - (shift << 8) + 1) << shift) - 1


class Histogram:
    """Counts by bucket; what one process counted is added to what others did."""

    __slots__ = ("counts", "most")

    def __init__(self, counts: Mapping[int, int] | None = None, most: int = 0) -> None:
        #: Bucket -> how many; only buckets that have any.
        self.counts: dict[int, int] = dict(counts or {})
        #: The longest latency itself, in microseconds.
        self.most = most

    def __len__(self) -> int:
        return sum(self.counts.values())

    def record(self, latencies: Iterable[float]) -> None:
        """Add latencies, in seconds."""
        counts = self.counts
        most = self.most
        for latency in latencies:
            microseconds = int(latency * 1e6)
            if microseconds > most:
                most = microseconds = min(microseconds, LONGEST)
            if microseconds >= 512:
                shift = microseconds.bit_length() - 9
                microseconds = (shift << 8) + (microseconds >> shift)
            elif microseconds < 0:
                microseconds = 0
            counts[microseconds] = counts.get(microseconds, 0) + 1
        self.most = most

    def add(self, other: Histogram) -> None:
        """Add what another one counted."""
        counts = self.counts
        for index, count in other.counts.items():
            counts[index] = counts.get(index, 0) + count
        self.most = max(self.most, other.most)

    def quantile(self, fraction: float) -> float:
        """Milliseconds that this fraction of all latencies does not exceed; 0.0 without any."""
        wanted = fraction * len(self)
        seen = 0
        for index in sorted(self.counts):
            seen += self.counts[index]
            if seen >= wanted:
                return min(highest(index), self.most) / 1000
        return self.most / 1000

    def steps(self) -> Iterator[tuple[int, int]]:
        """(longest latency of a bucket in microseconds, how many), in order."""
        for index in sorted(self.counts):
            yield highest(index), self.counts[index]

    def told(self) -> dict[str, object]:
        """For another process, or a file."""
        counts = {str(index): count for index, count in sorted(self.counts.items())}
        return {"most": self.most, "counts": counts}

    @classmethod
    def read(cls, told: Mapping[str, object]) -> Histogram:
        """What :meth:`told` gave."""
        counts = told["counts"]
        assert isinstance(counts, dict)
        most = told["most"]
        assert isinstance(most, int)
        return cls({int(index): count for index, count in counts.items()}, most)
