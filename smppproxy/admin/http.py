"""/livez, /readyz, /metrics, /ledger and /binds: what a load balancer and an operator ask first."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
from twisted.web.pages import notFound
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

from smppproxy.admin.metrics import NodeCollector, exposition
from smppproxy.relay.relay import SmppRelay
from smppproxy.wire.pool import BindState


class Page(Resource):
    """A GET that answers what a function returns: status, content type, octets."""

    isLeaf = True

    def __init__(self, answer: Callable[[], tuple[int, bytes, bytes]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._answer = answer

    def render_GET(self, request: Request) -> bytes:  # noqa: N802 - Twisted's name
        """The answer of this moment; never cached."""
        status, content_type, body = self._answer()
        request.setResponseCode(status)
        request.setHeader(b"content-type", content_type)
        request.setHeader(b"cache-control", b"no-store")
        return body


class Root(Resource):
    """The pages by their names, and a plain 404 for anything else."""

    def getChild(self, path: bytes, request: Request) -> IResource:  # noqa: N802 - Twisted's name
        """There is no such page."""
        return notFound()


class Quiet(Site):
    """A site without an access log: scrapes every few seconds say nothing an operator needs."""

    noisy = False

    def log(self, request: object) -> None:
        """Nothing."""


def health(good: Callable[[], bool]) -> Callable[[], tuple[int, bytes, bytes]]:
    """200 ``ok`` or 503 ``not ready``, as Kubernetes and HAProxy read them."""

    def answer() -> tuple[int, bytes, bytes]:
        if good():
            return 200, b"text/plain; charset=utf-8", b"ok\n"
        return 503, b"text/plain; charset=utf-8", b"not ready\n"

    return answer


def as_json(value: Callable[[], Any]) -> Callable[[], tuple[int, bytes, bytes]]:
    """The value of this moment as JSON."""

    def answer() -> tuple[int, bytes, bytes]:
        body = json.dumps(value(), indent=1, default=str).encode() + b"\n"
        return 200, b"application/json", body

    return answer


def site(
    relay: SmppRelay,
    ready: Callable[[], bool],
    binds: Callable[[], list[BindState]],
) -> Site:
    """The admin door of one node.

    :param ready: whether new binds are welcome (false while draining or without the store).
    :param binds: gives every bind to a provider as it is now.
    """
    collector = NodeCollector(relay, binds)
    root = Root()  # type: ignore[no-untyped-call]
    root.putChild(b"livez", Page(health(lambda: True)))
    root.putChild(b"readyz", Page(health(ready)))
    root.putChild(
        b"metrics",
        Page(lambda: (200, b"text/plain; version=0.0.4; charset=utf-8", exposition(collector))),
    )
    root.putChild(b"ledger", Page(as_json(relay.ledger.as_dict)))
    root.putChild(
        b"binds",
        Page(
            as_json(
                lambda: {"upstream": [*map(attrs.asdict, binds())], "clients": clients(relay)}
            )
        ),
    )
    return Quiet(root)  # type: ignore[no-untyped-call]


def clients(relay: SmppRelay) -> list[dict[str, Any]]:
    """One row per bound client."""
    return [
        {
            "account": account,
            "bind": client.name,
            "state": client.session.state,
            "outstanding": client.outstanding,
            "unanswered_deliveries": len(client.session.window),
        }
        for account, bound in sorted(relay.directory.clients.items())
        for client in sorted(bound, key=lambda client: client.name)
    ]
