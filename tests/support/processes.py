"""Other processes as the tests see them: orders in, events out, every wait with a deadline."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

reactor: Any = global_reactor

DEADLINE = 120.0
"""Seconds that any one expected event may take, on a machine that is slow and busy."""

Event = dict[str, Any]


@attrs.define(eq=False)
class Wanted:
    """One event that a test waits for."""

    what: str
    fits: Callable[[Event], bool]
    arrived: Deferred[Event]


def fitting(event: str, match: Event) -> Callable[[Event], bool]:
    """Whether an event has this name and these fields."""

    def fits(seen: Event) -> bool:
        return seen["event"] == event and all(seen.get(name) == match[name] for name in match)

    return fits


class Process(ProcessProtocol):
    """A process whose events a test waits for, each with a deadline."""

    transport: Any
    patience = 15.0
    """Seconds that it may take to end by itself."""
    deadline = DEADLINE
    """Seconds that any one expected event may take."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.command = command
        self.events: list[Event] = []
        self.story: list[str] = []
        self.wanted: list[Wanted] = []
        self.ended: Deferred[None] = Deferred()
        self.is_over = False
        self.exit_code: int | None = None

    def start(self, **environment: str) -> None:
        """Start the process; what it says is kept from now on."""
        reactor.spawnProcess(
            self, self.command[0], self.command, env={**os.environ, **environment}
        )

    def arrived(self, event: Event) -> None:
        """Give an event to the first that waits for it, or keep it."""
        for wanted in self.wanted:
            if wanted.fits(event):
                self.wanted.remove(wanted)
                wanted.arrived.callback(event)
                return
        self.events.append(event)

    def expect(self, event: str, **match: Any) -> Deferred[Event]:
        """The next event of this name (and with these fields) that nobody has taken yet."""
        return self.await_event(f"{event} {match}", fitting(event, match))

    def await_event(self, what: str, fits: Callable[[Event], bool]) -> Deferred[Event]:
        """The next event that fits and that nobody has taken yet."""
        wanted = Wanted(what, fits, Deferred())
        for seen in self.events:
            if fits(seen):
                self.events.remove(seen)
                wanted.arrived.callback(seen)
                return wanted.arrived
        if self.is_over:
            wanted.arrived.errback(ProcessExitedAlready())
        else:
            self.wanted.append(wanted)
        wanted.arrived.addTimeout(self.deadline, reactor)
        wanted.arrived.addErrback(self._in_vain, wanted)
        return wanted.arrived

    def _in_vain(self, failure: Failure, wanted: Wanted) -> Any:
        if wanted in self.wanted:
            self.wanted.remove(wanted)
        end = f"it ended with {self.exit_code}" if self.is_over else f"nor in {self.deadline} s"
        raise AssertionError(
            f"{self.name}: no {wanted.what}, {end}; its story:\n{self.told()}"
        ) from None

    def told(self, lines: int = 60) -> str:
        """What it said last, for a failure's message."""
        return "\n".join(self.story[-lines:])

    def unclaimed(self, event: str, **match: Any) -> list[Event]:
        """Events of this name that came and that no test has asked for."""
        fits = fitting(event, match)
        return [seen for seen in self.events if fits(seen)]

    def processEnded(self, reason: Failure) -> None:
        """The process is gone, whoever ended it."""
        self.is_over = True
        self.exit_code = getattr(reason.value, "exitCode", None)
        self.arrived({"event": "ended", "code": self.exit_code})
        wanted, self.wanted = self.wanted, []
        for one in wanted:
            one.arrived.errback(ProcessExitedAlready())
        self.ended.callback(None)

    def ask_to_end(self) -> None:
        """The gentle way to end it."""
        self.signal("TERM")

    def stop(self) -> Deferred[None]:
        """End the process: gently first, and after its patience it is killed."""
        stopped: Deferred[None] = Deferred()
        if self.is_over:
            stopped.callback(None)
            return stopped
        self.ask_to_end()
        kill = reactor.callLater(self.patience, self.signal, "KILL")

        def over(result: None) -> None:
            if kill.active():
                kill.cancel()
            stopped.callback(None)

        self.ended.addCallback(over)
        return stopped

    def signal(self, name: str) -> None:
        """Send it a signal, unless it is gone."""
        try:
            self.transport.signalProcess(name)
        except ProcessExitedAlready:
            return


class Actor(Process):
    """A process that takes JSON lines and gives JSON lines."""

    def __init__(self, name: str, command: tuple[str, ...], settings: Event) -> None:
        super().__init__(name, [*command, json.dumps(settings)])
        self._tail = b""

    def order(self, do: str, **fields: Any) -> None:
        """Tell the process to do something."""
        line = json.dumps({"do": do, **fields})
        self.story.append(f"> {line}")
        self.transport.write(line.encode() + b"\n")

    def outReceived(self, data: bytes) -> None:
        """Split what the process says into events."""
        *lines, self._tail = (self._tail + data).split(b"\n")
        for line in lines:
            self.story.append("< " + line.decode("utf-8", "replace"))
            self.arrived(json.loads(line))

    def errReceived(self, data: bytes) -> None:
        """Keep what the process complains about: it is shown when a wait ends in vain."""
        self.story.append("! " + data.decode("utf-8", "replace").rstrip())

    def ask_to_end(self) -> None:
        """It ends when its orders do."""
        self.transport.closeStdin()


class Logger(Process):
    """A process that tells what it does in log lines, on either output."""

    def __init__(self, name: str, command: list[str]) -> None:
        super().__init__(name, command)
        self._tail = b""

    def outReceived(self, data: bytes) -> None:
        """Each line is an event."""
        *lines, self._tail = (self._tail + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace")
            self.story.append(text)
            self.arrived({"event": "line", "text": text})

    errReceived = outReceived

    def expect_line(self, pattern: str) -> Deferred[Event]:
        """The next line in which the pattern is found and that nobody has taken yet."""
        found = re.compile(pattern)
        return self.await_event(
            f"line with {pattern!r}",
            lambda seen: seen["event"] == "line" and found.search(seen["text"]) is not None,
        )

    async def expect_match(self, pattern: str) -> re.Match[str]:
        """Like :meth:`expect_line`, with what the pattern found."""
        found = re.search(pattern, (await self.expect_line(pattern))["text"])
        assert found is not None
        return found


async def until(condition: Callable[[], bool], deadline: float = DEADLINE) -> None:
    """Come back once a condition holds; it is looked at every few milliseconds."""

    def vain(result: Any, seconds: float) -> Any:
        raise AssertionError(f"not so within {seconds} s")

    loop = LoopingCall(lambda: loop.stop() if condition() else None)
    holds = loop.start(0.005)
    try:
        await holds.addTimeout(deadline, reactor, vain)
    finally:
        if loop.running:
            loop.stop()
