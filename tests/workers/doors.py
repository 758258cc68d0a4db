"""Two nodes of this process that stand for the workers of one."""

from __future__ import annotations

from typing import Any

import attrs

from smppproxy.service import SmppProxy
from tests.support.doors import DoorCase


@attrs.define
class AtDoor:
    """A worker as far as its door goes."""

    name: str
    door: str
    is_up: bool = True


class WorkersCase(DoorCase):
    """n1 and n2, bound, each with an admin door on a socket."""

    async def two(self) -> tuple[SmppProxy, SmppProxy]:
        """Them."""
        self.smsc = self.provider("a", "b")
        self.write_network(self.smsc)
        nodes = self.pair()
        for node in nodes:
            await self.upstream_bound(node)
        return nodes

    @staticmethod
    def workers(*nodes: SmppProxy) -> list[Any]:
        """As their supervisor knows them."""
        return [AtDoor(node.node.name, node.node.admin.path) for node in nodes]
