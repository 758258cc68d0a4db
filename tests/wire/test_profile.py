"""What a provider's profile says about our binds to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.routing.providers import AnswersProfile, Host, Provider
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    ENQUIRE_LINK,
    GENERIC_NACK,
    SUBMIT_SM,
)
from smppproxy.smpp.fields import read_bind
from smppproxy.wire.pauses import Pauses
from smppproxy.wire.pool import UpstreamPool, hosts_of, sessions_of
from smppproxy.wire.protocol import Ticker
from smppproxy.wire.provider_session import timers_of
from smppproxy.wire.tls import ServerTls, read_certificates
from tests.support.authority import Authority, address
from tests.support.peers import FakeSmsc, Peer, reactor
from tests.support.relay import RecordingRelay
from tests.wire.binds import Binds, ClockCase, private_key, provider


def preset(*ports: int, **options: Any) -> Provider:
    """A provider with the pauses and timers that presets begin with."""
    settings: dict[str, Any] = {
        "connect_timeout": 10.0,
        "bind_timeout": 30.0,
        "reconnect_delay": 30.0,
        "auth_retry_delay": 300.0,
        "idle_timeout": 300.0,
    }
    return provider(*(ports or (2775,)), **(settings | options))


def events(test: SynchronousTestCase, name: str) -> list[Any]:
    """The events of this name, as they come."""
    found: list[Any] = []

    def note(event: Any) -> None:
        if event.get("event") == name:
            found.append(event)

    observe: Any = note
    globalLogPublisher.addObserver(observe)
    test.addCleanup(globalLogPublisher.removeObserver, observe)
    return found


class BindTests(TestCase):
    """What the provider sees of us."""

    async def test_mg24_mg27_gw13_every_field_of_the_bind(self) -> None:
        """Octet for octet as configured: blanks, case, addresses and version."""
        smsc = FakeSmsc(self)
        Binds(
            self,
            preset(
                smsc.port,
                system_id=b"Esme 01 ",
                password=b" s3cret ",
                system_type=b"sendexa",
                interface_version=0x33,
                addr_ton=1,
                addr_npi=9,
                address_range=b"^45.*",
            ),
        )
        fields = read_bind(await (await smsc.accept()).accept_bind())
        self.assertEqual((fields.system_id, fields.password), (b"Esme 01 ", b" s3cret "))
        self.assertEqual(fields.system_type, b"sendexa")
        self.assertEqual(fields.interface_version, 0x33)
        self.assertEqual((fields.addr_ton, fields.addr_npi), (1, 9))
        self.assertEqual(fields.address_range, b"^45.*")

    async def test_sx01_gw01_gw12_by_default(self) -> None:
        """3.4 and an empty system_type."""
        smsc = FakeSmsc(self)
        Binds(self, provider(smsc.port))
        fields = read_bind(await (await smsc.accept()).accept_bind())
        self.assertEqual((fields.interface_version, fields.system_type), (0x34, b""))

    async def test_mg17_our_address(self) -> None:
        """The provider sees the configured address."""
        smsc = FakeSmsc(self)
        Binds(self, provider(smsc.port, bind_address="127.0.0.3"))
        link = await smsc.accept()
        await link.accept_bind()
        self.assertEqual(link.transport.getPeer().host, "127.0.0.3")

    async def test_gw03_hosts_mode_one(self) -> None:
        """Only the first host is bound to."""
        smscs = [FakeSmsc(self), FakeSmsc(self)]
        ports = [smsc.port for smsc in smscs]
        binds = Binds(self, provider(*ports, hosts_mode="one", binds=2))
        for _ in range(2):
            await (await smscs[0].accept()).accept_bind()
        await binds.relay.called("upstream_bound", 2)
        self.assertEqual([row.host for row in binds.pool.states()], ["a", "a"])
        self.assertEqual(smscs[1].links, [])

    async def test_mg28_max_binds_of_the_provider(self) -> None:
        """Never more sessions per host than it takes; the operator is told of the difference."""
        told = events(self, "provider_binds_limited")
        smscs = [FakeSmsc(self), FakeSmsc(self)]
        binds = Binds(
            self,
            provider(
                *(smsc.port for smsc in smscs), binds=2, max_binds=3, bind="transmitter+receiver"
            ),
        )
        for smsc in smscs:
            seen = [(await (await smsc.accept()).accept_bind()).command_id for _ in range(3)]
            self.assertEqual(sorted(seen), [BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSMITTER])
        await binds.relay.called("upstream_bound", 6)
        self.assertEqual(len(binds.pool.binds), 6)
        self.assertEqual([(event["taken"], event["wanted"]) for event in told], [(3, 4)])

    async def test_sx05_one_host_lost(self) -> None:
        """The only host goes: what was in flight is handed over, and it is bound to again."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port))
        link = await smsc.accept()
        await link.accept_bind()
        binds.send((await binds.relay.called("upstream_bound")).peer, "one")
        await link.expect(SUBMIT_SM)
        link.reset()
        self.assertEqual((await binds.relay.called("upstream_lost")).what, ["one"])
        await (await smsc.accept()).accept_bind()
        await binds.relay.called("upstream_bound", 2)
        self.assertEqual(self.flushLoggedErrors(), [])

    async def test_mg29_two_of_three(self) -> None:
        """The provider takes two of three binds: two stand, the third waits, and nobody is
        called."""
        told = events(self, "provider_bind_refused")
        smsc = FakeSmsc(self)
        binds = Binds(self, preset(smsc.port, binds=3))
        for status in (0, 0, 0x0D):
            await (await smsc.accept()).accept_bind(status)
        await binds.relay.called("upstream_bound", 2)
        while not told:
            await deferLater(reactor, 0)
        self.assertEqual(sorted(binds.states()), ["Bound", "Bound", "Waiting"])
        self.assertFalse(any(row.alarm for row in binds.pool.states()))
        self.assertFalse(told[0]["alarm"])
        self.assertGreaterEqual(told[0]["delay"], 30.0)

    async def test_oz16_generic_nack_answers_a_submit(self) -> None:
        """With any status; one for a number that nobody waits for has no effect."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port))
        link = await smsc.accept()
        await link.accept_bind()
        upstream = (await binds.relay.called("upstream_bound")).peer
        binds.send(upstream, "one", "two")
        one, _ = await link.expect_many(2, SUBMIT_SM)
        link.send(build.generic_nack(0x01, 999) + build.generic_nack(0x01, one.sequence_number))
        ((token, answer),) = (await binds.relay.called("upstream_responses")).what
        self.assertEqual((token, answer.command_id), ("one", GENERIC_NACK))
        self.assertEqual(answer.command_status, 0x01)
        self.assertEqual(len(upstream.session.window), 1)
        self.assertEqual(binds.relay.ledger.events["unexpected_response"], 1)

    async def test_sx20_answers_in_reverse(self) -> None:
        """Matched by sequence_number alone, whatever their order."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port))
        link = await smsc.accept()
        await link.accept_bind()
        binds.send((await binds.relay.called("upstream_bound")).peer, "one", "two", "three")
        sent = await link.expect_many(3, SUBMIT_SM)
        link.send(
            b"".join(
                build.submit_sm_resp(pdu.sequence_number, b"%d" % place)
                for place, pdu in reversed(list(enumerate(sent)))
            )
        )
        answers = (await binds.relay.called("upstream_responses")).what
        self.assertEqual([token for token, _ in answers], ["three", "two", "one"])


async def hello(link: Peer) -> None:
    """Wait for the first octets."""
    await link.until(lambda: link.octets != b"", "a hello")


class TlsTests(TestCase):
    """Which door, and which TLS."""

    def setUp(self) -> None:
        self.authority = Authority(Path(self.mktemp()))
        self.certificate = self.authority.issue("good", [address("127.0.0.1")], "x")

    def host(self, port: int, tls_port: int, **options: Any) -> Provider:
        """A provider of one host with these ports."""
        made = provider(1, **({"tls_ca": self.authority.path} | options))
        made.hosts = (Host("a", "127.0.0.1", port, tls_port),)
        return made

    async def test_sx04_preferred(self) -> None:
        """A host with a TLS port is spoken to there; one without in plain."""
        plain, secure = FakeSmsc(self), FakeSmsc(self, tls=ServerTls(*self.certificate))
        Binds(self, self.host(plain.port, secure.port, tls="preferred"))
        await (await secure.accept()).accept_bind()
        self.assertEqual(plain.links, [])
        Binds(self, self.host(plain.port, 0, tls="preferred"))
        await (await plain.accept()).accept_bind()
        self.assertEqual(len(secure.links), 1)

    async def test_sx03_none_must_be_asked_for(self) -> None:
        """tls "none": the plain port, also where there is one for TLS."""
        plain, secure = FakeSmsc(self), FakeSmsc(self, tls=ServerTls(*self.certificate))
        Binds(self, self.host(plain.port, secure.port, tls="none"))
        await (await plain.accept()).accept_bind()
        self.assertEqual(secure.links, [])

    async def test_mg03_required(self) -> None:
        """The TLS port, or the only port there is, in TLS."""
        for ports in ((1, 0), (0, 1)):
            secure = FakeSmsc(self, tls=ServerTls(*self.certificate))
            port, tls_port = (secure.port * one for one in ports)
            Binds(self, self.host(port, tls_port, tls="required"))
            await (await secure.accept()).accept_bind()

    async def test_mg03_preferred_never_falls_back(self) -> None:
        """The handshake fails: another attempt in TLS, none in the clear."""
        plain, broken = FakeSmsc(self), FakeSmsc(self)
        binds = Binds(self, self.host(plain.port, broken.port, tls="preferred"))
        for _ in range(2):
            link = await broken.accept()
            await hello(link)
            self.assertEqual(link.octets[:2], b"\x16\x03")
            link.hang_up()
            await link.closed()
        self.assertEqual((plain.links, binds.relay.calls), ([], []))

    async def test_sx04_oldest_tls(self) -> None:
        """tls_min "1.3": a provider that speaks 1.2 at most is not bound to; one with 1.3 is."""
        options = CertificateOptions(
            privateKey=private_key(self.certificate[1]),
            certificate=read_certificates(self.certificate[0])[0].original.to_cryptography(),
            lowerMaximumSecurityTo=TLSVersion.TLSv1_2,
            insecurelyLowerMinimumTo=TLSVersion.TLSv1_2,
        )
        old, new = FakeSmsc(self, tls=options), FakeSmsc(self, tls=ServerTls(*self.certificate))
        settings: dict[str, Any] = {"tls": "required", "tls_min": "1.3"}
        binds = Binds(self, self.host(old.port, 0, **settings))
        await (await old.accept()).closed()
        self.assertEqual(binds.relay.calls, [])
        Binds(self, self.host(old.port, 0, **(settings | {"tls_min": "1.2"})))
        Binds(self, self.host(new.port, 0, **settings))
        await (await new.accept()).accept_bind()
        while not any(link.pdus for link in old.links):
            await deferLater(reactor, 0)

    async def test_mg07_handshake_that_hangs(self) -> None:
        """A provider that takes the connection and says nothing: given up, nothing in the clear."""
        smsc = FakeSmsc(self)
        binds = Binds(
            self, self.host(smsc.port, 0, tls="required", connect_timeout=1.0, bind_timeout=30.0)
        )
        link = await smsc.accept()
        await hello(link)
        self.assertEqual(binds.states(), ["Securing"])
        await link.closed()
        self.assertEqual(binds.pool.states()[0].last_error, "no TLS in time")
        stopped = binds.pool.stop()
        await stopped
        # Stopped and started in the midst of a handshake.
        binds.pool.start()
        link = await smsc.accept()
        await hello(link)
        binds.pool.start()
        await binds.pool.stop()
        await link.closed()
        self.assertEqual(binds.states(), ["Stopped"])


class ClockTests(ClockCase):
    """When we knock, and when we give up."""

    def start_preset(self, chance: float = 0.0, **options: Any) -> UpstreamPool:
        """A pool of one bind with the pauses of presets."""
        own = preset(**options)
        names = ("connect_timeout", "bind_timeout", "reconnect_delay", "auth_retry_delay",
                 "idle_timeout")  # fmt: skip
        return self.start(chance, **({name: getattr(own, name) for name in names} | options))

    def good(self) -> Any:
        """A bind that stood for half a minute, with all our enquiries answered."""
        link = self.answer_bind()
        self.hold(link, 31)
        return link

    def hold(self, link: Any, seconds: float) -> int:
        """Let time pass while our enquiries are answered; how many there were."""
        count = 0
        for _ in range(round(seconds * 2)):
            self.advance(0.5)
            for pdu in link.pdus():
                if pdu.command_id == ENQUIRE_LINK:
                    count += 1
                    link.protocol.dataReceived(build.enquire_link_resp(pdu.sequence_number))
        return count

    # -- GW-06, MG-08, MG-29 --------------------------------------------------------------------

    def test_gw06_refused_connections(self) -> None:
        """Attempts at 0, 30, 60 seconds."""
        self.start_preset()
        self.advance(61)
        self.assertEqual(self.endpoint.attempts, [0.0, 30.0, 60.0])

    def test_gw06_lost_after_a_good_bind(self) -> None:
        """The first attempt within a second, then one every 30."""
        self.endpoint.mode = "connect"
        self.start_preset(chance=0.75)
        link = self.good()
        self.endpoint.mode = "refuse"
        link.loseConnection()
        self.advance(100)
        first, second, third = self.gaps()[:3]
        self.assertEqual(first, 31.75)
        for gap in (second, third):
            self.assertTrue(30.0 <= gap <= 31.5, gap)

    def test_gw05_gw06_lost_right_after_the_bind(self) -> None:
        """Once at once, so that a restart costs a second; then slowly, so that it is no storm."""
        self.endpoint.mode = "connect"
        self.start_preset(chance=0.5)
        self.answer_bind().loseConnection()
        self.advance(0.5)
        self.assertEqual(self.gaps(), [0.5])
        self.answer_bind().loseConnection()
        self.advance(29.5)
        self.assertEqual(len(self.endpoint.attempts), 2)
        self.advance(2)
        self.assertEqual(len(self.endpoint.attempts), 3)

    def test_gw06_refused_for_its_credentials(self) -> None:
        """0x0E, 0x0F, 0x53: the next attempt after 300 s, and an alarm that ends with a bind."""
        for command_status in (0x0E, 0x0F, 0x53):
            told = events(self, "provider_bind_refused")
            self.endpoint.attempts.clear()
            self.endpoint.mode = "connect"
            pool = self.start_preset()
            self.answer_bind(command_status)
            self.assertTrue(pool.states()[0].alarm)
            self.assertEqual([event["alarm"] for event in told], [True])
            self.advance(299.5)
            self.assertEqual(len(self.endpoint.attempts), 1)
            self.advance(1)
            self.assertEqual(len(self.endpoint.attempts), 2)
            self.answer_bind()
            self.assertFalse(pool.states()[0].alarm)
            self.drop(pool)

    def drop(self, pool: UpstreamPool) -> None:
        """End a pool whatever it is doing."""
        stopped = pool.stop()
        self.advance(3)
        self.successResultOf(stopped)

    def test_gw06_credentials_as_the_profile_names_them(self) -> None:
        """What is an alarm and what a bind too many is the provider's own."""
        self.endpoint.mode = "connect"
        answers = AnswersProfile(bind_auth=frozenset({0x0D}), bind_full=frozenset({0x0E}))
        pool = self.start(answers=answers)
        self.answer_bind(0x0E)
        self.assertFalse(pool.states()[0].alarm)
        self.advance(5.5)
        self.answer_bind(0x0D)
        self.assertTrue(pool.states()[0].alarm)

    def test_mg29_a_bind_too_many(self) -> None:
        """0x05 and 0x0D: every 30 seconds, and nobody is called."""
        for command_status in (0x05, 0x0D):
            told = events(self, "provider_bind_refused")
            self.endpoint.attempts.clear()
            self.endpoint.mode = "connect"
            pool = self.start_preset()
            for _ in range(3):
                self.answer_bind(command_status)
                self.advance(30.5)
            for gap in self.gaps():
                self.assertTrue(30.0 <= gap <= 31.0, gap)
            self.assertEqual([event["alarm"] for event in told], [False] * 3)
            self.drop(pool)

    def test_mg08_down_for_ten_minutes(self) -> None:
        """Bound again within 35 seconds of the provider's return."""
        self.endpoint.mode = "connect"
        pool = self.start_preset(chance=0.99)
        link = self.good()
        self.endpoint.mode = "refuse"
        link.loseConnection()
        self.advance(600)
        self.endpoint.mode = "connect"
        self.advance(35)
        self.answer_bind()
        self.assertEqual(pool.states()[0].state, "Bound")

    # -- MG-06, MG-07, OZ-07, OZ-08: silence ----------------------------------------------------

    def test_mg06_black_hole_after_the_bind(self) -> None:
        """No octet comes any more: closed within 60 seconds, and tried again."""
        self.endpoint.mode = "connect"
        pool = self.start_preset()
        link = self.answer_bind()
        self.advance(29.5)
        self.assertEqual(link.pdus(), [])
        self.advance(1.5)
        self.assertEqual([pdu.command_id for pdu in link.pdus()], [ENQUIRE_LINK])
        self.advance(11)
        self.assertFalse(link.connected)
        self.assertIn("enquire link not answered", pool.states()[0].last_error)
        self.advance(18)
        self.assertEqual(len(self.endpoint.attempts), 2)

    def test_gw11_oz07_intervals(self) -> None:
        """enquire_link 45: at 45 seconds; any PDU of the provider puts it off."""
        self.endpoint.mode = "connect"
        self.start_preset(enquire_link=45.0)
        link = self.answer_bind()
        self.advance(40)
        link.protocol.dataReceived(build.enquire_link(1))
        link.clear()
        self.advance(44.5)
        self.assertEqual(link.pdus(), [])
        self.advance(1.5)
        self.assertEqual([pdu.command_id for pdu in link.pdus()], [ENQUIRE_LINK])

    def test_sx02_bound_without_traffic(self) -> None:
        """Twelve minutes of enquiries and answers: one connection, still bound."""
        self.endpoint.mode = "connect"
        pool = self.start_preset()
        self.assertEqual(self.hold(self.answer_bind(), 720), 24)
        self.assertEqual(pool.states()[0].state, "Bound")

    def test_oz08_more_often_than_half_the_idle_time(self) -> None:
        """A provider that closes after 40 s hears from us before 20; who never wants, never."""
        for interval, idle, wanted in (
            (30.0, 40.0, 18.0),
            (30.0, 300.0, 30.0),
            (30.0, 0.0, 30.0),
            (0.0, 40.0, 0.0),
        ):
            timers = timers_of(provider(2775, enquire_link=interval, idle_timeout=idle))
            self.assertEqual(timers.enquire_link, wanted)
            self.assertTrue(not idle or timers.enquire_link < idle / 2)

    def test_mg07_bind_not_answered(self) -> None:
        """30 seconds for the bind, whatever the time to the connection."""
        self.endpoint.mode = "connect"
        pool = self.start_preset()
        self.advance(29.5)
        self.assertEqual(pool.states()[0].state, "Binding")
        self.advance(1)
        self.assertEqual(pool.states()[0].state, "Waiting")
        self.assertEqual(pool.states()[0].last_error, "bind not answered")

    def test_mg07_connection_not_made(self) -> None:
        """Ten seconds for the connection."""
        self.endpoint.mode = "hang"
        pool = self.start_preset()
        self.advance(9.5)
        self.assertEqual(pool.states()[0].state, "Connecting")
        self.advance(1)
        self.assertEqual(pool.states()[0].last_error, "not connected in time")

    def test_mg07_unfinished_pdu(self) -> None:
        """Part of a PDU and nothing more for 30 seconds: the connection is no good any more."""
        self.endpoint.mode = "connect"
        pool = self.start_preset(enquire_link=0.0)
        link = self.answer_bind()
        link.protocol.dataReceived(b"\0\0\0\x40\0\0\0\x05")
        self.advance(31)
        self.assertFalse(link.connected)
        self.assertEqual(pool.states()[0].last_error, "unfinished PDU")

    # -- three response timeouts in a row -------------------------------------------------------

    def send(self, *tokens: str) -> list[int]:
        """submit_sm on the newest bind; their sequence numbers."""
        upstream = self.relay.peers("upstream_bound")[-1]
        now = self.clock.seconds()
        return [upstream.session.window.open(token, now) for token in tokens]

    def test_mg07_three_submits_without_an_answer(self) -> None:
        """Enquiries are answered, submits are not: each frees its place after 60 s, the third in
        a row ends the session, and what else it held is in doubt too."""
        told = events(self, "provider_unresponsive")
        self.endpoint.mode = "connect"
        pool = self.start_preset()
        link = self.answer_bind()
        for token in "abc":
            self.send(token)
            self.hold(link, 10)
        self.hold(link, 43)
        self.send("d")
        self.assertTrue(link.connected)
        expired = [call.what for call in self.relay.of("upstream_expired")]
        self.assertEqual(expired, [["a"], ["b"]])
        self.hold(link, 10)
        self.assertFalse(link.connected)
        self.assertEqual(self.relay.of("upstream_expired")[-1].what, ["c"])
        self.assertEqual(self.relay.of("upstream_lost")[0].what, ["d"])
        self.assertEqual(pool.states()[0].last_error, "3 submit_sm in a row not answered")
        self.assertEqual(self.relay.ledger.events["provider_answers_nothing"], 1)
        self.assertEqual([event["bind"] for event in told], ["acme/a/1"])
        self.advance(2)
        self.assertEqual(len(self.endpoint.attempts), 2)

    def test_mg07_an_answer_between_them(self) -> None:
        """Two are not answered, one is, late or in time: the session stays."""
        self.endpoint.mode = "connect"
        pool = self.start_preset()
        link = self.answer_bind()
        for _ in range(3):
            numbers = self.send("a", "b")
            self.hold(link, 62)
            link.protocol.dataReceived(build.submit_sm_resp(numbers[0], b"late"))
        self.assertEqual(len(self.relay.of("upstream_expired")), 3)
        self.assertEqual(len(self.relay.of("upstream_late")), 3)
        self.assertEqual(pool.states()[0].state, "Bound")

    def test_mg07_a_bind_that_leaves_is_not_dropped(self) -> None:
        """While it drains for the provider's unbind, its goodbye comes first."""
        self.endpoint.mode = "connect"
        self.start_preset(drain=100.0)
        link = self.answer_bind()
        self.send("a", "b", "c")
        link.protocol.dataReceived(build.unbind(7))
        self.advance(62)
        self.assertEqual(self.relay.ledger.events["provider_answers_nothing"], 0)
        self.assertFalse(link.connected)


class PausesTests(SynchronousTestCase):
    """The numbers alone."""

    def pauses(self, chance: float = 0.0, **options: Any) -> Pauses:
        """The pauses of a bind."""
        settings: dict[str, Any] = {"reconnect_min": 1.0, "reconnect_max": 30.0}
        return Pauses(provider(2775, **(settings | options)), lambda: chance)

    def test_gw06_steady_pauses_spread_upwards(self) -> None:
        """Never sooner than the provider wants, and at most a twentieth later."""
        for chance, wanted in ((0.0, 30.0), (1.0, 31.5)):
            pauses = self.pauses(chance, reconnect_delay=30.0)
            self.assertEqual([pauses.lost(False, False) for _ in range(4)], [wanted] * 4)

    def test_a_good_bind_begins_anew(self) -> None:
        """After any number of failures its loss is the first one."""
        for delay in (0.0, 30.0):
            pauses = self.pauses(0.5, reconnect_delay=delay)
            for _ in range(5):
                pauses.lost(False, False)
            self.assertEqual(pauses.lost(True, True), 0.5)

    def test_f66_busy_begins_anew_with_a_bind(self) -> None:
        """5, 10, and after a bind 5 again."""
        pauses = self.pauses()
        self.assertEqual([pauses.refused(0x05)[0] for _ in range(2)], [5.0, 10.0])
        pauses.bound()
        self.assertEqual(pauses.refused(0x05), (5.0, False))

    def test_least_pause(self) -> None:
        """A pause of nothing is no busy loop."""
        self.assertEqual(self.pauses(reconnect_delay=0.001).lost(False, False), 0.1)

    def test_mg28_sessions_of_a_host(self) -> None:
        """Numbers before kinds; 0 is no limit."""
        self.assertEqual(
            sessions_of(provider(2775, binds=2, bind="transmitter+receiver")),
            [(1, BIND_TRANSMITTER), (1, BIND_RECEIVER), (2, BIND_TRANSMITTER), (2, BIND_RECEIVER)],
        )
        self.assertEqual(
            sessions_of(provider(2775, binds=5, max_binds=1)), [(1, BIND_TRANSCEIVER)]
        )
        self.assertEqual(len(hosts_of(provider(1, 2, 3))), 3)
        self.assertEqual(len(hosts_of(provider(1, 2, 3, hosts_mode="one"))), 1)


class PoolTests(SynchronousTestCase):
    """How a pool reaches its hosts."""

    def test_mg17_endpoint(self) -> None:
        """Without an address of ours the system chooses one."""
        pool = UpstreamPool(provider(2775), reactor, RecordingRelay(), Ticker(reactor))
        endpoint: Any = pool.binds[0]._core.endpoint
        self.assertIsNone(endpoint._bindAddress)
