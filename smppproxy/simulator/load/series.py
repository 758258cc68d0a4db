"""A load test over time: counts, latencies and processor time of each half second. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from smppproxy.simulator.load.histogram import Histogram

#: Seconds of one slot.
SLOT = 0.5


@attrs.define
class Slot:
    """What happened in one slot.

    :ivar cpu: processor seconds by name: ``load``, and the processes that were asked for.
    """

    submitted: int = 0
    answered: int = 0
    receipts: int = 0
    responses: Histogram = attrs.field(factory=Histogram)
    deliveries: Histogram = attrs.field(factory=Histogram)
    cpu: dict[str, float] = attrs.field(factory=dict)


class Series:
    """Slots since the first message was due."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []

    def at(self, seconds: float) -> Slot:
        """The slot of a moment, counted from the start; what came before it is in the first."""
        place = max(0, int(seconds / SLOT))
        while len(self.slots) <= place:
            self.slots.append(Slot())
        return self.slots[place]

    def used(self, seconds: float, name: str, cpu: float) -> None:
        """Add processor seconds to a slot."""
        slot = self.at(seconds)
        slot.cpu[name] = slot.cpu.get(name, 0.0) + cpu

    def told(self) -> list[dict[str, Any]]:
        """As JSON: rates a second, milliseconds, and processor seconds a second."""
        return [
            {
                "at": round(place * SLOT, 1),
                "submitted": round(slot.submitted / SLOT),
                "answered": round(slot.answered / SLOT),
                "receipts": round(slot.receipts / SLOT),
                "response_ms": quantiles(slot.responses),
                "receipt_ms": quantiles(slot.deliveries),
                "cpu": {name: round(cpu / SLOT, 3) for name, cpu in sorted(slot.cpu.items())},
            }
            for place, slot in enumerate(self.slots)
        ]


#: What is told of a latency.
QUANTILES: Mapping[str, float] = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


def quantiles(histogram: Histogram) -> dict[str, float]:
    """p50, p90, p99, p99.9 and max in milliseconds; empty without any."""
    if not histogram.counts:
        return {}
    told = {name: round(histogram.quantile(part), 3) for name, part in QUANTILES.items()}
    return {**told, "max": round(histogram.most / 1000, 3)}
