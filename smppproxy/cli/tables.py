"""Tables for people: rich at a terminal, one line per row where they are piped."""

from collections.abc import Iterable, Sequence


def print_table(headings: Sequence[str], folded: str, rows: Iterable[Sequence[str]]) -> None:
    """A table of which only the column `folded` gives way where the terminal is narrow."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    for heading in headings:
        if heading == folded:
            table.add_column(heading, min_width=20, overflow="fold")
        else:
            table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False, highlight=False)
    # Where it is piped a row is one line, and nowhere is a name cut.
    console.width = max(console.width, 120) if console.is_terminal else 220
    console.print(table)
