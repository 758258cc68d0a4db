"""plan, apply, rollback, history: the network as numbered versions that all nodes share.

Exit status: 0 done, 1 no (a wrong file, somebody was quicker, a node did not take it), 2 a wrong
command line, 3 no node answers.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
import time
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import click

from smppproxy.cli.door import Door, Refused, options
from smppproxy.cli.tables import print_table

if TYPE_CHECKING:
    from smppproxy.config.bundle import Bundle

PATIENCE = 15.0
"""Seconds that all nodes have to take a version."""

PAUSE = 0.2

DEFAULT_FILE = "etc/network.toml"

MOST_LINES = 200
"""Differences that are printed one by one."""

_WHY = click.option("-m", "--why", metavar="TEXT", default="", help="Why, for the history.")
_BY = click.option("--by", metavar="WHO", help="Who, for the history; default: USER@HOST.")
_YES = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
_NO_WAIT = click.option("--no-wait", is_flag=True, help="Do not wait until all nodes took it.")
_FORCE = click.option(
    "--force", is_flag=True, help="Even if nodes cannot take it; they keep what they have."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")
_MESSAGES = click.option(
    "--messages", default=1000, show_default=True, type=click.IntRange(0, 10_000), metavar="N",
    help="Of the last messages of each node that are looked at; 0 = none.",
)  # fmt: skip
_FILE = click.argument("file", required=False, metavar="[FILE]")


@click.command()
@_FILE
@click.option("--version", "number", type=click.IntRange(1), metavar="N",
              help="A version of the history instead of a file.")  # fmt: skip
@_MESSAGES
@_JSON
@options
def plan(door: Door, file: str | None, number: int | None, messages: int, as_json: bool) -> None:
    """What would be different with FILE: accounts, providers, routes, and where the last messages
    would go. Nothing is changed.

    \b
    smppproxy plan etc/network.toml
    smppproxy plan --version 12         what a rollback to version 12 would do

    FILE is the network file; default: etc/network.toml.
    """
    if number is not None and file is not None:
        raise click.UsageError("give either FILE or --version, not both")
    bundle = "" if number is not None else _packed(_read(file))
    answer = door.post("/network/plan", bundle=bundle or None, number=number, messages=messages)
    if as_json:
        click.echo(json.dumps(answer, indent=1))
    else:
        _print_plan(answer, messages)


@click.command()
@_FILE
@_WHY
@_BY
@_YES
@_FORCE
@_NO_WAIT
@_MESSAGES
@options
def apply(door: Door, file: str | None, yes: bool, messages: int, **more: Any) -> None:
    """Make FILE the network of all nodes.

    Prints the plan and asks at a terminal, then waits until every known node has it in force.

    \b
    smppproxy apply -m "acme has a second host"
    smppproxy apply etc/network.toml --yes

    FILE is the network file; default: etc/network.toml. Exit status 0 when every node has it, 1
    when the file is wrong, a node cannot take it or somebody was quicker, 2 for a wrong command
    line, 3 when no node answers.
    """
    bundle = _packed(_read(file))
    answer = door.post("/network/plan", bundle=bundle, messages=messages)
    _print_plan(answer, messages)
    if answer["same"]:
        return
    _confirm("apply it?", yes)
    applied = file or DEFAULT_FILE
    _make(door, "apply", answer["current"], applied=applied, bundle=bundle, **more)


@click.command()
@click.argument("number", type=click.IntRange(1), metavar="N")
@_WHY
@_BY
@_YES
@_FORCE
@_NO_WAIT
@_MESSAGES
@options
def rollback(door: Door, number: int, yes: bool, messages: int, **more: Any) -> None:
    """Make what version N says the network of all nodes again, under a new number.

    \b
    smppproxy history
    smppproxy rollback 12 -m "the new host loses receipts"

    Exit status as of apply.
    """
    answer = door.post("/network/plan", number=number, messages=messages)
    _print_plan(answer, messages)
    if answer["same"]:
        return
    _confirm(f"return to version {number}?", yes)
    _make(door, "rollback", answer["current"], number=number, **more)


@click.command()
@click.argument("number", type=click.IntRange(1), required=False, metavar="[N]")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200))
@_JSON
@options
def history(door: Door, number: int | None, limit: int, as_json: bool) -> None:
    """The versions of the network: who made them, when and why.

    With N the network file of that version is printed.

    \b
    smppproxy history
    smppproxy history 12 > network.toml
    """
    if number is not None:
        _print_file(door.get("/network/version", number=number))
        return
    answer = door.get("/network/history", limit=limit)
    if as_json:
        click.echo(json.dumps(answer["versions"], indent=1))
        return
    if not answer["versions"]:
        click.echo('there is no version yet; "smppproxy apply FILE" makes the first')
        return
    print_table(
        ("version", "when", "who", "why", "returns to", "octets"),
        "why",
        [
            (
                f"{row['number']} *" if row["number"] == answer["current"] else str(row["number"]),
                row["at"],
                row["by"],
                row["why"],
                str(row["origin"] or ""),
                str(row["size"]),
            )
            for row in answer["versions"]
        ],
    )


# -- files ----------------------------------------------------------------------------------------


def _read(file: str | None) -> Bundle:
    """A network file with its tables, read without asking for its secrets: nodes have them.

    Problems of the file itself end the command here, with their lines.
    """
    from smppproxy.config import ConfigError
    from smppproxy.config.network import carry

    path = file or DEFAULT_FILE
    try:
        return carry(path)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(1)


def _packed(bundle: Bundle) -> str:
    from smppproxy.config.bundle import BundleError

    try:
        return b64encode(bundle.pack()).decode()
    except BundleError as error:
        raise Refused(str(error)) from None


def _print_file(answer: dict[str, Any]) -> None:
    from smppproxy.config.bundle import unpack

    bundle = unpack(b64decode(answer["bundle"]))
    sys.stdout.buffer.write(bundle.octets)
    sys.stdout.buffer.flush()
    for name, octets in sorted(bundle.files.items()):
        click.echo(f"with {name}, {len(octets)} octets", err=True)


def _user() -> str:
    """Who types this, as people know them."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"[:100]


# -- talking --------------------------------------------------------------------------------------

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}


def _print_plan(answer: dict[str, Any], messages: int) -> None:
    current = answer["current"]
    than = f"version {current}" if current else "what is in force"
    if answer["same"]:
        click.echo(f"nothing is different: this is {than}")
        return
    click.echo(f"compared with {than}:")
    for change in answer["changes"][:MOST_LINES]:
        click.echo(f"  {_line(change)}")
    more = len(answer["changes"]) - MOST_LINES
    if more > 0:
        click.echo(f"  and {more} more: smppproxy plan --json tells them all")
    if not answer["changes"]:
        click.echo("  only the text is another one, nothing that it says")
    if answer["note"]:
        click.echo(answer["note"])
    if not answer["messages"]:
        if messages:
            click.echo("no message came since the nodes began: none to say where it would go")
        return
    share = 100 * answer["elsewhere"] / answer["messages"]
    click.echo(
        f"of the last {answer['messages']} messages {answer['elsewhere']} would go elsewhere"
        f" ({share:.1f} %)"
    )
    for way in answer["ways"][:10]:
        click.echo(f"  {way['messages']}: {way['was']} -> {way['now']}")


def _line(change: dict[str, Any]) -> str:
    what = f"{_SIGNS[change['change']]} {change['kind']} {change['name']}".rstrip()
    if change["option"]:
        what += f": {change['option']}"
    values = " -> ".join(value for value in (change["was"], change["now"]) if value)
    line = f"{what} {values}" if change["option"] else f"{what}{values and ': ' + values}"
    return f"{line} (closes {change['closes']})" if change["closes"] else line


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not is_terminal():
        raise click.UsageError("there is no terminal to ask at; write --yes")
    if not click.confirm(question):
        click.echo("nothing was changed")
        sys.exit(1)


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def _make(
    door: Door, verb: str, expected: int, by: str | None, no_wait: bool, applied: str = "",
    **more: Any,
) -> None:  # fmt: skip
    """Make a version, of what was planned against the expected one.

    :param applied: the file that it is made of.
    """
    made = door.post(f"/network/{verb}", by=by or _user(), expected=expected, **more)
    number = made["number"]
    click.echo(f"version {number} is the current one, after version {made['was']}")
    if not no_wait:
        _wait(door, number, applied)


def _wait(door: Door, number: int, applied: str) -> None:
    """Until every known node has the version in force, or cannot take it."""
    end = time.monotonic() + PATIENCE
    told: set[str] = set()
    while True:
        rows = door.get("/network/nodes")["nodes"]
        said = [row for row in rows if row["version"] >= number or row["refused"] >= number]
        for row in said:
            if row["node"] not in told:
                told.add(row["node"])
                _tell_node(row, number)
        waiting = [row["node"] for row in rows if row not in said]
        if not waiting or time.monotonic() >= end:
            break
        time.sleep(PAUSE)
    for node in waiting:
        click.echo(f"node {node} has not said that it took it", err=True)
    for row in rows:
        own = row["network_file"]
        if own and os.path.realpath(own) != os.path.realpath(applied):
            click.echo(
                f"but {row['node']} has a network_file: it makes {own} the network of all nodes"
                " at its next start and on SIGHUP",
                err=True,
            )
    refused = [row for row in rows if row["refused"] >= number]
    if waiting or refused:
        sys.exit(1)


def _tell_node(row: dict[str, Any], number: int) -> None:
    if row["refused"] >= number:
        click.echo(
            f"node {row['node']} cannot take it and keeps version {row['version']}:"
            f" {row['reason']}",
            err=True,
        )
    else:
        click.echo(f"node {row['node']} has it in force")


COMMANDS = [plan, apply, rollback, history]
