"""A load over HTTP, for a system without an SMPP door: what `smppproxy load` is for the others.

Each message is a GET, over connections that are kept; its receipt is a GET that the system makes to
us, on a URL that ends with the message's number. Built on the load test's own loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from smppproxy.simulator.load.histogram import Histogram
from smppproxy.simulator.load.hosts import BACKLOG, bound
from smppproxy.simulator.load.loop import Loop
from smppproxy.simulator.load.series import quantiles
from smppproxy.simulator.load.usage import Usage
from tests.bench.peers.reckoning import Round
from tests.bench.peers.system import Unavailable

#: Seconds of a turn without anything to read.
TURN = 0.1
#: Between two looks at the processor time: a process that ends takes its count with it.
LOOK = 0.5

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@attrs.define(eq=False)
class Line:
    """One connection.

    :ivar server: they call us. :ivar number: of the message that it waits for, -1: none.
    :ivar unread: octets of a request or an answer that is not all there.
    :ivar ended: it was closed, or never came about.
    """

    server: bool
    out: list[bytes] = attrs.field(factory=list)
    closing: bool = False
    up: bool = False
    number: int = -1
    unread: bytes = b""
    ended: bool = False


def messages(data: bytes) -> tuple[list[bytes], bytes]:
    """The first lines of whole requests or answers, and what is left of the read."""
    found = []
    while (end := data.find(_END)) >= 0:
        head = data[:end]
        at = head.lower().find(_LENGTH)
        size = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        after = end + len(_END) + size
        if len(data) < after:
            break
        found.append(head.split(b"\r\n", 1)[0])
        data = data[after:]
    return found, data


@attrs.define
class HttpLoad:
    """One round.

    :ivar port: of the system. :ivar path: of the URL that hands over a message of this number.
    :ivar lines: connections; :ivar outstanding: messages whose receipts have not come, at most.
    :ivar seconds: submit so long, but :ivar count: no more than so many (0: no limit);
    :ivar deadline: seconds until nothing is waited for any more; :ivar drain: as in `LoadOptions`.
    :ivar first: the first message's number.
    """

    name: str
    port: int
    path: Callable[[int], str]
    lines: int
    outstanding: int
    seconds: float
    count: int
    deadline: float
    drain: float
    first: int = 0


class HttpRun:
    """The sockets of one round. :meth:`run` is all of it.

    :ivar port: where receipts are awaited, for as long as this object lives.
    """

    def __init__(self) -> None:
        self.loop = Loop(self)
        self._listener = bound("127.0.0.1", 0)
        self._listener.listen(BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self.loop.watch(self._listener.fileno(), self._accept)
        self._reset()

    def close(self) -> None:
        """Give back every descriptor."""
        self.loop.close()
        self._listener.close()

    def _reset(self) -> None:
        self._due: dict[int, float] = {}
        self._accepted: set[int] = set()
        self._received: set[int] = set()
        self.responses, self.deliveries = Histogram(), Histogram()
        self.refused = self.duplicated = self.unexpected = 0
        self._last = 0.0
        self._free: deque[Line] = deque()

    # -------------------------------------------------------------- the owner

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        self.loop.accept(sock, Line(server=True), None)

    def opened(self, session: Line, now: float) -> None:
        """Part of the loop's `Owner`."""
        session.up = True

    def gone(self, session: Line, reason: str) -> None:
        """Part of the loop's `Owner`: what it waited for is not answered any more."""
        session.up = False
        session.ended = True

    def received(self, session: Line, data: bytes, now: float) -> None:
        """Part of the loop's `Owner`."""
        found, session.unread = messages(session.unread + data)
        for head in found:
            if session.server:
                session.out.append(_OK)
                self._delivered(head, now)
            else:
                self._answered(session, head, now)
        self._last = now

    def _answered(self, session: Line, head: bytes, now: float) -> None:
        number, session.number = session.number, -1
        self._free.append(session)
        self.responses.record((now - self._due[number],))
        if head.split(b" ", 2)[1][:1] == b"2":
            self._accepted.add(number)
        else:
            self.refused += 1

    def _delivered(self, head: bytes, now: float) -> None:
        number = int(head.split(b" ", 2)[1].rpartition(b"/")[2])
        due = self._due.get(number)
        if due is None:
            self.unexpected += 1
        elif number in self._received:
            self.duplicated += 1
        else:
            self._received.add(number)
            self.deliveries.record((now - due,))

    # ------------------------------------------------------------------ turns

    def run(self, load: HttpLoad, pids: Mapping[str, Sequence[int]]) -> Round:
        """As fast as connections and outstanding messages let it, then wait for what is missing.

        :raises Unavailable: nobody takes a connection.
        """
        self._reset()
        loop = self.loop
        clients = self._connected(load)
        usage = Usage(pids)
        usage.begin()
        start = looked = self._last = loop.now()
        end = start + load.seconds
        while True:
            now = loop.now()
            if now - looked > LOOK:
                usage.sample()
                looked = now
            full = 0 < load.count <= len(self._due)
            if (now >= end or full) and self._over(load, now, start):
                break
            written = [] if now >= end or full else self._submit(load, now)
            loop.flush(written)
            loop.flush(loop.turn(TURN))
        usage.sample()
        for line in clients:
            line.closing = True
        loop.flush(clients)
        return self._told(load, max(1e-9, self._last - start), usage.totals())

    def _connected(self, load: HttpLoad) -> list[Line]:
        clients = [Line(server=False) for _ in range(load.lines)]
        for line in clients:
            self.loop.connect(line, ("127.0.0.1", load.port), None)
        while not all(line.up or line.ended for line in clients):
            self.loop.turn(TURN)
        self._free.extend(line for line in clients if line.up)
        if not self._free:
            raise Unavailable(f"{load.name} takes no connection at port {load.port}")
        return clients

    def _submit(self, load: HttpLoad, now: float) -> list[Line]:
        room = load.outstanding - len(self._due) + len(self._received) + self.refused
        if load.count:
            room = min(room, load.count - len(self._due))
        written = []
        while room > 0 and self._free:
            line = self._free.popleft()
            if line.ended:
                continue
            number = line.number = load.first + len(self._due)
            self._due[number] = now
            request = f"GET {load.path(number)} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            line.out.append(request.encode())
            written.append(line)
            room -= 1
        return written

    def _over(self, load: HttpLoad, now: float, start: float) -> bool:
        came = len(self._received) >= len(self._accepted)
        answered = len(self._accepted) + self.refused >= len(self._due)
        late = now > start + load.deadline or now - self._last > load.drain
        return late or (came and answered)

    def _told(self, load: HttpLoad, seconds: float, cpu: dict[str, float]) -> Round:
        faults: dict[str, Any] = {
            "unanswered": len(self._due) - len(self._accepted) - self.refused,
            "refused": self.refused,
            "receipts missing": len(self._accepted - self._received),
            "receipts duplicated": self.duplicated,
            "receipts that nobody asked for": self.unexpected,
        }
        return Round(
            load.name,
            seconds=seconds,
            submitted=len(self._due),
            accepted=len(self._accepted),
            done=len(self._accepted & self._received),
            cpu=cpu,
            response_ms=quantiles(self.responses),
            receipt_ms=quantiles(self.deliveries),
            faults={name: count for name, count in faults.items() if count},
        )
