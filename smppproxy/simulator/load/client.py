"""The clients of one process of a load test: octets in, octets out. No socket and no clock here.

The unit is a read. Per message there are a few dictionary and column accesses, nothing else: one
client of this kind must outrun several nodes.

Latencies are counted from the moment at which a message was due. At an offered rate that is its
place in the schedule, however late its turn came: a server that stops for a second is charged for
everything that should have been sent in that second, not only for the one message that it held up
(what is known as coordinated omission).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil
from typing import Any
from zlib import crc32

import attrs

from smppproxy.simulator.load.board import DIGITS, LOST, MOST, OK, REFUSED, SENT, Board
from smppproxy.simulator.load.counts import Counts
from smppproxy.simulator.load.histogram import Histogram
from smppproxy.simulator.load.plan import BINDS, LoadOptions, Share
from smppproxy.simulator.load.reading import BodyError, facts
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Bind
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu

#: Silence before an enquire_link, and how long its answer may take.
ENQUIRE = 30.0
ENQUIRE_ANSWER = 10.0

_LAST_SEQUENCE = 0x7FFFFFFE
_SUBMIT_RESP, _DELIVER = c.SUBMIT_SM_RESP, c.DELIVER_SM
_DELIVER_RESP = build.deliver_sm_resp(0)[:12]
_RECEIPT_BITS = 0x3C


class Session:
    """One session of a bind: what the wire of it needs to know.

    :ivar bind: command_id of its bind. :ivar out: octets to write at the end of the turn;
    :ivar window: sequence_number -> number. :ivar closing: hang up once ``out`` is written.
    :ivar refused: command_status of its bind.
    """

    __slots__ = (
        "number", "framer", "out", "window", "sequence", "bound", "closing", "refused", "heard",
        "asked", "ready", "answered", "bind",
    )  # fmt: skip

    def __init__(self, number: int, bind: int = c.BIND_TRANSCEIVER) -> None:
        self.number = number
        self.bind = bind
        self.out: list[bytes] = []
        self.refused = 0
        #: Answers that it got, over all of its connections.
        self.answered = 0
        self.reset()

    def reset(self) -> None:
        """A new connection."""
        self.framer = Framer(c.MAX_PDU)
        self.out.clear()
        self.window: dict[int, int] = {}
        self.sequence = 1
        self.bound = self.closing = False
        #: It stands in the queue of those with room; so a receiver is never put there.
        self.ready = self.bind == c.BIND_RECEIVER
        self.heard = self.asked = 0.0

    def next_sequence(self) -> int:
        """1 to 0x7ffffffe, again and again."""
        sequence = self.sequence
        self.sequence = sequence + 1 if sequence < _LAST_SEQUENCE else 1
        return sequence


class Clients:
    """All sessions of one process.

    :ivar responses: latencies since :meth:`interval` was called last; :ivar deliveries: the same,
        of receipts.
    """

    def __init__(self, options: LoadOptions, share: Share, board: Board) -> None:
        self.options = options
        self.share = share
        self.board = board
        self.counts = Counts()
        self.statuses: dict[int, int] = {}
        kinds = BINDS[options.bind] * share.binds
        self.sessions = [Session(share.first_session + n, kind) for n, kind in enumerate(kinds)]
        self.responses = Histogram()
        self.deliveries = Histogram()
        self._templates = options.templates()
        self._next = share.place
        self._ready: deque[Session] = deque()
        self._unsure: list[tuple[int, int]] = []
        self._started = 0.0
        self._rate = options.rate / share.step
        self._over = True
        #: When the last answer or receipt came.
        self.last = 0.0

    # ------------------------------------------------------------- sessions

    def opened(self, session: Session, now: float) -> None:
        """A connection stands: bind."""
        options = self.options
        session.reset()
        session.heard = now
        fields = Bind(options.system_id, options.password, b"", c.VERSION_3_4, 0, 0, b"")
        session.out.append(build.bind(session.bind, session.next_sequence(), fields))

    def closed(self, session: Session) -> None:
        """A connection is gone; what it had not answered never will be."""
        answers = self.board.answers
        for number in session.window.values():
            answers[number] = LOST
        self.counts.lost += len(session.window)
        if session.bound and not session.closing:
            self.counts.sessions_lost += 1
        session.window = {}
        session.bound = False

    @property
    def bound(self) -> int:
        """Sessions that are bound."""
        return sum(session.bound for session in self.sessions)

    def leave(self) -> None:
        """Unbind every session."""
        self.stop()
        for session in self.sessions:
            if session.bound and not session.closing:
                session.out.append(build.unbind(session.next_sequence()))

    def tick(self, now: float) -> None:
        """Once a second: enquire_link on silent sessions; those that stay silent are closed."""
        for session in self.sessions:
            if not session.bound:
                continue
            silent = now - session.heard
            if session.asked and silent > ENQUIRE + ENQUIRE_ANSWER:
                session.closing = True
                self.counts.sessions_lost += 1
            elif silent > ENQUIRE and not session.asked:
                session.asked = now
                session.out.append(build.enquire_link(session.next_sequence()))

    # -------------------------------------------------------------- submits

    def go(self, now: float) -> None:
        """Begin to submit; the schedule of an offered rate starts here."""
        self._started = now
        self._over = False

    def stop(self) -> None:
        """Submit nothing more."""
        self._over = True

    @property
    def over(self) -> bool:
        """Nothing more will be submitted."""
        return self._over

    @property
    def unanswered(self) -> int:
        """Submits that wait for their answers."""
        counts = self.counts
        return counts.submitted - counts.accepted - counts.refused - counts.lost

    def due(self, now: float) -> float:
        """Seconds until the next message is due; infinite where only answers make room for it."""
        if self._over or not self._rate or not self._ready:
            return float("inf")
        return max(0.0, self._started + self.counts.submitted / self._rate - now)

    def _owed(self, now: float) -> int:
        if self._over:
            return 0
        options, share = self.options, self.share
        left = -(-(options.size - self._next) // share.step)
        elapsed = now - self._started
        ended = 0 < options.seconds <= elapsed
        if left <= 0 or ended:
            self.stop()
        if self._rate:
            # At the end still what was due before it, however late this turn is.
            due = int(elapsed * self._rate) + 1
            if ended:
                due = ceil(options.seconds * self._rate - 1e-6)
            return min(left, due - self.counts.submitted)
        return 0 if ended else left

    def fill(self, now: float) -> list[Session]:
        """Submit what is owed, in turn over the sessions that have room; those written to."""
        owed = self._owed(now)
        ready = self._ready
        written = []
        while owed > 0 and ready:
            session = ready.popleft()
            session.ready = False
            room = self.options.window - len(session.window)
            if not session.bound or session.closing or room <= 0:
                continue
            count = min(room, owed)
            if self._rate:
                count = min(count, -(-owed // (len(ready) + 1)))
            self._submit(session, count, now)
            owed -= count
            if count < room:
                session.ready = True
                ready.append(session)
            written.append(session)
        return written

    def _submit(self, session: Session, count: int, now: float) -> None:
        board, templates, window = self.board, self._templates, session.window
        due, sessions, answers = board.due, board.sessions, board.answers
        first, number, step = self.options.first, self._next, self.share.step
        who = session.number & 0xFFFF
        kinds = len(templates)
        rate, started, submitted = self._rate, self._started, self.counts.submitted
        sequence = session.sequence
        out = session.out
        for place in range(submitted, submitted + count):
            due[number] = started + place / rate if rate else now
            sessions[number] = who
            answers[number] = SENT
            head, middle, tail = templates[number % kinds]
            out += (
                head, sequence.to_bytes(4, "big"), middle, b"%08d" % ((first + number) % MOST), tail
            )  # fmt: skip
            window[sequence] = number
            sequence = sequence + 1 if sequence < _LAST_SEQUENCE else 1
            number += step
        session.sequence = sequence
        self._next = number
        self.counts.submitted += count

    # ---------------------------------------------------------------- reads

    def received(self, session: Session, data: bytes, now: float) -> None:
        """One read of a session."""
        pdus, error = session.framer.feed(data)
        session.heard = now
        session.asked = 0.0
        answers: list[Pdu] = []
        receipts: list[Pdu] = []
        for pdu in pdus:
            command_id = pdu.command_id
            if command_id == _SUBMIT_RESP:
                answers.append(pdu)
            elif command_id == _DELIVER:
                # In their order: an answer that stands before a receipt is read before it.
                if answers:
                    self._answered(session, answers, now)
                    answers = []
                receipts.append(pdu)
                self._delivered(session, pdu, now)
            else:
                self._other(session, pdu)
        if answers:
            self._answered(session, answers, now)
        if receipts:
            out = session.out
            for pdu in receipts:
                out += (_DELIVER_RESP, pdu.raw[12:16], b"\0")
        if error is not None:
            self.counts.unreadable += 1
            session.closing = True
        if not session.ready and session.bound and len(session.window) < self.options.window:
            session.ready = True
            self._ready.append(session)

    def _answered(self, session: Session, pdus: Sequence[Pdu], now: float) -> None:
        board, window, counts = self.board, session.window, self.counts
        due, ids, answers = board.due, board.ids, board.answers
        took = []
        for pdu in pdus:
            number = window.pop(pdu.sequence_number, -1)
            if number < 0:
                counts.unexpected += 1
                continue
            took.append(now - due[number])
            if pdu.command_status:
                self._refused(number, pdu.command_status)
                continue
            raw = pdu.raw
            ids[number] = crc32(raw[16 : raw.find(0, 16)])
            answers[number] = OK
            counts.accepted += 1
        self.responses.record(took)
        session.answered += len(took)
        self.last = now

    def _refused(self, number: int, status: int) -> None:
        self.board.answers[number] = REFUSED
        self.counts.refused += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def _delivered(self, session: Session, pdu: Pdu, now: float) -> None:
        counts, board = self.counts, self.board
        try:
            esm_class, address, message_id = facts(pdu.raw)
        except BodyError:
            counts.unreadable += 1
            return
        kind = esm_class & _RECEIPT_BITS
        if kind != c.ESM_RECEIPT:
            if kind == c.ESM_INTERMEDIATE:
                counts.intermediate += 1
            else:
                counts.mo += 1
            return
        digits = address[-DIGITS:]
        number = (int(digits) - self.options.first) % MOST if digits.isdigit() else MOST
        if number >= board.size or not board.answers[number]:
            counts.stale += 1
            return
        answer = board.answers[number]
        token = crc32(message_id)
        if answer != OK:
            self._before_its_answer(session, number, token)
        elif board.ids[number] != token:
            counts.misplaced += 1
            return
        if not board.receipts[number]:
            self.deliveries.record((now - board.due[number],))
        board.receipts[number] = min(255, board.receipts[number] + 1)
        counts.receipts += 1
        self.last = now

    def _before_its_answer(self, session: Session, number: int, token: int) -> None:
        if self.board.sessions[number] == session.number & 0xFFFF:
            self.counts.early += self.board.answers[number] == SENT
        else:
            self.counts.crossed += 1
        self._unsure.append((number, token))

    def _other(self, session: Session, pdu: Pdu) -> None:
        command_id = pdu.command_id
        if command_id == c.ENQUIRE_LINK:
            session.out.append(build.enquire_link_resp(pdu.sequence_number))
        elif command_id == session.bind | c.RESPONSE:
            if pdu.command_status:
                session.refused = pdu.command_status
                session.closing = True
            else:
                session.bound = True
                self.counts.binds += 1
        elif command_id == c.UNBIND:
            session.out.append(build.unbind_resp(pdu.sequence_number))
            session.closing = True
            self.counts.sessions_lost += 1
        elif command_id == c.UNBIND_RESP:
            session.closing = True
        elif command_id == c.GENERIC_NACK:
            self._nacked(session, pdu)
        elif command_id != c.ENQUIRE_LINK_RESP:
            self.counts.unexpected += 1

    def _nacked(self, session: Session, pdu: Pdu) -> None:
        number = session.window.pop(pdu.sequence_number, -1)
        if number < 0:
            self.counts.unexpected += 1
        else:
            self._refused(number, pdu.command_status)

    # --------------------------------------------------------------- results

    def interval(self) -> tuple[Histogram, Histogram]:
        """Latencies of answers and of receipts since the last call."""
        told = self.responses, self.deliveries
        self.responses, self.deliveries = Histogram(), Histogram()
        return told

    def settle(self) -> None:
        """At the end: receipts that came before their answer are compared with it now."""
        board = self.board
        for number, token in self._unsure:
            if board.answers[number] == OK and board.ids[number] != token:
                self.counts.misplaced += 1
        self._unsure.clear()

    def totals(self) -> dict[str, Any]:
        """The counts, the statuses, and the fewest and most answers of a bind, as JSON."""
        submitting = (each for each in self.sessions if each.bind != c.BIND_RECEIVER)
        answered = [session.answered for session in submitting]
        return {
            "counts": attrs.asdict(self.counts),
            "statuses": self.statuses,
            "of_a_bind": (min(answered), max(answered)),
        }
