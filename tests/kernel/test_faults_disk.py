"""Disks that are full: the store's and the message log's."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import check_acknowledged, check_client, check_providers
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp.constants import ESME_RSYSERR, ESME_RUNKNOWNERR
from tests.kernel.lab import need_namespaces, run
from tests.scenarios.world import Node, Scenario, carried, check_refused, network
from tests.support.processes import until
from tests.support.running import Upstream

RATE = 200.0


class Disk:
    """A small disk of the test's own, as a folder."""

    def __init__(self, size: str = "6m") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-"))
        run("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(self.folder))
        self._ballast = self.folder / "ballast"

    def fill(self) -> None:
        """Leave no block free."""
        with self._ballast.open("wb", buffering=0) as ballast:
            try:
                while ballast.write(bytes(4096)):
                    continue
            except OSError:
                return

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink()

    def close(self) -> None:
        """Gone with all that is on it."""
        subprocess.run(["umount", "-l", str(self.folder)], check=False)
        self.folder.rmdir()


class DiskScenario(Scenario):
    """A node with traffic, and a disk that is about to be full."""

    def setUp(self) -> None:
        """In namespaces of its own, since it mounts."""
        need_namespaces()

    def disk(self) -> Disk:
        """A disk that goes with the test."""
        disk = Disk()
        self.addCleanup(disk.close)
        return disk

    async def traffic(self, **more: str) -> tuple[Smsc, Node, Esme]:
        """A node of these settings, and a client whose messages come through."""
        smsc = self.provider("a", receipt_delay=(0.0, 0.2))
        upstream = Upstream("acme", list(smsc.ports.values()), "window = 100")
        node = await self.node(network([upstream], {"demo": "window = 200"}), [smsc], **more)
        client = self.client(node, rate=RATE, window=150)
        await carried(client)
        return smsc, node, client


class StoreDiskTests(DiskScenario):
    """The disk of the append-only file."""

    async def test_f84_disk_of_the_store_is_full(self) -> None:
        """New submits get 0x08 and sessions stay; with room again everything goes on, and every OK
        that was given has its receipt.
        """
        disk = self.disk()
        smsc, node, client = await self.traffic(store=f"embedded://{disk.folder}/store")
        disk.fill()
        await until(lambda: client.tally.refused > 100)
        disk.free()
        await carried(client)
        self.assertEqual(client.tally.sessions_lost, 0)
        await self.finish(client, deadline=60.0)
        await until(lambda: smsc.idle)
        self.check(
            check_client(client),
            check_refused(client, [smsc], {ESME_RSYSERR, ESME_RUNKNOWNERR}),
            check_providers([client], [smsc]),
            check_acknowledged(smsc),
        )

    async def test_f84_with_every_write_synced(self) -> None:
        """The same with a server that ends itself then (appendfsync always), once it is back."""
        disk = self.disk()
        folder = disk.folder / "redis"
        os.mkdir(folder)
        server = self.redis("--dir", str(folder), "--appendfsync", "always")
        smsc, _, client = await self.traffic(store=server.url)
        disk.fill()
        await until(lambda: client.tally.refused > 100)
        disk.free()
        server.kill()
        server.start()
        await carried(client)
        await self.finish(client, deadline=60.0)
        await until(lambda: smsc.idle)
        self.check(
            check_client(client),
            check_refused(client, [smsc], {ESME_RSYSERR, ESME_RUNKNOWNERR}),
            check_acknowledged(smsc),
        )


class LogDiskTests(DiskScenario):
    """The disk of the message log."""

    async def test_f94_disk_of_the_message_log_is_full(self) -> None:
        """No message waits for it or is refused: what cannot be written is counted as lost, and
        the log goes on when there is room again.
        """
        disk = self.disk()
        tables = f'[message_log]\nfolder = "{disk.folder}/log"\n'
        smsc, node, client = await self.traffic(tables=tables)

        def lines() -> int:
            files = (disk.folder / "log").rglob("*.jsonl")
            return sum(path.read_bytes().count(b"\n") for path in files)

        await until(lambda: lines() > 100)
        disk.fill()
        await carried(client, 400)
        await until(lambda: 'event="message_log_lost"' in node.read("metrics"))
        disk.free()
        known = lines()
        await carried(client)
        await until(lambda: lines() > known + 100)
        await self.finish(client)
        self.assertEqual((client.tally.refused, client.tally.lost), (0, 0))
        self.check(check_client(client), check_providers([client], [smsc], copies=1))
