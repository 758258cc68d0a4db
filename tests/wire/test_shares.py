"""A node's parts of shared limits: two and more nodes on one store, with a clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.throttle import TokenBucket
from smppproxy.store.budgets import Demand, Grant, grant_of
from smppproxy.store.memory import MemoryStore
from smppproxy.store.world import World
from smppproxy.wire.shares import EVERY, LIFE, RENEW, TOPIC, Shares

LIMIT = 100.0


class Node:
    """One node with one budget, and the bucket that follows it."""

    def __init__(self, clock: Clock, world: World, name: str) -> None:
        self.clock = clock
        self.store = MemoryStore(clock, name, world)
        self.store.start()
        self.present = True
        self.wanted = 0.0
        self.rate = 0.0
        self.passed = 0
        self.told: list[Mapping[bytes, Grant]] = []
        self.bucket = TokenBucket(LIMIT, 0, clock.seconds())
        self.bucket.use(0.0, 0.0, clock.seconds())
        self.bucket.empty(clock.seconds())
        self.shares = Shares(self.store, clock, self.demands, self.granted)
        self.shares.start()
        self.shares.start()

    def demands(self, names: Collection[bytes]) -> list[Demand]:
        """What it wants now."""
        if not self.present or (names and b"b" not in names):
            return []
        return [Demand(b"b", LIMIT, self.wanted, self.rate)]

    def granted(self, grants: Mapping[bytes, Grant], now: float) -> None:
        """It may have this."""
        self.told.append(grants)
        for grant in grants.values():
            self.rate = grant.rate
            self.bucket.use(self.rate, self.rate, now)

    def spend(self) -> int:
        """Send as much as it may and has."""
        return self.bucket.take(1000 if self.wanted else 0, self.clock.seconds())


class SharesTests(SynchronousTestCase):
    """Who gets how much, and how soon."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.world = World(self.clock.seconds)

    def node(self, name: str, wanted: float = 0.0) -> Node:
        """One more node."""
        node = Node(self.clock, self.world, name)
        node.wanted = wanted
        self.addCleanup(node.shares.stop)
        return node

    def test_alone(self) -> None:
        """A node alone has all of it, whatever it wants."""
        node = self.node("one")
        self.successResultOf(node.shares.ask(b"b"))
        self.assertEqual(LIMIT, node.rate)
        self.successResultOf(node.shares.ask(b"other"))
        self.assertEqual(1, len(node.told))

    def test_sx21_who_comes_gets_its_part_at_once(self) -> None:
        """A second node has nothing at first, and its part as soon as the first one knows."""
        one = self.node("one", 50.0)
        one.shares.ask()
        two = self.node("two", 50.0)
        two.shares.ask()
        self.assertEqual((LIMIT, 0.0), (one.rate, two.rate))
        self.clock.pump([0.05] * 4)
        self.assertEqual((50.0, 50.0), (one.rate, two.rate))

    def test_sx21_parts_follow_needs(self) -> None:
        """Nine tenths go by what there is to send, one tenth is divided evenly; a change is
        through within two seconds."""
        one, two = self.node("one", 50.0), self.node("two")
        self.clock.pump([0.1] * 20)
        self.assertEqual((95.0, 5.0), (one.rate, two.rate))
        one.wanted, two.wanted = 0.0, 80.0
        self.clock.pump([0.1] * 20)
        self.assertEqual((5.0, 95.0), (one.rate, two.rate))
        one.wanted = 40.0
        self.clock.pump([0.1] * 20)
        self.assertAlmostEqual(35.0, one.rate)
        self.assertAlmostEqual(65.0, two.rate)

    def test_sx21_without_announcements(self) -> None:
        """The store alone does it too, within as many seconds as a part is kept unasked."""
        one, two = self.node("one", 50.0), self.node("two", 50.0)
        for node in (one, two):
            node.store.bus.announce = lambda topic, payload: None  # type: ignore[method-assign]
        self.clock.pump([0.25] * 14)
        self.assertEqual((50.0, 50.0), (one.rate, two.rate))

    def test_gone_is_given_back(self) -> None:
        """What is not used any more is the others', at once."""
        one, two = self.node("one", 50.0), self.node("two", 50.0)
        self.clock.pump([0.1] * 20)
        two.present = False
        self.clock.pump([0.1] * 12)
        self.assertEqual(LIMIT, one.rate)

    def test_killed_is_given_back(self) -> None:
        """The part of a node that is heard of no more is free after ten seconds; one that comes
        back under its name has no part of its former life."""
        one, two = self.node("one", 50.0), self.node("two", 50.0)
        self.clock.pump([0.1] * 20)
        two.shares.stop()
        self.clock.pump([EVERY] * int(RENEW))
        self.assertEqual(50.0, one.rate)
        self.clock.pump([EVERY] * int(LIFE))
        self.assertEqual(LIMIT, one.rate)
        three = self.node("three", 50.0)
        self.clock.pump([0.1] * 20)
        three.shares.stop()
        again = self.node("three", 50.0)
        again.shares.ask()
        self.assertEqual(50.0, again.rate)

    def test_store_away(self) -> None:
        """Without the store everybody goes on with what he had; when it is back it is asked."""
        one, two = self.node("one", 50.0), self.node("two", 50.0)
        self.clock.pump([0.1] * 20)
        for node in (one, two):
            node.store.go_away()
        one.wanted = 0.0
        self.successResultOf(one.shares.ask())
        self.clock.pump([1.0] * 20)
        self.assertEqual((50.0, 50.0), (one.rate, two.rate))
        for node in (one, two):
            node.store.come_back()
        self.clock.pump([0.1] * 5)
        self.assertEqual((5.0, 95.0), (one.rate, two.rate))

    def test_quiet_when_nothing_changes(self) -> None:
        """A need that stays as it is is told every two seconds only."""
        node = self.node("one", 50.0)
        self.clock.pump([EVERY] * 12)
        self.assertEqual(12 / RENEW, len(node.told))

    def test_words_of_strangers(self) -> None:
        """An announcement that is none, or of something else, does nothing."""
        one, two = self.node("one"), self.node("two")
        self.clock.pump([EVERY] * 2)
        before = len(one.told)
        for payload in (b"\xc1", msgpack.packb(7), msgpack.packb([b"other", [1]])):
            two.store.bus.announce(TOPIC, payload)
        self.clock.advance(0.2)
        self.assertEqual(before, len(one.told))

    def test_stops(self) -> None:
        """Nothing is left on the clock."""
        node = self.node("one")
        node.shares.ask_soon()
        node.shares.stop()
        node.shares.stop()
        self.clock.advance(10)
        self.assertEqual([], node.told)


class SumTests(SynchronousTestCase):
    """However needs change, and nodes come and go: never above the limit."""

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b", "c"]),
                st.sampled_from(["wants", "wants nothing", "leaves", "comes"]),
                st.integers(1, 300),
                st.integers(1, 25),
            ),
            min_size=1,
            max_size=25,
        )
    )
    def test_sx21_never_above_the_limit(self, steps: list[tuple[str, str, int, int]]) -> None:
        """SX-21: over any second no more than the limit and a burst passes on all nodes together,
        and the sum of what they hold is never above it."""
        clock = Clock()
        clock.advance(1000)
        world = World(clock.seconds)
        nodes = {name: Node(clock, world, name) for name in "abc"}
        sent: list[tuple[float, int]] = []
        try:
            for name, what, wanted, tenths in steps:
                node = nodes[name]
                if what == "leaves":
                    node.present = False
                    node.wanted = node.rate = 0.0
                    node.bucket.use(0.0, 0.0, clock.seconds())
                    node.bucket.empty(clock.seconds())
                elif what == "comes":
                    node.present = True
                elif node.present:
                    node.wanted = float(wanted) if what == "wants" else 0.0
                for _ in range(tenths):
                    clock.advance(0.1)
                    passed = sum(each.spend() for each in nodes.values())
                    sent.append((clock.seconds(), passed))
                    self.assertLessEqual(sum(each.rate for each in nodes.values()), LIMIT + 1e-6)
        finally:
            for node in nodes.values():
                node.shares.stop()
        for at, _ in sent:
            second = sum(count for when, count in sent if at <= when < at + 0.95)
            self.assertLessEqual(second, 2 * LIMIT + len(nodes))

    @given(
        st.floats(0, 1000),
        st.lists(st.tuples(st.floats(0, 50), st.floats(0, 1000)), max_size=5),
    )
    def test_grant(self, wanted: float, others: list[tuple[float, float]]) -> None:
        """A grant is never more than what is left, nor than the fair part, nor less than 0."""
        grant = grant_of(Demand(b"", LIMIT, wanted, 0.0), others)
        left = LIMIT - sum(held for held, _ in others)
        self.assertTrue(0 <= grant.rate <= max(0.0, left))
        self.assertLessEqual(grant.rate, grant.target)
        self.assertLessEqual(grant.target, LIMIT * 1.0001)
        self.assertEqual(len(others), grant.others)
