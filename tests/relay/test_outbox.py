"""Tests of ``relay.outbox``: from an account's queue to its receivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.delivery import FIRST_DELAY
from smppproxy.relay.fresh import FRESH, Fresh
from smppproxy.relay.hands import DEAD
from smppproxy.relay.outbox import (
    LONGEST_DELAY,
    MOST_DELIVERIES,
    TEMPORARY,
)
from smppproxy.relay.relay import BEAT
from smppproxy.routing.mo import MoRoute
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    mo,
    receipt,
    submit,
)

MO_ROUTES = [MoRoute("acme", numbers=frozenset({"1234"}))]


def our_id(pdu: Pdu) -> bytes:
    """The id that a receipt for a client names."""
    return fields_of(pdu).short_message.split(b" ")[0].removeprefix(b"id:")


class OutboxTestCase(SynchronousTestCase):
    """A world whose sender is TX only, so that receivers are what a test makes them."""

    def start(self, **fields: Any) -> World:
        fields.setdefault("window", 10_000)
        self.world = World(
            [make_account(**fields)], [make_provider(window=10_000)], mo_routes=MO_ROUTES
        )
        self.sender = self.world.client(command_id=c.BIND_TRANSMITTER)
        self.upstream: FakeUpstream = self.world.upstream()
        self.ledger = self.world.ledger
        self.serial = 0
        return self.world

    def receiver(self, **options: Any) -> FakeClient:
        options.setdefault("command_id", c.BIND_RECEIVER)
        return self.world.client(**options)

    def receipts(self, count: int) -> None:
        """So many receipts come from the provider, in one read."""
        numbers = range(self.serial + 1, self.serial + count + 1)
        self.serial += count
        self.sender.receive(*(submit(number) for number in numbers))
        pdus = self.upstream.submits()
        self.upstream.accept(
            *((pdu, b"%d" % number) for pdu, number in zip(pdus, numbers, strict=True))
        )
        self.world.clock.advance(0)
        self.world.clock.advance(2 * FRESH)
        self.upstream.receive(*(receipt(number, b"%d" % number) for number in numbers))

    def balanced(self) -> None:
        self.assertEqual({}, self.ledger.imbalance())
        waiting, in_hands = self.world.sizes()
        self.assertEqual(waiting + in_hands, self.ledger.queued)


class SpreadTests(OutboxTestCase):
    """Which receiver gets what."""

    def test_gw29_in_turn(self) -> None:
        """GW-29: 300 receipts over three receivers that answer at once: 90 to 110 each."""
        self.start()
        receivers = [self.receiver() for _ in range(3)]
        counts = [0, 0, 0]
        for _ in range(30):
            self.receipts(10)
            for place, receiver in enumerate(receivers):
                counts[place] += len(receiver.texts())
        self.assertEqual(300, sum(counts))
        for count in counts:
            self.assertTrue(90 <= count <= 110, counts)
        self.balanced()

    def test_gw29_one_by_one(self) -> None:
        """GW-29: receipts that come one at a time go to each receiver in turn, too."""
        self.start()
        receivers = [self.receiver() for _ in range(4)]
        counts = [0, 0, 0, 0]
        for _ in range(8):
            self.receipts(1)
            for place, receiver in enumerate(receivers):
                counts[place] += len(receiver.texts())
        self.assertEqual([2, 2, 2, 2], counts)

    def test_gw29_one_receiver_stops(self) -> None:
        """GW-29: a receiver that answers no more gets at most its window, the others the rest."""
        self.start(deliver_window=10)
        receivers = [self.receiver() for _ in range(3)]
        for _ in range(30):
            self.receipts(10)
            for receiver in receivers[1:]:
                receiver.texts()
        counts = [len(receiver.deliveries()) for receiver in receivers]
        self.assertEqual([10, 0, 0], counts)
        self.assertEqual((300, 290), (self.ledger.matched, self.ledger.delivered))

    def test_gw48_window_limit(self) -> None:
        """GW-48: at the limit nothing more is sent; each answer makes room for one."""
        self.start(deliver_window=5)
        receiver = self.receiver()
        self.receipts(12)
        first = receiver.deliveries()
        self.assertEqual(5, len(first))
        receiver.acknowledge(first[:2])
        second = receiver.deliveries()
        self.assertEqual(2, len(second))
        receiver.acknowledge(first[2:] + second)
        receiver.acknowledge(receiver.deliveries())
        self.assertEqual(12, self.ledger.delivered)
        self.balanced()

    def test_sx09_a_transmitter_gets_nothing(self) -> None:
        """SX-09, GW-20: with TX binds only the receipts wait; a receiver gets them."""
        self.start()
        self.receipts(3)
        self.world.advance(30)
        self.assertEqual([], self.sender.deliveries())
        self.assertEqual((3, 0), self.world.sizes())
        receiver = self.receiver()
        self.assertEqual(3, len(receiver.texts()))
        receiver.lose()
        self.receipts(2)
        self.assertEqual((2, 0), self.world.sizes())
        self.balanced()

    def test_f37_unwritable_receiver_is_left_alone(self) -> None:
        """F37: a receiver that does not read gets nothing more; another one does."""
        self.start()
        stuck, other = self.receiver(), self.receiver()
        stuck.writable = False
        self.receipts(4)
        self.assertEqual((0, 4), (len(stuck.deliveries()), len(other.texts())))
        other.lose()
        self.receipts(1)
        stuck.writable = True
        self.world.advance(1)
        self.assertEqual(1, len(stuck.texts()))

    def test_one_write_per_receiver(self) -> None:
        """The receipts of one read are one write per receiver."""
        self.start()
        receivers = [self.receiver(), self.receiver()]
        self.receipts(20)
        self.assertEqual([1, 1], [receiver.writes for receiver in receivers])

    def test_only_the_account_of_the_message(self) -> None:
        """D7: another account's receivers never see it."""
        world = World([make_account("one"), make_account("two")])
        one, two, upstream = world.client("one"), world.client("two"), world.upstream()
        one.receive(submit(1))
        upstream.accept((upstream.submits()[0], b"x"))
        one.lose()
        upstream.receipt(b"x")
        world.advance(100)
        self.assertEqual([], two.deliveries())
        self.assertEqual((1, 0), world.sizes("one"))


class EarlyTests(OutboxTestCase):
    """Receipts that came before, or with, the answers to their messages (quirks 5.4)."""

    def early(self, count: int = 1) -> None:
        """So many receipts come before the submit_sm_resp."""
        self.sender.receive(*(submit(number) for number in range(1, count + 1)))
        pdus = self.upstream.submits()
        self.upstream.receive(
            *(receipt(number, b"%d" % number) for number in range(1, count + 1))
        )
        self.upstream.accept(*((pdu, b"%d" % at) for at, pdu in enumerate(pdus, 1)))

    def test_mg20_after_its_answer_on_another_session_too(self) -> None:
        """MG-20: the answer on one session, its receipt on another one: a moment later, once."""
        self.start()
        other = self.receiver()
        self.early(3)
        self.assertEqual(3, len(self.sender.responses()))
        self.assertEqual([], other.deliveries())
        self.world.advance(0.1)
        self.assertEqual([], other.deliveries())
        for _ in range(4):
            self.world.advance(0.1)
        self.assertEqual(3, len(other.texts()))
        self.world.advance(5)
        self.assertEqual([], other.texts())
        self.assertEqual([], self.world.clock.getDelayedCalls())
        self.balanced()

    def test_mg20_with_its_answer_in_one_read(self) -> None:
        """MG-20: a receipt behind its submit_sm_resp may not overtake it on another session."""
        self.start()
        other = self.receiver()
        self.sender.receive(submit(1))
        (pdu,) = self.upstream.submits()
        self.upstream.receive(
            build.submit_sm_resp(pdu.sequence_number, b"1"), receipt(1, b"1")
        )
        self.assertEqual(1, len(self.sender.responses()))
        self.assertEqual([], other.deliveries())
        self.world.advance(0.4)
        self.assertEqual(1, len(other.texts()))

    def test_mg20_in_a_turn_that_takes_long(self) -> None:
        """MG-20: what is written leaves when the reactor has been round. However long that takes,
        the receipt on another session is not written before, nor in the moment after it.
        """
        self.start()
        other = self.receiver()
        self.sender.receive(submit(1))
        self.upstream.accept((self.upstream.submits()[0], b"1"))
        # Time passes and no turn ends: a read of something else keeps the process busy.
        self.world.clock.rightNow += 10 * FRESH
        self.upstream.receive(receipt(1, b"1"))
        self.assertEqual([], other.deliveries())
        self.world.clock.advance(0)
        self.world.clock.advance(FRESH / 2)
        self.upstream.receive(receipt(2, b"1"))
        self.assertEqual([], other.deliveries())
        self.world.clock.advance(FRESH)
        self.world.clock.advance(BEAT)
        self.assertEqual(1, len(other.texts()))

    def test_mg20_answers_of_several_turns(self) -> None:
        """MG-20: answers written while others leave wait for a round of their own."""
        turns: list[Callable[[], None]] = []
        fresh = Fresh(lambda: 5.0, turns.append)
        fresh.add((), 1.0)
        self.assertEqual([], turns)
        fresh.add((b"1",), 1.0)
        turns.pop()()
        fresh.add((b"2",), 2.0)
        turns.pop()()
        self.assertEqual(6.0, fresh.until(b"1", 5.0))
        self.assertEqual(5.0 + FRESH, fresh.until(b"2", 5.0))
        turns.pop()()
        self.assertEqual(7.0, fresh.until(b"2", 5.0))
        self.assertEqual([], turns)

    def test_others_are_not_touched(self) -> None:
        """Receipts of messages answered before, and MO messages, do not wait."""
        self.start()
        other = self.receiver()
        self.sender.receive(submit(1))
        self.upstream.accept((self.upstream.submits()[0], b"before"))
        self.world.clock.advance(0)
        self.world.clock.advance(1)
        self.early()
        self.upstream.receive(receipt(800, b"before"), mo(900))
        self.assertEqual(2, len(other.deliveries()))

    def test_one_session_keeps_the_order(self) -> None:
        """With one session nothing waits: it is written after the answer."""
        self.start()
        self.sender.lose()
        self.sender = self.world.client()
        self.early()
        self.assertEqual(1, len(self.sender.texts()))

    def test_receiver_lost_while_held_back(self) -> None:
        """What was held back for a receiver that left goes to the next one."""
        self.start()
        other = self.receiver()
        self.early()
        other.lose()
        self.world.advance(1)
        self.assertEqual(1, len(self.receiver().texts()))
        self.balanced()

    def test_forgotten_by_the_tick(self) -> None:
        """Messages that have no receipt yet are forgotten with the tick."""
        self.start()
        self.receiver()
        self.sender.receive(submit(1))
        self.upstream.accept((self.upstream.submits()[0], b"1"))
        fresh = self.world.relay._outbox._fresh
        self.assertGreater(fresh.until(b"1000000001", self.world.now), self.world.now)
        self.world.clock.advance(0)
        self.assertGreater(fresh.until(b"1000000001", self.world.now), self.world.now)
        self.world.advance(2)
        self.assertFalse(fresh)
        self.assertEqual(fresh.until(b"1000000001", self.world.now), 0.0)

    def test_unreadable_origin(self) -> None:
        """A record that cannot be read is not held back: it goes to the dead letters."""
        self.start()
        self.early()
        next(iter(self.world.shared.queues[b"r:acme"].values())).origin = b"\xff" * 40
        self.receiver()
        self.assertEqual(1, self.ledger.events["dead_letter"])


class AnswerTests(OutboxTestCase):
    """What a client's answers do."""

    def test_gw23_ok_removes(self) -> None:
        """GW-23: a receipt leaves the store only on deliver_sm_resp OK; one call for a read."""
        self.start()
        receiver = self.receiver()
        self.receipts(5)
        pdus = receiver.deliveries()
        self.assertEqual((0, 5), self.world.sizes())
        self.assertEqual(0, self.ledger.delivered)
        receiver.acknowledge(pdus)
        self.assertEqual(1, self.world.store.calls.count("ack"))
        self.assertEqual((0, 0), self.world.sizes())
        self.assertEqual(5, self.ledger.delivered)

    def test_f39_temporary_errors(self) -> None:
        """F39, GW-23: 58 08 14 45 64 67 FE FF: again after 10 s, then 20, 40 ... at most 600."""
        self.assertEqual({0x58, 0x08, 0x14, 0x45, 0x64, 0x67, 0xFE, 0xFF}, TEMPORARY)
        self.start()
        receiver = self.receiver()
        self.receipts(1)
        delay = FIRST_DELAY
        for status in sorted(TEMPORARY):
            (pdu,) = receiver.deliveries()
            receiver.acknowledge([pdu], status)
            self.world.advance(delay - 1)
            self.assertEqual([], receiver.deliveries())
            self.world.advance(1)
            delay = min(delay * 2, LONGEST_DELAY)
        self.assertEqual(LONGEST_DELAY, delay)
        self.assertEqual(1, len(receiver.texts()))
        self.assertEqual((8, 1), (self.ledger.redelivered, self.ledger.delivered))
        self.balanced()

    def test_f39_other_errors_are_final(self) -> None:
        """F39, GW-23: any other status, or a generic_nack, is the client's last word: counted."""
        self.start()
        receiver = self.receiver()
        self.receipts(2)
        one, two = receiver.deliveries()
        receiver.acknowledge([one], c.ESME_RINVDSTADR)
        receiver.receive(build.generic_nack(0, two.sequence_number))
        self.world.advance(1000)
        self.assertEqual([], receiver.deliveries())
        self.assertEqual((2, 0), (self.ledger.refused_by_client, self.ledger.delivered))
        self.assertEqual((0, 0), self.world.sizes())
        self.balanced()

    def test_f39_mo_refused(self) -> None:
        """F39: an MO that is refused for good is counted apart from receipts."""
        self.start()
        receiver = self.receiver()
        self.upstream.receive(mo(1), mo(2))
        one, two = receiver.deliveries()
        receiver.acknowledge([one], c.ESME_RINVDSTADR)
        receiver.acknowledge([two])
        self.assertEqual(1, self.ledger.events["mo_refused_by_client"])
        self.assertEqual((0, 1), (self.ledger.refused_by_client, self.ledger.mo_delivered))
        self.assertEqual((0, 0), self.world.sizes(prefix=b"m:"))
        self.balanced()

    def test_f39_poison(self) -> None:
        """D2: after 20 deliveries to a live bind an entry goes to the dead letters."""
        self.start()
        receiver = self.receiver()
        self.receipts(1)
        delay = FIRST_DELAY
        for _ in range(MOST_DELIVERIES):
            (pdu,) = receiver.deliveries()
            receiver.acknowledge([pdu], c.ESME_RX_T_APPN)
            self.world.advance(delay)
            delay = min(delay * 2, LONGEST_DELAY)
        self.assertEqual([], receiver.deliveries())
        self.assertEqual(1, self.ledger.events["dead_letter"])
        self.assertEqual(1, len(self.world.shared.queues[DEAD + b"acme"]))
        self.assertEqual((0, 0), self.world.sizes())
        self.assertEqual(1, self.ledger.refused_by_client)
        self.balanced()

    def test_poison_while_the_store_fails(self) -> None:
        """A dead letter that could not be written is written later; nobody gets it meanwhile."""
        self.start()
        receiver = self.receiver()
        self.receipts(1)
        receiver.deliveries()
        self.world.store.fail_next("put")
        delivery: Any = receiver.session.window.close(1)
        delivery.attempts = MOST_DELIVERIES
        nack = Pdu(c.DELIVER_SM_RESP, c.ESME_RX_T_APPN, 1, b"")
        self.world.relay.client_responses(receiver, [(delivery, nack)], self.world.now)
        self.assertEqual((0, 1), self.world.sizes())
        self.world.advance(1)
        self.assertEqual(1, self.ledger.events["dead_letter"])
        self.assertEqual((0, 0), self.world.sizes())
        self.assertEqual([], receiver.deliveries())
        self.balanced()

    def test_unreadable_record(self) -> None:
        """A record that cannot be read goes to the dead letters and holds up nobody."""
        self.start()
        self.receipts(3)
        first = next(iter(self.world.shared.queues[b"r:acme"].values()))
        first.origin = b"\xff" * 40
        receiver = self.receiver()
        self.assertEqual(2, len(receiver.texts()))
        self.assertEqual(1, self.ledger.events["dead_letter"])
        self.balanced()

    def test_f38_no_answer(self) -> None:
        """F38: without an answer in 30 s it is due again; three in a row end the bind, no loss."""
        self.start(deliver_window=1)
        silent, other = self.receiver(), self.receiver()
        other.writable = False
        self.receipts(1)
        self.assertEqual(1, len(silent.deliveries()))
        for _ in range(2):
            self.world.advance(30.2)
            self.assertEqual("", silent.closed_for)
            self.assertEqual(1, len(silent.deliveries()))
        self.world.advance(30.2)
        self.assertNotEqual("", silent.closed_for)
        self.assertEqual([], silent.deliveries())
        other.writable = True
        self.world.advance(1)
        self.assertEqual(1, len(other.texts()))
        silent.lose()
        self.assertEqual((1, 0), (self.ledger.delivered, self.ledger.queued))
        self.balanced()

    def test_f38_its_receipts_go_to_another_bind(self) -> None:
        """F38: what a silent bind held goes to the others, all of it, once it is closed."""
        self.start(deliver_window=10)
        silent, other = self.receiver(), self.receiver()
        self.receipts(20)
        self.assertEqual(10, len(silent.deliveries()))
        got = len(other.texts())
        self.assertEqual(10, got)
        self.world.advance(30)
        self.assertNotEqual("", silent.closed_for)
        self.assertEqual(10, len(other.texts()))
        self.assertEqual(20, self.ledger.delivered)

    def test_f38_last_receiver_closed(self) -> None:
        """F38: the only receiver is closed: its receipts wait for the next one."""
        self.start(deliver_window=3)
        silent = self.receiver()
        self.receipts(3)
        silent.deliveries()
        self.world.advance(30)
        self.assertNotEqual("", silent.closed_for)
        silent.lose()
        self.assertEqual(3, len(self.receiver().texts()))

    def test_f38_an_answer_in_between(self) -> None:
        """F38: three in a row: an answer begins the count again."""
        self.start(deliver_window=2)
        receiver = self.receiver()
        self.receipts(1)
        for _ in range(5):
            receiver.deliveries()
            self.world.advance(20)
            self.receipts(1)
            receiver.acknowledge(receiver.deliveries()[-1:])
            self.world.advance(10)
        self.assertEqual("", receiver.closed_for)

    def test_f38_poison_by_silence(self) -> None:
        """D2: an entry that was not answered twenty times goes to the dead letters."""
        self.start(deliver_window=1)
        self.receipts(1)
        count = 0
        while not self.ledger.events["dead_letter"]:
            receiver = self.receiver()
            self.world.advance(30)
            count += len(receiver.deliveries())
            receiver.lose()
        # An entry is never buried because a bind was lost, so one more than twenty.
        self.assertEqual(MOST_DELIVERIES + 1, count)
        self.assertEqual(1, self.ledger.events["dead_letter"])
        self.assertEqual([], self.receiver().deliveries())
        self.balanced()
