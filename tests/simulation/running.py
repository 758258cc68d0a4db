"""Runs schedules, one or many; what it says of one that failed is enough to run it again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    globalLogBeginner,
    globalLogPublisher,
)
from zope.interface import implementer

from tests.simulation.history import PromiseBroken, require
from tests.simulation.schedule import Schedule

COLLECT_EVERY = 25
"""Schedules after which cycles are looked for: a Deferred with an error may hang in one."""

TOLD = 60
"""Steps of a failed schedule that are told."""


@attrs.define
class Outcome:
    """A schedule that failed: its seed, what was broken, and how it came to it."""

    seed: int
    error: str
    trace: list[str]

    def __str__(self) -> str:
        return "\n".join([*self.trace, f"seed {self.seed}: {self.error}"])


def quiet() -> None:
    """Events are not kept for a log that nobody begins: they hold whole schedules."""
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)


@contextmanager
def listening() -> Iterator[list[str]]:
    """What is logged as critical: errors in handlers, Deferreds whose errors nobody took."""
    found: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event.get("log_level") is LogLevel.critical:
            found.append(str(event.get("log_failure") or event.get("log_format")))

    globalLogPublisher.addObserver(observe)
    try:
        yield found
    finally:
        globalLogPublisher.removeObserver(observe)


def run(seed: int, logged: list[str]) -> tuple[Schedule, Outcome | None]:
    """One schedule."""
    schedule = Schedule(seed)
    try:
        schedule.run()
        require(not logged, "an error nobody took", *logged)
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed is told
        logged.clear()
        kind = "" if isinstance(error, PromiseBroken) else f"{type(error).__name__} "
        return schedule, Outcome(seed, kind + str(error), told(schedule))
    return schedule, None


def told(schedule: Schedule, most: int = TOLD) -> list[str]:
    """The last steps of a schedule, one a line."""
    return [
        f"{now - 1000:9.3f}  {what}  " + "  ".join(map(str, more))
        for now, what, *more in schedule.trace[-most:]
    ]


def run_all(seeds: range) -> Iterator[Outcome | None]:
    """Many, one after the other; None for each that kept every promise."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        with listening() as logged:
            for number, seed in enumerate(seeds, 1):
                _, outcome = run(seed, logged)
                if number % COLLECT_EVERY == 0 or number == len(seeds):
                    gc.collect()
                    if logged and outcome is None:
                        outcome = Outcome(seed, f"up to here, an error nobody took: {logged}", [])
                    logged.clear()
                yield outcome
    finally:
        gc.enable()
        gc.unfreeze()
