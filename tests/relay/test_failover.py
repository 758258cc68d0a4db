"""Tests of what a route wants after the choice: the next target, and what the client hears."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.retry import BACKLOG_AGE, most_telling
from smppproxy.routing.route import Route
from smppproxy.routing.targets import Target
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import NO_REFUSAL, named
from tests.relay.presets import preset_provider
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    part,
    submit,
)

OK = (1, 0, b"1000000001")


def numbers(pdus: list[Pdu]) -> list[int]:
    """Which submits these are, by their text."""
    return [int(fields_of(pdu).short_message) for pdu in pdus]


def several(*which: int, **fields: Any) -> list[bytes]:
    """Submits whose text is their number."""
    return [submit(number, short_message=b"%d" % number, **fields) for number in which]


def route(*names: str, **options: Any) -> Route:
    """A route that asks these providers in this order."""
    return Route("one", targets=tuple(map(Target, names)), select="ordered", **options)


class Case(SynchronousTestCase):
    """A client, and a bind to host a of each provider."""

    def world(
        self, names: str = "pq", account: Any = None, providers: Any = None, **options: Any
    ) -> tuple[World, FakeClient, list[FakeUpstream]]:
        world = World(
            [account or make_account()],
            providers or [make_provider(name) for name in names],
            [route(*names, **options)],
        )
        client = world.client()
        return world, client, [world.upstream("a", name) for name in names]

    def check(self, world: World) -> None:
        """Everything adds up."""
        self.assertEqual({}, world.ledger.imbalance())
        self.assertEqual(0, world.ledger.in_flight)


class OverflowTests(Case):
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


class ThrottledTests(Case):
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


class LaneTests(Case):
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


class RefusedTests(Case):
    """``failover``: refusals after which the next target is asked."""

    def refusing(
        self, names: str = "pq", *codes: int, **options: Any
    ) -> tuple[World, FakeClient, list[FakeUpstream]]:
        codes = codes or (c.ESME_RINVDSTADR,)
        return self.world(names, failover=frozenset(codes), **options)

    def test_next_target_takes_it(self) -> None:
        """A listed status: the next target has the message at once, and its verdict counts."""
        world, client, (p, q) = self.refusing()
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual([], client.responses())
        q.accept((q.submits()[0], b"x"))
        self.assertEqual([OK], client.responses())
        self.assertEqual({("one", "p", "refused"): 1}, world.relay.reasons.counts)
        self.assertEqual(1, world.ledger.events["failed_over"])
        self.check(world)

    def test_generic_nack_with_the_status(self) -> None:
        """A generic_nack with a listed status is such a refusal."""
        world, client, (p, q) = self.refusing()
        client.receive(*several(1))
        number = p.submits()[0].sequence_number
        p.receive(build.generic_nack(c.ESME_RINVDSTADR, number))
        self.assertEqual([1], numbers(q.submits()))

    def test_other_statuses_are_the_verdict(self) -> None:
        """A status that is not listed goes to the client."""
        world, client, (p, q) = self.refusing()
        client.receive(*several(1))
        p.refuse(c.ESME_RINVSRCADR, *p.submits())
        self.assertEqual([(1, c.ESME_RINVSRCADR, b"")], client.responses())
        self.assertEqual([], q.submits())

    def test_most_telling_verdict(self) -> None:
        """All have refused: the last verdict, but ESME_RSUBMITFAIL only when no other was told."""
        address, failed, source = c.ESME_RINVDSTADR, c.ESME_RSUBMITFAIL, c.ESME_RINVSRCADR
        for first, second, told in (
            (address, source, source),
            (address, failed, address),
            (failed, address, address),
            (failed, failed, failed),
            (address, 0x40D, address),
        ):
            world, client, (p, q) = self.refusing("pq", address, failed, source, 0x40D)
            client.receive(*several(1))
            p.refuse(first, *p.submits())
            q.refuse(second, *q.submits())
            self.assertEqual([(1, told, b"")], client.responses())
            self.check(world)

    def test_no_other_target_is_bound(self) -> None:
        """A target that is away cannot be asked: the verdict goes to the client."""
        world, client, (p, q) = self.refusing()
        q.lose()
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())

    def test_next_target_goes_while_it_is_waited_for(self) -> None:
        """The message waits for the second target, which goes: the first one's verdict is told."""
        world, client, (p, q) = self.refusing(
            "pq", c.ESME_RINVDSTADR, providers=[make_provider("p"), make_provider("q", window=1)]
        )
        q.session.window.limit = 0
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual([], client.responses())
        q.lose()
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())

    def test_next_target_has_no_room_for_long(self) -> None:
        """The second target may have taken it later: the client hears of a full queue."""
        world, client, (p, q) = self.refusing()
        q.session.window.limit = 0
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        world.advance(BACKLOG_AGE + 2)
        self.assertEqual([(1, c.ESME_RMSGQFUL, b"")], client.responses())

    def test_trouble_in_the_list(self) -> None:
        """Trouble that is listed: the next target at once; when all had it, a second of waiting."""
        world, client, (p, q) = self.refusing("pq", c.ESME_RSYSERR)
        client.receive(*several(1))
        p.refuse(c.ESME_RSYSERR, *p.submits())
        q.refuse(c.ESME_RSYSERR, *q.submits())
        self.assertEqual([], p.submits() + q.submits())
        world.advance(1.2)
        self.assertEqual(1, len(p.submits() + q.submits()))
        self.assertEqual(1, world.relay.reasons.counts["one", "q", "trouble"])

    def test_broken_bind_is_no_refusal(self) -> None:
        """0x04 in the list says nothing about the message: the provider's other bind is next."""
        world, client, (p, q) = self.refusing("pq", c.ESME_RINVBNDSTS)
        b = world.upstream("b", "p")
        client.receive(*several(1))
        p.refuse(c.ESME_RINVBNDSTS, *p.submits())
        self.assertEqual([1], numbers(b.submits()))

    def test_client_gone(self) -> None:
        """Nothing is sent on for a client that has left."""
        world, client, (p, q) = self.refusing()
        client.receive(*several(1))
        client.lose()
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual([], q.submits())
        self.check(world)

    def test_throttle_account_waits(self) -> None:
        """An account that wants 0x58 for full windows does not get it after a failover."""
        account = make_account(window_full="throttle")
        world, client, (p, q) = self.refusing("pq", c.ESME_RINVDSTADR, account=account)
        q.session.window.limit = 0
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual([], client.responses())

    def test_part_goes_on_alone(self) -> None:
        """A part of a long message that a client cut is asked for at the next target."""
        world, client, (p, q) = self.refusing()
        client.receive(part(1, 42, 1), part(2, 42, 2))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual(2, len(q.submits()))

    def test_second_copy_goes_on(self) -> None:
        """Reading 1: a refused second copy goes on, as the one copy that it is; else 0xFF."""
        for late in (False, True):
            world, client, (p, q, r) = self.refusing("pqr")
            client.receive(*several(1))
            p.lose()
            if late:
                world.advance(31)
            q.refuse(c.ESME_RINVDSTADR, *q.submits())
            if late:
                self.assertEqual([], r.submits())
            else:
                r.refuse(c.ESME_RINVDSTADR, *r.submits())
            self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], client.responses())
            self.check(world)

    def test_preferred_provider_first(self) -> None:
        """OZ-09: the provider that service_type selects is the first target, the others follow."""
        account = make_account(service_types={"X": "q", "": ""})
        world, client, (p, q) = self.refusing("pq", c.ESME_RINVDSTADR, account=account)
        client.receive(*several(1, service_type=b"X"))
        q.refuse(c.ESME_RINVDSTADR, *q.submits())
        self.assertEqual([1], numbers(p.submits()))
        client.receive(*several(2, service_type=b"X"))
        self.assertEqual([2], numbers(q.submits()))

    def test_most_telling_of_none(self) -> None:
        """The first verdict is the most telling one."""
        failed = named("refused_upstream", c.ESME_RSUBMITFAIL)
        self.assertIs(failed, most_telling(NO_REFUSAL, failed))


class GroupTests(Case):
    """A message that goes as several submit_sm, and is refused."""

    def sent(
        self, parts: int = 2, window: int = 10
    ) -> tuple[World, FakeClient, list[FakeUpstream]]:
        """One on its way."""
        providers = [preset_provider("default", name, window=window) for name in "pq"]
        codes = frozenset({c.ESME_RINVDSTADR})
        world, client, upstreams = self.world(providers=providers, failover=codes)
        text = [(c.TLV_MESSAGE_PAYLOAD, b"x" * 153 * parts)]
        client.receive(submit(1, short_message=b"", tlvs=text))
        return world, client, upstreams

    def test_all_refused_goes_on_as_a_whole(self) -> None:
        """Each part was refused: all of them go to the next target."""
        world, client, (p, q) = self.sent()
        one, two = p.submits()
        p.refuse(c.ESME_RINVDSTADR, one)
        self.assertEqual([], q.submits())
        p.refuse(c.ESME_RINVDSTADR, two)
        pdus = q.submits()
        self.assertEqual(2, len(pdus))
        q.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in pdus))
        self.assertEqual([OK], client.responses())
        self.check(world)

    def test_parts_that_are_not_out_are_not_sent(self) -> None:
        """Parts that wait are not sent to who refused the first one; the next target gets all."""
        world, client, (p, q) = self.sent(6, 4)
        pdus = p.submits()
        self.assertEqual(4, len(pdus))
        p.refuse(c.ESME_RINVDSTADR, *pdus)
        self.assertEqual([], p.submits())
        self.assertEqual(4, len(q.submits()))

    def test_one_is_accepted(self) -> None:
        """A part was taken: nobody else gets the message, its client hears the refusal."""
        for accepted_first in (False, True):
            world, client, (p, q) = self.sent()
            one, two = p.submits()
            if accepted_first:
                p.accept((two, b"7"))
            p.refuse(c.ESME_RINVDSTADR, one)
            if not accepted_first:
                p.accept((two, b"7"))
            self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())
            self.assertEqual([], q.submits())
            self.assertEqual(1, world.ledger.events["parts_in_vain"])
            self.check(world)

    def test_one_is_refused_otherwise(self) -> None:
        """The last answer is another refusal, or asks to wait: the message goes on all the same."""
        for status in (c.ESME_RINVSRCADR, c.ESME_RTHROTTLED):
            world, client, (p, q) = self.sent()
            one, two = p.submits()
            p.refuse(c.ESME_RINVDSTADR, one)
            p.refuse(status, two)
            self.assertEqual(([], 2), (p.submits(), len(q.submits())))

    def test_one_is_in_doubt(self) -> None:
        """A part may have been taken: its fate decides, and nobody else gets the message."""
        world, client, (p, q) = self.sent()
        one, two = p.submits()
        p.refuse(c.ESME_RINVDSTADR, one)
        b = world.upstream("b", "p")
        p.lose()
        b.refuse(c.ESME_RINVDSTADR, *b.submits())
        self.assertEqual([], q.submits())
        self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], client.responses())
        self.check(world)

    def test_all_targets_refuse(self) -> None:
        """The verdict of the last one goes to the client."""
        world, client, (p, q) = self.sent()
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        q.refuse(c.ESME_RINVDSTADR, *q.submits())
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())
        self.check(world)


class NewRoutesTests(Case):
    """Messages that wait while the routes change."""

    def test_goes_where_the_new_routes_say(self) -> None:
        """Its only target is taken away: what waited for it goes where the new routes say."""
        world, client, (p, q) = self.world(providers=[make_provider("p", window=1),
                                                      make_provider("q")])
        world.relay.use(world.accounts, type(world.routes)((route("p"),)), world.mo, world.now)
        client.receive(*several(1, 2, 3))
        world.relay.use(world.accounts, type(world.routes)((route("q"),)), world.mo, world.now)
        p.drain()
        self.assertEqual([2, 3], numbers(q.submits()))
        self.assertEqual([], client.responses())

    def test_no_new_routes(self) -> None:
        """No route, the same one, or one that denies: the client hears that nobody is bound."""
        for routes in ((), (route("p"),), (Route("no", deny=0x0B),)):
            world, client, (p,) = self.world("p", None, [make_provider("p", window=1)])
            client.receive(*several(1, 2))
            world.relay.use(world.accounts, type(world.routes)(routes), world.mo, world.now)
            p.drain()
            self.assertEqual([(2, c.ESME_RSYSERR, b"")], client.responses())

    def test_not_to_who_refused_it(self) -> None:
        """Who refused a message is not asked again, whatever the new routes say."""
        codes = frozenset({c.ESME_RINVDSTADR})
        world, client, (p, q) = self.world(failover=codes)
        q.session.window.limit = 0
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        world.relay.use(world.accounts, type(world.routes)((route("p"),)), world.mo, world.now)
        q.drain()
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())
        self.assertEqual([], p.submits())
