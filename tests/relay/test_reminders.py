"""Tests of ``relay.reminders``: messages that never had a receipt (MG-21)."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay import reminders
from smppproxy.store.interface import NOT_SENT
from tests.support.memory_peers import World, make_account, make_provider, submit


class ReminderTests(SynchronousTestCase):
    """The end of a map."""

    def world(self, on_no_receipt: str, count: int = 1, **fields: Any) -> World:
        """So many messages without a receipt, for 600 s."""
        world = World(
            [make_account(on_no_receipt=on_no_receipt)], [make_provider(mapping_ttl=600)]
        )
        self.client, upstream = world.client(), world.upstream()
        self.client.receive(*(submit(number, **fields) for number in range(1, count + 1)))
        upstream.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in upstream.submits()))
        return world

    def test_mg21_told_once(self) -> None:
        """MG-21: stat:UNKNOWN, or EXPIRED, err:145 when the map ends; then no more."""
        for word in ("UNKNOWN", "EXPIRED"):
            world = self.world(word)
            world.advance(500)
            self.assertEqual([], self.client.texts())
            world.advance(50)
            (text,) = self.client.texts()
            self.assertIn(b" stat:%b err:145 " % word.encode(), text)
            self.assertTrue(text.startswith(b"id:1000000001 "))
            world.upstreams[0].receipt(b"2")
            world.advance(700)
            self.assertEqual([], self.client.texts())
            self.assertEqual((1, 1), (world.ledger.made, world.ledger.delivered))
            self.assertEqual({}, world.ledger.imbalance())

    def test_mg21_nothing(self) -> None:
        """MG-21: by default nothing is told, and nothing to whom did not ask for receipts."""
        world = self.world("nothing")
        world.advance(1300)
        self.assertEqual([], self.client.texts())
        world = self.world("UNKNOWN", registered_delivery=0)
        world.advance(1300)
        self.assertEqual([], self.client.texts())
        self.assertEqual(0, world.ledger.made)

    def test_many(self) -> None:
        """More than one question's worth."""
        with patch.object(reminders, "AT_ONCE", 3):
            world = self.world("EXPIRED", 8)
            world.advance(620)
        self.assertEqual(8, len(self.client.texts()))

    def test_store_in_trouble(self) -> None:
        """A question that fails is asked again; what is not taken is counted."""
        world = self.world("EXPIRED", 2)
        world.store.fail_next("overdue", NOT_SENT)
        world.advance(540)
        world.store.hold("overdue")
        world.advance(40)
        world.store.fail_next("put_receipts", NOT_SENT)
        world.store.release()
        self.assertEqual(2, world.ledger.events["no_receipt_not_told"])
        self.assertEqual({}, world.ledger.imbalance())

    def test_account_removed(self) -> None:
        """Nobody is told about the messages of an account that is gone."""
        world = self.world("EXPIRED")
        world.relay.use({}, world.routes, world.mo, world.now)
        world.advance(700)
        self.assertEqual(0, world.ledger.made)
