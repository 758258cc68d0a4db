"""Routes of MO messages."""

import sys
import time

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.mo import MoRoute, MoTable
from smppproxy.routing.rules import RuleError
from smppproxy.text.words import keyword

NUMBERS = st.text("12", min_size=1, max_size=3)
ROUTES = st.lists(
    st.builds(
        MoRoute,
        st.sampled_from(("demo", "shop")),
        st.frozensets(NUMBERS, max_size=2),
        st.lists(NUMBERS, max_size=2).map(tuple),
        st.frozensets(st.sampled_from(("acme", "beta")), max_size=1),
        keywords=st.frozensets(st.sampled_from(("STOP", "Win")), max_size=2),
        sources=st.frozensets(st.sampled_from(("46*", "4520", "Shop")), max_size=2),
        order=st.sampled_from((0, 0, 0, 1, -1)),
    ),
    max_size=6,
)


def plain(
    routes: list[MoRoute], provider: str, source: str, number: str, word: str
) -> MoRoute | None:
    """The rule told the long way."""
    best: tuple[tuple[int, int, bool, int], MoRoute] | None = None
    for place, route in enumerate(routes):
        if route.providers and provider not in route.providers:
            continue
        if route.keywords and word not in {keyword(each) for each in route.keywords}:
            continue
        if route.sources and not any(
            source.startswith(each[:-1]) if each.endswith("*") else source == each
            for each in route.sources
        ):
            continue
        lengths = [99] if number in route.numbers else []
        lengths += [len(prefix) for prefix in route.prefixes if number.startswith(prefix)]
        lengths += [0] if not route.numbers and not route.prefixes else []
        for length in lengths:
            rank = (route.order, -length, not route.keywords, place)
            if best is None or rank < best[0]:
                best = rank, route
    return None if best is None else best[1]


class Asked:
    """A message's word, and how often it was asked for."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        return self.word


class MoTableTest(SynchronousTestCase):
    """Whose number it is."""

    table = MoTable(
        [
            MoRoute("any"),
            MoRoute("range", prefixes=("4570",)),
            MoRoute("short", frozenset({"1234", "457099"})),
            MoRoute("beta", frozenset({"1234"}), providers=frozenset({"beta"})),
            MoRoute("narrow", prefixes=("45701",), providers=frozenset({"acme"})),
        ]
    )

    def test_sx23_number_then_prefix_then_all(self) -> None:
        """A whole number beats a prefix, a longer prefix a shorter one, any of them a catch-all."""
        expected = {b"1234": "short", b"457099": "short", b"457098": "range", b"99": "any"}
        for number, account in expected.items():
            self.assertEqual(self.table.account("acme", number), account)

    def test_providers(self) -> None:
        """A route that names providers is for them only; of equal numbers the first route wins."""
        self.assertEqual(self.table.account("acme", b"457012"), "narrow")
        self.assertEqual(self.table.account("beta", b"457012"), "range")
        self.assertEqual(self.table.account("beta", b"1234"), "short")

    def test_international_forms(self) -> None:
        """A leading + or 00 does not count, of numbers and of senders."""
        self.assertEqual(self.table.account("acme", b"+457099"), "short")
        self.assertEqual(self.table.account("acme", b"00457098"), "range")
        table = MoTable([MoRoute("demo", sources=frozenset({"46*"}))])
        for source in (b"4670", b"+4670", b"004670"):
            self.assertIsNotNone(table.pick("acme", source, b"1", str))
        self.assertIsNone(table.pick("acme", b"4570", b"1", str))

    def test_sx23_nobody(self) -> None:
        """A number that is nobody's gives None."""
        self.assertIsNone(MoTable().account("acme", b"1234"))
        table = MoTable([MoRoute("demo", frozenset({"1234"}))])
        self.assertIsNone(table.account("acme", b"12345"))
        self.assertIsNone(table.account("acme", b""))

    def test_several_accounts(self) -> None:
        """Takers are one account, several, or none where the route drops the message."""
        several = MoRoute(accounts=("demo", "shop"))
        self.assertEqual(MoRoute("demo").takers, ("demo",))
        self.assertEqual(several.takers, ("demo", "shop"))
        self.assertEqual(MoRoute(drop=True).takers, ())
        self.assertIsNone(MoTable([several]).account("acme", b"1"))

    def test_cases(self) -> None:
        """Each rule, by the number, sender, provider and word of a message."""
        routes = [
            MoRoute("all", order=9),
            MoRoute("code", frozenset({"1234"})),
            MoRoute("win", frozenset({"1234"}), keywords=frozenset({"WIN", "Vind"})),
            MoRoute("beta_win", frozenset({"1234"}), (), frozenset({"beta"}),
                    keywords=frozenset({"win"})),
            MoRoute("swedes", prefixes=("45",), sources=frozenset({"46*"})),
            MoRoute("friend", prefixes=("45",), sources=frozenset({"4520", "Shop"})),
            MoRoute("stop", keywords=frozenset({"STOP"})),
            MoRoute("first", frozenset({"777"}), order=-1, providers=frozenset({"beta"})),
            MoRoute("seven", frozenset({"777"}), keywords=frozenset({"x"})),
        ]  # fmt: skip
        table = MoTable(routes)
        for provider, source, number, word, account in (
            ("acme", "4520", "1234", "hello", "code"),
            ("acme", "4520", "1234", "win", "win"),
            ("acme", "4520", "1234", "vind", "win"),
            ("beta", "4520", "1234", "win", "win"),
            # A whole number wins over a keyword for every number.
            ("acme", "4520", "1234", "stop", "code"),
            ("acme", "4520", "99", "stop", "stop"),
            ("acme", "4520", "99", "stops", "all"),
            ("acme", "4670", "4512", "", "swedes"),
            ("acme", "4520", "4512", "", "friend"),
            ("acme", "45201", "4512", "", "all"),
            ("acme", "Shop", "4512", "", "friend"),
            ("acme", "shop", "4512", "stop", "stop"),
            ("beta", "1", "777", "x", "first"),
            ("acme", "1", "777", "x", "seven"),
            ("acme", "1", "777", "y", "all"),
        ):
            found = table.pick(provider, source.encode(), number.encode(), Asked(word))
            self.assertEqual(found and found.account, account, (provider, source, number, word))

    def test_the_word_is_asked_only_where_a_route_wants_one(self) -> None:
        """A number without keywords, or with those of another provider only, costs no decoding."""
        table = MoTable(
            [
                MoRoute("code", frozenset({"1234", "99"})),
                MoRoute("win", frozenset({"1234"}), (), frozenset({"beta"}),
                        keywords=frozenset({"win"})),
            ]
        )  # fmt: skip
        for provider, number, times in (
            ("acme", b"1234", 0), ("acme", b"99", 0), ("beta", b"99", 0), ("beta", b"1234", 1),
        ):  # fmt: skip
            asked = Asked("")
            table.pick(provider, b"1", number, asked)
            self.assertEqual(asked.times, times)

    def test_rules_hold(self) -> None:
        """Numbers are digits, keywords single words; somebody gets the message, said once."""
        self.assertRaises(RuleError, MoRoute, "demo", frozenset({"STOP"}))
        for words in ({"two words"}, {"!"}, {""}, {"x" * 71}):
            self.assertRaises(RuleError, MoRoute, "demo", keywords=frozenset(words))
        for fields in (
            {},
            {"account": "a", "accounts": ("b",)},
            {"account": "a", "drop": True},
            {"accounts": ("a", "a")},
        ):
            self.assertRaises(RuleError, MoRoute, **fields)

    @given(
        ROUTES,
        st.sampled_from(("acme", "beta", "other")),
        st.sampled_from(("4520", "4620", "Shop", "45")),
        st.text("12", max_size=4),
        st.sampled_from(("stop", "win", "", "other")),
    )
    @settings(deadline=None, max_examples=400)
    def test_agrees_with_the_plain_rule(
        self, routes: list[MoRoute], provider: str, source: str, number: str, word: str
    ) -> None:
        """The prepared tables say what the rule says."""
        found = MoTable(routes).pick(provider, source.encode(), number.encode(), lambda: word)
        self.assertIs(found, plain(routes, provider, source, number, word))

    def test_a_hundred_thousand_numbers(self) -> None:
        """One more look-up per length of prefix, however many numbers there are; routes share."""
        accounts = [
            MoRoute(f"a{each}", frozenset(f"45{each:02}{number:04}" for number in range(1000)))
            for each in range(100)
        ]
        catch = MoRoute("rest", prefixes=("45", "4512"))
        small, large = MoTable([accounts[0], catch]), MoTable([*accounts, catch])
        self.assertEqual(large.account("acme", b"45990999"), "a99")
        self.assertEqual(large.account("acme", b"45991000"), "rest")

        def fastest(table: MoTable) -> float:
            best = 1.0
            for _ in range(20):
                began = time.perf_counter()
                for _ in range(200):
                    table.pick("acme", b"4520", b"45000999", str)
                best = min(best, (time.perf_counter() - began) / 200)
            return best

        self.assertLess(fastest(large), 5 * fastest(small) + 2e-6)
        (level,) = large._levels
        self.assertLess(sys.getsizeof(level._whole), 10_000_000)
        self.assertEqual(len({id(entry) for entry in level._whole.values()}), 100)
