"""Routes of submits: which providers to try for an account and a destination, in order.

The rule, in one sentence: of the routes that name the account (or no account), the one with the
longest prefix of the destination wins, and of equals the first in the file.
"""

from smppproxy.routing.route import Pick, Route
from smppproxy.routing.targets import Orders, Rewrite, Target, orders_of

__all__ = ["Pick", "Rewrite", "Route", "RouteTable", "Target", "bare"]

#: (length, {prefix of that length: orders}), longest first.
Plan = tuple[tuple[int, dict[bytes, Orders]], ...]

_ZERO_NINE = 0x39
_ONE = 0x31


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
        orders = orders_of(route.targets, route.select)
        for prefix in route.prefixes or ("",):
            tables.setdefault(len(prefix), {}).setdefault(prefix.encode(), orders)
    return tuple(sorted(tables.items(), reverse=True))
