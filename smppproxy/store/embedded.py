"""The store in a folder of this machine: a private server, and the usual store on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint

from .interface import StoreError
from .redis import RedisStore
from .server import Server


class _SocketOf:
    """An endpoint whose path is known when the server has its folder."""

    def __init__(self, server: Server, reactor: Any) -> None:
        self._server = server
        self._reactor = reactor

    def connect(self, factory: Any) -> Deferred[Any]:
        endpoint = UNIXClientEndpoint(self._reactor, self._server.path, timeout=5)
        connecting: Deferred[Any] = endpoint.connect(factory)
        return connecting


class EmbeddedStore(RedisStore):
    """``embedded:///folder``: a :class:`RedisStore` with the server's life in our hands."""

    def __init__(
        self, folder: str, node: str, reactor: Any, *, binary: str = "", **options: Any
    ) -> None:
        self.server = Server(Path(folder), reactor, binary)
        super().__init__(_SocketOf(self.server, reactor), node, reactor, **options)  # type: ignore[arg-type]

    def start(self) -> Deferred[None]:
        """As the contract says; :class:`StoreError` when the folder cannot be used."""
        try:
            self.server.start()
        except StoreError as error:
            failed: Deferred[None] = Deferred()
            failed.errback(error)
            return failed
        return super().start()

    def stop(self) -> Deferred[None]:
        """Disconnect, then end the server; fires when it has written everything and is gone."""
        stopped = super().stop()
        return stopped.addCallback(lambda _: self.server.stop())
