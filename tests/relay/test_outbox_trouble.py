"""Receipts on their way to clients while the store fails, and while receivers come and go."""

from __future__ import annotations

from smppproxy.relay.adoption import EVERY as ADOPT_EVERY
from smppproxy.relay.delivery import FIRST_DELAY
from smppproxy.relay.outbox import KEEP
from smppproxy.smpp import constants as c
from smppproxy.store.interface import UNKNOWN, Entry, StoreUnavailable
from tests.relay.test_outbox import OutboxTestCase, our_id
from tests.support.memory_peers import World, receipt, submit


class StoreTroubleTests(OutboxTestCase):
    """The store goes, comes, and forgets to answer."""

    def test_acknowledged_while_the_store_is_away(self) -> None:
        """An acknowledgement waits for the store; the client does not get the receipt again."""
        self.start()
        receiver = self.receiver()
        self.receipts(2)
        pdus = receiver.deliveries()
        self.world.store.go_away()
        receiver.acknowledge(pdus)
        self.assertEqual(0, self.ledger.delivered)
        self.world.advance(100)
        self.world.store.come_back()
        self.world.advance(30)
        self.assertEqual([], receiver.deliveries())
        self.assertEqual(2, self.ledger.delivered)
        self.balanced()

    def test_acknowledgement_that_failed_is_said_again(self) -> None:
        """An acknowledgement that the store did not take is tried again the next second."""
        self.start()
        receiver = self.receiver()
        self.receipts(1)
        self.world.store.fail_next("ack")
        self.assertEqual(1, len(receiver.texts()))
        self.assertEqual((0, 1), self.world.sizes())
        self.world.advance(1)
        self.assertEqual((0, 0), self.world.sizes())
        self.assertEqual(1, self.ledger.events["ack_not_stored"])
        self.balanced()

    def test_acknowledgement_whose_answer_was_lost(self) -> None:
        """An acknowledgement that was heard without our knowing is counted all the same."""
        self.start()
        receiver = self.receiver()
        self.receipts(2)
        self.world.store.fail_next("ack", UNKNOWN)
        receiver.texts()
        self.assertEqual((0, 0), self.world.sizes())
        self.world.advance(1)
        self.assertEqual((2, 0), (self.ledger.delivered, self.ledger.queued))
        self.balanced()

    def test_acknowledgement_whose_answer_was_lost_and_another_node_was_quicker(self) -> None:
        """What two nodes count as delivered for one entry is allowed for in the ledger."""
        self.start()
        receiver = self.receiver()
        self.receipts(1)
        self.world.store.fail_next("ack", UNKNOWN)
        receiver.texts()
        self.world.advance(1)
        self.assertEqual((1, 1), (self.ledger.delivered, self.ledger.events["adrift"]))
        self.ledger.delivered += 1
        self.assertEqual({}, self.ledger.imbalance())

    def test_store_back_wakes(self) -> None:
        """What other nodes queued while the store was away here is fetched when it is back."""
        self.start()
        receiver = self.receiver()
        there = World(beside=self.world, node="two")
        self.sender.receive(submit(1))
        self.upstream.accept((self.upstream.submits()[0], b"x"))
        self.world.store.go_away()
        there.upstream("b").receipt(b"x")
        self.world.advance(5)
        self.assertEqual([], receiver.deliveries())
        self.world.store.come_back()
        self.assertEqual(1, len(receiver.texts()))

    def test_full_store_is_still_emptied(self) -> None:
        """F83: a store out of memory takes nothing new, but its queues go on to the clients."""
        self.start()
        self.receipts(3)
        self.world.store.inner.full = True
        self.world.store.inner.ready = False
        receiver = self.receiver()
        self.assertEqual(3, len(receiver.texts()))
        self.assertEqual((0, 0), self.world.sizes())

    def test_fetch_failed(self) -> None:
        """A fetch that failed is tried again the next second."""
        self.start()
        self.receipts(1)
        self.world.store.fail_next("fetch")
        receiver = self.receiver()
        self.assertEqual([], receiver.deliveries())
        self.world.advance(1)
        self.assertEqual(1, len(receiver.texts()))

    def test_fetch_whose_answer_was_lost(self) -> None:
        """What a lost answer had handed to us comes back by adoption, after 60 s."""
        self.start()
        self.receipts(1)
        self.world.store.fail_next("fetch", UNKNOWN)
        receiver = self.receiver()
        self.world.advance(1)
        self.assertEqual([], receiver.deliveries())
        self.world.advance(60 + ADOPT_EVERY)
        self.assertEqual(1, len(receiver.texts()))
        self.balanced()

    def test_grown_while_a_fetch_is_out(self) -> None:
        """A queue that grew while it was being fetched is looked into again at once."""
        self.start()
        self.world.store.hold("fetch")
        self.receipts(1)
        receiver = self.receiver()
        outbox = self.world.relay._outbox
        waiting = self.world.store._held.pop()
        outbox.fetches.wake([b"r:acme"])
        waiting[2].callback([])
        self.world.store.release()
        self.assertEqual(1, len(receiver.texts()))

    def test_touch_and_adopt_failing_do_no_harm(self) -> None:
        """Signs of life that fail are given again later."""
        self.start()
        self.world.store.fail_next("adopt")
        receiver = self.receiver()
        self.receipts(1)
        pdus = receiver.deliveries()
        self.world.store.fail_next("touch")
        self.world.store.fail_next("adopt")
        self.world.advance(25)
        receiver.acknowledge(pdus)
        self.balanced()

    def test_signs_of_life(self) -> None:
        """D6: what is in hand is touched, so that no other node takes it over."""
        self.start()
        there = World(beside=self.world, node="two")
        other = there.client()
        other.writable = False
        receiver = self.receiver()
        self.receipts(1)
        other.writable = True
        delay = FIRST_DELAY
        for _ in range(5):
            receiver.acknowledge(receiver.deliveries(), c.ESME_RX_T_APPN)
            self.world.advance(delay)
            delay *= 2
        self.assertEqual([], other.deliveries())
        self.assertEqual(1, len(receiver.texts()))

    def test_l3_dropped_in_the_clients_hands(self) -> None:
        """L3: a receipt that a full queue pushed out while a client had it: its OK is a no-op."""
        self.start(receipt_limit=2)
        self.world.relay.opened([(0, 0)])
        receiver = self.receiver()
        self.receipts(2)
        pdus = receiver.deliveries()
        self.sender.receive(submit(90), submit(91), submit(92))
        self.upstream.accept(
            *((pdu, b"y%d" % pdu.sequence_number) for pdu in self.upstream.submits())
        )
        receiver.writable = False
        self.upstream.receive(*(receipt(number, b"y%d" % number) for number in (4, 5, 6)))
        receiver.writable = True
        receiver.acknowledge(pdus)
        receiver.texts()
        self.world.advance(31)
        receiver.texts()
        self.world.advance(31)
        self.assertEqual(2, self.ledger.delivered)
        self.assertEqual(3, self.ledger.dropped)
        self.balanced()


class ComeAndGoTests(OutboxTestCase):
    """Receivers that leave and come back."""

    def test_receiver_lost_another_gets_it_at_once(self) -> None:
        """D2: what a lost receiver had not answered goes to another one in the same turn."""
        self.start()
        one, two = self.receiver(), self.receiver()
        self.receipts(10)
        mine = one.deliveries()
        yours = two.deliveries()
        one.acknowledge(mine[:2])
        one.lose()
        again = two.deliveries()
        self.assertEqual([our_id(pdu) for pdu in mine[2:]], [our_id(pdu) for pdu in again])
        two.acknowledge(yours + again)
        self.assertEqual(10, self.ledger.delivered)
        self.assertEqual(len(again), self.ledger.redelivered)
        self.balanced()

    def test_last_receiver_lost_and_back(self) -> None:
        """D2: the last receiver is lost: the next one gets what was not answered, and only that."""
        self.start()
        receiver = self.receiver()
        self.receipts(5)
        pdus = receiver.deliveries()
        receiver.acknowledge(pdus[:2])
        receiver.lose()
        self.assertEqual([], self.sender.deliveries())
        self.world.advance(5)
        again = self.receiver().deliveries()
        self.assertEqual([our_id(pdu) for pdu in pdus[2:]], [our_id(pdu) for pdu in again])
        self.balanced()

    def test_back_while_the_acknowledgement_is_on_its_way(self) -> None:
        """An entry whose acknowledgement the store has not heard is not sent to the next bind."""
        self.start()
        receiver = self.receiver()
        self.receipts(2)
        self.world.store.hold("ack")
        receiver.acknowledge(receiver.deliveries())
        receiver.lose()
        self.world.advance(KEEP + 100)
        receiver = self.receiver()
        self.world.advance(100)
        self.assertEqual([], receiver.deliveries())
        self.world.store.release()
        self.assertEqual((0, 0), self.world.sizes())
        self.assertEqual(2, self.ledger.delivered)

    def test_reads_of_many_become_one_call(self) -> None:
        """What clients acknowledge while an ack is on its way goes with the next one, all of it."""
        self.start()
        receivers = [self.receiver() for _ in range(4)]
        self.receipts(8)
        self.world.store.hold("ack")
        for receiver in receivers:
            receiver.acknowledge(receiver.deliveries())
        self.assertEqual(1, self.world.store.calls.count("ack"))
        self.world.store.release()
        self.assertEqual(2, self.world.store.calls.count("ack"))
        self.assertEqual((0, 0), self.world.sizes())
        self.assertEqual(8, self.ledger.delivered)

    def test_what_waits_for_an_ack_that_fails_is_said_again(self) -> None:
        """The store hears of it at the next tick; meanwhile nobody is sent it, kept or dropped."""
        self.start()
        receivers = [self.receiver(), self.receiver()]
        self.receipts(2)
        self.world.store.hold("ack")
        self.world.store.fail_next("ack")
        for receiver in receivers:
            receiver.acknowledge(receiver.deliveries())
            receiver.lose()
        self.world.store.release()
        self.assertEqual(1, self.ledger.events["ack_not_stored"])
        self.world.store.hold("ack")
        self.world.advance(KEEP + 100)
        late = self.receiver()
        self.world.advance(100)
        self.assertEqual([], late.deliveries())
        self.world.store.release()
        self.assertEqual((0, 0), self.world.sizes())
        self.assertEqual(2, self.ledger.delivered)
        self.assertEqual(set(), self.world.relay._outbox._hands.dropped)

    def test_nothing_is_held_for_nobody(self) -> None:
        """Half a minute after the last receiver left another node may take what was in hand."""
        self.start()
        there = World(beside=self.world, node="two")
        receiver = self.receiver()
        self.receipts(3)
        receiver.deliveries()
        receiver.lose()
        self.world.advance(KEEP)
        self.assertEqual({}, self.world.relay._outbox._hands._held)
        other = there.client()
        self.world.advance(60 - KEEP + ADOPT_EVERY)
        self.assertEqual(3, len(other.texts()))
        self.assertEqual((0, 0), self.world.sizes())

    def test_back_after_half_a_minute(self) -> None:
        """A client that comes back later gets it by adoption, 60 s after the last sign of life."""
        self.start()
        receiver = self.receiver()
        self.receipts(1)
        receiver.lose()
        self.world.advance(KEEP + 1)
        receiver = self.receiver()
        self.world.advance(60 - KEEP + ADOPT_EVERY)
        self.assertEqual(1, len(receiver.texts()))
        self.assertEqual(1, self.ledger.redelivered)
        self.balanced()

    def test_after_a_restart(self) -> None:
        """D6: what this node held before its restart goes to the first receiver at once."""
        self.start()
        self.receiver()
        self.receipts(3)
        self.world.clock.advance(1)
        world = World(after=self.world)
        world.relay.opened([world.sizes()])
        self.assertEqual(3, world.ledger.queued)
        self.assertEqual(3, len(world.client().texts()))
        self.assertEqual((3, 0), (world.ledger.delivered, world.ledger.queued))
        self.assertEqual(3, world.ledger.redelivered)
        self.assertEqual({}, world.ledger.imbalance())

    def test_after_a_restart_when_the_store_does_not_answer(self) -> None:
        """D6: what this node held is asked for until the store has said, while somebody is here to
        receive it, and again for whoever comes next.
        """
        self.start()
        self.receiver()
        self.receipts(3)
        self.world.clock.advance(1)
        world = World(after=self.world)
        for stays in (False, True):
            world.store.fail_next("adopt")
            receiver = world.client()
            self.assertEqual([], receiver.deliveries())
            if not stays:
                receiver.lose()
                world.advance(1)
        world.advance(1)
        self.assertEqual(3, len(receiver.texts()))

    def test_after_a_restart_while_the_store_is_away(self) -> None:
        """D6: the store comes back after the receiver did."""
        self.start()
        self.receiver()
        self.receipts(3)
        self.world.clock.advance(1)
        world = World(after=self.world)
        world.store.go_away()
        receiver = world.client()
        world.advance(3)
        self.assertEqual([], receiver.deliveries())
        world.store.come_back()
        self.assertEqual(3, len(receiver.texts()))

    def test_adopted_twice_is_sent_once(self) -> None:
        """An entry that two adoptions bring is sent once."""
        self.start()
        receiver = self.receiver()
        self.receipts(1)
        receiver.deliveries()
        (entry_id,) = self.world.shared.queues[b"r:acme"]
        entry = self.world.shared.queues[b"r:acme"][entry_id]
        again = Entry(b"r:acme", entry_id, 2, entry.origin, entry.receipt)
        outbox = self.world.relay._outbox
        outbox._take([again, again])
        self.assertEqual([], receiver.deliveries())
        outbox._take([Entry(b"r:nobody", b"1-1", 1, b"", b"")])

    def test_fetched_for_a_receiver_that_left(self) -> None:
        """Entries that arrive when the receiver has left wait for it half a minute, no longer."""
        self.start()
        self.receipts(1)
        self.world.store.hold("fetch")
        receiver = self.receiver()
        receiver.lose()
        self.world.store.release()
        self.assertEqual((0, 1), self.world.sizes())
        receiver = self.receiver()
        self.assertEqual(1, len(receiver.texts()))
        self.world.store.hold("fetch")
        self.receipts(1)
        receiver.lose()
        self.world.advance(KEEP + 1)
        self.world.store.release()
        self.assertEqual({}, self.world.relay._outbox._hands._held)

    def test_no_fetch_beyond_the_windows(self) -> None:
        """No more than the windows have room for is in this node's hands."""
        self.start(deliver_window=5)
        self.receipts(100)
        receiver = self.receiver()
        self.assertEqual((95, 5), self.world.sizes())
        receiver.texts()
        self.assertEqual((90, 5), self.world.sizes())

    def test_expired_of_an_unknown_account(self) -> None:
        """Events of a session that never received do no harm."""
        self.start()
        self.world.relay.client_expired(self.sender, [], self.world.now)
        self.world.relay.client_responses(self.sender, [], self.world.now)
        self.sender.lose()

    def test_store_error_is_the_only_failure(self) -> None:
        """The failures used here are the contract's."""
        self.assertEqual("unknown", StoreUnavailable(UNKNOWN).fate)
