"""All binds to one provider, and how an operator sees them."""

from __future__ import annotations

from collections.abc import Callable
from random import random
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.logger import Logger

from smppproxy.relay.peers import Relay
from smppproxy.routing.providers import Host, Provider
from smppproxy.smpp.constants import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER
from smppproxy.wire.pauses import Pauses
from smppproxy.wire.protocol import Ticker
from smppproxy.wire.tls import ClientTls
from smppproxy.wire.upstream import MACHINE, SUFFIX, Core

BIND_COMMANDS = {
    "transceiver": (BIND_TRANSCEIVER,),
    "transmitter+receiver": (BIND_TRANSMITTER, BIND_RECEIVER),
    "transmitter": (BIND_TRANSMITTER,),
    "receiver": (BIND_RECEIVER,),
}

log = Logger()

Connect = Callable[[Host], IStreamClientEndpoint]


@attrs.define
class BindState:
    """One bind as an operator sees it.

    :ivar state: of the machine, e.g. ``"Bound"``.
    :ivar since: monotonic seconds at which it was entered.
    :ivar last_error: why it was last lost or refused; "" = never.
    :ivar alarm: the provider refuses our credentials: nothing gets better until a person acts.
    :ivar outstanding: submit_sm sent and not answered.
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


class UpstreamBind:
    """One bind to one host of a provider, kept for as long as it is not stopped."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._inputs = MACHINE(core)

    def start(self) -> None:
        """Connect and bind, again and again; idempotent."""
        self._inputs.start()

    def stop(self) -> Deferred[None]:
        """Drain, unbind, close. Fires when it is done; never fails."""
        done: Deferred[None] = Deferred()
        self._core.stop_waiters.append(done)
        self._inputs.stop()
        return done

    def is_of(self, host: str, bind: str) -> bool:
        """Whether it is this bind of this host; "" stands for any: ``2``, ``2rx`` one way."""
        core = self._core
        return host in ("", core.host.name) and bind in ("", core.name.rpartition("/")[2])

    def state(self) -> BindState:
        """How it is doing."""
        core = self._core
        session = core.session
        return BindState(
            provider=core.provider.name,
            host=core.host.name,
            number=core.number,
            bind=SUFFIX[core.command_id] or "trx",
            state=core.state,
            since=core.since,
            last_error=core.last_error,
            outstanding=len(session.session.window) if session is not None else 0,
            alarm=core.alarm,
        )


def hosts_of(provider: Provider) -> tuple[Host, ...]:
    """The hosts that are bound to."""
    return provider.hosts[:1] if provider.hosts_mode == "one" else provider.hosts


def sessions_of(provider: Provider) -> list[tuple[int, int]]:
    """(number, command_id) of the sessions with each host; each counts one (MG-28)."""
    wanted = [
        (number, command_id)
        for number in range(1, provider.binds + 1)
        for command_id in BIND_COMMANDS[provider.bind]
    ]
    sessions = wanted[: provider.max_binds or None]
    if len(sessions) < len(wanted):
        log.warn(
            "{provider} takes {taken} binds per host, {wanted} are configured",
            event="provider_binds_limited",
            provider=provider.name,
            taken=len(sessions),
            wanted=len(wanted),
        )
    return sessions


class UpstreamPool:
    """All binds to a provider: every host, every number, every direction, all at once (GW-03).

    A provider of ``hosts_mode`` "one" is bound to at its first host only, and no host gets more
    sessions than ``max_binds`` (MG-28).

    :param reactor: connects and gives the time.
    :param connect: makes the endpoint of a host; the default resolves its name at each attempt.
    :param chance: random numbers in [0, 1), so that many binds do not come back in one moment.
    :raises TlsError: the provider's file of CAs cannot be used.
    """

    def __init__(
        self,
        provider: Provider,
        reactor: Any,
        relay: Relay,
        ticker: Ticker,
        connect: Connect | None = None,
        chance: Callable[[], float] = random,
    ) -> None:
        self.provider = provider
        self._reactor = reactor
        self._wanted = False
        sessions = sessions_of(provider)
        self.binds = [
            UpstreamBind(
                Core(
                    provider=provider,
                    host=host,
                    number=number,
                    command_id=command_id,
                    endpoint=self._endpoint(connect or self._resolve, host, tls),
                    tls=tls,
                    relay=relay,
                    ticker=ticker,
                    pauses=Pauses(provider, chance),
                )
            )
            for host, tls in ((host, self._tls(host)) for host in hosts_of(provider))
            for number, command_id in sessions
        ]

    def start(self) -> None:
        """Bind to all hosts; returns at once."""
        self._wanted = True
        for bind in self.binds:
            bind.start()

    def stop(self) -> Deferred[None]:
        """Drain and unbind all. Fires when the last one is gone; never fails."""
        self._wanted = False
        return gatherResults([bind.stop() for bind in self.binds]).addCallback(lambda _: None)

    def reconnect(self, host: str = "", bind: str = "") -> int:
        """Unbind, once what is outstanding is answered, and bind anew; how many binds.

        :param host: only its binds; "" = all.
        :param bind: only this one of the host: ``2``, ``2rx`` one way.
        """
        binds = [each for each in self.binds if each.is_of(host, bind)]
        for each in binds:
            each.stop().addCallback(self._again, each)
        return len(binds)

    def _again(self, _: object, bind: UpstreamBind) -> None:
        if self._wanted:
            bind.start()

    def states(self) -> list[BindState]:
        """One row per bind, in the order of the configuration."""
        return [bind.state() for bind in self.binds]

    def _tls(self, host: Host) -> ClientTls | None:
        provider = self.provider
        if not provider.door(host)[1]:
            return None
        return ClientTls(provider.tls_name or host.address, provider.tls_ca, provider.tls_min)

    def _resolve(self, host: Host) -> IStreamClientEndpoint:
        provider = self.provider
        return HostnameEndpoint(
            self._reactor,
            host.address,
            provider.door(host)[0],
            provider.connect_timeout,
            provider.bind_address or None,
        )

    def _endpoint(
        self, connect: Connect, host: Host, tls: ClientTls | None
    ) -> IStreamClientEndpoint:
        endpoint = connect(host)
        return endpoint if tls is None else wrapClientTLS(tls, endpoint, clock=self._reactor)
