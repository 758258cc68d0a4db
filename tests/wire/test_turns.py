"""Tests of ``wire.turns``: however many speak at once, others have their turn."""

from __future__ import annotations

import select
import socket
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.interfaces import IReadDescriptor
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from smppproxy.wire import turns
from smppproxy.wire.turns import Turns, end_turns


class TurnsTests(SynchronousTestCase):
    """Over real sockets."""

    def pairs(self, count: int) -> list[tuple[socket.socket, socket.socket]]:
        """Both ends of so many connections."""
        found = [socket.socketpair() for _ in range(count)]
        for pair in found:
            for each in pair:
                self.addCleanup(each.close)
        return found

    def test_f100_all_are_heard_some_at_a_time(self) -> None:
        """Nobody is heard twice before everybody was heard once."""
        self.patch(turns, "MOST", 7)
        poller = Turns(select.epoll())
        numbers = set()
        for ours, theirs in self.pairs(30):
            poller.register(ours.fileno(), select.EPOLLIN)
            theirs.close()
            numbers.add(ours.fileno())
        heard: list[int] = []
        for _ in range(5):
            some = [number for number, _ in poller.poll(0.0, 100)]
            self.assertLessEqual(len(some), 7)
            heard += some
        self.assertEqual(numbers, {*heard[:30]})
        self.assertEqual(2, len(poller.poll(0.0, 2)))
        for number in numbers:
            poller.unregister(number)
        self.assertEqual([], poller.poll(0.0, 100))

    def test_f100_thousands_that_speak_at_once(self) -> None:
        """In one turn of a reactor only so many of them are handled; in a few turns all are."""
        self.patch(turns, "MOST", 7)
        pairs = self.pairs(30)
        reactor: Any = EPollReactor()
        for each in reactor._internalReaders:
            self.addCleanup(each.connectionLost, None)
        self.addCleanup(reactor.removeAll)
        end_turns(reactor)
        heard: list[int] = []
        for ours, theirs in pairs:
            reactor.addReader(Ear(ours, heard))
            theirs.close()
        for turn in range(1, 6):
            reactor.doPoll(0.0)
            self.assertLessEqual(len(heard), 7 * turn)
        self.assertEqual(30, len({*heard}))

    def test_another_reactor(self) -> None:
        """Is left as it is."""
        reactor = object()
        end_turns(reactor)
        self.assertFalse(hasattr(reactor, "_poller"))


@implementer(IReadDescriptor)
class Ear:
    """Hears that the other side has gone."""

    def __init__(self, ours: socket.socket, heard: list[int]) -> None:
        self.fileno = ours.fileno
        self._heard = heard

    def logPrefix(self) -> str:
        """Part of the interface."""
        return "ear"

    def doRead(self) -> None:
        """The reactor says that there is something."""
        self._heard.append(self.fileno())

    def connectionLost(self, reason: object) -> None:
        """The reactor says that the other side has gone."""
        self.doRead()
