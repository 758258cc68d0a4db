"""Who is at the door, beyond what a request shows."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin import access
from smppproxy.admin.access import Access, Caller, person
from smppproxy.admin.api import OPERATE, READ, is_allowed
from smppproxy.admin.errors import ApiError
from smppproxy.config import Admin
from tests.support.doors import DoorCase, asynchronous, free_port


class PersonTests(SynchronousTestCase):
    """Who is at the other end of a Unix socket."""

    def person(self) -> str:
        """This process, as the kernel says to itself."""
        near, far = socket.socketpair(socket.AF_UNIX)
        self.addCleanup(near.close)
        self.addCleanup(far.close)

        class Transport:
            def getHandle(self) -> socket.socket:
                return near

        return person(Transport())

    def test_name(self) -> None:
        """The user's name, or the number of one that has none."""
        self.assertEqual(self.person(), pwd.getpwuid(os.getuid()).pw_name)

        def nobody(uid: int) -> Any:
            raise KeyError(uid)

        self.patch(pwd, "getpwuid", nobody)
        self.assertEqual(self.person(), f"uid {os.getuid()}")


class RolesTests(SynchronousTestCase):
    """Each role may do what those before it may."""

    def test_order(self) -> None:
        """read, operate, admin."""
        roles = ("read", "operate", "admin")
        for place, role in enumerate(roles):
            for other, least in enumerate(roles):
                self.assertEqual(is_allowed(role, least), place >= other)

    def test_needs(self) -> None:
        """A role that is too small is told which one is needed."""
        Caller(OPERATE, "alice", "unix").needs(READ, "show")
        error = self.assertRaises(ApiError, Caller(READ, "bob", "unix").needs, OPERATE, "drain")
        self.assertEqual(error.status, 403)


class LogTests(SynchronousTestCase):
    """What is written down about strangers."""

    def test_bounded(self) -> None:
        """However many strangers come, only so many are remembered, for ten seconds."""
        clock = Clock()
        self.patch(access, "MOST", 3)
        door = Access({}, clock.seconds)
        told: list[str] = []
        self.patch(access, "log", type("Log", (), {"warn": lambda _, text, **f: told.append(f)})())
        error = ApiError(401, "no_token", "")
        for number in range(10):
            door.refused(f"10.0.0.{number}", "/", error)
        self.assertEqual(len(told), 3)
        clock.advance(20)
        door.refused("10.0.0.99", "/", error)
        self.assertEqual(len(told), 4)

    def test_count(self) -> None:
        """The next line says how many there were since the last one."""
        clock = Clock()
        door = Access({}, clock.seconds)
        told: list[Any] = []
        self.patch(access, "log", type("Log", (), {"warn": lambda _, text, **f: told.append(f)})())
        error = ApiError(401, "no_token", "")
        for _ in range(5):
            door.refused("10.0.0.1", "/", error)
        clock.advance(11)
        door.refused("10.0.0.1", "/", error)
        self.assertEqual([fields["count"] for fields in told], [1, 5])


class OpeningTests(DoorCase):
    """Doors that cannot be opened."""

    @asynchronous
    async def test_socket_and_port(self) -> None:
        """Both at once; the folder of the socket is made; its path or its port is told."""
        self.write_network(self.provider("a"))
        admin = self.admin()
        admin.path = str(Path(admin.path).parent / "run" / "admin")
        admin.port = free_port()
        node = self.node(admin=admin)
        await self.wait(lambda: node.admin_port, "open")
        self.assertTrue(Path(admin.path).is_socket())
        self.assertEqual(node._office.door.place, f"http://127.0.0.1:{admin.port}")
        self.assertEqual(Path(admin.path).stat().st_mode & 0o777, 0o600)

    @asynchronous
    async def test_folder_that_cannot_be(self) -> None:
        """A folder that cannot be made is told in the log, and the node goes on without a door."""
        self.write_network(self.provider("a"))
        logged = self.logged()
        node = self.node(admin=Admin(path=f"{self.network_file}/admin"))
        self.assertIn("admin_failed", [event.get("event") for event in logged])
        self.assertTrue(node.running)
        self.assertEqual(node._office.door.place, "")

    @asynchronous
    async def test_ipv6(self) -> None:
        """An IPv6 address is listened on, and told in brackets."""
        self.write_network(self.provider("a"))
        port = free_port()
        node = self.node(admin=Admin("::1", port))
        await self.wait(lambda: node.admin_port, "open")
        self.assertEqual(node._office.door.place, f"http://[::1]:{port}")
