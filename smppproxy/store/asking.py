"""Several servers asked one thing, each for a moment: what finds the master before each connect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from .link import Link, Told
from .slots import Place

ANSWER_TIMEOUT = 1.0
"""Seconds one server has for its answer."""

CONNECT_TIMEOUT = 5

Wrap = Callable[[IStreamClientEndpoint], IStreamClientEndpoint]

Said = TypeVar("Said")

Talk = Callable[[Link, str], Awaitable[Said]]
"""The talk with one server, of which the host is told too."""


class NoMaster(Exception):
    """Those who were asked name no master."""


class Asking:
    """Connections to servers of one kind. Why there is no master is told once, until it changes.

    :param wrap: encrypts all of them; None: plain.
    """

    _log = Logger()

    def __init__(self, reactor: Any, wrap: Wrap | None = None) -> None:
        self._reactor = reactor
        self._wrap = wrap
        self._complaint = ""

    def all(self, places: list[Place], talk: Talk[Said]) -> Deferred[list[Said | Exception]]:
        """What each of them says, in their order, or why it says nothing. Never fails."""
        asked: Deferred[Any] = DeferredList([self._ask(place, talk) for place in places])
        return asked.addCallback(lambda answers: [answer for _, answer in answers])

    def connect(self, place: Place, factory: Any) -> Deferred[Any]:
        """To the master, as an endpoint does; that it cannot be reached is told."""
        host, port = place
        endpoint = Told(
            self._endpoint(place, CONNECT_TIMEOUT),
            lambda reason: self.complain(f"{host}:{port}, the master by their word: {reason}"),
        )
        return endpoint.connect(factory).addCallback(self._reached)

    def _reached(self, link: Any) -> Any:
        self.complain("")
        return link

    def complain(self, text: str) -> None:
        """Say why the store is away, if that is news; "": nothing is wrong."""
        known, self._complaint = self._complaint, text
        if text and text != known:
            self._log.warn("store away: {reason}", event="store_away", reason=text)

    def _ask(self, place: Place, talk: Talk[Said]) -> Deferred[Said | Exception]:
        asked: Deferred[Any] = Deferred.fromCoroutine(self._asked(place, talk))
        return asked.addTimeout(ANSWER_TIMEOUT, self._reactor).addErrback(_value)

    async def _asked(self, place: Place, talk: Talk[Said]) -> Said:
        factory = Factory.forProtocol(lambda: Link(_Nobody(), self._reactor))
        factory.noisy = False
        connecting: Deferred[Any] = self._endpoint(place, ANSWER_TIMEOUT).connect(factory)
        link: Link = await connecting
        try:
            return await talk(link, place[0])
        finally:
            link.abort()

    def _endpoint(self, place: Place, timeout: float) -> IStreamClientEndpoint:
        host, port = place
        endpoint: IStreamClientEndpoint = HostnameEndpoint(
            self._reactor, host.encode(), port, timeout=timeout
        )
        return endpoint if self._wrap is None else self._wrap(endpoint)


class _Nobody:
    """Whoever asks waits for answers, and one that does not come is told as lost."""

    def link_made(self, link: Link) -> None:
        pass

    def link_lost(self, link: Link) -> None:
        pass


def _value(failure: Failure) -> Any:
    return failure.value
