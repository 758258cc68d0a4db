"""How a command finds its node's admin door, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.cli.door import Misled, Place, find
from tests.cli.running import CommandCase, ask, run
from tests.support.authority import Authority, dns
from tests.support.doors import TOKENS, asynchronous
from tests.support.nodes import reactor


class FindTests(SynchronousTestCase):
    """Where the door is."""

    def setUp(self) -> None:
        """A folder."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)

    def found(self, admin: str, **environ: str) -> Place:
        """What a node file with this [admin] leads to."""
        path = self.folder / "node.toml"
        path.write_text(f"[admin]\n{admin}")
        return find(str(path), None, None, environ)

    def test_socket(self) -> None:
        """The node file's socket goes first; its path is relative to the file."""
        place = self.found('path = "run/admin"\nport = 8080\n')
        self.assertEqual(place, Place(f"{self.folder}/run/admin"))

    def test_port(self) -> None:
        """Else its port, with the token of the node file that opens most and can be read."""
        (self.folder / "boss").write_text("the-token\n")
        tokens = 'tokens = { read = "plain", admin = "env:GONE", "admin:b" = "file:boss" }\n'
        place = self.found('address = "127.0.0.2"\nport = 80\n' + tokens)
        self.assertEqual(place, Place("http://127.0.0.2:80", "the-token"))
        place = self.found("port = 80\n" + tokens, GONE="found")
        self.assertEqual(place, Place("http://127.0.0.1:80", "found"))
        place = self.found('address = "0.0.0.0"\nport = 80\ncertificate = "x"\n')
        self.assertEqual(place, Place("https://127.0.0.1:80"))

    def test_variables_go_first(self) -> None:
        """--token and SMPPPROXY_TOKEN win over the node file; --admin needs no file."""
        place = self.found('port = 80\ntokens = { read = "plain" }\n', SMPPPROXY_TOKEN="mine")
        self.assertEqual(place.token, "mine")
        place = find("gone", "http://h:1", "env:T", {"T": "other", "SMPPPROXY_TOKEN": "mine"})
        self.assertEqual(place, Place("http://h:1", "other"))

    def test_nothing_known(self) -> None:
        """Without a door, a node file or a token it says what to give."""
        for admin, text in (("", "has no admin door"), ("= [", "cannot read")):
            with self.assertRaises(Misled) as caught:
                self.found(admin)
            self.assertIn(text, caught.exception.message)
            self.assertIn("--admin", caught.exception.message)
        self.assertRaises(Misled, find, "gone.toml", None, None, {})
        self.assertRaises(Misled, find, "x", "/admin", "file:gone", {})
        self.assertRaises(Misled, find, "x", "/admin", "env:gone", {})


class TalkTests(CommandCase):
    """What becomes of a door's errors."""

    def setUp(self) -> None:
        """A network."""
        super().setUp()
        self.write_network(self.provider("a"))

    def test_nobody_there(self) -> None:
        """Exit status 3 when no node answers, 2 when what is given is no door."""
        for where, code, text in (
            ("/nowhere/admin", 3, "no node answers at /nowhere/admin: No such file"),
            ("http://127.0.0.1:1", 3, "Connection refused"),
            ("ftp://127.0.0.1", 2, "is no admin door"),
            ("http://host:port", 3, "no node answers"),
        ):
            result = run("show", "nodes", "--admin", where)
            self.assertEqual((result.exit_code, text in result.output), (code, True), result.output)

    @asynchronous
    async def test_token(self) -> None:
        """A port's token is that of --token or the environment; a wrong one is told, status 1."""
        node, url = self.with_port()
        result = await ask(node, "show", "nodes", SMPPPROXY_ADMIN=url)
        self.assertEqual(result.exit_code, 1)
        self.assertIn("asks for a token; give --token env:NAME", result.output)
        token = TOKENS["read"].decode()
        for arguments, environ in (
            (("--token", "env:T"), {"T": token}),
            ((), {"SMPPPROXY_TOKEN": token}),
        ):
            result = await ask(
                node, "show", "nodes", "--json", *arguments, SMPPPROXY_ADMIN=url, **environ
            )
            self.assertEqual(result.exit_code, 0, result.output)
        result = await ask(
            node, "drain", "acme", SMPPPROXY_ADMIN=url, SMPPPROXY_TOKEN=token
        )
        self.assertEqual(result.exit_code, 1)
        self.assertIn("needs the role operate", result.output)

    @asynchronous
    async def test_https(self) -> None:
        """A port with TLS is trusted by its CA only."""
        authority = Authority(self.network_file.parent)
        files = authority.issue("admin", [dns("localhost")], "localhost")
        node, url = self.with_port(certificate=files[0], key=files[1])
        url = f"https://localhost:{url.rpartition(':')[2]}"
        environ = {"SMPPPROXY_ADMIN": url, "SMPPPROXY_TOKEN": TOKENS["read"].decode()}
        result = await ask(node, "show", "nodes", **environ)
        self.assertEqual(result.exit_code, 3)
        self.assertIn("certificate", result.output.lower())
        result = await ask(node, "show", "nodes", "--ca", authority.path, **environ)
        self.assertEqual(result.exit_code, 0, result.output)
        result = await ask(node, "show", "nodes", "--ca", "/gone", **environ)
        self.assertEqual(result.exit_code, 2)

    @asynchronous
    async def test_something_else(self) -> None:
        """What answers but is no admin door of ours is told so."""

        class Other(Protocol):
            transport: Any

            def dataReceived(self, data: bytes) -> None:
                self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

        port = reactor.listenTCP(0, Factory.forProtocol(Other), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        node = self.with_socket()
        url = f"http://127.0.0.1:{port.getHost().port}"
        result = await ask(node, "show", "nodes", SMPPPROXY_ADMIN=url)
        self.assertEqual(result.exit_code, 1)
        self.assertIn("is no admin door of smppproxy", result.output)
