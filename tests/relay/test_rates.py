"""Tests of ``relay.rates``: the TPS of an account, over nodes."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.routes import Route, RouteTable, Target
from smppproxy.smpp import constants as c
from smppproxy.store.budgets import Demand, Grant
from tests.support.memory_peers import World, make_account, make_provider, submit


class ShareTests(SynchronousTestCase):
    """TPS over nodes."""

    def passed(self, world: World, client: Any, count: int = 40) -> int:
        client.receive(*(submit(number) for number in range(count)))
        refused = [1 for _, status, _ in client.responses() if status == c.ESME_RTHROTTLED]
        return count - len(refused)

    def grant(self, world: World, rate: float, others: int = 1, name: bytes = b"a:acme") -> None:
        world.relay.granted({name: Grant(rate, rate, others)}, world.now)

    def test_sx21_divided_over_the_nodes(self) -> None:
        """SX-21: a node spends its part of the account's TPS, as the store grants it."""
        one = World([make_account(tps=10, window=100), make_account("other")])
        one.upstream()
        client = one.client()
        self.assertEqual(10, self.passed(one, client))
        self.grant(one, 5)
        self.grant(one, 5, name=b"a:other")
        one.advance(3)
        self.assertEqual(5, self.passed(one, client))
        one.relay.use(one.accounts, one.routes, one.mo, one.now)
        self.assertEqual(0, self.passed(one, client))
        self.grant(one, 10, 0)
        one.advance(3)
        self.assertEqual(10, self.passed(one, client))

    def test_burst_is_divided_too(self) -> None:
        """SX-21: the burst as well, but one message may always go; of changed limits the same
        part."""
        world = World([make_account(tps=2, burst=4)])
        rates = world.relay._submits.rates
        self.grant(world, 0.5)
        bucket = rates.buckets["acme"]
        self.assertEqual((0.5, 1), (bucket.rate, bucket.burst))
        self.grant(world, 2, 0)
        self.assertEqual((2, 4), (bucket.rate, bucket.burst))
        self.grant(world, 1)
        rates.use([make_account(tps=4, burst=8)], world.now)
        self.assertEqual((2, 4), (bucket.rate, bucket.burst))

    def test_sx21_nothing_before_the_store_was_asked(self) -> None:
        """Where nodes share, an account has nothing here before the first grant; alone it has a
        whole burst then, beside others what comes in from then on."""
        for others, burst in ((0, 10), (1, 0)):
            world = World([])
            world.relay.divide(lambda: None)
            account = make_account(tps=10, window=100)
            world.relay.use({"acme": account}, world.routes, world.mo, world.now)
            self.assertEqual([], world.relay.demands())
            self.assertEqual(b"a:acme", world.relay.join(account))
            self.assertEqual([Demand(b"a:acme", 10, 0.0, 0.0)], world.relay.demands())
            bucket = world.relay._submits.rates.buckets["acme"]
            self.assertEqual(0, bucket.take(1, world.now))
            self.grant(world, 10, others)
            self.assertEqual(burst, bucket.take(20, world.now))
            self.assertEqual(10, bucket.take(20, world.now + 1))

    def test_sx21_what_is_wanted(self) -> None:
        """A node asks for what comes in, what it refuses included, and forgets it by and by; who
        is gone holds nothing."""
        world = World([make_account(tps=10, window=100), make_account("free")])
        world.upstream()
        client = world.client()
        self.passed(world, client)
        world.advance(1.0)
        self.grant(world, 10, 0)
        self.assertEqual([Demand(b"a:acme", 10, 40.0, 10.0)], world.relay.demands())
        self.assertEqual(1, len(world.relay.demands({b"a:acme", b"p:p"})))
        self.assertEqual([], world.relay.demands({b"a:nobody"}))
        world.advance(1.0)
        self.assertEqual([Demand(b"a:acme", 10, 10.0, 10.0)], world.relay.demands())
        client.lose()
        self.assertEqual([], world.relay.demands())
        client = world.client()
        self.assertEqual(0.0, world.relay.demands()[0].held)
        account = world.accounts["free"]
        self.assertEqual(b"", world.relay.join(account))
        world.relay.leave(account)

    def test_sx21_a_limit_for_who_is_bound(self) -> None:
        """An account that gets a limit while it is bound is not stopped until the store says."""
        world = World([make_account(window=100)])
        world.relay.divide(lambda: None)
        world.client()
        accounts = {"acme": make_account(tps=10, window=100)}
        world.relay.use(accounts, world.routes, world.mo, world.now)
        bucket = world.relay._submits.rates.buckets["acme"]
        self.assertEqual(10, bucket.take(20, world.now))


class ProviderTests(SynchronousTestCase):
    """A provider's tps over nodes (decisions 8)."""

    def test_shared(self) -> None:
        """Nothing goes before the store was asked, then this node's part; what waited goes at
        once. Without a bind nothing is wanted."""
        asked: list[int] = []
        world = World([make_account(window=100)], [], routes=())
        world.relay.divide(lambda: asked.append(1))
        provider = make_provider(tps=10, window=100)
        world.providers["p"] = provider
        world.relay.use(world.accounts, to("p"), world.mo, world.now)
        upstream = world.upstream()
        self.assertEqual([1], asked)
        client = world.client()
        client.receive(*(submit(number) for number in range(20)))
        self.assertEqual([], upstream.submits())
        world.advance(1.0)
        self.assertEqual([Demand(b"p:p", 10, 20.0, 0.0)], world.relay.demands())
        self.assertEqual([], world.relay.demands({b"p:q"}))
        world.relay.granted({b"p:p": Grant(6, 6, 0)}, world.now)
        self.assertEqual(6, len(upstream.submits()))
        self.assertEqual([Demand(b"p:p", 10, 20.0, 6)], world.relay.demands())
        upstream.lose()
        self.assertEqual([], world.relay.demands())
        world.upstream()
        self.assertEqual(0.0, world.relay.demands()[0].held)
        self.assertEqual([1, 1], asked)
        world.relay.granted({b"p:p": Grant(3, 3, 1)}, world.now)
        self.assertEqual(3, world.relay.directory.pools["p"].speed.rate)

    def test_joins_others(self) -> None:
        """The first part beside other nodes begins empty."""
        world = World([make_account(window=100)], [], routes=())
        world.relay.divide(lambda: None)
        world.providers["p"] = make_provider(tps=10, window=100)
        world.relay.use(world.accounts, to("p"), world.mo, world.now)
        upstream, client = world.upstream(), world.client()
        world.relay.granted({b"p:p": Grant(5, 5, 1)}, world.now)
        client.receive(*(submit(number) for number in range(20)))
        self.assertEqual([], upstream.submits())
        world.advance(0.5)
        self.assertEqual(2, len(upstream.submits()))


def to(provider: str) -> RouteTable:
    """Everything to one provider."""
    return RouteTable([Route("all", targets=(Target(provider),))])
