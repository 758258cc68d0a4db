"""The rule of routes read aloud: every route that was asked, and why it fitted or did not."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from zlib import crc32

import attrs

from smppproxy.routing.conditions import Times, timed
from smppproxy.routing.facts import Facts
from smppproxy.routing.patterns import compiled
from smppproxy.routing.prefixes import PrefixIndex, bare
from smppproxy.routing.prepared import Arrange, Prepared
from smppproxy.routing.prices import NO_PRICE
from smppproxy.routing.route import Pick, Route
from smppproxy.routing.route_rules import ANY
from smppproxy.smpp.constants import status_name

Quality = tuple[Arrange | None, PrefixIndex[bytes] | None]


@attrs.define
class Check:
    """One condition of a route, held against a message.

    :ivar option: as in the network file.
    :ivar found: what the message has; `wanted` what the route asks for.
    """

    option: str
    wanted: str
    found: str
    fits: bool


@attrs.define
class Asked:
    """One route in the order of asking.

    :ivar place: in the file, from 1.
    :ivar prefix: the longest of its prefixes that the destination has; None: it has none.
    :ivar asked: False: a route before it has decided.
    :ivar fits: it decides, or would have.
    """

    route: str
    place: int
    order: int
    prefix: str | None
    asked: bool
    fits: bool
    checks: list[Check] = attrs.field(factory=list)

    @property
    def why(self) -> str:
        """In words: the first condition that does not fit, or that all do."""
        if not self.asked and self.prefix is None:
            return "none of its prefixes is one of the destination"
        if not self.asked:
            return "not asked: a route before it decides"
        for check in self.checks:
            if not check.fits:
                return f"{check.option}: {check.found}, wanted {check.wanted}"
        if not self.checks:
            return "it has no conditions"
        return "all of its conditions fit: " + ", ".join(check.option for check in self.checks)


@attrs.define
class Explanation:
    """All routes in the order of asking, and what came of it.

    :ivar pick: as `RouteTable.pick` gives it.
    :ivar because: how the order of its providers came about.
    :ivar prices: of the providers of a route by price; None: no price.
    """

    asked: list[Asked]
    pick: Pick | None
    because: str
    prices: dict[str, float | None] = attrs.field(factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        pick = self.pick
        return {
            "routes": [
                {**attrs.asdict(each), "why": each.why}
                for each in self.asked
            ],
            "route": pick and pick.route.name,
            "providers": list(pick.names) if pick else [],
            "command_status": pick.status if pick else 0,
            "because": self.because,
            "prices": self.prices,
            "rewrites": {
                name: {
                    option: value.decode() if isinstance(value, bytes) else value
                    for option, value in attrs.asdict(rewrite).items()
                }
                for name, rewrite in (pick.rewrites if pick else {}).items()
            },
            "overflow": pick and pick.overflow,
            "throttled": pick and pick.throttled,
            "failover": sorted(map(status_name, pick.failover)) if pick else [],
        }


def explained(
    prepared: Iterable[Prepared],
    facts: Facts,
    groups: frozenset[str],
    routes: Sequence[Route],
    quality: Quality,
) -> Explanation:
    """The routes asked about this message.

    :param groups: of the message's account.
    :param routes: in the order of the file.
    :param quality: what orders the providers of routes by quality, and by which prefixes.
    """
    places = {id(route): place for place, route in enumerate(routes, 1)}
    listed = []
    lists: dict[int, bytes | None] = {}
    for each in prepared:
        route = each.route
        if id(route.listed) not in lists:
            lists[id(route.listed)] = _longest(route.listed, facts.number)
        prefix = _longest(route.own_prefixes(), facts.number)
        other = lists[id(route.listed)]
        if prefix is None or (other is not None and len(other) > len(prefix)):
            prefix = other
        length = -1 if prefix is None else len(prefix)
        listed.append((route.order, -length, places[id(route)], prefix, each))
    listed.sort(key=lambda item: item[:3])
    asked: list[Asked] = []
    decides: Prepared | None = None
    for order, _, place, prefix, each in listed:
        beginning = None if prefix is None else prefix.decode()
        entry = Asked(each.route.name, place, order, beginning, decides is None, False)
        asked.append(entry)
        if decides is None:
            entry.checks = list(checks(each.route, facts, groups, prefix))
            entry.fits = all(check.fits for check in entry.checks)
            decides = each if entry.fits else None
    if decides is None:
        return Explanation(asked, None, "no route fits")
    return _chosen(asked, decides, facts, quality)


def _longest(prefixes: Iterable[bytes], number: bytes) -> bytes | None:
    return max((each for each in prefixes if number.startswith(each)), key=len, default=None)


def _chosen(
    asked: list[Asked], decides: Prepared, facts: Facts, quality: Quality
) -> Explanation:
    """What comes out of the route that decides."""
    route = decides.route
    if route.deny:
        because = f"the route denies it with {status_name(route.deny)}"
        return Explanation(asked, decides.picks[0], because)
    if decides.is_live:
        pick = decides.live(facts.number, *quality)[0]
        if decides.cheapest is None:
            return Explanation(asked, pick, "by quality, the best first")
        prices = decides.cheapest.prices(facts.number)
        known = {name: None if price == NO_PRICE else price for name, price in prices.items()}
        return Explanation(asked, pick, "by price, the least first", known)
    place = crc32(facts.number) % len(decides.picks)
    pick = decides.picks[place]
    if len(decides.picks) == 1:
        return Explanation(asked, pick, "in the order of the file")
    if route.select == "split":
        return Explanation(asked, pick, f"split: the recipient has place {place + 1} of 100")
    because = f"by weight: the recipient has place {place + 1} of {len(decides.picks)}"
    return Explanation(asked, pick, because)


# -- one condition after the other -----------------------------------------------------------------


def checks(
    route: Route, facts: Facts, groups: frozenset[str], prefix: bytes | None
) -> Iterator[Check]:
    """Each condition that a route has, held against a message."""
    if route.accounts or route.groups:
        fits = facts.account in route.accounts or bool(groups & route.groups)
        option = "accounts" if route.accounts else "groups"
        has = ", ".join((facts.account, *sorted(groups)))
        yield Check(option, _listed((*route.accounts, *route.groups)), has, fits)
    if route.prefixes or route.prefix_file:
        wanted = _listed(route.prefixes)
        if route.listed:
            others = f", or {wanted}" if wanted else ""
            wanted = f"one of {len(route.listed)} of {route.prefix_file}{others}"
        yield Check("prefixes", wanted, _said(facts.number), prefix is not None)
    if route.sources:
        yield Check(
            "sources", _listed(route.sources), _said(facts.source), _sent_by(route, facts.source)
        )
    yield from _numbers(route, facts)
    yield from _words(route, facts)
    yield from _tlvs(route, facts)
    if route.parts != "any":
        found = "a part" if facts.part else "whole"
        wanted = "a part" if route.parts == "only" else "whole"
        yield Check("parts", wanted, found, found == wanted)
    if timed(route):
        days = "" if len(route.days) == 7 else f"{_listed(route.days)} "
        wanted = f"{days}{route.hours or 'all day'} {route.tz}"
        times = Times(route.days, route.hours, route.tz)
        yield Check("hours" if route.hours else "days", wanted, times.told(facts.wall),
                    times.hold(facts.wall))  # fmt: skip
    if route.text:
        yield _text(route, facts)


def _numbers(route: Route, facts: Facts) -> Iterator[Check]:
    for option, wanted, found in (
        ("source_tons", route.source_tons, facts.source_ton),
        ("dest_tons", route.dest_tons, facts.dest_ton),
        ("data_codings", route.data_codings, facts.data_coding),
        ("priorities", route.priorities, facts.priority),
    ):
        if wanted:
            yield Check(option, _listed(wanted), str(found), found in wanted)


def _words(route: Route, facts: Facts) -> Iterator[Check]:
    for option, wanted, found in (
        ("service_types", route.service_types, facts.service_type),
        ("message_classes", route.message_classes, facts.message_class),
    ):
        if wanted:
            fits = found in {word.encode() for word in wanted}
            yield Check(option, _listed(wanted), _said(found), fits)


def _tlvs(route: Route, facts: Facts) -> Iterator[Check]:
    for tag, wanted in route.tlvs.items():
        value = facts.tlvs.get(tag)
        fits = value is not None and (wanted == ANY or value == bytes.fromhex(wanted))
        found = "not there" if value is None else value.hex()
        yield Check(f"tlvs.0x{tag:04X}", wanted, found, fits)


def _text(route: Route, facts: Facts) -> Check:
    fits = facts.text is not None and any(compiled(each).search(facts.text) for each in route.text)
    found = "no text" if facts.text is None else f"a text of {len(facts.text)} characters"
    return Check("text", _listed(route.text), found, fits)


def _sent_by(route: Route, source: bytes) -> bool:
    for sender in route.sources:
        wanted = bare(sender.removesuffix("*").encode())
        if source == wanted or (sender.endswith("*") and source.startswith(wanted)):
            return True
    return False


def _listed(values: Iterable[object]) -> str:
    words = sorted(map(str, values))
    return ", ".join(words if len(words) <= 10 else [*words[:10], f"{len(words) - 10} more"])


def _said(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace") or "empty"
