"""`smppproxy trace`: every hop of a message, over all nodes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click

from smppproxy.cli.door import Door, options
from smppproxy.cli.tables import console

Hop = dict[str, Any]

SHOWN = frozenset((
    "time", "event", "node", "account", "provider", "host", "bind", "command_status",
    "message_state", "message_states", "client_message_id", "provider_message_id",
    "provider_message_ids", "source_addr", "destination_addr", "submit_time",
))  # fmt: skip
"""Fields that have a column, or stand above the table."""


@click.command()
@click.argument("id", metavar="ID")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000),
              help="Messages at most, the newest.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON array of all hops.")
@options
def trace(door: Door, id: str, limit: int, as_json: bool) -> None:  # noqa: A002 - click's name
    """What became of a message: each hop with its node, bind, time and verdict.

    ID is our message_id, the provider's, the client's user_message_reference, or a number. Nodes
    write down what they do where [message_log] has a folder; what the store holds is always shown.
    Exit status 1 when nothing is known of it.

    \b
    smppproxy trace 1000000001
    smppproxy trace 4512345678 --limit 3
    """
    answer = door.get("/trace", id=id, limit=limit)
    if as_json:
        click.echo(json.dumps(answer["hops"], indent=1))
    else:
        _print(answer["hops"])
    for node in answer["silent"]:
        click.echo(f"node {node} does not answer", err=True)
    if answer["note"]:
        click.echo(answer["note"], err=True)
    if not answer["hops"]:
        raise click.ClickException(f"nothing is known of {id}")


def _print(hops: list[Hop]) -> None:
    from rich.text import Text

    there = console()
    for hops_of_one in of_messages(hops):
        there.print(Text(_head(hops_of_one), "bold"))
        there.print(_table(hops_of_one, plain=not there.is_terminal))
        there.print()


def of_messages(hops: Iterable[Hop]) -> list[list[Hop]]:
    """The hops of each message, in the order of their first hops."""
    groups: list[tuple[set[str], list[Hop]]] = []
    for hop in hops:
        ids = set(_ids(hop))
        # A hop may show that what seemed two messages is one.
        ours = [group for group in groups if not ids.isdisjoint(group[0])]
        if not ours:
            groups.append((ids, [hop]))
            continue
        first, *others = ours
        first[0].update(ids)
        first[1].append(hop)
        for other in others:
            first[0].update(other[0])
            first[1].extend(other[1])
            groups.remove(other)
    return [group[1] for group in groups]


def _ids(hop: Hop) -> list[str]:
    """What tells whose hop this is; an id of a provider is one only together with its name."""
    provider = hop.get("provider", "")
    ids = [hop["client_message_id"]] if hop.get("client_message_id") else []
    named = [hop.get("provider_message_id", ""), *hop.get("provider_message_ids", ())]
    ids += [f"{provider}\0{each}" for each in named if each]
    if "mo" in (hop["event"], hop.get("kind")):
        # MO messages have no ids: those of an account between the same numbers stand together.
        ids.append("\0".join(hop.get(name, "") for name in _WAY))
    return ids


_WAY = ("account", "source_addr", "destination_addr")


def _head(hops: list[Hop]) -> str:
    found: dict[str, str] = {}
    for hop in hops:
        for name in ("client_message_id", "account", "source_addr", "destination_addr"):
            found[name] = found.get(name) or hop.get(name, "")
    head = found["client_message_id"] or "(no message_id of ours)"
    way = f"{found['source_addr'] or '?'} to {found['destination_addr'] or '?'}"
    return f"{head}  {found['account']}  {way}"


def _table(hops: list[Hop], plain: bool) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None if plain else box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("time", "event", "node", "where", "provider's id", "verdict", "more"):
        table.add_column(heading, overflow="fold")
    for hop in hops:
        verdict = _verdict(hop)
        table.add_row(
            hop.get("time", ""),
            hop["event"],
            hop.get("node", ""),
            _where(hop),
            hop.get("provider_message_id") or " ".join(hop.get("provider_message_ids", ())),
            Text(verdict, _style(verdict)),
            " ".join(_more(hop)),
        )
    return table


def _where(hop: Hop) -> str:
    place = "/".join(hop[name] for name in ("provider", "host") if hop.get(name))
    return str(hop.get("bind") or place or hop.get("account", ""))


def _verdict(hop: Hop) -> str:
    states = hop.get("message_state") or " ".join(hop.get("message_states", ()))
    return str(states or hop.get("command_status", "") or "")


def _style(verdict: str) -> str:
    if verdict in ("ESME_ROK", "DELIVRD"):
        return "green"
    return "yellow" if verdict else ""


def _more(hop: Hop) -> Iterable[str]:
    for name, value in hop.items():
        if name not in SHOWN and value not in ("", None, [], {}):
            yield f"{name}={value if isinstance(value, str) else json.dumps(value)}"
