"""The store's Lua scripts: one per call of the contract, put together from shared parts.

Redis 7.0 and Valkey 7.2 run them. A script is known by its SHA-1, as the server knows it.
"""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files

import attrs

_PARTS = {
    "numbers": ("head", "numbers"),
    "record": ("head", "queues", "maps", "groups", "meet", "parked", "record"),
    "match": ("head", "queues", "maps", "groups", "meet", "parked", "match"),
    "overdue": ("head", "queues", "maps", "groups", "meet", "overdue"),
    "put": ("head", "queues", "put"),
    "binds": ("head", "binds"),
    "fetch": ("head", "queues", "fetch"),
    "adopt": ("head", "queues", "adopt"),
    "touch": ("head", "touch"),
    "ack": ("head", "queues", "ack"),
    "sizes": ("head", "sizes"),
    "ages": ("head", "ages"),
    "look": ("head", "look"),
    "mo": ("head", "queues", "mo"),
    "strays": ("head", "strays"),
    "fitting": ("head", "maps", "fitting"),
    "replay": ("head", "queues", "maps", "groups", "meet", "parked", "replay"),
    "nodes": ("head", "nodes"),
    "versions": ("head", "versions"),
    "shares": ("head", "shares"),
    "wishes": ("head", "wishes"),
    "hours": ("head", "hours"),
    "held": ("head", "maps", "held"),
    "sweep": ("head", "queues", "maps", "parked", "sweep"),
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
