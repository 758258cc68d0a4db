"""The operator's side of the admin door in tests: HTTP over its socket or its port."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from io import BytesIO
from ssl import get_server_certificate
from typing import Any

import attrs
from cryptography.x509 import load_pem_x509_certificate
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.threads import deferToThread
from twisted.logger import LogEvent
from twisted.python.failure import Failure
from twisted.web.client import Agent, FileBodyProducer
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from smppproxy.config import Admin, Listener, Node, load_network
from smppproxy.config.message_log import MessageLog
from smppproxy.service import SmppProxy, build
from smppproxy.store.memory import MemoryStore, World
from tests.support.logs import logged
from tests.support.nodes import NodeCase, reactor
from tests.support.ports import free_port

TOKENS = {
    "read": b"token-that-reads",
    "operate:alice": b"token-of-alice-1",
    "admin": b"token-of-the-boss",
}


@implementer(IAgentEndpointFactory)
class ToSocket:
    """Leads every request to one Unix socket."""

    def __init__(self, path: str) -> None:
        self.path = path

    def endpointForURI(self, uri: object) -> UNIXClientEndpoint:  # noqa: N802 - Twisted's name
        """The node's admin door."""
        return UNIXClientEndpoint(reactor, self.path)


@attrs.define
class Reply:
    """What the door said."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """Its error."""
        return self.json["error"]

    def header(self, name: str) -> str:
        """A header, "" when it is not there."""
        return (self.headers.getRawHeaders(name) or [""])[0]


async def ask(
    where: SmppProxy | str,
    path: str,
    body: Any = None,
    token: str = "",
    method: str = "",
    headers: dict[str, str] | None = None,
) -> Reply:
    """One request: to a node's socket, or to a URL.

    :param body: octets, or what becomes JSON; with one it is a POST.
    """
    if isinstance(where, str):
        agent, base = Agent(reactor), where
    else:
        agent = Agent.usingEndpointFactory(reactor, ToSocket(where.node.admin.path))
        base = "http://node"
    sent = Headers({name: [value] for name, value in (headers or {}).items()})
    if token:
        sent.addRawHeader("authorization", f"Bearer {TOKENS[token].decode()}")
    octets = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    method = method or ("GET" if body is None else "POST")
    producer = None if octets is None else FileBodyProducer(BytesIO(octets))
    response = await agent.request(method.encode(), f"{base}/{path}".encode(), sent, producer)
    return Reply(response.code, response.headers, await body_of(response))


class Body(Protocol):
    """Collects a response to its end; Twisted's own helper wants a TCP transport."""

    def __init__(self) -> None:
        self.octets = b""
        self.whole: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """More of it."""
        self.octets += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """All of it."""
        self.whole.callback(self.octets)


def body_of(response: Any) -> Deferred[bytes]:
    """The octets of a response."""
    body = Body()
    response.deliverBody(body)
    return body.whole


def asynchronous(test: Any) -> Any:
    """Run a coroutine as a trial test."""

    @wraps(test)
    def run(self: Any) -> Deferred[Any]:
        return ensureDeferred(test(self))

    return run


async def shown_name(port: int) -> str:
    """Whose certificate a port shows."""
    pem = await deferToThread(get_server_certificate, ("127.0.0.1", port))
    return load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()


class DoorCase(NodeCase):
    """Nodes with an admin door on a socket, or on a port with tokens.

    :ivar node_options: of the nodes that are made.
    :ivar begin_node: one more node, or one of them again, beside a pair.
    """

    begin_node: Callable[[str], SmppProxy]

    node_options: Mapping[str, Any] = {}

    def logged(self) -> list[LogEvent]:
        """The events that are logged from now on."""
        return logged(self)

    def pair(self, message_log: bool = False) -> tuple[SmppProxy, SmppProxy]:
        """Two nodes n1 and n2 of the network that was written, over one store.

        :param message_log: each writes one.
        """
        world: list[World] = []

        def open_store(url: str, node_name: str, clock: Any) -> MemoryStore:
            store = MemoryStore(clock, node_name, *world)
            world[:] = [store._world]
            self.stores.append(store)
            return store

        def begin(name: str) -> SmppProxy:
            listener = Listener(port=0, address="127.0.0.1", name="plain")
            node = Node(
                name=name,
                network_file=str(self.network_file),
                listeners=(listener,),
                admin=self.admin(),
                drain_timeout=2.0,
                message_log=MessageLog(str(self.network_file.parent / name) if message_log else ""),
            )
            service = build(node, load_network(self.network_file), reactor, open_store)
            service.startService()
            self.addCleanup(self.stop, service)
            return service

        self.begin_node = begin
        return begin("n1"), begin("n2")

    def with_socket(self, **options: Any) -> SmppProxy:
        """A node of the network that was written, its door on a socket."""
        return self.node(admin=self.admin(), **self.node_options, **options)

    def with_port(
        self, tokens: dict[str, bytes] | None = None, **more: Any
    ) -> tuple[SmppProxy, str]:
        """A node with its door on a port, and the port's URL."""
        tokens = TOKENS if tokens is None else tokens
        port = free_port()
        admin = Admin("127.0.0.1", port, tokens=tokens, **more)
        node = self.node(admin=admin, **self.node_options)
        return node, f"http://127.0.0.1:{port}"
