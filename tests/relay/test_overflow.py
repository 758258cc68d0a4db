"""Tests of full windows, throttling and the lane for urgent messages, as routes want them."""

from __future__ import annotations

from typing import Any

from smppproxy.routing.route import Route
from smppproxy.routing.targets import Target
from smppproxy.smpp import constants as c
from tests.relay.presets import preset_provider
from tests.relay.route_case import OK, RouteCase, numbers, several
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    make_account,
    make_provider,
    part,
    submit,
)


class OverflowTests(RouteCase):
    """``overflow``: what a target that takes nothing now does to a message."""

    def full(self, **options: Any) -> tuple[World, FakeClient, list[FakeUpstream]]:
        """Two providers with windows of one."""
        providers = [make_provider(name, window=1) for name in "pq"]
        return self.world(providers=providers, **options)

    def test_wait_is_the_default(self) -> None:
        """Without the option a full target is waited for, though another one is free."""
        world, client, (p, q) = self.full()
        client.receive(*several(1, 2))
        self.assertEqual(([1], []), (numbers(p.submits()), numbers(q.submits())))

    def test_full_window_goes_next(self) -> None:
        """A full window: the next target takes the message; why is written on it and counted."""
        world, client, (p, q) = self.full(overflow="next")
        client.receive(*several(1, 2))
        self.assertEqual(([1], [2]), (numbers(p.submits()), numbers(q.submits())))
        self.assertEqual({("one", "p", "full"): 1}, world.relay.reasons.counts)

    def test_nobody_has_room_waits_at_the_first(self) -> None:
        """All are full: the message waits for the first target, and goes there when it has room."""
        world, client, (p, q) = self.full(overflow="next")
        client.receive(*several(1, 2, 3))
        pools = world.relay.directory.pools
        self.assertEqual((1, 0), (len(pools["p"].backlog), len(pools["q"].backlog)))
        p.accept((p.submits()[0], b"1"))
        self.assertEqual([3], numbers(p.submits()))

    def test_goes_to_whoever_has_room_first(self) -> None:
        """What waits for the first target moves to the second one when that has room before."""
        world, client, (p, q) = self.full(overflow="next")
        client.receive(*several(1, 2, 3, 4))
        q.accept((q.submits()[0], b"1"))
        self.assertEqual([3], numbers(q.submits()))
        p.accept((p.submits()[0], b"2"))
        self.assertEqual([4], numbers(p.submits()))

    def test_throttle_account_is_refused(self) -> None:
        """window_full = "throttle": 0x58 when nobody has room, not before."""
        account = make_account(window_full="throttle")
        world, client, (p, q) = self.world(
            account=account,
            providers=[make_provider(name, window=1) for name in "pq"],
            overflow="next",
        )
        client.receive(*several(1, 2, 3))
        self.assertEqual([(3, c.ESME_RTHROTTLED, b"")], client.responses())

    def test_tps_goes_next(self) -> None:
        """A provider whose tps is spent is passed over; its next token serves it again."""
        world, client, (p, q) = self.world(
            providers=[make_provider("p", tps=1), make_provider("q")], overflow="next"
        )
        client.receive(*several(1, 2))
        self.assertEqual(([1], [2]), (numbers(p.submits()), numbers(q.submits())))
        self.assertEqual({("one", "p", "limited"): 1}, world.relay.reasons.counts)
        world.advance(1)
        client.receive(*several(3))
        self.assertEqual([3], numbers(p.submits()))

    def test_tokens_come_with_time(self) -> None:
        """All are full, but for one whose tps is spent: it takes what waits as tokens come."""
        world, client, (p, q) = self.world(
            providers=[make_provider("p", window=1), make_provider("q", tps=1)], overflow="next"
        )
        client.receive(*several(1, 2, 3))
        self.assertEqual([2], numbers(q.submits()))
        for _ in range(24):
            world.advance(0.05)
        self.assertEqual([3], numbers(q.submits()))
        self.assertEqual(set(), world.relay._submits._dispatch.movable)

    def test_paused_goes_next(self) -> None:
        """A provider whose only host asked for a rest is passed over while it rests."""
        world, client, (p, q) = self.world(overflow="next")
        client.receive(*several(1))
        p.refuse(c.ESME_RTHROTTLED, *p.submits())
        client.receive(*several(2))
        self.assertEqual([2], numbers(q.submits()))
        self.assertEqual(1, world.relay.reasons.counts["one", "p", "paused"])

    def test_nobody_bound_and_one_full(self) -> None:
        """An absent target is passed over, a full one waited for."""
        world, client, (p, q) = self.full(overflow="next")
        p.lose()
        client.receive(*several(1, 2))
        self.assertEqual([1], numbers(q.submits()))
        self.assertEqual(1, len(world.relay.directory.pools["q"].backlog))
        self.assertEqual(2, world.relay.reasons.counts["one", "p", "absent"])
        q.lose()
        client.receive(*several(3))
        self.assertIn((3, c.ESME_RSYSERR, b""), client.responses())

    def test_isolated_goes_next(self) -> None:
        """A provider that an operator has isolated is passed over, and why is told."""
        world, client, (p, q) = self.world()
        world.relay.directory.states.take({("", "p", "", ""): "isolate"})
        world.relay.directory.pools["p"].restate()
        client.receive(*several(1))
        self.assertEqual([1], numbers(q.submits()))
        self.assertEqual({("one", "p", "isolated"): 1}, world.relay.reasons.counts)

    def test_xc06_parts_do_not_move(self) -> None:
        """XC-06: parts of a long message wait for the host of the first one."""
        world, client, (p, q) = self.full(overflow="next")
        client.receive(part(1, 42, 1), part(2, 42, 2))
        self.assertEqual((1, 0), (len(p.submits()), len(q.submits())))
        self.assertEqual(1, len(world.relay.directory.pools["p"].backlog))

    def test_message_that_becomes_several(self) -> None:
        """A message that a provider gets in parts goes, waits and moves as a whole."""
        providers = [preset_provider("default", name, window=1) for name in "pq"]
        world, client, (p, q) = self.world(providers=providers, overflow="next")
        text = [(c.TLV_MESSAGE_PAYLOAD, b"x" * 300)]
        client.receive(submit(1), submit(2))
        client.receive(submit(3, short_message=b"", tlvs=text))
        pools = world.relay.directory.pools
        self.assertEqual((2, 0), (len(pools["p"].backlog), len(pools["q"].backlog)))
        q.accept((q.submits()[0], b"1"))
        self.assertEqual((0, 1), (len(pools["p"].backlog), len(pools["q"].backlog)))
        for number in (2, 3):
            q.accept((q.submits()[0], b"%d" % number))
        self.assertEqual([2, 3], [answer[0] for answer in client.responses()])
        p.accept((p.submits()[0], b"4"))
        self.check(world)

    def test_unfit_and_full(self) -> None:
        """A target that cannot carry the message is passed over in either way."""
        providers = [
            preset_provider("default", "p", window=10),
            make_provider("q", window=1),
        ]
        late = {"schedule_delivery_time": b"231231235959000+"}
        for overflow in ("wait", "next"):
            world, client, (p, q) = self.world(providers=providers, overflow=overflow)
            client.receive(*several(1, 2, **late))
            self.assertEqual(([], [1]), (numbers(p.submits()), numbers(q.submits())))
            self.assertEqual(2, world.relay.reasons.counts["one", "p", "unfit"])
            self.assertEqual(1, len(world.relay.directory.pools["q"].backlog))
            p.lose()
            q.lose()
            client.receive(*several(3, **late))
            world, client, (p, q) = self.world(providers=providers, overflow=overflow)
            q.lose()
            client.receive(*several(4, **late))
            self.assertEqual([(4, c.ESME_RSYSERR, b"")], client.responses())

    def test_only_who_cannot_carry_it(self) -> None:
        """No target can carry the message: the refusal says what it is about."""
        providers = [preset_provider("default", name) for name in "pq"]
        world, client, _ = self.world(providers=providers, overflow="next")
        client.receive(submit(1, schedule_delivery_time=b"231231235959000+"))
        self.assertEqual([(1, c.ESME_RINVSCHED, b"")], client.responses())

    def test_unfit_ones_do_not_hold_up_others(self) -> None:
        """A target that comes back takes what it can carry of what waits for another one."""
        providers = [make_provider("p", window=1), preset_provider("default", "q", window=1)]
        world, client, (p, q) = self.world(providers=providers, overflow="next")
        q.lose()
        late = {"schedule_delivery_time": b"231231235959000+"}
        client.receive(*several(1), *several(2, 3, **late), *several(4, 5))
        q = world.upstream("a", "q")
        self.assertEqual([4], numbers(q.submits()))
        self.assertEqual(2, world.relay.reasons.counts["one", "q", "unfit"])
        client.receive(*several(6))
        sent = []
        while pdus := p.submits():
            sent += numbers(pdus)
            p.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in pdus))
        self.assertEqual([1, 2, 3, 5, 6], sent)

    def test_order_of_a_session_towards_a_bind(self) -> None:
        """Reading 15: weighted targets, all full; nothing overtakes on its way to one bind."""
        world = World(
            [make_account(window=200)],
            [make_provider(name, window=2) for name in "pq"],
            [Route("one", targets=(Target("p"), Target("q")), overflow="next")],
        )
        client, p, q = world.client(), world.upstream("a", "p"), world.upstream("a", "q")
        for number in range(1, 61):
            client.receive(submit(number, b"45%06d" % number, short_message=b"%d" % number))
        seen: dict[FakeUpstream, list[int]] = {p: [], q: []}
        for turn in range(200):
            for upstream, every in ((p, 1), (q, 3)):
                if turn % every == 0:
                    for pdu in upstream.submits():
                        seen[upstream] += numbers([pdu])
                        upstream.accept((pdu, b"%d" % len(seen[p] + seen[q])))
        self.assertEqual(60, len(seen[p]) + len(seen[q]))
        for order in seen.values():
            self.assertEqual(sorted(order), order)
        self.assertGreater(len(seen[p]), len(seen[q]))
        self.check(world)


class ThrottledTests(RouteCase):
    """``throttled``: what an answer that it is too fast does to the message."""

    def test_wait_is_the_default(self) -> None:
        """Without the option the message waits for the provider that throttled it."""
        world, client, (p, q) = self.world()
        client.receive(*several(1))
        p.refuse(c.ESME_RTHROTTLED, *p.submits())
        self.assertEqual([], q.submits())

    def test_next_takes_it_at_once(self) -> None:
        """throttled = "next": no waiting while another target is free."""
        world, client, (p, q) = self.world(throttled="next")
        client.receive(*several(1))
        p.refuse(c.ESME_RTHROTTLED, *p.submits())
        (pdu,) = q.submits()
        q.accept((pdu, b"x"))
        self.assertEqual([OK], client.responses())
        self.assertEqual({("one", "p", "throttled"): 1}, world.relay.reasons.counts)
        self.check(world)

    def test_failover_may_list_it(self) -> None:
        """0x58 in ``failover`` says the same."""
        world, client, (p, q) = self.world(failover=frozenset({c.ESME_RTHROTTLED}))
        client.receive(*several(1))
        p.refuse(c.ESME_RTHROTTLED, *p.submits())
        self.assertEqual([1], numbers(q.submits()))

    def test_nobody_is_free(self) -> None:
        """No other target is free: it waits, and goes to whoever is first."""
        for first in "pq":
            world, client, (p, q) = self.world(
                providers=[make_provider("p"), make_provider("q", window=1)], throttled="next"
            )
            q.session.window.limit = 0
            client.receive(*several(1))
            p.refuse(c.ESME_RTHROTTLED, *p.submits())
            self.assertEqual([], q.submits())
            if first == "q":
                q.session.window.limit = 1
            world.advance(0.1)
            world.advance(1.1)
            self.assertEqual([first == "p", first == "q"], [bool(p.unseen), bool(q.unseen)])

    def test_both_throttle(self) -> None:
        """Both throttle: it is with one of them at a time, and at last with who takes it."""
        world, client, (p, q) = self.world(throttled="next")
        client.receive(*several(1))
        for upstream in (p, q, p, q):
            self.assertEqual(1, len(p.unseen) + len(q.unseen))
            upstream.refuse(c.ESME_RTHROTTLED, *upstream.submits())
            if upstream is q:
                world.advance(3)
        (pdu,) = p.submits() + q.submits()
        (p if p.session.window.room < 10 else q).accept((pdu, b"x"))
        self.assertEqual([OK], client.responses())

    def test_absent_and_unfit_targets(self) -> None:
        """Targets that are not bound or cannot carry the message are passed over then too."""
        providers = [
            make_provider("p"), preset_provider("default", "q"), make_provider("r")
        ]
        world, client, (p, q, r) = self.world("pqr", providers=providers, throttled="next")
        r.lose()
        client.receive(*several(1, schedule_delivery_time=b"231231235959000+"))
        p.refuse(c.ESME_RTHROTTLED, *p.submits())
        self.assertEqual([], q.submits())
        self.assertEqual(
            {("one", "p", "throttled"): 1, ("one", "q", "unfit"): 1, ("one", "r", "absent"): 1},
            world.relay.reasons.counts,
        )
        world.advance(1.2)
        self.assertEqual([1], numbers(p.submits()))

    def test_xc06_part_waits(self) -> None:
        """XC-06: a part of a long message waits for the host of the others."""
        world, client, (p, q) = self.world(throttled="next")
        client.receive(part(1, 42, 1), part(2, 42, 2))
        p.refuse(c.ESME_RTHROTTLED, p.submits()[1])
        self.assertEqual([], q.submits())

    def test_sx22_keeps_order(self) -> None:
        """SX-22, reading 15: what is throttled goes before what came later, in its lane too."""
        account = make_account(priority_lane=True)
        world, client, (p,) = self.world("p", account, [make_provider("p", window=4)])
        client.receive(*several(1, 2), *several(3, 4, priority_flag=2), *several(5))
        client.receive(*several(6, 7, priority_flag=3))
        pdus = p.submits()
        self.assertEqual([1, 2, 3, 4], numbers(pdus))
        for pdu in reversed(pdus):
            p.refuse(c.ESME_RTHROTTLED, pdu)
        world.advance(1.2)
        sent = []
        while pdus := p.submits():
            sent += numbers(pdus)
            p.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in pdus))
        self.assertEqual([3, 4, 6, 7, 1, 2, 5], sent)
        self.check(world)


class LaneTests(RouteCase):
    """``priority_lane`` of an account."""

    def test_urgent_ones_go_first(self) -> None:
        """Where messages wait, priority_flag 2 and 3 go before others; each lane in its order."""
        account = make_account(priority_lane=True, window=100)
        world, client, (p,) = self.world("p", account, [make_provider("p", window=1)])
        client.receive(*several(1, 2, 3))
        client.receive(*several(4, 5, priority_flag=2), *several(6), *several(7, priority_flag=3))
        sent = []
        while pdus := p.submits():
            sent += numbers(pdus)
            p.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in pdus))
        self.assertEqual([1, 4, 5, 7, 2, 3, 6], sent)

    def test_not_without_the_option(self) -> None:
        """An account without the option has one lane, whatever its messages say."""
        world, client, (p,) = self.world("p", None, [make_provider("p", window=1)])
        client.receive(*several(1, 2), *several(3, priority_flag=3))
        p.accept((p.submits()[0], b"x"))
        self.assertEqual([2], numbers(p.submits()))
