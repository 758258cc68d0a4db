"""What a PDU means in each state: every cell of the table, the life of a session, its hot path."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import Bind, Message, read_bind
from smppproxy.smpp.session import (
    BOUND_STATES,
    ESME,
    MAX_HELD,
    SMSC,
    STATES,
    TABLE,
    Received,
    Session,
)
from smppproxy.smpp.timers import Timers
from tests.smpp.samples import binds, bounded, cut, facts, one, session_in, vectors

#: Every command_id there is a name for, and some that there is none for.
COMMANDS = [*c.COMMAND_NAMES, 0x99, 0x7FFFFFFF, 0x80000099, 0xFFFFFFFF]
CELLS = [
    (role, state, command) for role in (SMSC, ESME) for state in STATES for command in COMMANDS
]
NUMBER = 0x4D2


def pdu(command_id: int) -> bytes:
    """A PDU of this kind, with a body where its kind is read further."""
    if command_id in c.BINDS:
        return build.bind(command_id, NUMBER, Bind(b"esme01", b"secret08"))
    if command_id in (c.SUBMIT_SM, c.DELIVER_SM):
        return build.message(command_id, NUMBER, Message())
    return build.header(command_id, 0, NUMBER)


def taken(received: Received) -> bool:
    """Whether the journeys or the wire got anything."""
    return bool(
        received.bind
        or received.bind_resp
        or received.requests
        or received.responses
        or received.late
        or received.unbind
        or received.unbound
    )


class TableTests(SynchronousTestCase):
    """One PDU of each kind in each state of each role: 14 states, 37 kinds."""

    def read(self, role: str, state: str, command_id: int) -> tuple[Session, Received]:
        """A session in that state after one read of that PDU."""
        session = session_in(role, state)
        self.assertEqual(session.state, state)
        return session, session.receive(pdu(command_id), 1.0)

    def test_every_state_of_both_roles_is_in_it(self):
        """No cell is missing, none is too many."""
        self.assertEqual(set(TABLE), {(role, state) for role in (SMSC, ESME) for state in STATES})

    def test_what_is_not_in_the_table_reaches_nobody(self):
        """It changes neither the journeys' lists nor, unbind before a bind apart, the state."""
        for role, state, command_id in CELLS:
            if command_id in TABLE[role, state]:
                continue
            session, received = self.read(role, state, command_id)
            cell = f"{role} {state} {c.command_name(command_id)}"
            self.assertFalse(taken(received), cell)
            ends = (
                command_id == c.UNBIND and state in ("open", "binding") and session.state != state
            )
            self.assertEqual(bool(received.close), ends, cell)
            if not ends:
                self.assertEqual(session.state, state, cell)

    def test_what_is_in_the_table_is_never_refused(self):
        """Nothing in it gets an error."""
        for role, state, command_id in CELLS:
            if command_id not in TABLE[role, state]:
                continue
            _, received = self.read(role, state, command_id)
            cell = f"{role} {state} {c.command_name(command_id)}"
            self.assertFalse(any(status for _, status, _ in facts(received.reply)), cell)
            self.assertEqual(received.close, "unbound" if received.unbound else "", cell)

    def test_requests_of_the_table_reach_the_journeys(self):
        """submit_sm from clients, deliver_sm and data_sm from providers, as they came."""
        for role, state, command_id in CELLS:
            if command_id not in TABLE[role, state] or command_id not in (4, 5, 0x103):
                continue
            _, received = self.read(role, state, command_id)
            self.assertEqual([found.raw for found in received.requests], [pdu(command_id)])
            self.assertEqual((received.reply, received.oddities), (b"", []))

    def test_responses_are_never_answered(self):
        """Not one of them, in no state: no ping-pong."""
        for role, state, command_id in CELLS:
            if command_id & c.RESPONSE or command_id in c.UNANSWERED:
                self.assertEqual(self.read(role, state, command_id)[1].reply, b"")

    def test_requests_outside_the_table_get_the_right_refusal(self):
        """Their own kind where it is known, else a generic_nack, always with their number."""
        for role, state, command_id in CELLS:
            if command_id & c.RESPONSE or command_id in c.UNANSWERED:
                continue
            if command_id in TABLE[role, state] or state == "closed":
                continue
            if (role, state) == (SMSC, "binding"):
                continue
            _, received = self.read(role, state, command_id)
            cell = f"{role} {state} {c.command_name(command_id)}"
            expected = self.refusal(role, state, command_id)
            self.assertEqual(facts(received.reply), [(*expected, NUMBER)], cell)

    def refusal(self, role: str, state: str, command_id: int) -> tuple[int, int]:
        """(command_id, command_status) of the refusal that this cell asks for."""
        if command_id == c.UNBIND:
            return c.UNBIND_RESP, 0x04
        if role == SMSC and command_id in c.BINDS:
            return command_id | c.RESPONSE, 0x05
        typed = (c.SUBMIT_SM, c.DELIVER_SM) if role == SMSC else (c.DELIVER_SM, c.DATA_SM)
        if command_id in typed:
            return command_id | c.RESPONSE, 0x08 if state == "unbinding" else 0x04
        return c.GENERIC_NACK, 0x03

    def test_while_a_bind_is_verified_all_waits(self):
        """No PDU of any kind is answered or handed on before the verdict."""
        for command_id in COMMANDS:
            session, received = self.read(SMSC, "binding", command_id)
            self.assertFalse(taken(received))
            self.assertEqual((received.reply, received.oddities), (b"", []))

    def test_a_closed_session_takes_nothing(self):
        """Whatever comes after the end is dropped."""
        for role in (SMSC, ESME):
            for command_id in COMMANDS:
                session, received = self.read(role, "closed", command_id)
                self.assertFalse(taken(received))
                self.assertEqual((received.reply, received.oddities), (b"", []))

    def test_who_may_send_what(self):
        """can_submit and can_receive follow the state."""
        for role in (SMSC, ESME):
            for state in STATES:
                session = session_in(role, state)
                self.assertEqual(session.can_submit, state in ("bound_tx", "bound_trx"))
                self.assertEqual(session.can_receive, state in ("bound_rx", "bound_trx"))


class ClientBindTests(SynchronousTestCase):
    """SMSC role: a client binds."""

    def test_v01_v02(self):
        """The bind is handed to the wire; accepted, it is answered with V02."""
        session = Session(SMSC, Timers())
        received = session.receive(vectors()["V01"], 0.0)
        assert received.bind is not None
        self.assertEqual(received.bind.raw, vectors()["V01"])
        self.assertEqual((session.state, received.reply), ("binding", b""))
        accepted = session.accept_bind(b"smppproxy", 0.1)
        self.assertEqual(accepted.reply, vectors()["V02"])
        self.assertEqual((session.state, session.interface_version), ("bound_trx", 0x34))

    def test_each_kind_of_bind(self):
        """transmitter, receiver, transceiver lead to their states and get their own answers."""
        for command_id, state in ((1, "bound_rx"), (2, "bound_tx"), (9, "bound_trx")):
            session = Session(SMSC, Timers())
            session.receive(build.bind(command_id, 5, Bind(b"a")), 0.0)
            reply = session.accept_bind(b"x", 0.0).reply
            self.assertEqual(facts(reply), [(command_id | c.RESPONSE, 0, 5)])
            self.assertEqual(session.state, state)
            self.assertIn(state, BOUND_STATES)

    def test_refused_with_a_body(self):
        """The answer carries the status and a system_id; then nothing is taken any more."""
        session = Session(SMSC, Timers())
        session.receive(vectors()["V01"] + vectors()["V06"], 0.0)
        reply = session.refuse_bind(0x0E, b"smppproxy")
        self.assertEqual(facts(reply), [(c.BIND_TRANSCEIVER_RESP, 0x0E, 1)])
        self.assertEqual(one(reply).raw[16:], b"smppproxy\0")
        self.assertEqual(session.state, "closed")
        self.assertFalse(taken(session.receive(vectors()["V06"], 0.0)))
        self.assertEqual(session.refuse_bind(0x0E, b"smppproxy"), b"")

    def test_a_verdict_that_comes_too_late(self):
        """When the session ended while its bind was verified, the verdict changes nothing."""
        session = session_in(SMSC, "binding")
        ticked = session.tick(30.0)
        assert ticked is not None
        self.assertEqual(ticked.close, "bind not answered")
        self.assertEqual(session.accept_bind(b"x", 31.0).reply, b"")
        self.assertEqual(session.refuse_bind(0x0E, b"x"), b"")
        self.assertEqual(session.state, "closed")

    def test_no_verdict_without_a_bind(self):
        """accept_bind and refuse_bind before a bind do nothing."""
        session = Session(SMSC, Timers())
        self.assertEqual(session.accept_bind(b"x", 0.0).reply, b"")
        self.assertEqual(session.refuse_bind(0x0E, b"x"), b"")
        self.assertEqual(session.state, "open")

    def test_pdus_behind_the_bind_wait_for_the_verdict(self):
        """A submit in the same read, and more later, are taken up in order after the answer."""
        session = Session(SMSC, Timers())
        first = session.receive(vectors()["V01"] + vectors()["V06"] + vectors()["V25"][:7], 0.0)
        second = session.receive(vectors()["V25"][7:] + vectors()["V10"], 0.1)
        self.assertEqual((first.requests, second.requests), ([], []))
        accepted = session.accept_bind(b"smppproxy", 0.2)
        self.assertEqual(
            [found.raw for found in accepted.requests], [vectors()["V06"], vectors()["V10"]]
        )
        self.assertEqual(accepted.reply, vectors()["V02"] + vectors()["V26"])

    @bounded
    @given(st.lists(st.integers(0, 1100), max_size=6))
    def test_the_bind_may_be_cut_anywhere(self, cuts):
        """However bind and first submits are cut into reads, nothing is lost or doubled."""
        long = build.submit_sm(3, tlvs=[(0x0424, b"x" * 2000)])
        stream = vectors()["V25"] + vectors()["V01"] + vectors()["V06"] + long + vectors()["V10"]
        edges = [0, *sorted(cuts), len(stream)]
        session = Session(SMSC, Timers())
        requests, replies = [], []
        for start, stop in zip(edges, edges[1:], strict=False):
            received = session.receive(stream[start:stop], 0.0)
            requests += received.requests
            replies.append(received.reply)
        accepted = session.accept_bind(b"smppproxy", 0.0)
        requests += accepted.requests
        replies.append(accepted.reply)
        self.assertEqual(
            [found.raw for found in requests], [vectors()["V06"], long, vectors()["V10"]]
        )
        self.assertEqual(b"".join(replies), vectors()["V26"] + vectors()["V02"])

    def test_what_waits_is_bounded(self):
        """Who sends without end before the verdict is cut off, and nothing of it stays."""
        session = session_in(SMSC, "binding")
        received = session.receive(bytes(MAX_HELD), 0.0)
        self.assertEqual(received.close, "")
        received = session.receive(b"\0", 0.0)
        self.assertEqual(received.close, "too much sent before the bind was answered")
        self.assertEqual(session.accept_bind(b"x", 0.0).requests, [])

    def test_f04_the_limit_rises_with_the_bind(self):
        """1,024 octets before it, 70,000 after it."""
        long = build.submit_sm(3, tlvs=[(0x0424, b"x" * 2000)])
        stranger = Session(SMSC, Timers()).receive(long, 0.0)
        self.assertEqual(facts(stranger.reply), [(c.GENERIC_NACK, 0x02, 3)])
        known = session_in(SMSC, "bound_trx").receive(long, 0.0)
        self.assertEqual([found.raw for found in known.requests], [long])

    def test_gw02_version_tlv_only_to_those_who_read_it(self):
        """3.3 gets no TLV; 3.4, 5.0 and "not said" do, unless the account says no."""
        for version, takes in (
            (0x00, True),
            (0x33, False),
            (0x34, True),
            (0x50, True),
            (0xFF, True),
        ):
            for allowed in (True, False):
                session = Session(SMSC, Timers(), version_tlv=allowed)
                session.receive(build.bind(2, 1, Bind(b"a", interface_version=version)), 0.0)
                reply = session.accept_bind(b"x", 0.0).reply
                self.assertEqual(session.interface_version, version)
                self.assertEqual(session.takes_tlvs, takes)
                self.assertEqual(len(reply), 23 if takes and allowed else 18)

    def test_a_bind_that_cannot_be_read(self):
        """The wire reads it first and refuses it; accepting it all the same is an error."""
        session = Session(SMSC, Timers())
        received = session.receive(build.header(c.BIND_TRANSMITTER, 0, 1), 0.0)
        assert received.bind is not None
        error = self.assertRaises(BodyError, read_bind, received.bind)
        self.assertRaises(BodyError, session.accept_bind, b"x", 0.0)
        self.assertEqual(
            facts(session.refuse_bind(error.command_status, b"x")),
            [(c.BIND_TRANSMITTER_RESP, 0x02, 1)],
        )


class ProviderBindTests(SynchronousTestCase):
    """ESME role: we bind."""

    def test_v01(self):
        """Our bind is V01 with the same fields."""
        session = Session(ESME, Timers())
        data = session.bind(c.BIND_TRANSCEIVER, Bind(b"esme01", b"secret08"), 0.0)
        self.assertEqual((data, session.state), (vectors()["V01"], "binding"))

    @bounded
    @given(binds)
    def test_any_fields(self, fields):
        """What we are told to send is what is sent."""
        session = Session(ESME, Timers())
        self.assertEqual(read_bind(one(session.bind(c.BIND_RECEIVER, fields, 0.0))), fields)

    def test_f21_answers_of_any_shape(self):
        """Without body, without TLV, of another kind: status 0 and our number are what counts."""
        for command_id, state in ((1, "bound_rx"), (2, "bound_tx"), (9, "bound_trx")):
            for answer in c.BIND_RESPS:
                for body in (b"", b"\0", b"smsc\0", b"smsc"):
                    session = Session(ESME, Timers())
                    session.bind(command_id, Bind(b"a"), 0.0)
                    raw = (
                        (16 + len(body)).to_bytes(4, "big") + build.header(answer, 0, 1)[4:] + body
                    )
                    received = session.receive(raw, 1.0)
                    assert received.bind_resp is not None
                    self.assertEqual(received.bind_resp.raw, raw)
                    self.assertEqual((session.state, session.interface_version), (state, 0))

    def test_version_of_the_provider(self):
        """sc_interface_version is kept."""
        session = session_in(ESME, "bound_trx")
        self.assertEqual(session.interface_version, 0x34)

    def test_refused(self):
        """An error, with or without a body, or a generic_nack is the answer; nothing follows."""
        for reply in (
            build.bind_resp(9, 0x0D, 1, b"x"),
            build.refusal(9, 1, 0x0F),
            build.generic_nack(0x03, 1),
            build.generic_nack(0x00, 1),
        ):
            session = Session(ESME, Timers())
            session.bind(9, Bind(b"a"), 0.0)
            received = session.receive(reply + vectors()["V27"], 1.0)
            assert received.bind_resp is not None
            self.assertEqual(received.bind_resp.raw, reply)
            self.assertEqual((session.state, received.requests), ("closed", []))
            self.assertEqual(session.tick(1e6), None)

    def test_an_answer_to_another_number(self):
        """It is counted; the bind goes on waiting."""
        session = session_in(ESME, "binding")
        received = session.receive(build.bind_resp(9, 0, 77, b"x"), 1.0)
        self.assertIsNone(received.bind_resp)
        self.assertEqual(received.oddities, [("unexpected_response", c.BIND_TRANSCEIVER_RESP)])
        self.assertEqual(session.state, "binding")

    def test_receipts_right_behind_the_answer(self):
        """A deliver_sm of more than 1,024 octets in the read of the bind_resp is taken."""
        session = session_in(ESME, "binding")
        long = build.deliver_sm(7, tlvs=[(0x0424, bytes(3000))])
        received = session.receive(build.bind_resp(9, 0, 1, b"x") + long, 1.0)
        self.assertEqual([found.raw for found in received.requests], [long])


class TrafficTests(SynchronousTestCase):
    """Requests and answers of a bound session."""

    def test_answers_in_one_read(self):
        """SX-20: tokens come back in the order of the answers, windows are closed."""
        session = session_in(ESME, "bound_trx")
        numbers = [session.window.open(token, 1.0) for token in "abc"]
        data = b"".join(build.submit_sm_resp(number, b"1") for number in reversed(numbers))
        received = session.receive(data, 2.0)
        self.assertEqual([token for token, _ in received.responses], ["c", "b", "a"])
        self.assertEqual(cut(data)[0].raw, received.responses[0][1].raw)
        self.assertEqual((len(session.window), received.oddities), (0, []))

    def test_answers_of_a_client(self):
        """deliver_sm_resp, good, bad or a generic_nack, with its token."""
        for answer in (
            build.deliver_sm_resp,
            lambda number: build.deliver_sm_resp(number, 0x64),
            lambda number: build.generic_nack(0x01, number),
        ):
            session = session_in(SMSC, "bound_rx")
            number = session.window.open("receipt", 1.0)
            received = session.receive(answer(number), 2.0)
            self.assertEqual([token for token, _ in received.responses], ["receipt"])

    def test_generic_nack_answers_a_submit(self):
        """OZ-16: with any status."""
        session = session_in(ESME, "bound_tx")
        number = session.window.open("message", 1.0)
        received = session.receive(build.generic_nack(0x58, number), 2.0)
        self.assertEqual(
            [(t, p.command_status) for t, p in received.responses], [("message", 0x58)]
        )

    def test_late_answers(self):
        """An answer to a request that timed out is handed on as late, once."""
        session = session_in(ESME, "bound_trx")
        number = session.window.open("slow", 1.0)
        session.window.expire(61.0, 60.0)
        received = session.receive(build.submit_sm_resp(number, b"1") * 2, 62.0)
        self.assertEqual([token for token, _ in received.late], ["slow"])
        self.assertEqual(received.oddities, [("unexpected_response", c.SUBMIT_SM_RESP)])

    def test_f33_a_number_used_twice(self):
        """Two requests of one number are two requests."""
        session = session_in(SMSC, "bound_trx")
        received = session.receive(vectors()["V06"] * 2, 1.0)
        self.assertEqual([found.sequence_number for found in received.requests], [2, 2])

    def test_both_directions_use_the_same_numbers(self):
        """A client's submit under a number of ours does not touch our window."""
        session = session_in(SMSC, "bound_trx")
        number = session.window.open("receipt", 1.0)
        received = session.receive(build.submit_sm(number) + build.deliver_sm_resp(number), 1.0)
        self.assertEqual((len(received.requests), len(received.responses)), (1, 1))

    def test_enquire_links_among_traffic(self):
        """Each is answered with its number, in one reply, and the traffic around it is in order."""
        session = session_in(SMSC, "bound_trx")
        data = b"".join(build.submit_sm(n) + build.enquire_link(n) for n in range(5))
        received = session.receive(data, 1.0)
        self.assertEqual([found.sequence_number for found in received.requests], list(range(5)))
        self.assertEqual(facts(received.reply), [(c.ENQUIRE_LINK_RESP, 0, n) for n in range(5)])

    def test_gw11_enquire_link_is_answered_with_a_full_window(self):
        """A full window is no reason to be silent."""
        session = session_in(SMSC, "bound_rx", limit=1)
        session.window.open("receipt", 1.0)
        received = session.receive(vectors()["V25"], 1.0)
        self.assertEqual(received.reply, vectors()["V26"])

    @bounded
    @given(
        st.sampled_from([SMSC, ESME]),
        st.sampled_from(STATES),
        st.lists(st.binary(max_size=80), max_size=5),
    )
    def test_any_octets_in_any_state(self, role, state, reads):
        """Whatever is read, nothing is raised and no response is answered."""
        session = session_in(role, state)
        for data in reads:
            received = session.receive(data, 1.0)
            self.assertIn(session.state, STATES)
            if received.close:
                self.assertEqual(session.state, "closed")

    @bounded
    @given(
        st.sampled_from([SMSC, ESME]),
        st.sampled_from(STATES),
        st.lists(st.sampled_from(COMMANDS), max_size=30),
        st.lists(st.integers(0, 900), max_size=8),
    )
    def test_f01_any_pdus_cut_anywhere(self, role, state, commands, cuts):
        """The same PDUs mean the same, however they are cut into reads."""
        stream = b"".join(pdu(command_id) for command_id in commands)
        edges = [0, *sorted(cuts), len(stream)]
        whole = session_in(role, state)
        pieces = session_in(role, state)
        at_once = whole.receive(stream, 1.0)
        replies, oddities, requests = b"", [], []
        for start, stop in zip(edges, edges[1:], strict=False):
            received = pieces.receive(stream[start:stop], 1.0)
            replies += received.reply
            oddities += received.oddities
            requests += [found.raw for found in received.requests]
        self.assertEqual(replies, at_once.reply)
        self.assertEqual(oddities, at_once.oddities)
        self.assertEqual(requests, [found.raw for found in at_once.requests])
        self.assertEqual(pieces.state, whole.state)
