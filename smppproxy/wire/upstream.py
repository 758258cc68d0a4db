"""The binds to a provider: one machine per bind, which connects, binds, and starts over when lost.

Twisted's ClientService cannot hold an SMPP bind: a connection lost while binding is an unhandled
transition there, and every accepted TCP connection resets its backoff. Here a bind has proved
itself (F65) once it stood for 30 s or brought a first good answer; how long a pause then is says
:mod:`smppproxy.wire.pauses`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import attrs
from automat import TypeMachineBuilder
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from smppproxy.relay.peers import Relay
from smppproxy.routing.providers import Host, Provider
from smppproxy.smpp.constants import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    status_name,
)
from smppproxy.wire.pauses import Pauses
from smppproxy.wire.protocol import Ticker
from smppproxy.wire.provider_session import UpstreamSession
from smppproxy.wire.tls import ClientTls

PROVEN = 30.0
"""Seconds after which a bind counts as good, and its loss as a new trouble (F65)."""

SUFFIX = {BIND_TRANSCEIVER: "", BIND_TRANSMITTER: "tx", BIND_RECEIVER: "rx"}

log = Logger()


class Inputs(Protocol):
    """What can happen to a bind. All of it but ``start`` and ``stop`` comes from below."""

    def start(self) -> None:
        """Have this bind, from now on."""

    def stop(self) -> None:
        """Finish what is outstanding, unbind, and stay away."""

    def securing(self) -> None:
        """The connection stands; its TLS handshake has begun."""

    def reached(self) -> None:
        """The connection stands, in TLS if it must, and the bind goes out."""

    def bound(self) -> None:
        """The provider took the bind."""

    def refused(self, command_status: int) -> None:
        """The provider refused the bind."""

    def asked_to_go(self) -> None:
        """The provider sent an unbind."""

    def settled(self) -> None:
        """Nothing is outstanding any more on the bind that is to end."""

    def lost(self, reason: str) -> None:
        """The connection could not be made, or is gone."""

    def timeout(self) -> None:
        """The present state has lasted too long."""

    def retry(self) -> None:
        """The pause is over."""


class _Once(Factory):
    """Gives its one session to the first connection; another one that came too is dropped."""

    noisy = False

    def __init__(self, session: UpstreamSession) -> None:
        self._session: UpstreamSession | None = session

    def buildProtocol(self, addr: object) -> UpstreamSession | None:
        session, self._session = self._session, None
        return session


@attrs.define(eq=False)
class Core:
    """What one machine works with: its place, its session, its one timer, its counts.

    :ivar patience: seconds that a bind which is to stop waits for outstanding answers.
    :ivar watch: told of each state that is entered.
    :ivar make_session: makes the session of an attempt.
    """

    provider: Provider
    host: Host
    number: int
    command_id: int
    endpoint: IStreamClientEndpoint
    tls: ClientTls | None
    relay: Relay
    ticker: Ticker
    pauses: Pauses
    state: str = "Idle"
    since: float = 0.0
    last_error: str = ""
    alarm: bool = False
    session: UpstreamSession | None = None
    connecting: Deferred[Any] | None = None
    timer: IDelayedCall | None = None
    patience: float = 0.0
    watch: Callable[[str], None] = lambda state: None
    make_session: Callable[..., UpstreamSession] = UpstreamSession
    stop_waiters: list[Deferred[None]] = attrs.field(factory=list)

    @property
    def name(self) -> str:
        """E.g. ``provider/a/1`` or ``provider/a/1tx``."""
        return f"{self.provider.name}/{self.host.name}/{self.number}{SUFFIX[self.command_id]}"

    @property
    def clock(self) -> IReactorTime:
        return self.ticker.clock

    def enter(self, state: str) -> None:
        """A state begins; what the last one waited for no longer matters."""
        self.state = state
        self.since = self.clock.seconds()
        self.forget_timer()
        self.watch(state)

    def forget_timer(self) -> None:
        """What was waited for no longer matters."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def wait(self, seconds: float, then: Callable[[], None]) -> None:
        """In the state just entered, call ``then`` after so many seconds."""
        self.forget_timer()
        self.timer = self.clock.callLater(seconds, self._time_is_up, then)

    def _time_is_up(self, then: Callable[[], None]) -> None:
        self.timer = None
        then()

    def connect(self, inputs: Inputs) -> None:
        """Begin an attempt with a session of its own; both end together."""
        session = self.session = self.make_session(
            self.provider,
            self.host,
            self.command_id,
            self.relay,
            self.ticker,
            self.name,
            self.tls,
            inputs,
        )
        self.wait(self.provider.connect_timeout, inputs.timeout)
        connecting = self.connecting = self.endpoint.connect(_Once(session))
        # The connection knows this Deferred: with the session for its result both would be there
        # until the collector looks.
        connecting.addCallbacks(
            lambda _: None, lambda failure: session.not_reached(failure.getErrorMessage())
        )

    def forsake(self, reason: str) -> None:
        """Give the session up, whatever it is doing; it will not be heard of again."""
        session, self.session = self.session, None
        if session is not None:
            session.forsake(reason)
        if self.connecting is not None:
            self.connecting.cancel()
            self.connecting = None

    def pause(self, inputs: Inputs, reason: str) -> None:
        """Enter Waiting after a loss: at once after a good bind, else later each time (GW-06)."""
        stood = self.state in ("Bound", "Draining")
        delay = self.pauses.lost(stood, stood and self._was_good())
        self._wait_to_retry(inputs, reason, delay, "provider_lost")

    def pause_refused(self, inputs: Inputs, command_status: int) -> None:
        """Enter Waiting after a refused bind."""
        delay, self.alarm = self.pauses.refused(command_status)
        reason = f"bind refused: {status_name(command_status)}"
        self._wait_to_retry(inputs, reason, delay, "provider_bind_refused")

    def _wait_to_retry(self, inputs: Inputs, reason: str, delay: float, event: str) -> None:
        self.last_error = reason
        self.enter("Waiting")
        self.session = None
        self.connecting = None
        self.wait(delay, inputs.retry)
        alarm = self.alarm and event == "provider_bind_refused"
        (log.error if alarm else log.warn)(
            "{bind} is down: {reason}; next attempt in {delay:.1f} s",
            event=event,
            bind=self.name,
            provider=self.provider.name,
            host=self.host.name,
            reason=reason,
            delay=delay,
            alarm=alarm,
        )

    def _was_good(self) -> bool:
        session = self.session
        return session is not None and (
            session.proven or self.clock.seconds() - session.bound_at >= PROVEN
        )

    def stopped(self) -> None:
        """Enter Stopped and tell whoever waits for it."""
        self.enter("Stopped")
        self.forsake("stopped")
        waiters, self.stop_waiters = self.stop_waiters, []
        for waiter in waiters:
            waiter.callback(None)


def _leave(inputs: Inputs, core: Core, state: str, patience: float) -> None:
    """No new submits from here on; the outstanding ones have so many seconds."""
    core.enter(state)
    core.wait(patience, inputs.timeout)
    if core.session is not None:
        core.session.leave()


# -- the machine: every line is (state).upon(input).to(state), and what is done on the way ------

BUILDER = TypeMachineBuilder(Inputs, Core)
IDLE = BUILDER.state("Idle")
CONNECTING = BUILDER.state("Connecting")
SECURING = BUILDER.state("Securing")
BINDING = BUILDER.state("Binding")
BOUND = BUILDER.state("Bound")
DRAINING = BUILDER.state("Draining")
STOPPING = BUILDER.state("Stopping")
WAITING = BUILDER.state("Waiting")
STOPPED = BUILDER.state("Stopped")


@IDLE.upon(Inputs.start).to(CONNECTING)
@STOPPED.upon(Inputs.start).to(CONNECTING)
@WAITING.upon(Inputs.retry).to(CONNECTING)
def _connect(inputs: Inputs, core: Core) -> None:
    core.enter("Connecting")
    core.connect(inputs)


@CONNECTING.upon(Inputs.securing).to(SECURING)
def _secure(inputs: Inputs, core: Core) -> None:
    core.enter("Securing")
    core.wait(core.provider.connect_timeout, inputs.timeout)


@CONNECTING.upon(Inputs.reached).to(BINDING)
@SECURING.upon(Inputs.reached).to(BINDING)
def _bind(inputs: Inputs, core: Core) -> None:
    core.enter("Binding")
    core.wait(core.provider.bind_timeout, inputs.timeout)


@BINDING.upon(Inputs.bound).to(BOUND)
def _stand(inputs: Inputs, core: Core) -> None:
    core.enter("Bound")
    core.pauses.bound()
    core.alarm = False
    log.info(
        "{bind} is bound",
        event="provider_bound",
        bind=core.name,
        provider=core.provider.name,
        host=core.host.name,
        tls=core.tls is not None,
    )


@BINDING.upon(Inputs.refused).to(WAITING)
def _refused(inputs: Inputs, core: Core, command_status: int) -> None:
    core.pause_refused(inputs, command_status)


@CONNECTING.upon(Inputs.timeout).to(WAITING)
def _not_connected(inputs: Inputs, core: Core) -> None:
    core.forsake("not connected in time")
    core.pause(inputs, "not connected in time")


@SECURING.upon(Inputs.timeout).to(WAITING)
def _not_secured(inputs: Inputs, core: Core) -> None:
    core.forsake("no TLS in time")
    core.pause(inputs, "no TLS in time")


@BINDING.upon(Inputs.timeout).to(WAITING)
def _not_bound(inputs: Inputs, core: Core) -> None:
    core.forsake("bind not answered")
    core.pause(inputs, "bind not answered")


@CONNECTING.upon(Inputs.lost).to(WAITING)
@SECURING.upon(Inputs.lost).to(WAITING)
@BINDING.upon(Inputs.lost).to(WAITING)
@BOUND.upon(Inputs.lost).to(WAITING)
@DRAINING.upon(Inputs.lost).to(WAITING)
def _lost(inputs: Inputs, core: Core, reason: str) -> None:
    core.pause(inputs, reason)


@BOUND.upon(Inputs.asked_to_go).to(DRAINING)
def _drain(inputs: Inputs, core: Core) -> None:
    _leave(inputs, core, "Draining", core.provider.drain)


@BOUND.upon(Inputs.stop).to(STOPPING)
@DRAINING.upon(Inputs.stop).to(STOPPING)
def _finish(inputs: Inputs, core: Core) -> None:
    _leave(inputs, core, "Stopping", core.patience)


@STOPPING.upon(Inputs.stop).loop()
def _hurry(inputs: Inputs, core: Core) -> None:
    core.wait(core.patience, inputs.timeout)


@DRAINING.upon(Inputs.settled).loop()
@DRAINING.upon(Inputs.timeout).loop()
@STOPPING.upon(Inputs.settled).loop()
@STOPPING.upon(Inputs.timeout).loop()
def _depart(inputs: Inputs, core: Core) -> None:
    if core.session is not None:
        core.session.depart()


@STOPPING.upon(Inputs.lost).to(STOPPED)
def _gone(inputs: Inputs, core: Core, reason: str) -> None:
    core.stopped()


@IDLE.upon(Inputs.stop).to(STOPPED)
@CONNECTING.upon(Inputs.stop).to(STOPPED)
@SECURING.upon(Inputs.stop).to(STOPPED)
@BINDING.upon(Inputs.stop).to(STOPPED)
@WAITING.upon(Inputs.stop).to(STOPPED)
@STOPPED.upon(Inputs.stop).loop()
def _end(inputs: Inputs, core: Core) -> None:
    core.stopped()


for _state in (CONNECTING, SECURING, BINDING, BOUND, DRAINING, STOPPING, WAITING):
    _state.upon(Inputs.start).loop().returns(None)
STOPPING.upon(Inputs.asked_to_go).loop().returns(None)

MACHINE = BUILDER.build()
