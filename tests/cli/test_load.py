"""`smppproxy load` and `smppproxy simulate` as commands."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.cli.load import told_of
from smppproxy.simulator.load.counts import Counts
from smppproxy.simulator.load.hosts import Hosts
from smppproxy.simulator.load.provider import LeanOptions
from smppproxy.simulator.load.run import Moment
from tests.cli.running import run

COMMAND = [sys.executable, "-c", "from smppproxy.cli import main; main()"]


class LoadTests(SynchronousTestCase):
    """The command line, its files, its status."""

    timeout = 60

    def port(self, **options: object) -> str:
        """A lean provider's."""
        hosts = Hosts(LeanOptions(**options), [0])  # type: ignore[arg-type]
        self.addCleanup(hosts.stop)
        return str(hosts.ports[0])

    def test_good(self) -> None:
        """A table, JSON, a picture; status 0."""
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        result = run(
            "load", "--port", self.port(), "--count", "500", "--json", str(folder / "load.json"),
            "--picture", str(folder / "load.svg"), "--pid", f"me={os.getpid()}",
        )  # fmt: skip
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertIn("500 submitted, 500 accepted, 500 receipts", result.output)
        self.assertRegex(result.output, r"response +\d+\.\d\d +\d+\.\d\d")
        told = json.loads((folder / "load.json").read_text())
        self.assertEqual((told["counts"]["receipts"], told["exit_status"]), (500, 0))
        self.assertIn("me", told["cpu_us_per_message"])
        ET.parse(folder / "load.svg")

    def test_transmitters_and_receivers(self) -> None:
        """Each bind as two sessions; a receiver takes every receipt."""
        bind = ("--bind", "transmitter+receiver", "--binds", "2")
        result = run("load", "--port", self.port(), "--count", "300", *bind)
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertIn("300 submitted, 300 accepted, 300 receipts", result.output)
        alone = ("--bind", "transmitter", "--no-receipts")
        result = run("load", "--port", self.port(), "--count", "100", *alone)
        self.assertEqual(result.exit_code, 0, result.output)

    def test_json_to_stdout(self) -> None:
        """- is standard output, and nothing else is there."""
        command = [*COMMAND, "load", "--port", self.port(), "--count", "50", "--json", "-"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
        self.assertEqual(json.loads(done.stdout)["counts"]["accepted"], 50)
        self.assertIn("50 submitted", done.stderr)

    def test_refusals(self) -> None:
        """They are told by their names; when all are refused the status is 1."""
        port = self.port(errors={0x58: 1.0})
        result = run("load", "--port", port, "--count", "20", "--no-receipts")
        self.assertEqual(result.exit_code, 1)
        self.assertIn("refused with ESME_RTHROTTLED: 20", result.output)

    def test_loss(self) -> None:
        """What is lost stands in red, and the status is 1."""
        port = self.port(receipts=False)
        result = run("load", "--port", port, "--count", "20", "--drain", "0.5")
        self.assertEqual(result.exit_code, 1)
        self.assertIn("LOST receipts missing: 20", result.output)

    def test_nobody(self) -> None:
        """Status 3, and why."""
        result = run("load", "--port", "1", "--count", "1")
        self.assertEqual(result.exit_code, 3)
        self.assertIn("nobody answers at 127.0.0.1:1: Connection refused", result.output)

    def test_command_line(self) -> None:
        """What cannot be is status 2, with what would be right."""
        for arguments, part in (
            (("--prefix", "x"), "a prefix holds digits only"),
            (("--text", "\u4e16"), "use --data-coding 8"),
            (("--pid", "x"), "is not NAME=PID"),
            (("--bind", "transmitter"), "a transmitter gets no receipts"),
            (("--bind", "tx"), "transmitter+receiver"),
            (("--password", "env:NOBODY_HAS_THIS"), "there is no password at env:NOBODY_HAS_THIS"),
        ):
            result = run("load", "--port", "1", *arguments)
            self.assertEqual(result.exit_code, 2, result.output)
            self.assertIn(part, " ".join(result.output.split()))

    def test_interrupted(self) -> None:
        """Ctrl-C: what was sent is answered, the report is whole."""
        command = [*COMMAND, "load", "--port", self.port(), "--rate", "100", "--for", "60",
                   "--json", "-"]  # fmt: skip
        running = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(running.stderr.close)  # type: ignore[union-attr]
        while not Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text():
            self.assertIsNone(running.poll())
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=50)
        told = json.loads(out)
        self.assertLess(told["counts"]["submitted"], 6000)
        self.assertEqual(told["faults"], {})

    def test_beside_the_bar(self) -> None:
        """Rate and counts, with their thousands apart."""
        moment = Moment("submitting", 1.0, 4, Counts(submitted=12_345, accepted=12_000), 9_999.6)
        self.assertIn("10,000/s  12,345 sent  12,000 ok  0 receipts", told_of(moment))

    def test_without_an_end(self) -> None:
        """Without --count and --for it takes ten seconds."""
        from smppproxy.cli.load import _by_cores, _options, _part

        rest = {
            "address": "x", "port": 1, "system_id": "a", "binds": 1, "window": 1, "rate": 0.0,
            "count": 0, "prefixes": ("45",), "source": "b", "data_coding": 0, "receipts": True,
            "drain": 1.0,
        }  # fmt: skip
        made = _options(False, "", True, "pw", 0.0, "hi", rest)
        self.assertEqual((made.seconds, made.tls, made.verify), (10.0, True, False))
        self.assertEqual(_part(made, Moment("submitting", 5.0, 1, Counts(), 0.0)), 0.5)
        self.assertGreater(_by_cores(), 0)


class SimulateTests(SynchronousTestCase):
    """A provider and a client from the command line."""

    timeout = 60

    def smsc(self, *arguments: str) -> tuple[subprocess.Popen[str], list[str]]:
        """A provider that runs until it is told to end, and its first lines."""
        command = [*COMMAND, "simulate", "smsc", *arguments]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addCleanup(running.kill)
        assert running.stdout is not None
        lines = [running.stdout.readline()]
        while not re.match("host b:", lines[-1]):
            self.assertNotEqual(lines[-1], "")
            lines.append(running.stdout.readline())
        return running, lines

    def ended(self, running: subprocess.Popen[str]) -> dict[str, int]:
        """End it; its counts."""
        running.terminate()
        out, _ = running.communicate(timeout=30)
        self.assertEqual(running.returncode, 0)
        counts: dict[str, int] = json.loads(out.splitlines()[-1])
        return counts

    def test_lean(self) -> None:
        """Several processes share its ports; SIGTERM ends them, and their counts are one."""
        running, lines = self.smsc("--port", "0", "--port", "0", "--processes", "2",
                                   "--account", "us:pw", "--id-format", "hex")  # fmt: skip
        port = lines[-1].rsplit(":", 1)[1].strip()
        result = run("load", "--port", port, "--system-id", "us", "--password", "pw", "--count",
                     "300", "--processes", "1", "--binds", "8")  # fmt: skip
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertEqual(self.ended(running)["accepted"], 300)

    def test_tls(self) -> None:
        """A certificate made on the spot, which a client may trust; both simulators have TLS."""
        for lean in ((), ("--lean",)):
            running, lines = self.smsc("--port", "0", "--port", "0", "--tls", *lean)
            certificate = lines[0].split()[1]
            port = lines[-1].rsplit(":", 1)[1].strip()
            result = run("load", "--port", port, "--ca", certificate, "--count", "50")
            self.assertEqual(result.exit_code, 0, result.output)
            command = [*COMMAND, "simulate", "esme", "--port", port, "--ca", certificate,
                       "--count", "50"]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout.splitlines()[-1])["receipted"], 50)
            self.assertEqual(self.ended(running)["accepted"], 100)
            self.assertFalse(Path(certificate).exists())

    def test_a_client_that_got_nothing_done(self) -> None:
        """Refused binds, or nothing but refused messages, are no success."""
        for habits, told in (
            (("--account", "somebody:else"), "not one bind was accepted"),
            (("--error", "0x0B:1.0"), "not one of 5 messages was accepted"),
        ):
            running, lines = self.smsc("--port", "0", "--port", "0", *habits)
            port = lines[-1].rsplit(":", 1)[1].strip()
            command = [*COMMAND, "simulate", "esme", "--port", port, "--count", "5", "--for", "2",
                       "--drain", "0.1"]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(told, done.stderr)
            self.ended(running)

    def test_a_client_that_nobody_lets_in(self) -> None:
        """It does not try for ever: a refused bind is status 1 with its command_status, nobody
        there is status 3, and so is a peer that ends the connection; it never says "bound"."""
        asked = ("--port", "0", "--port", "0", "--account", "somebody:else", "--tls")
        running, lines = self.smsc(*asked)
        certificate, port = lines[0].split()[1], lines[-1].rsplit(":", 1)[1].strip()
        # Bound, so that nobody else gets it, and never listening.
        deaf = socket.socket()
        self.addCleanup(deaf.close)
        deaf.bind(("127.0.0.1", 0))
        nobody = str(deaf.getsockname()[1])
        for arguments, code, told in (
            (("--port", port, "--ca", certificate), 1, "the bind was refused: ESME_RINVPASWD"),
            (("--port", nobody), 3, "nobody answers: Connection was refused"),
            (("--port", port), 3, "the connection ended before the bind was answered: "),
        ):
            command = [*COMMAND, "simulate", "esme", "--count", "5", *arguments]
            done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(told, done.stderr)
            self.assertNotIn("bound to", done.stdout)
            self.assertEqual(json.loads(done.stdout.splitlines()[-1])["binds"], 0)
        self.ended(running)

    def test_crashes(self) -> None:
        """Hosts die in turn and come back on their ports."""
        command = [*COMMAND, "simulate", "smsc", "--port", "0", "--port", "0", "--crash",
                   "0.2:0.1", "--for", "3"]  # fmt: skip
        # Twisted keeps a descriptor in reserve and never closes it, which only -W error minds.
        environment = {**os.environ, "PYTHONWARNINGS": "ignore::ResourceWarning"}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=50, check=True, env=environment
        )
        self.assertIn("host a is down for 0.1 s\nhost b is down for 0.1 s", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_command_line(self) -> None:
        """What cannot be is status 2."""
        for arguments, part in (
            (("smsc", "--lean", "--early", "0.1"), "the lean provider has no --early"),
            (("smsc", "--lean", "--preset", "ozeki"), "the lean provider has no --preset"),
            (("smsc", "--processes", "2", "--crash", "2:1"), "the lean provider has no --crash"),
            (("smsc", "--lean", "--id-format", "x"), "'id_format' must be in"),
            (("smsc", "--crash", "x"), "x is not EVERY:DOWN"),
            (("smsc", "--crash", "1:2"), "a host is down for less than it is up"),
            (("smsc", "--early", "2"), "2.0 is not in the range 0.0<=x<=1.0"),
            (("smsc", "--tps", "-1"), "-1 is not in the range x>=0"),
            (("smsc", "--receipt-delay", "5-1"), "5-1: the least of LEAST-MOST goes first"),
            (("smsc", "--error", "0x58:2"), "0x58:2: a status has 32 bits"),
            (("smsc", "--error", "0:0.1"), "0x0:0.1: a status has 32 bits and is not 0"),
            (("smsc", "--account", "us"), "an account is SYSTEM_ID:PASSWORD, us is not"),
            (("smsc", "--id-format", "x"), "must be in ['dec', 'hex', 'HEX',"),
            (("smsc", "--port", "65536"), "65536 is not in the range 0<=x<=65535"),
            (("esme", "--count", "-1"), "-1 is not in the range x>=0"),
            (("esme", "--window", "0"), "0 is not in the range x>=1"),
            (("esme", "--deaf", "2"), "2.0 is not in the range 0.0<=x<=1.0"),
            (("smsc", "--key", "x"), "--certificate and --key go together"),
            (("esme", "--ca", "/nowhere"), "cannot read /nowhere"),
        ):
            result = run("simulate", *arguments)
            self.assertEqual(result.exit_code, 2, result.output)
            self.assertIn(part, " ".join(result.output.split()))

    def test_bad_certificate(self) -> None:
        """Files that are neither certificate nor key."""
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        (folder / "x").write_text("x")
        both = ("--certificate", str(folder / "x"), "--key", str(folder / "x"))
        for lean in ((), ("--lean",)):
            result = run("simulate", "smsc", *both, *lean)
            self.assertEqual(result.exit_code, 2)
            self.assertIn("are no certificate and key", " ".join(result.output.split()))

    def test_taken(self) -> None:
        """A port that another program has: status 2."""
        import socket

        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            result = run("simulate", "smsc", "--lean", "--port", port)
        self.assertEqual(result.exit_code, 2)
        self.assertIn("Address already in use", result.output)
