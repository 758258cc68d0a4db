"""A port that several processes listen on (SO_REUSEPORT): the kernel deals out the connections.

Each process has a socket of its own on the port, made beforehand by the process that starts them
all and kept by it. So connections are dealt evenly from the first moment on, whoever is ready
first; and those that were dealt to a process that has ended wait for its next life, they are not
lost and do not crowd upon the others. A socket is left (:func:`leave`) by who lets nobody in any
more: the kernel deals to the others then.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort

NONE = -1
"""Stands for the descriptor of a port that is not shared."""


def reserve(address: str, port: int, count: int) -> list[socket.socket]:
    """Take a port: so many sockets for it, none of which listens yet.

    :param port: 0 = any free one; the sockets know which.
    :raises CannotListenError: somebody listens there, or it is not ours.
    """
    sockets: list[socket.socket] = []
    try:
        # With SO_REUSEPORT alone another program of ours that shares the port were no hindrance.
        with _bound(address, port, False) as probe:
            probe.listen(1)
        # A socket that was bound to port 0 would have another port when it listens again.
        with _bound(address, port, True) as named:
            port = named.getsockname()[1]
            for _ in range(count):
                sockets.append(_bound(address, port, True))
    except OSError as error:
        for each in sockets:
            each.close()
        raise CannotListenError(address, port, error) from None
    return sockets


def listen(descriptor: int, backlog: int) -> None:
    """Have connections dealt to this socket; idempotent.

    :raises OSError: somebody else has the port alone by now.
    """
    with _borrowed(descriptor) as shared:
        shared.listen(backlog)


def leave(descriptor: int) -> None:
    """Have none dealt to it any more; those that nobody accepted are reset. Idempotent.

    Closing would not do: other processes have the socket too.
    """
    with _borrowed(descriptor) as shared, suppress(OSError):  # it did not listen
        shared.shutdown(socket.SHUT_RD)


def adopt(reactor: Any, descriptor: int, factory: Any, backlog: int) -> IListeningPort:
    """Listen on a socket and accept what comes; ``leave`` it after this has stopped listening.

    :raises CannotListenError: somebody else has the port alone by now.
    """
    with _borrowed(descriptor) as shared:
        try:
            shared.listen(backlog)
        except OSError as error:
            address, port = shared.getsockname()[:2]
            raise CannotListenError(address, port, error) from None
        # Twisted's listenTCP has no word for it; the reactor takes a copy of the descriptor.
        adopted: IListeningPort = reactor.adoptStreamPort(
            shared.fileno(), shared.family, factory
        )
    return adopted


def _borrowed(descriptor: int) -> socket.socket:
    """The socket behind a descriptor, which stays open when this is closed."""
    # socket.dup would make it a blocking one for everybody who has it.
    return socket.socket(fileno=os.dup(descriptor))


def _bound(address: str, port: int, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.setblocking(False)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made
