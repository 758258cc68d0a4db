"""GSM 03.38, the 7-bit alphabet of SMS, one septet per octet (3GPP TS 23.038, mission 4.2).

SMPP carries it unpacked: the top bit of each octet is 0. Written here because the codec on PyPI
(gsm0338 1.1) drops an ESC at the end silently and fails on an ESC before a plain character, which
every handset shows.

A few providers want it packed, eight septets in seven octets: :func:`pack` and :func:`unpack`.
Which of the two forms octets have cannot be told from them (mission 4.2).
"""

from __future__ import annotations

ESCAPE = 0x1B
FILLER = 0x0D  # CR

# Position is the code. ESC has no character of its own; decode() takes it out before it looks here.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)

EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}

# Only the codes that mean something else in ASCII.
_FROM_ASCII = {code: character for code, character in enumerate(BASIC) if chr(code) != character}

_ENCODE = {character: bytes((code,)) for code, character in enumerate(BASIC) if code != ESCAPE} | {
    character: bytes((ESCAPE, code)) for code, character in EXTENSION.items()
}


class Gsm0338Error(ValueError):
    """The octets are no GSM 03.38, or a character has no place in it.

    :ivar position: index of the first octet or character at fault.
    """

    def __init__(self, problem: str, position: int) -> None:
        super().__init__(f"{problem} at {position}")
        self.position = position


def decode(octets: bytes, strict: bool = False) -> str:
    """The characters of unpacked septets.

    An ESC before a code that the extension lacks gives the basic character, and ESC ESC a space,
    as handsets show them; ``strict`` refuses both.

    :raises Gsm0338Error: for an octet of 0x80 or more, or an ESC as the last octet (GW-41).
    """
    if not octets.isascii():
        position = next(at for at, octet in enumerate(octets) if octet >= 0x80)
        raise Gsm0338Error("octet above 0x7f", position)
    if ESCAPE not in octets:
        return octets.decode("ascii").translate(_FROM_ASCII)
    return _decode_escaped(octets, strict)


def _decode_escaped(octets: bytes, strict: bool) -> str:
    out: list[str] = []
    escaped = False
    for position, code in enumerate(octets):
        if not escaped:
            if code == ESCAPE:
                escaped = True
            else:
                out.append(BASIC[code])
            continue
        escaped = False
        character = EXTENSION.get(code)
        if character is None:
            if strict:
                raise Gsm0338Error("unknown escape", position)
            character = " " if code == ESCAPE else BASIC[code]
        out.append(character)
    if escaped:
        raise Gsm0338Error("escape without a character", len(octets) - 1)
    return "".join(out)


def encode(text: str) -> bytes:
    """The unpacked septets of ``text``; no transliteration.

    :raises Gsm0338Error: for a character that GSM 03.38 does not hold.
    """
    try:
        return b"".join([_ENCODE[character] for character in text])
    except KeyError:
        position = next(at for at, character in enumerate(text) if character not in _ENCODE)
        raise Gsm0338Error("character outside GSM 03.38", position) from None


def septets(text: str) -> int | None:
    """The septets that ``text`` takes, two for each of the extension; None if it does not fit."""
    total = 0
    for character in text:
        code = _ENCODE.get(character)
        if code is None:
            return None
        total += len(code)
    return total


def fill_bits(header: int) -> int:
    """The bits between a user data header of ``header`` octets and the first packed septet."""
    return -8 * header % 7


def pack(septets: bytes, fill: int = 0) -> bytes:
    """Unpacked septets, packed behind ``fill`` zero bits.

    Seven bits left over would read as one more character, "@": a CR fills them, as 3GPP TS 23.038
    6.1.2.3 has it.
    """
    if not septets:
        return b""
    out = bytearray()
    held, bits = 0, fill
    for septet in septets:
        held |= septet << bits
        bits += 7
        if bits >= 8:
            out.append(held & 0xFF)
            held >>= 8
            bits -= 8
    if bits == 1:
        held |= FILLER << 1
    if bits:
        out.append(held)
    return bytes(out)


def unpack(octets: bytes, fill: int = 0) -> bytes:
    """The septets of :func:`pack`. A CR that ends on an octet's end counts as filler."""
    held, bits = 0, -fill
    out = bytearray()
    for octet in octets:
        # The first fill bits fall out on the right.
        held |= octet << bits if bits >= 0 else octet >> -bits
        bits += 8
        while bits >= 7:
            out.append(held & 0x7F)
            held >>= 7
            bits -= 7
    if out and not bits and out[-1] == FILLER:
        out.pop()
    return bytes(out)
