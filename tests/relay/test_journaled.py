"""Tests of what the relay does with a journal: ``relay.endings`` while the store is away."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.endings import PATIENCE
from smppproxy.smpp import constants as c
from smppproxy.store.interface import Mapping, StoreUnavailable
from smppproxy.store.journal import JournalError, NoJournal
from tests.support.memory_peers import World, submit


class Journal(NoJournal):
    """Keeps maps in a list; ``works`` says whether it does."""

    def __init__(self) -> None:
        super().__init__()
        self.works = True
        self.kept: list[tuple[bytes, list[Mapping], int, int]] = []

    def keep(
        self, provider: bytes, mappings: list[Mapping], ttl: int, final_ttl: int
    ) -> Deferred[None]:
        """As the contract says."""
        if not self.works:
            return fail(JournalError("full"))
        self.kept.append((provider, mappings, ttl, final_ttl))
        return succeed(None)


class JournaledTests(SynchronousTestCase):
    """A store that is away for longer than its patience, and a journal."""

    def setUp(self) -> None:
        self.journal = Journal()
        self.world = World(maps=self.journal)
        self.client, self.upstream = self.world.client(), self.world.upstream()

    def accept_without_store(self) -> None:
        """The provider takes a message, the store is away."""
        self.client.receive(submit(1))
        self.world.store.go_away()
        self.upstream.accept((self.upstream.submits()[0], b"x"))
        self.assertEqual([], self.client.responses())
        self.world.advance(PATIENCE + 2.0)

    def test_kept_and_answered(self) -> None:
        """Reading 4: the client gets its id once the map is kept, and not before 5 s are over."""
        self.accept_without_store()
        ((_, status, message_id),) = self.client.responses()
        self.assertEqual(0, status)
        ((provider, (mapping,), ttl, final_ttl),) = self.journal.kept
        known = self.world.providers["p"]
        self.assertEqual((b"p", known.mapping_ttl, known.final_ttl), (provider, ttl, final_ttl))
        self.assertEqual(b"x", mapping.key)
        self.assertEqual((1, 0), (self.world.ledger.accepted, self.world.ledger.in_doubt))
        self.assertEqual(1, self.world.ledger.events["journaled"])
        self.assertEqual({}, self.world.ledger.imbalance())
        self.replay_finds_what_came_meanwhile(message_id)

    def replay_finds_what_came_meanwhile(self, message_id: bytes) -> None:
        """The receipt that was parked before the replay goes to the client after it, once."""
        self.world.store.come_back()
        self.upstream.receipt(b"x")
        self.assertEqual([], self.client.deliveries())
        for _ in range(2):
            self.successResultOf(self.world.relay.replay_maps(*self.journal.kept[0]))
        (pdu,) = self.client.deliveries()
        self.assertIn(b"id:" + message_id, pdu.raw)
        self.assertEqual({}, self.world.ledger.imbalance())

    def test_no_receipt_before_the_answer(self) -> None:
        """The store has the map all the same, and is back before the journal has written: the
        receipt waits for the answer, on the only session of the account too (quirks 5.4).
        """
        writing: Deferred[None] = Deferred()
        kept = self.journal.keep
        self.patch(self.journal, "keep", lambda *maps: kept(*maps) and writing)
        self.accept_without_store()
        self.world.store.come_back()
        self.successResultOf(self.world.relay.replay_maps(*self.journal.kept[0]))
        self.upstream.receipt(b"x")
        self.world.advance(1.0)
        self.assertEqual(([], []), (self.client.responses(), self.client.deliveries()))
        writing.callback(None)
        self.assertEqual(1, len(self.client.responses()))
        self.world.advance(1.0)
        self.assertEqual(1, len(self.client.deliveries()))

    def test_replay_while_the_store_is_away(self) -> None:
        """Fails as the store does, so that the journal tries again."""
        self.accept_without_store()
        again: Any = self.world.relay.replay_maps(*self.journal.kept[0])
        self.world.advance(PATIENCE + 2.0)
        self.failureResultOf(again, StoreUnavailable)

    def test_neither_store_nor_journal(self) -> None:
        """0xFF: nobody knows the way back of its receipt."""
        self.journal.works = False
        self.accept_without_store()
        self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], self.client.responses())
        self.assertEqual(1, self.world.ledger.events["unrecorded"])
        self.assertEqual(1, self.world.ledger.in_doubt)

    def test_f94_blocked(self) -> None:
        """While the journal cannot be written new submits get 0x08 and reach no provider."""
        self.journal.blocked = True
        self.client.receive(submit(1), submit(2))
        refused = [(number, c.ESME_RSYSERR, b"") for number in (1, 2)]
        self.assertEqual(refused, self.client.responses())
        self.assertEqual([], self.upstream.submits())
        self.assertEqual(2, self.world.ledger.events["journal_blocked"])
        self.journal.blocked = False
        self.client.receive(submit(3))
        self.assertEqual(1, len(self.upstream.submits()))
