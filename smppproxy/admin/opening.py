"""Where the operator's door is: a Unix socket, a TCP port with or without TLS, both or neither."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint, UNIXServerEndpoint
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

from smppproxy.config import Admin
from smppproxy.wire.sockets import remove_dead_socket
from smppproxy.wire.tls import ServerTls

log = Logger()


class AdminDoor:
    """Opens and closes it. A door that cannot be opened is told in the log; the node goes on.

    :ivar port: the TCP port, 0 while there is none.
    :ivar tls: the certificate of the port, None without TLS; the node reloads it.
    :raises TlsError: the certificate's files cannot be used.
    """

    def __init__(self, reactor: Any, admin: Admin) -> None:
        self._reactor = reactor
        self._admin = admin
        self._open: list[IListeningPort] = []
        self._stopped = False
        self.port = 0
        self.tls: ServerTls | None = None
        if admin.port and admin.certificate:
            self.tls = ServerTls(admin.certificate, admin.key)

    @property
    def place(self) -> str:
        """Where it is, as ``--admin`` of the command takes it; the port rather than the socket,
        which nobody on another machine can open. "" while it is closed."""
        if self.port:
            address = self._admin.address
            host = f"[{address}]" if ":" in address else address
            return f"http{'s' if self.tls else ''}://{host}:{self.port}"
        return os.path.abspath(self._admin.path) if self._open else ""

    def start(self, site: IProtocolFactory) -> None:
        """Open what is configured; returns at once."""
        admin = self._admin
        if admin.path and self._prepare(admin.path):
            self._listen(UNIXServerEndpoint(self._reactor, admin.path, mode=0o600), site)
        if admin.port:
            kind = TCP6ServerEndpoint if ":" in admin.address else TCP4ServerEndpoint
            factory = site
            if self.tls is not None:
                factory = TLSMemoryBIOFactory(self.tls, False, site)
            self._listen(kind(self._reactor, admin.port, interface=admin.address), factory)

    def stop(self) -> Deferred[Any]:
        """Close it all. Fires when it is done."""
        self._stopped = True
        ports, self._open = self._open, []
        self.port = 0
        return gatherResults([maybeDeferred(port.stopListening) for port in ports])

    @staticmethod
    def _prepare(path: str) -> bool:
        """The folder of the socket, and no dead socket in it; false without a folder."""
        try:
            os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o755, exist_ok=True)
        except OSError as error:
            log.error(
                "the admin door stays closed: no folder for its socket: {error}; mend [admin] path",
                event="admin_failed",
                error=error,
            )
            return False
        remove_dead_socket(path)
        return True

    def _listen(self, endpoint: Any, factory: IProtocolFactory) -> None:
        endpoint.listen(factory).addCallbacks(
            self._listening,
            lambda failure: log.error(
                "the admin door stays closed: {error}; end who has it, or mend [admin] in the node "
                "file, and start again",
                event="admin_failed",
                error=failure.getErrorMessage(),
            ),
        )

    def _listening(self, port: IListeningPort) -> None:
        if self._stopped:
            maybeDeferred(port.stopListening)
            return
        self._open.append(port)
        self.port = getattr(port.getHost(), "port", 0) or self.port
        log.info("admin door on {where}", event="admin_listening", where=_where(port.getHost()))


def _where(address: Any) -> str:
    """An address as people write it: a socket's path, or host and port."""
    if isinstance(address, UNIXAddress):
        return os.fsdecode(address.name or b"")
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"
