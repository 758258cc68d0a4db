"""Prefixes of numbers: the longest one, prices, and what targets make of numbers."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing import prices as price_module
from smppproxy.routing.prefixes import MANY, Classes, PrefixIndex
from smppproxy.routing.prices import NO_PRICE, Cheapest, PriceList
from smppproxy.routing.targets import Rewrite, Target, rewrites_of

NUMBERS = st.text("0123", max_size=9).map(str.encode)
TABLES = st.dictionaries(st.text("0123", max_size=8).map(str.encode), st.integers(1, 9))


class PrefixIndexTest(SynchronousTestCase):
    """The longest prefix."""

    @given(TABLES, NUMBERS)
    def test_is_the_plain_rule(self, table: dict[bytes, int], number: bytes) -> None:
        """However many lengths there are."""
        index = PrefixIndex(table.items(), 0)
        fitting = [prefix for prefix in table if number.startswith(prefix)]
        longest = max(fitting, key=len, default=None)
        self.assertEqual(index.find(number), 0 if longest is None else table[longest])
        self.assertEqual(index.longest(number), longest or b"")
        self.assertEqual(dict(index.items()), {k: v for k, v in table.items() if k})
        self.assertEqual(len(index), len([k for k in table if k]))

    def test_first_of_two(self) -> None:
        """What is given twice keeps its first value."""
        self.assertEqual(PrefixIndex([(b"45", 1), (b"45", 2), (b"", 3)], 0).find(b"45"), 1)
        self.assertEqual(PrefixIndex([(b"45", 1), (b"", 3)], 0).find(b"46"), 3)

    def test_few_lookups(self) -> None:
        """Twenty lengths: a number is looked up in those that its first digits have, no other."""
        pairs = [(b"45" + b"1" * n, n) for n in range(18)] + [(b"4699", 0), (b"4", 0)]
        index = PrefixIndex(pairs, -1)
        self.assertGreater(len(index.others), 0)
        self.assertEqual([length for length, _ in index.stems[b"469"]], [4, 2, 1])
        self.assertEqual(len(index.stems[b"451"]), 19)
        self.assertEqual([length for length, _ in index.others], [2, 1])
        few = PrefixIndex(pairs[:MANY], -1)
        self.assertEqual((few.stems, len(few.others)), ({}, MANY))


class ClassesTest(SynchronousTestCase):
    """Owners of prefixes, as bits."""

    @given(st.lists(st.lists(st.text("01", max_size=5).map(str.encode), max_size=4), max_size=6),
           st.text("01", max_size=6).map(str.encode))  # fmt: skip
    def test_chain_is_the_plain_rule(self, owned: list[list[bytes]], number: bytes) -> None:
        """Owners with the longest prefix first, each once."""
        classes = Classes((1 << owner, prefixes) for owner, prefixes in enumerate(owned))
        chain = classes.chain(classes.index.find(number))
        by_length: dict[int, int] = {}
        for owner, prefixes in enumerate(owned):
            fitting = [len(prefix) for prefix in prefixes if number.startswith(prefix)]
            if fitting:
                by_length[max(fitting)] = by_length.get(max(fitting), 0) | 1 << owner
        self.assertEqual(chain, [by_length[length] for length in sorted(by_length, reverse=True)])
        some = classes.chain(classes.index.find(number), 0b101)
        self.assertEqual(some, [each & 0b101 for each in chain if each & 0b101])

    def test_prefixes_of_one_owner_are_one_class(self) -> None:
        """Prefixes within prefixes of the same owner make nothing more to remember."""
        classes = Classes([(1, [b"45", b"451", b"4512", b"46"]), (2, [b""])])
        self.assertEqual(len(classes), 2)
        self.assertEqual(classes.chain(classes.index.find(b"45129")), [1, 2])
        self.assertEqual(classes.chain(classes.index.find(b"47")), [2])

    def test_shared_prefixes_are_one_object(self) -> None:
        """The same prefixes of two routes take the memory of one."""
        prefixes = [b"%d" % n for n in range(100, 200)]
        classes = Classes([(1, prefixes), (2, prefixes), (4, prefixes)])
        self.assertEqual(len(classes), 2)
        self.assertEqual(classes.chain(1), [7])


class PricesTest(SynchronousTestCase):
    """Who is cheapest."""

    LISTS = {
        "a": PriceList(PrefixIndex([(b"45", 3.0), (b"4520", 1.0)], NO_PRICE)),
        "b": PriceList(PrefixIndex([(b"45", 2.0)], NO_PRICE)),
        "d": PriceList(PrefixIndex([(b"45", 2.0)], NO_PRICE)),
    }

    def test_order(self) -> None:
        """By price; equal ones as in the file; those without a price last."""
        cheapest = Cheapest(("c", "a", "d", "b"), self.LISTS)
        self.assertEqual(cheapest.order(b"4520123456"), ("a", "d", "b", "c"))
        self.assertEqual(cheapest.order(b"4530123456"), ("d", "b", "a", "c"))
        self.assertEqual(cheapest.order(b"46"), ("c", "a", "d", "b"))
        self.assertEqual(cheapest.prices(b"4520"), {"c": NO_PRICE, "a": 1.0, "d": 2.0, "b": 2.0})

    def test_what_is_remembered_is_bounded(self) -> None:
        """And it changes no order."""
        self.patch(price_module, "REMEMBERED", 2)
        cheapest = Cheapest(("a", "b"), self.LISTS)
        for _ in range(2):
            for number in (b"4520", b"4521", b"4522", b"4523"):
                wanted = ("a", "b") if number == b"4520" else ("b", "a")
                self.assertEqual(cheapest.order(number + b"99"), wanted)


class RewriteTest(SynchronousTestCase):
    """Numbers as a target wants them."""

    def rewrite(self, **options: Any) -> Rewrite:
        """The rewriting of one target."""
        (found,) = rewrites_of((Target("a", **options), Target("b"))).values()
        return found

    def test_destination(self) -> None:
        """strip, then prepend, then the +."""
        for options, before, after in (
            ({"strip": "45"}, b"4520123456", b"20123456"),
            ({"strip": "45"}, b"+4520123456", b"+20123456"),
            ({"strip": "0045", "prepend": "45"}, b"004520", b"4520"),
            ({"strip": "46"}, b"4520", b"4520"),
            ({"strip": "46", "prepend": "0"}, b"46701", b"0701"),
            ({"prepend": "99"}, b"4520", b"994520"),
            ({"prepend": "99"}, b"+4520", b"+994520"),
            ({"plus": "add"}, b"4520", b"+4520"),
            ({"plus": "add"}, b"+4520", b"+4520"),
            ({"plus": "strip"}, b"+4520", b"4520"),
            ({"strip": "00", "plus": "add"}, b"004520", b"+4520"),
            ({"strip": "45", "prepend": "0"}, b"004520", b"020"),
            ({"strip": "46", "prepend": "0"}, b"004520", b"0004520"),
            ({"plus": "add"}, b"004520", b"+4520"),
            ({"plus": "strip"}, b"004520", b"004520"),
        ):
            self.assertEqual(self.rewrite(**options).destination(before), after, options)

    def test_sender(self) -> None:
        """Each of its three fields for itself."""
        self.assertEqual(self.rewrite(source="Acme").sender(1, 1, b"46"), (1, 1, b"Acme"))
        self.assertEqual(self.rewrite(source_ton=5).sender(1, 1, b"46"), (5, 1, b"46"))
        self.assertEqual(self.rewrite(source_npi=0).sender(1, 1, b"46"), (1, 0, b"46"))
