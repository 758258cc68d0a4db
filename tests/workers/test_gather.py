"""Pages of several doors as one, as Prometheus and an operator ask for it."""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.protocol import ClientCreator, Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from smppproxy.admin.access import Access
from smppproxy.workers.gather import GatheredPage, labelled
from tests.support.doors import TOKENS, ask, asynchronous
from tests.support.nodes import reactor
from tests.workers.doors import WorkersCase

ONE = """# HELP a_total what it is
# TYPE a_total counter
a_total 1.0
# HELP b what that is
# TYPE b gauge
b{x="{ y"} 2.0
"""
OTHER = """# HELP b what that is
# TYPE b gauge
b{x="z"} 3.0
# HELP a_total what it is
# TYPE a_total counter
a_total 4.0
"""


class LabelledTests(SynchronousTestCase):
    """Metrics of several processes."""

    def test_whose_each_is(self) -> None:
        """Each sample has one label more, and each metric stands in one place, told once."""
        text = labelled([("n.1", ONE), ("n.2", OTHER)])
        self.assertEqual(text, """# HELP a_total what it is
# TYPE a_total counter
a_total{worker="n.1"} 1.0
a_total{worker="n.2"} 4.0
# HELP b what that is
# TYPE b gauge
b{worker="n.1",x="{ y"} 2.0
b{worker="n.2",x="z"} 3.0
""")  # fmt: skip

    def test_any_name(self) -> None:
        """A node may be called what it likes."""
        name = 'a"b\\c\nd'
        family, *_ = text_string_to_metric_families(labelled([(name, ONE)]))
        self.assertEqual(family.samples[0].labels, {"worker": name})

    def test_nobody(self) -> None:
        """No process, no metrics."""
        self.assertEqual(labelled([]), "")


class Silent(Protocol):
    """A door that says nothing."""

    transport: Any
    asked = False

    def dataReceived(self, data: bytes) -> None:
        """Somebody wants something."""
        self.asked = True


class GatheredTests(WorkersCase):
    """A page over two doors."""

    def serve(self, page: GatheredPage) -> str:
        """Its URL."""
        root = Resource()
        root.putChild(b"page", page)
        port = reactor.listenTCP(0, Site(root), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return f"http://127.0.0.1:{port.getHost().port}"

    async def page(self, *gone: str, access: Access | None = None) -> str:
        """Where the names of those who answered are told."""
        nodes = await self.two()
        doors = {node.node.name: node.node.admin.path for node in nodes}
        doors |= dict.fromkeys(gone, "/nobody")
        return self.serve(GatheredPage(
            reactor, "ledger", b"application/json", lambda: doors,
            lambda said: json.dumps(sorted(said)).encode(), access,
        ))  # fmt: skip

    @asynchronous
    async def test_everybody_is_asked(self) -> None:
        """One answer of all; who does not answer is not in it."""
        url = await self.page("n3")
        reply = await ask(url, "page")
        self.assertEqual((reply.status, reply.json), (200, ["n1", "n2"]))
        self.assertEqual(reply.header("content-type"), "application/json")
        self.assertEqual((await ask(url, "page", method="HEAD")).body, b"")

    @asynchronous
    async def test_it_is_to_be_read(self) -> None:
        """Any other method is told so."""
        reply = await ask(await self.page(), "page", b"x")
        self.assertEqual((reply.status, reply.header("allow")), (405, "GET, HEAD"))

    @asynchronous
    async def test_who_may(self) -> None:
        """A page that not everybody may see asks who it is."""
        url = await self.page(access=Access(TOKENS, reactor.seconds))
        self.assertEqual((await ask(url, "page")).status, 401)
        self.assertEqual((await ask(url, "page", token="read")).json, ["n1", "n2"])

    @asynchronous
    async def test_who_asked_is_gone(self) -> None:
        """The answer goes nowhere, and nothing is wrong with that."""
        made: list[dict[str, bytes]] = []
        silent = Silent()
        path = f"{tempfile.mkdtemp(prefix='smppproxy-')}/door"
        self.addCleanup(os.rmdir, os.path.dirname(path))
        port = reactor.listenUNIX(path, Factory.forProtocol(lambda: silent))
        self.addCleanup(port.stopListening)

        def answer(said: dict[str, bytes]) -> bytes:
            made.append(said)
            return b""

        page = GatheredPage(reactor, "ledger", b"text/plain", lambda: {"n1": path}, answer)
        url = self.serve(page)
        to = int(url.rpartition(":")[2])
        asking: Any = await ClientCreator(reactor, Protocol).connectTCP("127.0.0.1", to)
        asking.transport.write(b"GET /page HTTP/1.0\r\n\r\n")
        await self.wait(lambda: silent.asked, "asked")
        asking.transport.abortConnection()
        await self.wait(lambda: not page.waiting, "gone")
        silent.transport.loseConnection()
        await self.wait(lambda: made, "answered")
        self.assertEqual(made, [{}])
