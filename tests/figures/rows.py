"""What is measured, and the aims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from smppproxy.simulator.histories import percentile

LONGEST = 1.0
"""As a share: the greatest of all samples."""


@attrs.define
class Row:
    """One line of the table.

    :ivar unit: of samples and aims, as ``ms``.
    :ivar aims: share of the samples -> the most that they may be.
    """

    text: str
    unit: str
    aims: Mapping[float, float]


ROWS: dict[str, Row] = {
    "rst": Row("host reset to first OK of a message submitted since", "ms", {0.5: 50, 0.99: 1000}),
    "rst_in_flight": Row(
        "host reset to the OK of the last message it had", "ms", {0.5: 50, 0.99: 1000}
    ),
    "blackhole_busy": Row("host silent under traffic, until given up", "s", {0.99: 10.5}),
    "blackhole_wait": Row("... longest that one of its messages waited", "s", {0.99: 10.5}),
    "blackhole_idle": Row("host silent without traffic, until given up", "s", {0.99: 41}),
    "store": Row("store answers again to first OK", "ms", {0.99: 1000}),
    "sentinel": Row("master killed to first OK", "s", {LONGEST: 5}),
    "down": Row("nobody upstream: answer", "ms", {0.99: 50}),
    "idle_plain": Row("idle bind, plain", "KiB", {LONGEST: 12}),
    "idle_tls": Row("idle bind, TLS", "KiB", {LONGEST: 80}),
    "busy_alone": Row("a busy client's OK, alone", "ms", {}),
    "busy_beside": Row("a busy client's OK, beside the idle binds", "ms", {}),
    "busy_more": Row("... its p99 less that of the worst of four runs alone", "ms", {LONGEST: 2}),
    "busy_usual": Row("... by how much its usual p99 grew beside them", "ms", {LONGEST: 2}),
    "stalls": Row("reactor late under all faults", "ms", {0.999: 50, LONGEST: 200}),
}

Samples = Mapping[str, Sequence[float]]
"""By the name of a row."""


def word(share: float) -> str:
    """``p99``, ``max``."""
    return "max" if share == LONGEST else f"p{100 * share:g}"


@attrs.define
class Figure:
    """One row, measured."""

    name: str
    row: Row
    samples: Sequence[float]

    def at(self, share: float) -> float:
        """What this share of the samples does not exceed."""
        return percentile(self.samples, share)

    @property
    def is_kept(self) -> bool:
        """Whether every aim is reached."""
        return bool(self.samples) and all(
            self.at(share) <= aim for share, aim in self.row.aims.items()
        )

    def told(self) -> dict[str, object]:
        """For JSON."""
        shares = sorted({0.5, 0.99, LONGEST, *self.row.aims})
        return {
            "what": self.row.text,
            "unit": self.row.unit,
            "samples": len(self.samples),
            **{word(share): round(self.at(share), 3) for share in shares},
            "aims": {word(share): aim for share, aim in self.row.aims.items()},
            "kept": self.is_kept,
        }


def table(figures: Sequence[Figure], commands: Mapping[str, str]) -> str:
    """Lines for people; ``commands`` by the name of a row."""
    lines = [("what", "n", "figure", "aim", "", "command")]
    for one in figures:
        shares = sorted(one.row.aims) or [0.5, 0.99]
        unit = one.row.unit
        lines.append(
            (
                one.row.text,
                str(len(one.samples)),
                ", ".join(f"{word(share)} {one.at(share):.4g} {unit}" for share in shares),
                ", ".join(f"{word(share)} {aim:g}" for share, aim in one.row.aims.items()) or "-",
                "" if one.is_kept else "MISSED",
                commands[one.name],
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
