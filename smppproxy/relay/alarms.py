"""A provider says that a PDU of ours is none: the one event that shows octets (mission section 5).

Either side may be wrong, and only the octets tell. What a message says is none of the operator's
business, so its text is blanked, unless its account has ``message_log = "full"``; numbers are cut
as its ``mask_numbers`` wants. Lengths stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.logger import LogLevel

from smppproxy.relay.events import SHOWN, Events
from smppproxy.relay.peers import Upstream
from smppproxy.relay.verdicts import trouble_of
from smppproxy.routing.accounts import Account
from smppproxy.smpp.constants import (
    ESME_RINVCMDID,
    ESME_RINVCMDLEN,
    GENERIC_NACK,
    TLV_MESSAGE_PAYLOAD,
    status_name,
)
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.pdu import Pdu

if TYPE_CHECKING:
    from smppproxy.relay.submission import Submit

MOST = 1_000
"""Octets of a PDU that are shown."""

BLANK = b"*"


def is_about_form(upstream: Upstream, answer: Pdu) -> bool:
    """Whether an answer says that what we sent is no PDU; throttling may come as a generic_nack."""
    status = answer.command_status
    if status in (ESME_RINVCMDLEN, ESME_RINVCMDID):
        return True
    return answer.command_id == GENERIC_NACK and not trouble_of(status, upstream.provider)


def alarm(events: Events, upstream: Upstream, submit: Submit, answer: Pdu) -> None:
    """Tell of it, with both PDUs in hex; as often as ``events`` lets it."""
    account = submit.account

    def fields() -> dict[str, Any]:
        sent = submit.out.resequenced(answer.sequence_number)
        shown = b"" if account.message_log == "off" else redacted(sent, account)
        return {
            "log_level": LogLevel.error,
            "log_format": "{provider} does not take our submit_sm for one: {command_status}",
            "alarm": True,
            "provider": upstream.provider.name,
            "host": upstream.host.name,
            "bind": upstream.name,
            "account": account.system_id,
            "sequence_number": answer.sequence_number,
            "command_status": status_name(answer.command_status),
            "submit_sm": shown[:MOST].hex(),
            "answer": answer.raw[:MOST].hex(),
        }

    events.tell("pdu_not_taken", upstream.provider.name, upstream.host.name, fields)


def redacted(raw: bytes, account: Account) -> bytes:
    """A submit_sm without what its account wants nobody to see; only its header if unreadable."""
    try:
        source_at, dest_at, esm_at, _, sm_at, tlv_at = walk_message(raw)
    except BodyError:
        return raw[:16]
    octets = bytearray(raw)
    if account.message_log != "full":
        blank(octets, sm_at, sm_at + raw[sm_at - 1])
        while tlv_at + 4 <= len(raw):
            tag = int.from_bytes(raw[tlv_at : tlv_at + 2], "big")
            end = tlv_at + 4 + int.from_bytes(raw[tlv_at + 2 : tlv_at + 4], "big")
            if tag == TLV_MESSAGE_PAYLOAD:
                blank(octets, tlv_at + 4, end)
            tlv_at = end
    if account.mask_numbers:
        blank(octets, source_at + 2 + SHOWN, dest_at - 1)
        blank(octets, dest_at + 2 + SHOWN, esm_at - 1)
    return bytes(octets)


def blank(octets: bytearray, start: int, end: int) -> None:
    """Nothing can be read between these two places any more."""
    end = min(end, len(octets))
    if start < end:
        octets[start:end] = BLANK * (end - start)
