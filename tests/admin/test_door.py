"""Who gets through the admin door, what is refused there, and how it is told."""

from __future__ import annotations

import json
from typing import Any

import attrs
from twisted.internet.address import IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientCreator, Protocol
from twisted.logger import eventAsText

from smppproxy.admin import door as doors
from smppproxy.admin.api import OPERATIONS, PREFIX
from smppproxy.admin.opening import _where
from smppproxy.service import SmppProxy
from tests.support.authority import Authority, dns
from tests.support.doors import DoorCase, ask, asynchronous, shown_name
from tests.support.nodes import reactor

SHOW = "api/v1/show/nodes"


class AccessTests(DoorCase):
    """Tokens and roles."""

    def setUp(self) -> None:
        """A network without a provider that answers."""
        super().setUp()
        self.write_network(self.provider("a"))

    @asynchronous
    async def test_socket_needs_no_token(self) -> None:
        """Whoever may open the Unix socket may do everything."""
        node = self.with_socket()
        self.assertEqual((await ask(node, SHOW)).status, 200)
        self.assertEqual((await ask(node, "api/v1/drain", {"target": "acme/a"})).status, 200)

    @asynchronous
    async def test_where_it_is_stands_in_the_log(self) -> None:
        """The log says where the door is as one would type it: a path, or host and port."""
        events = self.logged()
        node = self.with_socket()
        _, url = self.with_port()
        told = {node.node.admin.path, url.removeprefix("http://")}

        def heard() -> set[str]:
            opened = [each for each in events if each.get("event") == "admin_listening"]
            return {eventAsText(each, False, False).rpartition(" ")[2] for each in opened}

        await self.wait(lambda: heard() == told, "both are told")
        self.assertEqual(_where(IPv6Address("TCP", "::1", 8080)), "[::1]:8080")

    @asynchronous
    async def test_port_without_tokens_is_for_health(self) -> None:
        """A port without tokens serves /livez, /readyz and /metrics, and says so for the rest."""
        _, url = self.with_port({})
        for page in ("livez", "readyz", "metrics"):
            self.assertEqual((await ask(url, page)).status, 200, page)
        for page in ("ledger", SHOW, "api/v1/openapi.json"):
            reply = await ask(url, page)
            self.assertEqual((reply.status, reply.error["code"]), (403, "no_tokens"), page)
            self.assertIn("[admin] tokens", reply.error["text"])

    @asynchronous
    async def test_port_asks_for_a_token(self) -> None:
        """No token and a wrong one are 401 as JSON, with the header that says what is wanted."""
        _, url = self.with_port()
        reply = await ask(url, SHOW)
        self.assertEqual((reply.status, reply.error["code"]), (401, "no_token"))
        self.assertEqual(reply.header("www-authenticate"), 'Bearer realm="smppproxy"')
        self.assertEqual(reply.header("content-type"), "application/json")
        for wrong in ("Bearer nobody-has-this-one", "Basic dG9rZW4=", "Bearer", "Bearer  "):
            reply = await ask(url, SHOW, headers={"authorization": wrong})
            self.assertEqual(reply.status, 401, wrong)
        self.assertEqual((await ask(url, "livez")).status, 200)

    @asynchronous
    async def test_roles(self) -> None:
        """read looks; operate acts too; what a role may not do is 403 and says what it needs."""
        _, url = self.with_port()
        target = {"target": "acme/a"}
        self.assertEqual((await ask(url, SHOW, token="read")).status, 200)
        reply = await ask(url, "api/v1/drain", target, token="read")
        self.assertEqual((reply.status, reply.error["code"]), (403, "role_too_small"))
        self.assertIn("needs the role operate; this token has the role read", reply.error["text"])
        for token in ("operate:alice", "admin"):
            reply = await ask(url, "api/v1/drain", target, token=token)
            self.assertEqual(reply.status, 200, token)

    @asynchronous
    async def test_refusals_are_logged_but_not_each(self) -> None:
        """Of the same refusal of one peer one line is written in ten seconds, never a token."""
        _, url = self.with_port()
        logged = self.logged()
        for _ in range(5):
            await ask(url, SHOW, headers={"authorization": "Bearer some-secret-token"})
        await ask(url, "api/v1/drain", {"target": "acme"}, token="read")
        events = [event for event in logged if event.get("event") == "admin_refused"]
        self.assertEqual([event["why"] for event in events], ["wrong_token", "role_too_small"])
        self.assertEqual(events[0]["peer"], "127.0.0.1")
        self.assertNotIn("some-secret-token", str(events))

    @asynchronous
    async def test_verbs_are_logged_with_who(self) -> None:
        """Each verb is in the log with what was told, and the token's name and address."""
        _, url = self.with_port()
        logged = self.logged()
        await ask(url, "api/v1/isolate", {"target": "acme/a"}, token="operate:alice")
        (event,) = [event for event in logged if event.get("event") == "operator"]
        said = (event["verb"], event["target"], event["who"])
        self.assertEqual(said, ("isolate", "acme/a", "alice@127.0.0.1"))


class RequestTests(DoorCase):
    """Requests that are wrong."""

    def setUp(self) -> None:
        """A node whose door is a socket."""
        super().setUp()
        self.write_network(self.provider("a"))
        self.service = self.with_socket()

    async def refused(self, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        """Status and text of an error; it is JSON of one form."""
        reply = await ask(self.service, path, body, **more)
        self.assertEqual(set(reply.error), {"status", "code", "text"})
        self.assertEqual(reply.error["status"], reply.status)
        return reply.status, reply.error["text"]

    @asynchronous
    async def test_paths(self) -> None:
        """What is not there is 404 with what is meant; a wrong method is 405 with the right one."""
        self.assertEqual(
            await self.refused("api/v1/show/bind"),
            (404, 'there is no /api/v1/show/bind; did you mean "/show/binds"?'),
        )
        status, text = await self.refused("api/v1/xyz")
        self.assertEqual((status, "openapi.json" in text), (404, True))
        for path in ("api", "api/v2", "nothing", "web", "web/nothing.js", "web/views"):
            self.assertEqual((await ask(self.service, path)).status, 404, path)
        reply = await ask(self.service, "api/v1/drain")
        self.assertEqual((reply.status, reply.header("allow")), (405, "POST"))
        for path in (SHOW, "livez", "api/v1/openapi.json"):
            reply = await ask(self.service, path, b"", method="DELETE")
            self.assertEqual((reply.status, "GET" in reply.header("allow")), (405, True), path)

    @asynchronous
    async def test_head(self) -> None:
        """HEAD is GET without the body."""
        for path in (SHOW, "livez", "api/v1/openapi.json"):
            reply = await ask(self.service, path, method="HEAD")
            self.assertEqual((reply.status, reply.body), (200, b""), path)

    @asynchronous
    async def test_query(self) -> None:
        """Parameters of a query that are unknown, twice there, or of the wrong kind are 400."""
        for query, text in (
            ("lmit=1", 'there is no parameter lmit; did you mean "limit"?'),
            ("limit=x", "limit is not a whole number"),
            ("limit=0", "limit has to be at least 1"),
            ("limit=99999", "limit may be at most 10000"),
            ("limit=1&limit=2", "limit is there 2 times; write it once"),
            ("here=maybe", "here is neither true nor false"),
            ("name=%ff", "name is not UTF-8"),
            ("name=a%00b", "name holds a control character"),
            ("name=" + "x" * 256, "name may be at most 255 characters"),
        ):
            self.assertEqual(await self.refused(f"{SHOW}?{query}"), (400, text))

    @asynchronous
    async def test_body(self) -> None:
        """The same for a body; one that is no JSON object is told."""
        for body, text in (
            (b"{", "the body is not JSON"),
            (b"[" * 100_000, "the body is not JSON"),
            (b"[]", 'the body is not an object; write {"target": ..., "node": ...}'),
            (b"", "target is missing"),
            ({"target": 5}, "target is not text"),
            ({"target": ""}, "target has to be at least 1 characters"),
            ({"target": "acme", "nod": ""}, 'there is no parameter nod; did you mean "node"?'),
            (b'{"target": "\\ud800"}', "target is not UTF-8"),
        ):
            status, said = await self.refused("api/v1/drain", body)
            self.assertEqual((status, said[: len(text)]), (400, text))
        status, _ = await self.refused("api/v1/drain?target=acme", {"target": "acme"})
        self.assertEqual(status, 400)
        status, said = await self.refused(
            "api/v1/drain", b"target=acme", headers={"content-type": "text/plain"}
        )
        self.assertEqual(status, 415)

    @asynchronous
    async def test_fault_of_ours(self) -> None:
        """An error in a handler is 500 with a text that tells nothing, and is logged."""

        def broken(*_: object) -> None:
            raise RuntimeError("some detail")

        self.patch(self.service._office.operator, "show", broken)
        status, text = await self.refused(SHOW)
        self.assertEqual((status, text), (500, "a fault of ours; it is in the log of the node"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    @asynchronous
    async def test_too_slow(self) -> None:
        """What takes longer than the door waits is cancelled and told with 504."""
        cancelled: list[bool] = []
        hasty = attrs.evolve(OPERATIONS["/show/nodes", "GET"], patience=0.05)
        self.patch(doors, "OPERATIONS", {("/show/nodes", "GET"): hasty})
        self.patch(
            self.service._office.operator,
            "show",
            lambda *_: Deferred(lambda deferred: cancelled.append(True)),
        )
        status, _ = await self.refused(SHOW)
        self.assertEqual((status, cancelled), (504, [True]))

    @asynchronous
    async def test_client_that_goes(self) -> None:
        """Who hangs up before the answer ends what is asked for him."""
        cancelled: list[bool] = []
        begun: list[bool] = []

        def slow(*_: object) -> Deferred[Any]:
            begun.append(True)
            return Deferred(lambda deferred: cancelled.append(True))

        self.patch(self.service._office.operator, "show", slow)
        client = await self.connected(self.service)
        client.transport.write(f"GET /{SHOW} HTTP/1.1\r\nHost: n\r\n\r\n".encode())
        await self.wait(lambda: begun, "asked")
        client.transport.abortConnection()
        await self.wait(lambda: cancelled, "given up")

    async def connected(self, node: SmppProxy) -> Any:
        """A raw connection to a node's socket."""
        return await ClientCreator(reactor, Raw).connectUNIX(node.node.admin.path)


class Raw(Protocol):
    """Keeps what it reads."""

    def __init__(self) -> None:
        self.read = b""
        self.over = False

    def dataReceived(self, data: bytes) -> None:
        """More."""
        self.read += data

    def connectionLost(self, reason: Any = None) -> None:
        """The end."""
        self.over = True


class LimitTests(DoorCase):
    """What one may ask of the door at most."""

    def setUp(self) -> None:
        """A network."""
        super().setUp()
        self.write_network(self.provider("a"))

    async def connected(self, url: str) -> Any:
        """A raw connection to a port."""
        port = int(url.rpartition(":")[2])
        return await ClientCreator(reactor, Raw).connectTCP("127.0.0.1", port)

    @asynchronous
    async def test_body_that_is_too_long(self) -> None:
        """A body beyond the limit is 413; it is not kept, whether its length was told or not."""
        _, url = self.with_port()
        body = b" " * (doors.SMALL_BODY + 1)
        reply = await ask(url, "api/v1/drain", body, token="operate:alice")
        self.assertEqual((reply.status, reply.error["code"]), (413, "too_long"))
        client = await self.connected(url)
        head = (
            b"POST /api/v1/drain HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n"
            b"Authorization: Bearer token-of-alice-1\r\n\r\n"
        )
        chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
        client.transport.write(head + 3 * chunk + b"0\r\n\r\n")
        await self.wait(lambda: b"413" in client.read, "refused")
        client.transport.write(head + 8 * chunk)
        await self.wait(lambda: client.over, "cut off")

    @asynchronous
    async def test_role_admin_may_send_more(self) -> None:
        """A network version with its tables is longer than a stranger's body may be."""
        _, url = self.with_port()
        body = json.dumps({"target": "acme/a"}).encode() + b" " * doors.SMALL_BODY
        reply = await ask(url, "api/v1/drain", body, token="admin")
        self.assertEqual(reply.status, 200)

    @asynchronous
    async def test_connections(self) -> None:
        """Beyond so many connections further ones are closed; those that are open go on."""
        self.patch(doors, "MOST_CONNECTIONS", 2)
        _, url = self.with_port()
        first, second = [await self.connected(url) for _ in range(2)]
        third = await self.connected(url)
        await self.wait(lambda: third.over, "closed")
        first.transport.write(b"GET /livez HTTP/1.1\r\nHost: n\r\n\r\n")
        await self.wait(lambda: b"200 OK" in first.read, "an answer")
        first.transport.loseConnection()
        second.transport.loseConnection()
        await self.wait(lambda: first.over and second.over, "gone")

    @asynchronous
    async def test_octet_now_and_then(self) -> None:
        """A request has its time as a whole: octets now and then do not keep a connection."""
        self.patch(doors, "IDLE", 0.5)
        _, url = self.with_port()
        client = await self.connected(url)

        def drip() -> bool:
            client.transport.write(b"G")
            return bool(client.over)

        await self.wait(drip, "closed")


class DocumentTests(DoorCase):
    """The OpenAPI document."""

    @asynchronous
    async def test_tells_every_operation(self) -> None:
        """Every operation of the table is in it, with its parameters, role and answers."""
        self.write_network(self.provider("a"))
        node = self.with_socket()
        told = (await ask(node, "api/v1/openapi.json")).json
        self.assertEqual(told["openapi"][:2], "3.")
        for (path, method), operation in OPERATIONS.items():
            spoken = told["paths"][PREFIX + path][method.lower()]
            self.assertEqual(spoken["x-role"], operation.role)
            self.assertTrue({"200", "400", "401", "403"} <= spoken["responses"].keys())
        binds = told["paths"]["/api/v1/show/binds"]["get"]
        names = {parameter["name"] for parameter in binds["parameters"]}
        self.assertEqual(names, {"name", "limit", "here", "node"})

    @asynchronous
    async def test_tls(self) -> None:
        """With a certificate the port speaks TLS, and a renewed one is served after a reload."""
        self.write_network(self.provider("a"))
        authority = Authority(self.network_file.parent)
        files = authority.issue("admin", [dns("localhost")], "localhost")
        node, _ = self.with_port(certificate=files[0], key=files[1])
        self.assertTrue(node._office.door.place.startswith("https://127.0.0.1:"))
        self.assertEqual(await shown_name(node.admin_port), "CN=localhost")
        authority.issue("admin", [dns("other")], "other")
        node.reload()
        self.assertEqual(await shown_name(node.admin_port), "CN=other")
