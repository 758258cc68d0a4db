"""A provider that does nothing but take messages and send receipts, as cheaply as can be.

The one that plays every habit seen in the field is :class:`smppproxy.simulator.smsc.Smsc`; it
remembers each message and costs ten times as much. This one remembers nothing once a receipt is
acknowledged. Octets in, octets out: no socket and no clock here.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from struct import Struct
from typing import Any

import attrs

from smppproxy.simulator.shapes import ID_FORMATS, drawn, receipt_text
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import read_bind, walk_message
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import tlv

_header = Struct(">IIII").pack
_LAST_SEQUENCE = 0x7FFFFFFE
_DELIVERED = tlv(c.TLV_MESSAGE_STATE, bytes([c.STATE_DELIVERED]))
_UNDELIVERABLE = tlv(c.TLV_MESSAGE_STATE, bytes([c.STATE_UNDELIVERABLE]))
#: Answers after which a receipt is delivered again, and when.
_TEMPORARY = frozenset({c.ESME_RSYSERR, c.ESME_RMSGQFUL, c.ESME_RTHROTTLED, c.ESME_RX_T_APPN})
_RETRY = 1.0
#: An integer, so that nothing of a delay is a comparison of floats.
_TICKS = 1000


@attrs.define
class LeanOptions:
    """What it does. Times are seconds, fractions are 0..1.

    :ivar accounts: system_id -> password; empty: anyone may bind.
    :ivar id_format: a key of ``shapes.ID_FORMATS``, for answers and receipts.
    :ivar response_delay: least and most; :ivar receipt_delay: the same, after the answer.
    :ivar undelivered: fraction of receipts that say UNDELIV.
    :ivar errors: command_status -> fraction of submit_sm refused with it.
    :ivar window: deliver_sm unanswered per session.
    :ivar place: which of ``step`` processes it is: their ids never meet.
    """

    accounts: Mapping[bytes, bytes] = attrs.field(factory=dict, repr=False)
    id_format: str = attrs.field(default="dec", validator=attrs.validators.in_([*ID_FORMATS]))
    response_delay: tuple[float, float] = (0.0, 0.0)
    receipt_delay: tuple[float, float] = (0.0, 0.0)
    undelivered: float = 0.0
    errors: Mapping[int, float] = attrs.field(factory=dict)
    receipts: bool = True
    window: int = 100
    place: int = 0
    step: int = 1
    seed: int = 1


class HostSession:
    """One connection: what the wire of it needs to know.

    :ivar waiting: receipts for which its window has no room yet.
    """

    __slots__ = (
        "framer", "out", "window", "waiting", "sequence", "system_id", "receives", "closing", "up",
    )  # fmt: skip

    def __init__(self) -> None:
        self.framer = Framer(c.MAX_PDU)
        self.out: list[bytes] = []
        self.window: dict[int, bytes] = {}
        self.waiting: deque[bytes] = deque()
        self.sequence = 1
        self.system_id = b""
        self.receives = self.closing = False
        self.up = True


class LeanSmsc:
    """All sessions of one process, on whatever host."""

    def __init__(self, options: LeanOptions) -> None:
        self.options = options
        self.counts: Counter[str] = Counter()
        self._number = options.place + 1
        self._id = ID_FORMATS[options.id_format]
        self._random = Random(options.seed + options.place)
        self._agenda: dict[int, list[tuple[HostSession, bytes, bytes]]] = {}
        self._due: list[int] = []
        self._receivers: dict[bytes, list[HostSession]] = {}
        self._homeless: dict[bytes, deque[bytes]] = {}

    # ------------------------------------------------------------- sessions

    def closed(self, session: HostSession) -> None:
        """A connection is gone; what it did not acknowledge goes to the others of its system_id."""
        session.up = False
        receivers = self._receivers.get(session.system_id, [])
        if session in receivers:
            receivers.remove(session)
        for body in (*session.window.values(), *session.waiting):
            self._deliver(session, body)
        session.window = {}
        session.waiting.clear()

    def _bind(self, session: HostSession, pdu: Pdu) -> None:
        try:
            fields = read_bind(pdu)
        except BodyError as error:
            self._refuse(session, pdu, error.command_status)
            return
        known = self.options.accounts
        if known and known.get(fields.system_id) != fields.password:
            self._refuse(session, pdu, c.ESME_RINVPASWD)
            return
        session.out.append(build.bind_resp(pdu.command_id, 0, pdu.sequence_number, b"smsc"))
        self.counts["binds"] += 1
        session.system_id = fields.system_id
        session.receives = pdu.command_id != c.BIND_TRANSMITTER
        if session.receives:
            self._receivers.setdefault(fields.system_id, []).append(session)
            session.waiting.extend(self._homeless.pop(fields.system_id, ()))
            self._drain(session)

    def _refuse(self, session: HostSession, pdu: Pdu, status: int) -> None:
        refusal = build.bind_resp(pdu.command_id, status, pdu.sequence_number, b"smsc")
        session.out.append(refusal)
        session.closing = True
        self.counts["binds_refused"] += 1

    # ---------------------------------------------------------------- reads

    def received(self, session: HostSession, data: bytes, now: float, wall: float) -> None:
        """One read of a session; ``wall`` is unix seconds, for the dates in receipts."""
        pdus, error = session.framer.feed(data)
        submits = []
        freed = False
        window = session.window
        for pdu in pdus:
            command_id = pdu.command_id
            if command_id == c.SUBMIT_SM:
                submits.append(pdu)
            elif command_id == c.DELIVER_SM_RESP:
                freed = True
                body = window.pop(pdu.sequence_number, b"")
                if pdu.command_status:
                    self._declined(session, body, pdu.command_status, now)
                elif body:
                    self.counts["receipts_acked"] += 1
            else:
                self._other(session, pdu)
        if submits:
            self._submitted(session, submits, now, wall)
        if freed and session.waiting:
            self._drain(session)
        if error is not None:
            self.counts["unreadable"] += 1
            session.closing = True

    def _other(self, session: HostSession, pdu: Pdu) -> None:
        command_id = pdu.command_id
        if command_id in c.BINDS:
            self._bind(session, pdu)
        elif command_id == c.ENQUIRE_LINK:
            session.out.append(build.enquire_link_resp(pdu.sequence_number))
        elif command_id == c.UNBIND:
            session.out.append(build.unbind_resp(pdu.sequence_number))
            session.closing = True
        elif not command_id & c.RESPONSE:
            refusal = build.generic_nack(c.ESME_RINVCMDID, pdu.sequence_number)
            session.out.append(refusal)

    def _declined(self, session: HostSession, body: bytes, status: int, now: float) -> None:
        if body and status in _TEMPORARY:
            self.counts["deliveries_retried"] += 1
            self._later(now + _RETRY, session, b"", body)
        else:
            self.counts["deliveries_refused"] += 1

    # -------------------------------------------------------------- submits

    def _submitted(
        self, session: HostSession, pdus: Sequence[Pdu], now: float, wall: float
    ) -> None:
        options, counts = self.options, self.counts
        out = session.out
        step, form, chance = options.step, self._id, self._random.random
        slow = options.response_delay[1] or options.receipt_delay[1]
        # What a transmitter submits has its receipt on another session: that is written to later.
        slow = slow or not session.receives
        counts["submits"] += len(pdus)
        for pdu in pdus:
            raw = pdu.raw
            try:
                offsets = walk_message(raw)
            except BodyError as error:
                out.append(build.refusal(pdu, pdu.sequence_number, error.command_status))
                counts["refused"] += 1
                continue
            status = drawn(options.errors, chance()) if options.errors else 0
            if status:
                counts["refused"] += 1
                answer, body = build.refusal(pdu, pdu.sequence_number, status), b""
            else:
                message_id = form(self._number)
                self._number += step
                counts["accepted"] += 1
                answer = _header(
                    17 + len(message_id), c.SUBMIT_SM_RESP, 0, pdu.sequence_number
                ) + b"%b\0" % message_id
                asked = options.receipts and raw[offsets[3]] & 1
                body = self._receipt(raw, offsets, message_id, wall) if asked else b""
            if slow:
                self._schedule(session, answer, body, now)
            else:
                out.append(answer)
                if body:
                    session.waiting.append(body)
        if not slow:
            self._drain(session)

    def _schedule(self, session: HostSession, answer: bytes, body: bytes, now: float) -> None:
        uniform = self._random.uniform
        least, most = self.options.response_delay
        at = now + (uniform(least, most) if most else 0.0)
        if most:
            self._later(at, session, answer, b"")
        else:
            session.out.append(answer)
        if body:
            least, most = self.options.receipt_delay
            self._later(at + (uniform(least, most) if most else 0.0), session, b"", body)

    # ------------------------------------------------------------- receipts

    def _receipt(
        self, raw: bytes, offsets: Sequence[int], message_id: bytes, wall: float
    ) -> bytes:
        """Everything of its deliver_sm behind sequence_number."""
        source_at, dest_at, esm_at, flags_at, sm_at, _ = offsets
        unlucky = self.options.undelivered and self._random.random() < self.options.undelivered
        stat = b"UNDELIV" if unlucky else b"DELIVRD"
        text = receipt_text(message_id, stat, wall, wall, raw[sm_at : sm_at + raw[sm_at - 1]])
        return b"\0%b%b\x04\0\0\0\0\0\0%c\0%c%b%b%b" % (
            raw[dest_at:esm_at],
            raw[source_at:dest_at],
            raw[flags_at + 2],
            len(text),
            text,
            tlv(c.TLV_RECEIPTED_MESSAGE_ID, message_id + b"\0"),
            _UNDELIVERABLE if unlucky else _DELIVERED,
        )

    def _deliver(self, session: HostSession, body: bytes) -> None:
        """By the session that took the message, else by another one of its system_id."""
        if not (session.up and session.receives):
            receivers = self._receivers.get(session.system_id)
            if not receivers:
                self._homeless.setdefault(session.system_id, deque()).append(body)
                return
            session = receivers[len(self._due) % len(receivers)]
        session.waiting.append(body)

    def _drain(self, session: HostSession) -> None:
        """Write what its window has room for."""
        if not session.receives:
            while session.waiting:
                self._deliver(session, session.waiting.popleft())
            return
        window, waiting, out = session.window, session.waiting, session.out
        count = min(len(waiting), self.options.window - len(window))
        sequence = session.sequence
        for _ in range(count):
            body = waiting.popleft()
            out += (_header(16 + len(body), c.DELIVER_SM, 0, sequence), body)
            window[sequence] = body
            sequence = sequence + 1 if sequence < _LAST_SEQUENCE else 1
        session.sequence = sequence
        self.counts["receipts_sent"] += max(0, count)

    # ----------------------------------------------------------------- time

    def _later(self, at: float, session: HostSession, answer: bytes, body: bytes) -> None:
        tick = int(at * _TICKS) + 1
        entries = self._agenda.get(tick)
        if entries is None:
            entries = self._agenda[tick] = []
            heapq.heappush(self._due, tick)
        entries.append((session, answer, body))

    def next_due(self, now: float) -> float:
        """Seconds until something is due; infinite when nothing is."""
        return max(0.0, self._due[0] / _TICKS - now) if self._due else float("inf")

    def run_due(self, now: float) -> Iterable[HostSession]:
        """Do what is due; the sessions that have something to write."""
        touched: dict[HostSession, None] = {}
        tick = now * _TICKS
        while self._due and self._due[0] <= tick:
            for session, answer, body in self._agenda.pop(heapq.heappop(self._due)):
                if body:
                    self._deliver(session, body)
                elif session.up:
                    session.out.append(answer)
                touched[session] = None
        if touched:
            for receivers in self._receivers.values():
                touched.update(dict.fromkeys(each for each in receivers if each.waiting))
            for session in touched:
                self._drain(session)
        return touched

    def totals(self) -> dict[str, Any]:
        """The counts, as JSON."""
        return dict(sorted(self.counts.items()))
