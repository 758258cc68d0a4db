"""What a run leaves behind: a JSON object, and a picture of what happened when."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tests.chaos.faults import Happened

WIDTH, LEFT, ROW, CURVE = 1200, 130, 18, 120
COLOURS = {"kill": "#c62828", "stop": "#ef6c00", "pause": "#ef6c00", "crash": "#6a1b9a"}

Samples = Sequence[tuple[float, int]]
"""Seconds since the beginning, and messages that had their receipt by then."""


def rates(samples: Samples) -> list[tuple[float, float]]:
    """Messages a second between two samples, at the later one."""
    return [
        (later, (after - before) / (later - earlier))
        for (earlier, before), (later, after) in zip(samples, samples[1:], strict=False)
        if later > earlier
    ]


def picture(story: Sequence[Happened], samples: Samples, seconds: float) -> str:
    """An SVG: a row for each kind of fault, and below them the messages a second."""
    names = sorted({one.name for one in story})
    bottom = ROW * (len(names) + 1) + CURVE
    scale = (WIDTH - LEFT) / max(seconds, 1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + ROW}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for row, name in enumerate(names):
        parts.append(f'<text x="4" y="{ROW * row + 13}">{escape(name)}</text>')
        for one in (each for each in story if each.name == name):
            parts.append(_bar(one, row, scale))
    parts.append(_curve(rates(samples), bottom, scale))
    parts.append(f'<text x="{LEFT}" y="{bottom + 14}">0 s</text>')
    parts.append(f'<text x="{WIDTH - 60}" y="{bottom + 14}">{seconds:.0f} s</text></svg>')
    return "\n".join(parts) + "\n"


def _bar(one: Happened, row: int, scale: float) -> str:
    wide = max(2.0, (max(one.end, one.begin) - one.begin) * scale)
    colour = COLOURS.get(one.name.partition("_")[0], "#1565c0")
    title = escape(f"{one.begin:.1f} s: {one.name} {one.victim} {one.error}")
    return (
        f'<rect x="{LEFT + one.begin * scale:.1f}" y="{ROW * row + 3}" width="{wide:.1f}" '
        f'height="{ROW - 6}" fill="{colour}"><title>{title}</title></rect>'
    )


def _curve(points: Sequence[tuple[float, float]], bottom: int, scale: float) -> str:
    most = max((rate for _, rate in points), default=0.0) or 1.0
    line = " ".join(
        f"{LEFT + at * scale:.1f},{bottom - max(rate, 0.0) / most * (CURVE - ROW):.1f}"
        for at, rate in points
    )
    label = f'<text x="4" y="{bottom}">receipts/s, up to {most:.0f}</text>'
    return f'<polyline points="{line}" fill="none" stroke="#2e7d32"/>{label}'
