"""One route made ready: everything that may come out of it, before the first message."""

from collections.abc import Callable, Mapping

from smppproxy.routing.conditions import patterns_of
from smppproxy.routing.prefixes import PrefixIndex
from smppproxy.routing.prices import Cheapest, PriceList
from smppproxy.routing.route import Pick, Route
from smppproxy.routing.targets import orders_of, rewrites_of

#: What comes out of a route: one of them for each place of the recipient's hash.
Picks = tuple[Pick, ...]
#: Given providers in order and what the number begins with, the order to try them in.
Arrange = Callable[[tuple[str, ...], bytes], tuple[str, ...]]


class Prepared:
    """A route and its picks.

    :ivar picks: in the order of the file where another order is found per message.
    :ivar patterns: of its text, compiled.
    :ivar is_live: the order of its providers depends on more than the recipient's hash.
    :ivar cheapest: of a route by price.
    """

    __slots__ = (
        "_backups", "_main", "_made", "_rewrites", "cheapest", "is_live", "patterns", "picks",
        "route",
    )  # fmt: skip

    def __init__(self, route: Route, prices: Mapping[str, PriceList]) -> None:
        self.route = route
        self.patterns = patterns_of(route)
        self._rewrites = rewrites_of(route.targets)
        self._made: dict[tuple[str, ...], Pick] = {}
        self.picks: Picks = tuple(
            self.pick_of(order) for order in orders_of(route.targets, route.select)
        )
        self.is_live = route.select in ("least_cost", "quality") and len(self.picks[0].names) > 1
        self._main = tuple(t.provider for t in route.targets if t.weight and not t.backup)
        self._backups = tuple(t.provider for t in route.targets if t.weight and t.backup)
        self.cheapest: Cheapest | None = None
        if self.is_live and route.select == "least_cost":
            self.cheapest = Cheapest(self._main, prices)

    def pick_of(self, names: tuple[str, ...]) -> Pick:
        """The one pick of this route with these names in this order."""
        pick = self._made.get(names)
        if pick is None:
            pick = self._made[names] = Pick(self.route, names, self._rewrites)
        return pick

    def says(self, text: str) -> bool:
        """Whether one of the patterns is found."""
        return any(pattern.search(text) for pattern in self.patterns)

    def live(
        self, number: bytes, arrange: Arrange | None, zones: PrefixIndex[bytes] | None
    ) -> Picks:
        """The only pick of a route by price or by quality.

        :param zones: the prefixes of all routes by quality.
        """
        names = self._main
        if self.cheapest is not None:
            names = self.cheapest.order(number)
        elif arrange is not None and zones is not None:
            names = arrange(names, zones.find(number))
        return (self.pick_of(names + self._backups),)
