"""What systemd hears of a node, through a socket as systemd makes it, and the unit in etc/."""

from __future__ import annotations

import os
import socket
import tempfile
from configparser import ConfigParser
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.systemd import Systemd
from tests.support.nodes import NodeCase

UNIT = Path(__file__).resolve().parents[2] / "etc" / "systemd" / "smppproxy.service"


def listener(test: SynchronousTestCase, name: str) -> socket.socket:
    """systemd's end."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    test.addCleanup(found.close)
    found.bind(name)
    found.setblocking(False)
    return found


def heard(end: socket.socket) -> list[bytes]:
    """All that came, first lines."""
    found = []
    while True:
        try:
            found.append(end.recv(4096).partition(b"\n")[0])
        except BlockingIOError:
            return found


class SystemdTests(SynchronousTestCase):
    """The datagrams."""

    def setUp(self) -> None:
        folder = tempfile.mkdtemp(prefix="smppproxy-")
        self.address = f"{folder}/notify"
        self.addCleanup(os.rmdir, folder)
        self.addCleanup(os.unlink, self.address)
        self.end = listener(self, self.address)

    def test_states(self) -> None:
        """Ready, then stopping."""
        systemd = Systemd({"NOTIFY_SOCKET": self.address})
        systemd.ready()
        systemd.tick(1.0)
        systemd.stopping()
        self.assertEqual(heard(self.end), [b"READY=1", b"STOPPING=1"])

    def test_watchdog(self) -> None:
        """A sign of life every half of the time that systemd waits for one."""
        environ = {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": "60000000"}
        systemd = Systemd(environ | {"WATCHDOG_PID": str(os.getpid())})
        for now in range(10, 75):
            systemd.tick(float(now))
        self.assertEqual(heard(self.end), [b"WATCHDOG=1"] * 3)
        for odd in ({"WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "²"}):
            Systemd(environ | odd).tick(10.0)
        self.assertEqual(heard(self.end), [])

    def test_nobody_listens(self) -> None:
        """Without systemd, or when its socket is gone or full, a node goes on."""
        Systemd({}).ready()
        Systemd({"NOTIFY_SOCKET": "/nonexistent/socket"}).ready()
        systemd = Systemd({"NOTIFY_SOCKET": self.address})
        for _ in range(5000):
            systemd.ready()
        self.assertTrue(heard(self.end))

    def test_abstract_socket(self) -> None:
        """A name that begins with @ is one without a file."""
        name = f"smppproxy-test-{os.getpid()}"
        end = listener(self, "\0" + name)
        Systemd({"NOTIFY_SOCKET": "@" + name}).ready()
        self.assertEqual(heard(end), [b"READY=1"])


class NodeTests(NodeCase):
    """A whole node."""

    async def test_ready_when_clients_may_come_and_stopping_when_they_may_not(self) -> None:
        """READY once the doors are open, signs of life, STOPPING when it drains."""
        folder = tempfile.mkdtemp(prefix="smppproxy-")
        self.addCleanup(os.rmdir, folder)
        address = f"{folder}/notify"
        self.addCleanup(os.unlink, address)
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(end.close)
        end.bind(address)
        end.setblocking(False)
        self.patch(os, "environ", os.environ | {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400"})
        self.write_network(self.provider())
        service = self.node()
        told: list[bytes] = []

        def came() -> bool:
            told.extend(heard(end))
            return b"WATCHDOG=1" in told

        await self.wait(came)
        self.assertEqual(told[0], b"READY=1")
        await service.stopService()
        self.assertIn(b"STOPPING=1", heard(end))


class UnitTests(SynchronousTestCase):
    """etc/systemd/smppproxy.service."""

    def test_hardening(self) -> None:
        """What the security list asks for stands in it; reload and stop fit the node's signals."""
        # Some options stand there twice: the last one counts for this reader.
        unit = ConfigParser(interpolation=None, strict=False, delimiters=("=",))
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(UNIT)
        service = unit["Service"]
        for option, value in {
            "Type": "notify",
            "NoNewPrivileges": "yes",
            "ProtectSystem": "strict",
            "ProtectHome": "yes",
            "PrivateTmp": "yes",
            "PrivateDevices": "yes",
            "CapabilityBoundingSet": "",
            "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
            "SystemCallArchitectures": "native",
            "LimitCORE": "0",
            "UMask": "0077",
            "ExecReload": "/bin/kill -HUP $MAINPID",
        }.items():
            self.assertEqual(service[option], value, option)
        self.assertGreaterEqual(int(service["LimitNOFILE"]), 20_000)
        self.assertGreater(int(service["TimeoutStopSec"]), 10)
        self.assertNotIn(service["User"], ("root", ""))
        self.assertNotIn("MemoryDenyWriteExecute", service)
