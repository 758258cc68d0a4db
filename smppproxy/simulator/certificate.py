"""A self-signed certificate made on the spot, for demos and tests of TLS."""

from __future__ import annotations

import datetime
import ipaddress
import time
from typing import Any

from attrs import define
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet.ssl import Certificate, CertificateOptions


@define
class Own:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate, for a file."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key, unencrypted, for a file that nobody else may read."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def server(self) -> CertificateOptions:
        """For a listener."""
        # Twisted's annotations still name pyOpenSSL's own objects, which that has deprecated.
        key: Any = self.key
        certificate: Any = self.certificate
        return CertificateOptions(privateKey=key, certificate=certificate)

    @property
    def trust_root(self) -> Certificate:
        """For a client that trusts this certificate and no other."""
        return Certificate.loadPEM(self.certificate_pem)


def self_signed(name: str, days: int = 7) -> Own:
    """A P-256 certificate for ``name`` and 127.0.0.1, valid from an hour ago for ``days``.

    Who trusts it, from its file or as the server shows it, needs nothing else. It is no authority:
    rustls refuses to talk to one (CaUsedAsEndEntity).
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Own(certificate, key)
