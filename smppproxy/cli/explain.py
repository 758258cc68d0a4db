"""`smppproxy explain`: where a message would go, and why."""

from __future__ import annotations

import json
from typing import Any

import click

from smppproxy.cli.door import Door, options
from smppproxy.cli.tables import console

READY = "ready"

#: So many routes that were not asked are listed all the same.
FEW = 5


@click.command()
@click.argument("account")
@click.argument("destination")
@click.option("--source", metavar="ADDRESS", help="The sender.")
@click.option("--text", metavar="TEXT", help="Of the message.  [default: hello]")
@click.option("--data-coding", type=click.IntRange(0, 255), metavar="NUMBER",
              help="Default: 0, or 8 where the text needs it.")  # fmt: skip
@click.option("--source-ton", type=click.IntRange(0, 255), metavar="NUMBER",
              help="Default: as the sender looks.")  # fmt: skip
@click.option("--dest-ton", type=click.IntRange(0, 255), metavar="NUMBER", help="Default: 1.")
@click.option("--service-type", metavar="WORD")
@click.option("--priority", type=click.IntRange(0, 255), metavar="NUMBER")
@click.option("--message-class", metavar="WORD", help="In TLV 0x2900.")
@click.option("--tlv", "tlvs", multiple=True, metavar="TAG=HEX", help="E.g. 0x1403=0a0b.")
@click.option("--part", is_flag=True, help="It is a part of a long message.")
@click.option("--at", metavar="TIME", help="Another moment, e.g. 2026-12-24T18:00:00Z.")
@click.option("--node", metavar="NAME", help="As this node sees it.")
@click.option("--all", "whole", is_flag=True,
              help="Also routes of other prefixes and behind the one that decides.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with all routes.")
@options
def explain(
    door: Door, whole: bool, as_json: bool, tlvs: tuple[str, ...], **message: Any
) -> None:
    """Where a message of ACCOUNT to DESTINATION would go, and why. Nothing is sent.

    Every route that is tried and why it fits or not, then its providers in order with their state
    at this moment, and the one that would be chosen.

    \b
    smppproxy explain shop 4512345678
    smppproxy explain shop 4512345678 --source 1204 --text 'your code is 123'
    smppproxy explain shop 4512345678 --at 2026-12-24T18:00:00Z --json
    """
    message["part"] = message["part"] or None
    answer = door.get("/explain", tlvs=list(tlvs) or None, **message)
    if as_json:
        click.echo(json.dumps(answer, indent=1))
    else:
        _print(answer, whole)


def _print(answer: dict[str, Any], whole: bool) -> None:
    from rich.text import Text

    there = console()
    head = f"{answer['account']} to {answer['destination']}, as node {answer['node']} sees it"
    there.print(Text(head, "bold"))
    for note in answer["notes"]:
        there.print(Text(note, "yellow"))
    if answer["routes"]:
        listed, rest = (answer["routes"], "") if whole else tried(answer["routes"])
        if listed:
            there.print(_routes(listed))
        if rest:
            there.print(Text(rest, "dim"))
    if answer["because"]:
        there.print(answer["because"])
    if answer["targets"]:
        there.print(_targets(answer["targets"], answer["chosen"]))
    verdict = answer["verdict"]
    if answer["command_status"]:
        verdict += f" ({answer['command_status']})"
    there.print(Text(f"=> {verdict}", "bold green" if answer["chosen"] else "bold red"))


def tried(routes: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Those worth a line of a table, and a line about the others; "" when these are few."""
    elsewhere = [route for route in routes if not route["prefix_fits"]]
    behind = [route for route in routes if route["prefix_fits"] and not route["asked"]]
    if len(elsewhere) + len(behind) <= FEW:
        return routes, ""
    listed = [route for route in routes if route["prefix_fits"] and route["asked"]]
    counts = ((len(elsewhere), "of other prefixes"), (len(behind), "behind the one that decides"))
    rest = " and ".join(f"{count} {what}" for count, what in counts if count)
    return listed, f"Routes not listed: {rest}; --all lists them"


def _routes(routes: list[dict[str, Any]]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("order", "place", "route", "prefix", "fits", "why"):
        table.add_column(heading, overflow="fold")
    for route in routes:
        fits = Text("yes", "green") if route["fits"] else Text("no" if route["asked"] else "-")
        row = (str(route["order"]), str(route["place"]), route["route"], route["prefix"])
        table.add_row(*row, fits, route["why"], style=None if route["asked"] else "dim")
    return table


def _targets(targets: list[dict[str, Any]], chosen: str) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    columns = ["", "provider", "state", "why"]
    said = ("price", "measured", "rewritten")
    columns += [name for name in said if any(each[name] for each in targets)]
    for heading in columns:
        table.add_column(heading, overflow="fold")
    for target in targets:
        state = Text(target["state"], "green" if target["state"] == READY else "yellow")
        mark = "=>" if target["provider"] == chosen else ""
        cells = [mark, target["provider"], state, target["why"]]
        table.add_row(*cells, *(target[name] for name in columns[4:]))
    return table
