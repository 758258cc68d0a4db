"""A client's session: one connection of an ESME, from the first octet to the last.

It is a :class:`smppproxy.relay.peers.Client` once its bind is accepted; before that
:mod:`smppproxy.wire.admission` decides about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from smppproxy.relay.counts import AccountCounts
from smppproxy.routing.accounts import Account
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    SUBMIT_SM,
    status_name,
)
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import read_bind
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import status_of
from smppproxy.smpp.session import SMSC, Received, Session
from smppproxy.smpp.timers import apart
from smppproxy.wire.guest import Guest
from smppproxy.wire.parking import Parking
from smppproxy.wire.protocol import HELD, LEAVING, TIMEOUTS, VERIFYING

if TYPE_CHECKING:
    from smppproxy.wire.listener import ClientFactory

REFUSAL_LINGER = 1.0
"""Seconds between the refusal of a bind and the close: a close at once hides it."""

UNBIND_PATIENCE = 5.0
"""Seconds a client that unbinds waits for the answers to its submits (F30)."""

BIND_TYPES = {BIND_TRANSMITTER: "tx", BIND_RECEIVER: "rx", BIND_TRANSCEIVER: "trx"}

log = Logger()


class ClientSession(Guest):
    """One connection of a client.

    :ivar account: whose session it is; set when the bind is accepted.
    :ivar counts: its account's; set by the relay when the bind is accepted.
    :ivar outstanding: submit_sm taken and not answered yet; the relay adds, :meth:`answer` takes.
    :ivar peer: the client's own address, a load balancer's only where that did not tell.
    :ivar slowed: whether its bind waits for others from its address having failed.
    :ivar leased: the account of whose places over all nodes this session holds one.
    """

    account: Account
    counts: AccountCounts

    def __init__(self, factory: ClientFactory, number: int, host: str = "") -> None:
        admission = factory.admission
        # Its own: the account may have other ones than the node.
        self._timers = attrs.evolve(admission.timers)
        super().__init__(
            Session(SMSC, self._timers), admission.relay, admission.ticker, f"#{number}"
        )
        self.factory = factory
        self.admission = admission
        self.peer = host
        self.outstanding = 0
        self.bound_at = 0.0
        self.leased: Account | None = None
        self.slowed = False
        # While the relay wants no more submits they are parked, and given to it when it does.
        self._withheld = False
        self._parking = Parking(admission.yard)
        self._feeder: IDelayedCall | None = None
        self._timeouts = 0
        self._number = number

    # -- before the bind ------------------------------------------------------------------------

    def opened(self) -> None:
        """Known to its listener from here on; the clock of F24 runs, a TLS handshake included."""
        self.name = f"{self.factory.name}#{self._number} {self.peer}"
        self.factory.opened(self)

    def bind_requested(self, pdu: Pdu, now: float) -> None:
        """Hand the bind to the admission; nothing more is read until its verdict."""
        self._pause(VERIFYING)
        try:
            bind = read_bind(pdu)
        except BodyError as error:
            self.refuse(error.command_status, "malformed bind", "", pdu)
            return
        self.admission.consider(self, pdu, bind, now)

    def refuse(self, command_status: int, why: str, system_id: str, pdu: Pdu) -> None:
        """Answer the bind with this status, and close a second later.

        :param why: for our log only (F45).
        """
        if self.closing:
            return
        self.ticker.noise.tell(
            "bind_refused",
            self.peer,
            why,
            lambda: {
                "log_format": "bind of {account} from {peer} refused: {why}",
                "account": system_id,
                "peer": self.peer,
                "session": self.name,
                "listener": self.factory.name,
                "sequence_number": pdu.sequence_number,
                "command_status": status_name(command_status),
                "why": why,
            },
        )
        self.relay.ledger.count("bind_refused")
        self.write(self.session.refuse_bind(command_status, self.admission.system_id))
        self._resume(VERIFYING)
        self.wait(REFUSAL_LINGER, self.close, "bind refused: " + why)

    def accept(self, account: Account, pdu: Pdu, now: float) -> None:
        """Answer the bind with OK; what the client sent meanwhile is handled after it."""
        self.use(account)
        self.bound_at = now
        self.name = f"{account.system_id}#{self._number} {self.peer}"
        echo = account.bind_resp_system_id == "echo"
        system_id = account.key if echo else self.admission.system_id
        received = self.session.accept_bind(system_id, now)
        self.say(received.reply)
        received.reply = b""
        self.bound = True
        self.admission.enter(self)
        bind_type = BIND_TYPES.get(pdu.command_id, "")
        self.ticker.noise.tell(
            "bind_accepted",
            account.system_id,
            bind_type,
            lambda: {
                "log_format": "{account} bound as {bind_type} from {peer}",
                "account": account.system_id,
                "peer": self.peer,
                "session": self.name,
                "listener": self.factory.name,
                "sequence_number": pdu.sequence_number,
                "bind_type": bind_type,
                "interface_version": self.session.interface_version,
                "tls": self.factory.tls,
            },
        )
        self.relay.client_bound(self, now)
        self.handle(received, now)
        self._resume(VERIFYING)

    def use(self, account: Account) -> None:
        """Take the account's settings: at the bind, and when they change while it is bound."""
        self.account = account
        self.session.window.limit = account.deliver_window
        self.session.errors = account.errors
        node = self.admission.timers
        self._timers.idle = account.idle_timeout or node.idle
        interval = account.enquire_interval or node.enquire_link
        self._timers.enquire_link = apart(interval, self._number - 1)

    # -- bound ----------------------------------------------------------------------------------

    def requests(self, pdus: list[Pdu], now: float) -> None:
        """The submit_sm of one read."""
        if self.account.service == "mo":
            # MG-18: an account for MO messages takes no others, however it is bound.
            self._refuse_submits(pdus, "bind_state")
        elif self._withheld:
            self._parking.put(pdus)
            if self._parking.full:
                self._pause(HELD)
        else:
            self.relay.client_requests(self, pdus, now)

    def _refuse_submits(self, pdus: list[Pdu], why: str) -> None:
        command_status = status_of(why, self.account.errors)
        self.relay.ledger.count("wrong_state", len(pdus))
        self.write(
            b"".join(
                build.refusal(SUBMIT_SM, pdu.sequence_number, command_status) for pdu in pdus
            )
        )

    def responses(self, received: Received, now: float) -> None:
        """The deliver_sm_resp of one read; those that came too late change nothing any more."""
        self._timeouts = 0
        if received.responses:
            self.relay.client_responses(self, received.responses, now)
        if received.late:
            self.relay.ledger.count("late_deliver_sm_resp", len(received.late))

    def expired(self, tokens: list[Any], now: float) -> None:
        """deliver_sm without an answer; three in a row, and we unbind (F38)."""
        self.relay.client_expired(self, tokens, now)
        self._timeouts += len(tokens)
        if self._timeouts >= TIMEOUTS and not self.leaving:
            self.relay.ledger.count("no_response")
            log.info(
                "{session} answers no deliver_sm and is unbound",
                event="client_unresponsive",
                account=self.account.system_id,
                session=self.name,
                peer=self.peer,
            )
            self.drain(UNBIND_PATIENCE)

    def hold(self) -> None:
        """Give the relay no more submits; all else is read and answered as before (XC-16)."""
        self._withheld = True

    def answer(self, data: bytes, count: int) -> None:
        """Write ``count`` submit_sm_resp; submits go on once ``outstanding`` is in the window."""
        self.write(data)
        self.outstanding -= count
        if self.outstanding <= self.account.window:
            if self._withheld:
                self.release()
            elif self.leaving and self.outstanding <= 0:
                self._settled()

    def release(self) -> None:
        """Give the relay submits again, in a moment: it may be in the middle of something."""
        if self._feeder is None and self.connected:
            self._feeder = self.clock.callLater(0, self._feed)

    def _feed(self) -> None:
        self._feeder = None
        self.guard(self._go_on, self.clock.seconds())

    def _go_on(self, now: float) -> None:
        """What is parked goes on, as far as two windows hold it."""
        self._withheld = False
        while self._parking and not self._withheld and not self.closing:
            room = 2 * self.account.window + 1 - self.outstanding
            self.relay.client_requests(self, self._parking.take(max(room, 1)), now)
        if not self._parking.full:
            self._resume(HELD)
        if self.leaving and self.outstanding <= 0 and not self._withheld:
            self._settled()

    def probe(self) -> None:
        """Make a live peer send something: an enquire_link outside the usual times (GW-05)."""
        self.say(self.session.probe(self.clock.seconds()))

    # -- leaving --------------------------------------------------------------------------------

    def unbind_requested(self, pdu: Pdu, now: float) -> None:
        """F30: the submits under way are answered first, for up to five seconds."""
        self._farewell = build.unbind_resp(pdu.sequence_number)
        self._leave(UNBIND_PATIENCE)

    def retire(self, patience: float) -> None:
        """Nothing more is read; what is parked is refused."""
        self._pause(LEAVING)
        if self._parking:
            self._refuse_submits(self._parking.take(len(self._parking)), "unbinding")
        self._leave(patience)

    def _leave(self, patience: float) -> None:
        self.leaving = True
        self.writable = False
        self.stop_waiting()
        if self.outstanding <= 0 and not self._parking:
            self._settled()
        else:
            self.wait(patience, self._settled)

    def _settled(self) -> None:
        """Nothing is under way, or patience is over: say goodbye."""
        self.stop_waiting()
        if self._farewell:
            self.write(self._farewell)
            self.close("client unbound")
            return
        self._resume(LEAVING)
        self.say(self.session.unbind(self.clock.seconds()))
        self.wait(self.admission.timers.unbind, self.close, "unbind not answered")

    def lost(self, reason: str, now: float) -> None:
        """The session is over: its slot is free and its deliveries are due elsewhere."""
        self.stop_waiting()
        if self._feeder is not None:
            self._feeder.cancel()
            self._feeder = None
        self._parking.take(len(self._parking))
        self.admission.give_back(self)
        self.admission.waited(self)
        if not self.bound:
            return
        self.bound = False
        self.admission.leave(self)
        outstanding = self.outstanding
        self.ticker.noise.tell(
            "client_lost",
            self.account.system_id,
            reason,
            lambda: {
                "log_format": "{account} from {peer} left: {reason}",
                "account": self.account.system_id,
                "peer": self.peer,
                "session": self.name,
                "reason": reason,
                "outstanding": outstanding,
            },
        )
        self.relay.client_lost(self, now)

    def disconnected(self) -> None:
        """The socket is gone too."""
        self.factory.closed(self)
        super().disconnected()
