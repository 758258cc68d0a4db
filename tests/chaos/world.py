"""The processes of a run: a store, two nodes, two providers with two hosts each, six clients.

Host a of each provider is behind a stretch of network that can swallow everything (``wire``), host
b is not. Each node, and the store, has a wall clock of its own. Node one keeps a journal for what
the store does not take; node two tells its clients 0xFF then.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import DeferredList

from tests.scenarios.nemesis import pause
from tests.scenarios.world import Node, network
from tests.support.faketime import environment, put
from tests.support.processes import Actor, Event, until
from tests.support.redis_server import RedisServer
from tests.support.running import Upstream

PEER = (sys.executable, "-m", "tests.chaos.peers")
WIRE = (sys.executable, "-m", "tests.chaos.wire")
BEHIND = "a"
"""The host of each provider that is behind the wire."""
STORE = "store"
NODES = ("one", "two")
JOURNAL = {"one": 'journal = "journal"', "two": ""}
PEACE = 240.0
"""Seconds that anything may take, however busy the machine is."""
BELIEVED = 1
"""Seconds for which a process believes what it read of its wall clock."""
PROVIDERS = ("north", "south")
SESSIONS = 2
"""Of every client."""
CLIENTS: Mapping[str, Mapping[str, Any]] = {
    "plain": {"prefix": "467010"},
    "wide": {"prefix": "467011", "window": 200},
    "narrow": {"prefix": "467012", "window": 5},
    "answered": {"prefix": "467013"},
    "southern": {"prefix": "467014"},
    "parted": {"prefix": "467015", "bind": "txrx", "binds": 1},
}
ACCOUNTS = {**dict.fromkeys(CLIENTS, ""), "answered": 'in_doubt = "answer"'}
ROUTES = """
[[route]]
name = "south"
accounts = ["southern"]
targets = ["south"]

[[route]]
name = "all"
targets = ["north", "south"]
"""
PATIENCE = "window = 100\nresponse_timeout = 6.0\nenquire_link = 3.0\nenquire_answer = 3.0"
MAP_LIFE = "mapping_ttl = 900\nfinal_ttl = 120"
"""A receipt comes within seconds, or when a fault is over; what is kept for days makes every start
of the store slower."""
IDS = '[provider.NAME.ids]\nresp = "hex"\nreceipt_text = "dec"\nreceipt_tlv = "dec"\n'
HABITS = {
    "response_delay": [0.0, 0.05],
    "receipt_delay": [0.0, 1.0],
    "early": 0.05,
    "other_host": 0.2,
    "duplicates": 0.02,
    "silence": 0.0002,
}
ERRORS = {"69": 0.002}
"""0x45, which a node says only after a provider."""


async def patiently(ask: Callable[[], Any]) -> Any:
    """Ask until there is an answer: on a busy machine one connection may fail."""
    end = time.monotonic() + PEACE
    while True:
        try:
            return ask()
        except (OSError, EOFError) as error:
            assert time.monotonic() < end, f"no answer: {error}"
            await pause(0.2)


class Peer(Actor):
    """One end; of its sums only the last ones are kept."""

    def __init__(self, folder: Path, name: str, **settings: Any) -> None:
        super().__init__(name, PEER, {"folder": str(folder), "name": name, **settings})
        self.sums: Event = {}

    def arrived(self, event: Event) -> None:
        """Keep the sums, give on what somebody waits for."""
        del self.story[:-200]
        if event["event"] == "sums":
            self.sums = event
        else:
            super().arrived(event)


class World:
    """All of them.

    :ivar folder: where both ends write their histories.
    :ivar trouble: tracebacks in the nodes' logs.
    """

    def __init__(
        self, folder: Path, seed: int, rate: float, before: Sequence[str] = ()
    ) -> None:
        """
        :param before: what stands before the commands that start the nodes.
        """
        self.folder = folder
        self.trouble: list[str] = []
        self._before = before
        self._is_over = False
        self._began: dict[str, float] = {}
        for name in (*NODES, STORE):
            self.set_clock(name, 0)
        self.store = RedisServer(environment=environment(self._clock(STORE), BELIEVED))
        self.nodes: list[Node] = []
        self.wire = Actor("wire", WIRE, {})
        self.providers = {
            "north": self._provider("north", seed, id_format="hex", receipt_id_format="padded"),
            "south": self._provider("south", seed + 1),
        }
        options = {"rate": rate / len(CLIENTS), "binds": SESSIONS, "reconnect_delay": 0.2}
        self.clients = Peer(
            folder, "clients", kind="clients", clients=CLIENTS, options=options, refusals=0.001
        )

    def _provider(self, name: str, seed: int, **more: Any) -> Peer:
        options = {**HABITS, "seed": seed, **more}
        return Peer(self.folder, name, kind="provider", options=options, errors=ERRORS)

    def histories(self) -> dict[str, Path]:
        """Of the clients, by name."""
        return {name: self.folder / f"client-{name}" for name in CLIENTS}

    async def start(self) -> None:
        """Everything runs, everybody is bound, and the clients submit."""
        self.store.start()
        ports: dict[str, dict[str, int]] = {}
        for name, provider in self.providers.items():
            provider.start()
            ports[name] = (await provider.expect("ports"))["ports"]
        for name, port in (await self._lay_wire(ports)).items():
            ports[name][BEHIND] = port
        upstreams = []
        for name, to in ports.items():
            tables = IDS if name == "north" else ""
            options = f"{PATIENCE}\n{MAP_LIFE}"
            upstreams.append(Upstream(name, [to["a"], to["b"]], options, tables))
        text = network(upstreams, ACCOUNTS, ROUTES)
        url = f"{self.store.url}?deadline=5"
        for name in NODES:
            node = Node(
                text, store=url, name=name, options=JOURNAL[name], before=self._before
            )
            self.nodes.append(node)
            await self.start_node(name)
        self.clients.start()
        self.tell_ports()
        await until(self.is_bound_upstream)
        self.clients.order("go")
        await until(self.is_bound)

    async def _lay_wire(self, ports: dict[str, dict[str, int]]) -> dict[str, int]:
        """The wire's own ports, by provider."""
        ways = {name: to[BEHIND] for name, to in ports.items()}
        self.wire = Actor("wire", WIRE, {"ways": ways})
        self.wire.start()
        laid: dict[str, int] = (await self.wire.expect("ports"))["ports"]
        return laid

    # -- nodes ----------------------------------------------------------------------------------

    def node(self, name: str) -> Node:
        """The node of this name."""
        return self.nodes[NODES.index(name)]

    async def start_node(self, name: str) -> None:
        """A new life; the clients learn where it is."""
        self.look()
        self._began[name] = time.monotonic()
        await self.node(name).start(**environment(self._clock(name), BELIEVED))
        if len(self.nodes) == len(NODES) and self.clients.sums:
            self.tell_ports()

    def look(self) -> None:
        """Read what the nodes have logged since somebody looked, and keep its end."""
        for name, node in zip(NODES, self.nodes, strict=False):
            process = node.process
            for at, line in enumerate(process.story):
                if "Traceback" in line:
                    self.trouble.append(f"node {name}: {' | '.join(process.story[at : at + 30])}")
            # What is kept for the message of a failure tells nothing again.
            process.story[:] = [line.replace("Traceback", "traceback") for line in process.story]
            del process.story[:-200], process.events[:-1000]

    def _clock(self, name: str) -> Path:
        return self.folder / f"clock-{name}"

    def set_clock(self, name: str, seconds: float) -> None:
        """The wall clock of a node or the store is so far ahead of the others from now on."""
        put(self._clock(name), seconds)

    # -- what is so -----------------------------------------------------------------------------

    def tell_ports(self) -> None:
        """The clients learn where the nodes are."""
        self.clients.order("ports", ports=[node.port for node in self.nodes])

    def is_bound_upstream(self) -> bool:
        """Whether every node is bound to every host."""
        return all(
            len(bound := provider.sums.get("bound", {})) == 2
            and min(bound.values()) >= len(NODES)
            for provider in self.providers.values()
        )

    def is_bound(self) -> bool:
        """Whether every client has its sessions."""
        return bool(self.clients.sums.get("bound", 0) == SESSIONS * len(CLIENTS))

    def is_quiet(self) -> bool:
        """Whether nobody waits for anything."""
        idle = all(provider.sums.get("idle") for provider in self.providers.values())
        return bool(idle and self.clients.sums.get("pending") == 0)

    def receipts_taken(self) -> int:
        """Receipts that the providers got rid of."""
        return sum(int(each.sums.get("receipts_acked", 0)) for each in self.providers.values())

    def queued(self) -> int:
        """Receipts that the store still holds for the clients."""
        counts = [self.store.command("HGET", f"smppproxy:h:{name}", "n") for name in CLIENTS]
        return sum(int(count or 0) for count in counts)

    def ledgers(self) -> list[dict[str, Any]]:
        """The row of each node, and that of their sums."""
        rows: list[dict[str, Any]] = self.nodes[0].get("api/v1/show/ledger")["rows"]
        return rows

    def lives(self) -> dict[str, tuple[int, float]]:
        """Where clients find each node in its present life, and since when."""
        return {name: (self.node(name).port, began) for name, began in self._began.items()}

    async def end_peers(self) -> None:
        """Both ends have closed their histories and are gone."""
        for peer in (self.clients, *self.providers.values(), self.wire):
            if peer.command and getattr(peer, "transport", None) is not None:
                await peer.stop()

    def keep_evidence(self) -> None:
        """What the store has on disk, and what the nodes said last, beside the histories."""
        shutil.copytree(
            self.store.folder, self.folder / "store", ignore=shutil.ignore_patterns("socket")
        )
        for name, node in zip(NODES, self.nodes, strict=False):
            (self.folder / f"log-{name}").write_text("\n".join(node.process.story) + "\n")

    def check_peers(self) -> None:
        """Who tries the nodes must not be gone itself.

        :raises AssertionError: one is.
        """
        for peer in (self.clients, *self.providers.values(), self.wire):
            said = [line for line in peer.story if not line.startswith("< ")]
            assert not peer.is_over, f"{peer.name} has ended: {' | '.join(said[-40:])}"

    async def end(self) -> None:
        """Nothing of it is left but its histories."""
        if self._is_over:
            return
        self._is_over = True
        await self.end_peers()
        await DeferredList([node.end() for node in self.nodes])
        self.store.close()
