"""The web page's own files: they say nothing of a node, so all who reach the door get them.

They are read once, at the start. The page asks the API for whatever it shows, as any other client
does, and so with a token where the door wants one. What a browser may do with the page is written
in its headers: nothing from elsewhere, no script or style but these files, in nobody's frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from gzip import compress
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

import attrs
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

from smppproxy.admin.door import Root, Shown

FOLDER = "web"
"""Of the files in this package, and of their addresses."""

START = "index.html"

TYPES = {
    "html": b"text/html; charset=utf-8",
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
    "LICENSE": b"text/plain; charset=utf-8",
}

POLICY = (
    b"default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

HEADERS = (
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-cache"),
    (b"vary", b"accept-encoding"),
)


@attrs.frozen
class Asset:
    """One file: its octets, packed too, and what they are."""

    content_type: bytes
    octets: bytes = attrs.field(repr=False)
    packed: bytes = attrs.field(repr=False)
    tag: bytes


class AssetPage(Shown):
    """One file of the page."""

    def __init__(self, asset: Asset) -> None:
        super().__init__()
        self._asset = asset

    def show(self, request: Request) -> bytes:
        """The file, unless the browser has it already."""
        asset = self._asset
        for name, value in HEADERS:
            request.setHeader(name, value)
        request.setHeader(b"content-type", asset.content_type)
        request.setHeader(b"etag", asset.tag)
        if asset.tag in (request.getHeader(b"if-none-match") or b""):
            request.setResponseCode(304)
            return b""
        octets = asset.octets
        if b"gzip" in (request.getHeader(b"accept-encoding") or b""):
            request.setHeader(b"content-encoding", b"gzip")
            octets = asset.packed
        request.setHeader(b"content-length", b"%d" % len(octets))
        return b"" if request.method == b"HEAD" else octets


@cache
def read_assets() -> tuple[tuple[tuple[str, ...], Asset], ...]:
    """Every file below ``web/``, by the parts of its path; read once, however many doors."""
    return tuple(_below(files("smppproxy.admin") / FOLDER, ()))


def _below(folder: Traversable, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Asset]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        here = (*path, entry.name)
        if entry.is_dir():
            yield from _below(entry, here)
        elif entry.name.rpartition(".")[2] in TYPES:
            octets = entry.read_bytes()
            tag = b'"%s"' % sha256(octets).hexdigest()[:32].encode()
            kind = TYPES[entry.name.rpartition(".")[2]]
            yield here, Asset(kind, octets, compress(octets, mtime=0), tag)


def put_pages(root: Resource) -> None:
    """Hang the page under ``/`` and its files under ``/web/``."""
    folders: dict[tuple[str, ...], Resource] = {(): Root()}  # type: ignore[no-untyped-call]
    root.putChild(FOLDER.encode(), folders[()])
    for path, asset in read_assets():
        page: IResource = AssetPage(asset)
        if path == (START,):
            root.putChild(b"", page)
            continue
        for depth in range(1, len(path)):
            at = path[:depth]
            if at not in folders:
                folders[at] = Root()  # type: ignore[no-untyped-call]
                folders[at[:-1]].putChild(at[-1].encode(), folders[at])
        folders[path[:-1]].putChild(path[-1].encode(), page)
