"""submit_sm of a client that the relay wants no more of for the moment (XC-16, F36).

A client that sends more than its windows hold goes on being read, so that its enquire_link, its
deliver_sm_resp and its unbind are heard. What it submits meanwhile waits here, in order and
uncounted: to the journeys it is not there yet. All of it has a hard bound; beyond that the client
is not read, and TCP tells it so.
"""

from __future__ import annotations

from collections import deque

import attrs

from smppproxy.smpp.pdu import Pdu

MOST_PDUS = 2_000
MOST_OCTETS = 262_144
"""What one session may let wait, and one read more."""

MOST_OCTETS_OF_ALL = 67_108_864
"""What all sessions of the node together may let wait, and one read more of each."""


@attrs.define
class Yard:
    """The octets that wait at this moment, over all sessions of the node."""

    octets: int = 0


class Parking:
    """What one session has waiting. ``len`` counts PDUs."""

    def __init__(self, yard: Yard) -> None:
        self._yard = yard
        self._octets = 0
        self._pdus: deque[Pdu] = deque()

    def __len__(self) -> int:
        return len(self._pdus)

    @property
    def full(self) -> bool:
        """Whether no more is to be read, here or, if anything waits here, on the whole node."""
        return bool(self._pdus) and (
            self._octets > MOST_OCTETS
            or len(self._pdus) > MOST_PDUS
            or self._yard.octets > MOST_OCTETS_OF_ALL
        )

    def put(self, pdus: list[Pdu]) -> None:
        """These wait behind the others."""
        self._pdus += pdus
        self._count(sum(len(pdu.raw) for pdu in pdus))

    def take(self, count: int) -> list[Pdu]:
        """The oldest, as many as ``count`` at most."""
        pdus = [self._pdus.popleft() for _ in range(min(count, len(self._pdus)))]
        self._count(-sum(len(pdu.raw) for pdu in pdus))
        return pdus

    def _count(self, octets: int) -> None:
        self._octets += octets
        self._yard.octets += octets
