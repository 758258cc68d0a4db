"""The contract of groups, shared ids and late delivery, run against every kind of store."""

from __future__ import annotations

import itertools

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

from .contract import (
    ACCEPTED,
    DELETED,
    DELIVERED,
    EXPIRED,
    FINAL_TTL,
    REJECTED,
    TTL,
    UNDELIVERABLE,
    UNKNOWN,
    WANT_FAILURE,
    WANT_INTERMEDIATE,
    WANT_SUCCESS,
    Uses,
    arrival,
    enroute,
    failed,
    mapping,
    part,
    segments,
)

OURS = (QUEUED, b"r:alpha")


class GroupContract(Uses):
    """What every store promises of messages of several parts (mission 3.6, XC-09)."""

    async def test_the_last_part_queues_one_receipt(self):
        """Parts of one message on several ids: one entry, when all are final, with counts."""
        for number in (1, 2, 3):
            await self.record(part(number, 3, origin=b"whole"))
        self.assertEqual(await self.match(arrival(b"2", receipt=b"2")), [(MERGED, b"")])
        self.assertEqual(await self.receipts(), [])
        self.assertEqual(
            await self.match(arrival(b"3", receipt=b"3"), arrival(b"1", receipt=b"1")),
            [(MERGED, b""), OURS],
        )
        (entry,) = await self.fetch()
        self.assertEqual(
            (entry.origin, entry.receipt, entry.sub, entry.dlvrd), (b"whole", b"1", 3, 3)
        )

    async def test_a_single_message_says_no_counts(self):
        """Nothing is added to the entry of a plain map."""
        await self.record(mapping(b"1"))
        await self.match(arrival(b"1"))
        self.assertEqual(await self.merged(), [(b"receipt", 1, -1)])

    async def test_the_worst_part_speaks_for_all(self):
        """REJECTED, UNDELIVERABLE, EXPIRED, DELETED, UNKNOWN, in this order, whoever came first."""
        order = [REJECTED, UNDELIVERABLE, EXPIRED, DELETED, UNKNOWN]
        cases = list(itertools.permutations(order, 2)) + [(each, DELIVERED) for each in order]
        for case, (one, two) in enumerate(cases):
            await self.record(
                mapping(b"%d.1" % case, group=b"%d" % case, parts=3, part=1),
                mapping(b"%d.2" % case, group=b"%d" % case, parts=3, part=2),
                mapping(b"%d.3" % case, group=b"%d" % case, parts=3, part=3),
            )
            answers = await self.outcomes(
                failed(b"%d.1" % case, state=one, receipt=b"%d" % one),
                arrival(b"%d.2" % case, state=ACCEPTED),
                failed(b"%d.3" % case, state=two, receipt=b"%d" % two),
            )
            self.assertEqual(answers, [MERGED, MERGED, QUEUED])
            worst = min(one, two, key=lambda state: order.index(state) if state in order else 9)
            good = 1 + (two == DELIVERED)
            self.assertEqual(await self.merged(), [(b"%d" % worst, 3, good)])

    async def test_of_equals_the_first_speaks(self):
        """The error of the part that failed first is the one that is told."""
        await self.record(part(1, 2), part(2, 2))
        await self.match(failed(b"2", state=EXPIRED, receipt=b"first"))
        await self.match(failed(b"1", state=EXPIRED, receipt=b"second"))
        self.assertEqual(await self.merged(), [(b"first", 2, 0)])

    async def test_what_is_wanted_goes_by_the_receipt_chosen(self):
        """Only failures are wanted: one bad part brings a receipt, none brings none."""
        for name in (b"x", b"y"):
            for number in (1, 2):
                await self.record(
                    mapping(
                        b"%b%d" % (name, number),
                        want=WANT_FAILURE,
                        group=name,
                        parts=2,
                        part=number,
                    )
                )
        self.assertEqual(
            await self.match(
                failed(b"x1", state=EXPIRED), arrival(b"x2"), arrival(b"y1"), arrival(b"y2")
            ),
            [(MERGED, b""), OURS, (MERGED, b""), (UNWANTED, b"")],
        )
        self.assertEqual(await self.merged(), [(b"failed", 2, 1)])

    async def test_afterwards_every_part_is_final(self):
        """Before and after the last one: the same again is a duplicate, others are superseded."""
        await self.record(part(1, 2), part(2, 2))
        for last in (MERGED, QUEUED):
            key = b"1" if last == MERGED else b"2"
            self.assertEqual(
                await self.outcomes(
                    arrival(key), arrival(key), enroute(key), failed(key, state=EXPIRED)
                ),
                [last, DUPLICATE, SUPERSEDED, SUPERSEDED],
            )
        self.assertEqual(len(await self.fetch()), 1)

    async def test_a_part_sent_twice_counts_once(self):
        """Two ids for one part, sent again in doubt: one of them is enough, more change nothing."""
        again = mapping(b"1b", group=b"g", parts=2, part=1)
        third = mapping(b"1c", group=b"g", parts=2, part=1)
        await self.record(part(1, 2), again, third, part(2, 2))
        self.assertEqual(
            await self.outcomes(
                arrival(b"1"), arrival(b"1b"), failed(b"1c", state=EXPIRED), arrival(b"2")
            ),
            [MERGED, DUPLICATE, SUPERSEDED, QUEUED],
        )
        fourth = mapping(b"1d", group=b"g", parts=2, part=1)
        await self.record(fourth)
        self.assertEqual(
            await self.outcomes(enroute(b"1d"), arrival(b"1d"), arrival(b"1d")),
            [SUPERSEDED, SUPERSEDED, DUPLICATE],
        )

    async def test_groups_of_accounts_are_apart(self):
        """Two accounts may name their groups the same, whatever they are called."""
        maps = [
            mapping(b"1", b"a", group=b"1g", parts=2, part=1),
            mapping(b"2", b"a1", group=b"g", parts=2, part=1),
            mapping(b"3", b"a", group=b"1g", parts=2, part=2),
        ]
        await self.record(*maps)
        self.assertEqual(
            await self.outcomes(arrival(b"1"), arrival(b"2"), arrival(b"3")),
            [MERGED, MERGED, QUEUED],
        )

    async def test_parts_by_two_providers(self):
        """A group is one message, whoever carries its parts."""
        await self.record(part(1, 2))
        await self.store.record(b"south", [part(2, 2)], TTL, {})
        self.assertEqual(await self.outcomes(arrival(b"1")), [MERGED])
        answers = await self.store.match(b"south", [arrival(b"2")], FINAL_TTL, {})
        self.assertEqual(answers, [OURS])

    async def test_one_intermediate_receipt_of_the_whole_group(self):
        """The first that comes, if it is wanted; it goes first when the queue is full."""
        await self.record(part(1, 2), part(2, 2))
        answers = await self.outcomes(enroute(b"1"), enroute(b"1"), enroute(b"2"))
        self.assertEqual(answers, [QUEUED, DUPLICATE, MERGED])
        accepted = arrival(
            b"1", kind=WANT_INTERMEDIATE, state=ACCEPTED, final=False, receipt=b"accepted"
        )
        self.assertEqual(await self.outcomes(accepted), [MERGED])
        (shown,) = await self.fetch()
        self.assertEqual((shown.receipt, shown.sub, shown.dlvrd), (b"enroute", 2, 0))
        await self.store.sweep({b"r:alpha": Limit(1, 1000)})
        self.assertEqual(await self.outcomes(arrival(b"1"), arrival(b"2")), [MERGED, QUEUED])
        self.assertEqual(await self.merged(), [(b"receipt", 2, 2)])
        self.assertEqual(await self.store.dropped(), {b"r:alpha": 1})

    async def test_an_intermediate_receipt_that_is_not_wanted(self):
        """It is told as such, and leaves the group as it is."""
        only = WANT_SUCCESS + WANT_FAILURE
        await self.record(part(1, 2, want=only), part(2, 2, want=only))
        self.assertEqual(
            await self.outcomes(enroute(b"1"), enroute(b"1"), arrival(b"1"), arrival(b"2")),
            [UNWANTED, DUPLICATE, MERGED, QUEUED],
        )

    async def test_f71_parts_that_come_before_their_answers(self):
        """Parked receipts of a group are merged by the step that writes their maps."""
        await self.match(arrival(b"1"), arrival(b"2"))
        self.assertEqual(await self.record(part(1, 2)), [(MERGED, b"")])
        self.assertEqual(await self.record(part(2, 2)), [(QUEUED, b"r:alpha")])
        self.assertEqual(await self.merged(), [(b"receipt", 2, 2)])

    async def test_f75_a_part_for_another_number(self):
        """It goes to quarantine, as that of any other message."""
        await self.record(part(1, 2))
        answers = await self.outcomes(arrival(b"1", destination=b"70000009"))
        self.assertEqual(answers, [QUARANTINED])

    async def test_f75_a_part_beside_a_plain_message_under_one_id(self):
        """Maps of both kinds are kept under one id and told apart by their number."""
        plain = mapping(b"1", destination=b"70000002")
        for _ in range(2):
            await self.record(plain, part(1, 2), part(2, 2))
        self.assertEqual(
            await self.outcomes(
                arrival(b"1"), arrival(b"1", destination=b"70000002"), arrival(b"2")
            ),
            [MERGED, QUEUED, QUEUED],
        )
        self.assertEqual(await self.merged(), [(b"receipt", 1, -1), (b"receipt", 2, 2)])

    async def test_xc09_one_map_for_several_receipts(self):
        """Each final receipt is a part, also one that equals another octet for octet."""
        await self.record(segments(3))
        self.assertEqual(
            await self.outcomes(arrival(b"1"), arrival(b"1"), failed(b"1", state=UNDELIVERABLE)),
            [MERGED, MERGED, QUEUED],
        )
        self.assertEqual(await self.merged(), [(b"failed", 3, 2)])
        self.assertEqual(
            await self.outcomes(arrival(b"1"), failed(b"1", state=EXPIRED), enroute(b"1")),
            [DUPLICATE, SUPERSEDED, SUPERSEDED],
        )

    async def test_xc09_a_segment_counts_once(self):
        """Where the provider numbers its segments, one that comes again is a duplicate."""
        await self.record(segments(2))
        self.assertEqual(
            await self.outcomes(
                arrival(b"1", segment=1),
                enroute(b"1"),
                arrival(b"1", segment=1),
                failed(b"1", state=EXPIRED),
            ),
            [MERGED, QUEUED, DUPLICATE, QUEUED],
        )
        self.assertEqual(await self.merged(), [(b"enroute", 2, 1), (b"failed", 2, 1)])

    async def test_xc09_segments_that_come_before_the_answer(self):
        """Parked one by one where they are numbered."""
        self.assertEqual(
            await self.outcomes(
                arrival(b"1", segment=1), arrival(b"1", segment=2), arrival(b"1", segment=2)
            ),
            [PARKED, PARKED, DUPLICATE],
        )
        released = await self.record(segments(2))
        self.assertEqual(sorted(released), [(QUEUED, b"r:alpha"), (MERGED, b"")])

    async def test_xc09_two_such_messages_are_apart(self):
        """Without a group's name the map itself is the group, and so is another one."""
        await self.record(segments(2), segments(2, destination=b"70000002"))
        self.assertEqual(
            await self.outcomes(arrival(b"1"), arrival(b"1", destination=b"70000002")),
            [MERGED, MERGED],
        )

    async def test_xc09_a_number_of_segments_is_kept_in_quarantine(self):
        """A stray shows all that came."""
        stray = arrival(segment=7)
        await self.match(stray)
        self.assertEqual((await self.store.quarantined(1))[0].arrival, stray)

    async def test_what_came_after_the_answer_was_lost(self):
        """The same maps again change nothing of a group."""
        await self.record(part(1, 2), part(2, 2))
        await self.match(arrival(b"1"))
        await self.record(part(1, 2), part(2, 2))
        self.assertEqual(await self.outcomes(arrival(b"1"), arrival(b"2")), [DUPLICATE, QUEUED])


class SharedContract(Uses):
    """Messages that a provider answers with one id for all (XC-08)."""

    async def test_xc08_every_message_that_shares_an_id_gets_its_receipts(self):
        """Parts answered with no id have the outcome of the one that has one, each its own."""
        await self.record(mapping(b"77", origin=b"3", also=(b"1", b"2" * 300)))
        self.assertEqual(
            await self.outcomes(enroute(b"77"), arrival(b"77"), arrival(b"77")),
            [QUEUED, QUEUED, DUPLICATE],
        )
        origins = [b"3", b"1", b"2" * 300]
        entries = await self.fetch()
        self.assertEqual([each.origin for each in entries], origins * 2)
        self.assertEqual([each.receipt for each in entries], [b"enroute"] * 3 + [b"receipt"] * 3)

    async def test_xc08_late_and_merged_ones_too(self):
        """Whatever the map is beside that."""
        await self.record(
            mapping(b"1", also=(b"x",), late=True), segments(2, destination=b"7", also=(b"y",))
        )
        await self.outcomes(failed(b"1", state=EXPIRED), arrival(b"1"))
        await self.outcomes(*[arrival(b"1", destination=b"7")] * 2)
        self.assertEqual(
            [(each.origin, each.receipt, each.sub) for each in await self.fetch()],
            [
                (b"origin", b"failed", 1),
                (b"x", b"failed", 1),
                (b"origin", b"receipt", 1),
                (b"x", b"receipt", 1),
                (b"origin", b"receipt", 2),
                (b"y", b"receipt", 2),
            ],
        )

    async def test_xc08_all_of_them_are_reminded_of(self):
        """A map that ends without a receipt gives out each message that has it."""
        await self.store.record(b"north", [mapping(b"1", remind=True, also=(b"x", b"y"))], 9, {})
        overdue = await self.store.overdue(10)
        self.assertEqual([each.origin for each in overdue], [b"origin", b"x", b"y"])


class LateContract(Uses):
    """DELIVERED after EXPIRED or UNKNOWN, where the account wants it (mission 3.5)."""

    async def test_delivered_after_all(self):
        """Queued once; afterwards everything is too late."""
        for state in (EXPIRED, UNKNOWN):
            key = b"%d" % state
            await self.record(mapping(key, late=True))
            self.assertEqual(
                await self.outcomes(
                    failed(key, state=state),
                    failed(key, state=state),
                    enroute(key),
                    arrival(key),
                    arrival(key),
                    failed(key, state=REJECTED),
                ),
                [QUEUED, DUPLICATE, SUPERSEDED, QUEUED, DUPLICATE, SUPERSEDED],
            )
            self.assertEqual(await self.receipts(), [b"failed", b"receipt"])

    async def test_only_where_it_is_wanted(self):
        """Without ``late``, after another state, with another state, or not asked for."""
        cases = (
            (mapping(b"1"), EXPIRED, arrival(b"1"), SUPERSEDED),
            (mapping(b"2", late=True), UNDELIVERABLE, arrival(b"2"), SUPERSEDED),
            (mapping(b"3", late=True), EXPIRED, arrival(b"3", state=ACCEPTED), SUPERSEDED),
            (mapping(b"4", late=True, want=WANT_FAILURE), EXPIRED, arrival(b"4"), UNWANTED),
        )
        for plain, state, second, outcome in cases:
            await self.record(plain)
            answers = await self.outcomes(failed(plain.key, state=state), second)
            self.assertEqual(answers, [QUEUED, outcome])

    async def test_a_late_map_is_otherwise_an_ordinary_one(self):
        """Intermediate receipts, then the final one."""
        await self.record(mapping(b"1", late=True))
        self.assertEqual(
            await self.outcomes(enroute(b"1"), enroute(b"1"), arrival(b"1"), arrival(b"1")),
            [QUEUED, DUPLICATE, QUEUED, DUPLICATE],
        )

    async def test_a_late_part_while_others_are_missing(self):
        """It takes the place of what was said before."""
        await self.record(part(1, 2, late=True), part(2, 2, late=True))
        self.assertEqual(
            await self.outcomes(
                failed(b"1", state=EXPIRED), arrival(b"1"), arrival(b"1"), arrival(b"2")
            ),
            [MERGED, MERGED, DUPLICATE, QUEUED],
        )
        self.assertEqual(await self.merged(), [(b"receipt", 2, 2)])

    async def test_late_parts_after_the_receipt(self):
        """When the last of them makes all good, the message is told to be delivered."""
        await self.record(part(1, 2, late=True), part(2, 2, late=True))
        self.assertEqual(
            await self.outcomes(
                failed(b"1", state=EXPIRED),
                failed(b"2", state=UNKNOWN),
                arrival(b"1"),
                arrival(b"2", receipt=b"all"),
                arrival(b"2"),
            ),
            [MERGED, QUEUED, MERGED, QUEUED, DUPLICATE],
        )
        self.assertEqual(await self.merged(), [(b"failed", 2, 0), (b"all", 2, 2)])

    async def test_a_late_part_of_a_message_that_failed_otherwise(self):
        """It changes nothing."""
        await self.record(part(1, 2, late=True), part(2, 2, late=True))
        self.assertEqual(
            await self.outcomes(
                failed(b"1", state=EXPIRED), failed(b"2", state=REJECTED), arrival(b"1")
            ),
            [MERGED, QUEUED, SUPERSEDED],
        )

    async def test_segments_are_never_late(self):
        """One map for several receipts: which of them it would replace cannot be known."""
        await self.record(segments(2, late=True))
        self.assertEqual(
            await self.outcomes(
                failed(b"1", state=EXPIRED), failed(b"1", state=EXPIRED), arrival(b"1")
            ),
            [MERGED, QUEUED, SUPERSEDED],
        )
