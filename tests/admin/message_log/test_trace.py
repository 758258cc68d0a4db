"""Where a message went: by any of its names, over files, nodes and what the store holds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.message_log import search
from smppproxy.admin.message_log.search import Search, hits, merged
from smppproxy.admin.message_log.trace import Tracer, ids_of, queue_hop
from smppproxy.smpp import constants as c
from smppproxy.store.interface import Entry, StoreUnavailable
from tests.support.memory_peers import World, make_account, submit
from tests.support.message_log import LoggedWorld

TO = b"4510203040"


class TraceCase(SynchronousTestCase):
    """A world whose message log is written into files of a few lines."""

    def begin(self, **account: Any) -> None:
        """A client, a bind, and a tracer of its node."""
        self.world = World([make_account(**account)])
        self.log = LoggedWorld(self.world)
        self.client = self.world.client()
        self.upstream = self.world.upstream()
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.number = 0
        self.tracer = self.tracer_of(str(self.folder))

    def tracer_of(self, folder: str) -> Tracer:
        """As a node with this folder has it; its thread is this one."""
        store: Any = self.world.store
        return Tracer(
            folder,
            "node1",
            store,
            maybeDeferred,
            lambda: self.world.accounts,
            lambda: self.world.providers,
        )

    def write(self, packed: bool = False) -> None:
        """What happened since the last time is another file."""
        events = self.log.take()
        data = b"".join(json.dumps(event).encode() + b"\n" for event in events)
        self.number += 1
        path = self.folder / f"messages-{self.number:08d}-20231114T221320Z.jsonl"
        if packed:
            path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(data))
        else:
            path.write_bytes(data + b'{"half of a li')

    def send(self, message_id: bytes, to: bytes = TO, **fields: Any) -> str:
        """One accepted message; its client_message_id."""
        self.client.receive(submit(1, to, **fields))
        self.upstream.accept(*[(pdu, message_id) for pdu in self.upstream.submits()])
        ((_, _, client_message_id),) = self.client.responses()
        return client_message_id.decode()

    def whole(self, message_id: bytes, to: bytes = TO, **fields: Any) -> str:
        """One message to its last event, over three files."""
        ours = self.send(message_id, to, **fields)
        self.write(packed=True)
        self.world.advance(2)
        self.upstream.receipt(message_id, to)
        self.write()
        self.world.advance(2)
        self.client.acknowledge(self.client.deliveries())
        self.write()
        return ours

    def hops(self, query: str, limit: int = 10) -> list[str]:
        """The names of what a trace finds."""
        return [hop["event"] for hop in self.successResultOf(self.tracer.trace(query, limit))]


class TracerTests(TraceCase):
    """What is found, and by what."""

    def test_by_each_of_its_names(self) -> None:
        """Our id, the provider's, the client's reference and a number lead to the whole journey,
        newest first, over old and compressed files, then to what the store holds.
        """
        self.begin()
        tlvs = ((c.TLV_USER_MESSAGE_REFERENCE, b"order-7"),)
        ours = self.whole(b"6000", tlvs=tlvs)
        self.whole(b"6001", b"4511111111")
        journey = ["delivered", "receipt", "accepted"]
        for query in (ours, "6000", "order-7"):
            self.assertEqual(self.hops(query), [*journey, "map"], query)
        self.assertEqual(self.hops(TO.decode()), [*journey, "map"])
        self.assertEqual(self.hops("shop"), [*journey * 2, "map", "map"])
        for nothing in ("600", "", "60000", "no such thing"):
            self.assertEqual(self.hops(nothing), [])

    def test_the_newest_only(self) -> None:
        """So many messages and no more, each with all of its hops."""
        self.begin()
        for number in range(5):
            self.whole(b"600%d" % number)
        found = self.successResultOf(self.tracer.trace("shop", 2))
        self.assertEqual(set(ids_of(found, 9)) & {"6004", "6003", "6002"}, {"6004", "6003"})
        self.assertEqual([hop["event"] for hop in found].count("accepted"), 2)

    def test_what_the_store_holds(self) -> None:
        """A receipt that waits for its client, parked, orphaned and quarantined ones."""
        self.begin()
        ours = self.send(b"6000")
        self.client.lose()
        self.upstream.receipt(b"6000", TO)
        self.upstream.receipt(b"6000", b"4599999999")
        self.upstream.receipt(b"early", TO)
        stored = self.successResultOf(self.tracer.stored({ours, "6000"}))
        by_name = {hop["event"]: hop for hop in stored}
        self.assertEqual(set(by_name), {"map", "queued", "quarantine"})
        self.assertEqual(by_name["map"]["message_states"], ["DELIVRD"])
        self.assertEqual(by_name["map"]["client_message_id"], ours)
        self.assertEqual(by_name["queued"]["message_state"], "DELIVRD")
        self.assertTrue(by_name["queued"]["time"])
        self.assertEqual(by_name["quarantine"]["reason"], "destination")
        (parked,) = self.successResultOf(self.tracer.stored({"early"}))
        self.assertEqual((parked["event"], parked["provider"]), ("parked", "p"))

    def test_mg31_masked_numbers(self) -> None:
        """An account with mask_numbers shows no whole number here either; its ids still lead."""
        self.begin(mask_numbers=True)
        ours = self.whole(b"6000")
        found = self.successResultOf(self.tracer.trace(ours, 9))
        self.assertEqual(len(found), 4)
        self.assertNotIn(TO.decode(), json.dumps(found))
        self.assertEqual({hop["destination_addr"] for hop in found}, {"4510***"})

    def test_over_nodes(self) -> None:
        """A node that only brought the receipt home is found by the ids that another one told."""
        self.begin()
        ours = self.send(b"6000")
        self.write()
        here = self.folder
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.upstream.receipt(b"6000", TO)
        self.log.take()
        self.world.advance(1)
        self.client.acknowledge(self.client.deliveries())
        self.write()
        first = self.tracer_of(str(here))
        second = self.tracer_of(str(self.folder))
        found = self.successResultOf(first.logged({TO.decode()}, 9))
        also = self.successResultOf(second.logged({*ids_of(found, 9)}, 9))
        self.assertEqual([hop["event"] for hop in merged(found, also)], ["delivered", "accepted"])
        self.assertEqual({hop["client_message_id"] for hop in (*found, *also)}, {ours})

    def test_without_a_log(self) -> None:
        """A node without a message log has no hops of its own."""
        self.begin()
        self.send(b"6000")
        found = self.successResultOf(self.tracer_of("").trace("6000", 9))
        self.assertEqual([hop["event"] for hop in found], ["map"])

    def test_store_away(self) -> None:
        """Then it is said that the store could not be asked."""
        self.begin()
        self.world.store.go_away()
        self.failureResultOf(self.tracer.stored({"6000"}), StoreUnavailable)


class SearchTests(TraceCase):
    """The work is bounded, and what is odd does no harm."""

    def test_too_much(self) -> None:
        """A search that would take too long ends, and says so."""
        self.begin()
        self.whole(b"6000")
        for name in ("MOST_OCTETS", "MOST_SECONDS"):
            self.patch(search, name, -1)
            hops = self.hops("6000")
            self.assertIn("cut", hops)
            self.assertIn("map", hops)

    def test_odd_lines(self) -> None:
        """Lines that are no events are passed over."""
        self.begin()
        path = self.folder / "messages-00000001-20231114T221320Z.jsonl"
        good = {"event": "accepted", "client_message_id": "1"}
        odd: list[dict[str, Any]] = [
            {"client_message_id": ["1"], "source_addr": "1"},
            {"client_message_id": "1", "provider_message_ids": 5, "destination_addr": "1"},
            {"client_message_id": "1", "provider_message_ids": [{}]},
            {"provider_message_id": 1, "source_addr": "1"},
        ]
        lines = [b'"1"', b'["1"]', b'{"1"', b'"1"' + 100_000 * b"["]
        lines += [json.dumps(event).encode() for event in [*odd, good]]
        path.write_bytes(b"\n".join(lines) + b"\n")
        self.assertEqual(Search(str(self.folder)).run({"1"}, 9).events, [good])

    def test_hits(self) -> None:
        """Each line with one of the words, once, in their order."""
        block = b"one\ntwo one one\nthree\none two\n"
        self.assertEqual(list(hits(block, [b"two", b"one"])), [b"one", b"two one one", b"one two"])
        self.assertEqual(list(hits(block, [b"four"])), [])

    def test_records_that_cannot_be_read(self) -> None:
        """What is queued and unreadable is shown as far as it goes."""
        hop = queue_hop("acme", Entry(b"r:acme", b"x", 0, b"?", b"?"))
        self.assertEqual(hop, {"event": "queued", "account": "acme"})
