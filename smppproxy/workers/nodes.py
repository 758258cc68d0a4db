"""Of a node file: the node of the supervisor, and those of its workers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import ceil

import attrs

from smppproxy.config import Admin, Hop, Node
from smppproxy.config.workers import Part

NO_BINDS = Part(first=-1)
"""Of who opens none, and has no clients."""


def of_supervisor(node: Node) -> Node:
    """The same without clients and binds. Its message log and its journal are those of a time when
    the node had no workers; what they hold is found, and brought to the store."""
    made: Node = attrs.evolve(node)
    made.own_folder = node.own_folder
    made.part = NO_BINDS
    return made


def of_worker(node: Node, number: int, ports: Sequence[int], store: str, folder: str) -> Node:
    """One of the workers.

    :param number: 1 is the first.
    :param ports: those of the listeners, taken by the supervisor.
    :param store: the URL of the store, which the supervisor has started if it is ours.
    :param folder: where the workers' own sockets are.
    """
    many = node.workers
    listeners = [
        attrs.evolve(
            listener,
            port=port,
            # What comes is divided among the workers, so that the whole is as it was written.
            accept_rate=ceil(listener.accept_rate / many),
        )
        for listener, port in zip(node.listeners, ports, strict=True)
    ]
    made: Node = attrs.evolve(
        node,
        name=name_of(node.name, number),
        network_file="",
        store=store,
        workers=1,
        listeners=tuple(listeners),
        journal=own(node.journal, number),
        message_log=attrs.evolve(
            node.message_log, folder=own(node.message_log.folder, number)
        ),
        admin=Admin(path=os.path.join(folder, str(number))),
        hop=_hop(node.hop, number, folder),
    )
    made.own_folder = node.folder
    made.part = Part(node.name, number - 1, many)
    return made


def _hop(hop: Hop, number: int, folder: str) -> Hop:
    """A worker's own door for the others: a worker without a bind hands on to one that has it."""
    path = f"{hop.path}.{number}" if hop.path else os.path.join(folder, f"{number}.hop")
    port = hop.port + number - 1 if hop.port else 0
    made: Hop = attrs.evolve(hop, path=path, port=port)
    return made


def name_of(name: str, number: int) -> str:
    """What a worker is called."""
    return f"{name}.{number}"


def own(folder: str, number: int) -> str:
    """A worker's own folder in one of the node's; "" where there is none."""
    return os.path.join(folder, str(number)) if folder else ""
