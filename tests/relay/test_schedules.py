"""Random schedules: whatever comes, goes and fails in whatever order, the promises hold.

Two providers with two hosts each, which give out the same ids; three accounts with different
settings; binds, clients and the store fail at random. The seed of a schedule is in the test's
name; a schedule that fails is run again by its seed alone.
"""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.routes import Route, Target
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.interface import NOT_SENT, UNKNOWN
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    receipt,
    submit,
)

STEPS = 2_000
HELD = ("record", "match", "fetch", "ack", "take_numbers")
FAILS = (
    ("record", NOT_SENT),
    ("record", UNKNOWN),
    ("match", NOT_SENT),
    ("match", UNKNOWN),
    ("fetch", NOT_SENT),
    ("fetch", UNKNOWN),
    ("ack", NOT_SENT),
    ("ack", UNKNOWN),
    ("adopt", NOT_SENT),
    ("touch", NOT_SENT),
    ("sweep", NOT_SENT),
    ("dropped", NOT_SENT),
)


class Provider:
    """What one provider knows: the messages it took and the receipts that it owes."""

    def __init__(self) -> None:
        self.serial = 0
        self.taken: dict[bytes, bytes] = {}
        self.copies: dict[bytes, int] = {}
        self.owed: list[bytes] = []
        self.sent: dict[tuple[FakeUpstream, int], bytes] = {}
        self.settled: list[bytes] = []

    def take(self, destination: bytes) -> bytes:
        """Accept a message; its id. Both providers count from 1."""
        self.serial += 1
        message_id = b"%d" % self.serial
        self.taken[message_id] = destination
        self.owed.append(message_id)
        return message_id


class Schedule:
    """One run."""

    def __init__(self, seed: int, lossy: bool) -> None:
        """
        :param lossy: answers of the store may be lost too.
        """
        self.fails = [fail for fail in FAILS if lossy or fail[1] == NOT_SENT]
        self.random = Random(seed)
        p, q = Target("p"), Target("q")
        self.world = World(
            [
                make_account("one", window=20),
                make_account("two", window=20, in_doubt="answer", message_id_format="uuid"),
                make_account("three", window=10, window_full="throttle", deliver_window=3),
            ],
            [
                make_provider("p", window=5, response_timeout=15.0),
                make_provider("q", window=8, response_timeout=40.0, temp_answer=c.ESME_RSYSERR),
            ],
            [
                Route("one", accounts=frozenset({"one"}), targets=(p, Target("q", backup=True))),
                Route("two", accounts=frozenset({"two"}), targets=(q, Target("p", backup=True))),
                Route("three", accounts=frozenset({"three"}), targets=(p, q)),
            ],
        )
        self.providers = {"p": Provider(), "q": Provider()}
        self.pending: dict[FakeUpstream, list[Pdu]] = {}
        self.unanswered: dict[FakeClient, list[Pdu]] = {}
        self.asked: dict[FakeClient, dict[int, bytes]] = {}
        self.owner: dict[bytes, str] = {}
        self.answered: dict[bytes, tuple[int, bytes]] = {}
        self.delivered: dict[tuple[str, bytes], bytes] = {}
        self.finished: set[bytes] = set()
        self.serial = 0

    # -- what may happen ------------------------------------------------------------------------

    def step(self) -> None:
        world, random = self.world, self.random
        what: list[tuple[Any, int]] = [
            (self.submit, 30),
            (self.answer, 30),
            (self.send_receipts, 20),
            (self.acknowledge, 25),
            (self.pass_time, 8),
            (self.lose_upstream, 2),
            (self.bind_upstream, 5),
            (self.lose_client, 2),
            (self.bind_client, 5),
            (self.trouble, 4),
            (self.heal_store, 4),
        ]
        act = random.choices([act for act, _ in what], [weight for _, weight in what])[0]
        act()
        self.collect()
        imbalance = world.ledger.imbalance()
        if imbalance:
            raise AssertionError(f"after {act.__name__}: {imbalance}")

    def submit(self) -> None:
        senders = [client for client in self.world.clients if client.session.can_submit]
        if not senders:
            return
        client = self.random.choice(senders)
        pdus = []
        for _ in range(self.random.randint(1, 6)):
            self.serial += 1
            destination = b"45%08d" % self.serial
            self.owner[destination] = client.account.system_id
            self.asked[client][self.serial] = destination
            want = 0x11 if self.random.random() < 0.5 else 0x01
            pdus.append(submit(self.serial, destination, registered_delivery=want))
        client.receive(*pdus)

    def answer(self) -> None:
        upstream = self.an_upstream()
        if upstream is None:
            return
        pending = self.pending[upstream]
        self.random.shuffle(pending)
        some = [pending.pop() for _ in range(self.random.randint(0, len(pending)))]
        accepted = []
        for pdu in some:
            if self.random.random() < 0.1:
                status = self.random.choice([0x0B, 0x14, 0x58, 0x410])
                if status in (0x14, 0x58):  # not taken: it will come again
                    copies = self.providers[upstream.provider.name].copies
                    copies[fields_of(pdu).destination_addr] -= 1
                upstream.refuse(status, pdu)
            else:
                accepted.append((pdu, self.taken_by(upstream, pdu)))
                if self.random.random() < 0.3:
                    self.send_receipts()
        if accepted:
            upstream.accept(*accepted)

    def taken_by(self, upstream: FakeUpstream, pdu: Pdu) -> bytes:
        return self.providers[upstream.provider.name].take(fields_of(pdu).destination_addr)

    def send_receipts(self) -> None:
        upstream = self.an_upstream()
        if upstream is None:
            return
        provider = self.providers[upstream.provider.name]
        ids = self.random.sample(provider.owed, min(len(provider.owed), self.random.randint(1, 5)))
        if provider.settled and self.random.random() < 0.2:
            ids.append(self.random.choice(provider.settled))
        self.send(upstream, provider, ids)

    def send(self, upstream: FakeUpstream, provider: Provider, ids: list[bytes]) -> None:
        pdus = []
        for message_id in ids:
            destination = provider.taken[message_id]
            if self.random.random() < 0.3:
                number = upstream.next_sequence_number()
                provider.sent[upstream, number] = b""
                pdus.append(receipt(number, message_id, destination, b"ENROUTE"))
            number = upstream.next_sequence_number()
            provider.sent[upstream, number] = message_id
            pdus.append(receipt(number, message_id, destination))
        if pdus:
            upstream.receive(*pdus)

    def acknowledge(self) -> None:
        if not self.world.clients:
            return
        client = self.random.choice(self.world.clients)
        pdus = self.unanswered[client]
        self.random.shuffle(pdus)
        some = [pdus.pop() for _ in range(self.random.randint(0, len(pdus)))]
        bad = [pdu for pdu in some if self.random.random() < 0.1]
        client.acknowledge(bad, c.ESME_RX_T_APPN)
        good = [pdu for pdu in some if pdu not in bad]
        for pdu in good:
            self.got(client, pdu)
        client.acknowledge(good)

    def pass_time(self) -> None:
        self.world.advance(self.random.choice([0.2, 1.0, 3.0, 10.0]))

    def lose_upstream(self) -> None:
        upstream = self.an_upstream()
        if upstream is not None:
            self.end_upstream(upstream)

    def end_upstream(self, upstream: FakeUpstream) -> None:
        """Some of what it had not answered it has taken all the same."""
        self.see(upstream)
        if self.random.random() < 0.3:
            upstream.drain()
        for pdu in self.pending.pop(upstream):
            if self.random.random() < 0.5:
                self.taken_by(upstream, pdu)
        upstream.lose()

    def bind_upstream(self) -> None:
        name, host = self.random.choice(["p", "q"]), self.random.choice("ab")
        bound = [(each.provider.name, each.host.name) for each in self.world.upstreams]
        if (name, host) not in bound:
            upstream = self.world.upstream(host, name)
            self.pending[upstream] = []

    def lose_client(self) -> None:
        if self.world.clients:
            self.end_client(self.random.choice(self.world.clients))

    def end_client(self, client: FakeClient) -> None:
        self.read(client)
        del self.asked[client]
        del self.unanswered[client]
        client.lose()

    def bind_client(self) -> None:
        account = self.random.choice(["one", "two", "three"])
        if self.world.relay.directory.binds_of(self.world.accounts[account]) < 3:
            kind = self.random.choice([c.BIND_TRANSCEIVER] * 2 + [c.BIND_RECEIVER])
            client = self.world.client(account, command_id=kind)
            self.asked[client], self.unanswered[client] = {}, []

    def trouble(self) -> None:
        kind = self.random.randrange(3)
        if kind == 0:
            self.world.store.go_away()
        elif kind == 1:
            self.world.store.hold(self.random.choice(HELD))
        else:
            self.world.store.fail_next(*self.random.choice(self.fails))

    def heal_store(self) -> None:
        self.world.store.come_back()
        self.world.store.release()

    # -- what is seen ---------------------------------------------------------------------------

    def an_upstream(self) -> FakeUpstream | None:
        return self.random.choice(self.world.upstreams) if self.world.upstreams else None

    def see(self, upstream: FakeUpstream) -> None:
        """What a host has received."""
        provider = self.providers[upstream.provider.name]
        for pdu in upstream.submits():
            destination = fields_of(pdu).destination_addr
            provider.copies[destination] = provider.copies.get(destination, 0) + 1
            self.pending[upstream].append(pdu)
        for number, status in upstream.answers():
            message_id = provider.sent.pop((upstream, number), b"")
            if status == 0 and message_id in provider.owed:
                provider.owed.remove(message_id)
                provider.settled.append(message_id)

    def collect(self) -> None:
        """Everybody looks at what has come; who is not read reads on; who was closed is gone."""
        for upstream in self.world.upstreams:
            upstream.read_on()
            self.see(upstream)
        for client in [*self.world.clients]:
            client.read_on()
            self.read(client)
            if client.closed_for:
                self.end_client(client)

    def read(self, client: FakeClient) -> None:
        """What a client has received."""
        for number, status, message_id in client.responses():
            destination = self.asked[client].pop(number)
            assert destination not in self.answered
            self.answered[destination] = (status, message_id)
        pdus = client.deliveries()
        for pdu in pdus:
            fields = fields_of(pdu)
            if b" stat:ENROUTE " in fields.short_message:
                assert fields.source_addr not in self.finished, "intermediate after final"
        self.unanswered[client] += pdus

    def got(self, client: FakeClient, pdu: Pdu) -> None:
        fields = fields_of(pdu)
        message_id = fields.short_message.split(b" ")[0].removeprefix(b"id:")
        account = client.account.system_id
        if b" stat:DELIVRD " not in fields.short_message:
            return
        self.finished.add(fields.source_addr)
        assert self.owner[fields.source_addr] == account, "a receipt in a foreign account"
        known = self.delivered.setdefault((account, message_id), fields.source_addr)
        assert known == fields.source_addr, "one id for two messages"

    # -- the end --------------------------------------------------------------------------------

    def heal(self) -> None:
        """Everything works again, and everybody does what is due."""
        self.heal_store()
        self.world.store._failing.clear()
        for provider in self.providers.values():
            provider.sent.clear()  # its own response timer: what was not answered is sent again
        for _ in range(100):
            self.bind_upstream()
            self.bind_client()
        for account in ("one", "two", "three"):
            client = self.world.client(account)
            self.asked[client], self.unanswered[client] = {}, []
        for _ in range(400):
            self.collect()
            for upstream in self.world.upstreams:
                pdus, self.pending[upstream] = self.pending[upstream], []
                if pdus:
                    upstream.accept(*((pdu, self.taken_by(upstream, pdu)) for pdu in pdus))
                provider = self.providers[upstream.provider.name]
                if not any(sender is upstream for sender, _ in provider.sent):
                    self.send(upstream, provider, provider.owed[:20])
            for client in self.world.clients:
                pdus, self.unanswered[client] = self.unanswered[client], []
                for pdu in pdus:
                    self.got(client, pdu)
                client.acknowledge(pdus)
            self.world.advance(2.0)
        self.collect()


class ScheduleTests(SynchronousTestCase):
    """Conservation: reliability 1, and the ledger that says so."""

    def run_schedule(self, seed: int, lossy: bool = False) -> None:
        schedule = Schedule(seed, lossy)
        for _ in range(STEPS):
            schedule.step()
        schedule.heal()
        ledger = schedule.world.ledger
        self.assertEqual({}, ledger.imbalance())
        self.check_answers(schedule)
        self.check_receipts(schedule)
        self.assertEqual(0, ledger.in_flight)
        self.assertEqual(0, ledger.withheld)
        adrift = ledger.events["adrift"]
        self.assertLessEqual(abs(ledger.queued), adrift)
        # Some were never read: their client was held and then lost.
        self.assertLessEqual(ledger.submitted, len(schedule.owner))
        for account in schedule.world.accounts:
            self.assertEqual((0, 0), schedule.world.sizes(account))
        parked = schedule.world.shared.parked
        counted = ledger.parked - sum(len(each) for each in parked.values())
        self.assertLessEqual(abs(counted), adrift)

    def check_answers(self, schedule: Schedule) -> None:
        """Each submit is answered once, unless its client left; copies are as promised."""
        for client, asked in schedule.asked.items():
            self.assertEqual({}, asked, client.name)
        ids = [message_id for status, message_id in schedule.answered.values() if not status]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertGreater(len(ids), 300)
        statuses = {status for status, _ in schedule.answered.values()}
        self.assertLessEqual(statuses, {0, 0x08, 0x0B, 0x14, 0x45, 0x58, 0xFF})
        copies: dict[bytes, int] = {}
        for provider in schedule.providers.values():
            for destination, count in provider.copies.items():
                copies[destination] = copies.get(destination, 0) + count
        for destination, count in copies.items():
            most = 1 if schedule.owner[destination] == "two" else 2
            self.assertLessEqual(count, most, destination)
        for destination, (status, _) in schedule.answered.items():
            self.assertTrue(status or copies[destination])

    def check_receipts(self, schedule: Schedule) -> None:
        """Every OK found its receipt, at its own account."""
        for destination, (status, message_id) in schedule.answered.items():
            if not status:
                key = (schedule.owner[destination], message_id)
                self.assertEqual(destination, schedule.delivered.get(key), key)

    def test_schedule_1(self) -> None:
        """2,000 random events: every OK finds its receipt, none goes astray, all adds up."""
        self.run_schedule(1)

    def test_schedule_2(self) -> None:
        """Another 2,000."""
        self.run_schedule(2)

    def test_schedule_3(self) -> None:
        """Another 2,000, with a store whose answers are lost at times."""
        self.run_schedule(3, lossy=True)
