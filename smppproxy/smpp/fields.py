"""
What stands in a body. Readers for whoever needs a field; `walk_message` for the hot path.

A reader names the first wrong field by its own command_status (F10 to F14). Requests of clients are
read strictly; answers and what providers deliver as tolerantly as real providers make necessary
(F21).
"""

from collections.abc import Iterable
from struct import Struct
from typing import Final

import attrs

from smppproxy.compiled import compiled
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import MAX_TLVS, check_tlvs, find_tlv, iter_tlvs

#: The most octets, without the NUL, of each C-octet string (5.2). Ids and secrets: SX-06.
MAX_SYSTEM_ID: Final = 255
MAX_PASSWORD: Final = 255
MAX_SYSTEM_TYPE: Final = 12
MAX_ADDRESS_RANGE: Final = 40
MAX_SERVICE_TYPE: Final = 5
MAX_ADDRESS: Final = 20
MAX_DATA_SM_ADDRESS: Final = 64
MAX_TIME: Final = 16

#: Of the TLVs a client may send and we or a provider read as numbers: octets the value must have
#: (least, most). A wrong size is 0xC2 (F13, GW-33); TLVs not named here pass untouched.
TLV_SIZES: Final[dict[int, tuple[int, int]]] = {
    c.TLV_USER_MESSAGE_REFERENCE: (0, 255),
    c.TLV_SOURCE_PORT: (2, 2),
    c.TLV_DESTINATION_PORT: (2, 2),
    c.TLV_SAR_MSG_REF_NUM: (2, 2),
    c.TLV_SAR_TOTAL_SEGMENTS: (1, 1),
    c.TLV_SAR_SEGMENT_SEQNUM: (1, 1),
    c.TLV_DEST_ADDR_SUBUNIT: (1, 1),
}

# What the hot walk compares with: header or numbers before the string, the string, its NUL.
_SOURCE_AT_MOST: Final = 16 + MAX_SERVICE_TYPE + 1
_ADDRESS_MOST: Final = 2 + MAX_ADDRESS + 1
_TIME_MOST: Final = 3 + 1 + MAX_TIME + 1
_MESSAGE_PAYLOAD: Final = c.TLV_MESSAGE_PAYLOAD
_tag_and_length = Struct(">HH").unpack_from


@attrs.define
class Bind:
    """The fields of any of the three binds (4.1.1), in the order of the wire."""

    system_id: bytes
    password: bytes = attrs.field(default=b"", repr=False)
    system_type: bytes = b""
    interface_version: int = c.VERSION_3_4
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: bytes = b""


def _as_list(tlvs: Iterable[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    return list(tlvs)


@attrs.define
class Message:
    """
    The fields of a submit_sm or deliver_sm (4.4.1, 4.6.1), in the order of the wire.

    Octets and numbers as they stand there, undecoded. sm_length is len(short_message).
    """

    service_type: bytes = b""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: bytes = b""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: bytes = b""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: bytes = b""
    validity_period: bytes = b""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = attrs.field(default=b"", repr=False)
    tlvs: list[tuple[int, bytes]] = attrs.field(factory=list, converter=_as_list, repr=False)

    def tlv(self, tag: int) -> bytes | None:
        """The value of the first TLV with this tag, or None."""
        for found, value in self.tlvs:
            if found == tag:
                return value
        return None


class _Reader:
    """A careful walk over a body: each step checks, and names what it found wrong."""

    __slots__ = ("raw", "at")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = c.HEADER_LENGTH

    def octet(self) -> int:
        """One octet; BodyError 0x02 when the body has ended."""
        if self.at >= len(self.raw):
            raise BodyError("body_length", "the body ends before its mandatory fields do")
        self.at += 1
        return self.raw[self.at - 1]

    def text(self, name: str, limit: int, refusal: str) -> bytes:
        """
        A C-octet string of at most `limit` octets, without its NUL.

        BodyError 0x02 when the body has ended before it, that of `refusal` when it is too long or
        has no NUL.
        """
        start = self.at
        if start >= len(self.raw):
            raise BodyError("body_length", f"the body ends before {name}")
        end = self.raw.find(0, start, start + limit + 1)
        if end < 0:
            raise BodyError(refusal, f"{name} does not end within {limit} octets")
        self.at = end + 1
        return self.raw[start:end]


def read_bind(pdu: Pdu) -> Bind:
    """
    The fields of a bind request, of any of the three kinds.

    Ids and secrets of up to 255 octets (SX-06). Raises `BodyError` with 0x0E for a malformed
    system_id or password, 0x53 for the system_type, 0x02 for the rest (F10, F11). Octets behind
    address_range are not looked at.
    """
    body = _Reader(pdu.raw)
    return Bind(
        system_id=body.text("system_id", MAX_SYSTEM_ID, "credentials"),
        password=body.text("password", MAX_PASSWORD, "credentials"),
        system_type=body.text("system_type", MAX_SYSTEM_TYPE, "system_type"),
        interface_version=body.octet(),
        addr_ton=body.octet(),
        addr_npi=body.octet(),
        address_range=body.text("address_range", MAX_ADDRESS_RANGE, "other_string"),
    )


def read_bind_resp(pdu: Pdu) -> tuple[bytes, int]:
    """
    (system_id, sc_interface_version) of a bind response; b"" and 0 for what is absent.

    Never raises: providers answer without a body, without the NUL, without the TLV (F21).
    """
    raw = pdu.raw
    end = raw.find(0, c.HEADER_LENGTH)
    if end < 0:
        return raw[c.HEADER_LENGTH :], 0
    version = find_tlv(raw, end + 1, c.TLV_SC_INTERFACE_VERSION)
    return raw[c.HEADER_LENGTH : end], version[0] if version else 0


def read_message_id(pdu: Pdu) -> bytes:
    """
    The message_id of any response, octets as they came.

    Never raises: b"" without a body, all of it without a NUL, and TLVs behind it are left alone
    (F21, GW-54).
    """
    raw = pdu.raw
    end = raw.find(0, 16)
    return raw[16:end] if end >= 0 else raw[16:]


@compiled()
def walk_message(raw: bytes) -> tuple[int, int, int, int, int, int]:
    """
    One walk over a submit_sm (or deliver_sm) that checks its layout and gives offsets into `raw`.

    ``(source_at, dest_at, esm_at, flags_at, sm_at, tlv_at)``: of source_addr_ton; of dest_addr_ton;
    of esm_class; of registered_delivery; of the first octet of short_message (sm_length stands
    before it); of the first TLV, len(raw) without any. So source_addr is
    raw[source_at + 2 : dest_at - 1] and destination_addr raw[dest_at + 2 : esm_at - 1]; protocol_id
    and priority_flag follow esm_class; replace_if_present_flag, data_coding and sm_default_msg_id
    follow registered_delivery. tlv_at is one more than the end of short_message where a stray NUL
    was skipped (GW-53): who sends the message on leaves that octet out.

    Raises `BodyError` with the code of the first wrong field: 0x15 service_type, 0x0A and 0x0B
    addresses, 0x01 sm_length, 0xC0 TLV area, 0xC1 short_message beside message_payload, 0xC2 size
    of a TLV, 0x02 otherwise. A time without NUL or too long is 0x02 by row 17 of the mission's
    table, where F10 has 0x61 and 0x62: those are for times that can be read (rows 26, 27). A
    deliver_sm is not refused for its TLVs: providers send broken ones, and the receipt is worth
    more.
    """
    # The straight way first: anything unusual is left to the careful walk, which finds the words.
    try:
        source_at = 17 if not raw[16] else raw.index(0, 17) + 1
        dest_at = raw.index(0, source_at + 2) + 1
        esm_at = raw.index(0, dest_at + 2) + 1
        if raw[esm_at + 3]:
            return _walk_carefully(raw)
        flags_at = esm_at + 5 if not raw[esm_at + 4] else raw.index(0, esm_at + 5) + 1
        sm_at = flags_at + 5
        tlv_at = sm_at + raw[flags_at + 4]
    except (IndexError, ValueError):
        return _walk_carefully(raw)
    if (
        source_at > _SOURCE_AT_MOST
        or dest_at - source_at > _ADDRESS_MOST
        or esm_at - dest_at > _ADDRESS_MOST
        or flags_at - esm_at > _TIME_MOST
        or (tlv_at != len(raw) and not _plain_tlvs(raw, tlv_at, tlv_at > sm_at))
    ):
        return _walk_carefully(raw)
    return source_at, dest_at, esm_at, flags_at, sm_at, tlv_at


def _plain_tlvs(raw: bytes, at: int, has_text: bool) -> bool:
    """Whether a TLV area is as it should be in every respect, in one pass."""
    end = len(raw)
    last = end - 4
    if end - at > 4 * MAX_TLVS:
        return False
    while at <= last:
        tag, length = _tag_and_length(raw, at)
        if tag in TLV_SIZES:
            least, most = TLV_SIZES[tag]
            if not least <= length <= most:
                return False
        elif tag == _MESSAGE_PAYLOAD and has_text:
            return False
        at += 4 + length
    return at == end


def _walk_carefully(raw: bytes) -> tuple[int, int, int, int, int, int]:
    """`walk_message` for what is not quite usual: schedules, TLVs, and whatever is wrong."""
    body = _Reader(raw)
    body.text("service_type", MAX_SERVICE_TYPE, "service_type_string")
    source_at = body.at
    body.octet()
    body.octet()
    body.text("source_addr", MAX_ADDRESS, "source_addr_string")
    dest_at = body.at
    body.octet()
    body.octet()
    body.text("destination_addr", MAX_ADDRESS, "destination_addr_string")
    esm_at = body.at
    for _ in range(3):
        body.octet()
    body.text("schedule_delivery_time", MAX_TIME, "other_string")
    body.text("validity_period", MAX_TIME, "other_string")
    flags_at = body.at
    for _ in range(4):
        body.octet()
    sm_length = body.octet()
    sm_at = body.at
    if sm_at + sm_length > len(raw):
        raise BodyError(
            "sm_length", f"sm_length is {sm_length}, {len(raw) - sm_at} octets are there"
        )
    tlv_at = sm_at + sm_length
    if raw[7] == c.DELIVER_SM:
        return source_at, dest_at, esm_at, flags_at, sm_at, _lenient_tlvs(raw, tlv_at)
    tlv_at = check_tlvs(raw, tlv_at)
    _check_values(raw, tlv_at, sm_length)
    return source_at, dest_at, esm_at, flags_at, sm_at, tlv_at


def _lenient_tlvs(raw: bytes, at: int) -> int:
    """Where the TLVs of a deliver_sm begin; a broken area is read up to where it breaks."""
    try:
        return check_tlvs(raw, at)
    except BodyError:
        return at


def _check_values(raw: bytes, at: int, sm_length: int) -> None:
    """Refuse two texts in one message (0xC1) and TLVs of a wrong size (0xC2)."""
    end = len(raw)
    while at < end:
        tag, length = _tag_and_length(raw, at)
        at += 4 + length
        if tag == c.TLV_MESSAGE_PAYLOAD:
            if sm_length and length:
                raise BodyError(
                    "tlv_not_allowed", "short_message and message_payload are both given"
                )
        elif tag in TLV_SIZES:
            least, most = TLV_SIZES[tag]
            if not least <= length <= most:
                raise BodyError("tlv_length", f"TLV 0x{tag:04x} has {length} octets")


def read_message(pdu: Pdu) -> Message:
    """Every field of a submit_sm or deliver_sm; raises `BodyError` where `walk_message` does."""
    raw = pdu.raw
    source_at, dest_at, esm_at, flags_at, sm_at, tlv_at = walk_message(raw)
    schedule_end = raw.index(0, esm_at + 3)
    return Message(
        service_type=raw[16 : source_at - 1],
        source_addr_ton=raw[source_at],
        source_addr_npi=raw[source_at + 1],
        source_addr=raw[source_at + 2 : dest_at - 1],
        dest_addr_ton=raw[dest_at],
        dest_addr_npi=raw[dest_at + 1],
        destination_addr=raw[dest_at + 2 : esm_at - 1],
        esm_class=raw[esm_at],
        protocol_id=raw[esm_at + 1],
        priority_flag=raw[esm_at + 2],
        schedule_delivery_time=raw[esm_at + 3 : schedule_end],
        validity_period=raw[schedule_end + 1 : flags_at - 1],
        registered_delivery=raw[flags_at],
        replace_if_present_flag=raw[flags_at + 1],
        data_coding=raw[flags_at + 2],
        sm_default_msg_id=raw[flags_at + 3],
        short_message=raw[sm_at : sm_at + raw[sm_at - 1]],
        tlvs=list(iter_tlvs(raw, tlv_at)),
    )


def read_data_sm(pdu: Pdu) -> Message:
    """
    Every field of a data_sm (4.7.1); short_message is the value of message_payload, or b"".

    Addresses of up to 64 octets. Raises `BodyError` like `walk_message`; the TLV area is read up to
    where it breaks, as in a deliver_sm.
    """
    body = _Reader(pdu.raw)
    message = Message(
        service_type=body.text("service_type", MAX_SERVICE_TYPE, "service_type_string"),
        source_addr_ton=body.octet(),
        source_addr_npi=body.octet(),
        source_addr=body.text("source_addr", MAX_DATA_SM_ADDRESS, "source_addr_string"),
        dest_addr_ton=body.octet(),
        dest_addr_npi=body.octet(),
        destination_addr=body.text(
            "destination_addr", MAX_DATA_SM_ADDRESS, "destination_addr_string"
        ),
        esm_class=body.octet(),
        registered_delivery=body.octet(),
        data_coding=body.octet(),
        tlvs=list(_tlvs_of(pdu.raw, body)),
    )
    message.short_message = message.tlv(c.TLV_MESSAGE_PAYLOAD) or b""
    return message


def _tlvs_of(raw: bytes, body: _Reader) -> Iterable[tuple[int, bytes]]:
    """The TLVs behind the last field that `body` has read."""
    return iter_tlvs(raw, _lenient_tlvs(raw, body.at))
