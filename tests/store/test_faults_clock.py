"""The store server's own clock goes back: queues keep their order and lose nothing (F90)."""

from __future__ import annotations

import re
import time

from smppproxy.store.interface import QUEUED, Limit
from tests.scenarios.world import ask

from .contract import FINAL_TTL, TTL, arrival, mapping
from .test_faults import FaultTestCase

QUEUE = b"r:alpha"
HOUR = 3600


class ServerClockTests(FaultTestCase):
    """What a server makes of its queues when it wakes up an hour before its last entry."""

    async def test_f90_clock_back(self):
        """Entries made after it come after those made before; all are fetched, once, in order, and
        none is thought to be too old.
        """
        server = self.own_server()
        store = self.open_at(server)
        await store.start()
        await store.record(b"north", [mapping(b"%d" % number) for number in range(4)], TTL, {})

        async def arrive(*numbers: int) -> None:
            receipts = [arrival(b"%d" % n, state=2) for n in numbers]
            answers = await store.match(b"north", receipts, FINAL_TTL, {})
            self.assertEqual(answers, [(QUEUED, QUEUE)] * len(numbers))

        await arrive(0, 1)
        # The last entry was made by a clock that was an hour ahead of the one of now.
        key = f"smppproxy:w:{QUEUE[2:].decode()}"
        ahead = f"{int((time.time() + HOUR) * 1000)}-0"
        self.assertEqual(ask(server.path, "XSETID", key, ahead), b"OK")
        await arrive(2, 3)
        await store.sweep({QUEUE: Limit(10, HOUR // 2)})
        entries = await store.fetch([(QUEUE, 10)])
        self.assertEqual(len(entries), 4)
        ids = [tuple(map(int, re.split(rb"[-.]", entry.entry_id))) for entry in entries]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertGreater(ids[2], (int(time.time() * 1000), 0))
        self.assertEqual(await store.ack([(QUEUE, entry.entry_id) for entry in entries]), 4)
        self.assertEqual(await store.sizes([QUEUE]), [(0, 0)])
