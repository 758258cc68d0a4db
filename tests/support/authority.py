"""A certificate authority that issues, at test time, certificates good and bad in known ways."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEGIN = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
END = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
LONG_AGO = datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC)

PEM = serialization.Encoding.PEM


def dns(name: str) -> x509.GeneralName:
    """A host name for a subjectAltName."""
    return x509.DNSName(name)


def address(text: str) -> x509.GeneralName:
    """An IP address for a subjectAltName."""
    return x509.IPAddress(ip_address(text))


def email(text: str) -> x509.GeneralName:
    """An e-mail address for a subjectAltName."""
    return x509.RFC822Name(text)


class Authority:
    """One CA; what it issues lies as PEM files in its folder.

    :ivar path: its own certificate.
    """

    def __init__(self, folder: Path, name: str = "test CA") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        certificate = (
            self._builder(self._name, self._key.public_key(), END)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(identifier, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.path = str(folder / "ca.pem")
        Path(self.path).write_bytes(certificate.public_bytes(PEM))

    def issue(
        self, file: str, names: Sequence[x509.GeneralName], common_name: str, expired: bool = False
    ) -> tuple[str, str]:
        """Issue a certificate.

        :param file: the files' name, without an ending.
        :param names: of the subjectAltName; empty = no such extension.
        :return: the paths of the certificate and of its key.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(common_name), key.public_key(), LONG_AGO if expired else END)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(identifier, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        secret = key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        paths = self._folder / f"{file}.pem", self._folder / f"{file}.key"
        paths[0].write_bytes(certificate.public_bytes(PEM))
        paths[1].write_bytes(secret)
        return str(paths[0]), str(paths[1])

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, end: datetime.datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGIN)
            .not_valid_after(end)
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
