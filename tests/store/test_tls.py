"""TLS to the store: the password leaves when the other side is who it should be."""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import tempfile
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from service_identity import CertificateError
from twisted.internet import reactor
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import KeyPair, PrivateCertificate
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from smppproxy.store import open_store
from smppproxy.store.interface import StoreError

from .contract import later
from .test_handshake import GOOD, Script
from .test_redis import ServerTestCase, shared_server

PEM = serialization.Encoding.PEM


class TlsTests(ServerTestCase):
    """rediss:// only talks to the server that the name says."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.server = shared_server()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.seen: list[bytes] = []
        self.ca = self.certificate("ca", None, self.key.public_key(), self.key)
        (self.folder / "ca.pem").write_bytes(self.ca.public_bytes(PEM))

    def certificate(self, name: str, san: Any, public: Any, key: Any) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])
        now = datetime.datetime(2026, 1, 1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(datetime.datetime(2100, 1, 1))
            .add_extension(x509.BasicConstraints(name == "ca", None), critical=True)
        )
        if san is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName(san), critical=False)
        return builder.sign(key, hashes.SHA256())

    def options_for(self, *san: x509.GeneralName) -> Any:
        """Of a TLS server with a certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self.certificate("localhost", san or None, key.public_key(), self.key)
        secret = key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        pem = made.public_bytes(PEM) + secret
        pair = KeyPair.load(secret, 1)
        return PrivateCertificate.fromCertificateAndKeyPair(
            PrivateCertificate.loadPEM(pem), pair
        ).options()

    async def serve(self, *san: x509.GeneralName) -> str:
        """A TLS door to the server, with a certificate for these names; its URL."""
        port = await self.listen_tls(lambda: Door(self), *san)
        return f"rediss://:secret@localhost:{port}?ca={self.folder}/ca.pem"

    async def listen_tls(self, make: Any, *san: x509.GeneralName) -> int:
        """A TLS door to a protocol of the test's, with a certificate for these names; its port."""
        factory = Factory.forProtocol(make)
        factory.noisy = False
        options = self.options_for(*san)
        port = reactor.listenSSL(0, factory, options, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(port.stopListening)
        number: int = port.getHost().port
        return number

    def store_at(self, url: str) -> Any:
        store = open_store(url, "node", reactor)
        self.addCleanup(store.stop)
        return store

    async def refused(self, store: Any) -> None:
        store.start()
        while not store._complaint:
            await later(reactor, 0.01)
        self.assertFalse(store.ready)
        self.assertNotIn(b"secret", b"".join(self.seen))
        # What Twisted's own check does about a certificate without a name: it logs.
        self.flushLoggedErrors(CertificateError)

    async def test_a_good_certificate(self):
        """For the name, or for the name that is given."""
        self.server.command("CONFIG", "SET", "requirepass", "")
        url = await self.serve(x509.DNSName("localhost"))
        store = self.store_at(url.replace(":secret@", ""))
        await store.start()
        self.assertEqual(await store.take_numbers(b"tls", 1), 1)

    async def test_a_good_certificate_for_an_address(self):
        """An address is verified as one."""
        url = await self.serve(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        store = self.store_at(url.replace(":secret@localhost", "127.0.0.1"))
        await store.start()

    async def test_f50_a_certificate_without_a_name(self):
        """The authority is trusted, the name is nowhere: no password leaves."""
        store = self.store_at(await self.serve())
        await self.refused(store)

    async def test_f50_a_certificate_with_an_email_address_only(self):
        """The same."""
        store = self.store_at(await self.serve(x509.RFC822Name("me@localhost")))
        await self.refused(store)

    async def test_f49_a_certificate_for_another_name(self):
        """The same."""
        store = self.store_at(await self.serve(x509.DNSName("elsewhere.example")))
        await self.refused(store)

    async def test_f49_an_authority_that_is_not_trusted(self):
        """The system's authorities do not know ours."""
        url = await self.serve(x509.DNSName("localhost"))
        store = self.store_at(url.partition("?")[0])
        await self.refused(store)

    async def behind_sentinels(self, sentinel: str, master: str) -> Any:
        """A store behind a sentinel and at a master with certificates for these names."""
        port = await self.listen_tls(lambda: Script(GOOD), x509.DNSName(master))
        text = str(port).encode()
        named = {b"SENTINEL": b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%b\r\n" % (len(text), text)}
        place = await self.listen_tls(lambda: Script(named), x509.DNSName(sentinel))
        options = f"tls=yes&name=store.example&ca={self.folder}/ca.pem"
        return self.store_at(f"redis+sentinel://127.0.0.1:{place}/main?{options}")

    async def test_f49_behind_sentinels(self):
        """Sentinels and master, wherever it is, speak TLS and have certificates for one name."""
        store = await self.behind_sentinels("store.example", "store.example")
        await store.start()
        self.assertTrue(store.ready)

    async def test_f49_other_names_behind_sentinels(self):
        """Whoever has another name is not believed, and not written to."""
        with capturedLogs() as events:
            store = await self.behind_sentinels("elsewhere.example", "store.example")
            store.start()
            while not [each for each in events if "no majority" in str(each.get("reason"))]:
                await later(reactor, 0.01)
        self.assertFalse(store.ready)
        await self.refused(await self.behind_sentinels("store.example", "elsewhere.example"))

    async def in_cluster(self, asked: str, master: str) -> Any:
        """A store in a cluster: the server that is asked for its slot and that slot's master have
        certificates for these names. What they are told is in ``commands``."""
        self.commands: list[list[Any]] = [[], []]
        port = await self.listen_tls(lambda: Script(GOOD, self.commands[1]), x509.DNSName(master))
        told = {
            b"CLUSTER SLOTS": b"*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$-1\r\n:%d\r\n$1\r\nx\r\n" % port,
            b"CLUSTER NODES": b"$0\r\n\r\n",
        }
        place = await self.listen_tls(lambda: Script(told, self.commands[0]), x509.DNSName(asked))
        options = f"tls=yes&name=store.example&ca={self.folder}/ca.pem"
        return self.store_at(f"redis+cluster://us:secret@127.0.0.1:{place}/net?{options}")

    async def test_f49_in_a_cluster(self):
        """All servers speak TLS and have certificates for one name; each is told who we are."""
        store = await self.in_cluster("store.example", "store.example")
        await store.start()
        self.assertTrue(store.ready)
        for commands in self.commands:
            self.assertEqual([[b"PING"], [b"AUTH", b"us", b"secret"]], commands[:2])

    async def test_f49_other_names_in_a_cluster(self):
        """Whoever has another name gets no password, is not believed, and not written to."""
        with capturedLogs() as events:
            store = await self.in_cluster("elsewhere.example", "store.example")
            store.start()
            while not [each for each in events if "who has slot" in str(each.get("reason"))]:
                await later(reactor, 0.01)
        self.assertFalse(store.ready)
        self.assertEqual([[], []], self.commands)
        await self.refused(await self.in_cluster("store.example", "elsewhere.example"))
        self.assertEqual([], self.commands[1])

    async def test_f50_no_name_in_a_cluster(self):
        """A certificate without any name, which the library lets pass, gets no password either."""
        commands: list[Any] = []
        port = await self.listen_tls(lambda: Script(GOOD, commands))
        options = f"tls=yes&name=store.example&ca={self.folder}/ca.pem"
        store = self.store_at(f"redis+cluster://us:secret@127.0.0.1:{port}/net?{options}")
        with capturedLogs() as events:
            store.start()
            while not [each for each in events if "certificate is not" in str(each.get("reason"))]:
                await later(reactor, 0.01)
        self.assertEqual([b"PING"], commands[0])
        self.assertNotIn(b"AUTH", [command[0] for command in commands])
        self.flushLoggedErrors(CertificateError)

    def test_a_ca_file_that_holds_none(self):
        """Is a mistake in the configuration."""
        (self.folder / "empty.pem").write_text("")
        for path, what in (("empty.pem", "no certificate"), ("missing.pem", "No such file")):
            with self.assertRaisesRegex(StoreError, what):
                open_store(f"rediss://localhost?ca={self.folder}/{path}", "node", reactor)


class Door(Protocol):
    """One connection of a TLS door."""

    transport: Any

    def __init__(self, test: Any) -> None:
        self.test = test
        self.far: Any = None
        self.early: list[bytes] = []

    def connectionMade(self) -> None:
        near = self

        class Far(Protocol):
            def dataReceived(self, data: bytes) -> None:
                near.transport.write(data)

        factory = Factory.forProtocol(Far)
        factory.noisy = False
        UNIXClientEndpoint(reactor, self.test.server.path).connect(factory).addCallback(self.made)

    def made(self, far: Any) -> None:
        self.far = far
        for data in self.early:
            far.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        self.test.seen.append(data)
        if self.far is None:
            self.early.append(data)
        else:
            self.far.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.far is not None:
            self.far.transport.loseConnection()
