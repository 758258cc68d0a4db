"""Tests of ``relay.pool`` and ``relay.speed``: who takes submits, who does not and why."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.health import Health
from smppproxy.relay.pool import LOST_WITHIN, TRIAL, Pool
from smppproxy.routing.outliers import FAILURES, STEP
from smppproxy.routing.routes import Route, Target
from smppproxy.routing.states import Wish
from smppproxy.smpp import constants as c
from smppproxy.store.budgets import Grant
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    make_account,
    make_provider,
    part,
    submit,
)


class PoolCase(SynchronousTestCase):
    """A client, and two hosts of one provider."""

    def world_of(self, hosts: str = "ab", **provider: Any) -> tuple[FakeClient, list[FakeUpstream]]:
        """One bind to each of these hosts."""
        provider.setdefault("window", 20)
        account = make_account(window=200, priority_lane=True)
        self.world = World([account], [make_provider(**provider)])
        client = self.world.client()
        return client, [self.world.upstream(host) for host in hosts]

    @property
    def pool(self) -> Pool:
        """Of the provider."""
        return self.world.relay.directory.pools["p"]

    def want(self, *wishes: tuple[str, str], place: str = "host") -> None:
        """An operator wants this of hosts, or of binds."""
        taken: dict[Wish, str] = {
            (("", "p", name, "") if place == "host" else ("", "p", "a", name)): state
            for name, state in wishes
        }
        self.world.relay.directory.states.take(taken)
        self.world.relay.restate(self.world.now)

    def send(self, client: FakeClient, numbers: Iterable[int], **fields: Any) -> None:
        """So many submit_sm at once."""
        client.receive(*(submit(number, **fields) for number in numbers))

    def accept(self, *upstreams: FakeUpstream) -> list[int]:
        """Each takes what it was sent; how many each had."""
        counts = []
        for upstream in upstreams:
            pdus = upstream.submits()
            counts.append(len(pdus))
            if pdus:
                upstream.accept(
                    *(
                        (pdu, b"%d%b" % (pdu.sequence_number, upstream.name.encode()))
                        for pdu in pdus
                    )
                )
        return counts

    def events(self, name: str) -> int:
        """How often the ledger counted this."""
        return self.world.ledger.events[name]


class StateTests(PoolCase):
    """What operators want."""

    def test_isolate_a_host(self) -> None:
        """No new submit goes to it; answers to what it has, and its receipts, are taken."""
        client, (a, b) = self.world_of()
        self.send(client, range(1, 17))
        pdus = a.submits()
        self.assertEqual(8, len(pdus))
        self.want(("a", "isolate"))
        self.send(client, range(20, 28))
        self.assertEqual([], a.submits())
        a.accept(*((pdu, b"a%d" % pdu.sequence_number) for pdu in pdus))
        a.receipt(b"a%d" % pdus[0].sequence_number)
        self.assertEqual([(1, 0)], a.answers())
        self.assertEqual([16], self.accept(b))
        self.assertEqual(1, len(client.deliveries()))
        self.want()
        self.send(client, range(30, 46))
        self.assertEqual([8, 8], self.accept(a, b))

    def test_isolate_one_bind(self) -> None:
        """Its host's other binds go on; parts of a message go to one that may take them."""
        client, (one, two) = self.world_of("aa")
        self.want((one.name.rpartition("/")[2], "isolate"), place="bind")
        self.send(client, range(1, 11))
        client.receive(*(part(number, number, 1) for number in range(20, 30)))
        self.assertEqual([0, 20], self.accept(one, two))
        self.assertEqual("", self.pool.why("a", 0.0))

    def test_all_isolated(self) -> None:
        """A provider without a host that takes submits is passed over; what waited goes to the
        route's next, or is refused as without a bind."""
        account = make_account(window=200)
        providers = [make_provider(window=1, hosts="a"), make_provider("q", "a", window=100)]
        route = Route("all", targets=(Target("p"), Target("q", backup=True)))
        self.world = World([account], providers, routes=[route])
        client = self.world.client()
        a, q = self.world.upstream("a"), self.world.upstream("a", "q")
        self.send(client, range(1, 6))
        self.assertEqual([1, 0], [len(a.submits()), len(q.submits())])
        self.want(("a", "drain"))
        self.assertEqual(4, len(q.submits()))
        self.send(client, [9])
        self.assertEqual(1, len(q.submits()))
        q.lose()
        self.send(client, [10])
        self.assertIn((10, c.ESME_RSYSERR, b""), client.responses())

    def test_why(self) -> None:
        """Why a host, or the whole provider, takes nothing: in an operator's words."""
        client, (a, b) = self.world_of(window=2)
        directory = self.world.relay.directory
        why = directory.why
        self.assertEqual(["", "", ""], [why("p", host, 0.0) for host in ("", "a", "b")])
        self.assertEqual("was never bound", why("nobody", "", 0.0))
        self.assertEqual("is not bound", why("p", "c", 0.0))
        self.want(("a", "isolate"), ("b", "down"))
        self.assertEqual("is isolated", why("p", "a", 0.0))
        self.assertEqual("is taken down", why("p", "b", 0.0))
        self.assertEqual("has no bind that is not isolated", why("p", "", 0.0))
        directory.states.take({("", "p", "", ""): "isolate"})
        self.assertEqual("is isolated", why("p", "", 0.0))
        directory.states.take({("", "p", "", ""): "drain"})
        self.assertEqual("is drained", why("p", "", 0.0))
        self.want((a.name.rpartition("/")[2], "isolate"), place="bind")
        self.assertEqual("has no bind that is not isolated", why("p", "a", 0.0))
        self.want()
        self.send(client, range(1, 5))
        full = "host a has no room in its window; host b has no room in its window"
        self.assertEqual(full, why("p", "", 0.0))
        self.send(client, range(5, 7))
        self.assertEqual("has 2 messages waiting", why("p", "", 0.0))
        self.accept(a)
        self.accept(a)
        a.writable = False
        self.assertEqual("does not read what we write", why("p", "a", 0.0))
        self.pool.pause("b", 0.0)
        self.assertEqual("is paused for 1 s: it wants fewer messages", why("p", "b", 0.0))
        a.lose()
        b.lose()
        self.assertEqual("has no bind", why("p", "", 0.0))

    def test_why_not_for_its_rate(self) -> None:
        """A provider that has had what it may have."""
        client, _ = self.world_of(tps=3)
        self.send(client, range(1, 4))
        self.assertEqual(
            "has had its 3 messages per second", self.world.relay.directory.why("p", "", 0.0)
        )


class EjectionTests(PoolCase):
    """Hosts that fail."""

    def refuse(self, upstream: FakeUpstream, count: int = FAILURES) -> None:
        """It answers so many with trouble."""
        upstream.refuse(c.ESME_RSYSERR, *upstream.submits()[:count])

    def test_ejected_and_back(self) -> None:
        """Told and counted; on trial it gets one message at a time; another one ends it or the
        trial."""
        client, (a, b) = self.world_of()
        self.send(client, range(1, 17))
        self.refuse(a)
        self.assertEqual({"a"}, self.pool.outliers.ejected)
        self.assertEqual("is ejected for 30 s: it fails", self.pool.why("a", self.world.now))
        self.world.advance(2)
        self.accept(b)
        self.send(client, range(20, 36))
        self.assertEqual(16, len(b.submits()))
        self.world.advance(STEP)
        self.assertEqual(TRIAL, a.session.window.limit)
        late = self.world.upstream("a")
        self.assertEqual(TRIAL, late.session.window.limit)
        self.assertEqual(1, self.events("host_on_trial"))
        self.pool.forgive("a")
        self.assertEqual(20, a.session.window.limit)
        self.assertEqual((1, 1), (self.events("host_ejected"), self.events("host_proved")))

    def test_health(self) -> None:
        """What an operator is shown of a host at each of these moments."""
        client, (a, b) = self.world_of()
        self.assertEqual(
            Health("", "up", 0.0, 0.0, False, 0, 0), self.pool.health("a", self.world.now)
        )
        for _ in range(FAILURES):
            self.pool.trouble("a", self.world.now)
        self.pool.pause("b", self.world.now)
        self.assertEqual(
            Health("is ejected for 30 s: it fails", "up", 30.0, 0.0, False, 0, 1),
            self.pool.health("a", self.world.now),
        )
        self.want(("b", "isolate"))
        self.assertEqual(
            Health("is isolated", "isolate", 0.0, 1.0, False, 0, 0),
            self.pool.health("b", self.world.now),
        )
        self.world.advance(STEP)
        self.assertEqual(
            Health("", "up", 0.0, 0.0, True, 0, 1), self.pool.health("a", self.world.now)
        )

    def test_a_trial_that_fails(self) -> None:
        """The first failure ejects it again, for longer; its window is its own again."""
        client, (a, b) = self.world_of()
        for _ in range(FAILURES):
            self.pool.trouble("a", self.world.now)
        self.world.advance(STEP)
        self.send(client, range(1, 20))
        self.refuse(a, 1)
        self.assertEqual(self.world.now + 2 * STEP, self.pool.outliers.until("a"))
        self.assertEqual(20, a.session.window.limit)

    def test_used_when_nothing_else_is_bound(self) -> None:
        """An ejected host takes messages when the others are gone, those of one message too."""
        client, (a, b) = self.world_of()
        for _ in range(FAILURES):
            self.pool.trouble("a", self.world.now)
        b.lose()
        self.send(client, [1])
        client.receive(part(2, 7, 1))
        self.assertEqual(2, len(a.submits()))
        self.assertEqual("", self.pool.why("a", self.world.now))

    def test_parts_go_to_others(self) -> None:
        """XC-06: parts of messages go to one bind that is not ejected."""
        client, (a, b) = self.world_of()
        for _ in range(FAILURES):
            self.pool.trouble("a", self.world.now)
        client.receive(*(part(number, number, 1) for number in range(1, 11)))
        self.assertEqual([0, 10], [len(a.submits()), len(b.submits())])

    def test_second_tries_go_there_only_if_they_must(self) -> None:
        """What failed at b is tried at a, also when a is ejected and b is all there is."""
        client, (a, b) = self.world_of()
        for _ in range(FAILURES):
            self.pool.trouble("a", self.world.now)
        self.send(client, [1])
        b.refuse(c.ESME_RSYSERR, *b.submits())
        self.world.advance(2)
        self.assertEqual([0, 1], [len(a.submits()), len(b.submits())])

    def test_lost_binds(self) -> None:
        """A lost bind is a failure of its host; all of them in one moment are one; one that was
        to end is none."""
        self.world_of("ab")
        for second in range(FAILURES - 1):
            binds = [self.world.upstream("a") for _ in range(3)]
            self.world.clock.advance(LOST_WITHIN)
            for bind in binds:
                bind.lose()
            self.assertEqual(second + 1, self.pool.troubles["a"])
        leaving = self.world.upstream("a")
        leaving.drain()
        leaving.lose()
        self.assertEqual(set(), self.pool.outliers.ejected)
        self.world.clock.advance(LOST_WITHIN)
        self.world.upstream("a").lose()
        self.assertEqual({"a"}, self.pool.outliers.ejected)

    def test_unanswered(self) -> None:
        """Messages that are never answered are failures; five eject their host."""
        client, (a, b) = self.world_of(response_timeout=5.0, enquire_link=0)
        self.send(client, range(1, 9))
        self.assertEqual(8, len(a.submits()))
        self.world.advance(6)
        self.assertEqual({"a"}, self.pool.outliers.ejected)
        self.assertEqual(8, len(b.submits()))

    def test_f67_throttling_is_no_failure(self) -> None:
        """SX-22: nor is a refusal of the message."""
        for status in (c.ESME_RTHROTTLED, c.ESME_RINVDSTADR):
            client, (a, b) = self.world_of()
            self.send(client, range(1, 17))
            a.refuse(status, *a.submits())
            self.assertEqual(({}, set()), (self.pool.troubles, self.pool.outliers.ejected))


class BacklogTests(PoolCase):
    """Who waits, and whose turn is first."""

    def test_urgent_ones_first(self) -> None:
        """They wait before all others, in their order; so do those that come back."""
        client, (a,) = self.world_of("a", window=1)
        self.send(client, [1])
        for number, priority in ((2, 0), (3, 2), (4, 1), (5, 3)):
            self.send(client, [number], priority_flag=priority)
        waiting = [each.pdu.sequence_number for each in self.pool.backlog]
        self.assertEqual([3, 5, 2, 4], waiting)
        self.send(client, [6], priority_flag=3)
        first = self.pool.backlog.popleft()
        self.pool.put_back(first)
        ordinary = [*self.pool.backlog][3]
        self.pool.backlog.remove(ordinary)
        self.pool.put_back(ordinary)
        waiting = [each.pdu.sequence_number for each in self.pool.backlog]
        self.assertEqual([3, 5, 6, 2, 4], waiting)

    def test_only_urgent_ones(self) -> None:
        """The second of two urgent ones is behind the first."""
        client, (a,) = self.world_of("a", window=1)
        self.send(client, [1])
        self.send(client, [2, 3], priority_flag=3)
        self.assertEqual([2, 3], [each.pdu.sequence_number for each in self.pool.backlog])

    def test_a_lane_for_them(self) -> None:
        """A provider's rate keeps a tenth for urgent ones, whatever else waits."""
        client, (a,) = self.world_of("a", window=1000, tps=20)
        self.send(client, [1], priority_flag=3)
        self.send(client, range(2, 100))
        a.submits()
        self.world.advance(1.0)
        self.world.advance(0.1)
        a.submits()
        self.send(client, [100, 101], priority_flag=3)
        self.assertEqual(2, len(a.submits()))


class SpeedTests(PoolCase):
    """tps, and a pace that follows the answers."""

    def test_no_limit(self) -> None:
        """Neither tps nor pace: no bucket, no limit, nothing to share."""
        self.world_of()
        speed = self.pool.speed
        self.assertEqual((None, None, inf), (speed.bucket, speed.pace, speed.rate))
        self.assertEqual((False, None), (speed.refused([0x58], 0.0), speed.demand(True)))
        speed.grant(Grant(1, 1, 0), 0.0)
        self.assertEqual(inf, speed.rate)

    def test_sx22_adaptive(self) -> None:
        """Unlimited until the provider says that it is too much; then what it took and a part
        less, and up again by steps."""
        client, (a,) = self.world_of("a", window=100, pace="adaptive")
        self.assertEqual(inf, self.pool.speed.rate)
        self.send(client, range(1, 41))
        pdus = a.submits()
        self.assertEqual(40, len(pdus))
        a.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in pdus[:39]))
        a.refuse(c.ESME_RTHROTTLED, pdus[39])
        self.assertAlmostEqual(28.0, self.pool.speed.rate)
        self.assertEqual(1, self.events("pace_lowered"))
        a.refuse(c.ESME_RINVDSTADR)
        self.world.advance(2)
        self.send(client, range(100, 200))
        self.world.advance(2)
        self.assertGreater(self.pool.speed.rate, 28.0)

    def test_adaptive_0x14(self) -> None:
        """A full queue is a sign too; another refusal is none."""
        client, (a, b) = self.world_of(window=100, pace="adaptive", tps=50)
        self.assertEqual(50, self.pool.speed.rate)
        self.send(client, range(1, 17))
        one, two, *_ = a.submits()
        a.refuse(c.ESME_RINVDSTADR, one)
        self.assertEqual(50, self.pool.speed.rate)
        a.refuse(c.ESME_RMSGQFUL, two)
        lowered = self.pool.speed.rate
        self.assertLess(lowered, 50)
        b.refuse(c.ESME_RMSGQFUL, b.submits()[0])
        self.assertEqual((lowered, 1), (self.pool.speed.rate, self.events("pace_lowered")))

    def test_adaptive_slow(self) -> None:
        """Answers that begin to take long lower the rate."""
        client, (a,) = self.world_of("a", window=100, pace="adaptive", tps=50)
        number = 0
        for seconds, times in ((0.1, 20), (2.0, 5)):
            for _ in range(times):
                number += 1
                self.send(client, [number])
                self.world.advance(seconds)
                self.accept(a)
                self.world.advance(1.0)
        self.assertLess(self.pool.speed.rate, 50)
        self.assertGreater(self.events("pace_lowered"), 0)

    def test_settings_change(self) -> None:
        """From fixed to adaptive and back, with and without tps; windows of binds follow."""
        _, (a, b) = self.world_of(window=10)
        self.pool.use(make_provider(window=7, pace="adaptive", tps=5))
        self.assertEqual((7, 5), (a.session.window.limit, self.pool.speed.rate))
        self.pool.use(make_provider(window=7, tps=9))
        self.assertEqual((None, 9), (self.pool.speed.pace, self.pool.speed.rate))
        self.pool.outliers.trial.add("a")
        self.pool.use(make_provider(window=3))
        self.assertEqual((7, 3), (a.session.window.limit, b.session.window.limit))
        self.assertEqual((inf, False), (self.pool.speed.rate, self.pool.limited))

    def test_adaptive_over_nodes(self) -> None:
        """The ceiling is this node's share of the provider's tps."""
        self.world = World([make_account()], [], routes=())
        self.world.relay.divide(lambda: None)
        self.world.providers["p"] = make_provider(tps=10, pace="adaptive")
        self.world.upstream()
        speed = self.pool.speed
        self.assertEqual(0, speed.rate)
        demand = speed.demand(True)
        assert demand is not None
        self.assertEqual((b"p:p", 10), (demand.name, demand.limit))
