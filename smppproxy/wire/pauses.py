"""How long a bind waits before its next attempt, by what ended the last one (GW-06, MG-29).

The backoff is reset by a bind that proved itself, not by a connection or a bind alone (F65): a
provider that closes right after each bind would be bound to without end.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from smppproxy.routing.providers import Provider

LEAST_PAUSE = 0.1
"""Seconds between attempts, whatever is configured: a closed port must not cost a whole core."""

AT_ONCE = 1.0
"""Seconds within which the first attempt after a loss is made."""

BUSY_DELAYS = (5.0, 10.0, 20.0)
"""Seconds after a bind refused as one too many: the provider still holds the old one (F66)."""

SPREAD = 0.05
"""A steady pause is up to this part longer, so that not all binds come back in one moment."""


@attrs.define
class Pauses:
    """The pauses of one bind.

    :param chance: random numbers in [0, 1).
    :ivar failures: attempts and binds since the last good one that came to nothing.
    :ivar busy: refusals in a row as one bind too many.
    """

    provider: Provider
    chance: Callable[[], float]
    failures: int = 0
    busy: int = 0

    def lost(self, stood: bool, good: bool) -> float:
        """Seconds to wait after an attempt that failed, or a bind that was lost.

        :param stood: whether it was bound.
        :param good: whether that bind had proved itself.
        """
        provider = self.provider
        if good:
            self.failures = 0
        first = stood and not self.failures
        if provider.reconnect_delay:
            self.failures += 1
            return AT_ONCE * self.chance() if first else self._steady()
        if good:
            return self.chance() * min(AT_ONCE, provider.reconnect_min)
        self.failures += 1
        return self._backoff()

    def refused(self, command_status: int) -> tuple[float, bool]:
        """(seconds to wait after a refused bind, whether a person has to act).

        It depends on whose turn it is: a wrong password tried every second gets the account
        locked (F64), while a bind too many needs no more than patience (MG-29).
        """
        provider = self.provider
        if command_status in provider.answers.bind_auth:
            return provider.auth_retry_delay * (1 + 0.1 * self.chance()), True
        if provider.reconnect_delay:
            self.failures += 1
            return self._steady(), False
        if command_status in provider.answers.bind_full:
            later = max(BUSY_DELAYS[-1], provider.reconnect_max)
            delay = (*BUSY_DELAYS, later)[min(self.busy, len(BUSY_DELAYS))]
            self.busy += 1
            return delay, False
        self.failures += 1
        return self._backoff(), False

    def bound(self) -> None:
        """The provider took the bind: it holds no old one in its way any more."""
        self.busy = 0

    def _steady(self) -> float:
        """GW-06: the provider's own pause, never shorter."""
        return max(LEAST_PAUSE, self.provider.reconnect_delay * (1 + SPREAD * self.chance()))

    def _backoff(self) -> float:
        provider = self.provider
        doubled = provider.reconnect_min * 2.0 ** min(self.failures - 1, 30)
        return max(LEAST_PAUSE, min(provider.reconnect_max, doubled) * (0.8 + 0.2 * self.chance()))
