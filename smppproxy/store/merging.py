"""Several receipts, one entry: the rules of a group, for the store in memory (mission 3.6, XC-09).

``scripts/groups.lua`` is the same for the store on a server; the contract's tests hold them
together.
"""

from __future__ import annotations

import attrs

from .interface import DUPLICATE, SUPERSEDED, Arrival

DELIVERED, EXPIRED, UNKNOWN = 2, 3, 7

RANKS = {8: 5, 9: 5, 5: 4, 3: 3, 4: 2, 7: 1}
"""How bad a final message_state is; what is not here is good."""


@attrs.define
class Final:
    """The final receipt of one part."""

    part: int
    arrival: Arrival


@attrs.define
class Group:
    """What is known of a message of several parts.

    ``closed``: its one receipt has been decided, ``state`` is its state. ``shown`` is the entry
    of the intermediate receipt that was queued.
    """

    expiry: float = 0.0
    closed: bool = False
    state: int = 0
    shown: bytes = b""
    finals: list[Final] = attrs.field(factory=list)

    def known(self, part: int, arrival: Arrival) -> int | None:
        """The outcome for a part that is there already; None for a new one."""
        for final in self.finals:
            if part and final.part == part:
                same = final.arrival.state == arrival.state
                return DUPLICATE if same else SUPERSEDED
            if not part and arrival.segment and final.arrival.segment == arrival.segment:
                return DUPLICATE
        return None

    def replace(self, part: int, arrival: Arrival) -> None:
        """The part has another final receipt."""
        for final in self.finals:
            if final.part == part:
                final.arrival = arrival

    @property
    def good(self) -> int:
        """How many parts ended well."""
        return sum(final.arrival.state not in RANKS for final in self.finals)

    @property
    def worst(self) -> int:
        """The rank of the worst part; 0 when all are good."""
        return max(RANKS.get(final.arrival.state, 0) for final in self.finals)

    def chosen(self) -> Arrival:
        """The receipt that stands for all: the first of the worst, else the last one."""
        worst = self.worst
        if not worst:
            return self.finals[-1].arrival
        return next(
            final.arrival for final in self.finals if RANKS.get(final.arrival.state) == worst
        )
