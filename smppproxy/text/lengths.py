"""How much one SMS holds, and where a longer text may be cut (mission 4.3).

The measure of an alphabet that travels in septets is the septet; of the others, the octet.
"""

from __future__ import annotations

from smppproxy.text.gsm0338 import ESCAPE, EXTENSION
from smppproxy.text.profile import SMS_OCTETS

#: Alphabets that take seven bits a character on air, whatever they take in SMPP.
_SEPTETS = frozenset(("gsm7", "ascii", "ascii-gsm-safe", "waiting-gsm7"))
#: ASCII that a provider turns into GSM 03.38, where some of it takes two septets.
_ASCII = "ascii"
_DOUBLE = bytes(ord(character) for character in EXTENSION.values() if ord(character) < 0x80)

#: The octets of a concatenation header: UDHL and one element, 8-bit or 16-bit reference.
NARROW_HEADER = 6
WIDE_HEADER = 7
#: No character takes more than this of either measure.
LARGEST = 4


def room(alphabet: str, header: int, octets: int = SMS_OCTETS) -> int:
    """What fits beside ``header`` octets (UDHL included): 160, 153, 140, 134 ... ; may be negative.

    ``octets`` is what one SMS holds altogether.
    """
    left = octets - header
    if alphabet in _SEPTETS:
        return left * 8 // 7
    return left - left % 2 if alphabet == "ucs2" else left


def measure(alphabet: str, octets: bytes) -> int:
    """What ``octets``, encoded and unpacked, take."""
    if alphabet == _ASCII:
        return 2 * len(octets) - len(octets.translate(None, _DOUBLE))
    return len(octets)


def split(alphabet: str, octets: bytes, limit: int) -> list[bytes]:
    """Pieces of at most ``limit``, none of which begins inside a character.

    :raises ValueError: for a limit that a character may not fit in.
    """
    if limit < LARGEST:
        raise ValueError(f"a part of {limit}")
    pieces: list[bytes] = []
    at = 0
    while at < len(octets):
        end = _end(alphabet, octets, at, limit)
        pieces.append(octets[at:end])
        at = end
    return pieces


def _end(alphabet: str, octets: bytes, at: int, limit: int) -> int:
    """Where the piece that begins at ``at`` ends."""
    if alphabet == _ASCII:
        return _end_ascii(octets, at, limit)
    end = at + limit
    if end >= len(octets):
        return len(octets)
    if alphabet == "gsm7":
        return _end_gsm7(octets, at, end)
    return _end_ucs2(octets, end - limit % 2) if alphabet == "ucs2" else end


def _end_ascii(octets: bytes, at: int, limit: int) -> int:
    end = min(len(octets), at + limit)
    while measure("ascii", octets[at:end]) > limit:
        end -= 1
    return end


def _end_gsm7(octets: bytes, at: int, end: int) -> int:
    # ESC ESC is a character: only the last of an odd row waits for its code.
    row = 0
    while row < end - at and octets[end - 1 - row] == ESCAPE:
        row += 1
    return end - row % 2


def _end_ucs2(octets: bytes, end: int) -> int:
    pair = 0xD8 <= octets[end - 2] <= 0xDB and 0xDC <= octets[end] <= 0xDF
    return end - 2 if pair else end
