"""PDUs as people read them: the fields that matter, and the text where it is one."""

from __future__ import annotations

from struct import Struct
from typing import Any

from smppproxy.routing.prefixes import bare
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import Message, read_bind, read_data_sm, read_message, read_message_id
from smppproxy.smpp.pdu import Pdu
from smppproxy.text import udh
from smppproxy.text.alphabets import TEXTS, decode
from smppproxy.text.payload import meaning
from smppproxy.text.profile import TextSettings

Fields = dict[str, Any]

BINDS = frozenset({c.BIND_RECEIVER, c.BIND_TRANSMITTER, c.BIND_TRANSCEIVER})
MESSAGES = frozenset({c.SUBMIT_SM, c.DELIVER_SM, c.DATA_SM})
ANSWERS = frozenset(command_id | c.RESPONSE for command_id in MESSAGES)

STANDARD = TextSettings()

_NUMBERS = Struct(">III").unpack_from


def pdu_of(raw: bytes) -> Pdu:
    """The octets as a PDU."""
    command_id, command_status, sequence_number = _NUMBERS(raw, 4)
    return Pdu(command_id, command_status, sequence_number, raw)


def fields_of(raw: bytes) -> Fields:
    """What its body says; of one that cannot be read, why not."""
    pdu = pdu_of(raw)
    try:
        if pdu.command_id in BINDS:
            return _bind(pdu)
        if pdu.command_id in MESSAGES:
            return _message(message_of(pdu))
        if pdu.command_id in ANSWERS:
            return {"message_id": read_message_id(pdu).decode("latin-1")}
    except BodyError as error:
        return {"malformed": str(error)}
    return {}


def message_of(pdu: Pdu) -> Message:
    """The fields of a submit_sm, deliver_sm or data_sm."""
    return read_data_sm(pdu) if pdu.command_id == c.DATA_SM else read_message(pdu)


def _bind(pdu: Pdu) -> Fields:
    bind = read_bind(pdu)
    return {
        "system_id": bind.system_id.decode("latin-1"),
        "system_type": bind.system_type.decode("latin-1"),
        "interface_version": f"0x{bind.interface_version:02X}",
    }


def _message(message: Message) -> Fields:
    fields: Fields = {
        "source_addr": _address(
            message.source_addr_ton, message.source_addr_npi, message.source_addr
        ),
        "destination_addr": _address(
            message.dest_addr_ton, message.dest_addr_npi, message.destination_addr
        ),
        "esm_class": f"0x{message.esm_class:02X}",
        "data_coding": message.data_coding,
        "registered_delivery": message.registered_delivery,
    }
    for name in ("service_type", "schedule_delivery_time", "validity_period"):
        octets: bytes = getattr(message, name)
        if octets:
            fields[name] = octets.decode("latin-1")
    if message.priority_flag:
        fields["priority_flag"] = message.priority_flag
    fields |= _text(message)
    tlvs = {
        f"0x{tag:04X}": value.hex()
        for tag, value in message.tlvs
        if tag != c.TLV_MESSAGE_PAYLOAD
    }
    return fields | {"tlvs": tlvs} if tlvs else fields


def _address(ton: int, npi: int, octets: bytes) -> str:
    return f"{octets.decode('latin-1')} ({ton}/{npi})"


def _text(message: Message) -> Fields:
    carried = dict(message.tlvs).get(c.TLV_MESSAGE_PAYLOAD, b"")
    octets = message.short_message or carried
    found: Fields = {}
    try:
        if message.esm_class & c.ESM_UDHI and octets:
            length = udh.parse(octets)[1]
            found["udh"] = octets[:length].hex()
            octets = octets[length:]
        alphabet = meaning(message.data_coding, STANDARD)[0]
        if alphabet in TEXTS:
            return found | {"text": decode(alphabet, octets)}
    except BodyError:
        pass
    return found | {"octets": octets.hex()}


def addresses(raw: bytes) -> tuple[bytes, ...]:
    """Both numbers of a message, without + or 00; none of other PDUs."""
    pdu = pdu_of(raw)
    if pdu.command_id not in MESSAGES:
        return ()
    try:
        message = message_of(pdu)
    except BodyError:
        return ()
    return bare(message.source_addr), bare(message.destination_addr)


def system_id_of(raw: bytes) -> bytes:
    """Whose bind this is; b"" for any other PDU."""
    pdu = pdu_of(raw)
    if pdu.command_id not in BINDS:
        return b""
    try:
        return read_bind(pdu).system_id
    except BodyError:
        return b""
