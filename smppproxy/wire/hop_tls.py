"""Mutual TLS between nodes: each side shows a certificate that the nodes' own CA has signed.

The name in it is not looked at: the CA is for nodes alone, and who a node is its bind says.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.protocols.tls import TLSMemoryBIOProtocol

from smppproxy.wire.tls import ClientTls, ServerTls


class HopTls(ServerTls, ClientTls):
    """This node's certificate in both roles, and the CAs that may have signed the other's.

    All is as for clients, but that nobody comes without a certificate.
    """

    verify = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """A connection in the client's role, with the same certificate."""
        return self._options.clientConnectionForTLS(tlsProtocol)

    def check_peer(self, connection: Any) -> None:
        """The handshake has said all there is to say."""
