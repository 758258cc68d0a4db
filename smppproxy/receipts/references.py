"""Our own reference on the way up, so that a receipt finds its message without the provider's id.

Some providers bring user_message_reference back in the receipt (XC-05): then a message whose
submit_sm_resp was lost is recovered from its receipt. What we put there is made from the
client_message_id; the client's own reference stays in the mapping and is restored (GW-32).
"""

from __future__ import annotations

from smppproxy.receipts.profile import Receipt

TEXT_OCTETS = 20
"""Of a reference that ``text:`` shows (GW-31)."""

# Ids of providers are C-octet strings: no key of theirs begins so.
_MARK = b"\x00r"
_INTEGER = 2
# Between the integers of two parts of one message: neighbours have those in between.
_STRIDE = 4_099


def own_reference(client_message_id: bytes, reference_max: int, part: int = 0) -> bytes:
    """The user_message_reference for a message, at most ``reference_max`` octets and 20.

    ``part`` counts the parts of a message that was cut, from 1: each has a reference of its own.

    The end of the client_message_id, all of it where it fits, so that the provider's people can
    find it. Where only the standard's integer is taken: that much of its number. Ends count up and
    come round, after 65,536 messages for two octets: the destination must tell those apart.
    """
    if reference_max > _INTEGER:
        whole = client_message_id + b"-%d" % part if part else client_message_id
        return whole[-min(reference_max, TEXT_OCTETS) :]
    if client_message_id.isdigit():
        number = int(client_message_id)
    else:
        number = int(client_message_id[-4:], 16)
    number += max(part - 1, 0) * _STRIDE
    return (number & (1 << 8 * reference_max) - 1).to_bytes(reference_max, "big")


def key_of_reference(reference: bytes) -> bytes:
    """The key under which a message is kept by our reference; never one of a provider's ids."""
    return _MARK + reference


def is_reference(key: bytes) -> bool:
    """Whether a key is one of those."""
    return key.startswith(_MARK)


def keys_by_reference(
    receipt: Receipt, reference_max: int, in_text: bool
) -> tuple[bytes, ...]:
    """The keys that a receipt's own references lead to; () when it has none.

    The TLV is taken whole, the text up to its first 20 characters. They are to be tried after the
    keys of the provider's ids, with the destination check.

    :param in_text: the provider shows the reference in ``text:`` too, and not the message.
    """
    found = []
    # Providers may fill it up with NULs; only our integers end in them.
    reference = receipt.user_message_reference
    kept = reference_max if reference_max <= _INTEGER else 0
    reference = reference[:kept] + reference[kept:].rstrip(b"\x00")
    if 0 < len(reference) <= reference_max:
        found.append(reference)
    if in_text:
        shown = _shown(receipt.text, reference_max)
        if shown and shown not in found:
            found.append(shown)
    return tuple([key_of_reference(each) for each in found])


def _shown(text: bytes, reference_max: int) -> bytes:
    """Our reference by what ``text:`` shows of it; b"" when it cannot be one."""
    shown = text.strip()[:TEXT_OCTETS]
    if reference_max > _INTEGER:
        return shown if len(shown) <= reference_max else b""
    # The standard's integer is shown in decimal (GW-33).
    if reference_max == _INTEGER and shown.isdigit() and int(shown) < 0x10000:
        return int(shown).to_bytes(_INTEGER, "big")
    return b""
