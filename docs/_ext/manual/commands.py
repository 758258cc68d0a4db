"""Every command of the command line, as click knows it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from manual.words import escaped, heading, indent, inline, literal
from smppproxy.cli import main


def walk(
    command: click.Command = main, path: str = "smppproxy"
) -> Iterator[tuple[str, click.Command]]:
    """Each command with the words it is called by, groups before their members."""
    yield path, command
    if isinstance(command, click.Group):
        for name, member in command.commands.items():
            if not member.hidden:
                yield from walk(member, f"{path} {name}")


def label(path: str) -> str:
    """What a reference names: ``command-show-binds``."""
    return "command-" + "-".join(path.split()[1:] or ["smppproxy"])


def lines() -> list[str]:
    """The reference: commands by level."""
    result: list[str] = []
    for path, command in walk():
        depth = len(path.split())
        result += [f".. _{label(path)}:", "", *heading(literal(path), min(max(depth - 1, 1), 3))]
        result += _usage(path, command)
        result += _help(command)
        result += _options(command)
    return result


def _usage(path: str, command: click.Command) -> list[str]:
    if isinstance(command, click.Group):
        return []
    pieces = " ".join(command.collect_usage_pieces(click.Context(command, info_name=path)))
    return [".. usage::", "", f"   {path} {pieces}", ""]


def _help(command: click.Command) -> list[str]:
    result: list[str] = []
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            result += [".. examples::", "", *indent(paragraph[2:].splitlines()), ""]
        else:
            result += [inline(" ".join(paragraph.split())), ""]
    return result


def examples(command: click.Command) -> list[str]:
    """The lines of its help that show how it is called."""
    return [
        line
        for paragraph in inspect.cleandoc(command.help or "").split("\n\n")
        if paragraph.startswith("\b\n")
        for line in paragraph[2:].splitlines()
    ]


def _options(command: click.Command) -> list[str]:
    context = click.Context(command)
    rows: list[str] = []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            names, text = record
            rows += [f"{literal(names)}", *indent([_spelled(text)]), ""]
    return rows


def _spelled(text: str) -> str:
    said, bracket, more = text.rpartition("  [")
    if not bracket and text.startswith("["):
        said, more = "", text[1:]
    elif not bracket:
        return inline(text) or "\\"
    return f"{inline(said)} [{escaped(more)}" if said else f"[{escaped(more)}"
