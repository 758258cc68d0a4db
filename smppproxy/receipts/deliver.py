"""The deliver_sm that brings a receipt to a client: its body, octet for octet (GW-25, GW-55, V27).

The header is the session's business; the body can be made before it is known which bind takes it.
"""

from __future__ import annotations

import attrs

from smppproxy.receipts import errs
from smppproxy.receipts.dialects import DIALECTS, downstream
from smppproxy.receipts.text import DATE_OCTETS, date_text, render
from smppproxy.smpp.constants import (
    STATE_DELIVERED,
    STATE_ENROUTE,
    TLV_MESSAGE_STATE,
    TLV_NETWORK_ERROR_CODE,
    TLV_RECEIPTED_MESSAGE_ID,
    TLV_USER_MESSAGE_REFERENCE,
)
from smppproxy.smpp.refusals import STATUSES

_TEXT_OCTETS = 20
_REFERENCE_OCTETS = 255
_MOST_PARTS = 999
_MOST_ERR = 999
_NOT_PRINTABLE = bytes(range(0x20)) + bytes(range(0x7F, 0x100))
_TO_PRINTABLE = bytes.maketrans(_NOT_PRINTABLE, b"?" * len(_NOT_PRINTABLE))

# service_type; ton, npi, and addr follows. Between both addr: NUL, ton, npi.
_HEAD = b"\x00%c%c"
_BETWEEN = b"\x00%c%c"

# Behind addr: NUL, esm_class 0x04; then protocol_id, priority_flag, both times,
# registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id: all 0; sm_length.
_TO_ID = b"\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00%cid:"

# TLVs: receipted_message_id with its NUL (quirks 5.5) and message_state.
_ID = TLV_RECEIPTED_MESSAGE_ID.to_bytes(2, "big") + b"\x00%c"
_STATE = b"\x00" + TLV_MESSAGE_STATE.to_bytes(2, "big") + b"\x00\x01%c"
_NETWORK_ERROR_CODE = TLV_NETWORK_ERROR_CODE.to_bytes(2, "big") + b"\x00\x03"
_REFERENCE = TLV_USER_MESSAGE_REFERENCE.to_bytes(2, "big")


def reference_status(user_message_reference: bytes) -> int:
    """The command_status for a submit_sm with this TLV: 0, or 0xC2 over 255 octets (GW-33)."""
    return STATUSES["tlv_length"] if len(user_message_reference) > _REFERENCE_OCTETS else 0


def reference_text(user_message_reference: bytes) -> bytes:
    """What ``text:`` shows of a user_message_reference (GW-31, GW-33): at most 20 octets of ASCII.

    Two octets are the standard's integer, shown in decimal; others are characters, trailing NULs
    cut, and ``?`` for what is not printable.
    """
    if len(user_message_reference) == 2:
        return b"%d" % int.from_bytes(user_message_reference, "big")
    characters = user_message_reference.rstrip(b"\x00")[:_TEXT_OCTETS]
    return characters.translate(_TO_PRINTABLE)


@attrs.define
class Shown:
    """What a client reads of a receipt, whichever message it is about.

    :ivar word: ``stat`` of the text; ``message_state`` is of the TLV.
    :ivar done_date: as the text has it. ``err`` likewise.
    :ivar parts: whether the provider's count of good parts holds: it says no other state.
    :ivar error_tlv: the network_error_code TLV, b"" for none.
    """

    word: bytes
    message_state: int
    done_date: bytes
    err: bytes
    parts: bool
    error_tlv: bytes


def shown_of(
    state: int,
    stat: bytes,
    err: bytes,
    done_date: int,
    network_error_code: bytes,
    final: bool,
    dialect: str,
    tz: str,
    enroute_final_as: str,
) -> Shown:
    """What many receipts have in common of the deliver_sm that tells a client about its message.

    ``done_date`` is unix seconds, 0 unknown, shown in the zone ``tz``, the account's
    ``receipt_tz``. ``state``, ``stat``, ``err``, ``network_error_code`` and ``final`` are as
    :class:`smppproxy.receipts.profile.Receipt` has them; what the client reads follows its
    ``dialect`` and, where ENROUTE is the last word, its ``enroute_final_as`` (MG-22).

    ``err`` is always three digits. A number above 999 is sent as 999 and in network_error_code
    (GW-35). Otherwise that TLV is left out, except where the dialect has it in every receipt.

    :raises KeyError: for a dialect or ``enroute_final_as`` that does not exist; ValueError for such
        a zone.
    """
    spoken = DIALECTS[dialect]
    word, message_state = downstream(spoken, state, stat, final, enroute_final_as)
    digits, number = errs.three_digits(err)
    error_tlv = b""
    if number > _MOST_ERR or spoken.network_error_code:
        error_tlv = _error_tlv(number, network_error_code)
    parts = state != STATE_ENROUTE or message_state == state
    return Shown(word, message_state, date_text(done_date, tz), digits, parts, error_tlv)


@attrs.frozen
class Form:
    """A deliver_sm without what only one message has of it: what stands before, between and
    behind its numbers, its client_message_id and its submit date."""

    _head: bytes
    _between: bytes
    _to_id: bytes
    _counts: bytes
    _ending: bytes
    _tail: bytes

    def body(
        self, destination_addr: bytes, source_addr: bytes, client_message_id: bytes, date: bytes
    ) -> bytes:
        """All octets after the header. The addresses are those of the submit_sm, and swapped here;
        ``date`` is our own time of the submit (GW-27), of :func:`date_text`."""
        parts = (
            self._head,
            destination_addr,
            self._between,
            source_addr,
            self._to_id,
            client_message_id,
            self._counts,
            date,
            self._ending,
        )
        tail = self._tail
        return b"".join((*parts, client_message_id, tail) if tail else parts)


def form_of(
    shown: Shown,
    source_addr_ton: int,
    source_addr_npi: int,
    dest_addr_ton: int,
    dest_addr_npi: int,
    id_length: int,
    sub: int,
    dlvrd: int,
    with_tlvs: bool,
    reference: bytes = b"",
) -> Form:
    """What the deliver_sm have in common that tell clients about messages which differ in nothing
    but numbers, ids and submit dates.

    ``id_length`` is that of the client_message_id, in octets. ``sub`` and ``dlvrd`` are our
    true counts of parts (GW-26), not the provider's; -1: ``sub`` if delivered, else 0.
    ``reference`` is the client's own user_message_reference, b"" when it gave none (GW-31, GW-32).
    ``with_tlvs`` is False for a session bound below 0x34.
    """
    message_state = shown.message_state
    if dlvrd < 0 or not shown.parts:
        dlvrd = sub if message_state == STATE_DELIVERED else 0
    counts, ending = render(
        min(sub, _MOST_PARTS),
        min(dlvrd, _MOST_PARTS),
        shown.done_date,
        shown.word,
        shown.err,
        reference_text(reference) if reference else b"",
    )
    tail = b""
    length = len("id:") + id_length + len(counts) + DATE_OCTETS + len(ending)
    if with_tlvs:
        ending += _ID % (id_length + 1)
        tail = _STATE % message_state + shown.error_tlv
        if reference:
            tail += _REFERENCE + len(reference).to_bytes(2, "big") + reference
    return Form(
        _HEAD % (dest_addr_ton, dest_addr_npi),
        _BETWEEN % (source_addr_ton, source_addr_npi),
        _TO_ID % length,
        counts,
        ending,
        tail,
    )


def _error_tlv(number: int, given: bytes) -> bytes:
    """The network_error_code TLV: the number that err cannot show, else the provider's own value,
    else the number that err shows; b"" for a number beyond two octets."""
    usable = len(given) == 3 and given[0] <= errs.HIGHEST_NETWORK_TYPE
    value = b"" if usable and number <= _MOST_ERR else errs.network_error_code(number)
    value = value or (given if usable else b"")
    return _NETWORK_ERROR_CODE + value if value else b""
