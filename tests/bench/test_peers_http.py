"""The load over HTTP counts what a door does with it: a small one, in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from threading import Thread
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.bench.peers.http_load import HttpLoad, HttpRun
from tests.bench.peers.system import Unavailable

#: The numbers whose receipts come after a message, in this order.
Receipts = Callable[[int], Sequence[int]]


def door(run: HttpRun, status: Callable[[int], int], receipts: Receipts) -> ThreadingHTTPServer:
    """Answers each message, and then calls back."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            number = int(self.path.rpartition("/")[2])
            self.send_response(status(number))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
            for each in receipts(number):
                back = HTTPConnection("127.0.0.1", run.port)
                back.request("GET", f"/{each}")
                back.getresponse().read()
                back.close()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


class HttpLoadTests(SynchronousTestCase):
    """Rounds of twenty messages."""

    timeout = 60

    def setUp(self) -> None:
        """Its sockets."""
        self.http = HttpRun()
        self.addCleanup(self.http.close)

    def load(self, port: int, **more: Any) -> HttpLoad:
        """Twenty messages over four lines."""
        values: dict[str, Any] = {
            "lines": 4, "outstanding": 8, "seconds": 30.0, "count": 20, "deadline": 40.0,
            "drain": 30.0, "first": 100, **more,
        }  # fmt: skip
        return HttpLoad("door", port, lambda number: f"/send/{number}", **values)

    def serve(self, status: Callable[[int], int], receipts: Receipts) -> int:
        """The port of a door."""
        server = door(self.http, status, receipts)
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return int(server.server_address[1])

    def test_all_is_well(self) -> None:
        """Every message and its receipt, in each of two rounds."""
        port = self.serve(lambda _: 202, lambda number: [number])
        for first in (100, 120):
            found = self.http.run(self.load(port, first=first), {})
            self.assertEqual((found.accepted, found.done, found.faults), (20, 20, {}))
            self.assertTrue(found.response_ms and found.receipt_ms)

    def test_refused_and_repeated(self) -> None:
        """A refusal waits for no receipt; the second one of a message is told."""
        port = self.serve(
            lambda number: 503 if number % 10 == 1 else 202,
            lambda number: {1: [], 3: [number - 1, number - 1, number]}.get(
                number % 10, [] if number % 10 == 2 else [number]
            ),
        )
        found = self.http.run(self.load(port, lines=1), {})
        self.assertEqual((found.submitted, found.accepted, found.done), (20, 18, 18))
        self.assertEqual(found.faults, {"refused": 2, "receipts duplicated": 2})

    def test_receipts_that_do_not_come(self) -> None:
        """Are lost once nothing has come for a while."""
        port = self.serve(lambda _: 202, lambda _: [])
        found = self.http.run(self.load(port, outstanding=20, drain=0.5, seconds=1.0), {})
        self.assertEqual((found.done, found.lost), (0, found.accepted))
        self.assertEqual(found.faults.get("receipts missing", 0), found.accepted)

    def test_receipts_of_an_earlier_round(self) -> None:
        """Are none of this one."""
        port = self.serve(lambda _: 202, lambda number: [100, number] if number > 100 else [100])
        self.http.run(self.load(port, count=1), {})
        found = self.http.run(self.load(port, count=1, first=200), {})
        self.assertEqual((found.done, found.faults), (1, {"receipts that nobody asked for": 1}))

    def test_nobody_there(self) -> None:
        """Is said, and waited for by nobody."""
        with socket() as taken:
            # Bound, but nobody listens.
            taken.bind(("127.0.0.1", 0))
            load = self.load(taken.getsockname()[1])
            error = self.assertRaises(Unavailable, self.http.run, load, {})
        self.assertIn("takes no connection", str(error))
