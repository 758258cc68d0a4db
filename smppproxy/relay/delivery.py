"""One queue entry in this node's hands, and the deliver_sm that is made of it."""

from __future__ import annotations

from smppproxy.receipts.deliver import Shown, body_of_shown, shown_of
from smppproxy.relay.directory import Inbox, ShownKey
from smppproxy.relay.peers import Client
from smppproxy.smpp.constants import TLV_MESSAGE_PAYLOAD
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.tlv import find_tlv
from smppproxy.store.interface import Entry
from smppproxy.store.records import (
    MoRecord,
    ReceiptRecord,
    RecordError,
    origin_fields,
    receipt_head,
)

HEADER = 16
LONGEST_TEXT = 254
"""Octets of short_message."""

SHOWN = 200
"""Different receipts of an account, ids and addresses aside, that are remembered ready made."""

FIRST_DELAY = 10.0
"""Seconds before a temporarily refused delivery is tried again, doubling (GW-23)."""


class Delivery:
    """A receipt or an MO message on its way to a client.

    :ivar attempts: how often it was sent, by any node.
    :ivar name: queue and entry_id.
    """

    __slots__ = ("attempts", "delay", "due", "entry", "inbox", "name")

    def __init__(self, inbox: Inbox, entry: Entry) -> None:
        self.inbox = inbox
        self.entry = entry
        self.name = (entry.queue, entry.entry_id)
        self.attempts = entry.deliveries - 1
        self.delay = FIRST_DELAY
        self.due = 0.0

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
    origin = origin_fields(entry.origin)
    inbox = delivery.inbox
    account = inbox.account
    head = receipt_head(entry.receipt)
    key = (head, account.dialect, account.receipt_tz, account.enroute_final_as)
    known = inbox.shown.get(key)
    if known is None:
        known = _shown(inbox, entry.receipt, key)
    state, shown = known
    message_id = origin[0]
    if inbox.overtaken(message_id, state, origin[7]):
        return b""
    return body_of_shown(
        shown,
        *origin[:7],
        origin[8],
        origin[9] or b"",
        entry.sub,
        entry.dlvrd,
        client.session.takes_tlvs,
        account.receipt_tz,
    )


def _shown(inbox: Inbox, record: bytes, key: ShownKey) -> tuple[int, Shown]:
    """message_state of a packed receipt and what the account's clients read of it; remembered for
    others that say the same."""
    receipt = ReceiptRecord.unpack(record)
    shown = shown_of(
        receipt.state,
        receipt.stat,
        receipt.err,
        receipt.done_date,
        receipt.network_error_code,
        receipt.final,
        *key[1:],
    )
    if len(inbox.shown) >= SHOWN:
        inbox.shown.clear()
    inbox.shown[key] = known = (receipt.state, shown)
    return known


def without_tlvs(body: bytes) -> bytes:
    """An MO for a session bound below 3.4 (GW-02): its text in short_message, as far as it fits."""
    raw = bytes(HEADER) + body
    *_, sm_at, tlv_at = walk_message(raw)
    length = raw[sm_at - 1]
    text = raw[sm_at : sm_at + length]
    if not text:
        text = (find_tlv(raw, tlv_at, TLV_MESSAGE_PAYLOAD) or b"")[:LONGEST_TEXT]
    return raw[HEADER : sm_at - 1] + bytes((len(text),)) + text
