"""What becomes of a receipt beside others: after a final one, and as one part of several.

Mission 3.5 ("more rules") and 3.6. The store decides so in its own script; these functions are what
it is held against, and :data:`SEVERITY` is the order that both read.
"""

from __future__ import annotations

from collections.abc import Sequence

from smppproxy.receipts.dialects import NO_STATE, STATE_SCHEDULED, STATE_SKIPPED
from smppproxy.smpp.constants import (
    STATE_ACCEPTED,
    STATE_DELETED,
    STATE_DELIVERED,
    STATE_ENROUTE,
    STATE_EXPIRED,
    STATE_REJECTED,
    STATE_UNDELIVERABLE,
    STATE_UNKNOWN,
)

PASS, REPEATED, SUPERSEDED = range(3)
"""Pass it on; the same state was told before; it comes after the last word and changes nothing."""

LATE_AFTER = frozenset({STATE_EXPIRED, STATE_UNKNOWN})
"""Last words that a DELIVRD may still correct, for accounts with ``late_delivery``."""

SEVERITY = (
    STATE_SKIPPED,  # told as REJECTD
    STATE_REJECTED,
    STATE_UNDELIVERABLE,
    STATE_EXPIRED,
    STATE_DELETED,
    STATE_UNKNOWN,
    # The last word of some providers (MG-22, GW-38): less than delivered, no failure.
    STATE_SCHEDULED,
    STATE_ENROUTE,
    STATE_ACCEPTED,
    STATE_DELIVERED,
)
"""message_state, the worst first: a message in parts has the worst state of its parts."""

_RANK = {state: rank for rank, state in enumerate(SEVERITY)}
_UNHEARD_OF = _RANK[STATE_UNKNOWN]


def judge(seen: bytes, final_state: int, state: int, late_delivery: bool) -> int:
    """What to do with a receipt of ``state``: PASS, REPEATED or SUPERSEDED (GW-24).

    :param seen: the states told before, an octet each.
    :param final_state: the one that was the last word, NO_STATE while there is none.
    :param late_delivery: the account's: DELIVRD after EXPIRED or UNKNOWN is passed on.

    After a last word nothing transient is told; of two last words the first stays.
    """
    if state in seen:
        return REPEATED
    if final_state == NO_STATE:
        return PASS
    if late_delivery and state == STATE_DELIVERED and final_state in LATE_AFTER:
        return PASS
    return SUPERSEDED


def worst(states: Sequence[int]) -> int:
    """The place of the part whose state, word and err tell the outcome: the first of the worst.

    :raises ValueError: when there are no parts.
    """
    return min(range(len(states)), key=lambda place: _RANK.get(states[place], _UNHEARD_OF))


def merge(states: Sequence[int]) -> int:
    """The message_state of a message from the final states of all its parts (mission 3.6, XC-09).

    :raises ValueError: when there are no parts.
    """
    return states[worst(states)]


def delivered(states: Sequence[int]) -> int:
    """``dlvrd`` of a message in parts: those that were delivered; ``sub`` is their number."""
    return sum(state == STATE_DELIVERED for state in states)
