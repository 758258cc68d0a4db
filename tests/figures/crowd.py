"""``python -m tests.figures.crowd NAME PORT COUNT [CA]``: so many binds of this account.

They answer enquire_link and do nothing else. "bound" is said once all are; the end of the input
ends them.
"""

from __future__ import annotations

import resource
import select
import socket
import ssl
import sys
from typing import Any

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Bind
from smppproxy.smpp.framing import Framer
from tests.support.foremost import stand_back


def bound(name: bytes, port: int, context: ssl.SSLContext | None) -> Any:
    """One that is bound; too many at once for a machine that is busy are tried again."""
    request = build.bind(c.BIND_TRANSCEIVER, 1, Bind(name, name, b"", 0x34, 0, 0, b""))
    while True:
        opened: Any = socket.create_connection(("127.0.0.1", port), 60.0)
        if context is not None:
            opened = context.wrap_socket(opened, server_hostname="localhost")
        opened.sendall(request)
        answer = opened.recv(100)
        if answer[8:12] == bytes(4):
            opened.setblocking(False)
            return opened
        opened.close()


class Crowd:
    """All of them."""

    def __init__(self) -> None:
        self.poll = select.epoll()
        self.sessions: dict[int, tuple[Any, Framer]] = {}

    def add(self, opened: Any) -> None:
        """One more."""
        self.sessions[opened.fileno()] = (opened, Framer(c.MAX_PDU))
        self.poll.register(opened.fileno(), select.EPOLLIN)

    def answer(self, timeout: float) -> bool:
        """Answer whoever asks; whether the input still lasts."""
        for number, _ in self.poll.poll(timeout):
            if number == sys.stdin.fileno():
                return False
            opened, framer = self.sessions[number]
            try:
                pdus, _ = framer.feed(opened.recv(4096))
            except ssl.SSLWantReadError:
                continue
            for pdu in pdus:
                if pdu.command_id == c.ENQUIRE_LINK:
                    opened.send(build.enquire_link_resp(pdu.sequence_number))
        return True


def main(name: str, port: int, count: int, ca: str = "") -> None:
    """Bind, and be idle."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = ssl.create_default_context(cafile=ca) if ca else None
    crowd = Crowd()
    for _ in range(count):
        crowd.add(bound(name.encode(), port, context))
        crowd.answer(0.0)
    crowd.poll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
    # Clients are elsewhere: they do not take the processor from the node that they are bound to.
    stand_back()
    print("bound", flush=True)
    while crowd.answer(60.0):
        pass


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
