"""Time, calls and memory of choices."""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from tests.bench.tables import Bench

REPEATS = 15
FEW = 50


def microseconds(bench: Bench) -> tuple[float, float]:
    """Per choice: when each pair of account and number comes first, and when it comes again.

    The second is the best of several times for each few messages, so that what else the machine
    does is not measured.
    """
    messages = bench.messages
    first = _timed(bench.run)
    later = 0.0
    for start in range(0, len(messages), FEW):
        bench.messages = messages[start : start + FEW]
        later += min(_timed(bench.run) for _ in range(REPEATS))
    bench.messages = messages
    return first / len(messages) * 1e6, later / len(messages) * 1e6


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def calls(bench: Bench) -> float:
    """Calls per choice, see :func:`counted`."""
    bench.run()
    return counted(bench.run) / len(bench.messages)


def counted(run: Callable[[], object]) -> int:
    """Calls of functions, in Python and in C: the same on every machine."""
    count = 0

    def called(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def memory(make: Callable[[], Bench]) -> tuple[float, float, Bench]:
    """Megabytes of the bench's table with its routes, the same after all of its choices, and it."""
    tracemalloc.start()
    try:
        bench = make()
        messages, bench.messages = bench.messages, []
        held = [*messages]
        messages.clear()
        made = tracemalloc.get_traced_memory()[0]
        own = sum(
            sys.getsizeof(raw) + sys.getsizeof(offsets) for _, raw, offsets in held
        ) + sys.getsizeof(held)
        bench.messages = held
        bench.run()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    return (made - own) / 1e6, (after - own) / 1e6, bench
