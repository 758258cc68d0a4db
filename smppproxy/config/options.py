"""A TOML table read as the options of an attrs class, each checked by the class's own rule."""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, get_args

import attrs

from smppproxy.config.lines import Path
from smppproxy.config.source import Source
from smppproxy.routing.rules import Flag, Names, OneOf, RuleError, Table, Text, Whole

#: Stands for a required option that is not there: no rule takes it, each says what to write.
_NOTHING = object()

#: Rules by type, for a class that brings none.
_BY_TYPE: dict[Any, Any] = {
    bool: Flag(),
    int: Whole(0, 2**31 - 1),
    str: Text(0, 255),
    bytes: Text(0, 255),
    frozenset[str]: Names("..."),
    tuple[str, ...]: Names("..."),
    dict[str, int]: Table(Text(1, 64), Whole(0, 255), "{ gsm7 = 0, ucs2 = 8 }"),
}
_NETWORKS = tuple[IPv4Network | IPv6Network, ...]
_NUMBERS_OR_ALL = frozenset[int] | None
_SETS = (frozenset[str], frozenset[int], _NUMBERS_OR_ALL)

LONGEST_SOCKET = 107
"""Octets of the name of a Unix socket."""


def read(
    source: Source,
    path: Path,
    table: dict[str, Any],
    kind: type,
    *,
    other: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The arguments for `kind` that stand in `table`.

    Names in `other` are left to the caller: fields it fills itself, subtables it reads. Every
    unknown option, missing option and broken rule becomes a problem of `source`.
    """
    attrs.resolve_types(kind)
    fields = {f.name: f for f in attrs.fields(kind) if f.init and f.name not in other}
    source.unknown(path, table, fields.keys() | other)
    arguments: dict[str, Any] = {}
    for name, field in fields.items():
        if name in table or field.default is attrs.NOTHING:
            value = option(source, (*path, name), field, table.get(name, _NOTHING))
            if value is not None:
                arguments[name] = value
    return arguments


def option(source: Source, path: Path, field: Any, written: object) -> Any:
    """One value, converted to the field's type; None after noting what is wrong with it."""
    value: Any = _converted(field.type, written)
    try:
        rule_of(field)(None, field, value)
    except RuleError as error:
        text = "this option is missing" if written is _NOTHING else error.text
        source.problem(path, text, error.mend)
        return None
    return value


def own_socket(source: Source, path: Path, written: str, example: str, near: bool = False) -> str:
    """The name of a socket from the file's folder on, made absolute.

    The system takes names of up to 107 octets only. With `near` one that is too long is told as
    the way from the working folder, where that is shorter: a program that was started elsewhere
    does not find it by that. A problem where nothing helps.
    """
    whole = os.path.normpath(source.folder / written)
    for name in (whole, os.path.relpath(whole)) if near else (whole,):
        if len(os.fsencode(name)) <= LONGEST_SOCKET:
            return name
    text = f"the name of the socket, {whole}, has {len(os.fsencode(whole))} octets"
    mend = f"the system takes {LONGEST_SOCKET} at most: write a shorter path, e.g. {example}"
    source.problem(path, text, mend)
    return written


def missing(source: Source, path: Path, name: str, mend: str) -> None:
    """Note that a required option is not there."""
    source.problem((*path, name), "this option is missing", mend)


def rule_of(field: Any) -> Any:
    """The field's rule; for a class outside `routing`, one made of its words or its type."""
    words = getattr(field.validator, "options", None)
    if words is not None:
        return OneOf(tuple(words))
    return field.validator or _BY_TYPE[field.type]


def _converted(kind: Any, written: object) -> object:
    """What TOML has no type for; whatever does not fit stays as it is, for the rule to see."""
    if kind is bytes and isinstance(written, str):
        return written.encode()
    if kind is float and isinstance(written, int) and not isinstance(written, bool):
        return float(written)
    if kind == _NUMBERS_OR_ALL and written == "all":
        return None
    if isinstance(written, list):
        return _several(kind, written)
    if isinstance(written, dict) and get_args(kind)[:1] == (int,):
        return {_number(key): value for key, value in written.items()}
    return written


def _several(kind: Any, written: list[Any]) -> object:
    """A list as the tuple or the set that its option holds."""
    if kind in _SETS:
        try:
            return frozenset(written)
        except TypeError:
            return tuple(written)
    if kind == _NETWORKS:
        return tuple(_network(item) for item in written)
    return tuple(written)


def _number(written: str) -> object:
    """The key of a table of numbers, which TOML knows as text: `1` or `0xF5`."""
    try:
        return int(written, 0)
    except ValueError:
        return written


def _network(written: object) -> object:
    try:
        return ip_network(written) if isinstance(written, str) else written
    except ValueError:
        return written
