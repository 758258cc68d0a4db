"""The verbs: drain, isolate, resume, kick, reconnect."""

from __future__ import annotations

import json
from typing import Any

import click

from smppproxy.admin.vocabulary import VERBS, Verb
from smppproxy.cli.door import Door, options
from smppproxy.cli.tables import console

EXAMPLES = {
    "drain": ("acme/a", "account:shop", "node:n2"),
    "isolate": ("acme", "acme/b/1"),
    "resume": ("acme/a", "node:n2"),
    "kick": ("acme/a/2", "account:shop", "account:shop#17"),
    "reconnect": ("acme/a", "acme --node n2"),
}


def _command(verb: Verb) -> click.Command:
    @options
    def told(door: Door, target: str, node: str | None, as_json: bool) -> None:
        answer = door.post(f"/{verb.name}", target=target, node=node)
        tell(answer, as_json)

    command: Any = told
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON array of what was done."),
        click.option("--node", metavar="NAME", help="Only on this node, instead of on all."),
        click.argument("target"),
    ):
        command = option(command)
    examples = "\n".join(f"smppproxy {verb.name} {each}" for each in EXAMPLES[verb.name])
    text = f"{verb.help[0].upper()}{verb.help[1:]}.\n\n\b\n{examples}"
    return click.command(verb.name, help=text)(command)


def tell(answer: dict[str, Any], as_json: bool) -> None:
    """What was done, as lines or as JSON, and who said nothing."""
    if as_json:
        click.echo(json.dumps(answer["done"], indent=1))
    else:
        _print(answer)
    for silent in answer["silent"]:
        click.echo(f"node {silent} does not answer: nothing is known of it", err=True)
    if answer["note"]:
        click.echo(answer["note"], err=True)


def _print(answer: dict[str, Any]) -> None:
    there = console()
    if not answer["done"]:
        click.echo("nothing had to be done")
    for row in answer["done"]:
        change = f"{row['was']} -> {row['now']}" if row["was"] else row["now"]
        if row["was"] == row["now"]:
            change = f"{row['now']} already" if row["now"] else ""
        line = f"{row['node']}  {row['target']}  {change}  {row['note']}"
        there.print(line.rstrip(), overflow="fold")


COMMANDS = [_command(verb) for verb in VERBS.values()]
