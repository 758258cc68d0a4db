"""Routes that never get what they ask for, because others take it before them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import attrs

from smppproxy.routing.conditions import timed
from smppproxy.routing.prefixes import bare
from smppproxy.routing.route import Route
from smppproxy.routing.route_rules import ANY

if TYPE_CHECKING:
    from smppproxy.routing.routes import RouteTable

_EXAMPLES = 3


@attrs.define
class Taken:
    """A route some of whose prefixes never come to it.

    :ivar prefixes: how many of them, `of` so many; the whole route when they are the same.
    :ivar by: the routes that take them, as they were found.
    """

    route: Route
    prefixes: int
    of: int
    by: list[Route]
    examples: list[bytes]

    def add(self, taker: Route, count: int, examples: list[bytes]) -> None:
        """So many more prefixes are taken by this route."""
        self.prefixes += count
        if taker not in self.by:
            self.by.append(taker)
        self.examples = [*self.examples, *examples][:_EXAMPLES]


def taken(table: "RouteTable") -> Iterator[Taken]:
    """Each route of which one other route alone takes a prefix whole.

    What several routes take together is not seen.
    """
    members = _members(table)
    lists: dict[int, _Classes] = {}
    for number, route in enumerate(table.ordered):
        if id(route.listed) not in lists:
            lists[id(route.listed)] = _classes(table, route.listed)
        known: dict[int, bool] = {}
        found = Taken(route, 0, 0, [], [])
        for part in (_classes(table, route.own_prefixes()), lists[id(route.listed)]):
            for each, (count, examples) in part.items():
                found.of += count
                before = table.asked_before(number, each)
                taker = _first_wider(table, before, route, known, members)
                if taker is not None:
                    found.add(taker, count, examples)
        if found.prefixes:
            yield found


#: By class of numbers: how many prefixes, and the first of them.
_Classes = dict[int, tuple[int, list[bytes]]]


def _classes(table: "RouteTable", prefixes: Iterable[bytes]) -> _Classes:
    found: _Classes = {}
    for prefix in prefixes:
        number = table.class_of(prefix)
        count, examples = found.get(number, (0, []))
        if count < _EXAMPLES:
            examples.append(prefix)
        found[number] = count + 1, examples
    return found


def _members(table: "RouteTable") -> dict[str, frozenset[str]]:
    """The accounts of each group."""
    members: dict[str, set[str]] = {}
    for account, groups in table.groups.items():
        for group in groups:
            members.setdefault(group, set()).add(account)
    return {group: frozenset(accounts) for group, accounts in members.items()}


def _first_wider(
    table: "RouteTable",
    before: int,
    route: Route,
    known: dict[int, bool],
    members: Mapping[str, frozenset[str]],
) -> Route | None:
    """The first of the routes `before` that takes all that `route` would."""
    while before:
        number = (before & -before).bit_length() - 1
        if number not in known:
            known[number] = wider(table.ordered[number], route, members)
        if known[number]:
            return table.ordered[number]
        before &= before - 1
    return None


def wider(one: Route, other: Route, members: Mapping[str, frozenset[str]]) -> bool:
    """Whether every message that `other` takes fits `one`, destinations aside."""
    return (
        _accounts_in(one, other, members)
        and _senders_in(one.sources, other.sources)
        and _values_in(one, other)
        and _tlvs_in(one, other)
        and one.parts in ("any", other.parts)
        and _times_in(one, other)
        and (not one.text or (bool(other.text) and set(other.text) <= set(one.text)))
    )


def _accounts_in(one: Route, other: Route, members: Mapping[str, frozenset[str]]) -> bool:
    if not one.accounts and not one.groups:
        return True
    if not other.accounts and not other.groups:
        return False
    mine = one.accounts.union(*(members.get(group, frozenset()) for group in one.groups))
    its = other.accounts.union(*(members.get(group, frozenset()) for group in other.groups))
    return its <= mine


def _senders_in(one: frozenset[str], other: frozenset[str]) -> bool:
    if not one:
        return True
    beginnings = tuple(_sender(each) for each in one if each.endswith("*"))
    whole = {_sender(each) for each in one if not each.endswith("*")}
    return bool(other) and all(
        _sender(each).startswith(beginnings) or (not each.endswith("*") and _sender(each) in whole)
        for each in other
    )


def _sender(written: str) -> bytes:
    return bare(written.removesuffix("*").encode())


def _values_in(one: Route, other: Route) -> bool:
    pairs: tuple[tuple[frozenset[object], frozenset[object]], ...] = (
        (one.source_tons, other.source_tons),
        (one.dest_tons, other.dest_tons),
        (one.data_codings, other.data_codings),
        (one.service_types, other.service_types),
        (one.message_classes, other.message_classes),
        (one.priorities, other.priorities),
    )
    return all(not mine or (its and its <= mine) for mine, its in pairs)


def _tlvs_in(one: Route, other: Route) -> bool:
    return all(
        tag in other.tlvs and value.lower() in (ANY, other.tlvs[tag].lower())
        for tag, value in one.tlvs.items()
    )


def _times_in(one: Route, other: Route) -> bool:
    if not timed(one):
        return True
    return one.days >= other.days and (one.hours, one.tz) == (other.hours, other.tz)
