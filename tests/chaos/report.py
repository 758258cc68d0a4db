"""What a run leaves behind: a JSON object, and a picture of what happened when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from smppproxy.simulator.load.picture import STYLE
from tests.chaos.faults import Happened

WIDTH, LEFT, RIGHT, TOP, ROW, CURVE = 1200, 130, 60, 40, 18, 120
COLOURS = {"kill": "#d33f3f", "stop": "#e07b00", "pause": "#e07b00", "crash": "#9a5bc4"}
OTHERS = "#2f7ed8"

Samples = Sequence[tuple[float, int]]
"""Seconds since the beginning, and messages that had their receipt by then."""


def rates(samples: Samples) -> list[tuple[float, float]]:
    """Messages a second between two samples, at the later one."""
    return [
        (later, (after - before) / (later - earlier))
        for (earlier, before), (later, after) in zip(samples, samples[1:], strict=False)
        if later > earlier
    ]


def summary(report: Mapping[str, Any]) -> str:
    """One line for a title."""
    kills = sum(report.get("kills", {}).values())
    verdict = "every promise kept" if not report["complaints"] else "a promise broken"
    return (
        f"{kills:,} SIGKILLs among {report.get('faults', 0):,} faults, "
        f"{report['accepted']:,} messages OK, "
        f"{report['accepted without a receipt']:,} of them without a receipt: {verdict}"
    )


def picture(title: str, story: Sequence[Happened], samples: Samples, seconds: float) -> str:
    """An SVG: a row for each kind of fault, and below them the receipts a second."""
    by_name: dict[str, list[Happened]] = {}
    for one in story:
        by_name.setdefault(one.name, []).append(one)
    rows = TOP + ROW * len(by_name)
    bottom = rows + ROW + CURVE
    scale = (WIDTH - LEFT - RIGHT) / max(seconds, 1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 24}" '
        f'width="{WIDTH}" height="{bottom + 24}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<text x="4" y="20" font-size="14" font-weight="600">{escape(title)}</text>',
        *_grid(seconds, scale, bottom),
    ]
    for row, name in enumerate(sorted(by_name)):
        y = TOP + ROW * row
        parts.append(
            f'<text x="4" y="{y + 13}">{escape(name)}</text>'
            f'<text class="dim" x="{WIDTH - 4}" y="{y + 13}" text-anchor="end">'
            f"{len(by_name[name])}</text>"
        )
        parts += [_bar(one, y, scale) for one in by_name[name]]
    parts += [_curve(rates(samples), rows + ROW, scale), "</svg>"]
    return "\n".join(parts) + "\n"


def _grid(seconds: float, scale: float, bottom: int) -> list[str]:
    """A line for each minute, or for as many as there is room for."""
    step = next((n for n in (10, 30, 60, 120, 300, 600, 1800) if seconds / n <= 16), 3600)
    lines = []
    for at in range(0, int(seconds) + 1, step):
        x = LEFT + at * scale
        told = f"{at // 60} min" if step >= 60 else f"{at} s"
        lines.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
            f'<text class="dim" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{told}</text>'
        )
    return lines


def _bar(one: Happened, y: int, scale: float) -> str:
    wide = max(2.0, (max(one.end, one.begin) - one.begin) * scale)
    colour = COLOURS.get(one.name.partition("_")[0], OTHERS)
    title = escape(f"{one.begin:.1f} s: {one.name} {one.victim} {one.error}")
    return (
        f'<rect x="{LEFT + one.begin * scale:.1f}" y="{y + 3}" width="{wide:.1f}" '
        f'height="{ROW - 6}" fill="{colour}"><title>{title}</title></rect>'
    )


def _curve(points: Sequence[tuple[float, float]], top: int, scale: float) -> str:
    """Receipts a second, between 0 and the most that there were."""
    most = max((rate for _, rate in points), default=0.0) or 1.0
    line = " ".join(
        f"{LEFT + at * scale:.1f},{top + CURVE * (1 - max(rate, 0.0) / most):.1f}"
        for at, rate in points
    )
    marks = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        f'<text class="dim" x="{WIDTH - 4}" y="{y + 4}" text-anchor="end">{number:,.0f}</text>'
        for y, number in ((top, most), (top + CURVE // 2, most / 2), (top + CURVE, 0.0))
    ]
    return (
        f'<text x="4" y="{top + 4}">receipts a second</text>{"".join(marks)}'
        f'<polyline points="{line}" fill="none" stroke="#2e9e6b" stroke-width="1.4"/>'
    )
