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
from smppproxy.admin.access import Access, Caller, own_page, person
from smppproxy.admin.api import OPERATE, READ, is_allowed
from smppproxy.admin.errors import ApiError
from smppproxy.config import Admin
from tests.support.doors import DoorCase, asynchronous
from tests.support.ports import free_port


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


class OwnPageTests(SynchronousTestCase):
    """What a browser may ask a door without tokens for."""

    def refused(self, *headers: bytes | None) -> str:
        """Why, in a word; "" when it may."""
        try:
            own_page(*headers)
        except ApiError as error:
            self.assertEqual(error.status, 403)
            return error.code
        return ""

    def test_programs(self) -> None:
        """Whatever a program calls the socket: it says no origin, and no name that others own."""
        for host in (None, b"node", b"localhost", b"localhost:8080", b"x", b"127.0.0.1", b"[::1]"):
            self.assertEqual(self.refused(host, None, None), "", host)

    def test_its_own_page(self) -> None:
        """The page that came through this door."""
        for host in (b"localhost:8080", b"127.0.0.1:8080", b"[::1]:8080", b"n1.localhost:80"):
            origin = b"http://" + host
            self.assertEqual(self.refused(host, origin, b"same-origin"), "", host)
            self.assertEqual(self.refused(host, None, b"none"), "", host)

    def test_pages_of_others(self) -> None:
        """Another address, another port, a page without an address, a site beside it."""
        host = b"localhost:8080"
        for origin in (b"https://evil.example", b"http://localhost:9090", b"null", b"file://"):
            self.assertEqual(self.refused(host, origin, None), "foreign_page", origin)
        for site in (b"cross-site", b"same-site"):
            self.assertEqual(self.refused(host, None, site), "foreign_page", site)

    def test_names_that_others_lead_here(self) -> None:
        """A name of the internet may lead to this machine today, and its page is another's."""
        for host in (b"evil.example", b"evil.example:8080", b"127.0.0.1.evil.example:80"):
            self.assertEqual(self.refused(host, b"http://" + host, None), "foreign_host", host)


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
