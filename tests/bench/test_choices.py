"""A choice costs no more than it did: calls and megabytes, which are the same on every machine."""

from collections.abc import Callable
from functools import cache, partial

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.overlaps import taken
from tests.bench.measure import calls, memory, microseconds
from tests.bench.tables import NOON, Bench, listed, mixed, open_to_all, plain, priced

#: Calls per choice when these tables were measured last, with 300 messages each. On the machine of
#: that day one choice took 0.3, 2.8, 2.2, 2.5 and 0.9 us: a call more costs a tenth of one.
BASELINE = {"plain": 5.5, "mixed": 18.2, "listed": 18.2, "open_to_all": 25.6, "priced": 13.1}
SLACK = 1.1
MEGABYTES = 60.0
"""What 100,000 prefixes and 1,000 routes may take, with what is remembered of choices."""

#: A slow machine with a busy neighbour; the call counts are the finer sieve.
MICROSECONDS = 100.0


@cache
def made(make: Callable[[int], Bench]) -> Bench:
    """The table, made once for all tests, with 300 messages."""
    return make(300)


class ChoiceTests(SynchronousTestCase):
    """The cost of one choice."""

    def test_calls(self) -> None:
        """No table asks more functions per message than it did."""
        for make in (plain, mixed, listed, open_to_all, priced):
            bench = made(make)
            self.assertLessEqual(calls(bench), BASELINE[make.__name__] * SLACK, bench.name)

    def test_plain_tables_make_no_object(self) -> None:
        """Account and prefix only: the same few picks, whoever asks, and nothing in between."""
        bench = plain(600)
        picks = bench.picks()
        again = bench.picks()
        self.assertEqual([*map(id, picks)], [*map(id, again)])
        self.assertEqual(len({*map(id, picks)}), 3)

    def test_memory(self) -> None:
        """100,000 prefixes of 1,000 routes stay below 60 MB, shared by all or with one each."""
        for make in (mixed, listed):
            table, after, bench = memory(partial(make, 1_000))
            self.assertLess(table, MEGABYTES / 2, bench.name)
            self.assertLess(after, MEGABYTES, bench.name)

    def test_a_list_is_kept_once(self) -> None:
        """The prefixes of a file that a thousand routes name are not copied for any of them."""
        bench = made(listed)
        index = bench.table._index
        (route, *_) = bench.table.routes
        octets = {*map(id, route.listed)}
        self.assertEqual(len(index), len(route.listed))
        self.assertTrue(all(id(prefix) in octets for prefix, _ in index.items()))

    def test_explained_and_compared(self) -> None:
        """What people ask of such a table is answered too, and agrees with what is done."""
        bench = made(listed)
        for message in bench.messages[:3]:
            told = bench.table.explain(*message, NOON)
            self.assertIs(told.pick, bench.table.pick(*message, NOON))
            self.assertEqual(len(told.asked), 1_000)
        self.assertEqual([*taken(bench.table)], [])

    def test_time(self) -> None:
        """Far below what a message costs elsewhere, even on a bad day."""
        first, later = microseconds(open_to_all(300))
        self.assertGreater(first, 0.0)
        self.assertLess(later, MICROSECONDS)
