"""Every metric, out of the one table that the program itself has of them."""

from __future__ import annotations

from manual.words import heading, inline, literal
from smppproxy.admin.metric_table import COUNTER, METRICS, PREFIX


def full_name(name: str) -> str:
    """As Prometheus knows it: a counter ends with _total."""
    suffix = "_total" if METRICS[name].kind == COUNTER else ""
    return PREFIX + name + suffix


def lines() -> list[str]:
    """By what they are said of: metrics with the same labels stand together."""
    result: list[str] = []
    for labels in dict.fromkeys(each.labels for each in METRICS.values()):
        said = ", ".join(labels) if labels else "no label"
        result += heading(f"By {said}" if labels else "Of the node, without a label", 1)
        for name, described in METRICS.items():
            if described.labels == labels:
                result += [f".. metric:: {full_name(name)} | {described.kind}", ""]
                result += [f"   {inline(_sentence(described.text))}", ""]
    return result


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def count() -> list[str]:
    """How many there are."""
    return [f"There are {len(METRICS)} of them; all names begin with {literal(PREFIX)}.", ""]
