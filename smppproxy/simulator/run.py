"""The simulators by themselves, for ``smppproxy simulate``: until done, or interrupted.

Each ends with one JSON object on the last line of stdout.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.python.failure import Failure

from smppproxy.simulator import histories
from smppproxy.simulator.clock import NotInTime, until
from smppproxy.simulator.esme import Esme, EsmeOptions
from smppproxy.simulator.smsc import Smsc, SmscOptions

#: Hosts are named in the order in which they are given.
NAMES = "abcdefghijklmnopqrstuvwxyz"

#: Longer than anybody waits.
FOREVER = 10 * 365 * 86400.0


def in_reactor(
    reactor: Any, work: Callable[[], Coroutine[Any, Any, Any]], end: Callable[[], object]
) -> Any:
    """Run the reactor for this work; SIGINT and SIGTERM call ``end``, which lets it finish.

    :returns: what the work returned, a ``Failure``, or None when the reactor was stopped before.
    """
    results: list[Any] = []

    def start() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: reactor.callFromThread(end))
        working = Deferred.fromCoroutine(work())
        working.addBoth(results.append)
        working.addBoth(lambda _: reactor.callLater(0, stop))

    def stop() -> None:
        if reactor.running:
            reactor.stop()

    reactor.callWhenRunning(start)
    reactor.run()
    return results[0] if results else None


class _Stage:
    """Ends when told to, or after so many seconds (0: never)."""

    def __init__(self, reactor: Any, seconds: float) -> None:
        self.over = False
        self._reactor = reactor
        self._seconds = seconds or FOREVER
        self._end = 0.0

    def end(self) -> None:
        """End now."""
        self.over = True

    async def wait(self, condition: Callable[[], object]) -> None:
        """Until the condition is true, or the end has come."""
        now = self._reactor.seconds
        self._end = self._end or now() + self._seconds
        try:
            await until(self._reactor, lambda: self.over or condition(), self._end - now())
        except NotInTime:
            self.over = True


def run_smsc(
    reactor: Any,
    options: SmscOptions,
    ports: Sequence[int],
    address: str = "127.0.0.1",
    seconds: float = 0.0,
    tls: Any = None,
    crashes: tuple[float, float] = (0.0, 0.0),
) -> int:
    """Be a provider with a host on each port. Exit code 0, or 2 when a port is taken.

    :param tls: a server connection creator; None: plain.
    :param crashes: every so many seconds the next host dies for so many; (0, 0): never.
    """
    smsc = Smsc(reactor, options)
    stage = _Stage(reactor, seconds)

    async def work() -> None:
        try:
            for name, port in zip(NAMES, ports, strict=False):
                print(f"host {name}: {address}:{smsc.listen(name, port, tls, address)}")
            sys.stdout.flush()
            if crashes[0]:
                reactor.callLater(crashes[0], _crash, reactor, smsc, stage, crashes, 0)
            await stage.wait(lambda: False)
        finally:
            await smsc.stop()

    return _told(in_reactor(reactor, work, stage.end), attrs.asdict(smsc.counts), [])


def _crash(
    reactor: Any, smsc: Smsc, stage: _Stage, crashes: tuple[float, float], turn: int
) -> None:
    """The next host dies and comes back; each time another one."""
    if stage.over:
        return
    every, down = crashes
    host = sorted(smsc.ports)[turn % len(smsc.ports)]
    print(f"host {host} is down for {down:g} s", flush=True)
    smsc.crash(host).addCallback(
        lambda _: reactor.callLater(down, lambda: stage.over or smsc.restore(host))
    )
    reactor.callLater(every, _crash, reactor, smsc, stage, crashes, turn + 1)


def run_esme(
    reactor: Any, options: EsmeOptions, seconds: float = 0.0, drain: float = 10.0
) -> int:
    """Be a client until all is receipted. Exit code 0 if every OK has its receipt, else 1.

    It is 1 too when its first binds are refused or not one message was taken, 3 when nobody
    answered; a session that was bound once is made anew for as long as there is something to do.

    :param seconds: submit no longer than that (0: no limit); :param drain: then wait so long.
    """
    esme = Esme(reactor, options)
    stage = _Stage(reactor, seconds)

    async def work() -> None:
        esme.start()
        await stage.wait(lambda: esme.bound or esme.done or esme.is_shut_out)
        if esme.tally.binds:
            print(f"bound to {options.address}:{options.port}", flush=True)
        await stage.wait(lambda: esme.done or esme.is_shut_out)
        if stage.over:
            esme.quit()
            stage.over = False
            with suppress(NotInTime):
                await until(reactor, lambda: stage.over or esme.done, drain)
        await esme.stop()

    result = in_reactor(reactor, work, stage.end)
    counts: dict[str, float] = attrs.asdict(esme.tally)
    answers = [one.answered_at - one.submitted_at for one in esme.history if one.status == 0]
    receipts = [one.receipt_at - one.submitted_at for one in esme.history if one.receipts]
    for name, values in (("", answers), ("receipt_", receipts)):
        for percent in (50, 99):
            value = histories.percentile(values, percent / 100)
            counts[f"{name}p{percent}_ms"] = round(1000 * value, 1)
    code = _told(result, counts, [*_in_vain(esme), *histories.check_client(esme)])
    return 3 if esme.is_shut_out and not esme.tally.binds_refused else code


def _in_vain(esme: Esme) -> list[str]:
    """Why nothing came of it, if nothing did."""
    tally = esme.tally
    if not tally.binds:
        return [*filter(None, [esme.trouble]), "not one bind was accepted"]
    if tally.submitted and not tally.accepted:
        return [f"not one of {tally.submitted} messages was accepted"]
    return []


def _told(result: Any, counts: dict[str, Any], problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"smppproxy simulate: {problem}", file=sys.stderr)
    if isinstance(result, Failure):
        print(f"smppproxy simulate: {result.getErrorMessage()}", file=sys.stderr)
        return 2 if result.check(CannotListenError) else 1
    print(json.dumps(counts), flush=True)
    return 1 if problems else 0
