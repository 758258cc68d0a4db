"""One queue entry in this node's hands, and the deliver_sm that is made of it."""

from __future__ import annotations

from smppproxy.receipts.deliver import receipt_body
from smppproxy.relay.directory import Inbox
from smppproxy.relay.peers import Client
from smppproxy.smpp.constants import TLV_MESSAGE_PAYLOAD
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.tlv import find_tlv
from smppproxy.store.interface import Entry
from smppproxy.store.records import MoRecord, Origin, ReceiptRecord, RecordError

HEADER = 16
LONGEST_TEXT = 254
"""Octets of short_message."""

FIRST_DELAY = 10.0
"""Seconds before a temporarily refused delivery is tried again, doubling (GW-23)."""


class Delivery:
    """A receipt or an MO message on its way to a client.

    :ivar attempts: how often it was sent, by any node.
    """

    __slots__ = ("attempts", "delay", "due", "entry", "inbox")

    def __init__(self, inbox: Inbox, entry: Entry) -> None:
        self.inbox = inbox
        self.entry = entry
        self.attempts = entry.deliveries - 1
        self.delay = FIRST_DELAY
        self.due = 0.0

    @property
    def name(self) -> tuple[bytes, bytes]:
        """Queue and entry_id."""
        return (self.entry.queue, self.entry.entry_id)

    @property
    def is_intermediate(self) -> bool:
        """Whether another receipt of the same message may follow it."""
        try:
            return self.entry.origin != b"" and not ReceiptRecord.unpack(self.entry.receipt).final
        except RecordError:
            return False


def body_of(delivery: Delivery, client: Client) -> bytes:
    """The deliver_sm's octets after the header; b"" for a receipt that comes after a final one.

    :raises RecordError: when the stored records cannot be read.
    """
    entry = delivery.entry
    if not entry.origin:
        body = MoRecord.unpack(entry.receipt).body
        return body if client.session.takes_tlvs else without_tlvs(body)
    origin = Origin.unpack(entry.origin)
    receipt = ReceiptRecord.unpack(entry.receipt)
    message_id = origin.client_message_id
    account = delivery.inbox.account
    if delivery.inbox.overtaken(message_id, receipt.state, origin.registered_delivery):
        return b""
    return receipt_body(
        message_id,
        origin.source_addr_ton,
        origin.source_addr_npi,
        origin.source_addr,
        origin.dest_addr_ton,
        origin.dest_addr_npi,
        origin.destination_addr,
        origin.submit_time,
        receipt.done_date,
        receipt.state,
        receipt.stat,
        receipt.err,
        sub=entry.sub,
        dlvrd=entry.dlvrd,
        user_message_reference=origin.user_message_reference,
        network_error_code=receipt.network_error_code,
        with_tlvs=client.session.takes_tlvs,
        dialect=account.dialect,
        tz=account.receipt_tz,
        final=receipt.final,
        enroute_final_as=account.enroute_final_as,
    )


def without_tlvs(body: bytes) -> bytes:
    """An MO for a session bound below 3.4 (GW-02): its text in short_message, as far as it fits."""
    raw = bytes(HEADER) + body
    *_, sm_at, tlv_at = walk_message(raw)
    length = raw[sm_at - 1]
    text = raw[sm_at : sm_at + length]
    if not text:
        text = (find_tlv(raw, tlv_at, TLV_MESSAGE_PAYLOAD) or b"")[:LONGEST_TEXT]
    return raw[HEADER : sm_at - 1] + bytes((len(text),)) + text
