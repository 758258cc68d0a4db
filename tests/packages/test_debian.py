"""The Debian package, built and installed by dpkg in a copy of this machine: nothing stays here.

The copy is this machine's own files with a folder over them that takes all changes (overlayfs), in
a mount namespace of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.etc.packaging import DEBIAN
from tests.support.compiler import can_compile
from tests.support.processes import until

SETUP = """
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/root"
mount --rbind /proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount --bind "$1/tmp" "$1/root/tmp"
mount --bind "$1/run" "$1/root/run"
exec chroot "$1/root" /bin/sh -ec "$2"
"""
NODE = """
mkdir -p /run/smppproxy && chown smppproxy /run/smppproxy
exec setpriv --reuid smppproxy --regid smppproxy --init-groups \
  /opt/smppproxy/bin/twistd --nodaemon --pidfile= smppproxy -c /etc/smppproxy/smppproxy.toml
"""
NOT_OURS = (
    "etc/group", "etc/gshadow", "etc/passwd", "etc/shadow", "etc/.pwd.lock", "etc/sub", "tmp/",
    "var/cache/", "var/lib/dpkg/", "var/lib/logrotate/", "var/lib/systemd/", "var/log/dpkg.log",
)  # fmt: skip
"""What dpkg, systemd-sysusers, logrotate and man write down themselves; Debian keeps users."""

DPKG = "dpkg --force-unsafe-io"
"""A copy that is thrown away need not be brought to the disk file by file."""

ENVIRONMENT = {"HOME": "/root", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
"""Of whoever installs it and of systemd; that of this process knows of another Python."""

PATIENCE = 600.0
"""Seconds for whatever a busy machine starts or ends."""


class Copy:
    """A copy of this machine; its changes lie in `changes`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-machine-"))
        for name in ("changes", "work", "root", "tmp", "run"):
            (self.folder / name).mkdir()
        (self.folder / "tmp").chmod(0o1777)
        self.changes = self.folder / "changes"

    def command(self, script: str) -> list[str]:
        """A command that runs lines of the shell in the copy, as its root."""
        users = [] if os.geteuid() == 0 else ["--map-root-user", "--map-auto"]
        setup = ("sh", "-ec", SETUP, "sh", str(self.folder), script)
        return ["unshare", "--mount", *users, *setup]

    def run(self, script: str, status: int = 0) -> str:
        """What it prints; AssertionError with all of it when it ends otherwise."""
        done = subprocess.run(
            self.command(script),
            env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        if done.returncode != status:
            raise AssertionError(f"{script}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    def leftovers(self) -> set[str]:
        """Files that differ from this machine's, but for what is not the package's."""
        files = (path for path in self.changes.rglob("*") if path.is_file() or path.is_symlink())
        names = {str(path.relative_to(self.changes)) for path in files}
        return {name for name in names if not name.startswith(NOT_OURS)}


class PackageTests(TestCase):
    """From its making to its end."""

    timeout = 1500

    def setUp(self) -> None:
        self.machine = Copy()
        self.addCleanup(shutil.rmtree, self.machine.folder, ignore_errors=True)
        self.tmp = self.machine.folder / "tmp"

    def build(self) -> Path:
        """The package, made by the command behind `make deb`."""
        script = [sys.executable, "-W", "ignore", str(DEBIAN / "build.py")]
        done = subprocess.run(
            [*script, "--output", str(self.tmp)],
            capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        (package,) = self.tmp.glob("smppproxy_*.deb")
        self.assertEqual(done.stdout.splitlines()[-1], str(package))
        return package

    def next_one(self, package: Path) -> None:
        """Another release, in whose network file something else stands."""
        folder = self.tmp / "next"
        subprocess.run(["dpkg-deb", "-R", str(package), str(folder)], check=True)
        control = folder / "DEBIAN" / "control"
        control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 9"))
        with (folder / "etc" / "smppproxy" / "network.toml").open("a") as network:
            network.write("# of the next release\n")
        options = ("--root-owner-group", "-Zzstd", "-z1", "--build")
        target = self.tmp / "next.deb"
        command = ["dpkg-deb", *options, str(folder), str(target)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    async def test_life_of_the_package(self) -> None:
        """Installed, it runs; changed settings stay over an upgrade; purged, nothing is left."""
        package = self.build()
        self.machine.run(f"{DPKG} -i /tmp/{package.name}")
        self.installed()
        await self.runs()
        self.upgraded(package)
        self.machine.run(f"{DPKG} --remove smppproxy")
        kept = self.machine.leftovers()
        self.assertTrue({"etc/smppproxy/smppproxy.toml", "etc/smppproxy/b.toml"} <= kept, kept)
        self.assertTrue(any(name.startswith("var/lib/smppproxy/store/") for name in kept), kept)
        self.assertFalse(any(name.startswith(("opt/", "usr/")) for name in kept), kept)
        self.machine.run(f"{DPKG} --purge smppproxy")
        self.assertEqual(self.machine.leftovers(), {"etc/smppproxy/b.toml"})
        self.assertFalse((self.machine.changes / "var/lib/smppproxy").exists())

    def installed(self) -> None:
        """User, modes, units, rotation, and a command that knows its configuration."""
        told = self.machine.run(
            "stat -c '%U %G %a %n' /etc/smppproxy /etc/smppproxy/* /var/lib/smppproxy"
        )
        self.assertEqual(
            told.splitlines(),
            [
                "root smppproxy 750 /etc/smppproxy",
                "root smppproxy 640 /etc/smppproxy/network.toml",
                "root smppproxy 640 /etc/smppproxy/smppproxy.toml",
                "smppproxy smppproxy 700 /var/lib/smppproxy",
            ],
        )
        self.machine.run("systemctl is-enabled smppproxy.service")
        self.assertEqual(
            self.machine.run("systemd-analyze verify smppproxy.service smppproxy@b.service"), ""
        )
        for unit in ("smppproxy.service", "smppproxy@b.service"):
            # In tenths: 1.4 of 10, where 10 is no protection at all.
            self.machine.run(f"systemd-analyze security --offline=yes --threshold=15 {unit}")
        self.machine.run("logrotate -d /etc/logrotate.d/smppproxy")
        kind = "compiled" if can_compile() else "pure Python"
        self.assertRegex(self.machine.run("smppproxy --version"), rf"^smppproxy 0\..*, {kind}\n$")
        self.assertIn("ok: 0 accounts", self.machine.run("smppproxy check"))
        self.assertNotIn("warning", self.machine.run("man --warnings smppproxy-load | cat"))

    async def runs(self) -> None:
        """As its user, in an environment nobody may write to; SIGTERM ends it with status 0."""
        # Ports of this machine belong to whoever uses them.
        edit = "sed -i 's/^port = .*/port = 0/; s/^address = .*//' /etc/smppproxy/smppproxy.toml"
        self.machine.run(edit + "; cp /etc/smppproxy/smppproxy.toml /etc/smppproxy/b.toml")
        # An instance's store has a log too.
        home = "/var/lib/smppproxy/b"
        written = f"mkdir -p {home}/store; date > {home}/store/server.log"
        self.machine.run(f"{written}; chown -R smppproxy: {home}")
        with (self.tmp / "log").open("wb") as log:
            command = self.machine.command(NODE)
            node = subprocess.Popen(command, env=ENVIRONMENT, stdout=log, stderr=log)
        try:
            door = self.machine.folder / "run" / "smppproxy" / "admin"
            await until(lambda: door.exists() or node.poll() is not None, PATIENCE)
            await until(lambda: "durability" in self.shown() or node.poll() is not None, PATIENCE)
            told = (self.tmp / "log").read_text()
            self.assertIsNone(node.poll(), told)
            self.assertIn("node1 up", " ".join(self.shown().split()), told)
        finally:
            node.terminate()
            status = node.wait(PATIENCE)
        told = (self.tmp / "log").read_text()
        self.assertEqual(status, 0, told)
        # twistd could not write what it knows of plugins, and had no need to.
        self.assertNotIn("plugin cache", told)
        self.machine.run("logrotate -f /etc/logrotate.d/smppproxy")
        rotated = self.machine.run("ls /var/lib/smppproxy/b/store /var/lib/smppproxy/store")
        self.assertEqual(rotated.count("server.log.1"), 2, rotated)

    def shown(self) -> str:
        """What `smppproxy show nodes` tells; "" while nobody answers."""
        try:
            return self.machine.run("smppproxy show nodes")
        except AssertionError:
            return ""

    def upgraded(self, package: Path) -> None:
        """The next release takes over what nobody changed, and leaves the rest and all modes."""
        self.next_one(package)
        before = self.machine.run("cat /etc/smppproxy/smppproxy.toml")
        self.machine.run(f"{DPKG} -i /tmp/next.deb")
        self.assertEqual(self.machine.run("cat /etc/smppproxy/smppproxy.toml"), before)
        told = self.machine.run("tail -1 /etc/smppproxy/network.toml; ls -l /etc/smppproxy")
        self.assertIn("# of the next release", told)
        self.assertEqual(told.count("-rw-r----- 1 root smppproxy"), 2, told)
        self.assertIn("ok: 0 accounts", self.machine.run("smppproxy check"))
