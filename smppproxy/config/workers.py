"""A node as several processes: what its file must hold for that, and what each of them is of it."""

from __future__ import annotations

from typing import Any

import attrs

from smppproxy.config.hop import Hop
from smppproxy.config.source import Source

LONGEST_NAME = 61
"""Characters of the name of a node with workers, which are called NAME.1 and so on."""

LONGEST_PATH = 104
"""Octets of the name of a socket of which each worker has one, with its number behind it."""

HIGHEST_PORT = 65_535

FIRST_SOCKET = 4
"""The descriptor of a worker's socket for the first listener, that of the next one behind it."""


@attrs.frozen
class Part:
    """What one process is of its node; no option.

    :ivar of: the node that this one is a worker of; "" = it is a whole node.
    :ivar first, step: which binds of each provider are its own: every ``step``-th of them, from
        the ``first`` on, counted from 0; a ``first`` of -1 has none, and no clients either.
    :ivar drained: the node was drained by its operator, so that nobody is let in at the start.
    """

    of: str = ""
    first: int = 0
    step: int = 1
    drained: bool = False

    @property
    def has_doors(self) -> bool:
        """Whether clients and binds are this process's at all."""
        return self.first >= 0


def check_workers(source: Source, arguments: dict[str, Any], hop: Hop) -> None:
    """Note what a node with workers cannot be.

    :param arguments: of the node, as far as they are good.
    """
    many = arguments.get("workers", 1)
    if many == 1:
        return
    if len(arguments.get("name", "")) > LONGEST_NAME:
        mend = f"take at most {LONGEST_NAME} characters: a worker has its number behind them"
        source.problem(("node", "name"), "the name is too long for a node with workers", mend)
    if len(hop.path.encode()) > LONGEST_PATH:
        mend = f"take at most {LONGEST_PATH} octets: each worker has a socket with its number"
        source.problem(("hop", "path"), "the path is too long for a node with workers", mend)
    last = hop.port + many - 1
    if hop.port and last > HIGHEST_PORT:
        mend = f"take {HIGHEST_PORT - many + 1} at most: each worker has a port of its own"
        source.problem(("hop", "port"), f"the last of {many} workers has port {last}", mend)
