"""A small world for scenarios: a real node as a process, a real store, simulated peers around it.

The node is a ``twistd`` process with files of its own; it can be killed and started again on the
same folder. Providers and clients are those of :mod:`smppproxy.simulator`, in the test's process.
Every wait has a deadline and every port is a free one.
"""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgpack
from hiredis import Reader, pack_command
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from smppproxy.simulator.esme import LOST, Esme, EsmeOptions, Sent
from smppproxy.simulator.histories import check_client
from smppproxy.simulator.smsc import Smsc, SmscOptions
from smppproxy.smpp.constants import ESME_RUNKNOWNERR
from tests.support.processes import DEADLINE, Logger, reactor, until
from tests.support.redis_server import RedisServer
from tests.support.running import CHEAP, LISTENING, TWISTD, Upstream

STORE = "embedded://FOLDER/store?deadline=10"
UPSTREAM_ACCOUNT = {b"smppproxy": b"upstream"}

_hashes: dict[str, str] = {}


def network(
    providers: Sequence[Upstream],
    accounts: Mapping[str, str] | None = None,
    routes: str = "",
    more: str = "",
) -> str:
    """A network file.

    :param accounts: name -> more lines of its table; the password is the name.
    :param routes: their tables; default one route over all providers, in their order.
    """
    parts = []
    for name, options in (accounts or {"demo": ""}).items():
        if name not in _hashes:
            _hashes[name] = CHEAP.hash(name)
        parts.append(f'[account."{name}"]\npassword = "{_hashes[name]}"\n{options}\n')
    parts += [provider.text() for provider in providers]
    targets = ", ".join(f'"{provider.name}"' for provider in providers)
    parts.append(routes or f'[[route]]\nname = "all"\ntargets = [{targets}]\n')
    return "\n".join([*parts, more])


class Node:
    """One node over all its lives; its folder goes with the test.

    :ivar port: of its plain listener in this life; :ivar tls_port: of the one for TLS, if any.
    :ivar process: this life's process, with its log and its exit code.
    """

    def __init__(
        self,
        network_text: str,
        store: str = STORE,
        options: str = "",
        listeners: str = "",
        drain_timeout: float = 5.0,
        name: str = "node1",
        tables: str = "",
        deadline: float = DEADLINE,
        before: Sequence[str] = (),
    ) -> None:
        """
        :param before: what stands before the command that starts it.
        """
        # A Unix socket's path may not be long, so the folder is not trial's own.
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-"))
        self.port = 0
        self.tls_port = 0
        self.clients: list[Esme] = []
        self.process = Logger("node", [])
        self.deadline = deadline
        self._before = before
        self._has_tls = bool(listeners)
        self.write_network(network_text)
        (self.folder / "node.toml").write_text(
            f"""
[node]
name = "{name}"
network_file = "network.toml"
store = "{store.replace("FOLDER", str(self.folder))}"
drain_timeout = {drain_timeout}
{options}

[[listener]]
name = "plain"
address = "127.0.0.1"
port = 0
{listeners}
[admin]
path = "{self.folder}/admin"
{tables}
"""
        )

    def write_network(self, text: str) -> None:
        """Replace the network file."""
        (self.folder / "network.toml").write_text(text)

    async def start(self, **environment: str) -> None:
        """Begin a life; returns once it listens. Its clients learn its new port."""
        command = [*self._before, TWISTD, "-n", f"--pidfile={self.folder}/twistd.pid", "smppproxy"]
        # A node that was killed leaves its pid behind, and pids come round.
        (self.folder / "twistd.pid").unlink(missing_ok=True)
        self.process = Logger("node", [*command, "-c", str(self.folder / "node.toml")])
        self.process.patience = 30.0
        self.process.deadline = self.deadline
        self.process.start(**environment)
        self.port = int((await self.process.expect_match(LISTENING))[1])
        if self._has_tls:
            self.tls_port = int((await self.process.expect_match(LISTENING))[1])
        for client in self.clients:
            client.options.port = self.port

    async def kill(self) -> None:
        """SIGKILL; returns once it is gone."""
        self.process.signal("KILL")
        await until(lambda: self.process.is_over)

    async def restart(self) -> None:
        """SIGKILL and a new life."""
        await self.kill()
        await self.start()

    async def terminate(self) -> int | None:
        """SIGTERM; returns the exit code."""
        self.process.signal("TERM")
        await until(lambda: self.process.is_over)
        return self.process.exit_code

    def end(self) -> Deferred[None]:
        """The last life ends, whatever store server it left is ended, the folder goes."""

        def ended(_: object) -> None:
            path = self.folder / "store" / "socket"
            if path.exists():
                ask(str(path), "SHUTDOWN", "NOSAVE")
            shutil.rmtree(self.folder, ignore_errors=True)

        return self.process.stop().addCallback(ended)

    def get(self, page: str) -> Any:
        """A page of the admin door, read as JSON."""
        return json.loads(self.read(page))

    def read(self, page: str) -> str:
        """A page of the admin door."""
        return self._asked(f"GET /{page}", b"", 30.0)

    def post(self, page: str, **given: Any) -> Any:
        """What the admin door answers to a JSON object, read as JSON; also when it refuses."""
        return json.loads(self._asked(f"POST /{page}", json.dumps(given).encode(), 30.0))

    def listen(self, page: str) -> Lines:
        """A page of the admin door that goes on, line by line."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(60.0)
        connection.connect(str(self.folder / "admin"))
        connection.sendall(f"GET /{page} HTTP/1.0\r\n\r\n".encode())
        found = Lines(connection)
        found.begin()
        return found

    def _asked(self, what: str, body: bytes, patience: float) -> str:
        head = f"{what} HTTP/1.0\r\nContent-Type: application/json\r\n"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(patience)
            connection.connect(str(self.folder / "admin"))
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = b""
            while data := connection.recv(65536):
                answer += data
        return answer.partition(b"\r\n\r\n")[2].decode()

    def ledger(self) -> dict[str, int]:
        """Its ledger as it is now."""
        counts: dict[str, int] = self.get("ledger")
        return counts

    def store_socket(self) -> str:
        """The Unix socket of its embedded store's server."""
        return str(self.folder / "store" / "socket")


class Lines:
    """An answer that goes on."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._octets = b""

    def begin(self) -> None:
        """Wait until it has begun."""
        while b"\r\n\r\n" not in self._octets:
            self._octets += self._connection.recv(65536)
        self._octets = self._octets.partition(b"\r\n\r\n")[2]

    def read(self) -> list[Any]:
        """Every line, once the other side has ended it."""
        while data := self._connection.recv(65536):
            self._octets += data
        return [json.loads(line) for line in self._octets.split(b"\n") if line]

    def close(self) -> None:
        """Hear no more."""
        self._connection.close()


def ask(path: str, *parts: str) -> Any:
    """One command to a store server; its error replies are returned; None when nobody answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        try:
            connection.connect(path)
            command: Any = parts
            connection.sendall(pack_command(command))
            reader = Reader()
            while (reply := reader.gets()) is False:
                data = connection.recv(65536)
                if not data:
                    return None
                reader.feed(data)
        except OSError:
            return None
        return reply


def in_hands(path: str, account: str) -> int:
    """How many of an account's receipts are out for delivery and not acknowledged."""
    reply = ask(path, "HGETALL", f"smppproxy:h:{account}")
    states = dict(zip(reply[::2], reply[1::2], strict=True)) if isinstance(reply, list) else {}
    marks = [msgpack.unpackb(states[name], raw=True)[0] for name in states if b"-" in name]
    return sum(mark not in b"\0\xff" for each in marks for mark in each)


class Scenario(TestCase):
    """Builds the world of one test and takes it down again."""

    timeout = 240
    maxDiff = None

    def provider(self, hosts: str = "ab", **options: Any) -> Smsc:
        """A simulated provider that listens on each of its hosts."""
        options.setdefault("accounts", UPSTREAM_ACCOUNT)
        smsc = Smsc(reactor, SmscOptions(**options))
        for host in hosts:
            smsc.listen(host)
        self.addCleanup(smsc.stop)
        return smsc

    def redis(self, *options: str) -> RedisServer:
        """A store server of the test's own."""
        server = RedisServer(*options).start()
        self.addCleanup(server.close)
        return server

    async def node(self, network_text: str, bound: Sequence[Smsc] = (), **settings: Any) -> Node:
        """A running node, bound to every host of some providers."""
        node = Node(network_text, **settings)
        self.addCleanup(node.end)
        await node.start()
        for smsc in bound:
            await all_bound(smsc)
        return node

    def client(self, node: Node, system_id: str = "demo", **options: Any) -> Esme:
        """A simulated client of a node, started; it finds the node again after a restart."""
        name = system_id.encode()
        options.setdefault("reconnect_delay", 0.1)
        # Each client has numbers of its own: a destination tells whose message it is.
        options.setdefault("prefixes", (b"467%02d" % len(node.clients),))
        settings = EsmeOptions(port=node.port, system_id=name, password=name, **options)
        esme = Esme(reactor, settings)
        node.clients.append(esme)
        self.addCleanup(esme.stop)
        esme.start()
        return esme

    async def finish(self, *clients: Esme, deadline: float = DEADLINE) -> None:
        """The clients submit no more, and everything they were promised has come."""
        for client in clients:
            client.quit()
        try:
            await until(lambda: all(client.done for client in clients), deadline)
        except AssertionError:
            wrong = [complaint for client in clients for complaint in check_client(client)]
            told = [client.tally for client in clients]
            raise AssertionError(f"not done in {deadline} s: {wrong} {told}") from None

    def check(self, *complaints: list[str]) -> None:
        """Nobody complains."""
        self.assertEqual([each for several in complaints for each in several], [])


async def all_bound(smsc: Smsc, each: int = 1) -> None:
    """Every host of a provider that listens has its binds."""

    def so() -> bool:
        hosts = [host for host in smsc.ports if smsc.listens(host)]
        return all(len(smsc.links(host, bound=True)) >= each for host in hosts)

    await until(so)


async def hosts_carry(smsc: Smsc, hosts: str, more: int = 20) -> None:
    """Each of the hosts accepts so many more messages."""
    goal = {host: smsc.accepted_on[host] + more for host in hosts}
    await until(lambda: all(smsc.accepted_on[host] >= goal[host] for host in hosts))


async def carried(client: Esme, more: int = 200) -> None:
    """So many more of its messages have their receipts."""
    goal = client.tally.receipted + more
    await until(lambda: client.tally.receipted >= goal)


def unanswered(smsc: Smsc, host: str) -> list[bytes]:
    """Destinations of messages that a host has accepted and not answered."""
    return [
        known.destination[2]
        for known in smsc.history
        if known.host == host and not known.answered
    ]


async def first_answer_after(
    client: Esme, moment: float, where: Callable[[Sent], bool]
) -> float:
    """Seconds from a moment until the first OK for a message that ``where`` takes."""

    def times() -> list[float]:
        return [
            sent.answered_at - moment
            for sent in client.history
            if sent.status == 0 and sent.answered_at > moment and where(sent)
        ]

    await until(lambda: bool(times()))
    return min(times())


def check_after_kills(client: Esme, unacknowledged: int) -> list[str]:
    """What a client may see of a node that was killed: lost answers, and no more repeated
    receipts than were unacknowledged.

    Receipts of messages whose answer was lost may come (P6): they name an id the client never
    got, but they are its own messages.
    """
    lost = {sent.destination for sent in client.history if sent.status == LOST}
    strange = [heard for heard in client.unknown if heard.source not in lost]
    stranger = [f"receipt of {heard.source!r}, whose answer was not lost" for heard in strange]
    complaints = check_client(client, allowed_duplicates=unacknowledged)
    return stranger + [each for each in complaints if "unknown message_id" not in each]


def check_refused(client: Esme, providers: Sequence[Smsc], codes: set[int]) -> list[str]:
    """P2: refusals carry these codes only, and what was refused is at no provider.

    Unless it was told 0xFF, which says that this is not known.
    """
    taken = {known.destination[2] for smsc in providers for known in smsc.history}
    refused = [sent for sent in client.history if sent.status > 0]
    odd = {f"{sent.status:#x}" for sent in refused} - {f"{code:#x}" for code in codes}
    sure = [sent for sent in refused if sent.status != ESME_RUNKNOWNERR]
    sent_on = [sent.destination for sent in sure if sent.destination in taken]
    return [f"refused with {code}" for code in sorted(odd)] + [
        f"{destination!r} was refused, yet a provider has it" for destination in sent_on
    ]
