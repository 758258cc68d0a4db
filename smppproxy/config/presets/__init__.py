"""PRESETS: what a provider's document promises to clients, and how operators want to be spoken to.

Data in two files beside this one; every value there says where it comes from.
"""

import copy
import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

#: Tables whose options a preset and a network file override one by one. Any other table is the
#: value of one option and is replaced as a whole.
PROFILES = ("ids", "receipt", "text", "address", "send", "answers")
#: What every provider preset begins with.
BASE = "default"


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `over`, and those of `under` that it does not name."""
    both = {**under, **over}
    for name in PROFILES:
        low, high = under.get(name), over.get(name)
        if isinstance(low, dict) and isinstance(high, dict):
            both[name] = {**low, **high}
    return both


@functools.cache
def _file(name: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads((files(__name__) / name).read_text("utf-8"))


def account_presets() -> tuple[str, ...]:
    """Their names, in the order of the file."""
    return tuple(_file("accounts.toml"))


def account_preset(name: str) -> dict[str, Any]:
    """The options of one. KeyError for an unknown name."""
    return copy.deepcopy(_file("accounts.toml")[name])


def provider_presets() -> tuple[str, ...]:
    """Their names, in the order of the file."""
    return tuple(_file("providers.toml"))


def provider_preset(name: str) -> dict[str, Any]:
    """The options of one with all that it inherits, `like` gone. KeyError for an unknown name."""
    table = _file("providers.toml")[name]
    if name != BASE:
        table = merged(provider_preset(table.get("like", BASE)), table)
    table = copy.deepcopy(table)
    table.pop("like", None)
    return table
