"""Processor time of processes by name, from /proc: what a node and its store use for a message."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid: int) -> float:
    """Processor seconds of a process so far; 0.0 when there is none (any more)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name may hold blanks and brackets; the last bracket ends it.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


class Usage:
    """What named processes used since :meth:`begin`; several may share a name."""

    def __init__(self, pids: Mapping[str, Sequence[int]]) -> None:
        self._pids = {name: tuple(each) for name, each in pids.items()}
        self._seen: dict[int, float] = {}
        self._totals = dict.fromkeys(self._pids, 0.0)

    def begin(self) -> None:
        """What was used before does not count."""
        self._seen = {pid: cpu_of(pid) for each in self._pids.values() for pid in each}

    def sample(self) -> dict[str, float]:
        """Seconds used since the last sample, by name."""
        used: dict[str, float] = {}
        for name, pids in self._pids.items():
            for pid in pids:
                now = cpu_of(pid)
                # A process that ended took its count with it.
                grown = max(0.0, now - self._seen.get(pid, now))
                self._seen[pid] = max(now, self._seen.get(pid, now))
                used[name] = used.get(name, 0.0) + grown
                self._totals[name] += grown
        return used

    def totals(self) -> dict[str, float]:
        """Seconds since :meth:`begin`, by name."""
        return dict(self._totals)
