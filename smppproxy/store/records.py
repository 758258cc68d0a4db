"""What is written into the store about a message: versioned, length-checked octets, never pickles.

Each record is a fixed struct that starts with a version, then the variable octets in a fixed order.
The lengths in the struct must add up to the record, else it is refused: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from struct import Struct
from struct import error as StructError

import attrs

_VERSION = 1
_FULL_REFERENCE = 2  # version of an origin whose user_message_reference has all of 255 octets
_NONE = 255  # length that says in version 1: there is no user_message_reference
_FINAL = 0x80  # bit of a receipt's state: the last one of its message

# version, interface_version, registered_delivery, ton/npi of source and destination,
# lengths of client_message_id, source_addr, destination_addr, user_message_reference, submit_time
_ORIGIN = Struct(">BBBBBBBBBBBq")
# version, state, lengths of stat, err, network_error_code and text, sub, dlvrd, done_date
_RECEIPT = Struct(">BBBBBHiiq")
# version 2 has two more: lengths of place and provider_message_id, which end the record
_PLACED_RECEIPT = Struct(">BBBBBHiiqBB")
# version, length of the body
_MO = Struct(">BI")

_pack_origin, _unpack_origin, _ORIGIN_SIZE = _ORIGIN.pack, _ORIGIN.unpack_from, _ORIGIN.size
_submit_time = Struct(">q").unpack_from  # the last field of _ORIGIN
_pack_receipt, _unpack_receipt, _RECEIPT_SIZE = _RECEIPT.pack, _RECEIPT.unpack_from, _RECEIPT.size
_pack_placed = _PLACED_RECEIPT.pack
_PLACED = 2  # version of a receipt record that tells where it came from

ORIGIN_HEAD = slice(11)
"""Octets of a packed :class:`Origin` that tell how long its parts are, and all before them."""

_PLACE_LENGTH, _ID_LENGTH = _RECEIPT_SIZE, _RECEIPT_SIZE + 1
"""Where a placed receipt has the lengths of place and provider_message_id."""

STATE_AT = 1
"""Where a packed :class:`ReceiptRecord` has its octet for state and final."""

SUBMITTED_AT = slice(_ORIGIN_SIZE - 8, _ORIGIN_SIZE)
"""Where a packed :class:`Origin` has its submit_time."""


class RecordError(ValueError):
    """A record cannot be written (a field is too long) or read (other version, wrong length)."""


@attrs.define
class Origin:
    """What is kept of a submit_sm to write its receipts later.

    ``submit_time`` is in unix seconds, UTC. ``user_message_reference`` is the value of the
    client's own TLV (up to 255 octets, GW-33), ``None`` when there was none.
    ``interface_version`` is the one of the session that sent the submit_sm: it says whether TLVs
    may be sent back.
    """

    client_message_id: bytes
    source_addr_ton: int
    source_addr_npi: int
    source_addr: bytes
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: bytes
    registered_delivery: int
    submit_time: int
    user_message_reference: bytes | None
    interface_version: int

    def pack(self) -> bytes:
        """The record's octets; :class:`RecordError` when a field does not fit."""
        return pack_origin(
            self.client_message_id,
            self.source_addr_ton,
            self.source_addr_npi,
            self.source_addr,
            self.dest_addr_ton,
            self.dest_addr_npi,
            self.destination_addr,
            self.registered_delivery,
            self.submit_time,
            self.user_message_reference,
            self.interface_version,
        )

    @classmethod
    def unpack(cls, record: bytes) -> Origin:
        """Read what :meth:`pack` wrote; :class:`RecordError` for anything else."""
        if len(record) < _ORIGIN_SIZE or record[0] not in (_VERSION, _FULL_REFERENCE):
            raise RecordError("not an origin record of a version that is known here")
        (
            version,
            interface_version,
            registered_delivery,
            source_ton,
            source_npi,
            dest_ton,
            dest_npi,
            id_length,
            source_length,
            destination_length,
            reference_length,
            submit_time,
        ) = _unpack_origin(record)
        source_at = _ORIGIN_SIZE + id_length
        destination_at = source_at + source_length
        reference_at = destination_at + destination_length
        if version == _FULL_REFERENCE and reference_length != _NONE:
            raise RecordError("an origin record with a short reference of the wrong version")
        if version == _VERSION and reference_length == _NONE:
            reference = None
            end = reference_at
        else:
            reference = record[reference_at:]
            end = reference_at + reference_length
        if end != len(record):
            raise RecordError("the lengths in an origin record do not add up")
        return cls(
            record[_ORIGIN_SIZE:source_at],
            source_ton,
            source_npi,
            record[source_at:destination_at],
            dest_ton,
            dest_npi,
            record[destination_at:reference_at],
            registered_delivery,
            submit_time,
            reference,
            interface_version,
        )


def pack_origin(
    client_message_id: bytes,
    source_addr_ton: int,
    source_addr_npi: int,
    source_addr: bytes,
    dest_addr_ton: int,
    dest_addr_npi: int,
    destination_addr: bytes,
    registered_delivery: int,
    submit_time: int,
    user_message_reference: bytes | None,
    interface_version: int,
) -> bytes:
    """:meth:`Origin.pack` without an object, for every message there is."""
    version = _VERSION
    if user_message_reference is None:
        user_message_reference = b""
        reference_length = _NONE
    else:
        reference_length = len(user_message_reference)
        if reference_length == _NONE:
            version = _FULL_REFERENCE
    try:
        return (
            _pack_origin(
                version,
                interface_version,
                registered_delivery,
                source_addr_ton,
                source_addr_npi,
                dest_addr_ton,
                dest_addr_npi,
                len(client_message_id),
                len(source_addr),
                len(destination_addr),
                reference_length,
                submit_time,
            )
            + client_message_id
            + source_addr
            + destination_addr
            + user_message_reference
        )
    except StructError as error:
        raise RecordError(f"a field of the origin does not fit: {error}") from None


@attrs.define
class ReceiptRecord:
    """What a provider's receipt said.

    ``state`` is message_state, ``stat`` the word as it stood there, ``done_date`` unix seconds
    (0: unknown), ``sub`` and ``dlvrd`` are -1 when unknown, ``network_error_code`` is the TLV's
    value or ``b""``, ``final`` whether the provider says no more after it. ``place`` is where it
    came from, ``b"PROVIDER/HOST"``, and ``provider_message_id`` the id as it stood there; both are
    ``b""`` in receipts of our own, and in those of earlier versions.
    """

    state: int
    stat: bytes
    err: bytes
    done_date: int
    sub: int
    dlvrd: int
    text: bytes
    network_error_code: bytes
    final: bool = False
    place: bytes = b""
    provider_message_id: bytes = b""

    def pack(self) -> bytes:
        """The record's octets; :class:`RecordError` when a field does not fit."""
        return pack_receipt(
            self.state,
            self.stat,
            self.err,
            self.done_date,
            self.sub,
            self.dlvrd,
            self.text,
            self.network_error_code,
            self.final,
            self.place,
            self.provider_message_id,
        )

    @classmethod
    def unpack(cls, record: bytes) -> ReceiptRecord:
        """Read what :meth:`pack` wrote; :class:`RecordError` for anything else."""
        if len(record) < _RECEIPT_SIZE or record[0] not in (_VERSION, _PLACED):
            raise RecordError("not a receipt record of a version that is known here")
        place_length = id_length = 0
        err_at = _RECEIPT_SIZE
        if record[0] == _PLACED:
            if len(record) < _PLACED_RECEIPT.size:
                raise RecordError("a receipt record that is too short for its version")
            place_length, id_length = record[err_at : err_at + 2]
            err_at += 2
        (
            _,
            state,
            stat_length,
            err_length,
            code_length,
            text_length,
            sub,
            dlvrd,
            done_date,
        ) = _unpack_receipt(record)
        stat_at = err_at
        err_at += stat_length
        code_at = err_at + err_length
        text_at = code_at + code_length
        place_at = text_at + text_length
        id_at = place_at + place_length
        if id_at + id_length != len(record):
            raise RecordError("the lengths in a receipt record do not add up")
        return cls(
            state & ~_FINAL,
            record[stat_at:err_at],
            record[err_at:code_at],
            done_date,
            sub,
            dlvrd,
            record[text_at:place_at],
            record[code_at:text_at],
            state >= _FINAL,
            record[place_at:id_at],
            record[id_at:],
        )


def pack_receipt(
    state: int,
    stat: bytes,
    err: bytes,
    done_date: int,
    sub: int,
    dlvrd: int,
    text: bytes,
    network_error_code: bytes,
    final: bool,
    place: bytes,
    provider_message_id: bytes,
) -> bytes:
    """:meth:`ReceiptRecord.pack` without an object, for every receipt there is."""
    if state >= _FINAL:
        raise RecordError("there is no such message_state")
    marked = state | _FINAL if final else state
    # Written out: to hand over a tuple of them takes half as long again.
    try:
        if place or provider_message_id:
            head = _pack_placed(
                _PLACED,
                marked,
                len(stat),
                len(err),
                len(network_error_code),
                len(text),
                sub,
                dlvrd,
                done_date,
                len(place),
                len(provider_message_id),
            )
        else:
            sizes = len(stat), len(err), len(network_error_code), len(text)
            head = _pack_receipt(_VERSION, marked, *sizes, sub, dlvrd, done_date)
    except StructError as error:
        raise RecordError(f"a field of the receipt does not fit: {error}") from None
    return b"".join((head, stat, err, network_error_code, text, place, provider_message_id))


def says_final(record: bytes) -> bool:
    """Whether a packed :class:`ReceiptRecord` is the last one of its message; True also for what
    cannot be read."""
    return len(record) <= STATE_AT or record[STATE_AT] >= _FINAL


def receipt_head(record: bytes) -> bytes:
    """The octets of a packed :class:`ReceiptRecord` that say all but text, place and
    provider_message_id: equal ones say the same. :class:`RecordError` where it cannot be read.
    """
    size = _PLACED_RECEIPT.size
    if len(record) < size or record[0] != _PLACED:
        ReceiptRecord.unpack(record)
        return record
    text_at = size + record[2] + record[3] + record[4]
    if text_at + (record[5] << 8 | record[6]) + record[size - 2] + record[size - 1] != len(record):
        raise RecordError("the lengths in a receipt record do not add up")
    return record[:text_at]


@attrs.define
class MoRecord:
    """An MO message: the deliver_sm's octets after the header, untouched."""

    body: bytes

    def pack(self) -> bytes:
        """The record's octets."""
        return _MO.pack(_VERSION, len(self.body)) + self.body

    @classmethod
    def unpack(cls, record: bytes) -> MoRecord:
        """Read what :meth:`pack` wrote; :class:`RecordError` for anything else."""
        if len(record) < _MO.size or record[0] != _VERSION:
            raise RecordError("not an MO record of a version that is known here")
        if _MO.unpack_from(record)[1] != len(record) - _MO.size:
            raise RecordError("the length in an MO record does not add up")
        return cls(record[_MO.size :])


def message_id_of(origin: bytes) -> bytes:
    """The client_message_id of a packed :class:`Origin`; b"" of several in one."""
    if origin[:1] not in (b"\1", b"\2") or len(origin) < _ORIGIN_SIZE:
        return b""
    return origin[_ORIGIN_SIZE : _ORIGIN_SIZE + origin[7]]


OriginParts = tuple[bytes, bytes, bytes, bytes, bytes]
"""What of an origin stands at :data:`SUBMITTED_AT`, its client_message_id, source_addr,
destination_addr and user_message_reference (b"" for none as well)."""


def split_origins(origins: Iterable[bytes]) -> list[OriginParts]:
    """The parts of many packed :class:`Origin`; :class:`RecordError` where one is none."""
    try:
        return [origin_splitter(origin[ORIGIN_HEAD])(origin) for origin in origins]
    except StructError:
        raise RecordError("the lengths in an origin record do not add up") from None


@lru_cache(4096)
def origin_splitter(head: bytes) -> Callable[[bytes], OriginParts]:
    """Takes every packed :class:`Origin` apart that has this :data:`ORIGIN_HEAD`, which tells all
    of its lengths; raises struct.error for one whose lengths do not add up.
    """
    if len(head) < ORIGIN_HEAD.stop or head[0] not in (_VERSION, _FULL_REFERENCE):
        raise RecordError("not an origin record of a version that is known here")
    *lengths, reference = head[-4:]
    if head[0] == _VERSION and reference == _NONE:
        reference = 0
    sizes = "".join(f"{length}s" for length in (*lengths, reference))
    return Struct(f"{ORIGIN_HEAD.stop}x8s{sizes}").unpack


def receipt_origins(receipts: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """place and provider_message_id of packed :class:`ReceiptRecord` that were read before.

    :raises RecordError: where one is far too short for that.
    """
    try:
        return [
            (
                receipt[(at := len(receipt) - receipt[_ID_LENGTH]) - receipt[_PLACE_LENGTH] : at],
                receipt[at:],
            )
            if receipt[0] == _PLACED
            else (b"", b"")
            for receipt in receipts
        ]
    except IndexError:
        raise RecordError("a receipt record that is too short for its version") from None


def receipt_heads(receipts: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """`receipt_head` and provider_message_id of packed :class:`ReceiptRecord` that were just
    packed, or read before.
    """
    size = _PLACED_RECEIPT.size
    return [
        (
            receipt[: size + receipt[2] + receipt[3] + receipt[4]],
            receipt[len(receipt) - receipt[_ID_LENGTH] :],
        )
        if receipt[0] == _PLACED
        else (receipt, b"")
        for receipt in receipts
    ]


def glanced(state: int, submitted_at: bytes) -> tuple[int, bool, int]:
    """message_state, whether it is final, and submit_time (unix seconds): of all records that have
    this octet and these, a receipt's own one for state and final (:data:`STATE_AT`), and an
    origin's :data:`SUBMITTED_AT`.

    For counters: cheaper than to unpack a packed :class:`Origin` and :class:`ReceiptRecord`, which
    must have been read before.
    """
    return state & ~_FINAL, state >= _FINAL, _submit_time(submitted_at)[0]
