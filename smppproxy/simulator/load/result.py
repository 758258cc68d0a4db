"""What a load test found, and whether it was good. Pure."""

from __future__ import annotations

from typing import Any

import attrs

from smppproxy.simulator.load.counts import Counts
from smppproxy.simulator.load.histogram import Histogram
from smppproxy.simulator.load.plan import LoadOptions
from smppproxy.simulator.load.series import Series, quantiles
from smppproxy.smpp.constants import status_name

#: Exit status: all is well; something was lost; nobody answered.
GOOD, LOSS, NOBODY = 0, 1, 3


@attrs.define
class Result:
    """A finished load test.

    :ivar seconds: from the first message due to the last answer or receipt.
    :ivar missing: accepted messages without a receipt; :ivar duplicated: receipts beyond the first.
    :ivar of_a_bind: the fewest and the most answers that a bind got.
    :ivar down: sessions that were not bound at the end; :ivar unsent: messages of ``--count`` that
        could not be sent.
    :ivar behind: messages of the schedule that had no room in any window before the end.
    :ivar cpu: processor seconds by name: ``load``, and the processes that were asked for.
    :ivar trouble: why it did not even begin, ``""`` when it did.
    """

    options: LoadOptions
    processes: int
    counts: Counts = attrs.field(factory=Counts)
    statuses: dict[int, int] = attrs.field(factory=dict)
    responses: Histogram = attrs.field(factory=Histogram)
    deliveries: Histogram = attrs.field(factory=Histogram)
    series: Series = attrs.field(factory=Series)
    seconds: float = 0.0
    missing: int = 0
    duplicated: int = 0
    of_a_bind: tuple[int, int] = (0, 0)
    down: int = 0
    behind: int = 0
    unsent: int = 0
    cpu: dict[str, float] = attrs.field(factory=dict)
    trouble: str = ""
    nobody: bool = False

    @property
    def unanswered(self) -> int:
        """Submits that were never answered, those of lost sessions included."""
        counts = self.counts
        return counts.submitted - counts.accepted - counts.refused

    @property
    def rate(self) -> float:
        """Full cycles a second: messages with all that belongs to them, by the time of it all."""
        done = self.counts.accepted
        return done / self.seconds if self.seconds else 0.0

    def faults(self) -> dict[str, int]:
        """What should not have happened, each with its count."""
        counts = self.counts
        found = {
            "unanswered": self.unanswered,
            "not sent": self.unsent,
            "sessions not bound at the end": self.down,
            "receipts missing": self.missing,
            "receipts duplicated": self.duplicated,
            "receipts before their answer": counts.early,
            "receipts with another message's id": counts.misplaced,
            "receipts that nobody asked for": counts.unasked,
            "PDUs that cannot be read": counts.unreadable,
            "answers to nothing": counts.unexpected,
        }
        return {name: count for name, count in found.items() if count}

    @property
    def exit_status(self) -> int:
        """0 when every message was answered and every receipt came once and in order; else 1 or 3.

        3 says that nobody answered: no connection, or not one answer. A refusal is an answer; a
        test in which nothing at all was accepted is a failed one.
        """
        if self.nobody or (not self.trouble and not self.counts.accepted + self.counts.refused):
            return NOBODY
        return LOSS if self.trouble or self.faults() or not self.counts.accepted else GOOD

    def told(self) -> dict[str, Any]:
        """As JSON."""
        options = self.options
        return {
            "exit_status": self.exit_status,
            "trouble": self.trouble,
            "bind": options.bind,
            "binds": options.binds,
            "window": options.window,
            "offered": options.rate,
            "tls": options.tls,
            "processes": self.processes,
            "seconds": round(self.seconds, 3),
            "rate": round(self.rate, 1),
            "counts": attrs.asdict(self.counts),
            "answers_of_a_bind": list(self.of_a_bind),
            "refused": {status_name(status): n for status, n in sorted(self.statuses.items())},
            "behind": self.behind,
            "faults": self.faults(),
            "response_ms": quantiles(self.responses),
            "receipt_ms": quantiles(self.deliveries),
            "cpu_seconds": {name: round(cpu, 3) for name, cpu in self.cpu.items()},
            "cpu_us_per_message": self.per_message(),
            "series": self.series.told(),
        }

    def per_message(self) -> dict[str, float]:
        """Processor microseconds that each process took for an accepted message."""
        done = self.counts.accepted
        if not done:
            return {}
        return {name: round(cpu / done * 1e6, 2) for name, cpu in self.cpu.items()}
