"""The demo: in this process over the in-memory store, and as the command over the real one."""

import errno
import io
import json
import signal
import socket
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy import service
from smppproxy.config import Network, Node
from smppproxy.simulator import demo, stage
from smppproxy.simulator.clock import until
from smppproxy.simulator.demo import Demo, DemoOptions, Outcome
from smppproxy.simulator.esme import Esme, EsmeOptions
from smppproxy.simulator.stage import Ports, PortTaken, held_ports
from smppproxy.store.interface import StoreUnavailable
from smppproxy.store.memory import MemoryStore
from tests.simulator.pair import reactor


def build(node: Node, network: Network, reactor: Any) -> service.SmppProxy:
    """A node whose store is in memory."""
    return service.build(node, network, reactor, lambda url, name, clock: MemoryStore(clock))


class Terminal(io.StringIO):
    """What a terminal would show."""

    def isatty(self) -> bool:
        """It is one."""
        return True


class Playing(TestCase):
    """Demo, in this process."""

    timeout = 240

    def demo(self, out: io.StringIO | None = None, **options: float) -> Demo:
        """A demo on free ports."""
        folder = Path(tempfile.mkdtemp(dir=self.mktemp_folder()))
        settings: Any = {"port": 0, "tls_port": 0, "http_port": 0, "rate": 100.0, **options}
        return Demo(reactor, DemoOptions(**settings), build, folder, out or io.StringIO())

    def mktemp_folder(self) -> Path:
        """A folder of this test's own."""
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        return folder

    def until(self, condition: Any, what: str) -> Deferred[None]:
        """Wait for it, thirty seconds at most."""
        return until(reactor, condition, 30.0, what)

    async def test_traffic_moves_to_b_and_back_and_nothing_is_lost(self) -> None:
        """Host a is killed and comes back; the ledger balances, every OK has its receipt."""
        out = io.StringIO()
        play = self.demo(out, seconds=4.0)
        outcome = await play.run()
        self.assertEqual((outcome.problems, outcome.exit_code), ([], 0))
        self.assertIn("is killed", play.events[0])
        self.assertIn("is back", play.events[1])
        self.assertIn("is killed", out.getvalue())
        self.assertIn("system_id demo password demo", out.getvalue())
        ledger = json.loads(outcome.line())
        self.assertEqual(tuple(ledger)[: len(demo.KEYS)], demo.KEYS)
        self.assertEqual((ledger["lost"], ledger["queued"], ledger["failovers"]), (0, 0, 1))
        self.assertGreater(ledger["submitted"], 200)
        hosts = [accepted.host for accepted in play.acme.history]
        third = len(hosts) // 3
        self.assertEqual({*hosts[:third]}, {"a", "b"})
        # Two binds took at least three quarters of a second to be made again.
        self.assertGreater(hosts.count("b"), hosts.count("a") * 1.3)

    async def test_foreign_clients_get_their_own_receipts(self) -> None:
        """Clients of account demo, plain and TLS, get their receipts and disturb no balance."""
        play = self.demo(seconds=5.0, rate=50.0)
        playing = Deferred.fromCoroutine(play.run())
        await self.until(lambda: play.events or hasattr(play, "client"), "a start")
        listeners: Any = play.service
        ports = {one.name: one.port for one in listeners.node.listeners}
        trust = Certificate.loadPEM((play.folder / "demo.crt").read_bytes())
        tls = optionsForClientTLS("localhost", trustRoot=trust)
        clients = [
            Esme(reactor, EsmeOptions(port=ports[name], tls=context, count=20, prefixes=(to,)))
            for name, context, to in (("plain", None, b"471"), ("tls", tls, b"472"))
        ]
        for client in clients:
            client.start()
            self.addCleanup(client.stop)
        accepted = lambda: sum(one.tally.accepted for one in clients)  # noqa: E731
        heard = lambda: sum(one.tally.receipts for one in clients)  # noqa: E731
        await self.until(lambda: accepted() > 30 and heard() == accepted(), "their receipts")
        for client in clients:
            await client.stop()
        outcome = await playing
        self.assertEqual(outcome.problems, [])
        self.assertEqual(outcome.ledger["submitted"], outcome.ledger["client_submitted"] + 40)

    async def test_ends_early(self) -> None:
        """An interrupt ends it in good order: what is under way comes home, the ledger is told."""
        play = self.demo(seconds=60.0)
        playing = Deferred.fromCoroutine(play.run())
        await self.until(lambda: hasattr(play, "client") and play.client.tally.accepted, "traffic")
        play.end()
        outcome = await playing
        self.assertEqual(outcome.problems, [])
        self.assertEqual(outcome.ledger["failovers"], 0)

    async def test_ends_before_it_began(self) -> None:
        """An interrupt while the node starts leaves an empty ledger."""
        play = self.demo(seconds=60.0)
        playing = Deferred.fromCoroutine(play.run())
        play.end()
        outcome = await playing
        self.assertEqual((outcome.problems, outcome.ledger["submitted"]), ([], 0))

    async def test_live_table(self) -> None:
        """On a terminal there is a live table instead of lines."""
        out = Terminal()
        outcome = await self.demo(out, seconds=3.0).run()
        self.assertEqual(outcome.problems, [])
        self.assertIn("\x1b[", out.getvalue())
        self.assertIn("acme/a", out.getvalue())

    async def test_what_is_missing_is_told(self) -> None:
        """Receipts that never come, and a store that cannot be asked, are problems: exit 1."""
        self.patch(demo, "DRAIN_WITHIN", 0.2)
        play = self.demo(seconds=3.0)
        play.acme.options.receipts = False
        play.acme.options.early = 0.0
        playing = Deferred.fromCoroutine(play.run())
        await self.until(lambda: hasattr(play, "service"), "a start")

        def away(queues: object) -> Deferred[object]:
            failed: Deferred[object] = Deferred()
            failed.errback(StoreUnavailable("not_sent"))
            return failed

        play.service.store.sizes = away
        outcome = await playing
        told = "\n".join(outcome.problems)
        self.assertIn("accepted without a receipt", told)
        self.assertIn("the store holds -1", told)
        self.assertEqual(outcome.exit_code, 1)
        self.assertEqual(outcome.ledger["lost"], outcome.ledger["client_accepted"])

    async def test_the_store_is_asked_until_it_agrees(self) -> None:
        """Acknowledgements on their way to the store are waited for before it is compared."""
        play = self.demo(seconds=3.0)
        playing = Deferred.fromCoroutine(play.run())
        await self.until(lambda: hasattr(play, "client") and play.client.tally.accepted, "traffic")
        sizes = play.service.store.sizes
        asked: list[object] = []

        def late(queues: list[bytes]) -> Deferred[Any]:
            if any(not queue.startswith(b"r:") for queue in queues):
                return sizes(queues)  # the node's own look, which is for its metrics
            asked.append(queues)
            return succeed([(1, 2)]) if len(asked) < 3 else sizes(queues)

        play.service.store.sizes = late
        outcome = await playing
        self.assertEqual(outcome.problems, [])
        self.assertEqual(len(asked), 3)

    async def test_nobody_takes_a_port_before_the_node_listens(self) -> None:
        """A port that was found free stays so until the node has it, whoever looks for one."""
        play = self.demo(seconds=60.0)
        refused: list[int] = []

        def late(node: Node, network: Network, reactor: Any) -> service.SmppProxy:
            for port in (*(one.port for one in node.listeners), node.admin.port):
                with socket.socket() as other:
                    try:
                        other.bind(("127.0.0.1", port))
                    except OSError as error:
                        self.assertEqual(errno.EADDRINUSE, error.errno)
                        refused.append(port)
            return build(node, network, reactor)

        play._build = late
        playing = Deferred.fromCoroutine(play.run())
        play.end()
        outcome = await playing
        self.assertEqual(([], 3), (outcome.problems, len({*refused})))

    async def test_a_listener_s_port_is_taken_between_check_and_start(self) -> None:
        """What the check of the ports could not see is told the same way."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = other.getsockname()[1]
            play = self.demo(seconds=3.0)
            self.patch(stage, "held_ports", lambda ports: nullcontext(Ports(taken, 0, 0)))
            with self.assertRaises(PortTaken) as caught:
                await play.run()
        self.assertIn(f"port {taken} cannot be listened on", str(caught.exception))
        self.assertIn("--port PORT", str(caught.exception))


class SmallParts(SynchronousTestCase):
    """Ports and the last line."""

    def test_taken_ports_are_named_with_their_option(self) -> None:
        """Which port, of which option, and what to do; the others are let go again."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = other.getsockname()[1]
            for ports, option in (
                (Ports(taken, 0, 0), "--port"),
                (Ports(0, taken, 0), "--tls-port"),
                (Ports(0, 0, taken), "--http-port"),
            ):
                with self.assertRaises(PortTaken) as caught:
                    self.chosen(ports)
                text = str(caught.exception)
                self.assertIn(f"port {taken} cannot be listened on: it is taken", text)
                self.assertIn(f"{option} PORT (0 = any free one)", text)

    def test_free_ports(self) -> None:
        """0 becomes a free port, each another one; a given one stays."""
        chosen = self.chosen(Ports(0, 0, 0))
        self.assertEqual(len({chosen.plain, chosen.tls, chosen.http}), 3)
        again = self.chosen(Ports(chosen.plain, 0, 0))
        self.assertEqual(again.plain, chosen.plain)

    def test_where_a_held_port_cannot_be_listened_on(self) -> None:
        """It is let go before the node wants it."""
        self.patch(stage, "MAY_HOLD", False)
        with held_ports(Ports(0, 0, 0)) as ports, socket.socket() as other:
            other.bind((stage.ADDRESS, ports.http))

    def chosen(self, ports: Ports) -> Ports:
        """What is chosen, and let go again."""
        with held_ports(ports) as chosen:
            return chosen

    def test_impossible_port(self) -> None:
        """A port that may not be had for another reason says that reason."""
        self.patch(stage, "ADDRESS", "192.0.2.1")
        with self.assertRaises(PortTaken) as caught:
            self.chosen(Ports(0, 0, 0))
        self.assertNotIn("taken", str(caught.exception))

    def test_every_promised_key_is_there(self) -> None:
        """Keys that were not counted are 0; others follow."""
        told = json.loads(Outcome({"accepted": 3, "p99_ms": 1.5}).line())
        self.assertEqual([*told], [*demo.KEYS, "p99_ms"])
        self.assertEqual((told["accepted"], told["lost"]), (3, 0))


class Command(ProcessProtocol):
    """A command of the product as a process."""

    def __init__(self, *arguments: str) -> None:
        self.out = b""
        self.errors = b""
        self.code: int | None = None
        self.ended: Deferred[None] = Deferred()
        program = str(Path(sys.executable).with_name("smppproxy"))
        reactor.spawnProcess(self, program, [program, *arguments], env=None)

    def outReceived(self, data: bytes) -> None:
        """Keep it."""
        self.out += data

    def errReceived(self, data: bytes) -> None:
        """Keep it."""
        self.errors += data

    def processEnded(self, reason: Failure) -> None:
        """The end."""
        self.code = getattr(reason.value, "exitCode", None)
        self.ended.callback(None)

    def says(self, text: bytes) -> Deferred[None]:
        """Until it has said so; fails at once when it ends without."""

        def said() -> bool:
            if self.code is not None and text not in self.out:
                raise AssertionError(f"ended with {self.code}: {self.story}")
            return text in self.out

        return until(reactor, said, 60.0, f"{text!r} in {self.out!r}")

    @property
    def last(self) -> dict[str, Any]:
        """The last line of stdout, which is JSON."""
        last: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return last

    @property
    def story(self) -> str:
        """All it said, for a failure's message."""
        return (self.out + self.errors).decode()


ANY_PORTS = ("--port", "0", "--tls-port", "0", "--http-port", "0")


class Commands(TestCase):
    """``smppproxy demo`` and ``smppproxy simulate`` as anybody runs them."""

    timeout = 240

    @inlineCallbacks
    def test_demo(self) -> Any:
        """Six seconds over the embedded store: exit 0, nothing lost, the ledger comes last."""
        command = Command("demo", "--for", "6", *ANY_PORTS, "--rate", "100")
        yield command.ended
        self.assertEqual(command.code, 0, command.story)
        ledger = command.last
        self.assertEqual(ledger["lost"], 0)
        self.assertEqual(
            ledger["accepted"] + ledger["refused"] + ledger["in_doubt"], ledger["submitted"]
        )
        self.assertEqual(ledger["matched"], ledger["delivered"] + ledger["queued"])
        self.assertGreater(ledger["submitted"], 100)

    @inlineCallbacks
    def test_demo_is_interrupted(self) -> Any:
        """Ctrl-C ends it early with the ledger."""
        command = Command("demo", "--for", "60", *ANY_PORTS)
        yield command.says(b"2 bound")
        command.transport.signalProcess(signal.SIGINT)  # type: ignore[union-attr]
        yield command.ended
        self.assertEqual(command.code, 0, command.story)
        self.assertEqual(command.last["lost"], 0)
        self.assertLess(command.last["seconds"], 30)

    @inlineCallbacks
    def test_demo_on_a_taken_port(self) -> Any:
        """Exit 2, and what to do about it."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = str(other.getsockname()[1])
            command = Command("demo", "--port", taken, *ANY_PORTS[2:])
            yield command.ended
        self.assertEqual(command.code, 2, command.story)
        self.assertIn(f"port {taken} cannot be listened on".encode(), command.errors)

    @inlineCallbacks
    def test_simulate(self) -> Any:
        """A provider and a client by themselves: every message comes home, both count it."""
        provider = Command(
            "simulate", "smsc", "--port", "0", "--id-format", "hex", "--account", "me:secret",
            "--receipt-delay", "0.01-0.05", "--error", "0x58:0.1",
        )  # fmt: skip
        yield provider.says(b"host a: ")
        port = provider.out.split()[2].rpartition(b":")[2].decode()
        client = Command(
            "simulate", "esme", "--port", port, "--system-id", "me", "--password", "secret",
            "--count", "200",
        )  # fmt: skip
        yield client.ended
        self.assertEqual(client.code, 0, client.story)
        self.assertEqual(client.last["receipted"], client.last["accepted"])
        provider.transport.signalProcess(signal.SIGINT)  # type: ignore[union-attr]
        yield provider.ended
        self.assertEqual(provider.code, 0, provider.story)
        self.assertEqual(provider.last["accepted"], client.last["accepted"])

    @inlineCallbacks
    def test_simulate_a_preset(self) -> Any:
        """``--preset``: its ids, its window; options that are written win over it."""
        provider = Command("simulate", "smsc", "--preset", "gatewayapi", "--response-delay", "0.01")
        yield provider.says(b"host a: ")
        port = provider.out.split()[2].rpartition(b":")[2].decode()
        client = Command("simulate", "esme", "--port", port, "--count", "50", "--window", "20")
        yield client.ended
        provider.transport.signalProcess(signal.SIGINT)  # type: ignore[union-attr]
        yield provider.ended
        self.assertEqual(provider.code, 0, provider.story)
        self.assertGreater(provider.last["beyond_window"], 0)
        self.assertEqual(provider.last["accepted"], client.last["receipted"])
        self.assertEqual(provider.last["unwanted"], 0)

    @inlineCallbacks
    def test_simulated_client_without_receipts(self) -> Any:
        """Exit 1 with what is missing, when receipts do not come before the time is over."""
        provider = Command("simulate", "smsc", "--receipt-delay", "60")
        yield provider.says(b"host a: ")
        port = provider.out.split()[2].rpartition(b":")[2].decode()
        client = Command(
            "simulate", "esme", "--port", port, "--count", "5", "--for", "4", "--drain", "0.2"
        )
        yield client.ended
        self.assertEqual(client.code, 1, client.story)
        self.assertIn(b"5 message(s) accepted without a receipt", client.errors)
        provider.transport.signalProcess(signal.SIGTERM)  # type: ignore[union-attr]
        yield provider.ended

    @inlineCallbacks
    def test_simulated_client_is_interrupted(self) -> Any:
        """Ctrl-C lets what is under way come home."""
        provider = Command("simulate", "smsc", "--receipt-delay", "0.2")
        yield provider.says(b"host a: ")
        port = provider.out.split()[2].rpartition(b":")[2].decode()
        client = Command("simulate", "esme", "--port", port, "--count", "0", "--rate", "50")
        yield client.says(b"bound to")
        client.transport.signalProcess(signal.SIGINT)  # type: ignore[union-attr]
        yield client.ended
        self.assertEqual(client.code, 0, client.story)
        provider.transport.signalProcess(signal.SIGINT)  # type: ignore[union-attr]
        yield provider.ended
        self.assertEqual(provider.last["accepted"], client.last["receipted"])

    @inlineCallbacks
    def test_simulated_provider_for_a_while(self) -> Any:
        """It ends by itself after its time."""
        provider = Command("simulate", "smsc", "--for", "0.5")
        yield provider.ended
        self.assertEqual((provider.code, provider.last["accepted"]), (0, 0), provider.story)

    @inlineCallbacks
    def test_simulate_with_wrong_options(self) -> Any:
        """What cannot be is said, exit 2."""
        for arguments, text in (
            (("smsc", "--shape", "round"), b"'shape' must be in"),
            (("smsc", "--preset", "nobody"), b"no preset nobody; see smppproxy show presets"),
            (("smsc", "--error", "x"), b"STATUS:FRACTION"),
            (("smsc", "--receipt-delay", "soon"), b"LEAST-MOST"),
            (("esme", "--bind", "both"), b"'bind' must be in"),
        ):
            command = Command("simulate", *arguments)
            yield command.ended
            self.assertEqual(command.code, 2, command.story)
            self.assertIn(text, command.errors)

    @inlineCallbacks
    def test_simulated_provider_on_a_taken_port(self) -> Any:
        """Exit 2 with the reason."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            command = Command("simulate", "smsc", "--port", str(other.getsockname()[1]))
            yield command.ended
        self.assertEqual(command.code, 2, command.story)
        self.assertIn(b"Couldn't listen", command.errors)
