"""Tests of ``relay.counts``: what each account and each provider's host did, in integers."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.counts import (
    ANSWER_BOUNDS,
    MOST_STATUSES,
    OTHER,
    Counts,
    bump,
)
from smppproxy.routing.mo import MoRoute
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.store.times import Times
from tests.support.memory_peers import World, make_account, make_provider, mo, submit


class TimesTests(SynchronousTestCase):
    """A histogram with fixed buckets."""

    def test_buckets(self) -> None:
        """A time falls into the bucket of the first bound that is not below it."""
        times = Times((1.0, 5.0))
        for seconds in (0.5, 1.0, 1.1, 5.0, 5.1, 1000.0):
            times.add(seconds)
        self.assertEqual([2, 2, 2], times.buckets)
        self.assertEqual(6, times.count)
        self.assertAlmostEqual(1012.7, times.total)

    def test_clock_set_back(self) -> None:
        """A time below nothing is none (F89)."""
        times = Times((1.0,))
        times.add(-3600.0)
        self.assertEqual(([1, 0], 0.0), (times.buckets, times.total))


class StatusTests(SynchronousTestCase):
    """command_status come from outside."""

    def test_a_peer_cannot_make_names_without_end(self) -> None:
        """Beyond a hundred different ones they are counted as one; known ones go on."""
        counts: dict[int, int] = {}
        for status in range(MOST_STATUSES + 50):
            bump(counts, status)
        bump(counts, 1)
        self.assertEqual(50, counts[OTHER])
        self.assertEqual(2, counts[1])
        self.assertEqual(MOST_STATUSES + 1, len(counts))


class CountsTests(SynchronousTestCase):
    """Who has counters."""

    def test_one_object_each(self) -> None:
        """An account and a host keep theirs over all their sessions."""
        world = World()
        one, two = world.client(), world.client()
        self.assertIs(one.counts, two.counts)
        self.assertIs(one.counts, world.relay.counts.account("acme"))
        a, again, b = world.upstream(), world.upstream(), world.upstream("b")
        self.assertIs(a.counts, again.counts)
        self.assertIsNot(a.counts, b.counts)
        self.assertEqual({("p", "a"), ("p", "b")}, set(world.relay.counts.hosts))

    def test_queued(self) -> None:
        """Receipts are counted for the account whose queue they came into; b"" is no queue."""
        counts = Counts(lambda: 0.0, lambda: 0.0)
        counts.queued({b"r:acme": 2, b"": 1, b"r:other": 1})
        self.assertEqual(
            {"acme": 2, "other": 1},
            {name: each.queued for name, each in counts.accounts.items()},
        )


class SubmitTests(SynchronousTestCase):
    """submit_sm on the account's side and on the host's."""

    def test_mg01_layers_are_counted_apart(self) -> None:
        """Taken from the client, accepted by the host, told to the client: one after the other."""
        world = World()
        client, upstream = world.client(), world.upstream()
        account, host = client.counts, upstream.counts

        def seen() -> tuple[int, int, int, int]:
            return account.submitted, host.submitted, host.accepted, account.accepted

        world.store.hold("record")
        client.receive(submit(1))
        self.assertEqual((1, 1, 0, 0), seen())
        upstream.accept((upstream.submits()[0], b"x"))
        self.assertEqual((1, 1, 1, 0), seen())
        world.store.release()
        self.assertEqual((1, 1, 1, 1), seen())
        self.assertEqual(0, account.queued + len(host.receipts))
        upstream.receipt(b"x")
        self.assertEqual((1, {}), (account.queued, dict(account.delivered)))
        self.assertEqual({c.STATE_DELIVERED: 1}, host.receipts)
        client.texts()
        self.assertEqual({c.STATE_DELIVERED: 1}, account.delivered)

    def test_time_to_the_answer(self) -> None:
        """Seconds from the submit_sm to its ESME_ROK, in buckets."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2))
        first, second = upstream.submits()
        world.clock.advance(0.04)
        upstream.accept((first, b"x"))
        world.clock.advance(2)
        upstream.accept((second, b"y"))
        answers = client.counts.answers
        self.assertEqual(1, answers.buckets[ANSWER_BOUNDS.index(0.05)])
        self.assertEqual(1, answers.buckets[ANSWER_BOUNDS.index(2.5)])
        self.assertAlmostEqual(2.08, answers.total)

    def test_our_refusals(self) -> None:
        """By the command_status that the client got; the host knows nothing of them."""
        world = World([make_account(tps=2, burst=2)], routes=())
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2), submit(3))
        self.assertEqual({c.ESME_RINVDSTADR: 2, c.ESME_RTHROTTLED: 1}, client.counts.refused)
        self.assertEqual((3, 0), (client.counts.submitted, upstream.counts.submitted))
        self.assertEqual(2, world.ledger.events["refused_no_route"])
        self.assertEqual(1, world.ledger.events["refused_throttled"])

    def test_their_refusals(self) -> None:
        """The host's by its own code, the account's by what the client was told."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2))
        first, second = upstream.submits()
        upstream.refuse(c.ESME_RINVDSTADR, first)
        upstream.refuse(0x410, second)
        self.assertEqual({c.ESME_RINVDSTADR: 1, 0x410: 1}, upstream.counts.refused)
        self.assertEqual({c.ESME_RINVDSTADR: 1, c.ESME_RSUBMITFAIL: 1}, client.counts.refused)
        self.assertEqual((0, 0), (upstream.counts.accepted, client.counts.accepted))

    def test_generic_nack(self) -> None:
        """A generic_nack is a refusal, whatever its status."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        (pdu,) = upstream.submits()
        upstream.receive(build.generic_nack(c.ESME_RINVCMDLEN, pdu.sequence_number))
        self.assertEqual({c.ESME_RINVCMDLEN: 1}, upstream.counts.refused)
        self.assertEqual({c.ESME_RSUBMITFAIL: 1}, client.counts.refused)

    def test_in_doubt(self) -> None:
        """A host that goes away leaves its submits in doubt; the account's are those it was told
        of.
        """
        world = World([make_account(in_doubt="answer")])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2))
        upstream.lose()
        self.assertEqual((2, 2), (upstream.counts.in_doubt, client.counts.in_doubt))
        self.assertEqual({}, client.counts.refused)

    def test_second_copy(self) -> None:
        """A message that is sent again was submitted to two hosts, by one client once."""
        world = World()
        client, a = world.client(), world.upstream()
        client.receive(submit(1))
        a.submits()
        b = world.upstream("b")
        a.lose()
        b.accept((b.submits()[0], b"x"))
        self.assertEqual((1, 0, 1), (a.counts.submitted, a.counts.accepted, a.counts.in_doubt))
        self.assertEqual((1, 1, 0), (b.counts.submitted, b.counts.accepted, b.counts.in_doubt))
        counts = client.counts
        self.assertEqual((1, 1, 0), (counts.submitted, counts.accepted, counts.in_doubt))

    def test_abandoned(self) -> None:
        """A client that goes while its message waits for room: never sent, nobody's refusal."""
        world = World(providers=[make_provider(window=1)])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2))
        (first,) = upstream.submits()
        client.lose()
        upstream.accept((first, b"x"))
        counts = client.counts
        self.assertEqual((2, 1, 1), (counts.submitted, counts.accepted, counts.abandoned))
        self.assertEqual({}, counts.refused)

    def test_gone_in_doubt(self) -> None:
        """A second copy whose client goes while it waits is in doubt, not abandoned."""
        world = World(providers=[make_provider(window=1)])
        client, a = world.client(), world.upstream()
        client.receive(submit(1))
        b = world.upstream("b")
        other = world.client()
        other.receive(submit(7))
        (seventh,) = b.submits()
        a.lose()
        client.lose()
        b.accept((seventh, b"x"))
        counts = client.counts
        self.assertEqual((2, 1, 1), (counts.submitted, counts.accepted, counts.in_doubt))
        self.assertEqual(0, counts.abandoned)

    def test_late_answers(self) -> None:
        """An answer after its time is the host's acceptance all the same."""
        world = World([make_account(in_doubt="answer")])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        (pdu,) = upstream.submits()
        world.advance(61)
        self.assertEqual(1, client.counts.in_doubt)
        upstream.accept((pdu, b"x"))
        self.assertEqual((1, 1), (upstream.counts.accepted, upstream.counts.in_doubt))
        self.assertEqual(0, client.counts.accepted)


class ReceiptTests(SynchronousTestCase):
    """Receipts and MO messages."""

    def test_by_state(self) -> None:
        """Read from the host by state; delivered to the account by state once acknowledged."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(*(submit(number) for number in range(3)))
        for number, pdu in enumerate(upstream.submits()):
            upstream.accept((pdu, b"x%d" % number))
        for number, stat in enumerate((b"DELIVRD", b"UNDELIV", b"DELIVRD")):
            upstream.receipt(b"x%d" % number, stat=stat)
        wanted = {c.STATE_DELIVERED: 2, c.STATE_UNDELIVERABLE: 1}
        self.assertEqual(wanted, upstream.counts.receipts)
        self.assertEqual((3, {}), (client.counts.queued, client.counts.delivered))
        client.texts()
        self.assertEqual(wanted, client.counts.delivered)

    def test_time_to_the_final_receipt(self) -> None:
        """From the submit_sm to the acknowledgement of its final receipt, by the wall clock."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1, registered_delivery=0x11))
        upstream.accept((upstream.submits()[0], b"x"))
        world.clock.advance(4)
        upstream.receipt(b"x", stat=b"ENROUTE")
        client.texts()
        self.assertEqual(0, client.counts.finals.count)
        world.clock.advance(16)
        upstream.receipt(b"x")
        client.texts()
        finals = client.counts.finals
        self.assertEqual((1, 20.0), (finals.count, finals.total))
        self.assertEqual(1, finals.buckets[finals.bounds.index(30.0)])
        self.assertEqual(
            {c.STATE_ENROUTE: 1, c.STATE_DELIVERED: 1}, client.counts.delivered
        )

    def test_before_the_answer(self) -> None:
        """F71: a parked receipt comes into the queue with the answer to its message."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        (pdu,) = upstream.submits()
        upstream.receipt(b"x")
        self.assertEqual((0, 1), (client.counts.queued, sum(upstream.counts.receipts.values())))
        upstream.accept((pdu, b"x"))
        self.assertEqual(1, client.counts.queued)

    def test_refused_by_the_client(self) -> None:
        """A receipt that the client refuses for good is not delivered."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        upstream.accept((upstream.submits()[0], b"x"))
        upstream.receipt(b"x")
        client.acknowledge(client.deliveries(), c.ESME_RINVDSTADR)
        self.assertEqual((1, {}), (client.counts.refused_by_client, client.counts.delivered))

    def test_unreadable(self) -> None:
        """A receipt without an id has no state that would say anything."""
        world = World()
        upstream = world.upstream()
        upstream.receive(
            build.deliver_sm(1, source_addr=b"45", esm_class=4, short_message=b"stat:DELIVRD")
        )
        self.assertEqual((1, {}), (upstream.counts.unreadable, upstream.counts.receipts))

    def test_messages(self) -> None:
        """MO messages: read from the host, acknowledged by the account."""
        world = World(mo_routes=[MoRoute("acme", frozenset({"1234"}))])
        client, upstream = world.client(), world.upstream()
        upstream.receive(mo(1))
        client.texts()
        self.assertEqual((1, 1), (upstream.counts.mo, client.counts.mo_delivered))
        self.assertEqual({}, client.counts.delivered)

    def test_receipts_of_our_own(self) -> None:
        """MG-21: a receipt that we make comes into the account's queue too."""
        world = World(
            [make_account(on_no_receipt="EXPIRED")], [make_provider(mapping_ttl=3600)]
        )
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        upstream.accept((upstream.submits()[0], b"x"))
        world.clock.advance(3601)
        world.advance(40)
        client.texts()
        self.assertEqual(1, client.counts.queued)
        self.assertEqual({c.STATE_EXPIRED: 1}, client.counts.delivered)
