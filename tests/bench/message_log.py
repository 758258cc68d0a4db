"""`python -m tests.bench.message_log`: what the message log costs, in the node and in its process.

The journeys of tests.bench.journeys, noted; what the node would hand over becomes lines in this
process, in one piece as ten times a second. Nothing is written to a disk, nothing compressed.

* node: to note and pack, beyond what the journeys cost without a log
* log: to unpack, and to make lines
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Sequence

import msgpack

from smppproxy.admin.message_log.facts import Facts
from smppproxy.admin.message_log.lines import Lines
from smppproxy.admin.message_log.tally import Tally
from smppproxy.routing.accounts import Account
from tests.bench.journeys import BATCH, CLIENTS, Journeys, microseconds
from tests.bench.measure import counted

SIDES = ("node", "log")
EVENTS = 3
"""Lines that a message leaves."""

Measure = Callable[[Callable[[], None]], float]


class Logged:
    """Two nodes, one of which keeps a log.

    :ivar handed_over: what it handed over in the last round.
    :ivar written: what became of that.
    """

    def __init__(self) -> None:
        accounts: dict[str, Account] = {}
        self._facts = Facts(time.time, time.monotonic, lambda: accounts)
        self._lines = Lines("bench", Tally())
        self._plain, self._logged = Journeys(), Journeys()
        self._logged.relay.journal.open(self._facts.note)
        self.handed_over = b""
        self.written = b""

    def round(self, batch: int, measure: Measure) -> tuple[float, float, float]:
        """A batch of messages of every client: what each costs without a log, with one, and then
        in the log's process.
        """
        without = sum(self._plain.round(batch, measure))
        node = sum(self._logged.round(batch, measure))
        count = batch * CLIENTS
        return without, node + measure(self._take) / count, measure(self._write) / count

    def _take(self) -> None:
        self.handed_over, _ = self._facts.take()

    def _write(self) -> None:
        rows = msgpack.Unpacker(use_list=False)
        rows.feed(self.handed_over)
        for row in rows:
            self._lines.add(row)
        self.written = b"".join(self._lines.take())


def measured(batch: int, rounds: int = 60) -> dict[str, dict[str, float]]:
    """The best time and the calls of both sides, and what they make, per message."""
    logged = Logged()
    for _ in range(5):
        logged.round(batch, microseconds)
    calls = beyond(logged.round(batch, counted))
    octets = len(logged.handed_over), len(logged.written)
    assert logged.written.count(b"\n") == EVENTS * batch * CLIENTS
    gc.collect()
    gc.disable()
    times = [logged.round(batch, microseconds) for _ in range(rounds)]
    gc.enable()
    best = beyond([min(column) for column in zip(*times, strict=True)])
    count = batch * CLIENTS
    return {
        name: {"us": round(us, 2), "calls": round(number, 2), "octets": round(size / count)}
        for name, us, number, size in zip(SIDES, best, calls, octets, strict=True)
    }


def beyond(found: Sequence[float]) -> tuple[float, float]:
    """Of what a round gave: the node's share for the log, and its process'."""
    without, node, log = found
    return node - without, log


def main() -> None:
    """A table; the last line is all of it as one JSON object."""
    results = {}
    for batch, rounds in ((BATCH, 60), (10, 200), (1, 300)):
        results[str(batch)] = found = measured(batch, rounds)
        print(f"reads of {batch:3}" + "".join(f"{name:>20}" for name in SIDES))
        for unit in ("us", "calls", "octets"):
            print(f"{unit:12}" + "".join(f"{found[name][unit]:20.2f}" for name in SIDES))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
