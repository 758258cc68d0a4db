"""What a session does about faults of the peer, by their numbers."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Bind, read_message_id
from smppproxy.smpp.session import ESME, MAX_NACKS, MAX_UNEXPECTED, SMSC, Session
from smppproxy.smpp.timers import Timers
from smppproxy.smpp.window import LAST_SEQUENCE_NUMBER, Window
from tests.smpp.samples import facts, one, session_in, vectors
from tests.smpp.test_framing import FOREIGN

#: The states in which octets are read and a response may come.
READING = [(SMSC, "open"), (SMSC, "bound_trx"), (ESME, "bound_trx"), (ESME, "unbinding")]


class FrameFaultTests(SynchronousTestCase):
    """F01 to F09, F16: the stream and its commands."""

    def test_f03_lost_stream(self):
        """One generic_nack 0x02 with the number that was read, then close; nothing after it."""
        for role, state in READING:
            for length in range(16):
                session = session_in(role, state)
                bad = length.to_bytes(4, "big") + vectors()["V06"][4:]
                received = session.receive(vectors()["V25"] + bad + vectors()["V25"], 1.0)
                self.assertEqual(
                    facts(received.reply), [(c.ENQUIRE_LINK_RESP, 0, 18), (c.GENERIC_NACK, 2, 2)]
                )
                self.assertIn("command_length", received.close)
                self.assertEqual(session.state, "closed")
                self.assertEqual(session.receive(vectors()["V25"], 2.0).reply, b"")

    def test_f03_good_pdus_before_it_count(self):
        """A submit in the read that loses the stream is still handed on."""
        session = session_in(SMSC, "bound_trx")
        received = session.receive(vectors()["V06"] + vectors()["V31"], 1.0)
        self.assertEqual(len(received.requests), 1)
        self.assertEqual(facts(received.reply), [(c.GENERIC_NACK, 2, 0)])

    def test_f04_too_long(self):
        """Above 1,024 before a bind, above 70,000 after it: decided from four octets."""
        for role, state, length in (
            (SMSC, "open", 1025),
            (SMSC, "bound_trx", 70_001),
            (ESME, "open", 70_001),
            (SMSC, "open", 0xFFFFFFFF),
        ):
            session = session_in(role, state)
            received = session.receive(length.to_bytes(4, "big"), 1.0)
            self.assertEqual(facts(received.reply), [(c.GENERIC_NACK, 2, 0)])
            self.assertEqual(session.state, "closed")

    def test_f05_unfinished_pdu(self):
        """60 octets promised, 40 come, then silence: close after 30 s, without a nack."""
        session = session_in(SMSC, "bound_trx", Timers(enquire_link=0.0))
        session.receive(vectors()["V06"][:40], 1.0)
        session.receive(vectors()["V06"][40:45], 20.0)
        for second in range(1, 31):
            self.assertIsNone(session.tick(float(second)))
        ticked = session.tick(31.0)
        assert ticked is not None
        self.assertEqual((ticked.reply, ticked.close), (b"", "unfinished PDU"))

    def test_f05_each_pdu_has_its_own_time(self):
        """Reads that end within a PDU are no fault while PDUs become whole."""
        session = session_in(SMSC, "bound_trx", Timers(enquire_link=0.0))
        raw = vectors()["V06"]
        for second in range(0, 100, 10):
            session.receive(raw[20:] + raw[:20] if second else raw[:20], float(second))
            self.assertIsNone(session.tick(float(second)))
        session.receive(raw[20:], 100.0)
        self.assertIsNone(session.tick(140.0))

    def test_f06_length_smaller_than_the_body(self):
        """The cut PDU is handed on, its body is refused by who reads it; the rest is F03."""
        raw = vectors()["V06"]
        short = (len(raw) - 11).to_bytes(4, "big") + raw[4:]
        received = session_in(SMSC, "bound_trx").receive(short, 1.0)
        self.assertEqual(len(received.requests), 1)
        self.assertIn("command_length", received.close)

    def test_f07_unknown_request(self):
        """V32 is answered with V24's kind and its own number; the session stays."""
        session = session_in(SMSC, "bound_trx")
        received = session.receive(vectors()["V32"], 1.0)
        self.assertEqual(received.reply, build.generic_nack(0x03, 19))
        self.assertEqual(received.oddities, [("unsupported", 0x99)])
        self.assertEqual((received.close, session.state), ("", "bound_trx"))

    def test_f07_more_than_ten_a_minute(self):
        """The eleventh within a minute is answered, then the connection is closed."""
        for role in (SMSC, ESME):
            session = session_in(role, "bound_trx")
            received = session.receive(vectors()["V32"] * MAX_NACKS, 1.0)
            self.assertEqual(received.close, "")
            received = session.receive(vectors()["V32"] + vectors()["V25"], 2.0)
            self.assertEqual(facts(received.reply), [(c.GENERIC_NACK, 0x03, 19)])
            self.assertEqual(received.close, "too many unsupported requests")
            self.assertEqual(session.state, "closed")

    def test_f07_ten_each_minute_are_borne(self):
        """A minute later the count begins anew."""
        session = session_in(SMSC, "bound_trx")
        for minute in range(5):
            received = session.receive(vectors()["V32"] * MAX_NACKS, minute * 60.0 + 1.0)
            self.assertEqual(received.close, "")

    def test_f08_unknown_responses(self):
        """An unknown response and a generic_nack for nothing are counted, never answered."""
        for role, state in READING:
            session = session_in(role, state)
            data = build.header(0x80000099, 0, 5) + vectors()["V24"]
            received = session.receive(data, 1.0)
            self.assertEqual(received.reply, b"")
            self.assertEqual(
                received.oddities,
                [("unexpected_response", 0x80000099), ("unexpected_response", c.GENERIC_NACK)],
            )
            self.assertEqual(received.close, "")

    def test_f08_two_sessions_never_play_ping_pong(self):
        """What one side answers to an unknown command is not answered by the other."""
        client, provider = session_in(SMSC, "bound_trx"), session_in(ESME, "bound_trx")
        data = client.receive(vectors()["V32"], 1.0).reply
        self.assertEqual(provider.receive(data, 1.0).reply, b"")

    def test_f09_known_but_unsupported(self):
        """query, cancel, replace, submit_multi, data_sm and broadcasts of a client: 0x03, stay."""
        for command_id in (
            c.QUERY_SM,
            c.CANCEL_SM,
            c.REPLACE_SM,
            c.SUBMIT_MULTI,
            c.DATA_SM,
            c.BROADCAST_SM,
            c.QUERY_BROADCAST_SM,
            c.CANCEL_BROADCAST_SM,
        ):
            session = session_in(SMSC, "bound_trx")
            received = session.receive(build.header(command_id, 0, 7), 1.0)
            self.assertEqual(facts(received.reply), [(c.GENERIC_NACK, 0x03, 7)])
            self.assertEqual((received.close, session.state), ("", "bound_trx"))
        received = session_in(SMSC, "bound_trx").receive(vectors()["V23"], 1.0)
        self.assertEqual(facts(received.reply), [(c.GENERIC_NACK, 0x03, 17)])

    def test_f16_other_protocols(self):
        """HTTP, TLS, AMQP and SSH get one generic_nack, and the connection is closed."""
        for name, data in FOREIGN.items():
            session = Session(SMSC, Timers())
            received = session.receive(data, 0.0)
            self.assertEqual([fact[:2] for fact in facts(received.reply)], [(c.GENERIC_NACK, 2)])
            self.assertIn("command_length", received.close, name)
            self.assertEqual(session.receive(data, 0.0).reply, b"")

    def test_f20_status_in_a_request(self):
        """It is not used: the request is taken, and counted."""
        for role, command_id in ((SMSC, c.SUBMIT_SM), (ESME, c.DELIVER_SM), (ESME, c.DATA_SM)):
            session = session_in(role, "bound_trx")
            received = session.receive(build.header(command_id, 0x45, 7), 1.0)
            self.assertEqual(len(received.requests), 1)
            self.assertEqual(received.oddities, [("request_status", command_id)])
            self.assertEqual(received.requests[0].resequenced(9), build.header(command_id, 0, 9))

    def test_f21_answers_with_and_without_a_body(self):
        """An answer closes its window whatever its body is."""
        for body in (b"", b"\0", b"123", b"123\0", b"\0" * 9):
            for role, command_id in ((ESME, c.SUBMIT_SM_RESP), (SMSC, c.DELIVER_SM_RESP)):
                for status in (0, 0x0A):
                    session = session_in(role, "bound_trx")
                    number = session.window.open("it", 1.0)
                    raw = build.header(command_id, status, number) + body
                    received = session.receive(len(raw).to_bytes(4, "big") + raw[4:], 2.0)
                    ((token, answer),) = received.responses
                    self.assertEqual(token, "it")
                    self.assertIn(read_message_id(answer), (b"", b"123"))


class StateFaultTests(SynchronousTestCase):
    """F24 to F35: who may send what, and when."""

    def test_f24_no_bind_in_time(self):
        """10 s after the connection it is closed without a PDU."""
        for role in (SMSC, ESME):
            session = session_in(role, "open")
            self.assertIsNone(session.tick(9.9))
            ticked = session.tick(10.0)
            assert ticked is not None
            self.assertEqual((ticked.reply, ticked.close), (b"", "no bind in time"))
            self.assertEqual(session.state, "closed")

    def test_f25_a_bind_octet_by_octet(self):
        """Octets do not reset the session-init time."""
        session = session_in(SMSC, "open")
        for second, octet in enumerate(vectors()["V01"][:10]):
            session.receive(bytes([octet]), float(second))
            self.assertIsNone(session.tick(float(second)))
        self.assertIsNotNone(session.tick(10.0))

    def test_f26_submit_before_the_bind(self):
        """It gets its own answer with 0x04; the session stays (OZ-01) and may bind."""
        session = session_in(SMSC, "open")
        received = session.receive(vectors()["V06"] + vectors()["V01"], 1.0)
        self.assertEqual(received.reply, build.refusal(c.SUBMIT_SM, 2, 0x04))
        self.assertEqual(received.oddities, [("wrong_state", c.SUBMIT_SM)])
        self.assertIsNotNone(received.bind)
        self.assertEqual(received.close, "")

    def test_f27_submit_on_a_receiver(self):
        """SX-10: its own answer with 0x04, 16 octets, the session stays."""
        session = session_in(SMSC, "bound_rx")
        received = session.receive(vectors()["V06"], 1.0)
        self.assertEqual(received.reply, build.refusal(c.SUBMIT_SM, 2, 0x04))
        self.assertEqual((received.close, session.state), ("", "bound_rx"))

    def test_f27_deliver_sm_from_a_client(self):
        """Its own answer with 0x04 in every bound state."""
        for state in ("bound_tx", "bound_rx", "bound_trx"):
            session = session_in(SMSC, state)
            received = session.receive(vectors()["V30"], 1.0)
            self.assertEqual(received.reply, build.refusal(c.DELIVER_SM, 8, 0x04))
            self.assertEqual((received.close, session.state), ("", state))

    def test_f28_second_bind(self):
        """Each kind gets its own answer with 0x05 and a body; the first bind stays."""
        for command_id in c.BINDS:
            session = session_in(SMSC, "bound_tx")
            received = session.receive(build.bind(command_id, 9, Bind(b"other")), 1.0)
            self.assertEqual(facts(received.reply), [(command_id | c.RESPONSE, 0x05, 9)])
            self.assertEqual(one(received.reply).raw[16:], b"smppproxy\0")
            self.assertIsNone(received.bind)
            self.assertEqual((received.close, session.state), ("", "bound_tx"))

    def test_f29_enquire_link_before_the_bind(self):
        """Answered OK; the session-init time goes on."""
        session = session_in(SMSC, "open")
        received = session.receive(vectors()["V25"], 9.0)
        self.assertEqual((received.reply, received.close), (vectors()["V26"], ""))
        self.assertIsNotNone(session.tick(10.0))

    def test_f30_unbind_of_the_peer(self):
        """It is handed to the wire, not answered; answers to what is in flight still come in."""
        session = session_in(ESME, "bound_trx")
        number = session.window.open("in flight", 1.0)
        received = session.receive(
            vectors()["V06"] + vectors()["V34"] + build.submit_sm_resp(number, b"1"), 2.0
        )
        assert received.unbind is not None
        self.assertEqual(received.unbind.raw, vectors()["V34"])
        self.assertEqual([token for token, _ in received.responses], ["in flight"])
        self.assertEqual((session.state, session.can_submit), ("unbinding", False))
        self.assertIsNone(session.tick(30.0))
        self.assertEqual(session.unbind(3.0), b"")

    def test_f30_new_submits_while_unbinding(self):
        """0x08: not taken, and the client may send them again elsewhere."""
        session = session_in(SMSC, "unbinding")
        received = session.receive(vectors()["V06"], 1.0)
        self.assertEqual(received.reply, build.refusal(c.SUBMIT_SM, 2, 0x08))

    def test_refusals_as_the_account_wants_them(self):
        """What a bound session answers by itself is as its account's ``errors`` have it."""
        errors = {
            "command_length": 0x71,
            "command_id": 0x72,
            "already_bound": 0x73,
            "bind_state": 0x74,
            "unbinding": 0x75,
            "not_bound": 0x76,
        }
        told = []
        for state, octets in (
            ("bound_rx", bytes(16)),
            ("bound_rx", (16).to_bytes(4, "big") + bytes((0, 0, 0, 0x99)) + bytes(8)),
            ("bound_rx", build.bind(c.BIND_RECEIVER, 9, Bind(b"other"))),
            ("bound_rx", vectors()["V06"]),
            ("unbinding", vectors()["V06"]),
            ("open", vectors()["V34"]),
        ):
            session = session_in(SMSC, state)
            session.errors = errors
            told += [status for _, status, _ in facts(session.receive(octets, 1.0).reply)]
        self.assertEqual(told, [*errors.values()])

    def test_f30_receipts_while_unbinding(self):
        """A provider's deliver_sm is still taken: refused, it might be lost."""
        session = session_in(ESME, "unbinding")
        self.assertEqual(len(session.receive(vectors()["V27"], 1.0).requests), 1)

    def test_f30_unbind_twice(self):
        """The second one is counted; the wire answers the first."""
        session = session_in(SMSC, "bound_trx")
        received = session.receive(vectors()["V34"] * 2, 1.0)
        self.assertIsNotNone(received.unbind)
        self.assertEqual((received.reply, received.oddities), (b"", [("second_unbind", c.UNBIND)]))

    def test_f30_unbinds_that_cross(self):
        """Both sides want to go: theirs is answered at once, ours still waits for its answer."""
        session = session_in(SMSC, "unbinding")
        received = session.receive(vectors()["V34"], 1.0)
        self.assertEqual((received.reply, received.unbind), (vectors()["V35"], None))
        ticked = session.tick(2.0)
        assert ticked is not None
        self.assertEqual(ticked.close, "unbind not answered")

    def test_f31_unbind_without_an_answer(self):
        """Close 2 s after our unbind."""
        for role in (SMSC, ESME):
            session = session_in(role, "bound_trx")
            self.assertEqual(facts(session.unbind(10.0))[0][0], c.UNBIND)
            self.assertIsNone(session.tick(11.9))
            ticked = session.tick(12.0)
            assert ticked is not None
            self.assertEqual(ticked.close, "unbind not answered")

    def test_f31_unbind_with_an_answer(self):
        """unbound, and a reason to close; the 2 s no longer run. A second answer is an oddity."""
        session = session_in(ESME, "unbinding")
        received = session.receive(build.unbind_resp(2), 1.0)
        self.assertTrue(received.unbound)
        self.assertEqual(received.close, "unbound")
        self.assertIsNone(session.tick(5.0))
        received = session.receive(build.unbind_resp(2), 1.0)
        self.assertFalse(received.unbound)
        self.assertEqual(received.oddities, [("unexpected_response", c.UNBIND_RESP)])

    def test_f31_not_bound(self):
        """There is nothing to unbind before a bind or after the end."""
        for state in ("open", "binding", "closed"):
            session = session_in(SMSC, state)
            self.assertEqual((session.unbind(1.0), session.state), (b"", state))

    def test_unbind_before_the_bind(self):
        """unbind_resp 0x04, then close."""
        for role, state in ((SMSC, "open"), (ESME, "open"), (ESME, "binding")):
            session = session_in(role, state)
            received = session.receive(vectors()["V34"], 1.0)
            self.assertEqual(facts(received.reply), [(c.UNBIND_RESP, 0x04, 21)])
            self.assertEqual(received.close, "unbind before bind")

    def test_f32_outbind_and_alert_notification(self):
        """Ignored and counted in every state, whoever sends them."""
        for role, state in [*READING, (ESME, "open"), (ESME, "binding")]:
            for command_id in c.UNANSWERED:
                session = session_in(role, state)
                received = session.receive(build.header(command_id, 0, 7), 1.0)
                self.assertEqual((received.reply, received.close), (b"", ""))
                self.assertEqual(received.oddities, [("notification", command_id)])
                self.assertEqual(session.state, state)

    def test_f33_same_number_pending_twice(self):
        """Both requests are handed on; towards a provider each gets a number of ours."""
        received = session_in(SMSC, "bound_trx").receive(vectors()["V06"] * 2, 1.0)
        window = Window(10)
        numbers = [window.open(request, 1.0) for request in received.requests]
        self.assertEqual(numbers, [1, 2])
        self.assertIsNot(window.close(1), window.close(2))

    def test_f34_extreme_numbers_of_a_client(self):
        """0 and everything above our range are echoed as they came."""
        for number in (0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            session = session_in(SMSC, "bound_trx")
            received = session.receive(build.submit_sm(number) + build.enquire_link(number), 1.0)
            self.assertEqual(received.requests[0].sequence_number, number)
            self.assertEqual(received.reply, build.enquire_link_resp(number))

    def test_f34_our_own_wrap(self):
        """After 0x7ffffffe comes 1, and answers find their requests across it."""
        session = session_in(ESME, "bound_trx")
        session.window._next = LAST_SEQUENCE_NUMBER
        numbers = [session.window.open(token, 1.0) for token in "ab"]
        self.assertEqual(numbers, [LAST_SEQUENCE_NUMBER, 1])
        data = b"".join(build.submit_sm_resp(number, b"1") for number in numbers)
        received = session.receive(data, 2.0)
        self.assertEqual([token for token, _ in received.responses], ["a", "b"])

    def test_f35_answer_for_nothing_and_second_answer(self):
        """Counted and dropped."""
        session = session_in(ESME, "bound_trx")
        number = session.window.open("it", 1.0)
        received = session.receive(build.submit_sm_resp(number, b"1") * 2, 2.0)
        self.assertEqual(len(received.responses), 1)
        self.assertEqual(received.oddities, [("unexpected_response", c.SUBMIT_SM_RESP)])

    def test_f35_answer_of_a_wrong_kind(self):
        """The request goes on waiting, for the answer of its own kind."""
        for wrong in (c.DELIVER_SM_RESP, c.ENQUIRE_LINK_RESP, c.DATA_SM_RESP, c.UNBIND_RESP):
            session = session_in(ESME, "bound_trx")
            number = session.window.open("it", 1.0)
            received = session.receive(build.header(wrong, 0, number), 2.0)
            self.assertEqual((received.responses, len(session.window)), ([], 1))
            self.assertEqual(received.oddities, [("unexpected_response", wrong)])
            received = session.receive(build.submit_sm_resp(number, b"1"), 3.0)
            self.assertEqual([token for token, _ in received.responses], ["it"])

    def test_f35_more_than_a_hundred_a_minute(self):
        """The hundred-and-first answer to nothing within a minute closes the connection."""
        for role in (SMSC, ESME):
            session = session_in(role, "bound_trx")
            received = session.receive(vectors()["V24"] * MAX_UNEXPECTED, 1.0)
            self.assertEqual((received.close, received.reply), ("", b""))
            received = session.receive(vectors()["V24"], 2.0)
            self.assertEqual(received.close, "too many answers to nothing")
            self.assertEqual(session.state, "closed")

    def test_f40_enquire_link_without_an_answer(self):
        """Asked after 30 s of silence, closed 10 s later, either role."""
        for role in (SMSC, ESME):
            session = session_in(role, "bound_trx")
            asked = [(second, session.tick(float(second))) for second in range(41)]
            ((first, enquiry), (last, end)) = [(when, what) for when, what in asked if what]
            assert enquiry is not None and end is not None
            self.assertEqual((first, facts(enquiry.reply)[0][0]), (30, c.ENQUIRE_LINK))
            self.assertEqual((last, end.close), (40, "enquire_link not answered"))

    def test_f40_enquire_link_answered(self):
        """An answer, a generic_nack or any other PDU keeps the session for 30 s more."""
        for role in (SMSC, ESME):
            for kind in ("answer", "nack", "traffic"):
                session = session_in(role, "bound_trx")
                ticked = session.tick(30.0)
                assert ticked is not None
                number = one(ticked.reply).sequence_number
                data = {
                    "answer": build.enquire_link_resp(number),
                    "nack": build.generic_nack(0x03, number),
                    "traffic": build.enquire_link(7),
                }[kind]
                received = session.receive(data, 35.0)
                self.assertEqual(received.oddities, [])
                self.assertIsNone(session.tick(45.0))
                ticked = session.tick(65.0)
                assert ticked is not None
                self.assertEqual(facts(ticked.reply)[0][0], c.ENQUIRE_LINK)

    def test_f40_an_answer_to_no_enquiry(self):
        """It is counted like any answer to nothing."""
        session = session_in(SMSC, "bound_trx")
        received = session.receive(vectors()["V26"], 1.0)
        self.assertEqual(received.oddities, [("unexpected_response", c.ENQUIRE_LINK_RESP)])
