"""What was measured: one file, docs/figures.json, from which pages take every number."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from manual.words import inline, table

FILE = Path(__file__).resolve().parents[2] / "figures.json"


@cache
def measured() -> dict[str, Any]:
    """The file."""
    loaded: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return loaded


def value(name: str) -> str:
    """One figure as a reader wants to see it.

    :raises KeyError: there is none of that name.
    """
    number = measured()["figures"][name]["value"]
    return f"{number:,}" if isinstance(number, int | float) else str(number)


def lines() -> list[str]:
    """All of them, with what they mean."""
    rows = (
        (inline(each["what"]), f"{value(name)} {each.get('unit', '')}".rstrip())
        for name, each in measured()["figures"].items()
    )
    return [f"{inline(measured()['where'])}", "", *table(("figure", "measured"), rows, "4 2")]
