"""What a submit_sm says to routes, field by field, for people."""

import attrs

from smppproxy.routing.accounts import Account
from smppproxy.routing.conditions import Offsets, class_of, is_part, text_of
from smppproxy.routing.prefixes import bare
from smppproxy.smpp.tlv import iter_tlvs


@attrs.define
class Facts:
    """A message as routes see it.

    :ivar number: destination_addr without + or 00, and `source` likewise.
    :ivar text: None where the octets are no text.
    :ivar tlvs: the first value of each tag.
    """

    account: str
    number: bytes
    source: bytes
    source_ton: int
    dest_ton: int
    data_coding: int
    service_type: bytes
    message_class: bytes
    priority: int
    tlvs: dict[int, bytes]
    text: str | None = attrs.field(repr=False)
    part: bool
    wall: float

    @classmethod
    def of(
        cls,
        account: Account,
        raw: bytes,
        offsets: Offsets,
        wall: float,
        message_class: bytes = b"",
    ) -> "Facts":
        """Read them from a submit_sm; as `RouteTable.pick` is asked."""
        source_at, dest_at, esm_at, flags_at, _, tlv_at = offsets
        tlvs: dict[int, bytes] = {}
        for tag, value in iter_tlvs(raw, tlv_at):
            tlvs.setdefault(tag, value)
        return cls(
            account.system_id,
            bare(raw[dest_at + 2 : esm_at - 1]),
            bare(raw[source_at + 2 : dest_at - 1]),
            raw[source_at],
            raw[dest_at],
            raw[flags_at + 2],
            raw[16 : source_at - 1],
            class_of(raw, offsets, message_class),
            raw[esm_at + 2],
            tlvs,
            text_of(raw, offsets, account.text_settings),
            is_part(raw, offsets),
            wall,
        )
