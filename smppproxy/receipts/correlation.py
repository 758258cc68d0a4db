"""Whether a receipt can belong to a message: the destination must fit (D7, reading 18)."""

from __future__ import annotations

_DIGITS = b"0123456789"
_NOT_DIGITS = bytes(octet for octet in range(256) if octet not in _DIGITS)
_TAIL = 8
_SHORTEST = 6


def destination_tail(addr: bytes) -> bytes:
    """What two spellings of one address have in common: the last 8 digits.

    Prefixes (+, 00, a trunk 0), blanks and punctuation fall away. An address with a letter is
    compared whole, in lower case.
    """
    if addr.isdigit():
        return addr[-_TAIL:]
    lower = addr.lower()
    if lower != addr.upper():
        return lower
    return addr.translate(None, _NOT_DIGITS)[-_TAIL:]


def fits(submitted: bytes, receipted: bytes) -> bool:
    """Whether the tails of a message and of a receipt can be of one address.

    They are equal, or the whole of a short number stands at the end of the longer one. A receipt
    without an address says nothing and fits.
    """
    if submitted == receipted or not receipted:
        return True
    shorter, longer = sorted((submitted, receipted), key=len)
    return len(shorter) >= _SHORTEST and longer.endswith(shorter)
