"""Rows as a table that a terminal shows and reStructuredText reads."""

from __future__ import annotations

from collections.abc import Sequence


def ruled(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as what stands in them, with rules round the headings and at the end."""
    whole = [headings, *rows]
    widths = [max(len(each[place]) for each in whole) for place in range(len(headings))]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip()
        for each in whole
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])
