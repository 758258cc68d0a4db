"""Where the master is, by the word of most sentinels; whether it is one, the handshake checks.

All sentinels are asked at every connect. An address counts when more than half of all that are
configured name it: one that is behind, or cut off with an old master, cannot lead us there (T18).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from hiredis import HiredisError, Reader, pack_command
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

SENTINEL_TIMEOUT = 1.0
"""Seconds one sentinel has for its answer."""

CONNECT_TIMEOUT = 5

MasterAddress = tuple[str, int]


class NoMaster(Exception):
    """Too few sentinels agree on a master."""


class _Question(Protocol):
    """One question, one answer, and the end of the connection."""

    def __init__(self, answered: Deferred[MasterAddress | None], *commands: Any) -> None:
        self._answered: Deferred[MasterAddress | None] | None = answered
        self._command = pack_command(commands)
        self._reader = Reader()

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self._command)

    def dataReceived(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            reply = self._reader.gets()
        except HiredisError:
            reply = None
        if reply is not False:
            self._finish(_address(reply))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._finish(None)

    def _finish(self, address: MasterAddress | None) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered.callback(address)

    def close(self) -> None:
        """Whatever became of it."""
        self._answered = None
        if self.transport is not None:
            self.transport.loseConnection()


def _closing(result: Any, question: _Question) -> Any:
    question.close()
    return result if not isinstance(result, Failure) else None


def _address(reply: Any) -> MasterAddress | None:
    try:
        host, port = reply
        return host.decode(), int(port)
    except (TypeError, ValueError, AttributeError):
        return None


class SentinelEndpoint:
    """Connects to the master called ``name`` that most of the sentinels at ``hosts`` name.

    That there is no majority is told once, until there is one or it is for another reason.
    """

    _log = Logger()

    def __init__(
        self,
        hosts: list[tuple[str, int]],
        name: str,
        reactor: Any,
        wrap: Callable[[IStreamClientEndpoint], IStreamClientEndpoint] | None = None,
    ) -> None:
        """
        :param wrap: encrypts the connections to the sentinels and to the master; None: plain.
        """
        self._wrap = wrap
        self._hosts = hosts
        self._name = name.encode()
        self._reactor = reactor
        self._complaint = ""

    def connect(self, factory: Any) -> Deferred[Any]:
        """As any endpoint does; fails with :class:`NoMaster` when there is no majority."""
        asked: Deferred[Any] = DeferredList([self._ask(host, port) for host, port in self._hosts])
        return asked.addCallback(self._chosen, factory)

    def _ask(self, host: str, port: int) -> Deferred[MasterAddress | None]:
        answered: Deferred[MasterAddress | None] = Deferred()
        question = _Question(answered, b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", self._name)
        factory = Factory.forProtocol(lambda: question)
        factory.noisy = False
        connecting = self._endpoint(host, port, SENTINEL_TIMEOUT).connect(factory)
        asked: Deferred[Any] = connecting.addCallback(lambda _: answered)
        return asked.addTimeout(SENTINEL_TIMEOUT, self._reactor).addBoth(_closing, question)

    def _endpoint(self, host: str, port: int, timeout: float) -> IStreamClientEndpoint:
        endpoint: IStreamClientEndpoint = HostnameEndpoint(
            self._reactor, host.encode(), port, timeout=timeout
        )
        return endpoint if self._wrap is None else self._wrap(endpoint)

    def _chosen(self, answers: list[tuple[bool, Any]], factory: Any) -> Deferred[Any]:
        named = Counter(address for fine, address in answers if fine and address)
        for (host, port), votes in named.most_common(1):
            if 2 * votes > len(self._hosts):
                self._complaint = ""
                connecting: Deferred[Any] = self._endpoint(host, port, CONNECT_TIMEOUT).connect(
                    factory
                )
                return connecting
        self._complain(
            f"{sum(named.values())} of {len(self._hosts)} sentinels answer, no majority for one"
        )
        raise NoMaster(self._complaint)

    def _complain(self, text: str) -> None:
        known, self._complaint = self._complaint, text
        if text != known:
            self._log.warn("store away: {reason}", event="store_away", reason=text)
