"""The MO routes of the network file, and what becomes of messages that none of them takes."""

from collections.abc import Iterable
from typing import Any

from smppproxy.config import options
from smppproxy.config.lines import Path
from smppproxy.config.source import Source, near
from smppproxy.routing.mo import MoRoute, MoSettings, MoTable, contradictions
from smppproxy.routing.rules import show


def read_mo(source: Source, accounts: Iterable[str], providers: Iterable[str]) -> MoTable:
    """The tables [[mo_route]] and [mo]; what is wrong is noted in `source` and left out."""
    routes = [
        route
        for path, table in source.tables("mo_route")
        if (route := _route(source, path, table, accounts, providers)) is not None
    ]
    return MoTable(routes, _settings(source))


def _settings(source: Source) -> MoSettings:
    mend = "write its options below [mo]"
    table = source.table(("mo",), source.data.get("mo", {}), mend)
    return MoSettings(**options.read(source, ("mo",), table or {}, MoSettings))


def _route(
    source: Source,
    path: Path,
    table: dict[str, Any],
    accounts: Iterable[str],
    providers: Iterable[str],
) -> MoRoute | None:
    known = len(source.problems)
    arguments = options.read(source, path, table, MoRoute)
    if len(source.problems) == known:
        said = [arguments.get(name, other) for name, other in _TAKERS]
        refuse = source.refuser(path)
        for option, text, mend in contradictions(*said):
            # The option that is missing has no line of its own.
            refuse(option, text, mend)
    if "account" in arguments and arguments["account"] not in ("", *accounts):
        _unknown(source, (*path, "account"), "account", arguments["account"], accounts)
    for place, name in enumerate(arguments.get("accounts", ())):
        if name not in accounts:
            _unknown(source, (*path, "accounts", place), "account", name, accounts)
    for name in sorted(arguments.get("providers", ())):
        if name not in providers:
            _unknown(source, (*path, "providers"), "provider", name, providers)
    return MoRoute(**arguments) if len(source.problems) == known else None


_TAKERS: tuple[tuple[str, Any], ...] = (("account", ""), ("accounts", ()), ("drop", False))


def _unknown(source: Source, path: Path, what: str, name: str, known: Iterable[str]) -> None:
    source.problem(path, f"there is no {what} {show(name)}", near(name, known))
