"""The twistd door: options, checks, signals."""

from __future__ import annotations

import atexit
import errno
import gc
import json
import os
import signal
import sys
import time
import weakref
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel, globalLogPublisher, textFileLogObserver
from twisted.trial.unittest import SynchronousTestCase

from smppproxy import tap
from smppproxy.admin.log_levels import LogLevels
from smppproxy.config import Node, load_node
from smppproxy.service import SmppProxy, build, monotonic
from smppproxy.store.interface import StoreError
from smppproxy.workers.supervisor import supervise

reactor: Any = global_reactor
ETC = Path(__file__).resolve().parents[1] / "etc"


class OptionsTests(SynchronousTestCase):
    """The command line."""

    def test_config_has_a_default(self) -> None:
        """Without -c the checkout's own node file is meant."""
        options = tap.Options()
        options.parseOptions([])
        self.assertEqual(options["config"], "etc/smppproxy.toml")

    def test_help_tells_what_the_signals_do(self) -> None:
        """``twistd smppproxy --help`` names SIGHUP and SIGTERM."""
        text = str(tap.Options())
        self.assertIn("SIGHUP", text)
        self.assertIn("SIGTERM", text)


class MakeServiceTests(SynchronousTestCase):
    """From a file to a service."""

    def setUp(self) -> None:
        seconds = reactor.seconds
        self.addCleanup(setattr, reactor, "seconds", seconds)
        for number in (signal.SIGHUP, signal.SIGTERM):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        self.addCleanup(setattr, reactor, "sigTerm", reactor.sigTerm)
        self.patch(reactor, "callWhenRunning", lambda *_: None)
        self.patch(reactor, "addSystemEventTrigger", lambda *_: None)
        self.patch(sys, "excepthook", sys.excepthook)

    def options(self, path: object) -> tap.Options:
        """The command line with ``-c PATH``."""
        options = tap.Options()
        options.parseOptions(["-c", str(path)])
        return options

    def test_a_good_file_gives_a_service(self) -> None:
        """The node file of the checkout makes a node, not started yet."""
        service = tap.makeService(self.options(ETC / "smppproxy.toml"))
        self.assertIsInstance(service, SmppProxy)
        self.assertEqual(reactor.seconds, time.monotonic)

    def test_who_makes_a_node_with_workers(self) -> None:
        """A supervisor; a node of one process is made as ever, and knows of no workers."""
        self.assertIs(tap.builder(Node("n1", workers=2)), supervise)
        self.assertIs(tap.builder(Node("n1")), build)

    def test_what_the_start_made_is_left_alone(self) -> None:
        """Once the reactor runs the collector has nothing old to look at, and waits for more that
        is young."""
        before = gc.get_threshold()
        self.addCleanup(gc.set_threshold, *before)
        self.addCleanup(gc.unfreeze)
        called: list[Any] = []
        self.patch(reactor, "callWhenRunning", lambda *what: called.append(what))
        tap.makeService(self.options(ETC / "smppproxy.toml"))
        self.assertIn((tap.settle, reactor), called)
        tap.settle(Clock())
        self.assertGreater(gc.get_freeze_count(), 10_000)
        self.assertGreater(gc.get_threshold()[0], before[0])

    def test_the_young_are_looked_at_now_and_then(self) -> None:
        """However few they are: a minute later nothing is left of what only holds itself."""
        before = gc.get_threshold()
        self.addCleanup(gc.set_threshold, *before)
        self.addCleanup(gc.unfreeze)
        clock = Clock()
        tap.settle(clock)

        class Lost:
            """Like every class it holds itself."""

        left = weakref.ref(Lost)
        del Lost
        looked: list[int] = []

        def note(phase: str, info: dict[str, int]) -> None:
            if phase == "start":
                looked.append(info["generation"])

        gc.callbacks.append(note)
        self.addCleanup(gc.callbacks.remove, note)
        clock.advance(tap.LOOK_EVERY - 1)
        self.assertIsNotNone(left())
        clock.advance(1)
        self.assertIsNone(left())
        clock.pump([tap.LOOK_EVERY] * (tap.DEEPER - 1))
        self.assertEqual([0] * (tap.DEEPER - 1) + [1], looked)

    def test_sighup_reloads(self) -> None:
        """SIGHUP asks the service to read the network file again, in the reactor's turn."""
        service = tap.makeService(self.options(ETC / "smppproxy.toml"))
        asked: list[Any] = []
        self.patch(reactor, "callFromThread", asked.append)
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertEqual(asked, [service.reload])  # type: ignore[attr-defined]

    def test_sigterm_drains_from_the_first_moment(self) -> None:
        """GW-04: a SIGTERM that comes before the reactor runs stops it as soon as it does, and the
        reactor's own start puts no other handler in its place."""
        tap.makeService(self.options(ETC / "smppproxy.toml"))
        asked: list[Any] = []
        self.patch(reactor, "callFromThread", asked.append)
        os.kill(os.getpid(), signal.SIGTERM)
        self.assertEqual(asked, [reactor.stop])
        self.assertIs(reactor.sigTerm, signal.getsignal(signal.SIGTERM))

    def test_a_wrong_file_is_told_with_line_and_mend(self) -> None:
        """Every problem of a wrong node file stands in what twistd prints."""
        path = Path(self.mktemp())
        path.write_text('[node]\nname = ""\nstrange = 1\n')
        error = self.assertRaises(SystemExit, tap.makeService, self.options(path))
        self.assertIn(f"{path}:2", str(error))
        self.assertIn(f"{path}:3", str(error))

    def test_a_certificate_that_is_none_is_told(self) -> None:
        """What a file holds is looked at before anything starts."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "bad.pem").write_text("hello")
        path = folder / "node.toml"
        files = 'tls = true\ncertificate = "bad.pem"\nkey = "bad.pem"\n'
        path.write_text(f'[node]\nname = "n1"\n[[listener]]\nport = 0\n{files}')
        error = self.assertRaises(SystemExit, tap.makeService, self.options(path))
        self.assertIn(f"{path}:6: listener[1].certificate: ", str(error))

    def test_a_missing_file_is_told(self) -> None:
        """A path that leads nowhere is named."""
        error = self.assertRaises(SystemExit, tap.makeService, self.options("/nowhere.toml"))
        self.assertIn("/nowhere.toml", str(error))


class WrongStartTests(SynchronousTestCase):
    """What keeps a node from starting is told like any problem of its file."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.path.write_text(
            '[node]\nname = "n1"\n[[listener]]\naddress = "127.0.0.1"\nport = 2775\n'
            '[[listener]]\naddress = "::1"\nport = 2776\n[hop]\npath = "/run/hop"\n'
        )
        self.node = load_node(self.path, {})
        self.usual: list[BaseException] = []
        self.patch(sys, "excepthook", lambda kind, error, trace: self.usual.append(error))
        self.said = StringIO()
        self.patch(sys, "stderr", self.said)

    def told(self, error: BaseException) -> str:
        """What is told of an exception that nobody caught."""
        tap.Hook(str(self.path), self.node)(type(error), error, None)
        return self.said.getvalue().replace(str(self.path), "FILE")

    def taken(self, address: str | None, port: int | str, number: int) -> str:
        """What is told when the system does not let us listen."""
        return self.told(CannotListenError(address, port, OSError(number, "why")))

    def test_a_taken_port(self) -> None:
        """The listener's line, and how to find out who has it."""
        self.assertEqual(
            self.taken("127.0.0.1", 2775, errno.EADDRINUSE),
            "FILE:5: listener[1].port: cannot listen on 127.0.0.1:2775: Address already in use; "
            "end who has it (ss -ltnp tells), or take another port\n",
        )
        self.assertEqual(self.usual, [])

    def test_an_address_of_another_machine(self) -> None:
        """It is the address that is wrong, not the port."""
        told = self.taken("::1", 2776, errno.EADDRNOTAVAIL)
        self.assertIn("FILE:7: listener[2].address: cannot listen on [::1]:2776: Cannot", told)

    def test_a_port_for_root_only(self) -> None:
        """Who may not is told which ports are for everybody."""
        self.assertIn("from 1024 on", self.taken("127.0.0.1", 2775, errno.EACCES))

    def test_a_strange_reason(self) -> None:
        """What no table knows is told as the system tells it."""
        told = self.taken("127.0.0.1", 2775, errno.ENOBUFS)
        self.assertIn("No buffer space available; mend the address or the port", told)

    def test_the_socket_for_other_nodes(self) -> None:
        """[hop] has a line too."""
        told = self.taken(None, "/run/hop", errno.EADDRINUSE)
        self.assertIn("FILE:10: hop.path: cannot listen on /run/hop: Address already", told)

    def test_a_node_that_runs_already(self) -> None:
        """A supervisor finds its lock taken."""
        told = self.told(StoreError("a node n1 with this store runs already"))
        self.assertIn("FILE:2: node.name: a node n1 with this store runs already; end it", told)

    def test_a_fault_of_ours_keeps_its_traceback(self) -> None:
        """What is no matter of the file goes the usual way."""
        faults = [ValueError("ours"), CannotListenError("127.0.0.1", 9, OSError(98, "why"))]
        for fault in faults:
            self.assertEqual(self.told(fault), "")
        self.assertEqual(self.usual, faults)

    def test_a_node_that_ended_by_itself(self) -> None:
        """twistd, which would end with 0, ends with 1; the option is named."""
        registered: list[Any] = []
        self.patch(atexit, "register", registered.append)
        service: Any = SimpleNamespace(hindrance=("", ""))
        tap.tell_end(str(self.path), service)
        self.assertEqual((registered, self.said.getvalue()), ([], ""))
        service.hindrance = ("store", "it is version 6")
        tap.tell_end(str(self.path), service)
        self.assertEqual(registered, [tap.fail])
        said = self.said.getvalue()
        self.assertIn("node.store: it is version 6; mend that, or name another store", said)
        codes: list[int] = []
        self.patch(os, "_exit", codes.append)
        tap.fail()
        self.assertEqual(codes, [1])


class ClockTests(SynchronousTestCase):
    """F89's cure."""

    def test_f89_timers_follow_the_monotonic_clock(self) -> None:
        """F89: a reactor's time is the monotonic clock's, which no wall clock change moves."""

        clock = SimpleNamespace(seconds=time.time)
        monotonic(clock)
        self.assertEqual(clock.seconds, time.monotonic)


class LogTests(SynchronousTestCase):
    """The level of the node file."""

    def setUp(self) -> None:
        before = [*globalLogPublisher._observers]

        def restore() -> None:
            for observer in [*globalLogPublisher._observers]:
                globalLogPublisher.removeObserver(observer)
            for observer in before:
                globalLogPublisher.addObserver(observer)

        self.addCleanup(restore)

    def test_json(self) -> None:
        """``format = "json"``: what twistd writes to a file is one object per event and line."""
        file = StringIO()
        globalLogPublisher.addObserver(textFileLogObserver(file))
        tap.limit_log(LogLevels("info", {}), "json")
        Logger("t").info("hello {name}", event="greeting", name="world")
        line = json.loads(file.getvalue())
        self.assertEqual((line["event"], line["message"]), ("greeting", "hello world"))

    def test_only_events_of_the_level_and_above_pass(self) -> None:
        """``level = "warn"`` keeps info from the observers that twistd made."""
        seen: list[Any] = []
        globalLogPublisher.addObserver(seen.append)  # type: ignore[arg-type]
        tap.limit_log(LogLevels("warn", {}))
        for level in (LogLevel.info, LogLevel.warn):
            event = {"log_level": level, "log_namespace": "t", "log_format": "x"}
            globalLogPublisher({**event, "log_time": 0.0})
        self.assertEqual([event["log_level"] for event in seen], [LogLevel.warn])
