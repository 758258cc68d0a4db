"""Tables for people: rich at a terminal, one line per row where they are piped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from smppproxy.admin.catalogue import View
    from smppproxy.admin.schemas import Field

PIPED = 220
"""Characters of a line that nobody's terminal breaks."""

GIVE_WAY = frozenset({"why", "last_error", "trouble", "match", "targets", "options", "value"})
"""Columns whose texts may be long."""

GOOD = frozenset({"up", "bound", "bound_trx", "bound_tx", "bound_rx", "sent", "accepted"})
BAD = frozenset({"down", "stopped", "silent", "store away", "store crowded", "in doubt", "refused"})
FINAL = {"DELIVRD": "green", "UNDELIV": "red", "REJECTD": "red", "EXPIRED": "red"}
"""States of messages, in receipts."""

NO_LIMIT = "0: no limit"
"""In the help of a column whose 0 is not a number."""


def console() -> Console:
    """Where tables are printed."""
    from rich.console import Console

    made = Console(markup=False, highlight=False)
    if not made.is_terminal:
        made.width = PIPED
    return made


def print_table(headings: Sequence[str], folded: str, rows: Iterable[Sequence[str]]) -> None:
    """A table of which only the column `folded` gives way where the terminal is narrow."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    for heading in headings:
        if heading == folded:
            table.add_column(heading, min_width=20, overflow="fold")
        else:
            table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    there = console()
    # Nowhere is a name cut.
    there.width = max(there.width, 120)
    there.print(table)


def table_of(
    view: View, rows: Sequence[dict[str, Any]], wide: bool = False, plain: bool = False
) -> Table:
    """The rows of a view as a table; the column of the nodes only where there are several.

    :param plain: nothing but a line of headings and a line for each row.
    """
    from rich import box
    from rich.table import Table

    nodes = {row.get("node") for row in rows}
    columns = [
        column
        for column in view.columns
        if (wide or not column.wide)
        and (column.name != "node" or len(nodes) > 1 or view.name == "nodes")
        and (plain or not _is_empty(column, rows))
    ]
    shape = None if plain else box.SIMPLE_HEAD
    table = Table(box=shape, pad_edge=False, padding=(0, 1, 0, 0))
    if view.upright:
        _upright(table, columns, rows)
        return table
    for column in columns:
        heading = column.name.replace("_", " ")
        table.add_column(
            heading,
            justify="right" if column.kind in ("integer", "number") else "left",
            overflow="fold",
            min_width=_least(column, heading, rows),
        )
    for row in rows:
        table.add_row(*(_shown(column, row.get(column.name), plain) for column in columns))
    return table


def _is_empty(column: Field, rows: Sequence[dict[str, Any]]) -> bool:
    """Whether a column of text, such as what went wrong, has nothing to tell."""
    return column.kind in ("string", "object") and not any(row.get(column.name) for row in rows)


def _least(column: Field, heading: str, rows: Sequence[dict[str, Any]]) -> int:
    """A column is not narrower than a word of its heading; only long texts give way."""
    least = max(map(len, heading.split()))
    if column.name in GIVE_WAY:
        return max(least, 20)
    cells = (_shown(column, row.get(column.name), False) for row in rows)
    return max([least, *(len(str(each)) for each in cells)])


def print_rows(there: Console, table: Table) -> None:
    """A table that is wider than the terminal is broken by it, not squeezed."""
    there.print(table, crop=False)


def _upright(table: Table, columns: Sequence[Field], rows: Sequence[dict[str, Any]]) -> None:
    """Each row as a column."""
    table.add_column("")
    for row in rows:
        table.add_column(str(row.get("node", "")), justify="right")
    for column in columns:
        if column.name == "node":
            continue
        values = [row[column.name] for row in rows]
        cells = [cell(column, value) for value in values]
        table.add_row(column.name.replace("_", " "), *cells)


def _shown(column: Field, value: Any, plain: bool) -> Any:
    """A value in a table: a word instead of a number only where people read it."""
    if not plain and value == 0 and NO_LIMIT in column.help:
        return "no limit"
    return cell(column, value)


def cell(column: Field, value: Any) -> Any:
    """One value as people read it; colours where they say something."""
    from rich.text import Text

    if column.kind == "boolean":
        return Text("yes" if value else "no", _flag_style(column.name, bool(value)))
    if isinstance(value, dict):
        return " ".join(f"{name}={count}" for name, count in value.items())
    if column.name in ("for", "uptime", "age") and isinstance(value, int | float):
        return lasting(value)
    text = "" if value is None else str(value)
    if column.name in ("state", "admin"):
        return Text(text, _state_style(text))
    if column.name == "last_error":
        return Text(text, "yellow")
    return text


def _flag_style(name: str, value: bool) -> str:
    if name == "alarm":
        return "bold red" if value else ""
    if name == "balanced":
        return "green" if value else "bold red"
    return ""


def _state_style(state: str) -> str:
    if state in GOOD:
        return "green"
    if state in FINAL:
        return FINAL[state]
    return "bold red" if state in BAD else "yellow"


def lasting(seconds: float) -> str:
    """``3.2 s``, ``4m07s``, ``2h05m`` or ``3d04h``."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02}m"
    return f"{hours // 24}d{hours % 24:02}h"
