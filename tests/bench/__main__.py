"""`python -m tests.bench`: microseconds, calls and megabytes of a choice, table by table."""

from __future__ import annotations

import json
import time

from tests.bench.measure import calls, memory, microseconds
from tests.bench.tables import ALL


def main() -> None:
    """A line for each table; the last line is all of it as one JSON object."""
    results = {}
    print(f"{'':38}{'first us':>10}{'us':>8}{'calls':>8}{'MB':>8}{'build s':>9}")
    for make in ALL:
        began = time.perf_counter()
        bench = make()
        build = time.perf_counter() - began
        first, later = microseconds(bench)
        per_choice = calls(bench)
        del bench
        _, megabytes, bench = memory(make)
        print(
            f"{bench.name:38}{first:10.2f}{later:8.2f}{per_choice:8.2f}{megabytes:8.1f}{build:9.2f}"
        )
        results[make.__name__] = {
            "us_first": round(first, 2),
            "us": round(later, 2),
            "calls": round(per_choice, 2),
            "megabytes": round(megabytes, 1),
        }
    print(json.dumps(results))


main()
