"""The lean provider as processes that share its ports (SO_REUSEPORT), and what starts them.

The system spreads connections over the processes. Messages that one of them takes get their
receipts from it too; ids never meet, for each process has every so-many-th number.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from smppproxy.simulator.load.loop import Loop, server_context
from smppproxy.simulator.load.provider import HostSession, LeanOptions, LeanSmsc
from smppproxy.simulator.load.run import COMMAND, LEAVING

BACKLOG = 1024


class _Host:
    """One process: its listeners, its sessions."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.smsc = LeanSmsc(read(settings))
        self.loop = Loop(self)
        self.ended = False
        paths = settings["certificate"], settings["key"]
        self._tls = server_context(*paths) if settings["certificate"] else None
        self._listeners = [bound(settings["address"], port) for port in settings["ports"]]
        for listener in self._listeners:
            listener.listen(BACKLOG)
            self.loop.watch(listener.fileno(), partial(self._accept, listener))
        self.loop.watch(0, self._ordered)

    def opened(self, session: HostSession, now: float) -> None:
        """Part of the loop's `Owner`: the client speaks first."""
        self.smsc.counts["connections"] += 1

    def received(self, session: HostSession, data: bytes, now: float) -> None:
        """Part of the loop's `Owner`."""
        self.smsc.received(session, data, now, time.time())

    def gone(self, session: HostSession, reason: str) -> None:
        """Part of the loop's `Owner`."""
        self.smsc.closed(session)

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        self.loop.accept(sock, HostSession(), self._tls)

    def _ordered(self) -> None:
        """Whoever started it has closed stdin: the end."""
        if not os.read(0, 4096):
            self.ended = True

    def run(self) -> None:
        """Until told to end."""
        loop, smsc = self.loop, self.smsc
        while not self.ended:
            read = loop.turn(min(1.0, smsc.next_due(loop.now())))
            loop.flush(read)
            loop.flush(smsc.run_due(loop.now()))
        loop.close()
        for listener in self._listeners:
            listener.close()


def bound(address: str, port: int) -> socket.socket:
    """A socket on an address that several processes may have. Raises OSError: it is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def serve(settings: dict[str, Any], out: Any) -> None:
    """What such a process does; its last line is its counts."""
    # It ends when stdin does, and its parent decides about that.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    host = _Host(settings)
    out.write(b'{"listening": true}\n')
    out.flush()
    host.run()
    out.write(json.dumps(host.smsc.totals()).encode() + b"\n")
    out.flush()


def told(options: LeanOptions) -> dict[str, Any]:
    """Options for a process, as JSON."""
    values = attrs.asdict(options)
    values["accounts"] = {
        name.decode("latin-1"): secret.decode("latin-1")
        for name, secret in options.accounts.items()
    }
    return values


def read(settings: Mapping[str, Any]) -> LeanOptions:
    """What :func:`told` gave."""
    values = dict(settings["options"])
    accounts = values["accounts"].items()
    values["accounts"] = {
        name.encode("latin-1"): secret.encode("latin-1") for name, secret in accounts
    }
    values["errors"] = {int(status): part for status, part in values["errors"].items()}
    for name in ("response_delay", "receipt_delay"):
        least, most = values[name]
        values[name] = (least, most)
    return LeanOptions(**values)


class Hosts:
    """The processes of one provider.

    :ivar ports: where its hosts listen. :ivar pids: of the processes.
    """

    def __init__(
        self,
        options: LeanOptions,
        ports: Sequence[int],
        address: str = "127.0.0.1",
        processes: int = 1,
        certificate: str = "",
        key: str = "",
        command: Sequence[str] = COMMAND,
    ) -> None:
        """Start them; they listen once this returns.

        :raises OSError: a port is taken; nothing was started then.
        """
        # Held until the end: nobody else gets the ports, and a 0 among them is decided once.
        self._held: list[socket.socket] = []
        try:
            for port in ports:
                self._held.append(bound(address, port))
        except OSError:
            self._release()
            raise
        self.ports = [sock.getsockname()[1] for sock in self._held]
        self._processes = []
        for place in range(processes):
            own = attrs.evolve(options, place=place, step=processes)
            settings = {
                "kind": "smsc",
                "options": told(own),
                "address": address,
                "ports": self.ports,
                "certificate": certificate,
                "key": key,
            }
            self._processes.append(_started(command, settings))
        for process in self._processes:
            assert process.stdout is not None
            process.stdout.readline()

    @property
    def pids(self) -> list[int]:
        """Of its processes."""
        return [process.pid for process in self._processes]

    def _release(self) -> None:
        for sock in self._held:
            sock.close()

    def stop(self) -> dict[str, int]:
        """End them all; their counts together."""
        totals: dict[str, int] = {}
        for process in self._processes:
            for name, count in _ended(process).items():
                totals[name] = totals.get(name, 0) + count
        self._release()
        return totals


def _started(command: Sequence[str], settings: dict[str, Any]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(settings).encode() + b"\n")
    process.stdin.flush()
    return process


def _ended(process: subprocess.Popen[bytes]) -> dict[str, int]:
    try:
        out, _ = process.communicate(timeout=LEAVING)
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
    lines = out.splitlines()
    counts: dict[str, int] = json.loads(lines[-1]) if lines else {}
    return counts


def until_told(seconds: float) -> None:
    """Until SIGINT or SIGTERM, or so many seconds have passed (0: no limit)."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: os.write(write, b".")) for number in numbers]
    try:
        select.select([read], [], [], seconds or None)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        os.close(read)
        os.close(write)
