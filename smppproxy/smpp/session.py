"""
What a PDU means in the state its session is in. `table.TABLE` is the whole protocol; what is not in
it is answered or counted here, by one rule each.

Pure, for both roles: octets and the monotonic time in, octets to write and lists for the journeys
out. One read is one call of `receive`, and what the session itself can answer is answered there.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Final

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Bind, read_bind, read_bind_resp
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.received import Received, Ticked
from smppproxy.smpp.refusals import status_of
from smppproxy.smpp.table import (
    ANSWER,
    BINDING,
    BOUND_RX,
    BOUND_STATES,
    BOUND_TRX,
    BOUND_TX,
    CLOSED,
    ESME,
    OPEN,
    REQUEST,
    SMSC,
    STATE_OF_BIND,
    STATES,
    TABLE,
    TYPED,
    UNBINDING,
)
from smppproxy.smpp.timers import Rate, Timers, Watch
from smppproxy.smpp.window import Window

# One door: whoever holds a session finds its words here too.
__all__ = [
    "BINDING",
    "BOUND_RX",
    "BOUND_STATES",
    "BOUND_TRX",
    "BOUND_TX",
    "CLOSED",
    "ESME",
    "OPEN",
    "SMSC",
    "STATES",
    "STATE_OF_BIND",
    "TABLE",
    "UNBINDING",
    "Received",
    "Session",
    "Ticked",
]

#: A peer may have this many requests nacked within a minute (F07) ...
MAX_NACKS: Final = 10
#: ... and send this many answers to nothing (F35), before the connection is closed.
MAX_UNEXPECTED: Final = 100
#: Octets held while a bind is verified. A read is at most 64 KiB; who sends more is not waiting.
MAX_HELD: Final = 2 * 65536


class Session:
    """
    One SMPP session, of either role.

    `state` is the only word on what is allowed; nothing beside it says bound or closing. Tokens of
    requests that wait when the connection is lost come from `window.drain()`.
    """

    __slots__ = (
        "role",
        "state",
        "window",
        "interface_version",
        "reading",
        "due",
        "errors",
        "_timers",
        "_version_tlv",
        "_framer",
        "_watch",
        "_answer",
        "_request",
        "_replies",
        "_bind",
        "_bind_command",
        "_bind_sequence",
        "_enquiry_sequence",
        "_held",
        "_system_id",
        "_nacks",
        "_unexpected",
    )

    def __init__(
        self, role: str, timers: Timers, window_limit: int = 50, version_tlv: bool = True
    ) -> None:
        self.role = role
        self.state = OPEN
        #: Our requests on this session that wait for their answers.
        self.window = Window(window_limit)
        #: The peer's, once bound: of the client's bind, or sc_interface_version (0 without one).
        self.interface_version = 0
        #: False while the wire has stopped reading: a silence of our own making is nobody's fault.
        self.reading = True
        #: Of the account that is bound: its own command_status by the names of refusals.
        self.errors: Mapping[str, int] = {}
        self._timers = timers
        self._version_tlv = version_tlv
        self._framer = Framer(c.MAX_PDU_BEFORE_BIND if role == SMSC else c.MAX_PDU)
        self._watch = Watch(timers)
        #: Before this moment `tick` has nothing to do; -inf: the clock has not been started. Only
        #: octets that come and calls of the session's own bring it nearer.
        self.due = -inf
        # The two command_ids of the hot loop, -1 while the state does not allow them.
        self._answer = -1
        self._request = -1
        self._replies: list[bytes] = []
        self._bind: Pdu | None = None
        self._bind_command = 0
        self._bind_sequence = -1
        self._enquiry_sequence = -1
        self._held = bytearray()
        self._system_id = b""
        self._nacks = Rate()
        self._unexpected = Rate()

    # -- what the journeys ask ------------------------------------------------------------------

    @property
    def can_submit(self) -> bool:
        """Whether submit_sm may travel from the ESME to the SMSC."""
        return self.state == BOUND_TRX or self.state == BOUND_TX

    @property
    def can_receive(self) -> bool:
        """Whether deliver_sm may travel from the SMSC to the ESME."""
        return self.state == BOUND_TRX or self.state == BOUND_RX

    @property
    def takes_tlvs(self) -> bool:
        """
        Whether the peer bound as 3.4 or later and may be sent TLVs (GW-02, F42).

        0x00 counts as "not said": a client library that sends it refuses receipts without TLVs.
        """
        return not 0 < self.interface_version < c.VERSION_3_4

    # -- what comes in --------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """The connection stands since `now`; without this call, since the first tick or read."""
        self._watch.init_since = now
        self.due = now + self._timers.session_init

    @property
    def unfinished(self) -> bytes:
        """Octets of a PDU that has not come whole."""
        return self._framer.unfinished

    def receive(self, data: bytes, now: float) -> Received:
        """What this read means at monotonic time `now`. Raises nothing, whatever a peer sends."""
        received = Received()
        if self.state == CLOSED:
            return received
        if self.role == SMSC and self.state == BINDING:
            self._hold(data, received)
            return received
        if self.due == -inf:
            self.start(now)
        pending = self._framer.pending
        pdus, error = self._framer.feed(data)
        if pdus:
            self._watch.heard = now
            self._sort(pdus, received, now)
            if self._bind is not None:
                self._hold_rest(pdus, data, pending, received)
                error = None
        if error is not None and self.state != CLOSED:
            command_status = status_of("command_length", self.errors)
            self._replies.append(build.generic_nack(command_status, error.sequence_number))
            self._close(str(error), received)
        self._watch_unfinished(bool(pdus), now)
        if self._replies:
            received.reply = b"".join(self._replies)
            self._replies.clear()
        return received

    def _sort(self, pdus: list[Pdu], received: Received, now: float) -> None:
        """Traffic to its lists, all else to `_other`. The hot loop: two comparisons a PDU."""
        answer = self._answer
        request = self._request
        close = self.window.close
        add_response = received.responses.append
        add_request = received.requests.append
        for pdu in pdus:
            command_id = pdu.command_id
            if command_id == answer:
                token = close(pdu.sequence_number)
                if token is not None:
                    add_response((token, pdu))
                    continue
            elif command_id == request and not pdu.command_status:
                add_request(pdu)
                continue
            self._other(pdu, received, now)
            if self.state == CLOSED or self._bind is not None:
                return
            answer = self._answer
            request = self._request

    def _other(self, pdu: Pdu, received: Received, now: float) -> None:
        """All that is not plain traffic: by the table, else by the rules for what is not in it."""
        command_id = pdu.command_id
        if command_id in TABLE[self.role, self.state]:
            _HANDLERS[command_id](self, pdu, received, now)
        elif command_id & c.RESPONSE or command_id in c.UNANSWERED:
            self._ignore(pdu, received, now)
        elif command_id == c.UNBIND:
            command_status = status_of("not_bound", self.errors)
            self._replies.append(build.unbind_resp(pdu.sequence_number, command_status))
            self._close("unbind before bind", received)
        elif command_id in TYPED[self.role]:
            self._forbid(pdu, received)
        else:
            self._nack(pdu, received, now)

    def _ignore(self, pdu: Pdu, received: Received, now: float) -> None:
        """An answer to nothing, or a notification: counted and never answered (F08, F32, F35)."""
        answer = pdu.command_id & c.RESPONSE
        received.oddities.append(
            ("unexpected_response" if answer else "notification", pdu.command_id)
        )
        if self._unexpected.above(MAX_UNEXPECTED, now):
            self._close("too many answers to nothing", received)

    def _forbid(self, pdu: Pdu, received: Received) -> None:
        """
        A known request in the wrong state gets its own response (F26 to F28); the session stays.

        0x04, or 0x08 while unbinding: there the client did nothing wrong and may send it again.
        """
        command_id = pdu.command_id
        sequence_number = pdu.sequence_number
        if command_id in c.BINDS:
            received.oddities.append(("second_bind", command_id))
            command_status = status_of("already_bound", self.errors)
            self._replies.append(
                build.bind_resp(command_id, command_status, sequence_number, self._system_id)
            )
            return
        received.oddities.append(("wrong_state", command_id))
        name = "unbinding" if self.state == UNBINDING else "bind_state"
        command_status = status_of(name, self.errors)
        self._replies.append(build.refusal(command_id, sequence_number, command_status))

    def _nack(self, pdu: Pdu, received: Received, now: float) -> None:
        """An unknown or unsupported request: generic_nack 0x03, a few times a minute (F07, F09)."""
        received.oddities.append(("unsupported", pdu.command_id))
        command_status = status_of("command_id", self.errors)
        self._replies.append(build.generic_nack(command_status, pdu.sequence_number))
        if self._nacks.above(MAX_NACKS, now):
            self._close("too many unsupported requests", received)

    # -- one handler per command_id of the table ------------------------------------------------

    def _on_request(self, pdu: Pdu, received: Received, now: float) -> None:
        if pdu.command_status:
            received.oddities.append(("request_status", pdu.command_id))
        received.requests.append(pdu)

    def _on_answer(self, pdu: Pdu, received: Received, now: float) -> None:
        token = self.window.close(pdu.sequence_number)
        if token is not None:
            received.responses.append((token, pdu))
            return
        token = self.window.late(pdu.sequence_number)
        if token is not None:
            received.late.append((token, pdu))
            return
        self._ignore(pdu, received, now)

    def _on_generic_nack(self, pdu: Pdu, received: Received, now: float) -> None:
        if self.state == BINDING:
            self._on_bind_resp(pdu, received, now)
        elif pdu.sequence_number == self._enquiry_sequence:
            self._enquiry_sequence = -1
        else:
            self._on_answer(pdu, received, now)

    def _on_enquire_link(self, pdu: Pdu, received: Received, now: float) -> None:
        self._replies.append(build.enquire_link_resp(pdu.sequence_number))

    def _on_enquire_link_resp(self, pdu: Pdu, received: Received, now: float) -> None:
        if pdu.sequence_number == self._enquiry_sequence:
            self._enquiry_sequence = -1
        else:
            self._ignore(pdu, received, now)

    def _on_unbind(self, pdu: Pdu, received: Received, now: float) -> None:
        if self._watch.unbind_since < inf:
            self._replies.append(build.unbind_resp(pdu.sequence_number))
        elif self.state == UNBINDING:
            received.oddities.append(("second_unbind", pdu.command_id))
        else:
            received.unbind = pdu
            self._watch.bound = False
            self._enter(UNBINDING)

    def _on_unbind_resp(self, pdu: Pdu, received: Received, now: float) -> None:
        if self._watch.unbind_since < inf:
            self._watch.unbind_since = inf
            received.unbound = True
            received.close = "unbound"
        else:
            self._ignore(pdu, received, now)

    def _on_bind(self, pdu: Pdu, received: Received, now: float) -> None:
        received.bind = self._bind = pdu
        self._watch.init_since = inf
        self._watch.bind_since = self.due = now
        self._enter(BINDING)

    def _on_bind_resp(self, pdu: Pdu, received: Received, now: float) -> None:
        """Matched by sequence_number alone: one server in use answers with another kind."""
        if pdu.sequence_number != self._bind_sequence:
            self._ignore(pdu, received, now)
            return
        received.bind_resp = pdu
        if pdu.command_status or pdu.command_id == c.GENERIC_NACK:
            self._enter(CLOSED)
            return
        _, self.interface_version = read_bind_resp(pdu)
        self._bound(STATE_OF_BIND[self._bind_command], now)

    # -- binding --------------------------------------------------------------------------------

    def bind(self, command_id: int, fields: Bind, now: float) -> bytes:
        """ESME: the octets of our bind request; its answer comes as `Received.bind_resp`."""
        self._bind_command = command_id
        self._bind_sequence = self.window.next_sequence_number()
        self._watch.init_since = inf
        self._watch.bind_since = self.due = now
        self._enter(BINDING)
        return build.bind(command_id, self._bind_sequence, fields)

    def accept_bind(self, system_id: bytes, now: float) -> Received:
        """
        SMSC: the bind is good; `system_id` is ours. Then what came meanwhile is taken up.

        The reply begins with the bind_resp. PDUs may now be as long as 70,000 octets. Nothing
        happens when the session has ended meanwhile. Raises `BodyError` for a bind whose body
        `read_bind` does not take.
        """
        request = self._bind
        if request is None or self.state != BINDING:
            return Received()
        self.interface_version = read_bind(request).interface_version
        self._bind = None
        self._system_id = system_id
        self._bound(STATE_OF_BIND[request.command_id], now)
        held = bytes(self._held)
        self._held.clear()
        self._replies.append(
            build.bind_resp(
                request.command_id,
                c.ESME_ROK,
                request.sequence_number,
                system_id,
                self._version_tlv and self.takes_tlvs,
            )
        )
        return self.receive(held, now)

    def refuse_bind(self, command_status: int, system_id: bytes) -> bytes:
        """
        SMSC: the bind is bad; the octets of its answer, with a body, or b"" when the
        session has ended meanwhile. Afterwards the session takes nothing, what was held is dropped.
        """
        request = self._bind
        if request is None or self.state != BINDING:
            return b""
        self._enter(CLOSED)
        return build.bind_resp(
            request.command_id, command_status, request.sequence_number, system_id
        )

    def _bound(self, state: str, now: float) -> None:
        self._watch.bind_since = inf
        self._watch.bound = True
        self._watch.heard = now
        self.due = now
        self._enter(state)

    def _hold(self, data: bytes, received: Received) -> None:
        """Octets that come while a bind is verified wait for the verdict."""
        self._held += data
        if len(self._held) > MAX_HELD:
            self._close("too much sent before the bind was answered", received)

    def _hold_rest(self, pdus: list[Pdu], data: bytes, pending: int, received: Received) -> None:
        """
        Hold what stood behind the bind in its own read.

        It was cut under the limit for strangers; once bound it is cut again, under the other one.
        `pending` octets of these PDUs had come before this read.
        """
        count = next(number for number, pdu in enumerate(pdus, 1) if pdu is self._bind)
        taken = sum(len(pdu.raw) for pdu in pdus[:count]) - pending
        self._framer = Framer(c.MAX_PDU)
        self._hold(data[taken:], received)

    # -- leaving --------------------------------------------------------------------------------

    def unbind(self, now: float) -> bytes:
        """
        The octets of our unbind; its answer comes as `Received.unbound`, or `tick` closes after 2 s
        (F31). b"" when not bound, or when the peer's unbind came first.
        """
        if self.state not in BOUND_STATES:
            return b""
        self._watch.bound = False
        self._watch.unbind_since = self.due = now
        self._enter(UNBINDING)
        return build.unbind(self.window.next_sequence_number())

    def _close(self, reason: str, received: Received) -> None:
        received.close = reason
        self._enter(CLOSED)

    def _enter(self, state: str) -> None:
        """The only place where `state` changes, and with it what the hot loop lets through."""
        self.state = state
        allowed = TABLE[self.role, state]
        answer = ANSWER[self.role]
        request = REQUEST[self.role]
        self._answer = answer if answer in allowed else -1
        self._request = request if request in allowed else -1
        if state == CLOSED:
            self._bind = None
            self._held.clear()
            self.due = inf

    # -- time -----------------------------------------------------------------------------------

    def tick(self, now: float) -> Ticked | None:
        """What is due at monotonic time `now`, or None: one comparison while nothing can be."""
        if now < self.due:
            return None
        if self.due == -inf:
            self.start(now)
            return None
        if not self.reading:
            self._watch.excuse(now)
        reason = self._watch.overdue(now)
        if reason:
            self._enter(CLOSED)
            return Ticked(close=reason)
        return self._look(now)

    def _look(self, now: float) -> Ticked | None:
        """Requests that waited too long, and silence that asks for an enquire_link or an unbind."""
        watch = self._watch
        window = self.window
        expired = window.expire(now, self._timers.response) if self.reading else []
        reply = b""
        if watch.idle(now):
            reply = self.unbind(now)
        elif patience := watch.enquiry_due(now, window.oldest_sent()):
            reply = self._enquire(now, patience)
        self.due = watch.next_look(now, window.oldest_sent())
        return Ticked(reply, expired) if reply or expired else None

    def probe(self, now: float) -> bytes:
        """
        The octets of an enquire_link sent out of turn; b"" when not bound. Whatever comes answers
        it; after 10 s of silence `tick` closes (F40). Who needs to know sooner watches itself.
        """
        if self.state not in BOUND_STATES:
            return b""
        return self._enquire(now, self._timers.enquire_answer)

    def _enquire(self, now: float, patience: float) -> bytes:
        self._enquiry_sequence = self.window.next_sequence_number()
        self._watch.ask(now, patience)
        self.due = now
        return build.enquire_link(self._enquiry_sequence)

    def _watch_unfinished(self, progress: bool, now: float) -> None:
        """Note since when a PDU is unfinished; its later octets do not make it younger (F05)."""
        watch = self._watch
        if not self._framer.pending:
            watch.partial_since = inf
        elif progress or watch.partial_since == inf:
            watch.partial_since = now
            self.due = min(self.due, now + self._timers.partial_pdu)


_Handler = Callable[[Session, Pdu, Received, float], None]

_HANDLERS: Final[dict[int, _Handler]] = {
    **dict.fromkeys(c.BINDS, Session._on_bind),
    **dict.fromkeys(c.BIND_RESPS, Session._on_bind_resp),
    **dict.fromkeys((c.SUBMIT_SM, c.DELIVER_SM, c.DATA_SM), Session._on_request),
    **dict.fromkeys((c.SUBMIT_SM_RESP, c.DELIVER_SM_RESP), Session._on_answer),
    c.GENERIC_NACK: Session._on_generic_nack,
    c.ENQUIRE_LINK: Session._on_enquire_link,
    c.ENQUIRE_LINK_RESP: Session._on_enquire_link_resp,
    c.UNBIND: Session._on_unbind,
    c.UNBIND_RESP: Session._on_unbind_resp,
}
