"""Tests of ``relay.flow``: what is sent again, when, where to; what the client hears at last."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.retry import BACKLOG_AGE
from smppproxy.routing.providers import AnswersProfile
from smppproxy.routing.routes import Route, Target
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from tests.relay.route_case import numbers, several
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    make_account,
    make_provider,
    part,
    submit,
)

OK = (1, 0, b"1000000001")


class ThrottledTests(SynchronousTestCase):
    """SX-22: the provider wants less."""

    def world(self, count: int = 1, **fields: Any) -> tuple[World, FakeClient, FakeUpstream]:
        world = World(providers=[make_provider(**fields)])
        client, upstream = world.client(), world.upstream()
        client.receive(*several(*range(1, count + 1)))
        return world, client, upstream

    def after(self, world: World, upstream: FakeUpstream, most: float = 60.0) -> float:
        """Seconds until something is sent to the host."""
        began = world.now
        while not any(pdu.command_id == c.SUBMIT_SM for pdu in upstream.unseen):
            if world.now - began > most:
                raise AssertionError("nothing comes")
            world.advance(0.1)
        return world.now - began

    def test_sx22_same_message_after_one_and_two_seconds(self) -> None:
        """SX-22: 0x58 twice, then ROK: the client sees one ROK; the gaps are 1 s and 2 s."""
        world, client, upstream = self.world()
        (first,) = upstream.submits()
        for gap in (1.0, 2.0):
            upstream.refuse(c.ESME_RTHROTTLED, first)
            self.assertEqual([], client.responses())
            self.assertAlmostEqual(gap, self.after(world, upstream), delta=0.21)
            (again,) = upstream.submits()
            self.assertEqual(first.raw[16:], again.raw[16:])
            first = again
        upstream.accept((first, b"x"))
        self.assertEqual([OK], client.responses())
        self.assertEqual((1, 0), (world.ledger.accepted, world.ledger.resent))
        self.assertEqual({}, world.ledger.imbalance())

    def test_sx22_doubles_to_thirty_seconds_and_begins_again(self) -> None:
        """SX-22: pauses double up to 30 s; a ROK makes the next one 1 s again."""
        world, client, upstream = self.world(retry_for=3600.0)
        gaps = []
        for _ in range(7):
            (pdu,) = upstream.submits()
            upstream.refuse(c.ESME_RTHROTTLED, pdu)
            gaps.append(round(self.after(world, upstream)))
        self.assertEqual([1, 2, 4, 8, 16, 30, 30], gaps)
        upstream.accept((upstream.submits()[0], b"x"))
        client.receive(*several(2))
        upstream.refuse(c.ESME_RTHROTTLED, *upstream.submits())
        self.assertEqual(1, round(self.after(world, upstream)))

    def test_sx22_order_is_kept(self) -> None:
        """SX-22: what was refused goes out again before what came later, in its order."""
        world, client, upstream = self.world(4, window=4)
        client.receive(*several(5, 6))
        one, two, three, four = upstream.submits()
        upstream.accept((one, b"x"))
        self.assertEqual([5], numbers(upstream.submits()))
        upstream.refuse(c.ESME_RTHROTTLED, three)
        upstream.refuse(c.ESME_RTHROTTLED, two, four)
        self.assertEqual([], upstream.submits())
        world.advance(1.2)
        self.assertEqual([2, 3, 4], numbers(upstream.submits()))

    def test_oz16_generic_nack_throttles_too(self) -> None:
        """OZ-16: generic_nack 0x58 to a submit_sm is SX-22 as well."""
        world, client, upstream = self.world()
        upstream.receive(
            build.generic_nack(c.ESME_RTHROTTLED, upstream.submits()[0].sequence_number)
        )
        self.assertEqual([], client.responses())
        self.assertAlmostEqual(1.0, self.after(world, upstream), delta=0.21)

    def test_sx22_deadline(self) -> None:
        """SX-22: the client gets 0x58 when retry_for has passed, and not before."""
        world, client, upstream = self.world(retry_for=5.0)
        for _ in range(2):
            upstream.refuse(c.ESME_RTHROTTLED, *upstream.submits())
            world.advance(2.2)
        self.assertEqual([], client.responses())
        upstream.refuse(c.ESME_RTHROTTLED, *upstream.submits())
        world.advance(2)
        self.assertEqual([(1, c.ESME_RTHROTTLED, b"")], client.responses())
        self.assertEqual(1, world.ledger.refused)

    def test_sx22_too_late_to_wait(self) -> None:
        """A throttle answer after the deadline is the verdict at once; a vendor's code is 0x58."""
        answers = AnswersProfile(throttle=frozenset({0x58, 0x410}))
        world, client, upstream = self.world(retry_for=5.0, answers=answers)
        world.advance(6)
        upstream.refuse(0x410, *upstream.submits())
        self.assertEqual([(1, c.ESME_RTHROTTLED, b"")], client.responses())

    def test_refusals_as_the_account_wants_them(self) -> None:
        """At the deadline an account hears its own values, and the reason is the refusal's name."""
        errors = {"throttled": 0x71, "queue_full": 0x72, "deadline": 0x73}
        for status, name in ((0x58, "throttled"), (0x14, "queue_full"), (0x08, "deadline")):
            for late in (False, True):
                world = World([make_account(errors=errors)], [make_provider(retry_for=5.0)])
                client, upstream = world.client(), world.upstream()
                client.receive(*several(1))
                if late:
                    world.advance(6)
                upstream.refuse(status, *upstream.submits())
                world.advance(4.5)
                upstream.refuse(status, *upstream.submits())
                world.advance(2)
                self.assertEqual([(1, errors[name], b"")], client.responses())
                self.assertEqual(1, world.ledger.events["refused_" + name])

    def test_refusals_of_a_backlog_as_the_account_wants_them(self) -> None:
        """Row 40: so it is for what waited too long for a window."""
        account = make_account(errors={"queue_full": 0x72})
        world = World([account], [make_provider(window=1, response_timeout=300.0)])
        client = world.client()
        world.upstream()
        client.receive(*several(1, 2))
        world.advance(BACKLOG_AGE + 2)
        self.assertEqual([(2, 0x72, b"")], client.responses())

    def test_sx22_validity_is_a_deadline(self) -> None:
        """A message whose validity_period is over is not sent again."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1, validity_period=b"000000000002000R"))
        upstream.refuse(c.ESME_RTHROTTLED, *upstream.submits())
        world.advance(1.2)
        upstream.refuse(c.ESME_RTHROTTLED, *upstream.submits())
        world.advance(1)
        self.assertEqual([(1, c.ESME_RTHROTTLED, b"")], client.responses())

    def test_sx22_other_host_goes_on(self) -> None:
        """SX-22: only the host that said so rests; it is no failure: its bind stays."""
        world, client, a = self.world()
        b = world.upstream("b")
        a.refuse(c.ESME_RTHROTTLED, *a.submits())
        self.assertEqual([1], numbers(b.submits()))
        client.receive(*several(*range(2, 12)))
        self.assertEqual([], a.submits())
        self.assertEqual(9, len(b.submits()))
        self.assertEqual("", a.closed_for)
        world.advance(1.2)
        self.assertTrue(a.submits())

    def test_sx22_second_bind_of_the_host_rests_too(self) -> None:
        """SX-22: a host rests with all its binds."""
        world, client, one = self.world()
        two = world.upstream("a")
        one.refuse(c.ESME_RTHROTTLED, *one.submits())
        self.assertEqual([], two.submits())
        three = world.upstream("a")
        self.assertEqual([], three.submits())

    def test_xc06_parts_wait_for_their_host(self) -> None:
        """XC-06: a part that was throttled goes to the host of the other parts, when it may."""
        world = World()
        client, a, b = world.client(), world.upstream("a"), world.upstream("b")
        client.receive(part(1, 42, 1), part(2, 42, 2))
        host = a if a.unseen else b
        first, second = host.submits()
        host.refuse(c.ESME_RTHROTTLED, second)
        host.accept((first, b"x"))
        self.assertEqual([], a.submits() + b.submits())
        world.advance(1.2)
        (again,) = host.submits()
        self.assertEqual(second.raw[16:], again.raw[16:])

    def test_client_gone(self) -> None:
        """What is throttled for a client that left is not sent again."""
        world, client, upstream = self.world()
        client.lose()
        upstream.refuse(c.ESME_RTHROTTLED, *upstream.submits())
        world.advance(3)
        self.assertEqual([], upstream.submits())
        self.assertEqual(0, world.ledger.in_flight)

    def test_paused_and_lost(self) -> None:
        """All binds of a paused provider go: what waited is tried again when one is back."""
        world, client, upstream = self.world()
        upstream.refuse(c.ESME_RTHROTTLED, *upstream.submits())
        upstream.lose()
        self.assertEqual([], client.responses())
        again = world.upstream("b")
        world.advance(2)
        again.accept((again.submits()[0], b"x"))
        self.assertEqual([OK], client.responses())

    def test_throttle_accounts_wait_too(self) -> None:
        """An account that wants 0x58 for a full window gets no 0x58 of the provider's."""
        world = World([make_account(window_full="throttle")])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        upstream.refuse(c.ESME_RSYSERR, *upstream.submits())
        upstream.session.window.limit = 0
        world.advance(2)
        self.assertEqual([], client.responses())


class TroubleTests(SynchronousTestCase):
    """XC-12: trouble of a host never reaches the client while there is another way."""

    def world(self, *hosts: str, **fields: Any) -> tuple[World, FakeClient, list[FakeUpstream]]:
        """Hosts by provider and letter, e.g. "pa"; one submit on its way."""
        names = sorted({host[0] for host in hosts})
        world = World(
            providers=[make_provider(name, **fields) for name in names],
            routes=[Route("all", targets=tuple(Target(n, backup=n != names[0]) for n in names))],
        )
        client = world.client()
        upstreams = [world.upstream(host[1], host[0]) for host in hosts]
        client.receive(submit(1))
        return world, client, upstreams

    def holder(self, upstreams: list[FakeUpstream]) -> tuple[FakeUpstream, Pdu]:
        """Who has the message now."""
        found = [(each, pdu) for each in upstreams for pdu in each.submits()]
        self.assertEqual(1, len(found))
        return found[0]

    def test_f68_xc12_other_host_after_a_second(self) -> None:
        """XC-12: a always says 0x08, b is fine: the client sees ROK."""
        for status in (c.ESME_RSYSERR, c.ESME_RMSGQFUL, c.ESME_RX_T_APPN, c.ESME_RINVPASWD):
            world, client, upstreams = self.world("pa", "pb")
            first, pdu = self.holder(upstreams)
            first.refuse(status, pdu)
            self.assertEqual([], [each.submits() for each in upstreams if each.submits()])
            world.advance(1.2)
            second, pdu = self.holder(upstreams)
            self.assertIsNot(first, second)
            self.assertEqual([], client.responses())
            second.accept((pdu, b"x"))
            self.assertEqual([OK], client.responses())
            self.assertEqual({}, world.ledger.imbalance())

    def test_xc12_host_then_provider_then_round_again(self) -> None:
        """XC-12: another host, then the next provider, then from the start; one copy at a time."""
        world, client, upstreams = self.world("pa", "pb", "qa")
        seen = []
        for _ in range(9):
            upstream, pdu = self.holder(upstreams)
            seen.append(upstream.name[:3])
            upstream.refuse(c.ESME_RSYSERR, pdu)
            world.advance(1.2)
        self.assertEqual({"p/a", "p/b"}, set(seen[:2]))
        self.assertEqual("q/a", seen[2])
        self.assertEqual({"p/a", "p/b", "q/a"}, set(seen[3:]))

    def test_xc12_deadline(self) -> None:
        """XC-12: at the deadline 0x14 for a full queue, 0x08 for all other trouble."""
        for status, told in (
            (c.ESME_RMSGQFUL, c.ESME_RMSGQFUL),
            (c.ESME_RX_T_APPN, c.ESME_RSYSERR),
            (c.ESME_RBINDFAIL, c.ESME_RSYSERR),
        ):
            world, client, (upstream,) = self.world("pa", retry_for=3.0)
            for _ in range(3):
                upstream.refuse(status, *upstream.submits())
                self.assertEqual([], client.responses())
                world.advance(1.0)
                world.advance(0.1)
            upstream.refuse(status, *upstream.submits())
            world.advance(2)
            self.assertEqual([(1, told, b"")], client.responses())
            self.assertEqual((1, 0), (world.ledger.refused, world.ledger.in_flight))

    def test_xc12_often_in_trouble_is_ejected(self) -> None:
        """A host with five answers of trouble in a row is left alone for 30 s, while there is
        another one; then one message at a time tries it, until one is taken."""
        world, client, (a, b) = self.world("pa", "pb", window=20)
        client.receive(*several(*range(2, 18)))
        pdus = a.submits()
        a.refuse(c.ESME_RSYSERR, *pdus[:5])
        client.receive(*several(*range(20, 36)))
        self.assertEqual([], a.submits())
        b.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in b.submits()))
        a.accept(*((pdu, b"a%d" % pdu.sequence_number) for pdu in pdus[5:]))
        world.advance(29.0)
        client.receive(*several(*range(40, 44)))
        self.assertEqual([], a.submits())
        world.advance(1.5)
        client.receive(*several(*range(50, 70)))
        (trial,) = a.submits()
        a.accept((trial, b"good"))
        client.receive(*several(*range(70, 74)))
        self.assertTrue(a.submits())
        self.assertEqual(1, world.ledger.events["host_ejected"])

    def test_xc12_the_last_host_in_trouble_is_paused(self) -> None:
        """Five answers of trouble in a row of the only host there is: a pause of a second."""
        world, client, (a,) = self.world("pa", window=20)
        client.receive(*several(*range(2, 18)))
        pdus = a.submits()
        a.refuse(c.ESME_RSYSERR, *pdus[:5])
        client.receive(*several(*range(20, 24)))
        self.assertEqual([], a.submits())
        world.advance(1.3)
        client.receive(*several(*range(40, 42)))
        self.assertTrue(a.submits())

    def test_f69_xc12_some_trouble_is_no_pause(self) -> None:
        """A host that takes messages in between goes on."""
        world, client, (a, b) = self.world("pa", "pb", window=20)
        client.receive(*several(*range(2, 18)))
        for pdu in a.submits()[:6]:
            a.refuse(c.ESME_RSYSERR, pdu)
            client.receive(*several(*range(20, 36)))
            a.accept((a.submits()[0], b"%d" % pdu.sequence_number))
        self.assertEqual(set(), world.relay.directory.pools["p"].resting)

    def test_row_0x04_bind_is_broken(self) -> None:
        """0x04, 0x05: the bind is closed after its last answer; the message goes elsewhere."""
        for status in (c.ESME_RINVBNDSTS, c.ESME_RALYBND):
            world, client, (a, b) = self.world("pa", "pb")
            client.receive(*several(2))
            one, two = a.submits()
            a.refuse(status, one)
            self.assertEqual("", a.closed_for)
            (again,) = b.submits()
            self.assertEqual(one.raw[16:], again.raw[16:])
            client.receive(*several(3))
            self.assertEqual([], a.submits())
            a.accept((two, b"x"))
            self.assertIn("not bound", a.closed_for)
            b.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in [again, *b.submits()]))
            self.assertEqual([0, 0, 0], [status for _, status, _ in client.responses()])
            a.lose()
            self.assertEqual(0, world.ledger.lost_responses)

    def test_broken_bind_that_answers_nothing_more(self) -> None:
        """A broken bind has as long as a drain, then it is closed with what it holds in doubt."""
        world, client, (a,) = self.world("pa", drain=4.0)
        client.receive(*several(2))
        one, two = a.submits()
        a.refuse(c.ESME_RINVBNDSTS, one)
        world.advance(5)
        self.assertIn("not bound", a.closed_for)
        a.lose()
        b = world.upstream("b")
        world.advance(2)
        self.assertEqual(2, len(b.submits()))

    def test_broken_and_backlog(self) -> None:
        """The only bind is broken: what waited for it goes to the next provider."""
        world, client, (a, q) = self.world("pa", "qa", window=1)
        client.receive(*several(2))
        a.refuse(c.ESME_RINVBNDSTS, *a.submits())
        self.assertEqual(1, len(q.submits()))
        self.assertEqual([], client.responses())

    def test_nothing_bound_while_it_waits(self) -> None:
        """All hosts go while a message waits for its second try: it waits for its deadline."""
        world, client, (a,) = self.world("pa", retry_for=4.0)
        a.refuse(c.ESME_RSYSERR, *a.submits())
        a.lose()
        world.advance(2)
        self.assertEqual([], client.responses())
        world.advance(3)
        self.assertEqual([(1, c.ESME_RSYSERR, b"")], client.responses())

    def test_client_gone_while_it_waits(self) -> None:
        """A client that leaves ends the second tries."""
        world, client, (a,) = self.world("pa")
        a.refuse(c.ESME_RSYSERR, *a.submits())
        client.lose()
        world.advance(2)
        self.assertEqual([], a.submits())
        self.assertEqual((0, 1), (world.ledger.in_flight, world.ledger.events["abandoned"]))

    def test_xc12_message_errors_are_the_verdict(self) -> None:
        """Row 42: what is wrong with the message itself goes to the client at once."""
        world, client, (a, b) = self.world("pa", "pb")
        upstream, pdu = self.holder([a, b])
        upstream.refuse(c.ESME_RINVDSTADR, pdu)
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())


class DoubtTests(SynchronousTestCase):
    """Second copies, when the first one's fate is unknown."""

    def test_f53_another_host_first(self) -> None:
        """The copy goes to another host, though the dying host's second bind has more room."""
        world = World(providers=[make_provider(window=1)])
        client, one, two = world.client(), world.upstream("a"), world.upstream("a")
        client.receive(submit(1))
        b = world.upstream("b")
        one.lose()
        self.assertEqual((0, 1), (len(two.submits()), len(b.submits())))
        two.lose()
        self.assertEqual(1, world.ledger.lost_responses)

    def test_f53_waits_for_room_at_another_host(self) -> None:
        """The other host is full: the copy waits for it rather than go to the same one again."""
        world = World(providers=[make_provider(window=1)])
        client, one, b = world.client(), world.upstream("a"), world.upstream("b")
        client.receive(*several(1, 2))
        two = world.upstream("a")
        (pdu,) = b.submits()
        holder, other = (one, b) if one.submits() else (b, one)
        holder.lose()
        self.assertEqual([], two.submits())
        other.accept((pdu, b"x"))
        self.assertEqual(1, len(other.submits()))

    def test_f53_same_host_when_there_is_no_other(self) -> None:
        """With one host only its other bind takes the copy."""
        world = World()
        client, one = world.client(), world.upstream("a")
        client.receive(submit(1))
        two = world.upstream("a")
        one.lose()
        self.assertEqual(1, len(two.submits()))

    def test_second_copy_refused_is_unknown(self) -> None:
        """The second copy is refused: the first one may be on its way, so the client hears 0xFF."""
        world = World()
        client, a, b = world.client(), world.upstream("a"), world.upstream("b")
        client.receive(submit(1))
        a.lose()
        b.refuse(c.ESME_RINVDSTADR, *b.submits())
        self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], client.responses())
        self.assertEqual((0, 1), (world.ledger.refused, world.ledger.in_doubt))
        self.assertEqual({}, world.ledger.imbalance())

    def test_second_copy_throttled(self) -> None:
        """The second copy is throttled: it is not taken, so it is sent again; at last 0xFF."""
        world = World()
        client, a, b = world.client(), world.upstream("a"), world.upstream("b")
        client.receive(submit(1))
        a.lose()
        b.refuse(c.ESME_RTHROTTLED, *b.submits())
        world.advance(1.2)
        b.refuse(c.ESME_RSYSERR, *b.submits())
        world.advance(1.2)
        self.assertEqual(1, len(b.submits()))
        world.advance(40)
        b.lose()
        self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], client.responses())

    def test_second_copy_in_trouble_until_the_end(self) -> None:
        """The second copy finds only trouble: 0xFF at the end of its time."""
        world = World()
        client, a, b = world.client(), world.upstream("a"), world.upstream("b")
        client.receive(submit(1))
        a.lose()
        for _ in range(30):
            pdus = b.submits()
            if pdus:
                b.refuse(c.ESME_RSYSERR, *pdus)
            world.advance(1.2)
        self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], client.responses())
        self.assertEqual((0, 1), (world.ledger.refused, world.ledger.in_doubt))


class TpsTests(SynchronousTestCase):
    """A provider's own limit."""

    def test_tps_of_a_provider(self) -> None:
        """tps = 10: ten at once, then one every tenth of a second, in order; nobody is refused."""
        world = World([make_account(window=100)], [make_provider(tps=10, window=100)])
        client, upstream = world.client(), world.upstream()
        client.receive(*several(*range(1, 41)))
        self.assertEqual(list(range(1, 11)), numbers(upstream.submits()))
        sent = []
        for _ in range(10):
            world.advance(0.1)
            sent += numbers(upstream.submits())
        self.assertTrue(9 <= len(sent) <= 11, sent)
        self.assertEqual(list(range(11, 11 + len(sent))), sent)
        self.assertEqual([], client.responses())

    def test_tps_counts_parts(self) -> None:
        """Each PDU is one: parts of a message too."""
        world = World(providers=[make_provider(tps=3)])
        client, upstream = world.client(), world.upstream()
        client.receive(*(part(number, 42, number, 4) for number in range(1, 5)))
        self.assertEqual(3, len(upstream.submits()))
        world.advance(0.2)
        world.advance(0.2)
        self.assertEqual(1, len(upstream.submits()))

    def test_tps_changes(self) -> None:
        """Another limit, or none, holds from the next message on; the same one keeps its fill."""
        world = World([make_account(window=100)], [make_provider(tps=2)])
        client, upstream = world.client(), world.upstream()
        client.receive(*several(1, 2, 3))
        pool = world.relay.directory.pools["p"]
        pool.use(make_provider(tps=2))
        client.receive(*several(4))
        self.assertEqual(2, len(upstream.submits()))
        pool.use(make_provider())
        client.receive(*several(5))
        self.assertEqual([3, 4, 5], numbers(upstream.submits()))

    def test_beats_only_while_needed(self) -> None:
        """No call is scheduled while nothing waits for less than a second."""
        world = World(providers=[make_provider(tps=1)])
        client, upstream = world.client(), world.upstream()
        client.receive(*several(1))
        self.assertEqual([], world.clock.getDelayedCalls())
        client.receive(*several(2))
        self.assertEqual(1, len(world.clock.getDelayedCalls()))
        world.advance(1.0)
        world.advance(0.2)
        world.advance(0.2)
        self.assertEqual(2, len(upstream.submits()))
        self.assertEqual([], world.clock.getDelayedCalls())
        client.receive(*several(3))
        world.relay.stop()
        world.relay.stop()
        self.assertEqual([], world.clock.getDelayedCalls())

    def test_too_long_in_the_backlog(self) -> None:
        """What waits too long for tokens gets 0x14, as in a full window."""
        world = World(providers=[make_provider(tps=1, window=1)])
        client = world.client()
        world.upstream()
        client.receive(*several(1, 2))
        world.advance(BACKLOG_AGE + 2)
        self.assertEqual([(2, c.ESME_RMSGQFUL, b"")], client.responses())
