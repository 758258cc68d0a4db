"""What a node hears from a server: the bus on PUBLISH and SUBSCRIBE.

What is said goes out on the connection of the calls. To hear takes one of its own, for a connection
that listens does nothing else: it is opened when somebody wants to hear something, renewed whenever
the other one is, and asked for a sign of life in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import txredisapi
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from .bus import EVERYBODY, Exchange, Told
from .link import Connector, Link, Lost, Owner, ServerError

SILENCE = 5.0
"""Seconds after which the server is asked whether it is still there (T24)."""

Greet = Callable[[Link], Deferred[Any]]


class Ear(Link):
    """A connection that listens: what is published is heard, all else is an answer."""

    def __init__(self, owner: Owner, clock: IReactorTime, heard: Callable[[bytes], object]) -> None:
        super().__init__(owner, clock)
        self._heard = heard

    def dataReceived(self, data: bytes, unpause: bool = False) -> None:
        reader = self._reader
        reader.feed(data)
        try:
            while self.alive and (reply := reader.gets()) is not False:
                if reply.__class__ is list and reply[:1] == [b"message"]:
                    self._heard(reply[2])
                elif self._out:
                    self._out.popleft()[1](reply)
                else:
                    self.abort()
        except txredisapi.InvalidData:
            self.abort()


class Listening:
    """The bus of one store: ``exchange`` is what its users see.

    :param channel: of this store; processes have one each below it. The server knows no databases
        here, so it must tell them apart.
    :param greet: makes a new connection known to the server; fails when it must not be used.
    """

    _log = Logger()

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        node: bytes,
        instance: bytes,
        channel: bytes,
        greet: Greet,
        deadline: float,
    ) -> None:
        self.exchange = Exchange(node, instance, clock, self._publish, self._want)
        self._clock = clock
        self._channel = channel
        self._greet = greet
        self._deadline = deadline
        self._connector = Connector(
            self, endpoint, clock, lambda: Ear(self, clock, self.exchange.received)
        )
        self._link: Link | None = None
        self._ear: Link | None = None
        self._hears = False
        self._deaf = False
        self._wanted = False
        self._listens = False
        self._early: list[tuple[bytes, Told]] = []
        self._complaint = ""

    # -- the connection of the calls ------------------------------------------------------------

    def up(self, link: Link) -> None:
        """It can be spoken on."""
        self._link = link
        self._want(self._wanted)

    def down(self) -> None:
        """It went. The server may not be the same when it is back."""
        self._link = None
        if self._ear is not None:
            self._ear.abort()
        self._too_late()

    def stop(self) -> Deferred[None]:
        """Listen no more; fires when the connection is gone."""
        self.down()
        self.exchange.close()
        if not self._listens:
            return succeed(None)
        self._listens = False
        return self._connector.stop()

    def tick(self, now: float) -> None:
        """Give up a server that does not answer."""
        ear = self._ear
        if ear is None:
            return
        oldest = ear.oldest()
        if oldest is not None and now - oldest >= self._deadline:
            ear.abort()
        elif self._hears and oldest is None and now - ear.last_sent >= SILENCE:
            ear.send(_ignore, b"PING")

    # -- what goes out --------------------------------------------------------------------------

    def _publish(self, process: bytes, message: bytes, told: Told | None) -> None:
        if told is not None and self._deaf:
            told(0)
        elif told is not None and not self._hears and self._link is not None:
            # The answers would go past us.
            self._early.append((message, told))
        else:
            self._say(process, message, told)

    def _say(self, process: bytes, message: bytes, told: Told | None) -> None:
        def answered(reply: Any) -> None:
            if isinstance(reply, ServerError):
                self._complain(str(reply))
            if told is not None:
                told(reply if isinstance(reply, int) else 0)

        channel = self._channel if process == EVERYBODY else self._of(process)
        if self._link is None:
            answered(0)
        else:
            self._link.send(answered, b"PUBLISH", channel, message)

    def _too_late(self) -> None:
        early, self._early = self._early, []
        for _, told in early:
            told(0)

    # -- what comes -----------------------------------------------------------------------------

    def _want(self, wanted: bool = True) -> None:
        self._wanted = wanted
        if wanted and not self._listens and self._link is not None:
            self._listens = True
            self._connector.start()

    def link_made(self, link: Link) -> None:
        """Make ourselves known, and listen; what goes wrong is tried again."""
        self._ear = link
        self._greet(link).addCallback(lambda _: self._subscribe(link)).addErrback(
            self._not_heard, link
        )

    def _subscribe(self, link: Link) -> Deferred[Any]:
        link.ask(b"SUBSCRIBE", self._channel).addErrback(self._not_heard, link)
        mine = self._of(self.exchange.instance)
        return link.ask(b"SUBSCRIBE", mine).addCallback(lambda _: self._listening(link))

    def _listening(self, link: Link) -> None:
        link.usable()
        self._hears = self.exchange.connected = True
        self._complaint = ""
        early, self._early = self._early, []
        for message, told in early:
            self._say(EVERYBODY, message, told)

    def link_lost(self, link: Link) -> None:
        if self._ear is link:
            self._ear = None
            self._hears = self._deaf = self.exchange.connected = False

    def _not_heard(self, failure: Failure, link: Link) -> None:
        if not failure.check(Lost):
            self._complain(failure.getErrorMessage())
        if failure.check(ServerError) and failure.getErrorMessage().startswith("NOPERM"):
            # Nothing gets better by asking again; the next connection of the calls does.
            self._deaf = True
            self._too_late()
        else:
            link.abort()

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            self._complaint = text
            self._log.warn(
                "no word from or to other nodes: {reason}", event="bus_refused", reason=text
            )

    def _of(self, process: bytes) -> bytes:
        return self._channel + b":" + process


def _ignore(reply: Any) -> None:
    """A sign of life."""
