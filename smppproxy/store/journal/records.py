"""What the journal's files look like: versioned, length-checked and checksummed, never guessed.

A file begins with :data:`MAGIC`. Each record is its length, its CRC-32, and that many octets: a
version and a body. The body of version 1 is msgpack: provider, end of the maps' life (unix
seconds), final_ttl, and the fields of each map in the order of :class:`Mapping`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from struct import Struct
from typing import BinaryIO
from zlib import crc32

import attrs
import msgpack

from smppproxy.store.interface import Mapping

MAGIC = b"smppproxy maps 1\n"
"""How a file begins."""

VERSION = 1
"""Of the records that are written."""

AT_ONCE = 64
"""Records that are read at once."""

_HEAD = Struct(">II")
_KINDS = (bytes, bytes, bytes, int, bytes, bytes, int, int, bool, bool, tuple)


@attrs.define
class Kept:
    """The maps of one call of ``Store.record``.

    :ivar until: end of their life, unix seconds.
    """

    provider: bytes
    until: int
    final_ttl: int
    mappings: list[Mapping]


@attrs.define
class Found:
    """What a part of a file holds.

    :ivar kept: its records, each with its octets.
    :ivar next_at: where the next part begins; -1: this was the last one.
    :ivar strange: octets of records that are whole and cannot be read: of another version, or not
        what their checksum says.
    :ivar torn: octets at the end that are no whole record: nobody was told that they are kept.
    """

    kept: list[tuple[Kept, bytes]] = attrs.field(factory=list)
    next_at: int = -1
    strange: list[bytes] = attrs.field(factory=list)
    torn: int = 0


def packed(kept: Kept) -> bytes:
    """A record's octets."""
    maps = [attrs.astuple(mapping, recurse=False) for mapping in kept.mappings]
    body = b"%c%b" % (VERSION, msgpack.packb((kept.provider, kept.until, kept.final_ttl, maps)))
    return _HEAD.pack(len(body), crc32(body)) + body


def unpacked(body: bytes) -> Kept | None:
    """A record of its version and body; None: it is of another version, or makes no sense."""
    if body[0] != VERSION:
        return None
    try:
        provider, until, final_ttl, rows = msgpack.unpackb(body[1:], use_list=False)
        mappings = [_mapping(row) for row in rows]
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    if [type(each) for each in (provider, until, final_ttl)] != [bytes, int, int]:
        return None
    return Kept(provider, until, final_ttl, mappings)


def _mapping(row: tuple[object, ...]) -> Mapping:
    if tuple(map(type, row)) != _KINDS:
        raise ValueError("this is no map")
    make: Callable[..., Mapping] = Mapping
    return make(*row)


def read(path: Path, at: int = 0) -> Found:
    """Up to :data:`AT_ONCE` records of a file, from an octet on.

    :raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(at)
        found = Found()
        if not at and file.read(len(MAGIC)) != MAGIC:
            _foreign(file, size, found)
            return found
        while len(found.kept) + len(found.strange) < AT_ONCE:
            if not _next(file, size, found):
                return found
        found.next_at = file.tell()
        return found


def _foreign(file: BinaryIO, size: int, found: Found) -> None:
    """Not one of our files, or one whose first octets never came to the disk."""
    file.seek(0)
    octets = file.read(size)
    if MAGIC.startswith(octets):
        found.torn = size
    else:
        found.strange.append(octets)


def _next(file: BinaryIO, size: int, found: Found) -> bool:
    at = file.tell()
    head = file.read(_HEAD.size)
    if not head:
        return False
    length, checksum = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, 0)
    if not length or length > size - file.tell():
        found.torn = size - at
        return False
    body = file.read(length)
    kept = unpacked(body) if crc32(body) == checksum else None
    if kept is None:
        found.strange.append(head + body)
    else:
        found.kept.append((kept, head + body))
    return True
