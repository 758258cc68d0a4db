"""The run as a picture: memory, descriptors, timers and queues of each node over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.soak.growth import Sample, thinned

WIDTH, LEFT, BAND, GAP = 1000, 120, 110, 26
COLOURS = ("#1565c0", "#ef6c00", "#2e7d32", "#6a1b9a")
SHOWN = {
    "rss": "MiB of memory",
    "blocks": "pieces of memory",
    "fds": "descriptors",
    "timers": "timers",
    "queued": "queued",
}


def picture(samples: Mapping[str, Sequence[Sample]], warm: float) -> str:
    """An SVG; ``samples`` by node. What comes before ``warm`` seconds is grey."""
    end = max((each.at for told in samples.values() for each in told), default=1.0)
    scale = (WIDTH - LEFT) / end
    height = (BAND + GAP) * len(SHOWN) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<rect x="{LEFT}" width="{warm * scale:.1f}" height="{height - GAP}" fill="#eeeeee"/>',
    ]
    for row, (name, title) in enumerate(SHOWN.items()):
        parts += _band(samples, name, title, row * (BAND + GAP) + GAP // 2, scale)
    for place, node in enumerate(samples):
        x, colour = LEFT + 90 * place, COLOURS[place % len(COLOURS)]
        parts.append(f'<text x="{x}" y="{height - 6}" fill="{colour}">{node}</text>')
    parts.append(f'<text x="{WIDTH - 60}" y="{height - 6}">{end:.0f} s</text></svg>')
    return "\n".join(parts) + "\n"


def _band(
    samples: Mapping[str, Sequence[Sample]], name: str, title: str, top: int, scale: float
) -> list[str]:
    values = [getattr(each, name) for told in samples.values() for each in told] or [0.0]
    low, high = min(values), max(max(values), min(values) + 1.0)
    parts = [
        f'<text x="4" y="{top + 10}">{title}</text>',
        f'<text x="4" y="{top + 26}">{low:.1f} to {high:.1f}</text>',
    ]
    for colour, told in zip(COLOURS, samples.values(), strict=False):
        line = " ".join(
            f"{LEFT + at * scale:.1f},{top + BAND * (1 - (value - low) / (high - low)):.1f}"
            for at, value in thinned([(each.at, getattr(each, name)) for each in told])
        )
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}"/>')
    return parts
