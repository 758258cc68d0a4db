"""One provider_message_id for several messages of a client (XC-08).

Some providers answer only the last part of a concatenated message with an id. Each part is a
message of its own to the client, with its own client_message_id, and gets the outcome of the part
that has one: their origins share its map, and what is queued is handed out once for each of them.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError

from smppproxy.receipts.dialects import kind_of
from smppproxy.relay.submission import Submit, mapping_of
from smppproxy.routing.providers import Provider
from smppproxy.store.interface import Entry, Mapping
from smppproxy.store.records import ReceiptRecord, RecordError
from smppproxy.text.segments import concatenation

MOST = 10_000
"""Parts without an id that are remembered, over all providers."""

WAIT = 60.0
"""Seconds for which a part without an id waits for one that has it."""

SHARED = b"\xf8"
"""What a record of several origins begins with; that of one begins with its small version."""

_HEAD = Struct(">BH")

Message = tuple[str, bytes, bytes, int]
"""Provider, account, addresses, reference: what the parts of one message have in common."""


class Nameless:
    """Accepted parts whose provider gave no id, until another part of the message has one."""

    def __init__(self) -> None:
        self._waiting: dict[Message, list[Submit]] = {}
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def wait(self, submit: Submit, provider: str, now: float) -> None:
        """Remember a part without an id; a message of one part has nobody to learn from."""
        message = _message(submit, provider)
        if message is None:
            return
        if self._count >= MOST:
            self._forget(now)
        if self._count < MOST:
            self._waiting.setdefault(message, []).append(submit)
            self._count += 1

    def join(
        self, mapping: Mapping, submit: Submit, provider: Provider, began: float
    ) -> None:
        """Let the parts that waited for this one's id share its map."""
        message = _message(submit, provider.name)
        waiting = self._waiting.pop(message, None) if message is not None else None
        if waiting is None:
            return
        self._count -= len(waiting)
        # References come round: what is older was a part of another message.
        young = [each for each in waiting if abs(submit.arrived - each.arrived) <= WAIT]
        if not young:
            return
        others = [mapping_of(each, mapping.key, began, provider) for each in young]
        origins = [(each.want, each.origin) for each in (*others, mapping)]
        mapping.origin = pack(origins)
        for want, _ in origins:
            mapping.want |= want

    def _forget(self, now: float) -> None:
        self._waiting = {
            message: parts
            for message, parts in self._waiting.items()
            if now - parts[-1].arrived <= WAIT
        }
        self._count = sum(map(len, self._waiting.values()))


def _message(submit: Submit, provider: str) -> Message | None:
    raw, offsets = submit.pdu.raw, submit.offsets
    part = concatenation(raw, offsets)
    if part is None:
        return None
    return provider, submit.account.key, raw[offsets[0] : offsets[2]], part[0]


def pack(origins: list[tuple[int, bytes]]) -> bytes:
    """One record of several (want, origin)."""
    return SHARED + b"".join([_HEAD.pack(want, len(origin)) + origin for want, origin in origins])


def own_origin(record: bytes) -> bytes:
    """The message that a record of several was stored with; of one alone, that one.

    :raises RecordError: for a record that is cut.
    """
    return unpack(record)[-1][1] if record[:1] == SHARED else record


def items_of(entry: Entry) -> list[tuple[bytes, bytes]]:
    """(origin, receipt) of each message that wants this receipt of several.

    :raises RecordError: for records that cannot be read.
    """
    receipt = ReceiptRecord.unpack(entry.receipt)
    kind = kind_of(receipt.state, receipt.final, False)
    return [(origin, entry.receipt) for want, origin in unpack(entry.origin) if want & kind]


def unpack(record: bytes) -> list[tuple[int, bytes]]:
    """What :func:`pack` was given.

    :raises RecordError: for a record that is cut.
    """
    origins = []
    at = 1
    while at < len(record):
        try:
            want, length = _HEAD.unpack_from(record, at)
        except StructError as error:
            raise RecordError(f"a shared origin is cut: {error}") from None
        at += _HEAD.size + length
        if at > len(record):
            raise RecordError("a shared origin is cut")
        origins.append((want, record[at - length : at]))
    return origins
