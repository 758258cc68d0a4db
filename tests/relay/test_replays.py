"""Tests of ``relay.replays``: what has no owner finds one after all."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts.message_ids import IdProfile
from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.relay import replays
from smppproxy.relay.replays import COUNTS, KINDS, Filter
from smppproxy.routing.mo import MoRoute, MoTable
from smppproxy.store.interface import StoreUnavailable
from smppproxy.store.leftovers import UNROUTED
from tests.support.memory_peers import (
    DESTINATION,
    FakeClient,
    FakeUpstream,
    World,
    make_account,
    make_provider,
    mo,
    receipt,
    submit,
)

OTHER = b"4587654321"


class ReplayCase(SynchronousTestCase):
    """One account, one provider, whose settings a test may change."""

    world: World
    client: FakeClient
    upstream: FakeUpstream

    def start(self, **fields: Any) -> None:
        self.world = World([make_account(), make_account("two")], [make_provider(**fields)])
        self.client, self.upstream = self.world.client(), self.world.upstream()

    def tearDown(self) -> None:
        self.assertEqual({}, self.world.ledger.imbalance())

    def change(self, mo_routes: list[MoRoute] | None = None, **fields: Any) -> None:
        """Another version of the network."""
        world = self.world
        providers = {
            name: attrs.evolve(provider, **fields) for name, provider in world.providers.items()
        }
        table = MoTable(mo_routes or [])
        world.relay.use(world.accounts, world.routes, table, world.now, providers)

    def sent(self, message_id: bytes) -> bytes:
        """A message that the provider accepted under this id; our id of it."""
        self.client.receive(submit(1))
        (pdu,) = self.upstream.submits()
        self.upstream.accept((pdu, message_id))
        ((_, _, ours),) = self.client.responses()
        return ours

    def replay(self, kind: str, where: Filter = replays.EVERYTHING, **more: Any) -> dict[str, int]:
        """The counts that are not 0."""
        counts = self.successResultOf(self.world.relay.replays.replay(kind, where, **more))
        self.assertEqual(set(COUNTS), set(counts))
        self.assertEqual(
            counts["selected"], sum(counts[name] for name in COUNTS[2:]), "each has one outcome"
        )
        return {name: count for name, count in counts.items() if count}

    def listed(self, kind: str, count: int = 100, **where: Any) -> list[dict[str, Any]]:
        return self.successResultOf(self.world.relay.replays.listed(kind, count, Filter(**where)))


class QuarantineTests(ReplayCase):
    """D7, reading 18."""

    def quarantined(self) -> bytes:
        """A receipt with its addresses as submitted, of a provider that is set up otherwise."""
        self.start()
        ours = self.sent(b"x")
        self.upstream.receive(receipt(1, b"x", b"shop", destination_addr=DESTINATION))
        self.assertEqual([], self.client.unseen)
        self.assertEqual(1, self.world.ledger.quarantined)
        return ours

    def test_d7_listed(self) -> None:
        """What an operator sees of it."""
        self.quarantined()
        (row,) = self.listed("quarantine")
        self.assertEqual(
            {
                "id": row["id"],
                "provider": "p",
                "arrived": int(self.world.unix()),
                "reason": "destination",
                "message_ids": ["x"],
                "number": "shop",
                "state": "DELIVRD",
                "stat": "DELIVRD",
                "final": True,
                "host": "a",
                "readable": True,
            },
            row,
        )

    def test_d7_nothing_has_changed(self) -> None:
        """As long as it does not fit it stays, whether it is tried or done."""
        self.quarantined()
        for dry_run in (True, False):
            counts = self.replay("quarantine", dry_run=dry_run)
            self.assertEqual({"looked": 1, "selected": 1, "left": 1}, counts)
        self.assertEqual(1, len(self.listed("quarantine")))

    def test_d7_after_the_settings_were_mended(self) -> None:
        """Read again with other settings it fits; it goes home once."""
        ours = self.quarantined()
        self.change(receipt=ReceiptProfile(addresses="as_submitted"))
        found = {"looked": 1, "selected": 1, "queued": 1}
        self.assertEqual(found, self.replay("quarantine", dry_run=True))
        self.assertEqual([], self.client.unseen)
        self.assertEqual(found, self.replay("quarantine"))
        (text,) = self.client.texts()
        self.assertIn(b"id:%b " % ours, text)
        self.assertEqual({}, self.replay("quarantine"))
        self.assertEqual(1, self.world.ledger.replayed)

    def test_d7_forced_one_by_one(self) -> None:
        """An operator who knows better names the receipt by its id."""
        ours = self.quarantined()
        (row,) = self.listed("quarantine")
        where = Filter(entry_id=row["id"])
        counts = self.replay("quarantine", where, force=True)
        self.assertEqual({"looked": 1, "selected": 1, "queued": 1}, counts)
        self.assertIn(b"id:%b " % ours, self.client.texts()[0])

    def test_d7_never_forced_by_the_dozen(self) -> None:
        """Without an id, or of MO messages, nothing is forced."""
        self.start()
        every = self.world.relay.replays
        for kind, where in (("quarantine", Filter()), ("unrouted", Filter(entry_id="1"))):
            self.failureResultOf(every.replay(kind, where, force=True), ValueError)

    def test_d7_receipts_without_their_pdu(self) -> None:
        """One that was too long to be kept and one of a provider that is gone stay as they are."""
        self.quarantined()
        self.change(receipt=ReceiptProfile(addresses="as_submitted"))
        stray = self.world.shared.quarantine[0]
        self.world.shared.quarantine = [
            attrs.evolve(stray, arrival=attrs.evolve(stray.arrival, raw=b"", receipt=b"?")),
            attrs.evolve(stray, provider=b"gone", entry_id=b"1-1"),
        ]
        self.assertEqual({"looked": 2, "selected": 2, "left": 2}, self.replay("quarantine"))
        self.assertEqual(
            ["p", "gone"], [row["provider"] for row in self.listed("quarantine")][::-1]
        )

    def test_d7_no_receipt_any_more(self) -> None:
        """What the settings of now take for no receipt, or cannot read, is matched as it was."""
        self.start(receipt=ReceiptProfile(detect_by_text=True))
        self.sent(b"x")
        self.upstream.receive(receipt(1, b"x", b"shop", esm_class=0))
        self.change(receipt=ReceiptProfile())
        self.assertEqual({"looked": 1, "selected": 1, "left": 1}, self.replay("quarantine"))
        stray = self.world.shared.quarantine[0]
        self.world.shared.quarantine = [
            attrs.evolve(stray, arrival=attrs.evolve(stray.arrival, raw=stray.arrival.raw[:30]))
        ]
        self.assertEqual({"looked": 1, "selected": 1, "left": 1}, self.replay("quarantine"))

    def test_xc05_by_our_own_reference(self) -> None:
        """A provider that repeats our reference: it is read again as well."""
        self.quarantined()
        self.change(receipt=ReceiptProfile(addresses="as_submitted"), reference_echo=True)
        self.assertEqual({"looked": 1, "selected": 1, "queued": 1}, self.replay("quarantine"))

    def test_d3_it_came_home_by_itself_meanwhile(self) -> None:
        """Then it leaves the quarantine and nobody gets it twice."""
        self.quarantined()
        self.upstream.receipt(b"x")
        self.assertEqual(1, len(self.client.texts()))
        self.change(receipt=ReceiptProfile(addresses="as_submitted"))
        counts = self.replay("quarantine")
        self.assertEqual({"looked": 1, "selected": 1, "duplicate": 1}, counts)
        self.assertEqual([], self.client.unseen)


class StrayTests(ReplayCase):
    """Receipts that never found their message (D5)."""

    def test_d5_ids_spelled_otherwise(self) -> None:
        """Parked receipts find their message once the provider's spelling is known."""
        self.start()
        ours = self.sent(b"39f99dd5")
        self.upstream.receipt(b"0972660181")
        self.assertEqual(1, self.world.ledger.parked)
        self.change(ids=IdProfile(resp="hex", receipt_text="dec", receipt_tlv="dec"))
        counts = self.replay("parked")
        self.assertEqual({"looked": 1, "selected": 1, "queued": 1}, counts)
        self.assertEqual(0, self.world.ledger.parked)
        self.assertIn(b"id:%b " % ours, self.client.texts()[0])

    def test_d5_orphans(self) -> None:
        """Those that were parked for 48 h too, as long as the message is known."""
        self.start()
        self.sent(b"39f99dd5")
        self.upstream.receipt(b"0972660181")
        self.upstream.receipt(b"1")
        self.world.clock.advance(172_801)
        self.world.relay.tick(self.world.now)
        self.change(ids=IdProfile(resp="hex", receipt_text="dec", receipt_tlv="dec"))
        self.assertEqual(
            ["1", "0972660181"], [row["message_ids"][0] for row in self.listed("orphans")]
        )
        counts = self.replay("orphans")
        self.assertEqual({"looked": 2, "selected": 2, "queued": 1, "left": 1}, counts)

    def test_d5_filters(self) -> None:
        """By provider, time, number and id; both ends of a time."""
        self.start()
        began = self.world.unix()
        for number, destination in enumerate((DESTINATION, OTHER, DESTINATION)):
            self.upstream.receipt(b"%d" % number, destination)
            self.world.clock.advance(10)
        self.assertEqual(3, len(self.listed("parked")))
        self.assertEqual(2, len(self.listed("parked", 2)))
        for where, expected in (
            ({"provider": "p"}, 3),
            ({"provider": "q"}, 0),
            ({"since": began + 10}, 2),
            ({"until": began + 10}, 1),
            ({"since": began + 10, "until": began + 20}, 1),
            ({"number": OTHER.decode()}, 1),
            ({"number": "+" + OTHER.decode()}, 1),
            ({"number": "12"}, 0),
            ({"entry_id": self.listed("parked")[0]["id"]}, 1),
        ):
            self.assertEqual(expected, len(self.listed("parked", **where)), where)
            counts = self.replay("parked", Filter(**where), dry_run=True)
            self.assertEqual(expected, counts.get("left", 0))
            self.assertEqual(3, counts["looked"])

    def test_page_by_page(self) -> None:
        """However many there are, oldest first."""
        self.patch(replays, "PAGE", 3)
        self.patch(replays, "BATCH", 2)
        self.start()
        for number in range(7):
            self.upstream.receipt(b"%d" % number)
        self.assertEqual({"looked": 7, "selected": 7, "left": 7}, self.replay("parked"))
        self.assertEqual(5, len(self.listed("parked", 5)))

    def test_kinds(self) -> None:
        """Another kind is named with those that there are; the four are empty at first."""
        self.start()
        for kind in KINDS:
            self.assertEqual([], self.listed(kind))
            self.assertEqual({}, self.replay(kind))
        failed: Deferred[Any] = self.world.relay.replays.replay("receipts")
        self.assertIn("orphans, quarantine", str(self.failureResultOf(failed, ValueError).value))

    def test_store_away(self) -> None:
        """The caller is told."""
        self.start()
        self.world.store.go_away()
        self.failureResultOf(self.world.relay.replays.listed("orphans"), StoreUnavailable)


def part(number: int, text: bytes) -> bytes:
    """A part of a long MO."""
    return mo(number, esm_class=0x40, short_message=bytes((5, 0, 3, 7, 2, number)) + text)


class UnroutedTests(ReplayCase):
    """MO messages for nobody."""

    def test_sx23_routed_again(self) -> None:
        """Listed with where it would go now; once there is a route it goes there, once."""
        self.start()
        self.upstream.receive(mo(1), mo(2, b"999"))
        self.assertEqual(["", ""], [row["route"] for row in self.listed("unrouted")])
        self.assertEqual({"looked": 2, "selected": 2, "left": 2}, self.replay("unrouted"))
        self.change([MoRoute(accounts=("acme", "two"), numbers=frozenset({"1234"}))])
        (last, first) = self.listed("unrouted")
        self.assertEqual(("999", "acme, two"), (last["number"], first["route"]))
        self.assertEqual(DESTINATION.decode(), first["source"])
        counts = {"looked": 2, "selected": 2, "queued": 1, "left": 1}
        self.assertEqual(counts, self.replay("unrouted", dry_run=True))
        self.assertEqual([], self.client.unseen)
        self.assertEqual(counts, self.replay("unrouted"))
        self.assertEqual([b"STOP"], self.client.texts())
        self.assertEqual((1, 0), self.world.sizes("two", b"m:"))
        self.assertEqual({"looked": 1, "selected": 1, "left": 1}, self.replay("unrouted"))

    def test_dropped(self) -> None:
        """A route that drops empties the list."""
        self.start()
        self.upstream.receive(mo(1))
        self.change([MoRoute(drop=True)])
        self.assertEqual("dropped", self.listed("unrouted")[0]["route"])
        for dry_run in (True, False):
            counts = self.replay("unrouted", dry_run=dry_run)
            self.assertEqual({"looked": 1, "selected": 1, "dropped": 1}, counts)
        self.assertEqual([], self.listed("unrouted"))

    def test_by_sender_or_receiver(self) -> None:
        """A number is found at either end."""
        self.start()
        self.upstream.receive(mo(1), mo(2, b"457099", source_addr=OTHER))
        self.assertEqual(
            ["457099"], [row["number"] for row in self.listed("unrouted", number=OTHER.decode())]
        )
        self.assertEqual(1, len(self.listed("unrouted", number="457099")))

    def test_parts_together(self) -> None:
        """All parts of a long message follow its first one's keyword, whatever their order."""
        self.start()
        self.upstream.receive(part(2, b"two"), part(1, b"WIN one"))
        self.change([MoRoute("acme", keywords=frozenset({"WIN"}))])
        counts = self.replay("unrouted")
        self.assertEqual({"looked": 2, "selected": 2, "queued": 2}, counts)
        self.assertEqual([b"WIN one", b"two"], [text[6:] for text in self.client.texts()])

    def test_a_part_alone(self) -> None:
        """Without its first one it goes as a message without keyword, or stays."""
        self.start()
        self.upstream.receive(part(2, b"two"))
        word = MoRoute("two", keywords=frozenset({"WIN"}))
        self.change([word])
        self.assertEqual({"looked": 1, "selected": 1, "left": 1}, self.replay("unrouted"))
        self.assertEqual("", self.listed("unrouted")[0]["route"])
        self.change([word, MoRoute("acme")])
        self.assertEqual({"looked": 1, "selected": 1, "queued": 1}, self.replay("unrouted"))
        self.assertEqual(1, len(self.client.texts()))

    def test_two_operators(self) -> None:
        """Who comes second finds it gone; the message is there once."""
        self.start()
        self.upstream.receive(mo(1))
        self.change([MoRoute("acme")])
        self.world.store.hold("put_messages")
        one, two = [self.world.relay.replays.replay("unrouted") for _ in range(2)]
        self.world.store.release()
        self.assertEqual((1, 0), (self.successResultOf(one)["queued"], 0))
        self.assertEqual(1, self.successResultOf(two)["gone"])
        self.assertEqual([b"STOP"], self.client.texts())

    def test_still_unrouted_by_the_others(self) -> None:
        """A part whose message went to nobody stays with it."""
        self.start()
        self.change([MoRoute("two", keywords=frozenset({"WIN"}))])
        self.upstream.receive(part(1, b"hello"), part(2, b"there"))
        counts = self.replay("unrouted")
        self.assertEqual({"looked": 2, "selected": 2, "left": 2}, counts)

    def test_records_of_before(self) -> None:
        """What cannot be read stays, and is listed without its numbers."""
        self.start()
        self.world.shared.append(UNROUTED, b"", b"no record")
        self.change([MoRoute("acme")])
        self.assertEqual({"looked": 1, "selected": 1, "left": 1}, self.replay("unrouted"))
        (row,) = self.listed("unrouted")
        self.assertEqual(("", "", ""), (row["source"], row["number"], row["route"]))
        self.assertEqual([], self.listed("unrouted", number="1"))
