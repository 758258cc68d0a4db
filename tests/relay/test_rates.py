"""Tests of ``relay.rates``: the TPS of an account, over nodes."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import constants as c
from tests.support.memory_peers import World, make_account, submit


class ShareTests(SynchronousTestCase):
    """TPS over nodes."""

    def passed(self, world: World, client: Any, count: int = 40) -> int:
        client.receive(*(submit(number) for number in range(count)))
        refused = [1 for _, status, _ in client.responses() if status == c.ESME_RTHROTTLED]
        return count - len(refused)

    def test_sx21_divided_by_the_nodes(self) -> None:
        """SX-21: a node spends its part of the account's TPS, by how many hold binds of it."""
        one = World([make_account(tps=10, window=100), make_account("other")])
        one.upstream()
        client = one.client()
        self.assertEqual(10, self.passed(one, client))
        one.relay.share({b"acme": 2, b"other": 2})
        one.advance(3)
        self.assertEqual(5, self.passed(one, client))
        one.relay.use(one.accounts, one.routes, one.mo, one.now)
        self.assertEqual(0, self.passed(one, client))
        one.relay.share({b"acme": 1})
        one.advance(3)
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


