"""The table [hop] of the node file: how nodes that share a store reach each other's binds."""

from typing import Any

import attrs

from smppproxy.config import options
from smppproxy.config.beside import Beside, refuse_idle
from smppproxy.config.source import Source
from smppproxy.routing.rules import Address, Text, Whole


@attrs.define
class Hop:
    """The door for other nodes: a Unix socket (`path`), a port with mutual TLS, both or none.

    A node without either reaches no other node's binds, and none reaches its own.
    """

    #: As long as the system lets the name of a socket be.
    path: str = attrs.field(default="", validator=Text(0, 107, "/run/smppproxy/hop"))
    address: str = attrs.field(default="0.0.0.0", validator=Address())
    port: int = attrs.field(default=0, validator=Whole(0, 65_535, 2780))
    #: What other nodes connect to; "" = `address`.
    advertise: str = attrs.field(default="", validator=Text(0, 253, "node1.example.net"))
    #: PEM files: this node's certificate, shown in both roles, its key, and who may have signed
    #: the other's.
    certificate: str = attrs.field(default="", validator=Text(0, 4096, "hop.crt"))
    key: str = attrs.field(default="", validator=Text(0, 4096, "hop.key"))
    ca: str = attrs.field(default="", validator=Text(0, 4096, "hop-ca.pem"))

    @property
    def is_on(self) -> bool:
        """Whether this node takes part at all."""
        return bool(self.path or self.port)


_BESIDE = (
    Beside(
        ("address", "advertise", "certificate", "key", "ca"),
        lambda values: values["port"],
        "a port",
    ),
)

_EVERYWHERE = ("0.0.0.0", "::")


def read_hop(source: Source) -> Hop:
    """The table, its paths made absolute; the defaults where something is wrong with it."""
    written = source.table(("hop",), source.data.get("hop", {}), "write its options below [hop]")
    known = len(source.problems)
    arguments: dict[str, Any] = options.read(source, ("hop",), written or {}, Hop)
    if len(source.problems) > known:
        return Hop()
    hop = Hop(**arguments)
    if hop.path:
        hop.path = options.own_socket(source, ("hop", "path"), hop.path, "/run/smppproxy/hop")
    if hop.port:
        _port(source, hop)
    else:
        refuse_idle(source.refuser(("hop",)), Hop, _BESIDE, written or {}, attrs.asdict(hop))
    return hop


def _port(source: Source, hop: Hop) -> None:
    """Nobody speaks to the port without TLS, in which both sides prove who they are."""
    for name in ("certificate", "key", "ca"):
        written = getattr(hop, name)
        if written:
            setattr(hop, name, source.file(("hop", name), written))
        else:
            mend = f'the port speaks mutual TLS only: write {name} = "FILE.pem"'
            options.missing(source, ("hop",), name, mend)
    if hop.address in _EVERYWHERE and not hop.advertise:
        text = f"other nodes cannot connect to {hop.address}"
        mend = "write advertise = the name or address of this machine"
        source.problem(("hop", "advertise"), text, mend)
