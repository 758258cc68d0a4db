"""Parked receipts whose map is there by now: they meet it without anybody's help.

A receipt that came before its map is let go by the record that writes it. One that was parked
although its map was there is not: a node of an earlier release parks what it cannot see the map
of, in the days when two releases share a store. So parked receipts are looked at in turn, a
bounded number with every sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from twisted.logger import Logger

from smppproxy.relay.counts import Counts
from smppproxy.relay.events import Events
from smppproxy.relay.ledger import Ledger
from smppproxy.routing.providers import Provider
from smppproxy.store.interface import UNKNOWN, Limit, Store

AT_ONCE = 500
"""Parked receipts that one look may find their maps for."""


class Parked:
    """Looks for the maps of what is parked."""

    _log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        counts: Counts,
        events: Events,
        released: Callable[[Iterable[bytes]], None],
    ) -> None:
        """
        :param released: told the queues that grew.
        """
        self._store = store
        self._ledger = ledger
        self._counts = counts
        self._events = events
        self._released = released
        self._final_ttls: dict[bytes, int] = {}
        self._limits: dict[bytes, Limit] = {}
        self._skip = 0
        self._asking = False

    def use(self, providers: Mapping[str, Provider], limits: dict[bytes, Limit]) -> None:
        """Take these providers' times, and the limits of the queues."""
        self._final_ttls = {each.key: each.final_ttl for each in providers.values()}
        self._limits = limits

    def look(self) -> None:
        """At the next ones, unless the store has not answered the last look yet."""
        if self._asking:
            return
        self._asking = True
        asked = self._store.meet_parked(self._skip, AT_ONCE, self._final_ttls, self._limits)
        asked.addCallbacks(self._looked, self._not_looked)

    def _not_looked(self, failure: Any) -> None:
        self._asking = False
        if failure.value.fate == UNKNOWN:
            self._ledger.adrift(AT_ONCE)

    def _looked(self, answer: tuple[list[tuple[int, bytes]], int]) -> None:
        """They leave the parked ones as if their map had come just now."""
        met, self._skip = answer
        self._asking = False
        if not met:
            return
        self._ledger.count("parked_met", len(met))
        queues, _, quarantined = self._ledger.met_parked(met)
        self._counts.queued(queues)
        self._events.quarantined(quarantined)
        self._log.info(
            "{count} parked receipts found messages that were there before them",
            event="parked_met",
            count=len(met),
        )
        self._released(queue for queue in queues if queue)
