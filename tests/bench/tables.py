"""Tables of routes of the size that operators have, and messages for them. Always the same."""

from __future__ import annotations

from random import Random
from typing import Any

import attrs

from smppproxy.routing.accounts import Account
from smppproxy.routing.prefixes import PrefixIndex
from smppproxy.routing.prices import NO_PRICE, PriceList
from smppproxy.routing.routes import Pick, Route, RouteTable, Target
from smppproxy.smpp.build import submit_sm
from smppproxy.smpp.fields import walk_message

HASH = "$argon2id$v=19$m=19456,t=2,p=1$s+RL4oNIKP9ry/0ejq0WVA$" + "A" * 43
#: 2026-11-23 12:00 UTC, a Monday.
NOON = 1_795_435_200.0
ACCOUNTS = 1_000
ROUTES = 1_000
PREFIXES = 100_000

Message = tuple[Account, bytes, tuple[int, int, int, int, int, int]]


@attrs.define
class Bench:
    """A table and the messages that ask it."""

    name: str
    table: RouteTable
    messages: list[Message]

    def run(self) -> int:
        """Choose for every message; how many have a route."""
        pick = self.table.pick
        found = 0
        for account, raw, offsets in self.messages:
            if pick(account, raw, offsets, NOON) is not None:
                found += 1
        return found

    def picks(self) -> list[Pick | None]:
        """What was chosen for each message."""
        return [self.table.pick(*message, NOON) for message in self.messages]


def accounts() -> list[Account]:
    """Plain accounts."""
    return [Account(f"acct{n}", HASH) for n in range(ACCOUNTS)]


def numbers(count: int, longest: int = 9) -> list[str]:
    """So many prefixes of 3 to `longest` digits, none twice."""
    random = Random(4)
    found: dict[str, None] = {}
    while len(found) < count:
        length = random.randrange(3, longest + 1)
        found[str(random.randrange(10 ** (length - 1), 10**length))] = None
    return [*found]


def mixed_route(n: int, prefixes: list[str]) -> Route:
    """One of ten kinds of conditions, and a hundred prefixes of its own."""
    kinds: list[dict[str, Any]] = [
        {"accounts": frozenset({f"acct{n}"})},
        {"sources": frozenset({f"S{n}", f"{n}*"})},
        {"data_codings": frozenset({8}), "service_types": frozenset({f"T{n % 100}"})},
        {"groups": frozenset({f"g{n % 20}"}), "hours": "08:00-20:00", "tz": "Europe/Copenhagen"},
        {"tlvs": {0x1400 + n % 7: f"{n:04x}"}},
        {"source_tons": frozenset({5}), "priorities": frozenset({3}), "order": n % 3},
        {"accounts": frozenset({f"acct{n}"}), "text": (r"code \d+",)},
        {"parts": "only", "dest_tons": frozenset({2})},
        {"message_classes": frozenset({f"c{n}"})},
        {},
    ]
    each = PREFIXES // ROUTES
    mine = tuple(prefixes[n * each : (n + 1) * each])
    targets = (Target(f"p{n % 9}", 3), Target(f"q{n % 7}"), Target("r", backup=True))
    return Route(f"r{n}", prefixes=mine, targets=targets, **kinds[n % len(kinds)])


def message(random: Random, account: Account, number: str) -> Message:
    """A message in which every field says something."""
    tlvs = [(0x1400 + random.randrange(7), random.randbytes(2))] if random.random() < 0.2 else []
    raw = submit_sm(
        1,
        source_addr=f"S{random.randrange(ROUTES)}".encode(),
        source_addr_ton=5,
        destination_addr=number.encode(),
        data_coding=random.choice((0, 0, 0, 8)),
        service_type=f"T{random.randrange(100)}".encode(),
        priority_flag=random.choice((0, 0, 3)),
        short_message=b"your code 1234 is good",
        tlvs=tlvs,
    )
    return account, raw, walk_message(raw)


def plain(count: int = 3_000) -> Bench:
    """Two routes that ask for account and prefix only: what most operators have."""
    table = RouteTable([
        Route("all", targets=(Target("a", 3), Target("b"), Target("r", backup=True))),
        Route("dk", accounts=frozenset({"acct1"}), prefixes=("45", "46", "47"),
              targets=(Target("a"),)),
    ])  # fmt: skip
    random = Random(5)
    known = accounts()[:2]
    messages = [message(random, known[n % 2], f"45{n:08}") for n in range(count)]
    return Bench("account and prefix only", table, messages)


def mixed(count: int = 3_000) -> Bench:
    """A thousand routes of all kinds with a hundred thousand prefixes, for a thousand accounts."""
    prefixes = numbers(PREFIXES)
    routes = [mixed_route(n, prefixes) for n in range(ROUTES)]
    routes.append(Route("rest", targets=(Target("z"),)))
    groups = {f"acct{n}": frozenset({f"g{n % 20}"}) for n in range(ACCOUNTS)}
    table = RouteTable(routes, groups)
    return Bench("1,000 mixed routes, 100,000 prefixes", table, mixed_messages(prefixes, count))


def mixed_messages(prefixes: list[str], count: int) -> list[Message]:
    """To random prefixes from random accounts."""
    random = Random(6)
    known = accounts()
    return [
        message(random, random.choice(known), (random.choice(prefixes) + "12345678")[:12])
        for _ in range(count)
    ]


def listed(count: int = 3_000) -> Bench:
    """One list of a hundred thousand prefixes, for a thousand accounts with a route each."""
    prefixes = numbers(PREFIXES)
    octets = tuple(prefix.encode() for prefix in prefixes)
    routes = [Route("list", prefix_file="list.csv", targets=(Target("a"), Target("b")))]
    routes += [
        Route(f"own{n}", accounts=frozenset({f"acct{n}"}), prefix_file="list.csv", order=-1,
              sources=frozenset({"Acme"}), targets=(Target("a"),))
        for n in range(ROUTES - 1)
    ]  # fmt: skip
    for route in routes:
        route.listed = octets
    return Bench("1,000 routes share 100,000 prefixes", RouteTable(routes),
                 mixed_messages(prefixes, count))  # fmt: skip


def open_to_all(count: int = 3_000) -> Bench:
    """A thousand conditions without prefixes and accounts: each message could be for any."""
    kinds: list[Any] = [
        lambda n: {"sources": frozenset({f"S{n}"})},
        lambda n: {"tlvs": {0x1400 + n % 7: f"{n:04x}"}},
        lambda n: {"data_codings": frozenset({8}), "service_types": frozenset({f"T{n % 100}"})},
        lambda n: {"message_classes": frozenset({f"c{n}"}), "hours": "08:00-20:00"},
    ]
    routes = [Route(f"r{n}", targets=(Target("a"),), **kinds[n % 4](n)) for n in range(ROUTES)]
    messages = mixed_messages(numbers(1_000), count)
    return Bench("1,000 routes that ask everybody", RouteTable(routes), messages)


def priced(count: int = 3_000) -> Bench:
    """Three providers with a hundred thousand prices each."""
    random = Random(7)
    prefixes = numbers(PREFIXES)
    lists = {
        name: PriceList(PrefixIndex(
            [(prefix.encode(), float(random.randrange(100))) for prefix in prefixes], NO_PRICE))
        for name in "abc"
    }  # fmt: skip
    targets = (Target("a"), Target("b"), Target("c"))
    table = RouteTable([Route("least", targets=targets, select="least_cost")], prices=lists)
    return Bench("least cost of 3 x 100,000 prices", table, mixed_messages(prefixes, count))


#: Every table, by what makes it.
ALL = (plain, mixed, listed, open_to_all, priced)
