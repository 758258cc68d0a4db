"""Tests of ``relay.shared``: parts of a client that get one id from their provider (XC-08)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay import shared
from smppproxy.relay.shared import Nameless, pack, unpack
from smppproxy.smpp.fields import walk_message
from smppproxy.store.records import RecordError
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    make_account,
    make_provider,
    part,
    submit,
)


def three_parts(**fields: Any) -> tuple[World, FakeClient, FakeUpstream]:
    """A world in which three parts were answered "", "", "77"."""
    world = World([make_account()], [make_provider(hosts="a")])
    client, upstream = world.client(), world.upstream()
    client.receive(*(part(number, 42, number, 3, **fields) for number in (1, 2, 3)))
    one, two, three = upstream.submits()
    upstream.accept((one, b""), (two, b""))
    upstream.accept((three, b"77"))
    return world, client, upstream


class SharedTests(SynchronousTestCase):
    """One receipt for 77 is three receipts for the client."""

    def test_xc08_three_receipts(self) -> None:
        """XC-08: parts answered "", "", "77" and one receipt for 77: three receipts."""
        world, client, upstream = three_parts()
        ids = sorted(message_id for _, _, message_id in client.responses())
        self.assertEqual([b"1000000001", b"1000000002", b"1000000003"], ids)
        upstream.receipt(b"77", stat=b"UNDELIV")
        texts = client.texts()
        self.assertEqual(ids, sorted(text[3:13] for text in texts))
        self.assertEqual([True] * 3, [b"stat:UNDELIV" in text for text in texts])
        self.assertEqual((0, 0), world.sizes())
        self.assertEqual((0, 3), (world.ledger.queued, world.ledger.delivered))
        self.assertEqual({}, world.ledger.imbalance())

    def test_only_who_asked(self) -> None:
        """Quirks 6: Kannel asks for a receipt on the first part only, and gets that one."""
        world = World([make_account()], [make_provider(hosts="a")])
        client, upstream = world.client(), world.upstream()
        client.receive(part(1, 42, 1), part(2, 42, 2, registered_delivery=0))
        one, two = upstream.submits()
        upstream.accept((one, b""), (two, b"77"))
        upstream.receipt(b"77")
        self.assertEqual([b"1000000001"], [text[3:13] for text in client.texts()])
        self.assertEqual({}, world.ledger.imbalance())

    def test_nobody_asked_for_this_one(self) -> None:
        """A receipt that the store passes on and no part wants ends there."""
        world, client, upstream = three_parts()
        self.patch(shared, "kind_of", lambda *_: 0)
        upstream.receipt(b"77")
        self.assertEqual([], client.texts())
        self.assertEqual(((0, 0), 1), (world.sizes(), world.ledger.unwanted))
        self.assertEqual({}, world.ledger.imbalance())

    def test_store_fails_while_sharing(self) -> None:
        """A store that does not take the copies leaves the receipt where it is; it comes later."""
        world, client, upstream = three_parts()
        world.store.fail_next("put_receipts")
        upstream.receipt(b"77")
        self.assertEqual([], client.texts())
        world.advance(90)
        self.assertEqual(3, len(client.texts()))
        self.assertEqual({}, world.ledger.imbalance())

    def test_unreadable_record(self) -> None:
        """What cannot be read goes to the dead letters, and holds nobody up."""
        world, client, upstream = three_parts()
        self.patch(shared, "unpack", lambda record: unpack(record[:-1]))
        upstream.receipt(b"77")
        self.assertEqual([], client.texts())
        self.assertEqual(1, world.ledger.events["dead_letter"])
        self.flushLoggedErrors()

    def test_other_messages_do_not_join(self) -> None:
        """Another reference, or no part at all, has nothing to do with it."""
        world = World([make_account()], [make_provider(hosts="a")])
        client, upstream = world.client(), world.upstream()
        client.receive(part(1, 41, 1), submit(2), part(3, 42, 2))
        one, two, three = upstream.submits()
        upstream.accept((one, b""), (two, b""), (three, b"77"))
        upstream.receipt(b"77")
        self.assertEqual([b"1000000003"], [text[3:13] for text in client.texts()])

    def test_references_come_round(self) -> None:
        """Parts of a minute ago were of another message with the same reference."""
        world = World([make_account()], [make_provider(hosts="a")])
        client, upstream = world.client(), world.upstream()
        client.receive(part(1, 42, 1))
        upstream.accept((upstream.submits()[0], b""))
        world.advance(61)
        client.receive(part(2, 42, 2))
        upstream.accept((upstream.submits()[0], b"77"))
        upstream.receipt(b"77")
        self.assertEqual([b"1000000002"], [text[3:13] for text in client.texts()])

    def test_forgotten_after_a_minute(self) -> None:
        """Parts that nobody names are remembered for a minute when there are many."""
        self.patch(shared, "MOST", 1)
        nameless = Nameless()
        world = World([make_account()], [make_provider(hosts="a")])
        client, upstream = world.client(), world.upstream()
        client.receive(part(1, 41, 1), part(2, 42, 1))
        window = upstream.session.window
        first, second = window.drain()
        self.assertFalse(nameless)
        nameless.wait(first, "p", world.now)
        nameless.wait(second, "p", world.now)
        self.assertEqual([[first]], [*nameless._waiting.values()])
        nameless.wait(second, "p", world.now + 61)
        self.assertEqual([[second]], [*nameless._waiting.values()])

    def test_records(self) -> None:
        """What is packed comes back; a cut record is an error at every octet but its borders."""
        origins = [(3, b"one"), (0, b""), (7, b"three")]
        record = pack(origins)
        self.assertEqual(origins, unpack(record))
        borders = {1, 1 + 3 + 3, 1 + 3 + 3 + 3, len(record)}
        for cut in range(1, len(record)):
            if cut not in borders:
                self.assertRaises(RecordError, unpack, record[:cut])
        self.assertEqual(6, len(walk_message(submit(1))))
