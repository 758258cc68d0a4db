"""All binds to one provider: as its settings and its operator want them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from random import random
from typing import Any
from zlib import crc32

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.logger import Logger

from smppproxy.relay.peers import Relay
from smppproxy.routing.providers import Host, Provider
from smppproxy.routing.states import DOWN, DRAIN, UP
from smppproxy.smpp.constants import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER
from smppproxy.wire.bind import Admitted, BindState, UpstreamBind
from smppproxy.wire.pauses import Pauses
from smppproxy.wire.protocol import Ticker
from smppproxy.wire.tls import ClientTls
from smppproxy.wire.upstream import SUFFIX, Core

BIND_COMMANDS = {
    "transceiver": (BIND_TRANSCEIVER,),
    "transmitter+receiver": (BIND_TRANSMITTER, BIND_RECEIVER),
    "transmitter": (BIND_TRANSMITTER,),
    "receiver": (BIND_RECEIVER,),
}

SETTLED = frozenset({"Bound", "Waiting", "Stopped"})
"""States in which a bind that was begun anew needs no more waiting for."""

__all__ = [
    "BindState",
    "UpstreamBind",
    "UpstreamPool",
    "hosts_of",
    "labels_of",
    "numbers_of",
    "sessions_of",
]

log = Logger()

Connect = Callable[[Host], IStreamClientEndpoint]

State = Callable[[str, str, str], str]
"""The state that is wanted of (provider, host, bind)."""

WHOLE = (0, 1)
"""The share of a process that has no others beside it."""

Place = tuple[str, int, int]
"""Host, number, command_id of the bind."""


def hosts_of(provider: Provider) -> tuple[Host, ...]:
    """The hosts that are bound to."""
    return provider.hosts[:1] if provider.hosts_mode == "one" else provider.hosts


def _sessions(provider: Provider) -> tuple[list[tuple[int, int]], int]:
    """(number, command_id) of the sessions with each host, and how many are wanted: more than
    those where ``max_binds`` does not allow all of them (MG-28)."""
    wanted = [
        (number, command_id)
        for number in range(1, provider.binds + 1)
        for command_id in BIND_COMMANDS[provider.bind]
    ]
    return wanted[: provider.max_binds or None], len(wanted)


def numbers_of(provider: Provider) -> list[int]:
    """Of the binds with each host; a transmitter and its receiver have the same."""
    return sorted({number for number, _ in _sessions(provider)[0]})


def labels_of(provider: Provider) -> list[str]:
    """How the binds with each host are called: ``1``, or ``1rx`` where they go one way."""
    return [f"{number}{SUFFIX[command_id]}" for number, command_id in _sessions(provider)[0]]


def sessions_of(provider: Provider) -> list[tuple[int, int]]:
    """(number, command_id) of the sessions with each host; each counts one (MG-28)."""
    sessions, wanted = _sessions(provider)
    if len(sessions) < wanted:
        log.warn(
            "{provider} takes {taken} binds per host, {wanted} are configured",
            event="provider_binds_limited",
            provider=provider.name,
            taken=len(sessions),
            wanted=wanted,
        )
    return sessions


class UpstreamPool:
    """All binds to a provider: every host, every number, every direction, all at once (GW-03).

    A provider of ``hosts_mode`` "one" is bound to at its first host only, and no host gets more
    sessions than ``max_binds`` (MG-28).

    :param reactor: connects and gives the time.
    :param connect: makes the endpoint of a host; the default resolves its name at each attempt.
    :param chance: random numbers in [0, 1), so that many binds do not come back in one moment.
    :param state: what is wanted of each bind; :meth:`restate` when that has changed.
    :param admitted: the binds that all nodes together may have.
    :param share: (i, n): of all (host, number) every n-th is ours, from the i-th on; i = -1: none.
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
        state: State = lambda provider, host, bind: UP,
        admitted: Admitted | None = None,
        share: tuple[int, int] = WHOLE,
    ) -> None:
        self.provider = provider
        self._share = share
        self._reactor = reactor
        self._relay = relay
        self._ticker = ticker
        self._connect = connect or self._resolve
        self._chance = chance
        self._state = state
        self._admitted = admitted
        self._started = False
        self._leaving: set[UpstreamBind] = set()
        # Binds that are begun anew, one at a time; whose turn it is, and whether it has begun.
        self._rolling: deque[UpstreamBind] = deque()
        self._turn: UpstreamBind | None = None
        self._begun = False
        hosts = self._hosts(provider)
        self.binds = [self._bind(*wanted) for wanted in self._wanted(provider, hosts)]

    # -- what there is to bind ------------------------------------------------------------------

    def _hosts(self, provider: Provider) -> list[tuple[Host, ClientTls | None]]:
        return [(host, self._tls(provider, host)) for host in hosts_of(provider)]

    def _wanted(
        self, provider: Provider, hosts: list[tuple[Host, ClientTls | None]]
    ) -> list[tuple[Place, Host, ClientTls | None]]:
        """What of them is ours. A transmitter and its receiver stay together."""
        sessions, each = sessions_of(provider), len(numbers_of(provider))
        first, step = self._share
        # Not every provider begins with the same worker: of many with one bind all have some.
        turn = crc32(provider.key) % step
        return [
            ((host.name, number, command_id), host, tls)
            for at, (host, tls) in enumerate(hosts)
            for number, command_id in sessions
            if (turn + at * each + number - 1) % step == first
        ]

    def _bind(self, place: Place, host: Host, tls: ClientTls | None) -> UpstreamBind:
        provider = self.provider
        _, number, command_id = place
        core = Core(
            provider=provider,
            host=host,
            number=number,
            command_id=command_id,
            endpoint=self._endpoint(host, tls),
            tls=tls,
            relay=self._relay,
            ticker=self._ticker,
            pauses=Pauses(provider, self._chance),
        )
        return UpstreamBind(core, self._entered, self._admitted)

    def use(self, provider: Provider) -> None:
        """Take other settings; binds that they do not concern go on (decisions, Surface).

        What is new is bound, what is gone is drained. A bind whose address, TLS or credentials
        are others is drained and bound anew, one at a time so that traffic goes on. Windows,
        timers and profiles hold at once.

        :raises TlsError: the file of CAs cannot be used; nothing is changed.
        """
        if provider == self.provider:
            return
        hosts = self._hosts(provider)
        old = {bind.place: bind for bind in self.binds}
        was, self.provider = self.provider, provider
        binds: list[UpstreamBind] = []
        again: list[UpstreamBind] = []
        for place, host, tls in self._wanted(provider, hosts):
            bind = old.pop(place, None)
            if bind is None:
                bind = self._bind(place, host, tls)
            else:
                if _identity(was, bind.host) != _identity(provider, host):
                    again.append(bind)
                bind.use(provider, host, self._endpoint(host, tls), tls)
            binds.append(bind)
        self.binds = binds
        for bind in old.values():
            self._leaving.add(bind)
            bind.stop(provider.drain).addCallback(self._left, bind)
        for bind in self._leaving:
            bind.take(provider)
        self._roll(again)
        self.restate()

    def _left(self, _: object, bind: UpstreamBind) -> None:
        self._leaving.discard(bind)

    # -- what is wanted of them -----------------------------------------------------------------

    def start(self) -> None:
        """Bind to all hosts; returns at once."""
        self._started = True
        self.restate()

    def restate(self) -> None:
        """Bind what is to be bound, leave what is to be left; idempotent."""
        if not self._started:
            return
        # Where places are few, each host has its first bind before any has its second.
        for bind in sorted(self.binds, key=lambda bind: bind.place[1]):
            state = bind.admin = self._state(self.provider.name, bind.host.name, bind.label)
            if state == DRAIN:
                bind.stop(self.provider.response_timeout)
            elif state == DOWN:
                bind.stop(0.0)
            elif bind is not self._turn or self._begun:
                bind.start()

    def stop(self) -> Deferred[None]:
        """Drain and unbind all. Fires when the last one is gone; never fails."""
        self._started = False
        self._rolling.clear()
        self._turn = None
        stopping = [bind.stop(self.provider.drain) for bind in (*self.binds, *self._leaving)]
        return gatherResults(stopping).addCallback(lambda _: None)

    def states(self) -> list[BindState]:
        """One row per bind, in the order of the configuration."""
        return [bind.state() for bind in self.binds]

    def tick(self, now: float) -> None:
        """Once a second: what was sent and came is looked at for the rates."""
        for bind in self.binds:
            bind.tick(now)

    # -- one at a time --------------------------------------------------------------------------

    def reconnect(self, host: str = "", bind: str = "") -> int:
        """Unbind these and bind them anew, one after the other; how many there are.

        :param host: "" = all hosts; :param bind: its label, "" = all of the host.
        """
        chosen = self._chosen(host, bind)
        self._roll(chosen)
        return len(chosen)

    def kick(self, host: str = "", bind: str = "") -> int:
        """End these connections now, in whatever state they are; they bind again. How many."""
        chosen = [each for each in self._chosen(host, bind) if each.kick()]
        return len(chosen)

    def _chosen(self, host: str, label: str) -> list[UpstreamBind]:
        return [
            bind
            for bind in self.binds
            if (not host or bind.host.name == host) and (not label or bind.label == label)
        ]

    def _roll(self, binds: Iterable[UpstreamBind]) -> None:
        waiting = [*self._rolling] if self._begun else [*self._rolling, self._turn]
        self._rolling.extend(bind for bind in binds if bind not in waiting)
        if self._turn is None:
            self._next()

    def _next(self) -> None:
        """The next bind's turn."""
        self._turn = None
        while self._rolling:
            bind = self._rolling.popleft()
            if bind in self.binds:
                self._turn = bind
                self._begun = False
                bind.keeps_place = True
                bind.stop(self.provider.drain).addCallback(self._begin_anew, bind)
                return

    def _begin_anew(self, _: object, bind: UpstreamBind) -> None:
        """It is gone, and begins again, if there is a wish for it still."""
        bind.keeps_place = False
        if self._turn is not bind:
            bind.forget_place()
            return
        self._begun = True
        if bind in self.binds and self._started and bind.admin not in (DRAIN, DOWN):
            bind.start()
        else:
            bind.forget_place()
        if not bind.wanted or bind.waits:
            self._reactor.callLater(0, self._go_on, bind)

    def _entered(self, bind: UpstreamBind, state: str) -> None:
        """A bind is in another state: when it is the one whose turn it is, the next may follow."""
        if bind is self._turn and self._begun and state in SETTLED:
            self._reactor.callLater(0, self._go_on, bind)

    def _go_on(self, bind: UpstreamBind) -> None:
        if self._turn is bind:
            self._next()

    # -- how to get there -----------------------------------------------------------------------

    @staticmethod
    def _tls(provider: Provider, host: Host) -> ClientTls | None:
        if not provider.door(host)[1]:
            return None
        return ClientTls(provider.tls_name or host.address, provider.tls_ca, provider.tls_min)

    def _resolve(self, host: Host) -> IStreamClientEndpoint:
        """A name is resolved at each attempt. Whatever resolves makes a class for each attempt, and
        it holds the session until the collector looks: an address needs none of that."""
        provider, address = self.provider, host.address
        port, patience = provider.door(host)[0], provider.connect_timeout
        ours = (provider.bind_address, 0) if provider.bind_address else None
        if isIPAddress(address):
            return TCP4ClientEndpoint(self._reactor, address, port, patience, ours)
        if isIPv6Address(address):
            return TCP6ClientEndpoint(self._reactor, address, port, patience, ours)
        return HostnameEndpoint(self._reactor, address, port, patience, ours)

    def _endpoint(self, host: Host, tls: ClientTls | None) -> IStreamClientEndpoint:
        endpoint = self._connect(host)
        return endpoint if tls is None else wrapClientTLS(tls, endpoint, clock=self._reactor)


def _identity(provider: Provider, host: Host) -> tuple[object, ...]:
    """What a bind that stands cannot change any more."""
    return (
        host.address,
        provider.door(host),
        provider.tls_name,
        provider.tls_ca,
        provider.tls_min,
        provider.bind_address,
        provider.system_id,
        provider.password,
        provider.system_type,
        provider.interface_version,
        provider.addr_ton,
        provider.addr_npi,
        provider.address_range,
    )
