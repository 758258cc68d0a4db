"""The message log of a world in memory: what its journal becomes, without process or files."""

from __future__ import annotations

import json
from typing import Any

import msgpack

from smppproxy.admin.message_log.facts import Facts
from smppproxy.admin.message_log.lines import Lines
from smppproxy.admin.message_log.tally import Tally
from smppproxy.store.history import Count
from tests.support.memory_peers import World

FIELDS = (
    "time", "event", "node", "account", "peer", "session", "sequence_number", "command_status",
    "client_message_id", "provider_message_id", "provider", "host", "bind", "source_addr",
    "destination_addr",
)  # fmt: skip
"""What every event about a message has (MG-14)."""


class LoggedWorld:
    """Takes the journal of a world from now on.

    :ivar raw: the octets of every line so far.
    """

    def __init__(self, world: World, node: str = "node1") -> None:
        self.raw = b""
        self.world = world
        self.tally = Tally()
        self.facts = Facts(world.unix, lambda: world.now, lambda: world.accounts)
        self.lines = Lines(node, self.tally)
        world.relay.journal.open(self.facts.note)

    def take(self) -> list[dict[str, Any]]:
        """The events since the last time."""
        data, _ = self.facts.take()
        unpacker = msgpack.Unpacker(use_list=False)
        unpacker.feed(data)
        for row in unpacker:
            self.lines.add(row)
        octets = b"".join(self.lines.take())
        self.raw += octets
        return [json.loads(line) for line in octets.splitlines()]

    def counts(self) -> dict[Count, int]:
        """The counts since the last time."""
        self.take()
        return self.tally.take()
