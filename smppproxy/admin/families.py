"""Metrics as text for Prometheus, made line by line: a thousand accounts have 40,000 of them.

A :class:`Family` takes the numbers of one moment when it is made; its text is made later, a piece
at a time, so that a scrape never holds up the reactor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import inf

from smppproxy.admin.metric_table import COUNTER, METRICS, PREFIX, Labels
from smppproxy.store.times import Times

Values = Mapping[Labels, float]

_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class Family:
    """One metric of the table, with what it is now for each of its labels' values."""

    def __init__(self, name: str) -> None:
        """
        :param name: as in the table.
        """
        described = METRICS[name]
        self._name = PREFIX + name + ("_total" if described.kind == COUNTER else "")
        text, kind = described.text, described.kind
        self._about = f"# HELP {self._name} {text}\n# TYPE {self._name} {kind}\n"
        self._labels = described.labels
        self._order = sorted(range(len(self._labels)), key=self._labels.__getitem__)
        self._values: list[tuple[Sequence[str], float]] = []
        self._buckets: list[tuple[Sequence[str], Iterable[float], list[int], float]] = []

    def add(self, labels: Sequence[str], value: float) -> None:
        """What a counter or a gauge is, for these values of its labels."""
        self._values.append((labels, value))

    def add_buckets(
        self, labels: Sequence[str], bounds: Iterable[float], counts: Sequence[int], total: float
    ) -> None:
        """What a histogram is; the last count is of what was beyond all bounds."""
        self._buckets.append((labels, bounds, [*accumulate(counts)], total))

    def text(self) -> Iterator[str]:
        """Pieces of whole lines; what belongs together is one piece."""
        yield self._about
        name = self._name
        for labels, value in self._values:
            pairs = self._pairs(labels)
            yield f"{name}{{{pairs}}} {number(value)}\n" if pairs else f"{name} {number(value)}\n"
        for labels, bounds, counts, total in self._buckets:
            pairs = self._pairs(labels)
            where = f"{{{pairs}}}" if pairs else ""
            start = f"{name}_bucket{{{pairs}," if pairs else f"{name}_bucket{{"
            lines = [
                f'{start}le="{bound}"}} {count}.0\n'
                for bound, count in zip((*bounds, "+Inf"), counts, strict=True)
            ]
            lines.append(f"{name}_count{where} {counts[-1]}.0\n{name}_sum{where} {number(total)}\n")
            yield "".join(lines)

    def _pairs(self, values: Sequence[str]) -> str:
        names = self._labels
        return ",".join(
            [f'{names[at]}="{values[at].translate(_ESCAPED)}"' for at in self._order]
        )


def number(value: float) -> str:
    """As Prometheus writes one."""
    if value in (inf, -inf):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value))


def values(name: str, of: Values) -> Family:
    """A counter or a gauge, by the values of its labels."""
    made = Family(name)
    for labels, value in of.items():
        made.add(labels, value)
    return made


def value(name: str, number: float) -> Family:
    """A counter or a gauge without labels."""
    return values(name, {(): number})


def times(name: str, of: Mapping[Labels, Times]) -> Family:
    """A histogram, by the values of its labels."""
    made = Family(name)
    for labels, each in of.items():
        made.add_buckets(labels, each.bounds, each.buckets, each.total)
    return made


def buckets(name: str, bounds: Iterable[float], counts: Sequence[int], total: float) -> Family:
    """A histogram without labels."""
    made = Family(name)
    made.add_buckets((), bounds, counts, total)
    return made
