"""Faults at random, from a seed: hosts, clients, the node and its store, one upon another."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.smsc import Smsc
from tests.scenarios.world import Node, ask
from tests.support.processes import reactor, until

Fault = Callable[[], Awaitable[None]]


def pause(seconds: float) -> Deferred[None]:
    """Let so much time pass: how long a fault lasts."""
    return deferLater(reactor, seconds, lambda: None)


def store_pid(node: Node) -> int:
    """The process id of a node's embedded server, 0 while none answers."""
    reply = ask(node.store_socket(), "INFO", "server")
    if not isinstance(reply, bytes) or b"process_id:" not in reply:
        return 0
    return int(reply.partition(b"process_id:")[2].split(b"\r", 1)[0])


class Nemesis:
    """Does harm to one world; the same seed chooses the same faults in the same order.

    :ivar story: what was done, and when, for a failure's message.
    """

    def __init__(
        self, seed: int, node: Node, providers: Sequence[Smsc], clients: Sequence[Esme]
    ) -> None:
        self.story: list[str] = []
        self._random = random.Random(seed)
        self._node = node
        self._providers = providers
        self._clients = clients
        self._began = reactor.seconds()
        self._faults: list[Fault] = [
            *[self.crash] * 3,
            *[self.unbind, self.reset, self.mute, self.leave] * 2,
            *[self.drop, self.kill] * 3,
            *[self.terminate, self.kill_store, self.freeze_store] * 2,
        ]

    async def rage(self, seconds: float) -> None:
        """One fault after the other; returns once the last one is over."""
        while reactor.seconds() < self._began + seconds:
            fault = self._random.choice(self._faults)
            at = reactor.seconds() - self._began
            self.story.append(f"{at:.1f} {getattr(fault, '__name__', fault)}")
            await fault()
            await pause(self._random.uniform(0.2, 1.0))

    def _host(self) -> tuple[Smsc, str]:
        smsc = self._random.choice(self._providers)
        return smsc, self._random.choice(sorted(smsc.ports))

    async def crash(self) -> None:
        """A host dies and comes back."""
        smsc, host = self._host()
        await smsc.crash(host)
        await pause(self._random.uniform(0.1, 1.5))
        smsc.restore(host)

    async def unbind(self) -> None:
        """A host stops as planned."""
        smsc, host = self._host()
        smsc.unbind(host)

    async def reset(self) -> None:
        """A host's connections are reset."""
        smsc, host = self._host()
        smsc.drop(host)

    async def mute(self) -> None:
        """A host hears and says nothing for a while."""
        smsc, host = self._host()
        links = smsc.links(host)
        for link in links:
            link.transport.pauseProducing()
        await pause(self._random.uniform(0.5, 3.0))
        for link in links:
            if link.up:
                link.transport.resumeProducing()

    async def drop(self) -> None:
        """Some of a client's connections are reset."""
        for link in list(self._random.choice(self._clients).links):
            if link.up and self._random.random() < 0.7:
                link.abort()

    async def leave(self) -> None:
        """A client unbinds, and binds again."""
        for link in list(self._random.choice(self._clients).links):
            if link.up and link.bound:
                link.leave()

    async def kill(self) -> None:
        """SIGKILL to the node, and a new life."""
        await self._node.restart()

    async def terminate(self) -> None:
        """SIGTERM to the node, and a new life."""
        code = await self._node.terminate()
        assert code == 0, self._node.process.told()
        await self._node.start()

    async def kill_store(self) -> None:
        """SIGKILL to the store; the node starts it again."""
        before = store_pid(self._node)
        os.kill(before, signal.SIGKILL)
        await until(lambda: store_pid(self._node) not in (0, before))

    async def freeze_store(self) -> None:
        """SIGSTOP to the store, for less or for more than a submit's patience."""
        pid = store_pid(self._node)
        os.kill(pid, signal.SIGSTOP)
        try:
            await pause(self._random.choice((0.5, 1.5, 6.0)))
        finally:
            os.kill(pid, signal.SIGCONT)
