"""Mutual TLS between nodes: each side shows a certificate that the nodes' own CA has signed.

The name in it is not looked at: the CA is for nodes alone, and who a node is its bind says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
)
from twisted.internet.ssl import CertificateOptions, TLSVersion, trustRootFromCertificates
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from smppproxy.wire.tls import ClientTls, TlsError, read_certificates, reason_of


@implementer(IOpenSSLServerConnectionCreator, IOpenSSLClientConnectionCreator)
class HopTls(ClientTls):
    """This node's certificate in both roles; :meth:`reload` renews it.

    :param certificate: PEM file, this node's first, then the chain.
    :param key: PEM file of its private key.
    :param authorities: PEM file of the CAs that may have signed the other's.
    :raises TlsError: the files cannot be used.
    """

    def __init__(self, certificate: str, key: str, authorities: str) -> None:
        self._files = (certificate, key, authorities)
        self._options = self._load()

    def reload(self) -> None:
        """Read the files again.

        :raises TlsError: the files cannot be used; what is at hand stays in use.
        """
        self._options = self._load()

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """A connection in the server's role."""
        return self._options.serverConnectionForTLS(tlsProtocol)

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """A connection in the client's role."""
        return self._options.clientConnectionForTLS(tlsProtocol)

    def check_peer(self, connection: Any) -> None:
        """The handshake has said all there is to say."""

    def _load(self) -> CertificateOptions:
        certificate, key_file, authorities = self._files
        certificates = read_certificates(certificate)
        trust: Any = trustRootFromCertificates(read_certificates(authorities))
        try:
            chain = [one.original.to_cryptography() for one in certificates]
            key: Any = load_pem_private_key(Path(key_file).read_bytes(), None)
            options = CertificateOptions(
                privateKey=key,
                certificate=chain[0],
                extraCertChain=chain[1:],
                raiseMinimumTo=TLSVersion.TLSv1_2,
                trustRoot=trust,
            )
            context = options.getContext()
            context.set_options(SSL.OP_NO_RENEGOTIATION)
            context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        except (OSError, SSL.Error, TypeError, ValueError, UnsupportedAlgorithm) as error:
            raise TlsError(f"{key_file}: {reason_of(error)}") from error
        return options
