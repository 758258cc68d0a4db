"""The comparison as a picture: bars on a logarithmic axis, one for each system. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10

from smppproxy.simulator.load.picture import HEIGHT, WIDTH, sheet
from tests.bench.peers.reckoning import US, Comparison, Round, middle

_LEFT, _RIGHT, _TOP = 220, 90, 34
_COLOURS = {True: "#2f7ed8", False: "#8a8f98"}


def draw(title: str, comparisons: Sequence[Comparison]) -> str:
    """Full cycles per CPU-second, and per second; medians over the rounds, on logarithmic axes."""
    measured = [each for each in comparisons if each.pairs]
    systems: list[tuple[str, Sequence[Round]]] = []
    if measured:
        systems.append((US, [ours for each in measured for ours in each.ours]))
    systems += [(each.what, each.theirs) for each in measured]
    panels = [
        bars(head, [(what, middle(rounds, figure)) for what, rounds in systems])
        for head, figure in (
            ("full cycles per CPU-second of all processes (logarithmic)", "per_cpu_second"),
            ("full cycles a second (logarithmic)", "rate"),
        )
    ]
    return sheet(title, panels)


def bars(title: str, values: Sequence[tuple[str, float]]) -> list[str]:
    """One panel. A system that finished nothing has a name and no bar."""
    present = [value for _, value in values if value > 0]
    low = floor(log10(min(present))) if present else 0
    high = max(low + 1, ceil(log10(max(present)))) if present else 1
    wide = WIDTH - _LEFT - _RIGHT
    lines = [f'<text x="16" y="14" font-weight="600">{escape(title)}</text>']
    bottom = HEIGHT - 30
    for power in range(low, high + 1):
        x = _LEFT + wide * (power - low) / (high - low)
        lines.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{bottom}"/>'
            f'<text class="dim" x="{x:.1f}" y="{HEIGHT - 12}" text-anchor="middle">'
            f"{10**power:,.6g}</text>"
        )
    step = (bottom - _TOP) / max(1, len(values))
    for place, (what, value) in enumerate(values):
        y = _TOP + step * place
        middle_y = y + step / 2 + 4
        length = wide * (log10(value) - low) / (high - low) if value > 0 else 0.0
        lines.append(
            f'<text x="{_LEFT - 8}" y="{middle_y:.1f}" text-anchor="end">{escape(what)}</text>'
            f'<rect x="{_LEFT}" y="{y + step * 0.15:.1f}" width="{max(0.0, length):.1f}" '
            f'height="{step * 0.7:.1f}" fill="{_COLOURS[what == US]}"/>'
            f'<text x="{_LEFT + length + 6:.1f}" y="{middle_y:.1f}">{value:,.0f}</text>'
        )
    return lines
