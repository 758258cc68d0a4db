"""A real Redis or Valkey Cluster: masters that have all slots among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from smppproxy.store.slots import SLOTS, slot_of
from tests.support.ports import free_ports
from tests.support.redis_server import RedisServer
from tests.support.waiting import holds

PATIENCE = 120.0
"""Seconds for a cluster to agree, on a machine that is slow and busy."""

MASTERS = 3

NEVER_DOWN = 600_000
"""Milliseconds: masters that take so long to doubt another one fail over in no test."""


class Member(RedisServer):
    """One server of a cluster.

    :ivar port: where it is asked; :ivar name: what it is called in the cluster, in hex.
    """

    def __init__(
        self, *options: str, node_timeout: int = NEVER_DOWN, ports: Sequence[int] = ()
    ) -> None:
        """
        :param ports: the one where it is asked, and one for the other servers; default free ones.
        """
        self.port, self._bus = ports or free_ports(2)
        super().__init__(
            "--port", str(self.port), "--bind", "127.0.0.1", "--cluster-enabled", "yes",
            "--cluster-port", str(self._bus), "--cluster-node-timeout", str(node_timeout),
            "--cluster-require-full-coverage", "no", "--cluster-config-file",
            "nodes.conf", "--cluster-replica-validity-factor", "0",
            "--cluster-allow-replica-migration", "no", "--repl-diskless-sync-delay", "0", *options,
        )  # fmt: skip
        self.name = b""

    @property
    def runs(self) -> bool:
        """Whether it was started, and not ended since."""
        return self._process is not None

    def cluster(self, *parts: Any) -> Any:
        """A CLUSTER command, which has to succeed; its reply."""
        reply = self.command("CLUSTER", *parts)
        assert not isinstance(reply, Exception), (parts, reply)
        return reply

    def meet(self, other: Member) -> None:
        """Make another one known to it."""
        self.cluster("MEET", "127.0.0.1", other.port, other._bus)

    def fields(self) -> dict[bytes, bytes]:
        """What it says of the cluster and of its replication."""
        texts: list[Any] = self.commands(("CLUSTER", "INFO"), ("INFO", "replication"))
        lines = b"".join(texts).split(b"\r\n")
        return {name: value for name, _, value in (line.partition(b":") for line in lines)}

    def owner(self, slot: int) -> bytes:
        """The name of the master that has a slot, by the word of this one; b"": nobody."""
        for first, last, master, *_ in self.cluster("SLOTS"):
            if first <= slot <= last:
                name: bytes = master[2]
                return name
        return b""


class Masters:
    """Three masters with the slots divided among them. A network that is looked at lives on the
    second one, which may have replicas.

    :ivar servers: the three masters of the beginning, then the replicas.
    """

    def __init__(
        self, network: str, replicas: int = 0, node_timeout: int = NEVER_DOWN, alone: bool = False
    ) -> None:
        """
        :param alone: its master has no slot but the network's: it then runs no script that touches
            anything else.
        """
        self.network = network
        self._slot = slot = slot_of(network.encode())
        first, last = (slot, slot + 1) if alone else (slot // 2, (slot + SLOTS) // 2)
        self._ranges = (0, first - 1), (first, last - 1), (last, SLOTS - 1)
        ports = free_ports(2 * (MASTERS + replicas))
        self.servers = [
            Member(node_timeout=node_timeout, ports=each)
            for each in zip(ports[::2], ports[1::2], strict=True)
        ]

    def start(self) -> Masters:
        """Start all of them, and wait until all agree and every replica follows its master."""
        for server in self.servers:
            server.start()
            server.name = server.cluster("MYID")
        masters = self.servers[:MASTERS]
        for number, server in enumerate(masters):
            server.cluster("ADDSLOTSRANGE", *self._ranges[number])
            server.cluster("SET-CONFIG-EPOCH", number + 1)
        for server in self.servers[1:]:
            self.servers[0].meet(server)
        self.until(lambda: all(self._knows_all(each) for each in self.servers))
        for server in self.servers[MASTERS:]:
            server.cluster("REPLICATE", masters[1].name)
        self.until(self.is_whole)
        return self

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds."""
        assert holds(condition, PATIENCE), "\n".join(each.log() for each in self.servers)

    def _knows_all(self, server: Member, replicas: int = 0) -> bool:
        lines = server.cluster("NODES").splitlines()
        # A server that is not known to be a replica gets no votes.
        return (
            len(lines) == len(self.servers)
            and all(b"handshake" not in each for each in lines)
            and sum(b"slave" in each for each in lines) == replicas
        )

    def is_whole(self) -> bool:
        """Whether all say that all is well, and all replicas are known and in step."""
        replicas = len(self.servers) - MASTERS
        return (
            all(each.fields()[b"cluster_state"] == b"ok" for each in self.servers)
            and all(each.owner(last) for _, last in self._ranges for each in self.servers)
            and all(self._knows_all(each, replicas) for each in self.servers)
            and len(self.replicas()) == replicas
        )

    def master(self, network: str = "", of: Member | None = None) -> Member:
        """Where the network lives, or another one, by the word of the first server, or of another
        one."""
        name = (of or self.servers[0]).owner(slot_of((network or self.network).encode()))
        return next(each for each in self.servers if each.name == name)

    def others(self) -> list[Member]:
        """The masters where the network does not live."""
        here = self.master()
        others = [each for each in self.servers if each.runs and each is not here]
        return [each for each in others if each.fields()[b"role"] == b"master"]

    def replicas(self) -> list[Member]:
        """Those of the master where the network lives that are in step with it."""
        port = str(self.master().port).encode()
        known = [(each, each.fields()) for each in self.servers if each.runs]
        return [
            each
            for each, fields in known
            if fields.get(b"master_port") == port and fields[b"master_link_status"] == b"up"
        ]

    def url(self, options: str = "", network: str = "", of: list[Member] | None = None) -> str:
        """What a node is told: some servers, or all, and its network."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in of or self.servers)
        return f"redis+cluster://{hosts}/{network or self.network}{options}"

    def moving(self, to: Member, source: Member | None = None) -> Iterator[int]:
        """Move the network's slot to another master, key by key, as operators' tools do.

        Yields after each step how many keys are still to go: first when none has gone.

        :param source: its master; default by the word of the first server.
        """
        slot, source = self._slot, source or self.master()
        to.cluster("SETSLOT", slot, "IMPORTING", source.name)
        source.cluster("SETSLOT", slot, "MIGRATING", to.name)
        yield source.cluster("COUNTKEYSINSLOT", slot)
        while keys := source.cluster("GETKEYSINSLOT", slot, 1):
            moved = source.command("MIGRATE", "127.0.0.1", to.port, keys[0], 0, 5000)
            # Another one may have gone by itself meanwhile: its time was over.
            assert moved in (b"OK", b"NOKEY"), moved
            yield source.cluster("COUNTKEYSINSLOT", slot)
        for server in (to, source, *self.others()):
            server.cluster("SETSLOT", slot, "NODE", to.name)

    def move_at_once(self, to: Member) -> None:
        """Order the same with one word, and come back at once; as fast as it goes where the server
        does not know that word."""
        slot = self._slot
        order = ("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", to.name)
        if isinstance(self.master().command(*order), Exception):
            for _ in self.moving(to):
                pass

    def stay(self, to: Member) -> None:
        """Give a move up of which no key has gone."""
        for server in (self.master(), to):
            server.cluster("SETSLOT", self._slot, "STABLE")

    def close(self) -> None:
        """Nothing of it is left."""
        for server in self.servers:
            server.close()
