"""What holds for every table of routes and every message."""

from typing import Any
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.prefixes import PrefixIndex
from smppproxy.routing.prices import NO_PRICE, PriceList
from smppproxy.routing.routes import Route, RouteTable, Target
from smppproxy.smpp.build import submit_sm
from smppproxy.smpp.fields import walk_message
from tests.routing.messages import NOON, account

ACCOUNTS = ("demo", "shop", "bank")
NAMES = "abcd"
PREFIXES = st.one_of(st.text("45", min_size=1, max_size=4), st.text("4", min_size=1, max_size=9))


def some(*values: Any) -> st.SearchStrategy[frozenset[Any]]:
    """Nothing more often than a condition."""
    return st.one_of(st.just(frozenset()), st.just(frozenset()), st.frozensets(
        st.sampled_from(values), min_size=1, max_size=2))  # fmt: skip


@st.composite
def routes(draw: st.DrawFn) -> Route:
    """A route of any kind."""
    options: dict[str, Any] = {
        "order": draw(st.sampled_from((0, 0, 0, -1, 1))),
        "accounts": draw(some(*ACCOUNTS)),
        "groups": draw(some("retail", "codes")),
        "prefixes": tuple(draw(st.lists(PREFIXES, max_size=3))),
        "sources": draw(some("Acme", "46*", "467*", "", "+46")),
        "source_tons": draw(some(0, 1, 5)),
        "dest_tons": draw(some(0, 1)),
        "data_codings": draw(some(0, 8)),
        "service_types": draw(some("", "OTP")),
        "message_classes": draw(some("", "premium")),
        "priorities": draw(some(0, 3)),
        "parts": draw(st.sampled_from(("any", "any", "any", "only", "never"))),
        "tlvs": draw(st.one_of(st.just({}), st.just({}), st.just({0x1403: "any"}),
                               st.just({0x1403: "01", 0x1404: "any"}))),
        "text": draw(st.sampled_from(((), (), (), ("code",), ("x", "y")))),
        "days": draw(st.sampled_from((frozenset({"mon"}), *[frozenset(DAYS)] * 3))),
        "hours": draw(st.sampled_from(("", "", "", "11:00-13:00", "22:00-06:00"))),
        "name": "r",
    }  # fmt: skip
    if draw(st.integers(0, 9)) == 0:
        return Route(deny=0x45, **options)
    select = draw(st.sampled_from(("weighted", "ordered", "split", "least_cost", "quality")))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    if select == "split":
        shares = [100] if len(names) == 1 else [30, 70] if len(names) == 2 else [10, 20, 70]
        targets = tuple(Target(name, share) for name, share in zip(names, shares, strict=True))
    else:
        targets = tuple(
            Target(name, draw(st.integers(0, 3)), draw(st.booleans())) for name in names
        )
    return Route(targets=targets, select=select, **options)


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TABLES = st.lists(routes(), max_size=12)
MESSAGES = st.fixed_dictionaries(
    {
        "destination_addr": st.one_of(
            st.text("45+0", max_size=6), st.text("4", max_size=9)).map(str.encode),
        "source_addr": st.sampled_from((b"", b"Acme", b"46", b"46701", b"+46", b"004670")),
        "source_addr_ton": st.sampled_from((0, 1, 5)),
        "dest_addr_ton": st.sampled_from((0, 1)),
        "data_coding": st.sampled_from((0, 8, 4)),
        "service_type": st.sampled_from((b"", b"OTP", b"WAP")),
        "priority_flag": st.sampled_from((0, 3)),
        "tlvs": st.sampled_from((
            [], [], [(0x1403, b"\1")], [(0x1403, b"\2"), (0x1404, b"")], [(0x2900, b"premium")],
            [(0x020C, b"\0\1"), (0x020E, b"\2"), (0x020F, b"\1")],
        )),
        "short_message": st.sampled_from((b"", b"your code", b"x", "y".encode("utf-16-be"))),
    }
)  # fmt: skip
GROUPS = {"shop": frozenset({"retail"}), "bank": frozenset({"retail", "codes"})}
PRICES = {
    "a": PriceList(PrefixIndex([(b"4", 3.0), (b"455", 1.0)], NO_PRICE)),
    "b": PriceList(PrefixIndex([(b"45", 2.0)], NO_PRICE)),
}
ORDERS = st.permutations(NAMES)


class ChoiceTest(SynchronousTestCase):
    """The choice is a pure function of the table, the message and what is measured."""

    @given(TABLES, MESSAGES, st.sampled_from(ACCOUNTS), ORDERS, st.booleans())
    @settings(deadline=None, max_examples=150)
    def test_explain_agrees_with_pick(
        self, table: list[Route], fields: Any, who: str, best: list[str], given_class: bool
    ) -> None:
        """What the plain rule says is what is done: the same object, first time and later."""
        made = RouteTable(table, GROUPS, PRICES)
        made.arrange = lambda names, prefix: tuple(sorted(names, key=best.index))
        raw = submit_sm(1, **fields)
        said = (account(who), raw, walk_message(raw), NOON, b"premium" if given_class else b"")
        told = made.explain(*said)
        for _ in range(2):
            self.assertIs(made.pick(*said), told.pick)
        self.assertEqual(told.as_json()["providers"], [*(told.pick.names if told.pick else ())])
        self.assertEqual(len(told.asked), len(table))
        fitting = [each for each in told.asked if each.fits]
        self.assertEqual(len(fitting), 0 if told.pick is None else 1)
        for each in told.asked:
            self.assertEqual(each.asked, not fitting or each.order <= fitting[0].order
                             and told.asked.index(each) <= told.asked.index(fitting[0]))

    @given(TABLES, MESSAGES, MESSAGES, st.sampled_from(ACCOUNTS))
    @settings(deadline=None, max_examples=60)
    def test_pure(self, table: list[Route], one: Any, other: Any, who: str) -> None:
        """Whatever came before, and whichever table of the same routes: the same choice."""
        made, again = RouteTable(table, GROUPS, PRICES), RouteTable(table, GROUPS, PRICES)
        raw, before = submit_sm(1, **one), submit_sm(1, **other)
        by = account(who)
        for each in (before, raw, before):
            again.pick(by, each, walk_message(each), NOON - 86_400.0)
        found = made.pick(by, raw, walk_message(raw), NOON)
        remembered = again.pick(by, raw, walk_message(raw), NOON)
        for pick in (found, remembered):
            if pick is None:
                self.assertIs(found, remembered)
            else:
                assert found is not None
                self.assertIs(pick.route, found.route)
                self.assertEqual(pick.names, found.names)

    @given(TABLES, MESSAGES, st.sampled_from(ACCOUNTS))
    @settings(deadline=None, max_examples=60)
    def test_every_target_has_its_place(self, table: list[Route], fields: Any, who: str) -> None:
        """All providers of the route that take messages are named once, backups behind."""
        made = RouteTable(table, GROUPS, PRICES)
        raw = submit_sm(1, **fields)
        pick = made.pick(account(who), raw, walk_message(raw), NOON)
        if pick is not None:
            targets = [target for target in pick.route.targets if target.weight]
            self.assertEqual(sorted(pick.names), sorted(each.provider for each in targets))
            backups = [each.provider for each in targets if each.backup]
            self.assertEqual([*pick.names[len(targets) - len(backups) :]], backups)


class SplitTest(SynchronousTestCase):
    """Percent of recipients."""

    def first(self, share: int, number: bytes) -> str:
        """Who is asked first of `a` with this share and `b` with the rest."""
        targets = (Target("a", share), Target("b", 100 - share))
        table = RouteTable([Route("s", targets=targets, select="split")])
        raw = submit_sm(1, destination_addr=number)
        pick = table.pick(account(), raw, walk_message(raw), NOON)
        assert pick is not None
        return pick.names[0] if pick.names else ""

    @given(st.integers(0, 10**10), st.integers(0, 100), st.integers(0, 100))
    @settings(deadline=None)
    def test_a_growing_share_keeps_its_recipients(self, number: int, one: int, two: int) -> None:
        """Who was with the first target stays there when its share grows, with the second when
        it shrinks; however the number is written."""
        less, more = sorted((one, two))
        digits = b"45%d" % number
        if self.first(less, digits) == "a":
            self.assertEqual(self.first(more, digits), "a")
        if self.first(more, digits) == "b":
            self.assertEqual(self.first(less, digits), "b")
        self.assertEqual(self.first(one, b"+" + digits), self.first(one, digits))
        self.assertEqual(self.first(one, b"00" + digits), self.first(one, digits))

    def test_shares_are_about_right(self) -> None:
        """Of 20,000 numbers in a row each share is right to within half a percent."""
        numbers = [b"45%08d" % n for n in range(20_000_000, 20_020_000)]
        places = [crc32(number) % 100 for number in numbers]
        for share in (1, 10, 50, 90):
            part = sum(place < share for place in places) / len(places)
            self.assertLess(abs(part - share / 100), 0.005)
