"""Tests of ``relay.claim``: receipts that come into a node's hands while they are queued."""

from __future__ import annotations

from smppproxy.smpp import constants as c
from tests.relay.test_outbox import OutboxTestCase, our_id
from tests.support.memory_peers import World, receipt, submit


class ClaimTests(OutboxTestCase):
    """What is asked for, kept and given back."""

    def matched(self, count: int) -> None:
        """So many messages are answered, and wait for their receipts."""
        self.sender.receive(*(submit(number + 1) for number in range(count)))
        self.upstream.accept(
            *((pdu, b"%d" % number) for number, pdu in enumerate(self.upstream.submits()))
        )
        self.world.advance(1)
        self.world.store.calls.clear()

    def test_no_fetch_for_a_receiver_that_has_room(self) -> None:
        """A receipt for a receiver here is one call to the store, and the ack another."""
        self.start()
        receiver = self.receiver()
        self.matched(2)
        self.upstream.receive(receipt(1, b"0"), receipt(2, b"1"))
        self.assertEqual(2, len(receiver.texts()))
        self.assertEqual(["match", "ack"], self.world.store.calls)
        self.balanced()

    def test_no_more_than_there_is_room_for(self) -> None:
        """Reads that are with the store at once share the room: the rest stays in the queue, where
        a receiver of another node finds it.
        """
        self.start(deliver_window=3)
        receiver = self.receiver()
        self.matched(6)
        self.world.store.hold("match")
        for first in (0, 2, 4):
            self.upstream.receive(
                receipt(first + 1, b"%d" % first), receipt(first + 2, b"%d" % (first + 1))
            )
        self.world.store.hold("fetch")
        self.world.store.release("match")
        self.assertEqual(2, len(receiver.deliveries()))
        self.assertEqual((4, 2), self.world.sizes())
        there = World(beside=self.world, node="two")
        other = there.client(command_id=c.BIND_RECEIVER)
        self.assertEqual(3, len(other.deliveries()))

    def test_what_waits_is_fetched_first(self) -> None:
        """A queue that is being fetched is not asked for: receipts keep their order."""
        self.start()
        self.matched(2)
        self.upstream.receive(receipt(1, b"0"))
        self.world.store.hold("fetch")
        receiver = self.receiver()
        self.upstream.receive(receipt(2, b"1"))
        self.assertEqual([], receiver.deliveries())
        self.world.store.release()
        ids = [our_id(pdu) for pdu in receiver.deliveries()]
        self.assertEqual((2, sorted(ids)), (len(ids), ids))
        self.balanced()

    def test_room_comes_back_when_the_call_failed(self) -> None:
        """A match that failed keeps no room: what comes next takes the same way."""
        self.start(deliver_window=1)
        receiver = self.receiver()
        self.matched(2)
        self.world.store.fail_next("match")
        self.upstream.receive(receipt(1, b"0"))
        self.upstream.receive(receipt(2, b"1"))
        self.assertEqual(1, len(receiver.texts()))
        self.assertEqual(["match", "match", "ack"], self.world.store.calls)
