"""The user data header before the text of a part (3GPP TS 23.040 9.2.3.24, mission 4.4).

UDHL, then information elements: identifier, length, octets; in any order.
"""

from __future__ import annotations

from collections.abc import Iterable

from smppproxy.smpp.errors import BodyError

CONCATENATION_8 = 0x00
CONCATENATION_16 = 0x08

Element = tuple[int, bytes]
"""Identifier and octets of one information element."""


def parse(octets: bytes) -> tuple[list[Element], int]:
    """The elements of the header that ``octets`` begins with, and how many octets it takes.

    :raises BodyError: 0x43 when UDHL or an element runs past its end.
    """
    if not octets:
        raise _error("a user data header is announced and there is none")
    end = octets[0] + 1
    if end > len(octets):
        raise _error("the user data header runs past the message")
    elements: list[Element] = []
    at = 1
    while at < end:
        # The identifier alone, without its length, is already past the end.
        value_at = at + 2
        stop = value_at + octets[at + 1] if value_at <= end else end + 1
        if stop > end:
            raise _error("an information element runs past the user data header")
        elements.append((octets[at], octets[value_at:stop]))
        at = stop
    return elements, end


def concatenation(elements: Iterable[Element]) -> tuple[int, int, int] | None:
    """(reference, total, sequence) of the concatenation element; the last one if there are more.

    :raises BodyError: 0x43 for a wrong length, total 0, sequence 0, or sequence above total.
    """
    found: tuple[int, int, int] | None = None
    for identifier, value in elements:
        if identifier == CONCATENATION_8:
            size = 1
        elif identifier == CONCATENATION_16:
            size = 2
        else:
            continue
        if len(value) != size + 2:
            raise _error("a concatenation element of the wrong length")
        total, sequence = value[size], value[size + 1]
        if not 0 < sequence <= total:
            raise _error("a part number outside its total")
        found = int.from_bytes(value[:size], "big"), total, sequence
    return found


def concatenation_element(reference: int, total: int, sequence: int, wide: bool = False) -> Element:
    """The element of one part: 8-bit reference, or 16-bit if ``wide``.

    :raises ValueError: when the reference does not fit; folding it would make two messages one.
    """
    size = 2 if wide else 1
    if not 0 <= reference < 256**size:
        raise ValueError(f"reference {reference} does not fit {size} octet(s)")
    if not 0 < sequence <= total <= 255:
        raise ValueError(f"part {sequence} of {total}")
    identifier = CONCATENATION_16 if wide else CONCATENATION_8
    return identifier, reference.to_bytes(size, "big") + bytes((total, sequence))


def build(elements: Iterable[Element]) -> bytes:
    """UDHL and the elements; b"" when there are none.

    :raises ValueError: over 255 octets.
    """
    body = b"".join([bytes((identifier, len(value))) + value for identifier, value in elements])
    return bytes((len(body),)) + body if body else b""


def _error(text: str) -> BodyError:
    return BodyError("esm_class", text)
