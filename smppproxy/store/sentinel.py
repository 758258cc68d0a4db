"""Where the master is, by the word of most sentinels; whether it is one, the handshake checks.

All sentinels are asked at every connect. An address counts when more than half of all that are
configured name it: one that is behind, or cut off with an old master, cannot lead us there (T18).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.defer import Deferred

from .asking import Asking, NoMaster, Wrap
from .link import Link
from .slots import Place


class SentinelEndpoint:
    """Connects to the master called ``name`` that most of the sentinels at ``hosts`` name.

    That there is no majority is told once, until there is one or it is for another reason.
    """

    def __init__(
        self, hosts: list[Place], name: str, reactor: Any, wrap: Wrap | None = None
    ) -> None:
        """
        :param wrap: encrypts the connections to the sentinels and to the master; None: plain.
        """
        self._asking = Asking(reactor, wrap)
        self._hosts = hosts
        self._name = name.encode()

    def connect(self, factory: Any) -> Deferred[Any]:
        """As any endpoint does; fails with :class:`NoMaster` when there is no majority."""
        return self._asking.all(self._hosts, self._named).addCallback(self._chosen, factory)

    async def _named(self, link: Link, host: str) -> Place | None:
        return _address(await link.ask(b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", self._name))

    def _chosen(self, answers: list[Place | Exception | None], factory: Any) -> Deferred[Any]:
        named = Counter(answer for answer in answers if isinstance(answer, tuple))
        for master, votes in named.most_common(1):
            if 2 * votes > len(self._hosts):
                return self._asking.connect(master, factory)
        few = f"{sum(named.values())} of {len(self._hosts)} sentinels answer, no majority for one"
        self._asking.complain(few)
        raise NoMaster(few)


def _address(reply: Any) -> Place | None:
    try:
        host, port = reply
        return host.decode(), int(port)
    except (TypeError, ValueError, AttributeError):
        return None
