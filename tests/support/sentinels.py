"""Real sentinels around a real master and its replicas, all on ports of their own."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.ports import free_port, free_ports
from tests.support.redis_server import RedisServer, server_binary

NAME = "main"
DOWN_AFTER_MS = 3_000
"""Milliseconds of silence after which a sentinel takes a server for one that is gone: more than a
busy machine lets anybody wait."""


class Sentinel(RedisServer):
    """One sentinel, which watches one master."""

    def __init__(
        self, master: int, quorum: int, password: str = "", down_after: int = DOWN_AFTER_MS
    ) -> None:
        super().__init__()
        self.port = free_port()
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self.folder}",
            f"unixsocket {self.path}",
            f"logfile {self.folder}/log",
            f"sentinel monitor {NAME} 127.0.0.1 {master} {quorum}",
            f"sentinel down-after-milliseconds {NAME} {down_after}",
            f"sentinel failover-timeout {NAME} 10000",
        ]
        if password:
            lines.append(f"sentinel auth-pass {NAME} {password}")
        (self.folder / "sentinel.conf").write_text("\n".join(lines) + "\n")

    def _command(self) -> list[str]:
        return [server_binary(), str(self.folder / "sentinel.conf"), "--sentinel"]

    def master(self) -> int:
        """The port that it names."""
        return int(self.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[1])

    def knows(self, sentinels: int, replicas: int) -> bool:
        """Whether it has found so many others and so many replicas that are there."""
        others = self.command("SENTINEL", "SENTINELS", NAME)
        found = [_row(row) for row in self.command("SENTINEL", "REPLICAS", NAME)]
        ready = [row for row in found if row["master-link-status"] == "ok"]
        return len(others) == sentinels and len(ready) == replicas


def _row(items: Sequence[bytes]) -> dict[str, str]:
    texts = [item.decode() for item in items]
    return dict(zip(texts[::2], texts[1::2], strict=True))


class Guarded:
    """A master, its replicas and three sentinels.

    :ivar servers: the master of the beginning first.
    :ivar password: of servers; "" for none.
    """

    def __init__(
        self, replicas: int = 2, password: str = "", down_after: int = DOWN_AFTER_MS
    ) -> None:
        self.ports = free_ports(replicas + 1)
        self.servers: list[RedisServer] = []
        common: tuple[str, ...] = ("--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0")
        if password:
            common += ("--requirepass", password, "--masterauth", password)
        for port in self.ports:
            follow = ("--replicaof", "127.0.0.1", str(self.ports[0]))
            more = follow if self.servers else ()
            self.servers.append(RedisServer("--port", str(port), *common, *more))
        self.sentinels = [
            Sentinel(self.ports[0], 2, password, down_after) for _ in range(3)
        ]
        self.password = password

    def start(self) -> None:
        """Start all of them."""
        for each in (*self.servers, *self.sentinels):
            each.start()

    def is_ready(self) -> bool:
        """Whether all sentinels know all others and all replicas."""
        return all(each.knows(2, len(self.servers) - 1) for each in self.sentinels)

    def url(self, sentinels: Sequence[Sentinel] = (), options: str = "") -> str:
        """What a node is told."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in sentinels or self.sentinels)
        login = f":{self.password}@" if self.password else ""
        return f"redis+sentinel://{login}{hosts}/{NAME}{options}"

    @property
    def master(self) -> RedisServer:
        """The one that the first sentinel names."""
        return self.servers[self.ports.index(self.sentinels[0].master())]

    def moved(self, old: RedisServer) -> bool:
        """Whether all sentinels name another master than this one."""
        port = self.ports[self.servers.index(old)]
        return all(each.master() != port for each in self.sentinels)

    def close(self) -> None:
        """Nothing of it is left."""
        for each in (*self.sentinels, *self.servers):
            each.close()
