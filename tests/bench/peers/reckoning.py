"""What rounds come to, and the table of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import attrs

from tests.bench.ruled import ruled

#: Names of processes that a system cannot do without but are none of its own.
NOT_OWN = frozenset({"load", "provider"})

US = "smppproxy"


@attrs.define
class Round:
    """What one system did in one round.

    :ivar seconds: from the first message to the last answer or receipt that came.
    :ivar accepted: messages that were answered OK; :ivar done: those of which the receipt came too.
    :ivar cpu: processor seconds by kind of process.
    :ivar response_ms: quantiles from the submit to its answer; :ivar receipt_ms: to its receipt.
    :ivar faults: what should not have happened, each with its count.
    """

    name: str
    seconds: float
    submitted: int
    accepted: int
    done: int
    cpu: Mapping[str, float]
    response_ms: Mapping[str, float] = attrs.field(factory=dict)
    receipt_ms: Mapping[str, float] = attrs.field(factory=dict)
    faults: Mapping[str, int] = attrs.field(factory=dict)

    @property
    def rate(self) -> float:
        """Full cycles a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def used(self) -> float:
        """Processor seconds of all of its own processes, store and broker included."""
        return sum(cpu for name, cpu in self.cpu.items() if name not in NOT_OWN)

    @property
    def per_cpu_second(self) -> float:
        """Full cycles in a processor second of all of its own processes."""
        return self.done / self.used if self.used else 0.0

    @property
    def lost(self) -> int:
        """Messages that were answered OK and had no receipt when the round was over."""
        return max(0, self.accepted - self.done)

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "seconds": round(self.seconds, 3),
            "submitted": self.submitted,
            "accepted": self.accepted,
            "done": self.done,
            "lost": self.lost,
            "rate": round(self.rate, 1),
            "per_cpu_second": round(self.per_cpu_second, 1),
            "cpu_seconds": {name: round(cpu, 3) for name, cpu in self.cpu.items()},
            "cpu_us_per_message": self.by_process(),
            "response_ms": dict(self.response_ms),
            "receipt_ms": dict(self.receipt_ms),
            "faults": dict(self.faults),
        }

    def by_process(self) -> dict[str, float]:
        """Processor microseconds of each kind of its own processes for a full cycle."""
        if not self.done:
            return {}
        return {
            name: round(cpu / self.done * 1e6, 2)
            for name, cpu in self.cpu.items()
            if name not in NOT_OWN
        }


@attrs.define
class Comparison:
    """One peer's rounds, each beside one of ours.

    :ivar pairs: ours and theirs, in the order in which they were run.
    """

    name: str
    what: str
    versions: Mapping[str, str]
    configuration: str
    pairs: Sequence[tuple[Round, Round]]

    @property
    def ours(self) -> list[Round]:
        """Our rounds."""
        return [ours for ours, _ in self.pairs]

    @property
    def theirs(self) -> list[Round]:
        """The peer's rounds."""
        return [theirs for _, theirs in self.pairs]

    @property
    def times(self) -> float | None:
        """How often as many cycles a processor second we do: the middle one of all pairs.

        None when the peer finished not one in some round: there is nothing to divide by.
        """
        if not self.pairs or not all(theirs.per_cpu_second for theirs in self.theirs):
            return None
        return median(ours.per_cpu_second / theirs.per_cpu_second for ours, theirs in self.pairs)

    def told(self) -> dict[str, Any]:
        """As JSON."""
        times = self.times
        return {
            "what": self.what,
            "versions": dict(self.versions),
            "configuration": self.configuration,
            "times_per_cpu_second": None if times is None else round(times, 2),
            "ours": [each.told() for each in self.ours],
            "theirs": [each.told() for each in self.theirs],
        }


def middle(rounds: Sequence[Round], what: str) -> float:
    """The median of a figure over rounds."""
    return float(median(getattr(each, what) for each in rounds))


def milliseconds(rounds: Sequence[Round], what: str) -> str:
    """p50 and p99 of a latency, medians over the rounds that have any; "-" without."""
    found = [quantiles for each in rounds if (quantiles := getattr(each, what))]
    if not found:
        return "-"
    return " / ".join(f"{median(each[name] for each in found):,.0f}" for name in ("p50", "p99"))


def losses(rounds: Sequence[Round]) -> str:
    """Receipts that did not come, of how many."""
    lost, accepted = (sum(getattr(each, name) for each in rounds) for name in ("lost", "accepted"))
    if not lost:
        return "0"
    return "all" if lost == accepted else f"{lost:,} of {accepted:,}"


def microseconds(rounds: Sequence[Round]) -> str:
    """What each kind of process takes for a full cycle, medians; "" when none was finished."""
    found = [by for each in rounds if (by := each.by_process())]
    if not found:
        return ""
    parts = [f"{name} {median(by[name] for by in found):,.0f}" for name in found[0]]
    return f"{' + '.join(parts)} us for a full cycle"


HEADINGS = (
    "", "full cycles", "per CPU-second", "ours, in turn", "ours is",
    "answer p50 / p99 ms", "receipt p50 / p99 ms", "receipts lost",
)  # fmt: skip


def row(what: str, rounds: Sequence[Round], ours: str = "", times: str = "") -> tuple[str, ...]:
    """One system's line."""
    return (
        what,
        f"{middle(rounds, 'rate'):,.0f}/s",
        f"{middle(rounds, 'per_cpu_second'):,.0f}",
        ours,
        times,
        milliseconds(rounds, "response_ms"),
        milliseconds(rounds, "receipt_ms"),
        losses(rounds),
    )


def rows(comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """Ours over all rounds, then every peer beside our rounds between its own."""
    measured = [each for each in comparisons if each.pairs]
    if not measured:
        return []
    found = [row(US, [ours for each in measured for ours in each.ours])]
    for each in measured:
        times = "-" if each.times is None else f"{each.times:.1f} times"
        ours = f"{middle(each.ours, 'per_cpu_second'):,.0f}"
        found.append(row(each.what, each.theirs, ours, times))
    return found


def table(comparisons: Sequence[Comparison]) -> str:
    """All of it, as reStructuredText; "" when no peer was measured."""
    lines = rows(comparisons)
    return ruled(HEADINGS, lines) if lines else ""
