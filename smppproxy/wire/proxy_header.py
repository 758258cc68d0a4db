"""The header that a load balancer puts before a connection: PROXY protocol, versions 1 and 2.

It tells whose connection it really is, so that allow lists, logs and the slowing down of guessers
mean the client and not the balancer. The format is HAProxy's "The PROXY protocol", sections 2.1
(text) and 2.2 (binary). Whoever can write it can say it is anybody: see
:mod:`smppproxy.wire.proxied` for who is believed.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import attrs

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
"""How version 2 begins."""

LONGEST_LINE = 107
"""Octets of a version 1 header at most, its CRLF included."""

LONGEST = 4096
"""Octets of a version 2 header at most here; addresses and TLVs of real balancers need some 100."""

_BEGINNING = b"PROXY "
_LOCAL, _PROXY = 0x20, 0x21
_FIXED = 16
#: First octet of the address family and the octets that its addresses take.
_FAMILIES = {0x1: 12, 0x2: 36, 0x3: 216}
_WORDS = {b"TCP4": IPv4Address, b"TCP6": IPv6Address}


class ProxyHeaderError(Exception):
    """These octets begin no PROXY header; str() says why."""


@attrs.define
class ProxyHeader:
    """A whole header.

    :ivar length: its octets; what follows them is the client's.
    :ivar host: the client's address; "" where the header names none, as that of a health check,
        and the connection is the sender's own.
    :ivar port: the client's port.
    """

    length: int
    host: str = ""
    port: int = 0


def read_proxy_header(data: bytes) -> ProxyHeader | None:
    """The header that ``data`` begins with; None while it is not whole yet.

    :raises ProxyHeaderError: it never will be one.
    """
    if data[:1] == b"\r":
        return _binary(data)
    return _text(data)


def _text(data: bytes) -> ProxyHeader | None:
    if data[:6] != _BEGINNING[: len(data)]:
        raise ProxyHeaderError("it does not begin with a PROXY header")
    end = data.find(b"\r\n", 0, LONGEST_LINE)
    if end < 0:
        if len(data) >= LONGEST_LINE:
            raise ProxyHeaderError("its PROXY line has no end")
        return None
    words = data[:end].split(b" ")
    if words[1] == b"UNKNOWN":
        return ProxyHeader(end + 2)
    kind = _WORDS.get(words[1])
    if kind is None or len(words) != 6:
        raise ProxyHeaderError("its PROXY line is not made of a protocol, addresses and ports")
    try:
        source, _ = (kind(word.decode("ascii")) for word in words[2:4])
    except ValueError as error:
        raise ProxyHeaderError("its PROXY line has a wrong address") from error
    if b"%" in words[2]:
        raise ProxyHeaderError("its PROXY line has an address with a zone")
    port, _ = (_port(word) for word in words[4:6])
    return ProxyHeader(end + 2, str(source), port)


def _port(word: bytes) -> int:
    """A decimal number without a sign or leading zeros."""
    if word.isdigit() and len(word) <= 5 and (word == b"0" or word[:1] != b"0"):
        port = int(word)
        if port <= 0xFFFF:
            return port
    raise ProxyHeaderError("its PROXY line has a wrong port")


def _binary(data: bytes) -> ProxyHeader | None:
    if data[:12] != SIGNATURE[: len(data)]:
        raise ProxyHeaderError("it does not begin with a PROXY header")
    if len(data) < _FIXED:
        return None
    command, family = data[12], data[13]
    if command not in (_LOCAL, _PROXY):
        raise ProxyHeaderError(f"its PROXY header has version and command 0x{command:02x}")
    length = _FIXED + int.from_bytes(data[14:16], "big")
    if length > LONGEST:
        raise ProxyHeaderError(f"its PROXY header has {length} octets")
    if command == _PROXY and length - _FIXED < _FAMILIES.get(family >> 4, 0):
        raise ProxyHeaderError("its PROXY header is too short for its addresses")
    if len(data) < length:
        return None
    if command == _LOCAL or family not in (0x11, 0x21):
        # Of a Unix socket, or of a protocol that we do not serve: the sender's own, as for LOCAL.
        return ProxyHeader(length)
    half = 4 if family == 0x11 else 16
    host = ip_address(data[16 : 16 + half])
    at = _FIXED + 2 * half
    return ProxyHeader(length, str(host), int.from_bytes(data[at : at + 2], "big"))
