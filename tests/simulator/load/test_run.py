"""Load tests as they are run: processes of their own, real sockets, real faults."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.simulator.certificate import self_signed
from smppproxy.simulator.load.hosts import Hosts
from smppproxy.simulator.load.plan import LoadOptions
from smppproxy.simulator.load.provider import LeanOptions
from smppproxy.simulator.load.result import GOOD, LOSS, NOBODY, Result
from smppproxy.simulator.load.run import COMMAND, Load, Moment
from smppproxy.simulator.smsc import Smsc, SmscOptions


class LeanTests(SynchronousTestCase):
    """Against the lean provider, which is processes of its own too."""

    timeout = 60

    def hosts(self, processes: int = 1, ports: int = 1, **more: Any) -> Hosts:
        """A provider on free ports."""
        options = more.pop("options", LeanOptions())
        made = Hosts(options, [0] * ports, processes=processes, **more)
        self.addCleanup(made.stop)
        return made

    def load(self, port: int, processes: int = 1, **options: Any) -> Result:
        """A load test to its end."""
        options.setdefault("count", 2000)
        return Load(LoadOptions(port=port, **options), processes).run()

    def test_everything_comes_back(self) -> None:
        """Two processes of clients against two of a provider: all answered, all receipted."""
        hosts = self.hosts(2, options=LeanOptions(receipt_delay=(0.0, 0.1)))
        result = self.load(hosts.ports[0], 2, binds=6, window=20, prefixes=[b"45", b"467"])
        self.assertEqual((result.exit_status, result.faults()), (GOOD, {}))
        counts = result.counts
        self.assertEqual((counts.submitted, counts.accepted, counts.receipts, counts.binds),
                         (2000, 2000, 2000, 6))  # fmt: skip
        self.assertEqual((len(result.responses), len(result.deliveries)), (2000, 2000))
        self.assertEqual(sum(slot.answered for slot in result.series.slots), 2000)
        totals = hosts.stop()
        self.assertEqual((totals["accepted"], totals["receipts_acked"]), (2000, 2000))

    def test_rate(self) -> None:
        """At a rate it takes the time that the schedule says, whatever the windows allow."""
        hosts = self.hosts()
        moments: list[Moment] = []
        options = LoadOptions(port=hosts.ports[0], rate=400.0, seconds=1.0, receipts=False)
        result = Load(options, 1, {"smsc": hosts.pids}, moments.append).run()
        self.assertEqual(result.exit_status, GOOD)
        self.assertEqual((result.counts.submitted, result.counts.receipts), (400, 0))
        self.assertGreaterEqual(result.seconds, 0.99)
        self.assertEqual({*result.cpu}, {"load", "smsc"})
        self.assertIn("submitting", {moment.state for moment in moments})

    def test_behind(self) -> None:
        """More than the windows let through: what found no room is told, and is no loss."""
        hosts = self.hosts(options=LeanOptions(response_delay=(0.2, 0.2)))
        result = self.load(
            hosts.ports[0], rate=500.0, seconds=1.0, count=0, binds=1, window=2
        )
        self.assertEqual((result.exit_status, result.faults()), (GOOD, {}))
        self.assertEqual(result.behind + result.counts.submitted, 500)
        self.assertGreater(result.behind, 400)
        self.assertGreater(result.responses.quantile(0.9), 500.0)

    def test_tls(self) -> None:
        """Both sides speak TLS; a certificate that nobody trusts ends it before the bind."""
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        own = self_signed("localhost")
        (folder / "crt").write_bytes(own.certificate_pem)
        (folder / "key").write_bytes(own.key_pem)
        hosts = self.hosts(certificate=str(folder / "crt"), key=str(folder / "key"))
        secure = {"tls": True, "ca": str(folder / "crt"), "window": 200}
        result = self.load(hosts.ports[0], 1, **secure)
        self.assertEqual((result.exit_status, result.counts.receipts), (GOOD, 2000))
        result = self.load(hosts.ports[0], 1, tls=True, verify=False, count=10)
        self.assertEqual(result.exit_status, GOOD)
        result = self.load(hosts.ports[0], 1, tls=True, count=10)
        self.assertEqual(result.exit_status, NOBODY)
        self.assertIn("CERTIFICATE_VERIFY_FAILED", result.trouble)
        self.assertRaises(ssl.SSLError, ssl.create_default_context, cafile=str(folder / "key"))

    def test_nobody(self) -> None:
        """No server, or a name that is none: status 3, and why."""
        hosts = self.hosts()
        port = hosts.ports[0]
        hosts.stop()
        result = self.load(port)
        self.assertEqual(result.exit_status, NOBODY)
        self.assertIn(f"nobody answers at 127.0.0.1:{port}: Connection refused", result.trouble)
        result = self.load(port, address="nowhere.invalid")
        self.assertEqual(result.exit_status, NOBODY)

    def test_refused_bind(self) -> None:
        """A wrong password is told by its status."""
        hosts = self.hosts(options=LeanOptions(accounts={b"demo": b"other"}))
        result = self.load(hosts.ports[0])
        self.assertEqual(result.exit_status, LOSS)
        self.assertIn("the bind as demo was refused: ESME_RINVPASWD", result.trouble)

    def test_port_taken(self) -> None:
        """A port that another program listens on: nothing is started."""
        import socket

        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.assertRaises(OSError, Hosts, LeanOptions(), [0, port])

    def test_interrupted(self) -> None:
        """It ends early, with answers for all that it has sent; before its binds, at once."""
        hosts = self.hosts()
        running: Load

        def told(moment: Moment) -> None:
            if moment.counts.accepted > 10:
                running.interrupt()

        options = LoadOptions(port=hosts.ports[0], rate=200.0, seconds=60.0)
        running = Load(options, 1, told=told)
        result = running.run()
        self.assertEqual((result.exit_status, result.faults()), (GOOD, {}))
        self.assertLess(result.counts.submitted, 10_000)
        running = Load(options, 1, told=lambda _: running.interrupt())
        result = running.run()
        self.assertEqual((result.exit_status, result.trouble), (LOSS, "interrupted"))

    def test_process_that_dies(self) -> None:
        """A process that ends by itself ends the test, which is no good one then."""
        hosts = self.hosts()
        options = LoadOptions(port=hosts.ports[0], count=10)
        result = Load(options, 1, command=(sys.executable, "-c", "pass")).run()
        self.assertNotEqual(result.exit_status, GOOD)
        self.assertNotEqual(result.trouble, "")

    def test_lost_provider(self) -> None:
        """The server dies under load: what was not answered is counted, and the status is 1."""
        hosts = self.hosts()
        stopped: list[object] = []

        def told(moment: Moment) -> None:
            if moment.counts.accepted > 10 and not stopped:
                stopped.append(hosts.stop())

        options = LoadOptions(port=hosts.ports[0], rate=500.0, count=100_000, drain=1.0)
        result = Load(options, 1, told=told).run()
        self.assertEqual(result.exit_status, LOSS)
        self.assertEqual(result.counts.sessions_lost, 4)
        self.assertEqual(result.faults()["sessions not bound at the end"], 4)
        self.assertGreater(result.unsent, 0)
        self.assertEqual(COMMAND[1:], ("-m", "smppproxy.simulator.load"))


class FaultTests(TestCase):
    """Against the provider with every habit, in this process: what it does wrong is found."""

    timeout = 60

    async def loaded(self, habits: dict[str, Any], **options: Any) -> Result:
        """A load test against such a provider."""
        smsc = Smsc(reactor, SmscOptions(**habits))
        self.addCleanup(smsc.stop)
        options.setdefault("count", 200)
        made = LoadOptions(port=smsc.listen("a"), drain=1.0, **options)
        result: Result = await deferToThread(Load(made, 1).run)
        return result

    def case(self, habits: dict[str, Any], check: Callable[[Result], None], **options: Any) -> Any:
        """Load, then look."""
        return ensureDeferred(self.loaded(habits, **options)).addCallback(check)

    def test_good(self) -> Any:
        """Hex ids, message_payload, notifications: nothing is wrong with them."""

        def check(result: Result) -> None:
            self.assertEqual((result.exit_status, result.faults()), (GOOD, {}))

        return self.case({"id_format": "hex", "shape": "payload", "intermediate": True}, check)

    def test_duplicates(self) -> Any:
        """Every receipt twice."""

        def check(result: Result) -> None:
            self.assertEqual((result.exit_status, result.duplicated), (LOSS, 200))

        return self.case({"duplicates": 1.0}, check)

    def test_missing(self) -> Any:
        """No receipts."""

        def check(result: Result) -> None:
            self.assertEqual((result.exit_status, result.missing), (LOSS, 200))

        return self.case({"receipts": False}, check)

    def test_unanswered(self) -> Any:
        """Silence."""

        def check(result: Result) -> None:
            self.assertEqual((result.exit_status, result.unanswered), (NOBODY, 200))

        return self.case({"silence": 1.0, "receipts": False}, check)

    def test_early(self) -> Any:
        """Receipts before their answers."""

        def check(result: Result) -> None:
            self.assertEqual(result.exit_status, LOSS)
            self.assertGreater(result.counts.early, 0)

        return self.case({"early": 1.0}, check, binds=1)

    def test_throttled(self) -> Any:
        """Refusals are told and are no loss."""

        def check(result: Result) -> None:
            self.assertEqual((result.exit_status, result.faults()), (GOOD, {}))
            self.assertEqual(result.statuses[0x58], result.counts.refused)

        return self.case({"errors": {0x58: 0.5}}, check)

    def test_other_ids(self) -> Any:
        """Receipts that spell the id in another way are not what the client was told."""

        def check(result: Result) -> None:
            self.assertEqual(result.exit_status, LOSS)
            self.assertEqual(result.counts.misplaced, result.counts.accepted)

        return self.case({"id_format": "dec", "receipt_id_format": "padded"}, check)
