"""The sockets of one process of a load test: epoll, one read and one write per socket and turn.

No reactor: a process of its own with nothing but sockets and one deadline does not need one, and
half of what a short read costs there is saved. Deadlines are met to some ten microseconds, where
epoll's own are to the millisecond.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

#: Octets of one read.
READ = 1 << 16
#: Below this many seconds a wait is measured in microseconds.
_FINE = 0.02


class Peer(Protocol):
    """One session, as its owner keeps it."""

    out: list[bytes]
    closing: bool


class Owner(Protocol):
    """Who the sessions of a loop belong to."""

    def opened(self, session: Any, now: float) -> None:
        """The connection (and its TLS handshake) stands."""

    def received(self, session: Any, data: bytes, now: float) -> None:
        """One read."""

    def gone(self, session: Any, reason: str) -> None:
        """The connection is closed, or never came about."""


class _Line:
    """One connection."""

    __slots__ = ("sock", "fd", "session", "backlog", "state", "mask")

    def __init__(self, sock: socket.socket, session: Peer, state: str) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.session = session
        self.backlog = b""
        self.state = state
        self.mask = 0


class Loop:
    """Turns: wait, read what is there, let the owner speak, write.

    :ivar lines: connections by their descriptors.
    """

    def __init__(self, owner: Owner, now: Callable[[], float] = time.monotonic) -> None:
        self.owner = owner
        self.now = now
        self.lines: dict[int, _Line] = {}
        self._by_session: dict[int, _Line] = {}
        self._epoll = select.epoll()
        self._others: dict[int, Callable[[], None]] = {}

    def close(self) -> None:
        """Reset what is left and give back every descriptor."""
        for line in list(self.lines.values()):
            self._drop(line, "closed")
        self._epoll.close()

    # ---------------------------------------------------------- connections

    def watch(self, fd: int, readable: Callable[[], None]) -> None:
        """Call ``readable`` when a descriptor that is no session's has something."""
        self._others[fd] = readable
        self._epoll.register(fd, select.EPOLLIN)

    def forget(self, fd: int) -> None:
        """Watch a descriptor no more."""
        if self._others.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def connect(
        self, session: Peer, place: tuple[str, int], tls: ssl.SSLContext | None, name: str = ""
    ) -> None:
        """Open a connection for a session; its owner hears how that ends."""
        family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self.owner.gone(session, _told(error))
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        refused = sock.connect_ex(place)
        if refused not in (0, errno.EINPROGRESS):
            sock.close()
            self.owner.gone(session, os.strerror(refused))
            return
        if tls is not None:
            sock = tls.wrap_socket(
                sock, server_hostname=name, do_handshake_on_connect=False
            )
        line = _Line(sock, session, "tls" if tls is not None else "connecting")
        self._add(line, select.EPOLLOUT)

    def accept(self, sock: socket.socket, session: Peer, tls: ssl.SSLContext | None) -> None:
        """Take a connection that a listener gave."""
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            sock = tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            self._add(_Line(sock, session, "handshake"), select.EPOLLIN)
            return
        line = _Line(sock, session, "up")
        self._add(line, select.EPOLLIN)
        self.owner.opened(session, self.now())

    def _add(self, line: _Line, mask: int) -> None:
        self.lines[line.fd] = line
        self._by_session[id(line.session)] = line
        line.mask = mask
        self._epoll.register(line.fd, mask)

    def _want(self, line: _Line, mask: int) -> None:
        if line.mask != mask:
            line.mask = mask
            self._epoll.modify(line.fd, mask)

    def _drop(self, line: _Line, reason: str) -> None:
        if self.lines.pop(line.fd, None) is None:
            return
        del self._by_session[id(line.session)]
        self._epoll.unregister(line.fd)
        line.sock.close()
        self.owner.gone(line.session, reason)

    # ---------------------------------------------------------------- turns

    def turn(self, timeout: float) -> list[Any]:
        """Wait at most so long, read what has come; the sessions that were read."""
        events = self._wait(max(0.0, timeout))
        read = []
        for fd, what in events:
            other = self._others.get(fd)
            if other is not None:
                other()
                continue
            line = self.lines.get(fd)
            if line is not None:
                self._ready(line, what)
                read.append(line.session)
        return read

    def _wait(self, timeout: float) -> list[tuple[int, int]]:
        if 0.0 < timeout < _FINE:
            select.select([self._epoll.fileno()], [], [], timeout)
            timeout = 0.0
        return self._epoll.poll(min(timeout, 60.0))

    def _ready(self, line: _Line, what: int) -> None:
        state = line.state
        try:
            if state == "up":
                if what & select.EPOLLOUT:
                    self._flush(line)
                if what & ~select.EPOLLOUT:
                    self._read(line)
            elif state == "connecting":
                self._connected(line)
            elif state == "tls":
                line.state = "handshake"
                self._handshake(line)
            else:
                self._handshake(line)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            # Half a record of TLS, say.
            return
        except OSError as error:
            self._drop(line, _told(error))

    def _connected(self, line: _Line) -> None:
        error = line.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        self._up(line)

    def _up(self, line: _Line) -> None:
        line.state = "up"
        self._want(line, select.EPOLLIN)
        self.owner.opened(line.session, self.now())

    def _handshake(self, line: _Line) -> None:
        assert isinstance(line.sock, ssl.SSLSocket)
        try:
            line.sock.do_handshake()
        except ssl.SSLWantReadError:
            self._want(line, select.EPOLLIN)
        except ssl.SSLWantWriteError:
            self._want(line, select.EPOLLOUT)
        else:
            self._up(line)

    def _read(self, line: _Line) -> None:
        data = line.sock.recv(READ)
        if isinstance(line.sock, ssl.SSLSocket):
            data = _all_decrypted(line.sock, data)
        if not data:
            self._drop(line, "the peer closed the connection")
            return
        self.owner.received(line.session, data, self.now())

    def flush(self, sessions: Iterable[Any]) -> None:
        """One write each."""
        for session in sessions:
            line = self._by_session.get(id(session))
            if line is not None and line.state == "up":
                self._flush(line)

    def _flush(self, line: _Line) -> None:
        session = line.session
        if session.out:
            line.backlog += b"".join(session.out)
            session.out.clear()
        try:
            # TLS takes no more than a record at a time.
            while line.backlog:
                line.backlog = line.backlog[line.sock.send(line.backlog) :]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError as error:
            self._drop(line, _told(error))
            return
        if line.backlog:
            self._want(line, select.EPOLLIN | select.EPOLLOUT)
            return
        self._want(line, select.EPOLLIN)
        if session.closing:
            self._drop(line, "closed")


def _all_decrypted(sock: ssl.SSLSocket, data: bytes) -> bytes:
    """What of a read is decrypted already would not make the descriptor readable."""
    more = [data]
    while data and sock.pending():
        data = sock.recv(READ)
        more.append(data)
    return b"".join(more)


def _told(error: OSError) -> str:
    return error.strerror or str(error)


def client_context(ca: str, verify: bool) -> ssl.SSLContext:
    """TLS towards a server: its chain and name are checked, unless nobody asks for that."""
    context = ssl.create_default_context(cafile=ca or None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS for a listener."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def resolve(address: str, port: int) -> tuple[str, int]:
    """The first address that a name has. Raises OSError when it has none."""
    found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
    place: Any = found[0][4]
    return place[0], place[1]
