"""The store's URL in a node file, read before anything starts."""

from __future__ import annotations

from smppproxy.config import Node
from smppproxy.config.source import raise_found

from .interface import StoreError
from .url import parse_url

_MEND = "etc/smppproxy.toml shows the forms of a store's address"


def check_store(file: str, node: Node) -> None:
    """Whether a node file's store can be looked for; nobody is asked whether it is there.

    :raises ConfigError: with the place of the URL, never with a password in it.
    """
    try:
        parse_url(node.store)
    except StoreError as error:
        raise_found(file, [(("node", "store"), str(error), _MEND)])
