"""The store's Lua scripts: one per call of the contract, put together from shared parts.

Redis 7.0 and Valkey 7.2 run them. A script is known by its SHA-1, as the server knows it.
"""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files

import attrs

# Whatever is defined costs each call that comes by it: most calls end in the part that has their
# name, before the rest.
_MEET = ("states", "queues", "added", "maps", "groups", "meet", "parked")
_IN, _OUT = ("head", "bundles", "adding"), ("head", "bundles", "states")
_PARTS = {
    "numbers": ("head", "numbers"),
    "record": ("head", "record", "bundles", "adding", "fits", *_MEET, "ends", "recorded"),
    "match": (*_IN, "fits", *_MEET, "match"),
    "settle": ("head", "bundles", "settle", "states", "queues", "settled"),
    "overdue": (*_IN, "fits", *_MEET, "overdue"),
    "put": (*_IN, "states", "queues", "added", "put"),
    "binds": ("head", "binds"),
    "fetch": ("head", "bundles", "hands", "fetch", "states", "queues", "holders", "fetched"),
    "adopt": (*_OUT, "queues", "hands", "holders", "adopt"),
    "touch": (*_OUT, "hands", "holders", "touch"),
    "ack": (*_OUT, "ack"),
    "sizes": (*_OUT, "queues", "hands", "holders", "sizes"),
    "ages": ("head", "bundles", "ages"),
    "look": ("head", "look"),
    "mo": (*_OUT, "queues", "mo"),
    "strays": ("head", "strays"),
    "fitting": ("head", "maps", "fits", "fitting"),
    "replay": (*_IN, "fits", *_MEET, "replay"),
    "again": (*_IN, "fits", *_MEET, "again"),
    "nodes": ("head", "nodes"),
    "versions": ("head", "versions"),
    "shares": ("head", "shares"),
    "wishes": ("head", "wishes"),
    "hours": ("head", "hours"),
    "held": (*_OUT, "maps", "held"),
    "sweep": (*_OUT, "queues", "maps", "parked", "ends", "sweep"),
}


@attrs.define
class Script:
    """A whole script: ``name``, ``source`` and its ``sha`` in hex."""

    name: str
    source: bytes
    sha: bytes


def load_scripts() -> dict[str, Script]:
    """Every script by name, read from the package."""
    folder = files(__name__)
    parts = {
        part: folder.joinpath(part + ".lua").read_bytes()
        for part in sorted({part for parts in _PARTS.values() for part in parts})
    }
    scripts = {}
    for name, names in _PARTS.items():
        source = b"\n".join(parts[part] for part in names)
        digest = sha1(source, usedforsecurity=False).hexdigest().encode()
        scripts[name] = Script(name, source, digest)
    return scripts
