"""The network file: accounts, providers, routes and MO routes, the same for all nodes."""

import os
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

import attrs

from smppproxy.config.accounts import choices, read_account
from smppproxy.config.bundle import Bundle
from smppproxy.config.hosts import shared_logins
from smppproxy.config.lines import Path
from smppproxy.config.mo_routes import read_mo
from smppproxy.config.problems import ConfigError, Problem
from smppproxy.config.providers import read_provider
from smppproxy.config.routes import Hints, read_routes
from smppproxy.config.source import Source
from smppproxy.routing.accounts import Account
from smppproxy.routing.mo import MoTable
from smppproxy.routing.providers import Provider
from smppproxy.routing.routes import RouteTable


@attrs.define
class Network:
    """A network file, checked. Accounts by system_id, providers by name."""

    accounts: dict[str, Account]
    providers: dict[str, Provider]
    routes: RouteTable
    mo: MoTable
    #: What it was read from, to be sent to other nodes.
    bundle: Bundle = attrs.field(factory=lambda: Bundle("", b""), eq=False, repr=False)
    #: Looks for routes that are hardly meant as they stand.
    hints: Hints = attrs.field(factory=Hints, eq=False, repr=False)

    @property
    def warnings(self) -> list[Problem]:
        """What the file may say and hardly means: told, and no reason to refuse it.

        To compare a thousand routes takes a second: this is looked for when somebody asks.
        """
        return sorted(self.hints.problems(self.routes))


def load_network(path: str | FilePath, environ: Mapping[str, str] | None = None) -> Network:
    """Read a network file. Raises ConfigError with every problem of the file.

    `environ` holds the variables that `env:NAME` may name, by default those of the process.
    """
    return _network(Source(path, os.environ if environ is None else environ))


def no_network() -> Network:
    """What a node has that waits for its first network: nobody may bind."""
    return Network({}, {}, RouteTable([]), MoTable([]))


def carry(path: str | FilePath, environ: Mapping[str, str] | None = None) -> Bundle:
    """A network file with its tables, to be sent to nodes that have the secrets it names.

    Raises ConfigError with every problem but secrets and CAs that this machine does not have.
    """
    source = Source(path, os.environ if environ is None else environ)
    try:
        _network(source)
    except ConfigError as error:
        problems = [problem for problem in error.problems if not _is_local(problem)]
        if problems:
            raise ConfigError(problems) from None
    return Bundle(FilePath(path).name, source.octets, source.files)


def _is_local(problem: Problem) -> bool:
    """Whether another machine may well not have it."""
    return problem.option.endswith((".password", ".tls_ca")) and problem.text.startswith(
        ("cannot read", "the environment variable", "the file ")
    )


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
    routes, hints = read_routes(source, accounts, providers)
    mo = read_mo(source, accounts, providers)
    source.raise_problems()
    hints.found += shared_logins(source, filter(None, providers.values()))
    return Network(
        accounts={name: account for name, account in accounts.items() if account},
        providers={name: provider for name, provider in providers.items() if provider},
        routes=routes,
        mo=mo,
        bundle=Bundle(FilePath(source.name).name, source.octets, source.files),
        hints=hints,
    )


def _named(source: Source, kind: str) -> list[tuple[str, Path, dict[str, Any] | None]]:
    """The tables [kind.NAME]; None for what has a name but is no table."""
    mend = f"write its options below [{kind}.NAME]"
    tables = source.table((kind,), source.data.get(kind, {}), mend) or {}
    return [
        (name, (kind, name), source.table((kind, name), value, mend))
        for name, value in tables.items()
    ]
