"""The tables [[route]] of the network file, and the tables of prefixes and prices they ask for."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from smppproxy.config import options
from smppproxy.config.beside import Beside, refuse_idle
from smppproxy.config.lines import Path
from smppproxy.config.problems import Problem
from smppproxy.config.source import Source, near
from smppproxy.config.tables import Tables
from smppproxy.routing.accounts import Account
from smppproxy.routing.overlaps import Taken, taken
from smppproxy.routing.prices import PriceList
from smppproxy.routing.providers import Provider
from smppproxy.routing.route import contradictions
from smppproxy.routing.routes import Route, RouteTable, Target
from smppproxy.routing.rules import show
from smppproxy.smpp.constants import STATUS_NAMES, status_name

_TARGETS_MEND = (
    'write targets = ["acme"], or [{ provider = "acme", weight = 3 }, '
    '{ provider = "beta", backup = true }]'
)
_STATUSES = {name: number for number, name in STATUS_NAMES.items() if number}
_STATUS_MEND = 'write a command_status such as "ESME_RINVDSTADR" or 0x0B'
_BESIDE = (
    Beside(
        ("select", "overflow", "throttled", "failover"),
        lambda values: not values["deny"],
        "targets in the place of deny",
    ),
    Beside(
        ("overflow", "throttled", "failover"),
        lambda values: len(values["targets"]) > 1,
        "a second target",
    ),
    Beside(
        ("tz",),
        lambda values: values["hours"] or len(values["days"]) < 7,
        "hours or days",
    ),
)

Providers = Mapping[str, Provider | None]
Accounts = Mapping[str, Account | None]


def read_routes(
    source: Source, accounts: Accounts, providers: Providers
) -> tuple[RouteTable, "Hints"]:
    """All routes, and where they stand; what is wrong is noted in `source` and left out."""
    tables = Tables(source)
    prices = _prices(source, tables, providers)
    groups = {
        name: account.groups for name, account in accounts.items() if account and account.groups
    }
    known = set().union(*groups.values()) if None not in accounts.values() else None
    reader = _Reader(source, tables, accounts, providers, known)
    routes = reader.routes()
    table = RouteTable(routes.values(), groups, prices)
    return table, _hints(source, routes, prices)


def _prices(source: Source, tables: Tables, providers: Providers) -> dict[str, PriceList]:
    """The price lists of the providers that have one."""
    return {
        name: tables.prices(("provider", name, "prices"), provider.prices)
        for name, provider in providers.items()
        if provider is not None and provider.prices
    }


@attrs.define
class _Reader:
    """What the tables [[route]] are held against."""

    source: Source
    tables: Tables
    accounts: Accounts
    providers: Providers
    #: None: an account is bad and left out, so that nobody can say which there are.
    groups: set[str] | None

    def routes(self) -> dict[Path, Route]:
        """The good routes by their paths."""
        routes: dict[Path, Route] = {}
        names: set[str] = set()
        for number, (path, table) in enumerate(self.source.tables("route"), 1):
            named = {"name": f"route {number}", **table}
            route = self._route(path, named)
            name = named["name"]
            if isinstance(name, str) and name in names:
                text = f"{show(name)} is the name of another route"
                self.source.problem((*path, "name"), text, "give each route a name of its own")
            elif isinstance(name, str):
                names.add(name)
            if route is not None:
                routes[path] = route
        return routes

    def _route(self, path: Path, written: dict[str, Any]) -> Route | None:
        source = self.source
        known = len(source.problems)
        table = self._statuses(path, written)
        arguments = options.read(source, path, table, Route, other=frozenset({"targets"}))
        arguments["targets"] = self._targets(path, table)
        self._names(path, arguments, "accounts", self.accounts, "account")
        if self.groups is not None:
            self._names(path, arguments, "groups", self.groups, "group of accounts")
        listed: tuple[bytes, ...] = ()
        if arguments.get("prefix_file"):
            listed = self.tables.prefixes((*path, "prefix_file"), arguments["prefix_file"])
        if len(source.problems) == known:
            self._together(path, written, arguments)
        if len(source.problems) > known:
            return None
        route = Route(**arguments)
        route.listed = listed
        return route

    def _together(self, path: Path, written: dict[str, Any], arguments: dict[str, Any]) -> None:
        """Options that are fine alone and impossible, or idle, together."""
        refuse = self.source.refuser(path)
        effective = _defaults() | arguments
        found = contradictions(arguments["targets"], effective["deny"], effective["select"])
        for option, text, mend in found:
            refuse(option, text, mend)
            return
        refuse_idle(refuse, Route, _BESIDE, written, effective)

    def _statuses(self, path: Path, written: dict[str, Any]) -> dict[str, Any]:
        """The table with numbers in the place of the names of command_status."""
        table = dict(written)
        if "deny" in table:
            table["deny"] = self._status((*path, "deny"), table["deny"])
        if isinstance(table.get("failover"), list):
            table["failover"] = [
                self._status((*path, "failover", place), item)
                for place, item in enumerate(table["failover"])
            ]
        return {option: value for option, value in table.items() if value is not None}

    def _status(self, path: Path, value: object) -> object:
        """A command_status; 1, and a problem, for one that is none or no refusal."""
        if isinstance(value, str):
            if value in _STATUSES:
                return _STATUSES[value]
            if value == status_name(0):
                self.source.problem(path, f"{value} is no refusal", _STATUS_MEND)
                return 1
            mend = near(value, _STATUSES) if value.startswith("ESME_") else _STATUS_MEND
            if not mend.startswith("did you"):
                mend = _STATUS_MEND
            self.source.problem(path, f"{show(value)} is no command_status", mend)
            return 1
        if value == 0 and not isinstance(value, bool):
            self.source.problem(path, "0 is no refusal", _STATUS_MEND)
            return 1
        return value

    def _targets(self, path: Path, table: dict[str, Any]) -> tuple[Target, ...]:
        """The targets of one route: names of providers, or tables."""
        if "targets" not in table and "deny" in table:
            return ()
        path = (*path, "targets")
        written = table.get("targets", [])
        if not isinstance(written, list) or (not written and "deny" not in table):
            self.source.problem(path, "the route has no target", _TARGETS_MEND)
            return ()
        found: dict[str, Target] = {}
        for place, item in enumerate(written):
            at = (*path, place)
            item = {"provider": item} if isinstance(item, str) else item
            target = self.source.table(at, item, _TARGETS_MEND)
            arguments = (
                {} if target is None else options.read(self.source, at, target, Target)
            )
            name = arguments.get("provider")
            if name is None:
                continue
            if name not in self.providers:
                text = f"there is no provider {show(name)}"
                self.source.problem(at, text, near(name, self.providers))
            elif name in found:
                mend = "name each provider once and give it a weight"
                self.source.problem(at, f"{show(name)} is a target of this route already", mend)
            self._takes_messages(at, name)
            found[name] = Target(**arguments)
        return tuple(found.values())

    def _takes_messages(self, path: Path, name: str) -> None:
        """A provider that is bound as receiver only takes no submit_sm."""
        provider = self.providers.get(name)
        if provider and provider.bind == "receiver":
            text = f'provider {name} is bound as "receiver" and takes no messages'
            mend = f'remove the target, or set provider.{name}.bind = "transceiver"'
            self.source.problem(path, text, mend)

    def _names(
        self, path: Path, arguments: dict[str, Any], option: str, known: Iterable[str], what: str
    ) -> None:
        """A problem for each name in the list `option` that is not among the known ones."""
        for name in sorted(arguments.get(option, ())):
            if name not in known:
                self.source.problem(
                    (*path, option), f"there is no {what} {show(name)}", near(name, known)
                )


def _defaults() -> dict[str, Any]:
    return {
        field.name: field.default
        for field in attrs.fields(Route)
        if field.init and not isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]
    }


# -- what is allowed, and yet hardly meant ---------------------------------------------------------


@attrs.define
class Hints:
    """Where routes stand in their file, to tell what is hardly meant about them.

    :ivar places: by name of the route, a problem there without words.
    :ivar found: what is known already.
    """

    places: dict[str, Problem] = attrs.field(factory=dict)
    found: list[Problem] = attrs.field(factory=list)

    def problems(self, table: RouteTable) -> Iterator[Problem]:
        """Each with its line and a mend."""
        yield from self.found
        for each in taken(table):
            text, mend = _told(each)
            yield attrs.evolve(self.places[each.route.name], text=text, mend=mend)


def _hints(
    source: Source, routes: dict[Path, Route], prices: Mapping[str, PriceList]
) -> Hints:
    hints = Hints()
    for path, route in routes.items():
        hints.places[route.name] = source.warning(path, "", "")
        if route.select != "least_cost":
            continue
        for place, target in enumerate(route.targets):
            if target.provider not in prices and not target.backup:
                text = f"provider {target.provider} has no prices and always comes last"
                mend = f'write provider.{target.provider}.prices = "FILE.csv"'
                hints.found.append(source.warning((*path, "targets", place), text, mend))
    return hints


def _told(each: Taken) -> tuple[str, str]:
    by = ", ".join(show(route.name) for route in each.by)
    mend = "put it before them, give it a lower order, or remove it"
    if each.prefixes == each.of:
        return f"no message ever comes here: {by} takes all of them before", mend
    some = ", ".join(prefix.decode() or "the rest" for prefix in each.examples)
    text = f"{each.prefixes} of its {each.of} prefixes never come here ({some}): {by} takes them"
    return text, mend
