"""Rows of whole reads: each message of one is told by its own account's rules, as if alone."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.message_log import lines, parties, rows
from smppproxy.admin.message_log.facts import Facts, shared
from smppproxy.admin.message_log.lines import Lines
from smppproxy.admin.message_log.tally import Tally
from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.receipts.receipt import read_receipt
from smppproxy.relay import journal
from smppproxy.relay import shared as several
from smppproxy.routing.mo import MoRoute
from smppproxy.smpp import constants as c
from smppproxy.smpp.framing import Framer
from smppproxy.store.interface import QUEUED, Arrival, Matched
from smppproxy.store.records import Origin, ReceiptRecord
from tests.support.memory_peers import World, make_account, mo, submit
from tests.support.memory_peers import receipt as deliver_sm
from tests.support.message_log import LoggedWorld

NOW = 1_700_000_000
TO = b"4510203040"


def origin(message_id: bytes, to: bytes = TO, reference: bytes | None = None) -> bytes:
    """What is kept of a submit_sm."""
    return Origin(message_id, 5, 0, b"a 100% \xe9", 1, 1, to, 1, NOW, reference, 0x34).pack()


def receipt(message_id: bytes = b"u1", final: bool = True) -> bytes:
    """What a receipt said."""
    return ReceiptRecord(
        2, b"DELIVRD", b"000", NOW, 1, 1, b"text", b"", final, b"p/a", message_id
    ).pack()  # fmt: skip


class AccountsTests(SynchronousTestCase):
    """Messages of several accounts whose answers and receipts come in one read."""

    def setUp(self) -> None:
        self.wishes = {
            "plain": make_account("plain"),
            "masked": make_account("masked", mask_numbers=True),
            "off": make_account("off", message_log="off"),
            "full": make_account("full", message_log="full"),
        }
        routes = [MoRoute("plain", frozenset({"1234"}))]
        self.world = World(self.wishes.values(), mo_routes=routes)
        self.log = LoggedWorld(self.world)
        self.clients = [self.world.client(name) for name in self.wishes]
        self.upstream = self.world.upstream()

    def submits(self) -> None:
        """One message of each account, taken in one read, in that order."""
        for number, client in enumerate(self.clients, 1):
            client.receive(submit(number, TO, short_message=b"said"))
        self.upstream.accept(*[
            (pdu, b"u%d" % number) for number, pdu in enumerate(self.upstream.submits())
        ])

    def test_each_by_its_own_rules(self) -> None:
        """Off leaves no line, masked no whole number, full its text, in the order of the read."""
        self.submits()
        events = self.log.take()
        self.assertEqual([each["account"] for each in events], ["plain", "masked", "full"])
        self.assertEqual([each["provider_message_id"] for each in events], ["u0", "u1", "u3"])
        numbers = [each["destination_addr"] for each in events]
        self.assertEqual(numbers, ["4510203040", "4510***", "4510203040"])
        self.assertEqual([each.get("text") for each in events], [None, None, "said"])
        self.assertEqual([each["sequence_number"] for each in events], [1, 2, 4])

    def test_receipts_too(self) -> None:
        """Likewise their receipts; every account is counted, whatever it leaves."""
        self.submits()
        self.log.take()
        raw = [arriving(number, b"u%d" % number) for number in range(4)]
        self.upstream.receive(*raw)
        events = self.log.take()
        self.assertEqual([each["account"] for each in events], ["plain", "masked", "full"])
        numbers = [each["destination_addr"] for each in events]
        self.assertEqual(numbers, ["4510203040", "4510***", "4510203040"])
        counts = {count[1:]: number for count, number in self.log.counts().items()}
        for name in self.wishes:
            self.assertEqual(counts[name, "p", "45", "ESME_ROK"], 1)
            self.assertEqual(counts[name, "p", "45", "DELIVRD"], 1)
        for client in self.clients:
            client.acknowledge(client.deliveries())
        taken = self.log.take()
        self.assertEqual([each["account"] for each in taken], ["plain", "masked", "full"])
        numbers = [each["destination_addr"] for each in taken]
        self.assertEqual(numbers, ["4510203040", "4510***", "4510203040"])

    def test_mixed_deliveries(self) -> None:
        """A receipt that is taken beside an MO message that is refused: two lines, in order."""
        client = self.clients[0]
        client.receive(submit(8, TO), submit(9, TO))
        self.upstream.accept(*[
            (pdu, b"u%d" % number) for number, pdu in enumerate(self.upstream.submits())
        ])
        self.upstream.receive(arriving(0, b"u0"), arriving(1, b"u1"), mo(2))
        first, second, third = client.deliveries()
        self.log.take()
        client.acknowledge([first])
        (alone,) = self.log.take()
        client.receive(
            answer(second.sequence_number, 0), answer(third.sequence_number, c.ESME_RINVDSTADR)
        )
        beside, refused = self.log.take()
        self.assertEqual((beside["event"], refused["event"]), ("delivered", "delivery_refused"))
        self.assertEqual(list(alone), list(beside))
        self.assertEqual(alone["kind"], beside["kind"])


def answer(sequence_number: int, status: int) -> bytes:
    """A deliver_sm_resp."""
    head = (17, c.DELIVER_SM_RESP, status, sequence_number)
    return b"".join(each.to_bytes(4, "big") for each in head) + b"\0"


def arriving(number: int, message_id: bytes) -> bytes:
    """A receipt from the provider."""
    return deliver_sm(number + 50, message_id, TO)


class RowTests(SynchronousTestCase):
    """One row of many messages, as the scribe has it."""

    def setUp(self) -> None:
        self.tally = Tally()
        self.lines = Lines("node1", self.tally)
        self.lines.add((rows.TIME, float(NOW)))
        self.lines.add((rows.CLIENT, 0, "acme", "192.0.2.1", "acme#100% sure"))
        self.lines.add((rows.BIND, 1, "p", "a", "p/a/1", "192.0.2.2"))

    def events(self) -> list[dict[str, Any]]:
        """Of the lines so far."""
        return [json.loads(line) for line in self.lines.take()]

    def accepted(self, *origins: bytes, rest: Any = None) -> list[dict[str, Any]]:
        """So many messages."""
        count = len(origins)
        numbers, ids = tuple(range(count)), (b"u",) * count
        self.lines.add((rows.ACCEPTED, 2.0, 0, 1, "r", 1.5, rest, numbers, origins, ids))
        return self.events()

    def test_texts_of_others(self) -> None:
        """Percent signs, spaces and octets beyond ASCII stand as they came."""
        (event,) = self.accepted(origin(b"1"))
        self.assertEqual(event["session"], "acme#100% sure")
        self.assertEqual((event["source_addr"], event["latency"]), ("a 100% \xe9", 0.5))
        self.assertEqual((event["parts"], event["route"]), (1, "r"))

    def test_one_of_several_that_are_stored_together(self) -> None:
        """A message whose map holds other messages too is told as itself."""
        together = several.pack([(1, origin(b"7")), (1, origin(b"8"))])
        found = self.accepted(origin(b"6"), together)
        self.assertEqual([each["client_message_id"] for each in found], ["6", "8"])

    def test_references(self) -> None:
        """A read in which one message has a user_message_reference: that one alone tells it."""
        found = self.accepted(origin(b"6", reference=b"order-7\0"), origin(b"7"))
        references = [each.get("user_message_reference") for each in found]
        self.assertEqual(references, ["order-7", None])

    def test_what_was_passed_over(self) -> None:
        """Likewise what only one of them went through."""
        rest = ((0, (), None), (1, (("p", "away", ""),), None))
        first, second = self.accepted(origin(b"6"), origin(b"7"), rest=rest)
        self.assertEqual(first.keys() & {"resent", "skipped"}, set())
        self.assertEqual((second["resent"], second["skipped"]), (True, [["p", "away", ""]]))

    def test_a_record_that_cannot_be_read(self) -> None:
        """The deliveries beside it are told."""
        for bad in (
            (origin(b"1") + b"x", receipt()),
            (b"\1\2", receipt()),
            (origin(b"1"), b"\2"),
        ):
            columns = zip(bad, (origin(b"2"), receipt()), strict=True)
            self.lines.add((rows.DELIVERED, 2.0, 0, (1, 2), 1, *columns))
            (event,) = self.events()
            self.assertEqual((event["sequence_number"], event["client_message_id"]), (2, "2"))

    def test_receipts_of_earlier_releases(self) -> None:
        """They do not tell where they came from."""
        record = ReceiptRecord(2, b"DELIVRD", b"000", NOW, 1, 1, b"", b"", True).pack()
        self.lines.add((rows.DELIVERED, 2.0, 0, (1, 2), (1, 2), (origin(b"1"),) * 2, (record,) * 2))
        first, second = self.events()
        self.assertEqual((first["provider"], first["provider_message_id"]), ("", ""))
        self.assertEqual((first["attempts"], second["attempts"]), (1, 2))
        row = (rows.RECEIPTS, 2.0, 1, (1,), QUEUED, b"acme", (b"1",), (record,), (TO,))
        self.lines.add(row)
        (event,) = self.events()
        self.assertEqual((event["provider"], event["provider_message_id"]), ("p", ""))

    def mixed(self) -> list[tuple[str, int]]:
        """Rows of all three kinds, two messages each, as lines: their events and numbers."""
        both = (origin(b"1"),) * 2
        for first in range(0, 12, 4):
            numbers = (first, first + 1)
            self.lines.add((rows.ACCEPTED, 2.0, 0, 1, "r", 1.5, None, numbers, both, (b"u",) * 2))
            self.lines.add((rows.DELIVERED, 2.0, 0, (first + 2,), 1, both[:1], (receipt(),)))
            records, ids, to = (receipt(), receipt(final=False)), (b"1",) * 2, (TO,) * 2
            self.lines.add((rows.RECEIPTS, 2.0, 1, numbers, QUEUED, b"acme", ids, records, to))
            self.lines.add((rows.DELIVERED, 2.0, 0, (first + 3,), 1, both[:1], (receipt(),)))
        return [(each["event"], each["sequence_number"]) for each in self.events()]

    def test_order(self) -> None:
        """Lines stand in the order of their rows, however many become lines together."""
        expected = [
            pair
            for first in (0, 4, 8)
            for pair in (
                ("accepted", first), ("accepted", first + 1), ("delivered", first + 2),
                ("receipt", first), ("receipt", first + 1), ("delivered", first + 3),
            )
        ]  # fmt: skip
        for most in (1000, 4, 1):
            self.patch(lines, "AT_ONCE", most)
            self.assertEqual(self.mixed(), expected)

    def test_a_change_in_between(self) -> None:
        """What accounts want from now on does not hold for what came before, nor the reverse."""
        off, plain = ({"acme": (mode, False)} for mode in ("off", "metadata"))
        row = (rows.DELIVERED, 2.0, 0, (1,), 1, (origin(b"1"),), (receipt(),))
        for each in (row, (rows.ACCOUNTS, off), row, (rows.ACCOUNTS, plain), row, (rows.LOST, 5)):
            self.lines.add(each)
        events = [each["event"] for each in self.events()]
        self.assertEqual(events, ["delivered", "delivered", "lost"])

    def test_time_and_sessions_in_between(self) -> None:
        """Each row has the time that was told before it; who comes anew waits for nobody."""
        row = (rows.DELIVERED, 2.0, 0, (1,), 1, (origin(b"1"),), (receipt(),))
        self.lines.add(row)
        self.lines.add((rows.CLIENT, 2, "other", "192.0.2.3", "other#1"))
        self.lines.add((*row[:2], 2, *row[3:]))
        self.lines.add((rows.TIME, NOW + 10.0))
        self.lines.add(row)
        found = [(each["account"], each["time"][17:]) for each in self.events()]
        expected = [("acme", "22.000Z"), ("other", "22.000Z"), ("acme", "32.000Z")]
        self.assertEqual(found, expected)

    def test_hours(self) -> None:
        """What two hours have, read at once, is counted in each."""
        for now in (0.0, 3600.0):
            row = (rows.RECEIPTS, now, 1, (1,), QUEUED, b"acme", (b"1",), (receipt(),), (TO,))
            self.lines.add(row)
            taken = (rows.ACCEPTED, now, 0, 1, "r", now, None, (1,), (origin(b"1"),), (b"u",))
            self.lines.add(taken)
        self.lines.take()
        first = NOW - NOW % 3600
        hours = sorted((count[0] - first, count[4]) for count in self.tally.take())
        results = ("DELIVRD", "ESME_ROK")
        self.assertEqual(hours, [(hour, each) for hour in (0, 3600) for each in results])

    def test_forms_are_bounded(self) -> None:
        """What is kept ready of sessions is made anew beyond that."""
        self.patch(parties, "MOST", 1)
        self.lines.add((rows.BIND, 2, "q", "b", "q/b/1", "192.0.2.4"))
        for bind in (1, 2, 1):
            row = (rows.RECEIPTS, 2.0, bind, (1,), QUEUED, b"acme", (b"1",), (receipt(),), (TO,))
            self.lines.add(row)
        self.assertEqual([each["provider"] for each in self.events()], ["p", "q", "p"])

    def test_counts(self) -> None:
        """Numbers of all lengths are counted by their calling codes, as often as they come."""
        numbers = [TO, b"46700000001", b"467000000012", b"4670", b"4670", b"+46700000002", b"Bank"]
        self.accepted(*[origin(b"1", number) for number in numbers])
        found = {count[3]: number for count, number in self.tally.take().items()}
        self.assertEqual(found, {"45": 1, "46": 3, "short": 2, "": 1})


class FactTests(SynchronousTestCase):
    """What the node makes of a read."""

    def test_one_value(self) -> None:
        """A column of one value is that value, whatever it is."""
        self.assertEqual([shared([b"", b""]), shared([1, 2]), shared([0])], [b"", [1, 2], 0])

    def test_a_message_whose_bind_nobody_knows(self) -> None:
        """One that a receipt proved to be taken, beside one whose answer came: no provider, but
        its own id and numbers.
        """
        world = World()
        log = LoggedWorld(world)
        seen: list[journal.Fact] = []
        world.relay.journal.open(seen.append)
        upstream = world.upstream()
        world.client().receive(submit(1, TO), submit(2, TO))
        upstream.accept(*[(pdu, b"u%d" % number) for number, pdu in enumerate(upstream.submits())])
        ((kind, now, submits),) = [fact for fact in seen if fact[0] == journal.ACCEPTED]
        submits[1].taken = None
        log.facts.note((kind, now, submits))
        known, unknown = log.take()
        self.assertEqual((known["provider"], known["provider_message_id"]), ("p", "u0"))
        self.assertEqual((unknown["provider"], unknown["provider_message_id"]), ("", ""))
        self.assertEqual(int(unknown["client_message_id"]), int(known["client_message_id"]) + 1)
        self.assertEqual(unknown["destination_addr"], TO.decode())

    def test_columns_that_do_not_fit(self) -> None:
        """Are a fault of ours: counted, logged, never written as somebody else's."""
        world = World()
        facts = Facts(world.unix, lambda: world.now, lambda: world.accounts)
        upstream = world.upstream()
        arrival = Arrival((b"1",), TO, 1, 2, True, receipt())
        (pdu,), _ = Framer(1 << 16).feed(arriving(1, b"1"))
        read = read_receipt(pdu, ReceiptProfile())
        for accounts, message_ids in (([], [b"1"]), ([b"acme"], [])):
            result = Matched([(QUEUED, b"r:acme")])
            result.accounts, result.message_ids = accounts, message_ids
            facts.note((journal.RECEIPTS, 0.0, upstream, [pdu], [read], [arrival], result))
        self.assertEqual(facts.faults, 2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)
        self.assertEqual(facts.take(), (b"", 0))
