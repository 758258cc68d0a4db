"""Routes of submits: which providers to try for an account and a destination, in order.

The rule, in one sentence: of the routes that name the account (or no account), the one with the
longest prefix of the destination wins, and of equals the first in the file.
"""

import math

import attrs

from smppproxy.routing.rules import Digits, Flag, Names, Several, Text, Whole

#: A choice is the list of all orders that `spread` picks from.
Orders = tuple[tuple[str, ...], ...]
#: (length, {prefix of that length: orders}), longest first.
Plan = tuple[tuple[int, dict[bytes, Orders]], ...]

_ROUNDS = 64  # orders per first target; more would not spread a failed target's share finer
_ZERO_NINE = 0x39
_ONE = 0x31


@attrs.define
class Target:
    """A provider of a route. Weight 0 takes no new messages: the provider is being drained."""

    provider: str = attrs.field(validator=Text(1, 64, "acme"))
    weight: int = attrs.field(default=1, validator=Whole(0, 100))
    #: Tried only after all that are not backups, in file order whatever their weights.
    backup: bool = attrs.field(default=False, validator=Flag())


@attrs.define
class Route:
    """Who may go where. No accounts: any account. No prefixes: any destination."""

    name: str = attrs.field(validator=Text(1, 64, "denmark"))
    accounts: frozenset[str] = attrs.field(default=frozenset(), validator=Names("demo"))
    prefixes: tuple[str, ...] = attrs.field(default=(), validator=Digits("45"))
    targets: tuple[Target, ...] = attrs.field(
        default=(), validator=Several(Target, 'targets = ["acme"]')
    )


class RouteTable:
    """All routes, prepared so that one choice costs a few dict look-ups.

    The choice is a pure function of account, destination and spread. Counting `spread` up spreads
    messages over the targets in exact proportion to their weights, evenly mixed; a hash does so on
    average, and the same hash always gives the same order (all parts of one long message, XC-06).
    """

    __slots__ = ("_any", "_plans", "routes")

    def __init__(self, routes: tuple[Route, ...] | list[Route] = ()) -> None:
        self.routes = tuple(routes)
        named = {account for route in self.routes for account in route.accounts}
        self._any = _plan([route for route in self.routes if not route.accounts])
        self._plans: dict[str, Plan] = {
            account: _plan([r for r in self.routes if not r.accounts or account in r.accounts])
            for account in named
        }

    def targets(self, account: str, destination: bytes, spread: int) -> tuple[str, ...]:
        """Names of the providers to try, in order; () when no route fits.

        destination is destination_addr without its NUL; a leading + or 00 does not count.
        """
        if destination and not _ONE <= destination[0] <= _ZERO_NINE:
            destination = bare(destination)
        for length, table in self._plans.get(account, self._any):
            orders = table.get(destination[:length])
            if orders is not None:
                return orders[spread % len(orders)]
        return ()

    def route(self, account: str, destination: bytes) -> Route | None:
        """The route that `targets` follows, for people who ask why. Slow and plain."""
        destination = bare(destination)
        best: Route | None = None
        longest = -1
        for route in self.routes:
            if route.accounts and account not in route.accounts:
                continue
            for prefix in route.prefixes or ("",):
                if len(prefix) > longest and destination.startswith(prefix.encode()):
                    best, longest = route, len(prefix)
        return best


def bare(address: bytes) -> bytes:
    """An address without what people write before an international number: + or 00 (SX-15)."""
    if address[:1] == b"+":
        return address[1:]
    if address[:2] == b"00":
        return address[2:]
    return address


def _plan(routes: list[Route]) -> Plan:
    """Tables by length of prefix for routes in file order; a prefix's first route keeps it."""
    tables: dict[int, dict[bytes, Orders]] = {}
    for route in routes:
        orders = _orders(route.targets)
        for prefix in route.prefixes or ("",):
            tables.setdefault(len(prefix), {}).setdefault(prefix.encode(), orders)
    return tuple(sorted(tables.items(), reverse=True))


def _orders(targets: tuple[Target, ...]) -> Orders:
    """Every order in which a route's targets are tried.

    The first target follows a wheel in which each has as many places as its weight. Each full turn
    shifts the order of the others, so that a failed target's share spreads over all of them.
    """
    main = {t.provider: t.weight for t in targets if t.weight and not t.backup}
    backups = tuple(t.provider for t in targets if t.weight and t.backup)
    if not main:
        return (backups,)
    wheel = _wheel(main)
    others = {
        first: _wheel({name: weight for name, weight in main.items() if name != first})
        for first in main
    }
    rounds = min(_ROUNDS, max(len(rest) for rest in others.values())) if len(main) > 2 else 1
    return tuple(
        (first, *_turned(others[first], turn), *backups)
        for turn in range(rounds)
        for first in wheel
    )


def _wheel(weights: dict[str, int]) -> list[str]:
    """Each name as often as its weight (in lowest terms), spread as evenly as can be."""
    share = math.gcd(*weights.values())
    places = [
        ((2 * place + 1) * share / (2 * weight), name)
        for name, weight in weights.items()
        for place in range(weight // share)
    ]
    return [name for _, name in sorted(places, key=lambda item: item[0])]


def _turned(wheel: list[str], turn: int) -> dict[str, None]:
    """The names of a wheel, each once, in the order met when starting `turn` places on."""
    start = turn % len(wheel) if wheel else 0
    return dict.fromkeys(wheel[start:] + wheel[:start])
