"""A worker's process over its lives: a clock, and what the reactor would start."""

from __future__ import annotations

import json
import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import Admin, Node
from smppproxy.config.workers import FIRST_SOCKET
from smppproxy.wire.sharing import listen, reserve
from smppproxy.workers.orders import REPORTS, STATE, packed
from smppproxy.workers.process import LONGEST_PAUSE, LONGEST_SILENCE, STEADY, WorkerProcess
from tests.support.logs import logged


class Life:
    """A process as its protocol sees it."""

    pid = 4711

    def __init__(self) -> None:
        self.written = b""
        self.signals: list[str] = []
        self.is_gone = False

    def write(self, octets: bytes) -> None:
        """To its standard input."""
        self.written += octets

    def signalProcess(self, name: str) -> None:
        """As Twisted's."""
        if self.is_gone:
            raise ProcessExitedAlready
        self.signals.append(name)


class Starting(Clock):
    """A reactor that starts processes which are none."""

    def __init__(self) -> None:
        super().__init__()
        self.lives: list[Life] = []
        self.asked: dict[str, Any] = {}
        self.full = False

    def spawnProcess(self, protocol: Any, executable: str, args: list[str], **more: Any) -> Life:
        """As Twisted's."""
        if self.full:
            raise OSError(11, "no more processes")
        life = Life()
        self.lives.append(life)
        self.asked = {"args": args, **more}
        protocol.makeConnection(life)
        return life


class ProcessTests(SynchronousTestCase):
    """What it is told, what it tells, and what comes of its end."""

    def setUp(self) -> None:
        self.clock = Starting()
        self.drained = False
        self.changes: list[tuple[bool, bool]] = []
        self.ends: list[dict[str, int]] = []
        self.log = logged(self)
        self.node = Node("n1.2", admin=Admin(path="/run/x/2"))
        (shared,) = reserve("127.0.0.1", 0, 1)
        self.addCleanup(shared.close)
        listen(shared.fileno(), 5)
        self.shared = shared
        self.worker = WorkerProcess(
            self.node,
            self.clock,
            [shared.fileno()],
            lambda worker: self.changes.append((worker.is_up, worker.ready)),
            lambda worker: self.ends.append(worker.ledger),
            lambda: self.drained,
        )
        self.worker.start()

    @property
    def life(self) -> Life:
        """The present one, or the last."""
        return self.clock.lives[-1]

    @property
    def listens(self) -> bool:
        """Whether connections are dealt to its socket."""
        inode = str(os.fstat(self.shared.fileno()).st_ino)
        with open("/proc/net/tcp") as table:
            return any(row.split()[9] == inode and row.split()[3] == "0A" for row in table)

    def events(self, kind: str) -> list[Any]:
        """What was logged of a kind."""
        return [event for event in self.log if event.get("event") == kind]

    def tell(self, ready: bool = True, lost: int = 0, **ledger: int) -> None:
        """How it says that it is."""
        state = {"ready": ready, "ledger": ledger, "lost": lost}
        self.say(json.dumps({STATE: state}).encode() + b"\n")

    def say(self, octets: bytes) -> None:
        """What it says."""
        self.worker.childDataReceived(REPORTS, octets)

    def end(self, status: int | None = None) -> None:
        """It ends; with a status, well, or by a signal."""
        self.life.is_gone = True
        error = ProcessDone(0) if status == 0 else ProcessTerminated(status, 9)
        self.worker.processEnded(Failure(error))

    def test_it_is_told_what_to_be(self) -> None:
        """The node comes over standard input, its sockets as descriptors; the command line has
        its name, for people, and nothing of systemd's is passed on."""
        self.assertEqual(self.life.written, packed(self.node))
        self.assertEqual(self.clock.asked["args"][1:], ["-m", "smppproxy.worker", "n1.2"])
        self.assertEqual(
            self.clock.asked["childFDs"],
            {0: "w", 1: "r", 2: "r", REPORTS: "r", FIRST_SOCKET: self.shared.fileno()},
        )
        self.assertEqual((self.worker.pid, self.worker.is_up), (4711, False))

    def test_systemd_is_the_supervisors(self) -> None:
        """A worker that told systemd something would speak for the whole node."""
        self.patch(os, "environ", {"NOTIFY_SOCKET": "/x", "HOME": "/root"})
        self.worker.start()
        self.assertEqual(self.clock.asked["env"], {"HOME": "/root"})

    def test_how_it_is(self) -> None:
        """It counts as up once it says something, and who asked hears of changes only."""
        self.tell(ready=False)
        self.tell(ready=False, submitted=3)
        self.tell(ready=True, submitted=4)
        self.assertEqual(self.changes, [(True, False), (True, True)])
        self.assertEqual(self.worker.ledger, {"submitted": 4})

    def test_its_log_is_ours(self) -> None:
        """Lines come in whatever pieces; what is no line is told and does no harm."""
        line = {"time": "2026-11-23T14:00:00.000Z", "level": "warn", "source": "smppproxy.wire",
                "event": "heard", "message": "hello"}  # fmt: skip
        octets = json.dumps(line).encode() + b"\n"
        self.say(octets[:10])
        self.say(octets[10:] + b"not json\n[]\n{}\n")
        (heard,) = self.events("heard")
        self.assertEqual((heard["worker"], heard["log_namespace"]), ("n1.2", "smppproxy.wire"))
        self.assertEqual(len(self.events("worker_unread")), 3)
        self.worker.childDataReceived(2, b"Traceback: \xff\n")
        self.assertEqual(self.events("worker_says")[0]["text"], "Traceback: \ufffd")

    def test_lost_entries_are_told(self) -> None:
        """As many as are new."""
        self.tell(lost=3)
        self.tell(lost=3)
        self.tell(lost=5)
        self.assertEqual([each["lost"] for each in self.events("worker_log_lost")], [3, 2])

    def test_it_comes_again(self) -> None:
        """A worker that was killed is started again at once, its socket open all the time, with
        what it told last handed over."""
        self.tell(submitted=7)
        self.clock.advance(STEADY)
        self.end()
        self.assertEqual(self.ends, [{"submitted": 7}])
        self.assertEqual(self.changes[-1], (False, False))
        self.assertTrue(self.listens)
        self.clock.advance(0.1)
        self.assertEqual((len(self.clock.lives), self.worker.restarts), (2, 1))
        self.assertEqual((self.worker.ledger, self.worker.is_up), ({}, False))
        self.assertEqual(self.events("worker_ended")[0]["delay"], 0.1)

    def test_one_that_does_not_last(self) -> None:
        """It is started less and less often, and nobody is dealt to it any more; one that lasted
        begins quickly again."""
        pauses = []
        for _ in range(8):
            self.end(1)
            pauses.append(self.events("worker_ended")[-1]["delay"])
            # It may take its time to begin: that is not to last.
            self.clock.advance(LONGEST_PAUSE + STEADY)
        self.assertEqual(pauses, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])
        self.assertEqual(len(self.clock.lives), 9)
        self.assertFalse(self.listens)
        self.tell()
        self.clock.advance(STEADY)
        self.end()
        self.assertEqual(self.events("worker_ended")[-1]["delay"], 0.1)

    def test_no_process_to_be_had(self) -> None:
        """It is tried again, as after an end."""
        self.clock.full = True
        self.end()
        self.clock.advance(0.1)
        self.assertIn("no more processes", self.events("worker_ended")[-1]["how"])
        self.clock.full = False
        self.clock.advance(0.2)
        self.assertEqual((len(self.clock.lives), self.worker.restarts), (2, 2))

    def test_one_that_hangs(self) -> None:
        """Silence is counted in looks; whoever held up the supervisor did not hold up the worker.
        One that has not begun may wait for its last life to end."""
        for _ in range(2 * LONGEST_SILENCE):
            self.worker.tick()
        self.assertEqual(self.life.signals, [])
        self.tell()
        self.worker.tick()
        self.clock.advance(100.0)
        self.worker.tick()
        self.tell()
        for _ in range(LONGEST_SILENCE - 1):
            self.worker.tick()
        self.assertEqual(self.life.signals, [])
        self.worker.tick()
        self.worker.tick()
        self.assertEqual(self.life.signals, ["KILL"])
        self.assertEqual(len(self.events("worker_hangs")), 1)

    def test_a_drained_node(self) -> None:
        """What begins anew lets nobody in either."""
        self.drained = True
        self.end()
        self.clock.advance(0.1)
        self.node.part = type(self.node.part)(drained=True)
        self.assertEqual(self.life.written, packed(self.node))

    def test_signals(self) -> None:
        """Only one that has begun knows what they mean; one that has just gone hears nothing."""
        self.worker.signal("HUP")
        self.tell()
        self.worker.signal("HUP")
        self.assertEqual(self.life.signals, ["HUP"])
        self.life.is_gone = True
        self.worker.signal("HUP")

    def stopped(self, patience: float = 5.0) -> Deferred[None]:
        """It is to end."""
        return self.worker.stop(patience)

    def test_it_drains(self) -> None:
        """SIGTERM; it is over when the process is, and nothing comes again."""
        self.tell()
        done = self.stopped()
        self.assertEqual(self.life.signals, ["TERM"])
        self.assertTrue(self.listens)
        self.assertNoResult(done)
        self.end(0)
        self.successResultOf(done)
        self.clock.advance(100.0)
        self.assertEqual((len(self.clock.lives), self.worker.restarts), (1, 0))

    def test_it_does_not_drain(self) -> None:
        """It is killed after its time."""
        self.tell()
        done = self.stopped(5.0)
        self.clock.advance(5.0)
        self.assertEqual(self.life.signals, ["TERM", "KILL"])
        self.assertEqual(len(self.events("worker_killed")), 1)
        self.end()
        self.successResultOf(done)

    def test_it_ends_between_two_lives(self) -> None:
        """There is nothing to wait for, and nobody is let in."""
        self.end()
        self.successResultOf(self.stopped())
        self.assertFalse(self.listens)
        self.clock.advance(100.0)
        self.assertEqual(len(self.clock.lives), 1)
