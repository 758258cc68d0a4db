"""Tests of ``relay.spelling``: ids in mode auto (XC-02)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.message_ids import IdProfile
from smppproxy.smpp import constants as c
from tests.support.logs import logged
from tests.support.memory_peers import World, make_provider, submit


class SpellingTests(SynchronousTestCase):
    """A provider that answers in hex and writes receipts in padded decimal."""

    def test_xc02_auto(self) -> None:
        """XC-02: every receipt finds its message; after ten pairs that is certain, and told."""
        ids = IdProfile("auto", "auto", "auto")
        world = World(providers=[make_provider(ids=ids)])
        client, upstream = world.client(), world.upstream()
        events = logged(self)
        for number in range(0xABC000, 0xABC00C):
            client.receive(submit(number & 0xFF, b"4510%06d" % (number & 0xFF)))
            upstream.accept((upstream.submits()[0], b"%x" % number))
            upstream.receipt(b"%012d" % number, b"4510%06d" % (number & 0xFF))
            self.assertEqual(1, len(client.texts()))
        told = [event for event in events if event.get("event") == "ids_learned"]
        self.assertEqual(1, len(told))
        self.assertEqual(True, told[0]["certain"])
        self.assertIn("decimal", world.relay.learned()["p"])
        self.assertEqual({}, world.ledger.imbalance())

    def test_refused_and_again(self) -> None:
        """A refusal teaches nothing; another profile begins again; others are not watched."""
        world = World(providers=[make_provider(ids=IdProfile("auto", "auto", "auto"))])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2))
        first, second = upstream.submits()
        upstream.refuse(c.ESME_RINVDSTADR, first)
        upstream.accept((second, b"abcd"))
        before = world.relay._spellings._learner(upstream.provider)
        self.assertIs(before, world.relay._spellings._learner(upstream.provider))
        upstream.provider.ids = IdProfile("auto", "string", "auto")
        self.assertIsNot(before, world.relay._spellings._learner(upstream.provider))
        plain = World()
        plain.upstream().receipt(b"x")
        self.assertEqual({}, plain.relay.learned())
