"""Nothing about a message after its final receipt, also when it is sent again, on any node."""

from __future__ import annotations

from smppproxy.relay.directory import REMEMBERED
from smppproxy.relay.fresh import FRESH
from smppproxy.relay.outbox import KEEP
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.memory import MemoryStore
from tests.relay.test_outbox import OutboxTestCase
from tests.support.memory_peers import World, fields_of, receipt, submit


class OrderTests(OutboxTestCase):
    """GW-24: nothing about a message after its final receipt, redelivery included."""

    def two_states(self, *stats: bytes) -> None:
        """A message whose client asked for everything, and its receipts, one read each."""
        self.sender.receive(submit(1, registered_delivery=0x11))
        self.upstream.accept((self.upstream.submits()[0], b"x"))
        self.world.clock.advance(0)
        self.world.clock.advance(2 * FRESH)
        for number, stat in enumerate(stats, 1):
            self.upstream.receive(receipt(number, b"x", stat=stat))

    def stats(self, pdus: list[Pdu]) -> list[bytes]:
        return [fields_of(pdu).short_message.split(b"stat:")[1][:7] for pdu in pdus]

    def test_gw24_refused_for_now_and_then_superseded(self) -> None:
        """An intermediate receipt that was refused for now is not sent after the final one."""
        self.start()
        receiver = self.receiver()
        self.two_states(b"ENROUTE")
        receiver.acknowledge(receiver.deliveries(), c.ESME_RTHROTTLED)
        self.upstream.receive(receipt(9, b"x"))
        pdus = receiver.deliveries()
        self.assertEqual([b"DELIVRD"], self.stats(pdus))
        receiver.acknowledge(pdus)
        self.world.advance(60)
        self.assertEqual([], receiver.deliveries())
        self.assertEqual((1, 1), (self.ledger.dropped, self.ledger.delivered))
        self.assertEqual(1, self.ledger.events["overtaken"])
        self.balanced()

    def test_gw24_unanswered_and_then_superseded(self) -> None:
        """An intermediate one whose bind is lost is not sent again after the final one."""
        self.start()
        one, two = self.receiver(), self.receiver()
        self.two_states(b"ENROUTE", b"DELIVRD")
        holders = {self.stats(each.deliveries())[0]: each for each in (one, two)}
        holders[b"ENROUTE"].lose()
        self.assertEqual([], holders[b"DELIVRD"].deliveries())
        self.assertEqual(1, self.ledger.dropped)
        self.balanced()

    def test_gw24_final_refused_for_now(self) -> None:
        """A final one that was refused for now is sent again, whatever came before it."""
        self.start()
        receiver = self.receiver()
        self.two_states(b"ENROUTE", b"ACCEPTD", b"DELIVRD")
        pdus = receiver.deliveries()
        self.assertEqual([b"ENROUTE", b"ACCEPTD", b"DELIVRD"], self.stats(pdus))
        receiver.acknowledge(pdus, c.ESME_RTHROTTLED)
        self.world.advance(10)
        self.assertEqual([b"DELIVRD"], self.stats(receiver.deliveries()))
        self.assertEqual(2, self.ledger.events["overtaken"])

    def test_gw24_adopted_after_the_final_one(self) -> None:
        """An intermediate one that comes back by adoption is not sent after the final one."""
        self.start()
        receiver = self.receiver()
        self.two_states(b"ENROUTE", b"DELIVRD")
        receiver.acknowledge(receiver.deliveries()[1:])
        receiver.lose()
        self.world.advance(KEEP + 1)
        receiver = self.receiver()
        self.world.advance(60)
        self.assertEqual([], receiver.deliveries())
        self.assertEqual((1, 1), (self.ledger.dropped, self.ledger.delivered))
        self.balanced()

    def test_gw24_overtaken_while_held_back(self) -> None:
        """An intermediate one that waits for its message's answer to be read, and has not been sent
        yet, is not sent after the final one, which did not have to wait.
        """
        self.start()
        receiver = self.receiver()
        self.sender.receive(submit(1, registered_delivery=0x11))
        self.upstream.accept((self.upstream.submits()[0], b"x"))
        self.upstream.receive(receipt(1, b"x", stat=b"ENROUTE"))
        self.world.clock.advance(0)
        self.world.clock.advance(FRESH + 0.005)
        self.upstream.receive(receipt(2, b"x"))
        pdus = receiver.deliveries()
        self.assertEqual([b"DELIVRD"], self.stats(pdus))
        receiver.acknowledge(pdus)
        self.world.advance(5)
        self.assertEqual([], receiver.deliveries())
        self.assertEqual((1, 1), (self.ledger.dropped, self.ledger.delivered))
        self.balanced()

    def test_gw24_overtaken_on_another_node_while_held_back(self) -> None:
        """The same, when another node has delivered the final one meanwhile."""
        self.start()
        receiver = self.receiver()
        other = World(beside=self.world, node="other")
        upstream = other.upstream("b")
        self.sender.receive(submit(1, registered_delivery=0x11))
        self.upstream.accept((self.upstream.submits()[0], b"x"))
        self.upstream.receive(receipt(1, b"x", stat=b"ENROUTE"))
        self.assertEqual([], receiver.deliveries())
        elsewhere = other.client()
        upstream.receive(receipt(1, b"x"))
        pdus = elsewhere.deliveries()
        self.assertEqual([b"DELIVRD"], self.stats(pdus))
        elsewhere.acknowledge(pdus)
        self.world.advance(5)
        self.assertEqual([], receiver.deliveries())
        self.assertEqual((0, 0), self.world.sizes())

    def test_gw24_unreadable_when_it_is_due_again(self) -> None:
        """A record that nobody can read is not asked about; it goes to the dead letters."""
        self.start()
        receiver = self.receiver()
        self.two_states(b"ENROUTE")
        receiver.acknowledge(receiver.deliveries(), c.ESME_RTHROTTLED)
        (delivery,) = self.world.relay.directory.inboxes[b"acme"].later
        delivery.entry.receipt = b"nonsense"
        self.world.advance(15)
        self.flushLoggedErrors()
        self.assertEqual([], receiver.deliveries())
        self.assertEqual(1, self.ledger.events["dead_letter"])

    def test_gw24_still_the_last_word(self) -> None:
        """An intermediate one that was refused for now is sent again while nothing has followed
        it; the store is asked first, until it answers.
        """
        self.start()
        receiver = self.receiver()
        self.two_states(b"ENROUTE")
        receiver.acknowledge(receiver.deliveries(), c.ESME_RTHROTTLED)
        self.world.store.inner.go_away()
        self.world.advance(15)
        self.assertEqual([], receiver.deliveries())
        self.world.store.inner.come_back()
        self.world.advance(2)
        pdus = receiver.deliveries()
        self.assertEqual([b"ENROUTE"], self.stats(pdus))
        receiver.acknowledge(pdus)
        self.assertEqual(1, self.ledger.delivered)
        self.balanced()

    def test_gw24_taken_over_by_another_node(self) -> None:
        """What another node has adopted meanwhile is left to it."""
        self.start()
        receiver = self.receiver()
        self.two_states(b"ENROUTE")
        receiver.acknowledge(receiver.deliveries(), c.ESME_RTHROTTLED)
        other = MemoryStore(self.world.clock, "other", self.world.shared)
        other.start()
        self.world.clock.advance(1)
        self.assertEqual(1, len(self.successResultOf(other.adopt([b"r:acme"], 9, 1))))
        self.world.advance(60)
        self.assertEqual([], receiver.deliveries())
        self.assertEqual((0, 1), self.world.sizes())

    def test_gw24_memory_is_bounded(self) -> None:
        """Only messages with intermediate receipts are remembered, and not without end."""
        self.start()
        inbox = self.world.relay.directory.inbox(self.world.accounts["acme"])
        self.assertFalse(inbox.watches(c.STATE_DELIVERED, 0x01))
        for state, wanted in ((c.STATE_ENROUTE, 0x01), (c.STATE_DELIVERED, 0x11), (2, 0x03)):
            self.assertTrue(inbox.watches(state, wanted))
        self.assertFalse(inbox.overtaken(b"m", c.STATE_ENROUTE))
        self.assertEqual({}, inbox.finished)
        for number in range(REMEMBERED + 5):
            inbox.overtaken(b"%d" % number, c.STATE_DELIVERED)
        self.assertEqual(REMEMBERED, len(inbox.finished))
        self.assertFalse(inbox.overtaken(b"4", c.STATE_ENROUTE))
        self.assertTrue(inbox.overtaken(b"5", c.STATE_ENROUTE))
        inbox.account.intermediate = "always"
        self.assertTrue(inbox.watches(c.STATE_UNDELIVERABLE, 0x01))
