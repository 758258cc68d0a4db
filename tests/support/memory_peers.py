"""Both sides of the relay in memory: bound sessions that record what they are sent, and a store
that can be held, failed, taken away and brought back.

The sessions are real :class:`smppproxy.smpp.session.Session` objects, bound by real PDUs, and what
they receive goes to the relay as the wire would hand it on. Time is :attr:`World.now`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from smppproxy.receipts.message_ids import IdProfile
from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.relay.counts import AccountCounts, HostCounts
from smppproxy.relay.relay import SmppRelay
from smppproxy.routing.accounts import Account
from smppproxy.routing.mo import MoRoute, MoTable
from smppproxy.routing.providers import Host, Provider
from smppproxy.routing.routes import Route, RouteTable, Target
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Bind, Message, read_message, read_message_id
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.session import ESME, SMSC, Received, Session
from smppproxy.smpp.timers import Timers
from smppproxy.store.interface import NOT_SENT, UNKNOWN, Store, StoreUnavailable
from smppproxy.store.journal import Keeper
from smppproxy.store.memory import MemoryStore
from smppproxy.store.memory import World as StoreWorld
from tests.support.store_within import Call, StoreWithin

UNIX = 1_700_000_000.0
"""Wall clock when the monotonic clock of a world stands at 0."""

DESTINATION = b"4512345678"


def make_account(system_id: str = "acme", **fields: Any) -> Account:
    """An account with the defaults of the product."""
    return Account(system_id=system_id, password="not looked at", **fields)


def make_provider(name: str = "p", hosts: str = "ab", **fields: Any) -> Provider:
    """A provider with one host per letter of ``hosts``."""
    fields.setdefault("ids", IdProfile())
    fields.setdefault("receipt", ReceiptProfile())
    return Provider(
        name=name,
        hosts=tuple(Host(letter, f"{letter}.example.net", 2775) for letter in hosts),
        system_id=b"smppproxy",
        password=b"secret",
        **fields,
    )


def submit(sequence_number: int, destination: bytes = DESTINATION, **fields: Any) -> bytes:
    """A submit_sm that asks for a receipt, unless ``fields`` say otherwise."""
    given: dict[str, Any] = {
        "source_addr_ton": 5,
        "source_addr": b"shop",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": destination,
        "registered_delivery": 1,
        "short_message": b"hello",
    }
    return build.submit_sm(sequence_number, **(given | fields))


def part(sequence_number: int, reference: int, number: int, total: int = 2, **more: Any) -> bytes:
    """One part of a concatenated message, told by its UDH."""
    header = bytes((5, 0, 3, reference, total, number))
    return submit(sequence_number, esm_class=0x40, short_message=header + b"part", **more)


def receipt(
    sequence_number: int,
    message_id: bytes,
    destination: bytes = DESTINATION,
    stat: bytes = b"DELIVRD",
    **fields: Any,
) -> bytes:
    """A provider's deliver_sm with a receipt in its text."""
    text = (
        b"id:%b sub:001 dlvrd:001 submit date:2311142213 done date:2311142214 stat:%b err:000 "
        b"text:hello" % (message_id, stat)
    )
    given: dict[str, Any] = {
        "source_addr": destination,
        "destination_addr": b"shop",
        "esm_class": c.ESM_RECEIPT,
        "short_message": text,
    }
    return build.deliver_sm(sequence_number, **(given | fields))


def mo(sequence_number: int, destination: bytes = b"1234", **fields: Any) -> bytes:
    """A provider's deliver_sm with a message from a person."""
    given: dict[str, Any] = {
        "source_addr": DESTINATION,
        "destination_addr": destination,
        "short_message": b"STOP",
    }
    return build.deliver_sm(sequence_number, **(given | fields))


class ControlledStore(StoreWithin):
    """A store whose calls can be held, or fail; all else is the store within.

    :ivar calls: names of the calls made, in order.
    """

    def __init__(self, inner: MemoryStore) -> None:
        super().__init__(inner)
        self.calls: list[str] = []
        self._holding: set[str] = set()
        self._failing: dict[str, list[str]] = {}
        self._held: list[tuple[str, Call, Deferred[Any]]] = []

    # -- what a test says -----------------------------------------------------------------------

    def hold(self, *names: str) -> None:
        """These calls wait from now on: nothing of them has happened until :meth:`release`."""
        self._holding.update(names)

    def release(self, *names: str) -> None:
        """These calls (all, without names) wait no more; those held run now, in order."""
        self._holding.difference_update(names or tuple(self._holding))
        held, self._held = self._held, []
        for item in held:
            name, run, deferred = item
            if name in self._holding:
                self._held.append(item)
            else:
                run().chainDeferred(deferred)

    def fail_next(self, name: str, fate: str = NOT_SENT) -> None:
        """The next call of this name fails; with fate ``unknown`` it is done all the same."""
        self._failing.setdefault(name, []).append(fate)

    def go_away(self) -> None:
        """Not ready: calls fail, or wait as long as they are patient."""
        self.inner.go_away()

    def come_back(self) -> None:
        """Ready again: what waited runs, in order."""
        self.inner.come_back()

    def _call(self, name: str, run: Call) -> Deferred[Any]:
        self.calls.append(name)
        failing = self._failing.get(name)
        if failing:
            fate = failing.pop(0)
            if fate == UNKNOWN:
                run().addErrback(lambda _: None)
            return fail(StoreUnavailable(fate, "lost" if fate == UNKNOWN else "away"))
        if name not in self._holding:
            return run()
        waiting: Deferred[Any] = Deferred()
        self._held.append((name, run, waiting))
        return waiting


class FakePeer:
    """One end of a bound session: what the relay writes is cut into PDUs and kept.

    :ivar unseen: PDUs written and not looked at yet.
    :ivar writes: how many times the relay wrote.
    """

    session: Session

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.peer = "192.0.2.1"
        self.writable = True
        self.connected = True
        self.held = False
        self.holds = 0
        self.closed_for = ""
        self.writes = 0
        self.unseen: list[Pdu] = []
        self.unread: list[bytes] = []
        self._framer = Framer(c.MAX_PDU)

    def write(self, data: bytes) -> None:
        if not self.connected or self.closed_for:
            return
        pdus, error = self._framer.feed(data)
        if error is not None or self._framer.pending or not data:
            raise AssertionError(f"not whole PDUs: {data!r}")
        self.writes += 1
        self.unseen += pdus

    def hold(self) -> None:
        self.held = True
        self.holds += 1
        # What is not read cannot be overdue, as in smppproxy.wire.protocol.
        self.session.reading = False

    def release(self) -> None:
        self.held = False
        self.session.reading = not self.unread

    def close(self, reason: str) -> None:
        self.closed_for = self.closed_for or reason

    def look(self, command_id: int) -> list[Pdu]:
        """The PDUs of this kind that nobody looked at yet."""
        seen = [pdu for pdu in self.unseen if pdu.command_id == command_id]
        self.unseen = [pdu for pdu in self.unseen if pdu.command_id != command_id]
        return seen

    def receive(self, *pdus: bytes) -> None:
        """One read from the peer; it waits while the relay does not read."""
        data = b"".join(pdus)
        if self.held:
            self.unread.append(data)
        else:
            self.handle(self.session.receive(data, self.world.now))

    def read_on(self) -> None:
        """What waited to be read is read, as far as the relay lets it."""
        while self.unread and not self.held:
            self.handle(self.session.receive(self.unread.pop(0), self.world.now))
        self.session.reading = not self.held

    def handle(self, received: Received) -> None:
        raise NotImplementedError

    def bound(self, answer: Received) -> None:
        if answer.close or not self.session.state.startswith("bound"):
            raise AssertionError(f"{self.name} is not bound: {answer.close}")


class FakeClient(FakePeer):
    """A client's session, as :mod:`smppproxy.wire` would hold it."""

    counts: AccountCounts

    def __init__(
        self,
        world: World,
        account: Account,
        command_id: int = c.BIND_TRANSCEIVER,
        interface_version: int = 0x34,
    ) -> None:
        super().__init__(world, f"{account.system_id}#{len(world.clients)}")
        self.account = account
        self.outstanding = 0
        self.bound_at = 0.0
        self._silent = 0
        timers = Timers(enquire_link=0, probe_after=0, response=30.0)
        self.session = Session(SMSC, timers, account.deliver_window)
        fields = Bind(account.system_id.encode(), b"", interface_version=interface_version)
        self.session.receive(build.bind(command_id, 1, fields), world.now)
        self.bound(self.session.accept_bind(b"smppproxy", world.now))
        world.clients.append(self)
        world.relay.client_bound(self, world.now)

    def answer(self, data: bytes, count: int) -> None:
        self.write(data)
        self.outstanding -= count
        if self.outstanding <= self.account.window:
            self.release()

    def handle(self, received: Received) -> None:
        if received.responses:
            self._silent = 0
            self.world.relay.client_responses(self, received.responses, self.world.now)
        if received.requests:
            self.world.relay.client_requests(self, received.requests, self.world.now)

    def responses(self) -> list[tuple[int, int, bytes]]:
        """``(sequence_number, command_status, message_id)`` of new submit_sm_resp."""
        return [
            (pdu.sequence_number, pdu.command_status, read_message_id(pdu))
            for pdu in self.look(c.SUBMIT_SM_RESP)
        ]

    def deliveries(self) -> list[Pdu]:
        """New deliver_sm."""
        return self.look(c.DELIVER_SM)

    def texts(self) -> list[bytes]:
        """short_message of new deliver_sm, each acknowledged with OK."""
        pdus = self.deliveries()
        self.acknowledge(pdus)
        return [fields_of(pdu).short_message for pdu in pdus]

    def acknowledge(self, pdus: Iterable[Pdu], status: int = 0) -> None:
        """Answer these deliver_sm in one read."""
        answers = [build.deliver_sm_resp(pdu.sequence_number, status) for pdu in pdus]
        if answers:
            self.receive(*answers)

    def tick(self) -> None:
        """The session looks at its timers."""
        ticked = self.session.tick(self.world.now)
        if ticked is not None and ticked.expired:
            self.world.relay.client_expired(self, ticked.expired, self.world.now)
            self._silent += len(ticked.expired)
            if self._silent >= 3:
                self.close("answers no deliver_sm")
                self.writable = False

    def lose(self) -> None:
        """The connection is gone."""
        self.connected = False
        self.writable = False
        self.world.clients.remove(self)
        self.world.relay.client_lost(self, self.world.now)


class FakeUpstream(FakePeer):
    """A session with a provider's host, as :mod:`smppproxy.wire` would hold it."""

    counts: HostCounts

    def __init__(
        self,
        world: World,
        provider: Provider,
        host: str = "a",
        command_id: int = c.BIND_TRANSCEIVER,
    ) -> None:
        super().__init__(world, f"{provider.name}/{host}#{len(world.upstreams)}")
        self.provider = provider
        self.host = next(item for item in provider.hosts if item.name == host)
        self.bound_at = world.now
        timers = Timers(enquire_link=0, probe_after=0, response=provider.response_timeout)
        self.session = Session(ESME, timers, provider.window)
        request = self.session.bind(command_id, Bind(b"smppproxy"), world.now)
        sequence_number = int.from_bytes(request[12:16], "big")
        answer = build.bind_resp(command_id, 0, sequence_number, b"smsc")
        self.bound(self.session.receive(answer, world.now))
        self._sequence_number = 0
        world.upstreams.append(self)
        world.relay.upstream_bound(self, world.now)

    def handle(self, received: Received) -> None:
        relay, now = self.world.relay, self.world.now
        if received.responses:
            relay.upstream_responses(self, received.responses, now)
        if received.late:
            relay.upstream_late(self, received.late, now)
        if received.requests:
            relay.upstream_requests(self, received.requests, now)

    def next_sequence_number(self) -> int:
        """For a deliver_sm of this host."""
        self._sequence_number += 1
        return self._sequence_number

    def submits(self) -> list[Pdu]:
        """New submit_sm."""
        return self.look(c.SUBMIT_SM)

    def accept(self, *answers: tuple[Pdu, bytes]) -> None:
        """Answer these submit_sm with OK and a message_id, in one read."""
        self.receive(
            *(build.submit_sm_resp(pdu.sequence_number, message_id) for pdu, message_id in answers)
        )

    def refuse(self, status: int, *pdus: Pdu) -> None:
        """Answer these submit_sm with an error, in one read."""
        self.receive(*(build.refusal(pdu, pdu.sequence_number, status) for pdu in pdus))

    def receipt(self, message_id: bytes, *arguments: Any, **fields: Any) -> int:
        """Send one receipt; its sequence_number."""
        number = self.next_sequence_number()
        self.receive(receipt(number, message_id, *arguments, **fields))
        return number

    def answers(self) -> list[tuple[int, int]]:
        """``(sequence_number, command_status)`` of new deliver_sm_resp."""
        return [
            (pdu.sequence_number, pdu.command_status) for pdu in self.look(c.DELIVER_SM_RESP)
        ]

    def tick(self) -> None:
        """The session looks at its timers."""
        ticked = self.session.tick(self.world.now)
        if ticked is not None and ticked.expired:
            self.world.relay.upstream_expired(self, ticked.expired, self.world.now)

    def drain(self) -> None:
        """The provider sent an unbind."""
        self.world.relay.upstream_draining(self, self.world.now)

    def lose(self) -> None:
        """The connection is gone."""
        self.connected = False
        self.writable = False
        self.world.upstreams.remove(self)
        self.world.relay.upstream_lost(self, self.world.now)


class World:
    """A relay, its store, its time, and whoever is bound."""

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        providers: Iterable[Provider] = (),
        routes: Iterable[Route] | None = None,
        mo_routes: Iterable[MoRoute] = (),
        beside: World | None = None,
        after: World | None = None,
        node: str = "node",
        maps: Keeper | None = None,
    ) -> None:
        """
        :param beside: another node of the same time, store, accounts and providers.
        :param after: this node before its restart.
        """
        other = beside or after
        if other is None:
            self.clock = Clock()
            self.clock.advance(1000.0)
            self.shared = StoreWorld(self.unix)
        else:
            self.clock = other.clock
            self.shared = other.shared
            accounts = accounts or other.accounts.values()
            providers = providers or other.providers.values()
        self.nodes: list[World] = [*beside.nodes, self] if beside else [self]
        for each in self.nodes:
            each.nodes = self.nodes
        self.accounts: dict[str, Account] = {
            item.system_id: item for item in accounts or [make_account()]
        }
        self.providers: dict[str, Provider] = {
            item.name: item for item in providers or [make_provider()]
        }
        if routes is None:
            routes = [Route("all", targets=tuple(Target(name) for name in self.providers))]
        self.routes = RouteTable(tuple(routes))
        self.mo = MoTable(tuple(mo_routes))
        self.wall_offset = 0.0
        self.store = ControlledStore(MemoryStore(self.clock, node, self.shared))
        self.clients: list[FakeClient] = []
        self.upstreams: list[FakeUpstream] = []
        self.relay: SmppRelay = SmppRelay(
            cast(Store, self.store), self.unix, self.clock, maps, fill_limit=0.6
        )
        self.relay.use(self.accounts, self.routes, self.mo, self.now, self.providers)
        self.ledger = self.relay.ledger
        self.store.inner.start()

    @property
    def now(self) -> float:
        """The monotonic clock."""
        return self.clock.seconds()

    def unix(self) -> float:
        """The wall clock."""
        return UNIX + self.now + self.wall_offset

    def client(self, system_id: str = "acme", **options: Any) -> FakeClient:
        """A new bind of this account."""
        return FakeClient(self, self.accounts[system_id], **options)

    def upstream(self, host: str = "a", provider: str = "", **options: Any) -> FakeUpstream:
        """A new bind to this host, of the only provider unless it is named."""
        name = provider or next(iter(self.providers))
        return FakeUpstream(self, self.providers[name], host, **options)

    def advance(self, seconds: float) -> None:
        """Time passes: every session and relay of all nodes looks at the clock once a second."""
        self.clock.advance(0)
        end = self.now + seconds
        while self.now < end:
            self.clock.advance(min(1.0, end - self.now))
            for node in self.nodes:
                node.tick()

    def tick(self) -> None:
        """One look at the clock."""
        for upstream in [*self.upstreams]:
            upstream.tick()
        for client in [*self.clients]:
            client.tick()
        self.relay.tick(self.now)

    def sizes(self, system_id: str = "acme", prefix: bytes = b"r:") -> tuple[int, int]:
        """(waiting, in hands) of an account's queue in the store."""
        found: list[list[tuple[int, int]]] = []
        self.store.inner.sizes([prefix + system_id.encode()]).addCallback(found.append)
        return found[0][0]


def fields_of(pdu: Pdu) -> Message:
    """Every field of a submit_sm or deliver_sm."""
    return read_message(pdu)
