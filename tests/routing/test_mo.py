"""Routes of MO messages."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.mo import MoRoute, MoTable
from smppproxy.routing.rules import RuleError

NUMBERS = st.text("12", min_size=1, max_size=3)
ROUTES = st.lists(
    st.builds(
        MoRoute,
        st.sampled_from(("demo", "shop")),
        st.frozensets(NUMBERS, max_size=2),
        st.lists(NUMBERS, max_size=2).map(tuple),
        st.frozensets(st.sampled_from(("acme", "beta")), max_size=1),
    ),
    max_size=5,
)


def plain(routes: list[MoRoute], provider: str, number: str) -> str | None:
    """The rule told the long way."""
    best: tuple[int, str | None] = (-1, None)
    for route in routes:
        if route.providers and provider not in route.providers:
            continue
        lengths = [99] if number in route.numbers else []
        lengths += [len(prefix) for prefix in route.prefixes if number.startswith(prefix)]
        lengths += [0] if not route.numbers and not route.prefixes else []
        if lengths and max(lengths) > best[0]:
            best = (max(lengths), route.account)
    return best[1]


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
        """A leading + or 00 does not count."""
        self.assertEqual(self.table.account("acme", b"+457099"), "short")
        self.assertEqual(self.table.account("acme", b"00457098"), "range")

    def test_sx23_nobody(self) -> None:
        """A number that is nobody's gives None."""
        self.assertIsNone(MoTable().account("acme", b"1234"))
        table = MoTable([MoRoute("demo", frozenset({"1234"}))])
        self.assertIsNone(table.account("acme", b"12345"))
        self.assertIsNone(table.account("acme", b""))

    def test_rules_hold(self) -> None:
        """Numbers are digits."""
        self.assertRaises(RuleError, MoRoute, "demo", frozenset({"STOP"}))

    @given(ROUTES, st.sampled_from(("acme", "beta", "other")), st.text("12", max_size=4))
    @settings(deadline=None)
    def test_agrees_with_the_plain_rule(
        self, routes: list[MoRoute], provider: str, number: str
    ) -> None:
        """The prepared tables say what the rule says."""
        found = MoTable(routes).account(provider, number.encode())
        self.assertEqual(found, plain(routes, provider, number))
