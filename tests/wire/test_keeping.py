"""How a client's session is kept and when it ends, with a clock; and what it is answered."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DELIVER_SM,
    DELIVER_SM_RESP,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
)
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.timers import Timers
from smppproxy.wire.admission import Admission
from smppproxy.wire.authentication import Authenticator
from smppproxy.wire.client import ClientSession
from smppproxy.wire.listener import ClientFactory
from smppproxy.wire.protocol import TIMEOUTS, Ticker
from tests.smpp.samples import vectors
from tests.support.relay import RecordingRelay
from tests.wire.door import NAME, PASSWORD, Door, account, at_once

V = vectors()


class Wire(StringTransport):
    """Ends at once when asked to, as a socket with an empty buffer does."""

    protocol: Any = None
    ended_at: float | None = None
    clock: Clock

    def abortConnection(self) -> None:
        """Part of ITCPTransport."""
        if self.ended_at is None:
            self.ended_at = self.clock.seconds()

    def loseConnection(self) -> None:
        """Part of ITransport."""
        self.abortConnection()

    def pdus(self) -> list[Any]:
        """What was written since the last look."""
        pdus, _ = Framer().feed(self.value())
        self.clear()
        return pdus

    def commands(self) -> list[int]:
        """The command_ids of what was written since the last look."""
        return [pdu.command_id for pdu in self.pdus()]


class KeepingTests(SynchronousTestCase):
    """One bound client in memory."""

    def bound(self, timers: Timers | None = None, **options: Any) -> tuple[ClientSession, Wire]:
        """A bound client of a node with these timers, of an account with these options."""
        self.clock = Clock()
        self.relay = RecordingRelay()
        ticker = Ticker(self.clock)
        ticker.start()
        accounts = {NAME.decode(): account(**options)}
        admission = Admission(
            self.relay,
            ticker,
            Authenticator(self.clock, at_once),
            lambda: accounts,
            timers=timers or Timers(response=30.0),
        )
        session = ClientFactory(admission, "door").buildProtocol(None)
        assert session is not None
        wire = Wire(peerAddress=IPv4Address("TCP", "192.0.2.7", 40000))
        wire.clock = self.clock
        session.makeConnection(wire)
        session.dataReceived(V["V01"])
        (answer,) = wire.pdus()
        self.assertEqual(answer.command_status, 0)
        return session, wire

    def advance(self, seconds: float) -> None:
        """Let time pass, a quarter of a second at a time."""
        self.clock.pump([0.25] * round(seconds * 4))

    # -- OZ-08, GW-11: silence ------------------------------------------------------------------

    def test_oz08_idle_after_five_minutes(self) -> None:
        """Without enquiries of ours a silent client is unbound at 300 s and closed by 305 s."""
        _, wire = self.bound(Timers(enquire_link=0.0), idle_timeout=300.0)
        self.advance(299.5)
        self.assertEqual(wire.commands(), [])
        self.advance(1.5)
        self.assertEqual(wire.commands(), [UNBIND])
        self.advance(4)
        assert wire.ended_at is not None
        self.assertLessEqual(wire.ended_at, 305.0)
        self.assertEqual(wire.commands(), [])

    def test_oz08_unbind_is_answered(self) -> None:
        """unbind_resp to the idle unbind: closed at once, counted as no fault."""
        session, wire = self.bound(Timers(enquire_link=0.0), idle_timeout=300.0)
        self.advance(301)
        (unbind,) = wire.pdus()
        session.dataReceived(build.unbind_resp(unbind.sequence_number))
        self.assertEqual(wire.ended_at, 301.0)
        self.assertEqual(self.relay.ledger.events["unbind_not_answered"], 0)

    def test_oz08_an_enquire_link_is_life(self) -> None:
        """enquire_link at 299 s: alive at 598 s."""
        session, wire = self.bound(Timers(enquire_link=0.0), idle_timeout=300.0)
        self.advance(299)
        session.dataReceived(build.enquire_link(2))
        self.assertEqual(wire.commands(), [ENQUIRE_LINK_RESP])
        self.advance(299)
        self.assertEqual((wire.commands(), wire.ended_at), ([], None))
        self.advance(2)
        self.assertEqual(wire.commands(), [UNBIND])

    def test_oz08_an_answer_to_our_enquire_link_is_life(self) -> None:
        """A client that says nothing but its answers stays bound (mission A17)."""
        session, wire = self.bound(idle_timeout=300.0, enquire_interval=60.0)
        for _ in range(11):
            self.advance(61)
            (enquiry,) = wire.pdus()
            self.assertEqual(enquiry.command_id, ENQUIRE_LINK)
            session.dataReceived(build.enquire_link_resp(enquiry.sequence_number))
        self.assertIsNone(wire.ended_at)

    def test_oz08_node_has_the_word_where_the_account_says_nothing(self) -> None:
        """idle_timeout and enquire_interval 0: those of the node file."""
        _, wire = self.bound(Timers(enquire_link=0.0, idle=20.0))
        self.advance(22)
        self.assertEqual(wire.commands(), [UNBIND])

    def test_gw11_mg06_enquire_interval(self) -> None:
        """The account's 60 s, not the node's 30; unanswered for 10 s, the session ends."""
        _, wire = self.bound(enquire_interval=60.0)
        self.advance(59.5)
        self.assertEqual(wire.commands(), [])
        self.advance(1.5)
        self.assertEqual(wire.commands(), [ENQUIRE_LINK])
        self.advance(10)
        assert wire.ended_at is not None
        self.assertLessEqual(wire.ended_at, 72.0)

    def test_f98_a_crowd_is_not_asked_at_once(self) -> None:
        """A thousand that bound in one moment are asked over a quarter of the time, none of them
        later than was said, and after their answers over half of it.
        """
        first, _ = self.bound()
        sessions = [first.factory.buildProtocol(None) for _ in range(999)]
        asked: list[list[float]] = []
        for each in sessions:
            assert each is not None
            wire = Wire(peerAddress=IPv4Address("TCP", "192.0.2.7", 40000))
            each.makeConnection(wire)
            each.dataReceived(V["V01"])
            wire.clear()
            moments: list[float] = []
            asked.append(moments)

            def answer(data: bytes, each: Any = each, moments: list[float] = moments) -> None:
                (pdu,) = Framer().feed(data)[0]
                moments.append(self.clock.seconds())
                each.dataReceived(build.enquire_link_resp(pdu.sequence_number))

            wire.write = answer  # type: ignore[method-assign]
        self.clock.pump([0.02] * 3050)
        for number, share in ((0, 0.25), (1, 0.5)):
            times = sorted(each[number] for each in asked)
            self.assertLessEqual(times[-1], 30.0 * (number + 1) + 0.3)
            self.assertGreaterEqual(times[0], 30.0 * (number + 1) * (1 - share / (number + 1)))
            busiest = max(Counter(int(each / 0.5) for each in times).values())
            self.assertLess(busiest, 1.5 * 999 * 0.5 / (30.0 * share))

    def test_a_time_that_begins_is_kept(self) -> None:
        """Whatever a session began to wait for, though its next look was far away: the rest of a
        PDU, the answer to our unbind, the first silence after a bind.
        """
        timers = Timers(probe_after=0.0, partial_pdu=1.0, response=50.0)
        session, wire = self.bound(timers)
        self.advance(7)
        session.dataReceived(V["V01"][:7])
        self.advance(1.25)
        self.assertIsNotNone(wire.ended_at)
        session, wire = self.bound(timers)
        self.advance(7)
        session.say(session.session.unbind(self.clock.seconds()))
        self.advance(2.25)
        self.assertIsNotNone(wire.ended_at)
        _, wire = self.bound(timers)
        self.advance(31)
        self.assertEqual(wire.commands(), [ENQUIRE_LINK])

    def test_accounts_do_not_share_their_times(self) -> None:
        """One account's times are nobody else's, also of the same node."""
        session, _ = self.bound(enquire_interval=60.0)
        node = session.admission.timers
        self.assertEqual((node.enquire_link, node.idle), (30.0, 0.0))

    def test_use_while_bound(self) -> None:
        """New settings of an account hold for the sessions that are bound."""
        session, wire = self.bound(Timers(enquire_link=0.0))
        session.use(account(idle_timeout=10.0, deliver_window=7))
        self.assertEqual(session.session.window.limit, 7)
        self.advance(16)
        self.assertEqual(wire.commands(), [UNBIND])

    def test_sx02_always_on(self) -> None:
        """Twelve minutes of nothing but answers: still bound, and submits are taken."""
        session, wire = self.bound()
        for _ in range(720):
            self.advance(1)
            for pdu in wire.pdus():
                self.assertEqual(pdu.command_id, ENQUIRE_LINK)
                session.dataReceived(build.enquire_link_resp(pdu.sequence_number))
        session.dataReceived(V["V06"])
        self.assertEqual(len(self.relay.of("client_requests")), 1)

    # -- OZ-07, GW-11: enquiries ----------------------------------------------------------------

    def test_oz07_ten_a_second(self) -> None:
        """Ten enquire_links a second for a minute are all answered, each with its number."""
        session, wire = self.bound()
        for number in range(2, 602):
            session.dataReceived(build.enquire_link(number))
            (answer,) = wire.pdus()
            self.assertEqual(
                (answer.command_id, answer.sequence_number), (ENQUIRE_LINK_RESP, number)
            )
            self.clock.advance(0.1)
        self.assertEqual(self.relay.ledger.events["answer_flood"], 0)

    def test_gw11_enquire_link_beside_fifty_submits(self) -> None:
        """V25 is answered by V26 while 50 submit_sm are unanswered; none of them is throttled."""
        session, wire = self.bound()
        session.dataReceived(b"".join(build.submit_sm(number) for number in range(100, 150)))
        self.assertEqual(session.outstanding, 50)
        self.assertEqual(wire.pdus(), [])
        session.dataReceived(V["V25"])
        self.assertEqual(wire.value(), V["V26"])

    def test_xc17_numbers_are_echoed_as_they_came(self) -> None:
        """Also 0 and those above 0x7fffffff."""
        session, wire = self.bound()
        for number in (0, 1, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            session.dataReceived(build.enquire_link(number))
            (answer,) = wire.pdus()
            self.assertEqual(answer.sequence_number, number)

    def test_xc17_our_numbers_wrap(self) -> None:
        """After the last one comes 1; a number that still waits is not used twice."""
        session, wire = self.bound()
        window = session.session.window
        window._next = 0x7FFFFFFE
        self.assertEqual([window.open(name, 0.0) for name in "ab"], [0x7FFFFFFE, 1])
        session.probe()
        (probe,) = wire.pdus()
        self.assertEqual(probe.sequence_number, 2)

    # -- F38, GW-23: deliver_sm without an answer -----------------------------------------------

    def deliver(self, session: ClientSession, token: str) -> int:
        """A deliver_sm goes out; its sequence_number."""
        number = session.session.window.open(token, self.clock.seconds())
        session.write(build.deliver_sm(number))
        return number

    def test_f38_gw23_three_unanswered_in_a_row(self) -> None:
        """Three deliver_sm time out: the relay has them back, we unbind and close."""
        session, wire = self.bound(Timers(response=30.0, enquire_link=0.0, probe_after=0.0))
        for token in "abc":
            self.deliver(session, token)
        self.advance(32)
        self.assertEqual(self.relay.of("client_expired")[0].what, ["a", "b", "c"])
        self.assertEqual(wire.commands(), [DELIVER_SM] * 3 + [UNBIND])
        self.assertFalse(session.writable)
        self.advance(3)
        self.assertIsNotNone(wire.ended_at)
        self.assertEqual(self.relay.ledger.events["no_response"], 1)

    def test_gw23_an_answer_between_them(self) -> None:
        """Two time out, one is answered, two time out: the session stays."""
        session, wire = self.bound(Timers(response=30.0, enquire_link=0.0, probe_after=0.0))
        for round_ in "xyz":
            for token in range(TIMEOUTS - 1):
                self.deliver(session, f"{round_}{token}")
            self.advance(32)
            number = self.deliver(session, "good")
            session.dataReceived(build.deliver_sm_resp(number))
        self.assertEqual(len(self.relay.of("client_expired")), 3)
        self.assertIsNone(wire.ended_at)
        self.assertNotIn(UNBIND, wire.commands())

    def test_f38_submits_under_way_are_answered_first(self) -> None:
        """The unbind waits for the answers to what the client has sent."""
        session, wire = self.bound(Timers(response=30.0, enquire_link=0.0, probe_after=0.0))
        session.dataReceived(V["V06"])
        for token in "abc":
            self.deliver(session, token)
        self.advance(32)
        self.assertNotIn(UNBIND, wire.commands())
        session.answer(build.submit_sm_resp(2, b"1"), 1)
        self.assertEqual(wire.commands(), [SUBMIT_SM_RESP, UNBIND])

    # -- MG-07: the other timers ----------------------------------------------------------------

    def test_mg07_part_of_a_header(self) -> None:
        """Eight octets of a header and nothing more: closed after 30 s."""
        session, wire = self.bound()
        session.dataReceived(b"\0\0\0\x10\0\0\0\x15")
        self.advance(29.5)
        self.assertIsNone(wire.ended_at)
        self.advance(2)
        self.assertIsNotNone(wire.ended_at)
        self.assertEqual(self.relay.ledger.events["unfinished_PDU"], 1)


class AnswerTests(TestCase):
    """Single PDUs, octet for octet, over real sockets."""

    async def test_gw16_v23_is_answered_by_v24(self) -> None:
        """query_sm is not supported, and says so; what is unknown too; the session stays."""
        door = Door(self)
        client = await door.bound()
        client.send(V["V23"])
        self.assertEqual((await client.expect()).raw, V["V24"])
        client.send(V["V32"])
        answer = await client.expect(GENERIC_NACK)
        self.assertEqual((answer.command_status, answer.sequence_number), (0x03, 19))
        client.send(build.deliver_sm_resp(999) + V["V25"])
        self.assertEqual((await client.expect()).raw, V["V26"])

    async def test_oz15_v31_is_nacked_and_closed(self) -> None:
        """command_length 12: generic_nack 0x02, then the connection ends."""
        client = await Door(self).bound()
        client.send(V["V31"])
        answer = await client.expect(GENERIC_NACK)
        self.assertEqual(answer.command_status, 0x02)
        await client.closed()

    async def test_row_44_v34_when_not_bound(self) -> None:
        """unbind before a bind: unbind_resp 0x04 and a close; when bound V35."""
        door = Door(self)
        stranger = await door.client()
        stranger.send(V["V34"])
        answer = await stranger.expect(UNBIND_RESP)
        self.assertEqual((answer.command_status, answer.sequence_number), (0x04, 0x15))
        await stranger.closed()
        client = await door.bound()
        client.send(V["V34"])
        self.assertEqual((await client.expect()).raw, V["V35"])
        await client.closed()

    async def test_oz18_every_form_of_deliver_sm_resp(self) -> None:
        """16 octets, 17 octets, and one with an id in it: each is an answer."""
        door = Door(self)
        client = await door.bound()
        peer = (await door.relay.called("client_bound")).peer
        for count, body in enumerate((b"", b"\0", b"42\0"), 1):
            number = peer.session.window.open(count, door.ticker.clock.seconds())
            header = build.header(DELIVER_SM_RESP, 0, number)
            client.send((16 + len(body)).to_bytes(4, "big") + header[4:] + body)
            call = await door.relay.called("client_responses", count)
            self.assertEqual([token for token, _ in call.what], [count])

    async def test_sx09_gw09_gw10_sessions_by_kind(self) -> None:
        """TX and RX as two sessions, and a second receiver: three of one account at once."""
        door = Door(self)
        for command_id in (BIND_TRANSMITTER, BIND_RECEIVER, BIND_TRANSCEIVER):
            await door.bound(command_id)
        sessions = [peer.session for peer in door.relay.peers("client_bound")]
        self.assertEqual([one.can_receive for one in sessions], [False, True, True])
        self.assertEqual([one.can_submit for one in sessions], [True, False, True])

    async def test_oz14_sx19_fifty_submits_at_once(self) -> None:
        """Fifty unread answers: each submit_sm has its own, in any order (SX-20)."""
        door = Door(self)
        client = await door.bound()
        client.send(b"".join(build.submit_sm(number) for number in range(2, 52)))
        await door.relay.until(
            lambda: sum(len(one.what) for one in door.relay.of("client_requests")) == 50, "50"
        )
        peer = door.relay.peers("client_requests")[0]
        numbers = [pdu.sequence_number for one in door.relay.of("client_requests")
                   for pdu in one.what]  # fmt: skip
        peer.answer(
            b"".join(build.submit_sm_resp(n, b"%d" % n) for n in reversed(numbers)), 50
        )
        answers = await client.expect_many(50, SUBMIT_SM_RESP)
        self.assertEqual([pdu.sequence_number for pdu in answers], numbers[::-1])
        self.assertNotIn(SUBMIT_SM, [pdu.command_id for pdu in client.pdus])
        self.assertEqual((await client_enquires(client)).command_status, 0)

    async def test_mg24_password_with_a_blank(self) -> None:
        """The password is compared octet for octet: a trailing blank is another password."""
        door = Door(self)
        self.assertEqual(await door.status(PASSWORD + b" "), 0x0E)


async def client_enquires(client: Any) -> Any:
    """The answer to an enquire_link."""
    client.send(build.enquire_link(99))
    return await client.expect(ENQUIRE_LINK_RESP)
