"""What all nodes share: the rows of each view that the store, or the network, answers alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults, succeed

from smppproxy.admin.rooms import Rooms
from smppproxy.admin.views import Row, utc
from smppproxy.config.effective import toml
from smppproxy.smpp.constants import STATUS_NAMES
from smppproxy.store.interface import MESSAGES, RECEIPTS
from smppproxy.words import UNROUTED

SECRET = frozenset({"password", "second_password", "store", "tokens", "headers"})
"""Options that are not shown, whatever they hold."""

SEVERAL = {"hosts": "host", "listeners": "listener"}
"""Options that are several tables, and how each of them is called."""


def queues(rooms: Rooms, limit: int) -> Deferred[list[Row]]:
    """Two rows for each account: receipts and MO messages."""
    accounts = sorted(rooms.network().accounts.values(), key=lambda account: account.system_id)
    names = [kind + account.key for account in accounts for kind in (RECEIPTS, MESSAGES)]

    def rows(found: list[Any]) -> list[Row]:
        sizes, dropped, ages = found
        told = []
        for place, account in enumerate(accounts):
            limits = (account.receipt_limit, account.receipt_keep), (
                account.mo_limit,
                account.mo_keep,
            )
            for number, kind in enumerate(("receipts", "mo")):
                waiting, held = sizes[2 * place + number]
                told.append(
                    {
                        "account": account.system_id,
                        "queue": kind,
                        "waiting": waiting,
                        "in_hands": held,
                        "oldest": round(ages[2 * place + number], 1),
                        "limit": limits[number][0],
                        "keep": limits[number][1],
                        "dropped": dropped.get(names[2 * place + number], 0),
                    }
                )
        return told

    asked: list[Deferred[Any]] = [
        rooms.store.sizes(names),
        rooms.store.dropped(),
        rooms.store.ages(names),
    ]
    return gatherResults(asked, consumeErrors=True).addCallback(rows)


def parked(rooms: Rooms, limit: int, name: str = "") -> Deferred[list[Row]]:
    """The newest first; of a provider, an id or a message id."""
    return _strays(rooms, ("parked",), limit, name)


def orphans(rooms: Rooms, limit: int, name: str = "") -> Deferred[list[Row]]:
    """The newest first, of both kinds; those of a name too, as :func:`parked`, or of a kind."""
    return _strays(rooms, ("orphans", "quarantine"), limit, name)


def _strays(rooms: Rooms, kinds: Sequence[str], limit: int, name: str) -> Deferred[list[Row]]:
    def wanted(kind: str, row: Row) -> bool:
        return name in ("", kind, row["provider"], row["id"], *row["message_ids"])

    listed = rooms.relay.replays.listed
    asked = [listed(kind, limit, wanted=partial(wanted, kind)) for kind in kinds]

    def rows(found: list[list[Row]]) -> list[Row]:
        strays = [
            (row["arrived"], {**row, "kind": kind})
            for kind, several in zip(kinds, found, strict=True)
            for row in several
        ]
        strays.sort(key=lambda each: -each[0])
        return [_stray(row) for _, row in strays]

    return gatherResults(asked, consumeErrors=True).addCallback(rows)


def _stray(row: Row) -> Row:
    return row | {
        "arrived": utc(row["arrived"]),
        "message_ids": " ".join(row["message_ids"]),
    }


def unrouted(rooms: Rooms, limit: int, name: str = "") -> Deferred[list[Row]]:
    """The newest first; of a provider, an id or a number on either side."""

    def wanted(row: Row) -> bool:
        return name in ("", row["provider"], row["id"], row["number"], row["source"])

    listed = rooms.relay.replays.listed(UNROUTED, limit, wanted=wanted)
    return listed.addCallback(
        lambda rows: [{**row, "arrived": utc(row["arrived"])} for row in rows]
    )


# -- the network ----------------------------------------------------------------------------------


def routes(rooms: Rooms, limit: int) -> Deferred[list[Row]]:
    """By their order, else as in the file: so they are asked where prefixes do not decide."""
    placed = enumerate(rooms.network().routes.routes, 1)
    rows = sorted(placed, key=lambda item: (item[1].order, item[0]))
    return succeed([_route(place, route) for place, route in rows])


_MATCHES_NOTHING = frozenset({"name", "targets"})
_OPTIONS = frozenset({"deny", "select", "overflow", "throttled", "failover", "order"})


def _route(place: int, route: Any) -> Row:
    said = {
        field.name: getattr(route, field.name)
        for field in attrs.fields(type(route))
        if field.init and field.name not in _MATCHES_NOTHING and _is_changed(route, field)
    }
    return {
        "place": place,
        "route": route.name,
        "match": _spoken({name: value for name, value in said.items() if name not in _OPTIONS})
        or "everything",
        "targets": ", ".join(_target(target) for target in route.targets),
        "options": _spoken({name: value for name, value in said.items() if name in _OPTIONS}),
    }


def _spoken(said: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {_short(_value(name, value))}" for name, value in said.items())


def _value(name: str, value: Any) -> str:
    """As people write it in the file: statuses by name, tags in hexadecimal."""
    if name == "deny":
        return _status(value)
    if name == "failover":
        return f"[{', '.join(_status(each) for each in sorted(value))}]"
    if name == "tlvs":
        return toml({f"0x{tag:04X}": wanted for tag, wanted in value.items()})
    return toml(value)


def _status(command_status: int) -> str:
    return STATUS_NAMES.get(command_status) or f"0x{command_status:02X}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _target(target: Any) -> str:
    parts = [
        f"{field.name} = {toml(getattr(target, field.name))}"
        for field in attrs.fields(type(target))
        if field.init and field.name != "provider" and _is_changed(target, field)
    ]
    return f"{target.provider} ({', '.join(parts)})" if parts else str(target.provider)


# -- options --------------------------------------------------------------------------------------


def config(rooms: Rooms, limit: int) -> Deferred[list[Row]]:
    """Every option of the node and of the network in force."""
    network = rooms.network()
    rows = [*_options("node", rooms.node)]
    for name, account in sorted(network.accounts.items()):
        rows += _options(f"account.{name}", account)
    for name, provider in sorted(network.providers.items()):
        rows += _options(f"provider.{name}", provider)
    return succeed(rows)


def _options(section: str, table: Any) -> Iterator[Row]:
    """The options of a table, then those of the tables in it."""
    inner: list[tuple[str, Any]] = []
    for field in attrs.fields(type(table)):
        value = getattr(table, field.name)
        if not field.init:
            continue
        if attrs.has(type(value)):
            inner.append((field.name, value))
        elif field.name in SEVERAL:
            inner += [(f"{SEVERAL[field.name]}.{each.name}", each) for each in value]
        else:
            yield {
                "section": section,
                "option": field.name,
                "value": "(not shown)" if field.name in SECRET else _written(value),
                "changed": _is_changed(table, field),
            }
    for name, value in inner:
        top = section == "node" and name != "message_log"
        yield from _options(name if top else f"{section}.{name}", value)


def _written(value: Any) -> str:
    return toml(tuple(map(str, value)) if isinstance(value, tuple) else value)


def _is_changed(value: Any, field: Any) -> bool:
    default = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = default.factory(value) if default.takes_self else default.factory()
    return bool(getattr(value, field.name) != default)


ASKED_ONCE: dict[str, Callable[[Rooms, int], Deferred[list[Row]]]] = {
    "queues": queues,
    "routes": routes,
    "config": config,
}
"""By the name of the view; the number is how many rows are wanted."""

SOUGHT: dict[str, Callable[[Rooms, int, str], Deferred[list[Row]]]] = {
    "parked": parked,
    "orphans": orphans,
    "unrouted": unrouted,
}
"""The same of views that are too long to be read for a name: the store is asked page by page."""
