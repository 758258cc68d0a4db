"""What providers' state words mean, which of them are final, and what we say to each account.

One table, mission 3.5. Finality is the provider's (``ReceiptProfile.final``), not this table's:
GatewayAPI's ACCEPTD is final (GW-38), in Colombia Messangi's ENROUTE is the last word (MG-22).
"""

from __future__ import annotations

import attrs

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

STATE_SCHEDULED = 0  # SMPP 5.0
STATE_SKIPPED = 9  # SMPP 5.0
NO_STATE = -1  # a word, or a number, that says nothing

WANT_SUCCESS = 1
WANT_FAILURE = 2
WANT_INTERMEDIATE = 4
WANT_ANY = WANT_SUCCESS | WANT_FAILURE | WANT_INTERMEDIATE

# Normalised word: (message_state, the words that mean it).
_WORDS: dict[str, tuple[int, str]] = {
    "SCHEDULED": (STATE_SCHEDULED, "SCHEDULED STAGED QUEUE"),
    "BUFFERD": (STATE_ENROUTE, "BUFFERD BUFFRED BUFFERED DEQUEUED"),
    "ENROUTE": (STATE_ENROUTE, "ENROUTE ACKED SUBMITD SENT INCOMPLETE"),
    "DELIVRD": (STATE_DELIVERED, "DELIVRD DELIVERED DELIVERD"),
    "EXPIRED": (STATE_EXPIRED, "EXPIRED EXHAUSTED"),
    "DELETED": (STATE_DELETED, "DELETED CANCELED CANCELLED"),
    "UNDELIV": (
        STATE_UNDELIVERABLE,
        "UNDELIV UNDELIVERABLE UNDELIVRD FAILED NOROUTE INVALID_ROUTING",
    ),
    "ACCEPTD": (STATE_ACCEPTED, "ACCEPTD ACCEPTED"),
    "UNKNOWN": (STATE_UNKNOWN, "UNKNOWN"),
    "REJECTD": (
        STATE_REJECTED,
        "REJECTD REJECTED DND_REJECTED BLIST BLACKLISTED CODE_NOT_ALLOWED SEGMENTS_EXCEEDED",
    ),
    "SKIPPED": (STATE_SKIPPED, "SKIPPED"),
}

STATES: dict[bytes, tuple[int, str]] = {
    word.encode(): (state, normalised)
    for normalised, (state, words) in _WORDS.items()
    for word in words.split()
}
"""Word, upper case, as providers write it: (message_state, normalised word)."""

# Words that only begin like a known one. UNDEL and DELET before the shorter of their letters.
_BEGINNINGS = (
    (b"DELIV", "DELIVRD"),
    (b"UNDEL", "UNDELIV"),
    (b"EXPIR", "EXPIRED"),
    (b"REJ", "REJECTD"),
    (b"DELET", "DELETED"),
    (b"ACC", "ACCEPTD"),
)

NORMALISED: dict[int, str] = {
    state: word for word, (state, _) in _WORDS.items() if word != "BUFFERD"
}
"""message_state: normalised word."""

FINAL_BY_DEFAULT = frozenset({"DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "REJECTD", "SKIPPED"})

_NOTHING_SAID = (NO_STATE, "")


def state_of(stat: bytes) -> tuple[int, str]:
    """(message_state, normalised word) of a ``stat`` word in any letter case.

    ``(NO_STATE, "")`` for an empty, a numeric or an unheard-of word.
    """
    known = STATES.get(stat)
    if known is not None:
        return known
    upper = stat.upper()
    known = STATES.get(upper)
    if known is not None:
        return known
    for beginning, normalised in _BEGINNINGS:
        if upper.startswith(beginning):
            return _WORDS[normalised][0], normalised
    return _NOTHING_SAID


_GOOD = frozenset({STATE_DELIVERED, STATE_ACCEPTED, STATE_ENROUTE, STATE_SCHEDULED})


def kind_of(state: int, final: bool, intermediate: bool) -> int:
    """Which wish of a client a receipt answers: one WANT bit, or all of them.

    A final ACCEPTD or ENROUTE is the only success some providers ever tell (GW-38, MG-22).
    An unknown outcome is nobody's intermediate news: whoever asked for any outcome gets it,
    unless the provider itself marked it so (``intermediate``: esm_class 0x20).
    """
    if final:
        return WANT_SUCCESS if state in _GOOD else WANT_FAILURE
    if state == STATE_UNKNOWN and not intermediate:
        return WANT_ANY
    return WANT_INTERMEDIATE


def _bits(registered_delivery: int, intermediate: str) -> int:
    bits = (0, WANT_SUCCESS | WANT_FAILURE, WANT_FAILURE, WANT_ANY)[registered_delivery & 3]
    if registered_delivery & 0x10 or (bits and intermediate == "always"):
        bits |= WANT_INTERMEDIATE
    if intermediate == "never":
        bits &= ~WANT_INTERMEDIATE
    return bits


_WANTED: dict[str, bytes] = {
    intermediate: bytes([_bits(value, intermediate) for value in range(256)])
    for intermediate in ("asked", "always", "never")
}


def wanted(registered_delivery: int, account_receipts: bool, intermediate: str) -> int:
    """The WANT bits that a submit_sm asks for (XC-10, MG-19).

    ``intermediate`` is the account's "asked", "always" or "never". Low bits 1: both outcomes,
    2: failure only, 3: both and intermediate; bit 4: intermediate. "always" adds intermediate
    receipts to messages that asked for some receipt. Reserved bits say nothing here.
    """
    return _WANTED[intermediate][registered_delivery] if account_receipts else 0


@attrs.define
class Dialect:
    """How receipts are put to one kind of account: (stat, message_state) by our state.

    :ivar by_state: what is sent for a message_state.
    :ivar by_word: normalised words that this dialect tells apart within one state.
    :ivar network_error_code: whether that TLV is in every receipt; else only when ``err`` cannot
        show the number, since clients in the field lose receipts over it (quirks 5.6).
    """

    name: str
    by_state: dict[int, tuple[bytes, int]]
    by_word: dict[str, tuple[bytes, int]]
    network_error_code: bool


_STANDARD: dict[int, tuple[bytes, int]] = {
    STATE_SCHEDULED: (b"ENROUTE", STATE_ENROUTE),
    STATE_ENROUTE: (b"ENROUTE", STATE_ENROUTE),
    STATE_DELIVERED: (b"DELIVRD", STATE_DELIVERED),
    STATE_EXPIRED: (b"EXPIRED", STATE_EXPIRED),
    STATE_DELETED: (b"DELETED", STATE_DELETED),
    STATE_UNDELIVERABLE: (b"UNDELIV", STATE_UNDELIVERABLE),
    STATE_ACCEPTED: (b"ACCEPTD", STATE_ACCEPTED),
    STATE_UNKNOWN: (b"UNKNOWN", STATE_UNKNOWN),
    STATE_REJECTED: (b"REJECTD", STATE_REJECTED),
    STATE_SKIPPED: (b"REJECTD", STATE_REJECTED),
}

DIALECTS: dict[str, Dialect] = {
    "default": Dialect("default", _STANDARD, {}, False),
    "gatewayapi": Dialect(
        "gatewayapi",
        _STANDARD
        | {
            STATE_SCHEDULED: (b"BUFFERD", STATE_ENROUTE),
            STATE_DELETED: (b"UNDELIV", STATE_UNDELIVERABLE),
        },
        {"BUFFERD": (b"BUFFERD", STATE_ENROUTE)},
        True,
    ),
}
"""By the account's ``dialect``. BUFFERD is no SMPP state: one dialect only (GW-37)."""

ENROUTE_FINAL_AS: dict[str, tuple[bytes, int]] = {
    "ENROUTE": (b"ENROUTE", STATE_ENROUTE),
    "ACCEPTD": (b"ACCEPTD", STATE_ACCEPTED),
    "DELIVRD": (b"DELIVRD", STATE_DELIVERED),
}
"""What an account is told when ENROUTE is the last word (MG-22), by its ``enroute_final_as``."""

_SENT_UNKNOWN = (b"UNKNOWN", STATE_UNKNOWN)


def downstream(
    dialect: Dialect,
    state: int,
    stat: bytes,
    final: bool = False,
    enroute_final_as: str = "ENROUTE",
) -> tuple[bytes, int]:
    """(stat, message_state) that an account is sent; ``stat`` is the provider's word.

    ``final``: the provider says no more after it. ``enroute_final_as`` is the account's, a name of
    :data:`ENROUTE_FINAL_AS`.
    """
    if state == STATE_ENROUTE:
        if final and enroute_final_as != "ENROUTE":
            return ENROUTE_FINAL_AS[enroute_final_as]
        if dialect.by_word:
            special = dialect.by_word.get(state_of(stat)[1])
            if special is not None:
                return special
    return dialect.by_state.get(state, _SENT_UNKNOWN)
