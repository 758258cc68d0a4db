"""The supervisor before it has any workers; tests/scenarios/test_workers.py has them."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.admin.cluster import Said
from smppproxy.admin.errors import ApiError
from smppproxy.admin.operator import Operator, _only
from smppproxy.config import Hop, Listener, Node, no_network
from smppproxy.store.embedded import EmbeddedStore
from smppproxy.store.interface import StoreError
from smppproxy.store.memory import MemoryStore
from smppproxy.store.server import private_folder
from smppproxy.wire.tls import TlsError
from smppproxy.workers.nodes import NO_BINDS
from smppproxy.workers.supervisor import Supervisor, _Systemd, supervise
from tests.admin.test_systemd import heard, listener
from tests.support.nodes import reactor


def memory(url: str, name: str, clock: Any, durability: str = "") -> MemoryStore:
    """A store that is nobody else's."""
    return MemoryStore(clock, name)


class ExplainTests(SynchronousTestCase):
    """Where a message would go is a question for a worker: it has the binds."""

    def test_whose_answer_counts(self) -> None:
        """A worker's, where the node is asked; the node's own where it is one process."""
        answers = {"n1": {"chosen": ""}, "n1.2": {"chosen": "b"}, "n1.1": {"chosen": "a"}}
        self.assertEqual(_only(Said(answers, []), "n1"), {"chosen": "a"})
        self.assertEqual(_only(Said({"n1": {"chosen": ""}}, []), "n1"), {"chosen": ""})
        error = self.assertRaises(ApiError, _only, Said({}, ["n1"]), "n1")
        self.assertEqual((error.status, error.text), (503, "node n1 does not answer"))

    def test_a_supervisor_knows_nothing(self) -> None:
        """Its own answer would be that nothing is bound."""
        node = Node("n1", workers=2)
        node.part = NO_BINDS
        operator: Any = SimpleNamespace(_rooms=SimpleNamespace(node=node))
        error = self.assertRaises(ApiError, Operator._explain, operator, {"given": {}})
        self.assertEqual(error.text, "no worker of node n1 answers")


class SupervisorTests(TestCase):
    """What it refuses to begin with."""

    def made(self, open_a_store: Any = memory, **options: Any) -> Supervisor:
        """A node with two workers."""
        name = f"n{os.getpid()}-{self.id()[-30:]}"
        node = Node(name[:60], workers=2, **options)
        return supervise(node, no_network(), reactor, open_a_store)

    def test_a_certificate_that_cannot_be_used(self) -> None:
        """It is told once, at the start, and not by every worker again and again."""
        bad = str(Path(self.mktemp()))
        doors = (Listener(port=0, tls=True, certificate=bad, key=bad),)
        self.assertRaises(TlsError, self.made, listeners=doors)
        hop = Hop(port=2780, certificate=bad, key=bad, ca=bad)
        self.assertRaises(TlsError, self.made, hop=hop)

    def test_the_node_runs_already(self) -> None:
        """Two supervisors of one node would start its workers twice."""
        supervisor = self.made(store="embedded:///x")
        folder = private_folder(f"{supervisor.node.name} embedded:///x".encode())
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        error = self.assertRaises(StoreError, supervisor.startService)
        self.assertIn("runs already", str(error))

    def test_a_taken_port(self) -> None:
        """Nothing is begun, and the ports that were free are free again."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            port = taken.getsockname()[1]
            doors = (Listener(address="127.0.0.1", port=0),
                     Listener(address="127.0.0.1", port=port))  # fmt: skip
            supervisor = self.made(listeners=doors)
            error = self.assertRaises(CannotListenError, supervisor.startService)
        self.assertEqual((error.port, supervisor.running), (port, 0))
        self.assertFalse(supervisor.ready())

    def test_where_the_workers_find_the_store(self) -> None:
        """One that is ours by its socket, with the options that its address has; any other as it
        is written."""
        url = "redis://:secret@h:6379/1"
        self.assertEqual(self.made(store=url)._store_url(), url)
        folder = "/var/lib/smpp proxy"
        for options, behind in (("", ""), ("?deadline=10", "?deadline=10")):

            def embedded(*arguments: Any) -> EmbeddedStore:
                store = EmbeddedStore(folder, "n1", reactor)
                store.server.path = f"{folder}/socket"
                return store

            supervisor = self.made(embedded, store=f"embedded://{folder}{options}")
            url = f"redis+unix:///var/lib/smpp%20proxy/socket{behind}"
            self.assertEqual(supervisor._store_url(), url)

    def test_systemd_hears_of_the_workers(self) -> None:
        """The node is ready when one of them is, and that is told once."""
        folder = tempfile.mkdtemp(prefix="smppproxy-")
        self.addCleanup(os.rmdir, folder)
        self.addCleanup(os.unlink, f"{folder}/notify")
        end = listener(self, f"{folder}/notify")
        systemd = _Systemd({"NOTIFY_SOCKET": f"{folder}/notify"})
        systemd.ready()
        self.assertEqual(heard(end), [])
        systemd.workers_ready()
        systemd.workers_ready()
        self.assertEqual(heard(end), [b"READY=1"])
