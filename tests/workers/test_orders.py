"""What supervisor and worker say to each other, over real pipes."""

from __future__ import annotations

import fcntl
import json
import os
from ipaddress import ip_network
from typing import Any

from twisted.logger import Logger, LogLevel, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.log_levels import PASSED
from smppproxy.config import Listener, Node
from smppproxy.config.workers import Part
from smppproxy.workers import orders
from smppproxy.workers.orders import STATE, Reports, entry, packed, read_node

F_SETPIPE_SZ = 1031


class NodeTests(SynchronousTestCase):
    """A node over a pipe."""

    def setUp(self) -> None:
        self.reader, self.writer = os.pipe()
        self.addCleanup(os.close, self.reader)

    def sent(self, octets: bytes) -> Node | None:
        """What comes out where these octets are written and the pipe is closed."""
        os.write(self.writer, octets)
        os.close(self.writer)
        return read_node(self.reader)

    def test_it_comes_whole(self) -> None:
        """Every option, of all tables, and what is none."""
        node = Node(
            "n1",
            store="redis://x:secret@h/1",
            system_id=b"\xff",
            listeners=(Listener(port=1, proxy_protocol_from=(ip_network("10.0.0.0/8"),)),),
            log_rooms={"wire": "debug"},
        )
        node.own_folder = "/etc"
        node.part = Part("n", 1, 2, True)
        found = self.sent(packed(node))
        assert found is not None
        self.assertEqual(found, node)
        self.assertEqual((found.part, found.own_folder), (node.part, "/etc"))

    def test_octet_by_octet(self) -> None:
        """A pipe gives what it likes at once."""
        whole = os.read

        def one(file: int, size: int) -> bytes:
            return whole(file, 1)

        self.patch(os, "read", one)
        self.assertEqual(self.sent(packed(Node("n1"))), Node("n1"))

    def test_a_supervisor_that_is_gone(self) -> None:
        """It said nothing, or half: there is no node to be."""
        self.assertIsNone(self.sent(b""))

    def test_half_a_node(self) -> None:
        """So too where it ended in the middle."""
        self.assertIsNone(self.sent(packed(Node("n1"))[:-1]))


class ReportTests(SynchronousTestCase):
    """What a worker tells."""

    def setUp(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.reports = Reports(self.writer)
        self.is_open = True
        self.addCleanup(os.close, self.writer)
        self.addCleanup(lambda: os.close(self.reader) if self.is_open else None)

    def lines(self) -> list[Any]:
        """All that came."""
        octets = b""
        try:
            while more := os.read(self.reader, 1 << 16):
                octets += more
        except BlockingIOError:
            return [json.loads(line) for line in octets.splitlines()]
        raise AssertionError("the worker closed its pipe")

    def test_how_it_is(self) -> None:
        """A line each time: silence means that it hangs."""
        self.reports.state(ready=False)
        self.reports.state(ready=False)
        self.assertEqual(self.lines(), [{STATE: {"ready": False, "lost": 0}}] * 2)

    def test_log_entries(self) -> None:
        """An entry arrives with everything that it has, and with who said it, and is not sifted
        again; braces in its text are text."""
        log = Logger(namespace="smppproxy.wire", observer=self.reports)
        log.warn("{who} said {{}}", event="heard", who="{x}", source=7)
        (line,) = self.lines()
        event = entry(line, "n1.2")
        self.assertEqual(formatEvent(event), "n1.2: {x} said {}")
        self.assertEqual((event["event"], event["who"], event["source_"]), ("heard", "{x}", 7))
        self.assertEqual((event["worker"], event["log_level"]), ("n1.2", LogLevel.warn))
        self.assertEqual(event["log_namespace"], "smppproxy.wire")
        self.assertGreater(event["log_time"], 1e9)
        self.assertTrue(event[PASSED])

    def test_a_failure_comes_with_its_traceback(self) -> None:
        """Where it happened is known in the worker only."""
        log = Logger(namespace="smppproxy.wire", observer=self.reports)
        try:
            raise ValueError("odd")
        except ValueError:
            log.failure("that was it")
        (line,) = self.lines()
        text = formatEvent(entry(line, "n1.2"))
        self.assertTrue(text.startswith("n1.2: that was it\n"))
        self.assertIn("ValueError: odd", text)

    def test_an_event_without_words(self) -> None:
        """There is nothing to tell."""
        self.reports({"log_format": ""})
        self.assertEqual(self.lines(), [])

    def test_nobody_reads(self) -> None:
        """A worker never waits for its supervisor: what fills the pipe goes out later, and what
        is too much even for that is lost, which is told."""
        fcntl.fcntl(self.writer, F_SETPIPE_SZ, 4096)
        self.patch(orders, "MOST_WAITING", 20_000)
        log = Logger(observer=self.reports)
        for number in range(50):
            log.info("{number} {text}", number=number, text="x" * 1000)
        self.reports.state(ready=True)
        octets = b""
        for _ in range(100):
            octets += os.read(self.reader, 1 << 16)
            self.reports.state(ready=True)
        heard = [json.loads(line) for line in octets.splitlines()]
        numbers = [line["number"] for line in heard if "number" in line]
        self.assertEqual(numbers, [*range(len(numbers))])
        self.assertLess(len(numbers), 50)
        self.assertEqual(heard[-1], {STATE: {"ready": True, "lost": 50 - len(numbers)}})

    def test_nobody_is_there(self) -> None:
        """A supervisor that is gone reads nothing, and the worker has other things to do."""
        os.close(self.reader)
        self.is_open = False
        self.reports.state(ready=True)
        Logger(observer=self.reports).info("still here")
