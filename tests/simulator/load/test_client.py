"""The clients of a load test in memory: what they send, and what they find wrong."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.simulator.load import plan
from smppproxy.simulator.load.board import LOST, OK, REFUSED, Board
from smppproxy.simulator.load.client import Clients, Session
from smppproxy.simulator.load.plan import LoadOptions, Share
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import read_message
from tests.simulator.load.written import pdus


class ClientCase(SynchronousTestCase):
    """Clients that are bound, and the answers that a test gives."""

    def start(
        self, share: Share | None = None, bound: bool = True, **options: Any
    ) -> Clients:
        """Clients at the moment 100.0."""
        options.setdefault("count", 10)
        options.setdefault("window", 4)
        options.setdefault("first", 99_999_999)
        self.options = LoadOptions(**options)
        self.board = Board(self.options.size)
        self.addCleanup(self.board.close)
        self.clients = Clients(self.options, share or Share(), self.board)
        for session in self.clients.sessions if bound else ():
            self.clients.opened(session, 100.0)
            (request,) = pdus(session)
            self.assertEqual(request.command_id, c.BIND_TRANSCEIVER)
            self.clients.received(session, build.bind_resp(c.BIND_TRANSCEIVER, 0, 1, b"x"), 100.0)
        return self.clients

    def answer(self, session: Session, sequence: int, message_id: bytes, now: float) -> None:
        """An OK."""
        self.clients.received(session, build.submit_sm_resp(sequence, message_id), now)

    def receipt(
        self, session: Session, address: bytes, message_id: bytes, now: float = 101.0,
        esm_class: int = c.ESM_RECEIPT,
    ) -> None:  # fmt: skip
        """The receipt of a message."""
        text = b"id:%b sub:001 dlvrd:001 stat:DELIVRD err:000 text:" % message_id
        raw = build.deliver_sm(
            9, source_addr=address, destination_addr=b"us", esm_class=esm_class, short_message=text
        )
        self.clients.received(session, raw, now)


class SubmitTests(ClientCase):
    """What is sent, and when."""

    def test_window(self) -> None:
        """As fast as it goes: each session fills its window, an answer makes room."""
        clients = self.start(Share(binds=2))
        clients.go(100.0)
        written = clients.fill(100.0)
        self.assertEqual([len(pdus(each)) for each in written], [4, 4])
        self.assertEqual(clients.fill(100.0), [])
        self.answer(clients.sessions[0], 3, b"a", 100.5)
        self.assertEqual(clients.fill(100.5), [clients.sessions[0]])
        self.assertEqual(clients.unanswered, 8)
        self.assertEqual(round(clients.responses.quantile(1.0)), 500)
        self.assertEqual(clients.due(100.5), float("inf"))

    def test_numbers(self) -> None:
        """Numbers are apart in each process, go on from 99999999 with 0, and end at the count."""
        clients = self.start(Share(1, 2), count=5, window=50, prefixes=[b"45", b"46"])
        clients.go(100.0)
        (session,) = clients.fill(100.0)
        found = [read_message(pdu).destination_addr for pdu in pdus(session)]
        self.assertEqual(found, [b"4600000000", b"4600000002"])
        self.assertEqual(clients.fill(100.0), [])
        self.assertTrue(clients.over)

    def test_rate(self) -> None:
        """At a rate a message is due at its place; what waits for room is late from then on."""
        clients = self.start(rate=10.0, window=2)
        clients.go(100.0)
        (session,) = clients.fill(100.0)
        self.assertEqual(len(pdus(session)), 1)
        self.assertEqual(round(clients.due(100.0), 6), 0.1)
        clients.fill(100.75)
        self.assertEqual(len(session.window), 2)
        self.answer(session, 2, b"a", 101.0)
        self.answer(session, 3, b"b", 101.0)
        clients.fill(101.0)
        self.answer(session, 4, b"c", 101.0)
        # Due at 100.0, 100.1 and 100.2.
        self.assertEqual(round(clients.responses.most / 1e6, 4), 1.0)
        self.assertEqual(clients.board.due[2], 100.2)

    def test_seconds(self) -> None:
        """After its time it submits nothing more, and says so."""
        clients = self.start(count=0, seconds=1.0, rate=1.0)
        clients.go(100.0)
        clients.fill(100.0)
        self.assertEqual(clients.fill(101.0), [])
        self.assertTrue(clients.over)

    def test_late_at_the_end(self) -> None:
        """A turn that comes late still sends what was due before the end, and no more."""
        clients = self.start(count=0, seconds=1.0, rate=3.0)
        clients.go(100.0)
        (session,) = clients.fill(105.0)
        self.assertEqual(len(pdus(session)), 3)
        self.assertEqual(clients.board.due[2], 100.0 + 2 / 3)
        self.assertEqual(clients.fill(106.0), [])

    def test_long_text(self) -> None:
        """More than 254 octets go in message_payload."""
        clients = self.start(text=b"x" * 300, data_coding=4, receipts=False)
        clients.go(100.0)
        (session,) = clients.fill(100.0)
        message = read_message(pdus(session)[0])
        self.assertEqual((message.tlv(c.TLV_MESSAGE_PAYLOAD), message.short_message),
                         (b"x" * 300, b""))  # fmt: skip
        self.assertEqual((message.registered_delivery, message.data_coding), (0, 4))

    def test_sequence_numbers_wrap(self) -> None:
        """1 to 0x7ffffffe, and again."""
        clients = self.start()
        (session,) = clients.sessions
        session.sequence = 0x7FFFFFFD
        clients.go(100.0)
        clients.fill(100.0)
        self.assertEqual([pdu.sequence_number for pdu in pdus(session)],
                         [0x7FFFFFFD, 0x7FFFFFFE, 1, 2])  # fmt: skip
        session.sequence = 0x7FFFFFFE
        session.next_sequence()
        self.assertEqual(session.sequence, 1)


class FaultTests(ClientCase):
    """What is wrong is found, and what is not is not."""

    def setUp(self) -> None:
        clients = self.start(Share(binds=2), first=0)
        clients.go(100.0)
        clients.fill(100.0)
        self.one, self.other = clients.sessions
        self.first = [read_message(pdu).destination_addr for pdu in pdus(self.one)][0]
        self.other.out.clear()

    def test_good(self) -> None:
        """An answer and its receipt, by whichever session; the receipt is answered."""
        self.answer(self.one, 2, b"77", 100.5)
        self.receipt(self.other, self.first, b"77")
        (answer,) = pdus(self.other)
        self.assertEqual((answer.command_id, answer.sequence_number), (c.DELIVER_SM_RESP, 9))
        counts = self.clients.counts
        self.assertEqual((counts.accepted, counts.receipts), (1, 1))
        self.assertEqual((self.board.answers[0], self.board.receipts[0]), (OK, 1))
        self.assertEqual(self.board.ids[0], crc32(b"77"))
        responses, deliveries = self.clients.interval()
        self.assertEqual((len(responses), len(deliveries)), (1, 1))
        self.assertEqual(len(self.clients.interval()[0]), 0)

    def test_twice(self) -> None:
        """The second one is counted beside the first."""
        self.answer(self.one, 2, b"77", 100.5)
        self.receipt(self.one, self.first, b"77")
        self.receipt(self.one, self.first, b"77")
        self.assertEqual((self.clients.counts.receipts, self.board.receipts[0]), (2, 2))
        self.assertEqual(len(self.clients.deliveries), 1)

    def test_before_its_answer(self) -> None:
        """On its own session that is a fault, on another one nobody can promise the order."""
        self.receipt(self.one, self.first, b"77")
        self.receipt(self.other, self.first, b"77")
        counts = self.clients.counts
        self.assertEqual((counts.early, counts.crossed), (1, 1))
        self.answer(self.one, 2, b"77", 101.0)
        self.clients.settle()
        self.assertEqual(counts.misplaced, 0)

    def test_in_one_read(self) -> None:
        """The answer stands before its receipt in the same read: no fault; the other way it is."""
        answer = build.submit_sm_resp(2, b"77")
        raw = build.deliver_sm(
            9, source_addr=self.first, destination_addr=b"us", esm_class=4,
            short_message=b"id:77 stat:DELIVRD",
        )  # fmt: skip
        self.clients.received(self.one, answer + raw, 101.0)
        self.assertEqual((self.clients.counts.early, self.clients.counts.receipts), (0, 1))

    def test_other_id(self) -> None:
        """A receipt with another message's id is misplaced, early or late."""
        self.answer(self.one, 2, b"77", 100.5)
        self.receipt(self.one, self.first, b"78")
        self.assertEqual(self.clients.counts.misplaced, 1)
        second = b"46701" + b"00000001"
        self.receipt(self.other, second, b"99")
        self.answer(self.one, 3, b"100", 101.0)
        self.clients.settle()
        self.assertEqual(self.clients.counts.misplaced, 2)

    def test_stale(self) -> None:
        """Numbers that were not sent by this test are another one's."""
        for address in (b"4670150000000", b"4670100000009", b"Acme", b""):
            self.receipt(self.one, address, b"1")
        self.assertEqual(self.clients.counts.stale, 4)

    def test_others(self) -> None:
        """MO messages and notifications are counted and answered, what is broken is told."""
        self.receipt(self.one, b"123", b"x", esm_class=0)
        self.receipt(self.one, self.first, b"x", esm_class=c.ESM_INTERMEDIATE)
        self.clients.received(self.one, build.header(c.DELIVER_SM, 0, 10), 101.0)
        counts = self.clients.counts
        self.assertEqual((counts.mo, counts.intermediate, counts.unreadable), (1, 1, 1))
        self.assertEqual(len(pdus(self.one)), 3)

    def test_refused(self) -> None:
        """By its own kind or by generic_nack; answers to nothing are counted."""
        self.clients.received(self.one, build.refusal(c.SUBMIT_SM, 2, 0x58), 101.0)
        self.clients.received(self.one, build.generic_nack(0x03, 3), 101.0)
        self.clients.received(self.one, build.generic_nack(0x03, 77), 101.0)
        self.answer(self.one, 78, b"x", 101.0)
        self.clients.received(self.one, build.header(c.QUERY_SM, 0, 1), 101.0)
        counts = self.clients.counts
        self.assertEqual((counts.refused, counts.unexpected), (2, 3))
        self.assertEqual(self.clients.totals()["statuses"], {0x58: 1, 0x03: 1})
        self.assertEqual(self.board.answers[0], REFUSED)

    def test_session_lost(self) -> None:
        """What it had not answered is lost."""
        self.clients.closed(self.one)
        counts = self.clients.counts
        self.assertEqual((counts.lost, counts.sessions_lost, self.clients.bound), (4, 1, 1))
        self.assertEqual([self.board.answers[n] for n in range(4)], [LOST] * 4)
        self.clients.stop()
        self.assertEqual(self.clients.unanswered, 4)


class SessionTests(ClientCase):
    """Binds, silence, ends."""

    def test_refused_bind(self) -> None:
        """Its status is kept, and the connection closed."""
        clients = self.start(bound=False)
        (session,) = clients.sessions
        clients.opened(session, 100.0)
        answer = build.bind_resp(c.BIND_TRANSCEIVER, c.ESME_RINVPASWD, 1, b"x")
        clients.received(session, answer, 100.0)
        self.assertEqual((session.refused, session.closing), (c.ESME_RINVPASWD, True))

    def test_enquire_link(self) -> None:
        """It answers, and asks a silent server; one that stays silent is left."""
        clients = self.start()
        (session,) = clients.sessions
        clients.received(session, build.enquire_link(5), 100.0)
        self.assertEqual(pdus(session)[0].command_id, c.ENQUIRE_LINK_RESP)
        clients.tick(131.0)
        clients.tick(132.0)
        self.assertEqual([pdu.command_id for pdu in pdus(session)], [c.ENQUIRE_LINK])
        clients.received(session, build.enquire_link_resp(2), 132.0)
        clients.tick(163.0)
        clients.tick(173.0)
        self.assertTrue(session.closing)
        self.assertEqual(clients.counts.sessions_lost, 1)

    def test_unbind(self) -> None:
        """Theirs is answered, ours ends the session; unbound ones are left alone."""
        clients = self.start(Share(binds=2))
        one, other = clients.sessions
        clients.received(one, build.unbind(5), 100.0)
        self.assertEqual((pdus(one)[0].command_id, one.closing), (c.UNBIND_RESP, True))
        clients.leave()
        self.assertEqual([pdu.command_id for pdu in pdus(other)], [c.UNBIND])
        self.assertEqual(one.out, [])
        clients.received(other, build.unbind_resp(2), 100.0)
        self.assertTrue(other.closing)
        clients.closed(other)
        self.assertEqual(clients.counts.sessions_lost, 1)
        clients.tick(500.0)

    def test_lost_stream(self) -> None:
        """A length that cannot be: the session is closed."""
        clients = self.start()
        (session,) = clients.sessions
        clients.received(session, b"\0\0\0\1" * 4, 100.0)
        self.assertEqual((session.closing, clients.counts.unreadable), (True, 1))

    def test_a_session_that_closes_gets_nothing(self) -> None:
        """Its place among the ready ones is passed over."""
        clients = self.start(Share(binds=2))
        clients.sessions[0].closing = True
        clients.go(100.0)
        self.assertEqual(clients.fill(100.0), [clients.sessions[1]])


class PlanTests(SynchronousTestCase):
    """Options and shares."""

    def test_shares(self) -> None:
        """Binds are spread, never more processes than binds."""
        made = plan.shares(LoadOptions(binds=5, count=100), 3)
        self.assertEqual([(each.place, each.binds, each.first_session) for each in made],
                         [(0, 2, 0), (1, 2, 2), (2, 1, 4)])  # fmt: skip
        self.assertEqual(len(plan.shares(LoadOptions(binds=2, count=100), 8)), 2)
        self.assertEqual(len(plan.shares(LoadOptions(binds=2, count=1), 8)), 1)

    def test_told(self) -> None:
        """Options survive the way to another process."""
        options = LoadOptions(password=b"p\xe9", prefixes=[b"45"], text=bytes(range(256)), count=3)
        share = Share(1, 2, 3, 4)
        self.assertEqual(plan.read(plan.told(options, share)), (options, share))
        self.assertNotIn("p\xe9", repr(options))

    def test_encode(self) -> None:
        """Texts by their data_coding; what has no place is refused."""
        self.assertEqual(plan.encode("\u20ac", 0), b"\x1be")
        self.assertEqual(plan.encode("\u20ac", 8), b"\x20\xac")
        self.assertRaises(ValueError, plan.encode, "\u20ac", 3)
        self.assertRaises(ValueError, plan.encode, "x", 4)

    def test_check(self) -> None:
        """What cannot be is told."""
        self.assertEqual(plan.check(LoadOptions(count=5)), "")
        for options, part in (
            (LoadOptions(), "--count MESSAGES or --for"),
            (LoadOptions(count=10**8 + 1), "at most 100000000"),
            (LoadOptions(count=1, prefixes=[b"1" * 13]), "at most 12 digits"),
            (LoadOptions(count=1, prefixes=[b"x"]), "digits only"),
            (LoadOptions(count=1, text=b"x" * 70_000), "longer than 65,535"),
        ):
            self.assertIn(part, plan.check(options))

    def test_scheduled(self) -> None:
        """As many as are due before the end; without a rate there is no schedule."""
        self.assertEqual(LoadOptions(count=7).scheduled, 0)
        self.assertEqual(LoadOptions(count=7, rate=3.0).scheduled, 7)
        self.assertEqual(LoadOptions(seconds=2.0, rate=3.0).scheduled, 6)
        self.assertEqual(LoadOptions(count=5, seconds=2.0, rate=3.0).scheduled, 5)

    def test_size(self) -> None:
        """As many as are counted, as a rate makes in its time, or fifty million."""
        self.assertEqual(LoadOptions(count=7).size, 7)
        self.assertEqual(LoadOptions(rate=10, seconds=5).size, 51)
        self.assertEqual(LoadOptions(seconds=5).size, plan.UNCOUNTED)


class BindTests(ClientCase):
    """Transmitters and receivers instead of transceivers."""

    def pair(self, **options: Any) -> tuple[Session, Session]:
        """One bind of two sessions, both bound."""
        clients = self.start(bound=False, bind="transmitter+receiver", **options)
        for session in clients.sessions:
            clients.opened(session, 100.0)
            (request,) = pdus(session)
            self.assertEqual(request.command_id, session.bind)
            clients.received(session, build.bind_resp(session.bind, 0, 1, b"x"), 100.0)
        one, other = clients.sessions
        self.assertEqual((one.bind, other.bind), (c.BIND_TRANSMITTER, c.BIND_RECEIVER))
        return one, other

    def test_only_transmitters_submit(self) -> None:
        """A receiver gets no submit_sm; what it takes belongs to the transmitter's messages."""
        transmitter, receiver = self.pair()
        self.clients.go(100.0)
        self.assertEqual(self.clients.fill(100.0), [transmitter])
        sent = [read_message(pdu).destination_addr for pdu in pdus(transmitter)]
        self.answer(transmitter, 2, b"a", 100.5)
        self.receipt(receiver, sent[0], b"a")
        (ack,) = pdus(receiver)
        self.assertEqual(ack.command_id, c.DELIVER_SM_RESP)
        self.assertEqual(self.clients.fill(101.0), [transmitter])
        self.assertEqual((self.clients.counts.receipts, self.clients.counts.misplaced), (1, 0))
        self.assertEqual(self.clients.totals()["of_a_bind"], (1, 1))

    def test_a_receipt_before_the_answer(self) -> None:
        """On two sessions nobody can promise an order: it is counted, and no fault."""
        transmitter, receiver = self.pair()
        self.clients.go(100.0)
        self.clients.fill(100.0)
        sent = [read_message(pdu).destination_addr for pdu in pdus(transmitter)]
        self.receipt(receiver, sent[0], b"a")
        self.answer(transmitter, 2, b"a", 100.5)
        self.clients.settle()
        counts = self.clients.counts
        self.assertEqual((counts.crossed, counts.early, counts.misplaced), (1, 0, 0))

    def test_sessions_of_all_processes(self) -> None:
        """Each bind has two; numbers of sessions are apart in each process."""
        options = LoadOptions(bind="transmitter+receiver", binds=3, count=10)
        self.assertEqual(options.sessions, 6)
        self.assertEqual([each.first_session for each in plan.shares(options, 2)], [0, 4])

    def test_a_transmitter_alone(self) -> None:
        """It gets no receipts, so nobody may wait for any."""
        options = LoadOptions(bind="transmitter", count=1)
        self.assertIn("--no-receipts", plan.check(options))
        options.receipts = False
        self.assertEqual(plan.check(options), "")
