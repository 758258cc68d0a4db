"""The rows of several nodes about one thing as one row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smppproxy.admin.catalogue import NO_PLACE, View
from smppproxy.admin.ledgers import ALL
from smppproxy.admin.schemas import Field

Row = dict[str, Any]


def summed(view: View, rows: Iterable[Row]) -> list[Row]:
    """One row for each name, in the order of the first ones: numbers are added, texts that differ
    stand beside each other."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(str(row[view.names[0]]), []).append(row)
    return [
        {column.name: _together(column, _rows(column, group)) for column in view.columns}
        | {"node": ALL}
        for group in groups.values()
    ]


def _rows(column: Field, group: list[Row]) -> list[Any]:
    """The values of a column; where some nodes have no place, those that have one say how it is."""
    if column.name in OF_THE_PLACED:
        group = [row for row in group if row.get("state") != NO_PLACE] or group
    return [row[column.name] for row in group]


def _together(column: Field, values: list[Any]) -> Any:
    if column.name in SAME:
        return values[0]
    if column.nullable:
        values = [value for value in values if value is not None]
        if not values:
            return None
    if column.kind == "integer":
        return sum(values)
    if column.kind == "number":
        return round(sum(values), 2)
    if column.kind == "boolean":
        return all(values)
    if column.kind == "object":
        return _counts(values)
    if column.name == "binds":
        return _bound(values)
    if column.name == "state" and len({*values}) > 1 and SOME.issuperset(values):
        return "partly"
    return "; ".join(dict.fromkeys(value for value in values if value))


OF_THE_PLACED = frozenset({"state", "why"})
SOME = frozenset({"up", "partly", "down"})
"""States which, together, are partly."""

SAME = frozenset({"max_binds", "tps"})
"""What is a limit of all nodes together and the same in each row."""


def _counts(values: list[dict[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for counts in values:
        for name, count in counts.items():
            found[name] = found.get(name, 0) + count
    return found


def _bound(values: list[str]) -> str:
    """``2/2`` and ``1/2`` are ``3/4``."""
    pairs = [value.split("/") for value in values]
    return f"{sum(int(bound) for bound, _ in pairs)}/{sum(int(known) for _, known in pairs)}"
