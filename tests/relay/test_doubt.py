"""Tests of ``relay.doubt``: messages whose host went away before it answered."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.doubt import RESEND_AGE, validity
from smppproxy.relay.retry import HOME
from smppproxy.routing.routes import Route, Target
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    submit,
)

UNKNOWN = (1, c.ESME_RUNKNOWNERR, b"")
OK = (1, 0, b"1000000001")


class LostTests(SynchronousTestCase):
    """The connection to a host is lost with a window in flight (F53, XC-07)."""

    def world(self, **fields: Any) -> tuple[World, FakeClient, FakeUpstream]:
        """A client with one submit in flight on host a."""
        world = World([make_account(**fields)])
        client, a = world.client(), world.upstream("a")
        client.receive(submit(1))
        return world, client, a

    def test_f53_sent_once_more_on_another_bind(self) -> None:
        """F53, XC-07: one more copy, on the other host, under the same client_message_id."""
        world, client, a = self.world()
        (first,) = a.submits()
        b = world.upstream("b")
        a.lose()
        (second,) = b.submits()
        self.assertEqual(first.raw[16:], second.raw[16:])
        self.assertEqual([], client.responses())
        b.accept((second, b"x"))
        self.assertEqual([OK], client.responses())
        b.receipt(b"x")
        self.assertIn(b"id:1000000001 ", client.texts()[0])
        self.assertEqual((1, 1), (world.ledger.lost_responses, world.ledger.resent))
        self.assertEqual({}, world.ledger.imbalance())

    def test_f53_never_a_third_copy(self) -> None:
        """XC-07: the host of the second copy is lost too: 0xFF, no third copy."""
        world, client, a = self.world()
        b = world.upstream("b")
        a.lose()
        self.assertEqual(1, len(b.submits()))
        c_ = world.upstream("a")
        b.lose()
        self.assertEqual([], c_.submits())
        self.assertEqual([UNKNOWN], client.responses())
        self.assertEqual((2, 1), (world.ledger.lost_responses, world.ledger.resent))
        self.assertEqual((1, 0), (world.ledger.in_doubt, world.ledger.in_flight))

    def test_f53_a_copy_that_another_node_gives_back_is_counted_once(self) -> None:
        """XC-07: the second copy goes to another node, which has no bind any more and did not send
        it; it leaves by the next bind, and is still the one second copy."""
        world, client, a = self.world()
        hop = world.upstream("b")
        a.lose()
        (second,) = hop.submits()
        self.assertEqual(1, world.ledger.resent)
        c_ = world.upstream("a")
        window = hop.session.window
        world.relay.upstream_unsent(hop, window.drain(), True, world.now)
        (third,) = c_.submits()
        self.assertEqual(second.raw[16:], third.raw[16:])
        self.assertEqual(1, world.ledger.resent)
        c_.accept((third, b"x"))
        self.assertEqual([OK], client.responses())
        self.assertEqual({}, world.ledger.imbalance())

    def test_f53_in_doubt_answer(self) -> None:
        """XC-07: in_doubt = answer: 0xFF at once and no second copy, ever."""
        world, client, a = self.world(in_doubt="answer")
        b = world.upstream("b")
        a.lose()
        self.assertEqual([UNKNOWN], client.responses())
        self.assertEqual([], b.submits())
        self.assertEqual((1, 0), (world.ledger.in_doubt, world.ledger.resent))

    def test_too_old(self) -> None:
        """Reading 1: a message of 30 s or more is not sent again."""
        world, client, a = self.world()
        b = world.upstream("b")
        world.advance(RESEND_AGE)
        a.lose()
        self.assertEqual([UNKNOWN], client.responses())
        self.assertEqual([], b.submits())

    def test_younger_than_30_seconds(self) -> None:
        """Reading 1: a message of 29 s is sent again."""
        world, client, a = self.world()
        b = world.upstream("b")
        world.advance(RESEND_AGE - 1)
        a.lose()
        self.assertEqual(1, len(b.submits()))

    def test_validity_over(self) -> None:
        """Reading 1: a message whose validity_period has ended is not sent again."""
        world = World()
        client, a, b = world.client(), world.upstream("a"), world.upstream("b")
        client.receive(
            submit(1, validity_period=b"000000000005000R"),
            submit(2, validity_period=b"000000000020000R"),
        )
        world.advance(6)
        a.lose()
        self.assertEqual([UNKNOWN], client.responses())
        self.assertEqual(1, len(b.submits()))

    def test_client_gone(self) -> None:
        """A message whose client left is not sent again: nobody would hear the verdict."""
        world, client, a = self.world()
        b = world.upstream("b")
        client.lose()
        a.lose()
        self.assertEqual([], b.submits())
        self.assertEqual((1, 0), (world.ledger.in_doubt, world.ledger.in_flight))

    def test_waits_for_the_first_bind(self) -> None:
        """With nothing bound the second copy waits for the first bind of any of its providers."""
        world = World(
            providers=[make_provider("p"), make_provider("q")],
            routes=[Route("all", targets=(Target("p"), Target("q", backup=True)))],
        )
        client, p = world.client(), world.upstream(provider="p")
        client.receive(submit(1))
        p.lose()
        world.advance(10)
        self.assertEqual([], client.responses())
        self.assertEqual((1, 0), (world.ledger.in_flight, world.ledger.resent))
        q = world.upstream(provider="q")
        q.accept((q.submits()[0], b"x"))
        self.assertEqual([OK], client.responses())
        self.assertEqual(1, world.ledger.resent)

    def test_waits_at_most_30_seconds(self) -> None:
        """With nothing bound for 30 s the client is told 0xFF; a bind after that gets nothing."""
        world, client, a = self.world()
        a.lose()
        world.advance(29)
        self.assertEqual([], client.responses())
        world.advance(1)
        self.assertEqual([UNKNOWN], client.responses())
        self.assertEqual([], world.upstream("b").submits())
        self.assertEqual((1, 0), (world.ledger.in_doubt, world.ledger.resent))

    def test_client_gone_while_waiting_for_a_bind(self) -> None:
        """Nothing is sent for a client that left meanwhile."""
        world, client, a = self.world()
        a.lose()
        client.lose()
        self.assertEqual([], world.upstream("b").submits())
        world.advance(1)
        self.assertEqual((1, 0), (world.ledger.in_doubt, world.ledger.in_flight))

    def test_waits_for_room_on_the_other_bind(self) -> None:
        """The other bind's window is full: the second copy waits, also for a throttled account."""
        for window_full in ("pause", "throttle"):
            world = World(
                [make_account(window_full=window_full)], [make_provider(window=1)]
            )
            client = world.client()
            a, b = world.upstream("a"), world.upstream("b")
            client.receive(submit(1), submit(2))
            (other,) = b.submits()
            a.lose()
            self.assertEqual(0, world.ledger.resent)
            b.accept((other, b"x"))
            (second,) = b.submits()
            b.accept((second, b"y"))
            self.assertEqual({(1, 0), (2, 0)}, {answer[:2] for answer in client.responses()})
            self.assertEqual(1, world.ledger.resent)

    def test_no_room_for_30_seconds(self) -> None:
        """A second copy that finds no room in 30 s is not sent: 0xFF, not 0x14."""
        world = World(providers=[make_provider(window=1, response_timeout=300)])
        client = world.client()
        a = world.upstream("a")
        world.upstream("b")
        client.receive(submit(1), submit(2))
        a.lose()
        world.advance(31)
        self.assertEqual([UNKNOWN], client.responses())
        self.assertEqual(0, world.ledger.resent)

    def test_rerouted_while_waiting_for_room(self) -> None:
        """A second copy that waits moves on when the last bind it waited for is lost too."""
        world = World(
            providers=[make_provider("p", window=1), make_provider("q")],
            routes=[Route("all", targets=(Target("p"), Target("q", backup=True)))],
        )
        client = world.client()
        a, b = world.upstream("a"), world.upstream("b")
        client.receive(submit(1), submit(2))
        a.lose()
        q = world.upstream(provider="q")
        b.lose()
        world.advance(HOME)
        self.assertEqual(2, len(q.submits()))
        self.assertEqual(2, world.ledger.resent)

    def test_planned_stop_leaves_nothing_in_doubt(self) -> None:
        """GW-04: a host that drains first leaves nothing in doubt."""
        world, client, a = self.world()
        a.drain()
        a.accept((a.submits()[0], b"x"))
        a.lose()
        self.assertEqual([OK], client.responses())
        self.assertEqual((0, 0), (world.ledger.lost_responses, world.ledger.in_doubt))


class HomeTests(SynchronousTestCase):
    """P4: the second copy stays with the provider that may have the first one."""

    def world(self, **route: Any) -> tuple[World, FakeClient, FakeUpstream, FakeUpstream]:
        """A message in flight on the only bind of p; q, the next target, has one too."""
        targets = (Target("p"), Target("q", backup=True))
        world = World(
            providers=[make_provider("p", window=1), make_provider("q")],
            routes=[Route("all", targets=targets, **route)],
        )
        client, p, q = world.client(), world.upstream("a", "p"), world.upstream("a", "q")
        client.receive(submit(1))
        return world, client, p, q

    def test_p4_its_provider_is_back_in_a_moment(self) -> None:
        """It waits for the provider's own host, although another provider is bound."""
        world, client, p, q = self.world()
        p.lose()
        world.advance(HOME - 1)
        back = world.upstream("b", "p")
        back.accept((back.submits()[0], b"x"))
        self.assertEqual(([OK], []), (client.responses(), q.submits()))
        self.assertEqual((1, {}), (world.ledger.resent, world.ledger.imbalance()))

    def test_p4_its_provider_stays_away(self) -> None:
        """After 5 s it goes to the route's next provider, once, and no sooner."""
        world, client, p, q = self.world()
        p.lose()
        world.advance(HOME - 1)
        self.assertEqual(([], []), (client.responses(), q.submits()))
        world.advance(1)
        (pdu,) = q.submits()
        self.assertEqual([], world.upstream("b", "p").submits())
        q.accept((pdu, b"x"))
        self.assertEqual(([OK], 1), (client.responses(), world.ledger.resent))

    def test_p4_nobody_is_there(self) -> None:
        """With no provider bound for longer it takes whichever bind comes first."""
        for provider in "pq":
            world, client, p, q = self.world()
            q.lose()
            p.lose()
            world.advance(HOME + 1)
            bind = world.upstream("b", provider)
            bind.accept((bind.submits()[0], b"x"))
            self.assertEqual([OK], client.responses())

    def test_p4_its_provider_is_full(self) -> None:
        """A full window of its own provider does not send it elsewhere, whatever the route says of
        new messages: it waits for room."""
        world, client, p, q = self.world(overflow="next")
        other = world.upstream("b", "p")
        client.receive(submit(2))
        (second,) = other.submits()
        p.lose()
        client.receive(submit(3))
        self.assertEqual(1, len(q.submits()))
        self.assertEqual(0, world.ledger.resent)
        other.accept((second, b"x"))
        self.assertEqual(1, len(other.submits()))
        self.assertEqual(([], 1), (q.submits(), world.ledger.resent))

    def test_p4_a_silent_bind_is_no_home(self) -> None:
        """P5: the only bind does not answer: the copy goes to the next provider after a while, and
        where there is none it never goes to the silent bind."""
        for bound in (True, False):
            world = World(
                providers=[make_provider("p", response_timeout=10), make_provider("q")],
                routes=[Route("all", targets=(Target("p"), Target("q", backup=True)))],
            )
            client, p = world.client(), world.upstream("a", "p")
            if bound:
                world.upstream("a", "q")
            client.receive(submit(1))
            self.assertEqual(1, len(p.submits()))
            world.advance(11 + HOME)
            self.assertEqual([], p.submits())
            self.assertEqual(int(bound), world.ledger.resent)
            world.advance(20)
            self.assertEqual([] if bound else [UNKNOWN], client.responses())


class ExpiredTests(SynchronousTestCase):
    """A host that is there and does not answer (P5)."""

    def world(
        self, timeout: float = 10.0, **fields: Any
    ) -> tuple[World, FakeClient, FakeUpstream]:
        world = World([make_account(**fields)], [make_provider(response_timeout=timeout)])
        client, a = world.client(), world.upstream("a")
        client.receive(submit(1))
        return world, client, a

    def test_resent_on_another_bind_than_the_silent_one(self) -> None:
        """A second copy never goes to the bind that did not answer the first."""
        world, client, a = self.world()
        b = world.upstream("b")
        self.assertEqual(1, len(a.submits()))
        world.advance(11)
        self.assertEqual((0, 1), (len(a.submits()), len(b.submits())))

    def test_only_the_silent_bind(self) -> None:
        """With no other bind the second copy waits for one, and then 0xFF."""
        world, client, a = self.world()
        self.assertEqual(1, len(a.submits()))
        world.advance(11)
        self.assertEqual([], a.submits())
        self.assertEqual([], client.responses())
        world.advance(20)
        self.assertEqual([UNKNOWN], client.responses())
        self.assertEqual([], a.submits())

    def test_window_slot_is_free_again(self) -> None:
        """What waits for room gets the place of a submit that was given up."""
        world = World(
            [make_account(in_doubt="answer")], [make_provider(response_timeout=10, window=1)]
        )
        client, a = world.client(), world.upstream("a")
        client.receive(submit(1), submit(2))
        self.assertEqual(1, len(a.submits()))
        world.advance(10)
        self.assertEqual(1, len(a.submits()))
        self.assertEqual([UNKNOWN], client.responses())

    def test_late_ok_after_unknown(self) -> None:
        """P5: a late OK makes a map that wants nothing: its receipt is known, not passed on."""
        world, client, a = self.world(60.0)
        (pdu,) = a.submits()
        world.advance(61)
        self.assertEqual([UNKNOWN], client.responses())
        a.accept((pdu, b"x"))
        a.receipt(b"x")
        self.assertEqual([], client.unseen)
        self.assertEqual([(1, 0)], a.answers())
        self.assertEqual((1, 1), (world.ledger.late_responses, world.ledger.unwanted))
        self.assertEqual((1, 0), (world.ledger.in_doubt, world.ledger.accepted))
        self.assertEqual({}, world.ledger.imbalance())

    def test_late_refusal_after_unknown(self) -> None:
        """A late refusal, or an OK without an id, changes nothing: the client was answered."""
        world, client, a = self.world(60.0)
        client.receive(submit(2))
        one, two = a.submits()
        world.advance(61)
        self.assertEqual(2, len(client.responses()))
        a.refuse(c.ESME_RTHROTTLED, one)
        a.accept((two, b""))
        self.assertEqual([], client.unseen)
        self.assertEqual(2, world.ledger.late_responses)
        self.assertEqual({}, world.shared.maps)

    def test_late_ok_while_the_second_copy_is_open(self) -> None:
        """A late OK is the verdict; the second copy's receipts are recognised and not passed on."""
        world, client, a = self.world()
        b = world.upstream("b")
        (first,) = a.submits()
        world.advance(11)
        (second,) = b.submits()
        a.accept((first, b"x"))
        self.assertEqual([OK], client.responses())
        b.accept((second, b"y"))
        self.assertEqual([], client.unseen)
        a.receipt(b"x")
        b.receipt(b"y")
        self.assertEqual(1, len(client.texts()))
        self.assertEqual(2, world.ledger.late_responses)
        self.assertEqual((1, 1), (world.ledger.accepted, world.ledger.unwanted))
        self.assertEqual({}, world.ledger.imbalance())

    def test_second_copy_answered_first(self) -> None:
        """Both copies are accepted: one OK, one receipt, both maps known."""
        world, client, a = self.world()
        b = world.upstream("b")
        (first,) = a.submits()
        world.advance(11)
        b.accept((b.submits()[0], b"y"))
        self.assertEqual([OK], client.responses())
        a.accept((first, b"x"))
        a.receipt(b"x")
        b.receipt(b"y")
        self.assertEqual(1, len(client.texts()))
        self.assertEqual((0, 1), (world.ledger.parked, world.ledger.unwanted))
        self.assertEqual({}, world.ledger.imbalance())

    def test_late_refusal_while_the_second_copy_is_open(self) -> None:
        """A refusal of the first copy says nothing: the second copy's answer is the verdict."""
        world, client, a = self.world()
        b = world.upstream("b")
        (first,) = a.submits()
        world.advance(11)
        a.refuse(c.ESME_RMSGQFUL, first)
        self.assertEqual([], client.responses())
        b.accept((b.submits()[0], b"y"))
        self.assertEqual([OK], client.responses())
        self.assertEqual(1, world.ledger.late_responses)

    def test_second_copys_host_lost_after_the_verdict(self) -> None:
        """The second copy's host is lost, the first one was accepted: nothing more is said."""
        world, client, a = self.world()
        b = world.upstream("b")
        (first,) = a.submits()
        world.advance(11)
        a.accept((first, b"x"))
        b.lose()
        world.advance(40)
        self.assertEqual([OK], client.responses())
        self.assertEqual((1, 0), (world.ledger.accepted, world.ledger.in_doubt))
        self.assertEqual({}, world.ledger.imbalance())

    def test_late_generic_nack_is_no_verdict(self) -> None:
        """A late generic_nack is a refusal too, whatever its status."""
        world, client, a = self.world()
        world.upstream("b")
        (first,) = a.submits()
        world.advance(11)
        a.receive(build.generic_nack(0, first.sequence_number))
        self.assertEqual([], client.responses())

    def test_late_ok_while_the_second_copy_waits_for_a_bind(self) -> None:
        """A late OK in time saves the second copy: it is never sent."""
        world, client, a = self.world()
        (first,) = a.submits()
        world.advance(11)
        a.accept((first, b"x"))
        self.assertEqual([OK], client.responses())
        self.assertEqual([], world.upstream("b").submits())
        world.advance(30)
        self.assertEqual([], client.responses())
        self.assertEqual((1, 0, 0), (
            world.ledger.accepted, world.ledger.in_doubt, world.ledger.resent
        ))

    def test_late_ok_and_the_wait_for_a_bind_is_over(self) -> None:
        """A message that was settled while its second copy waited is not answered twice."""
        world, client, a = self.world()
        (first,) = a.submits()
        world.advance(29)
        a.accept((first, b"x"))
        world.advance(5)
        self.assertEqual([OK], client.responses())
        self.assertEqual([], world.upstream("b").submits())
        self.assertEqual({}, world.ledger.imbalance())

    def test_late_ok_while_the_second_copy_waits_for_room(self) -> None:
        """The same with a second copy that waits in a backlog, whatever happens to that then."""
        for end in ("room", "age", "lost"):
            world = World(providers=[make_provider(response_timeout=10, window=1)])
            client, a = world.client(), world.upstream("a")
            client.receive(submit(1))
            (first,) = a.submits()
            world.advance(9)
            b = world.upstream("b")
            client.receive(submit(2, short_message=b"two"), submit(3, short_message=b"three"))
            (two,) = b.submits()
            world.advance(1)
            a.accept((first, b"x"))
            self.assertIn(OK, client.responses())
            if end == "room":
                b.accept((two, b"y"))
                self.assertEqual(
                    {b"three"}, {fields_of(pdu).short_message for pdu in a.submits() + b.submits()}
                )
            elif end == "age":
                world.advance(31)
            else:
                a.lose()
                b.lose()
            self.assertNotIn(1, [answer[0] for answer in client.responses()])
            self.assertEqual({}, world.ledger.imbalance())
            self.assertEqual(0, min(0, world.ledger.in_flight))


class ValidityTests(SynchronousTestCase):
    """How long a validity_period lets a message be sent again."""

    SINCE = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC

    def test_known_answers(self) -> None:
        """Relative and absolute times of SMPP 3.4 7.1.1; what cannot be read limits nothing."""
        for period, seconds in (
            (b"000000000007000R", 7),
            (b"000000000100000R", 30),
            (b"000001000000000R", 30),
            (b"231114221325000+", 5),
            (b"231114231325004+", 5),
            (b"231114211325004-", 5),
            (b"231114221319000+", -1),
            (b"231231235959000+", 30),
            (b"239914221325000+", 30),
            (b"231114221325000X", 30),
            (b"23111422132500A+", 30),
            (b"soon", 30),
        ):
            self.assertEqual(seconds, validity(period, self.SINCE), period)
