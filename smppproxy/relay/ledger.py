"""The ledger: integer counts of what came, what went and what is still here; they must add up.

Three equations hold at every moment, and :meth:`Ledger.imbalance` says by how much they do not:

* ``submitted = accepted + refused + in_doubt + in_flight``
* ``receipts_in + parked_before + replayed
  = matched + merged + parked + orphaned + duplicated + quarantined + unreadable + withheld``
* ``matched + made + queued_before
  = delivered + queued + refused_by_client + expired + dropped + unwanted``

``in_flight``, ``parked``, ``queued`` and ``withheld`` are what is here now; the others only grow.
``queued_before`` were in the queues when this process began, ``parked_before`` were parked by an
earlier process or by another node and found their message here.
``replayed`` were orphans or in quarantine and came in again.
``merged`` are receipts for one part of a message; the message's one receipt counts as matched, but
for those that the store makes of what it has when the maps end, which only the queue shows.
``made`` are receipts of our own, for messages that never had one.
``in_doubt`` counts messages whose client was told ``ESME_RUNKNOWNERR`` or had gone before the
fate was known; ``lost_responses`` counts every submit_sm whose host went away before answering,
whatever became of it afterwards.
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import NamedTuple

from smppproxy.store.interface import (
    DUPLICATE,
    MERGED,
    OUTCOME_NAMES,
    PARKED,
    QUARANTINED,
    QUEUED,
    SUPERSEDED,
    UNWANTED,
)
from smppproxy.words import LEDGER_FIELDS

_numbers = attrgetter(*LEDGER_FIELDS)


class Met(NamedTuple):
    """What became of receipts.

    :ivar queues: how many each queue got; b"" for those of nobody.
    """

    queues: dict[bytes, int]
    parked: int
    quarantined: int


class Ledger:
    """Counters bumped in place by the journeys; nothing here costs more than an addition."""

    __slots__ = (*LEDGER_FIELDS, "events")

    submitted: int
    accepted: int
    refused: int
    in_doubt: int
    resent: int
    lost_responses: int
    no_provider_id: int
    late_responses: int
    receipts_in: int
    matched: int
    merged: int
    made: int
    parked_before: int
    replayed: int
    parked_in: int
    parked_out: int
    orphaned: int
    duplicated: int
    quarantined: int
    unreadable: int
    withheld: int
    unwanted: int
    delivered: int
    redelivered: int
    refused_by_client: int
    expired: int
    dropped: int
    queued_before: int
    mo_in: int
    mo_unrouted: int
    mo_delivered: int

    def __init__(self) -> None:
        for field in LEDGER_FIELDS:
            setattr(self, field, 0)
        self.events: Counter[str] = Counter()

    def count(self, event: str, number: int = 1) -> None:
        """Count a named oddity, e.g. ``unexpected_response``."""
        self.events[event] += number

    def met(self, outcomes: list[tuple[int, bytes]]) -> Met:
        """Receipts met their messages, or did not.

        Parked ones are not counted here: where they come from and go to is the caller's to say.
        """
        found: dict[tuple[int, bytes], int] = {}
        for outcome in outcomes:
            found[outcome] = found.get(outcome, 0) + 1
        numbers = [0] * len(OUTCOME_NAMES)
        queues: dict[bytes, int] = {}
        for (code, queue), number in found.items():
            numbers[code] += number
            if code == QUEUED:
                queues[queue] = number
        self.matched += numbers[QUEUED] + numbers[UNWANTED]
        self.unwanted += numbers[UNWANTED]
        self.merged += numbers[MERGED]
        self.duplicated += numbers[DUPLICATE] + numbers[SUPERSEDED]
        self.quarantined += numbers[QUARANTINED]
        return Met(queues, numbers[PARKED], numbers[QUARANTINED])

    def met_parked(self, outcomes: list[tuple[int, bytes]]) -> Met:
        """Receipts that were parked met their messages: they are parked no more."""
        self.unpark(len(outcomes))
        self.parked_out += len(outcomes)
        return self.met(outcomes)

    def adrift(self, number: int) -> None:
        """The store may have moved up to so many receipts in a call whose answer was lost.

        The provider sends them again or they are found where they are; only the counts of what is
        parked and queued here may be off by as many, and :meth:`imbalance` allows for it.
        """
        if number > 0:
            self.events["adrift"] += number

    @property
    def in_flight(self) -> int:
        """Messages taken from clients that have no outcome yet."""
        return self.submitted - self.accepted - self.refused - self.in_doubt

    @property
    def parked(self) -> int:
        """Receipts that wait for the answer to their submit_sm."""
        return self.parked_before + self.parked_in - self.parked_out - self.orphaned

    def unpark(self, number: int) -> None:
        """So many parked receipts leave the store: those that were not parked here came before."""
        self.parked_before += max(0, number - self.parked)

    @property
    def queued(self) -> int:
        """Receipts in the accounts' queues, those from before this process included."""
        gone = self.delivered + self.refused_by_client + self.expired + self.dropped
        return self.queued_before + self.matched + self.made - self.unwanted - gone

    def numbers(self) -> tuple[int, ...]:
        """What is bumped in place, in the order of LEDGER_FIELDS: cheap, for who looks often."""
        found: tuple[int, ...] = _numbers(self)
        return found

    def imbalance(self) -> dict[str, int]:
        """What does not add up: an empty dict is the promise (reliability: conservation)."""
        known = self.matched + self.merged + self.parked + self.orphaned
        known += self.duplicated + self.quarantined
        receipts_in = self.receipts_in + self.parked_before + self.replayed
        checks = {
            "submitted": min(self.in_flight, 0),
            "receipts_in": receipts_in - known - self.unreadable - self.withheld,
            "queued": min(self.queued + self.events["adrift"] + self.merged, 0),
            "parked": min(self.parked, 0),
        }
        return {name: off for name, off in checks.items() if off}

    def as_dict(self) -> dict[str, int]:
        """Every count by name, what is here now included."""
        counts = {field: getattr(self, field) for field in LEDGER_FIELDS}
        return counts | {
            "in_flight": self.in_flight,
            "parked": self.parked,
            "queued": self.queued,
        }
