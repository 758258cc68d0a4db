"""Kannel (bearerbox and smsbox) as a client of a node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.interop.bench import InteropCase
from tests.interop.kannel import ACCEPTED, DELIVERED, Kannel
from tests.support import certificates, messages
from tests.support.foreign import ACCOUNT, MO_NUMBER, OUTSTANDING, PASSWORD
from tests.support.processes import Actor
from tests.support.running import RunningNode, Upstream


class KannelTests(InteropCase):
    """Kannel binds, sends by HTTP, and calls back with each receipt that it could match."""

    async def open(self, answer_after: int = 0, **more: Any) -> tuple[RunningNode, Actor]:
        """A node before one host of npm smpp."""
        settings = {"first": 700, "answer_after": answer_after}
        provider, port = await self.open_host("node", "a", **settings)
        node = await self.bound_node(Upstream("foreign", [port]), provider, **more)
        return node, provider

    async def kannel(
        self, port: int, *modes: str, password: str = PASSWORD, ca: str = ""
    ) -> Kannel:
        """Both boxes, started."""
        folder = Path(self.mktemp()).resolve()
        kannel = Kannel(folder, port, modes, ACCOUNT, password, ca)
        self.addCleanup(kannel.stop)
        await kannel.start()
        return kannel

    async def exchange(self, kannel: Kannel, provider: Actor, number: int) -> None:
        """One message, its answer, its receipt: Kannel's record of the id must match both."""
        sample = messages.ALL[number]
        await kannel.send(sample, number)
        got = await provider.expect("submit")
        self.assertTrue(messages.same(sample, got), (sample, got))
        accepted = await kannel.receipt(sample, number, ACCEPTED)
        delivered = await kannel.receipt(sample, number, DELIVERED)
        self.assertRegex(accepted["id"], r"^[0-9]{10}$")
        self.assertEqual(delivered["id"], accepted["id"])
        self.assertIn(f"id:{accepted['id']} ", delivered["reply"])

    def test_transceiver(self) -> Deferred[None]:
        """As TRX, with every kind of message."""
        return Deferred.fromCoroutine(self.all_messages("trx"))

    def test_transmitter_and_receiver(self) -> Deferred[None]:
        """As TX and RX: the receiver's receipts find the transmitter's messages."""
        return Deferred.fromCoroutine(self.all_messages("tx", "rx"))

    async def all_messages(self, *modes: str) -> None:
        """Every kind of message over these binds; SIGTERM then unbinds them."""
        node, provider = await self.open()
        kannel = await self.kannel(self.client_port(node.port), *modes)
        for number in range(len(messages.ALL)):
            await self.exchange(kannel, provider, number)
        await kannel.stop()
        for _ in modes:
            await node.expect_line(rf"{ACCOUNT} from .* left: .*unb")
        await self.check_wire()

    def test_ten_outstanding(self) -> Deferred[None]:
        """Kannel's own window of ten is full before the first answer."""

        async def go() -> None:
            node, provider = await self.open(answer_after=500)
            kannel = await self.kannel(self.client_port(node.port), "trx")
            numbers = range(OUTSTANDING)
            await gatherResults(
                [
                    Deferred.fromCoroutine(kannel.send(messages.GSM7, number))
                    for number in numbers
                ]
            )
            for _ in numbers:
                await provider.expect("submit")
            ids = set()
            for number in numbers:
                accepted = await kannel.receipt(messages.GSM7, number, ACCEPTED)
                delivered = await kannel.receipt(messages.GSM7, number, DELIVERED)
                self.assertEqual(delivered["id"], accepted["id"])
                ids.add(accepted["id"])
            self.assertEqual(len(ids), OUTSTANDING)
            await self.check_wire()

        return Deferred.fromCoroutine(go())

    def test_mobile_originated(self) -> Deferred[None]:
        """An MO message reaches smsbox as a message, not as a receipt."""

        async def go() -> None:
            node, provider = await self.open()
            kannel = await self.kannel(self.client_port(node.port), "rx")
            hello = {"from": "447700900099", "to": MO_NUMBER, "text": "hello"}
            provider.order("message", **hello)
            message = await kannel.bearerbox.expect("message")
            self.assertEqual((message["text"], message["to"]), ("hello", MO_NUMBER))
            await provider.expect("message_answered", status=0)
            await self.check_wire()

        return Deferred.fromCoroutine(go())

    def test_wrong_password(self) -> Deferred[None]:
        """Kannel reads the refusal and its code."""

        async def go() -> None:
            node, _ = await self.open()
            kannel = await self.kannel(self.client_port(node.port), "trx", password="guess")
            await kannel.bearerbox.expect_line("rejected login.*0x0000000e")
            await self.check_wire()

        return Deferred.fromCoroutine(go())

    def test_tls(self) -> Deferred[None]:
        """Over TLS, the same."""

        async def go() -> None:
            files = certificates.make(Path(self.mktemp()))
            node, provider = await self.open(certificate=files.certificate, key=files.key)
            kannel = await self.kannel(node.tls_port, "trx", ca=str(files.ca))
            await self.exchange(kannel, provider, 0)

        return Deferred.fromCoroutine(go())
