"""`python -m tests.bench.store_cost`: what the store pays for one message, call by call.

The real private server, through the project's own calls: maps, match and queue, ack, in batches as
a busy node has them that the account's receivers are bound to. Per message: commands that the
scripts run, microseconds of the server and of the calls' own Python, octets of the append-only
file, memory of a map and of a queued receipt, round trips. The last line is all of it as one JSON
object.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from smppproxy.store.embedded import EmbeddedStore
from smppproxy.store.interface import Arrival, Entry, Limit, Mapping
from smppproxy.store.records import Origin, ReceiptRecord

#: Messages of one batch, as many as a busy node's reads have; few, as a quiet node's.
BATCHES = (50, 10)
MESSAGES = 20_000
ACCOUNT, QUEUE, PROVIDER = b"load", b"r:load", b"lean"
NUMBER = b"46701%06d"

Stats = dict[str, tuple[int, int]]


def mapping(number: int) -> Mapping:
    """The map of a message as the load test sends them."""
    destination = NUMBER % number
    origin = Origin(
        b"0190f3c1-%012d" % number, 1, 1, b"46700000000", 1, 1, destination, 1,
        1_700_000_000, None, 0x34,
    )  # fmt: skip
    return Mapping(b"%012x" % number, ACCOUNT, destination[-9:], 7, origin.pack())


def arrival(number: int) -> Arrival:
    """Its receipt."""
    record = ReceiptRecord(
        2, b"DELIVRD", b"000", 1_700_000_000, 1, 1, b"text of the message", b"", True,
        b"lean/a", b"%012x" % number,
    )  # fmt: skip
    return Arrival((b"%012x" % number,), (NUMBER % number)[-9:], 1, 2, True, record.pack())


async def info(store: EmbeddedStore, section: bytes) -> dict[str, str]:
    """A section of INFO."""
    link = store._link
    assert link is not None
    text: bytes = await link.ask(b"INFO", section)
    lines = [line for line in text.decode().splitlines() if ":" in line]
    return dict(line.split(":", 1) for line in lines)


async def stats(store: EmbeddedStore) -> Stats:
    """Calls and microseconds of each command so far."""
    found = {}
    for name, text in (await info(store, b"commandstats")).items():
        fields = dict(part.split("=") for part in text.split(","))
        found[name.removeprefix("cmdstat_")] = int(fields["calls"]), int(fields["usec"])
    return found


async def used(store: EmbeddedStore) -> int:
    """Octets of memory."""
    return int((await info(store, b"memory"))["used_memory"])


class Run:
    """Messages through a store in batches of one size."""

    def __init__(self, store: EmbeddedStore, batch: int, first: int, count: int) -> None:
        self.store = store
        self.batch = batch
        batches = [range(start, start + batch) for start in range(first, first + count, batch)]
        self.mappings = [[mapping(each) for each in numbers] for numbers in batches]
        self.arrivals = [[arrival(each) for each in numbers] for numbers in batches]
        self.entries: list[list[Entry]] = []
        self.limits = {QUEUE: Limit(1_000_000, 172_800)}

    async def maps(self) -> None:
        """What submit_sm_resp's leave behind."""
        for batch in self.mappings:
            await self.store.record(PROVIDER, batch, 259_200, self.limits)

    async def match(self) -> None:
        """Receipts find their maps, are queued and in our hands."""
        for batch in self.arrivals:
            found = await self.store.match(
                PROVIDER, batch, 43_200, self.limits, room=lambda queue, number: True
            )
            if len(found.entries) != self.batch:
                raise RuntimeError(f"{len(found.entries)} of {self.batch} receipts came")
            self.entries.append(found.entries)

    async def deliver(self) -> None:
        """They were delivered."""
        for entries in self.entries:
            await self.store.ack([(QUEUE, entry.entry_id) for entry in entries])


async def steps(run: Run) -> AsyncIterator[tuple[str, float]]:
    """Each step once it is done, and this process's microseconds for it."""
    work: list[tuple[str, Coroutine[Any, Any, None]]] = [
        ("maps", run.maps()), ("match", run.match()), ("deliver", run.deliver()),
    ]  # fmt: skip
    for name, do in work:
        began = time.process_time()
        await do
        yield name, (time.process_time() - began) * 1e6


def inner(before: Stats, after: Stats) -> dict[str, int]:
    """Commands that ran in between, but for the scripts themselves and our own questions."""
    outer = ("evalsha", "eval", "fcall", "info", "script|load", "ping")
    ran = {name: calls - before.get(name, (0, 0))[0] for name, (calls, _) in after.items()}
    return {name: calls for name, calls in ran.items() if calls and name not in outer}


def in_scripts(before: Stats, after: Stats) -> int:
    """Microseconds of the scripts that ran in between."""
    names = ("evalsha", "eval", "fcall")
    return sum(after.get(name, (0, 0))[1] - before.get(name, (0, 0))[1] for name in names)


async def measured(store: EmbeddedStore, batch: int, first: int) -> dict[str, Any]:
    """Every figure of one size of batch, per message."""
    figures: dict[str, Any] = {}
    await Run(store, batch, first, 2000).maps()
    run = Run(store, batch, first + 2000, MESSAGES)
    stats_before, cpu_before = await stats(store), cpu_of(store.server.pid)
    aof_before, memory_before = aof_size(store), await used(store)
    cpu_ours = 0.0
    start = stats_before, aof_before
    trips = store.times.count
    async for name, ours in steps(run):
        stats_now, aof_now, memory_now = await stats(store), aof_size(store), await used(store)
        commands = inner(stats_before, stats_now)
        figures[name] = {
            "us": in_scripts(stats_before, stats_now) / MESSAGES,
            "python_us": ours / MESSAGES,
            "commands": sum(commands.values()) / MESSAGES,
            "aof": (aof_now - aof_before) / MESSAGES,
            "memory": (memory_now - memory_before) / MESSAGES,
            "which": {each: round(calls / MESSAGES, 3) for each, calls in commands.items()},
        }
        cpu_ours += ours
        stats_before, aof_before, memory_before = stats_now, aof_now, memory_now
    figures["all"] = {
        "us": in_scripts(start[0], stats_before) / MESSAGES,
        "python_us": cpu_ours / MESSAGES,
        "commands": sum(inner(start[0], stats_before).values()) / MESSAGES,
        "aof": (aof_before - start[1]) / MESSAGES,
        "cpu_us": (cpu_of(store.server.pid) - cpu_before) / MESSAGES,
        "round_trips": (store.times.count - trips) / MESSAGES,
    }
    return figures


def cpu_of(pid: int) -> float:
    """Microseconds of a process so far."""
    ticks = Path(f"/proc/{pid}/schedstat").read_text().split()
    return int(ticks[0]) / 1000


def aof_size(store: EmbeddedStore) -> int:
    """Octets of its append-only files."""
    return sum(path.stat().st_size for path in store.server.folder.glob("appendonlydir/*.aof"))


async def bench(reactor: Any) -> None:
    """Print every figure."""
    results = {}
    for batch in BATCHES:
        with tempfile.TemporaryDirectory(prefix="smppproxy-cost-") as folder:
            store = EmbeddedStore(folder, "bench", reactor, deadline=10.0)
            await store.start()
            try:
                results[f"batches of {batch}"] = await measured(store, batch, 0)
            finally:
                await store.stop()
    show(results)


def show(results: dict[str, dict[str, Any]]) -> None:
    """The table, then the line."""
    for title, figures in results.items():
        print(f"{title:14} script us  commands     AOF  memory  Python us")
        for step, each in figures.items():
            memory = f"{each['memory']:.0f}" if "memory" in each else ""
            print(
                f"{step:14}{each['us']:10.2f}{each['commands']:10.2f}{each['aof']:8.0f}"
                f"{memory:>8}{each['python_us']:11.2f}"
            )
        whole = figures["all"]
        print(
            f"the server's processor time: {whole['cpu_us']:.2f} us; round trips:"
            f" {whole['round_trips']:.3f}"
        )
    rounded = json.loads(json.dumps(results), parse_float=lambda text: round(float(text), 3))
    print(json.dumps(rounded))


def main() -> None:
    """Run it on a reactor of its own."""
    # What is kept from step to step would be looked through again and again.
    gc.disable()
    react(lambda reactor: Deferred.fromCoroutine(bench(reactor)), sys.argv[1:])


if __name__ == "__main__":
    main()
