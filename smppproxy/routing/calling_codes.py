"""The calling code of a number: what traffic is counted by (ITU-T E.164, list of assigned codes).

Zones 1 and 7 have one digit. Two digits stand in the list below; every other code that begins as
they do has three, assigned or not: nothing shorter begins with it.
"""

from __future__ import annotations

_ONE = frozenset("17")
_TWO = frozenset(
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64"
    " 65 66 81 82 84 86 90 91 92 93 94 95 98".split()
)

SHORTEST = 7
"""Digits of a number with a calling code; what has fewer is a short code."""

SHORT = "short"


def calling_code(number: str) -> str:
    """The calling code of an international number, `SHORT` for a short code, "" for no number."""
    digits = number.lstrip("+")
    if not digits.isdecimal() or not digits.isascii():
        return ""
    if len(digits) < SHORTEST:
        return SHORT
    if digits[0] in _ONE:
        return digits[0]
    if digits[0] == "0":
        return ""
    return digits[:2] if digits[:2] in _TWO else digits[:3]
