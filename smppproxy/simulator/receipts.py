"""What a simulated provider says about a message: the deliver_sm or data_sm of its receipt.

Pure: habits and one accepted message in, octets out.
"""

from __future__ import annotations

from smppproxy.simulator.options import SmscOptions
from smppproxy.simulator.records import Accepted
from smppproxy.simulator.shapes import ERRORS, ID_FORMATS, STATES, receipt_text
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    ESM_INTERMEDIATE,
    ESM_RECEIPT,
    TLV_MESSAGE_PAYLOAD,
    TLV_MESSAGE_STATE,
    TLV_RECEIPTED_MESSAGE_ID,
    TLV_USER_MESSAGE_REFERENCE,
)

#: An integer of the standard, shown in decimal (GW-33).
_INTEGER = 2


def outcome_of(options: SmscOptions, accepted: Accepted) -> bytes:
    """The word that the destination's prefix asks for; b"" when none does."""
    address = accepted.destination[2].removeprefix(b"+")
    found = [prefix for prefix in options.outcomes if address.startswith(prefix)]
    return options.outcomes[max(found, key=len)] if found else b""


def receipt(
    options: SmscOptions, accepted: Accepted, stat: bytes, final: bool, now_wall: float
) -> bytes:
    """The whole PDU with sequence_number 0, a notification if it is not ``final``."""
    shape = options.shape
    text = b""
    if shape != "tlv":
        text = receipt_text(
            accepted.receipt_id,
            stat,
            accepted.submitted,
            now_wall,
            _shown(options, accepted),
            ERRORS[options.err],
            options.dates,
            options.tz,
            options.lean,
        )
    tlvs = [] if shape == "text" else _tlvs(options, accepted, stat)
    reference = _reference(accepted)[: options.reference_max]
    if reference:
        tlvs.append((TLV_USER_MESSAGE_REFERENCE, reference))
    if shape in ("payload", "data_sm") and text:
        tlvs.append((TLV_MESSAGE_PAYLOAD, text))
        text = b""
    make = build.data_sm if shape == "data_sm" else build.deliver_sm
    return make(
        0,
        source_addr_ton=accepted.destination[0],
        source_addr_npi=accepted.destination[1],
        source_addr=accepted.destination[2],
        dest_addr_ton=accepted.source[0],
        dest_addr_npi=accepted.source[1],
        destination_addr=accepted.source[2],
        esm_class=ESM_RECEIPT if final else ESM_INTERMEDIATE,
        short_message=text,
        tlvs=tlvs,
    )


def _tlvs(options: SmscOptions, accepted: Accepted, stat: bytes) -> list[tuple[int, bytes]]:
    tlv_id = accepted.receipt_id
    if options.tlv_id_format:
        tlv_id = ID_FORMATS[options.tlv_id_format](accepted.number)
    return [
        (TLV_RECEIPTED_MESSAGE_ID, tlv_id + b"\0"),
        (TLV_MESSAGE_STATE, bytes([STATES[stat]])),
    ]


def _reference(accepted: Accepted) -> bytes:
    tag = TLV_USER_MESSAGE_REFERENCE
    return next((value for found, value in accepted.tlvs if found == tag), b"")


def _shown(options: SmscOptions, accepted: Accepted) -> bytes:
    if options.shown == "message":
        return accepted.text
    if options.shown == "nothing":
        return b""
    reference = _reference(accepted)
    if len(reference) == _INTEGER:
        return b"%d" % int.from_bytes(reference, "big")
    return reference.rstrip(b"\0")
