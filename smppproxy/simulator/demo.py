"""``smppproxy demo``: a real node between simulated providers and a sample client, in one process.

Provider *acme* has hosts a and b, provider *backup* one host. At a third of the time host a is
killed, at two thirds it is back; the last line on stdout is the ledger as one JSON object.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.logger import Logger, globalLogBeginner, textFileLogObserver
from twisted.python.failure import Failure

from smppproxy.config import Network, Node, load_network, load_node
from smppproxy.simulator import histories, stage, view
from smppproxy.simulator.clock import NotInTime, Reactor, until
from smppproxy.simulator.esme import Esme, EsmeOptions
from smppproxy.simulator.run import in_reactor
from smppproxy.simulator.show import Show
from smppproxy.simulator.smsc import Smsc, SmscOptions
from smppproxy.simulator.stage import Ports, PortTaken
from smppproxy.store.interface import RECEIPTS, StoreUnavailable

#: Exit codes of the command.
BALANCED, UNBALANCED, CANNOT_START = 0, 1, 2

#: What the last line tells first, in this order.
KEYS = (
    "submitted",
    "accepted",
    "refused",
    "in_doubt",
    "resent",
    "receipts_in",
    "matched",
    "parked",
    "delivered",
    "queued",
    "lost",
    "duplicated",
)

START_WITHIN = 20.0
DRAIN_WITHIN = 10.0
RATE_OVER = 1.0
RECENT = 2000


@define
class DemoOptions:
    """The command's options. ``seconds`` is how long the traffic is shown, its end included."""

    port: int = 2775
    tls_port: int = 8775
    http_port: int = 8080
    seconds: float = 30.0
    rate: float = 200.0


class NodeService(Protocol):
    """What the demo needs of a built node (:class:`smppproxy.service.SmppProxy`)."""

    relay: Any
    store: Any
    network: Network

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Start."""

    def stopService(self) -> Any:  # noqa: N802 - Twisted's name
        """Stop; fires when all is closed."""

    def binds(self) -> Sequence[Any]:
        """One row per bind to a provider."""


Build = Callable[[Node, Network, Any], NodeService]


@define
class Sample:
    """Counts at one moment, for rates."""

    at: float
    submits: int
    receipts: int
    accepted: Mapping[tuple[str, str], int]


@define
class Outcome:
    """How the demo ended: the ledger with the client's counts, and what is wrong."""

    ledger: dict[str, float]
    problems: list[str] = field(factory=list)

    @property
    def exit_code(self) -> int:
        """0 only if it balances and nothing was lost."""
        return UNBALANCED if self.problems else BALANCED

    def line(self) -> str:
        """The ledger as one JSON object, the promised keys first."""
        first = {key: self.ledger.get(key, 0) for key in KEYS}
        return json.dumps(first | self.ledger)


class Demo:
    """The world of the demo: :meth:`run` plays it once; :meth:`end` lets it end early."""

    _log = Logger()

    def __init__(
        self, reactor: Reactor, options: DemoOptions, build: Build, folder: Path, out: TextIO
    ) -> None:
        self.options = options
        self.events: list[str] = []
        self._reactor = reactor
        self._build = build
        self.folder = folder
        self._out = out
        self._over = False
        self._started_at = 0.0
        self._samples: list[Sample] = []
        self._hint: list[str] = []
        account, password = (word.encode() for word in stage.UPSTREAM)
        self.acme = Smsc(
            reactor,
            SmscOptions(
                system_id=b"acme",
                accounts={account: password},
                id_format="hex",
                receipt_id_format="padded",
                response_delay=(0.004, 0.020),
                receipt_delay=(0.1, 0.6),
                early=0.05,
                other_host=0.3,
                duplicates=0.01,
                undelivered=0.03,
                errors={0x0B: 0.005},
                # Who tries a client of their own sees what the client does, not our dice.
                unlucky=EsmeOptions().source,
                mo_rate=0.5,
            ),
        )
        self.backup = Smsc(
            reactor, SmscOptions(system_id=b"backup", accounts={account: password})
        )
        self.service: NodeService
        self.client: Esme

    # ----------------------------------------------------------------- play

    async def run(self) -> Outcome:
        """Play it from the first listener to the ledger.

        :raises PortTaken: a port of the options is in use; nothing was started.
        :raises NotInTime: the node did not come up.
        """
        try:
            self._open()
            await self._wait(lambda: self._bound() or self._over, START_WITHIN, "all are bound")
            self._started_at = self._reactor.seconds()
            show = Show(self._reactor, self.picture, self._out)
            try:
                await self._play()
                await self._drain()
                await self._until(self.options.seconds)
                outcome = await self._outcome()
            finally:
                show.close()
        finally:
            await self._close()
        return outcome

    def end(self) -> None:
        """End early, in good order."""
        self._over = True

    def _open(self) -> None:
        options = self.options
        with stage.held_ports(Ports(options.port, options.tls_port, options.http_port)) as ports:
            self._start_node(ports)
        self._start_client(ports)
        self._hint = [
            f"bind with any SMPP client: {stage.ADDRESS}:{ports.plain} (TLS: {ports.tls}) "
            f"system_id {stage.DEMO[0]} password {stage.DEMO[1]}",
            f"a message from a mobile comes to {stage.DEMO[0]} every two seconds, bound or not",
            f"look at it: {stage.page(self.folder, ports)}",
            f"health: http://{stage.ADDRESS}:{ports.http}/readyz   counts: /metrics",
        ]
        socket = stage.admin_socket(self.folder)
        if socket:
            self._hint.append(f"look around: smppproxy show binds --admin {socket}")
        for line in self._hint:
            print(line, file=self._out, flush=True)

    def _start_node(self, ports: Ports) -> None:
        acme = {host: self.acme.listen(host) for host in ("a", "b")}
        backup = {"a": self.backup.listen("a")}
        node = load_node(stage.write_files(self.folder, ports, acme, backup))
        self.service = self._build(node, load_network(node.network_file), self._reactor)
        try:
            self.service.startService()
        except CannotListenError as error:
            option = "--port" if error.port == ports.plain else "--tls-port"
            raise PortTaken(option, error.port, str(error.socketError)) from None

    def _start_client(self, ports: Ports) -> None:
        system_id, password = stage.SAMPLE
        self.client = Esme(
            self._reactor,
            EsmeOptions(
                port=ports.plain,
                system_id=system_id.encode(),
                password=password.encode(),
                binds=2,
                rate=self.options.rate,
                prefixes=(b"46701", b"46702", b"46703"),
                reconnect_delay=0.1,
            ),
        )
        self.client.start()
        self.client.hold()

    def _bound(self) -> bool:
        binds = self.service.binds()
        return self.client.bound == self.client.options.binds and all(
            row.state == "Bound" for row in binds
        )

    async def _play(self) -> None:
        seconds = self.options.seconds
        self.client.go()
        await self._until(seconds / 3)
        if not self._over:
            self._event("host a of acme is killed: its connections are reset, its port is closed")
            await self.acme.crash("a")
        await self._until(seconds * 2 / 3)
        if not self._over:
            self.acme.restore("a")
            self._event("host a of acme is back")
        await self._until(seconds - min(3.0, seconds / 4))
        self.client.quit()
        self._event("the sample client submits nothing more; what is under way comes home")

    async def _drain(self) -> None:
        client = self.client

        def quiet() -> bool:
            return not client.pending and self.acme.idle and self.backup.idle

        try:
            await self._wait(quiet, DRAIN_WITHIN, "every receipt is home")
        except NotInTime:
            self._event(f"{client.pending} messages have no receipt after {DRAIN_WITHIN:g} s")

    async def _until(self, elapsed: float) -> None:
        end = self._started_at + elapsed
        now = self._reactor.seconds
        await self._wait(lambda: self._over or now() >= end, elapsed + 60.0, "time")

    def _wait(self, condition: Callable[[], object], deadline: float, what: str) -> Deferred[None]:
        return until(self._reactor, condition, deadline, what)

    def _event(self, text: str) -> None:
        self.events.append(f"{self._elapsed():5.1f} s  {text}")
        self._log.info("{text}", event="demo", text=text)

    def _elapsed(self) -> float:
        return self._reactor.seconds() - self._started_at

    # -------------------------------------------------------------- outcome

    async def _outcome(self) -> Outcome:
        client = self.client
        stored = await self._stored()
        ledger: dict[str, int] = self.service.relay.ledger.as_dict()
        ledger["lost"] = client.tally.accepted - client.tally.receipted
        problems = histories.check_ledger(ledger) + histories.check_client(client)
        problems += histories.check_providers(
            [client], [self.acme, self.backup], copies=2, others=True
        )
        if stored != ledger["queued"] and ledger["submitted"]:
            problems.append(f"queued is {ledger['queued']}, the store holds {stored}")
        figures: dict[str, float] = {**ledger}
        figures["failovers"] = sum("killed" in event for event in self.events)
        figures["binds"] = self.acme.counts.binds + self.backup.counts.binds
        figures["client_submitted"] = client.tally.submitted
        figures["client_accepted"] = client.tally.accepted
        figures["client_refused"] = client.tally.refused
        figures["client_unanswered"] = client.tally.lost
        figures["client_receipts"] = client.tally.receipted
        figures["client_crossed"] = sum(sent.crossed for sent in client.history)
        figures["seconds"] = round(self._elapsed(), 1)
        answers, receipts = self._latencies(len(client.history))
        figures["p50_ms"], figures["p99_ms"] = (round(ms, 1) for ms in answers)
        figures["receipt_p50_ms"], figures["receipt_p99_ms"] = (round(ms, 1) for ms in receipts)
        return Outcome(figures, problems)

    async def _stored(self) -> int:
        """What the accounts' receipt queues really hold, once that is what the ledger says."""
        service = self.service
        queues = [RECEIPTS + account.key for account in service.network.accounts.values()]
        stored = -1
        for _ in range(20):
            try:
                sizes = await service.store.sizes(queues)
            except StoreUnavailable:
                return -1
            stored = sum(waiting + held for waiting, held in sizes)
            if stored == service.relay.ledger.queued:
                break
            pause: Deferred[None] = Deferred()
            self._reactor.callLater(0.05, pause.callback, None)
            await pause
        return stored

    def _latencies(self, recent: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """p50 and p99 in milliseconds, of the answers and of the receipts, of recent messages."""
        history = self.client.history[-recent:] if recent else []
        answers = [one.answered_at - one.submitted_at for one in history if one.status == 0]
        receipts = [one.receipt_at - one.submitted_at for one in history if one.receipts]
        first, second = (
            (
                1000 * histories.percentile(values, 0.5),
                1000 * histories.percentile(values, 0.99),
            )
            for values in (answers, receipts)
        )
        return first, second

    # ----------------------------------------------------------------- show

    def picture(self) -> view.Picture:
        """What is to be seen now."""
        now = self._sample()
        before = self._samples[0]
        span = max(now.at - before.at, 0.001)
        states: dict[tuple[str, str], list[str]] = {}
        for row in self.service.binds():
            states.setdefault((row.provider, row.host), []).append(row.state.lower())
        hosts = [
            view.HostRow(
                provider=name,
                host=host,
                up=smsc.listens(host),
                states=states.get((name, host), ()),
                rate=(now.accepted[name, host] - before.accepted[name, host]) / span,
                accepted=now.accepted[name, host],
            )
            for name, smsc in (("acme", self.acme), ("backup", self.backup))
            for host in smsc.ports
        ]
        answers, receipts = self._latencies(RECENT)
        clients = self.service.relay.directory.clients
        return view.Picture(
            elapsed=self._elapsed(),
            duration=self.options.seconds,
            hint=self._hint,
            hosts=hosts,
            clients={name: len(bound) for name, bound in sorted(clients.items())},
            submit_rate=(now.submits - before.submits) / span,
            receipt_rate=(now.receipts - before.receipts) / span,
            answer_ms=answers,
            receipt_ms=receipts,
            ledger=self.service.relay.ledger.as_dict(),
            events=self.events,
        )

    def _sample(self) -> Sample:
        ledger = self.service.relay.ledger
        now = Sample(
            at=self._reactor.seconds(),
            submits=ledger.submitted,
            receipts=ledger.delivered,
            accepted={
                (name, host): smsc.accepted_on[host]
                for name, smsc in (("acme", self.acme), ("backup", self.backup))
                for host in smsc.ports
            },
        )
        self._samples.append(now)
        while len(self._samples) > 2 and now.at - self._samples[1].at >= RATE_OVER:
            del self._samples[0]
        return now

    async def _close(self) -> None:
        if hasattr(self, "client"):
            await self.client.stop()
        if hasattr(self, "service"):
            await maybeDeferred(self.service.stopService)
        await self.acme.stop()
        await self.backup.stop()


def main(reactor: Any, options: DemoOptions, build: Build) -> int:
    """Run the demo in this reactor; returns the exit code, the ledger is the last line printed."""
    folder = Path(tempfile.mkdtemp(prefix="smppproxy-demo-"))
    log = open(folder / "node.log", "w")  # noqa: SIM115 - closed below, after the reactor's end
    globalLogBeginner.beginLoggingTo(
        [textFileLogObserver(log)], redirectStandardIO=False, discardBuffer=True
    )
    demo = Demo(reactor, options, build, folder, sys.stdout)
    result = in_reactor(reactor, demo.run, demo.end)
    if isinstance(result, Failure):
        result.printTraceback(log)
    log.close()
    code = _report(result)
    if code == UNBALANCED:
        print(f"smppproxy demo: the node's log is {folder / 'node.log'}", file=sys.stderr)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return code


def _report(result: Any) -> int:
    if isinstance(result, Outcome):
        for problem in result.problems:
            print(f"smppproxy demo: {problem}", file=sys.stderr)
        print(result.line(), flush=True)
        return result.exit_code
    error = getattr(result, "value", "the node stopped before it began; its log says why")
    print(f"smppproxy demo: {error}", file=sys.stderr)
    return CANNOT_START if isinstance(error, PortTaken) else UNBALANCED
