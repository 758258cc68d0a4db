"""A provider's receipt as a value, out of a deliver_sm or a data_sm (mission 3.1 to 3.5).

TLVs first, text second. :func:`read_receipt` runs for every deliver_sm of a provider.
"""

from __future__ import annotations

from struct import Struct

from smppproxy.compiled import compiled
from smppproxy.receipts import errs, text
from smppproxy.receipts.dialects import (
    NO_STATE,
    NORMALISED,
    STATE_SCHEDULED,
    kind_of,
    state_of,
)
from smppproxy.receipts.profile import Key, Receipt, ReceiptProfile
from smppproxy.smpp.constants import (
    DATA_SM,
    ESM_INTERMEDIATE,
    ESM_RECEIPT,
    ESM_UDHI,
    STATE_ENROUTE,
    STATE_UNKNOWN,
    TLV_MESSAGE_PAYLOAD,
    TLV_MESSAGE_STATE,
    TLV_NETWORK_ERROR_CODE,
    TLV_RECEIPTED_MESSAGE_ID,
    TLV_USER_MESSAGE_REFERENCE,
)
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.pdu import Pdu

CONFLICT = "state_conflict"  # TLV and text name different states; the TLV won
UNHEARD_OF = "unknown_stat"  # no TLV, and a word that the table does not know
UNREADABLE = "unreadable"  # a receipt by its esm_class, without an id

_ESM_TYPE = 0x3C
_UMR_OCTETS = 255
_WORD_OCTETS = 65
_TEXT_OCTETS = 255
_LONGEST_SHARED = 200
_ID_OCTETS = 65
_ID_TLV = TLV_RECEIPTED_MESSAGE_ID.to_bytes(2, "big") + b"\x00"
"""As it begins: an id of more than 255 octets is none."""

_tag_and_length = Struct(">HH").unpack_from


def _tlvs(raw: bytes, at: int) -> tuple[dict[int, bytes], bool]:
    """The TLVs from an offset on, the first of each tag (F14), and whether they fill the PDU.

    Providers cut the last one short; those before it are good.
    """
    found: dict[int, bytes] = {}
    end = len(raw)
    last = end - 4
    while at <= last:
        tag, length = _tag_and_length(raw, at)
        start = at + 4
        at = start + length
        if at > end:
            break
        if tag not in found:
            found[tag] = raw[start:at]
    return found, at == end


def _tlvs_behind_nul(raw: bytes, at: int, found: dict[int, bytes]) -> dict[int, bytes]:
    """The TLVs behind an uncounted NUL (GW-53) if they read better than what was ``found``."""
    if raw[at] == 0:
        behind, whole = _tlvs(raw, at + 1)
        if whole:
            return behind
    return found


def read_receipt(pdu: Pdu, profile: ReceiptProfile) -> Receipt | None:
    """The receipt in a deliver_sm or data_sm, or None for an MO message (mission 3.1).

    A receipt that says no id has ``message_ids == ()`` and ``oddity == UNREADABLE``. A receipt is
    read as far as it goes when its fields or TLVs break the rules; an MO message must keep them.

    :raises BodyError: for a PDU that is broken and no receipt.
    """
    raw = pdu.raw
    data_sm = pdu.command_id == DATA_SM
    if not data_sm and not profile.final_for:
        found = usual(raw, profile)
        if found is not None:
            return found
    try:
        esm_class, destination, addressee, octets, tlv_at = _locate(raw, data_sm)
    except (IndexError, ValueError):
        raise _error(pdu) from None
    if profile.addresses == "as_submitted":
        destination = addressee
    receipt = None
    # Most of what is no receipt has neither.
    if tlv_at < len(raw) or esm_class & _ESM_TYPE or profile.detect_by_text:
        receipt = _read(raw, esm_class, destination, octets, tlv_at, profile)
    if receipt is None and not data_sm:
        walk_message(raw)
    return receipt


def _error(pdu: Pdu) -> BodyError:
    """What is wrong with a body that ends too early."""
    try:
        if pdu.command_id != DATA_SM:
            walk_message(pdu.raw)
    except BodyError as error:
        return error
    return BodyError("body_length", "the body is cut short")


def _read(
    raw: bytes,
    esm_class: int,
    destination: bytes,
    octets: bytes,
    tlv_at: int,
    profile: ReceiptProfile,
) -> Receipt | None:
    tlvs, whole = _tlvs(raw, tlv_at)
    if not whole and tlv_at < len(raw):
        tlvs = _tlvs_behind_nul(raw, tlv_at, tlvs)
    message_type = esm_class & _ESM_TYPE
    certain = (
        message_type == ESM_RECEIPT
        or message_type == ESM_INTERMEDIATE
        or (TLV_RECEIPTED_MESSAGE_ID in tlvs and TLV_MESSAGE_STATE in tlvs)
    )
    if not certain and not message_type and not profile.detect_by_text:
        return None
    octets = octets or tlvs.get(TLV_MESSAGE_PAYLOAD, b"")
    if esm_class & ESM_UDHI and octets and octets[0] < len(octets):
        octets = octets[octets[0] + 1 :]
    fields = text.parse(octets) if octets else None
    if fields is None:
        if not certain:
            return None
        fields = text.NOTHING
    elif not certain and not message_type and not (fields.id and fields.stat):
        return None
    return _receipt(fields, tlvs, destination, message_type == ESM_INTERMEDIATE, profile)


@compiled(Receipt, ReceiptProfile)
def usual(raw: bytes, profile: ReceiptProfile) -> Receipt | None:
    """A receipt as nearly all providers write nearly all of theirs; None for any other PDU.

    Such receipts differ in addresses, ids and text. The rest is read once, and looked up by its
    octets from then on, which costs half as much.
    """
    places = _places(raw)
    if places is None:
        return None
    source_at, source_end, esm_at, id_at, id_end, rest_at, tlv_at, tlv_id_at, tlv_id_end = places
    text_id = raw[id_at:id_end]
    if not text_id.isalnum() or len(text_id) > _ID_OCTETS:
        return None
    key = (raw[id_end:rest_at], raw[tlv_at:tlv_id_at], raw[tlv_id_end:])
    if profile.addresses == "swapped":
        destination = raw[source_at:source_end]
    else:
        destination = raw[source_end + 3 : esm_at - 1]
    rest = raw[rest_at:tlv_at]
    shared = profile.shared.get(key)
    if shared is None:
        return _first_of(raw, tlv_at, key, (text_id, rest, destination), profile)
    state, stat, err, submit_date, done_date, sub, dlvrd, code, final, kind, oddity = shared
    # Its NUL is seen missing, and octets behind it.
    tlv_id = raw[tlv_id_at + 4 : tlv_id_end].partition(b"\x00")[0]
    text_first = profile.prefer == "text" or not tlv_id
    if not tlv_id or tlv_id == text_id:
        message_ids: tuple[bytes, ...] = (text_id,)
    else:
        message_ids = (text_id, tlv_id) if text_first else (tlv_id, text_id)
    return Receipt(
        message_ids,
        state,
        stat,
        err,
        submit_date,
        done_date,
        sub,
        dlvrd,
        rest,
        code,
        b"",
        destination,
        final,
        kind,
        tlv_id,
        text_id,
        text_first,
        oddity,
    )


def _places(raw: bytes) -> tuple[int, int, int, int, int, int, int, int, int] | None:
    """Where a deliver_sm that looks like a usual receipt has its parts: source_addr, its end,
    esm_class, the id, its end, the text behind ``text:``, the TLVs, receipted_message_id among
    them, its end. Without that TLV both its places are the end of the PDU.
    """
    try:
        source_at = raw.index(b"\x00", 16) + 3
        source_end = raw.index(b"\x00", source_at)
        esm_at = raw.index(b"\x00", source_end + 3) + 1
        if raw[esm_at] != ESM_RECEIPT:
            return None
        # Behind schedule_delivery_time, validity_period, four octets and sm_length.
        text_at = raw.index(b"\x00", raw.index(b"\x00", esm_at + 3) + 1) + 6
        tlv_at = text_at + raw[text_at - 1]
        id_at = text_at + 3
        id_end = raw.index(b" ", id_at, tlv_at)
        tlv_id_at = tlv_id_end = raw.find(_ID_TLV, tlv_at)
        if tlv_id_at < 0:
            tlv_id_at = tlv_id_end = len(raw)
        else:
            tlv_id_end += 4 + raw[tlv_id_at + 3]
        # NULs at its end are no part of a text.
        if not raw[tlv_at - 1] or tlv_id_end > len(raw) or not raw.startswith(b"id:", text_at):
            return None
    except (IndexError, ValueError):
        return None
    rest_at = raw.find(b"ext:", id_end, tlv_at) + 4
    if rest_at < 4:
        rest_at = tlv_at
    return source_at, source_end, esm_at, id_at, id_end, rest_at, tlv_at, tlv_id_at, tlv_id_end


def _first_of(
    raw: bytes,
    tlv_at: int,
    key: Key,
    own: tuple[bytes, bytes, bytes],
    profile: ReceiptProfile,
) -> Receipt | None:
    """The first receipt of many: others of this key are looked up. None when it is not usual.

    :param own: id in the text, what follows ``text:``, and the destination.
    """
    middle, before, behind = key
    text_id, rest, destination = own
    tlvs, whole = _tlvs(raw, tlv_at)
    others, are_whole = _tlvs(before + behind, 0)
    if (
        not (whole and are_whole and _tlvs(before, 0)[1])
        or TLV_RECEIPTED_MESSAGE_ID in others
        or TLV_USER_MESSAGE_REFERENCE in others
        or len(middle) + len(before) + len(behind) > _LONGEST_SHARED
    ):
        return None
    fields = text.parse_middle(text_id, middle, rest)
    if fields is None:
        return None
    receipt = _receipt(fields, tlvs, destination, False, profile)
    profile.share(key, receipt)
    return receipt


def _receipt(
    fields: text.Fields,
    tlvs: dict[int, bytes],
    destination: bytes,
    intermediate: bool,
    profile: ReceiptProfile,
) -> Receipt:
    text_id, sub, dlvrd, submit_date, done_date, stat, err, rest = fields
    # Its NUL is seen missing, and octets behind it.
    tlv_id = tlvs.get(TLV_RECEIPTED_MESSAGE_ID, b"").partition(b"\x00")[0]
    text_first = profile.prefer == "text" or not tlv_id
    state, normalised, oddity = _state(stat, tlvs.get(TLV_MESSAGE_STATE, b""))
    if not tlv_id or not text_id or tlv_id == text_id:
        single = tlv_id or text_id
        message_ids: tuple[bytes, ...] = (single,) if single else ()
        oddity = oddity if single else UNREADABLE
    else:
        message_ids = (text_id, tlv_id) if text_first else (tlv_id, text_id)
    final = profile.is_final(normalised, destination)
    code = tlvs.get(TLV_NETWORK_ERROR_CODE, b"")
    if code and not err:
        err = errs.err_of_network_error_code(code)
    elif profile.err == "hex" or not err.isdigit():
        err = errs.normalise(err[:_WORD_OCTETS], profile.err)
    return Receipt(
        message_ids,
        state,
        stat[:_WORD_OCTETS],
        err[:_WORD_OCTETS],
        profile.seconds_of(submit_date) if submit_date else 0,
        profile.seconds_of(done_date) if done_date else 0,
        text.count_of(sub),
        text.count_of(dlvrd),
        rest[:_TEXT_OCTETS],
        code[:_UMR_OCTETS],
        tlvs.get(TLV_USER_MESSAGE_REFERENCE, b"")[:_UMR_OCTETS],
        destination,
        final,
        kind_of(state, final, intermediate),
        tlv_id,
        text_id,
        text_first,
        oddity,
    )


def _state(stat: bytes, tlv: bytes) -> tuple[int, str, str]:
    """(message_state, normalised word, oddity) of the word and the TLV together (mission 3.5)."""
    by_tlv = tlv[0] if len(tlv) == 1 and tlv[0] in NORMALISED else NO_STATE
    by_word, normalised = state_of(stat)
    if by_tlv == by_word:
        if by_word == NO_STATE:
            return STATE_UNKNOWN, NORMALISED[STATE_UNKNOWN], UNHEARD_OF
        return by_word, normalised, ""
    if by_tlv == NO_STATE:
        return by_word, normalised, ""
    if by_word == NO_STATE:
        return by_tlv, NORMALISED[by_tlv], ""
    if by_tlv == STATE_SCHEDULED:
        # 3.4, which we speak to providers, has no state 0: an unset TLV beside a word.
        return by_word, normalised, CONFLICT if by_word != STATE_ENROUTE else ""
    return by_tlv, NORMALISED[by_tlv], CONFLICT


def _locate(raw: bytes, data_sm: bool) -> tuple[int, bytes, bytes, bytes, int]:
    """(esm_class, source_addr, destination_addr, short_message, offset of the TLVs), of any length.

    :raises IndexError: when the body ends before; ValueError for a string without its NUL.
    """
    source_at = raw.index(b"\x00", 16) + 3
    source_end = raw.index(b"\x00", source_at)
    at = raw.index(b"\x00", source_end + 3) + 1
    esm_class = raw[at]
    source_addr = raw[source_at:source_end]
    destination_addr = raw[source_end + 3 : at - 1]
    if data_sm:
        return esm_class, source_addr, destination_addr, b"", at + 3
    at = raw.index(b"\x00", at + 3) + 1  # behind schedule_delivery_time
    at = raw.index(b"\x00", at) + 5  # sm_length, behind validity_period and four octets
    sm_at = at + 1
    tlv_at = sm_at + raw[at]
    return esm_class, source_addr, destination_addr, raw[sm_at:tlv_at], tlv_at
