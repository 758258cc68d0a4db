"""How the processes of a run are told what to do, and tell what happened: JSON, line by line."""

from __future__ import annotations

import json
import sys
from typing import Any, Protocol

from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure


class Ordered(Protocol):
    """Has a method ``do_NAME`` for each order."""

    def end(self) -> None:
        """There will be no more orders."""


class Orders(LineOnlyReceiver):
    """Takes orders until there are no more."""

    delimiter = b"\n"

    def __init__(self, actor: Ordered) -> None:
        self.actor = actor

    def lineReceived(self, line: bytes) -> None:
        """``{"do": NAME, ...}``."""
        order = json.loads(line)
        getattr(self.actor, "do_" + order.pop("do"))(**order)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Whoever gave the orders has gone, or wants us to."""
        self.actor.end()


def say(event: str, **fields: Any) -> None:
    """One event."""
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()
