"""Since when a bind to a provider is down: however often it was tried again meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smppproxy.admin.families import Family
from smppproxy.wire.pool import BindState

Place = tuple[str, str, int, str]

WAITING = "Unadmitted"
"""The state of a bind that waits for a place, see :class:`~smppproxy.wire.bind.BindState`."""

NOT_DOWN = frozenset({"Bound", WAITING})
"""States of a bind that does what it should: one that waits for a place is missed by nobody."""


class Outages:
    """Looks at the binds once a second.

    :param binds: gives every bind as it is now.
    :param seconds: the monotonic clock.
    """

    def __init__(
        self, binds: Callable[[], list[BindState]], seconds: Callable[[], float]
    ) -> None:
        self._binds = binds
        self._seconds = seconds
        self._since: dict[Place, float] = {}

    def tick(self, now: float) -> None:
        """Once a second: who is down, and was so already."""
        down = [_place(state) for state in self._binds() if state.state not in NOT_DOWN]
        self._since = {place: self._since.get(place, now) for place in down}

    def lasts(self, state: BindState) -> float:
        """Seconds since the bind was last bound, or since it was first tried; to a second. 0 while
        it is bound, and while other nodes have all binds that the provider may have."""
        if state.state in NOT_DOWN:
            return 0.0
        now = self._seconds()
        since = min(self._since.get(_place(state), now), state.since)
        return round(now - since, 1)

    def metrics(self) -> Iterator[Family]:
        """For Prometheus: how long each bind is down."""
        seconds = Family("upstream_down_seconds")
        for row in self._binds():
            seconds.add([row.provider, row.host, f"{row.number}{row.bind}"], self.lasts(row))
        yield seconds


def _place(state: BindState) -> Place:
    return state.provider, state.host, state.number, state.bind
