"""The image of etc/docker, built by Docker, and the composition as Docker runs it."""

from __future__ import annotations

import json
import sys

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.etc import composition
from tests.packages import stand_in
from tests.packages.engine import PATIENCE, Engine
from tests.packages.services import Services
from tests.support.processes import until

COMMIT = "0123abc"
NODES = ("node1", "node2")
SENTINELS = ("sentinel1", "sentinel2", "sentinel3")
UID = "10001"

PROBE = "getent hosts probe && true"
"""Of a container that finds itself by its name: what every service needs of an engine."""

KILL = """
import os, signal
for name in filter(str.isdigit, os.listdir("/proc")):
    with open(f"/proc/{name}/cmdline", "rb") as line:
        if b"/bin/twistd" in line.read() and name != "1":
            os.kill(int(name), signal.SIGKILL)
"""
"""What the kernel's OOM killer would do to a node."""

ASK = """
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:{port}/metrics").read().decode())
"""
"""Where the composition publishes a node's admin door."""


class ImageTests(TestCase):
    """From its recipe to a cluster that loses its store's master, a node, and nothing else."""

    timeout = 2400

    def setUp(self) -> None:
        self.engine = Engine()
        self.addCleanup(self.engine.close)
        self.services = Services(self.engine)
        self.told = self.engine.told

    def base_images(self) -> None:
        """Of Python and of a store, by the names that the recipe and the composition give them."""
        folder = self.engine.folder
        python = composition.last("FROM")
        store = self.services.services["store1"]["image"]
        (folder / "wheels").mkdir()
        archive = folder / "base.tar"
        stand_in.archive(archive, stand_in.wheels(folder / "wheels"))
        self.told("import", str(archive), python)
        archive.unlink()
        stand_in.valkey(python, folder / "valkey")
        self.told("build", "--quiet", "--tag", store, str(folder / "valkey"))
        self.told("network", "create", "probe")
        probe = ("--network=probe", "--network-alias=probe", "--init", store, "sh", "-c", PROBE)
        done = self.engine.run("run", "--rm", *probe)
        if done.returncode:
            self.engine.give_up(done.stdout)

    async def test_image_and_composition(self) -> None:
        """Built, it runs as nobody in a system nobody can write to, drains, and comes back."""
        await self.engine.start()
        await deferToThread(self.base_images)
        await deferToThread(self.services.build, COMMIT)
        self.image()
        await self.a_cluster()
        await self.its_store_is_lost()
        await self.a_node_is_killed()
        await self.a_node_drains()

    def in_image(self, *words: str) -> str:
        """What a command of the image prints, for the image's user."""
        return self.told("run", "--rm", "--entrypoint", words[0], composition.OURS, *words[1:])

    def image(self) -> None:
        """Its user, its version, and what of it may be written."""
        told = self.in_image("smppproxy", "--version")
        self.assertTrue(told.endswith(f" ({COMMIT}), compiled"), told)
        self.assertEqual(self.in_image("id", "-u"), UID)
        look = "find / -xdev -writable -not -type l -not -path '/tmp*' -not -path '/var/tmp'"
        found = self.in_image("sh", "-c", f"{look} 2>/dev/null || true").splitlines()
        folders = {"/var/lib/smppproxy", "/var/log/smppproxy", "/run/smppproxy"}
        self.assertEqual({name for name in found if not name.startswith("/dev/")}, folders)
        done = self.engine.run("run", "--rm", composition.OURS)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/etc/smppproxy/smppproxy.toml: cannot read the file", done.stdout)

    async def said(self, name: str, text: str, times: int = 1) -> None:
        """Come back once a service said this so often."""
        try:
            await until(lambda: self.services.said(name).count(text) >= times, PATIENCE)
        except AssertionError:
            last = self.services.said(name)[-3000:]
            raise AssertionError(f"{name} did not say {text!r} {times} times: {last}") from None

    async def ready(self, name: str, times: int = 1) -> None:
        """Come back once a node is healthy, has its store and is bound to all hosts again."""
        await self.said(name, "store is ready", times)
        await self.said(name, '"event": "provider_bound"', 3)
        await until(lambda: self.services.healthy(name), PATIENCE)

    async def load(self, *options: str) -> str:
        """The service `load`, which ends well when nothing was lost."""
        status, told = await deferToThread(self.services.once, "load", *options)
        self.assertEqual(status, 0, told)
        return told

    async def a_cluster(self) -> None:
        """Nodes are healthy, and answer at the ports that are published."""
        self.services.up("acme", "reserve", *NODES)
        # What a sentinel must know of the others and of the replica before it can act.
        for name in SENTINELS:
            await self.said(name, "+sentinel ", 2)
            await self.said(name, "+slave ")
        for name, port in zip(NODES, (8080, 8081), strict=True):
            await self.ready(name)
            told = self.engine.inside_network(sys.executable, "-c", ASK.format(port=port))
            self.assertIn("smppproxy_", told)
        await self.load("--count", "300", "--for", "0")

    async def its_store_is_lost(self) -> None:
        """The sentinels make another master; nothing is lost."""
        self.told("kill", "store1")
        await self.said("sentinel1", "+switch-master smppproxy store1 6379 store2")
        for name in NODES:
            await self.ready(name, 2)
        await self.load("--host", "node2", "--count", "300", "--for", "0")

    async def a_node_is_killed(self) -> None:
        """Docker starts it anew, and its volume has what it had written."""
        began = self.services.state("node2")["StartedAt"]
        # Whoever kills it ends with it.
        self.engine.run("exec", "node2", "python3", "-c", KILL)
        await until(lambda: self.services.state("node2")["StartedAt"] != began, PATIENCE)
        await self.said("node2", '"event": "provider_bound"', 6)
        await until(lambda: self.services.healthy("node2"), PATIENCE)
        kept = self.told("exec", "node2", "ls", "/var/lib/smppproxy/messages")
        self.assertIn(".jsonl", kept)
        await self.load("--host", "node2", "--count", "300", "--for", "0")

    async def a_node_drains(self) -> None:
        """`docker stop` is a drain: it is said, nothing goes wrong, and the status is 0."""
        for name in NODES:
            await deferToThread(self.told, "stop", name)
            self.assertEqual(self.services.state(name)["ExitCode"], 0, self.services.said(name))
            lines = [line for line in self.services.said(name).splitlines() if line[:1] == "{"]
            self.assertNotIn("critical", {json.loads(line)["level"] for line in lines})
            self.assertIn(f"node {name} drains", self.services.said(name))
