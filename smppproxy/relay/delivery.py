"""One queue entry in this node's hands, and the deliver_sm that is made of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from struct import error as StructError

import attrs

from smppproxy.compiled import compiled
from smppproxy.receipts.deliver import Form, form_of, shown_of
from smppproxy.receipts.text import date_text
from smppproxy.relay.directory import Inbox
from smppproxy.relay.peers import Client
from smppproxy.smpp.constants import TLV_MESSAGE_PAYLOAD
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.tlv import find_tlv
from smppproxy.store.interface import Entry
from smppproxy.store.records import (
    ORIGIN_HEAD,
    MoRecord,
    Origin,
    OriginParts,
    ReceiptRecord,
    RecordError,
    origin_splitter,
    receipt_head,
    says_final,
)

HEADER = 16
LONGEST_TEXT = 254
"""Octets of short_message."""

LOOKS = 1_000
"""Different receipts, ids and addresses aside, that are remembered ready made: about 1 MiB of them,
for all accounts whose settings are alike."""

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
        entry = self.entry
        return entry.origin != b"" and not says_final(entry.receipt)


@attrs.frozen
class Look:
    """What the receipts have in common that say the same about messages of one kind.

    :ivar split: takes the packed origin of such a message apart.
    :ivar form: what they look like, and ``referring`` where the client gave a reference.
    :ivar watched: whether one of them may come before or after others of the same message.
    """

    split: Callable[[bytes], OriginParts]
    form: Form
    referring: Callable[[bytes], Form]
    state: int
    watched: bool


@compiled(Delivery, Entry, Look, Form, more=(date_text,))
def body_of(delivery: Delivery, client: Client) -> bytes:
    """The deliver_sm's octets after the header; b"" for a receipt that comes after a final one.

    :raises RecordError: when the stored records cannot be read.
    """
    entry = delivery.entry
    origin = entry.origin
    with_tlvs = client.session.takes_tlvs
    if not origin:
        body = MoRecord.unpack(entry.receipt).body
        return body if with_tlvs else without_tlvs(body)
    inbox = delivery.inbox
    key = (receipt_head(entry.receipt), origin[ORIGIN_HEAD], entry.sub, entry.dlvrd, with_tlvs)
    look = inbox.looks.get(key)
    if look is None:
        if len(inbox.looks) >= LOOKS:
            inbox.looks.clear()
        look = inbox.looks[key] = look_of(inbox, entry, with_tlvs)
    try:
        submitted_at, message_id, source, destination, reference = look.split(origin)
    except StructError:
        raise RecordError("the lengths in an origin record do not add up") from None
    if look.watched and inbox.overtaken(message_id, look.state):
        return b""
    form = look.referring(reference) if reference else look.form
    date = date_text(int.from_bytes(submitted_at, "big"), inbox.account.receipt_tz)
    return form.body(destination, source, message_id, date)


def look_of(inbox: Inbox, entry: Entry, with_tlvs: bool) -> Look:
    """What an account's clients read of a receipt like this one, TLVs or not."""
    account = inbox.account
    receipt = ReceiptRecord.unpack(entry.receipt)
    origin = Origin.unpack(entry.origin)
    shown = shown_of(
        receipt.state,
        receipt.stat,
        receipt.err,
        receipt.done_date,
        receipt.network_error_code,
        receipt.final,
        account.dialect,
        account.receipt_tz,
        account.enroute_final_as,
    )
    referring = partial(
        form_of,
        shown,
        origin.source_addr_ton,
        origin.source_addr_npi,
        origin.dest_addr_ton,
        origin.dest_addr_npi,
        len(origin.client_message_id),
        entry.sub,
        entry.dlvrd,
        with_tlvs,
    )
    return Look(
        origin_splitter(entry.origin[ORIGIN_HEAD]),
        referring(),
        referring,
        receipt.state,
        inbox.watches(receipt.state, origin.registered_delivery),
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
