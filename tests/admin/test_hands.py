"""What an operator's hands do where a real node would have to be in trouble."""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.door import Lines
from smppproxy.admin.targets import Target
from smppproxy.config import Listener
from tests.support.doors import DoorCase, ask, asynchronous
from tests.support.ports import free_port


class HandsTests(DoorCase):
    """A node with one listener."""

    @asynchronous
    async def test_port_that_is_taken_meanwhile(self) -> None:
        """A node whose port somebody took while it drained says so, and goes on draining; it is
        resumed once the port is free again."""
        self.write_network(self.provider("a"))
        ports = [free_port(), free_port()]
        doors = tuple(Listener(port=port, address="127.0.0.1", name=str(port)) for port in ports)
        service = self.with_socket(listeners=doors)
        await ask(service, "api/v1/drain", {"target": "node:node1"})
        await self.wait(lambda: not any(each.port for each in service.listeners), "closed")
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind(("127.0.0.1", ports[1]))
            thief.listen()
            reply = await ask(service, "api/v1/resume", {"target": "node:node1"})
            self.assertEqual((reply.status, reply.error["code"]), (409, "port_taken"))
            self.assertIn("it goes on draining", reply.error["text"])
            self.assertFalse(service.ready())
        reply = await ask(service, "api/v1/resume", {"target": "node:node1"})
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual([each.port for each in service.listeners], ports)
        reply = await ask(service, "api/v1/resume", {"target": "node:node1"})
        self.assertEqual(reply.json["done"][0]["was"], "up")

    @asynchronous
    async def test_provider_without_binds(self) -> None:
        """A provider that has no binds yet has none to make anew."""
        self.write_network(self.provider("a"))
        service = self.with_socket()
        hands = service._office.operator._verbs._hands
        for act in (hands.reconnect, hands.kick):
            self.assertEqual(act(Target("provider", "gone")), 0)


class FakeRequest:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.finished = 0

    def write(self, octets: bytes) -> None:
        """More."""
        self.written.append(octets)

    def registerProducer(self, producer: object, streaming: bool) -> None:  # noqa: N802
        """The connection asks for pauses."""

    def unregisterProducer(self) -> None:  # noqa: N802
        """No more."""

    def finish(self) -> None:
        """The end."""
        self.finished += 1


class LinesTests(SynchronousTestCase):
    """An answer that goes on."""

    def test_slow_reader(self) -> None:
        """Who reads too slowly misses lines and holds nobody up."""
        request = FakeRequest()
        lines = Lines(request)  # type: ignore[arg-type]
        lines.begin()
        self.assertTrue(lines.send({"a": 1}))
        lines.pauseProducing()
        self.assertFalse(lines.send({"a": 2}))
        lines.resumeProducing()
        self.assertTrue(lines.send({"a": 3}))
        self.assertEqual(request.written, [b"\n", b'{"a": 1}\n', b'{"a": 3}\n'])

    def test_end(self) -> None:
        """It ends once, from whichever side; then nothing is written."""
        request = FakeRequest()
        lines = Lines(request)  # type: ignore[arg-type]
        lines.begin()
        lines.end()
        lines.end()
        self.assertFalse(lines.send({}))
        self.assertEqual(request.finished, 1)
        stopped: list[bool] = []
        other = Lines(FakeRequest())  # type: ignore[arg-type]
        other.begin()
        other.stopProducing()
        other.over(lambda: stopped.append(True))
        other.end()
        self.assertEqual(stopped, [True])
