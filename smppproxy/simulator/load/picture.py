"""A load test as a picture: an SVG with a histogram, and everything over time. Pure.

Written by hand: it needs no library and opens in any browser, light or dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from html import escape
from math import log10
from typing import Any

import attrs

from smppproxy.simulator.load.histogram import Histogram
from smppproxy.simulator.load.result import Result
from smppproxy.simulator.load.series import SLOT, Slot

WIDTH, HEIGHT = 760, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 30, 34, 30
_GAP = 18
_COLOURS = ("#2f7ed8", "#e07b00", "#2e9e6b", "#b0469a", "#8a6d3b", "#5c6bc0")

STYLE = """
svg{background:#fff;font:12px system-ui,sans-serif}
text{fill:#222}.dim{fill:#666}.grid{stroke:#ddd}.axis{stroke:#888}
@media(prefers-color-scheme:dark){svg{background:#16181d}text{fill:#eee}.dim{fill:#aaa}
.grid{stroke:#333}.axis{stroke:#888}}
"""
"""Of pictures that are written by hand: light or dark, as the reader's browser is."""

Points = Sequence[tuple[float, float]]


@attrs.define
class Curve:
    """A named line of points."""

    name: str
    points: Points


def draw(title: str, result: Result) -> str:
    """The whole picture of one load test."""
    slots = result.series.slots
    panels = [
        _histogram(result.responses, result.deliveries),
        _over_time(
            "messages a second",
            slots,
            {
                "answers": lambda slot: slot.answered / SLOT,
                "receipts": lambda slot: slot.receipts / SLOT,
            },
        ),
        _over_time(
            "latency, ms",
            slots,
            {
                "response p50": lambda slot: slot.responses.quantile(0.5),
                "response p99": lambda slot: slot.responses.quantile(0.99),
                "receipt p50": lambda slot: slot.deliveries.quantile(0.5),
                "receipt p99": lambda slot: slot.deliveries.quantile(0.99),
            },
        ),
        _over_time("processor, cores", slots, _cores(slots)),
    ]
    return sheet(title, panels)


def sheet(title: str, panels: Sequence[list[str]]) -> str:
    """Panels below one another, as one SVG document."""
    height = 30 + len(panels) * (HEIGHT + _GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<text x="{_LEFT}" y="22" font-size="13" font-weight="600">{escape(title)}</text>',
    ]
    for place, panel in enumerate(panels):
        lines.append(f'<g transform="translate(0 {30 + place * (HEIGHT + _GAP)})">')
        lines += panel
        lines.append("</g>")
    return "\n".join([*lines, "</svg>\n"])


def _cores(slots: Iterable[Slot]) -> dict[str, Callable[[Slot], float]]:
    names = sorted({name for slot in slots for name in slot.cpu})
    return {name: partial(_used, name) for name in names}


def _used(name: str, slot: Slot) -> float:
    return slot.cpu.get(name, 0.0) / SLOT


def _over_time(
    title: str, slots: Sequence[Slot], kinds: dict[str, Callable[[Slot], float]]
) -> list[str]:
    curves = [
        Curve(name, [(place * SLOT, value(slot)) for place, slot in enumerate(slots)])
        for name, value in kinds.items()
    ]
    end = max(SLOT, (len(slots) - 1) * SLOT)
    most = max((y for curve in curves for _, y in curve.points), default=0.0) or 1.0
    return plot(title, curves, end, most, lambda x: f"{x:g} s")


def _histogram(responses: Histogram, deliveries: Histogram) -> list[str]:
    """Counts by latency on a logarithmic axis, twenty steps for each power of ten."""
    curves = [
        Curve("response", _binned(responses)),
        Curve("receipt", _binned(deliveries)),
    ]
    curves = [curve for curve in curves if curve.points]
    if not curves:
        return plot("messages by latency (nothing came)", [], 1.0, 1.0, lambda x: "")
    start = min(curve.points[0][0] for curve in curves)
    end = max(curve.points[-1][0] for curve in curves)
    most = max(y for curve in curves for _, y in curve.points)
    moved = [
        Curve(curve.name, [(x - start, y) for x, y in curve.points]) for curve in curves
    ]

    def label(x: float) -> str:
        return f"{10 ** (x + start) / 1000:.3g} ms"

    return plot("messages by latency", moved, max(end - start, 0.05), most, label)


def _binned(histogram: Histogram) -> Points:
    bins: dict[int, int] = {}
    for microseconds, count in histogram.steps():
        place = int(20 * log10(max(1, microseconds)))
        bins[place] = bins.get(place, 0) + count
    if not bins:
        return []
    return [(place / 20, bins.get(place, 0)) for place in range(min(bins), max(bins) + 2)]


def plot(
    title: str, curves: Sequence[Curve], end: float, most: float, label: Callable[[float], str]
) -> list[str]:
    """One panel: its grid, its curves, their names. The axes begin at 0."""
    wide, high = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    most = _round_up(most)
    lines = [f'<text x="{_LEFT}" y="14" font-weight="600">{escape(title)}</text>']
    for step in range(5):
        y = _TOP + high - high * step / 4
        lines.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="dim" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
            f"{most * step / 4:,.6g}</text>"
        )
    for step in range(6):
        x = _LEFT + wide * step / 5
        lines.append(
            f'<text class="dim" x="{x:.1f}" y="{HEIGHT - 12}" text-anchor="middle">'
            f"{escape(label(end * step / 5))}</text>"
        )
    at = WIDTH - _RIGHT
    for number, curve in reversed([*enumerate(curves)]):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(
            f"{_LEFT + wide * x / end:.1f},{_TOP + high - high * min(y, most) / most:.1f}"
            for x, y in curve.points
        )
        lines.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{path}"/>'
            f'<text x="{at}" y="14" text-anchor="end" style="fill:{colour}">'
            f"{escape(curve.name)}</text>"
        )
        at -= 8 * len(curve.name) + 12
    return lines


def _round_up(value: float) -> float:
    """1, 2, 4, 5 or 8 times a power of ten, at least the value."""
    power = 10.0 ** int(log10(value) - (value < 1))
    return next((n * power for n in (1, 2, 4, 5, 8, 10) if n * power >= value), value)


def summary(told: dict[str, Any]) -> str:
    """One line for a title."""
    offered = f"{told['offered']:g}/s offered" if told["offered"] else "as fast as it goes"
    return (
        f"{told['binds']} {told['bind']} binds x window {told['window']}, {offered}: "
        f"{told['rate']:,.0f} messages/s"
    )
