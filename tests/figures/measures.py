"""The measurements: each builds its stage, makes trouble, and gives back its samples."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.threads import deferToThread

from smppproxy.simulator.esme import Esme
from smppproxy.simulator.histories import percentile
from smppproxy.simulator.records import Sent
from smppproxy.simulator.smsc import Smsc
from tests.figures.rows import Samples
from tests.figures.stage import Forwarder, Stage, after, first_ok, more_oks, oks
from tests.scenarios.world import Node, hosts_carry, network, unanswered
from tests.support import certificates
from tests.support.foremost import foremost
from tests.support.processes import reactor, until
from tests.support.redis_server import RedisServer
from tests.support.running import Upstream
from tests.support.sentinels import Guarded

RATE = 200.0
SPREAD = 40.0
"""Submits a second for each of the providers whose host goes silent under traffic: several a
second for that host, so that its first message after that comes at once."""
RUNS = 4
"""Runs of a client alone, and as many beside the idle binds."""
ANSWERS = 2000
"""Of one run: 10 s. Four are more than the 30 s in which every idle bind is asked once."""
CHUNK = 500
"""Answers in a row of which the p99 is taken: the median of several tells of no single moment."""
IDLE = ("first", "idle_plain", "idle_tls")
"""Accounts of idle binds."""
QUICK_SENTINELS = 1_000
"""Milliseconds: ``down-after-milliseconds`` of the sentinels, which decides most of it."""

Measure = Callable[[Stage, float], Coroutine[Any, Any, Samples]]
"""Takes a stage, and which share of the usual number of samples is wanted."""


def acme(smsc: Smsc) -> Upstream:
    """The one provider of most of them."""
    return Upstream("acme", [*smsc.ports.values()], "window = 100")


async def resets(stage: Stage, share: float) -> Samples:
    """All connections of a host are reset, under traffic, again and again."""
    smsc = stage.provider(response_delay=0.02)
    node = await stage.node(network([acme(smsc)], {"demo": "window = 500"}), [smsc])
    client = stage.client(node, rate=RATE)
    first, last = [], []
    for number in range(max(2, int(100 * share))):
        host = "ab"[number % 2]
        await until(lambda: all(smsc.links(each, bound=True) for each in "ab"))
        await hosts_carry(smsc, "ab", 5)
        await until(partial(_is_carrying, smsc, host))
        stuck = [int(destination[-8:]) for destination in unanswered(smsc, host)]
        moment, since = reactor.seconds(), len(client.history)
        smsc.drop(host)
        first.append(1000 * await first_ok(client, moment, since))
        waiting = [client.history[each] for each in stuck]
        await until(partial(_are_answered, waiting))
        last.append(1000 * (max(sent.answered_at for sent in waiting) - moment))
    return {"rst": first, "rst_in_flight": last}


def _is_carrying(smsc: Smsc, host: str) -> bool:
    return bool(unanswered(smsc, host))


def _are_answered(messages: list[Sent]) -> bool:
    return all(sent.status == 0 for sent in messages)


async def silences(stage: Stage, share: float) -> Samples:
    """Many providers, the host a of each behind a forwarder that swallows everything: under
    traffic, and with none at all.
    """
    count = max(2, int(24 * share))
    random = Random(1)
    upstreams, routes, forwarders = [], [], []
    for number in range(2 * count):
        smsc = stage.provider()
        target = TCP4ClientEndpoint(reactor, "127.0.0.1", smsc.ports["a"])
        forwarders.append(Forwarder(stage, target))
        name = f"p{number}"
        upstreams.append(Upstream(name, [forwarders[-1].port, smsc.ports["b"]], "window = 100"))
        routes.append(f'[[route]]\nprefixes = ["{467000 + number}"]\ntargets = ["{name}"]\n')
    text = network(upstreams, {"demo": "window = 4000"}, "\n".join(routes))
    node = await stage.node(text)
    await until(lambda: sum("is bound" in line for line in node.process.story) >= 4 * count)
    prefixes = tuple(b"%d" % (467000 + number) for number in range(count))
    client = stage.client(node, rate=SPREAD * count, prefixes=prefixes, window=3900)
    await more_oks(client, 20 * count)

    async def go_silent(forwarder: Forwarder, within: float) -> float:
        await after(random.uniform(0.0, within))
        forwarder.swallow()
        await until(lambda: bool(forwarder.given_up), 120.0)
        return forwarder.given_up - forwarder.black

    doing = [
        Deferred.fromCoroutine(go_silent(each, 12.0 if place < count else 30.0))
        for place, each in enumerate(forwarders)
    ]
    given_up = [took for _, took in await DeferredList(doing)]
    client.quit()
    await until(lambda: not client.pending)
    waits = [0.0] * count
    for sent in oks(client, 0):
        place = sent.number % count
        waits[place] = max(waits[place], sent.answered_at - sent.submitted_at)
    return {
        "blackhole_busy": given_up[:count],
        "blackhole_idle": given_up[count:],
        "blackhole_wait": waits,
    }


async def store_restarts(stage: Stage, share: float) -> Samples:
    """The store is killed and started again on its file, under traffic."""
    server = RedisServer().start()
    stage.ends_with(server.close)
    node, client = await _with_store(stage, server.url)
    random, found = Random(1), []
    for _ in range(max(2, int(40 * share))):
        await more_oks(client, 50)
        await after(random.uniform(0.0, 0.5))
        server.kill()
        await node.process.expect_line("store is away")
        server.start()
        moment = reactor.seconds()
        found.append(1000 * await first_ok(client, moment, 0))
        await node.process.expect_line("store is ready")
    return {"store": found}


async def sentinels(stage: Stage, share: float) -> Samples:
    """The master is killed; three sentinels make a replica the new one."""
    found = []
    for _ in range(max(1, int(8 * share))):
        own = Stage()
        guarded = Guarded(2, down_after=QUICK_SENTINELS)
        own.ends_with(guarded.close)
        try:
            guarded.start()
            await until(guarded.is_ready)
            _, client = await _with_store(own, guarded.url())
            await more_oks(client, 100)
            moment = reactor.seconds()
            guarded.master.kill()
            # What was on its way may have its OK a moment later.
            found.append(await first_ok(client, moment + 0.2, 0) + 0.2)
        finally:
            await own.end()
    return {"sentinel": found}


async def _with_store(stage: Stage, url: str) -> tuple[Node, Esme]:
    smsc = stage.provider()
    text = network([acme(smsc)], {"demo": "window = 500"})
    node = await stage.node(text, [smsc], store=url)
    await node.process.expect_line("store is ready")
    return node, stage.client(node, rate=RATE)


async def nobody_upstream(stage: Stage, share: float) -> Samples:
    """All hosts are dead, and a client submits."""
    smsc = stage.provider()
    node = await stage.node(network([acme(smsc)]), [smsc])
    for host in "ab":
        await smsc.crash(host)
        await node.process.expect_line(rf"acme/{host}\S* is down")
    client = stage.client(node, rate=RATE)
    await until(lambda: client.tally.refused > 2000 * share)
    answered = [sent for sent in client.history if sent.status > 0]
    return {"down": [1000 * (sent.answered_at - sent.submitted_at) for sent in answered]}


async def idle_binds(stage: Stage, share: float) -> Samples:
    """10,000 plain binds and 1,000 over TLS that do nothing, beside a client that works.

    Node, store, provider and that client are foremost on this machine: the crowd, which would be
    elsewhere, does not take the processor from them.
    """
    with foremost():
        return await _idle_binds(stage, share)


async def _idle_binds(stage: Stage, share: float) -> Samples:
    folder = Path(tempfile.mkdtemp(prefix="smppproxy-"))
    stage.ends_with(lambda: shutil.rmtree(folder, ignore_errors=True))
    files = certificates.make(folder)
    wide = "accept_rate = 2000\nmax_sessions = 20000\n"
    listeners = (
        f'{wide}\n[[listener]]\nname = "tls"\naddress = "127.0.0.1"\nport = 0\ntls = true\n'
        f'{wide}certificate = "{files.certificate}"\nkey = "{files.key}"\n'
    )
    smsc = stage.provider()
    text = network([acme(smsc)], {"demo": "", **dict.fromkeys(IDLE, "max_binds = 10000")})
    node = await stage.node(text, [smsc], listeners=listeners)
    client = stage.client(node, rate=RATE)
    alone = [await _answers(client, share) for _ in range(RUNS)]
    found: dict[str, list[float]] = {"busy_alone": sum(alone, [])}
    for name, count, port, more in (
        ("idle_plain", 10_000, node.port, ()),
        ("idle_tls", 1_000, node.tls_port, (str(files.ca),)),
    ):
        # The first ones bring what is there once for all of them.
        await _crowd(stage, "first", port, 100, more)
        before = _resident(node)
        await _crowd(stage, name, port, int(count * share), more)
        found[name] = [(_resident(node) - before) / int(count * share)]
    beside = [await _answers(client, share) for _ in range(RUNS)]
    found["busy_beside"] = sum(beside, [])
    found["busy_more"] = [grown(alone, beside)]
    found["busy_usual"] = [usual_p99(found["busy_beside"]) - usual_p99(found["busy_alone"])]
    return found


def grown(before: Sequence[Sequence[float]], since: Sequence[Sequence[float]]) -> float:
    """By how much the p99 of all runs since exceeds that of the worst run before, each as long.

    A run is worse than another by itself, on a machine that has other things to do: what differs
    from run to run before is not due to what came since.
    """
    worst = max(percentile(run, 0.99) for run in before)
    return percentile([each for run in since for each in run], 0.99) - worst


def usual_p99(samples: Sequence[float]) -> float:
    """The median, over parts of the samples, of what 99 % of a part do not exceed."""
    count = max(1, len(samples) // CHUNK)
    size = -(-len(samples) // count)
    parts = [samples[at : at + size] for at in range(0, len(samples), size)]
    return median(percentile(part, 0.99) for part in parts)


async def _answers(client: Esme, share: float) -> list[float]:
    since = len(client.history)
    await more_oks(client, int(ANSWERS * share))
    return [1000 * (sent.answered_at - sent.submitted_at) for sent in oks(client, since)]


async def _crowd(stage: Stage, name: str, port: int, count: int, more: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "tests.figures.crowd", name, str(port), str(count), *more]
    crowd = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def end() -> None:
        crowd.communicate()

    stage.ends_with(end)
    assert crowd.stdout is not None
    line = await deferToThread(crowd.stdout.readline)
    assert line == b"bound\n", line


def _resident(node: Node) -> float:
    status = Path(f"/proc/{node.process.transport.pid}/status").read_text()
    return float(status.partition("VmRSS:")[2].split()[0])
