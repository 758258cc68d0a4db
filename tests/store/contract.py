"""The contract of the store as tests, run against every kind of store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from smppproxy.store.interface import (
    DUPLICATE,
    MERGED,
    PARKED,
    QUARANTINED,
    QUEUED,
    SUPERSEDED,
    UNWANTED,
    Arrival,
    Entry,
    Limit,
    Mapping,
    Matched,
    Store,
)
from smppproxy.store.records import Origin

WANT_SUCCESS, WANT_FAILURE, WANT_INTERMEDIATE = 1, 2, 4
ENROUTE, DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED = range(1, 9)
TTL, FINAL_TTL = 1000, 100


def mapping(
    key: bytes,
    account: bytes = b"alpha",
    destination: bytes = b"70000001",
    want: int = 7,
    origin: bytes = b"origin",
    **more: Any,
) -> Mapping:
    """A map that wants every receipt, unless said otherwise."""
    return Mapping(key, account, destination, want, origin, **more)


def part(number: int, of: int, **more: Any) -> Mapping:
    """The map of one part of the message ``b"g"``, under its number as id."""
    return mapping(b"%d" % number, group=b"g", parts=of, part=number, **more)


def segments(of: int, **more: Any) -> Mapping:
    """The map ``b"1"`` of a message with a receipt for each of its segments."""
    return mapping(b"1", parts=of, part=0, **more)


def arrival(
    *keys: bytes,
    destination: bytes = b"70000001",
    kind: int = WANT_SUCCESS,
    state: int = DELIVERED,
    final: bool = True,
    receipt: bytes = b"receipt",
    segment: int = 0,
) -> Arrival:
    """A final DELIVRD, unless said otherwise."""
    return Arrival(keys, destination, kind, state, final, receipt, segment)


def failed(*keys: bytes, state: int, receipt: bytes = b"failed") -> Arrival:
    """A final receipt that says that the message did not arrive."""
    return arrival(*keys, kind=WANT_FAILURE, state=state, receipt=receipt)


def enroute(*keys: bytes, receipt: bytes = b"enroute") -> Arrival:
    """An intermediate receipt."""
    return arrival(*keys, kind=WANT_INTERMEDIATE, state=ENROUTE, final=False, receipt=receipt)


class Uses:
    """What the tests of the contract share. The class it is mixed into gives stores and checks."""

    store: Any
    new_store: Callable[[str], Awaitable[Store]]
    """Another node on the same data."""
    pause: Callable[[], Awaitable[None]]
    """Let 50 ms pass on the store's clock."""
    a_second: Callable[[], Awaitable[None]]
    """Let a second pass on it."""
    assertEqual: Callable[..., Any]
    assertIn: Callable[..., Any]

    async def record(self, *mappings: Mapping, **more: Any) -> list[tuple[int, bytes]]:
        return await self.store.record(b"north", list(mappings), TTL, {}, **more)

    async def match(self, *arrivals: Arrival, **more: Any) -> Matched:
        return await self.store.match(b"north", list(arrivals), FINAL_TTL, {}, **more)

    async def outcomes(self, *arrivals: Arrival) -> list[int]:
        return [outcome for outcome, _ in await self.match(*arrivals)]

    async def fetch(self, queue: bytes = b"r:alpha", count: int = 100) -> list[Entry]:
        return await self.store.fetch([(queue, count)])

    async def receipts(self, queue: bytes = b"r:alpha") -> list[bytes]:
        return [entry.receipt for entry in await self.fetch(queue)]

    async def merged(self) -> list[tuple[bytes, int, int]]:
        """Receipt, sub and dlvrd of what is queued."""
        return [(each.receipt, each.sub, each.dlvrd) for each in await self.fetch()]


class Contract(Uses):
    """What every store promises of single messages, queues and nodes."""

    # -- maps and receipts

    async def test_a_receipt_finds_its_map(self):
        """A receipt is queued for the account that sent the message, with its origin untouched."""
        origin = bytes(range(256))
        self.assertEqual(await self.record(mapping(b"77", origin=origin)), [])
        self.assertEqual(await self.match(arrival(b"77", receipt=origin)), [(QUEUED, b"r:alpha")])
        (entry,) = await self.fetch()
        self.assertEqual(
            (entry.queue, entry.deliveries, entry.origin, entry.receipt),
            (b"r:alpha", 1, origin, origin),
        )

    async def test_mg14_whose_receipt_it_is(self):
        """Whatever becomes of a receipt that met its message, account and client_message_id are
        told; nothing of one that met none, and no id of an origin that cannot be read.
        """
        origin = Origin(b"1390125333", 1, 1, b"1204", 1, 1, b"4510203040", 1, 0, b"", 52).pack()
        await self.record(mapping(b"1", origin=origin), mapping(b"2", want=0, origin=origin))
        await self.record(mapping(b"3", origin=b"\xf8 several"))
        await self.record(attrs.evolve(mapping(b"4", origin=origin), group=b"g", parts=2))
        answers = await self.match(
            *[arrival(b"1")] * 2, arrival(b"2"), arrival(b"3"), arrival(b"4"), arrival(b"5")
        )
        outcomes = [QUEUED, DUPLICATE, UNWANTED, QUEUED, MERGED, PARKED]
        self.assertEqual([outcome for outcome, _ in answers], outcomes)
        whose = (b"alpha", b"1390125333")
        owners = [whose, whose, whose, (b"alpha", b""), whose, (b"", b"")]
        self.assertEqual(answers.owners, owners)

    async def test_receipts_of_every_kind_in_one_read(self):
        """Each is settled as if it had come alone: final ones of maps that nothing had come for
        beside those with a history, with other ids, for nobody, and for somebody else.
        """
        await self.record(*[mapping(b"%d" % number) for number in range(1, 7)])
        await self.record(mapping(b"7", want=WANT_FAILURE), mapping(b"8", b"beta"))
        await self.match(enroute(b"2"))
        answers = await self.match(
            arrival(b"1"), arrival(b"2"), arrival(b"1"), enroute(b"3"), arrival(b"3"),
            arrival(b"x", b"4"), arrival(b"4"), arrival(b"5", destination=b""),
            arrival(b"6", destination=b"123456"), arrival(b"7"), arrival(b"8"), arrival(b"9"),
        )  # fmt: skip
        alpha, beta = (QUEUED, b"r:alpha"), (QUEUED, b"r:beta")
        expected = [
            alpha, alpha, (DUPLICATE, b""), alpha, alpha,
            alpha, (DUPLICATE, b""), alpha,
            (QUARANTINED, b""), (UNWANTED, b""), beta, (PARKED, b""),
        ]  # fmt: skip
        self.assertEqual(answers, expected)
        self.assertEqual(await self.outcomes(*[arrival(b"%d" % n) for n in (5, 6)]), [2, QUEUED])

    async def test_f22_an_empty_id_is_never_a_key(self):
        """A message without provider_message_id gets no map, and no receipt finds one."""
        self.assertEqual(await self.record(mapping(b"")), [])
        self.assertEqual(await self.record(mapping(b""), mapping(b"5")), [])
        self.assertEqual(await self.match(arrival()), [(QUARANTINED, b"")])
        (stray,) = await self.store.quarantined(5)
        self.assertEqual((stray.reason, stray.arrival), (b"no_id", arrival()))

    async def test_f23_ids_are_octets(self):
        """Ids of every form are kept apart and found again, octet for octet."""
        ids = [
            b"A" * 65, b"0af9", b"0AF9", b"007", b"7", b"1_000", b"1000", b"+447", b"447", b"1.10",
            b"1.1", b"12 ", b"12", b"9" * 40, b"\xff\xfe", b"1e3", b"None", b"True", b"a:b", b"%3a",
        ]  # fmt: skip
        await self.record(*[mapping(each, origin=b"<" + each + b">") for each in ids])
        answers = await self.match(*[arrival(each, receipt=each) for each in ids])
        self.assertEqual(answers, [(QUEUED, b"r:alpha")] * len(ids))
        for entry in await self.fetch():
            self.assertEqual(entry.origin, b"<" + entry.receipt + b">")

    async def test_f73_the_same_state_comes_once(self):
        """A receipt sent twice or a hundred times is queued once; others are queued too (D3)."""
        await self.record(mapping(b"1"))
        self.assertEqual(await self.match(enroute(b"1")), [(QUEUED, b"r:alpha")])
        many = await self.match(*[enroute(b"1")] * 100)
        self.assertEqual(many, [(DUPLICATE, b"")] * 100)
        self.assertEqual(await self.match(arrival(b"1")), [(QUEUED, b"r:alpha")])
        self.assertEqual(await self.receipts(), [b"enroute", b"receipt"])

    async def test_f73_nothing_after_the_final_one(self):
        """After a final receipt others are superseded; within one read too (D9)."""
        await self.record(mapping(b"1"))
        late = arrival(b"1", state=EXPIRED, kind=WANT_FAILURE)
        answers = await self.match(arrival(b"1"), enroute(b"1"), arrival(b"1"), late)
        self.assertEqual(
            answers,
            [(QUEUED, b"r:alpha"), (SUPERSEDED, b""), (DUPLICATE, b""), (SUPERSEDED, b"")],
        )
        self.assertEqual(await self.receipts(), [b"receipt"])

    async def test_f74_two_providers_may_use_the_same_id(self):
        """Ids of different providers are different ids, whatever the providers are called."""
        store = self.store
        await store.record(b"p", [mapping(b"q:1", account=b"one")], TTL, {})
        await store.record(b"p:q", [mapping(b"1", account=b"two")], TTL, {})
        await store.record(b"p%3aq", [mapping(b"1", account=b"three")], TTL, {})
        for provider, key, account in (
            (b"p", b"q:1", b"one"),
            (b"p:q", b"1", b"two"),
            (b"p%3aq", b"1", b"three"),
        ):
            answer = await store.match(provider, [arrival(key)], FINAL_TTL, {})
            self.assertEqual(answer, [(QUEUED, b"r:" + account)])

    async def test_f75_a_receipt_for_another_number_goes_to_quarantine(self):
        """An id that fits and a number that does not: never delivered, kept to be looked at."""
        await self.record(mapping(b"1"))
        wrong = arrival(b"1", destination=b"70000002")
        self.assertEqual(await self.match(wrong), [(QUARANTINED, b"")])
        self.assertEqual(await self.receipts(), [])
        (stray,) = await self.store.quarantined(5)
        self.assertEqual((stray.provider, stray.reason), (b"north", b"destination"))
        self.assertEqual(stray.arrival, wrong)
        self.assertEqual(await self.match(arrival(b"1")), [(QUEUED, b"r:alpha")])

    async def test_f75_xc02_an_id_of_another_message_does_not_hide_the_right_one(self):
        """Where the first spelling leads to another number's message, the next one is tried."""
        await self.record(mapping(b"1"), mapping(b"2", b"beta", b"70000002"))
        both = attrs.evolve(arrival(b"1", destination=b"70000002"), keys=(b"1", b"2"))
        self.assertEqual(await self.match(both), [(QUEUED, b"r:beta")])
        neither = attrs.evolve(arrival(b"1", destination=b"70000003"), keys=(b"1", b"2"))
        self.assertEqual(await self.match(neither), [(QUARANTINED, b"")])

    async def test_f71_f75_xc02_an_early_receipt_waits_while_one_of_its_ids_is_unknown(self):
        """What another message has under one spelling says nothing of the other: the receipt is
        parked, and found by the answer that is still to come."""
        await self.record(mapping(b"1"))
        early = attrs.evolve(arrival(b"1", destination=b"70000002"), keys=(b"1", b"2"))
        self.assertEqual(await self.match(early), [(PARKED, b"")])
        released = await self.record(mapping(b"2", b"beta", b"70000002"))
        self.assertEqual(released, [(QUEUED, b"r:beta")])
        self.assertEqual(await self.store.parked(b"north"), 0)

    async def test_f71_xc02_parked_under_two_ids_waits_for_the_one_that_fits(self):
        """A map of another message under one of its ids leaves a parked receipt where it is."""
        early = attrs.evolve(arrival(b"1", destination=b"70000002"), keys=(b"1", b"2"))
        self.assertEqual(await self.match(early), [(PARKED, b"")])
        self.assertEqual(await self.record(mapping(b"1")), [])
        self.assertEqual(await self.store.parked(b"north"), 1)
        released = await self.record(mapping(b"2", b"beta", b"70000002"))
        self.assertEqual(released, [(QUEUED, b"r:beta")])

    async def test_f75_two_messages_under_one_id_are_told_apart_by_number(self):
        """A provider that gives one id twice: each receipt goes to its number or nowhere."""
        await self.record(mapping(b"1"))
        await self.record(mapping(b"1", b"beta", b"70000002"))
        self.assertEqual(
            await self.match(arrival(b"1", destination=b"70000002"), arrival(b"1")),
            [(QUEUED, b"r:beta"), (QUEUED, b"r:alpha")],
        )
        await self.record(mapping(b"1", b"gamma", b"70000002"))
        self.assertEqual(
            await self.match(
                arrival(b"1", destination=b"70000002", state=EXPIRED),
                arrival(b"1", destination=b"", state=EXPIRED),
            ),
            [(QUARANTINED, b""), (QUARANTINED, b"")],
        )
        self.assertEqual((await self.store.quarantined(1))[0].reason, b"ambiguous")

    async def test_f75_eight_messages_under_one_id_are_kept(self):
        """The ninth pushes the oldest out: a provider whose ids never change fills nothing."""
        for number in range(9):
            await self.record(mapping(b"1", b"a%d" % number, b"7000000%d" % number))
        answers = await self.match(
            *[arrival(b"1", destination=b"7000000%d" % number) for number in range(9)]
        )
        self.assertEqual(answers[0], (QUARANTINED, b""))
        self.assertEqual(answers[1:], [(QUEUED, b"r:a%d" % number) for number in range(1, 9)])

    async def test_numbers_fit_by_their_tail(self):
        """A national number fits its international form; a few equal digits are not enough."""
        await self.record(mapping(b"1", destination=b"312345"), mapping(b"2", destination=b"45"))
        answers = await self.match(
            arrival(b"1", destination=b"76312345"), arrival(b"2", destination=b"76312345")
        )
        self.assertEqual(answers, [(QUEUED, b"r:alpha"), (QUARANTINED, b"")])

    async def test_a_provider_that_names_no_number_is_believed_when_one_map_fits(self):
        """No destination in the receipt: there is nothing that speaks against the only map."""
        await self.record(mapping(b"1"))
        answers = await self.match(arrival(b"1", destination=b""))
        self.assertEqual(answers, [(QUEUED, b"r:alpha")])

    async def test_xc10_what_was_not_asked_for_is_not_queued(self):
        """Unwanted receipts are known by their outcome, and a final one still ends the message."""
        await self.record(mapping(b"1", want=WANT_FAILURE))
        self.assertEqual(
            await self.match(enroute(b"1"), arrival(b"1"), arrival(b"1", state=EXPIRED)),
            [(UNWANTED, b""), (UNWANTED, b""), (SUPERSEDED, b"")],
        )
        self.assertEqual(await self.receipts(), [])

    async def test_the_second_id_of_a_receipt_is_tried_too(self):
        """A receipt with different ids in TLV and text is found under either (XC-03)."""
        await self.record(mapping(b"text"))
        self.assertEqual(await self.match(arrival(b"tlv", b"text")), [(QUEUED, b"r:alpha")])

    async def test_many_accounts_in_one_read(self):
        """Each receipt of a read goes to its own account's queue."""
        accounts = [b"a%d" % number for number in range(400)]
        await self.record(*[mapping(name, account=name) for name in accounts])
        answers = await self.match(*[arrival(name) for name in accounts])
        self.assertEqual(answers, [(QUEUED, b"r:" + name) for name in accounts])

    async def test_a_large_read(self):
        """More receipts in one call than Lua takes as arguments at once."""
        names = [b"%d" % number for number in range(2500)]
        await self.record(*[mapping(name) for name in names])
        answers = await self.match(*[arrival(name) for name in names])
        self.assertEqual(answers, [(QUEUED, b"r:alpha")] * len(names))
        entries = await self.fetch(count=3000)
        acked = await self.store.ack([(each.queue, each.entry_id) for each in entries])
        self.assertEqual(acked, 2500)

    async def test_nothing_in_nothing_out(self):
        """Empty batches are answered."""
        self.assertEqual(await self.record(), [])
        self.assertEqual(await self.match(), [])
        self.assertEqual(await self.store.fetch([]), [])
        self.assertEqual(await self.store.ack([]), 0)
        self.assertEqual(await self.store.sizes([]), [])
        self.assertEqual(await self.store.ages([]), [])
        self.assertEqual(await self.store.sweep({}), {})
        self.assertEqual(await self.store.adopt([], 10, 0), [])
        self.assertEqual(await self.store.put(b"m:alpha", [], Limit(5, 50)), 0)

    # -- receipts that are in a node's hands at once

    async def test_room_puts_receipts_into_our_hands(self):
        """With room for them they are in our hands as after a fetch: nobody gets them again, others
        adopt them when we give no sign of life, and an ack removes them.
        """
        asked: list[tuple[bytes, int]] = []

        def room(queue: bytes, number: int) -> bool:
            asked.append((queue, number))
            return True

        await self.record(mapping(b"1", origin=b"one"), mapping(b"2"))
        found = await self.match(arrival(b"1", receipt=b"first"), arrival(b"2"), room=room)
        self.assertEqual(found, [(QUEUED, b"r:alpha")] * 2)
        self.assertEqual(asked, [(b"r:alpha", 2)])
        told = [
            (each.queue, each.deliveries, each.origin, each.receipt) for each in found.entries
        ]
        self.assertEqual(
            told, [(b"r:alpha", 1, b"one", b"first"), (b"r:alpha", 1, b"origin", b"receipt")]
        )
        self.assertEqual(await self.fetch(), [])
        names = [(each.queue, each.entry_id) for each in found.entries]
        self.assertEqual(await self.store.touch(names), ([], []))
        other = await self.new_store("other")
        await self.pause()
        adopted = await other.adopt([b"r:alpha"], 1, 1)
        self.assertEqual([(each.receipt, each.deliveries) for each in adopted], [(b"first", 2)])
        self.assertEqual(await self.store.ack(names), 2)
        self.assertEqual(await self.store.sizes([b"r:alpha"]), [(0, 0)])

    async def test_without_room_receipts_wait(self):
        """They are queued, and fetched by whoever has room."""
        await self.record(mapping(b"1"), mapping(b"2", account=b"beta"))
        found = await self.match(
            arrival(b"1"), arrival(b"2"), room=lambda queue, number: queue == b"r:beta"
        )
        self.assertEqual([each.queue for each in found.entries], [b"r:beta"])
        self.assertEqual(len(await self.fetch()), 1)

    async def test_nothing_overtakes_what_waits(self):
        """What waits goes first: a receipt behind it waits too, until a fetch has taken both."""
        await self.record(mapping(b"1"), mapping(b"2"), mapping(b"3"))
        for key, is_room in ((b"1", False), (b"2", True)):
            found = await self.match(
                arrival(key, receipt=key), room=lambda queue, number, is_room=is_room: is_room
            )
            self.assertEqual(found.entries, [])
        self.assertEqual(await self.receipts(), [b"1", b"2"])
        found = await self.match(arrival(b"3", receipt=b"3"), room=lambda queue, number: True)
        self.assertEqual([each.receipt for each in found.entries], [b"3"])

    # -- parked receipts

    async def test_f71_a_receipt_before_its_answer_waits_for_it(self):
        """Parked once, released by the map in the same step, then an ordinary receipt (D4)."""
        self.assertEqual(
            await self.match(arrival(b"1"), arrival(b"1"), enroute(b"1")),
            [(PARKED, b""), (DUPLICATE, b""), (PARKED, b"")],
        )
        self.assertEqual(await self.store.parked(b"north"), 2)
        self.assertEqual(await self.store.parked(b"south"), 0)
        released = await self.record(mapping(b"1"), mapping(b"2"))
        self.assertEqual(sorted(released), [(QUEUED, b"r:alpha"), (SUPERSEDED, b"")])
        self.assertEqual(await self.receipts(), [b"receipt"])
        self.assertEqual(await self.store.parked(b"north"), 0)
        self.assertEqual(await self.match(arrival(b"1")), [(DUPLICATE, b"")])

    async def test_f71_parked_under_two_ids(self):
        """A receipt with two ids is released by either, once."""
        await self.match(arrival(b"tlv", b"text"))
        await self.match(arrival(b"other", b"text", state=UNDELIVERABLE, kind=WANT_FAILURE))
        self.assertEqual(await self.store.parked(b"north"), 2)
        self.assertEqual(await self.record(mapping(b"tlv")), [(QUEUED, b"r:alpha")])
        self.assertEqual(await self.record(mapping(b"text", b"beta")), [(QUEUED, b"r:beta")])
        self.assertEqual(await self.store.parked(b"north"), 0)

    async def test_f71_parked_and_not_wanted(self):
        """A parked receipt obeys the rules of any other: number, wish, providers apart."""
        await self.match(arrival(b"1"), arrival(b"2", destination=b"70000009"))
        self.assertEqual(await self.store.record(b"south", [mapping(b"1")], TTL, {}), [])
        released = await self.record(mapping(b"1", want=0), mapping(b"2"))
        self.assertEqual(released, [(UNWANTED, b""), (QUARANTINED, b"")])
        self.assertEqual(len(await self.store.quarantined(9)), 1)

    async def test_record_is_idempotent(self):
        """The same map twice is one map."""
        for _ in range(2):
            await self.record(mapping(b"1"))
        self.assertEqual(await self.match(arrival(b"1")), [(QUEUED, b"r:alpha")])
        await self.record(mapping(b"1"))
        self.assertEqual(await self.match(arrival(b"1")), [(DUPLICATE, b"")])

    # -- queues

    async def test_fetch_hands_out_once_and_in_order(self):
        """Entries come oldest first, up to the count, and to one node only."""
        other = await self.new_store("other")
        await self.store.put(b"m:alpha", [b"1", b"2", b"3"], Limit(10, 100))
        first = await self.store.fetch([(b"m:alpha", 2), (b"m:none", 2)])
        self.assertEqual(
            [(each.origin, each.receipt) for each in first], [(b"", b"1"), (b"", b"2")]
        )
        second = await other.fetch([(b"m:alpha", 2)])
        self.assertEqual([each.receipt for each in second], [b"3"])
        self.assertEqual(await self.store.sizes([b"m:alpha", b"m:none"]), [(0, 3), (0, 0)])

    async def test_ack_removes_and_forgives(self):
        """An ack of what is gone is a no-op (L2, L3)."""
        await self.store.put(b"m:alpha", [b"1", b"2"], Limit(10, 100))
        entries = await self.fetch(b"m:alpha")
        acks = [(each.queue, each.entry_id) for each in entries]
        self.assertEqual(await self.store.ack(acks[:1]), 1)
        self.assertEqual(await self.store.ack([*acks, (b"m:none", b"1-1")]), 1)
        self.assertEqual(await self.store.sizes([b"m:alpha"]), [(0, 0)])

    async def test_ages(self):
        """How long the oldest entry is in its queue, also in somebody's hands; 0 without one."""
        await self.store.put(b"m:alpha", [b"1"], Limit(10, 100))
        await self.a_second()
        await self.store.put(b"m:alpha", [b"2"], Limit(10, 100))
        (oldest, none) = await self.store.ages([b"m:alpha", b"m:none"])
        self.assertEqual((oldest >= 1.0, none), (True, 0.0))
        (entry, _) = await self.fetch(b"m:alpha", 2)
        (held,) = await self.store.ages([b"m:alpha"])
        await self.store.ack([(entry.queue, entry.entry_id)])
        (newer,) = await self.store.ages([b"m:alpha"])
        self.assertEqual((held >= oldest, newer < oldest), (True, True))

    async def test_f99_overflow_drops_the_oldest_exactly(self):
        """A full queue holds exactly its limit; each drop is counted; late acks do nothing (L1)."""
        limit = Limit(5, 1000)
        self.assertEqual(await self.store.put(b"m:alpha", [b"1", b"2", b"3"], limit), 0)
        held = await self.fetch(b"m:alpha", 2)
        dropped = await self.store.put(b"m:alpha", [b"%d" % each for each in range(4, 9)], limit)
        self.assertEqual(dropped, 3)
        self.assertEqual(await self.store.sizes([b"m:alpha"]), [(5, 0)])
        self.assertEqual(await self.store.ack([(each.queue, each.entry_id) for each in held]), 0)
        self.assertEqual(await self.receipts(b"m:alpha"), [b"4", b"5", b"6", b"7", b"8"])
        self.assertEqual(await self.store.dropped(), {b"m:alpha": 3})

    async def test_f99_superseded_receipts_go_first(self):
        """On overflow an intermediate receipt goes whose message has a later one."""
        limits = {b"r:alpha": Limit(3, 1000)}
        await self.record(mapping(b"1"), mapping(b"2"), mapping(b"3"))
        await self.store.match(b"north", [arrival(b"1", receipt=b"old")], FINAL_TTL, limits)
        await self.match(enroute(b"2"), arrival(b"2", receipt=b"new"))
        await self.match(arrival(b"3", receipt=b"newest"))
        self.assertEqual(await self.receipts(), [b"old", b"new", b"newest"])
        self.assertEqual(await self.store.dropped(), {b"r:alpha": 1})

    async def test_f99_a_released_receipt_counts_too(self):
        """Limits hold for receipts that were parked."""
        await self.match(*[arrival(b"%d" % each, receipt=b"%d" % each) for each in range(4)])
        await self.store.record(
            b"north", [mapping(b"%d" % each) for each in range(4)], TTL, {b"r:alpha": Limit(2, 50)}
        )
        self.assertEqual(await self.receipts(), [b"2", b"3"])

    async def test_sweep_brings_queues_to_new_limits(self):
        """A limit made smaller is applied by the next sweep."""
        await self.store.put(b"m:alpha", [b"1", b"2", b"3"], Limit(10, 1000))
        self.assertEqual(await self.store.sweep({b"m:alpha": Limit(1, 1000)}), {b"m:alpha": 2})
        self.assertEqual(await self.receipts(b"m:alpha"), [b"3"])

    # -- nodes

    async def test_d6_a_node_finds_what_it_held_before_its_restart(self):
        """Under the same name, once, counted as another delivery; not what it holds now."""
        await self.store.put(b"m:alpha", [b"1", b"2", b"3"], Limit(10, 1000))
        await self.fetch(b"m:alpha", 2)
        self.assertEqual(await self.store.adopt([b"m:alpha"], 10, 0), [])
        await self.pause()
        again = await self.new_store("node")
        first = await again.adopt([b"m:alpha", b"m:none"], 1, 0)
        second = await again.adopt([b"m:alpha"], 10, 0)
        self.assertEqual([each.receipt for each in first + second], [b"1", b"2"])
        self.assertEqual([each.deliveries for each in first + second], [2, 2])
        self.assertEqual(await again.adopt([b"m:alpha"], 10, 0), [])

    async def test_d6_a_node_takes_over_from_a_dead_one(self):
        """What was not touched for the time given is adopted by another node, which acks it."""
        other = await self.new_store("other")
        await self.store.put(b"m:alpha", [b"1", b"2"], Limit(10, 1000))
        one, two = await self.fetch(b"m:alpha", 2)
        await self.a_second()
        await self.store.touch([(one.queue, one.entry_id), (b"m:none", b"1-1")])
        self.assertEqual(await other.adopt([b"m:alpha"], 10, 0), [])
        self.assertEqual(await other.adopt([b"m:alpha"], 10, 60_000), [])
        (adopted,) = await other.adopt([b"m:alpha", b"m:none"], 10, 1000)
        self.assertEqual((adopted.receipt, adopted.deliveries), (b"2", 2))
        await self.store.touch([(two.queue, two.entry_id)])
        self.assertEqual(await other.ack([(two.queue, two.entry_id)]), 1)

    async def test_numbers_are_given_once(self):
        """Blocks of numbers never overlap, and begin at 1 for each name."""
        other = await self.new_store("other")
        self.assertEqual(await self.store.take_numbers(b"ids", 1000), 1)
        self.assertEqual(await other.take_numbers(b"ids", 10), 1001)
        self.assertEqual(await self.store.take_numbers(b"ids", 1), 1011)
        self.assertEqual(await self.store.take_numbers(b"more", 1), 1)

    async def test_strays_and_drops_begin_empty(self):
        """A new store has lost nothing."""
        self.assertEqual(await self.store.orphans(10), [])
        self.assertEqual(await self.store.quarantined(10), [])
        self.assertEqual(await self.store.dropped(), {})


def later(clock: Any, seconds: float) -> Deferred[None]:
    """Fires after a while."""
    waited: Deferred[None] = Deferred()
    clock.callLater(seconds, waited.callback, None)
    return waited
