"""One node of a schedule: its relay, its connection to the store, its timers; it can be killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.task import Clock

from smppproxy.relay.relay import SmppRelay
from smppproxy.routing.accounts import Account
from smppproxy.store.interface import Store
from smppproxy.store.memory import MemoryStore
from smppproxy.store.memory import World as StoreWorld
from smppproxy.wire.shares import Shares
from tests.simulation.network import Network
from tests.simulation.store import SimulatedStore
from tests.support.memory_peers import UNIX, FakeClient, FakeUpstream, World

BEAT = 5.0
"""Seconds between two signs of life."""


class NodeClock:
    """The common clock; what a node wants to be called back for goes with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: list[Any] = []
        self._is_dead = False
        self.seconds = clock.seconds

    def callLater(self, delay: float, run: Callable[..., object], *a: Any, **k: Any) -> Any:
        """As a reactor's."""
        call = self._clock.callLater(delay, run, *a, **k)
        if self._is_dead:
            call.cancel()
        if len(self._calls) > 30:
            self._calls = [each for each in self._calls if each.active()]
        self._calls.append(call)
        return call

    def kill(self) -> None:
        """Nothing is called back any more."""
        self._is_dead = True
        for call in self._calls:
            if call.active():
                call.cancel()


class Node(World):
    """What :mod:`tests.support.memory_peers` asks of a world, for one process."""

    def __init__(self, name: str, clock: Clock, shared: StoreWorld, network: Network) -> None:
        self.node = name
        self.shared = shared
        self.wall_offset = 0.0
        self.is_dead = False
        self.clients: list[FakeClient] = []
        self.upstreams: list[FakeUpstream] = []
        self._own = NodeClock(clock)
        self.clock = cast(Clock, self._own)
        self.simulated = SimulatedStore(
            MemoryStore(cast(Any, self.clock), name, shared), self.clock
        )
        store = cast(Store, self.simulated)
        self.relay = SmppRelay(store, self.unix, cast(Any, self.clock))
        self.shares = Shares(
            store, cast(Any, self.clock), self.relay.demands, self.relay.granted
        )
        self.relay.divide(self.shares.ask_soon)
        self.ledger = self.relay.ledger
        self._beaten = -BEAT
        self.use(network)
        self.simulated.inner.start()
        self.shares.start()
        self.tick()

    def use(self, network: Network) -> None:
        """Take this network."""
        self.network = network
        self.accounts, self.providers = network.accounts, network.providers
        self.relay.use(
            network.accounts, network.routes, network.mo, self.now, network.providers
        )

    def unix(self) -> float:
        return UNIX + self.now + self.wall_offset

    def join(self, account: Account) -> None:
        """As the leases of the doors do, before a bind."""
        name = self.relay.join(account)
        if name:
            self.shares.ask(name)

    def tick(self) -> None:
        super().tick()
        if self.now - self._beaten >= BEAT:
            self._beaten = self.now
            self.simulated.beat({}).addErrback(lambda _: None)

    def kill(self, done: int) -> None:
        """kill -9: no timer, no answer, no goodbye."""
        self.is_dead = True
        self._own.kill()
        self.simulated.abandon(done)
        self.simulated.inner._part()

    def stop(self) -> None:
        """The process ends in order."""
        for client in [*self.clients]:
            client.lose()
        for upstream in [*self.upstreams]:
            upstream.lose()
        self.relay.stop()
        self.shares.stop()
        self.simulated.inner.stop()
