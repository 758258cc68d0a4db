"""Octets to characters and back, by the alphabet's name (mission 4.1, 4.2).

Never a replacement character: what does not decode is refused, what does not fit gives None.
"""

from __future__ import annotations

from collections.abc import Callable

from smppproxy.smpp.errors import BodyError
from smppproxy.text import gsm0338

#: One octet is one character, and Python knows which. cp1252 leaves five octets without one.
_CODECS = {
    "ascii": "ascii",
    "latin1": "latin-1",
    "cp1252": "cp1252",
    "cyrillic": "iso8859-5",
    "utf-8": "utf-8",
}
_WITH_C1 = frozenset(("latin1", "cyrillic"))
_C1 = bytes(range(0x80, 0xA0))

#: The 83 printable characters, LF and CR that have one code in ASCII and GSM 03.38 (SX-16).
SAFE = frozenset(
    character for code, character in enumerate(gsm0338.BASIC) if chr(code) == character
) - {"\x1b"}

#: What :func:`decode` and :func:`encode` know.
TEXTS = frozenset((*_CODECS, "gsm7", "gsm7-packed", "ascii-gsm-safe", "ucs2"))


def decode(name: str, octets: bytes, strict: bool = False) -> str:
    """The characters of ``octets``.

    ``strict`` refuses what handsets show all the same: an unknown escape of GSM 03.38, C1 controls
    of ISO 8859, a lone surrogate of UCS2.

    :raises BodyError: 0x45 for octets outside the alphabet (GW-41) and for what is no text, 0x01
        for half a character of UCS2 (SX-17).
    """
    if name == "ucs2":
        return _decode_ucs2(octets, strict)
    try:
        if name == "gsm7":
            return gsm0338.decode(octets, strict)
        if name == "gsm7-packed":
            return gsm0338.decode(gsm0338.unpack(octets), strict)
        text = octets.decode(_CODECS["ascii" if name == "ascii-gsm-safe" else name])
    except ValueError as error:
        raise BodyError("payload", f"this is not {name}: {error}") from None
    except KeyError:
        raise BodyError("payload", f"{name} is not decoded here") from None
    if strict and name in _WITH_C1 and octets.translate(None, _C1) != octets:
        raise BodyError("payload", f"C1 controls in {name}")
    return text


def _decode_ucs2(octets: bytes, strict: bool) -> str:
    if len(octets) % 2:
        raise BodyError("message_length", "an odd number of octets is no UCS2")
    try:
        return octets.decode("utf-16-be", "strict" if strict else "surrogatepass")
    except ValueError:
        raise BodyError("payload", "a lone surrogate in UCS2") from None


def encode(name: str, text: str) -> bytes | None:
    """The octets of ``text``, or None when a character has no place in the alphabet."""
    try:
        return _ENCODERS[name](text)
    except ValueError:
        return None


def _encode_safe(text: str) -> bytes | None:
    return text.encode("ascii") if SAFE.issuperset(text) else None


def _codec(name: str) -> Callable[[str], bytes | None]:
    return lambda text: text.encode(name)


_ENCODERS: dict[str, Callable[[str], bytes | None]] = {
    **{name: _codec(codec) for name, codec in _CODECS.items()},
    "gsm7": gsm0338.encode,
    "gsm7-packed": lambda text: gsm0338.pack(gsm0338.encode(text)),
    "ascii-gsm-safe": _encode_safe,
    "ucs2": lambda text: text.encode("utf-16-be", "surrogatepass"),
}
