"""The ``err`` of a receipt: what providers write there, and the three digits that clients get.

GW-34 and GW-35. GatewayAPI's codes are 0x1000 + err; the receipts we make ourselves use its table.
"""

from __future__ import annotations

import re

# Ours, of that table.
ERR_NONE = b"000"
ERR_UNSPECIFIED = b"001"
ERR_INTERNAL_ROUTING = b"080"
ERR_INVALID_VALIDITY = b"116"
ERR_QUEUE_FULL = b"128"
ERR_NETWORK_TIMEOUT = b"145"

_TOO_BIG = b"999"
_GATEWAYAPI_BASE = 0x1000
_NETWORK_TYPE_GSM = b"\x03"  # SMPP 3.4, 5.3.2.31
HIGHEST_NETWORK_TYPE = 8

# A word like "fade" is no number.
_is_hex = re.compile(rb"(?=[A-Fa-f]*[0-9])[0-9A-Fa-f]{1,5}").fullmatch
_is_dec = re.compile(rb"0*[0-9]{1,5}").fullmatch

_THREE_DIGITS = tuple(b"%03d" % number for number in range(1000))


def normalise(err: bytes, base: str) -> bytes:
    """``err`` as decimal digits where it is a number, else as it stands.

    ``base`` is the provider's "dec", "hex", "gatewayapi" or "opaque". Hex that stands where
    decimals should (``21b``) is read as hex, except for "opaque".
    """
    if base == "opaque" or (base != "hex" and err.isdigit()):
        return err
    return b"%03d" % int(err, 16) if _is_hex(err) else err


def number_of(err: bytes) -> int:
    """The number of a normalised ``err``, -1 when it is none."""
    return int(err) if _is_dec(err) else -1


def three_digits(err: bytes) -> tuple[bytes, int]:
    """What clients get for a normalised ``err``, and its number (0 when it has none).

    ``000`` for no number, ``999`` for one that does not fit: two strict readers in the field
    refuse four digits.
    """
    if len(err) == 3 and err.isdigit():
        return err, int(err)
    number = number_of(err)
    if number < 0:
        return ERR_NONE, 0
    return (_THREE_DIGITS[number], number) if number < 1000 else (_TOO_BIG, number)


def network_error_code(number: int) -> bytes:
    """The value of the network_error_code TLV for a number: type GSM and two octets.

    ``b""`` for a number that two octets cannot hold.
    """
    return _NETWORK_TYPE_GSM + number.to_bytes(2, "big") if 0 <= number < 0x10000 else b""


def err_of_network_error_code(value: bytes) -> bytes:
    """An ``err`` for a receipt that has only the TLV; ``b""`` when it says nothing readable.

    A first octet above every network type means that the TLV was filled with text (``000`` seen).
    """
    if len(value) != 3:
        return b""
    if value[0] > HIGHEST_NETWORK_TYPE:
        return value if value.isalnum() else b""
    return b"%03d" % int.from_bytes(value[1:], "big")


def gatewayapi_code(err: bytes) -> int:
    """The code of GatewayAPI's table for its ``err``: ``126`` -> 0x107E; 0 when it is no number."""
    number = number_of(err)
    return 0 if number < 0 else _GATEWAYAPI_BASE + number
