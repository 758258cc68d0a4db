"""Accounts and submit_sm for tests of routes."""

from typing import Unpack

from smppproxy.routing.accounts import Account
from smppproxy.routing.explain import Explanation
from smppproxy.routing.routes import Pick, Route, RouteTable, Target
from smppproxy.smpp.build import MessageFields, submit_sm
from smppproxy.smpp.fields import walk_message

HASH = "$argon2id$v=19$m=19456,t=2,p=1$s+RL4oNIKP9ry/0ejq0WVA$" + "A" * 43
#: 2026-11-23 12:00 UTC, a Monday.
NOON = 1_795_435_200.0


def to(*names: str) -> tuple[Target, ...]:
    """Targets of weight 1."""
    return tuple(Target(name) for name in names)


def account(name: str = "demo", **options: object) -> Account:
    """An account; its password says nothing."""
    return Account(name, HASH, **options)  # type: ignore[arg-type]


def pick(
    table: RouteTable,
    who: str | Account = "demo",
    wall: float = NOON,
    message_class: bytes = b"",
    **fields: Unpack[MessageFields],
) -> Pick | None:
    """What the table does with a submit_sm of these fields."""
    raw = submit_sm(1, **fields)
    by = account(who) if isinstance(who, str) else who
    return table.pick(by, raw, walk_message(raw), wall, message_class)


def explain(
    table: RouteTable,
    who: str | Account = "demo",
    wall: float = NOON,
    message_class: bytes = b"",
    **fields: Unpack[MessageFields],
) -> Explanation:
    """The same, explained."""
    raw = submit_sm(1, **fields)
    by = account(who) if isinstance(who, str) else who
    return table.explain(by, raw, walk_message(raw), wall, message_class)


def route_of(table: RouteTable, who: str, destination: bytes) -> Route | None:
    """The route that the plain rule names."""
    found = explain(table, who, destination_addr=destination).pick
    return None if found is None else found.route
