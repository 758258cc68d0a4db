"""Tests of ``simulator.certificate``: what a client asks of a server's certificate."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.simulator.certificate import Own, self_signed


class CertificateTests(SynchronousTestCase):
    """The certificate of the demo."""

    def handshake(self, own: Own, trusted: Own, name: str) -> None:
        """A strict client that trusts one certificate talks to a server that has another one."""
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        (folder / "own.crt").write_bytes(own.certificate_pem)
        (folder / "own.key").write_bytes(own.key_pem)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(folder / "own.crt", folder / "own.key")
        client = ssl.create_default_context(cadata=trusted.certificate_pem.decode())
        client.verify_flags |= ssl.VERIFY_X509_STRICT
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        ours = client.wrap_bio(down, up, server_hostname=name)
        theirs = server.wrap_bio(up, down, server_side=True)
        for _ in range(3):
            for side in (ours, theirs):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue
        self.assertEqual(ours.version(), "TLSv1.3")

    def test_it_is_all_that_needs_to_be_trusted(self) -> None:
        """By its name and by 127.0.0.1, strictly; another one of the same name is not trusted."""
        own = self_signed("localhost")
        self.handshake(own, own, "localhost")
        self.handshake(own, own, "127.0.0.1")
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.handshake(own, own, "example.net")
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.handshake(own, self_signed("localhost"), "localhost")

    def test_it_is_no_authority(self) -> None:
        """rustls talks to no server that shows the certificate of an authority."""
        certificate = x509.load_pem_x509_certificate(self_signed("localhost").certificate_pem)
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        self.assertFalse(found.value.ca)
