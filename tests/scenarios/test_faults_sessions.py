"""Odd versions, odd addresses, floods and slow providers, end to end around a real node."""

from __future__ import annotations

import random
import resource

from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_TRANSCEIVER_RESP,
    BIND_TRANSMITTER,
    ENQUIRE_LINK,
    ESME_RINVDSTADR,
    ESME_RINVSRCADR,
    ESME_ROK,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    TLV_SC_INTERFACE_VERSION,
)
from smppproxy.smpp.tlv import find_tlv
from tests.scenarios.test_faults_wire import WireScenario, submit
from tests.scenarios.world import all_bound, carried, network
from tests.support.peers import FakeClient
from tests.support.processes import reactor, until
from tests.support.running import Upstream

HEADER = 16
GIVEN_UP = 12.0
"""Seconds after which a provider that says nothing at all is dead (F54)."""
DESCRIPTORS = 64
"""Open files that a node may have in the test of a flood."""


class VersionTests(WireScenario):
    """interface_version as clients fill it."""

    async def test_f42_interface_versions(self) -> None:
        """Any of them binds; sc_interface_version comes back to those of 3.4 and later, and to
        those that say nothing we know, never to 3.3.
        """
        node, _ = await self.world()
        told_to = {0x33: False, 0x34: True, 0x50: True, 0x00: True, 0xFF: True}
        for version, told in told_to.items():
            client = await FakeClient.connect(self, node.port)
            client.send_bind(b"demo", b"demo", interface_version=version)
            answer = await client.expect(BIND_TRANSCEIVER_RESP)
            self.assertEqual(answer.command_status, ESME_ROK, hex(version))
            body = answer.raw.index(0, HEADER) + 1
            has = find_tlv(answer.raw, body, TLV_SC_INTERFACE_VERSION)
            self.assertEqual(has is not None, told, hex(version))


class AddressTests(WireScenario):
    """Octets in addresses that nobody should send."""

    async def test_f15_any_octets_in_addresses(self) -> None:
        """Each is refused for its field or passed as it came; the session lives, and the log shows
        no octet of them that a terminal would obey.
        """
        dice = random.Random(15)
        host = self.provider("a")
        text = network(
            [Upstream("acme", list(host.ports.values()), "window = 200")],
            {"demo": "window = 500\nstrict_addresses = true"},
        )
        node = await self.node(text, [host])
        client = await self.bound(node)
        count = 300
        for number in range(1, count + 1):
            source, destination = (
                bytes(dice.choice(range(1, 256)) for _ in range(dice.randint(0, 20)))
                for _ in range(2)
            )
            client.send(
                build.submit_sm(
                    number,
                    source_addr=source,
                    destination_addr=destination,
                    short_message=b"hello",
                )
            )
        answers = await client.expect_many(count, SUBMIT_SM_RESP)
        statuses = {answer.command_status for answer in answers}
        self.assertLessEqual(statuses, {ESME_ROK, ESME_RINVSRCADR, ESME_RINVDSTADR})
        self.assertIn(ESME_RINVDSTADR, statuses)
        client.send(submit(count + 1))
        self.assertEqual((await client.expect(SUBMIT_SM_RESP)).command_status, ESME_ROK)
        odd = [line for line in node.process.story if not line.isprintable() and "\t" not in line]
        self.assertEqual(odd, [])


class FloodTests(WireScenario):
    """More connections than the node may have files."""

    async def test_f47_no_descriptor_left(self) -> None:
        """Who is bound goes on as before, and new ones are let in once the flood is over."""
        smsc = self.provider("a")
        node = await self.node(network([Upstream("acme", list(smsc.ports.values()))]), [smsc])
        client = self.client(node, rate=50.0)
        await until(lambda: client.tally.accepted > 10)
        pid = node.process.transport.pid
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        flood = [await FakeClient.connect(self, node.port) for _ in range(2 * DESCRIPTORS)]
        await carried(client, 100)
        self.assertEqual(client.tally.sessions_lost, 0)
        for visitor in flood:
            visitor.end()
        await until(lambda: all(visitor.is_closed for visitor in flood))
        late = await FakeClient.connect(self, node.port)
        # A transmitter: it takes none of the other's receipts.
        answer = await late.bind(b"demo", b"demo", BIND_TRANSMITTER)
        self.assertEqual(answer.command_status, ESME_ROK)
        await all_bound(smsc)
        await self.finish(client)


class SlowProviderTests(WireScenario):
    """A provider that takes its time."""

    async def test_f70_slow_but_alive(self) -> None:
        """It answers enquire_link and nothing else for longer than a dead one would be given: its
        bind stands, and the message has its OK when the answer comes.
        """
        node, [link] = await self.world()
        client = await self.bound(node)
        client.send(submit(1))
        taken = await link.expect(SUBMIT_SM)
        moment = reactor.seconds()
        enquiry = await link.expect(ENQUIRE_LINK, deadline=30.0)
        link.send(build.enquire_link_resp(enquiry.sequence_number))
        await until(lambda: link.is_closed or reactor.seconds() - moment > GIVEN_UP)
        link.send(build.submit_sm_resp(taken.sequence_number, b"late"))
        answer = await client.expect(SUBMIT_SM_RESP)
        self.assertEqual((answer.sequence_number, answer.command_status), (1, ESME_ROK))
        self.assertFalse(link.is_closed)
