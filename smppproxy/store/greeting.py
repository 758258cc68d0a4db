"""What every connection to a server begins with: who it is, and who we are."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure

from .link import Link, ServerError
from .tls import name_fits


class Refused(Exception):
    """The server answered, but it is not one to work with. ``final``: it never will be."""

    def __init__(self, text: str, final: bool = False) -> None:
        super().__init__(text)
        self.final = final


@attrs.define
class Login:
    """Who we are, and ``tls_name``: who the server has to be; "" where there is no TLS."""

    user: bytes = b""
    password: bytes = attrs.field(default=b"", repr=False)
    tls_name: str = ""

    @inlineCallbacks
    def greet(self, link: Link) -> Generator[Deferred[Any], Any, None]:
        """Know the server, and be known to it; :class:`Refused` when it is somebody else."""
        if self.tls_name:
            yield link.ask(b"PING").addErrback(_tolerate_refusal)
            if not name_fits(link.transport.getHandle(), self.tls_name):
                raise Refused(f"its certificate is not for {self.tls_name}")
        if self.user:
            yield link.ask(b"AUTH", self.user, self.password)
        elif self.password:
            yield link.ask(b"AUTH", self.password)


def _tolerate_refusal(failure: Failure) -> None:
    """NOAUTH is an answer too: the TLS handshake is over."""
    failure.trap(ServerError)
