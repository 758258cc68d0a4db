"""`python -m tests.bench.end_to_end [NAME ...]`: what a whole node does, with everything durable.

Each scenario has a node of its own between simulators in other processes. Figures go to
build/bench/end-to-end.json, pictures beside it; the last lines are the table of the README.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import argon2

from smppproxy.simulator.load.picture import draw, summary
from smppproxy.simulator.load.result import Result
from smppproxy.simulator.load.run import Load, Moment
from tests.bench.onlooker import Onlooker
from tests.bench.rig import RECEIPT_DELAY, ROOT, Rig, Setup, memory
from tests.bench.ruled import ruled

OUT = ROOT / "build" / "bench"
#: Seconds of each scenario; BENCH_SECONDS changes it.
SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
COMMAND = "python -m tests.bench.end_to_end"

#: Processes whose time counts: the node, the writer of its message log, its store.
OURS = ("node", "log", "store")

Figures = dict[str, Any]


def loaded(
    name: str, setup: Setup | None = None, looked_at: bool = False, **options: Any
) -> Figures:
    """Load a node of this setup, which somebody looks at or nobody; every figure of it."""
    rig = Rig(setup)
    onlooker = Onlooker(rig.door) if looked_at else None
    try:
        rig.start()
        rig.ready()
        # Patterns, caches and the store's own memory are warm in a node that has been up for long.
        Load(rig.options(binds=4, seconds=1.0), 1).run()
        before = {name: memory(pids) for name, pids in rig.pids().items()}
        if onlooker is not None:
            onlooker.start()
        result = Load(rig.options(seconds=SECONDS, **options), 1, rig.pids()).run()
        return {**told(name, result), "memory_mb": grown(before, rig)}
    finally:
        if onlooker is not None and onlooker.is_alive():
            onlooker.stop()
        rig.stop()


def grown(before: dict[str, float], rig: Rig) -> dict[str, list[float]]:
    """Megabytes before and after, by process."""
    after = {name: memory(pids) for name, pids in rig.pids().items()}
    return {name: [round(before[name], 1), round(after[name], 1)] for name in before}


def told(name: str, result: Result) -> Figures:
    """A result as figures, and its picture."""
    figures = result.told()
    (OUT / f"{name}.svg").write_text(draw(f"{name}: {summary(figures)}", result))
    cpu = result.cpu
    used = sum(cpu.get(name, 0.0) for name in OURS)
    figures["per_cpu_second"] = round(result.counts.accepted / used) if used else 0
    figures["receipt_delay_ms"] = RECEIPT_DELAY * 1000
    return figures


def saturated() -> Figures:
    """10 binds x window 50, as fast as it goes."""
    return loaded("saturated", binds=10, window=50)


def bare() -> Figures:
    """The same as the first without a message log."""
    return loaded("bare", Setup(log=False), binds=10, window=50)


def pure() -> Figures:
    """The same as the first in Python alone, without the compiled part."""
    return loaded("pure", Setup(pure=True), binds=10, window=50)


def watched() -> Figures:
    """The same as the first, its web page open and its metrics scraped."""
    return loaded("watched", looked_at=True, binds=10, window=50)


def offered() -> Figures:
    """2,000 messages a second offered."""
    return loaded("offered", binds=10, window=50, rate=2000.0)


def tls() -> Figures:
    """10 binds x window 50 with TLS on both sides, as fast as it goes."""
    return loaded("tls", Setup(tls=True), binds=10, window=50)


def many() -> Figures:
    """500 binds x window 2, as fast as it goes."""
    return loaded("many", binds=500, window=2)


def workers() -> Figures:
    """10 binds x window 50 and two workers, as fast as it goes."""
    return loaded("workers", Setup(workers=2), binds=10, window=50)


def greedy() -> Figures:
    """200 quiet binds (400/s) beside a greedy client."""
    hashed = argon2.PasswordHasher(time_cost=1, memory_cost=1024).hash("quiet")
    account = f'\n[account.quiet]\npassword = "{hashed}"\nmax_binds = 1000\nwindow = 10\n'
    rig = Rig(Setup(network=account))
    try:
        rig.start()
        rig.ready()
        loud = rig.options(binds=1, window=1000, seconds=SECONDS)
        quiet = rig.options(
            binds=200, window=10, rate=400.0, seconds=SECONDS, prefixes=[b"46702"],
            system_id=b"quiet", password=b"quiet",
        )  # fmt: skip
        with ThreadPoolExecutor() as pool:
            running = [pool.submit(Load(each, 1, rig.pids()).run) for each in (loud, quiet)]
            results = [each.result() for each in running]
        figures = told("greedy", results[1])
        loud_one = told("greedy-one", results[0])
        # What the node used, it used for both.
        both = sum(result.counts.accepted for result in results)
        used = sum(results[0].cpu[name] for name in OURS)
        figures["per_cpu_second"] = round(both / used) if used else 0
        figures["cpu_us_per_message"] = {
            name: round(cpu / both * 1e6, 2) for name, cpu in results[0].cpu.items()
        }
        return {**figures, "greedy": loud_one}
    finally:
        rig.stop()


def idle() -> Figures:
    """Memory of an idle bind."""
    return {"kib": held(Setup(), 2000), "exit_status": 0}


def idle_tls() -> Figures:
    """Memory of an idle bind with TLS."""
    return {"kib": held(Setup(tls=True), 500), "exit_status": 0}


def held(setup: Setup, binds: int) -> float:
    """KiB of the node's own process for each bind that does nothing."""
    rig = Rig(setup)
    try:
        rig.start()
        rig.ready()
        Load(rig.options(binds=20, count=20), 1).run()
        node = rig.pids()["node"]
        before = memory(node)
        seen: list[float] = []

        def look(moment: Moment) -> None:
            if moment.bound == binds and moment.counts.accepted > 0 and not seen:
                seen.append(memory(node))
                running.interrupt()

        running = Load(rig.options(binds=binds, rate=10.0, seconds=10.0), 1, told=look)
        running.run()
        return round((seen[0] - before) * 1024 / binds, 1)
    finally:
        rig.stop()


def start() -> Figures:
    """Start to first bind, 1,000 accounts, 100 providers."""
    hashed = argon2.PasswordHasher(time_cost=1, memory_cost=1024).hash("x")
    parts = [f'\n[account.a{n}]\npassword = "{hashed}"\n' for n in range(1000)]
    rig = Rig()
    port = rig.hosts.ports[0]
    parts += [
        f'\n[provider.p{n}]\nsystem_id = "smppproxy"\npassword = "smppproxy"\n'
        f'[provider.p{n}.host.a]\naddress = "127.0.0.1"\nport = {port}\n'
        for n in range(100)
    ]
    rig.setup.network = "".join(parts)
    try:
        rig.start()
        seconds = rig.first_bind()
        return {"seconds": round(seconds, 2), "exit_status": 0}
    finally:
        rig.stop()


SCENARIOS: dict[str, Callable[[], Figures]] = {
    each.__name__: each
    for each in (
        saturated, pure, bare, watched, offered, tls, many, greedy, workers, start, idle, idle_tls
    )
}


def machine() -> dict[str, Any]:
    """Where the figures were taken."""
    try:
        info = Path("/proc/cpuinfo").read_text()
    except OSError:
        info = ""
    model = re.search(r"^model name\s*:\s*(.+)$", info, re.MULTILINE)
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": platform.python_compiler(),
        "busy": round(os.getloadavg()[0], 1),
    }


def row(name: str, figures: Figures) -> tuple[str, ...]:
    """One line of the table."""
    what = (SCENARIOS[name].__doc__ or "").rstrip(".")
    if "rate" not in figures:
        figure = f"{figures['kib']} KiB" if "kib" in figures else f"{figures['seconds']:.2f} s"
        return what, figure, "-", "-", "-", "-"
    us = figures["cpu_us_per_message"]
    response, receipt = figures["response_ms"], figures["receipt_ms"]
    delay = figures["receipt_delay_ms"]
    return (
        what,
        f"{figures['rate']:,.0f}/s",
        " + ".join(f"{us.get(name, 0):.1f}" for name in OURS),
        f"{figures['per_cpu_second']:,}",
        f"{response['p50']:.2f} / {response['p99']:.2f}",
        f"{receipt['p50'] - delay:.2f} / {receipt['p99'] - delay:.2f}",
    )


HEADINGS = ("", "full cycles", "us, node + log + store", "per CPU-second",
            "response p50 / p99 ms", "receipt adds, ms")  # fmt: skip


def table(results: dict[str, Figures]) -> str:
    """All of it, as it stands in the README."""
    return ruled(HEADINGS, [row(name, figures) for name, figures in results.items()])


def compared(results: dict[str, Figures]) -> list[str]:
    """What a message costs a node beside another: as far as there are figures of both.

    Two workers would do so much on two cores of their own; here load, simulators, log and store are
    on the same cores.
    """
    us = {
        name: figures["cpu_us_per_message"]["node"]
        for name, figures in results.items()
        if "cpu_us_per_message" in figures
    }
    one, two, python = (us.get(name, 0.0) for name in ("saturated", "workers", "pure"))
    lines = []
    if one and two:
        lines.append(
            f"two workers: {two:.1f} us of node for a message, one: {one:.1f} us; on two cores "
            f"that nobody else uses {2 * one / two:.2f} times as much as one"
        )
    if one and python:
        lines.append(
            f"the compiled part saves {100 * (1 - one / python):.0f} % of the node's time for a "
            f"message: {python:.1f} us without it, {one:.1f} us with it"
        )
    return lines


def main(names: list[str]) -> int:
    """Run scenarios; 0 when nothing was lost in any."""
    OUT.mkdir(parents=True, exist_ok=True)
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        print(f"there is no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
        return 2
    where = machine()
    results: dict[str, Figures] = {}
    for name in names or SCENARIOS:
        print(f"{name}: {SCENARIOS[name].__doc__}", file=sys.stderr, flush=True)
        results[name] = SCENARIOS[name]()
        for fault, count in results[name].get("faults", {}).items():
            print(f"{name}: {fault}: {count}", file=sys.stderr)
    file = OUT / "end-to-end.json"
    file.write_text(json.dumps({"machine": where, "results": results}, indent=1) + "\n")
    print(table(results))
    for line in compared(results):
        print(line)
    print(f"{where['processor']}, {where['cores']} cores, {where['python']} ({where['compiler']})")
    print(f"one of them again: {COMMAND} NAME, of {', '.join(results)}; all figures: "
          f"{file.relative_to(ROOT)}")  # fmt: skip
    return max((each["exit_status"] for each in results.values()), default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
