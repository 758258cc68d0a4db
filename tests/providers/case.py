"""A node in the test's process with an account of a document's preset, seen octet by octet.

A test of this folder usually reads like the document's own example::

    node = await self.document("gatewayapi")           # account esme01/secret08, one provider
    await node.send(V06)                               # the client's octets
    submit = await node.upstream_submit()              # what the provider got, decoded
    await node.accept(submit, b"6000")                 # the provider's answer
    resp = await node.answer()                         # what the client got
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs

from smppproxy.config import Listener, load_network
from smppproxy.service import SmppProxy
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    DELIVER_SM_RESP,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
)
from smppproxy.smpp.fields import Message, read_message, read_message_id
from smppproxy.smpp.pdu import Pdu
from tests.support.nodes import HASHER, NodeCase
from tests.support.peers import FakeClient, FakeSmsc, Peer

VECTORS = {
    entry["name"].split()[0]: bytes.fromhex(entry["hex"])
    for entry in json.loads(
        (Path(__file__).parents[1] / "smpp" / "vectors.json").read_text()
    )
}
"""V01 to V35, octet for octet."""

SYSTEM_ID, PASSWORD = b"esme01", b"secret08"


@attrs.define(eq=False)
class World:
    """One node with one client and the first bind of each scripted provider."""

    test: DocumentCase
    service: SmppProxy
    smscs: list[FakeSmsc]
    links: list[Peer] = attrs.field(factory=list)
    client: FakeClient | None = None

    @property
    def ledger(self) -> Any:
        """The node's counts."""
        return self.service.relay.ledger

    async def another(
        self, command_id: int = BIND_TRANSCEIVER, status: int = 0, **fields: Any
    ) -> FakeClient:
        """One more session of the account."""
        port = self.service.listeners[0].port
        client = await FakeClient.connect(self.test, port)
        resp = await client.bind(SYSTEM_ID, PASSWORD, command_id, **fields)
        self.test.assertEqual(resp.command_status, status)
        return client

    async def send(self, octets: bytes) -> None:
        """What the client says."""
        assert self.client is not None
        self.client.send(octets)

    async def answer(self, client: FakeClient | None = None) -> Pdu:
        """The next submit_sm_resp that the client got."""
        taker = client or self.client
        assert taker is not None
        return await taker.expect(SUBMIT_SM_RESP)

    async def upstream_submit(self, link: int = 0) -> tuple[Pdu, Message]:
        """The next submit_sm that a provider's bind got."""
        pdu = await self.links[link].expect(SUBMIT_SM)
        return pdu, read_message(pdu)

    async def accept(self, pdu: Pdu, message_id: bytes, link: int = 0) -> None:
        """The provider accepts a submit_sm."""
        self.links[link].send(build.submit_sm_resp(pdu.sequence_number, message_id))

    async def through(self, octets: bytes, message_id: bytes) -> tuple[Message, bytes]:
        """A submit_sm to the provider and its OK to the client: what went up, the client's id."""
        await self.send(octets)
        pdu, message = await self.upstream_submit()
        await self.accept(pdu, message_id)
        resp = await self.answer()
        self.test.assertEqual(resp.command_status, 0)
        return message, read_message_id(resp)

    async def refused(self, octets: bytes) -> int:
        """The command_status with which a submit_sm is refused; nothing goes to the provider."""
        await self.send(octets)
        resp = await self.answer()
        self.test.assertEqual(len(resp.raw), 16)
        self.test.assertFalse([pdu for link in self.links for pdu in link.pdus])
        return resp.command_status

    async def receipt(self, link: int = 0, number: int = 900, **fields: Any) -> None:
        """The provider sends a deliver_sm and gets its answer."""
        self.links[link].send(build.deliver_sm(number, **fields))
        resp = await self.links[link].expect(DELIVER_SM_RESP)
        self.test.assertEqual((resp.sequence_number, resp.command_status), (number, 0))

    async def delivered(self, client: FakeClient | None = None) -> tuple[Pdu, Message]:
        """The next deliver_sm that the client got; it is acknowledged."""
        taker = client or self.client
        assert taker is not None
        pdu = await taker.expect(DELIVER_SM)
        taker.send(build.deliver_sm_resp(pdu.sequence_number))
        return pdu, read_message(pdu)


def receipt_text(message_id: str, stat: str = "DELIVRD", err: str = "000", text: str = "") -> bytes:
    """A provider's receipt in the usual form."""
    return (
        f"id:{message_id} sub:001 dlvrd:001 submit date:2511221015 done date:2511221016 "
        f"stat:{stat} err:{err} text:{text}"
    ).encode()


class DocumentCase(NodeCase):
    """Builds a node whose account follows a document's preset."""

    async def document(
        self,
        preset: str,
        account: str = "",
        provider: str = "",
        hosts: int = 1,
        bind: bool = True,
        more: str = "",
        listeners: tuple[Listener, ...] | None = None,
    ) -> World:
        """A node with account esme01 of this preset and a scripted provider, both bound.

        :param account: more lines of the account's table.
        :param provider: more lines of the provider's table ``provider.acme``.
        :param more: more of the network file.
        """
        smscs = [FakeSmsc(self) for _ in range(hosts)]
        lines = [
            "[account.esme01]",
            f'password = "{HASHER.hash(PASSWORD)}"',
            f'preset = "{preset}"',
            account,
            "[provider.acme]",
            'system_id = "node"',
            'password = "upstream"',
            "reconnect_min = 0.05",
            "reconnect_max = 0.2",
            provider,
        ]
        for letter, smsc in zip("abcdef", smscs, strict=False):
            lines += [
                f"[provider.acme.host.{letter}]",
                'address = "127.0.0.1"',
                f"port = {smsc.port}",
            ]
        lines += ["[[route]]", 'name = "all"', 'targets = ["acme"]', more]
        self.network_file.write_text("\n".join(lines))
        load_network(self.network_file)
        options: dict[str, Any] = {} if listeners is None else {"listeners": listeners}
        world = World(self, self.node(**options), smscs)
        for smsc in smscs:
            link = await smsc.accept()
            await link.accept_bind()
            # Before the node stops: it would wait for an unbind_resp that nobody scripts.
            self.addCleanup(link.reset)
            world.links.append(link)
        binds = world.service.binds
        await self.wait(lambda: sum(bind.state == "Bound" for bind in binds()) >= hosts, "binds")
        if bind:
            world.client = await world.another()
        return world
