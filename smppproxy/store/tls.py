"""TLS to the store: trust, and a check of the name that a certificate without one does not pass.

Twisted's own check lets a certificate without a subjectAltName through (F50), so it is done again
when the handshake is over and before the password leaves.
"""

from __future__ import annotations

from typing import Any

from OpenSSL.SSL import Connection
from service_identity import CertificateError, VerificationError
from service_identity.pyopenssl import verify_hostname, verify_ip_address
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

from .interface import StoreError


def tls_endpoint(endpoint: IStreamClientEndpoint, name: str, ca: str) -> IStreamClientEndpoint:
    """Wrap an endpoint in TLS that trusts the certificates in the file ``ca``, or the system's."""
    trust: Any = None
    if ca:
        trust = trustRootFromCertificates(_certificates(ca))
    wrapped: IStreamClientEndpoint = wrapClientTLS(optionsForClientTLS(name, trust), endpoint)
    return wrapped


def _certificates(path: str) -> list[Certificate]:
    end = b"-----END CERTIFICATE-----"
    try:
        with open(path, "rb") as file:
            blocks = [block + end for block in file.read().split(end)[:-1]]
        found = [Certificate.loadPEM(block) for block in blocks]
    except OSError as error:
        raise StoreError(f"the store's ca file cannot be read: {error.strerror}") from None
    if not found:
        raise StoreError("the store's ca file holds no certificate")
    return found


def name_fits(connection: Connection, name: str) -> bool:
    """Whether the peer's certificate is for ``name``; any doubt is a no."""
    verify = verify_ip_address if isIPAddress(name) or isIPv6Address(name) else verify_hostname
    try:
        verify(connection, name)
    except (VerificationError, CertificateError, ValueError):
        return False
    return True
