"""The way to a node's admin door: where it is, what opens it, and what its errors become here.

Exit status: 1 when the door says no, 2 when the command line or the node file is wrong, 3 when no
node answers.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import attrs
import click

PREFIX = "/api/v1"

TIMEOUT = 30.0
"""Seconds that the door has to answer."""

CONFIG = "etc/smppproxy.toml"

Options = Callable[[Callable[..., Any]], Callable[..., Any]]


class Refused(click.ClickException):
    """The door answered, with an error."""

    exit_code = 1


class Misled(click.ClickException):
    """It is not known where the door is, or what opens it."""

    exit_code = 2


class Unanswered(click.ClickException):
    """Nobody is behind the door."""

    exit_code = 3


@attrs.define
class Place:
    """Where a door is: a Unix socket's path, or a URL; the token is for the URL."""

    where: str
    token: str = attrs.field(default="", repr=False)
    ca: str = ""


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that asks a node; the command gets a ``door``."""

    @click.option(
        "-c",
        "--config",
        default=CONFIG,
        show_default=True,
        metavar="FILE",
        envvar="SMPPPROXY_CONFIG",
        help="The node file, which says where the admin door is.",
    )
    @click.option(
        "--admin",
        metavar="PATH|URL",
        envvar="SMPPPROXY_ADMIN",
        help="The door itself: a Unix socket, http://HOST:PORT or https://HOST:PORT.",
    )
    @click.option(
        "--token",
        metavar="env:NAME|file:PATH",
        help="What opens a port; without it the variable SMPPPROXY_TOKEN, or the node file's own.",
    )
    @click.option("--ca", default="", metavar="FILE", help="Trust this CA for https.")
    def asking(config: str, admin: str | None, token: str | None, ca: str, **rest: Any) -> Any:
        place = find(config, admin, token, os.environ)
        place.ca = ca
        return command(door=Door(place), **rest)

    asking.__name__ = command.__name__
    asking.__doc__ = command.__doc__
    # click keeps the options of inner decorators here.
    inner = getattr(command, "__click_params__", [])
    asking.__click_params__ = inner + asking.__click_params__  # type: ignore[attr-defined]
    return asking


def find(
    config: str, admin: str | None, token: str | None, environ: Mapping[str, str]
) -> Place:
    """Where the door is, and what opens it.

    :raises Misled: nobody says, or what is said cannot be.
    """
    own = environ.get("SMPPPROXY_TOKEN", "")
    if token is not None:
        own = resolved(token, Path.cwd(), environ)
        if not own:
            raise Misled(f"there is no token at {token}; write env:NAME or file:PATH")
    if admin is not None:
        return Place(admin, own)
    table, folder = _table(config)
    path, port = table.get("path", ""), table.get("port", 0)
    if path:
        return Place(os.path.normpath(folder / path))
    if not port:
        raise Misled(f"{config} has no admin door; write [admin] with a path, or give --admin")
    if not own:
        own = _strongest(table.get("tokens", {}), folder, environ)
    address = table.get("address", "127.0.0.1")
    address = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address, address)
    return Place(f"http{'s' if table.get('certificate') else ''}://{address}:{port}", own)


def _table(config: str) -> tuple[dict[str, Any], Path]:
    """[admin] of a node file, which is read without its network and its secrets."""
    try:
        with open(config, "rb") as file:
            data = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Misled(f"cannot read {config}: {reason}; give --admin or -c FILE") from None
    table = data.get("admin", {})
    return table if isinstance(table, dict) else {}, Path(config).absolute().parent


def _strongest(tokens: Mapping[str, str], folder: Path, environ: Mapping[str, str]) -> str:
    """Of the node file's own tokens the one that opens most and can be read here."""
    for role in ("admin", "operate", "read"):
        for name, reference in tokens.items():
            if name.partition(":")[0] == role and (found := resolved(reference, folder, environ)):
                return found
    return ""


def resolved(reference: str, folder: Path, environ: Mapping[str, str]) -> str:
    """The token that a reference stands for, "" when there is none."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        return environ.get(name, "")
    if kind == "file":
        try:
            return (folder / name).read_text("utf-8").strip()
        except OSError:
            return ""
    return reference


class _Socket(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("node", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """To the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Door:
    """Asks one node."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET below /api/v1; what is None is left out."""
        return self._asked("GET", _with_query(path, query))

    def post(self, path: str, **body: Any) -> Any:
        """The answer to a POST below /api/v1; what is None is left out."""
        said = {name: value for name, value in body.items() if value is not None}
        return self._asked("POST", PREFIX + path, json.dumps(said).encode())

    def stream(self, path: str, **query: Any) -> Iterator[Any]:
        """The lines of an answer that goes on until either side ends it."""
        with closing(self._connection()) as connection:
            response = self._send(connection, "GET", _with_query(path, query))
            if response.status != 200:
                self._read(response)
            connection.sock.settimeout(None)
            while line := response.readline():
                if line.strip():
                    yield json.loads(line)

    def _asked(self, method: str, path: str, body: bytes | None = None) -> Any:
        with closing(self._connection()) as connection:
            return self._read(self._send(connection, method, path, body))

    def _send(
        self, connection: HTTPConnection, method: str, path: str, body: bytes | None = None
    ) -> HTTPResponse:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.place.token:
            headers["Authorization"] = f"Bearer {self.place.token}"
        try:
            connection.request(method, path, body, headers)
            return connection.getresponse()
        except (OSError, HTTPException) as error:
            raise Unanswered(self._unanswered(error)) from None

    def _unanswered(self, error: Exception) -> str:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"no node answers at {self.place.where}: {reason}; is it running?"

    def _connection(self) -> HTTPConnection:
        where = self.place.where
        if "://" not in where:
            return _Socket(where, TIMEOUT)
        parts = urlsplit(where)
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Misled(f"{where} is no admin door; write a path, http://HOST:PORT or https://...")
        if parts.scheme == "http":
            return HTTPConnection(parts.hostname, port, timeout=TIMEOUT)
        try:
            context = ssl.create_default_context(cafile=self.place.ca or None)
        except OSError as error:
            raise Misled(f"cannot read {self.place.ca}: {error}") from None
        return HTTPSConnection(parts.hostname, port, timeout=TIMEOUT, context=context)

    def _read(self, response: HTTPResponse) -> Any:
        try:
            octets = response.read()
            answer = json.loads(octets)
        except (OSError, HTTPException) as error:
            raise Unanswered(self._unanswered(error)) from None
        except ValueError:
            raise Refused(f"{self.place.where} is no admin door of smppproxy") from None
        if response.status == 200:
            return answer
        said = answer.get("error", {}) if isinstance(answer, dict) else {}
        text = str(said.get("text", f"HTTP status {response.status}"))
        if response.status == 401:
            asks = f"{self.place.where} asks for a token"
            text = f"{asks}; give --token env:NAME or file:PATH, or SMPPPROXY_TOKEN ({text})"
        raise Refused(text)


def _with_query(path: str, query: Mapping[str, Any]) -> str:
    said = {name: _spelled(value) for name, value in query.items() if value is not None}
    return f"{PREFIX}{path}?{urlencode(said, doseq=True)}" if said else PREFIX + path


def _spelled(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value
