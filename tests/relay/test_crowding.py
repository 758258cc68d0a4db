"""Tests of ``relay.crowding``: a store whose memory runs short."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.crowding import AGAIN, PATIENCE
from smppproxy.smpp import constants as c
from tests.support.memory_peers import World, make_account, submit


class CrowdingTests(SynchronousTestCase):
    """L4: first nothing new is taken, then the fullest account loses its oldest receipts."""

    def receipts(self, world: World, system_id: str, count: int) -> None:
        """So many receipts for an account that is away."""
        client = world.client(system_id, command_id=c.BIND_TRANSMITTER)
        upstream = world.upstreams[0] if world.upstreams else world.upstream()
        for _ in range(count):
            client.receive(submit(1, registered_delivery=1))
            (pdu,) = upstream.submits()
            upstream.accept((pdu, b"%s%d" % (system_id.encode(), pdu.sequence_number)))
            upstream.receipt(b"%s%d" % (system_id.encode(), pdu.sequence_number))
        client.lose()

    def fill(self, world: World, part: float) -> None:
        """The store says that it is so full, and a second passes."""
        world.store.inner.memory_used = part
        world.advance(1)

    def test_l4_submits_are_refused_and_receipts_are_not(self) -> None:
        """From 60 % on a submit_sm gets 0x08; what is under way goes on; below it, all does."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1, registered_delivery=1))
        (under_way,) = upstream.submits()
        self.fill(world, 0.6)
        client.receive(submit(2))
        self.assertEqual([], upstream.submits())
        upstream.accept((under_way, b"77"))
        upstream.receipt(b"77")
        self.assertEqual([2, 1], [number for number, _, _ in client.responses()])
        self.assertEqual(1, len(client.texts()))
        self.fill(world, 0.59)
        client.receive(submit(3))
        self.assertEqual(1, len(upstream.submits()))
        events = world.ledger.events
        self.assertEqual(
            (1, 1, 1),
            (events["store_crowded"], events["store_roomy"], events["refused_crowded"]),
        )
        self.assertEqual(1, world.ledger.refused)
        self.assertEqual({}, world.ledger.imbalance())

    def test_l4_the_fullest_account_loses_a_tenth(self) -> None:
        """Above 80 % for a minute, then every five seconds; counted; the limit is as it was."""
        world = World([make_account("one"), make_account("two")])
        world.relay.opened([])
        self.receipts(world, "one", 5)
        self.receipts(world, "two", 20)
        self.fill(world, 0.8)
        world.advance(PATIENCE - 2)
        self.fill(world, 0.79)
        self.fill(world, 0.8)
        world.advance(PATIENCE - 2)
        self.assertEqual(20, world.sizes("two")[0])
        self.fill(world, 0.8)
        self.assertEqual((18, 5), (world.sizes("two")[0], world.sizes("one")[0]))
        self.assertEqual(2, world.ledger.dropped)
        self.fill(world, 0.8)
        self.assertEqual(18, world.sizes("two")[0])
        world.advance(AGAIN)
        self.assertEqual(16, world.sizes("two")[0])
        self.fill(world, 0.7)
        world.advance(AGAIN)
        self.receipts(world, "two", 0)
        self.assertEqual(16, world.sizes("two")[0])
        self.assertEqual(4, world.ledger.dropped)
        self.assertEqual({}, world.ledger.imbalance())
        self.fill(world, 0.0)
        self.receipts(world, "two", 10)
        self.assertEqual(26, world.sizes("two")[0])

    def test_l4_the_store_goes_away_meanwhile(self) -> None:
        """The cut is tried again later."""
        world = World()
        self.receipts(world, "acme", 10)
        for call in ("sizes", "sweep"):
            world.store.fail_next(call)
            self.fill(world, 0.9)
            world.advance(PATIENCE + AGAIN)
        world.advance(AGAIN)
        self.assertLess(world.sizes()[0], 10)

    def test_l4_nothing_to_cut(self) -> None:
        """Other things than receipts fill it."""
        world = World()
        self.fill(world, 0.95)
        world.advance(PATIENCE + AGAIN)
        self.assertEqual(0, world.ledger.dropped)
