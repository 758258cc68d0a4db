"""Where the master of a cluster's slot is; whether it serves the slot, the handshake checks.

All servers that the URL names are asked at every connect, and those that had the slot when it was
last found: a cluster whose machines have all been replaced, one after the other, is found still.

A master that some keys of the slot have left refuses our calls until all have. A replica that
takes over from it may not know that (Redis, and Valkey before 8), and would take what is not there
for what never was. The server that those keys went to knows: when it is among those that are asked,
there is no master until the move is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred

from .asking import Asking, NoMaster, Wrap
from .link import Link
from .slots import Claim, Place, is_arriving, newest, read_claim, slot_of

Greet = Callable[[Link], Deferred[Any]]


class Arriving(Exception):
    """A server takes keys of the slot from its master."""


class ClusterEndpoint:
    """Connects to the master of the slot of ``tag``, by the newest word of all who are asked.

    ``hosts`` are those that are always asked. Why there is no master is told once, until there is
    one or it is for another reason.
    """

    def __init__(
        self,
        hosts: list[Place],
        tag: bytes,
        reactor: Any,
        greet: Greet,
        wrap: Wrap | None = None,
    ) -> None:
        """
        :param greet: makes a connection known to the server; fails when it must not be used.
        :param wrap: encrypts the connections to all servers; None: plain.
        """
        self._asking = Asking(reactor, wrap)
        self._hosts = hosts
        self._learnt: list[Place] = []
        self._slot = slot_of(tag)
        self._greet = greet

    def connect(self, factory: Any) -> Deferred[Any]:
        """As any endpoint does; fails with :class:`NoMaster` when nobody knows one."""
        return Deferred.fromCoroutine(self._connect(factory))

    async def _connect(self, factory: Any) -> Any:
        places = list(dict.fromkeys([*self._hosts, *self._learnt]))
        answers = await self._asking.all(places, self._claimed)
        claim, why = self._judge(dict(zip(places, answers, strict=True)))
        if claim is None:
            self._asking.complain(why)
            raise NoMaster(why)
        self._learnt = [claim.master, *claim.replicas]
        return await self._asking.connect(claim.master, factory)

    def _judge(self, said: Mapping[Place, Claim | Exception | None]) -> tuple[Claim | None, str]:
        """Whose word counts; or None, and why nobody's does."""
        for (host, port), answer in said.items():
            if isinstance(answer, Arriving):
                return None, f"slot {self._slot} is being moved: {host}:{port} takes keys of it"
        claim = newest(answer for answer in said.values() if isinstance(answer, Claim))
        if claim is None:
            told = "; ".join(
                f"{host}:{port}: {answer or 'nobody'}" for (host, port), answer in said.items()
            )
            return None, f"no server says who has slot {self._slot}; {told}"
        return claim, ""

    async def _claimed(self, link: Link, host: str) -> Claim | None:
        await self._greet(link)
        slots = await link.ask(b"CLUSTER", b"SLOTS")
        nodes = await link.ask(b"CLUSTER", b"NODES")
        if is_arriving(nodes, self._slot):
            raise Arriving
        return read_claim(slots, nodes, self._slot, host)
