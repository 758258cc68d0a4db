"""The store's URL: where it is and how to get in.

``embedded:///folder``, ``redis://[user:password@]host[:port][/db]``, ``rediss://`` (over TLS),
``redis+unix:///path/to/socket``, ``redis+sentinel://host[:port],host,.../name[/db]`` and
``redis+cluster://host[:port],host,.../NAME``, where all keys of the network get the hash tag
``{NAME}``. Options after ``?``: ``prefix`` (default ``smppproxy:``), ``db``, ``deadline``
(seconds an answer may take, default 1), ``ca`` (file with the trusted certificates), ``name`` (the
name to verify, default the host), ``password_file``. Behind sentinels and in a cluster ``tls=yes``
encrypts the connections to all servers; all of them have certificates for the one ``name``, which
must be given then.
"""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import attrs

from .interface import StoreError

_PORTS = {"redis": 6379, "rediss": 6379, "redis+sentinel": 26379, "redis+cluster": 6379}
_SCHEMES = _PORTS.keys() | {"embedded", "redis+unix"}
_SEVERAL = {"redis+sentinel": "behind sentinels", "redis+cluster": "in a cluster"}
"""Kinds with more than one server, and where that puts the store."""
_OPTIONS = frozenset({"prefix", "db", "deadline", "ca", "name", "password_file", "tls"})


@attrs.define
class Address:
    """A read URL. ``hosts`` has one item, the sentinels, or servers of the cluster; ``path`` is a
    socket or a folder; ``tag`` is the hash tag of a cluster's keys, with which ``prefix`` begins.
    """

    scheme: str
    hosts: list[tuple[str, int]] = attrs.field(factory=list)
    path: str = ""
    user: bytes = b""
    password: bytes = attrs.field(default=b"", repr=False)
    db: int = 0
    prefix: bytes = b"smppproxy:"
    deadline: float = 1.0
    ca: str = ""
    name: str = ""
    master: str = ""
    tag: bytes = b""
    tls: bool = False


def parse_url(url: str) -> Address:
    """Read a URL; :class:`StoreError` says what is wrong with it, never with a password in it."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES:
            raise StoreError(f"the store cannot be of kind {parts.scheme!r}")
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=False))
        unknown = sorted(set(options) - _OPTIONS)
        if unknown:
            raise StoreError(f"the store's URL has an unknown option: {', '.join(unknown)}")
        return _read(parts, options)
    except ValueError as error:
        raise StoreError(f"the store's URL cannot be read: {error}") from None


def _read(parts: SplitResult, options: dict[str, str]) -> Address:
    login, _, place = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    address = Address(
        parts.scheme,
        user=unquote(user).encode(),
        password=unquote(password).encode(),
        prefix=options.get("prefix", "smppproxy:").encode(),
        deadline=float(options.get("deadline", "1")),
        ca=options.get("ca", ""),
        name=options.get("name", ""),
        tls=_tls(parts.scheme, options),
    )
    if "password_file" in options:
        address.password = _secret(options["password_file"])
    if address.deadline <= 0:
        raise StoreError("the store's deadline must be more than 0 seconds")
    steps = [unquote(step) for step in parts.path.split("/")[1:] if step]
    if parts.scheme in ("embedded", "redis+unix"):
        address.path = _path(parts, place)
        address.db = int(options.get("db", "0"))
        return address
    address.hosts = _hosts(place, _PORTS[parts.scheme])
    if parts.scheme == "redis+cluster":
        _divide(address, steps, options)
        return address
    if parts.scheme == "redis+sentinel":
        if not steps:
            raise StoreError("the URL of a store behind sentinels ends with the master's name")
        address.master = steps.pop(0)
    elif len(address.hosts) != 1:
        raise StoreError("the URL of a store names exactly one host")
    address.db = int(options.get("db") or (steps[0] if steps else "0"))
    address.name = address.name or address.hosts[0][0]
    return address


def _divide(address: Address, steps: list[str], options: dict[str, str]) -> None:
    """All keys of a network have one place in its cluster."""
    if "db" in options or len(steps) > 1:
        raise StoreError("a store in a cluster has no databases: give each network a name instead")
    if not steps:
        raise StoreError("the URL of a store in a cluster ends with the network's name")
    if set(steps[0]) & {"{", "}"}:
        raise StoreError("the network's name in the store's URL must be without { and }")
    address.tag = steps[0].encode()
    address.prefix = b"{%b}:%b" % (address.tag, address.prefix)


def _tls(scheme: str, options: dict[str, str]) -> bool:
    """Whether connections are encrypted; options that say half of it are an error."""
    wanted = options.get("tls", "no")
    where = _SEVERAL.get(scheme)
    if where is None:
        if "tls" in options:
            others = ", ".join(sorted(_SEVERAL))
            raise StoreError(f"the option tls is for {others}; for one server write rediss://")
        return scheme == "rediss"
    if wanted not in ("yes", "no"):
        raise StoreError("the option tls of the store's URL is yes or no")
    if wanted == "no" and options.keys() & {"ca", "name"}:
        raise StoreError(f"{where} ca and name are for tls=yes")
    if wanted == "yes" and not options.get("name"):
        raise StoreError(f"{where} tls=yes needs name=, which all certificates are for")
    return wanted == "yes"


def _path(parts: SplitResult, place: str) -> str:
    path = unquote(parts.path)
    if place or not path.startswith("/") or path == "/":
        raise StoreError(f"the URL needs a whole path: {parts.scheme}:///path")
    return path


def _hosts(place: str, port: int) -> list[tuple[str, int]]:
    hosts = []
    for item in place.split(","):
        each = urlsplit("//" + item)
        if not each.hostname:
            raise StoreError("the store's URL names no host")
        hosts.append((each.hostname, each.port or port))
    return hosts


def _secret(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read().rstrip(b"\r\n")
    except OSError as error:
        raise StoreError(f"the store's password file cannot be read: {error.strerror}") from None
