"""The node file: what belongs to one process on one machine."""

import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path as FilePath
from typing import Any

import attrs

from smppproxy.config import options
from smppproxy.config.beside import Beside, refuse_idle
from smppproxy.config.hop import Hop, read_hop
from smppproxy.config.lines import Path
from smppproxy.config.message_log import MessageLog, read_message_log
from smppproxy.config.references import secret, store_url
from smppproxy.config.source import Source
from smppproxy.config.tracing import Tracing, read_tracing
from smppproxy.config.workers import Part, check_workers
from smppproxy.routing.rules import (
    Address,
    Flag,
    Networks,
    OneOf,
    Seconds,
    Secret,
    Table,
    Text,
    Whole,
)
from smppproxy.smpp.timers import Timers
from smppproxy.words import LOG_LEVELS, LOG_ROOMS, ROLES

_HOUR = 3600.0
_FORMATS = ("text", "json")
_STORE = "embedded:///var/lib/smppproxy"

DURABILITY = ("memory", "process", "replica")
"""What an acknowledged change survives: nothing; the end of any process, the store's too; the
loss of the store's machine."""

NO_JOURNAL = "off"

_ADMIN_BESIDE = (
    Beside(
        ("address", "tokens", "certificate", "key"),
        lambda values: values["port"],
        "a port",
    ),
)

SHORTEST_TOKEN = 16
"""Octets of a token at least: who may guess it has the whole network's traffic."""

_ROOMS_EXAMPLE = '{ wire = "debug" }'
_TOKENS_EXAMPLE = '{ read = "env:SMPPPROXY_READ", "admin:alice" = "file:alice.token" }'
_PLACES = {
    "listeners": "[[listener]]",
    "log_level": "[log] as level",
    "log_format": "[log] as format",
    "log_rooms": "[log] as rooms",
}
_LISTENER_EXAMPLE = '[[listener]] with address = "127.0.0.1" and port = 2775'


@attrs.define
class Listener:
    """One door for clients. Plain and TLS doors take the same accounts (SX-03, SX-04)."""

    port: int = attrs.field(validator=Whole(0, 65_535, 2775))
    address: str = attrs.field(default="0.0.0.0", validator=Address())
    #: For logs and metrics; "" becomes address:port.
    name: str = attrs.field(default="", validator=Text(0, 64, "plain"))
    tls: bool = attrs.field(default=False, validator=Flag())
    #: PEM files: the certificate with its chain, and its private key.
    certificate: str = attrs.field(default="", validator=Text(0, 4096, "tls.crt"))
    key: str = attrs.field(default="", validator=Text(0, 4096, "tls.key"))
    #: New connections per second, the rest waits in the system's queue; 0 = no limit (F46).
    accept_rate: int = attrs.field(default=200, validator=Whole(0, 1_000_000))
    #: Sessions at once; further connections are closed.
    max_sessions: int = attrs.field(default=10_000, validator=Whole(1, 1_000_000))
    #: The same for each client's address (IPv6: its /64); 0 = no other limit.
    max_sessions_per_address: int = attrs.field(default=0, validator=Whole(0, 1_000_000))

    #: PEM file of the CAs whose certificates clients may show; "" = none is asked for.
    client_ca: str = attrs.field(default="", validator=Text(0, 4096, "clients-ca.pem"))
    #: Load balancers, who put a PROXY header before each connection; nobody else may connect.
    proxy_protocol_from: tuple[IPv4Network | IPv6Network, ...] = attrs.field(
        default=(), validator=Networks()
    )


@attrs.define
class Admin:
    """The operator's door: a port, a Unix socket (`path`), both or none of them."""

    address: str = attrs.field(default="127.0.0.1", validator=Address())
    port: int = attrs.field(default=0, validator=Whole(0, 65_535, 8080))
    #: As long as the system lets the name of a socket be.
    path: str = attrs.field(default="", validator=Text(0, 107, "/run/smppproxy/admin"))
    #: What opens the port, by role, or by role and person: "operate:alice". The socket needs none.
    tokens: dict[str, bytes] = attrs.field(
        factory=dict, repr=False, validator=Table(Text(1, 64), Secret(), _TOKENS_EXAMPLE)
    )
    #: PEM files: with them the port speaks TLS.
    certificate: str = attrs.field(default="", validator=Text(0, 4096, "admin.crt"))
    key: str = attrs.field(default="", validator=Text(0, 4096, "admin.key"))


@attrs.define
class Log:
    """What is logged."""

    level: str = attrs.field(default="info", validator=OneOf(LOG_LEVELS))
    #: Readable lines, or one JSON object per event with all its fields.
    format: str = attrs.field(default="text", validator=OneOf(_FORMATS))
    #: Parts of the program with a level of their own.
    rooms: dict[str, str] = attrs.field(
        factory=dict, validator=Table(OneOf(LOG_ROOMS), OneOf(LOG_LEVELS), _ROOMS_EXAMPLE)
    )


@attrs.define
class Node:
    """A node file. All paths are absolute, times are seconds, timers are towards clients."""

    name: str = attrs.field(validator=Text(1, 64, "node1"))
    #: The network that this node makes the one of all nodes, at its start and on SIGHUP; "" = it
    #: follows the versions of the store.
    network_file: str = attrs.field(default="", validator=Text(0, 4096, "network.toml"))
    #: The store's address, `env:` followed; it may hold a password.
    store: str = attrs.field(
        default=_STORE, repr=False, validator=Secret(4096)
    )
    #: What the store must keep an acknowledged change through.
    durability: str = attrs.field(default="process", validator=OneOf(DURABILITY))
    #: Percent of its maxmemory from which on no messages are taken (L4); 100 = until it is full.
    store_fill_limit: int = attrs.field(default=60, validator=Whole(10, 100))
    #: Folder for the maps that the store did not take in 5 s; "" = there is no journal.
    journal: str = attrs.field(default="", validator=Text(0, 4096, "/var/lib/smppproxy/journal"))
    #: Megabytes of them; then no messages are taken until the store is back.
    journal_max_size: int = attrs.field(default=64, validator=Whole(1, 10_000))
    #: What bind_resp says we are.
    system_id: bytes = attrs.field(default=b"smppproxy", validator=Text(0, 15, "smppproxy"))
    #: Processes that share the listeners, the binds and the admin door.
    workers: int = attrs.field(default=1, validator=Whole(1, 64))
    #: At a planned stop: how long outstanding answers are waited for (GW-04).
    drain_timeout: float = attrs.field(default=10.0, validator=Seconds(0, _HOUR))
    #: From TCP accept (TLS handshake included) to a good bind (F24).
    session_init: float = attrs.field(default=10.0, validator=Seconds(0.01, _HOUR))
    #: Silence after which we send enquire_link; 0 = never.
    enquire_link: float = attrs.field(default=30.0, validator=Seconds(0, _HOUR))
    #: From enquire_link to its answer; then the session is closed.
    enquire_answer: float = attrs.field(default=10.0, validator=Seconds(0.01, _HOUR))
    #: Age of an unanswered deliver_sm, in silence, at which we ask at once; 0 = never.
    probe_after: float = attrs.field(default=5.0, validator=Seconds(0, _HOUR))
    #: From a deliver_sm to its deliver_sm_resp.
    response_timeout: float = attrs.field(default=30.0, validator=Seconds(0.01, _HOUR))
    #: How long the rest of a PDU may take.
    partial_pdu: float = attrs.field(default=30.0, validator=Seconds(0.01, _HOUR))
    #: Silence after which we unbind a client; 0 = never (OZ-08).
    idle_timeout: float = attrs.field(default=0.0, validator=Seconds(0, 24 * _HOUR))
    #: From our unbind to unbind_resp (F31).
    unbind_timeout: float = attrs.field(default=2.0, validator=Seconds(0.01, _HOUR))
    listeners: tuple[Listener, ...] = ()
    admin: Admin = attrs.field(factory=Admin)
    log_level: str = attrs.field(default="info", validator=OneOf(LOG_LEVELS))
    log_format: str = attrs.field(default="text", validator=OneOf(_FORMATS))
    log_rooms: dict[str, str] = attrs.field(
        factory=dict, validator=Table(OneOf(LOG_ROOMS), OneOf(LOG_LEVELS), _ROOMS_EXAMPLE)
    )
    message_log: MessageLog = attrs.field(factory=MessageLog)
    tracing: Tracing = attrs.field(factory=Tracing)
    hop: Hop = attrs.field(factory=Hop)
    #: What this process is of its node; no option.
    part: Part = attrs.field(factory=Part, init=False, eq=False)
    #: Where the node file lies; no option.
    own_folder: str = attrs.field(default=".", init=False, eq=False)

    @property
    def folder(self) -> str:
        """Where relative paths of the network's secrets begin."""
        return os.path.dirname(self.network_file) if self.network_file else self.own_folder

    @property
    def timers(self) -> Timers:
        """The timers of sessions with clients."""
        return Timers(
            session_init=self.session_init,
            enquire_link=self.enquire_link,
            enquire_answer=self.enquire_answer,
            probe_after=self.probe_after,
            response=self.response_timeout,
            partial_pdu=self.partial_pdu,
            idle=self.idle_timeout,
            unbind=self.unbind_timeout,
        )


def load_node(path: str | FilePath, environ: Mapping[str, str] | None = None) -> Node:
    """Read a node file. Raises ConfigError with every problem of the file.

    `environ` holds the variables that the file may name, by default those of the process. The
    network file is not read, but if it is named it must be there.
    """
    source = Source(path, os.environ if environ is None else environ)
    tables = ("node", "listener", "admin", "log", "message_log", "tracing", "hop")
    source.unknown((), source.data, tables, "table")
    arguments = _node(source)
    listeners = _listeners(source)
    admin = _admin(source, listeners)
    log = Log(**options.read(source, ("log",), _table(source, "log") or {}, Log))
    message_log = read_message_log(source)
    tracing = read_tracing(source)
    hop = read_hop(source)
    check_workers(source, arguments, hop)
    source.raise_problems()
    node = Node(
        **arguments,
        listeners=tuple(listeners.values()),
        admin=admin,
        log_level=log.level,
        log_format=log.format,
        log_rooms=log.rooms,
        message_log=message_log,
        tracing=tracing,
        hop=hop,
    )
    node.own_folder = str(source.folder)
    return node


def _table(source: Source, name: str) -> dict[str, Any] | None:
    return source.table((name,), source.data.get(name, {}), f"write its options below [{name}]")


def _node(source: Source) -> dict[str, Any]:
    table = _table(source, "node")
    if table is None:
        return {}
    filled = frozenset(
        {
            "listeners", "admin", "log_level", "log_format", "log_rooms", "message_log", "tracing",
            "hop",
        }
    )  # fmt: skip
    arguments = options.read(source, ("node",), table, Node, other=filled)
    for name in sorted(filled & table.keys()):
        place = _PLACES.get(name, f"[{name}]")
        source.problem(("node", name), "this does not stand here", f"write it below {place}")
    if arguments.get("network_file"):
        path = ("node", "network_file")
        arguments["network_file"] = source.file(path, arguments["network_file"])
    if "store" in arguments:
        arguments["store"] = store_url(source, ("node", "store"), arguments["store"])
    _journal(source, arguments)
    _idle(source, arguments)
    return arguments


def _journal(source: Source, arguments: dict[str, Any]) -> None:
    """Its folder: beside an embedded store's files where nobody says anything else."""
    store: str = arguments.get("store") or _STORE
    scheme, _, rest = store.partition("://")
    folder = rest.partition("?")[0]
    written = arguments.get("journal")
    if written is None and scheme == "embedded":
        arguments["journal"] = os.path.join(folder, "journal")
    elif written == NO_JOURNAL:
        arguments["journal"] = ""
    elif written:
        arguments["journal"] = os.path.normpath(source.folder / written)
    if arguments.get("durability") == "replica" and scheme == "embedded":
        mend = 'write durability = "process", or name a store that has replicas'
        source.problem(("node", "durability"), "an embedded store has no replica", mend)


def _idle(source: Source, arguments: dict[str, Any]) -> None:
    idle = arguments.get("idle_timeout", 0.0)
    enquire_link = arguments.get("enquire_link", attrs.fields(Node).enquire_link.default)
    if idle and enquire_link >= idle:
        named = "enquire_link" if "enquire_link" in arguments else "idle_timeout"
        text = f"enquire_link ({enquire_link:g} s) is not shorter than idle_timeout ({idle:g} s)"
        mend = "ask before the session ends: idle_timeout of at least twice enquire_link, or 0"
        source.problem(("node", named), text, mend)


def _listeners(source: Source) -> dict[Path, Listener]:
    """The good listeners by their paths."""
    if "listener" not in source.data:
        source.problem(("listener",), "there is no listener", f"write {_LISTENER_EXAMPLE}")
    listeners: dict[Path, Listener] = {}
    for path, table in source.tables("listener"):
        known = len(source.problems)
        arguments = options.read(source, path, table, Listener)
        _tls(source, path, arguments)
        if len(source.problems) == known:
            listener = listeners[path] = Listener(**arguments)
            listener.name = listener.name or f"{listener.address}:{listener.port}"
    _unique(source, listeners)
    return listeners


def _tls(source: Source, path: Path, arguments: dict[str, Any]) -> None:
    tls = arguments.get("tls", False)
    for name in ("certificate", "key", "client_ca"):
        if not arguments.get(name):
            if tls and name != "client_ca":
                options.missing(source, path, name, f'a TLS listener needs {name} = "FILE.pem"')
        elif tls:
            arguments[name] = source.file((*path, name), arguments[name])
        else:
            source.problem((*path, name), "this listener has no TLS", "write tls = true beside it")


def _unique(source: Source, listeners: dict[Path, Listener]) -> None:
    ports: dict[int, list[tuple[str, str]]] = {}
    names: set[str] = set()
    for path, listener in listeners.items():
        for address, name in ports.get(listener.port, ()):
            if _overlap(address, listener.address) and listener.port:
                text = f"{name} listens on port {listener.port} already"
                source.problem((*path, "port"), text, "give each listener a port of its own")
                break
        if listener.name in names and listener.port:
            mend = "give each listener a name of its own"
            source.problem((*path, "name"), f'"{listener.name}" is taken', mend)
        names.add(listener.name)
        ports.setdefault(listener.port, []).append((listener.address, listener.name))


def _overlap(one: str, other: str) -> bool:
    return one == other or bool({one, other} & {"0.0.0.0", "::"})


def _admin(source: Source, listeners: dict[Path, Listener]) -> Admin:
    known = len(source.problems)
    arguments = options.read(source, ("admin",), _table(source, "admin") or {}, Admin)
    if len(source.problems) > known:
        return Admin()
    admin = Admin(**arguments)
    admin.tokens = _tokens(source, arguments.get("tokens", {}))
    _admin_tls(source, admin)
    if admin.path:
        example, here = "/run/smppproxy/admin", ("admin", "path")
        admin.path = options.own_socket(source, here, admin.path, example, near=True)
    for listener in listeners.values():
        if admin.port and admin.port == listener.port and _overlap(admin.address, listener.address):
            text = f"listener {listener.name} listens on port {admin.port} already"
            source.problem(("admin", "port"), text, "give the admin door a port of its own")
    if len(source.problems) == known:
        values = attrs.asdict(admin, recurse=False)
        written = source.data.get("admin", {})
        refuse_idle(source.refuser(("admin",)), Admin, _ADMIN_BESIDE, written, values)
    return admin


def _tokens(source: Source, written: dict[str, Any]) -> dict[str, bytes]:
    """The tokens by role, or by role and person; `env:` and `file:` followed."""
    tokens: dict[str, bytes] = {}
    for name, value in written.items():
        path = ("admin", "tokens", name)
        role, _, person = name.partition(":")
        if role not in ROLES or (":" in name and not person):
            mend = f'write one of {", ".join(ROLES)}, or role and person: "operate:alice"'
            source.problem(path, f'"{name}" is no role', mend)
            continue
        token = secret(source, path, value)
        if token is None:
            continue
        if len(token) < SHORTEST_TOKEN:
            mend = f"take at least {SHORTEST_TOKEN} octets, e.g. of: openssl rand -hex 32"
            source.problem(path, "the token is short enough to be guessed", mend)
        elif not token.isascii() or not token.decode().isprintable() or b" " in token:
            mend = "take letters and digits, e.g. of: openssl rand -hex 32"
            source.problem(path, "the token does not fit into a line of HTTP", mend)
        elif token in tokens.values():
            source.problem(path, "another one has this token", "give each a token of its own")
        else:
            tokens[name] = token
    return tokens


def _admin_tls(source: Source, admin: Admin) -> None:
    """Both PEM files or none."""
    if bool(admin.certificate) != bool(admin.key):
        name = "key" if admin.certificate else "certificate"
        options.missing(source, ("admin",), name, f'TLS needs {name} = "FILE.pem" too')
    if admin.certificate:
        admin.certificate = source.file(("admin", "certificate"), admin.certificate)
    if admin.key:
        admin.key = source.file(("admin", "key"), admin.key)
