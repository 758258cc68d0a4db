"""`smppproxy export cdr` and `smppproxy report`: what the traffic was, for those who bill it."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smppproxy.cli.door import CONFIG, Door, Misled, options
from smppproxy.cli.tables import print_table

if TYPE_CHECKING:
    from smppproxy.admin.message_log.cdr import Reading, Record

    _Type = click.ParamType[datetime]
else:
    _Type = click.ParamType

AT_ONCE = 10_000
"""Rows of a Parquet file that are kept in memory."""

_AGO = re.compile(r"(\d+)([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Moment(_Type):
    """A time: `2026-11-23`, `2026-11-23T14:00:00Z` (UTC without an offset), or `90m`, `2h`, `7d`
    ago.
    """

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """The moment, with its zone."""
        if isinstance(value, datetime):
            return value
        ago = _AGO.fullmatch(value)
        try:
            if ago is not None:
                return now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            found = datetime.fromisoformat(value)
        except (ValueError, OverflowError):
            self.fail(f"{value} is no time; write 2026-11-23, 2026-11-23T14:00:00Z or 2h", param)
        return found.replace(tzinfo=found.tzinfo or UTC)


def now() -> datetime:
    """This moment."""
    import time

    return datetime.fromtimestamp(time.time(), UTC)


@click.group()
def export() -> None:
    """Write what the message log has into files for other programs.

    \b
    smppproxy export cdr --since 7d --output week.csv
    """


@export.command()
@click.option("-c", "--config", default=CONFIG, show_default=True, metavar="FILE",
              envvar="SMPPPROXY_CONFIG",
              help="The node file, which says where its log is.")  # fmt: skip
@click.option("--folder", "folders", multiple=True, metavar="FOLDER",
              help="A message log's folder instead; several for several nodes.")  # fmt: skip
@click.option("--since", type=Moment(), default="1d", show_default=True, help="Submitted from...")
@click.option("--until", type=Moment(), default=None, help="... until before.  [default: now]")
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default=None,
              help="Default: parquet for a FILE that is called .parquet, else csv.")  # fmt: skip
@click.option("-o", "--output", metavar="FILE", default="-",
              help="Default: standard output, for csv.")  # fmt: skip
def cdr(
    config: str,
    folders: tuple[str, ...],
    since: datetime,
    until: datetime | None,
    form: str | None,
    output: str,
) -> None:
    """One row per message that was submitted in a range of time.

    It says who sent it where and when, who took it, what became of it and how long each step took.
    Accounts with message_log = "off" are not in it.

    \b
    smppproxy export cdr --since 2026-11-01 --until 2026-12-01 --output november.csv
    smppproxy export cdr --since 2h --output last.parquet
    """
    from smppproxy.admin.message_log.cdr import Reading

    if until is None:
        until = now()
    if since >= until:
        raise click.UsageError(f"--since {since:%FT%TZ} is not before --until {until:%FT%TZ}")
    form = form or ("parquet" if output.endswith(".parquet") else "csv")
    if form == "parquet" and output == "-":
        raise click.UsageError("a Parquet file needs --output FILE")
    write = _writer(form)
    for folder in folders:
        if not Path(folder).is_dir():
            raise click.ClickException(f"there is no folder {folder}")
    reading = Reading(folders or (folder_of(config),), since, until)
    try:
        count = write(_shown(reading), output)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None
    _tell(reading, count, since, until)


def folder_of(config: str) -> str:
    """Where the message log of a node lies."""
    from smppproxy.config import ConfigError, load_node

    try:
        folder = load_node(config).message_log.folder
    except ConfigError as error:
        raise Misled(str(error)) from None
    if not folder:
        raise Misled(f"{config} has no message log: write its folder below [message_log]")
    return folder


def _tell(reading: Reading, count: int, since: datetime, until: datetime) -> None:
    span = f"from {since:%FT%TZ} until {until:%FT%TZ}"
    if not count:
        click.echo(f"no messages {span}", err=True)
    else:
        click.echo(f"{count} messages {span}", err=True)
    if reading.unreadable:
        click.echo(f"{reading.unreadable} lines could not be read", err=True)


def _shown(reading: Reading) -> Iterator[Record]:
    """The records, with a progress bar while somebody looks."""
    from rich.console import Console
    from rich.progress import Progress

    sizes = {file.path: _size(file.path) for file in reading.files}
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading the message log", total=sum(sizes.values()) or 1)
        yield from reading.records(lambda file: bar.advance(task, sizes[file.path]))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _writer(form: str) -> Callable[[Iterator[Record], str], int]:
    if form == "csv":
        return write_csv
    try:
        import pyarrow.parquet  # noqa: F401 - asked for before hours of reading
    except ImportError:
        raise click.ClickException(
            "Parquet needs the package pyarrow: pip install 'smppproxy[reports]'"
        ) from None
    return write_parquet


def write_csv(records: Iterator[Record], output: str) -> int:
    """Rows of text with a heading; how many."""
    import attrs

    from smppproxy.admin.message_log.cdr import COLUMNS

    count = 0
    with click.open_file(output, "w", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for record in records:
            rows.writerow(_text(value) for value in attrs.astuple(record))
            count += 1
    return count


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def write_parquet(records: Iterator[Record], output: str) -> int:
    """A Parquet file with the types of a record; how many rows."""
    import attrs
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    from smppproxy.admin.message_log.cdr import COLUMNS, Record

    times, seconds = pa.timestamp("ms", tz="UTC"), pa.float64()
    types = {"datetime | None": times, "float | None": seconds, "int": pa.int32()}
    fields = attrs.fields(Record)
    schema = pa.schema([(each.name, types.get(str(each.type), pa.string())) for each in fields])
    count = 0
    rows: list[dict[str, Any]] = []
    with ParquetWriter(output, schema) as file:
        for record in records:
            rows.append(dict(zip(COLUMNS, attrs.astuple(record), strict=True)))
            count += 1
            if len(rows) >= AT_ONCE:
                file.write_table(pa.Table.from_pylist(rows, schema))
                rows.clear()
        file.write_table(pa.Table.from_pylist(rows, schema))
    return count


GROUPS = ("hour", "account", "provider", "country", "result")
"""What the traffic is counted by."""


def counted(rows: Iterable[dict[str, Any]], groups: Sequence[str]) -> list[dict[str, Any]]:
    """Rows summed by some of their columns; in time's order, or the most first."""
    sums: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        sums[tuple(row[each] for each in groups)] += row["count"]
    found = sorted(sums.items()) if "hour" in groups else sums.most_common()
    return [{**dict(zip(groups, values, strict=True)), "count": count} for values, count in found]


@click.command()
@click.option("--since", type=Moment(), default="1d", show_default=True, help="Hours from...")
@click.option("--until", type=Moment(), default=None, help="... until before.  [default: now]")
@click.option("--account", default="", metavar="NAME", help="Only this account.")
@click.option("--provider", default="", metavar="NAME", help="Only this provider.")
@click.option("--by", multiple=True, type=click.Choice(GROUPS),
              help="Counted by this only; several for more.  [default: all of them]")  # fmt: skip
@click.option("--csv", "as_csv", is_flag=True, help="CSV instead of a table.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
@options
def report(
    door: Door,
    since: datetime,
    until: datetime | None,
    account: str,
    provider: str,
    by: tuple[str, ...],
    as_csv: bool,
    as_json: bool,
) -> None:
    """The traffic by hour, account, provider, country and result, of up to 31 days.

    A result is the command_status that a message was answered with, or the state of its final
    receipt; each counts in the hour in which it happened. All nodes of the store are in it.

    \b
    smppproxy report --since 7d --account shop
    smppproxy report --since 31d --by account --by result
    smppproxy report --since 2026-11-01 --until 2026-12-01 --csv > november.csv
    """
    until = until or now()
    answer = door.get(
        "/report",
        since=since.isoformat(),
        until=until.isoformat(),
        account=account or None,
        provider=provider or None,
    )
    groups = [each for each in GROUPS if each in (by or GROUPS)]
    rows = counted(answer["rows"], groups) if by else answer["rows"]
    columns = (*groups, "count")
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    elif as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(columns)
        writer.writerows([row[column] for column in columns] for row in rows)
    elif rows:
        shown = [tuple(str(row[column]) for column in columns) for row in rows]
        print_table(columns, groups[-1], shown)
    if not rows:
        click.echo(f"no traffic from {since:%FT%TZ} until {until:%FT%TZ}", err=True)
    if answer["note"]:
        click.echo(answer["note"], err=True)
