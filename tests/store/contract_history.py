"""The contract of ``store.history`` as tests, run against every kind of store."""

from __future__ import annotations

from typing import Any

from smppproxy.store.history import Held
from smppproxy.store.interface import Limit
from smppproxy.store.records import Origin

from .contract import DELIVERED, ENROUTE, FINAL_TTL, Uses, arrival, enroute, mapping

HOUR = 3600


def origin(message_id: bytes) -> bytes:
    """A packed origin with this client_message_id."""
    return Origin(message_id, 1, 1, b"1204", 1, 1, b"70000001", 1, 0, None, 52).pack()


class HistoryContract(Uses):
    """Counts of hours, and what the store holds of a message."""

    assertLess: Any

    async def test_mg30_counts_of_hours(self):
        """What is added to an hour is found in it, summed, name by name."""
        first = (HOUR, "alpha", "acme", "45", "ESME_ROK")
        others = {
            (HOUR, "alpha", "acme", "45", "DELIVRD"): 1,
            (2 * HOUR, "\xe5", "", "", "ESME_RTHROTTLED"): 5,
        }
        await self.store.add_counts({first: 2} | others)
        await self.store.add_counts({first: 40})
        self.assertEqual(await self.store.counts([0, HOUR, 2 * HOUR]), {first: 42} | others)
        self.assertEqual(await self.store.counts([2 * HOUR, 9 * HOUR]), dict([others.popitem()]))
        self.assertEqual(await self.store.counts([]), {})

    async def test_what_is_held_under_an_id(self):
        """Every map under an id tells whose it is, how long it lives and what came."""
        await self.record(mapping(b"1", origin=b"one"), mapping(b"2"))
        await self.record(mapping(b"1", b"beta", b"70000009", 1, b"other"))
        await self.match(enroute(b"1"))
        both = await self.store.held(b"north", [b"1", b"9"])
        self.assertEqual(
            [(each.account, each.destination, each.origin) for each in both],
            [(b"alpha", b"70000001", b"one"), (b"beta", b"70000009", b"other")],
        )
        self.assertEqual([each.seen for each in both], [(ENROUTE,), ()])
        self.assertEqual({each.final for each in both}, {False})
        long = both[0].expiry
        await self.match(arrival(b"2"))
        (held,) = await self.store.held(b"north", [b"2"])
        expected = Held(
            b"north", b"2", b"alpha", b"70000001", 7, b"origin", held.expiry, True, (DELIVERED,)
        )
        self.assertEqual(held, expected)
        self.assertLess(held.expiry, long - FINAL_TTL)
        self.assertEqual(await self.store.held(b"south", [b"1"]), [])

    async def test_what_is_held_of_a_group(self):
        """The parts of a message are found under each of their ids."""
        await self.record(*[mapping(b"%d" % n, group=b"g", parts=2, part=n) for n in (1, 2)])
        keys = [each.key for each in await self.store.held(b"north", [b"1", b"2"])]
        self.assertEqual(keys, [b"1", b"2"])

    async def test_what_is_queued_of_a_message(self):
        """Its receipts among the newest of the queue, in whosever hands; others' ids do not."""
        items = [(origin(name), b"r-" + name) for name in (b"77", b"177", b"77")]
        await self.store.put_receipts(b"alpha", items, Limit(9, 99))
        await self.fetch(count=1)
        found = await self.store.seek(b"r:alpha", b"77", 9)
        self.assertEqual([(each.receipt, each.deliveries) for each in found], [(b"r-77", 0)] * 2)
        self.assertEqual(len(await self.store.seek(b"r:alpha", b"77", 2)), 1)
        self.assertEqual(await self.store.seek(b"r:beta", b"77", 2), [])
