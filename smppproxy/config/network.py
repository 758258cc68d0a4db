"""The network file: accounts, providers, routes and MO routes, the same for all nodes."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

import attrs

from smppproxy.config import options
from smppproxy.config.accounts import choices, read_account
from smppproxy.config.bundle import Bundle
from smppproxy.config.lines import Path
from smppproxy.config.mo_routes import read_mo
from smppproxy.config.providers import read_provider
from smppproxy.config.source import Source, near
from smppproxy.routing.accounts import Account
from smppproxy.routing.mo import MoTable
from smppproxy.routing.providers import Provider
from smppproxy.routing.routes import Route, RouteTable, Target
from smppproxy.routing.rules import show

_TARGETS_EXAMPLE = (
    'write targets = ["acme"], or [{ provider = "acme", weight = 3 }, '
    '{ provider = "beta", backup = true }]'
)


@attrs.define
class Network:
    """A network file, checked. Accounts by system_id, providers by name."""

    accounts: dict[str, Account]
    providers: dict[str, Provider]
    routes: RouteTable
    mo: MoTable
    #: What it was read from, to be sent to other nodes.
    bundle: Bundle = attrs.field(factory=lambda: Bundle("", b""), eq=False, repr=False)


def load_network(path: str | FilePath, environ: Mapping[str, str] | None = None) -> Network:
    """Read a network file. Raises ConfigError with every problem of the file.

    `environ` holds the variables that `env:NAME` may name, by default those of the process.
    """
    return _network(Source(path, os.environ if environ is None else environ))


def unbundle(
    bundle: Bundle, folder: str | FilePath, environ: Mapping[str, str] | None = None
) -> Network:
    """The network that a bundle says, with this machine's secrets and CAs.

    Their relative paths begin at `folder`. Raises ConfigError with every problem.
    """
    environ = os.environ if environ is None else environ
    source = Source(FilePath(folder) / bundle.name, environ, bundle.octets, bundle.files)
    source.name = bundle.name
    return _network(source)


def _network(source: Source) -> Network:
    source.unknown((), source.data, ("account", "provider", "route", "mo_route", "mo"), "table")
    accounts = {
        name: read_account(source, at, table) for name, at, table in _named(source, "account")
    }
    providers = {
        name: read_provider(source, at, table) for name, at, table in _named(source, "provider")
    }
    choices(source, accounts.values(), providers)
    routes = _routes(source, accounts, providers)
    _one_way(source, routes, providers)
    mo = read_mo(source, accounts, providers)
    source.raise_problems()
    return Network(
        accounts={name: account for name, account in accounts.items() if account},
        providers={name: provider for name, provider in providers.items() if provider},
        routes=RouteTable(list(routes.values())),
        mo=mo,
        bundle=Bundle(FilePath(source.name).name, source.octets, source.files),
    )


def _named(source: Source, kind: str) -> list[tuple[str, Path, dict[str, Any] | None]]:
    """The tables [kind.NAME]; None for what has a name but is no table."""
    mend = f"write its options below [{kind}.NAME]"
    tables = source.table((kind,), source.data.get(kind, {}), mend) or {}
    return [
        (name, (kind, name), source.table((kind, name), value, mend))
        for name, value in tables.items()
    ]


def _routes(
    source: Source, accounts: Iterable[str], providers: Iterable[str]
) -> dict[Path, Route]:
    """The good routes by their paths."""
    routes: dict[Path, Route] = {}
    names: set[str] = set()
    for number, (path, table) in enumerate(source.tables("route"), 1):
        known = len(source.problems)
        named = {"name": f"route {number}", **table}
        arguments = options.read(source, path, named, Route, other=frozenset({"targets"}))
        targets = _targets(source, path, table, providers)
        _known(source, path, arguments, "accounts", accounts, "account")
        if arguments.get("name") in names:
            text = f"{show(arguments['name'])} is the name of another route"
            source.problem((*path, "name"), text, "give each route a name of its own")
        names.add(arguments.get("name", ""))
        if len(source.problems) == known:
            routes[path] = Route(**arguments, targets=targets)
    return routes


def _one_way(
    source: Source, routes: dict[Path, Route], providers: dict[str, Provider | None]
) -> None:
    """A provider that is bound as receiver only takes no submit_sm."""
    for path, route in routes.items():
        for index, target in enumerate(route.targets):
            provider = providers[target.provider]
            if provider and provider.bind == "receiver":
                text = f'provider {target.provider} is bound as "receiver" and takes no messages'
                mend = f'remove the target, or set provider.{target.provider}.bind = "transceiver"'
                source.problem((*path, "targets", index), text, mend)


def _targets(
    source: Source, path: Path, table: dict[str, Any], providers: Iterable[str]
) -> tuple[Target, ...]:
    """The targets of one route: names of providers, or tables."""
    path = (*path, "targets")
    written = table.get("targets", [])
    if not isinstance(written, list) or not written:
        source.problem(path, "the route has no target", _TARGETS_EXAMPLE)
        return ()
    found: dict[str, Target] = {}
    for place, item in enumerate(written):
        at = (*path, place)
        item = {"provider": item} if isinstance(item, str) else item
        target = source.table(at, item, _TARGETS_EXAMPLE)
        arguments = {} if target is None else options.read(source, at, target, Target)
        name = arguments.get("provider")
        if name is None:
            continue
        if name not in providers:
            source.problem(at, f"there is no provider {show(name)}", near(name, providers))
        elif name in found:
            mend = "name each provider once and give it a weight"
            source.problem(at, f"{show(name)} is a target of this route already", mend)
        found[name] = Target(**arguments)
    return tuple(found.values())


def _known(
    source: Source,
    path: Path,
    arguments: dict[str, Any],
    option: str,
    known: Iterable[str],
    what: str,
) -> None:
    """A problem for each name in the list `option` that is not among the known ones."""
    for name in sorted(arguments.get(option, ())):
        if name not in known:
            source.problem(
                (*path, option), f"there is no {what} {show(name)}", near(name, known)
            )
