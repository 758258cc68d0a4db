"""The networks that schedules run in: made once, since settings are checked when they are made."""

from __future__ import annotations

from functools import cache
from random import Random

import attrs

from smppproxy.routing.accounts import Account
from smppproxy.routing.mo import MoRoute, MoSettings, MoTable
from smppproxy.routing.providers import Provider
from smppproxy.routing.routes import Route, RouteTable, Target
from smppproxy.smpp import constants as c
from tests.relay.presets import preset_provider
from tests.support.memory_peers import make_account, make_provider

ACCOUNTS = ("one", "two", "three")
PROVIDERS = ("p", "q")
VARIANTS = 4

MO_NUMBERS = {b"1201": ("one",), b"1202": ("two", "three"), b"1203": ("three",), b"1299": ()}
"""Short codes, and whose they are; the last one is nobody's."""


@attrs.define(eq=False)
class Network:
    """What a node uses."""

    accounts: dict[str, Account]
    providers: dict[str, Provider]
    routes: RouteTable
    mo: MoTable
    overflows: bool


@cache
def account(name: str, variant: int) -> Account:
    """One of the settings of an account."""
    in_doubt = ("resend", "answer")[variant % 2]
    if name == "one":
        tps = (0, 0, 3, 20)[variant]
        return make_account(name, window=6, in_doubt=in_doubt, tps=tps)
    if name == "two":
        return make_account(
            name,
            window=4,
            in_doubt=in_doubt,
            message_id_format="uuid",
            priority_lane=variant < 2,
            deliver_window=5,
        )
    return make_account(
        name,
        window=3,
        in_doubt=("answer", "resend")[variant % 2],
        window_full="throttle",
        deliver_window=2,
        receipt_limit=(25_000, 4, 25_000, 7)[variant],
        mo_limit=(25_000, 25_000, 3, 25_000)[variant],
    )


@cache
def provider(name: str, variant: int) -> Provider:
    """One of the settings of a provider; q cuts what is long."""
    if name == "p":
        return make_provider(
            "p",
            window=(2, 5, 3, 10)[variant],
            response_timeout=15.0,
            tps=(0, 0, 4, 0)[variant],
            pace=("fixed", "adaptive")[variant // 2],
            temp_answer=(0, c.ESME_RX_T_APPN)[variant % 2],
        )
    return preset_provider(
        "default",
        "q",
        window=(4, 2, 8, 3)[variant],
        response_timeout=25.0,
        temp_answer=(c.ESME_RSYSERR, 0)[variant % 2],
        reference_echo=variant == 3,
        mo_dedupe=(0, 60)[variant // 2],
    )


@cache
def routes(variant: int) -> RouteTable:
    """One of the tables of routes."""
    p, q = Target("p"), Target("q")
    spare_p, spare_q = Target("p", backup=True), Target("q", backup=True)
    one, two, three = (frozenset({name}) for name in ACCOUNTS)
    tables = (
        (Route("all", targets=(p, q)),),
        (
            Route("one", accounts=one, targets=(p, spare_q)),
            Route("two", accounts=two, targets=(q, spare_p)),
            Route("three", accounts=three, targets=(p, q)),
        ),
        (
            Route("urgent", accounts=two, targets=(q,)),
            Route(
                "rest",
                targets=(p, q),
                select="ordered",
                overflow="next",
                throttled="next",
                failover=frozenset({c.ESME_RINVDSTADR, c.ESME_RTHROTTLED, 0x410}),
            ),
        ),
        (
            Route("denied", accounts=three, prefixes=("4500000005",), deny=c.ESME_RINVDSTADR),
            Route("one", accounts=one, targets=(p,)),
            Route("rest", targets=(p, q), select="quality", failover=frozenset({0x410})),
        ),
    )
    return RouteTable(tables[variant])


@cache
def mo_table(variant: int) -> MoTable:
    """Who gets what people write."""
    made = [
        MoRoute(numbers=frozenset({number.decode()}), accounts=owners)
        for number, owners in MO_NUMBERS.items()
        if owners
    ]
    return MoTable(tuple(made), MoSettings(unrouted=("keep", "refuse")[variant % 2]))


def draw(random: Random) -> Network:
    """Any of them."""
    chosen = random.randrange(VARIANTS)
    return Network(
        {name: account(name, random.randrange(VARIANTS)) for name in ACCOUNTS},
        {name: provider(name, random.randrange(VARIANTS)) for name in PROVIDERS},
        routes(chosen),
        mo_table(random.randrange(2)),
        chosen == 2,
    )


def changed(network: Network, random: Random) -> Network:
    """Other routes and other settings of accounts; providers keep theirs."""
    other = draw(random)
    other.providers = network.providers
    other.overflows = other.overflows or network.overflows
    return other
