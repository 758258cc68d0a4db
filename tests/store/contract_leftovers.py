"""What every store promises of MO messages and of what has no owner yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from smppproxy.store.interface import (
    DUPLICATE,
    MERGED,
    PARKED,
    QUARANTINED,
    QUEUED,
    SUPERSEDED,
    UNWANTED,
    Limit,
)
from smppproxy.store.leftovers import (
    FALLBACK,
    FOLLOW,
    GONE,
    LEAD,
    ORPHANS,
    PARKED_ONES,
    QUARANTINE,
    UNROUTED,
    WAITING,
    Message,
)

from .contract import FINAL_TTL, Uses, arrival, enroute, failed, mapping, part

ALPHA, BETA = b"m:alpha", b"m:beta"


def message(record: bytes = b"mo", *queues: bytes, **more: Any) -> Message:
    """An MO for nobody, unless said otherwise."""
    return Message(more.pop("provider", b"north"), record, queues or (UNROUTED,), **more)


class LeftoverContract(Uses):
    """MO messages, strays and their replay."""

    park_unseen: Callable[..., Awaitable[None]]
    """Park receipts of a provider as a node does that cannot see the maps."""

    async def put(self, *messages: Message, **limits: Limit) -> list[tuple[int, tuple[bytes, ...]]]:
        named = {name.replace("_", ":").encode(): limit for name, limit in limits.items()}
        return await self.store.put_messages(list(messages), named)

    async def outcome(self, *messages: Message) -> list[int]:
        return [outcome for outcome, _ in await self.put(*messages)]

    async def lost(self) -> list[tuple[bytes, bytes]]:
        return [(each.provider, each.record) for each in await self.store.unrouted(99)]

    async def replay(self, kind: bytes, *items: tuple[bytes, Any]) -> list[tuple[int, bytes]]:
        return await self.store.replay(kind, b"north", list(items), FINAL_TTL, {})

    # -- MO -------------------------------------------------------------------------------------

    async def test_a_message_has_all_its_copies(self):
        """Every account's queue gets the record, octet for octet, and each copy is its own."""
        record = bytes(range(256))
        self.assertEqual(await self.put(message(record, ALPHA, BETA)), [(QUEUED, (ALPHA, BETA))])
        (one,) = await self.fetch(ALPHA)
        (two,) = await self.fetch(BETA)
        self.assertEqual((one.receipt, one.origin), (record, b""))
        await self.store.ack([(ALPHA, one.entry_id)])
        self.assertEqual(await self.store.sizes([ALPHA, BETA]), [(0, 0), (0, 1)])
        self.assertEqual(two.receipt, record)

    async def test_a_queue_keeps_its_limit(self):
        """What a queue loses to its limit is counted in it and no other."""
        many = [message(b"%d" % number, ALPHA, BETA) for number in range(3)]
        await self.put(*many, m_alpha=Limit(2, 100), m_beta=Limit(5, 100))
        self.assertEqual(await self.store.sizes([ALPHA, BETA]), [(2, 0), (3, 0)])
        self.assertEqual(self.store.overflowed, {ALPHA: 1})
        self.assertEqual(await self.store.dropped(), {ALPHA: 1})

    async def test_a_message_may_be_forgotten(self):
        """No queue at all: nothing is stored."""
        self.assertEqual(
            await self.store.put_messages([Message(b"north", b"mo", ())], {}), [(QUEUED, ())]
        )
        self.assertEqual(await self.lost(), [])

    async def test_unrouted_ones_are_listed_newest_first(self):
        """With provider and time, page by page."""
        await self.put(message(b"1"), message(b"2", provider=b"sou:th%"), message(b"3"))
        (first, second) = await self.store.unrouted(2)
        self.assertEqual((first.record, second.record), (b"3", b"2"))
        self.assertEqual((first.provider, second.provider), (b"north", b"sou:th%"))
        (third,) = await self.store.unrouted(2, second.entry_id)
        self.assertEqual(third.record, b"1")
        self.assertEqual(await self.store.unrouted(2, third.entry_id), [])
        (queued,) = await self.store.sizes([UNROUTED])
        self.assertEqual(queued, (3, 0))
        self.assertIn(first.arrived - third.arrived, (0, 1))

    async def test_unrouted_ones_are_the_newest(self):
        """Their queue has a limit like any other."""
        many = [message(b"%d" % number) for number in range(5)]
        await self.put(*many, m_=Limit(2, 100))
        self.assertEqual(await self.lost(), [(b"north", b"4"), (b"north", b"3")])
        self.assertEqual(await self.store.dropped(), {UNROUTED: 3})

    async def test_an_unrouted_one_is_given_out_once(self):
        """It leaves the list in the step that queues it; who asks again gets nothing."""
        await self.put(message(b"1"), message(b"2"))
        _, old = await self.store.unrouted(9)
        again = message(b"1", ALPHA, BETA, entry_id=old.entry_id)
        self.assertEqual(await self.put(again, again), [(QUEUED, (ALPHA, BETA)), (GONE, ())])
        self.assertEqual(await self.outcome(again), [GONE])
        self.assertEqual(await self.store.sizes([ALPHA, BETA]), [(1, 0), (1, 0)])
        self.assertEqual(await self.lost(), [(b"north", b"2")])

    async def test_an_unrouted_one_may_stay_or_go(self):
        """Still for nobody: it stays where it is. To be forgotten: it goes."""
        await self.put(message(b"1"))
        (only,) = await self.store.unrouted(9)
        stays = message(b"1", entry_id=only.entry_id)
        self.assertEqual(await self.put(stays), [(QUEUED, (UNROUTED,))])
        self.assertEqual([each.entry_id for each in await self.store.unrouted(9)], [only.entry_id])
        self.assertEqual(await self.put(attrs.evolve(stays, queues=())), [(QUEUED, ())])
        self.assertEqual(await self.lost(), [])

    async def test_m3_a_message_is_stored_once_where_that_is_asked_for(self):
        """The same octets of the same provider; without the wish both are stored."""
        once = message(b"1", ALPHA, once=60)
        self.assertEqual(await self.outcome(once, once), [QUEUED, DUPLICATE])
        other = [attrs.evolve(once, provider=b"south"), attrs.evolve(once, record=b"2")]
        self.assertEqual(await self.outcome(*other), [QUEUED, QUEUED])
        self.assertEqual(await self.outcome(attrs.evolve(once, once=0)), [QUEUED])
        self.assertEqual(await self.outcome(once), [DUPLICATE])
        self.assertEqual(await self.store.sizes([ALPHA]), [(4, 0)])

    async def test_m3_a_message_may_come_again_later(self):
        """After its time the same text is another message."""
        once = message(b"1", ALPHA, once=1)
        await self.put(once)
        for _ in range(2):
            await self.a_second()
        self.assertEqual(await self.outcome(once), [QUEUED])

    async def test_parts_go_where_the_first_one_went(self):
        """A part that follows waits until one leads, and goes to the same queues, whatever its
        own."""
        follow = message(b"2", long=b"x", lead=FOLLOW, once=9)
        self.assertEqual(await self.put(follow), [(WAITING, ())])
        lead = message(b"1", ALPHA, BETA, long=b"x", lead=LEAD)
        answers = await self.put(lead, follow, attrs.evolve(follow, record=b"3", long=b"y"))
        self.assertEqual(answers, [(QUEUED, (ALPHA, BETA))] * 2 + [(WAITING, ())])
        late = message(b"3", long=b"x", lead=FALLBACK)
        self.assertEqual(await self.put(late), [(QUEUED, (ALPHA, BETA))])
        self.assertEqual(await self.lost(), [])

    async def test_parts_that_waited_too_long_lead(self):
        """Then the first part, when it comes after all, goes where they went."""
        early = message(b"2", BETA, long=b"x", lead=FALLBACK)
        self.assertEqual(await self.put(early), [(QUEUED, (BETA,))])
        lead = message(b"1", ALPHA, long=b"x", lead=LEAD)
        self.assertEqual(await self.put(lead), [(QUEUED, (BETA,))])

    async def test_a_reference_that_comes_again_is_another_message(self):
        """The first part of the next message leads its own parts."""
        await self.put(message(b"1", ALPHA, long=b"x"))
        await self.put(message(b"1", BETA, long=b"x"))
        follow = message(b"2", long=b"x", lead=FOLLOW)
        self.assertEqual(await self.put(follow), [(QUEUED, (BETA,))])

    async def test_parts_of_a_forgotten_message_are_forgotten(self):
        """To go nowhere is a decision too."""
        await self.store.put_messages([Message(b"north", b"1", (), b"x")], {})
        self.assertEqual(await self.put(message(b"2", long=b"x", lead=FOLLOW)), [(QUEUED, ())])

    # -- receipts -------------------------------------------------------------------------------

    async def strays(self, kind: bytes, count: int = 99, **more: Any) -> list[Any]:
        return await self.store.strays(kind, count, **more)

    async def test_what_came_is_kept_with_a_stray(self):
        """The PDU as it came is there to be read again; a segment's number too."""
        raw = bytes(range(256))
        await self.match(
            attrs.evolve(arrival(b"1"), raw=raw),
            attrs.evolve(arrival(b"2", segment=3), raw=raw),
            arrival(b"3", segment=3),
            attrs.evolve(arrival(), raw=raw),
        )
        kept = {each.arrival.keys: each for each in await self.strays(PARKED_ONES)}
        self.assertEqual([kept[b"1",].arrival.raw, kept[b"1",].arrival.segment], [raw, 0])
        self.assertEqual([kept[b"2",].arrival.raw, kept[b"2",].arrival.segment], [raw, 3])
        self.assertEqual([kept[b"3",].arrival.raw, kept[b"3",].arrival.segment], [b"", 3])
        self.assertEqual([each.reason for each in kept.values()], [b"parked"] * 3)
        (nameless,) = await self.strays(QUARANTINE)
        self.assertEqual((nameless.arrival.raw, nameless.arrival.segment), (raw, 0))

    async def test_raw_and_segments_mean_what_they_meant(self):
        """Receipts with their PDU are parked, repeated and released like those without."""
        early = attrs.evolve(arrival(b"1"), raw=b"pdu")
        self.assertEqual(await self.outcomes(early, arrival(b"1")), [PARKED, DUPLICATE])
        self.assertEqual(await self.record(mapping(b"1")), [(QUEUED, b"r:alpha")])
        self.assertEqual(await self.outcomes(early), [DUPLICATE])

    async def test_strays_page_by_page(self):
        """Newest first; those parked provider by provider."""
        for provider in (b"south:%", b"north"):
            for number in range(3):
                await self.store.match(provider, [arrival(b"%d" % number)], FINAL_TTL, {})
                await self.store.match(provider, [arrival()], FINAL_TTL, {})
        first = await self.strays(QUARANTINE, 4)
        rest = await self.strays(QUARANTINE, 4, before=first[-1].entry_id)
        self.assertEqual(
            [each.provider for each in first + rest], [b"north"] * 3 + [b"south:%"] * 3
        )
        first = await self.strays(PARKED_ONES, 4)
        rest = await self.strays(PARKED_ONES, 4, skip=4)
        self.assertEqual(
            [each.provider for each in first + rest], [b"north"] * 3 + [b"south:%"] * 3
        )
        self.assertEqual(len({(each.provider, each.entry_id) for each in first + rest}), 6)
        self.assertEqual(await self.strays(ORPHANS), [])

    async def test_what_a_match_would_find(self):
        """Nothing changes by it."""
        await self.record(mapping(b"1"), mapping(b"2"), mapping(b"2", b"beta", b"70000001"))
        found = await self.store.fitting(
            b"north",
            [
                arrival(b"1"),
                arrival(b"0", b"1", destination=b""),
                arrival(b"1", destination=b"70000002"),
                arrival(b"2"),
                arrival(b"3"),
                arrival(),
            ],
        )
        self.assertEqual(found, [QUEUED, QUEUED, QUARANTINED, QUARANTINED, PARKED, PARKED])
        self.assertEqual(await self.store.fitting(b"south", [arrival(b"1")]), [PARKED])
        self.assertEqual(await self.outcomes(arrival(b"1")), [QUEUED])
        self.assertEqual(await self.store.parked(b"north"), 0)

    async def test_d7_a_receipt_in_quarantine_is_matched_again(self):
        """Once it fits it is queued and gone from there, in one step; until then it stays."""
        await self.record(mapping(b"1"))
        wrong = arrival(b"1", destination=b"70000002")
        await self.match(wrong)
        (stray,) = await self.strays(QUARANTINE)
        item = stray.entry_id, wrong
        self.assertEqual(await self.replay(QUARANTINE, item), [(QUARANTINED, b"")])
        self.assertEqual(await self.strays(QUARANTINE), [stray])
        item = stray.entry_id, arrival(b"1", receipt=b"again")
        answers = await self.replay(QUARANTINE, item, item)
        self.assertEqual(answers, [(QUEUED, b"r:alpha"), (GONE, b"")])
        self.assertEqual(await self.strays(QUARANTINE), [])
        self.assertEqual(await self.receipts(), [b"again"])

    async def test_d7_a_receipt_that_has_come_again_meanwhile(self):
        """What the map knows already leaves the quarantine and is not queued twice."""
        await self.record(mapping(b"1"))
        await self.match(arrival(b"1", destination=b"70000002"))
        await self.match(arrival(b"1", state=8, kind=2))
        (stray,) = await self.strays(QUARANTINE)
        answers = await self.replay(QUARANTINE, (stray.entry_id, arrival(b"1")))
        self.assertEqual(answers, [(SUPERSEDED, b"")])
        self.assertEqual(await self.strays(QUARANTINE), [])
        self.assertEqual(len(await self.receipts()), 1)

    async def test_d5_a_parked_receipt_is_matched_again(self):
        """By other ids, as other settings spell them; without a map it stays parked."""
        await self.match(arrival(b"0x1"), arrival(b"0x2"))
        await self.record(mapping(b"1"))
        items = [(each.entry_id, each.arrival) for each in await self.strays(PARKED_ONES)]
        again = [
            (name, attrs.evolve(each, keys=(each.keys[0].removeprefix(b"0x"),)))
            for name, each in sorted(items)
        ]
        answers = await self.replay(PARKED_ONES, *again)
        self.assertEqual(answers, [(QUEUED, b"r:alpha"), (PARKED, b"")])
        self.assertEqual(await self.replay(PARKED_ONES, again[0]), [(GONE, b"")])
        self.assertEqual(await self.store.parked(b"north"), 1)
        self.assertEqual(await self.record(mapping(b"0x2")), [(QUEUED, b"r:alpha")])

    async def test_a_replay_keeps_the_queue_s_limit(self):
        """What it pushes out of a queue is counted like any other drop."""
        await self.record(mapping(b"1"), mapping(b"2"))
        await self.match(*[arrival(each, destination=b"70000002") for each in (b"1", b"2")])
        strays = await self.strays(QUARANTINE)
        items = [(each.entry_id, arrival(*each.arrival.keys)) for each in strays]
        limits = {b"r:alpha": Limit(1, 100)}
        await self.store.replay(QUARANTINE, b"north", items, FINAL_TTL, limits)
        self.assertEqual(self.store.overflowed, {b"r:alpha": 1})

    # -- parked receipts whose map is there --------------------------------------------------------

    async def meet_parked(
        self, skip: int = 0, count: int = 99, **limits: Limit
    ) -> tuple[list[tuple[int, bytes]], int]:
        named = {name.replace("_", ":").encode(): limit for name, limit in limits.items()}
        found, then = await self.store.meet_parked(skip, count, {b"north": FINAL_TTL}, named)
        return sorted(found), then

    async def test_d4_a_receipt_parked_beside_its_map_meets_it(self):
        """What a node parked that could not see the map is queued, once; what has none waits."""
        await self.record(mapping(b"1"), mapping(b"2", b"beta"))
        await self.park_unseen(b"north", arrival(b"1", receipt=b"late"), arrival(b"3"))
        await self.park_unseen(b"north", arrival(b"x", b"2"))
        self.assertEqual(
            await self.meet_parked(), ([(QUEUED, b"r:alpha"), (QUEUED, b"r:beta")], 0)
        )
        self.assertEqual(await self.receipts(), [b"late"])
        self.assertEqual(await self.receipts(b"r:beta"), [b"receipt"])
        self.assertEqual(await self.store.parked(b"north"), 1)
        self.assertEqual(await self.meet_parked(), ([], 0))
        self.assertEqual(await self.outcomes(arrival(b"1")), [DUPLICATE])
        self.assertEqual(await self.record(mapping(b"3")), [(QUEUED, b"r:alpha")])
        self.assertEqual(await self.record(mapping(b"x")), [], "no name of it is left")

    async def test_d4_it_meets_its_map_as_any_receipt_does(self):
        """Repeated, too late, not wanted, for somebody else, one of several parts."""
        await self.record(
            *[mapping(key) for key in (b"1", b"2", b"4", b"5")],
            mapping(b"3", want=0),
            part(6, 7),
        )
        await self.match(arrival(b"1"), failed(b"2", state=8))
        await self.receipts()
        await self.park_unseen(
            b"north",
            arrival(b"1"),
            arrival(b"2"),
            arrival(b"3"),
            arrival(b"4", destination=b"70000002"),
            arrival(b"5", b"unknown", destination=b"70000002"),
            enroute(b"6"),
            arrival(b"6"),
        )
        found, then = await self.meet_parked()
        self.assertEqual(
            sorted([DUPLICATE, SUPERSEDED, UNWANTED, QUARANTINED, MERGED, QUEUED]),
            [outcome for outcome, _ in found],
        )
        self.assertEqual(then, 0)
        (stray,) = await self.strays(QUARANTINE)
        self.assertEqual((stray.arrival.keys, stray.reason), ((b"4",), b"destination"))
        (left,) = await self.strays(PARKED_ONES)
        self.assertEqual(left.arrival.keys, (b"5", b"unknown"))

    async def test_d10_a_map_that_is_met_lives_as_the_provider_says(self):
        """For each provider its own time; the queues' limits hold, and what they cost is told."""
        for provider in (b"north", b"so:uth%"):
            many = [mapping(b"%d" % number) for number in range(3)]
            await self.store.record(provider, many, 1000, {})
            await self.park_unseen(provider, *[arrival(each.key) for each in many])
        self.assertEqual(
            await self.meet_parked(r_alpha=Limit(4, 100)), ([(QUEUED, b"r:alpha")] * 6, 0)
        )
        self.assertEqual(self.store.overflowed, {b"r:alpha": 2})
        self.assertEqual(len(await self.receipts()), 4)

    async def test_those_without_a_map_are_looked_at_in_turn(self):
        """So many for each call, one provider after the other; then from the first one again."""
        for provider in (b"south", b"north"):
            await self.park_unseen(provider, *[arrival(b"%d" % each) for each in range(5)])
        steps = [skip := 0]
        for _ in range(4):
            found, skip = await self.meet_parked(skip, 3)
            self.assertEqual(found, [])
            steps.append(skip)
        self.assertEqual(steps, [0, 3, 6, 9, 0])
        for provider in (b"south", b"north"):
            await self.store.match(provider, [arrival(b"9")], FINAL_TTL, {})
        self.assertEqual(await self.meet_parked(12, 3), ([], 0))

    async def test_each_is_looked_at_though_others_leave(self):
        """What is taken out makes nobody be passed over."""
        keys = [b"%03d" % number for number in range(250)]
        await self.record(*[mapping(key) for key in keys[::2]])
        await self.park_unseen(b"north", *[arrival(key) for key in keys])
        skip, calls, met = 0, 0, 0
        while True:
            found, skip = await self.meet_parked(skip, 40)
            calls, met = calls + 1, met + len(found)
            if not skip:
                break
        self.assertEqual((calls, met), (7, 125))
        self.assertEqual(await self.store.parked(b"north"), 125)

    async def test_nothing_is_parked(self):
        """Whatever is asked for."""
        self.assertEqual(await self.meet_parked(), ([], 0))
        self.assertEqual(await self.meet_parked(7), ([], 0))
        await self.match(arrival(b"1"))
        await self.record(mapping(b"1"))
        self.assertEqual(await self.meet_parked(), ([], 0))
