"""One queue entry in this node's hands, and the deliver_sm that is made of it."""

from __future__ import annotations

from smppproxy.receipts.deliver import receipt_body
from smppproxy.relay.directory import Inbox
from smppproxy.relay.peers import Client
from smppproxy.store.interface import Entry
from smppproxy.store.records import MoRecord, Origin, ReceiptRecord

FIRST_DELAY = 10.0
"""Seconds before a temporarily refused delivery is tried again, doubling (GW-23)."""


class Delivery:
    """A receipt or an MO message on its way to a client."""

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


def body_of(delivery: Delivery, client: Client) -> bytes:
    """The deliver_sm's octets after the header; b"" for a receipt that comes after a final one.

    :raises RecordError: when the stored records cannot be read.
    """
    entry = delivery.entry
    if not entry.origin:
        return MoRecord.unpack(entry.receipt).body
    origin = Origin.unpack(entry.origin)
    receipt = ReceiptRecord.unpack(entry.receipt)
    message_id = origin.client_message_id
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
        user_message_reference=origin.user_message_reference,
        network_error_code=receipt.network_error_code,
        with_tlvs=client.session.takes_tlvs,
    )
