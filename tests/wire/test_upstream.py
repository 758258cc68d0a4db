"""The binds to a provider: over real sockets what goes over the wire, with a clock when it goes."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import eventAsText, globalLogPublisher
from twisted.trial.unittest import TestCase

from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DELIVER_SM_RESP,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    SUBMIT_SM,
    UNBIND,
    UNBIND_RESP,
)
from smppproxy.smpp.fields import read_bind
from smppproxy.wire.pool import UpstreamPool
from tests.support.peers import FakeSmsc, reactor
from tests.support.processes import until
from tests.wire.binds import SECRET, Binds, ClockCase, Endpoint, Link, good, provider


class WireTests(TestCase):
    """What a provider sees."""

    async def test_sx06_oz03_the_bind(self) -> None:
        """The exact octets of long credentials, system_type and 0x34, whoever our clients are."""
        smsc = FakeSmsc(self)
        name, secret = b"i" * 36, b"p" * 64
        Binds(self, provider(smsc.port, system_id=name, password=secret, system_type=b"sendexa"))
        bind = await (await smsc.accept()).accept_bind()
        fields = read_bind(bind)
        self.assertEqual(bind.command_id, BIND_TRANSCEIVER)
        self.assertEqual((fields.system_id, fields.password), (name, secret))
        self.assertEqual((fields.system_type, fields.interface_version), (b"sendexa", 0x34))
        self.assertEqual(fields.address_range, b"")

    async def test_mg16_bind_types(self) -> None:
        """Each value of ``bind`` makes exactly those binds; only transmitters take submits."""
        wanted = {
            "transceiver": {BIND_TRANSCEIVER},
            "transmitter+receiver": {BIND_TRANSMITTER, BIND_RECEIVER},
            "transmitter": {BIND_TRANSMITTER},
            "receiver": {BIND_RECEIVER},
        }
        for value, commands in wanted.items():
            smsc = FakeSmsc(self)
            binds = Binds(self, provider(smsc.port, bind=value))
            seen = {(await (await smsc.accept()).accept_bind()).command_id for _ in commands}
            self.assertEqual(seen, commands)
            await binds.relay.called("upstream_bound", len(commands))
            for upstream in binds.relay.peers("upstream_bound"):
                state = upstream.session.state
                self.assertEqual(upstream.session.can_submit, state != "bound_rx")

    async def test_gw03_every_host_and_number_at_once(self) -> None:
        """Two hosts, two binds each: four sessions, all bound, none waiting for another."""
        smscs = [FakeSmsc(self), FakeSmsc(self)]
        binds = Binds(self, provider(*(smsc.port for smsc in smscs), binds=2))
        for smsc in smscs:
            for _ in range(2):
                await (await smsc.accept()).accept_bind()
        await binds.relay.called("upstream_bound", 4)
        rows = binds.pool.states()
        self.assertEqual([(row.host, row.number) for row in rows], [*_pairs("ab", 2)])
        self.assertEqual({row.state for row in rows}, {"Bound"})
        self.assertEqual({row.bind for row in rows}, {"trx"})

    async def test_a_lost_session_is_gone(self) -> None:
        """Nothing holds it but itself, and it does not: none of it waits for the collector."""
        self.addCleanup(gc.enable)
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port))
        link = await smsc.accept()
        await link.accept_bind()
        await binds.relay.called("upstream_bound")
        session = weakref.ref(binds.relay.peers("upstream_bound")[0])
        gc.disable()
        link.transport.loseConnection()
        await (await smsc.accept()).accept_bind()
        await binds.relay.called("upstream_bound", 2)
        binds.relay.calls.clear()
        await until(lambda: session() is None)

    async def test_traffic_both_ways(self) -> None:
        """Answers come with their tokens, requests as lists, late answers apart."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port, response_timeout=0.5))
        link = await smsc.accept()
        await link.accept_bind()
        upstream = (await binds.relay.called("upstream_bound")).peer
        binds.send(upstream, "one", "two")
        one, two = await link.expect_many(2, SUBMIT_SM)
        self.assertEqual(binds.pool.states()[0].outstanding, 2)
        link.send(good(one) + build.deliver_sm(7) + build.deliver_sm(8))
        answers = await binds.relay.called("upstream_responses")
        self.assertEqual([token for token, _ in answers.what], ["one"])
        requests = await binds.relay.called("upstream_requests")
        self.assertEqual([pdu.sequence_number for pdu in requests.what], [7, 8])
        self.assertTrue(upstream.proven)
        upstream.write(build.deliver_sm_resp(7))
        self.assertEqual((await link.expect(DELIVER_SM_RESP)).sequence_number, 7)
        self.assertEqual((await binds.relay.called("upstream_expired")).what, ["two"])
        link.send(good(two))
        late = await binds.relay.called("upstream_late")
        self.assertEqual([token for token, _ in late.what], ["two"])

    async def test_bind_resp_and_deliveries_in_one_segment(self) -> None:
        """A receipt right behind the bind_resp reaches the relay after the bind itself."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port))
        link = await smsc.accept()
        bind = await link.expect(BIND_TRANSCEIVER)
        answer = build.bind_resp(bind.command_id, 0, bind.sequence_number, b"smsc")
        link.send(answer + build.deliver_sm(1))
        await binds.relay.called("upstream_requests")
        names = [call.name for call in binds.relay.calls]
        self.assertEqual(names, ["upstream_bound", "upstream_requests"])

    async def test_bind_resp_delivery_and_unbind_in_one_segment(self) -> None:
        """GW-04: a host that takes the bind and says goodbye in the same read was bound: what it
        delivered between is handed on after the bind itself, and its unbind is answered."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port))
        link = await smsc.accept()
        bind = await link.expect(BIND_TRANSCEIVER)
        answer = build.bind_resp(bind.command_id, 0, bind.sequence_number, b"smsc")
        link.send(answer + build.deliver_sm(1) + build.unbind(2))
        self.assertEqual((await link.expect(UNBIND_RESP)).sequence_number, 2)
        await binds.relay.called("upstream_lost")
        names = [call.name for call in binds.relay.calls]
        self.assertEqual(names[:2], ["upstream_bound", "upstream_requests"])

    async def test_f35_answers_to_nothing_from_a_provider(self) -> None:
        """Counted and dropped; the request that waits keeps waiting."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port))
        link = await smsc.accept()
        await link.accept_bind()
        upstream = (await binds.relay.called("upstream_bound")).peer
        binds.send(upstream, "one")
        sent = await link.expect(SUBMIT_SM)
        wrong = build.deliver_sm_resp(sent.sequence_number)
        link.send(build.submit_sm_resp(999, b"x") + wrong + build.enquire_link(1))
        await link.expect(ENQUIRE_LINK_RESP)
        self.assertEqual(binds.relay.ledger.events["unexpected_response"], 2)
        self.assertEqual(len(upstream.session.window), 1)

    async def test_f03_f77_garbage_from_a_provider(self) -> None:
        """The same limits as for clients: one nack, closed, what was in flight handed over."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port))
        link = await smsc.accept()
        await link.accept_bind()
        binds.send((await binds.relay.called("upstream_bound")).peer, "one")
        await link.expect(SUBMIT_SM)
        link.send(b"\x00" * 16)
        await link.expect(GENERIC_NACK)
        await link.closed()
        self.assertEqual((await binds.relay.called("upstream_lost")).what, ["one"])

    async def test_f53_lost_with_a_window_in_flight(self) -> None:
        """RST: the tokens are handed over in the turn of the loss, and the bind comes back."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port))
        link = await smsc.accept()
        await link.accept_bind()
        upstream = (await binds.relay.called("upstream_bound")).peer
        binds.send(upstream, "one", "two")
        await link.expect_many(2, SUBMIT_SM)
        inner = upstream.connectionLost
        handed: list[int] = []

        def lost_now(reason: Any) -> None:
            inner(reason)
            handed.append(len(binds.relay.of("upstream_lost")))

        upstream.connectionLost = lost_now
        link.reset()
        lost = await binds.relay.called("upstream_lost")
        self.assertEqual(lost.what, ["one", "two"])
        self.assertEqual(handed, [1])
        self.assertFalse(upstream.writable)
        upstream.write(b"nothing")
        await (await smsc.accept()).accept_bind()
        await binds.relay.called("upstream_bound", 2)

    async def test_f53_gw06_fin(self) -> None:
        """FIN: the same; the row tells why and the other host is not touched."""
        smscs = [FakeSmsc(self), FakeSmsc(self)]
        binds = Binds(
            self, provider(*(smsc.port for smsc in smscs), reconnect_min=30, reconnect_max=30)
        )
        links = [await smsc.accept() for smsc in smscs]
        for link in links:
            await link.accept_bind()
        await binds.relay.called("upstream_bound", 2)
        links[0].hang_up()
        await binds.relay.called("upstream_lost")
        row_a, row_b = binds.pool.states()
        self.assertEqual((row_a.state, row_b.state), ("Waiting", "Bound"))
        self.assertIn("Connection", row_a.last_error)
        self.assertEqual(row_b.last_error, "")

    async def test_f40_oz06_enquire_link_not_answered(self) -> None:
        """Silence is asked about; without an answer the bind is lost and comes back."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port, enquire_link=0.1, enquire_answer=0.5))
        link = await smsc.accept()
        await link.accept_bind()
        enquiry = await link.expect(ENQUIRE_LINK)
        link.send(build.enquire_link_resp(enquiry.sequence_number))
        link.send(build.enquire_link(77))
        self.assertEqual((await link.expect(ENQUIRE_LINK_RESP)).sequence_number, 77)
        await link.closed()
        await binds.relay.called("upstream_lost")
        await smsc.accept()
        self.assertEqual(binds.pool.states()[0].last_error, "enquire link not answered")

    async def test_gw04_provider_unbinds(self) -> None:
        """What is outstanding is answered first, then unbind_resp, the close and a new bind."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port))
        link = await smsc.accept()
        await link.accept_bind()
        upstream = (await binds.relay.called("upstream_bound")).peer
        binds.send(upstream, "one")
        sent = await link.expect(SUBMIT_SM)
        link.send(build.unbind(5))
        await binds.relay.called("upstream_draining")
        self.assertEqual(binds.states(), ["Draining"])
        self.assertFalse(upstream.writable)
        link.send(good(sent))
        await binds.relay.called("upstream_responses")
        self.assertEqual((await link.expect(UNBIND_RESP)).sequence_number, 5)
        await link.closed()
        self.assertEqual((await binds.relay.called("upstream_lost")).what, [])
        await (await smsc.accept()).accept_bind()
        await binds.relay.called("upstream_bound", 2)

    async def test_gw04_provider_unbinds_and_does_not_answer(self) -> None:
        """Patience ends: unbind_resp all the same, and the rest is in doubt."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port, drain=0.1))
        link = await smsc.accept()
        await link.accept_bind()
        binds.send((await binds.relay.called("upstream_bound")).peer, "one")
        await link.expect(SUBMIT_SM)
        link.send(build.unbind(5))
        await link.expect(UNBIND_RESP)
        await link.closed()
        self.assertEqual((await binds.relay.called("upstream_lost")).what, ["one"])

    async def test_stop_drains_then_unbinds(self) -> None:
        """Our stop: window first, then unbind, its answer, the close; nothing in doubt."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port))
        link = await smsc.accept()
        await link.accept_bind()
        binds.send((await binds.relay.called("upstream_bound")).peer, "one")
        sent = await link.expect(SUBMIT_SM)
        stopped = binds.pool.stop()
        self.assertEqual(binds.states(), ["Stopping"])
        self.assertEqual(len(binds.relay.of("upstream_draining")), 1)
        link.send(good(sent))
        await link.answer_unbind()
        await link.closed()
        await stopped
        self.assertEqual(binds.states(), ["Stopped"])
        self.assertEqual(binds.relay.of("upstream_lost")[0].what, [])

    async def test_f31_stop_without_unbind_resp(self) -> None:
        """The unbind is not answered: aborted after its time, and stop is done."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port, drain=0.05))
        link = await smsc.accept()
        await link.accept_bind()
        binds.send((await binds.relay.called("upstream_bound")).peer, "one")
        stopped = binds.pool.stop()
        await link.expect(UNBIND)
        await link.closed()
        await stopped

    async def test_f66_mg29_one_bind_too_many(self) -> None:
        """0x05 for one of two binds: the other goes on, this one waits five seconds."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port, binds=2))
        await (await smsc.accept()).accept_bind()
        refused = await smsc.accept()
        await refused.accept_bind(0x05)
        await refused.closed()
        await binds.relay.called("upstream_bound")
        self.assertEqual(sorted(binds.states()), ["Bound", "Waiting"])

    async def test_sx05_gw06_closed_port(self) -> None:
        """Nobody listens: the row says so; once somebody does, the bind stands."""
        smsc = FakeSmsc(self)
        await smsc.refuse()
        binds = Binds(self, provider(smsc.port))
        await self._waiting(binds)
        self.assertIn("refused", binds.pool.states()[0].last_error.lower())
        smsc.listen()
        await (await smsc.accept()).accept_bind()
        await binds.relay.called("upstream_bound")

    async def _waiting(self, binds: Binds) -> None:
        while not binds.pool.states()[0].last_error:
            await deferLater(reactor, 0)

    async def test_mg13_password_is_in_no_event(self) -> None:
        """A bind, its refusal and its loss, all events of it: the password is in none of them."""
        texts: list[str] = []

        def note(event: Any) -> None:
            texts.append(eventAsText(event) + repr(event))

        observe: Any = note
        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port, auth_retry_delay=0.05))
        await (await smsc.accept()).accept_bind(0x0E)
        link = await smsc.accept()
        await link.accept_bind()
        await binds.relay.called("upstream_bound")
        link.reset()
        await binds.relay.called("upstream_lost")
        told = "".join(texts)
        self.assertIn("ESME_RINVPASWD", told)
        for form in (SECRET.decode(), SECRET.hex()):
            self.assertNotIn(form, told)
        self.assertNotIn(SECRET.decode(), repr(binds.pool.provider))


def _pairs(names: str, count: int) -> Any:
    return [(name, number) for name in names for number in range(1, count + 1)]


class ClockTests(ClockCase):
    """When a bind is tried again, without waiting for it."""

    def test_backoff_doubles_to_its_limit(self) -> None:
        """Refused connections: 1, 2, 4 ... 30 seconds, each up to a fifth shorter."""
        pool = self.start(chance=1.0)
        self.advance(100)
        self.assertEqual(self.gaps()[:7], [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0])
        self.successResultOf(pool.stop())
        self.advance(100)
        self.assertEqual(len(self.endpoint.attempts), 8)

    def test_backoff_has_a_least_pause(self) -> None:
        """reconnect_min 0 does not make a busy loop."""
        self.start(chance=1.0, reconnect_min=0.0)
        self.advance(1)
        self.assertLessEqual(len(self.endpoint.attempts), 11)

    def test_gw06_thirty_seconds(self) -> None:
        """A good bind lost: within a second, then every 30 seconds."""
        self.endpoint.mode = "connect"
        self.start(chance=1.0, reconnect_min=30.0, bind_timeout=5.0)
        link = self.answer_bind()
        self.advance(31)
        link.loseConnection()
        self.endpoint.mode = "refuse"
        self.advance(70)
        self.assertEqual(self.gaps(), [32.0, 30.0, 30.0])

    def test_f58_f63_hangs(self) -> None:
        """A connect that hangs ends after 5 s, a bind without an answer after 10 s."""
        self.endpoint.mode = "hang"
        pool = self.start()
        self.advance(4.9)
        self.assertEqual(pool.states()[0].state, "Connecting")
        self.advance(0.2)
        self.assertEqual(pool.states()[0].state, "Waiting")
        self.assertEqual(self.endpoint.cancelled, 1)
        self.endpoint.mode = "connect"
        self.advance(2)
        self.assertEqual(pool.states()[0].state, "Binding")
        self.advance(10.1)
        self.assertEqual(pool.states()[0].state, "Waiting")
        self.assertEqual(pool.states()[0].last_error, "bind not answered")
        self.assertFalse(self.endpoint.links[0].connected)
        self.assertEqual(self.relay.calls, [])

    def test_f64_wrong_password(self) -> None:
        """0x0E, 0x0F and 0x53: an alarm, the connection closed by us, and a minute's pause."""
        for command_status in (0x0E, 0x0F, 0x53):
            self.endpoint = Endpoint(self.clock)
            self.endpoint.mode = "connect"
            pool = self.start(auth_retry_delay=60.0)
            link = self.answer_bind(command_status)
            self.assertFalse(link.connected)
            self.advance(59.8)
            self.assertEqual(len(self.endpoint.attempts), 1)
            self.advance(0.4)
            self.assertEqual(len(self.endpoint.attempts), 2)
            self.successResultOf(pool.stop())

    def test_f65_closes_right_after_the_bind(self) -> None:
        """Neither a connection nor a bind resets the backoff."""
        self.endpoint.mode = "connect"
        self.start(chance=1.0)
        for seconds in (1.0, 2.0, 4.0, 8.0):
            self.answer_bind().loseConnection()
            self.advance(seconds)
        self.assertEqual(self.gaps(), [1.0, 2.0, 4.0, 8.0])

    def test_f65_a_good_answer_proves_the_bind(self) -> None:
        """A submit_sm taken: a later loss is a new trouble, and the next attempt is at once."""
        self.endpoint.mode = "connect"
        self.start(chance=0.5)
        for _ in range(2):
            link = self.answer_bind()
            number = self.relay.peers("upstream_bound")[-1].session.window.open("x", 0.0)
            link.protocol.dataReceived(build.submit_sm_resp(number, b"1"))
            link.loseConnection()
            self.advance(0.5)
        self.assertEqual(self.gaps(), [0.5, 0.5])

    def test_f66_already_bound(self) -> None:
        """0x05 and 0x0D: 5, 10, 20 seconds, then as slowly as for anything else."""
        for command_status in (0x05, 0x0D):
            self.endpoint = Endpoint(self.clock)
            self.endpoint.mode = "connect"
            pool = self.start()
            for seconds in (5, 10, 20, 30):
                self.answer_bind(command_status)
                self.advance(seconds - 0.2)
                self.assertEqual(pool.states()[0].state, "Waiting")
                self.advance(0.4)
                self.assertEqual(pool.states()[0].state, "Binding")
            self.successResultOf(pool.stop())

    def test_other_refusals_back_off(self) -> None:
        """0x08 and a generic_nack are temporary: the usual backoff, no alarm."""
        self.endpoint.mode = "connect"
        pool = self.start(chance=1.0)
        self.answer_bind(0x08)
        self.assertIn("ESME_RSYSERR", pool.states()[0].last_error)
        self.advance(1)
        link = self.endpoint.links[-1]
        (bind,) = link.pdus()
        link.protocol.dataReceived(build.generic_nack(0x03, bind.sequence_number))
        self.advance(2)
        self.assertEqual(self.gaps(), [1.0, 2.0])

    def test_stop_in_every_state(self) -> None:
        """Before the start, while connecting, binding and waiting: stopped at once, for good."""
        for mode, seconds in (("hang", 0.1), ("connect", 0.1), ("refuse", 0.1)):
            self.endpoint = Endpoint(self.clock)
            self.endpoint.mode = mode
            pool = self.start()
            self.advance(seconds)
            self.successResultOf(pool.stop())
            self.successResultOf(pool.stop())
            self.assertEqual(pool.states()[0].state, "Stopped")
            self.advance(60)
            self.assertEqual(len(self.endpoint.attempts), 1)
        idle = UpstreamPool(
            provider(2775), self.clock, self.relay, self.ticker, self.connect
        )
        self.successResultOf(idle.stop())

    def test_start_again(self) -> None:
        """A stopped pool can be started; one that runs takes no notice."""
        pool = self.start()
        pool.start()
        self.successResultOf(pool.stop())
        self.endpoint.mode = "connect"
        pool.start()
        self.answer_bind()
        pool.start()
        self.assertEqual(pool.states()[0].state, "Bound")
        self.assertEqual(len(self.endpoint.attempts), 2)

    def test_stop_while_the_provider_unbinds(self) -> None:
        """Draining for the provider, then stopped: no new bind, one goodbye."""
        self.endpoint.mode = "connect"
        pool = self.start()
        link = self.answer_bind()
        upstream = self.relay.peers("upstream_bound")[0]
        number = upstream.session.window.open("x", 0.0)
        link.protocol.dataReceived(build.unbind(9))
        stopped, again = pool.stop(), pool.stop()
        link.protocol.dataReceived(build.submit_sm_resp(number, b"1"))
        self.successResultOf(stopped)
        self.successResultOf(again)
        self.assertEqual([pdu.command_id for pdu in link.pdus()], [UNBIND_RESP])
        self.assertEqual(len(self.relay.of("upstream_draining")), 1)

    def test_provider_unbinds_while_we_stop(self) -> None:
        """Its unbind during our drain: answered once the window is empty, and all is over."""
        self.endpoint.mode = "connect"
        pool = self.start()
        link = self.answer_bind()
        upstream = self.relay.peers("upstream_bound")[0]
        number = upstream.session.window.open("x", 0.0)
        stopped = pool.stop()
        link.protocol.dataReceived(build.unbind(9))
        link.protocol.dataReceived(build.submit_sm_resp(number, b"1"))
        self.successResultOf(stopped)
        self.assertEqual([pdu.command_id for pdu in link.pdus()], [UNBIND_RESP])

    def test_expired_window_settles_a_drain(self) -> None:
        """The last outstanding answer times out while draining: the goodbye does not wait on."""
        self.endpoint.mode = "connect"
        pool = self.start(drain=30.0, response_timeout=2.0)
        link = self.answer_bind()
        upstream = self.relay.peers("upstream_bound")[0]
        upstream.session.window.open("x", self.clock.seconds())
        stopped = pool.stop()
        self.advance(6)
        self.assertEqual(self.relay.of("upstream_expired")[0].what, ["x"])
        self.assertIn(UNBIND, [pdu.command_id for pdu in link.pdus()])
        self.successResultOf(stopped)

    def test_a_second_connection_is_dropped(self) -> None:
        """Two addresses of a name answer at once: one session, the other connection unused."""
        self.endpoint.mode = "connect"
        pool = self.start()
        core: Any = pool.binds[0]._core
        factories: list[Any] = []
        core.endpoint = _Remembering(factories)
        self.endpoint.links[-1].loseConnection()
        self.advance(2)
        first, second = (factories[-1].buildProtocol(None) for _ in range(2))
        self.assertIsNotNone(first)
        self.assertIsNone(second)
        self.successResultOf(pool.stop())
        # It connects after all, too late.
        late = Link(first)
        first.makeConnection(late)
        self.assertFalse(late.connected)


class _Remembering:
    def __init__(self, factories: list[Any]) -> None:
        self.factories = factories

    def connect(self, factory: Any) -> Deferred[Any]:
        self.factories.append(factory)
        return Deferred()
