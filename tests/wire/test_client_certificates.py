"""Certificates of clients, per account, over real sockets."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from typing import Any

from twisted.internet.ssl import CertificateOptions, trustRootFromCertificates
from twisted.trial.unittest import TestCase

from smppproxy.wire.tls import ServerTls, TlsError, certificate_names, read_certificates
from tests.support.authority import Authority, dns, email
from tests.wire.binds import private_key
from tests.wire.door import NAME, PASSWORD, Door, account

Files = tuple[str, str]


class ClientCertificateTests(TestCase):
    """A stolen password is no use without the key."""

    def setUp(self) -> None:
        self.authority = Authority(Path(self.mktemp()))
        self.clients = Authority(Path(self.mktemp()), "CA of clients")
        self.server = ServerTls(
            *self.authority.issue("node", [dns("localhost")], "node"), self.clients.path
        )
        self.own = self.clients.issue("own", [dns("esme01.example.net")], "x")

    def showing(self, certificate: Files | None) -> Any:
        """A client's side that shows this certificate."""
        shown: dict[str, Any] = {}
        if certificate is not None:
            shown["privateKey"] = private_key(certificate[1])
            shown["certificate"] = read_certificates(certificate[0])[0].original.to_cryptography()
        trust = trustRootFromCertificates(read_certificates(self.authority.path))
        return CertificateOptions(trustRoot=trust, **shown)

    async def status(self, door: Door, certificate: Files | None) -> int:
        """The command_status of a bind that shows a certificate."""
        client = await door.client(tls=self.showing(certificate))
        return (await client.bind(NAME, PASSWORD)).command_status

    def door(self, *wanted: str) -> Door:
        """A TLS door whose account wants one of these."""
        return Door(self, tls=self.server, client_certificates=wanted)

    async def test_by_name(self) -> None:
        """A name of the certificate, in any case; another one, or none shown, gets 0x0D."""
        door = self.door("other.example.net", "ESME01.example.net")
        self.assertEqual(await self.status(door, self.own), 0)
        other = self.clients.issue("other", [dns("esme02.example.net")], "esme01.example.net")
        self.assertEqual(await self.status(door, other), 0x0D)
        self.assertEqual(await self.status(door, None), 0x0D)

    async def test_by_common_name(self) -> None:
        """The common name counts only for a certificate without host names."""
        door = self.door("esme01")
        self.assertEqual(await self.status(door, self.clients.issue("cn", [], "esme01")), 0)
        mail = self.clients.issue("mail", [email("a@example.net")], "esme01")
        self.assertEqual(await self.status(door, mail), 0)
        both = self.clients.issue("both", [dns("x.example.net")], "esme01")
        self.assertEqual(await self.status(door, both), 0x0D)

    async def test_by_fingerprint(self) -> None:
        """The SHA-256 of the certificate, in either case of its digits."""
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(self.own[0]).read_text()))
        door = self.door("sha256:" + digest.hexdigest().upper())
        self.assertEqual(await self.status(door, self.own), 0)
        again = self.clients.issue("again", [dns("esme01.example.net")], "x")
        self.assertEqual(await self.status(door, again), 0x0D)

    async def test_wrong_certificate_and_wrong_password(self) -> None:
        """XC-14: a stolen password cannot be tried without the certificate: 0x0D, not 0x0E."""
        door = self.door("esme01.example.net")
        client = await door.client(tls=self.showing(None))
        self.assertEqual((await client.bind(NAME, b"wrong")).command_status, 0x0D)

    async def test_another_authority(self) -> None:
        """A certificate of a CA we do not trust, or one that is over, ends the handshake."""
        door = self.door("esme01.example.net")
        stranger = Authority(Path(self.mktemp()), "stranger")
        names = [dns("esme01.example.net")]
        for bad in (
            stranger.issue("own", names, "x"),
            self.clients.issue("old", names, "x", expired=True),
        ):
            client = await door.client(tls=self.showing(bad))
            client.send_bind(NAME, PASSWORD)
            await client.closed()
            self.assertEqual(client.octets, b"")

    async def test_accounts_that_want_none(self) -> None:
        """On the same door others bind with any certificate of ours, and without one."""
        door = Door(self, tls=self.server)
        self.assertEqual(await self.status(door, None), 0)
        self.assertEqual(await self.status(door, self.own), 0)

    async def test_door_that_asks_for_none(self) -> None:
        """Where the listener has no client_ca the account cannot bind, plain or over TLS."""
        plain = Door(self, client_certificates=("esme01.example.net",))
        self.assertEqual(await plain.status(), 0x0D)
        server = ServerTls(*self.authority.issue("second", [dns("localhost")], "node"))
        door = Door(self, tls=server, client_certificates=("esme01.example.net",))
        self.assertEqual(await self.status(door, self.own), 0x0D)

    async def test_reload(self) -> None:
        """Other CAs hold for connections after the reload."""
        door = self.door("esme01.example.net")
        stranger = Authority(Path(self.mktemp()), "stranger")
        Path(self.clients.path).write_bytes(Path(stranger.path).read_bytes())
        self.server.reload()
        certificate = stranger.issue("own", [dns("esme01.example.net")], "x")
        self.assertEqual(await self.status(door, certificate), 0)
        Path(self.clients.path).write_text("nothing")
        self.assertRaises(TlsError, self.server.reload)

    def test_names_of_nobody(self) -> None:
        """A transport without TLS shows no certificate."""
        self.assertEqual(certificate_names(object()), frozenset())
        self.assertEqual(account().client_certificates, ())
