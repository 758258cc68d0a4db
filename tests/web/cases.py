"""Nodes to look at: traffic, a bind that is down, receipts that wait, versions of the network."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.protocol import Factory
from twisted.protocols.portforward import ProxyFactory, ProxyServer

from smppproxy.config import Admin
from smppproxy.config.message_log import MessageLog
from smppproxy.service import SmppProxy
from smppproxy.simulator.clock import until
from smppproxy.simulator.esme import Esme
from smppproxy.simulator.smsc import Smsc
from tests.support.doors import TOKENS, DoorCase
from tests.support.nodes import reactor
from tests.support.ports import free_port
from tests.web.browser import Visit, visit

WAIT = 60.0
"""Seconds that a busy machine may take for what is waited for."""


class Led(ProxyServer):
    """One connection that is led to a Unix socket, as ``ssh -L`` does."""

    factory: Any

    def connectionMade(self) -> None:
        """Open the other half."""
        self.transport.pauseProducing()
        client = self.clientProtocolFactory()
        client.setServer(self)
        endpoint = UNIXClientEndpoint(reactor, self.factory.host)
        endpoint.connect(Factory.forProtocol(lambda: client.buildProtocol(None)))


class WebCase(DoorCase):
    """A node whose door is a port with tokens, and a browser.

    :ivar port: of the door.
    """

    timeout = 600
    port = 0

    def wait(self, condition: Any, what: str = "") -> Deferred[None]:
        """Until the condition is true, a minute at most."""
        return until(reactor, condition, WAIT, what)

    def opened(self, **options: Any) -> SmppProxy:
        """A node of the network that was written, on the same port each time."""
        self.port = self.port or free_port()
        admin = Admin("127.0.0.1", self.port, tokens=dict(TOKENS))
        folder = self.network_file.parent / "messages"
        log = MessageLog(str(folder))
        return self.node(admin=admin, message_log=log, **options)

    def url(self, role: str = "admin") -> str:
        """The page, with what opens it."""
        return f"http://127.0.0.1:{self.port}/#token={TOKENS[role].decode()}"

    async def carried(self, count: int = 40, more: str = "") -> tuple[Smsc, SmppProxy]:
        """A node that has carried messages: of bank, which took its receipts, and of shop, which
        has no receiver, so that they wait. Messages from mobiles come for nobody."""
        smsc = self.provider("a", "b", undelivered=0.1, errors={0x0B: 0.05}, mo_rate=2.0)
        self.write_network(smsc, ("shop", "bank"), more=more)
        node = self.opened()
        await self.wait(lambda: self.bound(node) == 2, "the binds")
        for name, bind in (("bank", "trx"), ("shop", "tx")):
            esme = self.client(
                node, system_id=name.encode(), password=name.encode(), bind=bind, count=count
            )
            await self.wait(partial(self.is_over, node, esme, name), f"the receipts of {name}")
        return smsc, node

    @staticmethod
    def is_over(node: SmppProxy, esme: Esme, account: str) -> bool:
        """Every message of a client is answered, and its receipt is there for it."""
        tally = esme.tally
        counts = node.relay.counts.account(account)
        is_home = sum(counts.delivered.values()) if esme.options.bind == "trx" else counts.queued
        is_answered = tally.accepted + tally.refused == esme.options.count
        return is_answered and is_home >= tally.accepted

    @staticmethod
    def bound(node: SmppProxy) -> int:
        """How many binds to providers stand."""
        return sum(each.state == "Bound" for each in node.binds())

    def led(self, node: SmppProxy) -> int:
        """A port that leads to a node's Unix socket, as ``ssh -L`` makes one."""
        factory = ProxyFactory(node.node.admin.path, 0)
        factory.protocol = Led
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        number: int = port.getHost().port
        return number

    def look(self, role: str = "admin", look: str = "desk") -> Any:
        """A browser at this node's page."""
        return visit(self.url(role), look)

    def fine(self, seen: Visit) -> None:
        """The browser had nothing to complain about."""
        self.assertEqual(seen.complaints, [])
