"""etc/docker/compose.yaml does what it says: its own files and commands, without Docker."""

from __future__ import annotations

import json
import subprocess

from twisted.trial.unittest import TestCase

from tests.etc.composition import health_check
from tests.kernel.containers import Containers
from tests.support.processes import until

PATIENCE = 600.0
"""Seconds for a cluster of nine processes on a busy machine."""


class CompositionTests(TestCase):
    """Two nodes, a store with a replica and three sentinels, two providers, and load."""

    timeout = 1500
    others = ("store1", "store2", "acme", "node1")
    """What is told when somebody is waited for in vain."""

    def setUp(self) -> None:
        self.containers = Containers()
        self.addCleanup(self.containers.close)

    def healthy(self, node: str) -> bool:
        """What Docker's health check says."""
        return self.containers.inside(node, *health_check()) == 0

    async def ended(self, process: subprocess.Popen[bytes]) -> int:
        """Its status once it has ended."""
        await until(lambda: process.poll() is not None, PATIENCE)
        assert process.returncode is not None
        return process.returncode

    async def load(self, *options: str) -> tuple[int, str]:
        """The service `load` with other options; its status and what it said."""
        before = len(self.containers.said("load"))
        status = await self.ended(self.containers.start("load", *options))
        return status, self.containers.said("load")[before:]

    async def hear(self, name: str, text: str, times: int = 1) -> None:
        """Come back once a service said this so often."""

        def heard() -> bool:
            return self.containers.said(name).count(text) >= times

        try:
            await until(heard, PATIENCE)
        except AssertionError:
            said = "".join(
                f"\n{each}: {self.containers.said(each)[-2500:]}" for each in (name, *self.others)
            )
            raise AssertionError(f"{name} did not say {text!r} {times} times: {said}") from None

    async def test_a_cluster_and_the_loss_of_its_store(self) -> None:
        """Nodes are healthy, load loses nothing, also after the sentinels made another master."""
        start, said = self.containers.start, self.containers.said
        sentinels, nodes = ("sentinel1", "sentinel2", "sentinel3"), ("node1", "node2")
        for name in ("store1", "store2", *sentinels, "acme", "reserve", *nodes):
            start(name)
        # What a sentinel must know of the others and of the replica before it can act.
        for name in sentinels:
            await self.hear(name, "+sentinel ", 2)
            await self.hear(name, "+slave ")
        for name in nodes:
            await self.hear(name, "store is ready")
            await self.hear(name, '"event": "provider_bound"', 3)
            self.assertTrue(self.healthy(name), said(name))
        status, told = await self.load("--count", "300", "--for", "0")
        self.assertEqual(status, 0, told)
        self.containers.kill("store1")
        await self.hear("sentinel1", "+switch-master smppproxy store1 6379 store2")
        for name in nodes:
            await self.hear(name, "store is ready", 2)
        status, told = await self.load("--host", "node2", "--count", "300", "--for", "0")
        self.assertEqual(status, 0, told)
        for name in nodes:
            self.assertEqual(self.containers.stop(name), 0, said(name)[-2000:])
            lines = [line for line in said(name).splitlines() if line.startswith("{")]
            self.assertNotIn("critical", {json.loads(line)["level"] for line in lines})
