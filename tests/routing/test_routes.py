"""Routes of submits: the longest prefix, the weights, the backups."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.routes import Route, RouteTable, Target, bare
from smppproxy.routing.rules import RuleError
from smppproxy.routing.targets import orders_of
from tests.routing.messages import pick, route_of, to

ACCOUNTS = ("demo", "shop", "load")
DIGITS = st.text("0123456789", min_size=1, max_size=4).filter(lambda s: not s.startswith("00"))
TARGETS = st.lists(
    st.builds(Target, st.sampled_from("abcdef"), st.integers(0, 5), st.booleans()),
    min_size=1,
    max_size=6,
    unique_by=lambda target: target.provider,
).map(tuple)
ROUTES = st.lists(
    st.builds(
        Route,
        st.just("r"),
        accounts=st.frozensets(st.sampled_from(ACCOUNTS), max_size=2),
        prefixes=st.lists(DIGITS, max_size=3).map(tuple),
        targets=TARGETS,
    ),
    max_size=6,
)
DESTINATIONS = st.text("0123456789", max_size=8).map(str.encode)


class ChoiceTest(SynchronousTestCase):
    """Which route decides."""

    def test_no_route(self) -> None:
        """Nothing fits: no providers."""
        self.assertEqual(RouteTable().targets("demo", b"4512345678", 0), ())
        table = RouteTable([Route("dk", prefixes=("45",), targets=to("a"))])
        self.assertEqual(table.targets("demo", b"46", 0), ())
        self.assertEqual(table.targets("demo", b"4", 0), ())
        self.assertEqual(table.targets("demo", b"", 0), ())
        self.assertIsNone(route_of(table, "demo", b"46"))

    def test_longest_prefix(self) -> None:
        """The longest prefix wins wherever it stands in the file."""
        table = RouteTable(
            [
                Route("all", targets=to("a")),
                Route("dk", prefixes=("45",), targets=to("b")),
                Route("dk-mobile", prefixes=("4520", "4530"), targets=to("c")),
            ]
        )
        found = [table.targets("x", number, 7) for number in (b"46", b"4510", b"4530", b"453")]
        self.assertEqual(found, [("a",), ("b",), ("c",), ("b",)])

    def test_first_of_equals(self) -> None:
        """Of routes with the same prefix the first in the file wins."""
        table = RouteTable(
            [
                Route("one", prefixes=("45",), targets=to("a")),
                Route("two", prefixes=("45",), targets=to("b")),
            ]
        )
        self.assertEqual(table.targets("demo", b"4512", 0), ("a",))

    def test_accounts(self) -> None:
        """A route that names accounts is for them only; the others take the rest."""
        table = RouteTable(
            [
                Route("vip", accounts=frozenset({"shop"}), targets=to("a")),
                Route("all", targets=to("b")),
            ]
        )
        self.assertEqual(table.targets("shop", b"45", 0), ("a",))
        self.assertEqual(table.targets("demo", b"45", 0), ("b",))
        self.assertEqual(route_of(table, "shop", b"45"), table.routes[0])

    def test_sx15_international_forms(self) -> None:
        """A leading + or 00 does not count; a single 0 and letters do."""
        table = RouteTable([Route("dk", prefixes=("45",), targets=to("a"))])
        for number in (b"4512", b"+4512", b"004512"):
            self.assertEqual(table.targets("demo", number, 0), ("a",))
        for number in (b"04512", b"+", b"00", b"ACME"):
            self.assertEqual(table.targets("demo", number, 0), ())
        self.assertEqual(bare(b"+0045"), b"0045")

    def test_many_lengths(self) -> None:
        """Ten lengths of prefixes: each number finds its longest, whoever has the others."""
        routes = [Route(f"{n}", prefixes=("1" * n,), targets=to(f"p{n}")) for n in range(1, 11)]
        routes.append(Route("other", accounts=frozenset({"shop"}), prefixes=("2" * 15,),
                            targets=to("s")))  # fmt: skip
        table = RouteTable(routes)
        for who in ("demo", "shop"):
            for n in range(1, 15):
                found = pick(table, who, destination_addr=b"1" * n)
                self.assertEqual(found and found.names, (f"p{min(n, 10)}",))
            self.assertIsNone(pick(table, who, destination_addr=b"2" * 14))
        found = pick(table, "shop", destination_addr=b"2" * 16)
        self.assertEqual(found and found.names, ("s",))
        self.assertIsNone(pick(table, "demo", destination_addr=b"2" * 16))

    @given(ROUTES, st.sampled_from(ACCOUNTS), DESTINATIONS, st.integers(0, 10**9))
    @settings(deadline=None)
    def test_agrees_with_the_plain_rule(
        self, routes: list[Route], account: str, destination: bytes, spread: int
    ) -> None:
        """targets follows the route that the plain rule names, and repeats itself exactly."""
        table = RouteTable(routes)
        found = table.targets(account, destination, spread)
        route = route_of(table, account, destination)
        names = set() if route is None else {t.provider for t in route.targets if t.weight}
        self.assertEqual(set(found), names)
        self.assertEqual(len(found), len(names))
        self.assertEqual(RouteTable(routes).targets(account, destination, spread), found)

    @given(ROUTES, st.sampled_from(ACCOUNTS), DESTINATIONS)
    @settings(deadline=None)
    def test_no_longer_prefix_fits(
        self, routes: list[Route], account: str, destination: bytes
    ) -> None:
        """No route of the account with a longer fitting prefix was passed over."""
        table = RouteTable(routes)
        route = route_of(table, account, destination)
        number = bare(destination).decode()
        lengths = [
            len(prefix)
            for other in routes
            if not other.accounts or account in other.accounts
            for prefix in other.prefixes or ("",)
            if number.startswith(prefix)
        ]
        if route is None:
            self.assertEqual(lengths, [])
        else:
            fitting = [len(p) for p in route.prefixes or ("",) if number.startswith(p)]
            self.assertEqual(max(fitting), max(lengths))


class OrderTest(SynchronousTestCase):
    """In which order the targets of a route are tried."""

    def orders(self, targets: tuple[Target, ...], count: int) -> list[tuple[str, ...]]:
        """The orders for spread 0, 1, 2 ..."""
        table = RouteTable([Route("all", targets=targets)])
        return [table.targets("demo", b"45", spread) for spread in range(count)]

    def test_weights(self) -> None:
        """Counting spread up gives each target its exact share, mixed rather than in runs."""
        orders = self.orders((Target("a", 3), Target("b", 1)), 8)
        self.assertEqual("".join(order[0] for order in orders), "aabaaaba")
        self.assertEqual(Counter(order[0] for order in orders), {"a": 6, "b": 2})

    def test_weights_in_lowest_terms(self) -> None:
        """50 and 50 alternate as 1 and 1 do."""
        orders = self.orders((Target("a", 50), Target("b", 50)), 4)
        self.assertEqual(orders, [("a", "b"), ("b", "a")] * 2)

    def test_a_failed_share_spreads(self) -> None:
        """When one target is away its share goes to the others by their weights."""
        orders = self.orders((Target("a", 2), Target("b", 2), Target("c", 1)), 5 * 12)
        second = Counter(order[1] for order in orders if order[0] == "a")
        self.assertEqual(second, {"b": 16, "c": 8})

    def test_backups(self) -> None:
        """Backups come after all others, in file order whatever their weights."""
        targets = (Target("x", 9, True), Target("a"), Target("y", 1, True), Target("b"))
        for order in self.orders(targets, 20):
            self.assertEqual(set(order[:2]), {"a", "b"})
            self.assertEqual(order[2:], ("x", "y"))

    def test_only_backups(self) -> None:
        """A route of backups alone uses them in file order."""
        self.assertEqual(
            self.orders((Target("x", 1, True), Target("y", 5, True)), 2), [("x", "y")] * 2
        )

    def test_weight_0_drains(self) -> None:
        """A provider of weight 0 gets nothing, be it backup or not."""
        targets = (Target("a", 0), Target("b"), Target("x", 0, True))
        self.assertEqual(self.orders(targets, 3), [("b",)] * 3)
        self.assertEqual(self.orders((Target("a", 0),), 1), [()])

    @given(TARGETS, st.integers(0, 10**12))
    @settings(deadline=None)
    def test_all_once_backups_last(self, targets: tuple[Target, ...], spread: int) -> None:
        """Every target that takes messages appears once, all backups after all others."""
        found = RouteTable([Route("all", targets=targets)]).targets("demo", b"1", spread)
        self.assertEqual(sorted(found), sorted(t.provider for t in targets if t.weight))
        backups = {t.provider for t in targets if t.backup}
        flags = [name in backups for name in found]
        self.assertEqual(flags, sorted(flags))

    @given(TARGETS)
    @settings(deadline=None)
    def test_shares_are_exact(self, targets: tuple[Target, ...]) -> None:
        """Over one full turn of the weights each target comes first as often as it weighs."""
        weights = {t.provider: t.weight for t in targets if t.weight and not t.backup}
        orders = self.orders(targets, sum(weights.values()))
        self.assertEqual(Counter(order[0] for order in orders), weights)

    def test_rules_hold(self) -> None:
        """A route needs a target, and digits as prefixes."""
        self.assertRaises(RuleError, Route, "x")
        self.assertRaises(RuleError, Route, "x", prefixes=("+45",), targets=to("a"))
        self.assertRaises(RuleError, Target, "a", -1)

    def test_prepared_orders_are_bounded(self) -> None:
        """Even weights of no common factor prepare at most 64 turns of the wheel."""
        weights = (97, 89, 83, 79, 73, 71)
        targets = [Target(name, weight) for name, weight in zip("abcdef", weights, strict=True)]
        self.assertEqual(len(orders_of(tuple(targets))), 64 * sum(weights))
