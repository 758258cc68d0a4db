"""What the store tells of the past: counts by the hour, and what it still holds of one message.

Part of the contract of ``store.interface``: patience and failures are as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs
from twisted.internet.defer import Deferred

if TYPE_CHECKING:
    from .interface import Entry

Count = tuple[int, str, str, str, str]
"""Hour (unix seconds of its beginning), account, provider, calling code, result."""

COUNTS_KEPT = 32 * 86_400
"""Seconds for which the counts of an hour are kept: 31 days, and the rest of the day."""

HOURS_AT_ONCE = 24
"""Hours that one call reads."""


@attrs.define
class Held:
    """A map as it is now: the way back of one message.

    :ivar expiry: unix seconds at which it goes.
    :ivar final: a final receipt came.
    :ivar seen: message_state of the receipts that came, in their order.
    """

    provider: bytes
    key: bytes
    account: bytes
    destination: bytes
    want: int
    origin: bytes
    expiry: int
    final: bool
    seen: tuple[int, ...]


class History(Protocol):
    """The calls."""

    def add_counts(self, counts: dict[Count, int], patience: float | None = 0.0) -> Deferred[None]:
        """Add these to the counts of their hours."""

    def counts(self, hours: list[int]) -> Deferred[dict[Count, int]]:
        """The counts of up to :data:`HOURS_AT_ONCE` hours."""

    def held(self, provider: bytes, keys: list[bytes]) -> Deferred[list[Held]]:
        """The maps under these normalised provider_message_ids."""

    def seek(self, queue: bytes, message_id: bytes, count: int) -> Deferred[list[Entry]]:
        """Receipts of this client_message_id among the ``count`` newest entries of a queue.

        They stay where they are; ``deliveries`` is 0.
        """
