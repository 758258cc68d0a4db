"""Tests of ``relay.parked``: what was parked beside its map comes home without an operator."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay import parked
from smppproxy.relay.relay import SWEEP_EVERY
from smppproxy.store.interface import NOT_SENT, UNKNOWN
from tests.support.logs import logged
from tests.support.memory_peers import World, make_provider, receipt, submit


class ParkedTests(SynchronousTestCase):
    """D4: whichever came first, and whoever saw it."""

    def setUp(self) -> None:
        self.world = World(providers=[make_provider(final_ttl=5_000)])
        self.client, self.upstream = self.world.client(), self.world.upstream()
        self.world.advance(1)

    def tearDown(self) -> None:
        self.assertEqual({}, self.world.ledger.imbalance())

    def accepted(self, message_id: bytes, sequence_number: int = 1) -> bytes:
        """A message that the provider has under this id; our id of it."""
        self.client.receive(submit(sequence_number))
        (pdu,) = self.upstream.submits()
        self.upstream.accept((pdu, message_id))
        ((_, _, ours),) = self.client.responses()
        return ours

    def parked_elsewhere(self, *message_ids: bytes) -> None:
        """Receipts of these that a node parked which could not see the maps."""
        other = World(after=self.world)
        upstream = other.upstream()
        shared = self.world.shared
        maps, shared.maps = shared.maps, {}
        for number, message_id in enumerate(message_ids, 1):
            upstream.receive(receipt(number, message_id))
        shared.maps = maps
        self.assertEqual(len(message_ids), other.ledger.parked)

    def sweep(self) -> None:
        """The time of the next one comes."""
        self.world.advance(SWEEP_EVERY)

    def test_d4_it_comes_home_with_the_next_sweep(self) -> None:
        """Delivered under our id; counted as any receipt that was parked, and told."""
        log = logged(self)
        ours = self.accepted(b"x")
        self.parked_elsewhere(b"x", b"never")
        self.assertEqual([], self.client.unseen)
        self.sweep()
        (text,) = self.client.texts()
        self.assertIn(b"id:%b " % ours, text)
        ledger = self.world.ledger
        self.assertEqual((1, 1, 1), (ledger.matched, ledger.parked_before, ledger.parked_out))
        self.assertEqual(0, ledger.parked)
        self.assertEqual(1, ledger.events["parked_met"])
        (told,) = [each for each in log if each.get("event") == "parked_met"]
        self.assertEqual(1, told["count"])
        (provider,) = self.world.providers
        (own,) = self.world.shared.maps[provider.encode(), b"x"]
        self.assertLessEqual(own.expiry, self.world.unix() + 5_000)
        self.assertEqual(1, len(self.world.shared.parked[provider.encode()]))
        self.assertEqual(0, ledger.queued)

    def test_d7_what_does_not_fit_goes_to_quarantine(self) -> None:
        """It was for somebody else all the time; counted and told as it would have been then."""
        self.accepted(b"x")
        self.parked_elsewhere(b"x")
        provider = next(iter(self.world.shared.parked.values()))
        for name, (arrived, arrival) in provider.items():
            provider[name] = arrived, attrs.evolve(arrival, destination=b"70000009")
        log = logged(self)
        self.sweep()
        self.assertEqual((1, 0), (self.world.ledger.quarantined, self.world.ledger.parked))
        self.assertEqual([], self.client.unseen)
        self.assertEqual(1, len([e for e in log if e.get("event") == "receipt_quarantined"]))

    def test_the_next_ones_with_the_next_sweep(self) -> None:
        """A sweep looks at so many, and the one after it goes on."""
        self.patch(parked, "AT_ONCE", 2)
        self.accepted(b"x")
        self.parked_elsewhere(b"1", b"2", b"3", b"x", b"4")
        self.sweep()
        self.assertEqual(0, self.world.ledger.events["parked_met"])
        self.sweep()
        self.assertEqual(1, self.world.ledger.events["parked_met"])
        self.assertEqual(1, len(self.client.texts()))

    def test_one_look_at_a_time(self) -> None:
        """While the store has not answered nothing more is asked."""
        self.world.store.calls.clear()
        self.world.store.hold("meet_parked")
        for _ in range(3):
            self.sweep()
        self.assertEqual(1, self.world.store.calls.count("meet_parked"))
        self.world.store.release()
        self.sweep()
        self.assertEqual(2, self.world.store.calls.count("meet_parked"))

    def test_a_look_that_failed(self) -> None:
        """It is tried again with the next sweep; only an answer that was lost may have moved
        something."""
        self.accepted(b"x")
        self.parked_elsewhere(b"x")
        self.world.store.fail_next("meet_parked", NOT_SENT)
        self.sweep()
        self.assertEqual(0, self.world.ledger.events["adrift"])
        self.world.store.fail_next("meet_parked", UNKNOWN)
        self.sweep()
        self.assertEqual(parked.AT_ONCE, self.world.ledger.events["adrift"])
        self.world.store.go_away()
        self.world.store.come_back()
        self.assertEqual(1, len(self.client.texts()))
