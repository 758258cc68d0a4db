"""Tests of ``turns``: however many speak at once, others have their turn."""

from __future__ import annotations

import select
import socket
import threading
from types import SimpleNamespace
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.interfaces import IReadDescriptor
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from smppproxy import turns
from smppproxy.turns import Turns, end_turns, go_first


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
            self.assertLessEqual(len(some), 8)
            heard += some
        self.assertEqual(numbers, {*heard[:30]})
        self.assertLessEqual(len(poller.poll(0.0, 2)), 3)
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
            self.assertLessEqual(len(heard), 8 * turn)
        self.assertEqual(30, len({*heard}))

    def test_some_go_first(self) -> None:
        """Whoever is preferred is heard in every turn, however long the line of others is, and in
        every second one alone; nobody in the line is passed over.
        """
        self.patch(turns, "MOST", 7)
        poller = Turns(select.epoll())
        pairs = self.pairs(30)
        for ours, theirs in pairs:
            poller.register(ours.fileno(), select.EPOLLIN)
            theirs.send(b"x")
        first = pairs[-1][0].fileno()
        poller.prefer(first)
        heard: list[int] = []
        for _ in range(6):
            self.assertEqual([(first, select.EPOLLIN)], poller.poll(0.0, 100))
            some = [number for number, _ in poller.poll(0.0, 100)]
            self.assertEqual((first, 1), (some[0], some.count(first)))
            self.assertLessEqual(len(some), 9)
            heard += some[1:]
        self.assertEqual({ours.fileno() for ours, _ in pairs[:-1]}, {*heard})

    def test_the_first_are_waited_for(self) -> None:
        """A turn that waits for somebody to speak ends when one of the first does."""
        poller = Turns(select.epoll())
        ((ours, theirs),) = self.pairs(1)
        poller.register(ours.fileno(), select.EPOLLIN)
        poller.prefer(ours.fileno())
        self.assertEqual([], poller.poll(0.0, 100))
        told = threading.Timer(0.0, theirs.send, (b"x",))
        told.start()
        self.assertEqual([(ours.fileno(), select.EPOLLIN)], poller.poll(30.0, 100))
        told.join()

    def test_the_first_may_be_held(self) -> None:
        """One that is not to be read for a while is not read; one that can be written to is."""
        poller = Turns(select.epoll())
        ((ours, theirs),) = self.pairs(1)
        number = ours.fileno()
        poller.register(number, select.EPOLLIN)
        poller.prefer(number)
        theirs.send(b"x")
        poller.modify(number, select.EPOLLOUT)
        self.assertEqual([(number, select.EPOLLOUT)], poller.poll(0.0, 100))
        poller.modify(number, select.EPOLLIN | select.EPOLLOUT)
        both = (number, select.EPOLLIN | select.EPOLLOUT)
        self.assertEqual([both], poller.poll(0.0, 100))
        poller.unregister(number)
        self.assertEqual([], poller.poll(0.0, 100))
        poller.register(number, select.EPOLLIN)
        self.assertEqual([(number, select.EPOLLIN)], poller.poll(0.0, 100))

    def test_a_number_that_is_used_again(self) -> None:
        """Whoever gets the number of one that went first stands in line."""
        poller = Turns(select.epoll())
        ((ours, theirs),) = self.pairs(1)
        number = ours.fileno()
        poller.register(number, select.EPOLLIN)
        poller.prefer(number)
        poller.unregister(number)
        poller.forget(number)
        poller.register(number, select.EPOLLIN)
        theirs.send(b"x")
        self.assertEqual(set(), poller._preferred)
        self.assertEqual([(number, select.EPOLLIN)], poller.poll(0.0, 100))
        poller.forget(number)

    def test_connections_that_go_first(self) -> None:
        """Of a reactor whose turns end; with another one nothing happens."""
        ((ours, theirs),) = self.pairs(1)
        transport = Transport()
        transport.fileno = ours.fileno
        go_first(transport)()
        poller = transport.reactor._poller = Turns(select.epoll())
        poller.register(ours.fileno(), select.EPOLLIN)
        lost = go_first(transport)
        self.assertEqual({ours.fileno()}, poller._preferred)
        lost()
        self.assertEqual(set(), poller._preferred)

    def test_another_reactor(self) -> None:
        """Is left as it is."""
        reactor = object()
        end_turns(reactor)
        self.assertFalse(hasattr(reactor, "_poller"))


class Transport:
    """A connection of a reactor."""

    fileno: Any

    def __init__(self) -> None:
        self.reactor: Any = SimpleNamespace(_poller=None)


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
