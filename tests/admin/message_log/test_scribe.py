"""The scribe and its keeper, without a process between them."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import msgpack
from twisted.internet.error import ConnectionDone, ProcessExitedAlready
from twisted.internet.task import Clock
from twisted.logger import LogEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.message_log import keeper as keeping
from smppproxy.admin.message_log import rows, scribe, tally
from smppproxy.admin.message_log.facts import packed
from smppproxy.admin.message_log.keeper import MessageLog, ScribeProcess
from smppproxy.admin.message_log.scribe import Scribe
from smppproxy.admin.message_log.tally import OTHER, Tally
from smppproxy.config.message_log import MessageLog as Settings
from smppproxy.config.tracing import Tracing
from smppproxy.relay import journal
from smppproxy.smpp import constants as c
from tests.admin.message_log.files import events
from tests.support.logs import logged
from tests.support.memory_peers import World, submit

HOUR = 3600


class ScribeTests(SynchronousTestCase):
    """A scribe on two pipes, in a thread of its own."""

    def setUp(self) -> None:
        rows_in, self.rows = os.pipe()
        self.told, told_out = os.pipe()
        self.addCleanup(os.close, self.told)
        self.scribe = Scribe(rows_in, told_out)
        self.thread = threading.Thread(target=self.scribe.run)
        self.addCleanup(os.close, rows_in)
        self.addCleanup(os.close, told_out)
        self.folder = Path(self.mktemp())

    def config(self, folder: str = "") -> bytes:
        """The first row."""
        return packed((rows.CONFIG, {
            "node": "node1", "folder": folder or str(self.folder), "max_bytes": 1 << 20,
            "max_seconds": 3600.0, "keep_days": 1, "compress": False,
        }))  # fmt: skip

    def end(self) -> list[tuple[Any, ...]]:
        """The node is gone; what the scribe told."""
        os.close(self.rows)
        self.thread.join(10)
        self.assertFalse(self.thread.is_alive())
        unpacker = msgpack.Unpacker(use_list=False)
        os.set_blocking(self.told, False)
        try:
            unpacker.feed(os.read(self.told, 1 << 16))
        except BlockingIOError:
            return []
        return list(unpacker)

    def test_rows_in_pieces(self) -> None:
        """Rows come octet by octet; what the node wrote last is written before the end, and the
        counts are told.
        """
        self.thread.start()
        data = self.config() + packed((rows.TIME, 1_700_000_000.0))
        data += packed((rows.CLIENT, 0, "acme", "192.0.2.1", "acme#0"))
        refused = [(7, c.ESME_RTHROTTLED, "throttled", b"shop", b"4510203040", None)]
        data += packed((rows.REFUSED, 0.5, 0, -1, refused))
        for octet in data:
            os.write(self.rows, bytes((octet,)))
        told = self.end()
        (event,) = events(str(self.folder))
        self.assertEqual((event["event"], event["reason"]), ("refused", "throttled"))
        count = (1_699_999_200, "acme", "", "45", "ESME_RTHROTTLED")
        self.assertEqual(told, [("counts", ((count, 1),))])

    def test_nothing(self) -> None:
        """A node that ends before it said anything leaves nothing."""
        self.thread.start()
        self.assertEqual(self.end(), [])
        self.assertFalse(self.folder.exists())

    def test_a_disk_that_takes_nothing(self) -> None:
        """It is told how many lines are lost and why, and when it is well again."""
        self.patch(scribe, "COUNT_EVERY", 0.0)
        self.folder.write_text("a file")
        kept = Scribe(-1, os.dup(self.scribe._write))
        self.addCleanup(os.close, kept._write)
        kept._take(self.config() + packed((rows.LOST, 1)))
        kept._tick(1.0)
        self.folder.unlink()
        assert kept._writer is not None
        kept._writer._again = 0.0
        kept._take(packed((rows.LOST, 2)))
        kept._tick(2.0)
        kept._tick(3.0)
        self.thread.start()
        self.assertEqual(self.end(), [("lost", 1, "File exists"), ("well",)])
        self.assertEqual([event["count"] for event in events(str(self.folder))], [2])

    def test_nobody_listens(self) -> None:
        """A node that was killed: what is told goes nowhere, what it noted is written."""
        reading, writing = os.pipe()
        os.close(reading)
        kept = Scribe(-1, writing)
        self.addCleanup(os.close, writing)
        kept._tally.add(HOUR, "acme", "", b"", "x")
        kept.done = True
        kept._tick(0.0)
        self.thread.start()
        self.end()


class TallyTests(SynchronousTestCase):
    """Counts of hours are bounded."""

    def test_most(self) -> None:
        """What comes on top of the most is counted as other, of its account."""
        self.patch(tally, "MOST", 2)
        counts = Tally()
        for number in (b"4510203040", b"4610203040", b"4710203040", b"4810203040", b"4510203049"):
            counts.add(HOUR, "acme", "p", number, "ESME_ROK")
        self.assertEqual(counts.take(), {
            (HOUR, "acme", "p", "45", "ESME_ROK"): 2,
            (HOUR, "acme", "p", "46", "ESME_ROK"): 1,
            (HOUR, "acme", OTHER, "", OTHER): 2,
        })  # fmt: skip
        self.assertEqual(counts.take(), {})


class Pipe:
    """The scribe's standard input: takes what it is given, or is full."""

    def __init__(self) -> None:
        self.data = b""
        self.producer: Any = None

    def write(self, data: bytes) -> None:
        self.data += data

    def fileno(self) -> int:
        return 0  # no pipe, or one that may as well be larger

    def registerProducer(self, producer: Any, streaming: bool) -> None:  # noqa: N802
        self.producer = producer

    def unregisterProducer(self) -> None:  # noqa: N802
        self.producer = None


class Transport:
    """A process that does nothing by itself."""

    def __init__(self) -> None:
        self.pipes = {0: Pipe()}
        self.signals: list[str] = []
        self.closed = False
        self.gone = False

    def closeStdin(self) -> None:  # noqa: N802
        self.closed = True

    def signalProcess(self, name: str) -> None:  # noqa: N802
        if self.gone:
            raise ProcessExitedAlready
        self.signals.append(name)


class Spawning(Clock):
    """A clock that keeps the processes that it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[ScribeProcess] = []

    def spawnProcess(self, protocol: ScribeProcess, *rest: Any, **more: Any) -> None:  # noqa: N802
        protocol.transport = Transport()
        self.processes.append(protocol)
        protocol.connectionMade()


class KeeperTests(SynchronousTestCase):
    """What the node does about a scribe that is slow, silent or gone."""

    def setUp(self) -> None:
        self.world = World()
        self.clock = Spawning()
        store: Any = self.world.store
        self.keeper = MessageLog(
            self.clock,
            Settings("somewhere"),
            Tracing("http://127.0.0.1:4318/v1/traces"),
            "node1",
            self.world.relay.journal,
            self.world.ledger,
            store,
            lambda: self.world.accounts,
            self.world.unix,
        )
        self.keeper.start()
        self.client = self.world.client()
        self.upstream = self.world.upstream()
        self.events = self.world.ledger.events

    def test_spans_and_their_collector_are_told(self) -> None:
        """Spans are counted for the metrics; a collector that goes and comes is logged."""
        self.keeper.told(("spans", 3, 2))
        self.keeper.told(("spans", 1, 0))
        counts = self.world.ledger.events
        self.assertEqual((counts["trace_spans_exported"], counts["trace_spans_dropped"]), (4, 2))
        found = logged(self)
        self.keeper.told(("collector", False))
        self.keeper.told(("collector", True))
        told = [event["event"] for event in found if "endpoint" in event]
        self.assertEqual(told, ["tracing_trouble", "tracing_well"])

    @property
    def scribe(self) -> ScribeProcess:
        """The newest one."""
        return self.clock.processes[-1]

    @property
    def transport(self) -> Any:
        """Its process."""
        return self.scribe.transport

    def message(self) -> None:
        """One message is taken; ten times a second that is handed over."""
        self.client.receive(submit(1))
        self.upstream.accept(*[(pdu, b"7") for pdu in self.upstream.submits()])
        self.clock.advance(0.1)

    def told(self) -> list[int]:
        """The kinds of the rows that the newest scribe was given."""
        unpacker = msgpack.Unpacker(use_list=False)
        unpacker.feed(self.transport.pipes[0].data)
        return [row[0] for row in unpacker]

    def test_what_it_is_told(self) -> None:
        """Its settings, then who is who, then what happened; each session once."""
        self.message()
        self.message()
        accepted = [rows.TIME, rows.ACCOUNTS, rows.CLIENT, rows.BIND, rows.ACCEPTED]
        self.assertEqual(self.told(), [rows.CONFIG, *accepted, rows.TIME, rows.ACCEPTED])

    def test_slow(self) -> None:
        """While its pipe is full rows wait, in order; beyond the most they are lost, counted and
        told, and who is who is told again.
        """
        self.message()
        self.transport.pipes[0].producer.pauseProducing()
        self.message()
        self.assertEqual(self.told().count(rows.ACCEPTED), 1)
        found: list[LogEvent] = logged(self)
        self.patch(keeping, "MOST_WAITING", 10)
        self.message()
        self.message()
        self.assertEqual(self.events["message_log_lost"], 2)
        slow = [each for each in found if each.get("event") == "message_log_slow"]
        self.assertEqual(len(slow), 1)
        self.patch(keeping, "MOST_WAITING", 1 << 20)
        self.transport.pipes[0].producer.resumeProducing()
        self.assertEqual(self.told().count(rows.ACCEPTED), 2)
        self.assertEqual(self.told()[-1], rows.LOST)
        self.message()
        self.assertEqual(self.told()[-4:], [rows.ACCOUNTS, rows.CLIENT, rows.BIND, rows.ACCEPTED])

    def test_gone(self) -> None:
        """Rows are lost until another one is there; each that ends at once is waited for longer."""
        for delay in (1.0, 2.0, 4.0):
            number = len(self.clock.processes)
            self.transport.pipes[0].producer.stopProducing()
            self.scribe.processEnded(Failure(ConnectionDone()))
            self.message()
            self.clock.advance(delay - 0.2)
            self.assertEqual(len(self.clock.processes), number)
            self.clock.advance(0.11)
            self.assertEqual(len(self.clock.processes), number + 1)
        self.assertEqual(self.events["message_log_restarts"], 3)
        self.assertEqual(self.events["message_log_lost"], 3)
        self.message()
        self.assertIn(rows.LOST, self.told())
        self.keeper.stop()

    def test_gone_for_good(self) -> None:
        """A node that stops meanwhile waits for none."""
        self.scribe.processEnded(Failure(ConnectionDone()))
        self.successResultOf(self.keeper.stop())
        self.clock.advance(60)
        self.assertEqual(len(self.clock.processes), 1)
        self.successResultOf(self.keeper.stop())

    def test_silent_at_the_end(self) -> None:
        """A scribe that does not end in its time is killed; the node stops all the same."""
        self.message()
        self.transport.pipes[0].producer.pauseProducing()
        self.client.receive(submit(2))
        self.upstream.accept(*[(pdu, b"8") for pdu in self.upstream.submits()])
        stopped = self.keeper.stop()
        self.assertEqual(self.told().count(rows.ACCEPTED), 2)
        self.assertTrue(self.transport.closed)
        self.clock.advance(10)
        self.assertEqual(self.transport.signals, ["KILL"])
        self.assertNoResult(stopped)
        self.scribe.processEnded(Failure(ConnectionDone()))
        self.successResultOf(stopped)

    def test_gone_when_it_is_killed(self) -> None:
        """It may have ended in that moment."""
        self.transport.gone = True
        self.scribe.kill()
        del self.transport.pipes[0]
        self.scribe.close()

    def test_counts(self) -> None:
        """What it counted is added in the store; what the store does not take is told later."""
        count = (int(self.world.unix()), "acme", "p", "45", "ESME_ROK")
        self.scribe.outReceived(packed(("counts", [(count, 2)])))
        self.world.store.go_away()
        self.scribe.outReceived(packed(("counts", [(count, 3)])))
        self.world.store.come_back()
        kept = self.world.shared.counts
        self.assertEqual(kept, {count: 2})
        self.world.store.hold("add_counts")
        self.scribe.outReceived(packed(("counts", [(count, 4)])))
        self.scribe.outReceived(packed(("counts", [(count, 5)])))
        self.world.store.release()
        self.assertEqual(kept, {count: 9})
        self.keeper._store_counts()
        self.assertEqual(kept, {count: 14})
        self.patch(keeping, "MOST", 0)
        self.scribe.outReceived(packed(("counts", [(count, 6)])))
        self.assertEqual(self.events["hourly_counts_lost"], 6)

    def test_complaints(self) -> None:
        """What it loses, when it is well again and its tracebacks are events."""
        found = logged(self)
        self.scribe.outReceived(packed(("lost", 3, "No space left")) + packed(("well",)))
        self.scribe.errReceived(b"Traceback ...\n")
        names = [each.get("event") for each in found]
        self.assertEqual(names, ["message_log_lost", "message_log_well", "message_log_error"])
        self.assertEqual(self.events["message_log_lost"], 3)

    def test_a_fault_of_ours(self) -> None:
        """A fact that cannot be packed costs what was noted with it, and no message."""
        self.world.relay.journal.note((journal.ACCEPTED, 0.0, object()))
        self.message()
        self.assertEqual(self.events["message_log_faults"], 1)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assertEqual(self.told()[-1], rows.ACCEPTED)
        self.assertEqual(len(self.client.responses()), 1)
