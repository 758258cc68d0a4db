"""`smppproxy load`: many clients at once, and what it was like for them."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from smppproxy.simulator.load.plan import LoadOptions
    from smppproxy.simulator.load.result import Result
    from smppproxy.simulator.load.run import Moment


BINDS = ("transceiver", "transmitter+receiver", "transmitter")


@click.command()
@click.option("--host", "address", default="127.0.0.1", show_default=True, help="The server.")
@click.option("--port", default=2775, show_default=True, type=click.IntRange(1, 65535))
@click.option("--tls", is_flag=True, help="With TLS; chain and name are checked.")
@click.option("--ca", default="", metavar="FILE", help="Trust these authorities (PEM).")
@click.option("--insecure", is_flag=True, help="Trust any certificate.")
@click.option("--system-id", default="demo", show_default=True)
@click.option("--password", default="demo", show_default=True, metavar="TEXT|env:NAME|file:PATH",
              help="Other users of this machine can read a command line.")  # fmt: skip
@click.option("--binds", default=4, show_default=True, type=click.IntRange(1, 50_000),
              help="Over all processes.")  # fmt: skip
@click.option("--bind", default="transceiver", show_default=True, type=click.Choice(BINDS),
              help="What each of them is: one session, or one that submits and one that "
              "receives.")  # fmt: skip
@click.option("--window", default=50, show_default=True, type=click.IntRange(1, 100_000),
              help="Unanswered submit_sm per bind.")  # fmt: skip
@click.option("--rate", default=0.0, show_default=True, type=click.FloatRange(0.0),
              help="Messages a second offered over all binds; 0: as fast as it goes.")  # fmt: skip
@click.option("--count", default=0, type=click.IntRange(0), metavar="N", help="Messages in all.")
@click.option("--for", "seconds", default=0.0, type=click.FloatRange(0.0), metavar="SECONDS",
              help="Submit so long; without --count and --for, 10 seconds.")  # fmt: skip
@click.option("--prefix", "prefixes", multiple=True, default=("46701",), show_default=True,
              help="Destinations: a prefix and 8 digits; repeat it.")  # fmt: skip
@click.option("--source", default="smppproxy", show_default=True, help="The source_addr.")
@click.option("--text", default="hello from the load test, this is the text of a message",
              show_default=True)  # fmt: skip
@click.option("--data-coding", default=0, show_default=True, type=click.IntRange(0, 255),
              help="Of the text: 0 GSM-7, 1 ASCII, 3 Latin-1, 6 Cyrillic, 8 UCS2.")  # fmt: skip
@click.option("--receipts/--no-receipts", default=True, show_default=True)
@click.option("--processes", default=0, type=click.IntRange(0, 256), metavar="N",
              help="Default: one for every two cores.")  # fmt: skip
@click.option("--drain", default=15.0, show_default=True, type=click.FloatRange(0.1),
              metavar="SECONDS", help="Patience while nothing at all comes.")  # fmt: skip
@click.option("--pid", "pids", multiple=True, metavar="NAME=PID",
              help="Tell the processor time of this process too; repeat it.")  # fmt: skip
@click.option("--json", "as_file", type=click.File("w"), metavar="FILE",
              help="All figures, also over time; - is standard output.")  # fmt: skip
@click.option("--picture", type=click.File("w"), metavar="FILE.svg",
              help="Histogram, throughput, latency and processor time.")  # fmt: skip
def load(tls: bool, ca: str, insecure: bool, password: str, seconds: float, text: str,
         processes: int, pids: tuple[str, ...], as_file: Any, picture: Any,
         **rest: Any) -> None:  # fmt: skip
    """Submit as an account does, over many binds, and tell what became of each message.

    Latencies count from when a message was due: at an offered --rate that is its place in the
    schedule, so a server that stops is charged for all that should have been sent meanwhile.
    A receipt's latency is from the same moment and holds the provider's own delay.

    Exit status 0 when all is well; 1 when something was lost: unanswered, its receipt missing,
    twice, for another message or before its answer; 2 for a wrong command line; 3 when nobody
    answers. What the server refuses is told, and is no loss. Ctrl-C ends it early, and well.

    \b
    smppproxy load --count 100000 --binds 10
    smppproxy load --rate 2000 --for 60 --json load.json --picture load.svg
    smppproxy load --bind transmitter+receiver --binds 2 --count 10000
    smppproxy load --host sms.example.net --port 8775 --tls --system-id shop --password file:pw
    """
    options = _options(tls, ca, insecure, password, seconds, text, rest)
    result = _run(options, processes or _by_cores(), _pids(pids), as_file)
    told = result.told()
    if as_file is not None:
        json.dump(told, as_file, indent=1)
        as_file.write("\n")
    if picture is not None:
        from smppproxy.simulator.load.picture import draw, summary

        picture.write(draw(summary(told), result))
    _print(result, told, err=as_file is not None and as_file.name == "<stdout>")
    sys.exit(result.exit_status)


def _options(
    tls: bool, ca: str, insecure: bool, password: str, seconds: float, text: str,
    rest: dict[str, Any],
) -> LoadOptions:  # fmt: skip
    import os
    import time
    from pathlib import Path

    from smppproxy.cli.door import resolved
    from smppproxy.simulator.load import plan

    secret = resolved(password, Path.cwd(), os.environ)
    if not secret:
        raise click.BadParameter(f"there is no password at {password}", param_hint="--password")
    try:
        octets = plan.encode(text, rest["data_coding"])
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--text") from None
    for name in ("system_id", "source"):
        rest[name] = rest[name].encode("latin-1", "replace")
    options = plan.LoadOptions(
        tls=tls or bool(ca) or insecure,
        ca=ca,
        verify=not insecure,
        password=secret.encode(),
        seconds=seconds if seconds or rest["count"] else 10.0,
        text=octets,
        # So that receipts of an earlier run are not taken for this one's.
        first=time.time_ns() // 1_000_000 * 7 % 100_000_000,
        prefixes=[prefix.encode("latin-1", "replace") for prefix in rest.pop("prefixes")],
        **rest,
    )
    if trouble := plan.check(options):
        raise click.UsageError(trouble)
    return options


def _by_cores() -> int:
    """Half of the cores: what is measured needs the others."""
    import os

    return max(1, len(os.sched_getaffinity(0)) // 2)


def _pids(written: tuple[str, ...]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for each in written:
        name, _, number = each.partition("=")
        if not name or not number.isdigit():
            raise click.BadParameter(f"{each} is not NAME=PID", param_hint="--pid")
        found.setdefault(name, []).append(int(number))
    return found


def _run(options: LoadOptions, processes: int, pids: dict[str, list[int]], as_file: Any) -> Result:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from smppproxy.simulator.load.run import Load

    there = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        console=there,
        transient=True,
        disable=not there.is_terminal,
    )
    task = bar.add_task("starting", total=1.0, told="")

    def show(moment: Moment) -> None:
        bar.update(
            task,
            description=moment.state,
            completed=_part(options, moment),
            told=told_of(moment),
        )

    running = Load(options, processes, pids, show)
    before = signal.signal(signal.SIGINT, lambda *_: running.interrupt())
    try:
        with bar:
            return running.run()
    finally:
        signal.signal(signal.SIGINT, before)


def _part(options: LoadOptions, moment: Moment) -> float:
    """How much of the test is done, 0 to 1."""
    if options.count:
        return moment.counts.submitted / options.count
    return min(1.0, moment.elapsed / options.seconds)


def told_of(moment: Moment) -> str:
    """What stands beside the bar."""
    counts = moment.counts
    return (
        f"{moment.rate:,.0f}/s  {counts.submitted:,} sent  {counts.accepted:,} ok  "
        f"{counts.receipts:,} receipts" + f"  {counts.refused:,} refused" * bool(counts.refused)
    )


def _print(result: Result, told: dict[str, Any], err: bool) -> None:
    from rich.console import Console

    there = Console(stderr=err, markup=False, highlight=False)
    if result.trouble:
        click.echo(f"smppproxy load: {result.trouble}", err=True)
        return
    counts = result.counts
    there.print(
        f"{counts.submitted:,} submitted, {counts.accepted:,} accepted, "
        f"{counts.receipts:,} receipts in {result.seconds:.2f} s: {result.rate:,.0f} messages/s "
        f"from {result.processes} {'process' if result.processes == 1 else 'processes'}"
    )
    there.print(_latencies(told))
    _print_counts(there, result, told)


def _print_counts(there: Console, result: Result, told: dict[str, Any]) -> None:
    for name, count in told["refused"].items():
        there.print(f"refused with {name}: {count:,}")
    if result.behind:
        there.print(f"behind the schedule: {result.behind:,} messages found no room in a window")
    used = ", ".join(f"{name} {us:.1f} us" for name, us in told["cpu_us_per_message"].items())
    there.print(f"processor time per message: {used}")
    for name in ("sessions_lost", "crossed", "stale", "mo", "intermediate"):
        if told["counts"][name]:
            there.print(f"{name.replace('_', ' ')}: {told['counts'][name]:,}")
    for name, count in result.faults().items():
        there.print(f"LOST {name}: {count:,}", style="bold red")


def _latencies(told: dict[str, Any]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("ms")
    rows = {"response": told["response_ms"], "receipt": told["receipt_ms"]}
    names = ("p50", "p90", "p99", "p99.9", "max")
    for name in names:
        table.add_column(name, justify="right")
    for kind, row in rows.items():
        if row:
            table.add_row(kind, *(f"{row[name]:,.2f}" for name in names))
    return table
