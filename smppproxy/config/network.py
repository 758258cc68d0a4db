"""The network file: accounts, providers, routes and MO routes, the same for all nodes."""

import os
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path as FilePath
from typing import Any

import attrs

from smppproxy.config import options, passwords, references
from smppproxy.config.lines import Path
from smppproxy.config.source import Source, near
from smppproxy.receipts.dialects import NORMALISED
from smppproxy.receipts.message_ids import IdProfile
from smppproxy.receipts.receipt import ReceiptProfile
from smppproxy.routing.accounts import Account
from smppproxy.routing.mo import MoRoute, MoTable
from smppproxy.routing.providers import Host, Provider
from smppproxy.routing.routes import Route, RouteTable, Target
from smppproxy.routing.rules import Digits, SomeOf, show

_TARGETS_EXAMPLE = (
    'write targets = ["acme"], or [{ provider = "acme", weight = 3 }, '
    '{ provider = "beta", backup = true }]'
)
#: The words that a receipt profile may call final.
_STATES = tuple(sorted({*NORMALISED.values(), "BUFFERD"}))


@attrs.define
class Network:
    """A network file, checked. Accounts by system_id, providers by name."""

    accounts: dict[str, Account]
    providers: dict[str, Provider]
    routes: RouteTable
    mo: MoTable


@attrs.define
class _FinalFor:
    """More final states for the destinations that begin with `prefix`."""

    prefix: tuple[str, ...] = attrs.field(validator=Digits("57"))
    states: frozenset[str] = attrs.field(validator=SomeOf(_STATES))


def load_network(path: str | FilePath, environ: Mapping[str, str] | None = None) -> Network:
    """Read a network file. Raises ConfigError with every problem of the file.

    `environ` holds the variables that `env:NAME` may name, by default those of the process.
    """
    source = Source(path, os.environ if environ is None else environ)
    source.unknown((), source.data, ("account", "provider", "route", "mo_route"), "table")
    accounts = {name: _account(source, at, table) for name, at, table in _named(source, "account")}
    providers = {
        name: _provider(source, at, table) for name, at, table in _named(source, "provider")
    }
    routes = _routes(source, accounts, providers)
    _one_way(source, routes, providers)
    mo_routes = _mo_routes(source, accounts, providers)
    source.raise_problems()
    return Network(
        accounts={name: Account(**arguments) for name, arguments in accounts.items()},
        providers={name: Provider(**arguments) for name, arguments in providers.items()},
        routes=RouteTable(list(routes.values())),
        mo=MoTable(mo_routes),
    )


def _named(source: Source, kind: str) -> list[tuple[str, Path, dict[str, Any] | None]]:
    """The tables [kind.NAME]; None for what has a name but is no table."""
    mend = f"write its options below [{kind}.NAME]"
    tables = source.table((kind,), source.data.get(kind, {}), mend) or {}
    return [
        (name, (kind, name), source.table((kind, name), value, mend))
        for name, value in tables.items()
    ]


def _account(source: Source, path: Path, table: dict[str, Any] | None) -> dict[str, Any]:
    if table is None:
        return {}
    fields = attrs.fields(Account)
    filled = frozenset({"system_id", "password"})
    arguments = options.read(source, path, table, Account, other=filled)
    arguments["system_id"] = options.option(source, path, fields.system_id, path[-1])
    if "system_id" in table:
        mend = "remove it; the name of the table is the system_id, in quotes where it needs them"
        source.problem((*path, "system_id"), "this does not stand here", mend)
    if "password" in table:
        arguments["password"] = _hash(source, (*path, "password"), table["password"])
    else:
        mend = f'run "smppproxy password {path[-1]}" and paste its line here'
        options.missing(source, path, "password", mend)
    if arguments.get("burst") and not arguments.get("tps"):
        mend = "set tps too, or remove burst"
        source.problem((*path, "burst"), "burst without tps means nothing", mend)
    return arguments


def _hash(source: Source, path: Path, written: object) -> str:
    """The hash of an account's password; "" after noting what is wrong with it."""
    octets = references.secret(source, path, written)
    if octets is None:
        return ""
    stored = octets.decode("utf-8", "replace")
    trouble = passwords.trouble(stored)
    if trouble:
        where = " as the value it names" if references.is_reference(written) else ""
        mend = f'run "smppproxy password {path[-2]}" and paste its line{where}'
        source.problem(path, trouble, mend)
    return stored


def _provider(source: Source, path: Path, table: dict[str, Any] | None) -> dict[str, Any]:
    if table is None:
        return {}
    filled = frozenset({"name", "password", "hosts", "host", "ids", "receipt"})
    arguments = options.read(source, path, table, Provider, other=filled)
    for name, mend in (
        ("name", "remove it; the name of the table is the provider's name"),
        ("hosts", f"write each host as a table of its own, [{path[0]}.{path[1]}.host.a]"),
    ):
        if name in table:
            source.problem((*path, name), "this does not stand here", mend)
    arguments["name"] = options.option(source, path, attrs.fields(Provider).name, path[-1])
    arguments["hosts"] = hosts = _hosts(source, path, table)
    arguments["password"] = _provider_password(source, path, table, hosts)
    arguments["ids"] = IdProfile(
        **options.read(source, (*path, "ids"), _sub(source, path, table, "ids"), IdProfile)
    )
    receipt = _sub(source, path, table, "receipt")
    arguments["receipt"] = _receipt(source, (*path, "receipt"), receipt)
    if arguments.get("tls_ca"):
        arguments["tls_ca"] = source.file((*path, "tls_ca"), arguments["tls_ca"])
    _provider_times(source, path, arguments)
    return arguments


def _sub(source: Source, path: Path, table: dict[str, Any], name: str) -> dict[str, Any]:
    mend = f"write its options below [{path[0]}.{path[1]}.{name}]"
    return source.table((*path, name), table.get(name, {}), mend) or {}


def _hosts(source: Source, path: Path, table: dict[str, Any]) -> tuple[Host, ...]:
    hosts: list[Host] = []
    written = _sub(source, path, table, "host")
    if not written and table.get("host", {}) == {}:
        mend = f'write [provider.{path[1]}.host.a] with address = "..." and port = 2775'
        source.problem((*path, "host"), "the provider has no host", mend)
    for name, value in written.items():
        place = (*path, "host", name)
        mend = f"write its options below [provider.{path[1]}.host.{name}]"
        known = len(source.problems)
        table = source.table(place, value, mend) or {}
        if "name" in table:
            source.problem((*place, "name"), "this does not stand here", "remove it")
        if len(source.problems) == known:
            arguments = options.read(source, place, table, Host, other=frozenset({"name"}))
            options.option(source, place, attrs.fields(Host).name, name)
        if len(source.problems) == known:
            hosts.append(Host(name, **arguments))
    _same_host(source, path, hosts)
    return tuple(hosts)


def _same_host(source: Source, path: Path, hosts: list[Host]) -> None:
    seen: dict[tuple[str, int], str] = {}
    for host in hosts:
        door = (host.address.lower(), host.port)
        if door in seen:
            text = f"host {seen[door]} has this address and port already"
            mend = "remove one of them; for more binds to one host set binds"
            source.problem((*path, "host", host.name), text, mend)
        seen.setdefault(door, host.name)


def _provider_password(
    source: Source, path: Path, table: dict[str, Any], hosts: tuple[Host, ...]
) -> bytes | None:
    place = (*path, "password")
    reference = 'write password = "env:NAME" or password = "file:PATH"'
    if "password" not in table:
        options.missing(source, path, "password", reference)
        return None
    if not references.is_reference(table["password"]) and not all(map(_loopback, hosts)):
        source.problem(
            place, "a password in plain text is taken for hosts on 127.0.0.1 only", reference
        )
        return None
    value = references.secret(source, place, table["password"])
    if value is None:
        return None
    field = attrs.fields(Provider).password
    octets: bytes | None = options.option(source, place, field, value)
    return octets


def _loopback(host: Host) -> bool:
    if host.address == "localhost":
        return True
    try:
        return ip_address(host.address).is_loopback
    except ValueError:
        return False


def _provider_times(source: Source, path: Path, arguments: dict[str, Any]) -> None:
    """Pairs of times of which the first may not be longer than the second."""
    fields: dict[str, Any] = attrs.fields_dict(Provider)
    for shorter, longer in (("reconnect_min", "reconnect_max"), ("final_ttl", "mapping_ttl")):
        low = arguments.get(shorter, fields[shorter].default)
        high = arguments.get(longer, fields[longer].default)
        if low > high:
            named = shorter if shorter in arguments else longer
            text = f"{shorter} ({low:g} s) is longer than {longer} ({high:g} s)"
            source.problem((*path, named), text, f"write {longer} of at least {shorter}")


def _receipt(source: Source, path: Path, table: dict[str, Any]) -> ReceiptProfile | None:
    known = len(source.problems)
    arguments = options.read(
        source, path, table, ReceiptProfile, other=frozenset({"final", "final_for"})
    )
    field = attrs.fields(_FinalFor).states
    if "final" in table:
        arguments["final"] = options.option(source, (*path, "final"), field, table["final"])
    arguments["final_for"] = _final_for(source, (*path, "final_for"), table.get("final_for", []))
    if len(source.problems) > known:
        return None
    try:
        return ReceiptProfile(**arguments)
    except (KeyError, ValueError, OSError):
        mend = 'write "UTC" or a name of the zone database, e.g. "Europe/Copenhagen"'
        source.problem((*path, "tz"), f"{show(arguments['tz'])} is not a time zone", mend)
        return None


def _final_for(
    source: Source, path: Path, written: object
) -> tuple[tuple[str, frozenset[str]], ...]:
    mend = 'write final_for = [{ prefix = "57", states = ["REJECTD"] }]'
    if not isinstance(written, list):
        source.problem(path, "this is not a list of tables", mend)
        return ()
    found: list[tuple[str, frozenset[str]]] = []
    for place, item in enumerate(written):
        table = source.table((*path, place), item, mend)
        if table is None:
            continue
        if isinstance(table.get("prefix"), str):
            table = {**table, "prefix": [table["prefix"]]}
        arguments = options.read(source, (*path, place), table, _FinalFor)
        if len(arguments) == 2:
            found += [(prefix, arguments["states"]) for prefix in arguments["prefix"]]
    return tuple(found)


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
    source: Source, routes: dict[Path, Route], providers: dict[str, dict[str, Any]]
) -> None:
    """A provider that is bound as receiver only takes no submit_sm."""
    for path, route in routes.items():
        for index, target in enumerate(route.targets):
            if providers[target.provider].get("bind") == "receiver":
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


def _mo_routes(
    source: Source, accounts: Iterable[str], providers: Iterable[str]
) -> list[MoRoute]:
    routes: list[MoRoute] = []
    for path, table in source.tables("mo_route"):
        known = len(source.problems)
        arguments = options.read(source, path, table, MoRoute)
        name = arguments.get("account")
        if name is not None and name not in accounts:
            text = f"there is no account {show(name)}"
            source.problem((*path, "account"), text, near(name, accounts))
        _known(source, path, arguments, "providers", providers, "provider")
        if len(source.problems) == known:
            routes.append(MoRoute(**arguments))
    return routes


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
