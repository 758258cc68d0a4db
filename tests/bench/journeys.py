"""`python -m tests.bench.journeys`: what a message costs the node, journey by journey.

Real sessions, relay, routes, receipts, between transports that keep what is written and a store
that answers at once, so that nothing but the node's own work is measured. Reads hold as many PDUs
as a busy node's do, or one each as a quiet node's.

* submit: a client's submit_sm goes to a provider
* answer: the provider's answer becomes a map, and the client's answer
* receipt: the provider's receipt meets its map, is acknowledged, and goes to the client
* delivery: the client's answer to it takes it out of its queue
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from smppproxy.config.network import load_network
from smppproxy.relay.relay import SmppRelay
from smppproxy.routing.providers import Provider
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Bind
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.interface import QUEUED, Arrival, Entry, Mapping, Matched, Name, Room
from smppproxy.store.memory import MemoryStore
from smppproxy.wire.admission import Admission
from smppproxy.wire.authentication import Authenticator
from smppproxy.wire.client import ClientSession
from smppproxy.wire.listener import ClientFactory
from smppproxy.wire.protocol import SmppProtocol, Ticker
from smppproxy.wire.provider_session import NOBODY, UpstreamSession
from tests.bench.measure import counted
from tests.bench.rig import ETC

JOURNEYS = ("submit", "answer", "receipt", "delivery")
CLIENTS = 8
BATCH = 50
"""PDUs of one read on a busy node."""

QUEUE = b"r:load"
TEXT = b"The sixty characters of a message as the load test has them."
ID = b"%016x"
RECEIPT = (
    b"id:%b sub:001 dlvrd:001 submit date:2311142213 done date:2311142214 stat:DELIVRD err:000 "
    b"text:The sixty characters"
)


class Transport:
    """Keeps what is written to it, and is never full."""

    disconnecting = False

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.write = self.written.append

    def getPeer(self) -> IPv4Address:
        """Somebody."""
        return IPv4Address("TCP", "192.0.2.1", 2775)

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """It is never full."""

    def pauseProducing(self) -> None:
        """Nobody reads from it."""

    def resumeProducing(self) -> None:
        """Nobody reads from it."""

    def take(self) -> list[Pdu]:
        """What was written since the last look."""
        pdus, _ = Framer(1 << 20).feed(b"".join(self.written))
        self.written.clear()
        return pdus


class Answering:
    """A store that knows every message and answers at once, but for what it is asked to hold.

    :ivar calls: how many there were.
    """

    ready = True
    full = False

    def __init__(self, clock: Clock) -> None:
        self.bus = MemoryStore(clock, "bench").bus
        self.overflowed: dict[bytes, int] = {}
        self.calls = 0
        self._origins: dict[bytes, bytes] = {}
        self._entries: list[Entry] = []
        self._entry = 0

    def watch(self, callback: Callable[[bool], None]) -> None:
        """It never changes."""

    def take_numbers(self, name: bytes, count: int, patience: float = 0.0) -> Deferred[int]:
        """From 1."""
        return succeed(1)

    def record(
        self, provider: bytes, mappings: list[Mapping], ttl: int, limits: Any, **_: Any
    ) -> Deferred[list[tuple[int, bytes]]]:
        """It is there."""
        self.calls += 1
        self._origins.update([(mapping.key, mapping.origin) for mapping in mappings])
        return succeed([])

    def match(
        self,
        provider: bytes,
        arrivals: list[Arrival],
        ttl: int,
        limits: Any,
        room: Room | None = None,
        **_: Any,
    ) -> Deferred[Matched]:
        """All of them are for the one account, and in our hands if there is room."""
        self.calls += 1
        origins = self._origins
        first = self._entry
        self._entry += len(arrivals)
        entries = [
            Entry(QUEUE, b"1700000000-%d" % number, 1, origins[arrival.keys[0]], arrival.receipt)
            for number, arrival in enumerate(arrivals, first)
        ]
        found = Matched([(QUEUED, QUEUE)] * len(arrivals))
        found.accounts = found.message_ids = [b""] * len(arrivals)
        if not self._entries and room is not None and room(QUEUE, len(arrivals)):
            found.entries = entries
        else:
            self._entries += entries
        return succeed(found)

    def adopt(self, queues: list[bytes], *_: Any) -> Deferred[list[Entry]]:
        """Nobody left anything."""
        return succeed([])

    def fetch(self, wants: list[tuple[bytes, int]], patience: float = 5.0) -> Deferred[list[Entry]]:
        """What was queued since."""
        self.calls += 1
        found, self._entries = self._entries, []
        return succeed(found)

    def ack(self, names: list[Name], patience: float | None = None) -> Deferred[int]:
        """They are gone."""
        self.calls += 1
        return succeed(len(names))


class Journeys:
    """A node with eight binds of the load test's account, and two with each provider's host."""

    def __init__(self) -> None:
        network = load_network(ETC / "loadtest-network.toml")
        self.clock = Clock()
        self.store = Answering(self.clock)
        self.relay = SmppRelay(self.store, time.time, self.clock)  # type: ignore[arg-type]
        self.relay.use(network.accounts, network.routes, network.mo, 0.0, network.providers)
        self.ticker = Ticker(self.clock)
        self._admission = Admission(
            self.relay,
            self.ticker,
            Authenticator(self.clock, lambda work: succeed(True)),
            lambda: network.accounts,
        )
        self._factory = ClientFactory(self._admission, "bench")
        provider = network.providers["simulator"]
        self.upstreams = [self._upstream(provider, number) for number in range(4)]
        self.clients = [self._client() for _ in range(CLIENTS)]
        self._sequence = 0
        self._ids = 0

    def _connect(self, session: SmppProtocol) -> None:
        session.transport = Transport()
        session.makeConnection(session.transport)

    def _upstream(self, provider: Provider, number: int) -> UpstreamSession:
        host = provider.hosts[number % 2]
        session = UpstreamSession(
            provider, host, c.BIND_TRANSCEIVER, self.relay, self.ticker, host.name, None, Owner()
        )
        self._connect(session)
        (request,) = session.transport.take()
        session.dataReceived(
            build.bind_resp(c.BIND_TRANSCEIVER, 0, request.sequence_number, b"host")
        )
        return session

    def _client(self) -> ClientSession:
        session = self._factory.buildProtocol(None)
        assert session is not None
        self._connect(session)
        session.dataReceived(
            build.bind(c.BIND_TRANSCEIVER, 1, Bind(b"load", b"load", b"", 0x34, 0, 0, b""))
        )
        (answer,) = session.transport.take()
        assert answer.command_status == 0
        return session

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    # -- what the peers send ---------------------------------------------------------------------

    def submits(self, batch: int) -> list[tuple[Any, bytes]]:
        """A read of every client."""
        return [
            (
                client,
                b"".join(
                    build.submit_sm(
                        self._next(),
                        source_addr=b"sender",
                        dest_addr_ton=1,
                        dest_addr_npi=1,
                        destination_addr=b"46701%06d" % (self._sequence % 1_000_000),
                        registered_delivery=1,
                        short_message=TEXT,
                    )
                    for _ in range(batch)
                ),
            )
            for client in self.clients
        ]

    def answers(self, batch: int) -> list[tuple[Any, bytes]]:
        """Every submit_sm is taken."""
        reads: list[tuple[Any, bytes]] = []
        self._to_receipt: list[list[tuple[bytes, bytes]]] = []
        for upstream in self.upstreams:
            pdus = upstream.transport.take()
            for at in range(0, len(pdus), batch):
                parts = []
                receipts = []
                for pdu in pdus[at : at + batch]:
                    self._ids += 1
                    provider_message_id = ID % self._ids
                    parts.append(build.submit_sm_resp(pdu.sequence_number, provider_message_id))
                    receipts.append((provider_message_id, pdu.raw[28:39]))
                reads.append((upstream, b"".join(parts)))
                self._to_receipt.append(receipts)
        return reads

    def receipts(self, batch: int) -> list[tuple[Any, bytes]]:
        """And delivered."""
        return [
            (
                self.upstreams[number % len(self.upstreams)],
                b"".join(
                    build.deliver_sm(
                        self._next(),
                        source_addr=destination,
                        destination_addr=b"sender",
                        esm_class=c.ESM_RECEIPT,
                        short_message=RECEIPT % provider_message_id,
                        tlvs=[
                            (c.TLV_RECEIPTED_MESSAGE_ID, provider_message_id + b"\0"),
                            (c.TLV_MESSAGE_STATE, b"\2"),
                        ],
                    )
                    for provider_message_id, destination in receipts
                ),
            )
            for number, receipts in enumerate(self._to_receipt)
        ]

    def deliveries(self, batch: int) -> list[tuple[Any, bytes]]:
        """The clients take their receipts."""
        reads: list[tuple[Any, bytes]] = []
        for client in self.clients:
            pdus = [pdu for pdu in client.transport.take() if pdu.command_id == c.DELIVER_SM]
            for at in range(0, len(pdus), batch):
                answers = [
                    build.deliver_sm_resp(pdu.sequence_number) for pdu in pdus[at : at + batch]
                ]
                reads.append((client, b"".join(answers)))
        return reads

    # -- one round -------------------------------------------------------------------------------

    def round(self, batch: int, measure: Callable[[Callable[[], None]], float]) -> list[float]:
        """A batch of messages of every client, from submit_sm to the last answer.

        :param measure: what to measure of each journey.
        :return: that, per message and journey.
        """
        found = []
        count = batch * len(self.clients)
        for make in (self.submits, self.answers, self.receipts, self.deliveries):
            # Receipts of fresh answers are held back for a moment: that moment passes.
            self.clock.advance(0.3)
            self.clock.advance(0.3)
            reads = make(batch)

            def run(reads: list[tuple[Any, bytes]] = reads) -> None:
                for session, read in reads:
                    session.dataReceived(read)

            found.append(measure(run) / count)
        for upstream in self.upstreams:
            # deliver_sm_resp: nobody looks at them.
            upstream.transport.written.clear()
        return found


class Owner:
    """Of a bind that nobody looks after."""

    def __getattr__(self, name: str) -> Any:
        return getattr(NOBODY, name)


def microseconds(run: Callable[[], None]) -> float:
    """Of this thread's processor."""
    began = time.thread_time()
    run()
    return (time.thread_time() - began) * 1e6


def measured(batch: int, rounds: int = 60) -> dict[str, dict[str, float]]:
    """The best time and the calls of each journey, per message."""
    journeys = Journeys()
    for _ in range(5):
        journeys.round(batch, microseconds)
    numbers = journeys.round(batch, counted)
    gc.collect()
    gc.disable()
    times = [journeys.round(batch, microseconds) for _ in range(rounds)]
    gc.enable()
    best = [min(column) for column in zip(*times, strict=True)]
    ledger = journeys.relay.ledger
    assert ledger.delivered == ledger.submitted, ledger.as_dict()
    return {
        name: {"us": round(us, 2), "calls": round(count, 2)}
        for name, us, count in zip(JOURNEYS, best, numbers, strict=True)
    }


def main() -> None:
    """A table; the last line is all of it as one JSON object."""
    results = {}
    for batch, rounds in ((BATCH, 60), (2, 300), (1, 300)):
        results[str(batch)] = found = measured(batch, rounds)
        print(f"reads of {batch:3}" + "".join(f"{name:>20}" for name in (*JOURNEYS, "all")))
        for unit in ("us", "calls"):
            values = [found[name][unit] for name in JOURNEYS]
            values.append(sum(values))
            print(f"{unit:12}" + "".join(f"{value:20.2f}" for value in values))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
