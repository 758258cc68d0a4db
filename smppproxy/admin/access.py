"""Who may do what at the operator's door, and what is written down about it.

A Unix socket is guarded by the file's own permissions: whoever may open it may do everything, and
the kernel says who it is. A TCP port asks for a token, each with its role and perhaps a person.
"""

from __future__ import annotations

import hmac
import pwd
import struct
from collections.abc import Callable, Mapping
from hashlib import sha256
from ipaddress import ip_address
from socket import SO_PEERCRED, SOL_SOCKET
from typing import Any

import attrs
from twisted.logger import Logger

from smppproxy.admin.api import ADMIN, is_allowed
from smppproxy.admin.errors import ApiError

EVERY = 10.0
"""Seconds between two log lines about the same refusal of the same peer."""

MOST = 1000
"""Peers and refusals that are remembered for that; beyond them they are only counted."""

_CREDENTIALS = struct.Struct("3i")  # struct ucred of Linux: pid, uid, gid

UNIX = "unix"
"""Where callers over the socket come from."""

log = Logger()


@attrs.frozen
class Caller:
    """Somebody at the door.

    :ivar who: a person, or what is known of one: ``alice``, ``operate``.
    :ivar peer: an address, or ``unix``.
    """

    role: str
    who: str
    peer: str

    def needs(self, role: str, what: str) -> None:
        """Refuse what this caller may not do.

        :raises ApiError: 403.
        """
        if not is_allowed(self.role, role):
            text = f"{what} needs the role {role}; this token has the role {self.role}"
            raise ApiError(403, "role_too_small", text)


class Access:
    """Tells callers from strangers.

    :param tokens: by role, or by role and person: ``admin`` or ``operate:alice``.
    :param seconds: the monotonic clock.
    """

    def __init__(self, tokens: Mapping[str, bytes], seconds: Callable[[], float]) -> None:
        self._digests = {name: sha256(token).digest() for name, token in tokens.items()}
        self._seconds = seconds
        self._refused: dict[tuple[str, str], tuple[float, int]] = {}

    def caller(self, transport: Any, authorization: bytes | None) -> Caller:
        """Who this is.

        :param authorization: the header of that name.
        :raises ApiError: 401 or 403, it is nobody we know.
        """
        peer = transport.getPeer()
        host = getattr(peer, "host", None)
        if host is None:
            return Caller(ADMIN, person(transport), UNIX)
        if not self._digests:
            text = (
                "this port serves /livez, /readyz and /metrics; for the rest use the Unix socket "
                "([admin] path), or give this port tokens ([admin] tokens)"
            )
            raise ApiError(403, "no_tokens", text)
        scheme, _, token = (authorization or b"").partition(b" ")
        if scheme.lower() != b"bearer" or not token.strip():
            raise ApiError(401, "no_token", "write the header Authorization: Bearer TOKEN")
        found = self._of(token.strip())
        if not found:
            raise ApiError(401, "wrong_token", "nobody has this token")
        role, _, name = found.partition(":")
        return Caller(role, name or role, host)

    def _of(self, token: bytes) -> str:
        """The name of a token; all are compared, each in constant time."""
        digest = sha256(token).digest()
        found = ""
        for name, known in self._digests.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found

    def refused(self, peer: str, path: str, error: ApiError) -> None:
        """Write down that somebody was turned away, once in ten seconds for each peer and cause."""
        now = self._seconds()
        key = (peer, error.code)
        since, untold = self._refused.get(key, (now - EVERY, 0))
        if now - since < EVERY:
            self._refused[key] = (since, untold + 1)
            return
        if len(self._refused) >= MOST:
            self._forget(now)
        if len(self._refused) < MOST:
            self._refused[key] = (now, 0)
            log.warn(
                "{peer} is turned away at the admin door: {status} {why}",
                event="admin_refused",
                peer=peer,
                path=path,
                status=error.status,
                why=error.code,
                count=untold + 1,
            )

    def _forget(self, now: float) -> None:
        self._refused = {
            key: (since, untold)
            for key, (since, untold) in self._refused.items()
            if now - since < EVERY
        }


def own_page(host: bytes | None, origin: bytes | None, site: bytes | None) -> None:
    """Refuse what a browser asks of a door without tokens on behalf of somebody else's page.

    A socket that is led to a browser (``ssh -L``) opens to whatever page the browser shows: pages
    of another origin are turned away, and so are names that their owner may have led here.

    :param host: the header Host: a browser writes there what stands in its address.
    :param origin: the header Origin, and `site` Sec-Fetch-Site; programs write neither.
    :raises ApiError: 403.
    """
    name = (host or b"").decode("latin-1")
    if not _is_near(name):
        text = f"this door is not called {name[:64]}; write http://localhost:PORT"
        raise ApiError(403, "foreign_host", text)
    came = (origin or b"").decode("latin-1")
    if (came and came.partition("://")[2] != name) or site in (b"cross-site", b"same-site"):
        text = "a page of another address may not ask this door; open the door's own page"
        raise ApiError(403, "foreign_page", text)


def _is_near(host: str) -> bool:
    """Whether nobody's name server decides where this leads: an address, or a name without a
    dot."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if "." not in name and ":" not in name:
        return True
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return name.endswith(".localhost")
    return True


def person(transport: Any) -> str:
    """Who is at the other end of a Unix socket, as the kernel says."""
    handle = transport.getHandle()
    raw = handle.getsockopt(SOL_SOCKET, SO_PEERCRED, _CREDENTIALS.size)
    uid = _CREDENTIALS.unpack(raw)[1]
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
