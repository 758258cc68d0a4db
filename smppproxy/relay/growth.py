"""Tells other nodes at once that queues grew for which nobody here has room.

Every node looks into its accounts' queues once a second; this makes it fast. What is said is a hint
and may be lost. A node that is alone says nothing, and nobody says more than one every few
milliseconds, however much comes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from smppproxy.relay.peers import Clock
from smppproxy.store.interface import Store, until_it_is_back

TOPIC = b"grown"

PAUSE = 0.005
"""Seconds between two announcements; what grows meanwhile is said together."""

LOOK_EVERY = 5.0
"""Seconds between two looks at which nodes there are."""

SEPARATOR = b"\0"
"""Between names of queues: those of accounts hold no control characters."""


class Growth:
    """What this node tells of, and hears."""

    def __init__(
        self, store: Store, clock: Clock, wake: Callable[[Iterable[bytes]], object]
    ) -> None:
        """
        :param wake: called with the names of queues that grew on another node.
        """
        self._store = store
        self._clock = clock
        self._wake = wake
        self._alone = True
        self._looked = -LOOK_EVERY
        self._grown: dict[bytes, None] = {}
        self._timer: Any = None
        store.bus.hear(TOPIC, self._heard)

    def tell(self, queues: Iterable[bytes]) -> None:
        """These grew, and have to wait here."""
        if self._alone:
            return
        # What no account owns is nobody's to deliver.
        self._grown.update(dict.fromkeys(queue for queue in queues if queue[2:]))
        if self._timer is None and self._grown:
            self._say()

    def _say(self) -> None:
        self._timer = None
        if self._grown:
            self._store.bus.announce(TOPIC, SEPARATOR.join(self._grown))
            self._grown.clear()
            self._timer = self._clock.callLater(PAUSE, self._say)

    def _heard(self, node: bytes, payload: bytes) -> None:
        self._wake(payload.split(SEPARATOR))

    def tick(self, now: float) -> None:
        """Once a second."""
        if now - self._looked >= LOOK_EVERY and self._store.ready:
            self._looked = now
            self._store.nodes().addCallbacks(self._known, until_it_is_back)

    def _known(self, nodes: dict[bytes, Any]) -> None:
        self._alone = len(nodes) < 2

    def stop(self) -> None:
        """Say nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._alone = True
        self._grown.clear()
