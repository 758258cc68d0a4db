"""Back-pressure, ticks, closing and broken handlers, with a clock and an in-memory transport."""

from __future__ import annotations

from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import StringTransport
from twisted.logger import eventAsText, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.smpp import build
from smppproxy.smpp.constants import ENQUIRE_LINK, ENQUIRE_LINK_RESP, SUBMIT_SM_RESP
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.timers import Timers
from smppproxy.wire.admission import Admission, printable
from smppproxy.wire.authentication import Authenticator
from smppproxy.wire.client import ClientSession
from smppproxy.wire.listener import ClientFactory
from smppproxy.wire.protocol import HELD, Ticker
from tests.support.logs import logged
from tests.support.peers import bind_fields, reactor
from tests.support.relay import RecordingRelay
from tests.wire.door import NAME, PASSWORD, Door, account, at_once


class Transport(StringTransport):
    """Remembers how it was ended; tells the protocol only when the test says so."""

    protocol: Any = None
    aborted = False

    def abortConnection(self) -> None:
        """Part of ITCPTransport."""
        self.aborted = True

    @property
    def paused(self) -> bool:
        """Whether the protocol is not read."""
        return self.producerState == "paused"

    def pdus(self) -> list[Any]:
        """What was written since the last look."""
        pdus, _ = Framer().feed(self.value())
        self.clear()
        return pdus


class ProtocolTests(SynchronousTestCase):
    """One bound client in memory."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.relay = RecordingRelay()
        self.ticker = Ticker(self.clock)
        self.ticker.start()
        self.ticker.start()
        accounts = {NAME.decode(): account(window=2)}
        admission = Admission(
            self.relay,
            self.ticker,
            Authenticator(self.clock, at_once),
            lambda: accounts,
            timers=Timers(),
        )
        self.factory = ClientFactory(admission, "door")

    def connect(self) -> tuple[ClientSession, Transport]:
        """A connection."""
        session = self.factory.buildProtocol(None)
        assert session is not None
        transport = Transport(peerAddress=IPv4Address("TCP", "192.0.2.7", 40000))
        session.makeConnection(transport)
        return session, transport

    def bound(self) -> tuple[ClientSession, Transport]:
        """A bound one."""
        session, transport = self.connect()
        session.dataReceived(build.bind(9, 1, bind_fields(NAME, PASSWORD)))
        (answer,) = transport.pdus()
        self.assertEqual(answer.command_status, 0)
        return session, transport

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.clock.pump([1.0] * seconds)

    # -- back-pressure --------------------------------------------------------------------------

    def test_f37_undrained_buffer_stops_reading(self) -> None:
        """While our write buffer is full the peer is not read and takes no deliveries."""
        session, transport = self.bound()
        session.pauseProducing()
        self.assertTrue(transport.paused)
        self.assertFalse(session.writable)
        session.resumeProducing()
        self.assertFalse(transport.paused)
        self.assertTrue(session.writable)

    def test_f37_closed_after_a_minute(self) -> None:
        """Sixty seconds undrained: the connection is ended and the relay told."""
        session, transport = self.bound()
        session.pauseProducing()
        self.advance(59)
        self.assertFalse(transport.aborted)
        self.advance(1)
        self.assertTrue(transport.aborted)
        self.assertEqual(self.relay.peers("client_lost"), [session])
        self.assertEqual(self.relay.ledger.events["write_buffer_not_drained"], 1)
        session.connectionLost(Failure(ConnectionResetError()))
        self.assertEqual(len(self.relay.of("client_lost")), 1)

    def test_hold_and_full_buffer_are_independent(self) -> None:
        """Reading goes on only when neither reason is left; each is idempotent."""
        session, transport = self.bound()
        session._pause(HELD)
        session._pause(HELD)
        session.pauseProducing()
        session._resume(HELD)
        self.assertTrue(transport.paused)
        session.resumeProducing()
        self.assertFalse(transport.paused)
        session._resume(HELD)
        self.assertFalse(transport.paused)

    def test_a_silence_we_made_is_nobodys_fault(self) -> None:
        """A client that is held for long is not called dead, nor in the tick after its release."""
        session, transport = self.bound()
        session._pause(HELD)
        self.advance(100)
        session._resume(HELD)
        self.advance(1)
        self.assertFalse(transport.aborted)
        transport.clear()
        self.advance(60)
        self.assertTrue(transport.aborted)

    def test_f30_drain_keeps_reading_paused_until_settled(self) -> None:
        """Answers of a draining client do not make us read it again."""
        session, transport = self.bound()
        session.dataReceived(build.submit_sm(2) + build.submit_sm(3))
        session.drain(5.0)
        session.answer(build.submit_sm_resp(2, b"1"), 1)
        self.assertTrue(transport.paused)
        session.resumeProducing()
        self.assertFalse(session.writable)
        session.answer(build.submit_sm_resp(3, b"2"), 1)
        self.assertFalse(transport.paused)
        kinds = [pdu.command_id for pdu in transport.pdus()]
        self.assertEqual(kinds, [SUBMIT_SM_RESP, SUBMIT_SM_RESP, 6])

    def test_f41_flood_is_counted_once_a_tick(self) -> None:
        """Too many direct answers in a tick: not read until the next one."""
        session, transport = self.bound()
        session.dataReceived(build.enquire_link(1) * 1100)
        session.dataReceived(build.enquire_link(1))
        self.assertTrue(transport.paused)
        self.assertEqual(len(transport.pdus()), 1101)
        self.assertEqual(self.relay.ledger.events["answer_flood"], 1)
        self.advance(1)
        self.assertFalse(transport.paused)

    # -- time -----------------------------------------------------------------------------------

    def test_sx02_idle_but_answering(self) -> None:
        """Twelve minutes without traffic, every enquire_link answered: still bound."""
        session, transport = self.bound()
        for _ in range(12 * 60):
            self.advance(1)
            for pdu in transport.pdus():
                self.assertEqual(pdu.command_id, ENQUIRE_LINK)
                session.dataReceived(build.enquire_link_resp(pdu.sequence_number))
        self.assertFalse(session.closing)

    def test_ticker_forgets(self) -> None:
        """A session that is gone is not ticked; a stopped ticker ticks nobody."""
        session, transport = self.bound()
        self.assertEqual(len(self.ticker), 1)
        session.connectionLost(Failure(ConnectionResetError()))
        self.assertEqual(len(self.ticker), 0)
        other, _ = self.bound()
        self.ticker.stop()
        self.ticker.stop()
        self.advance(100)
        self.assertFalse(other.closing)
        other.close("over")
        other.tick(self.clock.seconds())

    # -- closing --------------------------------------------------------------------------------

    def test_close_flushes_and_then_aborts(self) -> None:
        """A close lets go of the producer; what does not flush in two seconds is aborted."""
        session, transport = self.bound()
        session.close("first")
        session.close("second")
        self.assertTrue(transport.disconnecting)
        self.assertIsNone(transport.producer)
        self.assertFalse(session.writable)
        transport.clear()
        session.write(b"nothing")
        session.dataReceived(build.enquire_link(5))
        session._pause(HELD)
        session._resume(HELD)
        self.assertEqual(transport.value(), b"")
        self.assertEqual(self.relay.of("client_lost"), [])
        self.advance(2)
        self.assertTrue(transport.aborted)
        self.assertEqual(session.close_reason, "first")
        self.assertEqual(len(self.relay.of("client_lost")), 1)

    def test_lost_while_closing(self) -> None:
        """The connection ends within the two seconds: nothing is aborted any more."""
        session, transport = self.bound()
        session.close("over")
        session.stopProducing()
        session.connectionLost(Failure(ConnectionResetError()))
        self.advance(3)
        self.assertFalse(transport.aborted)

    def test_refusal_is_not_sent_twice(self) -> None:
        """A verdict that comes when the session is closing writes nothing."""
        session, transport = self.connect()
        session.close("over")
        session.refuse(8, "late", "", None)  # type: ignore[arg-type]
        self.assertEqual(transport.value(), b"")

    def test_leaving_sessions_of_an_account(self) -> None:
        """Two sessions of one account are known until each is gone."""
        first, second = self.bound()[0], self.bound()[0]
        admission = self.factory.admission
        self.assertEqual(set(admission.sessions_of("esme01")), {first, second})
        first.abort("x")
        self.assertEqual(admission.sessions_of("esme01"), (second,))
        second.abort("x")
        self.assertEqual(admission.sessions_of("esme01"), ())
        self.successResultOf(second.drain(1.0))

    # -- broken handlers ------------------------------------------------------------------------

    def test_f96_error_in_a_handler(self) -> None:
        """An exception while a read is handled ends that session, logged once; others live."""
        for name in ("client_requests", "client_responses", "client_expired", "client_lost"):
            session, transport = self.bound()
            other, other_transport = self.bound()
            self.relay.on[name] = _break
            if name == "client_requests":
                session.dataReceived(build.submit_sm(2))
            elif name == "client_responses":
                number = session.session.window.open("x", self.clock.seconds())
                session.dataReceived(build.deliver_sm_resp(number))
            elif name == "client_expired":
                session.session.window.open("x", self.clock.seconds())
                for _ in range(70):
                    self.clock.advance(1)
                    for one in (session, other):
                        if not one.closing:
                            one.dataReceived(build.enquire_link(1))
            else:
                session.connectionLost(Failure(ConnectionResetError()))
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1, name)
            self.assertEqual(transport.aborted, name != "client_lost")
            del self.relay.on[name]
            other_transport.clear()
            other.dataReceived(build.enquire_link(9))
            self.assertEqual([p.command_id for p in other_transport.pdus()], [ENQUIRE_LINK_RESP])
            other.abort("done")

    def test_f96_error_while_binding(self) -> None:
        """An exception as the relay learns of a bind: the session ends, its slot is free."""
        self.relay.on["client_bound"] = _break
        session, transport = self.connect()
        session.dataReceived(build.bind(9, 1, bind_fields(NAME, PASSWORD)))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertTrue(transport.aborted)
        self.assertEqual(self.factory.admission.sessions_of("esme01"), ())

    # -- logs -----------------------------------------------------------------------------------

    def test_f52_mg13_no_password_in_any_event(self) -> None:
        """Good, wrong and malformed binds: the password is in no event, plain or in hex."""
        texts: list[str] = []

        def note(event: Any) -> None:
            texts.append(eventAsText(event) + repr(event))

        observe: Any = note
        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        wrong = b"wr0ng-secret"
        self.bound()
        for system_id, secret in ((NAME, wrong), (b"nobody", wrong)):
            session, _ = self.connect()
            session.dataReceived(build.bind(9, 1, bind_fields(system_id, secret)))
        session, _ = self.connect()
        bind = build.bind(9, 1, bind_fields(NAME, wrong))[:-8]
        session.dataReceived(len(bind).to_bytes(4, "big") + bind[4:])
        self.relay.may = _break_may
        session, _ = self.connect()
        session.dataReceived(build.bind(9, 1, bind_fields(NAME, PASSWORD)))
        self.flushLoggedErrors(ZeroDivisionError)
        told = "".join(texts)
        self.assertIn("bind_refused", told)
        self.assertIn("bind_accepted", told)
        for form in (PASSWORD.decode(), PASSWORD.hex(), wrong.decode(), wrong.hex()):
            self.assertNotIn(form, told)

    def test_mg14_one_event_per_refusal(self) -> None:
        """One structured event: account, peer, sequence_number, status by name, and why."""
        events = logged(self)
        session, _ = self.connect()
        session.dataReceived(build.bind(9, 41, bind_fields(b"evil\n\x1b[31m", PASSWORD)))
        (event,) = [one for one in events if one.get("event") == "bind_refused"]
        self.assertEqual(event["peer"], "192.0.2.7")
        self.assertEqual(event["sequence_number"], 41)
        self.assertEqual(event["command_status"], "ESME_RINVPASWD")
        self.assertEqual(event["account"], "evil\\n\\x1b[31m")
        self.assertEqual(event["why"], "unknown system_id")

    def test_refused_binds_do_not_fill_the_log(self) -> None:
        """A peer that is refused again and again is told once a second, with a count."""
        events = logged(self)
        for _ in range(5):
            session, _ = self.connect()
            session.dataReceived(build.bind(9, 1, bind_fields(b"nobody", PASSWORD)))
            session, _ = self.connect()
            session.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

        def told(event: str) -> list[int]:
            return [one["count"] for one in events if one.get("event") == event]

        self.assertEqual((told("bind_refused"), told("protocol_error")), ([1], [1]))
        self.clock.pump([0.5] * 6)
        self.assertEqual((told("bind_refused"), told("protocol_error")), ([1, 4], [1, 4]))
        (last,) = [one for one in events if one.get("event") == "bind_refused"][1:]
        self.assertIn("refused: unknown system_id (4 times)", eventAsText(last))

    def test_clients_that_come_and_go_do_not_fill_the_log(self) -> None:
        """An account that binds and leaves again and again is told once a second, with a count."""
        events = logged(self)
        for _ in range(5):
            session, transport = self.bound()
            session.dataReceived(build.unbind(2))
            session.connectionLost()

        def told(event: str) -> list[int]:
            return [one["count"] for one in events if one.get("event") == event]

        self.assertEqual((told("bind_accepted"), told("client_lost")), ([1], [1]))
        self.clock.pump([0.5] * 6)
        self.assertEqual((told("bind_accepted"), told("client_lost")), ([1, 4], [1, 4]))
        texts = [eventAsText(one) for one in events if one.get("event") == "client_lost"]
        self.assertIn("from 192.0.2.7 left: client unbound (4 times)", texts[-1])

    def test_printable(self) -> None:
        """Whatever a peer calls itself, a log line of ours stays one short line."""
        self.assertEqual(printable(b"demo"), "demo")
        self.assertEqual(printable(b"\xff\n"), "\\\\xff\\n")
        self.assertEqual(len(printable(b"a" * 255)), 64)


class SlowReaderTests(TestCase):
    """F37 over a real socket."""

    async def test_f37_client_that_never_reads(self) -> None:
        """A flood of requests without reading the answers: we stop reading, memory stays flat."""
        door = Door(self)
        client = await door.bound()
        client.stop_reading()
        session = (await door.relay.called("client_bound")).peer
        # Small sockets, so that little is under way between the two ends.
        client.transport.socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
        session.transport.socket.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
        answered = 0

        def answer(peer: Any, pdus: Any) -> None:
            nonlocal answered
            answered += len(pdus)
            answers = [build.submit_sm_resp(pdu.sequence_number, b"1" * 60) for pdu in pdus]
            peer.answer(b"".join(answers), len(answers))

        door.relay.on["client_requests"] = answer
        flood = build.submit_sm(7, destination_addr=b"44", short_message=b"x") * 1000
        for _ in range(200):
            client.send(flood)
            await deferLater(reactor, 0)
        self.assertFalse(session.writable)
        self.assertLess(answered, 50_000)
        stalled = answered
        for _ in range(100):
            await deferLater(reactor, 0)
        self.assertEqual(answered, stalled)
        client.read_again()
        await client.expect_many(stalled + 1, SUBMIT_SM_RESP)


def _break(peer: Any, what: Any) -> None:
    raise ZeroDivisionError


def _break_may(account: Any) -> bool:
    raise ZeroDivisionError
