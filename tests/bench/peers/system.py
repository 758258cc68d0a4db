"""What is measured: our node or a peer, each in processes of its own before hosts of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import attrs

from smppproxy.simulator.load.hosts import Hosts
from smppproxy.simulator.load.plan import LoadOptions, encode
from smppproxy.simulator.load.provider import LeanOptions
from smppproxy.simulator.load.run import Load, Moment
from smppproxy.simulator.load.series import quantiles
from smppproxy.simulator.load.usage import cpu_of
from tests.bench.peers.reckoning import NOT_OWN, Round
from tests.bench.rig import RECEIPT_DELAY, ROOT, command, descendants
from tests.support.waiting import holds

#: Where it all goes, and where what a peer needs is kept for the next run.
OUT = ROOT / "build" / "peers"
CACHE = OUT / "cache"

#: What peers bind with to the hosts; Kannel sends no more than 8 characters of a password.
LOGIN = ("smppproxy", "provider")
BINDS, WINDOW = 10, 50
TEXT = "Your code is 493817. It is good for ten minutes. - smppproxy"
#: Seconds without any answer or receipt, after which the rest counts as lost.
DRAIN = 12.0
#: Seconds that any system may take until it is bound to all of its hosts.
PATIENCE = 60.0
#: Seconds that its processes may take to end.
LEAVING = 10.0
#: Seconds of a round at least: a load test that was broken off knows no time.
LEAST = 1e-3
#: Seconds that it may go on working after a round, and processor seconds in half a second of which
#: that is said no more.
SETTLING, IDLE = 20.0, 0.05


class Unavailable(Exception):
    """A peer cannot be measured here; the text says why."""


@attrs.define
class Dose:
    """How much load there is in a round.

    :ivar seconds: it lasts so long; :ivar count: at most so many messages, 0: no limit;
    :ivar deadline: seconds from the first message, after which nothing is waited for any more.
    """

    seconds: float = 10.0
    count: int = 0
    deadline: float = 30.0


class System:
    """One of them. :meth:`start`, :meth:`round` as often as wanted, :meth:`stop`.

    :ivar name: as the command line has it. :ivar what: as the table has it.
    :ivar versions: of everything that runs. :ivar configuration: what of it matters, in a sentence.
    :ivar count: messages of one round at most, for a system that takes more than it can deliver;
        0: no limit. :ivar rounds: how many at most, the same.
    """

    name = ""
    what = ""
    configuration = ""
    count = 0
    rounds = 0

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self._folder: Folder | None = None
        self._hosts: Hosts | None = None
        self._first = time.time_ns() // 1_000_000 * 7 % 100_000_000

    def start(self) -> None:
        """Start it; it takes messages once this returns. Raises `Unavailable`."""
        raise NotImplementedError

    def stop(self) -> None:
        """End every process that it started, also after a start that failed half-way."""
        if self._folder is not None:
            self._folder.stop()
        if self._hosts is not None:
            self._hosts.stop()

    def pids(self) -> dict[str, list[int]]:
        """Its processes by what they are; what is none of its own, as the hosts that are its
        ``provider``, is named in ``NOT_OWN``."""
        assert self._folder is not None and self._hosts is not None
        return {**self._folder.pids(), "provider": self._hosts.pids}

    def round(self, dose: Dose) -> Round:
        """Load it once."""
        raise NotImplementedError

    def settle(self) -> None:
        """Wait until it has done what it still had to do, but not for ever."""
        pids = [pid for name, each in self.pids().items() if name not in NOT_OWN for pid in each]
        end = time.monotonic() + SETTLING
        was = float("-inf")
        while time.monotonic() < end:
            used = sum(cpu_of(pid) for pid in pids)
            if used - was < IDLE:
                return
            was = used
            time.sleep(0.5)


class SmppSystem(System):
    """One with an SMPP door: our own load test is its client."""

    system_id = b"load"
    password = b"load"
    port = 0

    def round(self, dose: Dose) -> Round:
        """As fast as the windows let it, until the dose is through and everything came back."""
        options = LoadOptions(
            port=self.port, system_id=self.system_id, password=self.password, binds=BINDS,
            window=WINDOW, seconds=dose.seconds, count=dose.count, text=encode(TEXT, 0),
            drain=DRAIN, first=self._first,
        )  # fmt: skip
        pids = self.pids()
        load = Load(options, 1, pids, partial(self._look, dose.deadline))
        self._running = load
        self._active = self._came = 0.0
        result = load.run()
        self._first = (self._first + result.counts.submitted) % 100_000_000
        if result.trouble and not result.counts.submitted:
            raise Unavailable(result.trouble)
        return Round(
            self.name,
            seconds=result.seconds if result.seconds > LEAST else self._active,
            submitted=result.counts.submitted,
            accepted=result.counts.accepted,
            done=result.counts.receipts - result.duplicated,
            cpu={name: cpu for name, cpu in result.cpu.items() if name in pids},
            response_ms=quantiles(result.responses),
            receipt_ms=quantiles(result.deliveries),
            faults=result.faults(),
        )

    def _look(self, deadline: float, moment: Moment) -> None:
        came = moment.counts.accepted + moment.counts.refused + moment.counts.receipts
        if came > self._came:
            self._came, self._active = came, moment.elapsed
        # Once: submit no more; again: wait no more. The result knows no time then.
        if moment.elapsed > deadline:
            self._running.interrupt()


class Folder:
    """A folder of its own and the processes that were started for one system."""

    def __init__(self, name: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"smppproxy-peers-{name}-"))
        self._processes: dict[str, list[subprocess.Popen[bytes]]] = {}

    def run(
        self,
        kind: str,
        line: Sequence[str],
        environ: Mapping[str, str] | None = None,
        piped: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start a process of a kind; what it says is in ``KIND.out`` unless it is piped."""
        with (self.path / f"{kind}.out").open("ab") as out:
            process = subprocess.Popen(
                line,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if piped else out,
                stderr=out,
                cwd=self.path,
                env={**os.environ, **(environ or {})},
            )
        self._processes.setdefault(kind, []).append(process)
        return process

    def until(self, kind: str, condition: object, what: str) -> None:
        """Wait for a condition. Raises `Unavailable`: it did not come, or the process has ended."""
        assert callable(condition)

        def is_over() -> bool:
            return any(each.poll() is not None for each in self._processes[kind])

        if not holds(lambda: condition() or is_over(), PATIENCE) or not condition():
            raise Unavailable(f"{what}; {kind} said last:\n{self.story(kind)}")

    def story(self, kind: str, lines: int = 12) -> str:
        """What a kind of process said last."""
        text = (self.path / f"{kind}.out").read_text("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])

    def pids(self) -> dict[str, list[int]]:
        """Every process by its kind, with all that it started itself."""
        return {
            kind: [pid for each in processes for pid in (each.pid, *descendants(each.pid))]
            for kind, processes in self._processes.items()
        }

    def stop(self) -> None:
        """SIGTERM, the last started first; SIGKILL to what does not mind it; the folder."""
        for processes in reversed(self._processes.values()):
            for process in reversed(processes):
                _end(process)
        shutil.rmtree(self.path, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    children = {pid: command(pid) for pid in descendants(process.pid)}
    process.terminate()
    try:
        process.communicate(timeout=LEAVING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    # They heard of it from their parent, and a number may be somebody else's by now.
    for pid, line in children.items():
        if line and command(pid) == line:
            _kill(pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def simulated_hosts() -> Hosts:
    """Two hosts of one provider, the same for everybody."""
    options = LeanOptions(
        accounts={LOGIN[0].encode(): LOGIN[1].encode()},
        receipt_delay=(RECEIPT_DELAY, RECEIPT_DELAY),
        window=100,
    )
    return Hosts(options, [0, 0])
