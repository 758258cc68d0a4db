"""Foreign programs as the tests see them: orders in, events out, every wait with a deadline."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

reactor: Any = global_reactor

HERE = Path(__file__).resolve().parent
DEADLINE = 15.0
"""Seconds that any one expected event may take."""

CLIENTS = {
    "node": ("node", str(HERE / "node" / "client.js")),
    "perl": ("perl", str(HERE / "perl" / "client.pl")),
    "php": (sys.executable, str(HERE / "php_shape.py")),
}
PROVIDERS = {
    "node": ("node", str(HERE / "node" / "provider.js")),
    "perl": ("perl", str(HERE / "perl" / "provider.pl")),
}

Event = dict[str, Any]


@attrs.define(eq=False)
class Wanted:
    """One event that a test waits for."""

    event: str
    match: Event
    arrived: Deferred[Event]

    def fits(self, event: Event) -> bool:
        """Whether the event is the awaited one."""
        return event["event"] == self.event and all(
            event.get(name) == value for name, value in self.match.items()
        )


class Actor(ProcessProtocol):
    """A process that takes JSON lines and gives JSON lines."""

    transport: Any

    def __init__(self, name: str, command: tuple[str, ...], settings: Event) -> None:
        self.name = name
        self.command = command
        self.settings = settings
        self.events: list[Event] = []
        self.story: list[str] = []
        self.wanted: list[Wanted] = []
        self.ended: Deferred[None] = Deferred()
        self.is_over = False
        self._tail = b""

    def start(self) -> None:
        """Start the process; what it says is kept from now on."""
        arguments = [*self.command, json.dumps(self.settings)]
        # The first kind of PATH on any Debian; perl and node need nothing else of the environment.
        reactor.spawnProcess(self, arguments[0], arguments, env=os.environ)

    def order(self, do: str, **fields: Any) -> None:
        """Tell the process to do something."""
        line = json.dumps({"do": do, **fields})
        self.story.append(f"> {line}")
        self.transport.write(line.encode() + b"\n")

    def outReceived(self, data: bytes) -> None:
        """Split what the process says into events; each goes to the first that waits for it."""
        *lines, self._tail = (self._tail + data).split(b"\n")
        for line in lines:
            self.story.append("< " + line.decode("utf-8", "replace"))
            self._arrived(json.loads(line))

    def errReceived(self, data: bytes) -> None:
        """Keep what the process complains about: it is shown when a wait ends in vain."""
        self.story.append("! " + data.decode("utf-8", "replace").rstrip())

    def _arrived(self, event: Event) -> None:
        for wanted in self.wanted:
            if wanted.fits(event):
                self.wanted.remove(wanted)
                wanted.arrived.callback(event)
                return
        self.events.append(event)

    def expect(self, event: str, **match: Any) -> Deferred[Event]:
        """The next event of this name (and with these fields) that nobody has taken yet."""
        wanted = Wanted(event, match, Deferred())
        for seen in self.events:
            if wanted.fits(seen):
                self.events.remove(seen)
                wanted.arrived.callback(seen)
                return wanted.arrived
        self.wanted.append(wanted)
        wanted.arrived.addTimeout(DEADLINE, reactor, self._in_vain(wanted))
        return wanted.arrived

    def _in_vain(self, wanted: Wanted) -> Callable[[Any, float], Any]:
        def explain(result: Any, seconds: float) -> Any:
            if not isinstance(result, Failure):
                return result
            if wanted in self.wanted:
                self.wanted.remove(wanted)
            story = "\n".join(self.story[-60:])
            raise AssertionError(
                f"{self.name}: no {wanted.event} {wanted.match} in {seconds} s; its story:\n{story}"
            )

        return explain

    def unclaimed(self, event: str, **match: Any) -> list[Event]:
        """Events of this name that came and that no test has asked for."""
        wanted = Wanted(event, match, Deferred())
        return [seen for seen in self.events if wanted.fits(seen)]

    def processEnded(self, reason: Failure) -> None:
        """The process is gone, whoever ended it."""
        self.is_over = True
        self._arrived({"event": "ended"})
        self.ended.callback(None)

    def stop(self) -> Deferred[None]:
        """End the process: its input closes, and two seconds later it is killed."""
        if not self.is_over:
            self.transport.closeStdin()
            kill = reactor.callLater(2.0, self.kill)

            def over(result: None) -> None:
                if kill.active():
                    kill.cancel()

            self.ended.addCallback(over)
        return self.ended

    def kill(self) -> None:
        """End the process at once."""
        try:
            self.transport.signalProcess(signal.SIGKILL)
        except ProcessExitedAlready:
            return


def client(kind: str, port: int, **settings: Any) -> Actor:
    """A foreign client that is to connect to a port of this machine."""
    return Actor(f"{kind} client", CLIENTS[kind], {"host": "127.0.0.1", "port": port, **settings})


def provider(kind: str, name: str = "a", **settings: Any) -> Actor:
    """A foreign provider that listens on a free port and tells it (event "listening")."""
    known = {"system_id": "smppproxy", "password": "upstream"}
    return Actor(f"{kind} provider {name}", PROVIDERS[kind], {**known, **settings})
