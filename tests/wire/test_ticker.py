"""What one turn writes to a peer is one send, over the kernel's own sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.base import DelayedCall
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp.constants import READ_SIZE
from smppproxy.smpp.session import SMSC, Session
from smppproxy.smpp.timers import Timers
from smppproxy.wire.protocol import SmppProtocol
from smppproxy.wire.ticker import FAR, FEW, MOST, TICK, Ticker
from tests.support.relay import RecordingRelay


class Turns(Clock):
    """A reactor that knows who wants to write."""

    def __init__(self) -> None:
        super().__init__()
        self.writers: set[Any] = set()

    def addReader(self, reader: Any) -> None:
        """Nobody reads."""

    def removeReader(self, reader: Any) -> None:
        """Nobody reads."""

    def addWriter(self, writer: Any) -> None:
        """It has something left."""
        self.writers.add(writer)

    def removeWriter(self, writer: Any) -> None:
        """It has not."""
        self.writers.discard(writer)


class Counting(Connection):
    """A connection as the reactor makes them, with an address and a count of its sends."""

    sends = 0

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.1", 2775)

    def setTcpNoDelay(self, enabled: bool) -> None:
        """It is no TCP socket."""

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """It is no TCP socket."""

    def writeSomeData(self, data: bytes) -> Any:
        self.sends += 1
        return super().writeSomeData(data)


class TurnTests(SynchronousTestCase):
    """A session on one end of a pair of sockets."""

    def setUp(self) -> None:
        self.reactor = Turns()
        self.ticker = Ticker(self.reactor)
        ours, self.theirs = socket.socketpair()
        ours.setblocking(False)
        self.theirs.setblocking(False)
        self.addCleanup(self.theirs.close)
        self.session = SmppProtocol(
            Session(SMSC, Timers()), RecordingRelay(), self.ticker, "session"
        )
        self.transport = Counting(ours, self.session, cast(Any, self.reactor))
        self.addCleanup(ours.close)
        self.transport.connected = True
        self.session.makeConnection(self.transport)

    def turn(self) -> None:
        """All that came is handled."""
        self.reactor.advance(0)

    def read(self) -> bytes:
        """What has come to the other end."""
        found = b""
        try:
            while got := self.theirs.recv(1 << 20):
                found += got
        except BlockingIOError:
            pass
        return found

    def test_one_send_for_a_turn(self) -> None:
        """In the order written, straight to the socket: no look at all sockets is needed."""
        self.session.write(b"one")
        self.session.write(b"two")
        self.assertEqual(0, self.transport.sends)
        self.turn()
        self.session.write(b"three")
        self.turn()
        self.turn()
        self.assertEqual(b"onetwothree", self.read())
        self.assertEqual(2, self.transport.sends)
        self.assertEqual(set(), self.reactor.writers)

    def test_what_the_socket_does_not_take(self) -> None:
        """The transport keeps the rest, all that follows is behind it, and it presses back."""
        whole = bytes(range(256)) * 16384
        self.session.write(whole)
        self.turn()
        self.assertFalse(self.session.writable)
        self.assertEqual({self.transport}, self.reactor.writers)
        self.session.write(b"behind")
        self.turn()
        found = self.read()
        while self.reactor.writers:
            self.transport.doWrite()
            found += self.read()
        self.assertEqual(whole + b"behind", found)
        self.assertTrue(self.session.writable)

    def test_a_full_socket(self) -> None:
        """One that takes nothing leaves all of it to the transport."""
        while True:
            try:
                self.transport.socket.send(bytes(1 << 16))
            except BlockingIOError:
                break
        self.session.write(b"late")
        self.turn()
        self.read()
        self.transport.doWrite()
        self.assertEqual(b"late", self.read())

    def test_a_read_is_small(self) -> None:
        """No more is asked of the socket at a time than leaves a small hole when little comes."""
        self.assertEqual(READ_SIZE, self.transport.bufferSize)

    def test_close_sends_first(self) -> None:
        """What this turn wrote goes out before the connection ends; what comes later does not."""
        self.session.write(b"last")
        self.session.close("done")
        self.session.write(b"later")
        self.turn()
        self.assertEqual(b"last", self.read())

    def test_abort_sends_nothing(self) -> None:
        """Who aborts does not wait for a turn's end."""
        self.session.write(b"lost")
        self.session.abort("enough")
        self.session._abort = None
        self.turn()
        self.assertEqual(0, self.transport.sends)

    def test_a_broken_socket(self) -> None:
        """The transport meets the error when it writes, and ends the connection."""
        self.theirs.close()
        self.session.write(b"nobody")
        self.turn()
        self.assertEqual({self.transport}, self.reactor.writers)
        self.assertIsInstance(self.transport.doWrite(), Exception)


class Idle:
    """A session that notes when it has its turn, and is due again five seconds later.

    :ivar asked: how often somebody has asked when it is due.
    """

    def __init__(self, clock: Clock, due: float) -> None:
        self.session = self
        self.asked = 0
        self._due = due
        self.ticked: list[float] = []
        self.clock = clock

    @property
    def due(self) -> float:
        """When it is due."""
        self.asked += 1
        return self._due

    @due.setter
    def due(self, moment: float) -> None:
        self._due = moment

    def tick(self, now: float) -> None:
        """Its turn."""
        self.ticked.append(self.clock.seconds())
        self.due = now + 5.0


class Turning(Clock):
    """A reactor whose turns are the test's own."""

    def __init__(self) -> None:
        super().__init__()
        self.soon: list[Callable[[], object]] = []

    def callLater(self, delay: float, callable: Any, *arguments: Any, **named: Any) -> Any:
        if delay:
            return super().callLater(delay, callable, *arguments, **named)
        call = partial(callable, *arguments, **named)
        self.soon.append(call)
        return DelayedCall(0.0, call, (), {}, lambda _: self.soon.remove(call), lambda _: None)


class CrowdTests(SynchronousTestCase):
    """Many sessions on one timer."""

    def setUp(self) -> None:
        self.clock = Turning()
        self.ticker = Ticker(self.clock)
        self.ticker.start()

    def crowd(self, count: int, due: float) -> list[Any]:
        """So many sessions, all due at this moment."""
        sessions: list[Any] = [Idle(self.clock, due) for _ in range(count)]
        for each in sessions:
            self.ticker.add(each)
        return sessions

    def turn(self) -> bool:
        """What was to be done at once; whether that was anything."""
        soon, self.clock.soon = self.clock.soon, []
        for call in soon:
            call()
        return bool(soon)

    def test_f98_only_who_is_due(self) -> None:
        """A session that has nothing to do is not called, however often the timer looks."""
        idle, busy = self.crowd(1000, 30.0), self.crowd(3, 1.0)
        self.clock.pump([TICK] * 40)
        self.assertEqual([], [each for each in idle if each.ticked])
        self.assertEqual([1, 1, 1], [len(each.ticked) for each in busy])

    def test_f98_the_others_cost_nothing(self) -> None:
        """Nobody asks a session anything until just before it is due, however many there are."""
        crowd = self.crowd(1000, 29.95)
        asked = [each.asked for each in crowd]
        self.clock.pump([TICK] * 297)
        self.assertEqual(asked, [each.asked for each in crowd])
        self.clock.pump([TICK] * 5)
        while self.turn():
            pass
        self.assertEqual({1}, {len(each.ticked) for each in crowd})
        self.assertLess(max(each.asked for each in crowd), 8)

    def test_due_later(self) -> None:
        """Who is not due any more when its time comes waits for the new one; also one that has none
        for now, and finds one after all.
        """
        later, never = self.crowd(2, 1.0)
        later.due, never.due = 3.0, inf
        self.clock.pump([TICK] * 29)
        self.assertEqual(([], []), (later.ticked, never.ticked))
        self.clock.pump([TICK] * 2)
        self.assertEqual(1, len(later.ticked))
        never.due = 32.0
        self.clock.pump([TICK] * int(FAR / TICK))
        self.assertEqual(1, len(never.ticked))

    def test_due_sooner(self) -> None:
        """Is for the session to say; it has its turn then, and the next one where it belongs."""
        (session,) = self.crowd(1, 30.0)
        session.due = 2.0
        self.ticker.attend(session)
        self.clock.pump([TICK] * 11)
        self.assertEqual(1, len(session.ticked))
        self.clock.pump([TICK] * 51)
        self.assertEqual(2, len(session.ticked))
        self.ticker.discard(session)
        self.ticker.discard(session)
        self.assertEqual(0, len(self.ticker))

    def test_f54_in_time(self) -> None:
        """Within a tenth of a second of when it is due."""
        sessions = [self.crowd(1, 1 + 0.037 * number)[0] for number in range(50)]
        dues = [each.due for each in sessions]
        self.clock.pump([TICK] * 45)
        late = [each.ticked[0] - due for each, due in zip(sessions, dues, strict=True)]
        self.assertGreaterEqual(min(late), 0.0)
        self.assertLess(max(late), TICK + 1e-6)

    def test_f100_a_crowd_that_is_due_at_once(self) -> None:
        """Some of them in each turn of the reactor, all of them before anybody has a second one."""
        sessions = self.crowd(20 * MOST, TICK)
        self.clock.advance(TICK)
        counts = []
        while self.turn():
            counts.append(sum(len(each.ticked) for each in sessions))
        self.assertEqual([MOST * (place + 2) for place in range(19)], counts)
        self.assertEqual({1}, {len(each.ticked) for each in sessions})

    def test_f98_those_of_one_look_are_spread_over_half_a_look(self) -> None:
        """So many that it takes no more than ten steps; a handful has its turn at once."""
        few, many = self.crowd(FEW, TICK), self.crowd(71, 3 * TICK)
        self.clock.advance(TICK)
        self.assertEqual(FEW, sum(len(each.ticked) for each in few))
        self.clock.pump([TICK])
        counts: list[int] = []
        for _ in range(10):
            self.clock.advance(TICK if not counts else TICK / 20)
            counts.append(sum(len(each.ticked) for each in many))
        self.assertEqual([8, 16, 24, 32, 40, 48, 56, 64, 71, 71], counts)
        self.assertEqual([], self.clock.soon)

    def test_a_crowd_that_takes_longer_than_a_tick(self) -> None:
        """Nobody is called twice while somebody waits; who is due meanwhile comes after them."""
        sessions = self.crowd(12 * MOST, TICK)
        self.clock.advance(TICK)
        late = self.crowd(1, 0.0)[0]
        self.turn()
        self.clock.advance(TICK)
        while self.turn():
            pass
        self.assertEqual(({1}, []), ({len(each.ticked) for each in sessions}, late.ticked))
        self.clock.advance(TICK)
        self.assertEqual(1, len(late.ticked))

    def test_attended(self) -> None:
        """Who asks for it has its turn at the next look, once, whatever its timers say."""
        (session,) = self.crowd(1, 30.0)
        self.ticker.attend(session)
        self.clock.pump([TICK] * 5)
        self.assertEqual(1, len(session.ticked))

    def test_attended_and_due(self) -> None:
        """Is one turn; and none at all for who has left."""
        session, gone = self.crowd(2, TICK)
        self.ticker.attend(session)
        self.ticker.attend(gone)
        self.ticker.discard(gone)
        self.clock.advance(TICK)
        self.assertEqual((1, 0), (len(session.ticked), len(gone.ticked)))

    def test_stopped(self) -> None:
        """Nobody has a turn any more, not even those that were waiting for it."""
        sessions = self.crowd(11 * MOST, TICK)
        self.clock.advance(TICK)
        self.ticker.stop()
        self.turn()
        self.clock.pump([TICK] * 5)
        self.assertEqual(MOST, sum(len(each.ticked) for each in sessions))

    def test_stopped_between_two_steps(self) -> None:
        """Nothing is left to be called later."""
        self.crowd(4 * FEW, TICK)
        self.clock.advance(TICK)
        self.assertEqual(2, len(self.clock.getDelayedCalls()))
        self.ticker.stop()
        self.assertEqual([], self.clock.getDelayedCalls())
