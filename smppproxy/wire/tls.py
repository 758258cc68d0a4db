"""TLS towards clients and providers: 1.2 or later, renewable certificates, our own name check.

Twisted's client options log a certificate without a subjectAltName and let it pass (F50). So here
only the chain is checked in the handshake; the name is checked by :func:`check_peer` once the
handshake is done and before the bind, whose password it protects, leaves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto
from service_identity.pyopenssl import verify_hostname, verify_ip_address
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
)
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    TLSVersion,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

_BEGIN = b"-----BEGIN CERTIFICATE-----"
_VERSIONS = {"1.2": TLSVersion.TLSv1_2, "1.3": TLSVersion.TLSv1_3}


class TlsError(Exception):
    """A certificate or key cannot be used, or the peer is not who it should be; str() says why."""


def read_certificates(path: str) -> list[Certificate]:
    """All certificates of a PEM file, in its order.

    :raises TlsError: the file cannot be read or holds none.
    """
    try:
        parts = Path(path).read_bytes().split(_BEGIN)[1:]
        certificates = [Certificate.loadPEM(_BEGIN + part) for part in parts]
    except (OSError, crypto.Error, ValueError) as error:
        raise TlsError(f"{path}: {reason_of(error)}") from error
    if not certificates:
        raise TlsError(f"{path}: no certificate in it")
    return certificates


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """Our certificate for clients; :meth:`reload` renews it for the connections that follow.

    :param certificate: PEM file, our certificate first, then the chain.
    :param key: PEM file of its private key.
    :param client_ca: PEM file of the CAs whose certificates clients may show, "" = none is asked
        for. A client that shows none is served; its account may want one.
    :raises TlsError: when the files cannot be used.
    """

    # Twisted would insist on a certificate of everybody.
    verify = SSL.VERIFY_PEER | SSL.VERIFY_CLIENT_ONCE

    def __init__(self, certificate: str, key: str, client_ca: str = "") -> None:
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._options = self._load()

    def reload(self) -> None:
        """Read the files again.

        :raises TlsError: the files cannot be used; the certificate at hand stays in use.
        """
        self._options = self._load()

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """A connection in the server's role, with the certificate read last."""
        return self._options.serverConnectionForTLS(tlsProtocol)

    def _load(self) -> CertificateOptions:
        certificates = read_certificates(self._certificate)
        trust: Any = None
        if self._client_ca:
            trust = trustRootFromCertificates(read_certificates(self._client_ca))
        try:
            # cryptography's own objects: pyOpenSSL warns of its X509 and PKey, Twisted passes on
            # what it gets.
            chain = [one.original.to_cryptography() for one in certificates]
            key: Any = load_pem_private_key(Path(self._key).read_bytes(), None)
            options = CertificateOptions(
                privateKey=key,
                certificate=chain[0],
                extraCertChain=chain[1:],
                raiseMinimumTo=TLSVersion.TLSv1_2,
                trustRoot=trust,
            )
            # Building the context now shows a key that does not belong to the certificate.
            context = options.getContext()
            context.set_options(SSL.OP_NO_RENEGOTIATION)
            if trust is not None:
                context.set_verify(self.verify)
        except (OSError, SSL.Error, TypeError, ValueError, UnsupportedAlgorithm) as error:
            raise TlsError(f"{self._key}: {reason_of(error)}") from error
        return options


@implementer(IOpenSSLClientConnectionCreator)
class ClientTls:
    """What we ask of a provider's certificate: a trusted chain, in date; the name comes after.

    :param name: the host name or IP address the certificate must be for.
    :param authorities: PEM file of the CAs to trust; "" = those of the system.
    :param oldest: the oldest version of TLS that is spoken, "1.2" or "1.3".
    :raises TlsError: when the name or the file of CAs cannot be used.
    """

    def __init__(self, name: str, authorities: str = "", oldest: str = "1.2") -> None:
        self.name = name
        trust: Any = platformTrust()
        if authorities:
            trust = trustRootFromCertificates(read_certificates(authorities))
        self._is_address = isIPAddress(name) or isIPv6Address(name)
        try:
            self._server_name = name.encode("idna")
        except UnicodeError as error:
            raise TlsError(f"{name!r} is no host name: {error}") from error
        self._options = CertificateOptions(
            trustRoot=trust, raiseMinimumTo=_VERSIONS[oldest], acceptableProtocols=None
        )

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """A connection in the client's role; names, not addresses, are told to the server."""
        connection = self._options.clientConnectionForTLS(tlsProtocol)
        if not self._is_address:
            connection.set_tlsext_host_name(self._server_name)
        return connection

    def check_peer(self, connection: Any) -> None:
        """Is the certificate of this finished handshake for our name? (F50)

        :param connection: the OpenSSL connection (``transport.getHandle()``).
        :raises TlsError: it is not, or it could not be read: any trouble is a failure.
        """
        try:
            if self._is_address:
                verify_ip_address(connection, self.name)
            else:
                verify_hostname(connection, self.name)
        except Exception as error:  # noqa: BLE001  any exception means: not proven
            raise TlsError(f"certificate is not for {self.name}: {reason_of(error)}") from error


def certificate_names(transport: Any) -> frozenset[str]:
    """What the client's certificate, if it showed one, lets an account know it by.

    Its SHA-256 fingerprint as ``sha256:HEX``, and the host names of its subjectAltName; without
    any, its common name. Empty on a plain connection and for a client that showed none. The chain
    was checked in the handshake: see ``client_ca`` of :class:`ServerTls`.
    """
    connection = getattr(transport, "getHandle", lambda: None)()
    if not isinstance(connection, SSL.Connection):
        return frozenset()
    certificate = connection.get_peer_certificate(as_cryptography=True)
    if certificate is None:
        return frozenset()
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        names = []
    common = [] if names else certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    names += [str(name.value) for name in common]
    fingerprint = "sha256:" + certificate.fingerprint(hashes.SHA256()).hex()
    return frozenset({fingerprint, *(name.lower() for name in names)})


def reason_of(error: BaseException) -> str:
    """The reason in words: OpenSSL's errors are lists of (library, function, reason)."""
    details: Any = error.args[0] if error.args else ()
    if isinstance(error, SSL.Error | crypto.Error):
        return ", ".join(str(detail[-1]) for detail in details) or "TLS error"
    return f"{type(error).__name__}: {error}"
