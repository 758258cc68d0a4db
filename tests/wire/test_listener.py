"""The door for clients, over real sockets: binding, refusing, framing, leaving."""

from __future__ import annotations

import gc
import struct
from ipaddress import ip_network
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import CannotListenError
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

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
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
)
from smppproxy.smpp.fields import read_bind_resp
from smppproxy.smpp.timers import Timers
from smppproxy.wire.admission import EVICTION
from smppproxy.wire.client import ClientSession
from smppproxy.wire.listener import ClientListener
from smppproxy.wire.protocol import HELD
from tests.support.peers import bind_fields, closed_cleanly, reactor
from tests.wire.door import CHEAP, NAME, PASSWORD, Door, account

SHORT = Timers(session_init=0.5, partial_pdu=0.5, unbind=0.5)


def submit(number: int) -> bytes:
    """A submit_sm."""
    return build.submit_sm(number, destination_addr=b"4477009", short_message=b"hello")


def answer_all(client: Any, pdus: Any) -> None:
    """What a relay does that takes everything at once."""
    answers = [build.submit_sm_resp(pdu.sequence_number, b"1") for pdu in pdus]
    client.answer(b"".join(answers), len(answers))


class BindTests(TestCase):
    """Who is let in, and how the others are told."""

    async def test_sx01_oz04_bind_is_answered_with_our_name_and_version(self) -> None:
        """A bind with 0x34 is answered OK, with our system_id and sc_interface_version 0x34."""
        door = Door(self)
        client = await door.client()
        answer = await client.bind(NAME, PASSWORD)
        self.assertEqual(answer.command_status, 0)
        self.assertEqual(read_bind_resp(answer), (b"smppproxy", 0x34))
        bound = await door.relay.called("client_bound")
        self.assertEqual(bound.peer.account.system_id, "esme01")
        self.assertEqual(bound.peer.session.window.limit, 50)

    async def test_sx06_long_system_id_and_password(self) -> None:
        """36 octets of system_id and 64 of password are taken: they are API keys in the field."""
        door = Door(self)
        name, secret = b"0f8fad5b-d9cb-469f-a165-70867728950e", b"k" * 64
        other = account()
        other.password = CHEAP.hash(secret)
        door.accounts = {name.decode(): other}
        client = await door.client()
        answer = await client.bind(name, secret)
        self.assertEqual(answer.command_status, 0)

    async def test_sx07_gw13_system_type_and_addresses_are_ignored(self) -> None:
        """Any system_type, addr_ton, addr_npi and address_range: the bind is OK."""
        door = Door(self)
        client = await door.client()
        answer = await client.bind(
            NAME,
            PASSWORD,
            system_type=b"sendexa",
            addr_ton=5,
            addr_npi=9,
            address_range=b"^45.*",
        )
        self.assertEqual(answer.command_status, 0)

    async def test_sx08_sx09_sx10_oz02_oz03_three_binds(self) -> None:
        """One body, three command_ids: each has its own response and its own directions."""
        door = Door(self)
        wanted = {
            BIND_TRANSMITTER: (True, False),
            BIND_RECEIVER: (False, True),
            BIND_TRANSCEIVER: (True, True),
        }
        for count, (command_id, directions) in enumerate(wanted.items(), 1):
            await door.bound(command_id)
            session = (await door.relay.called("client_bound", count)).peer.session
            self.assertEqual((session.can_submit, session.can_receive), directions)

    async def test_decisions_submits_before_the_verdict_wait_for_it(self) -> None:
        """A submit_sm sent together with the bind is handled after the bind_resp, not refused."""
        door = Door(self)
        door.relay.on["client_requests"] = answer_all
        client = await door.client()
        client.send(build.bind(9, 1, bind_fields(NAME, PASSWORD)) + submit(2))
        self.assertEqual((await client.expect()).command_status, 0)
        answer = await client.expect()
        self.assertEqual((answer.command_id, answer.sequence_number), (SUBMIT_SM_RESP, 2))

    async def test_gw14_oz05_wrong_password(self) -> None:
        """0x0E with a body, and the connection closed in order about a second later."""
        door = Door(self, linger=1.0)
        client = await door.client()
        answer = await client.bind(NAME, b"wrong")
        self.assertEqual(answer.command_status, 0x0E)
        self.assertEqual(read_bind_resp(answer)[0], b"smppproxy")
        self.assertFalse(client.is_closed)
        client.send(submit(2))
        await client.closed()
        self.assertTrue(closed_cleanly(client))
        self.assertEqual(client.pdus, [])
        self.assertEqual(door.relay.calls, [])

    async def test_malformed_bind_is_refused_with_its_own_code(self) -> None:
        """A bind without the end of its fields gets a bind_resp and the session ends."""
        door = Door(self)
        client = await door.client()
        client.send(struct.pack(">IIII", 20, 9, 0, 1) + b"demo")
        answer = await client.expect(0x80000009)
        self.assertNotEqual(answer.command_status, 0)
        await client.closed()

    async def test_f45_mg28_too_many_binds(self) -> None:
        """The bind over the account's limit gets 0x0D, never 0x05 which clients take for OK."""
        door = Door(self)
        door.relay.may = lambda _: not door.relay.of("client_bound")
        first = await door.bound()
        door.relay.may = lambda _: False
        second = await door.client()
        second.send_bind(NAME, PASSWORD)
        probe = await first.expect(ENQUIRE_LINK)
        first.send(build.enquire_link_resp(probe.sequence_number))
        answer = await second.expect()
        self.assertEqual(answer.command_status, 0x0D)
        self.assertFalse(first.is_closed)

    async def test_f45_account_disabled(self) -> None:
        """A disabled account with the right password gets 0x0D; why stands only in our log."""
        door = Door(self, enabled=False)
        client = await door.client()
        self.assertEqual((await client.bind(NAME, PASSWORD)).command_status, 0x0D)

    async def test_f45_mg17_address(self) -> None:
        """allow_from 127.0.0.2/32: from 127.0.0.1 0x0D, from 127.0.0.2 OK."""
        door = Door(self, allow_from=(ip_network("127.0.0.2/32"),))
        outside = await door.client()
        self.assertEqual((await outside.bind(NAME, PASSWORD)).command_status, 0x0D)
        inside = await door.client(address="127.0.0.2")
        self.assertEqual((await inside.bind(NAME, PASSWORD)).command_status, 0)

    async def test_f45_mg03_tls_required(self) -> None:
        """A plain bind of an account that must use TLS gets 0x0D, whatever its password."""
        door = Door(self)
        door.accounts = {NAME.decode(): account(tls="required")}
        for password in (PASSWORD, b"wrong"):
            client = await door.client()
            self.assertEqual((await client.bind(NAME, password)).command_status, 0x0D)

    async def test_mg04_bind_type(self) -> None:
        """An account of transmitters: bind_receiver gets 0x0D, bind_transmitter OK."""
        door = Door(self, bind_types=frozenset({"tx"}))
        client = await door.client()
        self.assertEqual((await client.bind(NAME, PASSWORD, BIND_RECEIVER)).command_status, 0x0D)
        await door.bound(BIND_TRANSMITTER)

    async def test_mg02_any_usual_version(self) -> None:
        """The default account takes 0x00, 0x33, 0x34 and 0x50; TLVs only go to 0x34 and later."""
        door = Door(self)
        for version, told in ((0x00, 0x34), (0x33, 0), (0x34, 0x34), (0x50, 0x34)):
            client = await door.client()
            answer = await client.bind(NAME, PASSWORD, interface_version=version)
            self.assertEqual(answer.command_status, 0)
            self.assertEqual(read_bind_resp(answer)[1], told)

    async def test_xc14_order_of_refusals(self) -> None:
        """Each check comes before the next: what is wrong first is what is answered."""
        door = Door(self)
        plain = account(
            tls="required",
            allow_from=(ip_network("192.0.2.0/24"),),
            bind_types=frozenset({"rx"}),
        )
        door.relay.may = lambda _: False
        door.ready = False
        door.accounts = {NAME.decode(): plain}

        async def status(password: bytes) -> int:
            client = await door.client()
            return (await client.bind(NAME, password)).command_status

        # Wrong address and wrong password: the password was not looked at.
        self.assertEqual(await status(b"wrong"), 0x0D)
        plain.allow_from = ()
        self.assertEqual(await status(b"wrong"), 0x0D)
        plain.tls = "optional"
        self.assertEqual(await status(b"wrong"), 0x0E)
        self.assertEqual(await status(PASSWORD), 0x0D)
        plain.bind_types = frozenset({"trx"})
        self.assertEqual(await status(PASSWORD), 0x0D)
        door.relay.may = lambda _: True
        self.assertEqual(await status(PASSWORD), 0x08)
        door.ready = True
        self.assertEqual(await status(PASSWORD), 0)

    async def test_oz05_store_away_is_temporary(self) -> None:
        """The store away and the right password: 0x08, on which no client gives up."""
        door = Door(self)
        door.ready = False
        client = await door.client()
        self.assertEqual((await client.bind(NAME, PASSWORD)).command_status, 0x08)

    async def test_gw04_draining_refuses(self) -> None:
        """A bind that arrives while we drain gets 0x08; a new connection is closed at once."""
        door = Door(self)
        client = await door.client()
        client.send(build.enquire_link(1))
        await client.expect(ENQUIRE_LINK_RESP)
        door.admission.draining = True
        self.assertEqual((await client.bind(NAME, PASSWORD)).command_status, 0x08)
        late = await door.client()
        await late.closed()
        self.assertEqual(door.event("connection_refused"), 1)

    async def test_gw05_slot_is_free_when_tcp_closes(self) -> None:
        """max_binds 1, RST, rebind at once: OK."""
        door = Door(self)
        here: set[Any] = set()
        door.relay.on["client_bound"] = lambda peer, _: here.add(peer)
        door.relay.on["client_lost"] = lambda peer, _: here.discard(peer)
        door.relay.may = lambda _: not here
        first = await door.bound()
        first.reset()
        await door.relay.called("client_lost")
        await door.bound()

    async def test_gw05_dead_session_makes_room(self) -> None:
        """max_binds 1, the old peer silent: the new bind is OK within 6 s, the old one closed."""
        self.assertLess(EVICTION, 6.0)
        door = Door(self)
        here: set[Any] = set()
        door.relay.on["client_bound"] = lambda peer, _: here.add(peer)
        door.relay.on["client_lost"] = lambda peer, _: here.discard(peer)
        door.relay.may = lambda _: not here
        old = await door.bound()
        new = await door.client()
        answer = await new.bind(NAME, PASSWORD)
        self.assertEqual(answer.command_status, 0)
        await old.closed()
        self.assertEqual([pdu.command_id for pdu in old.pdus], [ENQUIRE_LINK])

    async def test_gw05_a_client_we_do_not_read_is_not_dead(self) -> None:
        """A session that we hold back cannot answer the probe: it keeps its place."""
        door = Door(self)
        held = await door.bound()
        (await door.relay.called("client_bound")).peer._pause(HELD)
        door.relay.may = lambda _: False
        new = await door.client()
        self.assertEqual((await new.bind(NAME, PASSWORD)).command_status, 0x0D)
        self.assertFalse(held.is_closed)

    async def test_f28_second_bind(self) -> None:
        """A bind on a bound session gets its resp with 0x05; the first bind stays."""
        door = Door(self)
        client = await door.bound()
        answer = await client.bind(NAME, PASSWORD, BIND_TRANSMITTER)
        self.assertEqual(answer.command_status, 0x05)
        client.send(build.enquire_link(7))
        await client.expect(ENQUIRE_LINK_RESP)
        self.assertEqual(len(door.relay.of("client_bound")), 1)

    async def test_max_sessions(self) -> None:
        """Connections over the listener's limit are closed, those that are there stay."""
        door = Door(self, max_sessions=1)
        first = await door.bound()
        second = await door.client()
        await second.closed()
        first.send(build.enquire_link(2))
        await first.expect(ENQUIRE_LINK_RESP)

    async def test_f46_accepting_pauses_over_the_rate(self) -> None:
        """Over the accept rate nobody is refused: the others come in by and by."""
        door = Door(self, accept_rate=20)
        # All at once: they wait in the backlog, however slow the machine is.
        await gatherResults([Deferred.fromCoroutine(door.bound()) for _ in range(45)])
        self.assertGreater(door.event("accept_paused"), 0)

    async def test_stop_while_accepting_pauses(self) -> None:
        """The pause ends with the listener; who waited in the backlog is turned away."""
        door = Door(self, accept_rate=1)
        first, second = await door.client(), await door.client()
        while not door.event("accept_paused"):
            await deferLater(reactor, 0)
        third = await door.client()
        await door.listener.stop()
        await third.closed()
        self.assertFalse(first.is_closed or second.is_closed)

    async def test_hold_and_release(self) -> None:
        """A held listener accepts nobody; who connected meanwhile is served after the release."""
        door = Door(self)
        door.listener.hold()
        client = await door.client()
        client.send_bind(NAME, PASSWORD)
        self.assertEqual(door.listener.factory.accepted, 0)
        door.listener.release()
        self.assertEqual((await client.expect()).command_status, 0)


class BeforeBindTests(TestCase):
    """What a stranger may do."""

    async def test_f24_f25_session_init_is_not_reset_by_octets(self) -> None:
        """No bind in time: closed without a PDU, also when octets of a bind trickle in."""
        door = Door(self, timers=SHORT)
        silent = await door.client()
        slow = await door.client()
        bind = build.bind(9, 1, bind_fields(NAME, PASSWORD))
        for octet in bind[:5]:
            slow.send(bytes([octet]))
            await self._turn(door)
        await silent.closed()
        await slow.closed()
        self.assertEqual((silent.octets, slow.octets), (b"", b""))
        self.assertEqual(door.event("no_bind_in_time"), 2)

    async def _turn(self, door: Door) -> None:
        probe = await door.client()
        probe.send(build.enquire_link(1))
        await probe.expect(ENQUIRE_LINK_RESP)
        probe.hang_up()
        await probe.closed()

    async def test_f26_oz01_submit_before_bind(self) -> None:
        """submit_sm_resp 0x04; the session stays until the session-init time."""
        door = Door(self, timers=SHORT)
        client = await door.client()
        client.send(submit(4))
        answer = await client.expect(SUBMIT_SM_RESP)
        self.assertEqual((answer.command_status, answer.sequence_number), (0x04, 4))
        self.assertEqual(len(answer.raw), 16)
        await client.closed()
        self.assertEqual(door.event("no_bind_in_time"), 1)

    async def test_f29_enquire_link_before_bind(self) -> None:
        """Answered OK; the session-init time runs on."""
        door = Door(self, timers=SHORT)
        client = await door.client()
        client.send(build.enquire_link(9))
        answer = await client.expect(ENQUIRE_LINK_RESP)
        self.assertEqual((answer.command_status, answer.sequence_number), (0, 9))
        await client.closed()

    async def test_f03_impossible_lengths(self) -> None:
        """command_length 0 to 15: generic_nack 0x02, then the connection is closed."""
        door = Door(self)
        for length in range(16):
            client = await door.client()
            client.send(struct.pack(">IIII", length, 4, 0, 77))
            answer = await client.expect(GENERIC_NACK)
            self.assertEqual(answer.command_status, 0x02)
            await client.closed()

    async def test_f04_too_long(self) -> None:
        """More than 1,024 octets before the bind, 70,000 after: nacked from the first octets."""
        door = Door(self)
        for length in (1025, 0x7FFFFFFF, 0xFFFFFFFF):
            client = await door.client()
            client.send(struct.pack(">I", length))
            self.assertEqual((await client.expect(GENERIC_NACK)).command_status, 0x02)
            await client.closed()
        client = await door.bound()
        client.send(struct.pack(">IIII", 70_001, 4, 0, 5))
        self.assertEqual((await client.expect(GENERIC_NACK)).command_status, 0x02)
        await client.closed()

    async def test_f05_unfinished_pdu(self) -> None:
        """60 octets announced, 40 sent, then silence: closed without a nack."""
        door = Door(self, timers=SHORT)
        client = await door.bound()
        client.send(struct.pack(">IIII", 60, 4, 0, 5) + b"x" * 24)
        await client.closed()
        self.assertEqual(client.pdus, [])
        self.assertEqual(door.event("unfinished_PDU"), 1)

    async def test_f16_other_languages(self) -> None:
        """HTTP, TLS, AMQP and SSH on the plain port: one nack at most, closed, one log line."""
        door = Door(self)
        for words in (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"AMQP\x00\x00\x09\x01",
            b"SSH-2.0-OpenSSH_9.6\r\n",
        ):
            client = await door.client()
            client.send(words)
            await client.closed()
            self.assertLessEqual(len(client.octets), 16)
        self.assertEqual(door.event("protocol_error"), 4)

    async def test_f18_nothing_is_left_of_short_visits(self) -> None:
        """Connect and close, many times: no session, timer or object stays behind."""
        door = Door(self)
        for _ in range(50):
            client = await door.client()
            client.hang_up()
            await client.closed()
        while door.sessions:
            await deferLater(reactor, 0)
        gc.collect()
        left = [thing for thing in gc.get_objects() if isinstance(thing, ClientSession)]
        self.assertEqual(left, [])
        self.assertEqual(len(door.ticker), 0)


class BoundTests(TestCase):
    """What a bound client may do."""

    async def test_f19_garbage_ends_only_its_own_session(self) -> None:
        """Garbage after a valid bind: nack and close; the other session does not notice."""
        door = Door(self)
        good, bad = await door.bound(), await door.bound()
        bad.send(b"\xff" * 64)
        await bad.expect(GENERIC_NACK)
        await bad.closed()
        good.send(build.enquire_link(3))
        await good.expect(ENQUIRE_LINK_RESP)
        self.assertEqual(len(door.relay.of("client_lost")), 1)

    async def test_f27_sx10_wrong_direction(self) -> None:
        """submit_sm on a receiver and deliver_sm from a client: typed resp 0x04, session stays."""
        door = Door(self)
        client = await door.bound(BIND_RECEIVER)
        client.send(submit(2))
        answer = await client.expect(SUBMIT_SM_RESP)
        self.assertEqual((answer.command_status, len(answer.raw)), (0x04, 16))
        client.send(build.deliver_sm(3, destination_addr=b"1", short_message=b"x"))
        self.assertEqual((await client.expect(DELIVER_SM_RESP)).command_status, 0x04)
        client.send(build.enquire_link(4))
        await client.expect(ENQUIRE_LINK_RESP)

    async def test_f33_equal_sequence_numbers(self) -> None:
        """Two pending requests with one sequence_number are two requests, both answered with it."""
        door = Door(self)
        client = await door.bound()
        client.send(submit(5) + submit(5))
        call = await door.relay.called("client_requests")
        self.assertEqual([pdu.sequence_number for pdu in call.what], [5, 5])
        answer_all(call.peer, call.what)
        answers = await client.expect_many(2, SUBMIT_SM_RESP)
        self.assertEqual([pdu.sequence_number for pdu in answers], [5, 5])

    async def test_f35_answers_to_nothing(self) -> None:
        """Unasked answers are counted and dropped; over a hundred a minute end the session."""
        door = Door(self)
        client = await door.bound()
        client.send(build.deliver_sm_resp(99) + build.enquire_link(2))
        await client.expect(ENQUIRE_LINK_RESP)
        self.assertEqual(door.event("unexpected_response"), 1)
        client.send(build.deliver_sm_resp(99) * 101)
        await client.closed()
        self.assertEqual(client.pdus, [])

    async def test_responses_and_requests_reach_the_relay(self) -> None:
        """A deliver_sm_resp comes back with its token; a late one is counted only."""
        door = Door(self, timers=Timers(response=0.5))
        client = await door.bound()
        peer = (await door.relay.called("client_bound")).peer
        peer.write(
            build.deliver_sm(peer.session.window.open("one", door.ticker.clock.seconds()))
        )
        deliver = await client.expect(DELIVER_SM)
        client.send(build.deliver_sm_resp(deliver.sequence_number))
        call = await door.relay.called("client_responses")
        self.assertEqual([token for token, _ in call.what], ["one"])
        number = peer.session.window.open("two", door.ticker.clock.seconds())
        peer.write(build.deliver_sm(number))
        self.assertEqual((await door.relay.called("client_expired")).what, ["two"])
        client.send(build.deliver_sm_resp(number) + build.enquire_link(2))
        await client.expect(ENQUIRE_LINK_RESP)
        self.assertEqual(door.event("late_deliver_sm_resp"), 1)

    async def test_f36_hold_and_release_by_answers(self) -> None:
        """A held client's submits wait until answers bring it into its window."""
        door = Door(self, window=2)
        client = await door.bound()
        door.relay.on["client_requests"] = lambda peer, _: peer.hold()
        client.send(submit(2) + submit(3) + submit(4) + submit(5))
        call = await door.relay.called("client_requests")
        client.send(submit(6))
        call.peer.hold()
        self.assertEqual(call.peer.outstanding, 4)
        call.peer.answer(build.submit_sm_resp(2, b"1"), 1)
        self.assertIsNone(call.peer._feeder)
        call.peer.answer(build.submit_sm_resp(3, b"1"), 1)
        again = await door.relay.called("client_requests", 2)
        self.assertEqual([pdu.sequence_number for pdu in again.what], [6])

    async def test_f40_oz06_silent_client(self) -> None:
        """We send enquire_link into silence; unanswered, the session is closed."""
        door = Door(self, timers=Timers(enquire_link=0.1, enquire_answer=0.5))
        client = await door.bound()
        for _ in range(2):
            enquiry = await client.expect(ENQUIRE_LINK)
            client.send(build.enquire_link_resp(enquiry.sequence_number))
        await client.expect(ENQUIRE_LINK)
        await client.closed()
        self.assertEqual(door.event("enquire_link_not_answered"), 1)
        self.assertEqual(len(door.relay.of("client_lost")), 1)

    async def test_oz08_idle_client_is_unbound(self) -> None:
        """With an idle time set, a silent client gets an unbind and closed if that is ignored."""
        door = Door(self, timers=Timers(enquire_link=0.0, idle=0.1, unbind=0.1))
        client = await door.bound()
        await client.expect(UNBIND)
        peer = (await door.relay.called("client_bound")).peer
        self.assertFalse(peer.writable)
        await client.closed()

    async def test_f41_flood_of_enquire_links(self) -> None:
        """A flood is answered up to a cap, then not read until the next tick; all get answers."""
        door = Door(self)
        client = await door.bound()
        client.send(b"".join(build.enquire_link(number) for number in range(1, 3001)))
        answers = await client.expect_many(3000, ENQUIRE_LINK_RESP)
        self.assertEqual(answers[-1].sequence_number, 3000)
        self.assertGreater(door.event("answer_flood"), 0)


class LeavingTests(TestCase):
    """How a session ends."""

    async def test_f30_unbind_with_submits_in_flight(self) -> None:
        """The answers come first, then unbind_resp, then the close; new submits get 0x08."""
        door = Door(self)
        client = await door.bound()
        client.send(submit(2) + submit(3) + build.unbind(4))
        call = await door.relay.called("client_requests")
        client.send(submit(5))
        self.assertEqual((await client.expect()).command_status, 0x08)
        self.assertFalse(call.peer.writable)
        answer_all(call.peer, call.what)
        kinds = [(await client.expect()).command_id for _ in range(3)]
        self.assertEqual(kinds, [SUBMIT_SM_RESP, SUBMIT_SM_RESP, UNBIND_RESP])
        await client.closed()
        self.assertTrue(closed_cleanly(client))

    async def test_f30_unbind_at_rest(self) -> None:
        """Nothing in flight: unbind_resp at once, with the unbind's sequence_number."""
        door = Door(self)
        client = await door.bound()
        client.send(build.unbind(11))
        answer = await client.expect(UNBIND_RESP)
        self.assertEqual((answer.command_status, answer.sequence_number), (0, 11))
        await client.closed()
        self.assertEqual(len(door.relay.of("client_lost")), 1)

    async def test_unbind_before_bind(self) -> None:
        """unbind_resp 0x04 and a close."""
        door = Door(self)
        client = await door.client()
        client.send(build.unbind(1))
        self.assertEqual((await client.expect(UNBIND_RESP)).command_status, 0x04)
        await client.closed()

    async def test_gw04_drain(self) -> None:
        """Draining: answers first, then our unbind, and the close once it is answered."""
        door = Door(self)
        busy, idle, stranger = await door.bound(), await door.bound(), await door.client()
        busy.send(submit(2))
        call = await door.relay.called("client_requests")
        await idle.until(lambda: len(door.sessions) == 3, "three connections")
        drained = door.listener.drain(5.0)
        again = call.peer.drain(5.0)
        await stranger.closed()
        await idle.answer_unbind()
        await idle.closed()
        self.assertEqual(busy.pdus, [])
        answer_all(call.peer, call.what)
        await busy.expect(SUBMIT_SM_RESP)
        await busy.answer_unbind()
        await busy.closed()
        await drained
        await again
        await call.peer.drain(5.0)
        self.assertEqual(door.listener.port, 0)

    async def test_f31_drain_of_a_client_that_says_nothing(self) -> None:
        """Patience ends, the unbind is not answered: closed all the same."""
        door = Door(self, timers=Timers(unbind=0.1))
        client = await door.bound()
        client.send(submit(2))
        await door.relay.called("client_requests")
        await door.listener.drain(0.1)
        await client.expect(UNBIND)
        await client.closed()

    async def test_port_taken(self) -> None:
        """A port that is in use is an error at start, not later; stop is idempotent."""
        door = Door(self)
        second = ClientListener(
            reactor, door.admission, "second", "127.0.0.1", door.listener.port
        )
        self.assertRaises(CannotListenError, second.start)
        second.release()
        await second.stop()
        self.assertEqual(second.port, 0)
