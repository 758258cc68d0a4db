"""Every event of the log, out of the one table that the program has of them."""

from __future__ import annotations

from manual.words import inline
from smppproxy.admin.event_table import EVENTS


def lines() -> list[str]:
    """Each with what it means, in the order of the table: what belongs together stands together."""
    result: list[str] = []
    for name, text in EVENTS.items():
        result += [f".. event:: {name}", "", f"   {inline(text[0].upper() + text[1:])}.", ""]
    return result
