"""Since when a bind to a provider is down: however often it was tried again meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from smppproxy.wire.pool import BindState

Place = tuple[str, str, int, str]


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
        down = [_place(state) for state in self._binds() if state.state != "Bound"]
        self._since = {place: self._since.get(place, now) for place in down}

    def lasts(self, state: BindState) -> float:
        """Seconds since the bind was last bound, or since it was first tried; to a second. 0 while
        it is bound."""
        if state.state == "Bound":
            return 0.0
        now = self._seconds()
        since = min(self._since.get(_place(state), now), state.since)
        return round(now - since, 1)


def _place(state: BindState) -> Place:
    return state.provider, state.host, state.number, state.bind
