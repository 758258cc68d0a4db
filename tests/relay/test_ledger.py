"""Tests of ``relay.ledger``: the counts that must add up."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.ledgers import together, told
from smppproxy.relay.ledger import Ledger
from smppproxy.store.interface import UNKNOWN
from smppproxy.words import LEDGER_FIELDS
from tests.support.memory_peers import World, submit


class LedgerTests(SynchronousTestCase):
    """The equations."""

    def test_begins_at_zero(self) -> None:
        """A new ledger is all zero and balanced."""
        ledger = Ledger()
        self.assertEqual({0}, set(ledger.as_dict().values()))
        self.assertEqual({*LEDGER_FIELDS, "in_flight", "parked", "queued"}, set(ledger.as_dict()))
        self.assertEqual({}, ledger.imbalance())

    def test_what_is_here_now(self) -> None:
        """in_flight, parked and queued follow from what came and went."""
        ledger = Ledger()
        ledger.submitted, ledger.accepted, ledger.refused, ledger.in_doubt = 10, 3, 2, 1
        self.assertEqual(4, ledger.in_flight)
        ledger.parked_in, ledger.parked_out, ledger.orphaned = 9, 4, 2
        self.assertEqual(3, ledger.parked)
        ledger.queued_before, ledger.matched = 5, 20
        ledger.unwanted, ledger.delivered, ledger.refused_by_client = 1, 7, 2
        ledger.expired, ledger.dropped = 3, 4
        self.assertEqual(8, ledger.queued)

    def test_every_wrong_count_shows(self) -> None:
        """A count too many on either side of an equation is named with its amount."""
        for field, name in (
            ("accepted", "submitted"),
            ("receipts_in", "receipts_in"),
            ("matched", "receipts_in"),
            ("duplicated", "receipts_in"),
            ("unreadable", "receipts_in"),
            ("withheld", "receipts_in"),
            ("quarantined", "receipts_in"),
            ("delivered", "queued"),
            ("parked_out", "parked"),
        ):
            ledger = Ledger()
            setattr(ledger, field, 2)
            self.assertEqual(2, abs(ledger.imbalance()[name]), field)

    def test_parked_before(self) -> None:
        """More unparked than were parked here: they came before, and the ledger still balances."""
        ledger = Ledger()
        ledger.receipts_in = ledger.parked_in = 2
        ledger.unpark(5)
        ledger.parked_out += 5
        ledger.matched += 5
        self.assertEqual((3, 0), (ledger.parked_before, ledger.parked))
        self.assertEqual({}, ledger.imbalance())
        ledger.receipts_in += 4
        ledger.parked_in += 4
        ledger.unpark(1)
        self.assertEqual(3, ledger.parked_before)

    def test_adrift(self) -> None:
        """Receipts in a call whose answer was lost may be missing in one count, no more."""
        ledger = Ledger()
        ledger.delivered = 2
        ledger.adrift(0)
        ledger.adrift(1)
        self.assertEqual({"queued": -1}, ledger.imbalance())
        ledger.adrift(1)
        self.assertEqual({}, ledger.imbalance())

    def test_events(self) -> None:
        """Named oddities are counted beside the fields."""
        ledger = Ledger()
        ledger.count("odd")
        ledger.count("odd", 2)
        self.assertEqual({"odd": 3}, dict(ledger.events))

    def test_adrift_of_another_node(self) -> None:
        """A receipt that another node parked, and that a call whose answer was lost released, is
        allowed for: the ledgers of both nodes balance together.
        """
        world = World()
        other = World(beside=world, node="other")
        client, upstream, elsewhere = world.client(), world.upstream(), other.client()
        client.receive(submit(1))
        (pdu,) = upstream.submits()
        other.upstream("b").receipt(b"x")
        self.assertEqual(1, other.ledger.parked)
        world.store.fail_next("record", UNKNOWN)
        upstream.accept((pdu, b"x"))
        world.advance(2)
        self.assertEqual(1, len(client.texts()) + len(elsewhere.texts()))
        rows = [{"node": each.store.inner._node, **told(each.ledger)} for each in world.nodes]
        *_, whole = together(rows)
        self.assertEqual({}, whole["imbalance"])
