"""How to write a PDU. Every function returns all octets of one PDU, ready for the transport."""

from collections.abc import Iterable
from struct import Struct
from typing import Final, TypedDict, Unpack

from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Bind, Message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import tlv

_header = Struct(">IIII").pack
_header_and_nul = Struct(">IIIIx").pack
_three_octets = Struct(">BBB").pack
_sc_interface_version: Final = tlv(c.TLV_SC_INTERFACE_VERSION, bytes([c.VERSION_3_4]))


class MessageFields(TypedDict, total=False):
    """The fields of `Message` as keywords; what is left out is 0 or empty."""

    service_type: bytes
    source_addr_ton: int
    source_addr_npi: int
    source_addr: bytes
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: bytes
    esm_class: int
    protocol_id: int
    priority_flag: int
    schedule_delivery_time: bytes
    validity_period: bytes
    registered_delivery: int
    replace_if_present_flag: int
    data_coding: int
    sm_default_msg_id: int
    short_message: bytes
    tlvs: Iterable[tuple[int, bytes]]


def header(command_id: int, command_status: int, sequence_number: int) -> bytes:
    """A PDU without a body: 16 octets."""
    return _header(16, command_id, command_status, sequence_number)


def _with_body(command_id: int, command_status: int, sequence_number: int, body: bytes) -> bytes:
    return _header(16 + len(body), command_id, command_status, sequence_number) + body


def _text(value: bytes) -> bytes:
    """A C-octet string; ValueError when the value holds a NUL, which would end it early."""
    if 0 in value:
        raise ValueError("a C-octet string cannot hold a NUL")
    return value + b"\0"


# -- sessions ----------------------------------------------------------------------------------


def bind(command_id: int, sequence_number: int, fields: Bind) -> bytes:
    """A bind request of the kind `command_id` (4.1.1)."""
    body = (
        _text(fields.system_id)
        + _text(fields.password)
        + _text(fields.system_type)
        + _three_octets(fields.interface_version, fields.addr_ton, fields.addr_npi)
        + _text(fields.address_range)
    )
    return _with_body(command_id, 0, sequence_number, body)


def bind_resp(
    command_id: int,
    command_status: int,
    sequence_number: int,
    system_id: bytes,
    with_version: bool = True,
) -> bytes:
    """
    The answer to the bind request `command_id`.

    With a body even when refused: two client libraries in use cannot read it otherwise.
    sc_interface_version 0x34 is added to an accepted one only, if asked for (SX-01, GW-02).
    """
    body = _text(system_id)
    if with_version and command_status == c.ESME_ROK:
        body += _sc_interface_version
    return _with_body(command_id | c.RESPONSE, command_status, sequence_number, body)


def enquire_link(sequence_number: int) -> bytes:
    """Are you there?"""
    return _header(16, c.ENQUIRE_LINK, 0, sequence_number)


def enquire_link_resp(sequence_number: int) -> bytes:
    """Yes."""
    return _header(16, c.ENQUIRE_LINK_RESP, 0, sequence_number)


def unbind(sequence_number: int) -> bytes:
    """We want to go."""
    return _header(16, c.UNBIND, 0, sequence_number)


def unbind_resp(sequence_number: int, command_status: int = 0) -> bytes:
    """The answer to an unbind."""
    return _header(16, c.UNBIND_RESP, command_status, sequence_number)


def generic_nack(command_status: int, sequence_number: int) -> bytes:
    """The answer to what cannot be answered by its own kind; never to a response (F08)."""
    return _header(16, c.GENERIC_NACK, command_status, sequence_number)


def refusal(request: Pdu | int, sequence_number: int, command_status: int) -> bytes:
    """
    The response of a request's own kind with an error: a header and nothing else.

    `request` is the PDU or its command_id. With a body, one client library in use refuses a
    submit_sm_resp.
    """
    command_id = request if isinstance(request, int) else request.command_id
    return _header(16, command_id | c.RESPONSE, command_status, sequence_number)


# -- messages ----------------------------------------------------------------------------------


def message(command_id: int, sequence_number: int, fields: Message) -> bytes:
    """
    A submit_sm or deliver_sm with these fields.

    ValueError for more than 255 octets of short_message, a NUL in a string or a number that does
    not fit its octet; lengths of strings are the caller's business.
    """
    short_message = fields.short_message
    if len(short_message) > 255:
        raise ValueError(f"short_message is {len(short_message)} octets, 255 fit")
    numbers = (
        fields.registered_delivery,
        fields.replace_if_present_flag,
        fields.data_coding,
        fields.sm_default_msg_id,
        len(short_message),
    )
    body = b"".join(
        (
            _text(fields.service_type),
            bytes((fields.source_addr_ton, fields.source_addr_npi)),
            _text(fields.source_addr),
            bytes((fields.dest_addr_ton, fields.dest_addr_npi)),
            _text(fields.destination_addr),
            _three_octets(fields.esm_class, fields.protocol_id, fields.priority_flag),
            _text(fields.schedule_delivery_time),
            _text(fields.validity_period),
            bytes(numbers),
            short_message,
            *(tlv(tag, value) for tag, value in fields.tlvs),
        )
    )
    return _with_body(command_id, 0, sequence_number, body)


def submit_sm(sequence_number: int, **fields: Unpack[MessageFields]) -> bytes:
    """A submit_sm (4.4.1); fields as in `Message`, raises as `message` does."""
    return message(c.SUBMIT_SM, sequence_number, Message(**fields))


def deliver_sm(sequence_number: int, **fields: Unpack[MessageFields]) -> bytes:
    """A deliver_sm (4.6.1); fields as in `Message`, raises as `message` does."""
    return message(c.DELIVER_SM, sequence_number, Message(**fields))


def data_sm(sequence_number: int, **fields: Unpack[MessageFields]) -> bytes:
    """
    A data_sm (4.7.1) with the fields it has: addresses, esm_class, registered_delivery, data_coding
    and TLVs. A short_message goes in front of them as message_payload.
    """
    value = Message(**fields)
    if value.short_message:
        value.tlvs.insert(0, (c.TLV_MESSAGE_PAYLOAD, value.short_message))
    body = b"".join(
        (
            _text(value.service_type),
            bytes((value.source_addr_ton, value.source_addr_npi)),
            _text(value.source_addr),
            bytes((value.dest_addr_ton, value.dest_addr_npi)),
            _text(value.destination_addr),
            _three_octets(value.esm_class, value.registered_delivery, value.data_coding),
            *(tlv(tag, octets) for tag, octets in value.tlvs),
        )
    )
    return _with_body(c.DATA_SM, 0, sequence_number, body)


def submit_sm_resp(sequence_number: int, message_id: bytes) -> bytes:
    """
    The accepting answer to a submit_sm: message_id and nothing else, no TLV ever (GW-54).

    The id is ours and holds no NUL; it is not looked at, for this is the hot path. An error is
    `refusal`.
    """
    return _header(17 + len(message_id), c.SUBMIT_SM_RESP, 0, sequence_number) + message_id + b"\0"


def deliver_sm_resp(sequence_number: int, command_status: int = 0) -> bytes:
    """The answer to a deliver_sm: 17 octets, the unused message_id is one NUL (4.6.2, OZ-18)."""
    return _header_and_nul(17, c.DELIVER_SM_RESP, command_status, sequence_number)


def data_sm_resp(sequence_number: int, command_status: int = 0, message_id: bytes = b"") -> bytes:
    """The answer to a data_sm (4.7.2)."""
    return _with_body(c.DATA_SM_RESP, command_status, sequence_number, _text(message_id))
