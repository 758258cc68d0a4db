"""Tests of ``relay.leases`` and ``relay.rates``: budgets of an account over all nodes."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import constants as c
from smppproxy.store.interface import StoreUnavailable
from tests.support.memory_peers import World, make_account, submit


class LeaseTests(SynchronousTestCase):
    """max_binds over nodes."""

    def setUp(self) -> None:
        self.one = World([make_account(max_binds=2)], node="one")
        self.two = World(beside=self.one, node="two")
        self.account = self.one.accounts["acme"]

    def take(self, world: World, client: object) -> bool:
        taken: list[bool] = []
        world.relay.leases.take(self.account, client).addCallback(taken.append)
        return taken[0]

    def test_mg28_over_nodes(self) -> None:
        """MG-28: max_binds 2: the third bind on another node waits until one of them closes."""
        first = object()
        self.assertTrue(self.take(self.one, first))
        self.assertTrue(self.take(self.two, object()))
        self.assertFalse(self.take(self.two, object()))
        self.one.relay.leases.give_back(self.account, first)
        self.one.relay.leases.give_back(self.account, first)
        self.assertTrue(self.take(self.two, object()))

    def test_mg28_signs_of_life(self) -> None:
        """MG-28: leases are kept while the node lives, and free 30 s after it died."""
        self.take(self.one, object())
        self.take(self.one, object())
        self.one.advance(60)
        self.assertFalse(self.take(self.two, object()))
        self.one.nodes.remove(self.one)
        self.two.advance(32)
        self.assertTrue(self.take(self.two, object()))

    def test_store_away(self) -> None:
        """Without the store no new place is given; those that are held are kept for later."""
        self.take(self.one, object())
        gone = object()
        self.take(self.one, gone)
        self.one.store.go_away()
        self.failureResultOf(
            self.one.relay.leases.take(self.account, object()), StoreUnavailable
        )
        self.one.relay.leases.give_back(self.account, gone)
        self.one.advance(20)
        self.assertGreater(self.one.ledger.events["leases_not_kept"], 0)
        self.assertEqual(1, self.one.ledger.events["lease_not_given_back"])
        self.one.store.come_back()
        self.one.advance(12)
        self.assertTrue(self.take(self.two, object()))
        self.assertFalse(self.take(self.two, object()))

    def test_one_sign_of_life_at_a_time(self) -> None:
        """A store that is slow is not asked again meanwhile."""
        self.take(self.one, object())
        self.one.store.hold("keep_binds")
        self.one.advance(30)
        self.assertEqual(1, self.one.store.calls.count("keep_binds"))
        self.one.store.release()
        self.one.advance(9)
        self.assertEqual(2, self.one.store.calls.count("keep_binds"))


class ShareTests(SynchronousTestCase):
    """TPS over nodes."""

    def passed(self, world: World, client: Any, count: int = 40) -> int:
        client.receive(*(submit(number) for number in range(count)))
        refused = [1 for _, status, _ in client.responses() if status == c.ESME_RTHROTTLED]
        return count - len(refused)

    def test_sx21_divided_by_the_nodes(self) -> None:
        """SX-21: a node spends its part of the account's TPS, by how many hold binds of it."""
        one = World([make_account(tps=10, window=100), make_account("other")], node="one")
        two = World(beside=one, node="two")
        one.upstream()
        client = one.client()
        self.assertEqual(10, self.passed(one, client))
        held = {world: object() for world in (one, two)}
        for world, lease in held.items():
            world.relay.leases.take(world.accounts["acme"], lease)
        one.relay.leases.take(one.accounts["other"], object())
        one.advance(3)
        self.assertEqual(5, self.passed(one, client))
        one.relay.use(one.accounts, one.routes, one.mo, one.now)
        self.assertEqual(0, self.passed(one, client))
        two.relay.leases.give_back(two.accounts["acme"], held[two])
        one.advance(12)
        self.assertEqual(10, self.passed(one, client))

    def test_burst_is_divided_too(self) -> None:
        """SX-21: the burst as well, but one message may always go."""
        world = World([make_account(tps=2, burst=4)])
        rates = world.relay._submits.rates
        rates.share({b"acme": 4, b"nobody": 2})
        bucket = rates.buckets["acme"]
        self.assertEqual((0.5, 1), (bucket.rate, bucket.burst))
        rates.share({b"acme": 0})
        self.assertEqual((2, 4), (bucket.rate, bucket.burst))


