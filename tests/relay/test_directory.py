"""Tests of ``relay.directory``: who is bound here, and whose turn it is."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from random import Random
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.directory import RUN, Directory, Inbox
from smppproxy.smpp import constants as c
from tests.support.memory_peers import World, make_account, make_provider


def part_of(affinity: int) -> Any:
    """As much of a submit as a pool looks at."""
    return SimpleNamespace(affinity=affinity, retry=None)


class PoolTests(SynchronousTestCase):
    """Which bind takes the next submit."""

    def setUp(self) -> None:
        self.world = World(providers=[make_provider(window=20)])
        self.binds = [self.world.upstream(host) for host in "ab"]
        self.pool = self.world.relay.directory.pools["p"]

    def picked(self, count: int) -> list[str]:
        names = []
        for _ in range(count):
            bind = self.pool.pick(0.0)
            if bind is None:
                names.append("")
            else:
                bind.session.window.open(object(), 0.0)
                names.append(bind.host.name)
        return names

    def test_gw03_in_runs(self) -> None:
        """GW-03: runs of eight, turn by turn; then what room is left, then nobody."""
        names = self.picked(41)
        self.assertEqual(["a"] * RUN + ["b"] * RUN + ["a"] * RUN, names[: 3 * RUN])
        self.assertEqual({"a": 20, "b": 20, "": 1}, Counter(names))

    def test_no_binds(self) -> None:
        """Without a bind nobody takes anything."""
        for bind in self.binds:
            bind.lose()
        self.assertEqual(None, self.pool.pick(0.0))

    def test_the_bind_in_turn_leaves(self) -> None:
        """Whose turn it was may leave at any time."""
        self.picked(RUN + 1)
        self.binds[1].session.window.drain()
        self.binds[1].lose()
        self.assertEqual(["a"] * 3, self.picked(3))

    def test_xc06_same_number_same_bind(self) -> None:
        """XC-06: one affinity is one bind; many spread over all."""
        for host in "ab":
            self.world.upstream(host)
        chosen = {number: self.pool.pick_for(part_of(number), 0.0) for number in range(100)}
        again = {number: self.pool.pick_for(part_of(number), 0.0) for number in range(100)}
        self.assertEqual(chosen, again)
        self.assertEqual(4, len({bind.name for bind in chosen.values() if bind}))

    def test_xc06_full_is_full(self) -> None:
        """XC-06: a part waits for its bind, even if another one has room."""
        bind = self.pool.pick_for(part_of(5), 0.0)
        assert bind is not None
        bind.session.window.limit = 0
        self.assertEqual(None, self.pool.pick_for(part_of(5), 0.0))
        bind.session.window.limit = 1
        bind.writable = False
        self.assertEqual(None, self.pool.pick_for(part_of(5), 0.0))


class DirectoryTests(SynchronousTestCase):
    """State and index are one."""

    def setUp(self) -> None:
        self.world = World([make_account("one"), make_account("two")])
        self.directory: Directory = self.world.relay.directory

    def test_clients(self) -> None:
        """Binds are counted by account; only receivers are in its inbox."""
        tx = self.world.client("one", command_id=c.BIND_TRANSMITTER)
        self.assertEqual({}, self.directory.inboxes)
        rx = self.world.client("one", command_id=c.BIND_RECEIVER)
        trx = self.world.client("one")
        one, two = self.world.accounts["one"], self.world.accounts["two"]
        self.assertEqual((3, 0), (self.directory.binds_of(one), self.directory.binds_of(two)))
        inbox = self.directory.inboxes[b"one"]
        self.assertEqual([rx, trx], inbox.receivers)
        self.assertEqual((b"r:one", b"m:one"), inbox.queues)
        self.assertEqual(100, inbox.room())
        for client in (tx, rx, trx):
            client.lose()
        self.assertEqual((0, {}), (self.directory.binds_of(one), self.directory.clients))
        self.assertEqual([], inbox.receivers)
        self.assertEqual([], [*inbox.takers()])

    def test_leaving_twice(self) -> None:
        """Who is not there may leave."""
        client = self.world.client("one")
        self.assertIsNotNone(self.directory.leave_client(client))
        self.assertIsNone(self.directory.leave_client(client))

    def test_inbox_takes_the_newest_account(self) -> None:
        """After a reload the inbox works with the settings of the next bind."""
        self.world.client("one")
        changed = make_account("one", deliver_window=7)
        self.assertEqual(changed, self.directory.inbox(changed).account)

    def test_upstreams(self) -> None:
        """Transmitters and transceivers take submits; a receiver is known and takes none."""
        rx = self.world.upstream("a", command_id=c.BIND_RECEIVER)
        tx = self.world.upstream("a", command_id=c.BIND_TRANSMITTER)
        pool = self.directory.pools["p"]
        self.assertEqual([tx], pool.binds)
        self.assertEqual({rx, tx}, self.directory.upstreams)
        tx.drain()
        self.assertEqual(([], {rx, tx}), (pool.binds, self.directory.upstreams))
        tx.lose()
        rx.lose()
        self.assertEqual(set(), self.directory.upstreams)


class Compared:
    """A client as an inbox sees it, which counts how often somebody compares it to find it."""

    compared = 0

    def __init__(self) -> None:
        self.writable = True
        self.session = SimpleNamespace(window=SimpleNamespace(room=1))

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        Compared.compared += 1
        return self is other


class ReceiverTests(SynchronousTestCase):
    """The receivers of an account come and go."""

    def setUp(self) -> None:
        Compared.compared = 0
        self.inbox = Inbox(make_account(), {})
        self.clients: list[Any] = [Compared() for _ in range(1000)]
        for client in self.clients:
            self.inbox.enter(client)

    def test_none_is_looked_for(self) -> None:
        """Thousands leave in one moment, in any order: each costs the same, however many stay."""
        Random(1).shuffle(self.clients)
        self.assertTrue(all(self.inbox.leave(client) for client in self.clients))
        self.assertEqual(([], 0), (self.inbox.receivers, Compared.compared))
        self.assertFalse(self.inbox.leave(self.clients[0]))
        self.assertEqual([], [*self.inbox.takers()])

    def test_gw29_who_stays_has_its_turns(self) -> None:
        """Whoever left before: in each round every receiver is picked once."""
        for client in self.clients[:900:2] + self.clients[901:]:
            self.inbox.leave(client)
        stay = len(self.inbox.receivers)
        self.assertEqual(1000 - 450 - 99, stay)
        picked = Counter(islice(self.inbox.takers(), 3 * stay))
        self.assertEqual({*self.inbox.receivers}, {*picked})
        self.assertEqual({3}, {*picked.values()})
