"""The admin door of one node, put together: health, metrics, ledger, and the API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from twisted.web.resource import Resource

from smppproxy.admin.access import Access
from smppproxy.admin.door import Answer, Api, Door, Page, Root
from smppproxy.admin.families import Family
from smppproxy.admin.metrics import NodeCollector, pieces
from smppproxy.admin.pages import put_pages
from smppproxy.admin.program import NAME
from smppproxy.admin.scrape import ScrapePage
from smppproxy.relay.relay import SmppRelay
from smppproxy.wire.pool import BindState


def health(good: Callable[[], bool]) -> Callable[[], Answer]:
    """200 ``ok`` or 503 ``not ready``, as Kubernetes and HAProxy read them."""

    def answer() -> Answer:
        if good():
            return 200, b"text/plain; charset=utf-8", b"ok\n"
        return 503, b"text/plain; charset=utf-8", b"not ready\n"

    return answer


def as_json(value: Callable[[], Any]) -> Callable[[], Answer]:
    """The value of this moment as JSON."""
    return lambda: (200, b"application/json", json.dumps(value(), indent=1).encode() + b"\n")


def site(
    relay: SmppRelay,
    ready: Callable[[], bool],
    binds: Callable[[], list[BindState]],
    operator: Any,
    tokens: Mapping[str, bytes],
    clock: Any,
    *metrics: Callable[[], Iterator[Family]],
) -> Door:
    """The admin door of one node.

    :param ready: whether new binds are welcome (false while draining or without the store).
    :param binds: gives every bind to a provider as it is now.
    :param operator: answers the API.
    :param tokens: open a TCP port, see :class:`~smppproxy.admin.access.Access`.
    :param metrics: give metrics beside those of relay and binds.
    """
    access = Access(tokens, clock.seconds)
    collector = NodeCollector(relay, binds, *metrics)
    root: Resource = Root()  # type: ignore[no-untyped-call]
    put_pages(root)
    root.putChild(b"livez", Page(health(lambda: True)))
    root.putChild(b"readyz", Page(health(ready)))
    root.putChild(b"metrics", ScrapePage(lambda: pieces(collector), clock))
    root.putChild(b"ledger", Page(as_json(relay.ledger.as_dict), access))
    api: Resource = Root()  # type: ignore[no-untyped-call]
    api.putChild(b"v1", Api(operator, access, clock, version(NAME)))
    root.putChild(b"api", api)
    return Door(root, access, clock)
