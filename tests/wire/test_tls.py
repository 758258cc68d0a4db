"""TLS on both sides, with certificates of every kind, over real sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.smpp import build
from smppproxy.smpp.constants import ENQUIRE_LINK_RESP
from smppproxy.smpp.timers import Timers
from smppproxy.wire.pool import UpstreamPool
from smppproxy.wire.protocol import Ticker
from smppproxy.wire.tls import ClientTls, ServerTls, TlsError, read_certificates, reason_of
from tests.support.authority import Authority, address, dns, email
from tests.support.peers import FakeSmsc, reactor
from tests.support.relay import RecordingRelay
from tests.wire.binds import Binds, private_key, provider
from tests.wire.door import NAME, PASSWORD, Door, account


class ProviderCertificateTests(TestCase):
    """Which certificates of a provider are good enough for our password."""

    def setUp(self) -> None:
        self.authority = Authority(Path(self.mktemp()))

    async def refused(self, certificate: tuple[str, str], **options: Any) -> str:
        """Connect to a provider with this certificate; no octet of SMPP may reach it."""
        smsc = FakeSmsc(self, tls=ServerTls(*certificate))
        settings: dict[str, Any] = {"tls": "required", "tls_ca": self.authority.path}
        settings |= {"reconnect_min": 30.0, "reconnect_max": 30.0} | options
        binds = Binds(self, provider(smsc.port, **settings))
        link = await smsc.accept()
        await link.closed()
        self.assertEqual(link.octets, b"")
        self.assertEqual(binds.states(), ["Waiting"])
        self.assertEqual(binds.relay.calls, [])
        return binds.pool.states()[0].last_error

    async def bound(self, certificate: tuple[str, str], **options: Any) -> None:
        """Connect to a provider with this certificate; the bind must reach it."""
        smsc = FakeSmsc(self, tls=ServerTls(*certificate))
        settings: dict[str, Any] = {"tls": "required", "tls_ca": self.authority.path}
        binds = Binds(self, provider(smsc.port, **(settings | options)))
        link = await smsc.accept()
        await link.accept_bind()
        await binds.relay.called("upstream_bound")
        stopped = binds.pool.stop()
        await link.answer_unbind()
        await link.closed()
        await stopped

    async def test_f50_good(self) -> None:
        """A name that fits: the host's own, or the one that is configured."""
        named = self.authority.issue("good", [dns("localhost"), dns("*.example.net")], "x")
        await self.bound(named, address="localhost")
        await self.bound(named, tls_name="smpp.example.net")

    async def test_f50_good_ip_address(self) -> None:
        """A host that is configured by its IP address must have that in its certificate."""
        await self.bound(self.authority.issue("ip", [address("127.0.0.1")], "x"))

    async def test_f50_nosan(self) -> None:
        """No subjectAltName at all, whatever the common name says."""
        certificate = self.authority.issue("nosan", [], "localhost")
        error = await self.refused(certificate, address="localhost")
        self.assertIn("certificate is not for localhost", error)

    async def test_f50_emailsan(self) -> None:
        """Only an e-mail address in the subjectAltName."""
        certificate = self.authority.issue("email", [email("a@example.net")], "localhost")
        await self.refused(certificate, address="localhost")

    async def test_f49_f50_wrong_san(self) -> None:
        """Another host's name, or one level more than the wildcard covers."""
        certificate = self.authority.issue("wrong", [dns("*.example.net")], "localhost")
        await self.refused(certificate, address="localhost")
        await self.refused(certificate, tls_name="a.b.example.net")

    async def test_f50_ip_only_san(self) -> None:
        """An IP address where a name is asked for, and a name where an address is."""
        ip_only = self.authority.issue("iponly", [address("127.0.0.1")], "localhost")
        await self.refused(ip_only, address="localhost")
        name_only = self.authority.issue("nameonly", [dns("localhost")], "127.0.0.1")
        await self.refused(name_only)

    async def test_f49_f50_expired(self) -> None:
        """A certificate that was good until 2021."""
        names = [address("127.0.0.1")]
        certificate = self.authority.issue("expired", names, "x", expired=True)
        self.assertIn("certificate verify failed", await self.refused(certificate))

    async def test_f49_f50_untrusted(self) -> None:
        """A certificate of an authority we do not trust; the system's are not asked either."""
        stranger = Authority(Path(self.mktemp()), "another CA")
        certificate = stranger.issue("stranger", [address("127.0.0.1")], "x")
        self.assertIn("certificate verify failed", await self.refused(certificate))
        await self.refused(certificate, tls_ca="")

    async def test_sx04_mg03_plain_provider(self) -> None:
        """A provider that does not speak TLS: no bind in the clear, no plain attempt after it."""
        smsc = FakeSmsc(self)
        binds = Binds(self, provider(smsc.port, tls="required", connect_timeout=0.2))
        for _ in range(2):
            link = await smsc.accept()
            await link.closed()
            self.assertEqual(link.octets[:2], b"\x16\x03")
            self.assertNotIn(b"smppproxy", link.octets)
        self.assertEqual(binds.relay.calls, [])

    async def test_f48_provider_with_old_tls(self) -> None:
        """A provider with TLS 1.1 at most is not bound to."""
        names = [address("127.0.0.1")]
        certificate = self.authority.issue("old", names, "x")
        options = CertificateOptions(
            privateKey=private_key(certificate[1]),
            certificate=read_certificates(certificate[0])[0].original.to_cryptography(),
            insecurelyLowerMinimumTo=TLSVersion.TLSv1_0,
            lowerMaximumSecurityTo=TLSVersion.TLSv1_1,
        )
        smsc = FakeSmsc(self, tls=options)
        binds = Binds(self, provider(smsc.port, tls="required", tls_ca=self.authority.path))
        link = await smsc.accept()
        await link.closed()
        self.assertEqual(binds.relay.calls, [])

    async def test_name_check_after_the_end(self) -> None:
        """A session that was given up during its handshake sends no bind when that completes."""
        certificate = self.authority.issue("late", [address("127.0.0.1")], "x")
        smsc = FakeSmsc(self, tls=ServerTls(*certificate))
        relay, ticker = RecordingRelay(), Ticker(reactor)
        settings = provider(smsc.port, tls="required", tls_ca=self.authority.path)
        pool = UpstreamPool(settings, reactor, relay, ticker)
        pool.start()
        link = await smsc.accept()
        core: Any = pool.binds[0]._core
        await link.until(lambda: core.session is not None and core.session.connected, "a session")
        session = core.session
        session.close("given up")
        session.handshakeCompleted()
        await link.closed()
        self.assertEqual(link.octets, b"")
        await pool.stop()

    def test_missing_authorities(self) -> None:
        """A file of CAs that is not there is told when the pool is made, not at 3 a.m."""
        settings = provider(2775, tls="required", tls_ca="/nonexistent/ca.pem")
        with self.assertRaisesRegex(TlsError, "/nonexistent/ca.pem"):
            UpstreamPool(settings, reactor, RecordingRelay(), Ticker(reactor))


class ListenerTests(TestCase):
    """Our own TLS port."""

    def setUp(self) -> None:
        self.authority = Authority(Path(self.mktemp()))
        self.certificate = self.authority.issue("node", [dns("localhost")], "node")
        self.server = ServerTls(*self.certificate)

    def trusting(self) -> Any:
        """A client's side that trusts the authority."""
        return ClientTls("localhost", self.authority.path)

    async def test_sx04_gw07_tls_bind(self) -> None:
        """The same account over TLS: OK; also where it must use TLS."""
        door = Door(self, tls=self.server)
        await door.bound(tls=self.trusting())
        door.accounts = {NAME.decode(): account(tls="required")}
        await door.bound(tls=self.trusting())

    async def test_f17_sx03_plain_on_the_tls_port(self) -> None:
        """No SMPP in the clear: the connection is closed, and another one is served."""
        door = Door(self, tls=self.server)
        client = await door.client()
        client.send_bind(NAME, PASSWORD)
        await client.closed()
        self.assertNotIn(b"smppproxy", client.octets)
        await door.bound(tls=self.trusting())

    async def test_f48_old_tls(self) -> None:
        """TLS 1.1 and the null cipher are refused, 1.2 and 1.3 served."""
        door = Door(self, tls=self.server)
        old = CertificateOptions(
            insecurelyLowerMinimumTo=TLSVersion.TLSv1_0,
            lowerMaximumSecurityTo=TLSVersion.TLSv1_1,
        )
        null = CertificateOptions(lowerMaximumSecurityTo=TLSVersion.TLSv1_2)
        null.getContext().set_cipher_list(b"NULL:@SECLEVEL=0")
        for options in (old, null):
            client = await door.client(tls=options)
            await client.closed()
            self.assertEqual(client.octets, b"")
        for version in (TLSVersion.TLSv1_2, TLSVersion.TLSv1_3):
            good = CertificateOptions(
                raiseMinimumTo=TLSVersion.TLSv1_2, lowerMaximumSecurityTo=version
            )
            await door.bound(tls=good)

    async def test_f48_no_renegotiation(self) -> None:
        """A client of TLS 1.2 that wants a second handshake on its connection does not get one."""
        door = Door(self, tls=self.server)
        one_two = CertificateOptions(lowerMaximumSecurityTo=TLSVersion.TLSv1_2)
        client = await door.bound(tls=one_two)
        connection = client.transport.getHandle()
        self.assertTrue(connection.renegotiate())
        with self.assertRaises(SSL.WantReadError):
            connection.do_handshake()
        client.transport._flushSendBIO()
        await client.closed()
        self.assertIn("no renegotiation", reason_of(client.reason or Exception()))

    async def test_f24_handshake_counts(self) -> None:
        """A peer that never begins the handshake is closed after the session-init time."""
        door = Door(self, tls=self.server, timers=Timers(session_init=0.15))
        client = await door.client()
        await client.closed()
        self.assertEqual(client.octets, b"")

    async def test_full_door(self) -> None:
        """Over TLS too a connection beyond max_sessions is closed, and nothing is said about it."""
        door = Door(self, tls=self.server, max_sessions=1)
        await door.bound(tls=self.trusting())
        more = await door.client(tls=self.trusting())
        await more.closed()
        self.assertEqual(door.event("connection_refused"), 1)

    async def test_close_over_tls_is_flushed(self) -> None:
        """unbind_resp reaches a TLS client before the close, back-pressure registered or not."""
        door = Door(self, tls=self.server)
        client = await door.bound(tls=self.trusting())
        client.send(build.enquire_link(2) + build.unbind(3))
        await client.expect(ENQUIRE_LINK_RESP)
        await client.expect(0x80000006)
        await client.closed()

    async def test_reload(self) -> None:
        """A renewed certificate serves the connections after the reload; a bad one changes none."""
        door = Door(self, tls=self.server)
        before = await door.bound(tls=self.trusting())
        other = Authority(Path(self.mktemp()), "new CA")
        renewed = other.issue("node", [dns("localhost")], "node")
        for old, new in zip(self.certificate, renewed, strict=True):
            Path(old).write_bytes(Path(new).read_bytes())
        self.server.reload()
        await door.bound(tls=ClientTls("localhost", other.path))
        Path(self.certificate[0]).write_text("nothing")
        self.assertRaises(TlsError, self.server.reload)
        await door.bound(tls=ClientTls("localhost", other.path))
        before.send(build.enquire_link(2))
        await before.expect(ENQUIRE_LINK_RESP)


class FileTests(SynchronousTestCase):
    """Files that cannot be used, named in the error."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.authority = Authority(self.folder)

    def test_key_of_another_certificate(self) -> None:
        """Certificate and key do not belong together."""
        first = self.authority.issue("first", [dns("a")], "a")
        second = self.authority.issue("second", [dns("a")], "a")
        with self.assertRaisesRegex(TlsError, "second.key"):
            ServerTls(first[0], second[1])

    def test_unreadable(self) -> None:
        """No file, no certificate in it, not a certificate, a key that is none."""
        good = self.authority.issue("good", [dns("a")], "a")
        empty = self.folder / "empty.pem"
        empty.write_text("")
        broken = self.folder / "broken.pem"
        broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        for path in (str(empty), str(broken), str(self.folder / "nothing.pem")):
            with self.assertRaisesRegex(TlsError, path):
                ServerTls(path, good[1])
        for path in (str(empty), str(self.folder / "nothing.key")):
            with self.assertRaisesRegex(TlsError, path):
                ServerTls(good[0], path)

    def test_impossible_name(self) -> None:
        """A name that is none is told when the options are made."""
        with self.assertRaisesRegex(TlsError, "no host name"):
            ClientTls("a..b")

    def test_chain(self) -> None:
        """All certificates of a file are read, in its order."""
        good = self.authority.issue("good", [dns("a")], "a")
        both = self.folder / "both.pem"
        both.write_bytes(Path(good[0]).read_bytes() + Path(self.authority.path).read_bytes())
        self.assertEqual(len(read_certificates(str(both))), 2)
        ServerTls(str(both), good[1])

    def test_reasons(self) -> None:
        """OpenSSL's lists become words."""
        error = SSL.Error([("SSL routines", "", "no shared cipher")])
        self.assertEqual(reason_of(error), "no shared cipher")
        self.assertEqual(reason_of(SSL.Error([])), "TLS error")
        self.assertEqual(reason_of(SSL.Error()), "TLS error")
        self.assertEqual(reason_of(ValueError("x")), "ValueError: x")
