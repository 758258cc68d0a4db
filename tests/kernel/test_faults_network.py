"""The network goes silent, one way or both, or is merely bad: short waits, and nothing lost."""

from __future__ import annotations

from pathlib import Path

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import check_client, check_providers
from smppproxy.simulator.smsc import Smsc, SmscOptions
from smppproxy.smpp import build
from smppproxy.smpp.constants import DELIVER_SM, SUBMIT_SM_RESP
from smppproxy.smpp.fields import read_message
from tests.kernel.lab import HOME, Lab
from tests.scenarios.test_faults_wire import submit, told
from tests.scenarios.world import (
    UPSTREAM_ACCOUNT,
    Node,
    Scenario,
    all_bound,
    hosts_carry,
    network,
)
from tests.support.peers import FakeClient
from tests.support.processes import reactor, until
from tests.support.running import Upstream

RATE = 100.0
BUSY = 10.5
"""Seconds until a bind that went silent under traffic is given up: 5 to ask, 5 to wait (F54)."""
NOISE = 5.0
"""Seconds that a busy machine may add to what is measured."""
ENQUIRE_LINK = 5.0
ENQUIRE_ANSWER = 4.0
"""Seconds, instead of 30 and 10, where a test waits for silence to be noticed."""
IDLE = ENQUIRE_LINK + ENQUIRE_ANSWER + 1.0

QUICK = f"enquire_link = {ENQUIRE_LINK}\nenquire_answer = {ENQUIRE_ANSWER}"


class NetworkScenario(Scenario):
    """A provider whose hosts a and b are places of a lab; the node and its clients are at home."""

    timeout = 240

    def lab(self, *places: str) -> Lab:
        """A lab that goes with the test."""
        lab = Lab(*places)
        self.addCleanup(lab.close)
        return lab

    async def world(self, options: str = "", binds: int = 1) -> tuple[Lab, Smsc, Node]:
        """Hosts a and b, a node bound to both of them."""
        lab = self.lab("a", "b")
        smsc = Smsc(reactor, SmscOptions(accounts=UPSTREAM_ACCOUNT, response_delay=0.02))
        self.addCleanup(smsc.stop)
        for host in "ab":
            with lab.at(host) as address:
                smsc.listen(host, address=address)
        options = f"window = 50\nbinds = {binds}\n{options}"
        addresses = [lab.addresses[host] for host in smsc.ports]
        secret = Path(self.mktemp()).absolute()
        secret.write_text("upstream")
        upstream = Upstream(
            "acme",
            [*smsc.ports.values()],
            options,
            addresses=addresses,
            password=f"file:{secret}",
        )
        node = await self.node(network([upstream], {"demo": "window = 200"}))
        await all_bound(smsc, binds)
        return lab, smsc, node

    async def traffic(self, smsc: Smsc, node: Node, rate: float = RATE) -> Esme:
        """A client whose messages go over both hosts."""
        client = self.client(node, rate=rate, window=150)
        await hosts_carry(smsc, "ab", 10)
        return client

    def states(self, node: Node, host: str) -> set[str]:
        """Of the node's binds to a host."""
        rows = node.get("api/v1/show/binds")["rows"]
        return {row["state"] for row in rows if row["name"].startswith(f"acme/{host}/")}

    async def given_up(self, node: Node, host: str) -> float:
        """Wait until no bind to the host stands; the seconds that it took."""
        moment = reactor.seconds()
        await until(lambda: "bound" not in self.states(node, host), 60)
        return reactor.seconds() - moment

    async def all_well(self, smsc: Smsc, client: Esme, copies: int = 2) -> None:
        """Every message has its OK and its receipt; at most so many copies of any."""
        await self.finish(client, deadline=60.0)
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.check(check_client(client), check_providers([client], [smsc], copies=copies))


def longest(client: Esme) -> float:
    """The longest that any message waited for its OK, in seconds."""
    return max(sent.answered_at - sent.submitted_at for sent in client.history if sent.status == 0)


class BlackholeTests(NetworkScenario):
    """Packets vanish and nobody says so."""

    async def silence_under_traffic(self, ways: str) -> None:
        """Cut host a off under load; its messages are on b in time, and it comes back."""
        lab, smsc, node = await self.world(binds=2)
        client = await self.traffic(smsc, node)
        lab.drop("a", ways)
        self.assertLessEqual(await self.given_up(node, "a"), BUSY + NOISE)
        await hosts_carry(smsc, "b", 100)
        lab.heal()
        await hosts_carry(smsc, "ab", 10)
        await self.all_well(smsc, client)
        self.assertLessEqual(longest(client), BUSY + NOISE)

    async def test_f54_blackhole_under_traffic(self) -> None:
        """The binds of a host that nothing comes from or gets to are given up within 10.5 s, and
        the messages in doubt have the other host's OK then; no client is refused anything.
        """
        await self.silence_under_traffic("both")

    async def test_f56_nothing_comes_back(self) -> None:
        """The same when our octets arrive and only the host's do not: at most one extra copy."""
        await self.silence_under_traffic("from")

    async def test_f56_nothing_gets_there(self) -> None:
        """The same when only ours are dropped."""
        await self.silence_under_traffic("to")

    async def test_f55_blackhole_while_idle(self) -> None:
        """Without traffic it takes enquire_link and its answer time, and no message is lost."""
        lab, smsc, node = await self.world(QUICK)
        lab.drop("a")
        self.assertLessEqual(await self.given_up(node, "a"), IDLE + NOISE)
        self.assertEqual(self.states(node, "b"), {"bound"})
        lab.heal()
        client = await self.traffic(smsc, node)
        await self.all_well(smsc, client, copies=1)


class BadNetworkTests(NetworkScenario):
    """Slow is not dead."""

    async def test_f57_loss_and_a_narrow_way(self) -> None:
        """A fifth of host a's packets lost, 64 kbit/s: slower, but no bind is given up and no
        message sent twice.
        """
        lab, smsc, node = await self.world()
        lab.drop("a", percent=20)
        lab.narrow("a")
        client = self.client(node, rate=10.0)
        await hosts_carry(smsc, "ab", 40)
        await self.all_well(smsc, client, copies=1)
        self.assertEqual(node.ledger()["lost_responses"], 0)
        self.assertEqual(len(smsc.links("a", bound=True)), 1)


class DeadNatTests(NetworkScenario):
    """A client whose router has forgotten it."""

    async def test_f62_client_behind_a_dead_nat(self) -> None:
        """It sends no FIN and hears nothing: the node closes after enquire_link and its answer
        time, and the receipts that were out to it go to the account's other session.
        """
        lab = self.lab("away")
        smsc = self.provider("a", receipt_delay=(1.0, 1.0))
        upstream = Upstream("acme", list(smsc.ports.values()))
        listener = f'[[listener]]\naddress = "{HOME}"\nport = 0\n'
        node = Node(network([upstream]), options=QUICK, listeners=listener)
        self.addCleanup(node.end)
        await node.start()
        await all_bound(smsc)
        # The listener beside the usual one.
        with lab.at("away") as address:
            client = await FakeClient.connect(self, node.tls_port, address=address, host=HOME)
        self.assertEqual((await client.bind(b"demo", b"demo")).command_status, 0)
        client.send(submit(1))
        answer = await client.expect(SUBMIT_SM_RESP)
        self.assertEqual(answer.command_status, 0)
        lab.drop("away")
        moment = reactor.seconds()
        await until(lambda: node.ledger()["matched"] == 1)
        other = await FakeClient.connect(self, node.port)
        await other.bind(b"demo", b"demo")
        receipt = await other.expect(DELIVER_SM, deadline=2 * IDLE + NOISE)
        self.assertLessEqual(reactor.seconds() - moment, IDLE + NOISE)
        other.send(build.deliver_sm_resp(receipt.sequence_number))
        self.assertEqual(told(receipt)[1], b"DELIVRD")
        self.assertTrue(read_message(receipt).source_addr)
        await until(lambda: node.ledger()["delivered"] == 1)
