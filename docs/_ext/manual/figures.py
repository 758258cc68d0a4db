"""What was measured: one file, docs/figures.json, from which pages take every number."""

from __future__ import annotations

import json
from functools import cache
from math import ceil
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
    return f"{measured()['figures'][name]['value']:,}"


def lines() -> list[str]:
    """All of them, with what they mean."""
    rows = (
        (inline(each["what"]), f"{value(name)} {each.get('unit', '')}".rstrip())
        for name, each in measured()["figures"].items()
    )
    return [f"{inline(measured()['where'])}", "", *table(("figure", "measured"), rows, "5 3")]


RATES = (1_000, 10_000, 100_000)
LOAD = 0.6
"""How busy a processor may be on average: the rest is for bursts, and for the work of a neighbour
that is away."""
HOUR = 3600


def sizes() -> list[str]:
    """What each rate needs, reckoned from the figures."""
    heads = ("messages per second", *(f"{rate:,}" for rate in RATES))
    return table(heads, [(what, *map(reckon, RATES)) for what, reckon in _NEEDS], "4 2 2 2")


def number(name: str) -> float:
    """A figure to reckon with."""
    return float(measured()["figures"][name]["value"])


def cores(rate: int, name: str) -> float:
    """Processors that are busy all the time with what one message costs."""
    return rate * number(name) / 1e6


def needed(rate: int, name: str) -> int:
    """Processors, or processes that use one each, that are busy no more than they should be."""
    return ceil(cores(rate, name) / LOAD)


def binds(rate: int, answer: float, window: int) -> int:
    """Binds to providers, of a window, that answer after so many seconds."""
    return ceil(rate * answer / window)


def maps_gigabytes(rate: int, seconds: int) -> str:
    """Memory for the ways back that are kept so long after a final receipt."""
    return f"{rate * seconds * number('map-memory') / 1e9:,.1f} GB"


def one_store() -> list[str]:
    """Where one server ends."""
    most = 1e6 / number("store-us")
    return [
        f"At {value('store-us')} us of its one thread per message a server is full at"
        f" {most:,.0f} messages per second, and should be planned for {most * LOAD:,.0f}.",
        "",
    ]


_NEEDS = (
    ("processor of the nodes, cores", lambda rate: f"{cores(rate, 'node-us'):.2g}"),
    ("... so many workers or nodes", lambda rate: f"{needed(rate, 'node-us')}"),
    ("processor of the message logs, cores", lambda rate: f"{cores(rate, 'log-us'):.2g}"),
    ("processor of the stores, cores", lambda rate: f"{cores(rate, 'store-us'):.2g}"),
    ("... so many stores", lambda rate: f"{needed(rate, 'store-us')}"),
    ("operations of the stores per second",
     lambda rate: f"{rate * number('store-commands'):,.0f}"),
    ("written by the stores, and sent to each replica",
     lambda rate: f"{rate * number('store-written') / 1e6:,.1f} MB/s"),
    ("memory of the stores, ``final_ttl`` of 12 h", lambda rate: maps_gigabytes(rate, 12 * HOUR)),
    ("... of 1 h", lambda rate: maps_gigabytes(rate, HOUR)),
    ("binds to providers: window 10, answers after 50 ms",
     lambda rate: f"{binds(rate, 0.05, 10):,}"),
    ("... window 50, answers after 200 ms", lambda rate: f"{binds(rate, 0.2, 50):,}"),
)  # fmt: skip
