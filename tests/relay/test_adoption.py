"""Tests of ``relay.adoption``: what is in the hands of nobody comes promptly and evenly (D6)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.adoption import EVERY, MOST, SOME
from smppproxy.smpp import constants as c
from smppproxy.store.interface import Limit
from smppproxy.store.records import MoRecord
from tests.relay.test_outbox import MO_ROUTES
from tests.support.memory_peers import FakeClient, World, make_account, make_provider, mo

QUEUE = b"m:acme"


class AdoptionTests(SynchronousTestCase):
    """An account with many messages waiting; receivers with a window of 100."""

    def start(self, waiting: int, window: int = 100) -> World:
        """So many MO messages wait; the result is a node of their account."""
        account = make_account(deliver_window=window, max_binds=100)
        world = World([account], [make_provider()], mo_routes=MO_ROUTES)
        record = MoRecord(mo(1)[16:]).pack()
        limit = Limit(100_000, 172_800)
        self.successResultOf(world.store.inner.put(QUEUE, [record] * waiting, limit))
        return world

    def in_hands(self, world: World) -> None:
        """All of it is in this node's hands, as if its windows were as large."""
        self.successResultOf(world.store.inner.fetch([(QUEUE, 100_000)]))
        world.clock.advance(1)

    def receiver(self, world: World) -> FakeClient:
        return world.client(command_id=c.BIND_RECEIVER)

    def drain(self, *receivers: FakeClient) -> list[int]:
        """The receivers acknowledge what they get until nothing comes: how many each got."""
        got = [0 for _ in receivers]
        before = -1
        while sum(got) > before:
            before = sum(got)
            for place, receiver in enumerate(receivers):
                pdus = receiver.deliveries()
                got[place] += len(pdus)
                receiver.acknowledge(pdus)
        return got

    def test_gw21_25_000_that_wait(self) -> None:
        """They go at once, evenly to the receivers of both nodes, whatever the clock says."""
        here = self.start(25_000, 1_000)
        there = World(beside=here, node="other", mo_routes=MO_ROUTES)
        receivers = [self.receiver(world) for world in (here, there, here, there)]
        got = self.drain(*receivers)
        self.assertEqual(sum(got), 25_000)
        self.assertLess(max(got) - min(got), 2_500)
        self.assertEqual(here.sizes(prefix=b"m:"), (0, 0))

    def test_d6_25_000_of_the_former_life(self) -> None:
        """What this node held before its restart goes at once too, and never more than the windows
        hold is taken over."""
        former = self.start(25_000)
        self.in_hands(former)
        world = World(after=former, mo_routes=MO_ROUTES)
        receivers = [self.receiver(world) for _ in range(2)]
        for _ in range(3):
            for receiver in receivers:
                pdus = receiver.deliveries()
                self.assertLessEqual(len(pdus), 100)
                receiver.acknowledge(pdus)
            inbox = world.relay.directory.inboxes[b"acme"]
            self.assertLessEqual(len(inbox.due), 2 * 100)
        got = self.drain(*receivers)
        self.assertGreater(sum(got), 25_000 - 3 * 200 - 1)
        self.assertLess(max(got) - min(got), 2_500)
        self.assertEqual(world.sizes(prefix=b"m:"), (0, 0))

    def test_d6_many_of_a_node_that_died(self) -> None:
        """A minute after its last sign of life they go to the receiver on another node, all of
        them as fast as it answers."""
        dead = self.start(10 * SOME)
        self.in_hands(dead)
        world = World(after=dead, node="other", mo_routes=MO_ROUTES)
        receiver = self.receiver(world)
        self.assertEqual(self.drain(receiver), [0])
        world.advance(60 + EVERY)
        self.assertEqual(self.drain(receiver), [10 * SOME])

    def test_d6_no_room(self) -> None:
        """Nothing is taken over for a receiver that does not answer."""
        dead = self.start(10 * SOME)
        self.in_hands(dead)
        world = World(after=dead, node="other", mo_routes=MO_ROUTES)
        receiver = self.receiver(world)
        receiver.writable = False
        calls: list[Any] = world.store.calls
        calls.clear()
        world.advance(60 + EVERY)
        self.assertNotIn("adopt", calls)
        receiver.writable = True
        world.advance(EVERY)
        self.assertEqual(self.drain(receiver), [10 * SOME])

    def test_d6_one_call_is_bounded(self) -> None:
        """However large the windows are, one call brings a bounded number."""
        former = self.start(3 * MOST, 10_000)
        self.in_hands(former)
        world = World(after=former, mo_routes=MO_ROUTES)
        receiver = self.receiver(world)
        self.assertEqual(len(receiver.deliveries()), MOST)
        world.advance(3)
        self.assertEqual(len(receiver.deliveries()), 2 * MOST)
