"""Names of hosts that resolve to nothing, to something else, to several addresses (F59)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from smppproxy.simulator.smsc import Smsc, SmscOptions
from tests.kernel.lab import run
from tests.scenarios.world import UPSTREAM_ACCOUNT, Node, Scenario, network
from tests.support.processes import reactor, until
from tests.support.running import Upstream

NAME = "smpp.operator.test"
FIRST, SECOND, NOBODY = "127.0.0.11", "127.0.0.12", "127.0.0.13"


class NameTests(Scenario):
    """/etc/hosts of this process's own mount namespace says what the name means."""

    def setUp(self) -> None:
        """Nothing is known yet; one provider at two addresses, on one port."""
        folder = Path(tempfile.mkdtemp(prefix="smppproxy-"))
        self.hosts = folder / "hosts"
        self.means()
        run("mount", "--bind", str(self.hosts), "/etc/hosts")
        self.addCleanup(run, "umount", "/etc/hosts")
        self.smsc = Smsc(reactor, SmscOptions(accounts=UPSTREAM_ACCOUNT))
        self.addCleanup(self.smsc.stop)
        port = self.smsc.listen("first", address=FIRST)
        self.smsc.listen("second", port, address=SECOND)
        self.upstream = Upstream("acme", [port], address=NAME, password=f"file:{folder}/password")
        (folder / "password").write_text("upstream")

    def means(self, *addresses: str) -> None:
        """Let the name have these addresses from now on."""
        # Written in place: the mount is of this very file.
        lines = ["127.0.0.1 localhost", *(f"{address} {NAME}" for address in addresses)]
        self.hosts.write_text("\n".join(lines) + "\n")

    async def bound(self, place: str) -> None:
        """The bind is at this address, and nowhere else."""
        links = self.smsc.links
        await until(lambda: len(links(place, bound=True)) == len(links(bound=True)) == 1)

    async def start(self) -> Node:
        """A node that knows the provider by its name."""
        return await self.node(network([self.upstream]))

    async def test_f59_nothing_then_something_then_something_else(self) -> None:
        """The name is looked up at each attempt. While it means nothing the node tries on; a bind
        that stands stays when it changes, and the next one goes to the new address.
        """
        node = await self.start()
        await node.process.expect_line("acme/a/1 is down")
        await node.process.expect_line("acme/a/1 is down")
        self.means(FIRST)
        await self.bound("first")
        self.means(SECOND)
        client = self.client(node, count=50)
        await self.finish(client)
        await self.bound("first")
        self.smsc.crash("first")
        await self.bound("second")

    async def test_f59_several_addresses(self) -> None:
        """Where the first address is nobody's, the next one is tried in the same attempt."""
        self.means(NOBODY, SECOND)
        await self.start()
        await self.bound("second")
