"""Tests of ``relay.relay``: the one object that the wire sees."""

from __future__ import annotations

from typing import cast

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.peers import Relay
from smppproxy.relay.relay import SWEEP_EVERY, SmppRelay
from smppproxy.routing.mo import MoRoute
from smppproxy.routing.routes import Route, RouteTable, Target
from smppproxy.smpp import constants as c
from smppproxy.store.interface import PARKED_KEEP, Store
from tests.support.logs import logged
from tests.support.memory_peers import World, make_account, mo, submit


class RelayTests(SynchronousTestCase):
    """Networks, limits and the clock."""

    def receipts(self, world: World, count: int, want: int = 1) -> None:
        """So many receipts of messages that were just accepted; the sender is gone again."""
        client = world.client(command_id=c.BIND_TRANSMITTER)
        upstream = world.upstreams[0] if world.upstreams else world.upstream()
        for _ in range(count):
            client.receive(submit(1, registered_delivery=want))
            (pdu,) = upstream.submits()
            upstream.accept((pdu, b"%d" % pdu.sequence_number))
            upstream.receipt(b"%d" % pdu.sequence_number)
        client.lose()

    def test_is_what_the_wire_calls(self) -> None:
        """The relay has every method that the wire's side of the contract names."""
        relay: Relay = World().relay
        self.assertIsInstance(relay, SmppRelay)

    def test_mg28_max_binds(self) -> None:
        """MG-28: an account may bind as often as it may, and again when one left."""
        world = World([make_account(max_binds=2)])
        relay, account = world.relay, world.accounts["acme"]
        world.client()
        self.assertTrue(relay.may_bind(account))
        second = world.client()
        self.assertFalse(relay.may_bind(account))
        second.lose()
        self.assertTrue(relay.may_bind(account))

    def test_f97_new_network(self) -> None:
        """F97: routes and accounts change as a whole, from the next read on."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        routes = RouteTable([Route("46", prefixes=("46",), targets=(Target("p"),))])
        world.relay.use(world.accounts, routes, world.mo, world.now)
        client.receive(submit(2), submit(3, b"4612345678"))
        self.assertEqual([(2, c.ESME_RINVDSTADR, b"")], client.responses())
        self.assertEqual(2, len(upstream.submits()))

    def test_store_ready_from_the_beginning(self) -> None:
        """A store that is ready before the relay is made is as good as one that gets ready."""
        world = World()
        relay = SmppRelay(cast(Store, world.store), world.unix, world.clock)
        self.assertTrue(relay._submits._numbers.ready)
        world.store.go_away()
        world.store.come_back()
        self.assertEqual((1, 1), (
            relay.ledger.events["store_away"], relay.ledger.events["store_ready"]
        ))

    def test_gw22_expired(self) -> None:
        """GW-22: receipts that nobody takes in the time they are kept are dropped and counted."""
        world = World([make_account(receipt_keep=100)])
        self.receipts(world, 3)
        world.relay.opened([(0, 0)])
        world.advance(101 + SWEEP_EVERY)
        self.assertEqual((3, 0), (world.ledger.expired, world.ledger.dropped))
        self.assertEqual(0, world.ledger.queued)
        self.assertEqual({}, world.ledger.imbalance())
        self.assertEqual([], world.client().texts())

    def test_gw21_dropped(self) -> None:
        """GW-21, L3: a full queue drops the oldest, and every drop is counted and logged."""
        log = logged(self)
        world = World([make_account(receipt_limit=4)])
        world.relay.opened([(0, 0)])
        self.receipts(world, 10)
        self.assertEqual((4, 0), world.sizes())
        world.advance(SWEEP_EVERY + 1)
        self.assertEqual((6, 4), (world.ledger.dropped, world.ledger.queued))
        self.receipts(world, 1)
        world.advance(SWEEP_EVERY)
        self.assertEqual((7, 4), (world.ledger.dropped, world.ledger.queued))
        told = [event for event in log if event.get("event") == "queue_dropped"]
        self.assertEqual([("r:acme", 6), ("r:acme", 1)], [(e["queue"], e["count"]) for e in told])
        self.assertEqual(4, len(world.client().texts()))
        self.assertEqual({}, world.ledger.imbalance())

    def test_dropped_before_this_process(self) -> None:
        """What was dropped before this process began is none of its business."""
        before = World([make_account(receipt_limit=2)])
        self.receipts(before, 5)
        world = World(after=before)
        world.relay.opened([world.sizes()])
        world.advance(SWEEP_EVERY + 1)
        self.assertEqual((0, 2), (world.ledger.dropped, world.ledger.queued))
        self.assertEqual({}, world.ledger.imbalance())

    def test_d5_orphans(self) -> None:
        """D5: a receipt that stayed parked for 48 h is an orphan, counted and told once."""
        found = logged(self)
        world = World()
        world.upstream().receipt(b"nobody's")
        self.assertEqual(1, world.ledger.parked)
        world.clock.advance(PARKED_KEEP)
        world.advance(SWEEP_EVERY + 1)
        self.assertEqual((0, 1), (world.ledger.parked, world.ledger.orphaned))
        (told,) = [each for each in found if each.get("event") == "receipts_orphaned"]
        self.assertEqual((told["provider"], told["count"]), ("p", 1))
        self.assertEqual({}, world.ledger.imbalance())

    def test_mo_expired(self) -> None:
        """MO messages that nobody takes are dropped after their own time and counted apart."""
        world = World(
            [make_account(mo_keep=50)], mo_routes=[MoRoute("acme", numbers=frozenset({"1234"}))]
        )
        world.upstream().receive(mo(1))
        world.advance(50 + SWEEP_EVERY)
        self.assertEqual(1, world.ledger.events["mo_expired"])
        self.assertEqual(0, world.ledger.expired)

    def test_sweep_failed(self) -> None:
        """A sweep, or a look at what was dropped, that fails is done again next time."""
        world = World([make_account(receipt_keep=10)])
        self.receipts(world, 1)
        world.store.fail_next("sweep")
        world.store.fail_next("dropped")
        world.advance(3 * SWEEP_EVERY + 1)
        self.assertEqual(1, world.ledger.expired)

    def test_no_sweep_while_the_store_is_away(self) -> None:
        """A store that is away is left alone."""
        world = World()
        world.store.go_away()
        world.store.calls.clear()
        world.advance(2 * SWEEP_EVERY)
        self.assertEqual([], world.store.calls)
