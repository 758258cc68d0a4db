"""What every foreign client must be able to do through a real node.

A test module names the client and the provider behind the node; the promises are here once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from tests.support import certificates, messages
from tests.support.messages import Sample
from tests.support.processes import Actor, Event
from tests.support.running import RunningNode, Setting, Upstream

ACCOUNT, PASSWORD = "esme01", "secret08"
MO_NUMBER = "12345"
MO_ROUTE = f'[[mo_route]]\naccount = "{ACCOUNT}"\nnumbers = ["{MO_NUMBER}"]\n'
OUTSTANDING = 10


@attrs.define
class Taken:
    """A message as the provider behind the node took it; None where that is not known."""

    message_id: str
    fits: bool


class NodeCase(TestCase):
    """A test that runs a node and other processes, and ends them all."""

    timeout = 240

    def start(self, actor: Actor) -> Actor:
        """Start it, and end it with the test."""
        actor.start()
        self.addCleanup(actor.stop)
        return actor

    async def run_node(self, upstreams: Sequence[Upstream], **more: Any) -> RunningNode:
        """A node with the account of these tests in front of some providers."""
        setting = Setting({ACCOUNT: PASSWORD}, upstreams, more=MO_ROUTE, **more)
        node = RunningNode(setting)
        self.addCleanup(node.stop)
        await node.run()
        return node


class ForeignClientMixin:
    """The promises. A class with it names the client and the provider (see the hooks)."""

    samples: Sequence[Sample] = messages.ALL
    enquires = True
    """The client can be told to send enquire_link."""
    answers_unbind = True
    """The client answers an unbind."""

    # ---------------------------------------------------------------- hooks

    def make_client(self, port: int, **settings: Any) -> Actor:
        """The foreign client, not yet started."""
        raise NotImplementedError

    async def open_provider(self, answer_after: int = 0) -> Upstream:
        """Start the provider that the node is to bind to; answers take so many milliseconds."""
        raise NotImplementedError

    async def provider_is_bound(self) -> None:
        """The node has bound to the provider."""
        raise NotImplementedError

    async def taken(self, sample: Sample, number: int) -> Taken:
        """The provider's view of the message just answered."""
        raise NotImplementedError

    async def outstanding(self, count: int) -> None:
        """So many messages are at the provider and none is answered yet."""
        raise NotImplementedError

    def say_hello(self, to: str, text: str) -> None:
        """The provider sends an MO message."""
        raise NotImplementedError

    async def check_wire(self: Any) -> None:
        """Whatever else was recorded of the run."""

    def client_port(self, port: int) -> int:
        """Where the client connects, to reach the node's port."""
        return port

    # -------------------------------------------------------------- helpers

    async def open(self: Any, answer_after: int = 0, **more: Any) -> RunningNode:
        """Provider and node, bound."""
        upstream = await self.open_provider(answer_after)
        node: RunningNode = await self.run_node([upstream], **more)
        self.node = node
        await self.provider_is_bound()
        return node

    async def bound(self: Any, mode: str, port: int = 0, **settings: Any) -> Actor:
        """A client that has bound to the node."""
        port = port or self.client_port(self.node.port)
        client: Actor = self.start(self.make_client(port, **settings))
        await client.expect("connected")
        client.order("bind", mode=mode, system_id=ACCOUNT, password=PASSWORD)
        answer = await client.expect("bound")
        self.assertEqual((answer["status"], answer["system_id"]), (0, "smppproxy"))
        return client

    async def leave(self: Any, *clients: Actor) -> None:
        """Unbind and see the connection go."""
        for client in clients:
            client.order("unbind")
            await client.expect("unbound", status=0)
            await client.expect("closed")
            self.assertEqual(client.unclaimed("error"), [])

    def check_receipt(self: Any, receipt: Event, order: Event, message_id: str) -> None:
        """It is the receipt of this message, with both spellings of the id that the client has."""
        self.assertEqual(receipt["receipted_message_id"], message_id)
        found = re.search(r"^id:(\S+) .* stat:DELIVRD ", receipt["text"])
        self.assertEqual(found and found[1], message_id, receipt)
        self.assertEqual(receipt["message_state"], 2)
        self.assertEqual(receipt["esm_class"], 4)
        self.assertEqual(receipt["source_addr"], order["to"])
        self.assertEqual(receipt["destination_addr"], order["from"])

    async def exchange(self: Any, sender: Actor, receiver: Actor, number: int, s: Sample) -> None:
        """One message there, its answer and its receipt back."""
        order = s.order(number)
        sender.order("submit", **order)
        answer = await sender.expect("submitted", tag=s.tag)
        self.assertEqual(answer["status"], 0)
        taken = await self.taken(s, number)
        self.assertTrue(taken.fits, taken)
        self.assertRegex(answer["message_id"], r"^[0-9]{10}$")
        self.assertNotEqual(answer["message_id"], taken.message_id)
        self.check_receipt(await receiver.expect("delivered"), order, answer["message_id"])

    # ------------------------------------------------------------- promises

    def test_transceiver(self) -> Deferred[None]:
        """Bound as TRX, every kind of message goes through, each receipt has its answer's id."""

        async def go() -> None:
            await self.open()
            client = await self.bound("trx")
            for number, sample in enumerate(self.samples):
                await self.exchange(client, client, number, sample)
            await self.leave(client)
            await self.check_wire()

        return Deferred.fromCoroutine(go())

    def test_transmitter_and_receiver(self) -> Deferred[None]:
        """Bound as TX and RX, receipts come to the receiver."""

        async def go() -> None:
            await self.open()
            receiver = await self.bound("rx")
            transmitter = await self.bound("tx")
            for number, sample in enumerate(self.samples[:2]):
                await self.exchange(transmitter, receiver, number, sample)
            await self.leave(transmitter, receiver)
            await self.check_wire()

        return Deferred.fromCoroutine(go())

    def test_ten_outstanding(self: Any) -> Deferred[None]:
        """Ten messages wait for their answers at once; each answer and receipt is its own."""

        async def go() -> None:
            await self.open(answer_after=500)
            client = await self.bound("trx")
            orders = [messages.GSM7.order(number) for number in range(OUTSTANDING)]
            for number, order in enumerate(orders):
                client.order("submit", **{**order, "tag": str(number)})
            await self.outstanding(OUTSTANDING)
            self.assertEqual(client.unclaimed("submitted"), [])
            tags = [str(number) for number in range(OUTSTANDING)]
            answers = await gatherResults([client.expect("submitted", tag=tag) for tag in tags])
            ids = [answer["message_id"] for answer in answers]
            self.assertEqual(len({*ids}), OUTSTANDING)
            for message_id, order in zip(ids, orders, strict=True):
                receipt = await client.expect("delivered", receipted_message_id=message_id)
                self.check_receipt(receipt, order, message_id)
            await self.leave(client)
            await self.check_wire()

        return Deferred.fromCoroutine(go())

    def test_mobile_originated(self: Any) -> Deferred[None]:
        """An MO message reaches the account that owns its number, and is no receipt."""

        async def go() -> None:
            await self.open()
            client = await self.bound("rx")
            self.say_hello(MO_NUMBER, "hello")
            message = await client.expect("delivered")
            self.assertEqual(message["text"], "hello")
            self.assertEqual(message["destination_addr"], MO_NUMBER)
            self.assertEqual(message["esm_class"], 0)
            await self.leave(client)
            await self.check_wire()

        return Deferred.fromCoroutine(go())

    def test_enquire_link(self: Any) -> Deferred[None]:
        """Both sides answer enquire_link, and the session goes on."""

        async def go() -> None:
            await self.open(node_options="enquire_link = 1.0")
            client = await self.bound("trx")
            if self.enquires:
                client.order("enquire")
                await client.expect("enquire_answered", status=0)
            for _ in range(2):
                await client.expect("enquired")
            await self.exchange(client, client, 0, messages.GSM7)
            await self.leave(client)
            await self.check_wire()

        return Deferred.fromCoroutine(go())

    def test_planned_stop(self: Any) -> Deferred[None]:
        """SIGTERM: the client is asked to unbind and let go, the node ends by itself."""

        async def go() -> None:
            node = await self.open()
            client = await self.bound("trx")
            stopped = node.stop()
            if self.answers_unbind:
                await client.expect("asked_to_unbind")
            await client.expect("closed")
            await stopped
            self.assertEqual(node.exit_code, 0, node.told())
            await self.check_wire()

        return Deferred.fromCoroutine(go())

    def test_wrong_password(self: Any) -> Deferred[None]:
        """A wrong password is told as ESME_RINVPASWD, 0x0E, and the connection goes."""

        async def go() -> None:
            await self.open()
            client = self.start(self.make_client(self.client_port(self.node.port)))
            await client.expect("connected")
            client.order("bind", mode="trx", system_id=ACCOUNT, password="guess")
            refusal = await client.expect("bound")
            self.assertEqual(refusal["status"], 0x0E)
            await client.expect("closed")
            await self.check_wire()

        return Deferred.fromCoroutine(go())


class TlsMixin:
    """For clients that know TLS."""

    def test_tls(self: Any) -> Deferred[None]:
        """Over TLS, with the certificate verified, the same."""

        async def go() -> None:
            files = certificates.make(Path(self.mktemp()))
            node = await self.open(certificate=files.certificate, key=files.key)
            client = await self.bound("trx", node.tls_port, ca=str(files.ca))
            await self.exchange(client, client, 0, messages.GSM7)
            await self.leave(client)

        return Deferred.fromCoroutine(go())
