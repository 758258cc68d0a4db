"""What an account's settings refuse of a submit_sm, and what they change about it.

Mission section 5, rows 18 to 38, in its order: the fields as they stand in the PDU, the values of
TLVs, then the payload; the first wrong one is named. Layout, throttling, routes and queues are the
business of ``submit``. A plain account, as the preset ``default`` makes it, has no rules at all:
:func:`rules_of` gives None and the journey asks nothing.
"""

from __future__ import annotations

from smppproxy.routing.accounts import Account
from smppproxy.routing.addresses import Address, account_destination, account_source
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import NO_REFUSAL, RefusalStatus, refusal_of
from smppproxy.smpp.tlv import find_tlv, iter_tlvs, tlv
from smppproxy.text import payload, times, udh

TLV_MESSAGE_CLASS = 0x2900
"""Octets that name a message class (GW-47), in the range of the vendors."""

TYPES = frozenset({0x00, 0x08, 0x10})
"""What bits 2 to 5 of a client's esm_class may say: a message, or an ESME's acknowledgement."""

HIGHEST_PRIORITY = 3
REPLACE = 1
ONE_SMS = 160
ESCAPE = 0x1B

Offsets = tuple[int, int, int, int, int, int]

_TYPE_BITS = 0x3C
_RESERVED_DELIVERY = 0xE0


class RefusedError(Exception):
    """A submit_sm that its account may not send.

    :ivar name: of the refusal, in `smppproxy.smpp.refusals`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Judged:
    """A submit_sm that may go on.

    :ivar pdu: the client's own object when nothing about it was changed.
    :ivar offsets: of ``pdu``, as `walk_message` gives them.
    :ivar first: the provider that its class or service_type asks for; "": as the routes say.
    :ivar message_class: b"": none. It is in no TLV of ``pdu`` any more.
    """

    __slots__ = ("first", "message_class", "offsets", "pdu")

    def __init__(self, pdu: Pdu, offsets: Offsets, first: str, message_class: bytes) -> None:
        self.pdu = pdu
        self.offsets = offsets
        self.first = first
        self.message_class = message_class


def layout_status(error: BodyError, account: Account) -> RefusalStatus:
    """The refusal of a broken layout (rows 16, 17, 34 to 36), as the account wants it."""
    return refusal_of(error.command_status.name, account.errors)


def rules_of(account: Account) -> Rules | None:
    """The rules of an account, or None when it has none."""
    plain = not (
        account.sources
        or account.strict_addresses
        or account.strict_ton
        or account.strict_npi
        or account.strict_fields
        or account.strict_payload
        or account.data_codings
        or account.schedule != "pass"
        or account.max_priority < HIGHEST_PRIORITY
        or account.service_types
        or account.message_classes
        or account.default_message_class
        or max(account.source_ton, account.source_npi, account.dest_ton, account.dest_npi) >= 0
    )
    return None if plain else Rules(account)


def check(
    account: Account,
    raw: bytes,
    offsets: Offsets,
    now_wall: float,
    interface_version: int = c.VERSION_3_4,
) -> RefusalStatus:
    """The command_status with which the account's rules refuse this submit_sm, or 0.

    :param now_wall: unix seconds, to compare times with.
    :param interface_version: the client's; a 5.0 session has a code for data_coding (GW-40).
    """
    rules = rules_of(account)
    if rules is None:
        return NO_REFUSAL
    try:
        rules.judge(Pdu(c.SUBMIT_SM, 0, 0, raw), offsets, now_wall, interface_version)
    except RefusedError as refused:
        return refusal_of(refused.name, account.errors)
    return NO_REFUSAL


class Rules:
    """One account's rules, prepared once; :meth:`judge` is called per submit_sm."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._settings = account.text_settings
        #: data_coding that is taken, whatever the octets.
        self._taken = frozenset(each for each in range(256) if self._takes(each))
        self._addresses = bool(
            account.sources
            or account.strict_addresses
            or account.strict_ton
            or account.strict_npi
            or max(account.source_ton, account.source_npi, account.dest_ton, account.dest_npi) >= 0
        )
        self._texts = account.strict_fields or account.strict_payload
        self._classes = bool(account.message_classes or account.default_message_class)

    def _takes(self, data_coding: int) -> bool:
        empty = payload.Payload("binary", data_coding, payload.NO_CLASS, b"")
        return not payload.check(empty, self._settings)

    def judge(
        self, pdu: Pdu, offsets: Offsets, now_wall: float, interface_version: int
    ) -> Judged:
        """What becomes of a submit_sm. Raises :class:`RefusedError` for one that is refused."""
        raw = pdu.raw
        account = self.account
        first = self._service_type(raw, offsets)
        addresses = self._addressed(raw, offsets) if self._addresses else None
        if account.strict_fields:
            self._fields_before(raw, offsets)
        cleared = self._schedule(raw, offsets, now_wall)
        if account.strict_fields:
            self._fields_behind(raw, offsets, now_wall)
        self._check_text(raw, offsets, interface_version)
        message_class = b""
        if self._classes:
            message_class = self._class(raw, offsets)
            first = account.message_classes.get(message_class.decode("latin-1"), "") or first
        changed = self._changed(pdu, offsets, addresses, cleared)
        if changed is not pdu:
            offsets = walk_message(changed.raw)
        return Judged(changed, offsets, first, message_class)

    # -- fields ---------------------------------------------------------------------------------

    def _service_type(self, raw: bytes, offsets: Offsets) -> str:
        """Row 18: the provider that service_type selects (OZ-09)."""
        listed = self.account.service_types
        if not listed:
            return ""
        service_type = raw[16 : offsets[0] - 1].decode("latin-1")
        if service_type not in listed:
            raise RefusedError("service_type")
        return listed[service_type]

    def _addressed(self, raw: bytes, offsets: Offsets) -> tuple[Address, Address]:
        """Rows 19 to 23: both addresses as the account has them."""
        source_at, dest_at, esm_at = offsets[:3]
        source = account_source(
            self.account, raw[source_at], raw[source_at + 1], raw[source_at + 2 : dest_at - 1]
        )
        if isinstance(source, str):
            raise RefusedError(source)
        destination = account_destination(
            self.account, raw[dest_at], raw[dest_at + 1], raw[dest_at + 2 : esm_at - 1]
        )
        if isinstance(destination, str):
            raise RefusedError(destination)
        return source, destination

    def _fields_before(self, raw: bytes, offsets: Offsets) -> None:
        """Rows 24 and 25: esm_class with the header it announces, and priority_flag."""
        esm_at = offsets[2]
        esm_class = raw[esm_at]
        if esm_class & _TYPE_BITS not in TYPES:
            raise RefusedError("esm_class")
        if esm_class & c.ESM_UDHI:
            try:
                udh.concatenation(udh.parse(_octets(raw, offsets))[0])
            except BodyError:
                raise RefusedError("esm_class") from None
        if raw[esm_at + 2] > HIGHEST_PRIORITY:
            raise RefusedError("priority_flag")

    def _schedule(self, raw: bytes, offsets: Offsets, now_wall: float) -> bool:
        """Row 26; whether the time is to be taken out (GW-17)."""
        at = offsets[2] + 3
        if not raw[at]:
            return False
        account = self.account
        if account.schedule == "refuse":
            raise RefusedError("schedule_delivery_time")
        if account.schedule == "ignore":
            return True
        value = raw[at : raw.index(0, at)]
        if account.strict_fields and times.check_schedule(value, now_wall):
            raise RefusedError("schedule_delivery_time")
        return False

    def _fields_behind(self, raw: bytes, offsets: Offsets, now_wall: float) -> None:
        """Rows 27 to 30."""
        flags_at = offsets[3]
        validity = raw[raw.index(0, offsets[2] + 3) + 1 : flags_at - 1]
        if validity and times.check_validity(validity, now_wall):
            raise RefusedError("validity_period")
        if raw[flags_at] & _RESERVED_DELIVERY:
            raise RefusedError("registered_delivery")
        replace = raw[flags_at + 1]
        if replace:
            name = "replace_if_present" if replace == REPLACE else "replace_if_present_flag"
            raise RefusedError(name)
        if raw[flags_at + 3]:
            raise RefusedError("sm_default_msg_id")

    # -- TLVs and payload -----------------------------------------------------------------------

    def _check_text(self, raw: bytes, offsets: Offsets, interface_version: int) -> None:
        """Rows 35 to 38, but for the message class, then 31 to 33."""
        data_coding = raw[offsets[3] + 2]
        read = None
        if self._texts and not self._plain_text(raw, offsets, data_coding):
            read = self._read(raw, offsets, data_coding)
        if data_coding not in self._taken:
            new = interface_version >= c.VERSION_5_0
            raise RefusedError("data_coding_5_0" if new else "data_coding")
        if read is not None and self.account.strict_payload:
            status = payload.check(read, self._settings)
            if status:
                raise RefusedError(status.name)

    def _plain_text(self, raw: bytes, offsets: Offsets, data_coding: int) -> bool:
        """Whether nothing can be wrong with the text: one SMS in what all alphabets share."""
        if data_coding or raw[offsets[2]] & c.ESM_UDHI or offsets[5] != len(raw):
            return False
        octets = raw[offsets[4] :]
        return len(octets) <= ONE_SMS and octets.isascii() and ESCAPE not in octets

    def _read(self, raw: bytes, offsets: Offsets, data_coding: int) -> payload.Payload:
        tlvs = list(iter_tlvs(raw, offsets[5]))
        octets = raw[offsets[4] : offsets[4] + raw[offsets[4] - 1]]
        try:
            return payload.read(raw[offsets[2]], data_coding, octets, tlvs, self._settings)
        except BodyError as error:
            raise RefusedError(error.command_status.name) from None

    def _class(self, raw: bytes, offsets: Offsets) -> bytes:
        """The message class, given or the account's own; row 38 for an unknown one (GW-47)."""
        given = find_tlv(raw, offsets[5], TLV_MESSAGE_CLASS)
        message_class = (given or b"").rstrip(b"\0")
        if not message_class:
            return self.account.default_message_class.encode()
        listed = self.account.message_classes
        if listed and message_class.decode("latin-1") not in listed:
            raise RefusedError("tlv_value")
        return message_class

    # -- changes --------------------------------------------------------------------------------

    def _changed(
        self,
        pdu: Pdu,
        offsets: Offsets,
        addresses: tuple[Address, Address] | None,
        cleared: bool,
    ) -> Pdu:
        """The PDU as the account wants it: the same object when it is so already."""
        raw = pdu.raw
        source_at, dest_at, esm_at, flags_at, _, tlv_at = offsets
        account = self.account
        head = raw[16:esm_at]
        if addresses is not None:
            head = raw[16:source_at] + b"".join([_address(*each) for each in addresses])
        middle = raw[esm_at:flags_at]
        if raw[esm_at + 2] > account.max_priority < HIGHEST_PRIORITY:
            middle = middle[:2] + bytes((account.max_priority,)) + middle[3:]
        if cleared:
            middle = middle[:3] + middle[middle.index(0, 3) :]
        tail = raw[tlv_at:]
        if self._classes and tail:
            tail = _without_class(raw, tlv_at)
        body = head + middle + raw[flags_at:tlv_at] + tail
        if body == raw[16:]:
            return pdu
        return Pdu(
            pdu.command_id,
            pdu.command_status,
            pdu.sequence_number,
            (len(body) + 16).to_bytes(4, "big") + raw[4:16] + body,
        )


def _octets(raw: bytes, offsets: Offsets) -> bytes:
    """The user data, wherever it stands."""
    sm_at = offsets[4]
    octets = raw[sm_at : sm_at + raw[sm_at - 1]]
    return octets or find_tlv(raw, offsets[5], c.TLV_MESSAGE_PAYLOAD) or b""


def _address(ton: int, npi: int, address: bytes) -> bytes:
    return bytes((ton, npi)) + address + b"\0"


def _without_class(raw: bytes, tlv_at: int) -> bytes:
    kept = [pair for pair in iter_tlvs(raw, tlv_at) if pair[0] != TLV_MESSAGE_CLASS]
    return b"".join([tlv(*pair) for pair in kept])
