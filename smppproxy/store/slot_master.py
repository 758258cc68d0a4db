"""Where the master of a cluster's slot is; whether it serves the slot, the handshake checks.

All servers that the URL names are asked at every connect, and those that had the slot when it was
last found: a cluster whose machines have all been replaced, one after the other, is found still.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from .asking import Asking, NoMaster, Wrap
from .link import Link
from .slots import Claim, Place, newest, read_claim, slot_of

Greet = Callable[[Link], Deferred[Any]]


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
        claim = newest([each for each in answers if isinstance(each, Claim)])
        if claim is None:
            told = f"no server of the cluster says who has slot {self._slot}"
            for (host, port), answer in zip(places, answers, strict=True):
                told += f"; {host}:{port}: {answer or 'nobody'}"
            self._asking.complain(told)
            raise NoMaster(told)
        self._learnt = [claim.master, *claim.replicas]
        return await self._asking.connect(claim.master, factory)

    async def _claimed(self, link: Link, host: str) -> Claim | None:
        await self._greet(link)
        slots = await link.ask(b"CLUSTER", b"SLOTS")
        return read_claim(slots, await link.ask(b"CLUSTER", b"NODES"), self._slot, host)
