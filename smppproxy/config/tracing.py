"""The table [tracing] of the node file: where spans of some messages go (OpenTelemetry)."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import attrs

from smppproxy.config import options
from smppproxy.config.beside import Beside, refuse_idle
from smppproxy.config.references import secret
from smppproxy.config.source import Source
from smppproxy.routing.rules import Seconds, Table, Text, Whole

_HEADERS_EXAMPLE = '{ authorization = "env:OTLP_AUTHORIZATION" }'
_URL_EXAMPLE = "http://127.0.0.1:4318/v1/traces"
_NAME = re.compile(r"[A-Za-z0-9-]+")


@attrs.define
class Tracing:
    """Spans of some messages, sent to a collector by OTLP over HTTP."""

    #: The collector's URL, with its path; "" = there are no spans.
    endpoint: str = attrs.field(default="", validator=Text(0, 1024, _URL_EXAMPLE))
    #: One message in so many has spans, the same ones on every node.
    one_in: int = attrs.field(default=100, validator=Whole(1, 1_000_000_000))
    #: Header lines for the collector, ``env:`` and ``file:`` followed.
    headers: dict[str, str] = attrs.field(
        factory=dict,
        validator=Table(Text(1, 64, "authorization"), Text(1, 4096, "env:NAME"), _HEADERS_EXAMPLE),
        repr=False,
    )
    #: PEM file of the CA that signed the collector's certificate; "" = the system's.
    ca: str = attrs.field(default="", validator=Text(0, 4096, "collector-ca.pem"))
    #: Seconds that a batch is tried to be sent; then its spans are dropped, and counted.
    timeout: float = attrs.field(default=10.0, validator=Seconds(0.1, 300))


_BESIDE = (
    Beside(
        ("one_in", "headers", "ca", "timeout"),
        lambda values: values["endpoint"],
        "an endpoint",
    ),
)


def read_tracing(source: Source) -> Tracing:
    """The table, its headers' secrets followed; the defaults where something is wrong with it."""
    table = source.table(
        ("tracing",), source.data.get("tracing", {}), "write its options below [tracing]"
    )
    known = len(source.problems)
    arguments: dict[str, Any] = options.read(source, ("tracing",), table or {}, Tracing)
    if len(source.problems) > known:
        return Tracing()
    tracing = Tracing(**arguments)
    refuse_idle(
        source.refuser(("tracing",)), Tracing, _BESIDE, table or {},
        attrs.asdict(tracing, recurse=False),
    )  # fmt: skip
    if tracing.endpoint:
        _endpoint(source, tracing.endpoint)
    if tracing.ca:
        tracing.ca = source.file(("tracing", "ca"), tracing.ca)
    tracing.headers = _headers(source, tracing.headers)
    return tracing


def _endpoint(source: Source, written: str) -> None:
    path = ("tracing", "endpoint")
    try:
        parts = urlsplit(written)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        mend = f'write the collector\'s URL with its path: "{_URL_EXAMPLE}"'
        source.problem(path, "this is not the URL of a collector", mend)
    elif not is_installed():
        mend = "pip install 'smppproxy[tracing]', or remove the endpoint"
        source.problem(path, "what sends spans is not installed: the extra tracing", mend)


def is_installed() -> bool:
    """Whether the libraries of the extra ``tracing`` are there."""
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


def _headers(source: Source, written: dict[str, str]) -> dict[str, str]:
    found = {}
    for name, value in written.items():
        path = ("tracing", "headers", name)
        if not _NAME.fullmatch(name):
            source.problem(path, f'"{name}" is no name of a header', f"e.g. {_HEADERS_EXAMPLE}")
            continue
        octets = secret(source, path, value)
        if octets is None:
            continue
        text = octets.decode("latin-1")
        if text.isascii() and text.isprintable():
            found[name] = text
        else:
            mend = "take letters, digits and blanks on one line"
            source.problem(path, "the value does not fit into a line of HTTP", mend)
    return found
