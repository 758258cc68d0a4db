"""Which harm is done to a world, and when: the same seed chooses the same faults in the same order.

Faults overlap, each on a victim of its own; a rolling restart waits until it is alone. Every fault
heals what it broke before it is over.
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredList

from tests.chaos.world import (
    BEHIND,
    CLIENTS,
    NODES,
    PEACE,
    PROVIDERS,
    STORE,
    World,
    patiently,
)
from tests.scenarios.nemesis import pause
from tests.support.processes import reactor, until

EVERY = (2.0, 10.0)
"""Seconds between the beginnings of two faults."""
DOWN = 3.0
HOSTS = ("a", "b")
DIRECTIONS = ("both", "up", "down")
HOUR, MINUTE = 3600, 60
"""Seconds by which a clock jumps: a node's; the store's, which ends the lives of maps."""

Fault = Callable[[str, float], Coroutine[Any, Any, None]]


@attrs.define
class Happened:
    """One fault. Times are seconds since the nemesis began; ``end`` is 0 while it lasts."""

    name: str
    victim: str
    begin: float
    end: float = 0.0
    error: str = ""


class Nemesis:
    """Does harm to one world.

    :ivar story: every fault, in the order of their beginnings; :ivar kills: SIGKILLs so far, of
        nodes and of the store.
    """

    def __init__(
        self,
        world: World,
        seed: int,
        every: tuple[float, float] = EVERY,
        only: str = "",
        down: float = DOWN,
    ) -> None:
        """
        :param only: the name of the one fault to choose; empty: of all.
        :param down: seconds that what was killed stays down, at most.
        """
        self._down = down
        self.story: list[Happened] = []
        self.kills: Counter[str] = Counter()
        self._world = world
        self._random = random.Random(seed)
        self._every = every
        self._began = reactor.seconds()
        self._busy: set[str] = set()
        self._running: list[Deferred[None]] = []
        nodes, hosts = [*NODES], [f"{name}.{host}" for name in PROVIDERS for host in HOSTS]
        self._menu: list[tuple[Fault, list[str], int]] = [
            (self.kill_node, nodes, 20),
            (self.stop_node, nodes, 4),
            (self.jump_clock, [f"clock of {name}" for name in (*nodes, STORE)], 4),
            (self.crash_host, hosts, 8),
            (self.reset_host, hosts, 6),
            (self.mute_host, hosts, 4),
            (self.blackhole, [f"{name}.{BEHIND}" for name in PROVIDERS], 6),
            (self.still_provider, [*PROVIDERS], 4),
            (self.unbind_host, hosts, 2),
            (self.drop_client, [*CLIENTS], 4),
            (self.leave_client, [*CLIENTS], 2),
            (self.kill_store, [STORE], 28),
            (self.pause_store, [STORE], 4),
            (self.fill_store, [STORE], 2),
            (self.rolling, ["all"], 1),
        ]
        if only:
            self._menu = [entry for entry in self._menu if entry[0].__name__ == only]
            assert self._menu, f"there is no fault {only!r}"

    @property
    def now(self) -> float:
        """Seconds since it began."""
        return float(reactor.seconds()) - self._began

    async def rage(self, is_over: Callable[[], bool]) -> None:
        """One fault after the other until it is over; then all of them have healed."""
        while not is_over():
            await self._choose()
            await pause(self._random.uniform(*self._every))
        await self.healed()

    async def healed(self) -> None:
        """No fault lasts any more."""
        await DeferredList(self._running)

    async def _choose(self) -> None:
        weights = [weight for _, _, weight in self._menu]
        (fault, victims, _), = self._random.choices(self._menu, weights)
        victim = self._random.choice(victims)
        seconds = self._random.random()
        if victim == "all":
            await self.healed()
        if victim in self._busy or victim in NODES and self._busy & {*NODES} - {victim}:
            return
        happened = Happened(fault.__name__, victim, self.now)
        self.story.append(happened)
        self._running = [one for one in self._running if not one.called]
        self._running.append(Deferred.fromCoroutine(self._do(fault, happened, seconds)))
        if victim == "all":
            await self.healed()

    async def _do(self, fault: Any, happened: Happened, share: float) -> None:
        self._busy.add(happened.victim)
        try:
            await fault(happened.victim, share)
        except (AssertionError, OSError) as error:
            happened.error = str(error)
        finally:
            self._busy.discard(happened.victim)
            happened.end = self.now

    # -- the harm; ``share`` (0..1) says how much of it -------------------------------------------

    async def kill_node(self, name: str, share: float) -> None:
        """SIGKILL, and a new life some moments later."""
        self.kills["node"] += 1
        await self._world.node(name).kill()
        await pause(share * self._down)
        await self._world.start_node(name)

    async def stop_node(self, name: str, share: float) -> None:
        """SIGSTOP for up to 12 s: longer than others wait for it."""
        pid = self._world.node(name).process.transport.pid
        os.kill(pid, signal.SIGSTOP)
        await pause(0.2 + share * 12.0)
        os.kill(pid, signal.SIGCONT)

    async def rolling(self, victim: str, share: float) -> None:
        """Both nodes are restarted in turn, as planned."""
        for name in NODES:
            node = self._world.node(name)
            code = await node.terminate()
            assert code == 0, f"a drained node ended with {code}: {node.process.told()}"
            await self._world.start_node(name)
            await until(self._world.is_bound_upstream, PEACE)

    async def kill_store(self, victim: str, share: float) -> None:
        """SIGKILL to the store, and a new life on the same file.

        It begins to write that anew, which it would not do before it has doubled in one life.
        """
        self.kills["store"] += 1
        self._world.store.kill()
        await pause(share * self._down)
        self._world.store.start()
        await patiently(lambda: self._world.store.command("BGREWRITEAOF"))

    async def pause_store(self, victim: str, share: float) -> None:
        """SIGSTOP to the store for up to 8 s: longer than a submit waits."""
        self._world.store.freeze()
        await pause(0.2 + share * 8.0)
        self._world.store.thaw()

    async def fill_store(self, victim: str, share: float) -> None:
        """For up to 8 s the store has no room for anything new."""
        store = self._world.store
        await patiently(lambda: store.command("CONFIG", "SET", "maxmemory", "1"))
        await pause(0.2 + share * 8.0)
        await patiently(lambda: store.command("CONFIG", "SET", "maxmemory", "0"))

    async def jump_clock(self, victim: str, share: float) -> None:
        """The wall clock is set, and set right some seconds later: forward first, or back."""
        name = victim.rpartition(" ")[2]
        far = (MINUTE if name == STORE else HOUR) * (1 if share < 0.5 else -1)
        self._world.set_clock(name, far)
        await pause(2.0 + share * 6.0)
        self._world.set_clock(name, 0)

    async def blackhole(self, victim: str, share: float) -> None:
        """The network to a host swallows everything for up to 12 s, in one direction or both."""
        way, _, _ = victim.partition(".")
        direction = DIRECTIONS[int(share * 1000) % len(DIRECTIONS)]
        self._world.wire.order("hole", way=way, direction=direction, seconds=share * 12.0)
        await pause(share * 12.0)

    async def crash_host(self, victim: str, share: float) -> None:
        """A provider's host dies and comes back."""
        name, host = victim.split(".")
        provider = self._world.providers[name]
        provider.order("crash", host=host)
        await provider.expect("crashed", host=host)
        await pause(share * 5.0)
        provider.order("restore", host=host)

    async def reset_host(self, victim: str, share: float) -> None:
        """All its connections end with an RST."""
        self._tell(victim, "reset")

    async def unbind_host(self, victim: str, share: float) -> None:
        """It stops as planned."""
        self._tell(victim, "unbind")

    async def mute_host(self, victim: str, share: float) -> None:
        """It reads nothing and says nothing."""
        self._tell(victim, "mute", seconds=share * 10.0)
        await pause(share * 10.0)

    async def still_provider(self, victim: str, share: float) -> None:
        """It takes messages and answers none of them."""
        provider = self._world.providers[victim]
        provider.order("silence", share=1.0)
        await pause(share * 8.0)
        provider.order("silence", share=0.0002)

    async def drop_client(self, victim: str, share: float) -> None:
        """Half of its connections end with an RST."""
        self._world.clients.order("drop", number=[*CLIENTS].index(victim))

    async def leave_client(self, victim: str, share: float) -> None:
        """It unbinds and binds again."""
        self._world.clients.order("leave", number=[*CLIENTS].index(victim))

    def _tell(self, victim: str, do: str, **more: Any) -> None:
        name, host = victim.split(".")
        self._world.providers[name].order(do, host=host, **more)
