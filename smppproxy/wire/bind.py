"""One bind to one host of a provider: as it is wanted, and how an operator sees it."""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from typing import Protocol

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IStreamClientEndpoint

from smppproxy.routing.providers import Host, Provider
from smppproxy.routing.states import UP
from smppproxy.wire.tls import ClientTls
from smppproxy.wire.upstream import MACHINE, SUFFIX, Core

MINUTES = (60.0, 300.0, 900.0)
"""Seconds over which the rates of a bind are means."""


class Admitted(Protocol):
    """Who may have a bind where all nodes together may have a number of them (decisions 8)."""

    def ask(self, bind: UpstreamBind) -> bool:
        """Whether it may begin at once; else it is begun, by ``bind.begin``, once it may."""

    def gone(self, bind: UpstreamBind) -> None:
        """It needs no place any more; a no-op for one that has none and waits for none."""


@attrs.define
class BindState:
    """One bind as an operator sees it.

    :ivar state: of the machine, e.g. ``"Bound"``; ``"Unadmitted"``: other nodes have all binds.
    :ivar since: monotonic seconds at which it was entered.
    :ivar last_error: why it was last lost or refused; "" = never.
    :ivar alarm: the provider refuses our credentials: nothing gets better until a person acts.
    :ivar outstanding: submit_sm sent and not answered.
    :ivar admin: the state that is wanted of it, see ``routing.states``.
    :ivar submitted: submit_sm sent, since it began; answered: their answers.
    :ivar receipts: deliver_sm and data_sm that came.
    :ivar rates: submit_sm a second, means of one, five and fifteen minutes.
    """

    provider: str
    host: str
    number: int
    bind: str
    state: str
    since: float
    last_error: str
    outstanding: int
    alarm: bool = False
    admin: str = UP
    window: int = 0
    submitted: int = 0
    answered: int = 0
    receipts: int = 0
    rates: tuple[float, float, float] = (0.0, 0.0, 0.0)


class UpstreamBind:
    """One bind to one host of a provider, kept for as long as it is not stopped.

    :param entered: told of each state that it enters.
    :ivar admin: the state that an operator wants of it.
    :ivar wanted: whether it is to be bound.
    :ivar waits: whether it waits for a place among the binds of all nodes.
    :ivar keeps_place: whether it keeps that place when it is stopped.
    """

    def __init__(
        self,
        core: Core,
        entered: Callable[[UpstreamBind, str], object] = lambda bind, state: None,
        admitted: Admitted | None = None,
    ) -> None:
        self._core = core
        self._inputs = MACHINE(core)
        self._entered = entered
        self._admitted = admitted
        self.waits = False
        self.keeps_place = False
        self._past = (0, 0, 0)
        self._session = core.session
        self._sampled = 0
        self._at = 0.0
        self._rates = [0.0, 0.0, 0.0]
        self.admin = UP
        self.wanted = False
        core.watch = self._watch

    @property
    def host(self) -> Host:
        """Whose it is."""
        return self._core.host

    @property
    def provider(self) -> Provider:
        """Whose it is."""
        return self._core.provider

    @property
    def name(self) -> str:
        """``acme/a/1``."""
        return self._core.name

    @property
    def label(self) -> str:
        """``1`` of ``acme/a/1``, or ``1rx`` where it goes one way."""
        core = self._core
        return f"{core.number}{SUFFIX[core.command_id]}"

    @property
    def place(self) -> tuple[str, int, int]:
        """Host, number and command_id: no two of a provider are the same."""
        core = self._core
        return core.host.name, core.number, core.command_id

    # -- as it is wanted ------------------------------------------------------------------------

    def start(self) -> None:
        """Connect and bind, again and again; idempotent."""
        if self.wanted:
            return
        self.wanted = True
        if self._core.state == "Stopping":
            gone: Deferred[None] = Deferred()
            self._core.stop_waiters.append(gone)
            gone.addCallback(lambda _: self._core.clock.callLater(0, self._ask))
        else:
            self._ask()

    def _ask(self) -> None:
        if not self.wanted:
            return
        if self._admitted is None or self._admitted.ask(self):
            self.begin()
        else:
            self.waits = True

    def begin(self) -> None:
        """There is a place for it; a no-op when it is not wanted any more."""
        self.waits = False
        if self.wanted:
            self._inputs.start()

    def stop(self, patience: float | None = None) -> Deferred[None]:
        """Drain, unbind, close. Fires when it is done; never fails.

        :param patience: seconds for the answers that are still to come.
        """
        self.wanted = False
        if self.waits:
            self.waits = False
            self.forget_place()
        core = self._core
        if core.state == "Stopped":
            return succeed(None)
        core.patience = core.provider.drain if patience is None else patience
        done: Deferred[None] = Deferred()
        core.stop_waiters.append(done)
        self._inputs.stop()
        return done

    def kick(self) -> bool:
        """End its connection, if it has one; it binds again."""
        session = self._core.session
        if session is None or not session.connected:
            return False
        session.abort("kicked by an operator")
        return True

    def take(self, provider: Provider) -> None:
        """Its provider's settings have changed; its place and credentials stay as they were."""
        core = self._core
        core.provider = core.pauses.provider = provider
        if core.session is not None:
            core.session.use(provider)

    def use(
        self,
        provider: Provider,
        host: Host,
        endpoint: IStreamClientEndpoint,
        tls: ClientTls | None,
    ) -> None:
        """As :meth:`take`; the next attempt is made at this endpoint."""
        core = self._core
        core.host = host
        core.endpoint = endpoint
        core.tls = tls
        self.take(provider)

    def _watch(self, state: str) -> None:
        session, self._session = self._session, self._core.session
        if session is not None and session is not self._session:
            counts = (session.answered, session.unanswered, session.delivered)
            answered, unanswered, delivered = map(sum, zip(self._past, counts, strict=True))
            self._past = (answered, unanswered, delivered)
        if state == "Stopped" and not self.keeps_place:
            self.forget_place()
        self._entered(self, state)

    def forget_place(self) -> None:
        """It needs no place among the binds of all nodes any more."""
        if self._admitted is not None:
            self._admitted.gone(self)

    # -- how it is doing ------------------------------------------------------------------------

    def state(self) -> BindState:
        """How it is doing."""
        core = self._core
        window = core.session.session.window if core.session is not None else None
        submitted, answered, delivered = self._counts()
        return BindState(
            provider=core.provider.name,
            host=core.host.name,
            number=core.number,
            bind=SUFFIX[core.command_id] or "trx",
            state="Unadmitted" if self.waits else core.state,
            since=core.since,
            last_error=core.last_error,
            outstanding=len(window) if window is not None else 0,
            alarm=core.alarm,
            admin=self.admin,
            window=window.limit if window is not None else core.provider.window,
            submitted=submitted,
            answered=answered,
            receipts=delivered,
            rates=(self._rates[0], self._rates[1], self._rates[2]),
        )

    def _counts(self) -> tuple[int, int, int]:
        """submit_sm sent, their answers, deliver_sm and data_sm that came."""
        answered, unanswered, delivered = self._past
        session = self._session
        outstanding = 0
        if session is not None:
            answered += session.answered
            unanswered += session.unanswered
            delivered += session.delivered
            outstanding = len(session.session.window)
        return answered + unanswered + outstanding, answered, delivered

    def tick(self, now: float) -> None:
        """Now and then: look at what was sent."""
        submitted = self._counts()[0]
        seconds, self._at = now - self._at, now
        sent, self._sampled = submitted - self._sampled, submitted
        if seconds <= 0:
            return
        for place, minutes in enumerate(MINUTES):
            part = 1.0 - exp(-seconds / minutes)
            self._rates[place] += (sent / seconds - self._rates[place]) * part
