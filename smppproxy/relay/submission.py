"""One submit_sm on its way: what is known of it, what is stored of it, and how it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from smppproxy.compiled import compiled
from smppproxy.receipts.correlation import destination_tail
from smppproxy.receipts.dialects import wanted
from smppproxy.receipts.message_ids import format_client_message_id
from smppproxy.relay.peers import Client, Upstream
from smppproxy.routing.accounts import Account
from smppproxy.routing.addresses import provider_destination
from smppproxy.routing.providers import Provider
from smppproxy.routing.route import Pick
from smppproxy.smpp.constants import TLV_USER_MESSAGE_REFERENCE, VERSION_3_4
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import find_tlv
from smppproxy.store.interface import Mapping
from smppproxy.store.records import pack_origin
from smppproxy.text.segments import concatenation

if TYPE_CHECKING:
    from smppproxy.relay.groups import Group
    from smppproxy.relay.hop import HopMessage
    from smppproxy.relay.retry import Retry

Writes = dict[Upstream, list[bytes]]
Offsets = tuple[int, int, int, int, int, int]
URGENT = 2
"""priority_flag from which on a message of an account with ``priority_lane`` is urgent."""

Skipped = tuple[str, str, int]
"""A target that was passed over: its provider, why (see ``relay.reasons``), its command_status."""


class Submit:
    """One submit_sm on its way: slotted, one per message in flight, never copied.

    :ivar pdu: what the client sent, as its account has it.
    :ivar out: what the provider chosen last gets: ``pdu`` itself where nothing differs.
    :ivar group: the message that this is a part of, when it goes upstream as several submit_sm.
    :ivar pick: what the route says; shared by all messages of one choice.
    :ivar targets: the providers that are left to try, in order.
    :ivar skipped: the targets that were passed over, in time; () nearly always.
    :ivar taken: whose bind accepted it, the ids it gave, with a NUL between those of several parts,
        and the packed origin, b"" where there is no map; for the message log.
    :ivar retry: why it is sent once more, None nearly always.
    :ivar message_class: b"": none (GW-47).
    :ivar segments: receipts that the provider sends for it, one per SMS that it cuts (XC-09).
    """

    __slots__ = (
        "_message_id",
        "account",
        "affinity",
        "arrived",
        "attempts",
        "client",
        "group",
        "message_class",
        "number",
        "offsets",
        "out",
        "pdu",
        "pick",
        "retry",
        "segments",
        "settled",
        "skipped",
        "taken",
        "targets",
    )

    def __init__(
        self,
        client: Client,
        account: Account,
        pdu: Pdu,
        offsets: Offsets,
        pick: Pick,
        number: int,
        arrived: float,
        affinity: int,
    ) -> None:
        self.client = client
        self.account = account
        self.pdu = self.out = pdu
        self.offsets = offsets
        self.pick = pick
        self.targets = pick.names
        self.skipped: tuple[Skipped, ...] = ()
        self.number = number
        self.arrived = arrived
        self.affinity = affinity
        self.attempts = 0
        self.settled = False
        self.retry: Retry | None = None
        self.group: Group | None = None
        self.message_class = b""
        self.segments = 1
        self.taken: tuple[Upstream, bytes, bytes] | None = None
        self._message_id = b""

    @property
    def client_message_id(self) -> bytes:
        """The id the client gets: the same for every copy of the message.

        A 3.3 session gets 8 hex digits (GW-02), see :attr:`receipt_message_id`.
        """
        version = self.client.session.interface_version
        if version >= VERSION_3_4 or not version:
            return self._message_id or self.receipt_message_id
        return format_client_message_id(self.number, "hex")

    @property
    def receipt_message_id(self) -> bytes:
        """The id in receipts: the client's, but to a 3.3 session the same number in decimal."""
        message_id = self._message_id
        if not message_id:
            form = receipt_form(self.account, self.client.session.interface_version)
            message_id = self._message_id = format_client_message_id(self.number, form)
        return message_id

    @property
    def urgent(self) -> bool:
        """Whether it goes before others where messages wait: its account may, and it asks to."""
        if not self.account.priority_lane:
            return False
        return self.pdu.raw[self.offsets[2] + 2] >= URGENT

    @property
    def part(self) -> int:
        """Which part of its message its receipt tells of; 0: of as many as it has segments."""
        return 0 if self.segments > 1 else 1


def receipt_form(account: Account, interface_version: int) -> str:
    """The form of :attr:`Submit.receipt_message_id` for a session of this version."""
    old = interface_version < VERSION_3_4 and interface_version
    return "decimal10" if old else account.message_id_format


def tail_at(submit: Submit, provider: Provider, destination: bytes) -> bytes:
    """What the provider's receipts have in common with the number that it was given."""
    rewrite = submit.pick.rewrites.get(provider.name)
    if rewrite is None:
        return destination_tail(destination)
    raw, dest_at = submit.pdu.raw, submit.offsets[1]
    told = provider_destination(provider.address, raw[dest_at], raw[dest_at + 1], destination)
    return destination_tail(rewrite.destination(told[2]))


@compiled(Mapping, Submit, Account, Pick, Pdu, more=(wanted,))
def mapping_of(
    submit: Submit,
    key: bytes,
    began: float,
    provider: Provider,
    want: int | None = None,
    parts: int = 1,
) -> Mapping:
    """What the store keeps of an accepted message, for its receipts to find.

    The client's own addresses, for its receipts; but the number that this provider was given, since
    that is what the provider's receipts are about.

    :param began: unix seconds at which the monotonic clock stood at 0.
    :param want: the receipts to pass on, instead of those that its registered_delivery asks for.
    :param parts: how many maps of one message there are: their receipts become one.
    """
    account = submit.account
    raw = submit.pdu.raw
    _, dest_at, esm_at, flags_at, _, _ = submit.offsets
    if want is None:
        want = wanted(raw[flags_at], account.receipts, account.intermediate)
    destination = raw[dest_at + 2 : esm_at - 1]
    tail = destination_tail(destination)
    if submit.pick.rewrites:
        tail = tail_at(submit, provider, destination)
    mapping = Mapping(key, account.key, tail, want, origin_of(submit, began))
    if account.late_delivery:
        mapping.late = True
    if account.on_no_receipt != "nothing":
        mapping.remind = True
    if parts != 1 or submit.segments != 1:
        mapping.group = b"%d" % submit.number
        mapping.parts = max(parts, submit.segments)
        mapping.part = submit.part
    return mapping


def origin_of(submit: Submit, began: float) -> bytes:
    """What is kept of a submit_sm to write its receipts later: a packed Origin.

    ``began`` as in `mapping_of`.
    """
    raw = submit.pdu.raw
    source_at, dest_at, esm_at, flags_at, _, tlv_at = submit.offsets
    reference = None
    if tlv_at < len(raw):
        reference = find_tlv(raw, tlv_at, TLV_USER_MESSAGE_REFERENCE)
    return pack_origin(
        submit.receipt_message_id,
        raw[source_at],
        raw[source_at + 1],
        raw[source_at + 2 : dest_at - 1],
        raw[dest_at],
        raw[dest_at + 1],
        raw[dest_at + 2 : esm_at - 1],
        raw[flags_at],
        int(began + submit.arrived),
        reference,
        submit.client.session.interface_version,
    )


def affinity_of(raw: bytes, offsets: Offsets) -> int:
    """What keeps the parts of a concatenated message together (XC-06); -1 for any other message.

    The same number for each of them, on every session and node, also where the account is unknown.
    """
    part = concatenation(raw, offsets)
    return -1 if part is None else crc32(raw[offsets[0] : offsets[2]], part[0])


def without_stray_nul(pdu: Pdu, offsets: Offsets) -> tuple[Pdu, Offsets]:
    """The submit_sm without the octet that a much copied client leaves behind its text (GW-53).

    Providers are not as patient with it as we are (quirks 5.7).
    """
    source_at, dest_at, esm_at, flags_at, sm_at, tlv_at = offsets
    raw = pdu.raw
    rest = raw[4 : tlv_at - 1] + raw[tlv_at:]
    clean = Pdu(
        pdu.command_id, 0, pdu.sequence_number, (len(rest) + 4).to_bytes(4, "big") + rest
    )
    return clean, (source_at, dest_at, esm_at, flags_at, sm_at, tlv_at - 1)


def without_last_nul(pdu: Pdu) -> Pdu | None:
    """A submit_sm that is refused as it is, less the NUL behind its last TLV; None: no better.

    naz (PyPI) ends message_payload with a NUL that its length does not count, so each of its long
    messages has one. Everything else behind the TLVs is refused (GW-52).
    """
    raw = pdu.raw
    if raw[-1]:
        return None
    rest = raw[4:-1]
    clean = (len(rest) + 4).to_bytes(4, "big") + rest
    try:
        walk_message(clean)
    except BodyError:
        return None
    return Pdu(pdu.command_id, 0, pdu.sequence_number, clean)


def write_to(
    bind: Upstream, submit: Submit | HopMessage, now: float, writes: Writes
) -> None:
    """Take a place in the bind's window and add the PDU to what this turn writes to it."""
    octets = submit.out.resequenced(bind.session.window.open(submit, now))
    waiting = writes.get(bind)
    if waiting is None:
        writes[bind] = [octets]
    else:
        waiting.append(octets)


def flush(writes: Writes) -> None:
    """One write per bind."""
    for bind, parts in writes.items():
        bind.counts.submitted += len(parts)
        bind.write(b"".join(parts))


def send_replies(replies: dict[Client, list[bytes]]) -> None:
    """One write per client."""
    for client, parts in replies.items():
        client.answer(b"".join(parts), len(parts))
